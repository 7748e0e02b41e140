/// Something in a session description that breaks a clause; reading went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable machine name, kebab-case (`crypto-key-length`).
    pub code: &'static str,
    /// The clause that was broken (`RFC 4568 6.1`).
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
