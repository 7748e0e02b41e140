//! Values that carry their unit in the text.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, written with its unit: `"500 ms"`, `"4 s"`, `"2 min"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// Why a value with a unit could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No number in front.
    #[error("`{0}` does not start with a number; write a length of time as \"500 ms\", \"4 s\" or \"2 min\"")]
    Number(String),
    /// A number without a unit.
    #[error("`{0}` has no unit; write \"{0} ms\", \"{0} s\" or \"{0} min\"")]
    Missing(String),
    /// A unit that is not one of time.
    #[error("`{0}` is not a unit of time; use ms, s or min")]
    Unknown(String),
    /// Longer than a day.
    #[error("`{0}` is longer than a day")]
    TooLong(String),
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let split = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let value: f64 = number.parse().map_err(|_| UnitError::Number(text.to_owned()))?;
        let seconds = match unit.trim() {
            "ms" => value / 1000.0,
            "s" => value,
            "min" => value * 60.0,
            "" => return Err(UnitError::Missing(number.to_owned())),
            other => return Err(UnitError::Unknown(other.to_owned())),
        };
        if seconds > 86_400.0 {
            return Err(UnitError::TooLong(text.to_owned()));
        }
        Ok(Self(Duration::from_micros((seconds * 1e6).round() as u64)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_secs_f64() * 1000.0;
        if ms < 1000.0 {
            write!(f, "{ms} ms")
        } else {
            write!(f, "{} s", ms / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)? ?(ms|s|min)$",
            "description": "A length of time with its unit: \"500 ms\", \"4 s\", \"2 min\"."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_names_what_is_wrong() {
        assert_eq!("500 ms".parse::<Span>().unwrap().0, Duration::from_millis(500));
        assert_eq!("1.5s".parse::<Span>().unwrap().0, Duration::from_millis(1500));
        assert_eq!("2 min".parse::<Span>().unwrap().0, Duration::from_secs(120));
        assert_eq!("4".parse::<Span>(), Err(UnitError::Missing("4".into())));
        assert_eq!("4 dB".parse::<Span>(), Err(UnitError::Unknown("dB".into())));
        assert!(matches!("soon".parse::<Span>(), Err(UnitError::Number(_))));
        assert!(matches!("99999 min".parse::<Span>(), Err(UnitError::TooLong(_))));
    }

    #[test]
    fn display_reads_back() {
        for text in ["500 ms", "4 s", "120 s", "32.5 s"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
    }
}
