use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};

use crate::finding::Finding;
use crate::keys::MAXIMUM_MKI;
use crate::profile::Profile;

/// Reads what the strict alphabet refuses only for its padding or for bits left over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longest base64 text decoded: far longer than any key.
const MAXIMUM_BASE64: usize = 1024;

/// Packets a master key may protect, as written (RFC 4568 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// A decimal number of packets.
    Decimal(u64),
    /// A power of two, by its exponent (below 64).
    PowerOfTwo(u8),
}

impl Lifetime {
    /// Number of packets.
    #[must_use]
    pub const fn packets(self) -> u64 {
        match self {
            Self::Decimal(packets) => packets,
            Self::PowerOfTwo(exponent) => match 1_u64.checked_shl(exponent as u32) {
                Some(packets) => packets,
                None => u64::MAX,
            },
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal(packets) => write!(formatter, "{packets}"),
            Self::PowerOfTwo(exponent) => write!(formatter, "2^{exponent}"),
        }
    }
}

/// Master key identifier: the number of a key, written in a fixed number of bytes into every packet (RFC 4568 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mki {
    bytes: Vec<u8>,
}

impl Mki {
    /// An MKI of 1 to 128 bytes, big end first.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=MAXIMUM_MKI).contains(&bytes.len()).then(|| Self {
            bytes: bytes.to_vec(),
        })
    }

    /// The number `value` in `length` bytes, if it fits.
    #[must_use]
    pub fn from_value(value: u64, length: usize) -> Option<Self> {
        Self::from_decimal(&value.to_string(), length)
    }

    /// As it stands in each packet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decimal digits in `length` bytes; nothing when they do not fit or are no digits.
    fn from_decimal(digits: &str, length: usize) -> Option<Self> {
        // 128 bytes are at most 309 digits
        if digits.is_empty() || digits.len() > 320 || !(1..=MAXIMUM_MKI).contains(&length) {
            return None;
        }
        let mut bytes = vec![0_u8; length];
        for digit in digits.chars() {
            let mut carry = digit.to_digit(10)?;
            for byte in bytes.iter_mut().rev() {
                let sum = u32::from(*byte) * 10 + carry;
                [_, _, _, *byte] = sum.to_be_bytes();
                carry = sum >> 8;
            }
            if carry != 0 {
                return None;
            }
        }
        Some(Self { bytes })
    }

    /// Decimal digits of the number.
    fn decimal(&self) -> String {
        let mut number = self.bytes.clone();
        let mut digits = Vec::new();
        while number.iter().any(|byte| *byte != 0) {
            let mut remainder = 0_u32;
            for byte in &mut number {
                let part = remainder << 8 | u32::from(*byte);
                [_, _, _, *byte] = (part / 10).to_be_bytes();
                remainder = part % 10;
            }
            digits.push(char::from_digit(remainder, 10).unwrap_or('0'));
        }
        if digits.is_empty() {
            digits.push('0');
        }
        digits.iter().rev().collect()
    }
}

impl fmt::Display for Mki {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.decimal(), self.bytes.len())
    }
}

/// One `inline:` key (RFC 4568 6.1), or the text of another key method.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyParameter {
    /// Master key and salt; empty when the text could not be decoded or has another method.
    pub key_salt: Vec<u8>,
    /// Packets the key may protect.
    pub lifetime: Option<Lifetime>,
    /// Master key identifier.
    pub mki: Option<Mki>,
    /// The text it was read from, when it is not the one [`fmt::Display`] would write.
    pub(crate) text: Option<String>,
}

impl fmt::Debug for KeyParameter {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyParameter")
            .field("length", &self.key_salt.len())
            .field("lifetime", &self.lifetime)
            .field("mki", &self.mki)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for KeyParameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return formatter.write_str(text);
        }
        write!(formatter, "inline:{}", STANDARD.encode(&self.key_salt))?;
        if let Some(lifetime) = self.lifetime {
            write!(formatter, "|{lifetime}")?;
        }
        if let Some(mki) = &self.mki {
            write!(formatter, "|{mki}")?;
        }
        Ok(())
    }
}

impl KeyParameter {
    /// A key.
    #[must_use]
    pub const fn new(key_salt: Vec<u8>, lifetime: Option<Lifetime>, mki: Option<Mki>) -> Self {
        Self {
            key_salt,
            lifetime,
            mki,
            text: None,
        }
    }

    /// Reads a key-param; `profile` is that of the crypto-suite when it is known.
    pub(crate) fn parse(text: &str, profile: Option<Profile>, findings: &mut Vec<Finding>) -> Self {
        let mut key = Self::new(Vec::new(), None, None);
        match text.split_once(':') {
            Some((method, info)) if method.eq_ignore_ascii_case("inline") => {
                key.parse_info(info, profile, findings);
            }
            Some((method, _)) => findings.push(Finding::new(
                "crypto-key-method",
                "RFC 4568 6.1",
                format!("key method {method:?} instead of inline"),
            )),
            None => findings.push(Finding::new(
                "crypto-key-method",
                "RFC 4568 9.1",
                "key parameter without a method",
            )),
        }
        if key.to_string() != text {
            key.text = Some(text.to_owned());
        }
        key
    }

