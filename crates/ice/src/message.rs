use std::net::SocketAddr;

use stun_types::attribute::{Attribute, AttributeType, ErrorCode, RawAttribute, XorMappedAddress};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageClass, MessageIntegrityCredentials, MessageType,
    MessageWrite, MessageWriteExt, MessageWriteVec, ShortTermCredentials, StunParseError, ValidateError,
};
use thiserror::Error;

use crate::agent::Role;

pub(crate) const MAPPED_ADDRESS: u16 = 0x0001;
pub(crate) const USERNAME: u16 = 0x0006;
pub(crate) const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
pub(crate) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
pub(crate) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub(crate) const PRIORITY: u16 = 0x0024;
pub(crate) const USE_CANDIDATE: u16 = 0x0025;
const SOFTWARE: u16 = 0x8022;
pub(crate) const FINGERPRINT: u16 = 0x8028;
pub(crate) const ICE_CONTROLLED: u16 = 0x8029;
pub(crate) const ICE_CONTROLLING: u16 = 0x802a;

/// Attributes below 0x8000 that a receiver of Binding messages understands (RFC 8489 18.3, RFC 8445 16.1).
const UNDERSTOOD: [u16; 13] = [
    MAPPED_ADDRESS,
    USERNAME,
    MESSAGE_INTEGRITY,
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    // REALM, NONCE, PASSWORD-ALGORITHM and USERHASH: known, and not used with short-term credentials
    0x0014,
    0x0015,
    0x001d,
    0x001e,
    MESSAGE_INTEGRITY_SHA256,
    XOR_MAPPED_ADDRESS,
    PRIORITY,
    USE_CANDIDATE,
];

pub(crate) const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
pub(crate) const HEADER: usize = 20;

/// Whether a datagram on a media port is STUN: first byte 0 to 3 (RFC 7983 7) and the magic cookie (RFC 8489 5).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= HEADER && datagram[0] <= 3 && datagram[4..8] == MAGIC_COOKIE
}

/// The four kinds of STUN messages (RFC 8489 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Asks for a response.
    Request,
    /// Asks for none.
    Indication,
    /// The request was granted.
    Success,
    /// The request was refused.
    Error,
}

/// What a check of MESSAGE-INTEGRITY says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// Made with this password over these bytes.
    Valid,
    /// Another password or other bytes.
    Wrong,
    /// There is no such attribute.
    Missing,
}

/// Why a datagram is no STUN message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StunError {
    /// The first two bits or the magic cookie are wrong.
    #[error("not a STUN message")]
    NotStun,
    /// The length field or the length of an attribute does not fit the datagram.
    #[error("a length does not fit the datagram")]
    Length,
    /// FINGERPRINT is there and wrong.
    #[error("wrong FINGERPRINT")]
    Fingerprint,
    /// An attribute is broken.
    #[error("broken attribute")]
    Attribute,
}

/// A STUN message read from a datagram (RFC 8489), with the attributes of ICE (RFC 8445 7.1).
#[derive(Debug)]
pub struct StunMessage<'a>(Message<'a>);

