//! What the ICS proforma says beside its questions, and what a device file answers.

use std::path::Path;
use std::sync::Arc;

use super::Linter;
use crate::diagnostic::Diagnostic;
use crate::environment::case_environment;
use crate::expression::{Expression, near_miss};
use crate::{DeviceFile, IcsItem, IxitPart, Suite, Tier};

/// Claims that do not go together, and claims without what the lab has to know about them.
pub(super) fn claims(linter: &mut Linter<'_>, device: &DeviceFile, suite: &Suite) {
    let claimed = |item: &str, default: bool| {
        device
            .ics
            .iter()
            .find(|(name, _)| name.as_str() == item)
            .map_or(default, |(_, claimed)| *claimed)
    };
    let all: serde_json::Map<String, serde_json::Value> = suite
        .ics
        .iter()
        .map(|(item, about)| (item.clone(), claimed(item, about.default).into()))
        .collect();
    let all = serde_json::Value::Object(all);
    for (item, about) in &suite.ics {
        // what the file leaves out is the suite's guess, and no claim
        let Some((name, true)) = device.ics.iter().find(|(name, _)| name.as_str() == item) else {
            continue;
        };
        let span = name.span();
        // an expression that cannot be evaluated is a mistake of the suite, which its own lint reports
        if let Some(requires) = &about.requires
            && let Ok(expression) = Expression::compile(requires)
            && expression.evaluate(&[("ics", &all)]) == Ok(false)
        {
            linter
                .error(
                    "E0130",
                    span.clone(),
                    format!("`{item}` is claimed, and what it needs is not: {}", **requires),
                )
                .help = Some(about.question.clone());
        }
        match about.ixit {
            Some(IxitPart::Settings) if device.ixit.settings.is_none() => {
                linter
                    .error(
                        "E0131",
                        span,
                        format!("`{item}` is claimed, and there is no [ixit.settings]"),
                    )
                    .help = Some(
                    "tell the path that the device asks for and the text that it understands".to_owned(),
                );
            }
            _ => {}
        }
    }
}

/// What the ICS proforma says beside its questions.
pub(crate) fn proforma(suite: &Suite, path: &Path, source: &Arc<str>) -> Vec<Diagnostic> {
    let mut linter = Linter {
        path,
        source,
        problems: Vec::new(),
    };
    let ics: Vec<String> = suite.ics.keys().cloned().collect();
    let environment = case_environment(&ics);
    for (name, item) in &suite.ics {
        for expression in item.requires.iter().chain(&item.mandatory_if) {
            linter.expression(expression, &environment);
        }
        status(&mut linter, name, item);
        if let Some(observed) = &item.observed {
            if observed.is_empty() {
                linter
                    .error("E0133", observed.span(), format!("`{name}` has no sign"))
                    .help = Some("name one, or leave `observed` out where it cannot be seen".to_owned());
            }
            for transport in &observed.registers_by {
                if !SIGNALLING_TRANSPORTS.contains(&transport.as_str()) {
                    let message = format!("unknown transport `{transport}`");
                    let help = near_miss(transport, SIGNALLING_TRANSPORTS.into_iter());
                    linter.error("E0133", observed.span(), message).help = help;
                }
            }
        }
    }
    linter.problems
}

/// Transports that an observed registration may name.
const SIGNALLING_TRANSPORTS: [&str; 5] = ["UDP", "TCP", "TLS", "WS", "WSS"];

/// Whether an item is mandatory, and for what.
fn status(linter: &mut Linter<'_>, name: &str, item: &IcsItem) {
    if let (None, Some(condition)) = (item.mandatory.first(), &item.mandatory_if) {
        let message = format!("`{name}` is mandatory on a condition, and for no designation");
        linter.error("E0132", condition.span(), message).help =
            Some("add mandatory = [\"certified\"]".to_owned());
    }
    let Some(first) = item.mandatory.first() else {
        return;
    };
    if item.because.is_none() {
        let message = format!("`{name}` is mandatory, and nothing says why");
        linter.error("E0132", first.span(), message).help =
            Some("add because = \"...\": a vendor who misses a designation by it is told".to_owned());
    }
    for tier in &item.mandatory {
        if **tier == Tier::Informative {
            linter.error(
                "E0132",
                tier.span(),
                "nothing is mandatory for what decides nothing",
            );
        }
    }
    let binds = |tier| item.mandatory.iter().any(|one| **one == tier);
    if binds(Tier::WorksWith) && !binds(Tier::Certified) {
        let message = format!("`{name}` is asked for the minimum designation and not for the stringent one");
        linter.error("E0132", first.span(), message).help =
            Some("write mandatory = [\"certified\", \"works-with\"]".to_owned());
    }
}
