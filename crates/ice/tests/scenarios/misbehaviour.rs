//! What a device can do wrong in its checks and answers, and what the lab says and does about it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::network::{at, options};
use stun_types::attribute::{AttributeType, RawAttribute};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageClass, MessageIntegrityCredentials, MessageType,
    MessageWrite, MessageWriteExt, MessageWriteVec, ShortTermCredentials,
};
use voxproof_ice::{
    Answering, Candidate, CheckFailure, CheckOutcome, Class, Credentials, IceAgent, IceEvent, Mode,
    RemoteDescription, Role, StunMessage,
};

const NOW: Duration = Duration::from_secs(100);
const LOCAL: &str = "192.0.2.1:5000";
const DEVICE: &str = "192.0.2.2:6000";
const DEVICE_PASSWORD: &str = "devicedevicedevicedevice";

struct Lab {
    agent: IceAgent,
    fragment: String,
    password: String,
}

/// The lab in the controlled role, or lite, with a device that has one candidate.
fn lab(mode: Mode) -> Lab {
    let mut agent = IceAgent::new(options(Role::Controlled, mode, 1));
    agent.add_host(1, at(LOCAL));
    let candidate = Candidate::parse("1 1 UDP 2130706431 192.0.2.2 6000 typ host");
    let device = RemoteDescription {
        credentials: Credentials::new("device", DEVICE_PASSWORD).ok(),
        candidates: candidate.candidate.into_iter().collect(),
        options: vec!["ice2".to_owned()],
        ..RemoteDescription::default()
    };
    agent.set_remote(NOW, &device).expect("credentials");
    let (fragment, password) = (
        agent.credentials().fragment().to_owned(),
        agent.credentials().password().to_owned(),
    );
    Lab {
        agent,
        fragment,
        password,
    }
}

fn key(password: &str) -> MessageIntegrityCredentials {
    ShortTermCredentials::new(password.to_owned()).into()
}

/// A request with these attributes; without password no MESSAGE-INTEGRITY.
fn request(attributes: &[(u16, &[u8])], password: Option<&str>, fingerprint: bool) -> Vec<u8> {
    let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
    let mut writer = Message::builder(kind, 42_u128.into(), MessageWriteVec::new());
    for (kind, value) in attributes {
        writer
            .add_attribute(&RawAttribute::new(AttributeType::new(*kind), value))
            .expect("fits");
    }
    if let Some(password) = password {
        writer
            .add_message_integrity(&key(password), IntegrityAlgorithm::Sha1)
            .expect("fits");
    }
    if fingerprint {
        writer.add_fingerprint().expect("fits");
    }
    writer.finish()
}

const USERNAME: u16 = 6;
const PRIORITY: (u16, &[u8]) = (0x24, &[0x6e, 0, 1, 0xff]);
const USE_CANDIDATE: (u16, &[u8]) = (0x25, &[]);
const CONTROLLED: (u16, &[u8]) = (0x8029, &[1; 8]);
const CONTROLLING: (u16, &[u8]) = (0x802a, &[1; 8]);

impl Lab {
    fn deliver(&mut self, source: &str, bytes: &[u8]) -> (Vec<&'static str>, Option<CheckOutcome>) {
        assert!(self.agent.handle_datagram(NOW, at(LOCAL), at(source), bytes));
        let (mut codes, mut outcome) = (Vec::new(), None);
        while let Some(event) = self.agent.poll_event() {
            match event {
                IceEvent::Finding(finding) => codes.push(finding.code),
                IceEvent::CheckReceived(check) => outcome = Some(check.outcome),
                _ => (),
            }
        }
        (codes, outcome)
    }

    fn username(&self) -> String {
        format!("{}:device", self.fragment)
    }

    fn sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::iter::from_fn(|| self.agent.poll_transmit())
            .map(|out| (out.remote, out.bytes))
            .collect()
    }
}

/// Attributes, password, FINGERPRINT; then the findings and the outcome.
type Case<'a> = (
    &'a [(u16, &'a [u8])],
    Option<&'a str>,
    bool,
    &'a [&'a str],
    Option<CheckOutcome>,
);

