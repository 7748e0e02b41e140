//! Reliable provisional responses (RFC 3262).

use std::time::Duration;

use crate::catalogue::Id;
use crate::facts::{Context, Facts};
use crate::ledger::{Ledger, Spot};
use crate::transaction::{T1, Transaction};

/// Reliable provisional responses of one INVITE, whichever side sends them.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    /// The last response sent: its number, when, whether it had a session description, and its copies.
    last: Option<Sent>,
    /// Numbers a PRACK may name.
    numbers: Vec<u32>,
}

#[derive(Debug)]
struct Sent {
    number: u32,
    spot: Spot,
    description: bool,
    copies: u32,
    acknowledged: Option<Duration>,
}

impl Reliable {
    pub(crate) fn again(&mut self) {
        if let Some(last) = &mut self.last {
            last.copies += 1;
        }
    }

    pub(crate) fn has_offer(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.description)
    }

    fn take(&mut self, number: u32, facts: &Facts<'_>) {
        if self.numbers.len() < 16 {
            self.numbers.push(number);
        }
        self.last = Some(Sent {
            number,
            spot: facts.spot,
            description: facts.description.is_some(),
            copies: 1,
            acknowledged: None,
        });
    }
}

fn response_number(facts: &Facts<'_>) -> Option<u32> {
    facts.message.header("rseq")?.trim().parse().ok()
}

/// A response of the device to an INVITE.
pub(crate) fn check_response(cx: &mut Context<'_, '_>, invite: &mut Transaction) {
    let facts = cx.facts;
    let tag = facts.lists("require", "100rel");
    let number = facts.has("rseq");
    if facts.status >= 200 {
        let open = invite
            .reliable
            .last
            .as_ref()
            .is_some_and(|last| last.description && last.acknowledged.is_none());
        if invite.reliable.last.is_some() && facts.is_success() {
            cx.check(Id::FinalBeforePrack, !open, || {
                format!(
                    "{} before the PRACK for a provisional response with SDP",
                    facts.status
                )
            });
        }
        return;
    }
    if tag || number {
        cx.check(Id::ReliableForm, tag && number, || {
            format!("{} has only one of Require: 100rel and RSeq", facts.status)
        });
        cx.check(Id::ReliableTrying, facts.status > 100, || {
            "100 is sent reliably".to_owned()
        });
        let asked = |list: &[String]| list.iter().any(|tag| tag.eq_ignore_ascii_case("100rel"));
        cx.check(
            Id::ReliableAsked,
            asked(&invite.supported) || asked(&invite.required),
            || "reliable provisional response, but the INVITE does not support 100rel".to_owned(),
        );
        let Some(number) = response_number(facts) else {
            return;
        };
        let expected = invite
            .reliable
            .last
            .as_ref()
            .map(|last| last.number.wrapping_add(1));
        match expected {
            None => cx.check(Id::ResponseNumber, (1..=0x7fff_ffff).contains(&number), || {
                format!("first RSeq {number}, expected 1 to 2**31-1")
            }),
            Some(expected) => {
                cx.check(Id::ResponseNumber, number == expected, || {
                    format!("RSeq {number}, expected {expected}")
                });
                let open = invite
                    .reliable
                    .last
                    .as_ref()
                    .is_some_and(|last| last.acknowledged.is_none());
                cx.check(Id::ReliableInTurn, !open, || {
                    "a second reliable provisional response before the PRACK for the first".to_owned()
                });
            }
        }
        invite.reliable.take(number, facts);
    }
    if facts.status > 100
        && invite
            .required
            .iter()
            .any(|tag| tag.eq_ignore_ascii_case("100rel"))
    {
        cx.check(Id::ReliableRequired, tag && number, || {
            format!("{} is not reliable, but the INVITE requires 100rel", facts.status)
        });
    }
}

/// A reliable provisional response of the lab.
pub(crate) fn learn_response(facts: &Facts<'_>, invite: &mut Transaction) {
    let new = |last: &Option<Sent>, number| last.as_ref().is_none_or(|last| last.number != number);
    if (101..200).contains(&facts.status)
        && facts.lists("require", "100rel")
        && let Some(number) = response_number(facts)
        && new(&invite.reliable.last, number)
    {
        invite.reliable.take(number, facts);
    }
}

/// `RAck: response-number CSeq-number method`.
pub(crate) fn acknowledgement(facts: &Facts<'_>) -> Option<(u32, u32, String)> {
    let mut parts = facts.message.header("rack")?.split_ascii_whitespace();
    Some((
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.to_owned(),
    ))
}

/// A PRACK of the device; `invite` is the transaction its RAck names, when there is one.
pub(crate) fn check_prack(cx: &mut Context<'_, '_>, invite: Option<&mut Transaction>) {
    let found = acknowledgement(cx.facts);
    let value = cx.facts.message.header("rack").unwrap_or_default();
    cx.check(Id::PrackForm, found.is_some(), || {
        format!("PRACK with RAck {value:?}, expected two numbers and a method")
    });
    let Some((number, ..)) = found else { return };
    let known = invite
        .as_ref()
        .is_some_and(|invite| invite.reliable.numbers.contains(&number));
    cx.check(Id::PrackMatches, known, || {
        format!("RAck {value:?} names no reliable response that was sent")
    });
    if let Some(last) = invite.and_then(|invite| invite.reliable.last.as_mut())
        && last.number == number
    {
        last.acknowledged.get_or_insert(cx.facts.spot.at);
    }
}

/// A PRACK of the lab.
pub(crate) fn learn_prack(facts: &Facts<'_>, invite: &mut Transaction) {
    if let (Some((number, ..)), Some(last)) = (acknowledgement(facts), invite.reliable.last.as_mut())
        && last.number == number
    {
        last.acknowledged.get_or_insert(facts.spot.at);
    }
}

/// A provisional response without its PRACK, or one that should have been repeated (RFC 3262 3, 4).
pub(crate) fn close(invite: &Transaction, now: Duration, ledger: &mut Ledger) {
    let Some(last) = &invite.reliable.last else { return };
    let until = last
        .acknowledged
        .or_else(|| invite.last.map(|last| last.spot.at))
        .unwrap_or(now);
    let open = until.saturating_sub(last.spot.at);
    if invite.device_is_client {
        if last.acknowledged.is_some() || (invite.last.is_none() && open > Duration::from_secs(4)) {
            ledger.check(Id::PrackSent, last.spot, last.acknowledged.is_some(), || {
                format!("no PRACK for the response with RSeq {}", last.number)
            });
        }
    } else if open > T1 * 3 {
        ledger.check(Id::ReliableRepeated, last.spot, last.copies > 1, || {
            format!(
                "no PRACK for {} ms, but RSeq {} was not sent again",
                open.as_millis(),
                last.number
            )
        });
    }
}
