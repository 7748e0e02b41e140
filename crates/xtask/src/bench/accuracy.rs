//! `cargo xtask bench --accuracy`: the analyzer's figures beside those of other people's programs, over the same sounds.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::accuracy_page;
use super::peer_programs::Programs;
use super::process::{finish, start};
use super::tool_text::{Figures, astats, ebur128, sox_stats};
use crate::tasks::root;

/// The sounds that are measured alone.
const ALONE: [&str; 6] = [
    "talk-48000",
    "talk-8000",
    "noise-with-offset",
    "pink-noise",
    "tone-997",
    "clipped-tone",
];

/// A figure beside another's.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) quantity: String,
    pub(crate) sound: String,
    pub(crate) peer: &'static str,
    pub(crate) unit: &'static str,
    /// Ours and theirs; only the difference where they are curves or samples.
    pub(crate) figures: Option<(f64, f64)>,
    pub(crate) difference: f64,
    pub(crate) bound: f64,
}

impl Row {
    pub(crate) fn holds(&self) -> bool {
        // a difference that is not a number is beyond any bound
        self.difference.abs() <= self.bound
    }
}

/// What one quantity is compared with.
struct Compared {
    quantity: &'static str,
    theirs: &'static str,
    unit: &'static str,
    bound: f64,
    /// From our figure to the form of theirs.
    form: fn(f64) -> f64,
}

const fn compared(
    quantity: &'static str,
    theirs: &'static str,
    unit: &'static str,
    bound: f64,
    form: fn(f64) -> f64,
) -> Compared {
    Compared {
        quantity,
        theirs,
        unit,
        bound,
        form,
    }
}

const fn same(figure: f64) -> f64 {
    figure
}

fn linear(decibels: f64) -> f64 {
    10.0_f64.powf(decibels / 20.0)
}

/// What `sox stats` prints, with half of its last digit as the bound.
const SOX: [Compared; 8] = [
    compared("dc_offset", "DC offset", "", 6e-7, same),
    compared("minimum", "Min level", "", 6e-7, same),
    compared("maximum", "Max level", "", 6e-7, same),
    compared("peak_level", "Pk lev dB", "dB", 0.0051, same),
    compared("rms_level", "RMS lev dB", "dB", 0.0051, same),
    compared("crest_factor", "Crest factor", "", 0.0051, linear),
    compared("flat_factor", "Flat factor", "dB", 0.0051, same),
    compared("bits_used", "Bit-depth", "bit", 0.5, same),
];

/// What ffmpeg's `astats` prints; its full scale is 32767 where ours is 32768, which is 0.000265 dB.
const ASTATS: [Compared; 6] = [
    compared("dc_offset", "DC offset", "", 1e-6, same),
    compared("peak_level", "Peak level dB", "dB", 3e-4, same),
    compared("rms_level", "RMS level dB", "dB", 3e-4, same),
    compared("crest_factor", "Crest factor", "", 1e-5, linear),
    compared("flat_factor", "Flat factor", "dB", 1e-5, same),
    compared("peak_count", "Peak count", "", 0.5, same),
];

/// What ffmpeg's `ebur128` says, to a tenth; its true peak comes of another interpolation filter, and the range of a
/// recording of ten seconds rests on a few windows of three.
const EBUR128: [Compared; 3] = [
    compared("integrated_loudness", "I", "LUFS", 0.051, same),
    compared("loudness_range", "LRA", "LU", 0.15, same),
    compared("true_peak", "true peak", "dBTP", 0.1, same),
];

/// Levels by a weighting: one transform of everything against the mean of many.
const WEIGHTED: [Compared; 3] = [
    compared("rms_level", "rms", "dB", 1e-4, same),
    compared("a_weighted_level", "a", "dB", 0.01, same),
    compared("c_weighted_level", "c", "dB", 0.01, same),
];

/// Largest difference of third-octave levels, dB.
const BANDS_DB: f64 = 0.2;
/// Largest difference of a delay, ms: a fortieth of a sample at 48 kHz.
const DELAY_MS: f64 = 0.000_5;
/// Most that is left when scipy's resampling is taken from ours, dB.
const RESAMPLED_DB: f64 = -90.0;
/// Largest difference of a score, MOS.
const PESQ_MOS: f64 = 0.05;
const VISQOL_MOS: f64 = 0.05;

