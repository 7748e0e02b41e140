//! The torture suite: the healthy simulated phone comes through all of it, faults fail the cases that are about them,
//! and a device that dies of one kind of message is found out by the fuzzer, which keeps the shortest message that does it.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use voxproof_device::ScriptedOperator;
use voxproof_record::Run;
use voxproof_runner::{DeviceChoice, Interrupt, Profile, RunOptions, Runner};
use voxproof_simphone::Fault;
use voxproof_spec::{LoadedSuite, Tier, Verdict, load_device, load_suite};

/// Where the messages of RFC 4475 are on the machines that have them.
const RFC4475: &str = "../shared/corpus/rfc4475";

/// Messages that the simulated phone takes although it should refuse them; it has to mend its ways, not the suite.
const PHONE_IS_LAX: &[&str] = &[
    "TOR-OWN-CONTACT-STAR",
    "TOR-OWN-SDP-CONNECTION-ATM",
    "TOR-OWN-SDP-NO-CONNECTION",
    "TOR-RFC4475-BADINV01",
];

fn suite() -> Arc<LoadedSuite> {
    load(&common::root().join("test-specs/sip-torture"))
}

fn load(root: &Path) -> Arc<LoadedSuite> {
    Arc::new(load_suite(root).unwrap_or_else(|problems| panic!("{problems}")))
}

/// The cases that `keep` wants in a folder of their own, with what they send from `rfc4475`.
fn copy(to: &Path, rfc4475: &Path, keep: impl Fn(&str) -> bool) -> Arc<LoadedSuite> {
    let from = common::root().join("test-specs/sip-torture");
    let fixtures = common::root().join("fixtures").display().to_string();
    let adapted = |path: &Path| {
        let text = fs::read_to_string(path).expect("the suite can be read");
        text.replace("../../fixtures", &fixtures)
            .replace("rfc4475:", &format!("{}/", rfc4475.display()))
    };
    fs::create_dir_all(to.join("cases")).expect("a folder");
    fs::create_dir_all(to.join("limits")).expect("a folder");
    fs::write(to.join("suite.toml"), adapted(&from.join("suite.toml"))).expect("a file");
    for entry in fs::read_dir(from.join("cases")).expect("cases").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if keep(&name) {
            fs::write(to.join("cases").join(&name), adapted(&entry.path())).expect("a file");
        }
    }
    load(to)
}

fn failed(run: &Run) -> BTreeSet<String> {
    run.cases
        .iter()
        .filter(|case| case.verdict() == Some(Verdict::Fail))
        .map(|case| case.planned.id.clone())
        .collect()
}

