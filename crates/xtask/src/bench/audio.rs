//! The audio rows of `cargo xtask bench`: the analyzer and other people's programs over the same files, in turns.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::Series;
use super::accuracy::pair_files;
use super::peer_programs::Programs;
use super::process::{finish, start};
use crate::tasks::root;

/// Length of the recording that is measured alone, s: twenty minutes at 48 kHz.
const LONG_S: u32 = 1200;
/// Length of the files that two jobs share, s, and how many there are.
const SHARED_S: u32 = 300;
const SHARED: usize = 8;
/// Length of a pair whose peak memory is taken, s, at 16 kHz.
const MEMORY_S: u32 = 600;
/// Length of a recording that must not be held in memory, s, at 48 kHz.
const HOUR_S: u32 = 3600;

/// One thing done by us and by others.
#[derive(Debug)]
pub(crate) struct AudioRow {
    pub(crate) what: &'static str,
    /// Seconds of sound that are gone through.
    pub(crate) sound_s: f64,
    /// Processor seconds.
    pub(crate) ours: Series,
    pub(crate) peer: Option<(&'static str, Series)>,
    pub(crate) goal: Goal,
}

/// What a row must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Times the speed of the peer.
    OfPeer(f64),
    /// Seconds of sound a processor second.
    Speed(f64),
}

impl AudioRow {
    /// Seconds of sound a processor second.
    pub(crate) fn speed(&self) -> Option<f64> {
        Some(self.sound_s / self.ours.min()?)
    }

    /// The least time of the peer over the least of ours.
    pub(crate) fn ratio(&self) -> Option<f64> {
        Some(self.peer.as_ref()?.1.min()? / self.ours.min()?)
    }

    pub(crate) fn met(&self) -> Option<bool> {
        Some(match self.goal {
            Goal::OfPeer(times) => self.ratio()? >= times,
            Goal::Speed(speed) => self.speed()? >= speed,
        })
    }
}

/// Everything that was measured of the analyzer.
#[derive(Debug)]
pub(crate) struct AudioMeasured {
    pub(crate) rows: Vec<AudioRow>,
    /// Time of one job over that of two.
    pub(crate) two_jobs: Series,
    /// Peak memory of `analyze` over the decoded pair.
    pub(crate) analyze_memory: f64,
    /// Peak memory of `measure` over an hour, in octets, and of a minute.
    pub(crate) hour_octets: f64,
    pub(crate) minute_octets: f64,
}

/// Builds, installs, makes the sounds and measures.
pub(crate) fn measure(rounds: usize) -> Result<AudioMeasured> {
    let programs = Programs::prepare(true)?;
    let room = env::temp_dir().join(format!("voxproof-audio-bench-{}", std::process::id()));
    fs::create_dir_all(&room)?;
    let measured = measure_in(&programs, &room, rounds);
    let _ = fs::remove_dir_all(&room);
    measured
}

fn measure_in(programs: &Programs, room: &Path, rounds: usize) -> Result<AudioMeasured> {
    let signals = programs.ask(&[Path::new("signals"), room, &root().join("fixtures/wav")])?;
    let talk = room.join("talk-48000.wav");
    let long = repeated(&talk, &room.join("long.wav"), LONG_S)?;
    let square = room.join("square.wav");
    sox(Command::new("sox")
        .args(["-D", "-n", "-r", "48000", "-b", "16"])
        .arg(&square)
        .args(["synth", &LONG_S.to_string(), "square", "1000", "vol", "1"]))?;
    let mut rows = alone(&long, &square);
    rows.extend(pairs(programs, room, &signals));
    for round in 1..=rounds {
        eprintln!("audio, round {round} of {rounds}");
        for (row, work) in &mut rows {
            row.ours.add(work.ours(programs)?);
            if let Some((_, series)) = &mut row.peer {
                series.add(work.peer(programs)?);
            }
        }
    }
    let two_jobs = two_jobs(programs, room, &talk, rounds)?;
    fs::remove_file(&long)?;
    fs::remove_file(&square)?;
    let analyze_memory = analyze_memory(programs, room)?;
    let minute = repeated(&talk, &room.join("minute.wav"), 60)?;
    let hour = repeated(&talk, &room.join("hour.wav"), HOUR_S)?;
    let peak_of = |file: &Path| {
        peak(
            Command::new(&programs.voxproof)
                .args(["measure", "--json", "--jobs", "1"])
                .arg(file),
        )
    };
    Ok(AudioMeasured {
        rows: rows.into_iter().map(|(row, _)| row).collect(),
        two_jobs,
        analyze_memory,
        hour_octets: peak_of(&hour)?,
        minute_octets: peak_of(&minute)?,
    })
}

/// The commands of a row.
enum Work {
    /// `voxproof` with arguments, against another program.
    Alone(Vec<String>, Option<Vec<String>>),
    /// The example `peers` with arguments, against the oracle, which tells its own time without its start.
    Oracle(Vec<String>, Vec<String>),
    /// The example `peers` against a program that is built here.
    Built(Vec<String>, PathBuf, Vec<String>),
}