impl<'a> StunMessage<'a> {
    /// Reads a whole datagram.
    ///
    /// # Errors
    /// When the datagram is not STUN, or breaks off, or has a wrong FINGERPRINT.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, StunError> {
        if !is_stun(datagram) {
            return Err(StunError::NotStun);
        }
        // one message fills the datagram; the library would read attributes past the announced length
        let announced = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
        if announced % 4 != 0 || announced + HEADER != datagram.len() {
            return Err(StunError::Length);
        }
        match Message::from_bytes(datagram) {
            Ok(message) => Ok(Self(message)),
            Err(StunParseError::NotStun) => Err(StunError::NotStun),
            Err(StunParseError::FingerprintMismatch) => Err(StunError::Fingerprint),
            Err(StunParseError::Truncated { .. } | StunParseError::TooLarge { .. }) => Err(StunError::Length),
            Err(_) => Err(StunError::Attribute),
        }
    }

    /// The class of the message.
    pub fn class(&self) -> Class {
        match self.0.class() {
            MessageClass::Request => Class::Request,
            MessageClass::Indication => Class::Indication,
            MessageClass::Success => Class::Success,
            MessageClass::Error => Class::Error,
        }
    }

    /// Whether the method is Binding.
    pub fn is_binding(&self) -> bool {
        self.0.has_method(BINDING)
    }

    /// The 96 bits of the transaction identifier.
    pub fn transaction(&self) -> u128 {
        self.0.transaction_id().into()
    }

    fn value(&self, attribute: u16) -> Option<Vec<u8>> {
        self.0
            .raw_attribute(AttributeType::new(attribute))
            .map(|raw| raw.value.to_vec())
    }

    /// Whether an attribute of this type is there.
    pub fn has(&self, attribute: u16) -> bool {
        self.0.has_attribute(AttributeType::new(attribute))
    }

    /// USERNAME, when it is text.
    pub fn username(&self) -> Option<String> {
        self.value(USERNAME)
            .and_then(|value| String::from_utf8(value).ok())
    }

    /// PRIORITY (RFC 8445 7.1.1), when its length is right.
    pub fn priority(&self) -> Option<u32> {
        self.value(PRIORITY)?
            .as_slice()
            .try_into()
            .ok()
            .map(u32::from_be_bytes)
    }

    /// Whether USE-CANDIDATE is there (RFC 8445 7.1.2).
    pub fn use_candidate(&self) -> bool {
        self.has(USE_CANDIDATE)
    }

    /// The role of the sender and its tiebreaker (RFC 8445 7.1.3); the first of both attributes if both are there.
    pub fn role(&self) -> Option<(Role, u64)> {
        self.0.iter_attributes().find_map(|(_, raw)| {
            let role = match raw.get_type().value() {
                ICE_CONTROLLING => Role::Controlling,
                ICE_CONTROLLED => Role::Controlled,
                _ => return None,
            };
            Some((role, u64::from_be_bytes(raw.value.as_ref().try_into().ok()?)))
        })
    }

    /// XOR-MAPPED-ADDRESS, decoded.
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        let mapped = self.0.attribute::<XorMappedAddress>().ok()?;
        Some(mapped.addr(self.0.transaction_id()))
    }

    /// The number of ERROR-CODE.
    pub fn error_code(&self) -> Option<u16> {
        self.0.attribute::<ErrorCode>().ok().map(|error| error.code())
    }

    /// Checks MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 with a short-term password (RFC 8489 9.1).
    pub fn integrity(&self, password: &str) -> Integrity {
        match self.0.validate_integrity(&short_term(password)) {
            Ok(_) => Integrity::Valid,
            Err(ValidateError::Parse(StunParseError::MissingAttribute(_))) => Integrity::Missing,
            Err(_) => Integrity::Wrong,
        }
    }

    /// Types of the attributes that must be understood and are not (RFC 8489 6.3.1).
    pub fn not_understood(&self) -> Vec<u16> {
        let types = self.0.iter_attributes().map(|(_, raw)| raw.get_type());
        let mut unknown: Vec<u16> = types
            .filter(|kind| kind.comprehension_required() && !UNDERSTOOD.contains(&kind.value()))
            .map(|kind| kind.value())
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    fn integrity_algorithm(&self) -> IntegrityAlgorithm {
        if self.has(MESSAGE_INTEGRITY_SHA256) {
            IntegrityAlgorithm::Sha256
        } else {
            IntegrityAlgorithm::Sha1
        }
    }
}

fn short_term(password: &str) -> MessageIntegrityCredentials {
    ShortTermCredentials::new(password.to_owned()).into()
}

const ORDER: &str = "integrity and fingerprint are written last and all attributes fit a message";

struct Writer(MessageWriteVec);

impl Writer {
    fn new(class: MessageClass, transaction: u128) -> Self {
        let kind = MessageType::from_class_method(class, BINDING);
        Self(Message::builder(kind, transaction.into(), MessageWriteVec::new()))
    }

    fn raw(mut self, attribute: u16, value: &[u8]) -> Self {
        self.0
            .add_attribute(&RawAttribute::new(AttributeType::new(attribute), value))
            .expect(ORDER);
        self
    }

    fn mapped(mut self, mapped: SocketAddr, transaction: u128) -> Self {
        self.0
            .add_attribute(&XorMappedAddress::new(mapped, transaction.into()))
            .expect(ORDER);
        self
    }

    fn error(self, code: u16) -> Self {
        // ERROR-CODE: two reserved bytes, class, number, reason (RFC 8489 14.8)
        let mut value = vec![0, 0, (code / 100) as u8 & 7, (code % 100) as u8];
        value.extend_from_slice(reason(code).as_bytes());
        self.raw(ERROR_CODE, &value)
    }

    fn integrity(mut self, password: &str, algorithm: IntegrityAlgorithm) -> Self {
        self.0
            .add_message_integrity(&short_term(password), algorithm)
            .expect(ORDER);
        self
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.add_fingerprint().expect(ORDER);
        self.0.finish()
    }
}

const fn reason(code: u16) -> &'static str {
    match code {
        400 => "Bad Request",
        401 => "Unauthenticated",
        420 => "Unknown Attribute",
        487 => "Role Conflict",
        500 => "Server Error",
        _ => "Refused",
    }
}

