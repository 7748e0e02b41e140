//! Replaces and Refer-To.

use std::fmt;

use super::fault;
use crate::finding::Finding;
use crate::header::NameAddr;
use crate::params::Params;
use crate::uri::{escape_header, unescape};
use crate::view::{CombinedView, HeaderView};

/// Replaces: the dialog a new INVITE is to take the place of (RFC 3891 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces {
    /// Call-ID of that dialog.
    pub call_id: String,
    /// Tag of the side that receives the INVITE.
    pub to_tag: String,
    /// Tag of the other side.
    pub from_tag: String,
    /// Only an early dialog is to be replaced.
    pub early_only: bool,
}

impl Replaces {
    /// Reads a header value.
    ///
    /// # Errors
    /// When Call-ID or one of the tags is missing, or a tag stands twice (RFC 3891 6.1).
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let refused = || fault("replaces-invalid", "RFC 3891 6.1", "Replaces", value);
        let (call_id, params) = value.split_once(';').ok_or_else(refused)?;
        let params = Params::parse(params);
        let once = |name: &str| {
            let mut found = params
                .iter()
                .filter(|(known, _)| known.eq_ignore_ascii_case(name));
            let value = found.next().and_then(|(_, value)| value);
            value
                .filter(|value| !value.is_empty() && found.next().is_none())
                .map(str::to_owned)
        };
        let call_id = call_id.trim();
        if call_id.is_empty() || call_id.contains(|c: char| c.is_ascii_whitespace()) {
            return Err(refused());
        }
        Ok(Self {
            call_id: call_id.to_owned(),
            to_tag: once("to-tag").ok_or_else(refused)?,
            from_tag: once("from-tag").ok_or_else(refused)?,
            early_only: params.has("early-only"),
        })
    }

    /// Reads the escaped form that stands as a header in a URI (`?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2`).
    ///
    /// # Errors
    /// As [`Replaces::parse`], and when the escapes are not UTF-8.
    pub fn parse_escaped(value: &str) -> Result<Self, Finding> {
        let plain =
            unescape(value).ok_or_else(|| fault("replaces-invalid", "RFC 3261 19.1.2", "Replaces", value))?;
        Self::parse(&plain)
    }

    /// The escaped form for a URI header (RFC 3261 19.1.2).
    pub fn to_escaped(&self) -> String {
        escape_header(&self.to_string())
    }

    /// Whether it names this dialog, seen from the side that receives the INVITE: the to-tag is our tag
    /// (RFC 3891 3). A tag of `0` stands for none, as peers of RFC 2543 have it.
    pub fn matches(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        let same = |named: &str, tag: &str| named == tag || (named == "0" && tag.is_empty());
        self.call_id == call_id && same(&self.to_tag, local_tag) && same(&self.from_tag, remote_tag)
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{};to-tag={};from-tag={}{}",
            self.call_id,
            self.to_tag,
            self.from_tag,
            if self.early_only { ";early-only" } else { "" }
        )
    }
}

/// Refer-To: whom to contact, how, and with which Replaces (RFC 3515 2.1, RFC 3891).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferTo {
    /// The address as it stands, URI headers and `method` parameter included.
    pub address: NameAddr,
}

impl ReferTo {
    /// Reads a header value.
    ///
    /// # Errors
    /// When it is not one address (RFC 3515 2.1).
    pub fn parse(value: &str) -> Result<Self, Finding> {
        Ok(Self {
            address: CombinedView.name_addr(value)?,
        })
    }

    /// A blind transfer to `target`, or an attended one when there is a dialog to replace.
    ///
    /// # Errors
    /// When the target is not a URI.
    pub fn to(target: &str, replaces: Option<&Replaces>) -> Result<Self, Finding> {
        let mut uri = CombinedView.uri(target)?;
        if let Some(replaces) = replaces {
            uri.headers.push(("Replaces".to_owned(), replaces.to_escaped()));
        }
        Ok(Self {
            address: NameAddr {
                display: None,
                uri,
                params: Params::new(),
            },
        })
    }

    /// The method to use: the `method` parameter of the URI, else INVITE (RFC 3515 2.4.1).
    pub fn method(&self) -> &str {
        self.address.uri.params.value("method").unwrap_or("INVITE")
    }

    /// The Request-URI of the request it triggers: without headers and `method` (RFC 3261 19.1.5).
    pub fn request_uri(&self) -> String {
        self.address.uri.to_request_uri()
    }

    /// Header fields the triggered request is to carry, unescaped, in order (RFC 3261 19.1.5). A header whose escapes are
    /// not UTF-8 is left out.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.address
            .uri
            .headers
            .iter()
            .filter_map(|(name, value)| Some((unescape(name)?, unescape(value)?)))
            .collect()
    }

    /// The dialog to replace, when a Replaces header stands in the URI and can be read.
    pub fn replaces(&self) -> Option<Replaces> {
        let (_, value) = self
            .address
            .uri
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("replaces"))?;
        Replaces::parse_escaped(value).ok()
    }
}

impl fmt::Display for ReferTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_plain_and_escaped() {
        let replaces = Replaces::parse("98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff").unwrap();
        assert_eq!(
            (replaces.to_tag.as_str(), replaces.from_tag.as_str()),
            ("ff87ff", "r33th4x0r")
        );
        assert!(!replaces.early_only);
        assert!(replaces.matches("98732@sip.example.com", "ff87ff", "r33th4x0r"));
        assert!(!replaces.matches("98732@sip.example.com", "r33th4x0r", "ff87ff"));
        assert_eq!(
            replaces.to_escaped(),
            "98732%40sip.example.com%3Bto-tag%3Dff87ff%3Bfrom-tag%3Dr33th4x0r"
        );
        assert_eq!(Replaces::parse_escaped(&replaces.to_escaped()), Ok(replaces));
        for broken in [
            "",
            "a",
            "a;to-tag=1",
            "a;to-tag=1;from-tag",
            "a;to-tag=1;to-tag=2;from-tag=3",
            "a b;to-tag=1;from-tag=2",
        ] {
            assert!(Replaces::parse(broken).is_err(), "{broken}");
        }
        assert!(Replaces::parse_escaped("a%FF;to-tag=1;from-tag=2").is_err());
        let zero = Replaces::parse("a;to-tag=0;from-tag=1;early-only").unwrap();
        assert!(zero.matches("a", "", "1") && zero.early_only);
    }

    #[test]
    fn refer_to_in_all_forms() {
        let attended =
            ReferTo::parse("<sip:b@x;method=INVITE?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=a%20b>");
        let attended = attended.unwrap();
        assert_eq!(
            (attended.method(), attended.request_uri().as_str()),
            ("INVITE", "sip:b@x")
        );
        assert_eq!(attended.replaces().unwrap().from_tag, "2");
        assert_eq!(attended.headers()[1], ("Subject".to_owned(), "a b".to_owned()));
        let made = ReferTo::to("sip:b@x", attended.replaces().as_ref()).unwrap();
        assert_eq!(
            made.to_string(),
            "<sip:b@x?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2>"
        );
        let blind = ReferTo::parse("sip:b@x").unwrap();
        assert_eq!((blind.method(), blind.replaces()), ("INVITE", None));
        assert!(ReferTo::parse("nobody").is_err());
    }
}
