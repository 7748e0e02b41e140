//! What is wrong (or merely worth knowing) about a message, with the clause that says so.

use std::fmt;

/// One observation about a message, made by the reader, a header view or the validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable machine name, kebab-case (`content-length-mismatch`).
    pub code: &'static str,
    /// The clause that was broken or that allows the unusual form (`RFC 3261 20.14`).
    pub clause: &'static str,
    /// What was seen, for people.
    pub message: String,
}

/// How much a [`Finding`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Legal but unusual: the clause allows it.
    Note,
    /// Against the clause.
    Violation,
}

/// Codes for forms that the standard allows; everything else is a violation.
const NOTES: [&str; 4] = ["compact-name", "folded-header", "leading-crlf", "trailing-bytes"];

impl Finding {
    /// A finding from its parts.
    pub fn new(code: &'static str, clause: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            clause,
            message: message.into(),
        }
    }

    /// [`Severity::Note`] for legal but unusual forms (compact names, folding), else a violation.
    pub fn severity(&self) -> Severity {
        if NOTES.contains(&self.code) {
            Severity::Note
        } else {
            Severity::Violation
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.clause)
    }
}

impl std::error::Error for Finding {}
