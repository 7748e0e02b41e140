//! Compound packets to the octet, and what is made of broken ones.

use proptest::prelude::*;

use super::*;

fn block(cumulative_lost: i32) -> ReportBlock {
    ReportBlock {
        ssrc: 0xdead_beef,
        fraction_lost: 25,
        cumulative_lost,
        extended_sequence: 0x0001_0005,
        jitter: 80,
        last_sender_report: 0x1234_5678,
        delay_since_last_sender_report: 65536,
    }
}

#[test]
fn a_compound_packet_reads_back() {
    let reports = vec![
        Report::SenderReport {
            ssrc: 1,
            ntp: 0x0123_4567_89ab_cdef,
            rtp_timestamp: 160,
            packets: 2,
            octets: 320,
            blocks: vec![block(-3), block(70_000)],
        },
        Report::Sdes {
            ssrc: 1,
            cname: Some("phone@192.0.2.1".to_owned()),
        },
        Report::Bye {
            ssrcs: vec![1],
            reason: Some("end".to_owned()),
        },
    ];
    let bytes = build(&reports).expect("all values fit");
    assert_eq!(bytes.len() % 4, 0);
    assert_eq!(parse(&bytes), Ok(reports));
}

#[test]
fn the_octets_are_those_of_the_standard() {
    let bytes = build(&[
        Report::ReceiverReport {
            ssrc: 0x0102_0304,
            blocks: vec![],
        },
        Report::Sdes {
            ssrc: 0x0102_0304,
            cname: Some("ab".to_owned()),
        },
    ])
    .expect("all values fit");
    let receiver = [0x80, 201, 0, 1, 1, 2, 3, 4];
    // SC=1, one chunk: source, CNAME of two octets, then four zeros, as the list needs at least one
    let sdes = [0x81, 202, 0, 3, 1, 2, 3, 4, 1, 2, b'a', b'b', 0, 0, 0, 0];
    assert_eq!(bytes, [&receiver[..], &sdes[..]].concat());
}

#[test]
fn a_second_chunk_may_have_a_source_that_starts_with_zero() {
    let bytes = [
        0x82, 202, 0, 6, 0, 0, 0, 1, 1, 1, b'x', 0, // first chunk
        0, 0, 0, 2, 1, 0, 1, 1, b'y', 0, 0, 0, // second chunk with an empty item in front
        0, 0, 0, 0,
    ];
    assert_eq!(
        parse(&bytes),
        Ok(vec![
            Report::Sdes {
                ssrc: 1,
                cname: Some("x".to_owned())
            },
            Report::Sdes {
                ssrc: 2,
                cname: Some("y".to_owned())
            },
        ])
    );
}

#[test]
fn a_broken_packet_does_not_hide_its_neighbours() {
    // RR that announces a report block it does not have, then a sound BYE
    let bytes = [0x81, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 1];
    let reports = parse(&bytes).expect("sound frames");
    assert!(matches!(reports[0], Report::Malformed { packet_type: 201, .. }));
    assert_eq!(
        reports[1],
        Report::Bye {
            ssrcs: vec![1],
            reason: None
        }
    );
    // a PRIV item whose prefix is longer than the item
    let sdes = [0x81, 202, 0, 3, 0, 0, 0, 1, 8, 1, 3, 0, 0, 0, 0, 0];
    assert_eq!(parse(&sdes), Ok(vec![Report::Sdes { ssrc: 1, cname: None }]));
}

#[test]
fn frames_that_cannot_be_told_apart_are_refused() {
    assert_eq!(
        parse(&[]),
        Err(RtcpError::Truncated {
            offset: 0,
            needed: 4,
            available: 0
        })
    );
    assert_eq!(
        parse(&[0x80, 201, 0, 1]),
        Err(RtcpError::Truncated {
            offset: 0,
            needed: 8,
            available: 4
        })
    );
    assert_eq!(
        parse(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x40, 203, 0, 0]),
        Err(RtcpError::Version {
            offset: 8,
            version: 1
        })
    );
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let long = Report::Sdes {
        ssrc: 1,
        cname: Some("x".repeat(256)),
    };
    assert!(matches!(build(&[long]), Err(RtcpError::Write(_))));
    let lost = Report::ReceiverReport {
        ssrc: 1,
        blocks: vec![block(0x80_0000)],
    };
    assert!(matches!(build(&[lost]), Err(RtcpError::Write(_))));
    assert_eq!(
        build(&[Report::Other {
            packet_type: 204,
            length: 8
        }]),
        Err(RtcpError::NotWritable)
    );
}

#[test]
fn the_quoted_timestamp_is_the_middle_of_the_ntp_time() {
    assert_eq!(ntp_middle(0x0123_4567_89ab_cdef), 0x4567_89ab);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_content_in_a_sound_frame_is_read(count in 0u8..32, kind in 192u8..224, words in 0usize..24,
                                            fill in proptest::collection::vec(any::<u8>(), 96)) {
        let mut bytes = vec![0x80 | count, kind, 0, u8::try_from(words).expect("below 24")];
        bytes.extend(&fill[..words * 4]);
        prop_assert!(parse(&bytes).is_ok());
    }
}

/// Found by fuzzing: a source description of no source is valid (RFC 3550 6.5) and says nothing, so there is nothing to
/// write again.
#[test]
fn nothing_is_no_compound_packet() {
    assert_eq!(parse(&[0x80, 202, 0, 0]), Ok(vec![]));
    assert!(matches!(build(&[]), Err(RtcpError::Write(_))));
}
