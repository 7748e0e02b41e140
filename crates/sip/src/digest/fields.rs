//! The parameter list that challenges and credentials share.

use super::DigestError;
use crate::lists::{quote, split_top_level, unquote};

/// Parameters of a `Digest ...` value, unquoted, in order.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(value: &str) -> Result<Self, DigestError> {
        let value = value.trim();
        let (scheme, rest) = value
            .split_once(|c: char| c.is_ascii_whitespace())
            .unwrap_or((value, ""));
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(DigestError::Scheme(scheme.to_owned()));
        }
        let mut fields = Vec::new();
        for piece in split_top_level(rest, b',')
            .into_iter()
            .filter(|piece| !piece.is_empty())
        {
            let (name, value) = piece
                .split_once('=')
                .ok_or_else(|| DigestError::Malformed(piece.to_owned()))?;
            fields.push((name.trim().to_ascii_lowercase(), unquote(value)));
        }
        Ok(Self(fields))
    }

    /// One value a challenge: `Digest a=b, Digest c=d` is two of them. A piece that starts with a word and white space
    /// begins the next one.
    pub(super) fn split(value: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for piece in split_top_level(value, b',') {
            let word = piece.split(['=', '"']).next().unwrap_or_default().trim_end();
            let begins = word.contains(|c: char| c.is_ascii_whitespace());
            match found.last_mut() {
                Some(last) if !begins => {
                    last.push_str(", ");
                    last.push_str(piece);
                }
                _ => found.push(piece.to_owned()),
            }
        }
        found
    }

    pub(super) fn optional(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<String, DigestError> {
        self.optional(name).ok_or(DigestError::Missing(name))
    }
}

/// Writes `Digest a="b", c=d`.
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn new() -> Self {
        Self("Digest".to_owned())
    }

    pub(super) fn quoted(&mut self, name: &str, value: &str) {
        self.token(name, &quote(value));
    }

    pub(super) fn token(&mut self, name: &str, value: &str) {
        self.0
            .push_str(if self.0.len() > "Digest".len() { ", " } else { " " });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(value);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
