//! `WWW-Authenticate` and `Proxy-Authenticate`.

use std::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::DigestError;
use super::fields::{Fields, Writer};

/// Hash algorithm of a challenge (RFC 7616 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Algorithm {
    /// `MD5`, also when the challenge names none.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// Anything else, as written.
    Other(String),
}

impl Algorithm {
    /// The algorithm a parameter value names; the comparison ignores case.
    pub fn parse(text: &str) -> Self {
        [Self::Md5, Self::Md5Sess, Self::Sha256, Self::Sha256Sess]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// The parameter value.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Other(name) => name,
        }
    }

    /// Whether A1 also takes nonce and cnonce (RFC 7616 3.4.2).
    pub const fn is_session(&self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess)
    }

    /// Lower-case hexadecimal hash, or `None` for an algorithm this crate does not compute.
    pub(super) fn hash(&self, data: &[u8]) -> Option<String> {
        match self {
            Self::Md5 | Self::Md5Sess => Some(hexadecimal(&Md5::digest(data))),
            Self::Sha256 | Self::Sha256Sess => Some(hexadecimal(&Sha256::digest(data))),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A Digest challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Protection space shown to the user.
    pub realm: String,
    /// Server nonce.
    pub nonce: String,
    /// Hash algorithm; MD5 when the challenge names none.
    pub algorithm: Algorithm,
    /// Offered qualities of protection; empty for a challenge in the manner of RFC 2069.
    pub qop: Vec<String>,
    /// To be returned unchanged.
    pub opaque: Option<String>,
    /// The credentials were right but the nonce was old.
    pub stale: bool,
}

impl Challenge {
    /// Reads the value of one `WWW-Authenticate` or `Proxy-Authenticate` field.
    ///
    /// # Errors
    /// When the scheme is not Digest, or realm or nonce is missing.
    pub fn parse(value: &str) -> Result<Self, DigestError> {
        let fields = Fields::parse(value)?;
        let qop = fields.optional("qop").unwrap_or_default();
        Ok(Self {
            realm: fields.required("realm")?,
            nonce: fields.required("nonce")?,
            algorithm: fields
                .optional("algorithm")
                .map_or(Algorithm::Md5, |name| Algorithm::parse(&name)),
            qop: qop
                .split(',')
                .map(|item| item.trim().to_owned())
                .filter(|item| !item.is_empty())
                .collect(),
            opaque: fields.optional("opaque"),
            stale: fields
                .optional("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The header value.
    pub fn to_header(&self) -> String {
        let mut out = Writer::new();
        out.quoted("realm", &self.realm);
        out.quoted("nonce", &self.nonce);
        if let Some(opaque) = &self.opaque {
            out.quoted("opaque", opaque);
        }
        if self.stale {
            out.token("stale", "true");
        }
        out.token("algorithm", self.algorithm.as_str());
        if !self.qop.is_empty() {
            out.quoted("qop", &self.qop.join(","));
        }
        out.finish()
    }
}
