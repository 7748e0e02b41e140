use std::fmt;
use std::str::FromStr;

use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// Hash function of a fingerprint (RFC 8122 5), weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashFunction {
    /// `sha-1`.
    Sha1,
    /// `sha-224`.
    Sha224,
    /// `sha-256`.
    Sha256,
    /// `sha-384`.
    Sha384,
    /// `sha-512`.
    Sha512,
}

impl HashFunction {
    /// Every function of this crate. `md5` and `md2` are not among them: RFC 8122 5 forbids them.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The token of RFC 8122 5.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// Length of the hash in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha224 => Sha224::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// Why a fingerprint cannot be read or does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// No hash function and fingerprint with one space between them.
    #[error("not a hash function and a fingerprint")]
    Form,
    /// Not a function of this crate.
    #[error("unknown hash function {0:?}")]
    UnknownFunction(String),
    /// Not pairs of hexadecimal digits with colons between them (RFC 8122 5).
    #[error("not pairs of hexadecimal digits with colons between them")]
    NotHexadecimal,
    /// A hash of another length than its function gives.
    #[error("{} has {} bytes, not {length}", .function.name(), .function.length())]
    Length {
        /// The function named.
        function: HashFunction,
        /// Length of the hash, in bytes.
        length: usize,
    },
    /// No fingerprint was given, so that the certificate cannot be trusted (RFC 5763 5).
    #[error("no fingerprint in the session description")]
    Missing,
    /// The certificate has another fingerprint (RFC 8122 6.2).
    #[error("certificate has fingerprint {actual}")]
    Mismatch {
        /// What the certificate has, with the strongest function that was given.
        actual: Fingerprint,
    },
}

/// Value of `a=fingerprint` (RFC 8122 5): the hash of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    function: HashFunction,
    hash: Vec<u8>,
    lower_case: bool,
}

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(function: HashFunction, certificate: &[u8]) -> Self {
        Self {
            function,
            hash: function.hash(certificate),
            lower_case: false,
        }
    }

    /// Reads the value of the attribute. Lower-case digits are taken and remembered.
    ///
    /// # Errors
    ///
    /// [`FingerprintError`].
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let (name, digits) = text.trim().split_once(' ').ok_or(FingerprintError::Form)?;
        let function = HashFunction::ALL
            .into_iter()
            .find(|function| function.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| FingerprintError::UnknownFunction(name.to_owned()))?;
        let digits = digits.trim_start();
        let hash = digits
            .split(':')
            .map(|pair| match crate::hex::decode(pair).as_deref() {
                Some(&[byte]) => Some(byte),
                _ => None,
            })
            .collect::<Option<Vec<u8>>>()
            .ok_or(FingerprintError::NotHexadecimal)?;
        if hash.len() != function.length() {
            return Err(FingerprintError::Length {
                function,
                length: hash.len(),
            });
        }
        Ok(Self {
            function,
            hash,
            lower_case: digits.bytes().any(|byte| byte.is_ascii_lowercase()),
        })
    }

    /// Its hash function.
    #[must_use]
    pub const fn function(&self) -> HashFunction {
        self.function
    }

    /// The hash.
    #[must_use]
    pub fn hash(&self) -> &[u8] {
        &self.hash
    }

    /// The digits were read in lower case, where RFC 8122 5 has upper case only.
    #[must_use]
    pub const fn is_lower_case(&self) -> bool {
        self.lower_case
    }

    /// Whether it is the fingerprint of this certificate in DER.
    #[must_use]
    pub fn matches(&self, certificate: &[u8]) -> bool {
        self.hash == self.function.hash(certificate)
    }

    /// The same with its last bit turned over: a peer has to refuse the certificate.
    #[must_use]
    pub fn spoilt(mut self) -> Self {
        if let Some(last) = self.hash.last_mut() {
            *last ^= 1;
        }
        self
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.function.name())?;
        for (position, byte) in self.hash.iter().enumerate() {
            write!(formatter, "{}{byte:02X}", if position == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        Self::parse(text)
    }
}

/// Holds a certificate against the fingerprints of a session description. Of several, those with the strongest hash
/// function count, and one of them has to match (RFC 8122 5.1).
///
/// # Errors
///
/// [`FingerprintError::Missing`], [`FingerprintError::Mismatch`].
pub fn check_fingerprints(given: &[Fingerprint], certificate: &[u8]) -> Result<(), FingerprintError> {
    let Some(strongest) = given.iter().map(Fingerprint::function).max() else {
        return Err(FingerprintError::Missing);
    };
    if given
        .iter()
        .any(|fingerprint| fingerprint.function == strongest && fingerprint.matches(certificate))
    {
        return Ok(());
    }
    Err(FingerprintError::Mismatch {
        actual: Fingerprint::of(strongest, certificate),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_are_those_of_the_standard_message() {
        // FIPS 180-4 examples for "abc"
        for (function, text) in [
            (
                HashFunction::Sha1,
                "sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D",
            ),
            (
                HashFunction::Sha256,
                "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD",
            ),
        ] {
            let fingerprint = Fingerprint::of(function, b"abc");
            assert_eq!(fingerprint.to_string(), text);
            assert_eq!(Fingerprint::parse(text), Ok(fingerprint));
        }
        for function in HashFunction::ALL {
            let fingerprint = Fingerprint::of(function, b"abc");
            assert_eq!(fingerprint.hash().len(), function.length());
            assert_eq!(
                Fingerprint::parse(&fingerprint.to_string()),
                Ok(fingerprint.clone())
            );
            assert!(fingerprint.matches(b"abc"));
            assert!(!fingerprint.spoilt().matches(b"abc"));
        }
    }

    #[test]
    fn what_is_no_fingerprint_has_a_reason() {
        let good = Fingerprint::of(HashFunction::Sha1, b"abc").to_string();
        assert!(Fingerprint::parse(&good.to_lowercase()).unwrap().is_lower_case());
        for (text, error) in [
            (String::new(), FingerprintError::Form),
            ("sha-1".into(), FingerprintError::Form),
            (
                good.replace("sha-1", "md5"),
                FingerprintError::UnknownFunction("md5".into()),
            ),
            (good.replace("A9:", "A:"), FingerprintError::NotHexadecimal),
            (good.replace("A9:", "A9"), FingerprintError::NotHexadecimal),
            (
                good.replace("A9:", ""),
                FingerprintError::Length {
                    function: HashFunction::Sha1,
                    length: 19,
                },
            ),
        ] {
            assert_eq!(Fingerprint::parse(&text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_strongest_function_decides() {
        let weak = Fingerprint::of(HashFunction::Sha1, b"certificate");
        let strong = Fingerprint::of(HashFunction::Sha256, b"certificate");
        let other = Fingerprint::of(HashFunction::Sha256, b"another");
        check_fingerprints(&[weak.clone(), other.clone(), strong.clone()], b"certificate").unwrap();
        check_fingerprints(std::slice::from_ref(&weak), b"certificate").unwrap();
        assert_eq!(
            check_fingerprints(&[weak, other], b"certificate"),
            Err(FingerprintError::Mismatch { actual: strong })
        );
        assert_eq!(
            check_fingerprints(&[], b"certificate"),
            Err(FingerprintError::Missing)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_written_back(text in "(sha-1 |sha-256 )?([0-9A-Fa-f]{2}:){0,33}\\PC{0,4}") {
            if let Ok(fingerprint) = Fingerprint::parse(&text) {
                let again = Fingerprint::parse(&fingerprint.to_string()).unwrap();
                prop_assert_eq!(again.hash(), fingerprint.hash());
            }
        }
    }
}
