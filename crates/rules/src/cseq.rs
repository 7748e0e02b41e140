//! CSeq of the device's requests (RFC 3261 8.1.1.5, 12.2.1.1).

use crate::catalogue::Id;
use crate::facts::Context;
use crate::text::shown;

pub(crate) fn check(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let Some(value) = facts.message.header("cseq") else {
        return;
    };
    cx.check(Id::CseqForm, facts.cseq.is_some(), || {
        format!("CSeq {} is not a number and a method", shown(value))
    });
    let Some(cseq) = &facts.cseq else { return };
    cx.check(Id::CseqMethod, cseq.method == facts.method, || {
        format!("CSeq says {}, the request line {}", cseq.method, facts.method)
    });
    cx.check(Id::CseqRange, cseq.number < 1 << 31, || {
        format!("CSeq number {} is not below 2**31", cseq.number)
    });
}

/// The next request of the device in a dialog; ACK and CANCEL have the number of their INVITE.
pub(crate) fn in_dialog(cx: &mut Context<'_, '_>, last: &mut Option<u32>) {
    let facts = cx.facts;
    let Some(cseq) = &facts.cseq else { return };
    if let Some(last) = *last {
        cx.check(Id::CseqIncreases, cseq.number > last, || {
            format!("CSeq number {}, the last in this dialog was {last}", cseq.number)
        });
        if cseq.number > last {
            cx.check(Id::CseqByOne, cseq.number - last == 1, || {
                format!("CSeq number {}, the last in this dialog was {last}", cseq.number)
            });
        }
    }
    *last = Some(cseq.number.max(last.unwrap_or_default()));
}
