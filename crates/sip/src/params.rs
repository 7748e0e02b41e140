//! Parameters after a URI or a header value: ordered, names case-insensitive.

use std::fmt;

use crate::lists::{find_top_level, split_top_level};

/// Ordered `;name` and `;name=value` list. Values keep the spelling (and quotes) of the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// An empty list.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads `;a=1;b` (the first `;` may be missing). Empty parameters are skipped, nothing is refused.
    pub fn parse(text: &str) -> Self {
        let mut params = Self::new();
        for piece in split_top_level(text, b';')
            .into_iter()
            .filter(|piece| !piece.is_empty())
        {
            match find_top_level(piece, b'=') {
                Some(at) => {
                    let (name, value) = piece.split_at(at);
                    params.push(name.trim(), Some(value.trim_start_matches('=').trim()));
                }
                None => params.push(piece, None),
            }
        }
        params
    }

    /// Value of the first parameter of that name, without surrounding quotes; `None` when it is absent or a bare flag.
    pub fn value(&self, name: &str) -> Option<&str> {
        let raw = self.find(name)?.1.as_deref()?;
        Some(
            raw.strip_prefix('"')
                .and_then(|inner| inner.strip_suffix('"'))
                .unwrap_or(raw),
        )
    }

    /// Whether the parameter is present, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Appends a parameter; the value is written as given.
    pub fn push(&mut self, name: &str, value: Option<&str>) {
        self.0.push((name.to_owned(), value.map(str::to_owned)));
    }

    /// Replaces the first parameter of that name or appends it.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        match self
            .0
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some(entry) => entry.1 = value.map(str::to_owned),
            None => self.push(name, value),
        }
    }

    /// Removes every parameter of that name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Names and values in wire order, values as written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Whether there is no parameter at all.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of parameters.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&self, name: &str) -> Option<&(String, Option<String>)> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.iter() {
            match value {
                Some(value) => write!(f, ";{name}={value}")?,
                None => write!(f, ";{name}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_quotes_are_stripped_from_values() {
        let params = Params::parse(";+sip.instance=\"<urn:uuid:1;2>\" ; LR;q = 0.5");
        assert_eq!(params.value("+SIP.Instance"), Some("<urn:uuid:1;2>"));
        assert!(params.has("lr") && params.value("lr").is_none());
        assert_eq!(params.value("q"), Some("0.5"));
        assert_eq!(params.to_string(), ";+sip.instance=\"<urn:uuid:1;2>\";LR;q=0.5");
    }

    #[test]
    fn set_and_remove_work_on_the_first_of_that_name() {
        let mut params = Params::parse(";rport;branch=x");
        params.set("RPORT", Some("5062"));
        params.remove("branch");
        params.set("received", Some("192.0.2.1"));
        assert_eq!(params.to_string(), ";rport=5062;received=192.0.2.1");
    }
}
