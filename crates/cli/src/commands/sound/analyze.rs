//! `analyze`: recordings against their references.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use voxproof_analysis::{
    AnalyzeRecord, DrawnPair, Loaded, PairOptions, PairRecord, Rating, RawFormat, ReadError, Stimulus,
    Subject, analyze, analyze_page, pair_table,
};
use voxproof_audio::calibration::read_calibrations;
use voxproof_audio::correction::Correction;
use voxproof_audio::loudness_rating::WeightTable;
use voxproof_audio::mask::{Mask, built_in};
use voxproof_audio::quality::external;
use voxproof_audio::stimulus::{Description, names};

use super::output::{self, Fate};
use super::{files, jobs};
use crate::args::{AnalyzeArgs, RatingArg};
use crate::exit::Exit;
use crate::{Failure, Outcome};

pub(crate) fn run(args: &AnalyzeArgs) -> Outcome {
    let raw = files::raw_format(&args.raw)?;
    let options = options(args, raw)?;
    let pairs = pairs(&args.reference, &args.degraded)?;
    let draw = args.output.html.is_some();
    let compared = jobs::each(&pairs, args.output.jobs, |(reference, degraded)| {
        one(reference, degraded, raw, args.channel, &options, draw)
    });
    let (drawn, fates): (Vec<DrawnPair>, Vec<Fate>) = compared.into_iter().unzip();
    let record = AnalyzeRecord::new(drawn.iter().map(|pair| pair.record.clone()).collect());
    output::deliver(
        &args.output,
        &record,
        || analyze_page(&drawn, record.analyzer),
        || record.csv(),
        || record.pairs.iter().map(pair_table).collect(),
    )?;
    output::exit(fates.into_iter())
}

fn options(args: &AnalyzeArgs, raw: Option<RawFormat>) -> Result<PairOptions, Failure> {
    let calibrations = args
        .calibration
        .as_deref()
        .map(|path| read(path, read_calibrations));
    let correction = args
        .correction
        .as_deref()
        .map(|path| read(path, Correction::read));
    let weights = args
        .weights
        .as_deref()
        .map(|path| read(path, WeightTable::from_toml));
    let models = args
        .models
        .iter()
        .map(|path| read(path, external::Description::parse));
    let further = |path: &Path| {
        load(path, &path.to_string_lossy(), raw, args.channel).map_err(|error| {
            Failure::new(
                Fate::of_error(&error).exit(),
                format!("{}: the file {error}", path.display()),
            )
        })
    };
    Ok(PairOptions {
        selection: output::selection(Subject::Pair, &args.output)?,
        mask: args.mask.as_deref().map(mask).transpose()?,
        plane: output::plane(&args.output),
        stimulus: args.stimulus.as_deref().map(stimulus).transpose()?,
        weighting: output::weighting(&args.output)?,
        rating: args.rating.map(|rating| match rating {
            RatingArg::Send => Rating::Send,
            RatingArg::Receive => Rating::Receive,
            RatingArg::Sidetone => Rating::Sidetone,
        }),
        calibrations: calibrations.transpose()?.unwrap_or_default(),
        weights: weights.transpose()?,
        correction: correction.transpose()?,
        undisturbed: args.undisturbed.as_deref().map(further).transpose()?,
        clean: args.clean.as_deref().map(further).transpose()?,
        models: models.collect::<Result<_, _>>()?,
    })
}

/// A file that is written by hand.
fn read<T, E: std::fmt::Display>(path: &Path, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Failure> {
    let text = files::read_text(path)?;
    parse(&text).map_err(|error| Failure::new(Exit::Specification, format!("{}: {error}", path.display())))
}

/// A stimulus by its name, or from its description.
fn stimulus(word: &str) -> Result<Stimulus, Failure> {
    if names().any(|name| name == word) {
        return Ok(Stimulus::Named(word.to_owned()));
    }
    let path = Path::new(word);
    if !path.exists() {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "there is neither a stimulus nor a file `{word}`; `voxproof stimulus --list` shows the names"
            ),
        ));
    }
    read(path, Description::from_toml).map(|description| Stimulus::Described(Box::new(description)))
}

/// A mask that is built in, or one from a file.
fn mask(word: &str) -> Result<Mask, Failure> {
    if let Some(mask) = built_in().into_iter().find(|mask| mask.name() == word) {
        return Ok(mask);
    }
    let path = Path::new(word);
    if !path.exists() {
        let known: Vec<String> = built_in().iter().map(|mask| mask.name().to_owned()).collect();
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "there is neither a mask nor a file `{word}`; there are: {}",
                known.join(", ")
            ),
        ));
    }
    let text = files::read_text(path)?;
    Mask::from_toml(&text).map_err(|error| Failure::new(Exit::Specification, format!("{word}: {error}")))
}

/// Which recording belongs to which reference: one reference to all recordings, or files of the same name.
fn pairs(reference: &Path, degraded: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let many = |path: &Path| path.is_dir() || (!path.exists() && files::is_pattern(path));
    let references = files::collect(&[reference.to_owned()])?;
    let recordings = files::collect(&[degraded.to_owned()])?;
    if !many(reference) {
        return Ok(recordings
            .into_iter()
            .map(|recording| (reference.to_owned(), recording))
            .collect());
    }
    if !many(degraded) {
        return Err(Failure::new(
            Exit::Usage,
            "several references need several recordings: name two folders or two patterns",
        ));
    }
    let mut by_stem: BTreeMap<OsString, Vec<PathBuf>> = BTreeMap::new();
    for path in references {
        by_stem
            .entry(path.file_stem().unwrap_or_default().to_owned())
            .or_default()
            .push(path);
    }
    let mut pairs = Vec::new();
    for recording in recordings {
        let stem = recording.file_stem().unwrap_or_default();
        match by_stem.get(stem).map(Vec::as_slice) {
            Some([only]) => pairs.push((only.clone(), recording)),
            Some(_) => {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("there are several references called `{}`", stem.display()),
                ));
            }
            None => {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "there is no reference for {}: references and recordings belong together by name",
                        recording.display()
                    ),
                ));
            }
        }
    }
    Ok(pairs)
}

fn load(path: &Path, name: &str, raw: Option<RawFormat>, channel: u16) -> Result<Loaded, ReadError> {
    // a raw coding is for the file that has no header
    let with_header = files::open(path, None);
    let reader = match (with_header, raw) {
        (Err(ReadError::NotSound { .. }), Some(raw)) => files::open(path, Some(raw)),
        (reader, _) => reader,
    };
    Loaded::read(name, reader?, channel)
}

fn one(
    reference: &Path,
    degraded: &Path,
    raw: Option<RawFormat>,
    channel: u16,
    options: &PairOptions,
    draw: bool,
) -> (DrawnPair, Fate) {
    let (r, d) = (reference.to_string_lossy(), degraded.to_string_lossy());
    let failed = |which: &str, error: ReadError| {
        let record = PairRecord::unreadable(&r, &d, format!("the {which} {error}"));
        (DrawnPair::undrawn(record), Fate::of_error(&error))
    };
    let reference = match load(reference, &r, raw, channel) {
        Ok(loaded) => loaded,
        Err(error) => return failed("reference", error),
    };
    let degraded = match load(degraded, &d, raw, channel) {
        Ok(loaded) => loaded,
        Err(error) => return failed("recording", error),
    };
    let pair = if draw {
        DrawnPair::of(&reference, &degraded, options)
    } else {
        DrawnPair::undrawn(analyze(&reference, &degraded, options))
    };
    let fate = Fate::of_results(&pair.record.notes, pair.record.results.iter());
    (pair, fate)
}
