//! Frequency response of a pair, and how it stands to a mask.

use voxproof_audio::mask::{Mask, MaskResult};
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::transfer::{Bands, Response, level_difference};
use voxproof_audio::unit::{Db, Hertz};

use super::{Pair, PairOptions};
use crate::quantity::{MASK_MARGIN, MASK_WORST_AT, RESPONSE_HIGH, RESPONSE_LOW, RESPONSE_RIPPLE};
use crate::{Curve, Group, PairRecord, QuantityResult};

/// Lowest frequency of the response, Hz.
const LOWEST_HZ: f64 = 100.0;
/// The response at this frequency is the one that the edges refer to.
const MIDDLE_HZ: f64 = 1000.0;
/// How far below that an edge is, dB.
const EDGE_DB: f64 = 6.0;
/// Range in which the ripple is told, Hz: that of a narrowband telephone.
const RIPPLE_HZ: (f64, f64) = (300.0, 3400.0);
const HERTZ: &str = "frequency, Hz";
const GAIN: &str = "gain, dB";

pub(super) fn measure(
    pair: &Pair<'_>,
    related: Result<(), Unmeasurable>,
    options: &PairOptions,
    record: &mut PairRecord,
) {
    if !options.selection.has(Group::Response) {
        return;
    }
    let response = related.and_then(|()| {
        level_difference(
            &pair.reference,
            &pair.degraded,
            pair.rate,
            Bands::ThirdOctave,
            LOWEST_HZ..=f64::from(pair.rate) / 2.0,
        )
    });
    let of = || response.as_ref().map_err(Clone::clone);
    record.results.extend([
        QuantityResult::of(&RESPONSE_LOW, &of().and_then(|response| edge(response, false))),
        QuantityResult::of(&RESPONSE_HIGH, &of().and_then(|response| edge(response, true))),
        QuantityResult::of(&RESPONSE_RIPPLE, &of().and_then(ripple)),
    ]);
    if let Ok(response) = &response {
        let points = response.points().iter().copied();
        record
            .curves
            .push(Curve::new("frequency_response", HERTZ, GAIN, points));
    }
    if let Some(mask) = &options.mask {
        let held = of().and_then(|response| mask.check(response));
        record.results.extend(held_results(mask, &held));
        if let Ok(held) = &held {
            record.curves.extend(mask_curves(mask, held));
        }
    }
}

/// The first band from 1 kHz outwards that is too weak; the last one before it is the edge.
fn edge(response: &Response, upwards: bool) -> Measured<Hertz> {
    let middle = response
        .at(MIDDLE_HZ)
        .ok_or(Unmeasurable::NoSuchPart("response at 1000 Hz"))?;
    let points = response.points();
    let split = points.partition_point(|(hertz, _)| *hertz < MIDDLE_HZ * 0.99);
    let (below, above) = points.split_at(split);
    let strong = |(_, gain): &&(f64, f64)| *gain >= middle - EDGE_DB;
    let last = if upwards {
        above.iter().take_while(strong).last()
    } else {
        below.iter().rev().take_while(strong).last()
    };
    Measurement::single(Hertz(last.map_or(MIDDLE_HZ, |(hertz, _)| *hertz)))
}

fn ripple(response: &Response) -> Measured<Db> {
    let (low, high) = RIPPLE_HZ;
    let gains = || {
        let inside = response
            .points()
            .iter()
            .filter(|(hertz, _)| (low..=high).contains(hertz));
        inside.map(|(_, gain)| *gain)
    };
    if gains().count() < 2 {
        return Err(Unmeasurable::NoSuchPart("response from 300 to 3400 Hz"));
    }
    let (least, most) = gains().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), gain| {
        (least.min(gain), most.max(gain))
    });
    Measurement::single(Db(most - least))
}

fn held_results(mask: &Mask, held: &Result<MaskResult, Unmeasurable>) -> [QuantityResult; 2] {
    let margin = held.as_ref().map(|held| held.margin).map_err(Clone::clone);
    let worst = held
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|held| Measurement::single(Hertz(held.worst_hz)));
    let about = if mask.is_verified() {
        format!("mask {}: {}", mask.name(), mask.source())
    } else {
        format!(
            "mask {}, whose numbers are not verified: for information",
            mask.name()
        )
    };
    let uncovered = held.as_ref().map_or(0.0, |held| held.uncovered_octaves);
    let about = if uncovered > 0.0 {
        format!("{about}; {uncovered:.1} octaves of it are not covered by the response")
    } else {
        about
    };
    [
        QuantityResult::of(&MASK_MARGIN, &margin).with_caveat(about),
        QuantityResult::of(&MASK_WORST_AT, &worst),
    ]
}

/// The mask where it was held against the response.
fn mask_curves(mask: &Mask, held: &MaskResult) -> impl Iterator<Item = Curve> {
    let offset = held.offset_db;
    let line = |name, curve: Option<&voxproof_audio::curve::Curve>| {
        curve.map(|curve| {
            let points = curve
                .points()
                .iter()
                .map(|(hertz, limit)| (*hertz, limit - offset));
            Curve::new(name, HERTZ, GAIN, points)
        })
    };
    [line("mask_upper", mask.upper()), line("mask_lower", mask.lower())]
        .into_iter()
        .flatten()
}
