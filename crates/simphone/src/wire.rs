//! Faults below the transaction layer: what is dropped or answered before the phone's own logic sees it.

use std::collections::{BTreeSet, HashSet};

use voxproof_sip::{Builder, IdSource, Message, default_reason};

use crate::Fault;

/// How many identifiers are remembered; a phone in a test never gets near.
const MEMORY: usize = 10_000;

/// The faulty part of the wire.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    faults: BTreeSet<Fault>,
    invites: HashSet<String>,
    failures_sent: HashSet<String>,
    unacknowledged: HashSet<String>,
    byes: HashSet<String>,
    /// Requests that were sent, by method and branch.
    sent: HashSet<String>,
}

/// What becomes of a datagram that has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Pass,
    Drop,
    Answer(Vec<u8>),
}

impl Wire {
    pub(crate) fn new(faults: &BTreeSet<Fault>) -> Self {
        Self {
            faults: faults.clone(),
            ..Self::default()
        }
    }

    /// Looks at a message before the transaction layer does.
    pub(crate) fn arriving(&mut self, message: &Message, ids: &mut IdSource) -> Arrival {
        if message.method() == Some("INVITE") && message.to().is_some_and(|to| to.tag().is_none()) {
            return self.arriving_invite(message, ids);
        }
        if message.method() == Some("BYE")
            && self.has(Fault::ByeRepeat481)
            && !remember(&mut self.byes, key(message))
        {
            let unknown = Builder::response_to(message, 481, default_reason(481)).build();
            return Arrival::Answer(unknown);
        }
        // authentication and cancelling are other behaviours: their ACKs go out
        let refused = message.cseq_method() == Some("INVITE")
            && message
                .status()
                .is_some_and(|status| status >= 400 && !matches!(status, 401 | 407 | 487));
        if refused && self.has(Fault::NoAckToFailure) {
            remember(&mut self.unacknowledged, key(message));
        }
        Arrival::Pass
    }

    /// Whether a message may go out.
    pub(crate) fn departs(&mut self, bytes: &[u8]) -> bool {
        const FAULTS: [Fault; 5] = [
            Fault::FailureNotRetransmitted,
            Fault::NoAckToFailure,
            Fault::FailureAckNotRepeated,
            Fault::InviteNotRetransmitted,
            Fault::ByeNotRetransmitted,
        ];
        if !FAULTS.iter().any(|fault| self.has(*fault)) {
            return true;
        }
        let message = Message::parse(bytes);
        if self.is_withheld_repetition(&message) {
            return false;
        }
        if message.method() == Some("ACK") {
            return !self.unacknowledged.contains(&key(&message));
        }
        let failure =
            message.cseq_method() == Some("INVITE") && message.status().is_some_and(|status| status >= 300);
        !(failure && self.has(Fault::FailureNotRetransmitted))
            || remember(&mut self.failures_sent, key(&message))
    }

    /// Whether this request has gone out before and a fault keeps its repetitions back.
    fn is_withheld_repetition(&mut self, message: &Message) -> bool {
        let fault = match message.method() {
            Some("INVITE") => Fault::InviteNotRetransmitted,
            Some("BYE") => Fault::ByeNotRetransmitted,
            // an ACK to a failure has the branch of its INVITE, that to a 2xx has not (RFC 3261 17.1.1.3)
            Some("ACK") if self.sent.contains(&format!("INVITE {}", key(message))) => {
                Fault::FailureAckNotRepeated
            }
            _ => return false,
        };
        let method = message.method().unwrap_or_default();
        let first = remember(&mut self.sent, format!("{method} {}", key(message)));
        !first && self.has(fault)
    }

    fn arriving_invite(&mut self, invite: &Message, ids: &mut IdSource) -> Arrival {
        if self.has(Fault::NeverAnswers) {
            return Arrival::Drop;
        }
        if self.has(Fault::AnswersGarbage) {
            return Arrival::Answer(b"\x16\x03\x01 not sip at all \xff\xfe\r\n\r\n".to_vec());
        }
        if self.has(Fault::DuplicateInviteSecondAnswer) && !remember(&mut self.invites, key(invite)) {
            let busy = Builder::response_to(invite, 486, default_reason(486))
                .to_tag(&ids.tag())
                .build();
            return Arrival::Answer(busy);
        }
        Arrival::Pass
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

/// Whether it was new.
fn remember(set: &mut HashSet<String>, key: String) -> bool {
    if set.len() >= MEMORY {
        set.clear();
    }
    set.insert(key)
}

fn key(message: &Message) -> String {
    let branch = message
        .top_via()
        .and_then(|via| via.branch().map(str::to_owned))
        .unwrap_or_default();
    format!("{branch} {}", message.call_id().unwrap_or_default())
}
