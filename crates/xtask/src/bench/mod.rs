//! `cargo xtask bench`: what the lab costs, side by side with SIPp and with other analyzers of sound in one run each.

mod accuracy;
mod accuracy_page;
mod audio;
mod audio_page;
mod page;
mod peer_programs;
mod process;
mod tool_text;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;

use crate::tasks::root;
pub(crate) use accuracy::accuracy;
use peer_programs::built;
pub(crate) use process::peak_memory;
use process::{Listener, finish, start};

/// SIPp's scenario of the stream benchmark.
const UAC_RTP: &str = include_str!("uac_rtp.xml");
const OURS_PORT: u16 = 5301;
const SIPP_PORT: u16 = 5311;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) rounds: usize,
    pub(crate) calls: u64,
    pub(crate) rate: u32,
    pub(crate) streams: u64,
    pub(crate) stream_seconds: u64,
}

/// A part of the page, measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Calls, streams, pacing, beside SIPp.
    Sip,
    /// Sound files, beside sox, ffmpeg and packages of Python.
    Audio,
}

/// What several rounds of one measurement came to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Series {
    values: Vec<f64>,
    /// Rounds in which something failed, whose value is not used.
    pub(crate) spoilt: usize,
}

impl Series {
    fn add(&mut self, value: Option<f64>) {
        match value {
            Some(value) => self.values.push(value),
            None => self.spoilt += 1,
        }
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.values.iter().copied().min_by(f64::total_cmp)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.values.iter().copied().max_by(f64::total_cmp)
    }

    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Microseconds of processor a call: our caller and SIPp's, both towards a SIPp callee.
    pub(crate) call_ours: Series,
    pub(crate) call_sipp: Series,
    /// Our caller towards our callee.
    pub(crate) call_ours_ours: Series,
    /// Our caller with rule engine and capture towards a SIPp callee.
    pub(crate) call_inspected: Series,
    /// Microseconds of processor a stream and second.
    pub(crate) stream_pairs: Series,
    pub(crate) stream_shared: Series,
    pub(crate) stream_sipp: Series,
    /// 99th percentile and standard deviation of lateness, milliseconds: one stream of `voxproof-net`, and the load path.
    pub(crate) pacing_p99: Series,
    pub(crate) pacing_deviation: Series,
    pub(crate) load_p99: Series,
    pub(crate) load_deviation: Series,
    pub(crate) octets_a_dialog: f64,
    pub(crate) octets_a_stream: f64,
    pub(crate) parse_ns: Series,
    /// Nanoseconds of the rule engine a message.
    pub(crate) rules_ns: Series,
    /// A run of the IP-phone suite against the simulated phone, if it came to its end.
    pub(crate) suite: Option<SuiteRun>,
}

/// A run of a suite in real time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SuiteRun {
    pub(crate) passed: u64,
    pub(crate) wall_s: f64,
    /// What its cases have to wait on as many lanes.
    pub(crate) waiting_s: f64,
}

/// The heading with which the audio part of the page begins.
const AUDIO_HEADING: &str = "# Audio\n";

