use std::fmt;

/// A protection profile: cipher, authentication and tag length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// AES-CM with a 128-bit key, 80-bit tag (RFC 4568 6.2.1).
    Aes128CmHmacSha1_80,
    /// AES-CM with a 128-bit key, 32-bit tag on SRTP (RFC 4568 6.2.2).
    Aes128CmHmacSha1_32,
    /// AES-CM with a 192-bit key, 80-bit tag (RFC 6188 3).
    Aes192CmHmacSha1_80,
    /// AES-CM with a 192-bit key, 32-bit tag on SRTP (RFC 6188 3).
    Aes192CmHmacSha1_32,
    /// AES-CM with a 256-bit key, 80-bit tag (RFC 6188 3).
    Aes256CmHmacSha1_80,
    /// AES-CM with a 256-bit key, 32-bit tag on SRTP (RFC 6188 3).
    Aes256CmHmacSha1_32,
    /// AES-GCM with a 128-bit key, 128-bit tag (RFC 7714).
    AeadAes128Gcm,
    /// AES-GCM with a 256-bit key, 128-bit tag (RFC 7714).
    AeadAes256Gcm,
}

impl Profile {
    /// Every profile of this crate.
    pub const ALL: [Self; 8] = [
        Self::Aes128CmHmacSha1_80,
        Self::Aes128CmHmacSha1_32,
        Self::Aes192CmHmacSha1_80,
        Self::Aes192CmHmacSha1_32,
        Self::Aes256CmHmacSha1_80,
        Self::Aes256CmHmacSha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// The crypto-suite name of SDP (RFC 4568 6.2, RFC 6188 4, RFC 7714 14.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128CmHmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::Aes128CmHmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::Aes192CmHmacSha1_80 => "AES_192_CM_HMAC_SHA1_80",
            Self::Aes192CmHmacSha1_32 => "AES_192_CM_HMAC_SHA1_32",
            Self::Aes256CmHmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::Aes256CmHmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The profile with this crypto-suite name; ABNF strings ignore case (RFC 5234 2.3).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name().eq_ignore_ascii_case(name))
    }

    /// The DTLS `SRTPProtectionProfile` value (RFC 5764 4.1.2, RFC 7714 14.2). The other suites have none.
    #[must_use]
    pub const fn dtls_id(self) -> Option<u16> {
        match self {
            Self::Aes128CmHmacSha1_80 => Some(0x0001),
            Self::Aes128CmHmacSha1_32 => Some(0x0002),
            Self::AeadAes128Gcm => Some(0x0007),
            Self::AeadAes256Gcm => Some(0x0008),
            Self::Aes192CmHmacSha1_80
            | Self::Aes192CmHmacSha1_32
            | Self::Aes256CmHmacSha1_80
            | Self::Aes256CmHmacSha1_32 => None,
        }
    }

    /// The profile with this DTLS value.
    #[must_use]
    pub fn from_dtls_id(id: u16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.dtls_id() == Some(id))
    }

    /// Length of the master key in bytes; the session key is as long.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes128CmHmacSha1_80 | Self::Aes128CmHmacSha1_32 | Self::AeadAes128Gcm => 16,
            Self::Aes192CmHmacSha1_80 | Self::Aes192CmHmacSha1_32 => 24,
            Self::Aes256CmHmacSha1_80 | Self::Aes256CmHmacSha1_32 | Self::AeadAes256Gcm => 32,
        }
    }

    /// Length of the master salt in bytes; the session salt is as long (RFC 3711 8.2, RFC 7714 12).
    #[must_use]
    pub const fn salt_length(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Length of master key and salt together, as SDES carries them.
    #[must_use]
    pub const fn key_salt_length(self) -> usize {
        self.key_length() + self.salt_length()
    }

    /// Length of the tag of an SRTP packet in bytes.
    #[must_use]
    pub const fn rtp_tag_length(self) -> usize {
        match self {
            Self::Aes128CmHmacSha1_80 | Self::Aes192CmHmacSha1_80 | Self::Aes256CmHmacSha1_80 => 10,
            Self::Aes128CmHmacSha1_32 | Self::Aes192CmHmacSha1_32 | Self::Aes256CmHmacSha1_32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Length of the tag of an SRTCP packet in bytes; the `_32` suites keep 80 bits here (RFC 4568 6.2.2).
    #[must_use]
    pub const fn rtcp_tag_length(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }

    /// Encryption and authentication are one operation (RFC 7714).
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Self::AeadAes128Gcm | Self::AeadAes256Gcm)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for profile in Profile::ALL {
            assert_eq!(Profile::from_name(profile.name()), Some(profile));
            assert_eq!(Profile::from_name(&profile.name().to_lowercase()), Some(profile));
            if let Some(id) = profile.dtls_id() {
                assert_eq!(Profile::from_dtls_id(id), Some(profile));
            }
        }
        assert_eq!(Profile::from_name("F8_128_HMAC_SHA1_80"), None);
        assert_eq!(Profile::from_dtls_id(5), None);
    }

    #[test]
    fn sdes_key_lengths_are_those_of_the_registrations() {
        // RFC 4568 6.2.1: 240 bits; RFC 6188 4: 304 and 368 bits; RFC 7714 14.1: 224 and 352 bits
        let bits = Profile::ALL.map(|profile| profile.key_salt_length() * 8);
        assert_eq!(bits, [240, 240, 304, 304, 368, 368, 224, 352]);
    }
}
