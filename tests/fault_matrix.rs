//! Every case can fail: healthy simulated phones, set in several ways, pass all that apply to them, and for every case
//! there is a fault of the phone that makes exactly that case fail, or only cases that one file lays out by a sweep. The whole matrix is driven in virtual time and
//! published in `docs/fault-matrix.md`.
//!
//! While a case is being written, `VOXPROOF_FAULTS=no-180,xr-missing` runs those faults alone, covered or not, and
//! prints what they do to the suite; `VOXPROOF_ONLY="catalogue == 'PTM-01'"` asks the healthy phones those cases alone.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use voxproof_device::ScriptedOperator;
use voxproof_record::{CaseRecord, IcsOutcome, Run, Selection, ics_results};
use voxproof_runner::{DeviceChoice, Interrupt, Profile, RunOptions, Runner};
use voxproof_simphone::Fault;
use voxproof_spec::{DeviceFile, Driver, LoadedSuite, Located, Tier, Verdict, load_device};

type Row = BTreeMap<String, Verdict>;

/// What the phone is set to: a device file in `fixtures/devices/sim`. Most faults are looked for in the plain phone.
/// Those that show only in another setting are looked for there, with the cases that do not apply to the plain phone.
struct Setting {
    name: &'static str,
    about: &'static str,
    faults: &'static [Fault],
}

/// The first one is the plain phone. Items of the suite that a file claims by name are claimed by no other that does
/// not; all others are claimed by every phone that does not deny them.
static SETTINGS: [Setting; 9] = [
    Setting {
        name: "plain",
        about: "UDP, IPv4, G.711",
        faults: &[],
    },
    Setting {
        name: "other",
        about: "TLS, IPv6, A-law before mu-law",
        faults: &[
            Fault::AnyCertificateAccepted,
            Fault::CertificateNameIgnored,
            Fault::Tls12Refused,
        ],
    },
    Setting {
        name: "registrations",
        about: "TCP, outbound with keep-alive, mailbox, a watched colleague and contact, reports of call quality",
        faults: &[
            Fault::OutboundWithoutInstance,
            Fault::MwiNoSubscribe,
            Fault::SubscriptionNotRefreshed,
            Fault::NoUnsubscribe,
            Fault::TcpSecondMessageLost,
            Fault::NoReconnect,
            Fault::KeepAliveMissing,
            Fault::MissingPongUnnoticed,
            Fault::LongMessageLost,
            Fault::QualityReportMissing,
            Fault::DeactivatedNotResubscribed,
            Fault::DialogInfoUnread,
            Fault::DialogFormatUnnamed,
            Fault::PresenceUnread,
            Fault::DialogVersionGapIgnored,
            Fault::HangUpLostWithConnection,
        ],
    },
    Setting {
        name: "services",
        about: "the server looked up by its domain, settings fetched by HTTP, the mailbox told of without being asked",
        faults: &[
            Fault::NoFailover,
            Fault::SrvOrderIgnored,
            Fault::ProvisioningIgnored,
            Fault::CheckSyncNotFetched,
            Fault::UnsolicitedMwiRefused,
        ],
    },
    Setting {
        name: "media",
        about: "RTCP on the RTP port, extended reports, comfort noise, packets marked for the network",
        faults: &[
            Fault::RtcpMuxIgnored,
            Fault::XrMissing,
            Fault::XrLossUnreported,
            Fault::ComfortNoiseMissing,
            Fault::ComfortNoiseUnasked,
            Fault::VoiceUnmarked,
        ],
    },
    Setting {
        name: "secure",
        about: "SRTP with keys in the description; sequence numbers start over within five seconds",
        faults: &[
            Fault::SavpAnsweredWithAvp,
            Fault::SrtpAnswerWrongTag,
            Fault::SrtpBadTag,
            Fault::SrtpSendsPlain,
            Fault::SrtpRocStuck,
            Fault::SrtpLongTag,
            Fault::SrtpAes256Refused,
            Fault::SrtpGcmRefused,
            Fault::SrtpUnknownSuiteAccepted,
            Fault::SrtpRekeyIgnored,
            Fault::SrtpMkiUnread,
        ],
    },
    Setting {
        name: "dtls",
        about: "SRTP with keys from DTLS",
        faults: &[
            Fault::DtlsWrongFingerprint,
            Fault::DtlsFingerprintUnchecked,
            Fault::DtlsAnswersActpass,
        ],
    },
    Setting {
        name: "wideband",
        about: "G.722 alone",
        faults: &[Fault::G722Clock16000, Fault::G722Rtpmap16000, Fault::G722Quiet],
    },
    Setting {
        name: "opus",
        about: "Opus alone",
        faults: &[Fault::DtmfClock8000, Fault::OpusOverdriven],
    },
];

