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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::{decode, encode};

    /// The first three and the last three of 0xff02 key stream blocks.
    fn key_stream(key: &str, expected: [&str; 6]) {
        let cipher = CounterMode::new(&decode(key).unwrap()).unwrap();
        let mut stream = vec![0; 16 * 0xff02];
        let iv = decode("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000").unwrap();
        cipher.apply(*iv.first_chunk().unwrap(), &mut stream);
        let (blocks, _) = stream.as_chunks::<16>();
        let seen = [0, 1, 2, 0xfeff, 0xff00, 0xff01].map(|block| encode(&blocks[block]));
        assert_eq!(seen, expected);
    }

    #[test]
    fn rfc_3711_b_2_key_stream() {
        key_stream(
            "2b7e151628aed2a6abf7158809cf4f3c",
            [
                "e03ead0935c95e80e166b16dd92b4eb4",
                "d23513162b02d0f72a43a2fe4a5f97ab",
                "41e95b3bb0a2e8dd477901e4fca894c0",
                "ec8cdf7398607cb0f2d21675ea9ea1e4",
                "362b7c3c6773516318a077d7fc5073ae",
                "6a2cc3787889374fbeb4c81b17ba6c44",
            ],
        );
    }

    #[test]
    fn rfc_6188_7_1_key_stream_with_256_bits() {
        key_stream(
            "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
            [
                "92bdd28a93c3f52511c677d08b5515a4",
                "9da71b2378a854f67050756ded165bac",
                "63c4868b7096d88421b563b8c94c9a31",
                "cea518c90fd91ced9cbb18c078a54711",
                "3dbc4814f4da5f00a08772b63c6a046d",
                "6eb246913062a16891433e97dd01a57f",
            ],
        );
    }

    #[test]
    fn rfc_6188_7_3_key_stream_with_192_bits() {
        key_stream(
            "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
            [
                "35096cba4610028dc1b57503804ce37c",
                "5de986291dcce161d5165ec4568f5c9a",
                "474a40c77894bc17180202272a4c264d",
                "d108d1a31a00bad6367ec23eb044b415",
                "c8f57129fdeb970b59f917b257662d4c",
                "a5dab625811034e8cebdfeb6dc158dd3",
            ],
        );
    }
}
