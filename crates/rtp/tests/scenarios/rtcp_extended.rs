//! Extended reports to the octet, and what breaks the rules of compound packets.

use proptest::prelude::*;
use voxproof_rtp::rtcp::xr::{
    Block, Chunk, Concealment, DelaySinceLastReceiverReport, HopLimit, JitterBufferKind, RunLengths, Spread,
    StatisticsSummary, VoipMetrics, XrViolation,
};
use voxproof_rtp::rtcp::{FeedbackLayer, Profile, Report, RtcpError, Violation, build, inspect, parse};

fn receiver_report() -> Report {
    Report::ReceiverReport {
        ssrc: 1,
        blocks: vec![],
    }
}

fn named() -> Report {
    Report::Sdes {
        ssrc: 1,
        cname: Some("phone@192.0.2.1".to_owned()),
    }
}

fn metrics() -> VoipMetrics {
    VoipMetrics {
        ssrc: 0x0a0b_0c0d,
        loss_rate: 5,
        discard_rate: 2,
        burst_density: 64,
        gap_density: 1,
        burst_duration: 300,
        gap_duration: 9700,
        round_trip_delay: 80,
        end_system_delay: 60,
        signal_level: Some(-21),
        noise_level: Some(-70),
        residual_echo_return_loss: None,
        gap_threshold: 16,
        r_factor: Some(88),
        external_r_factor: None,
        mos_lq: Some(42),
        mos_cq: Some(41),
        concealment: Concealment::Standard,
        jitter_buffer: JitterBufferKind::Adaptive,
        jitter_buffer_rate: 7,
        jitter_buffer_nominal: 40,
        jitter_buffer_maximum: 80,
        jitter_buffer_absolute_maximum: 200,
    }
}

fn summary() -> StatisticsSummary {
    StatisticsSummary {
        ssrc: 9,
        begin: 100,
        end: 350,
        lost: Some(3),
        duplicates: Some(1),
        jitter: Some(Spread {
            minimum: 1,
            maximum: 90,
            mean: 20,
            deviation: 11,
        }),
        hop_limit: HopLimit::Ipv4,
        hops: Spread {
            minimum: 60,
            maximum: 64,
            mean: 63,
            deviation: 1,
        },
    }
}

fn all_blocks() -> Vec<Block> {
    vec![
        Block::LossRunLengths(RunLengths::encode(
            9,
            65_530,
            &[true, false, true, true, false, true, true],
        )),
        Block::DuplicateRunLengths(RunLengths::encode(9, 5, &[false; 40])),
        Block::ReceiptTimes {
            thinning: 1,
            ssrc: 9,
            begin: 10,
            end: 15,
            times: vec![1000, 1320, 1640],
        },
        Block::ReceiverReferenceTime {
            ntp: 0x0123_4567_89ab_cdef,
        },
        Block::DelaySinceLast(vec![DelaySinceLastReceiverReport {
            ssrc: 9,
            last: 7,
            delay: 8,
        }]),
        Block::StatisticsSummary(summary()),
        Block::VoipMetrics(metrics()),
        Block::Unknown {
            block_type: 200,
            specific: 3,
            data: vec![1, 2, 3, 4],
        },
    ]
}

fn extended(blocks: Vec<Block>) -> Vec<u8> {
    build(&[
        receiver_report(),
        named(),
        Report::ExtendedReport { ssrc: 1, blocks },
    ])
    .expect("all values fit")
}

/// Place of the first block of a packet of [`extended`].
fn first_block(bytes: &[u8]) -> usize {
    let sdes = 8 + 4 * (usize::from(u16::from_be_bytes([bytes[10], bytes[11]])) + 1);
    sdes + 8
}

fn violations(bytes: &[u8]) -> Vec<Violation> {
    inspect(bytes, Profile::Compound)
        .into_iter()
        .map(|finding| finding.violation)
        .collect()
}

#[test]
fn all_block_types_read_back_without_findings() {
    let bytes = extended(all_blocks());
    let reports = parse(&bytes).expect("own packet");
    assert_eq!(
        reports[2],
        Report::ExtendedReport {
            ssrc: 1,
            blocks: all_blocks()
        }
    );
    assert_eq!(violations(&bytes), []);
}

#[test]
fn the_octets_of_voip_metrics_are_those_of_the_standard() {
    let bytes = extended(vec![Block::VoipMetrics(metrics())]);
    let block = &bytes[first_block(&bytes)..];
    #[rustfmt::skip]
    let expected = [
        7, 0, 0, 8,
        0x0a, 0x0b, 0x0c, 0x0d,
        5, 2, 64, 1,
        0x01, 0x2c, 0x25, 0xe4,
        0, 80, 0, 60,
        0xeb, 0xba, 127, 16,
        88, 127, 42, 41,
        0xf7, 0, 0, 40,
        0, 80, 0, 200,
    ];
    assert_eq!(block, expected);
}