static PLAIN: &Setting = &SETTINGS[0];

fn setting_of(fault: Fault) -> &'static Setting {
    SETTINGS
        .iter()
        .find(|setting| setting.faults.contains(&fault))
        .unwrap_or(PLAIN)
}

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

fn path_of(setting: &Setting) -> std::path::PathBuf {
    common::root()
        .join("fixtures/devices/sim")
        .join(format!("{}.toml", setting.name))
}

fn file_of(suite: &LoadedSuite, setting: &Setting) -> DeviceFile {
    load_device(&path_of(setting), Some(&suite.suite)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The phone of a setting with faults.
fn device(suite: &LoadedSuite, setting: &Setting, faults: &[Fault]) -> DeviceFile {
    let mut file = file_of(suite, setting);
    let named: BTreeSet<String> = SETTINGS
        .iter()
        .flat_map(|other| file_of(suite, other).ics)
        .filter(|(_, claimed)| *claimed)
        .map(|(item, _)| item.to_string())
        .collect();
    for item in suite.suite.ics.keys() {
        let item = Located::synthetic(item.clone());
        let claimed = !named.contains(item.as_str());
        file.ics.entry(item).or_insert(claimed);
    }
    let Some(Driver::Sim(driver)) = file.driver.iter_mut().next() else {
        panic!("{}: not a simulated phone", setting.name);
    };
    driver.faults = faults
        .iter()
        .map(|fault| Located::synthetic(fault.name().to_owned()))
        .collect();
    file
}

/// A runner in virtual time for that phone.
fn runner(
    suite: &Arc<LoadedSuite>,
    setting: &Setting,
    faults: &[Fault],
    only: Option<String>,
    out: &std::path::Path,
) -> Runner {
    let options = RunOptions {
        suite: Arc::clone(suite),
        device: DeviceChoice::File(path_of(setting), Box::new(device(suite, setting, faults))),
        out: out.to_owned(),
        profile: Profile::Precert,
        only,
        jobs: 1,
        virtual_time: true,
        guests: None,
        target: Tier::Certified,
        seed: 1,
    };
    let operator = Arc::new(ScriptedOperator::default());
    Runner::new(options, operator, Arc::new(|_| {}), Interrupt::default())
}

fn virtual_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

/// The cases that apply to a phone that is set so.
fn cases_of(suite: &Arc<LoadedSuite>, setting: &Setting) -> BTreeSet<String> {
    let out = common::scratch();
    virtual_time().block_on(async {
        let runner = runner(suite, setting, &[], None, out.path());
        let plan = runner.plan().unwrap_or_else(|error| panic!("{error}"));
        plan.selected().map(|case| case.id.clone()).collect()
    })
}

/// Runs cases of the suite against a phone.
fn run(suite: &Arc<LoadedSuite>, setting: &Setting, faults: &[Fault], only: Option<String>) -> Run {
    let out = common::scratch();
    virtual_time().block_on(async {
        runner(suite, setting, faults, only, out.path())
            .run()
            .await
            .unwrap_or_else(|error| panic!("{} {faults:?}: {error}", setting.name))
    })
}

/// Works off a list on as many threads as there are processors.
fn in_parallel<T: Send, R: Send>(work: Vec<T>, of: impl Fn(T) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(work);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(next) = queue.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
                        break;
                    };
                    let result = of(next);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn healthy_phones_pass_every_case_that_applies_to_them() {
    let suite = common::suite();
    let only = std::env::var("VOXPROOF_ONLY").ok();
    let runs = in_parallel(SETTINGS.iter().collect(), |setting| {
        (setting.name, run(&suite, setting, &[], only.clone()))
    });
    let mut problems = vec![];
    for (setting, run) in &runs {
        for case in selected(run) {
            let id = &case.planned.id;
            match case.attempts.last() {
                None => problems.push(format!("{setting}: {id} was not run")),
                Some(attempt) if attempt.judgement.verdict != Verdict::Pass => {
                    let judgement = &attempt.judgement;
                    problems.push(format!(
                        "{setting}: {id}: {:?}: {}",
                        judgement.verdict, judgement.reason
                    ));
                }
                Some(_) => {}
            }
        }
        // its claims are true: nothing that it denies is seen
        let declared = ics_results(&run.started.proforma, &run.cases);
        for result in &declared {
            problems.extend(result.contradiction().map(|text| format!("{setting}: {text}")));
        }
        if only.is_none() {
            let unseen: Vec<&str> = declared
                .iter()
                .filter(|result| result.outcome == IcsOutcome::NotSeen)
                .map(|result| result.declaration.item.as_str())
                .collect();
            println!("{setting}: declared, not seen: {}", unseen.join(", "));
        }
    }
    problems.sort();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    if only.is_some() {
        let judged: usize = runs.iter().map(|(_, run)| verdicts(run).len()).sum();
        println!("{judged} verdicts");
        return;
    }
    for case in suite.cases.keys() {
        assert!(
            runs.iter().any(|(_, run)| verdicts(run).contains_key(case)),
            "{case}: it applies to no setting of the phone"
        );
    }
}

/// What a fault does to the suite.
fn row(suite: &Arc<LoadedSuite>, applying: &BTreeMap<&str, BTreeSet<String>>, fault: Fault) -> Row {
    let setting = setting_of(fault);
    if std::ptr::eq(setting, PLAIN) {
        return verdicts(&run(suite, setting, &[fault], None));
    }
    let own: Vec<String> = applying[setting.name]
        .difference(&applying[PLAIN.name])
        .map(|case| format!("{case:?}"))
        .collect();
    if own.is_empty() {
        return Row::new();
    }
    let only = format!("id in [{}]", own.join(", "));
    verdicts(&run(suite, setting, &[fault], Some(only)))
}

fn with(row: &Row, wanted: Verdict) -> Vec<&str> {
    row.iter()
        .filter(|(_, verdict)| **verdict == wanted)
        .map(|(case, _)| case.as_str())
        .collect()
}

/// The files that cases are written in: a sweep is one of several cases.
fn files_of<'a>(cases: &[&'a str]) -> BTreeSet<&'a str> {
    cases
        .iter()
        .map(|case| case.split_once('.').map_or(*case, |(file, _)| file))
        .collect()
}

