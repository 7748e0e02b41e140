//! A phone that takes orders of its server, driven by SIP alone with a person behind that: the whole suite passes, every
//! order that SIP has is carried out by SIP, and none of that traffic is judged. One that takes none is driven by the person.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use voxproof_device::{DeviceError, Operator};
use voxproof_net::Net;
use voxproof_record::{CaseRecord, Run, Selection, TimelineEvent};
use voxproof_runner::{DeviceChoice, Interrupt, Profile, RunOptions, Runner};
use voxproof_simphone::{SimPhone, SimPhoneConfig};
use voxproof_spec::{DeviceFile, LoadedSuite, Located, Tier, Verdict, load_device};

/// A person with a phone: does what the prompts of a manual driver say.
#[derive(Default)]
struct Hand {
    net: OnceLock<Net>,
    /// The phone takes orders of its server.
    obedient: bool,
    server: Mutex<Option<SocketAddr>>,
    phone: Mutex<Option<SimPhone>>,
    asked: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hand {
    async fn switch_on(&self) {
        let server = lock(&self.server).expect("the account was set up");
        let config = SimPhoneConfig {
            register_expires: 60,
            server_only: true,
            answers_on_request: true,
            remote_control: self.obedient,
            ..SimPhoneConfig::new(server.ip(), server, "dut", "voxproof")
        };
        let net = self.net.get().expect("the run has a network");
        let phone = SimPhone::start(net, config).await.expect("a free port");
        *lock(&self.phone) = Some(phone);
    }

    async fn switch_off(&self) {
        let phone = lock(&self.phone).take();
        if let Some(phone) = phone {
            // one that has ended already is what is wanted
            let _ = phone.stop().await;
        }
    }
}

#[async_trait]
impl Operator for Hand {
    async fn ask(&self, question: &str) -> Result<String, DeviceError> {
        lock(&self.asked).push(question.to_owned());
        let says = |words: &str| question.starts_with(words);
        if says("Set up an account") {
            let (_, behind) = question.split_once("outbound proxy ").expect("a server");
            let server = behind.split(' ').next().and_then(|text| text.parse().ok());
            *lock(&self.server) = server;
            self.switch_on().await;
        } else if says("Shut the phone down") {
            self.switch_off().await;
        } else if says("Restart the phone")
            || says("Switch the phone on")
            || says("The phone does not behave")
        {
            self.switch_off().await;
            self.switch_on().await;
        } else if says("Call `") {
            let (_, address) = question.split_once("address is ").expect("an address");
            let address = address.split(". Press").next().unwrap_or_default();
            let phone = lock(&self.phone).clone().expect("the phone is on");
            phone.dial(address).await.expect("it dials");
        } else if says("Hang up") {
            let phone = lock(&self.phone).clone().expect("the phone is on");
            phone.hangup().await.expect("it hangs up");
        } else if !says("From now on let calls ring") {
            return Ok("no".to_owned());
        }
        Ok(String::new())
    }
}

/// The file with the claims of a phone as it is without further settings.
fn file(suite: &LoadedSuite, name: &str) -> DeviceFile {
    let folder = common::root().join("fixtures/devices");
    let load =
        |path: &Path| load_device(path, Some(&suite.suite)).unwrap_or_else(|problems| panic!("{problems}"));
    let mut file = load(&folder.join(name));
    let elsewhere: BTreeSet<String> = std::fs::read_dir(folder.join("sim"))
        .expect("settings of the simulated phone")
        .flat_map(|entry| load(&entry.expect("a file").path()).ics)
        .filter(|(_, claimed)| *claimed)
        .map(|(item, _)| item.to_string())
        .collect();
    for item in suite.suite.ics.keys() {
        let claimed = !elsewhere.contains(item);
        file.ics
            .entry(Located::synthetic(item.clone()))
            .or_insert(claimed);
    }
    file
}

/// Runs the suite against a phone that this person has.
fn run(name: &str, obedient: bool, only: Option<&str>, out: &Path) -> (Run, Vec<String>) {
    let suite = common::suite();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = RunOptions {
            suite: Arc::clone(&suite),
            device: DeviceChoice::File(name.into(), Box::new(file(&suite, name))),
            out: out.to_owned(),
            profile: Profile::Precert,
            only: only.map(str::to_owned),
            jobs: 1,
            virtual_time: true,
            guests: None,
            target: Tier::Certified,
            seed: 1,
        };
        let hand = Arc::new(Hand {
            obedient,
            ..Hand::default()
        });
        let operator = Arc::<Hand>::clone(&hand);
        let runner = Runner::new(options, operator, Arc::new(|_| {}), Interrupt::default());
        assert!(hand.net.set(runner.network().clone()).is_ok());
        let run = runner
            .run()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let asked = std::mem::take(&mut *lock(&hand.asked));
        (run, asked)
    })
}

fn selected(run: &Run) -> impl Iterator<Item = &CaseRecord> {
    run.cases
        .iter()
        .filter(|case| case.planned.selection == Selection::Run)
}

