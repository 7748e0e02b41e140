//! The rating R and what it says.

use std::fmt;

use super::narrowband as nb;
use super::wideband as wb;
use super::{ParameterError, Parameters};
use crate::quality::MosCqe;

/// Transmission rating factor R (ITU-T G.107): 93.2 is the default connection, below 50 is not recommended. Severe
/// impairments take it below 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rating(pub f64);

/// Transmission rating factor on the wideband scale (ITU-T G.107.1), up to 129. It does not compare with [`Rating`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct WidebandRating(pub f64);

/// What takes the rating from its best value to what it is: R = Ro - Is - Id - Ie,eff + A.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Ro: signal to noise; 129 in wideband.
    pub signal_to_noise: f64,
    /// Iolr: too loud a connection; 0 in wideband.
    pub loudness: f64,
    /// Ist: sidetone; 0 in wideband.
    pub sidetone: f64,
    /// Iq: quantizing distortion; 0 in wideband.
    pub quantizing: f64,
    /// Idte: talker echo.
    pub talker_echo: f64,
    /// Idle: listener echo.
    pub listener_echo: f64,
    /// Idd: delay as such.
    pub delay: f64,
    /// Ie,eff: the codec with its losses.
    pub equipment: f64,
    /// A: advantage of access.
    pub advantage: f64,
}

impl Terms {
    /// The sum R.
    #[must_use]
    pub fn rating(&self) -> f64 {
        let simultaneous = self.loudness + self.sidetone + self.quantizing;
        let delayed = self.talker_echo + self.listener_echo + self.delay;
        self.signal_to_noise - simultaneous - delayed - self.equipment + self.advantage
    }
}

/// Rates a narrowband connection (ITU-T G.107).
///
/// # Errors
/// A parameter out of its range.
pub fn narrowband(parameters: &Parameters) -> Result<(Rating, Terms), ParameterError> {
    parameters.check()?;
    let no = nb::noise(parameters);
    let ro = nb::signal_to_noise(parameters, no);
    let ist = nb::sidetone(parameters);
    let terms = Terms {
        signal_to_noise: ro,
        loudness: nb::overall_loudness(parameters, no),
        sidetone: ist,
        quantizing: nb::quantizing(parameters, ro),
        talker_echo: nb::talker_echo(parameters, no, ist),
        listener_echo: nb::listener_echo(parameters, ro),
        delay: nb::absolute_delay(parameters),
        equipment: nb::equipment(parameters),
        advantage: parameters.advantage,
    };
    Ok((Rating(terms.rating()), terms))
}

/// Rates a wideband connection (ITU-T G.107.1). The impairment and robustness factors are those of the wideband tables.
///
/// The Recommendation has random losses only; `burst_ratio` works as in G.107.
///
/// # Errors
/// A parameter out of its range.
pub fn wideband(parameters: &Parameters) -> Result<(WidebandRating, Terms), ParameterError> {
    parameters.check()?;
    let terms = Terms {
        signal_to_noise: wb::BEST,
        loudness: 0.0,
        sidetone: 0.0,
        quantizing: 0.0,
        talker_echo: wb::talker_echo(parameters),
        listener_echo: nb::listener_echo(parameters, wb::BEST),
        delay: wb::SCALE * nb::absolute_delay(parameters),
        equipment: nb::equipment(parameters),
        advantage: parameters.advantage,
    };
    Ok((WidebandRating(terms.rating()), terms))
}

impl Rating {
    /// What callers would say on average (G.107 Annex B).
    #[must_use]
    pub fn mos(self) -> MosCqe {
        let r = self.0;
        MosCqe(if r <= 0.0 {
            1.0
        } else if r >= 100.0 {
            4.5
        } else {
            1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6
        })
    }

    /// The rating that reads `mos`; `None` outside 1 to 4.5.
    ///
    /// The cubic of Annex B dips just below 1 for ratings below 6.5: a MOS of 1 gives 6.5, the highest of them.
    #[must_use]
    pub fn from_mos(mos: MosCqe) -> Option<Self> {
        if !(1.0..=4.5).contains(&mos.0) {
            return None;
        }
        // there the cubic crosses 1 and rises from then on
        let (mut low, mut high) = (80.0 - 5400f64.sqrt(), 100.0);
        // each step halves the interval: 60 of them leave less than the spacing of the numbers
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if Self(middle).mos() < mos {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(Self(high))
    }
}

impl WidebandRating {
    /// What callers would say on average (G.107.1 Annex A).
    #[must_use]
    pub fn mos(self) -> MosCqe {
        Rating(self.0 / wb::SCALE).mos()
    }
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R {:.1}", self.0)
    }
}

impl fmt::Display for WidebandRating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R(WB) {:.1}", self.0)
    }
}
