//! The same sound in every form that is read.

use std::io::Cursor;

use voxproof_analysis::{Coding, Container, NoteKind, RawCoding, RawFormat, ReadOptions};
use voxproof_audio::stimulus;
use voxproof_codec::{CodecSpec, EncoderOptions};
use voxproof_rtp::g711::{Law, encode};

use crate::support::{chunk, fmt, read, read_as, riff, wave16};

fn ramp(count: usize) -> Vec<i16> {
    (0..count)
        .map(|n| (n as i32 * 37 % 65_536 - 32_768) as i16)
        .collect()
}

#[test]
fn sixteen_bits_come_out_as_they_went_in() {
    let samples = ramp(100_000);
    let sound = read(&wave16(&samples, 2, 44_100)).expect("a WAV file");
    assert_eq!(sound.format.container, Container::Wav);
    assert_eq!(sound.format.coding, Coding::Pcm16);
    assert_eq!((sound.format.sample_rate_hz, sound.format.channels), (44_100, 2));
    assert_eq!(sound.format.frames, Some(50_000));
    assert!(sound.notes.is_empty());
    let back: Vec<i16> = sound.samples.iter().map(|x| (x * 32768.0) as i16).collect();
    assert_eq!(back, samples);
}

/// hound writes, this crate reads.
#[test]
fn every_depth_has_the_same_scale() {
    for (bits, format) in [
        (8, hound::SampleFormat::Int),
        (16, hound::SampleFormat::Int),
        (24, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Float),
    ] {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: bits,
            sample_format: format,
        };
        let values = [0.0, 0.5, -0.5, -1.0, 0.25, -0.125];
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a writer");
        for value in values {
            match format {
                hound::SampleFormat::Float => writer.write_sample(value as f32),
                hound::SampleFormat::Int => {
                    writer.write_sample((value * 2f64.powi(i32::from(bits) - 1)) as i32)
                }
            }
            .expect("a sample");
        }
        writer.finalize().expect("an end");
        let sound = read(&bytes.into_inner()).expect("a WAV file");
        assert_eq!(sound.format.bits, Some(bits));
        let wanted: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        assert_eq!(sound.samples, wanted, "{bits} {format:?}");
    }
}

#[test]
fn double_precision_and_g711_inside_a_wave_file() {
    let doubles: Vec<u8> = [0.5f64, -0.25].iter().flat_map(|x| x.to_le_bytes()).collect();
    let sound = read(&riff(&[fmt(3, 1, 8000, 64), chunk(b"data", &doubles)])).expect("a WAV file");
    assert_eq!(sound.samples, [0.5, -0.25]);
    let codes = encode(Law::Mu, &[1000, -1000, 0]);
    let sound = read(&riff(&[
        fmt(7, 1, 8000, 8),
        chunk(b"fact", &[0; 4]),
        chunk(b"data", &codes),
    ]))
    .expect("mu-law");
    assert_eq!(sound.format.coding, Coding::Pcmu);
    assert_eq!(sound.format.bits, None);
    assert!((sound.samples[0] * 32768.0 - 1000.0).abs() < 40.0 && sound.samples[2] == 0.0);
}

#[test]
fn codes_without_a_header_go_by_ending_or_by_word() {
    let samples = ramp(160);
    let codes = encode(Law::A, &samples);
    let by_name = read_as(
        &codes,
        &ReadOptions {
            name: "prompt.al",
            raw: None,
        },
    )
    .expect("A-law");
    let by_word = read_as(
        &codes,
        &ReadOptions {
            name: "prompt.raw",
            raw: Some(RawFormat::of_coding(RawCoding::Pcma)),
        },
    )
    .expect("A-law");
    assert_eq!(by_name.samples, by_word.samples);
    let wanted: Vec<f32> = voxproof_rtp::g711::decode(Law::A, &codes)
        .into_iter()
        .map(|x| f32::from(x) / 32768.0)
        .collect();
    assert_eq!(by_name.samples, wanted);
    assert_eq!(
        (by_name.format.sample_rate_hz, by_name.format.container),
        (8000, Container::Raw)
    );
    assert!(read(&codes).is_err(), "nobody said which coding");
}

