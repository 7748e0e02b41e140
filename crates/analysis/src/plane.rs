//! Levels at the zero level point of a codec.

use voxproof_audio::level::{DbOv, Plane};
use voxproof_audio::measurement::{Measured, Measurement};
use voxproof_audio::weighting::Weighted;

use crate::{Coding, Quantity, QuantityResult};

/// The plane of a coding that has one.
pub(crate) fn of_coding(coding: Coding) -> Option<Plane> {
    match coding {
        Coding::Pcma => Some(Plane::ALaw),
        Coding::Pcmu => Some(Plane::MuLaw),
        Coding::G722 => Some(Plane::G722),
        _ => None,
    }
}

/// What it is and how far it is from dBov.
pub(crate) fn words(plane: Plane) -> String {
    let name = match plane {
        Plane::ALaw => "A-law",
        Plane::MuLaw => "mu-law",
        Plane::G722 => "G.722",
    };
    format!("{name}: dBov + {:.2} dB", plane.offset_db())
}

/// A level in dBov on a plane; nothing without one.
pub(crate) fn on_plane(
    quantity: &Quantity,
    level: &Measured<DbOv>,
    plane: Option<Plane>,
) -> Option<QuantityResult> {
    let plane = plane?;
    let level = level
        .clone()
        .map(|level| level.shifted(|level| level.to_dbm0(plane)));
    Some(named(QuantityResult::of(quantity, &level), plane))
}

/// A weighted level on a plane; nothing without one.
pub(crate) fn weighted_on_plane(
    quantity: &Quantity,
    level: Weighted<DbOv>,
    plane: Option<Plane>,
) -> Option<QuantityResult> {
    let plane = plane?;
    let level = Measurement::single(level.to_dbm0(plane));
    Some(named(QuantityResult::of(quantity, &level), plane))
}

fn named(result: QuantityResult, plane: Plane) -> QuantityResult {
    if result.value.is_some() {
        result.with_caveat(words(plane))
    } else {
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{A_DBM0, RMS_DBM0};
    use voxproof_audio::weighting::Weighting;

    #[test]
    fn a_level_is_moved_by_the_plane() {
        let level = Measurement::single(DbOv(-26.0));
        let of = |plane| on_plane(&RMS_DBM0, &level, Some(plane)).expect("a plane");
        assert_eq!(of(Plane::ALaw).text(), "-19.85 dBm0");
        assert_eq!(of(Plane::MuLaw).text(), "-19.82 dBm0");
        assert_eq!(of(Plane::G722).text(), "-13.99 dBm0");
        assert_eq!(of(Plane::G722).caveat.as_deref(), Some("G.722: dBov + 12.01 dB"));
        assert!(on_plane(&RMS_DBM0, &level, None).is_none());
        let weighted = Weighted {
            level: DbOv(-70.0),
            weighting: Weighting::A,
        };
        let weighted = weighted_on_plane(&A_DBM0, weighted, Some(Plane::ALaw)).expect("a plane");
        assert_eq!(weighted.text(), "-63.85 dBm0(A)");
    }
}
