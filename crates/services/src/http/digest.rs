//! The computations of digest authentication (RFC 7616 3.4).

use md5::Md5;
use sha2::{Digest, Sha256};

/// A hash algorithm of digest authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// The one that every device knows.
    #[default]
    Md5,
    /// RFC 7616.
    Sha256,
}

impl DigestAlgorithm {
    /// The name in a challenge.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The hash in hexadecimal.
    pub(super) fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The parameters of a `Digest` Authorization, names in lower case, values without their quotes. Nothing if it is another
/// scheme or malformed.
pub(super) fn parameters(authorization: &str) -> Option<Vec<(String, String)>> {
    let (scheme, mut rest) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Digest") {
        return None;
    }
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(parameters);
        }
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let end = behind.find([',', ' ', '\t']).unwrap_or(behind.len());
                let (token, behind) = behind.split_at(end);
                (token.to_owned(), behind)
            }
        };
        parameters.push((name.trim().to_ascii_lowercase(), value));
        rest = behind;
    }
}

fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut string = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((string, text.get(at + 1..)?)),
            '\\' => string.push(letters.next()?.1),
            _ => string.push(letter),
        }
    }
    None
}

/// What a client has to prove that it knows.
pub(super) struct Secret<'a> {
    pub(super) username: &'a str,
    pub(super) realm: &'a str,
    pub(super) password: &'a str,
}

/// What goes into the response beside the secret.
pub(super) struct Proof<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    /// nc, cnonce and qop; none as in RFC 2069.
    pub(super) quality: Option<(&'a str, &'a str, &'a str)>,
}

/// The right response (RFC 7616 3.4.1), for qop `auth` or none.
pub(super) fn response(algorithm: DigestAlgorithm, secret: &Secret<'_>, proof: &Proof<'_>) -> String {
    let a1 = algorithm.hash(&format!(
        "{}:{}:{}",
        secret.username, secret.realm, secret.password
    ));
    let a2 = algorithm.hash(&format!("{}:{}", proof.method, proof.uri));
    algorithm.hash(&match proof.quality {
        Some((count, client_nonce, quality)) => {
            format!("{a1}:{}:{count}:{client_nonce}:{quality}:{a2}", proof.nonce)
        }
        None => format!("{a1}:{}:{a2}", proof.nonce),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 3.9.1.
    #[test]
    fn the_responses_of_the_standard() {
        let secret = Secret {
            username: "Mufasa",
            realm: "http-auth@example.org",
            password: "Circle of Life",
        };
        let proof = Proof {
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            quality: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth")),
        };
        assert_eq!(
            response(DigestAlgorithm::Md5, &secret, &proof),
            "8ca523f5e9506fed4657c9700eebdbec"
        );
        assert_eq!(
            response(DigestAlgorithm::Sha256, &secret, &proof),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn parameters_are_read_in_any_order() {
        let read = parameters(r#"digest nc=00000001,username="a \"b\", c" , qop = auth"#).unwrap();
        assert_eq!(
            read,
            [
                ("nc".to_owned(), "00000001".to_owned()),
                ("username".to_owned(), r#"a "b", c"#.to_owned()),
                ("qop".to_owned(), "auth".to_owned()),
            ]
        );
        assert_eq!(parameters("Basic YTpi"), None);
        assert_eq!(parameters(r#"Digest username="open"#), None);
        assert_eq!(parameters("Digest username"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_field_is_read_or_refused(text in "(Digest )?[a-z\"\\\\=, é]{0,60}") {
            let _ = parameters(&text);
        }
    }
}