    fn parse_info(&mut self, info: &str, profile: Option<Profile>, findings: &mut Vec<Finding>) {
        let mut parts = info.split('|');
        self.parse_key(parts.next().unwrap_or_default(), profile, findings);
        let rest: Vec<&str> = parts.take(3).collect();
        let (lifetime, mki) = match rest.as_slice() {
            [] => (None, None),
            // RFC 4568 9.2: both are optional, the colon tells them apart
            [only] if only.contains(':') => (None, Some(*only)),
            [only] => (Some(*only), None),
            [lifetime, mki] => (Some(*lifetime), Some(*mki)),
            _ => {
                findings.push(Finding::new(
                    "crypto-key-form",
                    "RFC 4568 9.2",
                    "more than key, lifetime and MKI in one key parameter",
                ));
                (None, None)
            }
        };
        if let Some(text) = lifetime {
            self.parse_lifetime(text, findings);
        }
        if let Some(text) = mki {
            self.parse_mki(text, findings);
        }
    }

    fn parse_key(&mut self, text: &str, profile: Option<Profile>, findings: &mut Vec<Finding>) {
        if text.len() > MAXIMUM_BASE64 {
            findings.push(Finding::new(
                "crypto-key-base64",
                "RFC 4568 6.1",
                format!("key text of {} characters", text.len()),
            ));
            return;
        }
        self.key_salt = match STANDARD.decode(text) {
            Ok(bytes) => bytes,
            Err(strict) => match LENIENT.decode(text) {
                Ok(bytes) => {
                    findings.push(Finding::new(
                        "crypto-key-padding",
                        "RFC 4568 6.1, RFC 4648 3.2",
                        format!("base64 is not padded as it should be: {strict}"),
                    ));
                    bytes
                }
                Err(error) => {
                    findings.push(Finding::new(
                        "crypto-key-base64",
                        "RFC 4568 6.1, RFC 4648 4",
                        format!("not base64: {error}"),
                    ));
                    return;
                }
            },
        };
        if let Some(profile) = profile
            && self.key_salt.len() != profile.key_salt_length()
        {
            findings.push(Finding::new(
                "crypto-key-length",
                "RFC 4568 6.1",
                format!(
                    "key and salt have {} bytes, {profile} needs {}",
                    self.key_salt.len(),
                    profile.key_salt_length()
                ),
            ));
        }
    }

    fn parse_lifetime(&mut self, text: &str, findings: &mut Vec<Finding>) {
        let number = |digits: &str| {
            (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| digits.parse::<u64>().ok())
                .flatten()
        };
        let lifetime = match text.strip_prefix("2^") {
            Some(exponent) => number(exponent)
                .and_then(|exponent| u8::try_from(exponent).ok())
                .filter(|exponent| *exponent < 64)
                .map(Lifetime::PowerOfTwo),
            None => number(text).map(Lifetime::Decimal),
        };
        let Some(lifetime) = lifetime else {
            findings.push(Finding::new(
                "crypto-lifetime",
                "RFC 4568 9.2",
                format!("lifetime {text:?} is neither a number nor a power of two"),
            ));
            return;
        };
        if lifetime.packets() == 0 {
            findings.push(Finding::new(
                "crypto-lifetime",
                "RFC 4568 6.1",
                "lifetime is zero",
            ));
            return;
        }
        if lifetime.packets() > 1 << 48 {
            findings.push(Finding::new(
                "crypto-lifetime",
                "RFC 4568 6.1, RFC 3711 9.2",
                format!("lifetime {lifetime} is longer than 2^48 packets"),
            ));
        }
        self.lifetime = Some(lifetime);
    }

    fn parse_mki(&mut self, text: &str, findings: &mut Vec<Finding>) {
        let mut push = |message: String| findings.push(Finding::new("crypto-mki", "RFC 4568 6.1", message));
        let Some((value, length)) = text.split_once(':') else {
            push(format!("MKI {text:?} without its length"));
            return;
        };
        let length = Some(length)
            .filter(|length| length.len() <= 3 && length.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|length| length.parse::<usize>().ok())
            .filter(|length| (1..=MAXIMUM_MKI).contains(length));
        let Some(length) = length else {
            push(format!("MKI length in {text:?} is not 1 to 128"));
            return;
        };
        self.mki = Mki::from_decimal(value, length);
        if self.mki.is_none() {
            push(format!("MKI {value:?} is no number of {length} bytes"));
        }
    }
}