/// Faults that two cases have to notice, because one of them builds on what the other one asks.
const NOTICED_BY_TWO: [(&str, [&str; 2]); 6] = [
    ("dialog-info-unread", ["IPP-BLF-001", "IPP-BLF-002"]),
    ("early-media-silent", ["IPP-EAR-001", "IPP-EAR-002"]),
    ("g722-clock-16000", ["IPP-COD-002", "IPP-COD-004"]),
    ("pcma-decoded-as-pcmu", ["IPP-AUD-005.codec-PCMA", "IPP-COD-003"]),
    ("pcma-encoded-as-pcmu", ["IPP-AUD-007.codec-PCMA", "IPP-COD-001"]),
    ("replaces-ignored", ["IPP-PIC-001", "IPP-TRF-004"]),
];

#[test]
fn every_case_fails_on_a_fault_of_its_own() {
    let suite = common::suite();
    let applying: BTreeMap<&str, BTreeSet<String>> = SETTINGS
        .iter()
        .map(|setting| (setting.name, cases_of(&suite, setting)))
        .collect();
    let rows = |faults: Vec<Fault>| -> BTreeMap<&'static str, Row> {
        in_parallel(faults, |fault| (fault.name(), row(&suite, &applying, fault)))
            .into_iter()
            .collect()
    };
    if let Ok(names) = std::env::var("VOXPROOF_FAULTS") {
        let asked = names
            .split(',')
            .map(|name| name.parse().unwrap_or_else(|error| panic!("{error}")));
        for (fault, row) in rows(asked.collect()) {
            let (failed, unclear) = (with(&row, Verdict::Fail), with(&row, Verdict::Inconc));
            println!(
                "{fault}: failed {failed:?}, inconclusive {unclear:?}, of {}",
                row.len()
            );
        }
        return;
    }

    let cases: BTreeSet<String> = applying.values().flatten().cloned().collect();
    // a fault without a case is no proof of anything: it waits, and the page says so
    let covered = Fault::ALL.iter().copied().filter(|fault| fault.is_covered());
    let matrix = rows(covered.collect());
    let mut proof: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut problems = vec![];
    for (fault, row) in &matrix {
        let broad = Fault::ALL
            .iter()
            .any(|one| one.name() == *fault && one.is_broad());
        let (failed, errors) = (with(row, Verdict::Fail), with(row, Verdict::Error));
        if !errors.is_empty() {
            problems.push(format!(
                "{fault}: a device fault must not be an error of the lab: {errors:?}"
            ));
        }
        if failed.is_empty() {
            problems.push(format!("{fault}: no case notices it"));
        }
        let by_two = NOTICED_BY_TWO.iter().find(|(name, _)| name == fault);
        if let Some((_, expected)) = by_two {
            if failed != expected {
                problems.push(format!(
                    "{fault}: it should fail {expected:?}, it fails {failed:?}"
                ));
            }
            for case in expected {
                proof.entry((*case).to_owned()).or_default().push(fault);
            }
        } else if files_of(&failed).len() == 1 {
            // one case, or several points of its sweep
            for case in &failed {
                proof.entry((*case).to_owned()).or_default().push(fault);
            }
        } else if failed.len() > 1 && !broad {
            problems.push(format!(
                "{fault}: it should fail one case or sweep, it fails {failed:?}"
            ));
        }
    }
    for case in &cases {
        if !proof.contains_key(case) {
            problems.push(format!("{case}: no fault makes exactly this case fail"));
        }
    }
    let page = page(&cases, &matrix, &proof);
    if !problems.is_empty() {
        // a quarter of an hour of work is not to be lost for a word in a list
        let kept = std::env::temp_dir().join("voxproof-fault-matrix.md");
        let _ = std::fs::write(&kept, &page);
        panic!("{}\nthe page is in {}", problems.join("\n"), kept.display());
    }
    common::same_or_generate("docs/fault-matrix.md", &page);
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
         With no fault every case passes. The phone is set in several ways, each a device file in `fixtures/devices/sim`; \
         faults that do not show in the plain one are run against the phone that they show in, with the cases that ask for \
         such a phone.\n\n",
    );
    text +=
        "## What the phone is set to\n\n| setting | what it is | faults looked for in it |\n|---|---|---|\n";
    for setting in &SETTINGS {
        let faults: Vec<String> = setting
            .faults
            .iter()
            .map(|fault| format!("`{}`", fault.name()))
            .collect();
        let faults = match faults.as_slice() {
            [] if std::ptr::eq(setting, PLAIN) => "all others".to_owned(),
            [] => "none: it only has to pass".to_owned(),
            faults => faults.join(", "),
        };
        text += &format!("| {} | {} | {faults} |\n", setting.name, setting.about);
    }
    text += &format!(
        "\n## Cases and the faults that fail exactly them\n\n{} faults are noticed by two cases, because one of them builds \
         on what the other one asks, and some by several points of a sweep.\n\n| case | faults |\n|---|---|\n",
        NOTICED_BY_TWO.len()
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
        text += &format!(
            "| `{}`: {} | {} | {} |\n",
            fault.name(),
            fault.description().replace('|', "/"),
            with(row, Verdict::Fail).join(", "),
            with(row, Verdict::Inconc).join(", ")
        );
    }
    if !Fault::PENDING.is_empty() {
        text += "\n## Faults with no case yet\n\n";
    }
    for fault in Fault::PENDING {
        text += &format!("- `{}`: {}\n", fault.name(), fault.description());
    }
    text
}
