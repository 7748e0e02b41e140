//! Every case can fail: the healthy simulated phone passes all of them, and for every case there is a fault of the
//! phone that makes exactly that case fail. The whole matrix is driven in virtual time and published in
//! `docs/fault-matrix.md`.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use voxproof_device::ScriptedOperator;
use voxproof_record::{CaseRecord, Run, Selection};
use voxproof_runner::{DeviceChoice, Interrupt, Profile, RunOptions, Runner};
use voxproof_simphone::Fault;
use voxproof_spec::{LoadedSuite, Tier, Verdict, load_device};

type Row = BTreeMap<String, Verdict>;

/// The cases that ask for what the phone is set to.
fn selected(run: &Run) -> impl Iterator<Item = &CaseRecord> {
    run.cases
        .iter()
        .filter(|case| case.planned.selection == Selection::Run)
}

fn verdicts(run: &Run) -> Row {
    run.cases
        .iter()
        .filter_map(|case| case.verdict().map(|verdict| (case.planned.id.clone(), verdict)))
        .collect()
}

/// What the phone is set to. Most faults are looked for in a plain phone; some show only in another setting, and there
/// only the cases that ask for that setting are run.
struct Setting {
    media: &'static str,
    /// The items of the suite that say so.
    item: Option<&'static str>,
    only: Option<&'static str>,
    faults: &'static [Fault],
}

static PLAIN: Setting = Setting {
    media: "",
    item: None,
    only: None,
    faults: &[],
};

static SPECIAL: [Setting; 2] = [
    Setting {
        media: "[media]\nsecurity = \"sdes\"\n",
        item: Some("srtp"),
        only: Some("id.contains(\"-SRT-\")"),
        faults: &[
            Fault::SavpAnsweredWithAvp,
            Fault::SrtpAnswerWrongTag,
            Fault::SrtpBadTag,
            Fault::SrtpSendsPlain,
        ],
    },
    Setting {
        media: "[media]\ncodecs = [\"G722\"]\n",
        item: Some("g722"),
        only: Some("id == \"IPP-COD-002\""),
        faults: &[Fault::G722Clock16000],
    },
];

fn setting_of(fault: Fault) -> &'static Setting {
    SPECIAL
        .iter()
        .find(|setting| setting.faults.contains(&fault))
        .unwrap_or(&PLAIN)
}

/// The simulated phone with faults, claiming every item of the suite: the suite's defaults are those of a plain phone.
fn device(suite: &LoadedSuite, setting: &Setting, faults: &[Fault]) -> String {
    let names: Vec<String> = faults.iter().map(|fault| format!("{:?}", fault.name())).collect();
    let special = |item: &str| SPECIAL.iter().any(|other| other.item == Some(item));
    let claims: String = suite
        .suite
        .ics
        .keys()
        .map(|item| {
            let claimed = !special(item) || setting.item == Some(item.as_str());
            format!("{item} = {claimed}\n")
        })
        .collect();
    format!(
        "[device]\nmanufacturer = \"Voxproof\"\nmodel = \"simulated phone\"\nfirmware = \"auto\"\n\n\
         [driver.sim]\nfaults = [{}]\n\n[ics]\n{claims}\n{}",
        names.join(", "),
        setting.media
    )
}

/// Runs the suite against that phone in virtual time.
fn run(suite: &Arc<LoadedSuite>, setting: &Setting, faults: &[Fault]) -> Run {
    let out = common::scratch();
    let path = out.path().join("device.toml");
    std::fs::write(&path, device(suite, setting, faults)).expect("the scratch folder can be written");
    let file = load_device(&path, Some(&suite.suite)).unwrap_or_else(|problems| panic!("{problems}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = RunOptions {
            suite: Arc::clone(suite),
            device: DeviceChoice::File(path, Box::new(file)),
            out: out.path().to_owned(),
            profile: Profile::Precert,
            only: setting.only.map(str::to_owned),
            jobs: 1,
            virtual_time: true,
            target: Tier::Certified,
            seed: 1,
        };
        let operator = Arc::new(ScriptedOperator::default());
        Runner::new(options, operator, Arc::new(|_| {}), Interrupt::default())
            .run()
            .await
            .unwrap_or_else(|error| panic!("{faults:?}: {error}"))
    })
}

