//! The streams of a peer: codecs, protection, reports, events, echo and impairment. A device of bytes, virtual time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::device::{Datagrams, station};
use voxproof_call::{ImpairedWay, InviteOptions, MediaSecurity, OfferSpec, Station};
use voxproof_net::{Endpoint, Net};
use voxproof_record::TimelineEvent;
use voxproof_rtp::dtmf::collect;
use voxproof_rtp::impairment::{ImpairmentSpec, Loss, read_truth};
use voxproof_rtp::{Packet, Packetizer, is_rtcp};
use voxproof_sip::{Message, Transport};
use voxproof_srtp::dtls::{Certificate, DtlsEndpoint, DtlsEvent, HashFunction, Role};
use voxproof_srtp::sdes::CryptoAttribute;
use voxproof_srtp::{DatagramKind, Profile, Protector, Unprotector, classify};

/// A device that has answered a call of the lab, and its RTP port.
struct Answered {
    station: Station,
    rtp: Endpoint,
    rtcp: Endpoint,
    offer: Message,
    /// Where the lab receives.
    lab: std::net::SocketAddr,
}

/// The lab calls; the device answers with these lines after its connection line.
fn run(spec: OfferSpec, answer: impl Fn(&str) -> String, test: impl AsyncFnOnce(Answered)) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(async {
            let net = Net::virtual_network();
            let mut station = station(&net).await;
            let device = Datagrams::open(&net, station.address(Transport::Udp)).await;
            let rtp = net.bind("192.0.2.9:4000".parse().expect("an address")).await.expect("free");
            let rtcp = net.bind("192.0.2.9:4001".parse().expect("an address")).await.expect("free");
            // the lab learns where the device is
            device.send(
                "REGISTER sip:lab SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKr\nMax-Forwards: 70\n\
                 From: <sip:dut@lab>;tag=1\nTo: <sip:dut@lab>\nCall-ID: r\nCSeq: 1 REGISTER\n\
                 Contact: <sip:dut@192.0.2.9:5060>\nContent-Length: 0\n\n",
            );
            station.pass(Duration::from_millis(5)).await;
            let challenge = device.received().await;
            let value = challenge[0].header("www-authenticate").expect("a challenge").to_owned();
            let challenge = voxproof_sip::Challenge::parse(&value).expect("a challenge");
            let credentials = voxproof_sip::Credentials::answer(
                &challenge, "dut", "secret", "REGISTER", "sip:lab", 1, "c", b"",
            )
            .expect("known")
            .to_header();
            device.send(&format!(
                "REGISTER sip:lab SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKs\nMax-Forwards: 70\n\
                 From: <sip:dut@lab>;tag=1\nTo: <sip:dut@lab>\nCall-ID: r\nCSeq: 2 REGISTER\n\
                 Contact: <sip:dut@192.0.2.9:5060>\nAuthorization: {credentials}\nContent-Length: 0\n\n"
            ));
            station.pass(Duration::from_millis(5)).await;
            device.received().await;
            let options = InviteOptions {
                offer: spec,
                ..InviteOptions::default()
            };
            station.invite("peer_a", options).expect("the device is known");
            station.pass(Duration::from_millis(5)).await;
            let offer = device.received().await.remove(0);
            let sdp = format!(
                "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{}",
                answer(&String::from_utf8_lossy(offer.body())).replace('\n', "\r\n")
            );
            let ok = voxproof_sip::Builder::response_to(&offer, 200, "OK")
                .to_tag("t")
                .header("Contact", "<sip:dut@192.0.2.9:5060>")
                .body("application/sdp", sdp)
                .build();
            device.send(&String::from_utf8(ok).expect("text").replace("\r\n", "\n"));
            station.pass(Duration::from_millis(5)).await;
            assert!(station.is_established("peer_a"));
            let lab = station.rtp_address("peer_a").expect("a stream");
            let answered = Answered {
                station,
                rtp,
                rtcp,
                offer,
                lab,
            };
            test(answered).await;
        });
}

impl Answered {
    async fn packets(&self) -> Vec<Vec<u8>> {
        drain(&self.rtp).await
    }
}

async fn drain(endpoint: &Endpoint) -> Vec<Vec<u8>> {
    let mut all = vec![];
    while let Ok(Ok(datagram)) = tokio::time::timeout(Duration::from_millis(1), endpoint.recv()).await {
        all.push(datagram.bytes);
    }
    all
}

fn plain(_: &str) -> String {
    "m=audio 4000 RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\n".to_owned()
}

