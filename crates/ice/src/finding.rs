/// Something a device sent that breaks a clause; reading went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable machine name, kebab-case (`stun-fingerprint-missing`).
    pub code: &'static str,
    /// The clause that was broken (`RFC 8445 7.3`).
    pub clause: &'static str,
    /// What was seen, for people.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(code: &'static str, clause: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            clause,
            message: message.into(),
        }
    }
}

/// Foreign text for a message to people: printable and short, whatever was sent.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 64;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    format!("\"{shown}\"")
}
