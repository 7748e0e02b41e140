//! Estimates of listening quality of a pair.

use voxproof_audio::measurement::{Measurement, Unmeasurable};
use voxproof_audio::quality::visqol;
use voxproof_audio::unit::Ratio;

use super::{Pair, PairOptions};
use crate::quantity::{VISQOL_MOS, VISQOL_SIMILARITY};
use crate::{Curve, Group, PairRecord, QuantityResult};

pub(super) fn measure(
    pair: &Pair<'_>,
    related: Result<(), Unmeasurable>,
    options: &PairOptions,
    record: &mut PairRecord,
) {
    if !options.selection.has(Group::Quality) {
        return;
    }
    let scored = related.and_then(|()| visqol::speech(&pair.reference, &pair.degraded, pair.rate));
    let of = || scored.as_ref().map_err(Clone::clone);
    record.results.extend([
        QuantityResult::of(
            &VISQOL_MOS,
            &of().and_then(|found| Measurement::single(found.mos)),
        ),
        QuantityResult::of(
            &VISQOL_SIMILARITY,
            &of().and_then(|found| Measurement::single(Ratio(found.similarity))),
        ),
    ]);
    if let Ok(found) = &scored {
        let points = found
            .patches
            .iter()
            .map(|patch| (patch.reference_s, patch.similarity));
        record.curves.push(Curve::new(
            "quality_against_time",
            "time in the reference, s",
            "similarity",
            points,
        ));
    }
}
