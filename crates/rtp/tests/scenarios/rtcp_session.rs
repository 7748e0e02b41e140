//! Two sessions that talk to each other on a simulated clock.

use std::time::Duration;

use voxproof_rtp::rtcp::xr::Block;
use voxproof_rtp::rtcp::{
    Event, ExtendedReports, Profile, Report, Session, SessionConfig, Violation, inspect, ntp_from_unix, parse,
};
use voxproof_rtp::{Packet, Packetizer};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn config(ssrc: u32, seed: u64) -> SessionConfig {
    SessionConfig::new(
        ssrc,
        format!("{ssrc}@lab"),
        ntp_from_unix(Duration::from_secs(1_700_000_000)),
        seed,
    )
}

fn all() -> ExtendedReports {
    ExtendedReports {
        voip_metrics: true,
        statistics_summary: true,
        receiver_reference_time: true,
        delay_since_last: true,
    }
}

/// What one side saw in a call: its events and the datagrams that the other side sent, with times.
struct Seen {
    events: Vec<(Duration, Event)>,
    datagrams: Vec<(Duration, Vec<u8>)>,
}

/// A call of `seconds`: both send 20 ms packets unless told otherwise, the path takes 30 ms there and 50 ms back, and
/// every `drop_every`th packet of b is lost.
fn call(
    a: SessionConfig,
    b: SessionConfig,
    seconds: u64,
    b_sends: bool,
    drop_every: u64,
) -> (Seen, Seen, Session, Session) {
    let (mut a_stream, mut b_stream) = (
        Packetizer::new(0, a.ssrc, 65_000, 9),
        Packetizer::new(0, b.ssrc, 5, 77),
    );
    let (mut a, mut b) = (Session::new(a, Duration::ZERO), Session::new(b, Duration::ZERO));
    let mut to_a: Vec<(Duration, Vec<u8>)> = Vec::new();
    let mut to_b: Vec<(Duration, Vec<u8>)> = Vec::new();
    let (mut seen_a, mut seen_b) = (
        Seen {
            events: vec![],
            datagrams: vec![],
        },
        Seen {
            events: vec![],
            datagrams: vec![],
        },
    );
    for tick in 0..seconds * 1000 / 10 {
        let now = ms(10 * tick);
        if tick % 2 == 0 {
            let timestamp = a_stream.timestamp;
            to_b.push((now + ms(30), a_stream.next(&[0; 160], 160, tick == 0)));
            a.sent(now, timestamp, 160);
            if b_sends {
                let timestamp = b_stream.timestamp;
                let bytes = b_stream.next(&[0; 160], 160, tick == 0);
                b.sent(now, timestamp, 160);
                if (tick / 2) % drop_every != drop_every - 1 {
                    to_a.push((now + ms(50), bytes));
                }
            }
        }
        if a.poll_timeout().is_some_and(|due| due <= now) {
            to_b.extend(a.poll_transmit(now).map(|bytes| (now + ms(30), bytes)));
        }
        if b.poll_timeout().is_some_and(|due| due <= now) {
            to_a.extend(b.poll_transmit(now).map(|bytes| (now + ms(50), bytes)));
        }
        for (session, queue, seen) in [(&mut a, &mut to_a, &mut seen_a), (&mut b, &mut to_b, &mut seen_b)] {
            for (at, bytes) in queue.extract_if(.., |(at, _)| *at <= now) {
                if voxproof_rtp::is_rtcp(&bytes) {
                    seen.events.extend(
                        session
                            .received_rtcp(at, &bytes)
                            .into_iter()
                            .map(|event| (at, event)),
                    );
                    seen.datagrams.push((at, bytes));
                } else {
                    let packet = Packet::parse(&bytes).expect("own packet");
                    assert_eq!(session.received(at, &packet, Some(46)), None);
                }
            }
        }
    }
    (seen_a, seen_b, a, b)
}

