//! Glitches of a recording of the counter signal.

use voxproof_audio::glitch::coded::{self, Fill, Kind};
use voxproof_audio::measurement::Measurement;
use voxproof_audio::unit::Ratio;

use crate::event::kept;
use crate::quantity::*;
use crate::{Event, Group, QuantityResult};

/// The counts, and each glitch by itself.
pub(crate) fn glitches(samples: &[f32], rate: u32) -> (Vec<QuantityResult>, Vec<Event>) {
    let quantities = [
        &GLITCHES,
        &GLITCH_RATE,
        &GLITCH_LOST,
        &GLITCH_REPEATED,
        &GLITCH_INSERTED,
        &GLITCH_REPLACED,
    ];
    let report = match coded::detect(samples) {
        Ok(report) => report,
        Err(reason) => {
            let not_aligned = reason.code() == "not-aligned";
            let results = quantities.into_iter().chain([&GLITCH_GAIN, &GLITCH_SNR]);
            let results = results.map(|quantity| {
                if not_aligned {
                    QuantityResult::because(
                        quantity,
                        reason.code(),
                        "the recording is none of the counter signal (`voxproof stimulus counter`)",
                    )
                } else {
                    QuantityResult::none(quantity, &reason)
                }
            });
            return (results.collect(), Vec::new());
        }
    };
    let counts = [
        report.events.len() as f64,
        report.per_five_minutes(rate),
        report.lost as f64,
        report.repeated as f64,
        report.inserted as f64,
        report.replaced as f64,
    ];
    let mut results: Vec<QuantityResult> = quantities
        .into_iter()
        .zip(counts)
        .map(|(quantity, count)| {
            let mut result = QuantityResult::of(quantity, &Measurement::single(Ratio(count)));
            result.decimals = quantity.decimals;
            result
        })
        .collect();
    results.push(QuantityResult::of(
        &GLITCH_GAIN,
        &Measurement::single(report.gain),
    ));
    results.push(QuantityResult::of(&GLITCH_SNR, &Measurement::single(report.snr)));
    let events = report.events.iter().map(|event| told(event, rate)).collect();
    (results, kept(events))
}

fn told(event: &coded::Event, rate: u32) -> Event {
    let rate = f64::from(rate.max(1));
    let filled = |fill: Fill| match fill {
        Fill::Zero => "zeros",
        Fill::Held => "a held value",
        Fill::Other => "other samples",
    };
    let (word, samples, what) = match event.kind {
        Kind::Lost { samples } => ("lost", samples, String::new()),
        Kind::Repeated { samples } => ("repeated", samples, String::new()),
        Kind::Inserted { samples, fill } => ("inserted", samples, filled(fill).to_owned()),
        Kind::Replaced { samples, fill } => ("replaced", samples, format!("by {}", filled(fill))),
        Kind::Displaced { samples, .. } => ("displaced", samples, String::new()),
        Kind::Broken { foreign, fill, .. } => ("broken", foreign, filled(fill).to_owned()),
    };
    // what is lost takes no time in the recording
    let heard = if matches!(event.kind, Kind::Lost { .. }) {
        0
    } else {
        samples
    };
    let told = Event::new(
        Group::Glitches,
        word,
        event.at as f64 / rate,
        heard as f64 / rate,
        what,
    );
    let told = told
        .with("samples", samples as f64, "", 0)
        .with("duration", samples as f64 / rate * 1e3, "ms", 2)
        .with("at_sample", event.at as f64, "", 0)
        .with("position", event.position as f64, "", 0);
    match event.kind {
        Kind::Displaced { by, .. } => told.with("by", by as f64, "samples", 0),
        Kind::Broken { missing, .. } => told.with("missing", missing as f64, "samples", 0),
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_audio::counter_signal::counter_signal;
    use voxproof_audio::level::DbOv;

    #[test]
    fn what_was_done_is_told() {
        let mut samples = counter_signal(DbOv(-20.0), 5000, 48_000);
        samples.drain(10_000..10_480);
        samples[30_000..30_960].fill(0.0);
        let (results, events) = glitches(&samples, 48_000);
        let values: Vec<f64> = results.iter().filter_map(|result| result.value).collect();
        assert_eq!((values[0], values[2], values[5]), (2.0, 1440.0, 960.0));
        assert_eq!(results[1].number().as_deref(), Some("606.06"));
        let lines: Vec<String> = events.iter().map(Event::text).collect();
        assert_eq!(
            lines,
            [
                "lost, samples 480, duration 10.00 ms, at sample 10000, position 15000",
                "replaced by zeros, samples 960, duration 20.00 ms, at sample 30000, position 35480"
            ]
        );
    }

    #[test]
    fn something_else_is_none() {
        for samples in [
            vec![0.0; 9000],
            vec![],
            voxproof_audio::stimulus::speech_like(2.0, 8000, 1),
        ] {
            let (results, events) = glitches(&samples, 8000);
            assert!(results.len() == 8 && events.is_empty());
            assert!(results.iter().all(|result| result.value.is_none()));
        }
    }
}
