//! How to run a model.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// Most scores a model may have.
const MAX_SCORES: usize = 32;
/// Longest time limit, s.
const LONGEST_S: f64 = 3600.0;

/// How to run a model and read its scores, from a TOML file:
///
/// ```toml
/// name = "P.863"
/// program = "/opt/polqa/polqa"
/// arguments = ["--json", "{reference}", "{degraded}"]
/// version_arguments = ["--version"]
/// time_limit_s = 60
///
/// [scores.MOS-LQO]
/// pointer = "/result/mos"
/// lowest = 1.0
/// highest = 5.0
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Name of the model.
    pub name: String,
    /// The program, with its whole path: what a search in PATH finds is not certain.
    pub program: PathBuf,
    /// Its arguments; `{reference}` and `{degraded}` stand for the paths of the WAV files.
    pub arguments: Vec<String>,
    /// Arguments with which it prints its version.
    pub version_arguments: Vec<String>,
    /// How long it may take for a pair, s.
    pub time_limit_s: f64,
    /// The scores by name.
    pub scores: BTreeMap<String, ScorePlace>,
}

/// Where a score is in the answer, and what it may be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScorePlace {
    /// JSON pointer (RFC 6901) to the number.
    pub pointer: String,
    /// Lowest value of the scale.
    pub lowest: f64,
    /// Highest value of the scale.
    pub highest: f64,
}

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// Not a description.
    #[error("{0}")]
    Syntax(String),
    /// The program is not named by its whole path.
    #[error("the program {0:?} is not an absolute path")]
    Relative(PathBuf),
    /// The arguments do not name both recordings.
    #[error("no argument contains {0}")]
    NoRecording(&'static str),
    /// The time limit is no time.
    #[error("the time limit is not above 0 and at most 3600 s")]
    TimeLimit,
    /// There is no score, or there are too many.
    #[error("there are {0} scores, and 1 to 32 can be read")]
    Scores(usize),
    /// A score cannot be read as described.
    #[error("the score {name:?}: {problem}")]
    Score {
        /// Name of the score.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl Description {
    /// Reads and checks a description.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        let description: Self =
            toml::from_str(text).map_err(|error| DescriptionError::Syntax(error.message().to_owned()))?;
        if !description.program.is_absolute() {
            return Err(DescriptionError::Relative(description.program));
        }
        for recording in ["{reference}", "{degraded}"] {
            if !description.arguments.iter().any(|one| one.contains(recording)) {
                return Err(DescriptionError::NoRecording(recording));
            }
        }
        if !(description.time_limit_s > 0.0 && description.time_limit_s <= LONGEST_S) {
            return Err(DescriptionError::TimeLimit);
        }
        if !(1..=MAX_SCORES).contains(&description.scores.len()) {
            return Err(DescriptionError::Scores(description.scores.len()));
        }
        for (name, place) in &description.scores {
            let problem = if !(place.pointer.is_empty() || place.pointer.starts_with('/')) {
                "the pointer does not begin with a slash"
            } else if !(place.lowest.is_finite() && place.highest.is_finite() && place.lowest < place.highest)
            {
                "the scale has no width"
            } else {
                continue;
            };
            return Err(DescriptionError::Score {
                name: name.clone(),
                problem,
            });
        }
        Ok(description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
name = "P.863"
program = "/opt/polqa/polqa"
arguments = ["--json", "{reference}", "{degraded}"]
version_arguments = ["--version"]
time_limit_s = 60

[scores.MOS-LQO]
pointer = "/result/mos"
lowest = 1.0
highest = 5.0
"#;

    #[test]
    fn a_description_is_read() {
        let description = Description::parse(TEXT).unwrap();
        assert_eq!(description.scores["MOS-LQO"].pointer, "/result/mos");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, message) in [
            (
                "/opt",
                "opt",
                "the program \"opt/polqa/polqa\" is not an absolute path",
            ),
            ("{degraded}", "degraded", "no argument contains {degraded}"),
            (
                "= 60",
                "= nan",
                "the time limit is not above 0 and at most 3600 s",
            ),
            ("= 60", "= 0", "the time limit is not above 0 and at most 3600 s"),
            (
                "/result",
                "result",
                "the score \"MOS-LQO\": the pointer does not begin with a slash",
            ),
            ("= 5.0", "= 1.0", "the score \"MOS-LQO\": the scale has no width"),
            ("name =", "title =", "unknown field"),
        ] {
            let error = Description::parse(&TEXT.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        }
        let none = TEXT.split("[scores").next().unwrap().to_owned() + "scores = {}";
        assert_eq!(Description::parse(&none), Err(DescriptionError::Scores(0)));
    }
}