#[test]
fn the_packet_time_and_codec_are_those_the_device_asks_for() {
    let spec = OfferSpec {
        codecs: vec!["G722".to_owned(), "opus".to_owned(), "PCMU".to_owned()],
        ..OfferSpec::default()
    };
    for (answer, step, length) in [
        (
            "m=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\na=ptime:30\n",
            240,
            Some(240),
        ),
        (
            "m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=ptime:20\n",
            960,
            None,
        ),
        (
            "m=audio 4000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:10\n",
            80,
            Some(80),
        ),
    ] {
        run(
            spec.clone(),
            |_| answer.to_owned(),
            async |mut call| {
                call.station.pass(Duration::from_millis(300)).await;
                let packets = call.packets().await;
                let read: Vec<Packet<'_>> = packets
                    .iter()
                    .map(|bytes| Packet::parse(bytes).expect("RTP"))
                    .collect();
                assert!(read.len() >= 9, "{answer}: {}", read.len());
                for pair in read.windows(2) {
                    assert_eq!(
                        pair[1].timestamp.wrapping_sub(pair[0].timestamp),
                        step,
                        "{answer}"
                    );
                    assert_eq!(pair[1].sequence.wrapping_sub(pair[0].sequence), 1);
                }
                if let Some(length) = length {
                    assert!(
                        read.iter().all(|packet| packet.payload.len() == length),
                        "{answer}"
                    );
                }
            },
        );
    }
}

#[test]
fn sdes_protects_both_ways_and_the_keys_are_in_the_record() {
    let spec = OfferSpec {
        security: MediaSecurity::Sdes,
        suites: vec![
            "AES_CM_128_HMAC_SHA1_80".to_owned(),
            "AES_256_CM_HMAC_SHA1_80".to_owned(),
        ],
        ..OfferSpec::default()
    };
    let profile = Profile::Aes256CmHmacSha1_80;
    let theirs = CryptoAttribute::generate(2, profile, &[7; 64]).expect("a key");
    let line = format!("a=crypto:{theirs}\n");
    let answer = |_: &str| format!("m=audio 4000 RTP/SAVP 0\na=rtpmap:0 PCMU/8000\n{line}");
    run(spec, answer, async |mut call| {
        let offer = call.offer.sdp().expect("a description").expect("readable");
        let audio = offer.audio().expect("audio");
        let ours = audio
            .crypto()
            .into_iter()
            .filter_map(|value| CryptoAttribute::parse(value).attribute)
            .find(|crypto| crypto.tag == 2)
            .expect("the second suite");
        let key = ours.master_keys().expect("keys").remove(0);
        let mut unprotector = Unprotector::new(key).expect("a receiver");
        call.station.pass(Duration::from_millis(200)).await;
        let packets = call.packets().await;
        assert!(packets.len() >= 9);
        for packet in &packets {
            let opened = unprotector.unprotect_rtp(packet).expect("authentic");
            assert_eq!(Packet::parse(&opened).expect("RTP").payload.len(), 160);
        }
        // what the device sends is echoed only when it is authentic
        call.station.echo("peer_a", true).expect("a stream");
        let mut protector = Protector::new(theirs.master_keys().expect("keys").remove(0)).expect("a sender");
        let mut stream = Packetizer::new(0, 9, 1, 0);
        for value in 1..=5_u8 {
            let packet = stream.next(&[value; 160], 160, false);
            let protected = protector.protect_rtp(&packet).expect("room");
            let mut spoilt = protected.clone();
            *spoilt.last_mut().expect("a tag") ^= 1;
            for bytes in [protected, spoilt, packet] {
                call.rtp.send(call.lab, &bytes).expect("sent");
            }
            call.station.pass(Duration::from_millis(20)).await;
        }
        call.station.pass(Duration::from_millis(100)).await;
        let echoed: Vec<u8> = call
            .packets()
            .await
            .iter()
            .filter_map(|packet| unprotector.unprotect_rtp(packet).ok())
            .filter_map(|opened| Packet::parse(&opened).ok().map(|packet| packet.payload[0]))
            .filter(|value| *value <= 5)
            .collect();
        assert_eq!(echoed, [1, 2, 3, 4, 5]);
        let capture = call.station.end_case(false).await;
        let keys: BTreeSet<bool> = capture
            .timeline
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                TimelineEvent::Keys { inbound, .. } => Some(*inbound),
                _ => None,
            })
            .collect();
        assert_eq!(keys, BTreeSet::from([false, true]));
    });
}