#[test]
fn reports_follow_the_rules_and_the_interval() {
    let (seen_a, seen_b, ..) = call(config(1, 3), config(2, 4), 120, true, u64::MAX);
    for seen in [&seen_a, &seen_b] {
        // 2.05 s to 6.16 s apart, 4.1 s on average
        assert!(
            (20..45).contains(&seen.datagrams.len()),
            "{}",
            seen.datagrams.len()
        );
        for pair in seen.datagrams.windows(2) {
            let apart = (pair[1].0 - pair[0].0).as_secs_f64();
            assert!(
                (2.5 / 1.21828 - 0.02..7.5 / 1.21828 + 0.02).contains(&apart),
                "{apart}"
            );
        }
        let first = seen.datagrams[0].0.as_secs_f64();
        assert!((1.25 / 1.21828..3.75 / 1.21828 + 0.1).contains(&first), "{first}");
        for (_, bytes) in &seen.datagrams {
            assert_eq!(inspect(bytes, Profile::Compound), []);
            assert!(matches!(
                parse(bytes).expect("sound")[0],
                Report::SenderReport { .. }
            ));
        }
        assert!(
            !seen
                .events
                .iter()
                .any(|(_, event)| matches!(event, Event::Finding(_)))
        );
    }
}

#[test]
fn the_round_trip_is_that_of_the_path() {
    let (seen_a, _, a, b) = call(config(1, 3), config(2, 4), 60, true, u64::MAX);
    let round_trips: Vec<Duration> = seen_a
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Reception {
                reporter: 2,
                round_trip,
                ..
            } => *round_trip,
            _ => None,
        })
        .collect();
    assert!(round_trips.len() > 5);
    // fields have a resolution of 15 us
    assert!(
        round_trips
            .iter()
            .all(|rtt| rtt.abs_diff(ms(80)) < Duration::from_micros(50)),
        "{round_trips:?}"
    );
    assert!(a.round_trip(2).is_some() && b.round_trip(1).is_some() && a.round_trip(9).is_none());
}

#[test]
fn loss_and_names_are_reported() {
    let (seen_a, seen_b, a, _) = call(config(1, 3), config(2, 4), 60, true, 10);
    assert!(seen_a.events.iter().any(|(_, event)| *event
        == Event::Named {
            ssrc: 2,
            cname: "2@lab".to_owned()
        }));
    let heard: Vec<_> = seen_b
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Reception {
                block,
                fraction_lost,
                jitter,
                ..
            } => Some((block, *fraction_lost, *jitter)),
            _ => None,
        })
        .collect();
    let (block, _, jitter) = heard.last().expect("reports of a");
    assert!((block.cumulative_lost - 290).abs() < 15, "{block:?}");
    assert!(heard.iter().all(|(_, lost, _)| (0.06..0.13).contains(lost)));
    assert!(*jitter < ms(1));
    assert_eq!(block.ssrc, 2);
    let statistics = a.statistics(2).expect("heard").summary();
    assert_eq!(statistics.dscp, [(46, statistics.packets)]);
}

#[test]
fn a_side_that_only_listens_sends_receiver_reports_and_gets_its_round_trip_by_reference_times() {
    let listening = SessionConfig {
        extended_reports: all(),
        ..config(2, 4)
    };
    let sending = SessionConfig {
        extended_reports: all(),
        ..config(1, 3)
    };
    let (seen_a, seen_b, _, b) = call(sending, listening, 60, false, u64::MAX);
    for (_, bytes) in &seen_a.datagrams {
        let reports = parse(bytes).expect("sound");
        assert!(matches!(reports[0], Report::ReceiverReport { .. }));
        assert_eq!(inspect(bytes, Profile::Compound), []);
    }
    let trips: Vec<_> = seen_b
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::RoundTrip {
                reporter: 1,
                round_trip,
            } => Some(*round_trip),
            _ => None,
        })
        .collect();
    assert!(
        !trips.is_empty()
            && trips
                .iter()
                .all(|trip| trip.abs_diff(ms(80)) < Duration::from_micros(50))
    );
    assert_eq!(b.round_trip(1), trips.last().copied());
}

