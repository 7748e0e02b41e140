//! Programs that nobody here wrote, over each transport, with each protection and codec: calls both ways with speech that
//! arrives, keys and hold.
//!
//! `fixtures/devices/interop.txt` lists what is known to fail, `PEER COMBINATION CASE`, each confirmed by reading the
//! capture. Some combinations run in every test; `cargo xtask interop` runs all of them and writes `docs/interop.md`.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use voxproof_record::Run;
use voxproof_spec::Verdict;

/// Speech that the device hears and speech that it says, keys, hold from both ends, calls from both ends.
const CALLS: &[&str] = &[
    "IPP-BAS-001",
    "IPP-BAS-002",
    "IPP-BAS-003",
    "IPP-AUD-001",
    "IPP-AUD-003",
    "IPP-DTM-001",
    "IPP-HLD-001",
    "IPP-HLD-003",
];

const REGISTRATION: &[&str] = &["IPP-REG-001"];

/// What a peer does that calls, answers and sends back what it hears, and nothing else.
const CALLEE: &[&str] = &["IPP-BAS-001"];
const CALLER: &[&str] = &["IPP-BAS-003", "IPP-BAS-007"];

const UDP: Setting = Setting {
    name: "UDP",
    changes: &[],
};
const TCP: Setting = Setting {
    name: "TCP",
    changes: &[("transport = \"udp\"", "transport = \"tcp\"")],
};
const TLS: Setting = Setting {
    name: "TLS, SRTP by SDES",
    changes: &[
        ("transport = \"udp\"", "transport = \"tls\""),
        ("security = \"none\"", "security = \"sdes\""),
    ],
};
const DTLS: Setting = Setting {
    name: "UDP, DTLS-SRTP",
    changes: &[("security = \"none\"", "security = \"dtls\"")],
};
const IPV6: Setting = Setting {
    name: "UDP over IPv6",
    changes: &[("server = \"127.0.0.1:0\"", "server = \"[::1]:0\"")],
};
const G722: Setting = Setting {
    name: "UDP, G.722",
    changes: &[("codecs = [\"PCMU\", \"PCMA\"]", "codecs = [\"G722\"]")],
};
const OPUS: Setting = Setting {
    name: "UDP, Opus",
    changes: &[("codecs = [\"PCMU\", \"PCMA\"]", "codecs = [\"opus\"]")],
};

/// Cases in which the peer calls the lab; in the others the lab calls it.
const PEER_CALLS: &[&str] = &["IPP-BAS-003", "IPP-BAS-007"];

/// How the peer is set, as changes to its device file.
struct Setting {
    name: &'static str,
    changes: &'static [(&'static str, &'static str)],
}

struct Peer {
    /// Device file in `devices/`.
    file: &'static str,
    program: &'static str,
    cases: &'static [&'static [&'static str]],
    /// It has Kamailio as registrar and outbound proxy, and is called through that.
    behind_kamailio: bool,
}

const BARESIP: Peer = Peer {
    file: "baresip",
    program: "baresip",
    cases: &[REGISTRATION, CALLS],
    behind_kamailio: false,
};
const LINPHONE: Peer = Peer {
    file: "linphone",
    program: "linphonec",
    cases: &[REGISTRATION, CALLS],
    behind_kamailio: false,
};
const BARESIP_BEHIND_KAMAILIO: Peer = Peer {
    file: "baresip",
    program: "baresip",
    cases: &[CALLS],
    behind_kamailio: true,
};
const LINPHONE_BEHIND_KAMAILIO: Peer = Peer {
    file: "linphone",
    program: "linphonec",
    cases: &[CALLS],
    behind_kamailio: true,
};
const SIPP_CALLEE: Peer = Peer {
    file: "sipp-uas",
    program: "sipp",
    cases: &[CALLEE],
    behind_kamailio: false,
};
const SIPP_CALLER: Peer = Peer {
    file: "sipp-uac",
    program: "sipp",
    cases: &[CALLER],
    behind_kamailio: false,
};

/// What a combination came to.
struct Outcome {
    peer: String,
    file: &'static str,
    setting: &'static str,
    passed: Vec<String>,
    known: Vec<String>,
    inconclusive: Vec<String>,
    problems: Vec<String>,
}

fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into()])
            .any(|folder| folder.join(program).exists())
    });
    if !found {
        eprintln!("skipped: {program} is not installed; `cargo xtask setup` installs it");
    }
    found
}