#[test]
fn each_fault_of_a_check_has_its_finding_and_its_answer() {
    let good = lab(Mode::Lite);
    let name = good.username();
    let swapped = format!("device:{}", good.fragment);
    let stranger = format!("{}:stranger", good.fragment);
    let user = (USERNAME, name.as_bytes());
    let password = Some(good.password.as_str());
    let accepted = Some(CheckOutcome::Accepted);
    let refused = |code| Some(CheckOutcome::Refused(code));
    let both_roles = [user, PRIORITY, CONTROLLING, CONTROLLED];
    let cases: &[Case<'_>] = &[
        (&[user, PRIORITY, CONTROLLING], password, true, &[], accepted),
        (
            &[user, PRIORITY, CONTROLLING],
            password,
            false,
            &["stun-fingerprint-missing"],
            accepted,
        ),
        (
            &[user, PRIORITY, CONTROLLING],
            None,
            true,
            &["stun-integrity-missing"],
            refused(400),
        ),
        (
            &[user, PRIORITY, CONTROLLING],
            Some("another"),
            true,
            &["stun-integrity-wrong"],
            refused(401),
        ),
        (
            &[PRIORITY, CONTROLLING],
            password,
            true,
            &["stun-username-missing"],
            refused(400),
        ),
        (
            &[(USERNAME, b"nocolon"), PRIORITY, CONTROLLING],
            password,
            true,
            &["stun-username-format"],
            refused(401),
        ),
        (
            &[(USERNAME, &[0xff, 0xfe]), PRIORITY, CONTROLLING],
            password,
            true,
            &["stun-username-format"],
            refused(400),
        ),
        (
            &[(USERNAME, swapped.as_bytes()), PRIORITY, CONTROLLING],
            password,
            true,
            &["stun-username-order"],
            refused(401),
        ),
        (
            &[(USERNAME, b"who:device"), PRIORITY, CONTROLLING],
            password,
            true,
            &["stun-username-unknown"],
            refused(401),
        ),
        (
            &[(USERNAME, stranger.as_bytes()), PRIORITY, CONTROLLING],
            password,
            true,
            &["stun-username-unknown"],
            accepted,
        ),
        (
            &[user, CONTROLLING],
            password,
            true,
            &["ice-priority-missing"],
            accepted,
        ),
        (
            &[user, (0x24, &[0; 4]), CONTROLLING],
            password,
            true,
            &["ice-priority-range"],
            accepted,
        ),
        (
            &[user, (0x24, &[0x6e, 0]), CONTROLLING],
            password,
            true,
            &["stun-attribute-value"],
            accepted,
        ),
        (&[user, PRIORITY], password, true, &["ice-role-missing"], accepted),
        (&both_roles, password, true, &["ice-role-both"], accepted),
        (
            &[user, PRIORITY, CONTROLLED],
            password,
            true,
            &["ice-role-lite"],
            refused(487),
        ),
        (
            &[user, PRIORITY, (0x25, &[0; 4]), CONTROLLING],
            password,
            true,
            &["stun-attribute-value"],
            accepted,
        ),
        (
            &[user, PRIORITY, CONTROLLING, (0x7ff0, &[1])],
            password,
            true,
            &[],
            refused(420),
        ),
        (
            &[user, PRIORITY, CONTROLLING, (0xfff0, &[1])],
            password,
            true,
            &[],
            accepted,
        ),
    ];
    for (index, (attributes, password, fingerprint, codes, outcome)) in cases.iter().enumerate() {
        let mut lab = lab(Mode::Lite);
        let bytes = request(attributes, *password, *fingerprint);
        assert_eq!(
            lab.deliver(DEVICE, &bytes),
            (codes.to_vec(), *outcome),
            "case {index}"
        );
        let sent = lab.sent();
        assert_eq!(sent.len(), 1, "case {index}");
        let answer = StunMessage::parse(&sent[0].1).expect("STUN");
        assert_eq!(answer.transaction(), 42);
        match outcome {
            Some(CheckOutcome::Refused(code)) => assert_eq!(answer.error_code(), Some(*code), "case {index}"),
            _ => assert_eq!(answer.mapped_address(), Some(at(DEVICE)), "case {index}"),
        }
        // RFC 8489 9.1.3: only what was authenticated is answered with integrity
        let protected = !matches!(outcome, Some(CheckOutcome::Refused(400 | 401)));
        let integrity = answer.integrity(&lab.password);
        assert_eq!(
            integrity == voxproof_ice::Integrity::Valid,
            protected,
            "case {index}"
        );
    }
}

#[test]
fn a_wrong_fingerprint_or_length_is_found_and_not_answered() {
    for (at_byte, code) in [(None, "stun-length"), (Some(1), "stun-fingerprint-wrong")] {
        let mut lab = lab(Mode::Lite);
        let name = lab.username();
        let password = lab.password.clone();
        let mut bytes = request(
            &[(USERNAME, name.as_bytes()), PRIORITY, CONTROLLING],
            Some(&password),
            true,
        );
        match at_byte {
            Some(back) => {
                let place = bytes.len() - back;
                bytes[place] ^= 1;
            }
            None => bytes.extend_from_slice(&[0, 0, 0, 0]),
        }
        let (codes, outcome) = lab.deliver(DEVICE, &bytes);
        assert!(codes.contains(&code), "{codes:?}");
        assert_eq!((outcome, lab.sent().len()), (None, 0));
    }
}

