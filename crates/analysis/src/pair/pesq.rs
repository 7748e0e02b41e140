//! PESQ of a pair.

use voxproof_audio::measurement::{Measurement, Unmeasurable};
use voxproof_audio::quality::pesq::{Band, Calibration, Doubt, Pesq, Standing, pesq};

use super::{Pair, PairOptions};
use crate::quantity::{PESQ_NARROWBAND, PESQ_WIDEBAND};
use crate::{Group, PairRecord, QuantityResult};

pub(super) fn measure(
    pair: &Pair<'_>,
    related: &Result<(), Unmeasurable>,
    options: &PairOptions,
    record: &mut PairRecord,
) {
    if !options.selection.has(Group::Pesq) {
        return;
    }
    for (quantity, band) in [
        (&PESQ_NARROWBAND, Band::Narrowband),
        (&PESQ_WIDEBAND, Band::Wideband),
    ] {
        let scored = related
            .clone()
            .and_then(|()| pesq(&pair.reference, &pair.degraded, pair.rate, band));
        record.results.push(match scored {
            Ok(found) => {
                QuantityResult::of(quantity, &Measurement::single(found.mos)).with_caveat(about(&found))
            }
            Err(reason) => QuantityResult::none(quantity, &reason),
        });
    }
}

/// The calibration, without which no two figures compare, and what was not checked.
fn about(found: &Pesq) -> String {
    let Calibration::Of2005 = found.calibration;
    match found.standing {
        Standing::Checked => "calibration of 2005".to_owned(),
        Standing::Provisional(Doubt::Length) => {
            "calibration of 2005; provisional: only 5 to 30 s were checked against the reference program"
                .to_owned()
        }
    }
}
