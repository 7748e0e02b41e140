//! Calls that replace another one (RFC 3891).

use std::time::Duration;

use voxproof_sip::{Dialog, Message};

use crate::Fault;
use crate::call::{CallKey, Stage};
use crate::phone::Phone;

/// The dialog a Replaces header names, from its recipient's view.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Replaced {
    call_id: String,
    to_tag: String,
    from_tag: String,
    early_only: bool,
}

impl Replaced {
    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        let call_id = parts.next().filter(|call_id| !call_id.is_empty())?.to_owned();
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "to-tag" => to_tag = Some(value.trim().to_owned()),
                "from-tag" => from_tag = Some(value.trim().to_owned()),
                "early-only" => early_only = true,
                _ => {}
            }
        }
        Some(Self {
            call_id,
            to_tag: to_tag?,
            from_tag: from_tag?,
            early_only,
        })
    }

    fn names(&self, dialog: &Dialog) -> bool {
        dialog.call_id == self.call_id
            && dialog.local_tag == self.to_tag
            && dialog.remote_tag == self.from_tag
    }
}

/// What names this dialog to its other side (RFC 3891 6.1).
pub(crate) fn replaces_value(dialog: &Dialog) -> String {
    format!(
        "{};to-tag={};from-tag={}",
        dialog.call_id, dialog.remote_tag, dialog.local_tag
    )
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
        let replaced = Replaced::parse(value).ok_or(400_u16)?;
        let matching = self.calls.iter().find(|call| {
            let early = call.placed.iter().flat_map(|placed| &placed.early);
            call.dialog
                .iter()
                .chain(early.map(|early| &early.dialog))
                .any(|dialog| replaced.names(dialog))
        });
        match matching.map(|call| (call.key, call.stage)) {
            Some((_, Stage::Established)) if replaced.early_only => Err(486),
            Some((key, Stage::Established | Stage::Dialing)) => Ok(Some(key)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_in_any_order() {
        let replaced = Replaced::parse("a@b; from-tag=f ;early-only;To-Tag=t").unwrap();
        assert_eq!(
            (
                replaced.call_id.as_str(),
                replaced.to_tag.as_str(),
                replaced.from_tag.as_str()
            ),
            ("a@b", "t", "f")
        );
        assert!(replaced.early_only);
        for broken in [
            "",
            ";to-tag=a;from-tag=b",
            "a@b",
            "a@b;to-tag=x",
            "a@b;from-tag=x",
        ] {
            assert_eq!(Replaced::parse(broken), None, "{broken:?}");
        }
    }
}
