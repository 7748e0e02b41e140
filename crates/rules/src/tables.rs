//! What the engine remembers, each kind with a limit.

use std::collections::VecDeque;

use crate::bounded::Bounded;
use crate::dialog::{self, Dialog};
use crate::digest::Challenges;
use crate::event::Referral;
use crate::facts::Facts;
use crate::flows::Flows;
use crate::ledger::Ledger;
use crate::offer_answer::Session;
use crate::registration::Registration;
use crate::response::Allowed;
use crate::transaction::Transaction;
use crate::{retransmission, text};

/// Limits of what is remembered; the oldest makes room.
const TRANSACTIONS: usize = 2048;
const DIALOGS: usize = 1024;
const FLOWS: usize = 1024;
pub(crate) const REFERRALS: usize = 64;

#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) transactions: Bounded<u64, Transaction>,
    /// Branches of the device's requests and the transaction they were used for first.
    pub(crate) device_branches: Bounded<u64, u64>,
    pub(crate) lab_branches: Bounded<u64, u64>,
    pub(crate) calls: Bounded<u64, Call>,
    pub(crate) dialogs: Bounded<u64, Dialog>,
    pub(crate) sessions: Bounded<u64, Session>,
    pub(crate) registrations: Bounded<u64, Registration>,
    pub(crate) challenges: Challenges,
    pub(crate) allowed: Allowed,
    pub(crate) referrals: VecDeque<Referral>,
    pub(crate) flows: Flows,
}

/// What is remembered of a Call-ID.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) has_dialog: bool,
    /// An INVITE of the device with this Call-ID was accepted.
    pub(crate) connected: bool,
    /// The last request of the device outside of a dialog.
    pub(crate) last: Option<u64>,
    /// Min-SE of a 422 the device has not acted on.
    pub(crate) least_interval: Option<u32>,
}

impl Tables {
    pub(crate) fn new() -> Self {
        Self {
            transactions: Bounded::new(TRANSACTIONS),
            device_branches: Bounded::new(TRANSACTIONS),
            lab_branches: Bounded::new(2 * TRANSACTIONS),
            calls: Bounded::new(DIALOGS),
            dialogs: Bounded::new(DIALOGS),
            sessions: Bounded::new(DIALOGS),
            registrations: Bounded::new(64),
            challenges: Challenges::default(),
            allowed: Allowed::default(),
            referrals: VecDeque::new(),
            flows: Flows::new(FLOWS),
        }
    }

    pub(crate) fn remember(&mut self, key: u64, transaction: Transaction, ledger: &mut Ledger) {
        let now = transaction.first.at;
        if let Some((_, oldest)) = self.transactions.insert(key, transaction) {
            retransmission::close(&oldest, now, ledger);
        }
    }

    pub(crate) fn session(&mut self, facts: &Facts<'_>) -> &mut Session {
        let key = text::hash(&(facts.call_id, facts.tags().0));
        self.sessions.entry(key, Session::default)
    }
}

/// The dialog a message names with both its tags.
pub(crate) fn dialog_key(facts: &Facts<'_>) -> Option<u64> {
    let (device, lab) = facts.tags();
    Some(dialog::key(facts.call_id, device?, lab?))
}

/// Whether a session description in this method is an offer or an answer; in OPTIONS it only lists abilities.
pub(crate) fn negotiates(method: &str) -> bool {
    matches!(method, "INVITE" | "ACK" | "UPDATE" | "PRACK")
}
