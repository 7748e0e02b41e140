//! What ITU-T G.107.1 (06/2019) changes in wideband.

use super::Parameters;
use super::narrowband::{echo_impairment, noise, talker_echo_rating};

/// Ro,WB, the rating of a wideband connection without impairments (7.2): the Recommendation gives the figure.
pub(super) const BEST: f64 = 129.0;
/// The wideband scale over the narrowband one.
pub(super) const SCALE: f64 = 1.29;

/// Idte,WB: talker echo (7.4). No,WB is left for further study there; it is summed as in G.107 with the noise floor of
/// the parameters.
pub(super) fn talker_echo(p: &Parameters) -> f64 {
    let t = p.echo_delay_ms;
    let correction = if t < 100.0 { 0.08 * t + 10.0 } else { 18.0 };
    let terv = talker_echo_rating(p) + correction;
    echo_impairment(-1.5 * (noise(p) - p.rlr_db) - (80.0 + 3.0 * (terv - 14.0)), t)
}