/// Measures, writes `docs/accuracy.md`, and fails when a bound does not hold.
pub(crate) fn accuracy() -> Result<()> {
    let programs = Programs::prepare(false)?;
    let room = env::temp_dir().join(format!("voxproof-accuracy-{}", std::process::id()));
    fs::create_dir_all(&room)?;
    let rows = rows(&programs, &room);
    let versions = versions(&programs, &room);
    let _ = fs::remove_dir_all(&room);
    let rows = rows?;
    let page = accuracy_page::page(&rows, &versions?);
    let path = root().join("docs/accuracy.md");
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    let beyond: Vec<&Row> = rows.iter().filter(|row| !row.holds()).collect();
    for row in &beyond {
        eprintln!(
            "beyond its bound: {} of {} against {}: {:?}, difference {}",
            row.quantity, row.sound, row.peer, row.figures, row.difference
        );
    }
    eprintln!(
        "{} of {} figures are within their bounds",
        rows.len() - beyond.len(),
        rows.len()
    );
    if !beyond.is_empty() {
        bail!("{} figures are beyond their bounds", beyond.len());
    }
    Ok(())
}

fn versions(programs: &Programs, room: &Path) -> Result<Vec<String>> {
    let figures = programs.ask(&[Path::new("figures"), room])?;
    let first = |program: &str, argument: &str| -> String {
        let output = Command::new(program).arg(argument).output();
        output.map_or_else(
            |_| program.to_owned(),
            |output| {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.lines().next().unwrap_or(program).trim().to_owned()
            },
        )
    };
    let of_python = figures["versions"].as_object().into_iter().flatten();
    let mut versions: Vec<String> = of_python
        .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?")))
        .collect();
    versions.extend([
        first("sox", "--version"),
        first("ffmpeg", "-version"),
        "pesq 0.0.4".to_owned(),
        "visqol-python 3.8.0".to_owned(),
    ]);
    Ok(versions)
}

fn rows(programs: &Programs, room: &Path) -> Result<Vec<Row>> {
    let fixtures = root().join("fixtures/wav");
    let signals = programs.ask(&[Path::new("signals"), room, &fixtures])?;
    let figures = programs.ask(&[Path::new("figures"), room])?;
    let mut rows = Vec::new();
    for name in ALONE {
        alone(programs, room, name, &figures, &mut rows)?;
    }
    delays(programs, room, &signals, &figures, &mut rows)?;
    responses(programs, room, &signals, &figures, &mut rows)?;
    resampling(programs, room, &mut rows)?;
    scores(programs, room, &signals, &mut rows)?;
    Ok(rows)
}

/// A recording measured alone.
fn alone(programs: &Programs, room: &Path, name: &str, figures: &Value, rows: &mut Vec<Row>) -> Result<()> {
    let path = room.join(format!("{name}.wav"));
    let measured = programs.ours(&[Path::new("measure"), Path::new("--json"), &path])?;
    let channel = &measured["files"][0]["channels"][0];
    let ours = values(&channel["results"]);
    let text = |command: &mut Command| -> Result<String> {
        let done = finish(start(command)?)?;
        Ok(String::from_utf8_lossy(&done.output.stderr).into_owned())
    };
    let sox = sox_stats(&text(Command::new("sox").arg(&path).args(["-n", "stats"]))?);
    let ffmpeg = |filter: &str| -> Result<String> {
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-hide_banner", "-nostats", "-i"])
            .arg(&path);
        text(command.args(["-af", filter, "-f", "null", "-"]))
    };
    let of_astats = astats(&ffmpeg("astats=measure_perchannel=all")?);
    let of_ebur128 = ebur128(&ffmpeg("ebur128=peak=true")?);
    let of_scipy: Figures = ["rms", "a", "c"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), figures[name][key].as_f64()?)))
        .collect();
    let mut add = |peer: &'static str, list: &[Compared], theirs: &Figures| -> Result<()> {
        for compared in list {
            let Some(theirs) = theirs.get(compared.theirs) else {
                bail!("{peer} says no {} of {name}", compared.theirs);
            };
            // what cannot be measured, as the range of a loudness that never changes, is not compared
            let Some(ours) = ours.get(compared.quantity) else {
                continue;
            };
            let ours = (compared.form)(*ours);
            rows.push(Row {
                quantity: compared.quantity.to_owned(),
                sound: name.to_owned(),
                peer,
                unit: compared.unit,
                figures: Some((ours, *theirs)),
                difference: ours - theirs,
                bound: compared.bound,
            });
        }
        Ok(())
    };
    add("sox stats", &SOX, &sox)?;
    add("ffmpeg astats", &ASTATS, &of_astats)?;
    add("ffmpeg ebur128", &EBUR128, &of_ebur128)?;
    add("scipy", &WEIGHTED, &of_scipy)?;
    if ["pink-noise", "noise-with-offset"].contains(&name) {
        let ours = curve(&channel["curves"], "third_octave_spectrum");
        rows.push(bands(
            "third-octave spectrum",
            name,
            &ours,
            &figures[name]["third_octaves"],
        ));
    }
    Ok(())
}

