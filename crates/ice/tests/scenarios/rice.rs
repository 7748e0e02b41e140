//! Against the ICE agent of other authors (`rice-proto`), in both roles and with the lab full and lite.

use std::time::Duration;

use crate::network::{at, description, options};
use rice_proto::agent::{Agent, AgentPoll};
use rice_proto::candidate::{Candidate, CandidateType};
use rice_proto::stream::Credentials as TheirCredentials;
use turn_client_proto::stun::Instant;
use turn_client_proto::stun::agent::Transmit;
use turn_client_proto::types::TransportType;
use voxproof_ice::{Credentials, IceAgent, IceEvent, IceState, Mode, Nomination, RemoteDescription, Role};

const OURS: &str = "192.0.2.1:5000";
const THEIRS: &str = "192.0.2.2:6000";
const PASSWORD: &str = "theirstheirstheirstheirs";

fn instant(now: Duration) -> Instant {
    Instant::from_nanos(i64::try_from(now.as_nanos()).expect("short"))
}

fn run(role: Role, mode: Mode) -> (IceAgent, Option<(String, String)>, Vec<IceEvent>) {
    let mut ours = IceAgent::new(options(role, mode, 9));
    ours.add_host(1, at(OURS));
    let told = description(&ours);

    let mut theirs = Agent::builder().controlling(role == Role::Controlled).build();
    let stream = theirs.add_stream();
    {
        let mut stream = theirs.mut_stream(stream).expect("the stream");
        let component = stream.add_component().expect("a component");
        stream.set_local_credentials(TheirCredentials::new("them".to_owned(), PASSWORD.to_owned()));
        let credentials = told.credentials.as_ref().expect("credentials");
        let (fragment, password) = (
            credentials.fragment().to_owned(),
            credentials.password().to_owned(),
        );
        stream.set_remote_credentials(TheirCredentials::new(fragment, password));
        let host = |foundation: &str, address: &str, priority: u32| {
            let builder = Candidate::builder(
                component,
                CandidateType::Host,
                TransportType::Udp,
                foundation,
                at(address),
            );
            builder.priority(priority).build()
        };
        assert!(stream.add_local_candidate(host("1", THEIRS, 2_130_706_431)));
        stream.add_remote_candidate(host("1", OURS, told.candidates[0].priority));
        stream.end_of_local_candidates();
        stream.end_of_remote_candidates();
    }
    let mut now = Duration::from_secs(10);
    let line = voxproof_ice::Candidate::parse("1 1 UDP 2130706431 192.0.2.2 6000 typ host");
    let answer = RemoteDescription {
        credentials: Credentials::new("them", PASSWORD).ok(),
        candidates: line.candidate.into_iter().collect(),
        ..RemoteDescription::default()
    };
    ours.set_remote(now, &answer).expect("credentials");

    let mut selected = None;
    let mut events = Vec::new();
    let end = now + Duration::from_secs(20);
    while now < end {
        for _ in 0..100 {
            match theirs.poll(instant(now)) {
                AgentPoll::SelectedPair(pair) => {
                    let pair = pair.selected.candidate_pair();
                    selected = Some((pair.local.address.to_string(), pair.remote.address.to_string()));
                }
                AgentPoll::WaitUntil(_) | AgentPoll::Closed => break,
                _ => (),
            }
        }
        while let Some(out) = theirs.poll_transmit(instant(now)) {
            let transmit = out.transmit;
            assert!(ours.handle_datagram(now, transmit.to, transmit.from, &transmit.data));
        }
        if ours.poll_timeout().is_some_and(|timeout| timeout <= now) {
            ours.handle_timeout(now);
        }
        while let Some(out) = ours.poll_transmit() {
            let transmit = Transmit::new(out.bytes, TransportType::Udp, out.local, out.remote);
            let mut stream = theirs.mut_stream(stream).expect("the stream");
            assert!(stream.handle_incoming_data(1, transmit, instant(now)).handled);
        }
        events.extend(std::iter::from_fn(|| ours.poll_event()));
        now += Duration::from_millis(10);
    }
    (ours, selected, events)
}

#[test]
fn both_select_the_same_pair() {
    for (role, mode) in [
        (Role::Controlling, Mode::Full),
        (Role::Controlled, Mode::Full),
        (Role::Controlled, Mode::Lite),
    ] {
        let (ours, selected, events) = run(role, mode);
        assert_eq!(ours.state(), IceState::Completed, "{role:?} {mode:?}");
        assert_eq!(
            ours.selected(1).map(|pair| (pair.local, pair.remote)),
            Some((at(OURS), at(THEIRS)))
        );
        assert_eq!(
            selected,
            Some((THEIRS.to_owned(), OURS.to_owned())),
            "{role:?} {mode:?}"
        );
        let codes = events.iter().filter_map(|event| match event {
            IceEvent::Finding(finding) => Some(finding.code),
            _ => None,
        });
        // its controlled side repeats USE-CANDIDATE in the triggered check, which RFC 8445 7.1.2 forbids
        let expected: &[&str] = if role == Role::Controlling {
            &["ice-use-candidate-controlled"]
        } else {
            &[]
        };
        assert_eq!(codes.collect::<Vec<_>>(), expected);
        if role == Role::Controlled {
            assert_eq!(ours.peer_nomination(), Some(Nomination::Regular));
        }
    }
}