#[test]
fn g722_is_two_samples_an_octet() {
    let tone: Vec<i16> = stimulus::sine(1000.0, voxproof_audio::level::DbOv(-20.0), 0.5, 16_000)
        .iter()
        .map(|x| (x * 32768.0) as i16)
        .collect();
    let mut codes = Vec::new();
    CodecSpec::G722
        .encoder(&EncoderOptions::default())
        .expect("an encoder")
        .encode(&tone, &mut codes)
        .expect("whole frames");
    let sound = read_as(
        &codes,
        &ReadOptions {
            name: "x.g722",
            raw: None,
        },
    )
    .expect("G.722");
    assert_eq!(sound.samples.len(), tone.len());
    assert_eq!(sound.format.frames, Some(8000));
    let level = voxproof_audio::level::rms_dbov(&sound.samples[1000..]).0;
    assert!((level + 20.0).abs() < 0.2, "{level}");
}

#[test]
fn sixty_four_bit_sizes_count() {
    // RF64: the sizes of RIFF and data are all ones, the true ones are in ds64
    let data = [1i16, 2, 3, 4].map(i16::to_le_bytes).concat();
    let mut ds64 = Vec::new();
    ds64.extend(100u64.to_le_bytes());
    ds64.extend(6u64.to_le_bytes());
    ds64.extend(3u64.to_le_bytes());
    ds64.extend(0u32.to_le_bytes());
    let mut bytes = riff(&[chunk(b"ds64", &ds64), fmt(1, 1, 8000, 16), chunk(b"data", &data)]);
    bytes[..8].copy_from_slice(b"RF64\xff\xff\xff\xff");
    let at = bytes.len() - 12;
    bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
    let sound = read(&bytes).expect("an RF64 file");
    // six octets of the eight
    assert_eq!(sound.samples.len(), 3);
    assert!(sound.notes.is_empty());
}

#[test]
fn a_stream_without_a_length_is_read_to_its_end() {
    let mut bytes = wave16(&ramp(1000), 1, 8000);
    for length in [u32::MAX, 0, 0x7fff_ffff - 36] {
        bytes[40..44].copy_from_slice(&length.to_le_bytes());
        let sound = read(&bytes).expect("a WAV file");
        assert_eq!(sound.samples.len(), 1000, "{length:x}");
        assert!(sound.has(NoteKind::LengthUnknown) && !sound.has(NoteKind::Truncated));
    }
}

#[test]
fn an_empty_sound_with_remarks_behind_it_is_empty() {
    let bytes = riff(&[
        fmt(1, 1, 8000, 16),
        chunk(b"data", &[]),
        chunk(b"LIST", b"INFOISFT\x04\0\0\0Lavf"),
    ]);
    let sound = read(&bytes).expect("a WAV file");
    assert!(sound.samples.is_empty() && sound.notes.is_empty());
}

/// FLAC made by hand: a header and one verbatim frame (RFC 9639 9), 16 bits, mono, 8 kHz.
pub(crate) fn flac(samples: &[i16], promised: u64) -> Vec<u8> {
    let mut bytes = b"fLaC".to_vec();
    // last block, STREAMINFO, 34 octets
    bytes.extend([0x80, 0, 0, 34]);
    let block = samples.len() as u16;
    bytes.extend(block.to_be_bytes());
    bytes.extend(block.to_be_bytes());
    bytes.extend([0; 6]);
    // 20 bits rate, 3 channels - 1, 5 bits - 1, 36 samples
    let packed: u64 = 8000 << 44 | 15 << 36 | promised;
    bytes.extend(packed.to_be_bytes());
    bytes.extend([0; 16]);
    let mut frame = vec![0xff, 0xf8];
    // block size in 16 bits at the end of the header; rate 8 kHz
    frame.push(0b0111_0100);
    // mono, 16 bits
    frame.push(0b0000_1000);
    frame.push(0);
    frame.extend((block - 1).to_be_bytes());
    frame.push(crc8(&frame));
    // verbatim subframe
    frame.push(0b0000_0010);
    frame.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
    frame.extend(crc16(&frame).to_be_bytes());
    bytes.extend(frame);
    bytes
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            if crc & 0x80 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x07
            }
        })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x8005
            }
        })
    })
}