/// What does not pass, and why.
fn failures(run: &Run) -> Vec<String> {
    selected(run)
        .filter(|case| case.verdict() != Some(Verdict::Pass))
        .map(|case| match case.attempts.last() {
            Some(attempt) => format!("{}: {}", case.planned.id, attempt.judgement.reason),
            None => format!("{}: not run", case.planned.id),
        })
        .collect()
}

/// Who carried out each kind of order.
fn carried_out(run: &Run) -> BTreeMap<String, BTreeSet<String>> {
    let mut by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for attempt in selected(run).filter_map(|case| case.attempts.last()) {
        for entry in run
            .evidence(attempt)
            .expect("the evidence is there")
            .timeline
            .entries
        {
            if let TimelineEvent::DeviceAction { action, driver, .. } = entry.event {
                let name = action.split(' ').next().unwrap_or_default().to_owned();
                by.entry(name).or_default().extend(driver);
            }
        }
    }
    by
}

#[test]
fn a_phone_that_obeys_its_server_needs_a_person_only_to_be_switched_off() {
    let out = common::scratch();
    let (run, asked) = run("sip-control.toml", true, None, out.path());
    let failures = failures(&run);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(selected(&run).count() > 80, "{}", selected(&run).count());

    let by = carried_out(&run);
    let sip = BTreeSet::from(["sip".to_owned()]);
    let orders = [
        "answer",
        "reject",
        "dial",
        "hangup",
        "hold",
        "resume",
        "dtmf",
        "transfer",
        "consult",
        "complete_transfer",
    ];
    for order in orders {
        assert_eq!(by.get(order), Some(&sip), "{order}");
    }
    assert_eq!(by["stop"], BTreeSet::from(["manual".to_owned()]));
    // whoever switched it off switches it on; otherwise the server says so
    assert_eq!(
        by["restart"],
        BTreeSet::from(["manual".to_owned(), "sip".to_owned()])
    );
    for question in asked {
        let expected = [
            "Set up",
            "Which firmware",
            "Shut the phone down",
            "Restart the phone",
            "Switch the phone on",
            "The phone does not behave",
        ];
        assert!(
            expected.iter().any(|words| question.starts_with(words)),
            "{question}"
        );
    }
}

#[test]
fn orders_are_shown_and_not_judged() {
    let out = common::scratch();
    let (run, _) = run("sip-control.toml", true, Some("id == 'IPP-BAS-003'"), out.path());
    assert_eq!(failures(&run), Vec::<String>::new());
    let attempt = selected(&run)
        .next()
        .and_then(|case| case.attempts.last())
        .expect("a case");
    let evidence = run.evidence(attempt).expect("evidence");
    let orders: Vec<&str> = evidence
        .timeline
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            TimelineEvent::Control { order, .. } => Some(order.as_str()),
            _ => None,
        })
        .collect();
    assert!(
        orders.contains(&"REFER") && orders.contains(&"INVITE"),
        "{orders:?}"
    );
    let ladder = run.exhibits(attempt).expect("pictures").ladder;
    let control: Vec<&str> = ladder
        .iter()
        .filter(|row| row.label.starts_with("control: "))
        .map(|row| row.label.as_str())
        .collect();
    // the device says what becomes of its call, and does not say it to anybody who judges
    for wanted in ["REFER", "NOTIFY", "INVITE", "INFO", "BYE"] {
        assert!(
            control.iter().any(|label| label.contains(wanted)),
            "{wanted}: {control:?}"
        );
    }
    assert!(
        ladder
            .iter()
            .any(|row| row.label == "device: dial peer_a, by sip"),
        "{ladder:?}"
    );
    let log = attempt
        .evidence
        .iter()
        .find(|object| object.name == "sip.log")
        .expect("a log");
    let log = String::from_utf8_lossy(&run.store().get(log).expect("it is there")).into_owned();
    assert!(log.contains("UDP, server, control\nREFER sip:"), "{log}");
    let driver = attempt
        .evidence
        .iter()
        .find(|object| object.name == "device.log")
        .expect("a log");
    let driver = String::from_utf8_lossy(&run.store().get(driver).expect("it is there")).into_owned();
    assert!(driver.contains("dial: REFER\n  202"), "{driver}");
}

#[test]
fn what_a_phone_refuses_its_server_a_person_does() {
    let out = common::scratch();
    let (run, asked) = run(
        "sip-control-refused.toml",
        false,
        Some("id == 'IPP-BAS-003'"),
        out.path(),
    );
    assert_eq!(failures(&run), Vec::<String>::new());
    let by = carried_out(&run);
    let manual = BTreeSet::from(["manual".to_owned()]);
    assert_eq!((by.get("dial"), by.get("hangup")), (Some(&manual), Some(&manual)));
    assert!(
        asked.iter().any(|question| question.starts_with("Call `peer_a`")),
        "{asked:?}"
    );
}
