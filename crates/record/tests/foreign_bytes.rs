//! Whatever bytes lie in a run folder: an error or a value, never a panic.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use voxproof_record::{
    CapturedPacket, Carrier, Journal, PacketDirection, Timeline, Wav, read_capture, read_wav, write_capture,
    write_wav,
};

/// Bytes that begin like the real thing and go on in any way.
fn spoilt(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = good.len();
    (0..=length, prop::collection::vec(any::<u8>(), 0..64), 0..=length).prop_map(move |(at, junk, cut)| {
        let mut bytes = good.clone();
        for (offset, byte) in junk.into_iter().enumerate() {
            match bytes.get_mut(at + offset) {
                Some(place) => *place = byte,
                None => bytes.push(byte),
            }
        }
        let keep = bytes.len().saturating_sub(cut / 4);
        bytes.truncate(keep);
        bytes
    })
}

fn a_capture() -> Vec<u8> {
    let packet = |payload: &[u8]| CapturedPacket {
        carrier: Carrier::Udp,
        dscp: None,
        at: Duration::from_millis(20),
        direction: PacketDirection::Inbound,
        source: "127.0.0.1:5060".parse().expect("an address"),
        destination: "127.0.0.1:5070".parse().expect("an address"),
        payload: payload.to_vec(),
    };
    write_capture(&[packet(b"one"), packet(b"another")], Duration::from_secs(1)).expect("a capture")
}

fn a_wav() -> Vec<u8> {
    write_wav(&Wav {
        sample_rate: 8000,
        samples: (0..100).collect(),
    })
    .expect("a wave file")
}

proptest! {
    #[test]
    fn captures(bytes in spoilt(a_capture())) {
        let _ = read_capture(&bytes, Duration::from_secs(1));
    }

    #[test]
    fn wave_files(bytes in spoilt(a_wav())) {
        let _ = read_wav("x", &bytes);
    }

    #[test]
    fn journals(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Journal::parse(Path::new("j"), &bytes);
        let _ = Timeline::from_json_lines(&bytes);
    }

    #[test]
    fn journals_of_cut_and_joined_lines(lines in prop::collection::vec("[ -~]{0,40}", 0..8)) {
        let text = lines.join("\n");
        let _ = Journal::parse(Path::new("j"), text.as_bytes());
    }
}
