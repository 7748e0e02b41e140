use std::fmt;

use crate::cipher::CounterMode;
use crate::{Profile, SrtpError};

/// Longest MKI in bytes (RFC 4568 6.1).
pub(crate) const MAXIMUM_MKI: usize = 128;

/// A master key with its salt, and under which name and how long it is used.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MasterKey {
    profile: Profile,
    key_salt: Vec<u8>,
    mki: Vec<u8>,
    lifetime: Option<u64>,
}

impl MasterKey {
    /// The key from `key || salt`, as SDES carries it; no MKI, the longest lifetime.
    ///
    /// # Errors
    ///
    /// [`SrtpError::KeyLength`].
    pub fn new(profile: Profile, key_salt: &[u8]) -> Result<Self, SrtpError> {
        if key_salt.len() != profile.key_salt_length() {
            return Err(SrtpError::KeyLength {
                profile,
                length: key_salt.len(),
            });
        }
        Ok(Self {
            profile,
            key_salt: key_salt.to_vec(),
            mki: Vec::new(),
            lifetime: None,
        })
    }

    /// Master key identifier that every packet under this key carries; 1 to 128 bytes, or none.
    ///
    /// # Errors
    ///
    /// [`SrtpError::MkiConflict`] for a longer one.
    pub fn with_mki(mut self, mki: &[u8]) -> Result<Self, SrtpError> {
        if mki.len() > MAXIMUM_MKI {
            return Err(SrtpError::MkiConflict("longer than 128 bytes"));
        }
        self.mki = mki.to_vec();
        Ok(self)
    }

    /// Packets the key may protect, SRTP and SRTCP counted apart (RFC 3711 9.2, RFC 4568 6.1).
    #[must_use]
    pub const fn with_lifetime(mut self, packets: u64) -> Self {
        self.lifetime = Some(packets);
        self
    }

    /// The profile the key is for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Master key and salt, one after the other.
    #[must_use]
    pub fn key_salt(&self) -> &[u8] {
        &self.key_salt
    }

    /// Master key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.key_salt.split_at(self.profile.key_length()).0
    }

    /// Master salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        self.key_salt.split_at(self.profile.key_length()).1
    }

    /// Master key identifier; empty when there is none.
    #[must_use]
    pub fn mki(&self) -> &[u8] {
        &self.mki
    }

    /// Packets the key may protect, if that was agreed.
    #[must_use]
    pub const fn lifetime(&self) -> Option<u64> {
        self.lifetime
    }
}

impl fmt::Debug for MasterKey {
    /// Without the key: it would end up in logs. [`crate::SessionKeys`] writes it on purpose.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MasterKey")
            .field("profile", &self.profile)
            .field("mki", &self.mki)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// What a session key is for (RFC 3711 4.3.1, 4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Label {
    /// SRTP encryption.
    RtpEncryption = 0,
    /// SRTP authentication.
    RtpAuthentication = 1,
    /// SRTP salt.
    RtpSalt = 2,
    /// SRTCP encryption.
    RtcpEncryption = 3,
    /// SRTCP authentication.
    RtcpAuthentication = 4,
    /// SRTCP salt.
    RtcpSalt = 5,
}

/// Derives a session key (RFC 3711 4.3, RFC 6188 2): fills `output` from master key and salt.
///
/// `epoch` is the packet index divided by the key derivation rate, 0 when the rate is 0. A salt of 12 bytes is filled
/// up with zeros (RFC 7714 11). SRTCP uses a 48-bit `epoch` too, as deployed implementations do; this cannot be told
/// apart at rate 0.
pub fn derive(master: &MasterKey, label: Label, epoch: u64, output: &mut [u8]) {
    let cipher = CounterMode::new(master.key()).expect("a master key has the length of its profile");
    let mut iv = [0; 16];
    for (to, from) in iv.iter_mut().zip(master.salt()) {
        *to = *from;
    }
    iv[7] ^= label as u8;
    let [_, _, epoch @ ..] = epoch.to_be_bytes();
    for (to, from) in iv[8..14].iter_mut().zip(epoch) {
        *to ^= from;
    }
    output.fill(0);
    cipher.apply(iv, output);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::{decode, encode};

    /// Encryption key, salt and 20 bytes of authentication key as the RFCs print them.
    fn check(profile: Profile, key: &str, salt: &str, expected: [&str; 3]) {
        let master = MasterKey::new(profile, &decode(&format!("{key}{salt}")).unwrap()).unwrap();
        let mut keys = [vec![0; profile.key_length()], vec![0; 14], vec![0; 20]];
        for (label, output) in [Label::RtpEncryption, Label::RtpSalt, Label::RtpAuthentication]
            .into_iter()
            .zip(&mut keys)
        {
            derive(&master, label, 0, output);
        }
        assert_eq!(keys.map(|key| encode(&key)), expected);
    }

    #[test]
    fn rfc_3711_b_3_key_derivation() {
        check(
            Profile::Aes128CmHmacSha1_80,
            "e1f97a0d3e018be0d64fa32c06de4139",
            "0ec675ad498afeebb6960b3aabe6",
            [
                "c61e7a93744f39ee10734afe3ff7a087",
                "30cbbc08863d8c85d49db34a9ae1",
                "cebe321f6ff7716b6fd4ab49af256a156d38baa4",
            ],
        );
    }

    #[test]
    fn rfc_6188_7_2_key_derivation_with_256_bits() {
        check(
            Profile::Aes256CmHmacSha1_80,
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
            "3b04803de51ee7c96423ab5b78d2",
            [
                "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
                "fa31791685ca444a9e07c6c64e93",
                "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
            ],
        );
    }

    #[test]
    fn rfc_6188_7_4_key_derivation_with_192_bits() {
        check(
            Profile::Aes192CmHmacSha1_80,
            "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1",
            "c8522f3acd4ce86d5add78edbb11",
            [
                "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb",
                "2372b82d639b6d8503a47adc0a6c",
                "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb",
            ],
        );
    }

    #[test]
    fn keys_do_not_show_themselves() {
        let master = MasterKey::new(Profile::AeadAes128Gcm, &[0xab; 28]).unwrap();
        let text = format!("{master:?}");
        assert!(!text.contains("171") && !text.contains("ab"), "{text}");
        assert!(matches!(
            MasterKey::new(Profile::AeadAes128Gcm, &[0; 30]),
            Err(SrtpError::KeyLength { length: 30, .. })
        ));
    }
}
