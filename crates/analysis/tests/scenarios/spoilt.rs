//! Files that are cut, empty, compressed, mislabelled or senseless.

use proptest::prelude::*;
use voxproof_analysis::{NoteKind, RawCoding, RawFormat, ReadError, ReadOptions};

use crate::formats::{flac, ogg_opus};
use crate::support::{chunk, fmt, read, read_as, riff, wave16};

fn why(bytes: &[u8]) -> String {
    match read(bytes) {
        Ok(sound) => panic!("read as {:?}", sound.format),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_sound_is_called_by_its_name() {
    assert!(matches!(read(b""), Err(ReadError::Empty)));
    assert!(why(b"ID3\x04rest of it").contains("an MP3 file"));
    assert!(why(b"\x0a\x0d\x0d\x0a\0\0\0\0").contains("packet capture"));
    assert!(why(b"version https://git-lfs.github.com/spec/v1").contains("Git LFS"));
    assert!(why(b"some text").contains("say which coding"));
    assert!(why(b"RIFF\x24\0\0\0WAVE").contains("before its `fmt` chunk"));
    assert!(why(b"RIFF\x24\0").contains("RIFF"));
    assert!(why(b"fLaC").contains("header") || why(b"fLaC").contains("damaged"));
    assert!(why(b"OggS\0\x02").contains("damaged"));
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let data = chunk(b"data", &[0; 64]);
    let with = |fmt: Vec<u8>| riff(&[fmt, data.clone()]);
    assert!(why(&with(fmt(1, 0, 8000, 16))).contains("no channels"));
    assert!(why(&with(fmt(1, 1, 0, 16))).contains("sample rate of zero"));
    assert!(why(&with(fmt(1, 1, 3_000_000_000, 16))).contains("at most"));
    assert!(why(&with(fmt(1, 1000, 8000, 8))).contains("at most 64"));
    assert!(why(&with(fmt(1, 1, 8000, 12 * 8))).contains("bits a sample"));
    assert!(why(&with(fmt(0x55, 1, 8000, 16))).contains("MP3"));
    assert!(why(&with(fmt(0x31, 1, 8000, 16))).contains("GSM"));
    assert!(why(&with(fmt(0x1234, 1, 8000, 16))).contains("0x1234"));
    let mut crooked = with(fmt(1, 2, 8000, 16));
    crooked[32] = 3;
    assert!(why(&crooked).contains("octets a frame"));
    assert!(why(&riff(std::slice::from_ref(&data))).contains("before its `fmt` chunk"));
    assert!(why(&riff(&[fmt(1, 1, 8000, 16)])).contains("no `data` chunk"));
    let mut far = riff(&[fmt(1, 1, 8000, 16), chunk(b"LIST", &[0; 8]), data.clone()]);
    far[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(why(&far).contains("beyond its end"));
}

#[test]
fn a_header_of_four_gigabytes_over_a_small_file_takes_no_memory() {
    let mut bytes = wave16(&[1; 8000], 1, 8000);
    bytes[40..44].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    let sound = read(&bytes).expect("what is there can be read");
    assert_eq!(sound.samples.len(), 8000);
    assert!(sound.has(NoteKind::Truncated));
    // a raw file is what it is
    let raw = RawFormat {
        channels: 64,
        ..RawFormat::of_coding(RawCoding::S16le)
    };
    let sound = read_as(
        &[0; 200],
        &ReadOptions {
            name: "",
            raw: Some(raw),
        },
    )
    .expect("one frame");
    assert_eq!(sound.samples.len(), 64);
    assert!(sound.has(NoteKind::Suspicious));
}

#[test]
fn a_cut_file_is_read_as_far_as_it_goes_and_says_so() {
    let whole = wave16(&[1000; 8000], 1, 8000);
    let sound = read(&whole[..whole.len() / 2]).expect("the first half");
    assert_eq!(sound.samples.len(), 3989);
    let note = sound.notes.first().expect("a note");
    assert_eq!(note.kind, NoteKind::Truncated);
    assert!(
        note.text.contains("1.000 s") && note.text.contains("0.499 s"),
        "{}",
        note.text
    );

    let whole = flac(&[5; 1000], 5000);
    let sound = read(&whole).expect("one frame");
    assert!(sound.has(NoteKind::Truncated));
    assert_eq!(sound.samples.len(), 1000);
    let cut = read(&whole[..whole.len() - 100]).expect("the header is whole");
    assert!(cut.has(NoteKind::Truncated) && cut.samples.is_empty());

    let whole = ogg_opus(0.5, 0);
    let sound = read(&whole[..whole.len() * 2 / 3]).expect("the first pages");
    assert!(sound.has(NoteKind::Truncated));
    assert!(!sound.samples.is_empty());
}

#[test]
fn changed_bytes_inside_a_compressed_file_are_found() {
    let mut bytes = flac(&[700; 1000], 1000);
    let middle = bytes.len() - 500;
    bytes[middle] ^= 0x10;
    assert!(matches!(read(&bytes), Err(ReadError::Damaged { .. })));
    let mut bytes = ogg_opus(0.5, 0);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    assert!(read(&bytes).is_err());
}

#[test]
fn a_raw_coding_for_a_file_with_a_header_is_a_mistake() {
    let options = ReadOptions {
        name: "x.raw",
        raw: Some(RawFormat::of_coding(RawCoding::Pcmu)),
    };
    let error = read_as(&wave16(&[0; 100], 1, 8000), &options)
        .err()
        .expect("a mistake");
    assert!(error.to_string().contains("not raw"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), form in 0..5u8) {
        let magic: &[u8] = match form {
            0 => b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0",
            1 => b"RF64\xff\xff\xff\xffWAVEds64",
            2 => b"fLaC\x80\0\0\x22",
            3 => b"OggS\0\x02",
            _ => b"",
        };
        bytes.splice(0..0, magic.iter().copied());
        if let Ok(sound) = read(&bytes) {
            prop_assert!(sound.samples.len() <= 1 << 24);
            prop_assert!(sound.format.channels > 0 && sound.format.sample_rate_hz > 0);
        }
    }

    #[test]
    fn one_changed_byte_of_a_header_never_makes_more_sound_than_there_is(at in 0..44usize, value in any::<u8>()) {
        let mut bytes = wave16(&[100; 500], 1, 8000);
        bytes[at] = value;
        if let Ok(sound) = read(&bytes) {
            prop_assert!(sound.samples.len() <= 1044);
        }
    }
}
