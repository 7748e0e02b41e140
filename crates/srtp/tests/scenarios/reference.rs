//! Byte for byte the same as a second implementation (`vectors/reference.py`: OpenSSL's primitives, checked against libsrtp
//! for the four profiles that has), for every profile, with and without MKI and key derivation rate.

use voxproof_srtp::{MasterKey, Policy, Profile, Protector, Unprotector};

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn every_vector_is_met_both_ways() {
    let mut met = std::collections::BTreeMap::new();
    for line in include_str!("vectors/vectors.txt").lines() {
        if line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split(' ').collect();
        let [kind, profile, master, mki, rate, index, plain, protected] = fields[..] else {
            panic!("{line}");
        };
        let profile = Profile::from_name(profile).unwrap();
        let mki = if mki == "-" { Vec::new() } else { bytes(mki) };
        let key = MasterKey::new(profile, &bytes(master))
            .unwrap()
            .with_mki(&mki)
            .unwrap();
        let policy = Policy {
            key_derivation_rate: rate.parse().unwrap(),
            ..Policy::default()
        };
        let (plain, protected) = (bytes(plain), bytes(protected));
        let index: u32 = index.parse().unwrap();
        let mut sender = Protector::with_policy(key.clone(), policy.clone()).unwrap();
        let mut receiver = Unprotector::with_policy(vec![key], policy).unwrap();
        let ssrc = super::packets::SSRC;
        if kind == "rtp" {
            sender.set_roll_over_counter(ssrc, index).unwrap();
            receiver.set_roll_over_counter(ssrc, index).unwrap();
            assert_eq!(sender.protect_rtp(&plain).unwrap(), protected, "{line}");
            assert_eq!(receiver.unprotect_rtp(&protected).unwrap(), plain, "{line}");
        } else {
            sender.set_rtcp_index(ssrc, index).unwrap();
            assert_eq!(sender.protect_rtcp(&plain).unwrap(), protected, "{line}");
            assert_eq!(receiver.unprotect_rtcp(&protected).unwrap(), plain, "{line}");
        }
        *met.entry((profile, kind)).or_insert(0) += 1;
    }
    // every profile, both kinds
    assert_eq!(met.len(), 16);
    assert!(met.values().all(|count| *count >= 7), "{met:?}");
}