impl Work {
    fn ours(&self, programs: &Programs) -> Result<Option<f64>> {
        let mut command = match self {
            Self::Alone(arguments, _) => {
                let mut command = Command::new(&programs.voxproof);
                command.args(arguments);
                command
            }
            Self::Oracle(arguments, _) | Self::Built(arguments, _, _) => {
                let mut command = Command::new(&programs.peers);
                command.args(arguments);
                command
            }
        };
        let done = finish(start(&mut command)?)?;
        // what was written tells whether anything was done: the status may be that of a finding
        if done.output.stdout.is_empty() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&done.output.stderr));
        }
        Ok(Some(done.processor_s))
    }

    fn peer(&self, programs: &Programs) -> Result<Option<f64>> {
        let mut command = match self {
            Self::Alone(_, None) => return Ok(None),
            Self::Alone(_, Some(words)) => {
                let (program, arguments) = words.split_first().context("a peer without a name")?;
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
            Self::Oracle(_, arguments) => {
                return Ok(programs.ask(arguments)?["processor_s"].as_f64());
            }
            Self::Built(_, program, arguments) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
        };
        let done = finish(start(&mut command)?)?;
        if !done.output.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&done.output.stderr));
        }
        Ok(Some(done.processor_s))
    }
}

fn words(arguments: &[&str], files: &[&Path]) -> Vec<String> {
    let files = files.iter().map(|file| file.to_string_lossy().into_owned());
    arguments
        .iter()
        .map(|word| (*word).to_owned())
        .chain(files)
        .collect()
}

fn row(what: &'static str, sound_s: f64, peer: Option<&'static str>, goal: Goal) -> AudioRow {
    AudioRow {
        what,
        sound_s,
        ours: Series::default(),
        peer: peer.map(|peer| (peer, Series::default())),
        goal,
    }
}

/// The rows of one recording.
fn alone(long: &Path, square: &Path) -> Vec<(AudioRow, Work)> {
    const MEASURE: [&str; 4] = ["measure", "--json", "--jobs", "1"];
    let seconds = f64::from(LONG_S);
    let ours = |more: &[&str], file: &Path| words(&[&MEASURE[..], more].concat(), &[file]);
    let stats = |file: &Path| {
        let mut command = words(&["sox"], &[file]);
        command.extend(["-n", "stats"].map(str::to_owned));
        Some(command)
    };
    let ffmpeg = |filter: &str| {
        let mut command = words(
            &["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i"],
            &[long],
        );
        command.extend(["-filter_threads", "1", "-af", filter, "-f", "null", "-"].map(str::to_owned));
        Some(command)
    };
    vec![
        (
            row(
                "`measure --only levels`",
                seconds,
                Some("sox stats"),
                Goal::OfPeer(1.0),
            ),
            Work::Alone(ours(&["--only", "levels"], long), stats(long)),
        ),
        (
            row(
                "the same, of a full-scale square wave",
                seconds,
                Some("sox stats"),
                Goal::OfPeer(1.0),
            ),
            Work::Alone(ours(&["--only", "levels"], square), stats(square)),
        ),
        (
            row(
                "`measure` without spectra: levels, P.56, weightings, loudness, true peak",
                seconds,
                Some("ffmpeg astats"),
                Goal::OfPeer(1.0),
            ),
            Work::Alone(
                ours(&["--only", "levels,speech,weighted,loudness"], long),
                ffmpeg("astats"),
            ),
        ),
        (
            row(
                "`measure --only levels,loudness`",
                seconds,
                Some("ffmpeg ebur128=peak=true"),
                Goal::OfPeer(1.0),
            ),
            Work::Alone(
                ours(&["--only", "levels,loudness"], long),
                ffmpeg("ebur128=peak=true"),
            ),
        ),
        (
            row(
                "`measure` with spectra",
                seconds,
                Some("ffmpeg astats"),
                Goal::Speed(700.0),
            ),
            Work::Alone(
                ours(
                    &["--only", "levels,speech,weighted,loudness,spectrum,noise,tone"],
                    long,
                ),
                ffmpeg("astats"),
            ),
        ),
    ]
}

