//! Which transaction a message belongs to (RFC 3261 17.1.3, 17.2.3).

use crate::header::Via;
use crate::message::Message;

const COOKIE: &str = "z9hG4bK";

/// A client transaction: branch of the top Via and method in CSeq.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ClientKey {
    branch: String,
    method: String,
}

impl ClientKey {
    /// For a request we send or a response we get; a message without branch or CSeq has empty parts.
    pub(super) fn of(message: &Message) -> Self {
        let branch = message
            .top_via()
            .and_then(|via| via.branch().map(str::to_owned))
            .unwrap_or_default();
        Self {
            branch,
            method: message.cseq_method().unwrap_or_default().to_owned(),
        }
    }
}

/// A server transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ServerKey {
    /// Branch, sent-by and method; ACK has the method of its INVITE.
    Branch {
        branch: String,
        sent_by: String,
        method: String,
    },
    /// RFC 2543 peers without the cookie. The To tag is left out: the ACK has one and its INVITE has none, and the
    /// remaining parts tell transactions apart already.
    Legacy {
        uri: String,
        from_tag: String,
        call_id: String,
        number: u32,
        via: String,
        method: String,
    },
}

impl ServerKey {
    /// The key of a request whose top Via is `via`, as if it had this method.
    pub(super) fn with_method(message: &Message, via: &Via, method: &str) -> Self {
        let method = method.to_owned();
        match via.branch() {
            Some(branch)
                if branch
                    .get(..COOKIE.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(COOKIE)) =>
            {
                Self::Branch {
                    branch: branch.to_owned(),
                    sent_by: via.sent_by().to_ascii_lowercase(),
                    method,
                }
            }
            _ => Self::Legacy {
                uri: message.request_uri().unwrap_or_default().to_owned(),
                from_tag: message
                    .from()
                    .and_then(|from| from.tag().map(str::to_owned))
                    .unwrap_or_default(),
                call_id: message.call_id().unwrap_or_default().to_owned(),
                number: message.cseq().map(|cseq| cseq.number).unwrap_or_default(),
                via: via.to_string(),
                method,
            },
        }
    }

    pub(super) fn of(message: &Message, via: &Via) -> Self {
        let method = match message.method() {
            Some("ACK") => "INVITE",
            method => method.unwrap_or_default(),
        };
        Self::with_method(message, via, method)
    }
}
