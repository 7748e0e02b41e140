//! What the areas need of a message, read once.

use std::net::SocketAddr;
use std::sync::Arc;

use voxproof_sip::sdp::Description;
use voxproof_sip::{CSeq, HeaderView, NameAddr, OwnView, StartLine, Via};

use crate::catalogue::Id;
use crate::ledger::{Ledger, Spot};
use crate::observation::Transport;
use crate::reading::Reading;
use crate::text;

pub(crate) struct Facts<'a> {
    pub(crate) message: &'a Reading<'a>,
    pub(crate) from_device: bool,
    pub(crate) transport: Transport,
    pub(crate) source: SocketAddr,
    pub(crate) spot: Spot,
    pub(crate) is_request: bool,
    /// Method of the request, or of the CSeq of a response; empty when there is none.
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    /// 0 for a request.
    pub(crate) status: u16,
    pub(crate) call_id: &'a str,
    pub(crate) cseq: Option<CSeq>,
    pub(crate) from: Option<Arc<NameAddr>>,
    pub(crate) to: Option<Arc<NameAddr>>,
    pub(crate) via: Option<Via>,
    pub(crate) hash: u64,
    pub(crate) description: Option<Arc<Description>>,
}

impl<'a> Facts<'a> {
    /// `None` when the start line is neither a request nor a status line.
    pub(crate) fn new(
        message: &'a Reading<'a>,
        from_device: bool,
        transport: Transport,
        source: SocketAddr,
        spot: Spot,
    ) -> Option<Self> {
        let cseq = message.header("cseq").and_then(|value| OwnView.cseq(value).ok());
        let (is_request, method, uri, status) = match message.message().start_line() {
            StartLine::Request { method, uri, .. } => (true, method, uri, 0),
            StartLine::Response { status, .. } => {
                (false, message.cseq_method().unwrap_or_default(), "", status)
            }
            StartLine::Malformed(_) => return None,
        };
        let address = |name| {
            message
                .header(name)
                .and_then(|value| OwnView.name_addr(value).ok())
                .map(Arc::new)
        };
        Some(Self {
            message,
            from_device,
            transport,
            source,
            spot,
            is_request,
            method,
            uri,
            status,
            call_id: message.call_id().unwrap_or_default(),
            cseq,
            from: address("from"),
            to: address("to"),
            via: message
                .header("via")
                .and_then(|value| OwnView.via(first_value(value)).ok()),
            hash: text::hash(&message.bytes()),
            description: message.sdp().and_then(Result::ok).map(Arc::new),
        })
    }

    pub(crate) fn tag_of_from(&self) -> Option<&str> {
        self.from.as_ref().and_then(|from| from.tag())
    }

    pub(crate) fn tag_of_to(&self) -> Option<&str> {
        self.to.as_ref().and_then(|to| to.tag())
    }

    pub(crate) fn number(&self) -> u32 {
        self.cseq.as_ref().map_or(0, |cseq| cseq.number)
    }

    pub(crate) fn branch(&self) -> &str {
        self.via.as_ref().and_then(Via::branch).unwrap_or_default()
    }

    /// The device's tag and the lab's, as far as they are set. From is the side that sent the request.
    pub(crate) fn tags(&self) -> (Option<&str>, Option<&str>) {
        if self.from_device == self.is_request {
            (self.tag_of_from(), self.tag_of_to())
        } else {
            (self.tag_of_to(), self.tag_of_from())
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.message.header(name).is_some()
    }

    /// Whether an option tag stands in a list header.
    pub(crate) fn lists(&self, name: &str, element: &str) -> bool {
        text::lists(self.message, name, element)
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

fn first_value(value: &str) -> &str {
    // no via-parm holds a quoted comma in practice, and a wrong cut is refused by the view
    value.split(',').next().unwrap_or(value).trim()
}

/// A message of the device while it is judged.
pub(crate) struct Context<'m, 'l> {
    pub(crate) facts: &'l Facts<'m>,
    pub(crate) ledger: &'l mut Ledger,
}

impl Context<'_, '_> {
    #[inline]
    pub(crate) fn check(&mut self, id: Id, holds: bool, message: impl FnOnce() -> String) {
        self.ledger.check(id, self.facts.spot, holds, message);
    }
}
