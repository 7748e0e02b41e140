//! The formats of a report.

use std::fmt;
use std::str::FromStr;

/// A format a run can be reported in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One self-contained page for people, `report.html`.
    Html,
    /// The machine's report by the published schema, `report.json`.
    Json,
    /// The report that build servers read, `junit.xml`.
    Junit,
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a report format; use html, json or junit")]
pub struct UnknownFormat(pub String);

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Html, Self::Json, Self::Junit];

    /// Name of the report's file inside the run folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Html => "report.html",
            Self::Json => "report.json",
            Self::Junit => "junit.xml",
        }
    }

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Junit => "junit",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text.trim())
            .ok_or_else(|| UnknownFormat(text.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_a_wrong_word_says_what_is_right() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let problem = "docx".parse::<Format>().unwrap_err();
        assert_eq!(
            problem.to_string(),
            "`docx` is not a report format; use html, json or junit"
        );
    }
}
