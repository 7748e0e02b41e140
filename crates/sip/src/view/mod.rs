//! Typed views of one header value, behind a trait so that the parser underneath can be exchanged.

mod own;
mod with_rsip;

pub use own::OwnView;
pub use with_rsip::RsipView;

use crate::finding::Finding;
use crate::header::{CSeq, NameAddr, Via};
use crate::uri::Uri;

/// Reads one already unfolded header value.
pub trait HeaderView {
    /// One Via value (no comma list).
    ///
    /// # Errors
    /// A finding that names the clause the value breaks.
    fn via(&self, value: &str) -> Result<Via, Finding>;

    /// One `From`, `To`, `Contact`, `Route` or similar value (no comma list).
    ///
    /// # Errors
    /// A finding that names the clause the value breaks.
    fn name_addr(&self, value: &str) -> Result<NameAddr, Finding>;

    /// A CSeq value.
    ///
    /// # Errors
    /// A finding that names the clause the value breaks.
    fn cseq(&self, value: &str) -> Result<CSeq, Finding>;

    /// A URI without brackets.
    ///
    /// # Errors
    /// A finding that names the clause the value breaks.
    fn uri(&self, value: &str) -> Result<Uri, Finding>;
}

/// What [`Message`](crate::Message) uses: rsip for the plain values it is right about, the own parser for the rest
/// (IPv6, unknown methods and transports, quoted parameters, escapes, URI headers, other schemes).
#[derive(Debug, Clone, Copy, Default)]
pub struct CombinedView;

impl HeaderView for CombinedView {
    fn via(&self, value: &str) -> Result<Via, Finding> {
        RsipView.via(value).or_else(|_| OwnView.via(value))
    }

    fn name_addr(&self, value: &str) -> Result<NameAddr, Finding> {
        RsipView.name_addr(value).or_else(|_| OwnView.name_addr(value))
    }

    fn cseq(&self, value: &str) -> Result<CSeq, Finding> {
        RsipView.cseq(value).or_else(|_| OwnView.cseq(value))
    }

    fn uri(&self, value: &str) -> Result<Uri, Finding> {
        RsipView.uri(value).or_else(|_| OwnView.uri(value))
    }
}
