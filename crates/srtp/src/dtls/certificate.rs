use std::fmt;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};

use crate::dtls::{Fingerprint, HashFunction};

/// Why a certificate could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The random bytes are no P-256 private key: zero, or not below the order of the group. Other ones will do.
    #[error("random bytes are no private key")]
    NoPrivateKey,
    /// A name of 1 to 64 ASCII characters is needed (X.520 upper bound of commonName).
    #[error("common name is not 1 to 64 ASCII characters")]
    CommonName,
}

/// A certificate in DER with its private key in PKCS #8 DER: ECDSA on P-256 or P-384.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    private_key: Vec<u8>,
}

impl Certificate {
    /// A certificate made elsewhere. [`super::DtlsEndpoint::new`] refuses a key of another kind.
    #[must_use]
    pub const fn from_der(der: Vec<u8>, private_key: Vec<u8>) -> Self {
        Self { der, private_key }
    }

    /// A self-signed certificate with a P-256 key made of `random`; the same bytes give the same certificate.
    ///
    /// It is valid from 2020 to 2049: DTLS-SRTP looks at the fingerprint alone (RFC 5763 5).
    ///
    /// # Errors
    ///
    /// [`CertificateError`].
    pub fn self_signed(common_name: &str, random: &[u8; 32]) -> Result<Self, CertificateError> {
        if !(1..=64).contains(&common_name.len()) || !common_name.is_ascii() {
            return Err(CertificateError::CommonName);
        }
        let key = SigningKey::from_slice(random).map_err(|_| CertificateError::NoPrivateKey)?;
        let public_key = key.verifying_key().to_sec1_point(false);
        let public_key = public_key.as_bytes();

        let ecdsa_with_sha256 = sequence(&[&tlv(OID, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])]);
        let ec_key_on_p256 = sequence(&[
            &tlv(OID, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]),
            &tlv(OID, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
        ]);
        let name = sequence(&[&tlv(
            SET,
            &sequence(&[
                &tlv(OID, &[0x55, 0x04, 0x03]),
                &tlv(UTF8_STRING, common_name.as_bytes()),
            ]),
        )]);
        // RFC 5280 4.1.2.2: a positive number of at most 20 bytes; out of the public key it differs where keys differ
        let serial = Fingerprint::of(HashFunction::Sha256, public_key);
        let serial: Vec<u8> = std::iter::once(0x01)
            .chain(serial.hash().iter().copied().take(15))
            .collect();
        let tbs = sequence(&[
            // version 3
            &[0xa0, 0x03, INTEGER, 0x01, 0x02],
            &tlv(INTEGER, &serial),
            &ecdsa_with_sha256,
            &name,
            &sequence(&[&tlv(UTC_TIME, b"200101000000Z"), &tlv(UTC_TIME, b"491231235959Z")]),
            &name,
            &sequence(&[&ec_key_on_p256, &bit_string(public_key)]),
        ]);
        let signature: DerSignature = key.sign(&tbs);
        let der = sequence(&[&tbs, &ecdsa_with_sha256, &bit_string(signature.as_bytes())]);
        // RFC 5915 3 inside RFC 5958 2
        let ec_private_key = sequence(&[
            &[INTEGER, 0x01, 0x01],
            &tlv(OCTET_STRING, random),
            &tlv(0xa1, &bit_string(public_key)),
        ]);
        let private_key = sequence(&[
            &[INTEGER, 0x01, 0x00],
            &ec_key_on_p256,
            &tlv(OCTET_STRING, &ec_private_key),
        ]);
        Ok(Self { der, private_key })
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The private key in PKCS #8 DER.
    #[must_use]
    pub fn private_key(&self) -> &[u8] {
        &self.private_key
    }

    /// Its fingerprint for `a=fingerprint`.
    #[must_use]
    pub fn fingerprint(&self, function: HashFunction) -> Fingerprint {
        Fingerprint::of(function, &self.der)
    }
}

impl fmt::Debug for Certificate {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint(HashFunction::Sha256).to_string())
            .finish_non_exhaustive()
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// Tag, length and value of DER (X.690 8.1); nothing here reaches 65536 bytes.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match value.len().to_be_bytes() {
        [.., 0, low @ 0..=0x7f] => out.push(low),
        [.., 0, low] => out.extend([0x81, low]),
        [.., high, low] => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(value);
    out
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    // no unused bits in the last byte
    tlv(BIT_STRING, &[&[0], bytes].concat())
}