fn known_findings() -> BTreeSet<String> {
    let path = common::root().join("fixtures/devices/interop.txt");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Kamailio between a phone and the lab.
struct Kamailio {
    child: Child,
    port: u16,
}

impl Kamailio {
    fn start(folder: &Path) -> Self {
        let port = UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let modules = [
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
        ]
        .map(|library| format!("{library}/kamailio/modules/"))
        .into_iter()
        .find(|folder| Path::new(folder).is_dir())
        .expect("Kamailio's modules");
        let template = fs::read_to_string(common::root().join("fixtures/kamailio/kamailio.cfg")).unwrap();
        let config = template
            .replace("{ip}", "127.0.0.1")
            .replace("{port}", &port.to_string())
            .replace("{modules}", &modules);
        let path = folder.join("kamailio.cfg");
        fs::write(&path, config).unwrap();
        let log = fs::File::create(folder.join("kamailio.log")).unwrap();
        let child = Command::new("/usr/sbin/kamailio")
            .args(["-DD", "-m", "32", "-M", "4", "-f"])
            .arg(&path)
            .arg("-P")
            .arg(folder.join("kamailio.pid"))
            .arg("-Y")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Kamailio starts");
        let began = Instant::now();
        // it is up when its port is taken
        while UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "Kamailio does not listen"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port }
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // it ends its own children when it is told to end
        let id = i32::try_from(self.child.id()).expect("a process id");
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// Runs a combination; `None` when a program is not installed.
fn run(peer: &Peer, setting: &'static Setting) -> Option<Outcome> {
    if !installed(peer.program) || (peer.behind_kamailio && !installed("kamailio")) {
        return None;
    }
    let scratch = common::scratch();
    let kamailio = peer.behind_kamailio.then(|| Kamailio::start(scratch.path()));
    let mut text = fs::read_to_string(common::root().join(format!("devices/{}.toml", peer.file))).unwrap();
    let mut changes: Vec<(String, String)> = setting
        .changes
        .iter()
        .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
        .collect();
    if let Some(kamailio) = &kamailio {
        let at = format!("127.0.0.1:{}", kamailio.port);
        let server = "server = \"127.0.0.1:0\"";
        changes.push((
            server.to_owned(),
            format!("proxy = \"{at}\"\naddress = \"{at}\"\n{server}"),
        ));
    }
    for (from, to) in changes {
        assert!(text.contains(&from), "devices/{}.toml has no `{from}`", peer.file);
        text = text.replacen(&from, &to, 1);
    }
    let device = scratch.path().join(format!("{}.toml", peer.file));
    fs::write(&device, text).unwrap();
    let cases: Vec<&str> = peer
        .cases
        .iter()
        .flat_map(|cases| cases.iter().copied())
        .collect();
    let only = format!("id in {cases:?}");
    let out = scratch.path().join("out");
    // linphonec runs once a user, and a whole suite takes minutes
    let mut tries = 0;
    let stderr = loop {
        let output = common::voxproof()
            .args(["run", "test-specs/ip-phone", "--only", &only, "--device"])
            .arg(&device)
            .arg("--out")
            .arg(&out)
            .output()
            .expect("voxproof starts");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        tries += 1;
        if stderr.contains("another run") && tries < 20 {
            continue;
        }
        assert!(
            matches!(output.status.code(), Some(0 | 1 | 5)),
            "{} {}: {:?}: {stderr}",
            peer.file,
            setting.name,
            output.status
        );
        break stderr;
    };
    let folder = common::only_run(&out);
    if let Some(keep) = std::env::var_os("VOXPROOF_INTEROP_KEEP") {
        let name = format!("{}-{}", peer.file, setting.name.replace([' ', ','], "_"));
        let _ = Command::new("cp")
            .arg("-r")
            .arg(&folder)
            .arg(Path::new(&keep).join(name))
            .status();
    }
    let record = Run::read(&folder).expect("the journal is readable");
    let summary = &record.started.device;
    let name = format!(
        "{} {}{}",
        summary.model,
        summary.firmware,
        if peer.behind_kamailio {
            " behind Kamailio"
        } else {
            ""
        }
    );
    let known = known_findings();
    let prefix = format!(
        "{}{} {}",
        peer.file,
        if peer.behind_kamailio { "+kamailio" } else { "" },
        setting.name
    );
    let mut outcome = Outcome {
        peer: name,
        file: peer.file,
        setting: setting.name,
        passed: vec![],
        known: vec![],
        inconclusive: vec![],
        problems: vec![],
    };
    for wanted in &cases {
        let attempt = record
            .cases
            .iter()
            .find(|case| case.planned.id == *wanted)
            .and_then(|case| case.attempts.last());
        let Some(attempt) = attempt else {
            outcome.problems.push(format!("{wanted} was not run: {stderr}"));
            continue;
        };
        let (verdict, reason) = (attempt.judgement.verdict, &attempt.judgement.reason);
        let expected = known.contains(&format!("{prefix} {wanted}"));
        match verdict {
            Verdict::Pass if expected => outcome
                .problems
                .push(format!("{wanted} passes; it is known to fail")),
            Verdict::Pass => outcome.passed.push((*wanted).to_owned()),
            Verdict::Fail if expected => outcome.known.push((*wanted).to_owned()),
            Verdict::Inconc => {
                eprintln!("{prefix} {wanted} INCONC: {reason}");
                outcome.inconclusive.push((*wanted).to_owned());
            }
            verdict => outcome.problems.push(format!("{wanted} {verdict}: {reason}")),
        }
    }
    Some(outcome)
}

/// A combination of every test run: nothing unexpected, and most of it judged in spite of a busy machine.
fn check(peer: &Peer, setting: &'static Setting) {
    let Some(outcome) = run(peer, setting) else {
        return;
    };
    assert!(
        outcome.problems.is_empty(),
        "{} {}:\n{}",
        outcome.peer,
        outcome.setting,
        outcome.problems.join("\n")
    );
    assert!(
        outcome.passed.len() + outcome.known.len() > outcome.inconclusive.len(),
        "{} {}: {:?} could not be judged",
        outcome.peer,
        outcome.setting,
        outcome.inconclusive
    );
}

#[test]
fn baresip_over_tls_with_srtp() {
    check(&BARESIP, &TLS);
}

#[test]
fn linphone_over_tcp() {
    check(&LINPHONE, &TCP);
}

#[test]
fn baresip_behind_kamailio() {
    check(&BARESIP_BEHIND_KAMAILIO, &UDP);
}

#[test]
fn sipp_calls_and_is_called() {
    check(&SIPP_CALLEE, &UDP);
    check(&SIPP_CALLER, &UDP);
}

/// Every combination, one after the other; writes the table of `docs/interop.md`.
#[test]
fn every_combination() {
    if std::env::var_os("VOXPROOF_INTEROP").is_none() {
        eprintln!("skipped: takes a quarter of an hour; `cargo xtask interop` runs it");
        return;
    }
    let combinations = [
        (&SIPP_CALLEE, &UDP),
        (&SIPP_CALLER, &UDP),
        (&BARESIP_BEHIND_KAMAILIO, &UDP),
        (&LINPHONE_BEHIND_KAMAILIO, &UDP),
        (&BARESIP, &TLS),
        (&LINPHONE, &TLS),
        (&LINPHONE, &DTLS),
        (&BARESIP, &TCP),
        (&LINPHONE, &TCP),
        (&BARESIP, &IPV6),
        (&LINPHONE, &IPV6),
        (&BARESIP, &G722),
        (&LINPHONE, &G722),
        (&BARESIP, &OPUS),
        (&LINPHONE, &OPUS),
        (&BARESIP, &UDP),
        (&LINPHONE, &UDP),
    ];
    let mut table = String::new();
    let mut problems = String::new();
    for (peer, setting) in combinations {
        let Some(outcome) = run(peer, setting) else {
            continue;
        };
        eprintln!(
            "{} {}: {} passed",
            outcome.peer,
            outcome.setting,
            outcome.passed.len()
        );
        for problem in &outcome.problems {
            let _ = writeln!(problems, "{} {}: {problem}", outcome.peer, outcome.setting);
        }
        let _ = writeln!(table, "{}", row(&outcome));
        // a long run that is stopped leaves what it has found so far
        write_table(&table);
    }
    assert!(problems.is_empty(), "{problems}");
}

fn write_table(rows: &str) {
    let path = common::root().join("docs/interop.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- table -->").expect("a place for the table");
    let (_, after) = rest.split_once("<!-- end -->").expect("an end of the table");
    let heading = "| peer | transport, media | the lab calls it: passed | it calls the lab: passed | fails, known | not judged (busy \
                   machine) | unexpected | device file |\n|---|---|---|---|---|---|---|---|";
    fs::write(
        &path,
        format!("{before}<!-- table -->\n{heading}\n{rows}<!-- end -->{after}"),
    )
    .unwrap();
}

fn row(outcome: &Outcome) -> String {
    let short = |cases: &[String]| {
        let names: Vec<&str> = cases.iter().map(|id| id.trim_start_matches("IPP-")).collect();
        if names.is_empty() {
            "–".to_owned()
        } else {
            names.join(", ")
        }
    };
    let (it_calls, it_is_called): (Vec<String>, Vec<String>) = outcome
        .passed
        .iter()
        .cloned()
        .partition(|id| PEER_CALLS.contains(&id.as_str()));
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | `devices/{}.toml` |",
        outcome.peer,
        outcome.setting,
        short(&it_is_called),
        short(&it_calls),
        short(&outcome.known),
        short(&outcome.inconclusive),
        outcome.problems.join("; ").replace('|', "/").replace('\n', " "),
        outcome.file,
    )
}
