//! What the server knows.

use std::time::Duration;

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::record::domain_name;
use super::{DnsFailure, DnsOrder, DnsRecord, RecordError, Selection};

/// So many aliases are followed (RFC 1034 3.6.2 warns of loops).
const MAX_ALIASES: usize = 8;
const SERVER: &str = "dns.voxproof.invalid.";
const MAILBOX: &str = "hostmaster.voxproof.invalid.";

/// The records below one domain, the root unless told otherwise, and how queries for them are treated at the moment.
#[derive(Clone, Debug)]
pub struct Zone {
    origin: Name,
    records: Vec<DnsRecord>,
    /// How long the absence of a record may be remembered, in seconds (RFC 2308 5). None at all unless told otherwise,
    /// because a case may bring the record in its next step.
    pub negative_ttl: u32,
    /// Whether addresses of the hosts named in an answer go with it (RFC 2782, RFC 3403 4.1: a server may).
    pub additional: bool,
    failure: DnsFailure,
    delay: Duration,
    scope: Selection,
    times: Option<u32>,
}

/// What the zone says to a question.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) answers: Vec<Record>,
    pub(super) additionals: Vec<Record>,
    /// The name that was asked for, or the last one of its aliases, is there.
    pub(super) exists: bool,
    /// It is there with the type that was asked for, or leads out of the zone.
    pub(super) found: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            origin: Name::root(),
            records: Vec::new(),
            negative_ttl: 0,
            additional: true,
            failure: DnsFailure::None,
            delay: Duration::ZERO,
            scope: Selection::default(),
            times: None,
        }
    }
}

impl Zone {
    /// An empty zone of all names.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty zone of a domain; names outside are refused.
    ///
    /// # Errors
    /// [`RecordError::Name`].
    pub fn of(origin: &str) -> Result<Self, RecordError> {
        Ok(Self {
            origin: domain_name(origin)?,
            ..Self::default()
        })
    }

    /// Carries out an order.
    pub fn apply(&mut self, order: DnsOrder) {
        if order.replace {
            self.records.clear();
        }
        self.records.retain(|record| {
            let withdrawn = order
                .withdraw
                .iter()
                .any(|one| one.meets(&record.name, record.record_type()));
            let replaced = order
                .records
                .iter()
                .any(|one| one.name == record.name && one.record_type() == record.record_type());
            !withdrawn && !replaced
        });
        self.records.extend(order.records);
        self.failure = order.failure;
        self.delay = order.delay;
        self.scope = order.scope;
        self.times = order.times;
    }

    pub(super) fn holds(&self, name: &Name) -> bool {
        self.origin.zone_of(name)
    }

    /// What is ordered for this query; counts it.
    pub(super) fn treatment(&mut self, name: &Name, kind: RecordType) -> (DnsFailure, Duration) {
        if !self.scope.meets(name, kind) {
            return (DnsFailure::None, Duration::ZERO);
        }
        match &mut self.times {
            Some(0) => return (DnsFailure::None, Duration::ZERO),
            Some(times) => *times -= 1,
            None => {}
        }
        (self.failure, self.delay)
    }

    /// The record that says how long nothing may be remembered (RFC 2308 3).
    pub(super) fn authority(&self) -> Record {
        // both names are constants of this file
        let fixed = |name| domain_name(name).unwrap_or_else(|_| Name::root());
        let data = SOA::new(
            fixed(SERVER),
            fixed(MAILBOX),
            1,
            3600,
            600,
            86_400,
            self.negative_ttl,
        );
        Record::from_rdata(self.origin.clone(), self.negative_ttl, RData::SOA(data))
    }

    /// Answers a question as an authoritative server does (RFC 1034 4.3.2).
    pub(super) fn look_up(&self, question: &Name, kind: RecordType, now: Duration) -> Lookup {
        let mut lookup = Lookup {
            answers: Vec::new(),
            additionals: Vec::new(),
            exists: true,
            found: true,
        };
        let mut name = question.clone();
        let mut seen: Vec<Name> = Vec::new();
        loop {
            let node = self.node(&name, now);
            let matching: Vec<_> = node
                .iter()
                .filter(|record| kind == RecordType::ANY || record.record_type() == kind)
                .collect();
            if !matching.is_empty() {
                lookup
                    .answers
                    .extend(matching.into_iter().map(|record| served(&name, record)));
                break;
            }
            if kind == RecordType::SOA && name == self.origin {
                lookup.answers.push(self.authority());
                break;
            }
            let alias = node.iter().find_map(|record| match &record.data {
                RData::CNAME(target) => Some((record, target.0.clone())),
                _ => None,
            });
            let Some((record, target)) = alias else {
                lookup.exists = !node.is_empty() || self.exists(&name, now);
                lookup.found = false;
                break;
            };
            lookup.answers.push(served(&name, record));
            seen.push(name);
            if !self.holds(&target) || seen.contains(&target) || seen.len() > MAX_ALIASES {
                break;
            }
            name = target;
        }
        if self.additional {
            lookup.additionals = self.additionals(&lookup.answers, now);
        }
        lookup
    }

    /// The records of a name, those of the closest wildcard if the name itself is not there (RFC 4592 3.3.1).
    fn node(&self, name: &Name, now: Duration) -> Vec<&DnsRecord> {
        let of = |owner: &Name| {
            self.records
                .iter()
                .filter(|record| record.is_there(now) && &record.name == owner)
                .collect::<Vec<_>>()
        };
        if self.exists(name, now) {
            return of(name);
        }
        let mut encloser = name.base_name();
        while !encloser.is_root() && !self.exists(&encloser, now) {
            encloser = encloser.base_name();
        }
        encloser
            .prepend_label("*")
            .map(|wildcard| of(&wildcard))
            .unwrap_or_default()
    }

    /// A name with records, or with such names below it (RFC 8020 2).
    fn exists(&self, name: &Name, now: Duration) -> bool {
        name == &self.origin
            || self
                .records
                .iter()
                .any(|record| record.is_there(now) && name.zone_of(&record.name))
    }

    /// Addresses of the hosts in the answers, and the SRV records that NAPTR records lead to.
    fn additionals(&self, answers: &[Record], now: Duration) -> Vec<Record> {
        let mut found: Vec<Record> = Vec::new();
        let mut add = |name: &Name, kinds: &[RecordType]| {
            let mut added = Vec::new();
            for record in self.node(name, now) {
                let record = if kinds.contains(&record.record_type()) {
                    served(name, record)
                } else {
                    continue;
                };
                if !answers.contains(&record) && !found.contains(&record) {
                    found.push(record.clone());
                    added.push(record);
                }
            }
            added
        };
        const ADDRESSES: &[RecordType] = &[RecordType::A, RecordType::AAAA];
        for answer in answers {
            match &answer.data {
                RData::SRV(srv) => {
                    add(&srv.target, ADDRESSES);
                }
                RData::NS(host) => {
                    add(&host.0, ADDRESSES);
                }
                RData::NAPTR(naptr) => {
                    let kinds = [RecordType::SRV, RecordType::A, RecordType::AAAA];
                    for record in add(&naptr.replacement, &kinds) {
                        if let RData::SRV(srv) = &record.data {
                            add(&srv.target, ADDRESSES);
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }
}

/// The record under the name that was asked for, in the letters it was asked for.
fn served(name: &Name, record: &DnsRecord) -> Record {
    Record::from_rdata(name.clone(), record.ttl, record.data.clone())
}
