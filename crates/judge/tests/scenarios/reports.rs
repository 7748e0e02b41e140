//! RTCP: counts, intervals, round trip, port, extended reports.

use crate::lab::{Lab, above, device_rtp, ms, rtp};
use voxproof_record::{Carrier, TimelineEvent};
use voxproof_rtp::rtcp::{self, Report, ReportBlock, ntp_middle};
use voxproof_spec::Verdict;

const NTP: u64 = 0xe000_0001_8000_0000;

fn compound(sender: bool, last: u32, delay: u32, bye: bool) -> Vec<u8> {
    let blocks = vec![ReportBlock {
        ssrc: 1,
        fraction_lost: 0,
        cumulative_lost: 2,
        extended_sequence: 20,
        jitter: 160,
        last_sender_report: last,
        delay_since_last_sender_report: delay,
    }];
    let mut reports = vec![if sender {
        Report::SenderReport {
            ssrc: 7,
            ntp: NTP,
            rtp_timestamp: 0,
            packets: 250,
            octets: 40_000,
            blocks,
        }
    } else {
        Report::ReceiverReport { ssrc: 7, blocks }
    }];
    reports.push(Report::Sdes {
        ssrc: 7,
        cname: Some("device@phone".to_owned()),
    });
    if bye {
        reports.push(Report::Bye {
            ssrcs: vec![7],
            reason: None,
        });
    }
    rtcp::build(&reports).expect("a compound packet")
}

fn ask(lab: &mut Lab, expression: &str) {
    lab.ask(&format!(
        "rtcp = {{ stream = \"device -> peer_a\", expect = '{expression}' }}"
    ));
}

#[test]
fn figures_of_a_call() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    let media = voxproof_rtp::build(0, true, 0, 0, 7, &[0xff; 160]);
    lab.packet(ms(1000), Carrier::Udp, rtp(), device_rtp(), true, &media);
    let ours = rtcp::build(&[Report::SenderReport {
        ssrc: 1,
        ntp: NTP,
        rtp_timestamp: 0,
        packets: 0,
        octets: 0,
        blocks: vec![],
    }])
    .expect("a sender report");
    lab.packet(
        ms(3000),
        Carrier::Udp,
        above(rtp()),
        above(device_rtp()),
        false,
        &ours,
    );
    let control = |lab: &mut Lab, at: u64, bytes: &[u8]| {
        lab.packet(
            ms(at),
            Carrier::Udp,
            above(rtp()),
            above(device_rtp()),
            true,
            bytes,
        );
    };
    control(&mut lab, 3500, &compound(true, 0, 0, false));
    // a second after our report, half of which the device kept it
    control(
        &mut lab,
        8500,
        &compound(true, ntp_middle(NTP), (5.4 * 65536.0) as u32, false),
    );
    control(&mut lab, 9000, &compound(false, 0, 0, true));
    ask(
        &mut lab,
        "rtcp.packets == 3 && rtcp.sender_reports == 2 && rtcp.receiver_reports == 1 && rtcp.byes == 1 && rtcp.sdes == 3",
    );
    ask(
        &mut lab,
        "rtcp.mean_interval_ms == 5000.0 && rtcp.min_interval_ms == 5000.0 && rtcp.first_after_ms == 2500.0",
    );
    ask(
        &mut lab,
        "rtcp.round_trip_ms > 99.0 && rtcp.round_trip_ms < 101.0",
    );
    ask(
        &mut lab,
        "rtcp.jitter_ms_max == 20.0 && rtcp.cumulative_lost == 2 && rtcp.sent_packets == 250 && !rtcp.same_port",
    );
    ask(&mut lab, "rtcp.malformed == 0 && rtcp.packets == 4");
    let results = lab.results();
    for result in &results[..4] {
        assert_eq!(result.verdict, Verdict::Pass, "{result:?}");
    }
    assert_eq!(results[4].verdict, Verdict::Fail);
    assert!(results[4].actual.contains("packets = 3"), "{results:?}");
}

#[test]
fn a_shared_port_and_broken_reports_are_seen() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    let good = compound(false, 0, 0, false);
    lab.packet(ms(1000), Carrier::Udp, rtp(), device_rtp(), true, &good);
    lab.packet(
        ms(6000),
        Carrier::Udp,
        rtp(),
        device_rtp(),
        true,
        &good[..good.len() - 3],
    );
    ask(
        &mut lab,
        "rtcp.same_port && rtcp.packets == 2 && rtcp.malformed == 1",
    );
    // RTCP on the RTP port is no RTP
    lab.ask(r#"rtp = { stream = "device -> peer_a", expect = 'rtp.packets == 0' }"#);
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
    assert_eq!(results[1].verdict, Verdict::Pass, "{results:?}");
}

/// RFC 3550 6.2: 360 s over the bandwidth of the session in kbit/s, not more than 5 s; 6.3.1: half of that at least,
/// divided by e - 3/2.
#[test]
fn the_shortest_interval_follows_the_bandwidth() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    for number in 0..100_u16 {
        // 172 octets and 28 of headers every 20 ms: 80 kbit/s, 160 when both sides speak
        let media = voxproof_rtp::build(0, number == 0, number, u32::from(number) * 160, 7, &[0xff; 160]);
        lab.packet(
            ms(1000 + 20 * u64::from(number)),
            Carrier::Udp,
            rtp(),
            device_rtp(),
            true,
            &media,
        );
    }
    ask(
        &mut lab,
        "rtcp.least_interval_ms > 923.0 && rtcp.least_interval_ms < 924.0",
    );
    ask(&mut lab, "rtcp.least_interval_ms > 924.0");
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{:?}", results[0]);
    assert_eq!(results[1].verdict, Verdict::Fail, "{:?}", results[1]);
}

/// What a program on the lab's machine did too late, because it was kept from a processor, is not its fault; what it said wrong is.
#[test]
fn a_program_that_was_kept_waiting_is_not_blamed_for_being_late() {
    let verdict = |kept_ms: Option<u64>, question: &str| {
        let mut lab = Lab::new();
        lab.media(&[(0, "PCMU")]);
        let packet = lab.sip(10, false, crate::lab::OPTIONS);
        lab.mark(10, "asked", packet);
        lab.sip(20, true, &crate::lab::answer(crate::lab::OPTIONS, "405 No"));
        if let Some(kept) = kept_ms {
            lab.note(
                30,
                TimelineEvent::DeviceKeptWaiting {
                    longest: kept * 1_000_000,
                },
            );
        }
        lab.ask(question);
        let judgement = lab.judged().judgement;
        (judgement.verdict, judgement.reason)
    };
    let late = "rtcp = { stream = \"device -> peer_a\", expect = 'rtcp.sender_reports >= 1' }";
    let wrong = "messages = { response = \"405\", after = \"asked\", count = { max = 0 } }";
    assert_eq!(verdict(None, late).0, Verdict::Fail);
    assert_eq!(verdict(Some(40), late).0, Verdict::Fail);
    let (excused, reason) = verdict(Some(250), late);
    assert_eq!(excused, Verdict::Inconc);
    assert!(reason.contains("for 250 ms (allowed"), "{reason}");
    assert_eq!(verdict(Some(250), wrong).0, Verdict::Fail);
}
