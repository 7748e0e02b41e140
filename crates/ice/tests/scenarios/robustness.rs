//! Nothing a device sends makes an agent panic, spin or grow.

use std::time::Duration;

use crate::network::{at, description, options};
use proptest::prelude::*;
use voxproof_ice::{
    Candidate, Context, IceAgent, Mode, RemoteDescription, Role, StunMessage, StunServer, TurnClient,
    examine, is_stun,
};

/// The header of a Binding message of any class and length, or of another method, then anything.
fn stun_like() -> impl Strategy<Value = Vec<u8>> {
    let attribute = (
        prop_oneof![
            Just(0x0001_u16),
            Just(6),
            Just(8),
            Just(9),
            Just(0x1c),
            Just(0x20),
            Just(0x24),
            Just(0x25),
            Just(0x8028),
            Just(0x8029),
            Just(0x802a),
            any::<u16>()
        ],
        prop_oneof![9 => Just(None), 1 => any::<u16>().prop_map(Some)],
        prop::collection::vec(any::<u8>(), 0..40),
    );
    let kind = prop_oneof![
        Just(0x0001_u16),
        Just(0x0011),
        Just(0x0101),
        Just(0x0111),
        any::<u16>()
    ];
    let length = prop_oneof![9 => Just(None), 1 => any::<u16>().prop_map(Some)];
    (
        kind,
        length,
        any::<[u8; 12]>(),
        prop::collection::vec(attribute, 0..8),
    )
        .prop_map(|(kind, length, id, attributes)| {
            let mut body = Vec::new();
            for (kind, length, value) in attributes {
                body.extend_from_slice(&kind.to_be_bytes());
                body.extend_from_slice(&length.unwrap_or(value.len() as u16).to_be_bytes());
                body.extend_from_slice(&value);
                body.resize(body.len().next_multiple_of(4), 0);
            }
            let mut message = kind.to_be_bytes().to_vec();
            message.extend_from_slice(&length.unwrap_or(body.len() as u16).to_be_bytes());
            message.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
            message.extend_from_slice(&id);
            message.extend_from_slice(&body);
            message
        })
}

fn datagram() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![stun_like(), prop::collection::vec(any::<u8>(), 0..200)]
}

fn agents(mode: Mode) -> IceAgent {
    let mut agent = IceAgent::new(options(Role::Controlling, mode, 1));
    agent.add_host(1, at("192.0.2.1:5000"));
    let mut other = IceAgent::new(options(Role::Controlled, Mode::Full, 2));
    other.add_host(1, at("192.0.2.2:6000"));
    agent
        .set_remote(Duration::from_secs(1), &description(&other))
        .expect("credentials");
    agent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_datagrams(datagrams in prop::collection::vec((datagram(), any::<u16>()), 0..20)) {
        for mode in [Mode::Full, Mode::Lite] {
            let mut agent = agents(mode);
            let mut turn = TurnClient::new(at("192.0.2.1:5000"), at("192.0.2.3:3478"), "user", "word", false);
            let mut now = Duration::from_secs(1);
            for (bytes, port) in &datagrams {
                let source = std::net::SocketAddr::new(at("192.0.2.2:1").ip(), *port);
                let taken = agent.handle_datagram(now, at("192.0.2.1:5000"), source, bytes);
                prop_assert!(!taken || is_stun(bytes));
                let _ = StunServer::new().answer(source, bytes);
                turn.handle_timeout(now);
                while turn.poll_transmit(now).is_some() {}
                let _ = turn.handle_datagram(now, at("192.0.2.1:5000"), at("192.0.2.3:3478"), bytes);
                while turn.poll_event().is_some() {}
                agent.handle_timeout(now);
                now += Duration::from_millis(20);
            }
            for _ in 0..200 {
                while agent.poll_transmit().is_some() {}
                while agent.poll_event().is_some() {}
                let Some(next) = agent.poll_timeout() else { break };
                now = now.max(next);
                agent.handle_timeout(now);
            }
        }
    }

    #[test]
    fn any_message(bytes in datagram()) {
        let context = Context { lab_fragment: Some("a"), lab_password: Some("b"), device_password: Some("c"), device_fragment: Some("d") };
        let findings = examine(&bytes, context);
        prop_assert!(findings.len() < 40);
        if let Ok(message) = StunMessage::parse(&bytes) {
            let _ = (message.username(), message.priority(), message.role(), message.mapped_address());
            let _ = (message.error_code(), message.integrity("b"), message.not_understood());
        }
    }

    #[test]
    fn any_candidate(text in "\\PC{0,120}") {
        let _ = Candidate::parse(&text);
    }

    #[test]
    fn candidate_like_text(text in "[a-z0-9]{1,4} [0-9]{1,4} (UDP|udp|TCP) [0-9]{1,11} [0-9a-f.:]{1,16} [0-9]{1,6} typ (host|srflx|prflx|relay|x)( raddr [0-9.]{1,12} rport [0-9]{1,5})?( [a-z]{1,3} [a-z]{1,3}){0,3}") {
        let parsed = Candidate::parse(&text);
        if let Some(candidate) = parsed.candidate {
            let again = Candidate::parse(&candidate.to_string());
            prop_assert_eq!(again.candidate, Some(candidate));
        }
    }

    #[test]
    fn any_description(lines in prop::collection::vec(("(ice-ufrag|ice-pwd|candidate|ice-options|remote-candidates|ice-pacing|ice-lite)", "\\PC{0,40}"), 0..20)) {
        let media: Vec<(&str, Option<&str>)> = lines.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
        let read = RemoteDescription::from_attributes([], media);
        let mut agent = agents(Mode::Full);
        let _ = agent.set_remote(Duration::from_secs(2), &read);
    }
}

#[test]
fn a_flood_from_many_ports_does_not_grow_the_agent() {
    let mut agent = agents(Mode::Lite);
    let user = format!("{}:x", agent.credentials().fragment());
    let password = agent.credentials().password().to_owned();
    for port in 1..5000_u16 {
        let bytes = check(&user, &password, u128::from(port));
        let source = std::net::SocketAddr::new(at("192.0.2.2:1").ip(), port);
        assert!(agent.handle_datagram(Duration::from_secs(2), at("192.0.2.1:5000"), source, &bytes));
    }
    assert_eq!(agent.remote_candidates().count(), 200);
    assert!(std::iter::from_fn(|| agent.poll_event()).count() <= 1024);
    assert!(std::iter::from_fn(|| agent.poll_transmit()).count() <= 1024);
}

fn check(user: &str, password: &str, id: u128) -> Vec<u8> {
    use stun_types::attribute::{AttributeType, RawAttribute};
    use stun_types::message::{
        BINDING, IntegrityAlgorithm, Message, MessageClass, MessageType, MessageWrite, MessageWriteExt,
        MessageWriteVec, ShortTermCredentials,
    };
    let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
    let mut writer = Message::builder(kind, id.into(), MessageWriteVec::new());
    for (kind, value) in [
        (6, user.as_bytes()),
        (0x24, &[1, 0, 0, 0][..]),
        (0x802a, &[1; 8][..]),
    ] {
        writer
            .add_attribute(&RawAttribute::new(AttributeType::new(kind), value))
            .expect("fits");
    }
    let key = ShortTermCredentials::new(password.to_owned()).into();
    writer
        .add_message_integrity(&key, IntegrityAlgorithm::Sha1)
        .expect("fits");
    writer.add_fingerprint().expect("fits");
    writer.finish()
}
