//! From the bytes of a query to the bytes of the answer.

use std::fmt;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, RecordType};

use super::{DnsFailure, Zone};

/// The length of a header (RFC 1035 4.1.1).
const HEADER: usize = 12;
/// What fits into a datagram without EDNS (RFC 1035 2.3.4).
const MAX_PLAIN: usize = 512;
/// The largest datagram that is sent and announced with EDNS: it needs no fragments on any path (RFC 9715 3.1).
const MAX_EDNS: u16 = 1232;

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsTransport {
    /// In a datagram.
    Udp,
    /// On a connection (RFC 7766).
    Tcp,
}

impl fmt::Display for DnsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

/// What the server makes of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsReply {
    /// The answer. None when there is to be none.
    pub bytes: Option<Vec<u8>>,
    /// How long it has to wait.
    pub delay: Duration,
    /// What was asked and answered.
    pub query: DnsQuery,
}

/// A query and its treatment, for evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsQuery {
    /// Identifier; 0 of a query without one.
    pub id: u16,
    /// The name as it was written. Empty if it could not be read.
    pub name: String,
    /// The type, such as `SRV`. Empty if it could not be read.
    pub kind: String,
    /// The payload size the client announced (RFC 6891 6.2.3), octets.
    pub edns: Option<u16>,
    /// The response code (`NOERROR`, `NXDOMAIN`, ...), with `truncated` or `no data` behind it where so; or `dropped`, or
    /// `ignored` with the reason.
    pub outcome: String,
    /// The records of the answer section: type and value.
    pub answers: Vec<String>,
}

/// Answers one query at a lab time.
pub fn respond(query: &[u8], transport: DnsTransport, zone: &mut Zone, now: Duration) -> DnsReply {
    let Some(header) = query.first_chunk::<HEADER>() else {
        return ignored(0, "shorter than a header");
    };
    let id = u16::from_be_bytes([header[0], header[1]]);
    // an answer to an answer would go round for ever
    if header[2] & 0x80 != 0 {
        return ignored(id, "not a query");
    }
    let Ok(query) = Message::from_vec(query) else {
        let opcode = OpCode::from_u8((header[2] >> 3) & 0x0f);
        let mut answer = Answer::new(Message::response(id, opcode), transport);
        answer.message.metadata.recursion_desired = header[2] & 1 != 0;
        return answer.code(ResponseCode::FormErr);
    };
    answer(&query, transport, zone, now)
}

fn answer(query: &Message, transport: DnsTransport, zone: &mut Zone, now: Duration) -> DnsReply {
    let mut response = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    response.metadata = Metadata::response_from_request(&query.metadata);
    let mut answer = Answer::new(response, transport);
    if let Some(edns) = &query.edns {
        answer.accept(edns);
    }
    if query.metadata.op_code != OpCode::Query {
        return answer.code(ResponseCode::NotImp);
    }
    // more than one question was never defined (RFC 9619)
    let [question] = query.queries.as_slice() else {
        return answer.code(ResponseCode::FormErr);
    };
    let (name, kind) = (question.name(), question.query_type());
    answer.record.name = name.to_ascii();
    answer.record.kind = kind.to_string();
    answer.message.add_query(question.clone());
    if query.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
        return answer.code(ResponseCode::BADVERS);
    }
    let class = question.query_class();
    let transfer = matches!(kind, RecordType::AXFR | RecordType::IXFR);
    if !matches!(class, DNSClass::IN | DNSClass::ANY) || transfer || !zone.holds(name) {
        return answer.code(ResponseCode::Refused);
    }
    let (failure, delay) = zone.treatment(name, kind);
    answer.delay = delay;
    match failure {
        DnsFailure::None => {}
        DnsFailure::Drop => return answer.dropped(),
        DnsFailure::ServFail => return answer.code(ResponseCode::ServFail),
        DnsFailure::Refused => return answer.code(ResponseCode::Refused),
        DnsFailure::NotImplemented => return answer.code(ResponseCode::NotImp),
        DnsFailure::FormatError => return answer.code(ResponseCode::FormErr),
        DnsFailure::NxDomain => return answer.nothing(ResponseCode::NXDomain, zone),
        DnsFailure::NoData => return answer.nothing(ResponseCode::NoError, zone),
        DnsFailure::Truncate if transport == DnsTransport::Tcp => {}
        DnsFailure::Truncate => return answer.truncated(),
    }
    let found = zone.look_up(name, kind, now);
    answer.record.answers = found
        .answers
        .iter()
        .map(|record| format!("{} {}", record.record_type(), value_of(&record.data)))
        .collect();
    answer.message.metadata.authoritative = true;
    answer.message.answers = found.answers;
    answer.message.additionals = found.additionals;
    if found.found {
        return answer.code(ResponseCode::NoError);
    }
    let code = if found.exists {
        ResponseCode::NoError
    } else {
        ResponseCode::NXDomain
    };
    answer.nothing(code, zone)
}

