//! The roll-over counter over more than 2^16 packets, with loss and reordering at its ends (RFC 3711 3.3.1).

use voxproof_srtp::{Profile, SrtpError};

use super::packets::{SSRC, pair, rtp};

#[test]
fn a_long_stream_with_loss_and_reordering_stays_readable() {
    let (mut sender, mut receiver) = pair(Profile::Aes128CmHmacSha1_80);
    let mut order: Vec<u32> = (65_000..65_000 + 2 * 65_536 + 1_000).collect();
    // the packets around each roll-over arrive in blocks of 16 turned round
    for block in order.chunks_mut(16) {
        if block.iter().any(|index| (index + 64) % 65_536 < 128) {
            block.reverse();
        }
    }
    let mut protected: Vec<(u32, Vec<u8>)> = (order[0].min(65_000)..65_000 + 2 * 65_536 + 1_000)
        .map(|index| (index, sender.protect_rtp(&rtp(index as u16)).unwrap()))
        .collect();
    protected.sort_by_key(|(index, _)| *index);
    assert_eq!(sender.roll_over_counter(SSRC), 3);
    let mut accepted = 0;
    for index in order {
        // one packet in seven is lost
        if index % 7 == 0 {
            continue;
        }
        let (_, packet) = &protected[(index - 65_000) as usize];
        let plain = receiver
            .unprotect_rtp(packet)
            .unwrap_or_else(|error| panic!("index {index}: {error}"));
        assert_eq!(plain, rtp(index as u16));
        accepted += 1;
    }
    assert!(accepted > 110_000);
    assert_eq!(receiver.roll_over_counter(SSRC), 3);
}

#[test]
fn the_first_packet_of_the_next_cycle_may_be_lost() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let before = sender.protect_rtp(&rtp(65_534)).unwrap();
        let last = sender.protect_rtp(&rtp(65_535)).unwrap();
        let _lost = sender.protect_rtp(&rtp(0)).unwrap();
        let next = sender.protect_rtp(&rtp(1)).unwrap();
        assert_eq!(receiver.unprotect_rtp(&before).unwrap(), rtp(65_534));
        let mut out = Vec::new();
        let accepted = receiver.unprotect_rtp_into(&next, &mut out).unwrap();
        assert_eq!((accepted.index, accepted.ssrc, accepted.key), (65_537, SSRC, 0));
        // from before the roll-over, arriving after it
        assert_eq!(receiver.unprotect_rtp(&last).unwrap(), rtp(65_535));
        assert_eq!(receiver.roll_over_counter(SSRC), 1);
    }
}

#[test]
fn a_receiver_that_joins_late_needs_the_counter() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes256Gcm);
    sender.set_roll_over_counter(SSRC, 5).unwrap();
    let packet = sender.protect_rtp(&rtp(100)).unwrap();
    assert_eq!(
        receiver.unprotect_rtp(&packet),
        Err(SrtpError::AuthenticationFailed {
            ssrc: SSRC,
            index: 100
        })
    );
    receiver.set_roll_over_counter(SSRC, 5).unwrap();
    assert_eq!(receiver.unprotect_rtp(&packet).unwrap(), rtp(100));
}

#[test]
fn no_packet_goes_beyond_the_last_index() {
    let (mut sender, mut receiver) = pair(Profile::Aes256CmHmacSha1_32);
    sender.set_roll_over_counter(SSRC, u32::MAX).unwrap();
    receiver.set_roll_over_counter(SSRC, u32::MAX).unwrap();
    let last = sender.protect_rtp(&rtp(65_535)).unwrap();
    receiver.unprotect_rtp(&last).unwrap();
    let limit = 1 << 48;
    assert_eq!(
        sender.protect_rtp(&rtp(0)),
        Err(SrtpError::KeyExhausted { limit })
    );
    let (mut other, _) = pair(Profile::Aes256CmHmacSha1_32);
    let wrapped = other.protect_rtp(&rtp(0)).unwrap();
    assert_eq!(
        receiver.unprotect_rtp(&wrapped),
        Err(SrtpError::KeyExhausted { limit })
    );
}
