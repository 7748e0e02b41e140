use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::cipher::{CounterMode, GCM_TAG, Gcm};
use crate::keys::{Label, MasterKey, derive};
use crate::packet::RTCP_HEADER;

/// Length of the word with E flag and index behind an SRTCP packet (RFC 3711 3.4).
pub(crate) const RTCP_WORD: usize = 4;
/// E flag in that word.
pub(crate) const E_FLAG: u32 = 1 << 31;

/// Session keys of one direction, made ready for packets.
#[derive(Clone)]
pub(crate) enum Transform {
    /// AES-CM and HMAC-SHA1 (RFC 3711 4.1.1, 4.2.1).
    Counter {
        cipher: Box<CounterMode>,
        salt: [u8; 14],
        mac: Hmac<Sha1>,
    },
    /// AES-GCM (RFC 7714).
    Aead { cipher: Gcm, salt: [u8; 12] },
}

/// The three labels of SRTP or of SRTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Rtp,
    Rtcp,
}

impl Transform {
    fn new(master: &MasterKey, direction: Direction, epoch: u64) -> Self {
        let (encryption, authentication, salting) = match direction {
            Direction::Rtp => (Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt),
            Direction::Rtcp => (Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt),
        };
        let mut key = [0; 32];
        let (key, _) = key.split_at_mut(master.profile().key_length());
        derive(master, encryption, epoch, key);
        if master.profile().is_aead() {
            let mut salt = [0; 12];
            derive(master, salting, epoch, &mut salt);
            let cipher = Gcm::new(key).expect("an AEAD profile has a key of 16 or 32 bytes");
            Self::Aead { cipher, salt }
        } else {
            let (mut salt, mut authentication_key) = ([0; 14], [0; 20]);
            derive(master, salting, epoch, &mut salt);
            derive(master, authentication, epoch, &mut authentication_key);
            let cipher = CounterMode::new(key).expect("a profile has a key of 16, 24 or 32 bytes");
            Self::Counter {
                cipher: Box::new(cipher),
                salt,
                mac: <Hmac<Sha1> as KeyInit>::new_from_slice(&authentication_key)
                    .expect("HMAC takes a key of any length"),
            }
        }
    }

    /// Encrypts or decrypts the payload with AES-CM (RFC 3711 4.1.1). `packet` is everything but tag and MKI.
    pub(crate) fn apply_counter(&self, ssrc: u32, index: u64, payload: &mut [u8]) {
        let Self::Counter { cipher, salt, .. } = self else {
            return;
        };
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(salt);
        xor(&mut iv[4..8], &ssrc.to_be_bytes());
        let [_, _, index @ ..] = index.to_be_bytes();
        xor(&mut iv[8..14], &index);
        cipher.apply(iv, payload);
    }

    /// HMAC-SHA1 over `packet || trailer` (RFC 3711 4.2.1); the trailer is the roll-over counter of SRTP.
    pub(crate) fn mac(&self, packet: &[u8], trailer: &[u8]) -> [u8; 20] {
        self.keyed_mac(packet, trailer)
            .map_or([0; 20], |mac| mac.finalize().into_bytes().into())
    }

    /// Compares a shortened tag in constant time.
    pub(crate) fn verify(&self, packet: &[u8], trailer: &[u8], tag: &[u8]) -> bool {
        self.keyed_mac(packet, trailer)
            .is_some_and(|mac| mac.verify_truncated_left(tag).is_ok())
    }

    fn keyed_mac(&self, packet: &[u8], trailer: &[u8]) -> Option<Hmac<Sha1>> {
        let Self::Counter { mac, .. } = self else {
            return None;
        };
        let mut mac = mac.clone();
        mac.update(packet);
        mac.update(trailer);
        Some(mac)
    }

    /// Encrypts an SRTP payload with AES-GCM in place and gives the tag (RFC 7714 8).
    pub(crate) fn seal_rtp(&self, ssrc: u32, index: u64, header: &[u8], payload: &mut [u8]) -> [u8; GCM_TAG] {
        match self {
            Self::Aead { cipher, salt } => cipher.seal(rtp_nonce(salt, ssrc, index), header, payload),
            Self::Counter { .. } => [0; GCM_TAG],
        }
    }

    /// Reverse of [`Self::seal_rtp`].
    pub(crate) fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: &[u8],
        payload: &mut [u8],
        tag: [u8; 16],
    ) -> bool {
        match self {
            Self::Aead { cipher, salt } => cipher.open(rtp_nonce(salt, ssrc, index), header, payload, tag),
            Self::Counter { .. } => false,
        }
    }

    /// Encrypts an SRTCP packet with AES-GCM in place, or only authenticates it, and gives the tag (RFC 7714 9).
    pub(crate) fn seal_rtcp(&self, ssrc: u32, word: u32, packet: &mut [u8]) -> [u8; GCM_TAG] {
        let Self::Aead { cipher, salt } = self else {
            return [0; GCM_TAG];
        };
        let (associated, hidden) = rtcp_parts(word, packet);
        cipher.seal(rtcp_nonce(salt, ssrc, word), &associated, hidden)
    }

    /// Reverse of [`Self::seal_rtcp`].
    pub(crate) fn open_rtcp(&self, ssrc: u32, word: u32, packet: &mut [u8], tag: [u8; 16]) -> bool {
        let Self::Aead { cipher, salt } = self else {
            return false;
        };
        let (associated, hidden) = rtcp_parts(word, packet);
        cipher.open(rtcp_nonce(salt, ssrc, word), &associated, hidden, tag)
    }
}

