//! Any datagrams at ICE agents, a TURN client and a STUN server, and any ICE attributes of a description.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_ice::{
    AgentOptions, Candidate, Context, Credentials, IceAgent, Mode, RemoteDescription, Role, StunServer, TurnClient,
    examine, is_stun,
};

/// The header of a STUN message around what the fuzzer says, so that it gets past the first check.
fn dress(kind: u16, bytes: &[u8]) -> Vec<u8> {
    let mut message = kind.to_be_bytes().to_vec();
    message.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    message.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    message.extend_from_slice(&[7; 12]);
    message.extend_from_slice(bytes);
    message
}

fuzz_target!(|input: (u8, String, Vec<(u16, u16, Vec<u8>)>)| {
    let (choice, text, datagrams) = input;
    let local: SocketAddr = "192.0.2.1:5000".parse().expect("an address");
    let server: SocketAddr = "192.0.2.3:3478".parse().expect("an address");
    let mode = if choice & 1 == 0 { Mode::Full } else { Mode::Lite };
    let role = if choice & 2 == 0 { Role::Controlling } else { Role::Controlled };
    let mut agent = IceAgent::new(AgentOptions::new(role, mode, Credentials::from_random(&[3; 32]), 5));
    agent.add_host(1, local);
    let media = text.lines().filter_map(|line| line.split_once(':'));
    let mut attributes: Vec<(&str, Option<&str>)> = media.map(|(name, value)| (name, Some(value))).collect();
    let told = RemoteDescription::from_attributes([], attributes.iter().copied());
    attributes.extend([("ice-ufrag", Some("them")), ("ice-pwd", Some("theirstheirstheirstheirs"))]);
    let dressed = RemoteDescription::from_attributes([], attributes);
    let mut now = Duration::from_secs(1);
    let _ = (agent.set_remote(now, &told), agent.set_remote(now, &dressed));
    if let Some(candidate) = Candidate::parse(&text).candidate {
        assert_eq!(Candidate::parse(&format!("candidate:{candidate}")).candidate, Some(candidate));
    }
    let mut turn = TurnClient::new(local, server, "user", "word", choice & 4 != 0);
    for (kind, port, bytes) in datagrams {
        let source = SocketAddr::new(server.ip(), port);
        for datagram in [dress(kind, &bytes), bytes] {
            assert!(!agent.handle_datagram(now, local, source, &datagram) || is_stun(&datagram));
            let _ = StunServer::new().answer(source, &datagram);
            let context = Context {
                lab_fragment: Some("us"),
                lab_password: Some("ours"),
                device_fragment: Some("them"),
                device_password: Some("theirs"),
            };
            let _ = examine(&datagram, context);
            turn.handle_timeout(now);
            while turn.poll_transmit(now).is_some() {}
            let _ = turn.handle_datagram(now, local, server, &datagram);
            while turn.poll_event().is_some() {}
        }
        agent.handle_timeout(now);
        now += Duration::from_millis(30);
    }
    for _ in 0..100 {
        while agent.poll_transmit().is_some() {}
        while agent.poll_event().is_some() {}
        let Some(next) = agent.poll_timeout() else { break };
        now = now.max(next);
        agent.handle_timeout(now);
    }
});
