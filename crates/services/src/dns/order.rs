//! What a case orders the DNS server to do.

use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};

use super::record::{domain_name, record_type};
use super::{DnsRecord, RecordError};

/// Changes what is served. Failure and delay are set anew by every order: one that names none ends them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsOrder {
    /// Forgets all records first.
    pub replace: bool,
    /// Records withdrawn.
    pub withdraw: Vec<Selection>,
    /// Records served from now on, in this order. They replace what was served by the same name and type.
    pub records: Vec<DnsRecord>,
    /// What is done instead of answering.
    pub failure: DnsFailure,
    /// How long every answer waits.
    pub delay: Duration,
    /// The queries that failure and delay meet.
    pub scope: Selection,
    /// How many queries they meet; without a number all.
    pub times: Option<u32>,
}

/// What the server does instead of answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsFailure {
    /// It answers.
    #[default]
    None,
    /// Response code 2.
    ServFail,
    /// Response code 3, whatever the zone holds.
    NxDomain,
    /// Response code 5.
    Refused,
    /// Response code 4.
    NotImplemented,
    /// Response code 1.
    FormatError,
    /// No error and no records, whatever the zone holds.
    NoData,
    /// Over UDP no records and TC: the client has to come over TCP (RFC 7766 5).
    Truncate,
    /// No answer.
    Drop,
}

/// Names and types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    name: Option<Name>,
    kind: Option<RecordType>,
}

impl Selection {
    /// Those of this name and this type; each one if not given.
    ///
    /// # Errors
    /// [`RecordError::Name`], [`RecordError::Type`].
    pub fn new(name: Option<&str>, kind: Option<&str>) -> Result<Self, RecordError> {
        Ok(Self {
            name: name.map(domain_name).transpose()?,
            kind: kind.map(record_type).transpose()?,
        })
    }

    pub(super) fn meets(&self, name: &Name, kind: RecordType) -> bool {
        self.name.as_ref().is_none_or(|own| own == name) && self.kind.is_none_or(|own| own == kind)
    }
}