#[test]
fn extended_reports_tell_of_the_loss() {
    let with = |ssrc, seed| SessionConfig {
        extended_reports: all(),
        ..config(ssrc, seed)
    };
    let (_, seen_b, ..) = call(with(1, 3), with(2, 4), 60, true, 10);
    let metrics = seen_b
        .events
        .iter()
        .rev()
        .find_map(|(_, event)| match event {
            Event::VoipMetrics { metrics, .. } => Some(*metrics),
            _ => None,
        })
        .expect("metrics");
    // each tenth packet is lost: nine received between losses are fewer than Gmin, so all is one burst
    assert!(
        (24..=26).contains(&metrics.loss_rate) && (24..=26).contains(&metrics.burst_density),
        "{metrics:?}"
    );
    assert_eq!(
        (metrics.ssrc, metrics.discard_rate, metrics.gap_threshold),
        (2, 0, 16)
    );
    assert_eq!(metrics.round_trip_delay, 80);
    // 93.2 - 95 * 10 / (10 + 4.3) and little delay
    assert!(
        (24..=29).contains(&metrics.r_factor.expect("G.711")),
        "{metrics:?}"
    );
    assert!(metrics.mos_lq.is_some_and(|mos| (10..20).contains(&mos)));
    let summaries: Vec<_> = seen_b
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::StatisticsSummary { summary, .. } => Some(*summary),
            _ => None,
        })
        .collect();
    assert!(
        summaries.windows(2).all(|pair| pair[0].end == pair[1].begin),
        "intervals follow each other"
    );
    for summary in &summaries {
        let packets = f64::from(summary.end.wrapping_sub(summary.begin));
        let lost = f64::from(summary.lost.expect("reported"));
        assert!((lost - packets / 10.0).abs() < 1.5, "{summary:?}");
        assert_eq!(summary.duplicates, Some(0));
    }
}

#[test]
fn a_goodbye_ends_the_session() {
    let mut session = Session::new(config(1, 1), Duration::ZERO);
    session.sent(ms(10), 0, 160);
    let bytes = session
        .goodbye(ms(20), Some("end of call"))
        .expect("RTP was sent");
    let reports = parse(&bytes).expect("sound");
    assert_eq!(
        reports.last(),
        Some(&Report::Bye {
            ssrcs: vec![1],
            reason: Some("end of call".to_owned())
        })
    );
    assert_eq!(inspect(&bytes, Profile::Compound), []);
    assert_eq!(
        (session.poll_timeout(), session.poll_transmit(ms(90_000))),
        (None, None)
    );
    assert_eq!(session.goodbye(ms(30), None), None);
    // who never sent anything has nothing to take back
    assert_eq!(
        Session::new(config(1, 1), Duration::ZERO).goodbye(ms(1), None),
        None
    );
    let long = Session::new(
        SessionConfig {
            cname: "ü".repeat(200),
            ..config(1, 1)
        },
        Duration::ZERO,
    );
    let mut long = long;
    long.sent(ms(1), 0, 1);
    assert!(long.goodbye(ms(2), Some(&"ö".repeat(200))).is_some());
}

#[test]
fn a_goodbye_of_the_far_end_and_our_own_source_are_told() {
    let mut session = Session::new(config(1, 1), Duration::ZERO);
    let mut other = Session::new(config(2, 1), Duration::ZERO);
    other.sent(ms(5), 0, 160);
    let bytes = other.goodbye(ms(10), None).expect("RTP was sent");
    assert!(session.received_rtcp(ms(20), &bytes).contains(&Event::Left {
        ssrc: 2,
        reason: None
    }));
    let mut twin = Session::new(config(1, 9), Duration::ZERO);
    twin.sent(ms(5), 0, 160);
    let bytes = twin.goodbye(ms(10), None).expect("RTP was sent");
    assert!(
        session
            .received_rtcp(ms(20), &bytes)
            .contains(&Event::Collision { ssrc: 1 })
    );
    let echo = Packetizer::new(0, 1, 0, 0).next(&[0; 10], 160, false);
    let packet = Packet::parse(&echo).expect("own packet");
    assert_eq!(
        session.received(ms(30), &packet, None),
        Some(Event::Collision { ssrc: 1 })
    );
}

