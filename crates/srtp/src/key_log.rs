use std::fmt;
use std::str::FromStr;

use crate::sdes::{MAXIMUM_SESSION_PARAMETERS, SessionParameter};
use crate::{MasterKey, Profile, SrtpError, hex};

/// Why a line of a key log cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyLogError {
    /// The line does not begin with `SRTP` and has no five fields.
    #[error("not a line `SRTP <profile> <key and salt> mki=<hex or -> ssrc=<8 digits or *>`")]
    Form,
    /// No such profile.
    #[error("unknown profile {0:?}")]
    UnknownProfile(String),
    /// A field is not hexadecimal.
    #[error("{0} is not hexadecimal")]
    NotHexadecimal(&'static str),
    /// A session parameter that means nothing or cannot be here.
    #[error("session parameter {0:?}")]
    SessionParameter(String),
    /// Key or MKI of a wrong length.
    #[error(transparent)]
    Key(#[from] SrtpError),
}

/// A master key as kept evidence names it, so that captured SRTP can be decrypted later.
///
/// One line: `SRTP AES_CM_128_HMAC_SHA1_80 <key || salt in hex> mki=<hex or -> ssrc=<8 hex digits or *>`, then the
/// session parameters of RFC 4568 6.3 that deciding the packets takes (`KDR=10`, `UNENCRYPTED_SRTCP` ...).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionKeys {
    /// Key, profile and MKI. The lifetime is not kept.
    pub key: MasterKey,
    /// The one source it is for, or any.
    pub ssrc: Option<u32>,
    /// Session parameters; those that only name preferences (`WSH`) may be left out.
    pub parameters: Vec<SessionParameter>,
}

impl SessionKeys {
    /// The line, without a line end.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_string()
    }

    /// Reads the line that [`Self::to_text`] writes, and nothing else.
    ///
    /// # Errors
    ///
    /// [`KeyLogError`].
    pub fn from_text(line: &str) -> Result<Self, KeyLogError> {
        let mut fields = line.split(' ');
        let mut next = || fields.next().ok_or(KeyLogError::Form);
        if next()? != "SRTP" {
            return Err(KeyLogError::Form);
        }
        let name = next()?;
        let profile = Profile::ALL
            .into_iter()
            .find(|profile| profile.name() == name)
            .ok_or_else(|| KeyLogError::UnknownProfile(name.to_owned()))?;
        let key_salt = hex::decode(next()?).ok_or(KeyLogError::NotHexadecimal("key"))?;
        let mki = match next()?.strip_prefix("mki=").ok_or(KeyLogError::Form)? {
            "-" => Vec::new(),
            "" => return Err(KeyLogError::Form),
            digits => hex::decode(digits).ok_or(KeyLogError::NotHexadecimal("mki"))?,
        };
        let ssrc = match next()?.strip_prefix("ssrc=").ok_or(KeyLogError::Form)? {
            "*" => None,
            digits => match hex::decode(digits).as_deref() {
                Some(&[a, b, c, d]) => Some(u32::from_be_bytes([a, b, c, d])),
                _ => return Err(KeyLogError::NotHexadecimal("ssrc")),
            },
        };
        let parameters = fields
            .enumerate()
            .map(|(position, field)| match SessionParameter::parse(field) {
                (parameter, findings) if findings.is_empty() && position < MAXIMUM_SESSION_PARAMETERS => {
                    Ok(parameter)
                }
                _ => Err(KeyLogError::SessionParameter(field.to_owned())),
            })
            .collect::<Result<_, _>>()?;
        let keys = Self {
            key: MasterKey::new(profile, &key_salt)?.with_mki(&mki)?,
            ssrc,
            parameters,
        };
        // upper-case digits and the like: evidence has one form
        if keys.to_text() == line {
            Ok(keys)
        } else {
            Err(KeyLogError::Form)
        }
    }
}

impl fmt::Display for SessionKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        write!(
            formatter,
            "SRTP {} {} mki=",
            key.profile().name(),
            hex::encode(key.key_salt())
        )?;
        if key.mki().is_empty() {
            formatter.write_str("-")?;
        } else {
            formatter.write_str(&hex::encode(key.mki()))?;
        }
        match self.ssrc {
            Some(ssrc) => write!(formatter, " ssrc={ssrc:08x}")?,
            None => formatter.write_str(" ssrc=*")?,
        }
        for parameter in &self.parameters {
            write!(formatter, " {parameter}")?;
        }
        Ok(())
    }
}

impl FromStr for SessionKeys {
    type Err = KeyLogError;

    fn from_str(line: &str) -> Result<Self, KeyLogError> {
        Self::from_text(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for (position, profile) in Profile::ALL.into_iter().enumerate() {
            let key_salt: Vec<u8> = (0..profile.key_salt_length())
                .map(|byte| byte as u8 * 3)
                .collect();
            let keys = SessionKeys {
                key: MasterKey::new(profile, &key_salt)
                    .unwrap()
                    .with_mki(&vec![7; position])
                    .unwrap(),
                ssrc: (position % 2 == 0).then_some(0xdead_beef),
                parameters: vec![
                    SessionParameter::UnencryptedSrtcp,
                    SessionParameter::KeyDerivationRate(10),
                ],
            };
            let line = keys.to_text();
            assert_eq!(SessionKeys::from_text(&line), Ok(keys), "{line}");
        }
    }

    #[test]
    fn what_is_not_written_so_is_refused() {
        let key = "00".repeat(30);
        let good = format!("SRTP AES_CM_128_HMAC_SHA1_80 {key} mki=- ssrc=*");
        SessionKeys::from_text(&good).unwrap();
        for (line, error) in [
            (String::new(), KeyLogError::Form),
            (format!(" {good}"), KeyLogError::Form),
            (
                good.replace("AES_CM_128", "aes_cm_128"),
                KeyLogError::UnknownProfile("aes_cm_128_HMAC_SHA1_80".into()),
            ),
            (good.replace("mki=-", "mki="), KeyLogError::Form),
            (good.replace("mki=-", "mki=AB"), KeyLogError::Form),
            (format!("{good} KDR=05"), KeyLogError::Form),
            (good.replace("mki=-", "mki=0"), KeyLogError::NotHexadecimal("mki")),
            (
                good.replace("ssrc=*", "ssrc=1"),
                KeyLogError::NotHexadecimal("ssrc"),
            ),
            (good.replace(" ssrc=*", ""), KeyLogError::Form),
            (good.replace(&key, "zz"), KeyLogError::NotHexadecimal("key")),
            (
                good.replace(&key, "00"),
                KeyLogError::Key(SrtpError::KeyLength {
                    profile: Profile::Aes128CmHmacSha1_80,
                    length: 1,
                }),
            ),
            (format!("{good} "), KeyLogError::SessionParameter(String::new())),
            (
                format!("{good} KDR=25"),
                KeyLogError::SessionParameter("KDR=25".into()),
            ),
        ] {
            assert_eq!(SessionKeys::from_text(&line), Err(error), "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_written_back(
            line in "(SRTP )?(AEAD_AES_128_GCM |AES_CM_128_HMAC_SHA1_32 )?([0-9a-f]{56} |[0-9a-f]{60} )?\\PC{0,40}",
        ) {
            if let Ok(keys) = SessionKeys::from_text(&line) {
                prop_assert_eq!(SessionKeys::from_text(&keys.to_text()), Ok(keys));
            }
        }
    }
}