#[test]
fn attributes_behind_the_integrity_are_found() {
    let mut lab = lab(Mode::Lite);
    let name = lab.username();
    let password = lab.password.clone();
    let mut bytes = request(
        &[(USERNAME, name.as_bytes()), PRIORITY, CONTROLLING],
        Some(&password),
        false,
    );
    bytes.extend_from_slice(&[0x80, 0x22, 0, 4, b't', b'e', b's', b't']);
    let length = (bytes.len() - 20) as u16;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let (codes, _) = lab.deliver(DEVICE, &bytes);
    assert_eq!(
        codes,
        ["stun-attribute-after-integrity", "stun-fingerprint-missing"]
    );
}

#[test]
fn a_finding_is_told_once() {
    let mut lab = lab(Mode::Lite);
    let name = lab.username();
    let password = lab.password.clone();
    let bytes = request(&[(USERNAME, name.as_bytes()), CONTROLLING], Some(&password), true);
    assert_eq!(lab.deliver(DEVICE, &bytes).0, ["ice-priority-missing"]);
    assert_eq!(lab.deliver(DEVICE, &bytes).0, [""; 0]);
}

#[test]
fn a_second_nomination_in_spite_of_ice2_is_found() {
    let mut lab = lab(Mode::Lite);
    let name = lab.username();
    let password = lab.password.clone();
    let bytes = request(
        &[(USERNAME, name.as_bytes()), PRIORITY, USE_CANDIDATE, CONTROLLING],
        Some(&password),
        true,
    );
    assert_eq!(lab.deliver(DEVICE, &bytes).0, [""; 0]);
    assert_eq!(lab.agent.selected(1).map(|pair| pair.remote), Some(at(DEVICE)));
    assert_eq!(lab.deliver("192.0.2.2:7000", &bytes).0, ["ice-nomination-again"]);
}

#[test]
fn checks_from_unknown_addresses_open_a_way_for_the_full_agent() {
    let mut lab = lab(Mode::Full);
    let name = lab.username();
    let password = lab.password.clone();
    let bytes = request(
        &[(USERNAME, name.as_bytes()), PRIORITY, CONTROLLING],
        Some(&password),
        true,
    );
    lab.sent();
    lab.deliver("198.51.100.7:1234", &bytes);
    lab.agent.handle_timeout(NOW);
    let targets: Vec<SocketAddr> = lab.sent().into_iter().map(|(to, _)| to).collect();
    // the answer, then the triggered check before the ordinary one
    assert_eq!(targets, [at("198.51.100.7:1234"); 2]);
}

#[test]
fn answers_can_be_withheld_and_refused() {
    let mut lab = lab(Mode::Lite);
    let name = lab.username();
    let password = lab.password.clone();
    let bytes = request(
        &[(USERNAME, name.as_bytes()), PRIORITY, USE_CANDIDATE, CONTROLLING],
        Some(&password),
        true,
    );
    lab.agent.set_answering(Answering::Silent);
    assert_eq!(lab.deliver(DEVICE, &bytes).1, Some(CheckOutcome::Withheld));
    assert_eq!((lab.sent().len(), lab.agent.selected(1)), (0, None));
    lab.agent.set_answering(Answering::Refuse(500));
    assert_eq!(lab.deliver(DEVICE, &bytes).1, Some(CheckOutcome::Refused(500)));
}

/// The first check of a full controlling lab, and the answers a device could give to it.
fn asked() -> (Lab, u128) {
    let mut lab = lab(Mode::Full);
    lab.agent.handle_timeout(NOW);
    let (_, bytes) = lab.sent().pop().expect("a check");
    let id = StunMessage::parse(&bytes).expect("STUN").transaction();
    (lab, id)
}

fn response(class: MessageClass, id: u128, attributes: &[(u16, &[u8])], password: Option<&str>) -> Vec<u8> {
    let kind = MessageType::from_class_method(class, BINDING);
    let mut writer = Message::builder(kind, id.into(), MessageWriteVec::new());
    for (kind, value) in attributes {
        writer
            .add_attribute(&RawAttribute::new(AttributeType::new(*kind), value))
            .expect("fits");
    }
    if let Some(password) = password {
        writer
            .add_message_integrity(&key(password), IntegrityAlgorithm::Sha1)
            .expect("fits");
    }
    writer.add_fingerprint().expect("fits");
    writer.finish()
}

fn events(lab: &mut Lab, source: &str, bytes: &[u8]) -> Vec<IceEvent> {
    while lab.agent.poll_event().is_some() {}
    assert!(lab.agent.handle_datagram(NOW, at(LOCAL), at(source), bytes));
    std::iter::from_fn(|| lab.agent.poll_event()).collect()
}

