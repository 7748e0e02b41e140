//! `Authorization` and `Proxy-Authorization`.

use super::fields::{Fields, Writer};
use super::{Algorithm, Challenge, DigestError};
use crate::message::Message;
use crate::uri::unescape;

/// Digest credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Realm of the challenge.
    pub realm: String,
    /// Nonce of the challenge.
    pub nonce: String,
    /// The digest URI, normally the Request-URI.
    pub uri: String,
    /// The response as lower-case hexadecimal digits.
    pub response: String,
    /// Hash algorithm; MD5 when none is named.
    pub algorithm: Algorithm,
    /// Client nonce.
    pub cnonce: Option<String>,
    /// Chosen quality of protection.
    pub qop: Option<String>,
    /// Nonce count.
    pub nc: Option<u32>,
    /// Opaque of the challenge.
    pub opaque: Option<String>,
    /// `username` is hashed (RFC 7616 3.4.4).
    pub userhash: bool,
}

impl Credentials {
    /// Reads the value of one `Authorization` or `Proxy-Authorization` field.
    ///
    /// # Errors
    /// When the scheme is not Digest, a required parameter is missing or `nc` is not hexadecimal.
    pub fn parse(value: &str) -> Result<Self, DigestError> {
        let fields = Fields::parse(value)?;
        let nc = match fields.optional("nc") {
            Some(text) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Some(
                u32::from_str_radix(&text, 16).map_err(|_| DigestError::Malformed(format!("nc={text}")))?,
            ),
            Some(text) => return Err(DigestError::Malformed(format!("nc={text}"))),
            None => None,
        };
        Ok(Self {
            username: match fields.optional("username*") {
                // a name outside ASCII comes as UTF-8''text (RFC 7616 3.4, RFC 5987 3.2)
                Some(extended) => extended_value(&extended)
                    .ok_or_else(|| DigestError::Malformed(format!("username*={extended}")))?,
                None => fields.required("username")?,
            },
            realm: fields.required("realm")?,
            nonce: fields.required("nonce")?,
            uri: fields.required("uri")?,
            response: fields.required("response")?,
            algorithm: fields
                .optional("algorithm")
                .map_or(Algorithm::Md5, |name| Algorithm::parse(&name)),
            cnonce: fields.optional("cnonce"),
            qop: fields.optional("qop"),
            nc,
            opaque: fields.optional("opaque"),
            userhash: fields
                .optional("userhash")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }

    /// Every credentials of a request that can be read, with the field they stand in (`authorization` or
    /// `proxy-authorization`).
    pub fn all(message: &Message) -> Vec<(&'static str, Self)> {
        let mut found = Vec::new();
        for name in ["authorization", "proxy-authorization"] {
            found.extend(
                message
                    .headers(name)
                    .filter_map(|value| Some((name, Self::parse(value).ok()?))),
            );
        }
        found
    }

    /// The header value. `qop`, `nc` and `algorithm` are tokens here, everything else is quoted (RFC 7616 3.4).
    pub fn to_header(&self) -> String {
        let mut out = Writer::new();
        out.quoted("username", &self.username);
        out.quoted("realm", &self.realm);
        out.quoted("nonce", &self.nonce);
        out.quoted("uri", &self.uri);
        out.quoted("response", &self.response);
        out.token("algorithm", self.algorithm.as_str());
        if let Some(cnonce) = &self.cnonce {
            out.quoted("cnonce", cnonce);
        }
        if let Some(qop) = &self.qop {
            out.token("qop", qop);
        }
        if let Some(nc) = self.nc {
            out.token("nc", &format!("{nc:08x}"));
        }
        if let Some(opaque) = &self.opaque {
            out.quoted("opaque", opaque);
        }
        if self.userhash {
            out.token("userhash", "true");
        }
        out.finish()
    }

    /// Answers a challenge. Takes `auth` when it is offered, else `auth-int`; a challenge without qop is answered
    /// without (RFC 3261 22.4).
    ///
    /// # Errors
    /// When algorithm or qop is not supported.
    #[expect(
        clippy::too_many_arguments,
        reason = "the inputs of RFC 7616 3.4.1, each of its own kind"
    )]
    pub fn answer(
        challenge: &Challenge,
        username: &str,
        password: &str,
        method: &str,
        uri: &str,
        nc: u32,
        cnonce: &str,
        body: &[u8],
    ) -> Result<Self, DigestError> {
        let offered = |name: &str| {
            challenge
                .qop
                .iter()
                .find(|qop| qop.eq_ignore_ascii_case(name))
                .cloned()
        };
        let qop = offered("auth").or_else(|| offered("auth-int"));
        Self::answer_with(challenge, qop, username, password, method, uri, nc, cnonce, body)
    }

