use std::fmt;

use crate::finding::Finding;
use crate::policy::Policy;
use crate::sdes::key::{KeyParameter, Lifetime, Mki};
use crate::sdes::session::{MAXIMUM_SESSION_PARAMETERS, SessionParameter};
use crate::{MasterKey, Profile, SrtpError};

/// Keys read from one line at most.
const MAXIMUM_KEYS: usize = 64;

/// Why a crypto attribute cannot be used or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdesError {
    /// The suite is none of this crate.
    #[error("unknown crypto-suite {0:?}")]
    UnknownSuite(String),
    /// A session parameter must be understood and is not (RFC 4568 6.3.7).
    #[error("session parameter {0:?} is not supported")]
    UnsupportedParameter(String),
    /// Too few random bytes to make a key of.
    #[error("{given} random bytes, {needed} needed")]
    RandomTooShort {
        /// Bytes given.
        given: usize,
        /// Bytes needed.
        needed: usize,
    },
    /// Keys or policy that cannot be used.
    #[error(transparent)]
    Srtp(#[from] SrtpError),
}

/// The value of an `a=crypto` line (RFC 4568 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CryptoAttribute {
    /// Number of the attribute within its media description.
    pub tag: u32,
    /// Crypto-suite as written; [`Self::profile`] for a known one.
    pub suite: String,
    /// Key parameters, at least one.
    pub keys: Vec<KeyParameter>,
    /// Session parameters.
    pub session: Vec<SessionParameter>,
}

/// What reading an `a=crypto` value gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedCrypto {
    /// The attribute, unless tag, suite or key parameters are missing.
    pub attribute: Option<CryptoAttribute>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

