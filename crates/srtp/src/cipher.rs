use aes::cipher::{Array, InnerIvInit, KeyInit, StreamCipherCore};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;

/// Length of an AES-GCM tag in bytes (RFC 7714 8.2).
pub(crate) const GCM_TAG: usize = 16;

/// AES in one of its three key lengths, for the counter mode of RFC 3711 4.1.1 and RFC 6188.
#[derive(Clone)]
pub(crate) enum CounterMode {
    Aes128(Aes128Enc),
    Aes192(Aes192Enc),
    Aes256(Aes256Enc),
}

impl CounterMode {
    /// The cipher for a key of 16, 24 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128Enc::new_from_slice(key).ok().map(Self::Aes128),
            24 => Aes192Enc::new_from_slice(key).ok().map(Self::Aes192),
            32 => Aes256Enc::new_from_slice(key).ok().map(Self::Aes256),
            _ => None,
        }
    }

    /// XORs the key stream that begins at counter block `iv` over `data`.
    ///
    /// The whole block counts where RFC 3711 counts its last 16 bits: the same below 2^20 bytes.
    pub(crate) fn apply(&self, iv: [u8; 16], data: &mut [u8]) {
        fn run<C>(cipher: &C, iv: [u8; 16], data: &mut [u8])
        where
            C: aes::cipher::BlockCipherEncrypt
                + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
        {
            let core = CtrCore::<&C, Ctr128BE>::inner_iv_init(cipher, &Array::from(iv));
            core.apply_keystream_partial(data.into());
        }
        match self {
            Self::Aes128(cipher) => run(cipher, iv, data),
            Self::Aes192(cipher) => run(cipher, iv, data),
            Self::Aes256(cipher) => run(cipher, iv, data),
        }
    }
}

/// AES-GCM with a 96-bit nonce and a 128-bit tag.
#[derive(Clone)]
pub(crate) enum Gcm {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
}

impl Gcm {
    /// The cipher for a key of 16 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128Gcm::new_from_slice(key)
                .ok()
                .map(Box::new)
                .map(Self::Aes128),
            32 => Aes256Gcm::new_from_slice(key)
                .ok()
                .map(Box::new)
                .map(Self::Aes256),
            _ => None,
        }
    }

    /// Encrypts `data` in place and gives the tag over it and `associated`.
    pub(crate) fn seal(&self, nonce: [u8; 12], associated: &[u8], data: &mut [u8]) -> [u8; GCM_TAG] {
        let nonce = Array::from(nonce);
        let tag = match self {
            Self::Aes128(cipher) => cipher.encrypt_inout_detached(&nonce, associated, data.into()),
            Self::Aes256(cipher) => cipher.encrypt_inout_detached(&nonce, associated, data.into()),
        };
        tag.expect("a packet is shorter than the 2^36 bytes of one GCM message")
            .into()
    }

    /// Decrypts `data` in place when the tag is right; says whether it was.
    pub(crate) fn open(
        &self,
        nonce: [u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: [u8; GCM_TAG],
    ) -> bool {
        let (nonce, tag) = (Array::from(nonce), Array::from(tag));
        match self {
            Self::Aes128(cipher) => cipher.decrypt_inout_detached(&nonce, associated, data.into(), &tag),
            Self::Aes256(cipher) => cipher.decrypt_inout_detached(&nonce, associated, data.into(), &tag),
        }
        .is_ok()
    }
}