#[test]
fn the_octets_of_a_statistics_summary_are_those_of_the_standard() {
    let bytes = extended(vec![Block::StatisticsSummary(summary())]);
    let block = &bytes[first_block(&bytes)..];
    #[rustfmt::skip]
    let expected = [
        6, 0xe8, 0, 9,
        0, 0, 0, 9,
        0, 100, 0x01, 0x5e,
        0, 0, 0, 3,
        0, 0, 0, 1,
        0, 0, 0, 1,
        0, 0, 0, 90,
        0, 0, 0, 20,
        0, 0, 0, 11,
        60, 64, 63, 1,
    ];
    assert_eq!(block, expected);
}

#[test]
fn reserved_bits_wrong_lengths_and_values_out_of_range_are_found() {
    let with = |blocks: Vec<Block>, change: &dyn Fn(&mut [u8])| {
        let mut bytes = extended(blocks);
        let first = first_block(&bytes);
        change(&mut bytes[first..]);
        violations(&bytes)
    };
    let voip = || vec![Block::VoipMetrics(metrics())];
    let range = |field, value| {
        vec![Violation::Xr(XrViolation::Range {
            block_type: 7,
            field,
            value,
        })]
    };
    assert_eq!(with(voip(), &|block| block[24] = 101), range("R factor", 101));
    assert_eq!(with(voip(), &|block| block[26] = 9), range("MOS-LQ", 9));
    assert_eq!(with(voip(), &|block| block[27] = 51), range("MOS-CQ", 51));
    assert_eq!(with(voip(), &|block| block[26] = 127), []);
    assert_eq!(with(voip(), &|block| block[28] = 0x10), range("JBA", 1));
    assert_eq!(
        with(voip(), &|block| block[29] = 1),
        [Violation::Xr(XrViolation::Reserved {
            block_type: 7,
            bits: 1
        })]
    );
    assert_eq!(
        with(voip(), &|block| block[1] = 4),
        [Violation::Xr(XrViolation::Reserved {
            block_type: 7,
            bits: 4
        })]
    );
    // one word short: the last four octets are left over as a block of type 0
    assert_eq!(
        with(voip(), &|block| block[3] = 7)[0],
        Violation::Xr(XrViolation::Length {
            block_type: 7,
            words: 7
        })
    );
    assert_eq!(
        with(voip(), &|block| block[3] = 9),
        [Violation::Xr(XrViolation::Truncated {
            block_type: 7,
            words: 9,
            available: 32
        })]
    );
    let statistics = || vec![Block::StatisticsSummary(summary())];
    assert_eq!(
        with(statistics(), &|block| block[1] = 0xf8),
        [Violation::Xr(XrViolation::Range {
            block_type: 6,
            field: "ToH",
            value: 3
        })]
    );
    assert_eq!(
        with(statistics(), &|block| block[23] = 95),
        [Violation::Xr(XrViolation::Contradiction {
            block_type: 6,
            fields: "min_jitter, mean_jitter, max_jitter"
        })]
    );
    let times = || {
        vec![Block::ReceiptTimes {
            thinning: 0,
            ssrc: 9,
            begin: 10,
            end: 12,
            times: vec![1, 2],
        }]
    };
    assert_eq!(with(times(), &|_| {}), []);
    assert_eq!(
        with(times(), &|block| block[11] = 13),
        [Violation::Xr(XrViolation::Coverage {
            block_type: 3,
            told: 2,
            interval: 3
        })]
    );
    let runs = RunLengths {
        thinning: 0,
        ssrc: 9,
        begin: 0,
        end: 100,
        chunks: vec![Chunk::Run {
            bit: true,
            length: 90,
        }],
    };
    assert_eq!(
        with(vec![Block::LossRunLengths(runs)], &|_| {}),
        [Violation::Xr(XrViolation::Coverage {
            block_type: 1,
            told: 90,
            interval: 100
        })]
    );
    assert_eq!(XrViolation::Trailing(2).clause(), "RFC 3611 3");
    assert_eq!(
        XrViolation::Length {
            block_type: 6,
            words: 1
        }
        .clause(),
        "RFC 3611 4.6"
    );
}