/// The rows of pairs.
fn pairs(programs: &Programs, room: &Path, signals: &serde_json::Value) -> Vec<(AudioRow, Work)> {
    let files = |rate: u64, ending: &str| pair_files(signals, room, rate, ending).1;
    let of = |first: &[&str], files: &[PathBuf]| {
        let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        words(first, &files)
    };
    let seconds = |rate: u64| 10.0 * (files(rate, "wav").len() / 2) as f64;
    let (narrow, wide) = (seconds(8000), seconds(16_000));
    let mut rows = vec![
        (
            row(
                "PESQ narrowband",
                narrow,
                Some("PyPI pesq (C)"),
                Goal::OfPeer(2.0),
            ),
            Work::Oracle(
                of(&["pesq-nb", "8000"], &files(8000, "f32")),
                of(&["pesq", "nb"], &files(8000, "wav")),
            ),
        ),
        (
            row("PESQ wideband", wide, Some("PyPI pesq (C)"), Goal::OfPeer(2.0)),
            Work::Oracle(
                of(&["pesq-wb", "16000"], &files(16_000, "f32")),
                of(&["pesq", "wb"], &files(16_000, "wav")),
            ),
        ),
        (
            row("ViSQOL speech", wide, Some("visqol-python"), Goal::OfPeer(10.0)),
            Work::Oracle(
                of(&["visqol", "16000"], &files(16_000, "f32")),
                of(&["visqol"], &files(16_000, "wav")),
            ),
        ),
    ];
    if let Some(program) = &programs.visqol_peer {
        rows.push((
            row(
                "ViSQOL speech",
                wide,
                Some("crate visqol-rs (v3.1)"),
                Goal::OfPeer(3.0),
            ),
            Work::Built(
                of(&["visqol", "16000"], &files(16_000, "f32")),
                program.clone(),
                of(&[], &files(16_000, "wav")),
            ),
        ));
    }
    // the first is the one that mu-law was done to
    let pair: Vec<PathBuf> = files(16_000, "wav").into_iter().take(2).collect();
    let groups = ["analyze", "--json", "--only", "time,integrity,level,response"];
    rows.push((
        row(
            "`analyze` of a 10 s wideband pair without quality models",
            10.0,
            None,
            Goal::Speed(100.0),
        ),
        Work::Alone(of(&groups, &pair), None),
    ));
    rows
}

/// Time of one job over that of two, on a clock: it means something on a machine with two idle processors alone.
fn two_jobs(programs: &Programs, room: &Path, talk: &Path, rounds: usize) -> Result<Series> {
    let folder = room.join("shared");
    fs::create_dir_all(&folder)?;
    let first = repeated(talk, &folder.join("0.wav"), SHARED_S)?;
    for number in 1..SHARED {
        fs::copy(&first, folder.join(format!("{number}.wav")))?;
    }
    let timed = |jobs: &str| -> Result<f64> {
        let began = Instant::now();
        let mut command = Command::new(&programs.voxproof);
        let done = finish(start(
            command.args(["measure", "--json", "--jobs", jobs]).arg(&folder),
        )?)?;
        done.json()?;
        Ok(began.elapsed().as_secs_f64())
    };
    let mut series = Series::default();
    for _ in 0..rounds {
        let one = timed("1")?;
        series.add(Some(one / timed("2")?));
    }
    fs::remove_dir_all(&folder)?;
    Ok(series)
}

/// Peak memory of `analyze` over the samples of the pair as they are decoded, floats of four octets.
fn analyze_memory(programs: &Programs, room: &Path) -> Result<f64> {
    let reference = repeated(
        &room.join("talk-16000.wav"),
        &room.join("reference.wav"),
        MEMORY_S,
    )?;
    let recording = repeated(
        &room.join("pair-16000-0.wav"),
        &room.join("recording.wav"),
        MEMORY_S,
    )?;
    let mut command = Command::new(&programs.voxproof);
    let groups = ["analyze", "--json", "--only", "time,integrity,level,response"];
    let peak = peak(command.args(groups).args([&reference, &recording]))?;
    let decoded = 2.0 * 4.0 * f64::from(MEMORY_S) * 16_000.0;
    Ok(peak / decoded)
}

/// A recording over and over, for some seconds.
fn repeated(from: &Path, to: &Path, seconds: u32) -> Result<PathBuf> {
    // the recording has 10 s
    let more = (seconds / 10).saturating_sub(1).to_string();
    sox(Command::new("sox")
        .arg("-D")
        .arg(from)
        .arg(to)
        .args(["repeat", &more]))?;
    Ok(to.to_owned())
}

fn sox(command: &mut Command) -> Result<()> {
    let done = finish(start(command)?)?;
    if !done.output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&done.output.stderr));
    }
    Ok(())
}

/// Peak of the resident memory of a program, in octets. The system tells the largest over all children that have ended,
/// so a process of its own starts this one.
fn peak(command: &Command) -> Result<f64> {
    let mut through = Command::new(env::current_exe()?);
    through
        .arg("peak-memory")
        .arg(command.get_program())
        .args(command.get_args());
    let value = finish(start(&mut through)?)?.json()?;
    value["octets"].as_f64().context("no figure of memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_of_the_peer_or_by_themselves() {
        let mut faster = row("x", 100.0, Some("y"), Goal::OfPeer(2.0));
        assert_eq!(faster.met(), None);
        faster.ours.add(Some(1.0));
        faster.ours.add(Some(0.5));
        if let Some((_, peer)) = &mut faster.peer {
            peer.add(Some(0.9));
        }
        assert_eq!(
            (faster.speed(), faster.ratio(), faster.met()),
            (Some(200.0), Some(1.8), Some(false))
        );
        faster.goal = Goal::Speed(150.0);
        assert_eq!(faster.met(), Some(true));
    }
}