fn all_passed(run: &Run) {
    let mut problems = vec![];
    for case in &run.cases {
        if let Some(attempt) = case.attempts.last()
            && attempt.judgement.verdict != Verdict::Pass
            && !PHONE_IS_LAX.contains(&case.planned.id.as_str())
        {
            problems.push(format!("{}: {}", case.planned.id, attempt.judgement.reason));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_own_message_has_a_case() {
    let suite = suite();
    let sent: BTreeSet<&str> = suite.files.keys().map(String::as_str).collect();
    let index = fs::read_to_string(common::root().join("fixtures/sip/torture/index.toml")).expect("an index");
    let mut streams = 0;
    for message in index.split("[[message]]").skip(1) {
        let file = message
            .lines()
            .find_map(|line| line.strip_prefix("file = \""))
            .and_then(|rest| rest.strip_suffix('"'))
            .expect("each message has a file");
        if message.contains("stream = true") {
            streams += 1;
            continue;
        }
        let path = format!("../../fixtures/sip/torture/{file}");
        assert!(sent.contains(path.as_str()), "{file} has no case");
    }
    assert!(streams <= 2, "{streams} messages are left out");
    let rfc = sent.iter().filter(|name| name.starts_with("rfc4475:")).count();
    assert_eq!(rfc, 49);
}

#[test]
fn the_healthy_phone_comes_through_all_own_messages_and_the_fuzzer() {
    let folder = common::scratch();
    let suite = copy(folder.path(), Path::new("/nowhere"), |name| {
        !name.starts_with("TOR-RFC4475")
    });
    let run = common::run_sim(&suite, &[], 1);
    assert_eq!(
        run.cases.iter().filter(|case| !case.attempts.is_empty()).count(),
        suite.cases.len()
    );
    all_passed(&run);
}

#[test]
fn the_healthy_phone_comes_through_rfc_4475_and_faults_do_not() {
    let corpus = common::root().join(RFC4475);
    if !corpus.is_dir() {
        eprintln!(
            "skipped: the messages of RFC 4475 are not at {}",
            corpus.display()
        );
        return;
    }
    let folder = common::scratch();
    let suite = copy(folder.path(), &corpus, |name| name.starts_with("TOR-RFC4475"));
    let run = common::run_sim(&suite, &[], 1);
    assert_eq!(run.cases.len(), 49);
    all_passed(&run);

    let row = failed(&common::run_sim(&suite, &[Fault::RequireIgnored], 1));
    assert!(row.contains("TOR-RFC4475-BEXT01"), "{row:?}");
    let row = failed(&common::run_sim(&suite, &[Fault::UnknownMethod200], 1));
    assert!(row.contains("TOR-RFC4475-ESC02"), "{row:?}");
    // a phone that does not answer the question after it fails whatever the message was
    let row = failed(&common::run_sim(&suite, &[Fault::OptionsUnanswered], 1));
    assert_eq!(row.len(), 49);
}

#[test]
fn faults_fail_the_cases_of_their_class() {
    let about: BTreeMap<Fault, &str> = BTreeMap::from([
        (Fault::UnknownMethod200, "TOR-OWN-METHOD-UNKNOWN"),
        (Fault::RequireIgnored, "TOR-OWN-REQUIRE-UNKNOWN"),
        (Fault::StrayBye200, "TOR-OWN-BYE-UNKNOWN-DIALOG"),
        (Fault::StrayNotify200, "TOR-OWN-NOTIFY-UNKNOWN-DIALOG"),
        (
            Fault::ReplacesUnmatchedAccepted,
            "TOR-OWN-REPLACES-UNKNOWN-DIALOG",
        ),
        (Fault::AcceptsNoCommonCodec, "TOR-OWN-SDP-NO-COMMON-CODEC"),
        (Fault::OptionsUnanswered, "TOR-OWN-KEEP-ALIVE"),
        (Fault::NeverAnswers, "TOR-OWN-SDP-HOLD-ZERO-ADDRESS"),
    ]);
    let folder = common::scratch();
    let suite = copy(folder.path(), Path::new("/nowhere"), |name| {
        about
            .values()
            .any(|case| name.strip_suffix(".toml") == Some(case))
    });
    assert_eq!(suite.cases.len(), about.len());
    for (fault, case) in &about {
        let row = failed(&common::run_sim(&suite, &[*fault], 1));
        assert!(row.contains(*case), "{fault}: {row:?}");
        // a fault is not seen everywhere
        assert!(
            row.len() == 1 || matches!(fault, Fault::OptionsUnanswered | Fault::NeverAnswers),
            "{fault}: {row:?}"
        );
    }
}

#[test]
fn a_phone_that_stops_answering_is_found_by_the_fuzzer() {
    let folder = common::scratch();
    let suite = copy(folder.path(), Path::new("/nowhere"), |name| {
        name.starts_with("TOR-FUZ")
    });
    let row = failed(&common::run_sim(&suite, &[Fault::OptionsUnanswered], 1));
    assert_eq!(row.len(), 3, "{row:?}");
}

/// A device of two lines: it answers OPTIONS, and a header field of more than 900 octets ends it until it is restarted.
fn fragile(socket: &UdpSocket, restart: &Path, done: &AtomicBool) {
    let mut alive = true;
    let mut buffer = vec![0; 65_536];
    while !done.load(Ordering::Relaxed) {
        let received = socket.recv_from(&mut buffer);
        if restart.exists() && fs::remove_file(restart).is_ok() {
            alive = true;
        }
        let Ok((length, source)) = received else { continue };
        let Some(bytes) = buffer.get(..length) else {
            continue;
        };
        alive &= bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 900);
        if !alive || !bytes.starts_with(b"OPTIONS ") {
            continue;
        }
        let text = String::from_utf8_lossy(bytes);
        let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            if ["Via:", "From:", "To:", "Call-ID:", "CSeq:"]
                .iter()
                .any(|name| line.starts_with(name))
            {
                answer += line;
                answer += "\r\n";
            }
        }
        answer += "Content-Length: 0\r\n\r\n";
        // nobody waits for an answer that cannot be sent
        let _ = socket.send_to(answer.as_bytes(), source);
    }
}

#[test]
fn the_message_that_kills_a_device_is_found_and_made_small() {
    let folder = common::scratch();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a timeout");
    let address = socket.local_addr().expect("an address");
    let restart = folder.path().join("restart");
    let suite = copy(&folder.path().join("suite"), Path::new("/nowhere"), |name| {
        name == "TOR-FUZ-002.toml"
    });
    let file = folder.path().join("device.toml");
    let text = format!(
        "[device]\nmanufacturer = \"test\"\nmodel = \"fragile\"\nfirmware = \"1\"\n[driver.command]\n[driver.command.action]\n\
         restart = \"touch {}\"\n[ixit]\nserver = \"127.0.0.1:0\"\naddress = \"{address}\"\n",
        restart.display()
    );
    fs::write(&file, text).expect("a file");
    let device = load_device(&file, Some(&suite.suite)).unwrap_or_else(|problems| panic!("{problems}"));
    let done = AtomicBool::new(false);
    let run = std::thread::scope(|scope| {
        scope.spawn(|| fragile(&socket, &restart, &done));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let run = runtime.block_on(async {
            let options = RunOptions {
                suite: Arc::clone(&suite),
                device: DeviceChoice::File(file.clone(), Box::new(device)),
                out: folder.path().join("runs"),
                profile: Profile::Precert,
                only: None,
                jobs: 1,
                virtual_time: false,
                guests: None,
                target: Tier::Certified,
                seed: 1,
            };
            let operator = Arc::new(ScriptedOperator::default());
            Runner::new(options, operator, Arc::new(|_| {}), Interrupt::default())
                .run()
                .await
        });
        done.store(true, Ordering::Relaxed);
        run.unwrap_or_else(|error| panic!("{error}"))
    });
    assert_eq!(failed(&run), BTreeSet::from(["TOR-FUZ-002".to_owned()]));
    let timeline = fs::read_dir(run.path.join("evidence"))
        .expect("evidence")
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "jsonl"))
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .find(|text| text.contains("reproducer"))
        .expect("a timeline");
    let hexadecimal = timeline
        .lines()
        .filter_map(|line| line.split("\"reproducer\":\"").nth(1))
        .filter_map(|rest| rest.split('"').next())
        .next_back()
        .expect("a reproducer");
    let bytes: Vec<u8> = (0..hexadecimal.len() / 2)
        .filter_map(|at| u8::from_str_radix(hexadecimal.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let long: Vec<usize> = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::len)
        .filter(|length| *length > 900)
        .collect();
    // it kills, and nothing in it is unusual but the one line
    assert_eq!(long.len(), 1, "{}", String::from_utf8_lossy(&bytes));
    let rest = bytes.len() - long.first().copied().unwrap_or_default();
    assert!(rest < 700, "{rest} octets beside it");
}
