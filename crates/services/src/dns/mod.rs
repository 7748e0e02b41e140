//! An authoritative DNS server that answers as a case orders (RFC 1034, RFC 1035).

mod framer;
mod order;
mod record;
mod respond;
mod server;
mod zone;

pub use framer::{Framer, framed};
pub use order::{DnsFailure, DnsOrder, Selection};
pub use record::{DnsRecord, RecordError};
pub use respond::{DnsQuery, DnsReply, DnsTransport, respond};
pub use server::DnsServer;
pub use zone::Zone;
