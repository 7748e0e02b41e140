//! Calls that replace another one (RFC 3891).

use std::time::Duration;

use voxproof_sip::headers::Replaces;
use voxproof_sip::{Dialog, Message};

use crate::Fault;
use crate::call::{CallKey, Stage};
use crate::phone::Phone;

/// What names this dialog to its other side (RFC 3891 6.1).
pub(crate) fn replacing(dialog: &Dialog) -> Replaces {
    Replaces {
        call_id: dialog.call_id.clone(),
        to_tag: dialog.remote_tag.clone(),
        from_tag: dialog.local_tag.clone(),
        early_only: false,
    }
}

impl Phone {
    /// The call an INVITE is to replace (RFC 3891 3), `None` for an ordinary one.
    ///
    /// # Errors
    /// The status that refuses the INVITE.
    pub(crate) fn call_replaced_by(&self, invite: &Message) -> Result<Option<CallKey>, u16> {
        let values: Vec<&str> = invite.headers("replaces").collect();
        let value = match values.as_slice() {
            [] => return Ok(None),
            _ if self.has(Fault::ReplacesIgnored) => return Ok(None),
            [value] if invite.header("join").is_none() => value,
            _ => return Err(400),
        };
        let replaced = Replaces::parse(value).map_err(|_| 400_u16)?;
        let matching = self.calls.iter().find(|call| {
            let early = call.placed.iter().flat_map(|placed| &placed.early);
            call.dialog
                .iter()
                .chain(early.map(|early| &early.dialog))
                .any(|dialog| replaced.matches(&dialog.call_id, &dialog.local_tag, &dialog.remote_tag))
        });
        match matching.map(|call| (call.key, call.stage)) {
            Some((_, Stage::Established)) if replaced.early_only => Err(486),
            Some((key, Stage::Established | Stage::Dialing)) => Ok(Some(key)),
            Some((key, Stage::Ringing)) if self.has(Fault::EarlyReplacesAccepted) => Ok(Some(key)),
            // an early dialog that we did not initiate, or one that is over
            Some(_) => Err(481),
            None if self.has(Fault::ReplacesUnmatchedAccepted) => Ok(None),
            None => Err(481),
        }
    }

    /// Ends the call that a new one has replaced.
    pub(crate) fn end_replaced(&mut self, now: Duration, key: CallKey) {
        if !self.has(Fault::ReplacesKeepsOldCall) {
            self.hang_up(now, key, 480);
        }
    }
}
