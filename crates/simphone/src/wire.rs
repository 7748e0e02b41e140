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
        if !self.has(Fault::FailureNotRetransmitted) && !self.has(Fault::NoAckToFailure) {
            return true;
        }
        let message = Message::parse(bytes);
        if message.method() == Some("ACK") {
            return !self.unacknowledged.contains(&key(&message));
        }
        let failure =
            message.cseq_method() == Some("INVITE") && message.status().is_some_and(|status| status >= 300);
        !(failure && self.has(Fault::FailureNotRetransmitted))
            || remember(&mut self.failures_sent, key(&message))
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
