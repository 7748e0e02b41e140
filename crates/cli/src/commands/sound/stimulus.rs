//! `stimulus`: test signals as files.

use std::io::Cursor;

use voxproof_audio::stimulus::{Description, named, names};

use super::{files, output};
use crate::args::{SampleForm, StimulusArgs};
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome};

pub(crate) fn run(args: &StimulusArgs) -> Outcome {
    if args.list {
        return list(args.rate.unwrap_or(48_000));
    }
    let description = changed(description(args)?, args)?;
    let text = description
        .to_toml()
        .map_err(|error| Failure::new(Exit::Specification, error))?;
    if args.describe {
        say!("{}", text.trim_end());
    }
    let Some(path) = &args.out else {
        if args.describe {
            return Ok(Exit::Pass);
        }
        return Err(Failure::new(
            Exit::Usage,
            "say where to with --out FILE, or --describe or --list",
        ));
    };
    let samples = description
        .samples()
        .map_err(|error| Failure::new(Exit::Specification, error))?;
    let bytes = wave(&samples, description.rate_hz, args.form)?;
    output::write(path, &bytes)?;
    Ok(Exit::Pass)
}

fn list(rate: u32) -> Outcome {
    for name in names() {
        if let Some(description) = named(name, rate) {
            say!(
                "{name:20} {:6.1} s  {:7.2} dBov  {}",
                description.seconds(),
                description.level_dbov,
                kind(&description)
            );
        }
    }
    Ok(Exit::Pass)
}

/// The word that a description has for its signal.
fn kind(description: &Description) -> String {
    let value = toml::Value::try_from(&description.signal).ok();
    let word = value.as_ref().and_then(|value| value.get("kind")?.as_str());
    word.unwrap_or_default().to_owned()
}

fn description(args: &StimulusArgs) -> Result<Description, Failure> {
    let wrong = |error: &dyn ToString| Failure::new(Exit::Specification, error.to_string());
    match (&args.name, &args.description) {
        (Some(name), None) => named(name, args.rate.unwrap_or(48_000)).ok_or_else(|| {
            let known: Vec<&str> = names().collect();
            Failure::new(
                Exit::Usage,
                format!("there is no stimulus `{name}`; there are: {}", known.join(", ")),
            )
        }),
        (None, Some(path)) => Description::from_toml(&files::read_text(path)?).map_err(|error| wrong(&error)),
        (None, None) => Err(Failure::new(
            Exit::Usage,
            "name a stimulus, or a description with --description; `voxproof stimulus --list` shows the names",
        )),
        (Some(_), Some(_)) => Err(Failure::new(
            Exit::Usage,
            "a name and --description exclude each other",
        )),
    }
}

/// The description with what the command line says otherwise.
fn changed(description: Description, args: &StimulusArgs) -> Result<Description, Failure> {
    let text = description
        .to_toml()
        .map_err(|error| Failure::new(Exit::Specification, error))?;
    let mut table: toml::Table = text
        .parse()
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    if let Some(rate) = args.rate {
        table.insert("rate_hz".to_owned(), i64::from(rate).into());
    }
    if let Some(level) = args.level {
        table.insert("level_dbov".to_owned(), level.into());
    }
    let mut set = Vec::new();
    if let Some(seconds) = args.seconds {
        set.push(("seconds".to_owned(), toml::Value::Float(seconds)));
    }
    if let Some(seed) = args.seed {
        set.push(("seed".to_owned(), toml::Value::Integer(seed.into())));
    }
    for pair in &args.set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::new(Exit::Usage, format!("--set takes KEY=VALUE, not `{pair}`")))?;
        let read: Result<toml::Table, _> = format!("value = {value}").parse();
        let word = || toml::Value::String(value.to_owned());
        let value = read
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(word);
        set.push((key.trim().to_owned(), value));
    }
    if let Some(signal) = table.get_mut("signal").and_then(toml::Value::as_table_mut) {
        for (key, value) in set {
            let Some(place) = signal.get_mut(&key) else {
                let known: Vec<&str> = signal
                    .keys()
                    .map(String::as_str)
                    .filter(|key| *key != "kind")
                    .collect();
                return Err(Failure::new(
                    Exit::Usage,
                    format!("this stimulus has no `{key}`; it has: {}", known.join(", ")),
                ));
            };
            *place = match (&place, value) {
                (toml::Value::Float(_), toml::Value::Integer(whole)) => toml::Value::Float(whole as f64),
                (_, value) => value,
            };
        }
    }
    Description::from_toml(&table.to_string()).map_err(|error| Failure::new(Exit::Specification, error))
}

fn wave(samples: &[f32], rate: u32, form: SampleForm) -> Result<Vec<u8>, Failure> {
    let peak = samples
        .iter()
        .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak > 1.0 && form != SampleForm::Float {
        return Err(Failure::new(
            Exit::Specification,
            format!(
                "its peak is {:.2} dB above full scale; lower --level, or write --bits float",
                20.0 * f64::from(peak).log10()
            ),
        ));
    }
    let bits = match form {
        SampleForm::Sixteen => 16,
        SampleForm::TwentyFour => 24,
        SampleForm::Float => 32,
    };
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: if form == SampleForm::Float {
            hound::SampleFormat::Float
        } else {
            hound::SampleFormat::Int
        },
    };
    let failed = |error: hound::Error| Failure::new(Exit::Internal, error);
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).map_err(failed)?;
    let scale = f64::from(1u32 << (bits - 1).min(30));
    for sample in samples {
        match form {
            SampleForm::Float => writer.write_sample(*sample),
            SampleForm::Sixteen | SampleForm::TwentyFour => {
                let value = (f64::from(*sample) * scale).round().clamp(-scale, scale - 1.0);
                writer.write_sample(value as i32)
            }
        }
        .map_err(failed)?;
    }
    writer.finalize().map_err(failed)?;
    Ok(bytes.into_inner())
}