/// An answer in the making.
struct Answer {
    message: Message,
    transport: DnsTransport,
    limit: usize,
    delay: Duration,
    record: DnsQuery,
}

impl Answer {
    fn new(message: Message, transport: DnsTransport) -> Self {
        let record = DnsQuery {
            id: message.metadata.id,
            ..DnsQuery::default()
        };
        Self {
            message,
            transport,
            limit: MAX_PLAIN,
            delay: Duration::ZERO,
            record,
        }
    }

    fn accept(&mut self, theirs: &Edns) {
        self.record.edns = Some(theirs.max_payload());
        self.limit = usize::from(theirs.max_payload().clamp(512, MAX_EDNS));
        let mut own = Edns::new();
        own.set_max_payload(MAX_EDNS);
        self.message.set_edns(own);
    }

    fn code(mut self, code: ResponseCode) -> DnsReply {
        self.message.metadata.response_code = code;
        self.record.outcome = name_of(code).to_owned();
        self.finish()
    }

    /// The name is not there, or not with this type.
    fn nothing(mut self, code: ResponseCode, zone: &Zone) -> DnsReply {
        self.message.metadata.response_code = code;
        self.message.metadata.authoritative = true;
        self.message.add_authority(zone.authority());
        self.record.outcome = match code {
            ResponseCode::NoError => "NOERROR no data".to_owned(),
            other => name_of(other).to_owned(),
        };
        self.finish()
    }

    fn truncated(mut self) -> DnsReply {
        self.record.outcome = "NOERROR".to_owned();
        self.truncate();
        self.finish()
    }

    fn truncate(&mut self) {
        self.message = self.message.truncate();
        self.record.outcome.push_str(" truncated");
        self.record.answers.clear();
    }

    fn dropped(mut self) -> DnsReply {
        self.record.outcome = "dropped".to_owned();
        DnsReply {
            bytes: None,
            delay: Duration::ZERO,
            query: self.record,
        }
    }

    fn finish(mut self) -> DnsReply {
        let limit = match self.transport {
            DnsTransport::Udp => self.limit,
            DnsTransport::Tcp => usize::from(u16::MAX),
        };
        let fits = |message: &Message| message.to_vec().ok().filter(|bytes| bytes.len() <= limit);
        let mut bytes = fits(&self.message);
        if bytes.is_none() && !self.message.additionals.is_empty() {
            // what was not asked for is left out without a word (RFC 2181 9)
            self.message.additionals.clear();
            bytes = fits(&self.message);
        }
        if bytes.is_none() {
            self.truncate();
            bytes = fits(&self.message);
        }
        if bytes.is_none() {
            self.record.outcome = "ignored: no answer can be written".to_owned();
        }
        DnsReply {
            bytes,
            delay: self.delay,
            query: self.record,
        }
    }
}

/// A value as it is written in a zone file.
fn value_of(data: &RData) -> String {
    match data {
        RData::TXT(text) => {
            let strings: Vec<_> = text
                .txt_data
                .iter()
                .map(|string| format!("{:?}", String::from_utf8_lossy(string)))
                .collect();
            strings.join(" ")
        }
        other => other.to_string(),
    }
}

fn ignored(id: u16, reason: &str) -> DnsReply {
    DnsReply {
        bytes: None,
        delay: Duration::ZERO,
        query: DnsQuery {
            id,
            outcome: format!("ignored: {reason}"),
            ..DnsQuery::default()
        },
    }
}

/// The registered names (RFC 6895 2.3).
fn name_of(code: ResponseCode) -> &'static str {
    match code {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        ResponseCode::BADVERS => "BADVERS",
        _ => "other",
    }
}
