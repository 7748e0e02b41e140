//! All dialogs of one INVITE: early ones by tag, several 2xx through forking (RFC 3261 12.1, 13.2.2.4).

use crate::dialog::Dialog;
use crate::message::Message;

/// So many forks of one INVITE are followed at most.
const MOST_FORKS: usize = 64;

/// What a response did to the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialogChange {
    /// Nothing: 100, no tag, or another call.
    None,
    /// A new early dialog with this tag of the peer.
    Early(String),
    /// One more provisional response in a known early dialog.
    StillEarly(String),
    /// The first 2xx with this tag: the dialog is confirmed. `first`: no other branch had answered before.
    Confirmed {
        /// Tag of the peer.
        tag: String,
        /// Whether it is the one to talk to; the others get ACK and then BYE (RFC 3261 13.2.2.4).
        first: bool,
    },
    /// A repetition of a 2xx: send its ACK again.
    Repeated(String),
    /// A final response without success: the early dialogs are gone (RFC 3261 12.3).
    Refused(u16),
    /// 199: this early dialog is gone, others go on (RFC 6228).
    EarlyTerminated(String),
}

/// One dialog and whether it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The dialog.
    pub dialog: Dialog,
    /// A 2xx has come in it.
    pub confirmed: bool,
}

/// The dialogs that one INVITE of ours has made.
#[derive(Debug, Clone)]
pub struct DialogSet {
    request: Message,
    forks: Vec<Fork>,
}

impl DialogSet {
    /// For an INVITE that was sent.
    pub const fn new(request: Message) -> Self {
        Self {
            request,
            forks: Vec::new(),
        }
    }

    /// The INVITE.
    pub const fn request(&self) -> &Message {
        &self.request
    }

    /// Every dialog that exists, in the order they came up.
    pub fn forks(&self) -> &[Fork] {
        &self.forks
    }

    /// The dialog with this tag of the peer.
    pub fn dialog(&mut self, tag: &str) -> Option<&mut Dialog> {
        self.forks
            .iter_mut()
            .map(|fork| &mut fork.dialog)
            .find(|dialog| dialog.remote_tag == tag)
    }

    /// The first confirmed dialog.
    pub fn confirmed(&self) -> Option<&Dialog> {
        self.forks
            .iter()
            .find(|fork| fork.confirmed)
            .map(|fork| &fork.dialog)
    }

    /// Takes a response to the INVITE.
    pub fn response(&mut self, response: &Message) -> DialogChange {
        let Some(status) = response
            .status()
            .filter(|_| response.cseq_method() == Some("INVITE"))
        else {
            return DialogChange::None;
        };
        if response.call_id() != self.request.call_id() {
            return DialogChange::None;
        }
        if status >= 300 {
            self.forks.retain(|fork| fork.confirmed);
            return DialogChange::Refused(status);
        }
        let tag = response
            .to()
            .and_then(|to| to.tag().map(str::to_owned))
            .unwrap_or_default();
        let success = status >= 200;
        if status == 100 || (tag.is_empty() && !success) {
            return DialogChange::None;
        }
        let known = self.forks.iter().position(|fork| fork.dialog.remote_tag == tag);
        if status == 199 {
            return match known.filter(|index| self.forks.get(*index).is_some_and(|fork| !fork.confirmed)) {
                Some(index) => {
                    self.forks.remove(index);
                    DialogChange::EarlyTerminated(tag)
                }
                None => DialogChange::None,
            };
        }
        let Some(dialog) = Dialog::from_uac(&self.request, response) else {
            return DialogChange::None;
        };
        let first = self.confirmed().is_none();
        let full = self.forks.len() >= MOST_FORKS;
        match known.and_then(|index| self.forks.get_mut(index)) {
            Some(fork) if success && fork.confirmed => DialogChange::Repeated(tag),
            Some(fork) if success => {
                // the route set is computed anew from the 2xx (RFC 3261 13.2.2.4), the numbers stay
                fork.dialog.route_set = dialog.route_set;
                fork.dialog.remote_target = dialog.remote_target;
                fork.confirmed = true;
                DialogChange::Confirmed { tag, first }
            }
            Some(fork) => {
                fork.dialog.refresh_target(response);
                DialogChange::StillEarly(tag)
            }
            None if full => DialogChange::None,
            None => {
                self.forks.push(Fork {
                    dialog,
                    confirmed: success,
                });
                if success {
                    DialogChange::Confirmed { tag, first }
                } else {
                    DialogChange::Early(tag)
                }
            }
        }
    }
}
