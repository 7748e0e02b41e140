//! Credentials that are wrong on purpose: what a device's own server side, or a registrar under test, has to refuse.

use super::{Algorithm, Credentials};

/// One thing to get wrong. Where a parameter is replaced, the response is computed anew over it, so that exactly this
/// parameter is wrong; only [`DigestMistake::Response`] and [`DigestMistake::Password`] have a wrong response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DigestMistake {
    /// The first digit of the response is changed.
    Response,
    /// The response of another password.
    Password(String),
    /// Another user name.
    Username(String),
    /// Another realm.
    Realm(String),
    /// Another nonce, as if an old or invented one were used.
    Nonce(String),
    /// Another digest URI than the Request-URI.
    Uri(String),
    /// Another algorithm than the challenge's.
    Algorithm(Algorithm),
    /// Another nonce count, as in a replay.
    NonceCount(u32),
    /// Another opaque; `None` leaves it out.
    Opaque(Option<String>),
    /// A qop that was not offered.
    Qop(String),
    /// qop without a nonce count (RFC 7616 3.4 requires one).
    WithoutNonceCount,
    /// qop without a client nonce.
    WithoutCnonce,
    /// `nc` and `qop` in quotes, which the grammar does not allow (RFC 7616 3.4).
    QuotedTokens,
    /// The response in upper-case digits (RFC 7616 3.4.1 asks for lower case).
    UpperCase,
    /// Another authentication scheme in front (`Basic`).
    Scheme(String),
}

impl Credentials {
    /// The header value with this mistake in it. `username` and `password` are the right ones.
    pub fn with_mistake(
        &self,
        mistake: &DigestMistake,
        username: &str,
        password: &str,
        method: &str,
        body: &[u8],
    ) -> String {
        let mut wrong = self.clone();
        let mut user = username;
        let mut pass = password;
        let mut recompute = true;
        match mistake {
            DigestMistake::Response => {
                recompute = false;
                let first = if wrong.response.starts_with('0') { "1" } else { "0" };
                let rest = wrong.response.get(1..).unwrap_or_default();
                wrong.response = format!("{first}{rest}");
            }
            DigestMistake::Password(other) => pass = other,
            DigestMistake::Username(other) => {
                wrong.username.clone_from(other);
                wrong.userhash = false;
                user = other;
            }
            DigestMistake::Realm(other) => wrong.realm.clone_from(other),
            DigestMistake::Nonce(other) => wrong.nonce.clone_from(other),
            DigestMistake::Uri(other) => wrong.uri.clone_from(other),
            DigestMistake::Algorithm(other) => wrong.algorithm = other.clone(),
            DigestMistake::NonceCount(other) => wrong.nc = Some(*other),
            DigestMistake::Opaque(other) => wrong.opaque.clone_from(other),
            DigestMistake::Qop(other) => wrong.qop = Some(other.clone()),
            DigestMistake::WithoutNonceCount => {
                recompute = false;
                wrong.nc = None;
            }
            DigestMistake::WithoutCnonce => {
                recompute = false;
                wrong.cnonce = None;
            }
            DigestMistake::UpperCase => {
                recompute = false;
                wrong.response = wrong.response.to_ascii_uppercase();
            }
            DigestMistake::QuotedTokens | DigestMistake::Scheme(_) => recompute = false,
        }
        if recompute && let Some(response) = wrong.response_for(user, pass, method, body) {
            wrong.response = response;
        }
        let header = wrong.to_header();
        match mistake {
            DigestMistake::QuotedTokens => quote_tokens(&wrong, header),
            DigestMistake::Scheme(scheme) => header.replacen("Digest", scheme, 1),
            _ => header,
        }
    }
}

fn quote_tokens(credentials: &Credentials, mut header: String) -> String {
    if let Some(nc) = credentials.nc {
        header = header.replace(&format!("nc={nc:08x}"), &format!("nc=\"{nc:08x}\""));
    }
    if let Some(qop) = &credentials.qop {
        header = header.replace(&format!("qop={qop}"), &format!("qop=\"{qop}\""));
    }
    header
}
