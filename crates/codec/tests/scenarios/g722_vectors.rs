//! G.722 against the ITU test sequences, bit for bit, and against our own golden hashes.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use voxproof_codec::{Decoder, Encoder, G722Decoder, G722Encoder, G722Mode};

/// The sequences of the ITU Software Tool Library (G.191, `src/g722/test_data`), which are not part of the
/// repository.
fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/g722");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there", folder.display());
    None
}

/// 16-bit words, low octet first.
fn words(folder: &Path, name: &str) -> Vec<i16> {
    let octets = std::fs::read(folder.join(name)).expect(name);
    let (words, rest) = octets.as_chunks::<2>();
    assert!(rest.is_empty(), "{name}");
    words.iter().map(|&word| i16::from_le_bytes(word)).collect()
}

fn encode(samples: &[i16]) -> Vec<u8> {
    let mut octets = Vec::new();
    G722Encoder::new()
        .encode(samples, &mut octets)
        .expect("an even number of samples");
    octets
}

fn decode(mode: G722Mode, octets: &[u8]) -> Vec<i16> {
    let mut samples = Vec::new();
    G722Decoder::new(mode)
        .decode(octets, &mut samples)
        .expect("any octets");
    samples
}

fn differences<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

#[test]
fn the_encoder_codes_the_sequence_of_the_itu_bit_for_bit() {
    let Some(folder) = corpus() else { return };
    let octets = encode(&words(&folder, "inpsp.bin"));
    // one octet in each word
    let expected: Vec<u8> = words(&folder, "codspw.cod")
        .into_iter()
        .map(|word| u8::try_from(word).expect("one octet in a word"))
        .collect();
    assert_eq!(octets.len(), 48_768);
    assert_eq!(differences(&octets, &expected), 0);
}

#[test]
fn the_decoder_decodes_the_sequence_of_the_itu_bit_for_bit_in_all_modes() {
    let Some(folder) = corpus() else { return };
    let octets: Vec<u8> = words(&folder, "codspw.cod")
        .iter()
        .map(|word| word.to_le_bytes()[0])
        .collect();
    for (mode, name) in [
        (G722Mode::Mode1, "outsp1.bin"),
        (G722Mode::Mode2, "outsp2.bin"),
        (G722Mode::Mode3, "outsp3.bin"),
    ] {
        let samples = decode(mode, &octets);
        assert_eq!(samples.len(), 97_536);
        assert_eq!(differences(&samples, &words(&folder, name)), 0, "{name}");
    }
}

/// A second of integers that touches soft, loud and saturating parts: a linear congruential generator (Knuth's
/// MMIX) under envelopes of a different shift every 100 ms, the last one at full scale.
fn generated() -> Vec<i16> {
    let mut state = 1u64;
    (0..16_000)
        .map(|n| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 48) as u16;
            let slow = if (n / 20) % 2 == 0 { 6000i16 } else { -6000 };
            let part = (n / 1600) as u32;
            (noise.cast_signed() >> (9 - part)).saturating_add(slow >> (9 - part))
        })
        .collect()
}

fn digest(octets: impl IntoIterator<Item = u8>) -> String {
    let hash = Sha256::digest(octets.into_iter().collect::<Vec<u8>>());
    hash.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The hashes were taken from the coder that passed the ITU sequences, so that a checkout without them notices a
/// change.
#[test]
fn a_generated_signal_gives_the_golden_octets_and_samples() {
    let octets = encode(&generated());
    let decoded = [G722Mode::Mode1, G722Mode::Mode2, G722Mode::Mode3]
        .map(|mode| digest(decode(mode, &octets).iter().flat_map(|s| s.to_le_bytes())));
    assert_eq!(
        digest(octets),
        "c3b2e22da2a7f9684421e10149881001755ab47c62748ce8d34d9ee3d8c48ecf"
    );
    assert_eq!(
        decoded,
        [
            "f4077fa71ff963bd93803942dff19cc79f04f8d815a5ee5b14f4ef4e7a487180",
            "47a2dab41fe15ce01a50e058a2f67dd88692e6abec0408f1f64d8bcb8bf55287",
            "e884253a599e29aa9fecac7b63febbf9a8c54b6757d49ee4c786ec7751f30ba7",
        ]
    );
}