#[test]
fn the_rules_of_compound_packets() {
    let bytes = |reports: &[Report]| build(reports).expect("all values fit");
    assert_eq!(violations(&bytes(&[receiver_report(), named()])), []);
    assert_eq!(violations(&bytes(&[receiver_report()])), [Violation::NoCname]);
    assert_eq!(
        violations(&bytes(&[named(), receiver_report()])),
        [Violation::FirstNotReport(202)]
    );
    let feedback = Report::Feedback {
        layer: FeedbackLayer::Payload,
        format: 1,
        sender: 1,
        media: 2,
        information: vec![],
    };
    let alone = bytes(std::slice::from_ref(&feedback));
    assert_eq!(
        violations(&alone),
        [Violation::FirstNotReport(206), Violation::NoCname]
    );
    assert_eq!(inspect(&alone, Profile::ReducedSize), []);
    assert_eq!(parse(&alone), Ok(vec![feedback]));
    let empty = Report::Sdes {
        ssrc: 1,
        cname: Some(String::new()),
    };
    assert_eq!(
        violations(&bytes(&[receiver_report(), empty])),
        [Violation::EmptyCname(1), Violation::NoCname]
    );
    let bye = Report::Bye {
        ssrcs: vec![],
        reason: None,
    };
    assert_eq!(
        violations(&bytes(&[receiver_report(), named(), bye])),
        [Violation::ByeWithoutSource]
    );
}

#[test]
fn padding_is_only_for_the_last_packet() {
    let with_padding = |mut packet: Vec<u8>, count: u8| {
        packet[0] |= 0x20;
        packet[3] += 1;
        packet.extend([0, 0, 0, count]);
        packet
    };
    let report = build(&[receiver_report()]).expect("fits");
    let sdes = build(&[named()]).expect("fits");
    let good = [report.clone(), with_padding(sdes.clone(), 4)].concat();
    assert_eq!(violations(&good), []);
    assert_eq!(parse(&good), Ok(vec![receiver_report(), named()]));
    let early = [with_padding(report.clone(), 4), sdes.clone()].concat();
    assert_eq!(violations(&early), [Violation::PaddingNotLast(201)]);
    for count in [0, 3, 200] {
        let broken = [report.clone(), with_padding(sdes.clone(), count)].concat();
        assert_eq!(
            violations(&broken),
            [Violation::PaddingCount(202), Violation::NoCname],
            "{count}"
        );
        assert!(matches!(
            parse(&broken).expect("frames fit")[1],
            Report::Malformed { packet_type: 202, .. }
        ));
    }
}

#[test]
fn a_datagram_that_is_cut_is_told_with_its_place() {
    let bytes = build(&[receiver_report(), named()]).expect("fits");
    let findings = inspect(&bytes[..bytes.len() - 1], Profile::Compound);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].offset, 8);
    assert!(matches!(
        findings[0].violation,
        Violation::Frame(RtcpError::Truncated { offset: 8, .. })
    ));
    assert_eq!(findings[0].violation.clause(), "RFC 3550 6.4.1");
}

#[test]
fn application_packets_and_unknown_types() {
    let application = Report::Application {
        subtype: 5,
        ssrc: 1,
        name: *b"TEST",
        data: vec![1, 2, 3, 4],
    };
    let bytes = build(&[receiver_report(), named(), application.clone()]).expect("fits");
    assert_eq!(parse(&bytes).expect("own packet")[2], application);
    assert_eq!(violations(&bytes), []);
    let unknown = [&bytes[..], &[0x80, 210, 0, 0]].concat();
    assert_eq!(violations(&unknown), [Violation::UnknownType(210)]);
    let odd = Report::Application {
        subtype: 5,
        ssrc: 1,
        name: *b"TEST",
        data: vec![1],
    };
    assert!(matches!(build(&[odd]), Err(RtcpError::Write(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_blocks_are_read_and_what_is_read_is_written_again(blocks in proptest::collection::vec(
        (0u8..10, any::<u8>(), proptest::collection::vec(any::<[u8; 4]>(), 0..12), -1i32..2), 0..6)) {
        let mut content = vec![0, 0, 0, 1];
        for (block_type, specific, words, off) in blocks {
            let length = u16::try_from(words.len().saturating_add_signed(off as isize)).expect("few");
            content.extend([block_type, specific]);
            content.extend(length.to_be_bytes());
            content.extend(words.concat());
        }
        let length = u16::try_from(content.len() / 4).expect("short");
        let mut bytes = vec![0x80, 207];
        bytes.extend(length.to_be_bytes());
        bytes.extend(content);
        let reports = parse(&bytes).expect("the frame fits");
        let _ = inspect(&bytes, Profile::ReducedSize);
        if let Ok(written) = build(&reports) {
            prop_assert_eq!(parse(&written), Ok(reports));
        }
    }

    #[test]
    fn findings_lie_within_any_datagram(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        for finding in inspect(&bytes, Profile::Compound) {
            prop_assert!(finding.offset <= bytes.len());
            prop_assert!(finding.violation.clause().starts_with("RFC "));
        }
    }
}
