//! What applies to a device, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use voxproof_record::{PlannedCase, Selection};
use voxproof_spec::{
    Capability, Case, DeviceAction, EvaluationError, Expression, IcsDeclaration, LoadedSuite, Located, Step,
    declarations, only_environment,
};

/// A plan cannot be made.
pub type PlanError = EvaluationError;

/// What a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every case of the suite, in order of id.
    pub cases: Vec<PlannedCase>,
    /// Claimed features with the suite's defaults filled in.
    pub ics: BTreeMap<String, bool>,
    /// The ICS proforma with the device's answers.
    pub proforma: Vec<IcsDeclaration>,
    /// What a person will be asked to do, by case, when the device is driven by hand.
    pub prompts: usize,
}

impl Plan {
    /// The cases that run.
    pub fn selected(&self) -> impl Iterator<Item = &PlannedCase> {
        self.cases.iter().filter(|case| case.selection == Selection::Run)
    }

    /// Why a designation cannot be met whatever the run shows: mandatory items of the proforma that the device does not have.
    pub fn denials(&self) -> Vec<String> {
        self.proforma.iter().filter_map(IcsDeclaration::denial).collect()
    }

    /// Sum of the expected durations of the cases that run.
    pub fn expected(&self) -> Duration {
        Duration::from_secs_f64(self.selected().map(|case| case.duration_s).sum())
    }
}

/// Makes the plan: ICS first, then what the driver can do, then `--only`.
pub fn plan(
    suite: &LoadedSuite,
    claimed: &BTreeMap<Located<String>, bool>,
    capabilities: &BTreeSet<Capability>,
    only: Option<&str>,
) -> Result<Plan, PlanError> {
    let proforma = declarations(&suite.suite.ics, claimed)?;
    let mut ics: BTreeMap<String, bool> = proforma
        .iter()
        .map(|one| (one.item.clone(), one.declared))
        .collect();
    for (name, value) in claimed {
        ics.insert(name.to_string(), *value);
    }
    let facts = json!(ics);
    let only = only.map(checked_only).transpose()?;
    let mut cases = Vec::new();
    let mut prompts = 0;
    for loaded in suite.cases.values() {
        let case = &loaded.case;
        let selection = if !Expression::parse(&case.applies)?.evaluate(&[("ics", &facts)])? {
            Selection::NotApplicable {
                reason: format!("the device does not claim it: {} is false", *case.applies),
            }
        } else if let Some(missing) = case.needs.iter().find(|need| !capabilities.contains(need)) {
            Selection::NotApplicable {
                reason: format!("the device driver cannot do `{}`", missing.name()),
            }
        } else if let Some(file) = missing_file(suite, case) {
            Selection::NotApplicable {
                reason: format!("the lab does not have the file {file}"),
            }
        } else if only.as_ref().map_or(Ok(true), |only| fits(only, case))? {
            prompts += steps(case)
                .filter(|step| matches!(step, Step::Device(action) if asks(action)))
                .count();
            Selection::Run
        } else {
            Selection::NotSelected
        };
        cases.push(PlannedCase::new(case, selection));
    }
    Ok(Plan {
        cases,
        ics,
        proforma,
        prompts,
    })
}

/// A file that the case sends and that this lab does not have.
fn missing_file<'a>(suite: &LoadedSuite, case: &'a Case) -> Option<&'a str> {
    steps(case).find_map(|step| match step {
        Step::Send(send) => send
            .file
            .as_ref()
            .map(|file| file.as_str())
            .filter(|file| suite.files.get(*file).is_none_or(Option::is_none)),
        _ => None,
    })
}

fn asks(action: &DeviceAction) -> bool {
    !matches!(action, DeviceAction::AutoAnswer(_))
}

fn steps(case: &Case) -> impl Iterator<Item = &Step> {
    case.setup
        .iter()
        .chain(&case.step)
        .chain(&case.teardown)
        .map(|step| &**step)
}

fn checked_only(source: &str) -> Result<Expression, PlanError> {
    let expression = Expression::parse(source)?;
    expression.check(&only_environment())?;
    Ok(expression)
}

fn fits(only: &Expression, case: &Case) -> Result<bool, PlanError> {
    only.evaluate(&[
        ("id", &json!(case.id.as_str())),
        ("title", &json!(case.title)),
        ("level", &json!(case.level)),
        ("severity", &json!(case.severity)),
        ("catalogue", &json!(case.catalogue.clone().unwrap_or_default())),
        ("requirement", &json!(case.requirement)),
        ("tiers", &json!(case.tiers)),
        ("verdict", &json!("")),
    ])
}