#[test]
fn what_is_wrong_comes_as_findings_and_memory_is_bounded() {
    let mut session = Session::new(config(1, 1), Duration::ZERO);
    let events = session.received_rtcp(ms(1), &[0x80, 201, 0, 1, 0, 0, 0, 9]);
    assert!(matches!(&events[..], [Event::Finding(finding)] if finding.violation == Violation::NoCname));
    assert!(matches!(
        &session.received_rtcp(ms(2), &[1, 2, 3])[..],
        [Event::Finding(_)]
    ));
    for ssrc in 100..1000u32 {
        let bytes = Packetizer::new(0, ssrc, 0, 0).next(&[0; 10], 160, false);
        session.received(
            ms(u64::from(ssrc)),
            &Packet::parse(&bytes).expect("own packet"),
            None,
        );
    }
    assert!(session.statistics(999).is_some() && session.statistics(100).is_none());
    // a report about all that are remembered is still a sound packet
    let now = Duration::from_secs(30);
    let mut report = None;
    for second in 0..60 {
        report = report.or_else(|| session.poll_transmit(now + Duration::from_secs(second)));
    }
    assert_eq!(inspect(&report.expect("due"), Profile::Compound), []);
}

#[test]
fn silent_members_are_forgotten() {
    let mut session = Session::new(config(1, 1), Duration::ZERO);
    let bytes = Packetizer::new(0, 7, 0, 0).next(&[0; 10], 160, false);
    session.received(ms(1), &Packet::parse(&bytes).expect("own packet"), None);
    for second in 0..20 {
        let _ = session.poll_transmit(Duration::from_secs(second));
    }
    assert!(session.statistics(7).is_some());
    for second in 20..60 {
        let _ = session.poll_transmit(Duration::from_secs(second));
    }
    assert!(session.statistics(7).is_none());
}

#[test]
fn a_reference_time_is_answered_with_the_delay_since() {
    let mut session = Session::new(
        SessionConfig {
            extended_reports: all(),
            ..config(1, 1)
        },
        Duration::ZERO,
    );
    let asked = voxproof_rtp::rtcp::build(&[
        Report::ReceiverReport {
            ssrc: 5,
            blocks: vec![],
        },
        Report::Sdes {
            ssrc: 5,
            cname: Some("x".to_owned()),
        },
        Report::ExtendedReport {
            ssrc: 5,
            blocks: vec![Block::ReceiverReferenceTime {
                ntp: 0xaaaa_bbbb_cccc_dddd,
            }],
        },
    ])
    .expect("fits");
    assert!(
        session
            .received_rtcp(ms(1000), &asked)
            .iter()
            .all(|event| !matches!(event, Event::Finding(_)))
    );
    let mut answer = None;
    let mut sent_at = Duration::ZERO;
    for now in (1000..9000).step_by(10).map(ms) {
        if let Some(bytes) = session.poll_transmit(now) {
            answer = Some(bytes);
            sent_at = now;
            break;
        }
    }
    let reports = parse(&answer.expect("due")).expect("sound");
    let Some(Report::ExtendedReport { blocks, .. }) = reports.last() else {
        panic!("no extended report in {reports:?}");
    };
    let Some(Block::DelaySinceLast(answers)) = blocks.get(1) else {
        panic!("no answer in {blocks:?}");
    };
    assert_eq!((answers[0].ssrc, answers[0].last), (5, 0xbbbb_cccc));
    let delay = f64::from(answers[0].delay) / 65_536.0;
    assert!((delay - (sent_at - ms(1000)).as_secs_f64()).abs() < 1e-4);
}
