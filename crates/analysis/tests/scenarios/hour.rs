//! A recording of an hour is measured as it streams by: in the memory that a minute takes.

use std::io::{Cursor, Error, ErrorKind, Read, Result, Seek, SeekFrom};

use voxproof_analysis::{MeasureOptions, ReadOptions, Selection, SoundReader, Subject, measure};
use voxproof_audio::stimulus::speech_like;

use crate::support::{chunk, fmt, riff, sixteen};

const RATE: u32 = 8000;
const HOUR_S: u64 = 3600;
/// The samples alone, as the meters take them, would be 115 MB.
const MOST_GROWTH: u64 = 32 << 20;

/// A wave file whose samples are made when they are read.
struct Streamed {
    header: Vec<u8>,
    /// What is repeated.
    second: Vec<u8>,
    length: u64,
    at: u64,
}

impl Streamed {
    fn new(seconds: u64) -> Self {
        let speech = sixteen(&speech_like(1.0, RATE, 1));
        let second: Vec<u8> = speech.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let octets = second.len() as u64 * seconds;
        let mut header = riff(&[fmt(1, 1, RATE, 16), chunk(b"data", &[])]);
        let end = header.len();
        header[end - 4..].copy_from_slice(&u32::try_from(octets).expect("below 4 GiB").to_le_bytes());
        Self {
            length: end as u64 + octets,
            header,
            second,
            at: 0,
        }
    }
}

impl Read for Streamed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let behind = self.at.saturating_sub(self.header.len() as u64) as usize % self.second.len();
        let there = if self.at < self.header.len() as u64 {
            &self.header[self.at as usize..]
        } else if self.at < self.length {
            &self.second[behind..]
        } else {
            &[]
        };
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Streamed {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => i128::from(place),
            SeekFrom::Current(by) => i128::from(self.at) + i128::from(by),
            SeekFrom::End(by) => i128::from(self.length) + i128::from(by),
        };
        self.at = u64::try_from(place).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Most memory that this process ever had, where the system tells.
fn peak_octets() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[test]
fn an_hour_takes_the_memory_of_a_minute() {
    let figures = |seconds: u64| {
        let reader =
            SoundReader::open(Streamed::new(seconds), &ReadOptions::default()).expect("a sound file");
        let options = MeasureOptions::of(Selection::usual(Subject::File));
        let record = measure("hour.wav", reader, &options).expect("it can be read");
        assert_eq!(record.frames, seconds * u64::from(RATE));
        let results = &record.channels[0].results;
        ["rms_level", "active_speech_level", "a_weighted_level"].map(|quantity| {
            let result = results.iter().find(|result| result.quantity == quantity);
            result.and_then(|result| result.value).expect("a level")
        })
    };
    let minute = figures(60);
    let before = peak_octets();
    let hour = figures(HOUR_S);
    for (minute, hour) in minute.iter().zip(&hour) {
        assert!((minute - hour).abs() < 0.05, "{minute} {hour}");
    }
    if let (Some(before), Some(after)) = (before, peak_octets()) {
        assert!(after - before < MOST_GROWTH, "{before} {after}");
    }
}

#[test]
fn the_streamed_file_is_a_file() {
    let mut bytes = Vec::new();
    Streamed::new(2).read_to_end(&mut bytes).expect("octets");
    let reader = SoundReader::open(Cursor::new(bytes), &ReadOptions::default()).expect("a sound file");
    assert_eq!(reader.format().frames, Some(2 * u64::from(RATE)));
}