#[test]
fn faults_of_answers_are_found() {
    // 192.0.2.1:5000 under the magic cookie
    let mapped: (u16, &[u8]) = (0x20, &[0, 1, 0x32, 0x9a, 0xe1, 0x12, 0xa6, 0x43]);
    let plain: (u16, &[u8]) = (0x01, &[0, 1, 0x13, 0x88, 192, 0, 2, 1]);
    let has = |events: &[IceEvent], code: &str| {
        events
            .iter()
            .any(|event| matches!(event, IceEvent::Finding(finding) if finding.code == code))
    };
    let succeeded = |events: &[IceEvent]| {
        events
            .iter()
            .any(|event| matches!(event, IceEvent::CheckSucceeded { .. }))
    };

    let (mut lab, id) = asked();
    let found = events(
        &mut lab,
        DEVICE,
        &response(MessageClass::Success, id, &[mapped], Some(DEVICE_PASSWORD)),
    );
    assert!(succeeded(&found) && found.len() == 1, "{found:?}");

    let (mut lab, id) = asked();
    let found = events(
        &mut lab,
        DEVICE,
        &response(MessageClass::Success, id, &[mapped], Some("another")),
    );
    assert!(has(&found, "stun-integrity-wrong") && !succeeded(&found));
    let found = events(
        &mut lab,
        DEVICE,
        &response(MessageClass::Success, id, &[mapped], None),
    );
    assert!(has(&found, "stun-integrity-missing") && !succeeded(&found));
    // what was not believed has not ended the transaction
    let found = events(
        &mut lab,
        DEVICE,
        &response(MessageClass::Success, id, &[mapped], Some(DEVICE_PASSWORD)),
    );
    assert!(succeeded(&found));

    let (mut lab, id) = asked();
    let found = events(
        &mut lab,
        DEVICE,
        &response(MessageClass::Success, id, &[plain], Some(DEVICE_PASSWORD)),
    );
    assert!(has(&found, "stun-mapped-address-missing") && !succeeded(&found));

    let (mut lab, id) = asked();
    let found = events(
        &mut lab,
        "192.0.2.2:6002",
        &response(MessageClass::Success, id, &[mapped], Some(DEVICE_PASSWORD)),
    );
    assert!(found.iter().any(|event| matches!(
        event,
        IceEvent::CheckFailed {
            cause: CheckFailure::NotSymmetric,
            ..
        }
    )));

    let (mut lab, id) = asked();
    let refusal: (u16, &[u8]) = (0x09, &[0, 0, 5, 0]);
    let found = events(
        &mut lab,
        DEVICE,
        &response(MessageClass::Error, id, &[refusal], Some(DEVICE_PASSWORD)),
    );
    assert!(found.iter().any(|event| matches!(
        event,
        IceEvent::CheckFailed {
            cause: CheckFailure::Refused(500),
            ..
        }
    )));
}

#[test]
fn an_endless_role_conflict_ends() {
    let (mut lab, mut id) = asked();
    let conflict: (u16, &[u8]) = (0x09, &[0, 0, 4, 87]);
    let mut now = NOW;
    let mut found = Vec::new();
    for _ in 0..10 {
        let bytes = response(MessageClass::Error, id, &[conflict], Some(DEVICE_PASSWORD));
        found.extend(events(&mut lab, DEVICE, &bytes));
        now += Duration::from_millis(50);
        lab.agent.handle_timeout(now);
        let Some((_, bytes)) = lab.sent().pop() else { break };
        let check = StunMessage::parse(&bytes).expect("STUN");
        assert_eq!(check.class(), Class::Request);
        id = check.transaction();
    }
    let failed = found.iter().filter(|event| {
        matches!(
            event,
            IceEvent::CheckFailed {
                cause: CheckFailure::Refused(487),
                ..
            }
        )
    });
    assert_eq!(failed.count(), 1);
    assert!(
        found
            .iter()
            .any(|event| matches!(event, IceEvent::Finding(finding) if finding.code == "ice-role-conflict"))
    );
}

#[test]
fn what_is_not_for_the_agent_is_left_alone() {
    let mut lab = lab(Mode::Lite);
    let bytes = request(&[PRIORITY], None, true);
    assert!(
        !lab.agent
            .handle_datagram(NOW, at("192.0.2.9:1"), at(DEVICE), &bytes)
    );
    assert!(
        !lab.agent
            .handle_datagram(NOW, at(LOCAL), at(DEVICE), &[0x80; 172])
    );
    // a TURN Data indication
    let mut indication = request(&[PRIORITY], None, false);
    indication[..2].copy_from_slice(&[0, 0x17]);
    assert!(!lab.agent.handle_datagram(NOW, at(LOCAL), at(DEVICE), &indication));
    assert!(lab.sent().is_empty());
}
