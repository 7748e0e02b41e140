//! Loudness ratings of a calibrated pair.

use schemars::JsonSchema;
use serde::Serialize;
use voxproof_audio::calibration::Calibration;
use voxproof_audio::level::Plane;
use voxproof_audio::loudness_rating::{
    WeightTable, receive_loudness_rating, send_loudness_rating, sidetone_masking_rating,
};
use voxproof_audio::measurement::{Measured, Unmeasurable};
use voxproof_audio::transfer::{Bands, Response, level_difference};
use voxproof_audio::uncertainty::Uncertainty;
use voxproof_audio::unit::Db;

use super::{Pair, PairOptions};
use crate::plane::words;
use crate::quantity::{RECEIVE_RATING, SEND_RATING, SIDETONE_RATING};
use crate::{Curve, Group, PairRecord, Quantity, QuantityResult};

/// Level of 0 dBm in 600 ohm, dBV: the root of 0.6 V squared, 0.7746 V.
const DBM_DBV: f64 = -2.218_487_496_163_564;
/// Names of the channels in a calibration file.
const REFERENCE: &str = "reference";
const RECORDING: &str = "recording";

/// Which way a loudness rating goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    /// From the mouth (reference, calibrated) to the network (recording, on a plane).
    Send,
    /// From the network (reference, on a plane) to the ear (recording, calibrated).
    Receive,
    /// From the mouth to the ear, both calibrated.
    Sidetone,
}

impl Rating {
    fn quantity(self) -> &'static Quantity {
        match self {
            Self::Send => &SEND_RATING,
            Self::Receive => &RECEIVE_RATING,
            Self::Sidetone => &SIDETONE_RATING,
        }
    }
}

pub(super) fn measure(pair: &Pair<'_>, options: &PairOptions, record: &mut PairRecord) {
    if !options.selection.has(Group::Rating) {
        return;
    }
    let Some(rating) = options.rating else {
        for rating in [Rating::Send, Rating::Receive, Rating::Sidetone] {
            record.results.push(QuantityResult::because(
                rating.quantity(),
                "not-calibrated",
                "nobody said which way: --rating send, receive or sidetone",
            ));
        }
        return;
    };
    let response = calibrated(pair, options, rating);
    let measured = response
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|response| rate(response, options, rating));
    let result = QuantityResult::of(rating.quantity(), &measured);
    record.results.push(if result.value.is_some() {
        result.with_caveat(about(options, rating))
    } else {
        result
    });
    if let Ok(response) = response {
        let y = match rating {
            Rating::Send => "sensitivity, dBV/Pa",
            Rating::Receive => "sensitivity, dBPa/V",
            Rating::Sidetone => "gain, dB",
        };
        let points = response.points().iter().copied();
        record
            .curves
            .push(Curve::new("sensitivity", "frequency, Hz", y, points));
    }
}

fn rate(response: &Response, options: &PairOptions, rating: Rating) -> Measured<Db> {
    let given = options.weights.clone();
    let measured = match rating {
        Rating::Send => send_loudness_rating(response, &given.unwrap_or_else(WeightTable::narrowband_send)),
        Rating::Receive => {
            receive_loudness_rating(response, &given.unwrap_or_else(WeightTable::narrowband_receive))
        }
        Rating::Sidetone => sidetone_masking_rating(response, given.as_ref()),
    }?;
    let parts = [REFERENCE, RECORDING].map(|name| {
        let one = options.calibrations.iter().find(|one| one.name == name);
        one.filter(|_| used(rating).contains(&name))
            .and_then(|one| one.uncertainty_db)
    });
    let known: Vec<f64> = parts.into_iter().flatten().collect();
    let expanded = known.iter().map(|db| db * db).sum::<f64>().sqrt();
    Ok(match Uncertainty::expanded(expanded, 2.0) {
        Some(uncertainty) if !known.is_empty() => measured.with_uncertainty(uncertainty),
        _ => measured,
    })
}

/// Files whose calibration a rating needs.
fn used(rating: Rating) -> &'static [&'static str] {
    match rating {
        Rating::Send => &[REFERENCE],
        Rating::Receive => &[RECORDING],
        Rating::Sidetone => &[REFERENCE, RECORDING],
    }
}

/// The response in the units of P.79: dBV/Pa, dBPa/V, or dB.
fn calibrated(pair: &Pair<'_>, options: &PairOptions, rating: Rating) -> Result<Response, Unmeasurable> {
    // dBPa and dBV of 0 dBov
    let pascal = |name: &str| -> Result<f64, Unmeasurable> {
        let one = options.calibrations.iter().find(|one| one.name == name);
        let one = one.ok_or_else(|| {
            Unmeasurable::NotCalibrated(format!(
                "there is no calibration of a channel `{name}`: give it with --calibration"
            ))
        })?;
        Ok(20.0 * one.checked()?.pascal_per_full_scale.log10())
    };
    let volt = || -> Result<f64, Unmeasurable> {
        let plane = options.plane.ok_or_else(|| {
            Unmeasurable::NotCalibrated(
                "nobody said which codec's plane the digital file is on: --plane".to_owned(),
            )
        })?;
        Ok(plane.offset_db() + DBM_DBV)
    };
    let shift = match rating {
        Rating::Send => volt()? - pascal(REFERENCE)?,
        Rating::Receive => pascal(RECORDING)? - volt()?,
        Rating::Sidetone => pascal(RECORDING)? - pascal(REFERENCE)?,
    };
    let half = f64::from(pair.rate) / 2.0;
    let response = level_difference(
        &pair.reference,
        &pair.degraded,
        pair.rate,
        Bands::ThirdOctave,
        100.0..=half.min(8000.0),
    )?;
    let corrected = response.points().iter().filter_map(|(hz, gain)| {
        let correction = match &options.correction {
            Some(correction) => correction.gain_db(*hz)?,
            None => 0.0,
        };
        Some((*hz, gain + shift + correction))
    });
    Ok(Response::new(corrected))
}

/// What must be known to use the value.
fn about(options: &PairOptions, rating: Rating) -> String {
    let mut parts = Vec::new();
    match (&options.weights, rating) {
        (Some(table), _) if table.is_verified() => {
            parts.push(format!("weights {}: {}", table.name(), table.source()));
        }
        (Some(table), _) => parts.push(format!("weights {}, not verified: for information", table.name())),
        (None, _) => parts.push("weights of P.79 table 1, 200 Hz to 4 kHz".to_owned()),
    }
    if let (Some(plane), Rating::Send | Rating::Receive) = (options.plane, rating) {
        parts.push(plane_words(plane));
    }
    let of = |name: &str| options.calibrations.iter().find(|one| one.name == name);
    parts.extend(
        used(rating)
            .iter()
            .filter_map(|name| of(name))
            .map(calibration_words),
    );
    parts.extend(
        options
            .correction
            .iter()
            .map(|table| format!("corrected by {}", table.name())),
    );
    parts.join("; ")
}

fn plane_words(plane: Plane) -> String {
    format!("{}, 0 dBm0 as 0.775 V", words(plane))
}

fn calibration_words(one: &Calibration) -> String {
    format!(
        "{}: {} Pa per full scale, {}, {}",
        one.name, one.pascal_per_full_scale, one.instrument, one.date
    )
}