#[test]
fn every_case_passes_on_a_healthy_phone_and_fails_on_its_own_fault() {
    let suite = common::suite();
    let healthy: Vec<Run> = [&PLAIN]
        .into_iter()
        .chain(&SPECIAL)
        .map(|setting| run(&suite, setting, &[]))
        .collect();
    for case in healthy.iter().flat_map(selected) {
        let attempt = case
            .attempts
            .last()
            .unwrap_or_else(|| panic!("{} was not run", case.planned.id));
        assert_eq!(
            attempt.judgement.verdict,
            Verdict::Pass,
            "{}: {}",
            case.planned.id,
            attempt.judgement.reason
        );
    }
    let cases: BTreeSet<String> = healthy.iter().flat_map(verdicts).map(|(case, _)| case).collect();
    for case in suite.cases.keys() {
        assert!(
            cases.contains(case),
            "{case}: it applies to no setting of the phone"
        );
    }

    // a fault without a case is no proof of anything: it waits, and the page says so
    let covered = Fault::ALL.iter().copied().filter(|fault| fault.is_covered());
    let queue: Mutex<Vec<Fault>> = Mutex::new(covered.collect());
    let matrix: Mutex<BTreeMap<&'static str, Row>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(fault) = queue.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
                        break;
                    };
                    let run = run(&suite, setting_of(fault), &[fault]);
                    matrix
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(fault.name(), verdicts(&run));
                }
            });
        }
    });
    let matrix = matrix.into_inner().unwrap_or_else(PoisonError::into_inner);

    let mut proof: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut problems = vec![];
    for (fault, row) in &matrix {
        let broad = Fault::ALL
            .iter()
            .any(|one| one.name() == *fault && one.is_broad());
        let failed: Vec<&String> = row
            .iter()
            .filter(|(_, verdict)| **verdict == Verdict::Fail)
            .map(|(case, _)| case)
            .collect();
        let errors: Vec<&String> = row
            .iter()
            .filter(|(_, verdict)| **verdict == Verdict::Error)
            .map(|(case, _)| case)
            .collect();
        if !errors.is_empty() {
            problems.push(format!(
                "{fault}: a device fault must not be an error of the lab: {errors:?}"
            ));
        }
        if failed.is_empty() {
            problems.push(format!("{fault}: no case notices it"));
        }
        if let [only] = failed.as_slice() {
            proof.entry((*only).clone()).or_default().push(fault);
        } else if failed.len() > 1 && !broad {
            problems.push(format!("{fault}: it should fail one case, it fails {failed:?}"));
        }
    }
    for case in &cases {
        if !proof.contains_key(case) {
            problems.push(format!("{case}: no fault makes exactly this case fail"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    common::same_or_generate("docs/fault-matrix.md", &page(&cases, &matrix, &proof));
}

fn page(
    cases: &BTreeSet<String>,
    matrix: &BTreeMap<&'static str, Row>,
    proof: &BTreeMap<String, Vec<&str>>,
) -> String {
    let mut text = String::from(
        "# The fault matrix\n\n\
         A test that cannot fail proves nothing. The simulated phone has faults that can be switched on one by one; each row \
         of the second table is a whole run of the suite against the phone with that fault. This page is generated by \
         `cargo xtask generate` from those runs and checked by `cargo xtask test`.\n\n\
         With no fault every case passes. Faults that show only in protected or wideband calls are run against a phone that is \
         set so, with the cases that ask for such a phone.\n\n\
         ## Cases and the faults that fail exactly them\n\n| case | faults |\n|---|---|\n",
    );
    for case in cases {
        let faults = proof.get(case).map(|list| {
            list.iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        });
        text += &format!("| {case} | {} |\n", faults.unwrap_or_default());
    }
    text += "\n## Faults and what they do to the suite\n\nA case that a fault keeps from being judged is inconclusive: \
             the phone is not blamed for what was not seen.\n\n| fault | failed | inconclusive |\n|---|---|---|\n";
    for fault in Fault::ALL {
        let Some(row) = matrix.get(fault.name()) else {
            continue;
        };
        let list = |wanted: Verdict| {
            row.iter()
                .filter(|(_, verdict)| **verdict == wanted)
                .map(|(case, _)| case.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        text += &format!(
            "| `{}`: {} | {} | {} |\n",
            fault.name(),
            fault.description().replace('|', "/"),
            list(Verdict::Fail),
            list(Verdict::Inconc)
        );
    }
    text += "\n## Faults with no case yet\n\n";
    for fault in Fault::PENDING {
        text += &format!("- `{}`: {}\n", fault.name(), fault.description());
    }
    text
}
