//! SRTP and SRTCP: opened with the recorded keys, and what is wrong with packets that cannot be.

use crate::lab::{Lab, above, device_rtp, ms, rtp};
use voxproof_record::{Carrier, TimelineEvent};
use voxproof_rtp::rtcp::{Report, ReportBlock};
use voxproof_spec::Verdict;
use voxproof_srtp::{Fault, MasterKey, Profile, Protector, SessionKeys};

fn key(seed: u8) -> MasterKey {
    let profile = Profile::Aes128CmHmacSha1_80;
    MasterKey::new(profile, &vec![seed; profile.key_salt_length()]).expect("a key of its length")
}

fn keys(lab: &mut Lab, at: u64, key: &MasterKey) {
    let keys = SessionKeys {
        key: key.clone(),
        ssrc: None,
        parameters: vec![],
    };
    lab.note(
        at,
        TimelineEvent::Keys {
            actor: "peer_a".to_owned(),
            local: rtp(),
            inbound: true,
            keys: keys.to_text(),
        },
    );
}

fn plain(number: u16) -> Vec<u8> {
    voxproof_rtp::build(0, number == 0, number, 160 * u32::from(number), 7, &[0x55; 160])
}

fn arrive(lab: &mut Lab, number: u64, bytes: &[u8]) {
    lab.packet(
        ms(100 + 20 * number),
        Carrier::Udp,
        rtp(),
        device_rtp(),
        true,
        bytes,
    );
}

fn expect(lab: &mut Lab, expression: &str) {
    lab.ask(&format!(
        "rtp = {{ stream = \"device -> peer_a\", expect = '{expression}' }}"
    ));
}

#[test]
fn packets_with_right_tags_are_the_stream() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    // noted after the first packet came, as the answer may be slower than the media
    keys(&mut lab, 150, &key(1));
    let mut sender = Protector::new(key(1)).expect("a sender");
    for number in 0..10_u16 {
        let bytes = sender.protect_rtp(&plain(number)).expect("a packet");
        arrive(&mut lab, u64::from(number), &bytes);
    }
    expect(
        &mut lab,
        "rtp.secured && rtp.packets == 10 && rtp.lost == 0 && rtp.clear_packets == 0 && rtp.timestamp_step == 160 && 46 in rtp.dscp",
    );
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
    // decrypted: the level of the tone that was sent, not of noise
    let plot = &lab.judged().exhibits.levels[0];
    let (low, high) = plot.envelope[plot.envelope.len() / 2];
    assert!((high - low).abs() < 0.001, "{low} {high}");
}

#[test]
fn every_kind_of_refusal_is_counted_by_itself() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    keys(&mut lab, 1, &key(1));
    let mut sender = Protector::new(key(1)).expect("a sender");
    let first = sender.protect_rtp(&plain(0)).expect("a packet");
    arrive(&mut lab, 0, &first);
    arrive(&mut lab, 1, &first);
    let wrong = sender
        .protect_rtp_with(&plain(1), &Fault::FlipTag)
        .expect("a packet");
    arrive(&mut lab, 2, &wrong);
    arrive(&mut lab, 3, &plain(2));
    let last = sender.protect_rtp(&plain(3)).expect("a packet");
    arrive(&mut lab, 4, &last);
    expect(
        &mut lab,
        "!rtp.secured && rtp.packets == 5 && rtp.replays == 1 && rtp.authentication_failures == 1 && rtp.clear_packets == 1",
    );
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
}

#[test]
fn the_next_keys_take_over() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    keys(&mut lab, 1, &key(1));
    let (mut old, mut new) = (
        Protector::new(key(1)).expect("a sender"),
        Protector::new(key(2)).expect("a sender"),
    );
    for number in 0..5_u16 {
        let bytes = old.protect_rtp(&plain(number)).expect("a packet");
        arrive(&mut lab, u64::from(number), &bytes);
    }
    // the device uses them a packet before the lab has noted them
    keys(&mut lab, 215, &key(2));
    for number in 5..10_u16 {
        let bytes = new.protect_rtp(&plain(number)).expect("a packet");
        arrive(&mut lab, u64::from(number), &bytes);
    }
    expect(&mut lab, "rtp.secured && rtp.packets == 10 && rtp.lost == 0");
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
}

#[test]
fn reports_are_opened_too() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    keys(&mut lab, 1, &key(1));
    let block = ReportBlock {
        ssrc: 9,
        fraction_lost: 64,
        cumulative_lost: 3,
        extended_sequence: 20,
        jitter: 80,
        last_sender_report: 0,
        delay_since_last_sender_report: 0,
    };
    let report = voxproof_rtp::rtcp::build(&[
        Report::ReceiverReport {
            ssrc: 7,
            blocks: vec![block],
        },
        Report::Sdes {
            ssrc: 7,
            cname: Some("device".to_owned()),
        },
    ])
    .expect("a compound packet");
    let mut sender = Protector::new(key(1)).expect("a sender");
    let bytes = sender.protect_rtcp(&report).expect("a packet");
    lab.packet(
        ms(500),
        Carrier::Udp,
        above(rtp()),
        above(device_rtp()),
        true,
        &bytes,
    );
    lab.ask(
        r#"rtcp = { stream = "device -> peer_a", expect = 'rtcp.secured && rtcp.receiver_reports == 1 && rtcp.fraction_lost_max == 0.25 && "device" in rtcp.cnames' }"#,
    );
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
}

#[test]
fn keys_that_cannot_be_read_are_told() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    lab.note(
        1,
        TimelineEvent::Keys {
            actor: "peer_a".to_owned(),
            local: rtp(),
            inbound: true,
            keys: "SRTP nonsense".to_owned(),
        },
    );
    let findings = lab.judged().judgement.findings;
    assert!(
        findings.iter().any(|finding| finding.rule == "keys"),
        "{findings:?}"
    );
}
