//! Any file as a sound file: WAV, FLAC, Ogg Opus and codes without a header, read to the end and measured.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use voxproof_analysis::{MeasureOptions, RawCoding, RawFormat, ReadOptions, Selection, SoundReader, Subject, measure};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (form, channels, bytes) = input;
    let magic: &[u8] = match form % 8 {
        0 => b"RIFF\xff\xff\xff\xffWAVE",
        1 => b"RF64\xff\xff\xff\xffWAVE",
        2 => b"fLaC",
        3 => b"OggS",
        _ => b"",
    };
    let file = [magic, bytes].concat();
    let raw = (form & 0x80 != 0).then(|| RawFormat {
        channels: channels.into(),
        ..RawFormat::of_coding(RawCoding::ALL[usize::from(form >> 3) % RawCoding::ALL.len()])
    });
    let options = ReadOptions {
        name: "x.wav",
        raw,
    };
    let Ok(mut reader) = SoundReader::open(Cursor::new(&file), &options) else {
        return;
    };
    let mut block = Vec::new();
    while let Ok(true) = reader.next_block(&mut block) {
        assert_eq!(block.len() % usize::from(reader.format().channels), 0);
    }
    // few channels: each has meters of its own
    if reader.format().channels <= 4 && reader.frames_read() < 20_000 {
        let reader = SoundReader::open(Cursor::new(&file), &options).expect("it was opened before");
        let only = ["levels", "speech", "noise", "tone", "dtmf", "progress", "glitches"].map(str::to_owned);
        let selection = Selection::of_words(Subject::File, &only, &[], &[]).expect("groups");
        if let Ok(record) = measure("x.wav", reader, &MeasureOptions::of(selection)) {
            for result in record.channels.iter().flat_map(|channel| &channel.results) {
                assert!(result.value.is_none_or(f64::is_finite));
                assert_eq!(result.value.is_none(), result.not_measured.is_some());
            }
        }
    }
});
