use thiserror::Error;

use crate::finding::{Finding, quoted};

/// The characters that fragments, passwords and foundations are made of: letters, digits, `+`, `/` (RFC 8839 5.1).
const ICE_CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn is_ice_text(text: &str) -> bool {
    text.bytes().all(|byte| ICE_CHARACTERS.contains(&byte))
}

/// User name fragment and password of one side (RFC 8839 5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    fragment: String,
    password: String,
}

/// Text that cannot be credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// The fragment is shorter than 4 or longer than 256 characters.
    #[error("user name fragment of {0} characters, not 4 to 256")]
    FragmentLength(usize),
    /// The password is shorter than 22 or longer than 256 characters.
    #[error("password of {0} characters, not 22 to 256")]
    PasswordLength(usize),
    /// A character other than a letter, a digit, `+` and `/`.
    #[error("character that is not allowed in credentials")]
    Character,
}

impl Credentials {
    /// Credentials from text; lengths and characters are those of RFC 8839 5.4.
    ///
    /// # Errors
    /// When a length or a character is not allowed.
    pub fn new(fragment: &str, password: &str) -> Result<Self, CredentialsError> {
        if !(4..=256).contains(&fragment.len()) {
            return Err(CredentialsError::FragmentLength(fragment.len()));
        }
        if !(22..=256).contains(&password.len()) {
            return Err(CredentialsError::PasswordLength(password.len()));
        }
        if !is_ice_text(fragment) || !is_ice_text(password) {
            return Err(CredentialsError::Character);
        }
        Ok(Self {
            fragment: fragment.to_owned(),
            password: password.to_owned(),
        })
    }

    /// Credentials made of 32 random bytes: 8 characters of fragment and 24 of password carry 48 and 144 bits,
    /// more than the 24 and 128 that RFC 8445 5.3 asks for.
    pub fn from_random(random: &[u8; 32]) -> Self {
        let letter = |byte: &u8| char::from(ICE_CHARACTERS[usize::from(byte & 0x3f)]);
        Self {
            fragment: random[..8].iter().map(letter).collect(),
            password: random[8..].iter().map(letter).collect(),
        }
    }

    /// Credentials of a device that may break the rules of length; `None` when nothing can be done with them.
    pub(crate) fn of_device(fragment: &str, password: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        if let Err(error) = Self::new(fragment, password) {
            let text = format!(
                "ice-ufrag {} and ice-pwd {}: {error}",
                quoted(fragment),
                quoted(password)
            );
            findings.push(Finding::new("ice-credentials", "RFC 8839 5.4", text));
        }
        // a colon would make the user name of a check ambiguous, and a user name has an upper limit (RFC 8489 14.3)
        let usable = |text: &str| !text.is_empty() && text.len() <= 256 && !text.contains(':');
        (usable(fragment) && usable(password)).then(|| Self {
            fragment: fragment.to_owned(),
            password: password.to_owned(),
        })
    }

    /// The user name fragment (`a=ice-ufrag`).
    pub fn fragment(&self) -> &str {
        &self.fragment
    }

    /// The password (`a=ice-pwd`).
    pub fn password(&self) -> &str {
        &self.password
    }
}

// a password has no business in a log
impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("fragment", &self.fragment)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn lengths_and_characters_are_checked() {
        assert!(Credentials::new("evtj", PASSWORD).is_ok());
        assert_eq!(
            Credentials::new("evt", PASSWORD),
            Err(CredentialsError::FragmentLength(3))
        );
        assert_eq!(
            Credentials::new("evtj", &PASSWORD[1..]),
            Err(CredentialsError::PasswordLength(21))
        );
        assert_eq!(
            Credentials::new("ev:j", PASSWORD),
            Err(CredentialsError::Character)
        );
        assert_eq!(
            Credentials::new("evtj", "VOkJxbRl1RmTxUk-WvJxBt"),
            Err(CredentialsError::Character)
        );
    }

    #[test]
    fn random_bytes_become_permitted_text() {
        let random: [u8; 32] = std::array::from_fn(|index| (index * 37) as u8);
        let made = Credentials::from_random(&random);
        assert_eq!(
            Credentials::new(made.fragment(), made.password()),
            Ok(made.clone())
        );
        assert_ne!(made, Credentials::from_random(&[9; 32]));
        assert!(!format!("{made:?}").contains(made.password()));
    }

    #[test]
    fn short_credentials_of_a_device_are_used_and_reported() {
        let mut findings = Vec::new();
        assert!(Credentials::of_device("abc", "short", &mut findings).is_some());
        assert_eq!(findings.len(), 1);
        assert!(Credentials::of_device("a:bc", PASSWORD, &mut findings).is_none());
        assert_eq!(findings.len(), 2);
    }
}
