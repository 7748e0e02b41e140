//! Units as types: numbers that mean different things do not mix.

use std::fmt;

use crate::level::{DbFsSine, DbOv, Dbm0};

/// A number with a unit.
pub trait Unit: Copy + PartialEq + fmt::Debug {
    /// The number.
    fn number(self) -> f64;
    /// The same unit with another number.
    #[must_use]
    fn with_number(self, number: f64) -> Self;
    /// Symbol of the unit as printed; empty for a bare number.
    fn symbol(self) -> &'static str;
    /// Decimals that mean something.
    fn decimals(self) -> usize {
        2
    }
}

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident $symbol:literal $decimals:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name(pub f64);

        impl Unit for $name {
            fn number(self) -> f64 {
                self.0
            }

            fn with_number(self, number: f64) -> Self {
                Self(number)
            }

            fn symbol(self) -> &'static str {
                $symbol
            }

            fn decimals(self) -> usize {
                $decimals
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_number(f, *self)
            }
        }
    )*};
}

units! {
    /// A difference of levels, a gain, a loss or a ratio, in decibels.
    Db "dB" 2;
    /// Frequency in hertz.
    Hertz "Hz" 2;
    /// Time in seconds.
    Seconds "s" 3;
    /// Time in milliseconds.
    Milliseconds "ms" 2;
    /// Length in samples, fractions included.
    Samples "samples" 2;
    /// A share in hundredths.
    Percent "%" 2;
    /// A relative deviation in millionths, as of a clock.
    PartsPerMillion "ppm" 2;
    /// A mean opinion score, listening or conversational, 1 to 5.
    MeanOpinionScore "MOS" 3;
    /// A transmission rating of the E-model.
    RatingFactor "R" 2;
    /// A ratio or another bare number.
    Ratio "" 4;
    /// A count.
    Count "" 0;
    /// Bits of a sample.
    Bits "bit" 0;
    /// Programme loudness in loudness units relative to full scale (ITU-R BS.1770).
    Lufs "LUFS" 2;
    /// A difference of loudness in loudness units (EBU Tech 3342 for the loudness range).
    LoudnessUnits "LU" 2;
    /// True peak in dB relative to full scale amplitude 1.0 (ITU-R BS.1770 Annex 2).
    DbTruePeak "dBTP" 2;
    /// Peak of the samples in dB relative to full scale amplitude 1.0.
    DbPeak "dBFS (peak)" 2;
    /// A phase or an angle in degrees.
    Degrees "°" 2;
    /// Sound pressure in pascals.
    Pascal "Pa" 4;
    /// Level of sound pressure relative to 1 Pa.
    DbPa "dBPa" 2;
    /// Level of sound pressure relative to 20 micropascals: [`DbPa`] plus 93.98.
    DbSpl "dB SPL" 2;
}

/// 20 log10 of 1 Pa over 20 micropascals.
const PASCAL_SPL_DB: f64 = 93.979_400_086_720_38;

impl DbPa {
    /// The level of an rms sound pressure.
    #[must_use]
    pub fn from_pascal(rms: Pascal) -> Self {
        Self(20.0 * rms.0.log10())
    }

    /// The rms sound pressure.
    #[must_use]
    pub fn to_pascal(self) -> Pascal {
        Pascal(10f64.powf(self.0 / 20.0))
    }

    /// The same relative to 20 micropascals.
    #[must_use]
    pub fn to_spl(self) -> DbSpl {
        DbSpl(self.0 + PASCAL_SPL_DB)
    }
}

impl DbSpl {
    /// The same relative to 1 Pa.
    #[must_use]
    pub fn to_dbpa(self) -> DbPa {
        DbPa(self.0 - PASCAL_SPL_DB)
    }
}

macro_rules! levels {
    ($($name:ty, $symbol:literal;)*) => {$(
        impl Unit for $name {
            fn number(self) -> f64 {
                self.0
            }

            fn with_number(self, number: f64) -> Self {
                Self(number)
            }

            fn symbol(self) -> &'static str {
                $symbol
            }
        }
    )*};
}

levels! {
    DbOv, "dBov";
    DbFsSine, "dBFS (sine)";
}

impl Unit for Dbm0 {
    fn number(self) -> f64 {
        self.value
    }

    fn with_number(self, number: f64) -> Self {
        Self {
            value: number,
            ..self
        }
    }

    fn symbol(self) -> &'static str {
        "dBm0"
    }
}

/// The number with the unit's decimals, or the format's precision, and the symbol.
pub(crate) fn write_number<U: Unit>(f: &mut fmt::Formatter<'_>, value: U) -> fmt::Result {
    let precision = f.precision().unwrap_or_else(|| value.decimals());
    write!(f, "{:.precision$}", value.number())?;
    match value.symbol() {
        "" => Ok(()),
        symbol => write!(f, " {symbol}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_print_with_their_symbol() {
        assert_eq!(Milliseconds(20.0).to_string(), "20.00 ms");
        assert_eq!(Count(3.0).to_string(), "3");
        assert_eq!(format!("{:.1}", Db(-3.25)), "-3.2 dB");
    }

    #[test]
    fn one_pascal_is_94_db() {
        assert!((DbPa::from_pascal(Pascal(1.0)).to_spl().0 - 93.98).abs() < 0.001);
        assert!((DbSpl(89.28).to_dbpa().0 + 4.7).abs() < 0.001);
        assert!((DbPa(-4.7).to_pascal().0 - 0.5821).abs() < 1e-4);
    }
}