/// Builds in release, measures, prints and writes `docs/benchmarks.md`; of a page of which only one part is measured the
/// other one stays.
pub(crate) fn bench(extent: Extent, only: Option<Part>) -> Result<()> {
    let path = root().join("docs/benchmarks.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let (sip, audio) = parts(&before);
    let sip = if only == Some(Part::Audio) {
        sip.trim_end().to_owned()
    } else {
        page::page(&measured_sip(extent)?, extent)
    };
    let audio = if only == Some(Part::Sip) {
        audio.to_owned()
    } else {
        audio_page::page(&audio::measure(extent.rounds)?, extent.rounds)
    };
    let page = format!("{}\n\n{audio}", sip.trim_end());
    fs::write(&path, format!("{}\n", page.trim_end()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{page}");
    Ok(())
}

/// The two parts of the page.
fn parts(page: &str) -> (&str, &str) {
    page.find(AUDIO_HEADING)
        .map_or((page, ""), |at| page.split_at(at))
}

fn measured_sip(extent: Extent) -> Result<Measured> {
    let ours = built(&["--package", "voxproof-load", "--example", "bench"], "bench")?;
    let rooms = env::temp_dir().join(format!("voxproof-bench-{}", std::process::id()));
    fs::create_dir_all(&rooms)?;
    let voxproof = built(&["--package", "voxproof-cli"], "voxproof")?;
    let outcome = measure(&ours, &rooms, extent).and_then(|measured| {
        let suite = suite(&voxproof, &rooms.join("runs"))?;
        Ok(Measured { suite, ..measured })
    });
    let _ = fs::remove_dir_all(&rooms);
    outcome
}

fn measure(ours: &Path, rooms: &Path, extent: Extent) -> Result<Measured> {
    let mut measured = Measured::default();
    write_audio(&rooms.join("audio.al"))?;
    fs::write(rooms.join("uac_rtp.xml"), UAC_RTP)?;
    for round in 1..=extent.rounds {
        eprintln!("round {round} of {}", extent.rounds);
        // alternately, so that what disturbs the machine disturbs both
        measured.call_ours.add(our_calls(ours, extent, Far::Sipp, false)?);
        measured.call_sipp.add(sipp_calls(rooms, extent)?);
        measured
            .call_inspected
            .add(our_calls(ours, extent, Far::Sipp, true)?);
        measured
            .call_ours_ours
            .add(our_calls(ours, extent, Far::Ours, false)?);
        let pairs = our_streams(ours, extent, "pairs")?;
        measured.stream_pairs.add(pairs.micros);
        measured.load_p99.add(pairs.late_p99_ms);
        measured.load_deviation.add(pairs.late_deviation_ms);
        measured.stream_sipp.add(sipp_streams(ours, rooms, extent)?);
        measured
            .stream_shared
            .add(our_streams(ours, extent, "shared")?.micros);
        let pacing = finish(start(Command::new(ours).args(["pacing", "10"]))?)?.json()?;
        measured.pacing_p99.add(pacing["p99_ms"].as_f64());
        measured.pacing_deviation.add(pacing["deviation_ms"].as_f64());
        let parse = finish(start(Command::new(ours).args(["parse", "400000"]))?)?.json()?;
        measured.parse_ns.add(parse["min_ns"].as_f64());
        let rules = finish(start(Command::new(ours).args(["rules", "20000"]))?)?.json()?;
        measured.rules_ns.add(rules["min_ns"].as_f64());
    }
    measured.octets_a_dialog = memory(ours, "5000", "none")?;
    measured.octets_a_stream = memory(ours, "1000", "pairs")?;
    Ok(measured)
}

/// The IP-phone suite against the simulated phone; `None` when the run did not come to its end.
fn suite(voxproof: &Path, runs: &Path) -> Result<Option<SuiteRun>> {
    eprintln!("the IP-phone suite");
    let suite = root().join("test-specs/ip-phone");
    let done = finish(start(
        Command::new(voxproof)
            .arg("run")
            .arg(suite)
            .args(["--device", "sim", "--out"])
            .arg(runs),
    )?)?;
    let Some(run) = fs::read_dir(runs).ok().and_then(|mut runs| runs.next()?.ok()) else {
        // what was measured before is kept
        eprintln!("{}", String::from_utf8_lossy(&done.output.stderr));
        return Ok(None);
    };
    let journal = fs::read_to_string(run.path().join("journal.jsonl"))?;
    let end = journal
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|entry| entry["event"]["run_finished"].clone())
        .find(|finished| !finished.is_null());
    Ok(end.and_then(|end| {
        Some(SuiteRun {
            passed: end["counts"]["pass"].as_u64()?,
            wall_s: end["wall_s"].as_f64()?,
            waiting_s: end["waiting_s"].as_f64()?,
        })
    }))
}

fn memory(ours: &Path, calls: &str, media: &str) -> Result<f64> {
    let value = finish(start(Command::new(ours).args(["memory", calls, media]))?)?.json()?;
    value["octets_a_call"].as_f64().context("no figure of memory")
}

fn sipp_callee() -> Result<Listener> {
    Listener::start(Command::new("sipp").args([
        "-sn",
        "uas",
        "-i",
        "127.0.0.1",
        "-p",
        &SIPP_PORT.to_string(),
        "-nostdin",
    ]))
}

fn our_callee(ours: &Path, media: &str) -> Result<Listener> {
    let local = format!("127.0.0.1:{OURS_PORT}");
    Listener::start(Command::new(ours).args(["callee", &local, "0", media]))
}

/// Whose callee.
#[derive(Debug, Clone, Copy)]
enum Far {
    Sipp,
    Ours,
}

/// Microseconds a call; `None` when one failed. `inspected`: with rule engine and capture.
fn our_calls(ours: &Path, extent: Extent, far: Far, inspected: bool) -> Result<Option<f64>> {
    let (_far, port) = match far {
        Far::Sipp => (sipp_callee()?, SIPP_PORT),
        Far::Ours => (our_callee(ours, "none")?, OURS_PORT),
    };
    let (calls, rate) = (extent.calls.to_string(), extent.rate.to_string());
    let to = format!("127.0.0.1:{port}");
    let mut command = Command::new(ours);
    if inspected {
        command.args(["inspected", &to, &calls, &rate]);
    } else {
        command.args(["caller", &to, &calls, &rate, "0", "none"]);
    }
    let near = finish(start(&mut command)?)?;
    let report = near.json()?;
    let mut clean = report["completed"] == extent.calls;
    if inspected {
        // INVITE, 180, 200, ACK, BYE, 200
        let seen = report["inspection"]["messages"].as_u64().unwrap_or(0);
        clean &= seen >= 6 * extent.calls && report["inspection"]["applicable"].as_u64() > Some(seen);
    }
    Ok(clean.then(|| near.processor_s * 1e6 / extent.calls as f64))
}

fn sipp_calls(rooms: &Path, extent: Extent) -> Result<Option<f64>> {
    let _far = sipp_callee()?;
    let near = finish(start(
        Command::new("sipp")
            .current_dir(rooms)
            .args(["-sn", "uac", "-i", "127.0.0.1", "-nostdin", "-l", "10000"])
            .args(["-p", &(SIPP_PORT + 2).to_string()])
            .args(["-r", &extent.rate.to_string(), "-m", &extent.calls.to_string()])
            .arg(format!("127.0.0.1:{SIPP_PORT}")),
    )?)?;
    // 0 is the status of SIPp when every call succeeded
    let clean = near.output.status.success();
    Ok(clean.then(|| near.processor_s * 1e6 / extent.calls as f64))
}

/// One measurement of our streams.
#[derive(Debug)]
struct Streams {
    micros: Option<f64>,
    late_p99_ms: Option<f64>,
    late_deviation_ms: Option<f64>,
}

/// Microseconds a stream and second both ways, and the lateness (p99, standard deviation) in milliseconds.
fn our_streams(ours: &Path, extent: Extent, media: &str) -> Result<Streams> {
    let _far = our_callee(ours, media)?;
    let (to, hold) = (format!("127.0.0.1:{OURS_PORT}"), extent.stream_seconds * 1000);
    let near = finish(start(Command::new(ours).args([
        "caller",
        &to,
        &extent.streams.to_string(),
        "400",
        &hold.to_string(),
        media,
    ]))?)?;
    let report = near.json()?;
    let figures = &report["media"];
    let sent = figures["packets_sent"].as_f64().unwrap_or(0.0);
    let clean = report["completed"] == extent.streams && figures["lost"] == 0 && sent > 0.0;
    let late = &report["own"]["send_lateness"];
    Ok(Streams {
        micros: clean.then(|| near.processor_s * 1e6 / (sent / 50.0)),
        late_p99_ms: late["p99_ms"].as_f64(),
        late_deviation_ms: late["deviation_ms"].as_f64(),
    })
}

/// Microseconds a stream and second, one way: SIPp sends and looks at nothing that comes back.
fn sipp_streams(ours: &Path, rooms: &Path, extent: Extent) -> Result<Option<f64>> {
    let _far = our_callee(ours, "none")?;
    // SIPp has one thread for eight streams or so and fails beyond some hundreds
    let streams = extent.streams.min(200);
    let near = finish(start(
        Command::new("sipp")
            .current_dir(rooms)
            .args(["-sf", "uac_rtp.xml"])
            .args(["-i", "127.0.0.1", "-nostdin", "-r", "100"])
            .args(["-p", &(SIPP_PORT + 4).to_string()])
            .args(["-mi", "127.0.0.1", "-mp", "20000"])
            .args(["-d", &(extent.stream_seconds * 1000).to_string()])
            .args(["-m", &streams.to_string(), "-l", &streams.to_string()])
            .arg(format!("127.0.0.1:{OURS_PORT}")),
    )?)?;
    let clean = near.output.status.success();
    Ok(clean.then(|| near.processor_s * 1e6 / (streams * extent.stream_seconds) as f64))
}

/// Ten seconds of coded A-law, a tone of no meaning.
fn write_audio(path: &Path) -> Result<()> {
    let octets: Vec<u8> = (0..80_000_u32).map(|index| (index % 251) as u8).collect();
    fs::write(path, octets)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_of_the_page_leaves_the_other() {
        assert_eq!(parts("# Benchmarks\n\nx\n"), ("# Benchmarks\n\nx\n", ""));
        assert_eq!(
            parts("# Benchmarks\n\n# Audio\n\ny\n"),
            ("# Benchmarks\n\n", "# Audio\n\ny\n")
        );
    }
}