fn pair(programs: &Programs, room: &Path, pair: &Value, only: &str) -> Result<Value> {
    let file = |key: &str| -> Result<_> {
        let name = pair[key].as_str().context("a pair without a name")?;
        Ok(room.join(format!("{name}.wav")))
    };
    let (reference, degraded) = (file("reference")?, file("degraded")?);
    let mut found = programs.ours(&[
        Path::new("analyze"),
        &reference,
        &degraded,
        Path::new("--json"),
        Path::new("--only"),
        Path::new(only),
    ])?;
    Ok(found["pairs"][0].take())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn delays(
    programs: &Programs,
    room: &Path,
    signals: &Value,
    figures: &Value,
    rows: &mut Vec<Row>,
) -> Result<()> {
    for (described, theirs) in list(signals, "delays").iter().zip(list(figures, "delays")) {
        let found = values(&pair(programs, room, described, "time")?["results"]);
        let sound = described["name"].as_str().unwrap_or("?").to_owned();
        let ours = found.get("delay").copied().unwrap_or(f64::NAN);
        let truth = described["truth_ms"].as_f64().unwrap_or(f64::NAN);
        let theirs = theirs.as_f64().unwrap_or(f64::NAN);
        for (peer, theirs) in [("the truth", truth), ("scipy correlate", theirs)] {
            rows.push(Row {
                quantity: "delay".to_owned(),
                sound: sound.clone(),
                peer,
                unit: "ms",
                figures: Some((ours, theirs)),
                difference: ours - theirs,
                bound: DELAY_MS,
            });
        }
    }
    Ok(())
}

fn responses(
    programs: &Programs,
    room: &Path,
    signals: &Value,
    figures: &Value,
    rows: &mut Vec<Row>,
) -> Result<()> {
    for (described, theirs) in list(signals, "responses").iter().zip(list(figures, "responses")) {
        let found = pair(programs, room, described, "response")?;
        let ours = curve(&found["curves"], "frequency_response");
        let sound = described["name"].as_str().unwrap_or("?");
        rows.push(bands("frequency response in third octaves", sound, &ours, theirs));
    }
    Ok(())
}

/// The band in which a curve of ours, by frequency, is furthest from one of theirs, by number of the band.
fn bands(quantity: &str, sound: &str, ours: &[(f64, f64)], theirs: &Value) -> Row {
    let mut worst: Option<(f64, f64)> = None;
    for (number, level) in theirs.as_object().into_iter().flatten() {
        let (Ok(number), Some(level)) = (number.parse::<f64>(), level.as_f64()) else {
            continue;
        };
        let middle = 1000.0 * 10.0_f64.powf(number / 10.0);
        let near = |point: &&(f64, f64)| (point.0 / middle).ln().abs() < 0.05;
        let Some((_, own)) = ours.iter().find(near) else {
            continue;
        };
        if worst.is_none_or(|(was, other)| (own - level).abs() > (was - other).abs()) {
            worst = Some((*own, level));
        }
    }
    Row {
        quantity: format!("{quantity}, the band furthest off"),
        sound: sound.to_owned(),
        peer: "scipy welch",
        unit: "dB",
        figures: worst,
        difference: worst.map_or(f64::NAN, |(own, level)| own - level),
        bound: BANDS_DB,
    }
}

fn resampling(programs: &Programs, room: &Path, rows: &mut Vec<Row>) -> Result<()> {
    for (from, to) in [
        (48_000, 16_000),
        (48_000, 8000),
        (16_000, 8000),
        (8000, 48_000),
        (44_100, 16_000),
    ] {
        let output = room.join("resampled.f32");
        let (from, to) = (from.to_string(), to.to_string());
        let done = finish(start(
            Command::new(&programs.peers)
                .args(["resample", &from, &to])
                .args([&room.join(format!("band-{from}.f32")), &output]),
        )?)?;
        done.json()?;
        let left = programs.ask(&[
            Path::new("resampled"),
            room,
            Path::new(&from),
            Path::new(&to),
            &output,
        ])?;
        let left = left.as_f64().unwrap_or(f64::NAN);
        rows.push(Row {
            quantity: "resampling, rms of the difference".to_owned(),
            sound: format!("noise to 3.4 kHz, {from} to {to} Hz"),
            peer: "scipy resample",
            unit: "of the signal",
            figures: None,
            difference: linear(left),
            bound: linear(RESAMPLED_DB),
        });
    }
    Ok(())
}

/// The names of the pairs of a rate, then their files with an ending, reference and recording in turns.
pub(crate) fn pair_files(
    signals: &Value,
    room: &Path,
    rate: u64,
    ending: &str,
) -> (Vec<String>, Vec<std::path::PathBuf>) {
    let of_rate = list(signals, "pairs").iter().filter(|pair| pair["rate"] == rate);
    let (mut names, mut files) = (Vec::new(), Vec::new());
    for pair in of_rate {
        names.push(pair["name"].as_str().unwrap_or("?").to_owned());
        for key in ["reference", "degraded"] {
            files.push(room.join(format!("{}.{ending}", pair[key].as_str().unwrap_or_default())));
        }
    }
    (names, files)
}

fn scores(programs: &Programs, room: &Path, signals: &Value, rows: &mut Vec<Row>) -> Result<()> {
    for (quantity, task, oracle, peer, rate, bound) in [
        (
            "PESQ narrowband",
            "pesq-nb",
            &["pesq", "nb"][..],
            "PyPI pesq",
            8000,
            PESQ_MOS,
        ),
        (
            "PESQ wideband",
            "pesq-wb",
            &["pesq", "wb"][..],
            "PyPI pesq",
            16_000,
            PESQ_MOS,
        ),
        (
            "ViSQOL speech",
            "visqol",
            &["visqol"][..],
            "visqol-python",
            16_000,
            VISQOL_MOS,
        ),
    ] {
        let (names, raw) = pair_files(signals, room, rate, "f32");
        let (_, files) = pair_files(signals, room, rate, "wav");
        let mut command = Command::new(&programs.peers);
        let ours = finish(start(command.arg(task).arg(rate.to_string()).args(raw))?)?.json()?;
        let theirs = finish(start(programs.oracle(oracle).args(files))?)?.json()?;
        for (index, sound) in names.into_iter().enumerate() {
            let figure = |value: &Value| value[index].as_f64().unwrap_or(f64::NAN);
            let (ours, theirs) = (figure(&ours), figure(&theirs["scores"]));
            rows.push(Row {
                quantity: quantity.to_owned(),
                sound,
                peer,
                unit: "MOS-LQO",
                figures: Some((ours, theirs)),
                difference: ours - theirs,
                bound,
            });
        }
    }
    Ok(())
}

/// The values of results by quantity.
fn values(results: &Value) -> BTreeMap<String, f64> {
    let results = results.as_array().map(Vec::as_slice).unwrap_or_default();
    results
        .iter()
        .filter_map(|result| Some((result["quantity"].as_str()?.to_owned(), result["value"].as_f64()?)))
        .collect()
}

/// The points of a curve by name.
fn curve(curves: &Value, name: &str) -> Vec<(f64, f64)> {
    let curves = curves.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(found) = curves.iter().find(|curve| curve["curve"] == name) else {
        return Vec::new();
    };
    let points = list(found, "points").iter();
    points
        .filter_map(|point| Some((point[0].as_f64()?, point[1].as_f64()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_band_furthest_off_is_told() {
        let theirs = json!({"-3": -20.0, "0": -30.0, "3": -40.0, "9": 0.0});
        let row = bands(
            "x",
            "y",
            &[(501.2, -20.1), (1000.0, -30.4), (1995.3, -40.0)],
            &theirs,
        );
        assert_eq!(row.figures, Some((-30.4, -30.0)));
        assert!(!row.holds());
        assert!(
            !bands("x", "y", &[], &theirs).holds(),
            "nothing compared holds no bound"
        );
    }

    #[test]
    fn a_difference_that_is_no_number_is_beyond_its_bound() {
        let row = |difference| Row {
            quantity: String::new(),
            sound: String::new(),
            peer: "",
            unit: "",
            figures: None,
            difference,
            bound: 0.1,
        };
        assert!(row(-0.1).holds() && !row(0.11).holds() && !row(f64::NAN).holds());
    }
}
