//! Responses of the device next to the request they answer (RFC 3261 8.2.6).

use std::time::Duration;

use crate::catalogue::Id;
use crate::facts::Context;
use crate::fields::is_known_option;
use crate::text;
use crate::transaction::{Final, TIMEOUT, Transaction};
use crate::via;

/// Whether the device just repeated what it had said. Repetitions are only counted.
pub(crate) fn is_again(transaction: &mut Transaction, hash: u64, at: Duration) -> bool {
    if let Some(last) = transaction.last.as_mut().filter(|last| last.hash == hash) {
        last.copies += 1;
        last.last_at = at;
        transaction.owed = None;
        return true;
    }
    if transaction.provisional_hash == hash {
        transaction.owed = None;
        transaction.reliable.again();
        return true;
    }
    false
}

pub(crate) fn check(cx: &mut Context<'_, '_>, transaction: &mut Transaction, translated: bool) {
    if transaction.sound && !transaction.merged {
        copies(cx, transaction);
        if let Some(sent) = transaction.vias.first() {
            via::check_response(cx, sent, transaction.source, translated);
        }
        tags(cx, transaction);
        options(cx, transaction);
    }
    order(cx, transaction);
    let facts = cx.facts;
    if transaction.first_response_at.is_none() {
        transaction.first_response_at = Some(facts.spot.at);
        if transaction.is_invite() {
            let delay = facts.spot.at.saturating_sub(transaction.first.at);
            cx.check(Id::InviteAnswered, true, String::new);
            cx.check(Id::InvitePrompt, delay <= Duration::from_millis(300), || {
                format!(
                    "first response to INVITE after {} ms, expected 100 within 200 ms",
                    delay.as_millis()
                )
            });
        }
    }
    if transaction.owed.take().is_some() {
        cx.check(Id::ResponseAgain, true, String::new);
    }
    if facts.status < 200 {
        transaction.provisional_hash = facts.hash;
    } else if transaction.last.is_none() {
        if !transaction.is_invite() {
            let delay = facts.spot.at.saturating_sub(transaction.first.at);
            cx.check(Id::FinalInTime, delay <= TIMEOUT, || {
                format!(
                    "final response to {} after {} s",
                    transaction.method,
                    delay.as_secs()
                )
            });
        }
        transaction.last = Some(Final {
            status: facts.status,
            spot: facts.spot,
            hash: facts.hash,
            copies: 1,
            last_at: facts.spot.at,
        });
    }
}