/// What a connectivity check carries (RFC 8445 7.2.2 and 7.2.4).
pub(crate) struct Check<'a> {
    pub(crate) transaction: u128,
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) priority: u32,
    pub(crate) role: Role,
    pub(crate) tie_breaker: u64,
    pub(crate) use_candidate: bool,
}

impl Check<'_> {
    pub(crate) fn write(&self) -> Vec<u8> {
        let role = match self.role {
            Role::Controlling => ICE_CONTROLLING,
            Role::Controlled => ICE_CONTROLLED,
        };
        let writer = Writer::new(MessageClass::Request, self.transaction)
            .raw(USERNAME, self.username.as_bytes())
            .raw(PRIORITY, &self.priority.to_be_bytes())
            .raw(role, &self.tie_breaker.to_be_bytes());
        let writer = if self.use_candidate {
            writer.raw(USE_CANDIDATE, &[])
        } else {
            writer
        };
        writer.integrity(self.password, IntegrityAlgorithm::Sha1).finish()
    }
}

/// A success response to a Binding request; with the request's kind of integrity when a password is given.
pub(crate) fn success(
    request: &StunMessage<'_>,
    mapped: SocketAddr,
    password: Option<&str>,
    software: Option<&str>,
) -> Vec<u8> {
    let transaction = request.transaction();
    let mut writer = Writer::new(MessageClass::Success, transaction).mapped(mapped, transaction);
    if let Some(software) = software {
        writer = writer.raw(SOFTWARE, software.as_bytes());
    }
    if let Some(password) = password {
        writer = writer.integrity(password, request.integrity_algorithm());
    }
    writer.finish()
}

/// An error response; `unknown` is for code 420.
pub(crate) fn error(
    request: &StunMessage<'_>,
    code: u16,
    unknown: &[u16],
    password: Option<&str>,
) -> Vec<u8> {
    let mut writer = Writer::new(MessageClass::Error, request.transaction()).error(code);
    if !unknown.is_empty() {
        let list: Vec<u8> = unknown
            .iter()
            .take(64)
            .flat_map(|kind| kind.to_be_bytes())
            .collect();
        writer = writer.raw(UNKNOWN_ATTRIBUTES, &list);
    }
    if let Some(password) = password {
        writer = writer.integrity(password, request.integrity_algorithm());
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_says_what_it_was_given() {
        let check = Check {
            transaction: 0x1234,
            username: "them:us",
            password: "VOkJxbRl1RmTxUk/WvJxBt",
            priority: 0x6e00_01ff,
            role: Role::Controlling,
            tie_breaker: 77,
            use_candidate: true,
        };
        let bytes = check.write();
        let read = StunMessage::parse(&bytes).expect("own message");
        assert_eq!(
            (read.class(), read.is_binding(), read.transaction()),
            (Class::Request, true, 0x1234)
        );
        assert_eq!(read.username().as_deref(), Some("them:us"));
        assert_eq!(
            (read.priority(), read.role()),
            (Some(0x6e00_01ff), Some((Role::Controlling, 77)))
        );
        assert!(read.use_candidate() && read.not_understood().is_empty());
        assert_eq!(read.integrity("VOkJxbRl1RmTxUk/WvJxBt"), Integrity::Valid);
        assert_eq!(read.integrity("VOkJxbRl1RmTxUk/WvJxBu"), Integrity::Wrong);
    }

    #[test]
    fn an_error_response_lists_what_was_not_understood() {
        let request = Writer::new(MessageClass::Request, 9).raw(0x7777, &[1]).finish();
        let request = StunMessage::parse(&request).expect("own message");
        assert_eq!(request.not_understood(), [0x7777]);
        assert_eq!(request.integrity("x"), Integrity::Missing);
        let bytes = error(&request, 420, &request.not_understood(), None);
        let read = StunMessage::parse(&bytes).expect("own message");
        assert_eq!(
            (read.class(), read.error_code(), read.transaction()),
            (Class::Error, Some(420), 9)
        );
        assert_eq!(read.value(UNKNOWN_ATTRIBUTES), Some(vec![0x77, 0x77]));
    }

    #[test]
    fn lengths_and_fingerprint_are_checked() {
        let mut bytes = Writer::new(MessageClass::Indication, 9).finish();
        assert!(StunMessage::parse(&bytes).is_ok());
        bytes.push(0);
        assert_eq!(StunMessage::parse(&bytes).err(), Some(StunError::Length));
        bytes.pop();
        *bytes.last_mut().expect("not empty") ^= 1;
        assert_eq!(StunMessage::parse(&bytes).err(), Some(StunError::Fingerprint));
        assert_eq!(StunMessage::parse(&[0x80; 40]).err(), Some(StunError::NotStun));
    }
}
