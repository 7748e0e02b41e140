//! How long a packet takes. Run with
//! `cargo test --release -p voxproof-srtp --test scenarios -- --ignored --nocapture speed`.

use std::time::Instant;

use voxproof_srtp::Profile;

use super::packets::{pair, rtp};

#[test]
#[ignore = "measures"]
fn nanoseconds_of_a_g711_packet() {
    const PACKETS: u32 = 200_000;
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let plain: Vec<Vec<u8>> = (0..PACKETS).map(|index| rtp(index as u16)).collect();
        let mut protected = vec![Vec::with_capacity(256); plain.len()];
        let start = Instant::now();
        for (packet, out) in plain.iter().zip(&mut protected) {
            sender.protect_rtp_into(packet, out).unwrap();
        }
        let protecting = start.elapsed() / PACKETS;
        let mut out = Vec::with_capacity(256);
        let start = Instant::now();
        for packet in &protected {
            receiver.unprotect_rtp_into(packet, &mut out).unwrap();
        }
        let unprotecting = start.elapsed() / PACKETS;
        println!("{profile}: protect {protecting:?}, unprotect {unprotecting:?}");
    }
}