    /// Answers a challenge with `auth-int` where it is offered, else as [`Credentials::answer`].
    ///
    /// # Errors
    /// As [`Credentials::answer`].
    #[expect(clippy::too_many_arguments, reason = "as answer")]
    pub fn answer_with_integrity(
        challenge: &Challenge,
        username: &str,
        password: &str,
        method: &str,
        uri: &str,
        nc: u32,
        cnonce: &str,
        body: &[u8],
    ) -> Result<Self, DigestError> {
        let offered = |name: &str| {
            challenge
                .qop
                .iter()
                .find(|qop| qop.eq_ignore_ascii_case(name))
                .cloned()
        };
        let qop = offered("auth-int").or_else(|| offered("auth"));
        Self::answer_with(challenge, qop, username, password, method, uri, nc, cnonce, body)
    }

    #[expect(clippy::too_many_arguments, reason = "as answer")]
    fn answer_with(
        challenge: &Challenge,
        qop: Option<String>,
        username: &str,
        password: &str,
        method: &str,
        uri: &str,
        nc: u32,
        cnonce: &str,
        body: &[u8],
    ) -> Result<Self, DigestError> {
        if qop.is_none() && !challenge.qop.is_empty() {
            return Err(DigestError::Qop(challenge.qop.clone()));
        }
        let mut credentials = Self {
            username: username.to_owned(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: uri.to_owned(),
            response: String::new(),
            algorithm: challenge.algorithm.clone(),
            cnonce: (qop.is_some() || challenge.algorithm.is_session()).then(|| cnonce.to_owned()),
            nc: qop.is_some().then_some(nc),
            qop,
            opaque: challenge.opaque.clone(),
            userhash: false,
        };
        credentials.response = credentials
            .expected(password, method, body)
            .ok_or_else(|| DigestError::Algorithm(challenge.algorithm.to_string()))?;
        Ok(credentials)
    }

    /// Whether the response is the right one for this password. False for an algorithm or qop that cannot be computed
    /// and when qop stands without `nc` or `cnonce`.
    ///
    /// With [`Credentials::userhash`] the name itself is needed: see [`Credentials::verify_user`].
    pub fn verify(&self, password: &str, method: &str, body: &[u8]) -> bool {
        self.verify_user(&self.username, password, method, body)
    }

    /// Whether the response is the right one for this name and password, and the credentials name this user, in the clear
    /// or hashed.
    pub fn verify_user(&self, username: &str, password: &str, method: &str, body: &[u8]) -> bool {
        self.names(username)
            && self
                .response_for(username, password, method, body)
                .is_some_and(|expected| expected.eq_ignore_ascii_case(&self.response))
    }

    /// Whether `username` is the one these credentials name (RFC 7616 3.4.4).
    pub fn names(&self, username: &str) -> bool {
        if self.userhash {
            self.algorithm
                .hash_user(username, &self.realm)
                .is_some_and(|hash| hash.eq_ignore_ascii_case(&self.username))
        } else {
            self.username == username
        }
    }

    /// The same credentials with the name hashed (RFC 7616 3.4.4); the response does not change by it.
    #[must_use]
    pub fn with_userhash(mut self) -> Self {
        if let Some(hash) = self.algorithm.hash_user(&self.username, &self.realm) {
            self.username = hash;
            self.userhash = true;
        }
        self
    }

    /// RFC 7616 3.4.1 to 3.4.3.
    fn expected(&self, password: &str, method: &str, body: &[u8]) -> Option<String> {
        self.response_for(&self.username, password, method, body)
    }

    /// The response these parameters ask for; `None` when it cannot be computed.
    pub(super) fn response_for(
        &self,
        username: &str,
        password: &str,
        method: &str,
        body: &[u8],
    ) -> Option<String> {
        self.response_by(|data| self.algorithm.hash(data), username, password, method, body)
    }

    /// As [`Self::response_for`] with another hash function, to find out what a device has computed.
    pub(super) fn response_by(
        &self,
        hash_bytes: impl Fn(&[u8]) -> Option<String>,
        username: &str,
        password: &str,
        method: &str,
        body: &[u8],
    ) -> Option<String> {
        let hash = |text: String| hash_bytes(text.as_bytes());
        let mut a1 = hash(format!("{username}:{}:{password}", self.realm))?;
        if self.algorithm.is_session() {
            a1 = hash(format!("{a1}:{}:{}", self.nonce, self.cnonce.as_deref()?))?;
        }
        let Some(qop) = self.qop.as_deref() else {
            let a2 = hash(format!("{method}:{}", self.uri))?;
            return hash(format!("{a1}:{}:{a2}", self.nonce));
        };
        let a2 = if qop.eq_ignore_ascii_case("auth-int") {
            hash(format!("{method}:{}:{}", self.uri, hash_bytes(body)?))?
        } else if qop.eq_ignore_ascii_case("auth") {
            hash(format!("{method}:{}", self.uri))?
        } else {
            return None;
        };
        hash(format!(
            "{a1}:{}:{:08x}:{}:{qop}:{a2}",
            self.nonce,
            self.nc?,
            self.cnonce.as_deref()?
        ))
    }
}

/// `UTF-8''text` with percent escapes (RFC 5987 3.2).
fn extended_value(text: &str) -> Option<String> {
    let (charset, rest) = text.split_once('\'')?;
    let (_, value) = rest.split_once('\'')?;
    charset
        .eq_ignore_ascii_case("utf-8")
        .then(|| unescape(value))
        .flatten()
}