fn copies(cx: &mut Context<'_, '_>, transaction: &Transaction) {
    let facts = cx.facts;
    let message = facts.message;
    let back = message.vias();
    cx.check(Id::ResponseVia, via::same(&transaction.vias, back), || {
        let print = |vias: &[voxproof_sip::Via]| {
            vias.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        format!(
            "Via [{}], the request had [{}]",
            print(back),
            print(&transaction.vias)
        )
    });
    if let (Some(sent), Some(back)) = (&transaction.from, &facts.from) {
        let same = text::same_place(&sent.uri, &back.uri) && sent.tag() == back.tag();
        cx.check(Id::ResponseFrom, same, || {
            format!("From {back}, the request had {sent}")
        });
    }
    if let (Some(sent), Some(back)) = (&transaction.to, &facts.to) {
        cx.check(Id::ResponseTo, text::same_place(&sent.uri, &back.uri), || {
            format!("To {back}, the request had {sent}")
        });
    }
    // Call-ID, number and method led to the transaction unless only the branch did
    cx.check(Id::ResponseCall, facts.call_id == transaction.call_id, || {
        format!(
            "Call-ID {:?}, the request had {:?}",
            facts.call_id, transaction.call_id
        )
    });
    let same = facts
        .cseq
        .as_ref()
        .is_some_and(|cseq| cseq.number == transaction.number && cseq.method == transaction.method);
    cx.check(Id::ResponseCseq, same, || {
        format!(
            "CSeq {:?}, the request had {} {}",
            message.header("cseq").unwrap_or_default(),
            transaction.number,
            transaction.method
        )
    });
    let makes_dialog = transaction.tag_of_to().is_none()
        && match transaction.method.as_str() {
            "INVITE" => (101..300).contains(&facts.status) && facts.tag_of_to().is_some(),
            "SUBSCRIBE" | "REFER" => facts.is_success(),
            _ => false,
        };
    if makes_dialog && !transaction.record_routes.is_empty() {
        let back = text::addresses(message, "record-route");
        let same = back.len() == transaction.record_routes.len()
            && back
                .iter()
                .zip(&transaction.record_routes)
                .all(|(one, other)| one.uri.raw == other.uri.raw);
        cx.check(Id::RecordRouteCopied, same, || {
            format!(
                "{} Record-Route values, the request had {} or others",
                back.len(),
                transaction.record_routes.len()
            )
        });
    }
    if facts.status == 100 && transaction.has_timestamp {
        cx.check(Id::TimestampCopied, facts.has("timestamp"), || {
            "100 without the Timestamp of its request".to_owned()
        });
    }
}

fn tags(cx: &mut Context<'_, '_>, transaction: &mut Transaction) {
    let facts = cx.facts;
    if facts.status <= 100 {
        return;
    }
    let tag = facts.tag_of_to();
    cx.check(Id::ToTag, tag.is_some(), || {
        format!("To of {} to {} has no tag", facts.status, transaction.method)
    });
    let Some(tag) = tag else { return };
    match transaction.tag_of_to() {
        Some(sent) => cx.check(Id::ToTagKept, sent == tag, || {
            format!("To tag {tag:?}, the request had {sent:?}")
        }),
        None => {
            let copied = transaction.tag_of_from() == Some(tag);
            cx.check(Id::TagsDiffer, !copied, || {
                format!("To tag {tag:?} is the tag of From")
            });
        }
    }
    match &transaction.response_tag {
        Some(known) => cx.check(Id::ToTagStable, known == tag, || {
            format!("To tag {tag:?}, an earlier response to the same request had {known:?}")
        }),
        None => transaction.response_tag = Some(tag.to_owned()),
    }
}

fn options(cx: &mut Context<'_, '_>, transaction: &Transaction) {
    let facts = cx.facts;
    let knows = |tag: &str| {
        transaction
            .supported
            .iter()
            .chain(&transaction.required)
            .any(|known| known.eq_ignore_ascii_case(tag))
    };
    if facts.has("require") && facts.status != 421 {
        let odd = text::tokens(facts.message, "require").find(|tag| !knows(tag));
        cx.check(Id::RequireSupported, odd.is_none(), || {
            format!(
                "the response requires {:?}, which the request does not support",
                odd.unwrap_or_default()
            )
        });
    }
    if matches!(transaction.method.as_str(), "ACK" | "CANCEL") {
        return;
    }
    let unknown = transaction.required.iter().find(|tag| !is_known_option(tag));
    if let Some(unknown) = unknown
        && facts.status >= 200
    {
        cx.check(Id::RequireAnswered, !facts.is_success(), || {
            format!(
                "{} to a request that requires {unknown:?}, expected 420",
                facts.status
            )
        });
    }
}

fn order(cx: &mut Context<'_, '_>, transaction: &Transaction) {
    let facts = cx.facts;
    if !transaction.is_invite() {
        cx.check(Id::NoProvisional, !(101..200).contains(&facts.status), || {
            format!("{} to {}", facts.status, transaction.method)
        });
        cx.check(Id::NoTimeoutResponse, facts.status != 408, || {
            format!("408 to {}", transaction.method)
        });
    }
    if transaction.merged {
        // the request came by two ways (RFC 3261 8.2.2.2): two transactions, each with a final response of its own
        return;
    }
    if let Some(last) = transaction.last {
        if facts.status < 200 {
            cx.check(Id::FinalIsLast, false, || {
                format!("{} after the final response {}", facts.status, last.status)
            });
        } else {
            cx.check(Id::OneFinal, last.status == facts.status, || {
                format!("{} after the final response {}", facts.status, last.status)
            });
        }
    } else {
        cx.check(Id::FinalIsLast, true, String::new);
        if facts.status >= 200 {
            cx.check(Id::OneFinal, true, String::new);
        }
    }
}

/// Allow of the device against what it does (RFC 3261 20.5).
#[derive(Debug, Default)]
pub(crate) struct Allowed(Vec<String>);

impl Allowed {
    pub(crate) fn learn(&mut self, cx: &Context<'_, '_>) {
        for method in text::tokens(cx.facts.message, "allow") {
            if self.0.len() < 64 && !self.0.iter().any(|known| known == method) {
                self.0.push(method.to_owned());
            }
        }
    }

    pub(crate) fn check(&self, cx: &mut Context<'_, '_>, method: &str) {
        if self.0.is_empty() || cx.facts.status < 200 {
            return;
        }
        let listed = self.0.iter().any(|known| known == method);
        let status = cx.facts.status;
        if listed {
            cx.check(Id::AllowedAnswered, !matches!(status, 405 | 501), || {
                format!("{status} to {method}, which Allow lists")
            });
        }
        if cx.facts.is_success() {
            cx.check(Id::AnsweredAllowed, listed, || {
                format!("{status} to {method}, which Allow does not list")
            });
        }
    }
}

/// The tag of the response to CANCEL is that of the INVITE's responses (RFC 3261 9.2).
pub(crate) fn cancel_tag(cx: &mut Context<'_, '_>, invite: &Transaction) {
    if let (Some(own), Some(known)) = (cx.facts.tag_of_to(), &invite.response_tag) {
        cx.check(Id::CancelTag, own == known, || {
            format!("To tag {own:?} of the response to CANCEL, the INVITE's is {known:?}")
        });
    }
}