/// `0000 || SSRC || ROC || SEQ` over the salt (RFC 7714 8.1).
fn rtp_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> [u8; 12] {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &ssrc.to_be_bytes());
    let [_, _, index @ ..] = index.to_be_bytes();
    xor(&mut nonce[6..12], &index);
    nonce
}

/// `0000 || SSRC || 0000 || 0 || index` over the salt (RFC 7714 9.1).
fn rtcp_nonce(salt: &[u8; 12], ssrc: u32, word: u32) -> [u8; 12] {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &ssrc.to_be_bytes());
    xor(&mut nonce[8..12], &(word & !E_FLAG).to_be_bytes());
    nonce
}

/// Associated data and what is encrypted (RFC 7714 9.2, 9.3): without the E flag all of the packet is associated.
fn rtcp_parts(word: u32, packet: &mut [u8]) -> (Vec<u8>, &mut [u8]) {
    let clear = if word & E_FLAG == 0 {
        packet.len()
    } else {
        RTCP_HEADER.min(packet.len())
    };
    let (clear, hidden) = packet.split_at_mut(clear);
    let mut associated = Vec::with_capacity(clear.len() + RTCP_WORD);
    associated.extend_from_slice(clear);
    associated.extend_from_slice(&word.to_be_bytes());
    (associated, hidden)
}

fn xor(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= from;
    }
}

/// Most key derivation epochs kept: sources of one key may stand at different indices.
const EPOCHS: usize = 4;

/// The session keys of one master key and direction, derived again when the key derivation rate says so.
#[derive(Clone)]
pub(crate) struct Derived {
    direction: Direction,
    rate: u32,
    epochs: Vec<(u64, Transform)>,
}

impl Derived {
    pub(crate) fn new(master: &MasterKey, direction: Direction, rate: u32) -> Self {
        Self {
            direction,
            rate,
            epochs: vec![(0, Transform::new(master, direction, 0))],
        }
    }

    /// The session keys for a packet index (RFC 3711 4.3.1: `r = index DIV key_derivation_rate`).
    pub(crate) fn at(&mut self, master: &MasterKey, index: u64) -> &Transform {
        let epoch = index.checked_div(u64::from(self.rate)).unwrap_or(0);
        let position = match self.epochs.iter().position(|(known, _)| *known == epoch) {
            Some(position) => position,
            None => {
                if self.epochs.len() >= EPOCHS {
                    self.epochs.remove(0);
                }
                self.epochs
                    .push((epoch, Transform::new(master, self.direction, epoch)));
                self.epochs.len() - 1
            }
        };
        &self.epochs[position].1
    }
}

/// A master key in use: what it derived and what it has protected.
#[derive(Clone)]
pub(crate) struct KeyInUse {
    pub(crate) master: MasterKey,
    pub(crate) rtp: Derived,
    pub(crate) rtcp: Derived,
    pub(crate) rtp_packets: u64,
    pub(crate) rtcp_packets: u64,
}

impl KeyInUse {
    pub(crate) fn new(master: MasterKey, rate: u32) -> Self {
        Self {
            rtp: Derived::new(&master, Direction::Rtp, rate),
            rtcp: Derived::new(&master, Direction::Rtcp, rate),
            master,
            rtp_packets: 0,
            rtcp_packets: 0,
        }
    }

    /// SRTP packets the key may protect (RFC 3711 9.2).
    pub(crate) fn rtp_limit(&self) -> u64 {
        self.master.lifetime().unwrap_or(u64::MAX).min(1 << 48)
    }

    /// SRTCP packets the key may protect (RFC 3711 9.2).
    pub(crate) fn rtcp_limit(&self) -> u64 {
        self.master.lifetime().unwrap_or(u64::MAX).min(1 << 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::{decode, encode};

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const RTP: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
    const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

    /// RFC 7714 16 and 17 print session keys, so nothing is derived.
    fn transform(key_length: usize) -> Transform {
        Transform::Aead {
            cipher: Gcm::new(&decode(KEY).unwrap()[..key_length]).unwrap(),
            salt: *b"Quid pro quo",
        }
    }

    #[test]
    fn rfc_7714_16_srtp() {
        for (key_length, expected) in [
            (
                16,
                "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf\
                 8833899d7f27beb16a9152cf765ee4390cce",
            ),
            (
                32,
                "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799\
                 b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
            ),
        ] {
            let transform = transform(key_length);
            let mut packet = decode(RTP).unwrap();
            let (header, payload) = packet.split_at_mut(12);
            let tag = transform.seal_rtp(0x5501_a0b2, 0xf17b, header, payload);
            assert_eq!(encode(&[packet.as_slice(), &tag].concat()), expected);
            let (header, payload) = packet.split_at_mut(12);
            assert!(transform.open_rtp(0x5501_a0b2, 0xf17b, header, payload, tag));
            assert_eq!(encode(&packet), RTP);
        }
    }

    #[test]
    fn rfc_7714_17_srtcp() {
        for (key_length, word, expected) in [
            (
                16,
                0x8000_05d4,
                "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded\
                 0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
            ),
            (
                32,
                0x8000_05d4,
                "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de047\
                 6f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
            ),
            // 17.3: authenticated only
            (
                16,
                0x0000_05d4,
                "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeef\
                 deadbeef841dd9683dd78ec92ae58790125f62b3000005d4",
            ),
        ] {
            let transform = transform(key_length);
            let mut packet = decode(RTCP).unwrap();
            let tag = transform.seal_rtcp(0x4d61_7273, word, &mut packet);
            assert_eq!(
                encode(&[packet.as_slice(), &tag, &word.to_be_bytes()].concat()),
                expected
            );
            assert!(transform.open_rtcp(0x4d61_7273, word, &mut packet, tag));
            assert_eq!(encode(&packet), RTCP);
        }
    }
}