impl CryptoAttribute {
    /// Reads the value of an `a=crypto` line, that is what follows `a=crypto:`.
    #[must_use]
    pub fn parse(value: &str) -> ParsedCrypto {
        let mut findings = Vec::new();
        if value.starts_with([' ', '\t']) {
            findings.push(Finding::new(
                "crypto-form",
                "RFC 4568 9.1",
                "white space before the tag",
            ));
        }
        let mut fields = value
            .split([' ', '\t', '\r', '\n'])
            .filter(|field| !field.is_empty());
        let (Some(tag), Some(suite), Some(keys)) = (fields.next(), fields.next(), fields.next()) else {
            findings.push(Finding::new(
                "crypto-form",
                "RFC 4568 9.1",
                "tag, crypto-suite and key parameters are not all there",
            ));
            return ParsedCrypto {
                attribute: None,
                findings,
            };
        };
        let number = Some(tag)
            .filter(|tag| tag.len() <= 9 && tag.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|tag| tag.parse().ok());
        let Some(tag) = number else {
            findings.push(Finding::new(
                "crypto-tag",
                "RFC 4568 9.1",
                format!("tag {tag:?} is not one to nine digits"),
            ));
            return ParsedCrypto {
                attribute: None,
                findings,
            };
        };
        if !suite
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            findings.push(Finding::new(
                "crypto-suite",
                "RFC 4568 9.1",
                format!("crypto-suite {suite:?} has characters other than letters, digits and underscore"),
            ));
        }
        let profile = Profile::from_name(suite);
        let mut texts = keys.split(';');
        let keys: Vec<KeyParameter> = texts
            .by_ref()
            .take(MAXIMUM_KEYS)
            .map(|text| KeyParameter::parse(text, profile, &mut findings))
            .collect();
        if texts.next().is_some() {
            findings.push(Finding::new(
                "crypto-key-form",
                "RFC 4568 6.1",
                "more than 64 keys",
            ));
        }
        let mut session: Vec<SessionParameter> = Vec::new();
        for field in fields.by_ref().take(MAXIMUM_SESSION_PARAMETERS) {
            let (parameter, wrong) = SessionParameter::parse(field);
            findings.extend(wrong);
            if session.iter().any(|known| known.name() == parameter.name()) {
                findings.push(Finding::new(
                    "crypto-session-parameter",
                    "RFC 4568 6.3",
                    format!("{field:?} is given twice"),
                ));
            }
            session.push(parameter);
        }
        if fields.next().is_some() {
            findings.push(Finding::new(
                "crypto-session-parameter",
                "RFC 4568 6.3",
                "more than 32 session parameters",
            ));
        }
        let attribute = Self {
            tag,
            suite: suite.to_owned(),
            keys,
            session,
        };
        attribute.check_keys(&mut findings);
        ParsedCrypto {
            attribute: Some(attribute),
            findings,
        }
    }

    /// An attribute with one fresh key out of `random`, whose first bytes become key and salt: 28 to 46 of them.
    ///
    /// # Errors
    ///
    /// [`SdesError::RandomTooShort`].
    pub fn generate(tag: u32, profile: Profile, random: &[u8]) -> Result<Self, SdesError> {
        let needed = profile.key_salt_length();
        let key_salt = random.get(..needed).ok_or(SdesError::RandomTooShort {
            given: random.len(),
            needed,
        })?;
        Ok(Self {
            tag,
            suite: profile.name().to_owned(),
            keys: vec![KeyParameter::new(key_salt.to_vec(), None, None)],
            session: Vec::new(),
        })
    }

    /// With this lifetime and MKI on every key, as `|2^31|1:1` has them.
    #[must_use]
    pub fn with_key_options(mut self, lifetime: Option<Lifetime>, mki: Option<&Mki>) -> Self {
        for key in &mut self.keys {
            *key = KeyParameter::new(std::mem::take(&mut key.key_salt), lifetime, mki.cloned());
        }
        self
    }

    /// The profile of the crypto-suite, if it is one of this crate.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        Profile::from_name(&self.suite)
    }

    /// The policy that the session parameters ask for.
    ///
    /// # Errors
    ///
    /// [`SdesError::UnknownSuite`], [`SdesError::UnsupportedParameter`], or a parameter that the suite forbids.
    pub fn policy(&self) -> Result<Policy, SdesError> {
        let profile = self.known_profile()?;
        let mut policy = Policy::default();
        for parameter in &self.session {
            if !parameter.is_supported() {
                return Err(SdesError::UnsupportedParameter(parameter.to_string()));
            }
            parameter.apply(&mut policy);
        }
        policy.check(profile)?;
        Ok(policy)
    }

    /// The master keys, ready for a [`crate::Protector`] or [`crate::Unprotector`].
    ///
    /// # Errors
    ///
    /// [`SdesError::UnknownSuite`], or a key that cannot be used.
    pub fn master_keys(&self) -> Result<Vec<MasterKey>, SdesError> {
        let profile = self.known_profile()?;
        let mut keys = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let mut master = MasterKey::new(profile, &key.key_salt)?;
            if let Some(mki) = &key.mki {
                master = master.with_mki(mki.bytes())?;
            }
            if let Some(lifetime) = key.lifetime {
                master = master.with_lifetime(lifetime.packets());
            }
            keys.push(master);
        }
        Ok(keys)
    }

    fn known_profile(&self) -> Result<Profile, SdesError> {
        self.profile()
            .ok_or_else(|| SdesError::UnknownSuite(self.suite.clone()))
    }

    /// RFC 4568 6.1: several keys need MKIs, all of one length, none twice, and no key twice.
    fn check_keys(&self, findings: &mut Vec<Finding>) {
        let mut push = |what: &str| findings.push(Finding::new("crypto-mki", "RFC 4568 6.1", what));
        if self.keys.len() > 1 && self.keys.iter().any(|key| key.mki.is_none()) {
            push("several keys, and not all have an MKI");
        }
        for (position, key) in self.keys.iter().enumerate() {
            let (before, _) = self.keys.split_at(position);
            for other in before {
                if let (Some(one), Some(two)) = (&key.mki, &other.mki) {
                    if one.bytes().len() != two.bytes().len() {
                        push("MKIs are not all of one length");
                    } else if one == two {
                        push("an MKI is used twice");
                    }
                }
                if !key.key_salt.is_empty() && key.key_salt == other.key_salt {
                    push("a key is given twice");
                }
            }
        }
    }
}

impl fmt::Display for CryptoAttribute {
    /// The value of the line, what follows `a=crypto:`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.tag, self.suite)?;
        for (position, key) in self.keys.iter().enumerate() {
            write!(formatter, "{}{key}", if position == 0 { ' ' } else { ';' })?;
        }
        for parameter in &self.session {
            write!(formatter, " {parameter}")?;
        }
        Ok(())
    }
}