#[test]
fn dtls_gives_keys_and_a_wrong_fingerprint_none() {
    let certificate = Certificate::self_signed("device", &[3; 32]).expect("a certificate");
    for wrong in [false, true] {
        let spec = OfferSpec {
            security: MediaSecurity::Dtls,
            ..OfferSpec::default()
        };
        let fingerprint = certificate.fingerprint(HashFunction::Sha256);
        let fingerprint = if wrong { fingerprint.spoilt() } else { fingerprint };
        let answer = |_: &str| {
            format!(
                "m=audio 4000 UDP/TLS/RTP/SAVP 0\na=rtpmap:0 PCMU/8000\na=fingerprint:{fingerprint}\na=setup:active\n"
            )
        };
        run(spec, answer, async |mut call| {
            let base = std::time::Instant::now();
            let now = call.station.now();
            let mut dtls = DtlsEndpoint::new(Role::Active, &certificate, base, now).expect("an end");
            let mut keys = None;
            let mut protected = 0;
            for _ in 0..200 {
                while let Some(bytes) = dtls.poll_transmit() {
                    call.rtp.send(call.lab, &bytes).expect("sent");
                }
                call.station.pass(Duration::from_millis(5)).await;
                let now = call.station.now();
                for bytes in call.packets().await {
                    match classify(&bytes) {
                        DatagramKind::Dtls => dtls.handle_datagram(now, &bytes),
                        _ => protected += 1,
                    }
                }
                if let Some(DtlsEvent::Connected(made)) = dtls.poll_event() {
                    keys = Some(made);
                }
            }
            let capture = call.station.end_case(false).await;
            let noted = |wanted: fn(&TimelineEvent) -> bool| {
                capture.timeline.entries.iter().any(|entry| wanted(&entry.event))
            };
            assert_eq!(noted(|event| matches!(event, TimelineEvent::Keys { .. })), !wrong);
            let failures: Vec<&String> = capture
                .timeline
                .entries
                .iter()
                .filter_map(|entry| match &entry.event {
                    TimelineEvent::Connection { detail, .. } => Some(detail),
                    _ => None,
                })
                .collect();
            assert_eq!(!failures.is_empty(), wrong, "{failures:?}");
            assert_eq!(protected > 5, !wrong, "{protected} packets");
            // the device of this test takes any certificate: only the lab refuses
            assert!(keys.is_some());
        });
    }
}

#[test]
fn reports_come_about_every_five_seconds_and_end_with_a_goodbye() {
    run(OfferSpec::default(), plain, async |mut call| {
        call.station.pass(Duration::from_secs(30)).await;
        let reports = drain(&call.rtcp).await;
        assert!(
            (4..=13).contains(&reports.len()),
            "{} reports in 30 s",
            reports.len()
        );
        assert!(reports.iter().all(|bytes| is_rtcp(bytes)));
        assert!(call.packets().await.iter().all(|bytes| !is_rtcp(bytes)));
        call.station.bye("peer_a").expect("a call");
        call.station.pass(Duration::from_secs(1)).await;
        let last = drain(&call.rtcp).await;
        // packet type 203 (RFC 3550 6.6)
        assert!(
            last.iter()
                .any(|bytes| bytes.windows(2).any(|two| two[0] & 0xc0 == 0x80 && two[1] == 203))
        );
    });
}

#[test]
fn digits_are_sent_as_events_or_as_tones() {
    run(OfferSpec::default(), plain, async |mut call| {
        let length = call
            .station
            .send_events(
                "peer_a",
                "19#",
                Duration::from_millis(100),
                Duration::from_millis(100),
            )
            .expect("agreed on");
        let began = call.station.now();
        call.station.pass(length + Duration::from_millis(200)).await;
        let packets = call.packets().await;
        let stream: Vec<(Duration, &[u8])> = packets.iter().map(|bytes| (began, bytes.as_slice())).collect();
        let events = collect(&stream, &[101], 8000);
        let digits: String = events.iter().map(|event| event.digit).collect();
        assert_eq!(digits, "19#");
        for event in &events {
            assert!(event.marker_on_first && event.constant_timestamp && event.durations_monotonic);
            assert_eq!(event.end_packets, 3);
        }
    });
}

#[test]
fn an_impaired_way_loses_what_its_truth_says() {
    run(OfferSpec::default(), plain, async |mut call| {
        call.packets().await;
        let network = ImpairmentSpec {
            loss: Loss::Random { probability: 0.2 },
            delay_ms: 35.0,
            ..ImpairmentSpec::default()
        };
        call.station
            .impair("peer_a", ImpairedWay::ToDevice, Some(&network), Some(5))
            .expect("a stream");
        call.station.pass(Duration::from_secs(10)).await;
        let heard = call.packets().await.len();
        let capture = call.station.end_case(false).await;
        let truth: Vec<String> = capture
            .timeline
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                TimelineEvent::Impaired {
                    truth,
                    to_device: true,
                    ..
                } => Some(truth.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        let decisions = read_truth(&truth.join("\n")).expect("readable");
        let mut summary = voxproof_rtp::impairment::Summary::default();
        for decision in &decisions {
            summary.add(decision);
        }
        assert!((400..=520).contains(&decisions.len()), "{}", decisions.len());
        let lost = summary.dropped();
        assert!((60..=140).contains(&lost), "{lost} of 500");
        assert!(
            heard.abs_diff(decisions.len() - lost as usize) <= 4,
            "{heard} heard"
        );
    });
}
