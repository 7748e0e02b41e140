//! `WWW-Authenticate` and `Proxy-Authenticate`.

use std::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512, Sha512_256};

use super::DigestError;
use super::fields::{Fields, Writer};
use crate::message::Message;

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
    /// `SHA-512-256`: SHA-512/256 of FIPS 180-4, not SHA-512 cut short (RFC 7616 3.9.2 as corrected by erratum 4897).
    Sha512Trunc256,
    /// `SHA-512-256-sess`.
    Sha512Trunc256Sess,
    /// Anything else, as written.
    Other(String),
}

impl Algorithm {
    /// Those this crate computes.
    pub const KNOWN: [Self; 6] = [
        Self::Md5,
        Self::Md5Sess,
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512Trunc256,
        Self::Sha512Trunc256Sess,
    ];

    /// The algorithm a parameter value names; the comparison ignores case.
    pub fn parse(text: &str) -> Self {
        Self::KNOWN
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
            Self::Sha512Trunc256 => "SHA-512-256",
            Self::Sha512Trunc256Sess => "SHA-512-256-sess",
            Self::Other(name) => name,
        }
    }

    /// Whether A1 also takes nonce and cnonce (RFC 7616 3.4.2).
    pub const fn is_session(&self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512Trunc256Sess)
    }

    /// Lower-case hexadecimal hash, or `None` for an algorithm this crate does not compute.
    pub(super) fn hash(&self, data: &[u8]) -> Option<String> {
        match self {
            Self::Md5 | Self::Md5Sess => Some(hexadecimal(&Md5::digest(data))),
            Self::Sha256 | Self::Sha256Sess => Some(hexadecimal(&Sha256::digest(data))),
            Self::Sha512Trunc256 | Self::Sha512Trunc256Sess => Some(hexadecimal(&Sha512_256::digest(data))),
            Self::Other(_) => None,
        }
    }

    /// Whether this crate can compute it.
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// What `username` becomes with `userhash=true` (RFC 7616 3.4.4); `None` for an algorithm that is not known.
    pub fn hash_user(&self, username: &str, realm: &str) -> Option<String> {
        self.hash(format!("{username}:{realm}").as_bytes())
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// SHA-512 cut to 256 bits: what a device computes whose author took the printed example of RFC 7616 3.9.2 at its word.
pub(super) fn sha512_cut_short(data: &[u8]) -> String {
    let mut text = hexadecimal(&Sha512::digest(data));
    text.truncate(64);
    text
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

impl Challenge {
    /// Every Digest challenge of a 401 or 407 that can be read, in wire order (several may stand there: one a realm, or one
    /// an algorithm, RFC 8760 2.4). A field may hold several challenges after one another (RFC 7235 4.1).
    pub fn all(message: &Message) -> Vec<ReceivedChallenge> {
        let mut found = Vec::new();
        for (asked, answered) in [
            ("www-authenticate", "Authorization"),
            ("proxy-authenticate", "Proxy-Authorization"),
        ] {
            for value in message.headers(asked) {
                found.extend(
                    Fields::split(value)
                        .into_iter()
                        .filter_map(|one| ReceivedChallenge::parse(answered, &one).ok()),
                );
            }
        }
        found
    }
}

/// A challenge as it came, with what goes beyond the plain [`Challenge`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedChallenge {
    /// The challenge.
    pub challenge: Challenge,
    /// Header of the request that answers it: `Authorization` or `Proxy-Authorization`.
    pub answered_in: &'static str,
    /// The server takes a hashed user name (RFC 7616 3.4.4).
    pub userhash: bool,
    /// The user name and password are to be taken as UTF-8 (RFC 7616 4).
    pub utf8: bool,
}

impl ReceivedChallenge {
    fn parse(answered_in: &'static str, value: &str) -> Result<Self, DigestError> {
        let fields = Fields::parse(value)?;
        let says = |name: &str, wanted: &str| {
            fields
                .optional(name)
                .is_some_and(|value| value.eq_ignore_ascii_case(wanted))
        };
        Ok(Self {
            challenge: Challenge::parse(value)?,
            answered_in,
            userhash: says("userhash", "true"),
            utf8: says("charset", "utf-8"),
        })
    }

    /// The challenges to answer: for each realm the topmost one whose algorithm and qop are known (RFC 8760 2.4), the
    /// realms in wire order. `able` names the algorithms the answering side has.
    pub fn to_answer(challenges: &[Self], able: &[Algorithm]) -> Vec<Self> {
        let mut chosen: Vec<Self> = Vec::new();
        for received in challenges {
            let taken = chosen.iter().any(|other| {
                other.challenge.realm == received.challenge.realm && other.answered_in == received.answered_in
            });
            if !taken && able.contains(&received.challenge.algorithm) && received.challenge.has_known_qop() {
                chosen.push(received.clone());
            }
        }
        chosen
    }
}

impl Challenge {
    /// Whether `auth` or `auth-int` is offered, or no qop at all.
    pub fn has_known_qop(&self) -> bool {
        self.qop.is_empty()
            || self
                .qop
                .iter()
                .any(|qop| qop.eq_ignore_ascii_case("auth") || qop.eq_ignore_ascii_case("auth-int"))
    }

    /// The header value with `charset=UTF-8` and `userhash=true` behind it (RFC 7616 3.3).
    pub fn to_header_with_userhash(&self) -> String {
        format!("{}, charset=UTF-8, userhash=true", self.to_header())
    }
}