#[test]
fn flac_is_lossless() {
    let samples = ramp(1000);
    let sound = read(&flac(&samples, 1000)).expect("a FLAC file");
    assert_eq!(sound.format.container, Container::Flac);
    assert_eq!((sound.format.bits, sound.format.frames), (Some(16), Some(1000)));
    let back: Vec<i16> = sound.samples.iter().map(|x| (x * 32768.0) as i16).collect();
    assert_eq!(back, samples);
    assert!(sound.notes.is_empty());
}

/// Opus in Ogg as RFC 7845 has it: head, tags, packets of 20 ms, end of stream with a position.
pub(crate) fn ogg_opus(seconds: f64, end_trim: u64) -> Vec<u8> {
    use ogg::{PacketWriteEndInfo, PacketWriter};
    let speech = stimulus::sine(1000.0, voxproof_audio::level::DbOv(-20.0), seconds, 48_000);
    let samples: Vec<i16> = speech.iter().map(|x| (x * 32768.0) as i16).collect();
    let mut encoder = CodecSpec::OPUS
        .encoder(&EncoderOptions::default())
        .expect("an encoder");
    let mut bytes = Vec::new();
    let mut writer = PacketWriter::new(&mut bytes);
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(312u16.to_le_bytes());
    head.extend(48_000u32.to_le_bytes());
    head.extend([0, 0, 0]);
    let mut write = |packet: Vec<u8>, end, position| {
        writer
            .write_packet(packet, 7, end, position)
            .expect("memory takes it");
    };
    write(head, PacketWriteEndInfo::EndPage, 0);
    write(
        b"OpusTags\0\0\0\0\0\0\0\0".to_vec(),
        PacketWriteEndInfo::EndPage,
        0,
    );
    let frames: Vec<&[i16]> = samples.chunks_exact(960).collect();
    for (number, frame) in frames.iter().enumerate() {
        let mut packet = Vec::new();
        encoder.encode(frame, &mut packet).expect("a frame");
        let position = (number as u64 + 1) * 960;
        if number + 1 == frames.len() {
            write(packet, PacketWriteEndInfo::EndStream, position - end_trim);
        } else {
            write(packet, PacketWriteEndInfo::EndPage, position);
        }
    }
    bytes
}

#[test]
fn opus_is_as_long_as_its_positions_say() {
    let bytes = ogg_opus(1.0, 500);
    let sound = read(&bytes).expect("an Opus file");
    assert_eq!(sound.format.container, Container::OggOpus);
    assert_eq!(sound.samples.len(), 48_000 - 312 - 500);
    assert!(sound.notes.is_empty(), "{:?}", sound.notes);
    let level = voxproof_audio::level::rms_dbov(&sound.samples[4800..]).0;
    assert!((level + 20.0).abs() < 0.5, "{level}");
}

#[test]
fn a_name_that_promises_another_form_is_noted() {
    let bytes = wave16(&ramp(10), 1, 8000);
    for name in ["x.flac", "x.al", "x.opus"] {
        let sound = read_as(&bytes, &ReadOptions { name, raw: None }).expect("a WAV file");
        assert!(sound.has(NoteKind::NameDiffers), "{name}");
    }
    let sound = read_as(
        &bytes,
        &ReadOptions {
            name: "x.WAV",
            raw: None,
        },
    )
    .expect("a WAV file");
    assert!(sound.notes.is_empty());
}
