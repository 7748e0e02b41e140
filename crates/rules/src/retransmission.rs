//! Retransmissions and time-outs (RFC 3261 17, 13.3.1.4).

use std::time::Duration;

use crate::catalogue::Id;
use crate::facts::Facts;
use crate::ledger::{Ledger, Spot};
use crate::transaction::{T1, TIMEOUT, Transaction};

/// Allowance for the network and the scheduler of a device.
const GRACE: Duration = Duration::from_millis(250);

/// The device sent a request again that is known by its branch, number and method.
pub(crate) fn request_again(transaction: &mut Transaction, facts: &Facts<'_>, ledger: &mut Ledger) {
    let spot = facts.spot;
    let method = transaction.method.clone();
    ledger.check(
        Id::RetransmissionSame,
        spot,
        transaction.hash == facts.hash,
        || format!("{method} was sent again with the same branch but other bytes"),
    );
    let interval = spot.at.saturating_sub(transaction.last_at);
    if facts.transport.is_reliable() {
        ledger.check(Id::RetransmissionOnStream, spot, false, || {
            format!("{method} was sent again on {}", facts.transport.as_str())
        });
    } else {
        spacing(transaction, interval, spot, ledger);
    }
    let settled = if transaction.is_invite() {
        transaction.first_response_at
    } else {
        transaction.last.map(|last| last.spot.at)
    };
    if let Some(settled) = settled {
        let since = spot.at.saturating_sub(settled);
        ledger.check(Id::RetransmissionStops, spot, since <= GRACE, || {
            format!(
                "{method} was sent again {} ms after it was answered",
                since.as_millis()
            )
        });
    }
    let age = spot.at.saturating_sub(transaction.first.at);
    ledger.check(
        Id::RetransmissionEnds,
        spot,
        age <= TIMEOUT + Duration::from_secs(4),
        || format!("{method} was sent again {} s after the first time", age.as_secs()),
    );
    transaction.copies += 1;
    transaction.last_at = spot.at;
    transaction.last_interval = Some(interval);
}

/// Timers A and E: T1 first, then doubling, for a non-INVITE up to T2 of 4 s (RFC 3261 17.1.1.2, 17.1.2.2).
fn spacing(transaction: &Transaction, interval: Duration, spot: Spot, ledger: &mut Ledger) {
    let (expected, holds) = match transaction.last_interval {
        None => (T1, interval >= T1.mul_f64(0.8)),
        Some(last) => {
            let capped = !transaction.is_invite() && interval >= Duration::from_millis(3500);
            (last * 2, capped || interval >= last.mul_f64(1.4))
        }
    };
    ledger.check(Id::RetransmissionSpacing, spot, holds, || {
        format!(
            "{} was sent again after {} ms, expected about {} ms",
            transaction.method,
            interval.as_millis(),
            expected.as_millis()
        )
    });
}

/// What did not come, told when the traffic ends or the transaction is forgotten.
pub(crate) fn close(transaction: &Transaction, now: Duration, ledger: &mut Ledger) {
    crate::reliable::close(transaction, now, ledger);
    if transaction.device_is_client {
        close_client(transaction, now, ledger);
    } else {
        close_server(transaction, now, ledger);
    }
}

fn close_client(transaction: &Transaction, now: Duration, ledger: &mut Ledger) {
    let first = transaction.first;
    let waited = transaction
        .first_response_at
        .unwrap_or(now)
        .saturating_sub(first.at);
    if !transaction.transport.is_reliable() && waited > T1 * 9 {
        ledger.check(Id::Retransmits, first, transaction.copies > 1, || {
            format!(
                "{} was not answered for {} ms and not sent again",
                transaction.method,
                waited.as_millis()
            )
        });
    }
    let Some(last) = transaction.last.filter(|_| transaction.is_invite()) else {
        return;
    };
    let id = if last.status < 300 {
        Id::AckSuccess
    } else {
        Id::AckFailure
    };
    if transaction.acknowledged.is_some() || now.saturating_sub(last.spot.at) > TIMEOUT {
        ledger.check(id, last.spot, transaction.acknowledged.is_some(), || {
            format!("no ACK for {} to INVITE", last.status)
        });
    }
    if last.status < 300
        && last.copies > 1
        && let Some((_, acked)) = transaction.last_ack
        && now.saturating_sub(last.last_at) > Duration::from_secs(1)
    {
        ledger.check(Id::AckAgain, last.spot, acked >= last.last_at, || {
            format!("no ACK for the repeated {} to INVITE", last.status)
        });
    }
}

fn close_server(transaction: &Transaction, now: Duration, ledger: &mut Ledger) {
    if transaction.merged || !transaction.sound {
        return;
    }
    let first = transaction.first;
    if !transaction.is_invite() && transaction.last.is_none() {
        let age = now.saturating_sub(first.at);
        if age > TIMEOUT {
            ledger.check(Id::FinalInTime, first, false, || {
                format!(
                    "no final response to {} within {} s",
                    transaction.method,
                    age.as_secs()
                )
            });
        }
    }
    if transaction.is_invite() && transaction.first_response_at.is_none() {
        let age = now.saturating_sub(first.at);
        if age > TIMEOUT {
            ledger.check(Id::InviteAnswered, first, false, || {
                "INVITE was never answered".to_owned()
            });
        }
    }
    if let Some(owed) = transaction.owed
        && now.saturating_sub(owed.at) > Duration::from_secs(1)
    {
        ledger.check(Id::ResponseAgain, owed, false, || {
            format!("{} came again, its response did not", transaction.method)
        });
    }
    if let Some(cancelled) = transaction.cancel_accepted
        && (transaction.last.is_some() || now.saturating_sub(cancelled.at) > Duration::from_secs(2))
    {
        ledger.check(Id::CancelEnds, cancelled, transaction.last.is_some(), || {
            "the CANCEL was accepted, but the INVITE has no final response".to_owned()
        });
    }
    let Some(last) = transaction.last.filter(|_| transaction.is_invite()) else {
        return;
    };
    let open = transaction
        .acknowledged
        .unwrap_or(now)
        .saturating_sub(last.spot.at);
    // T1 and as much again: the first repetition is due after T1
    if open > T1 * 3 {
        let (id, applies) = if last.status < 300 {
            (Id::SuccessRepeated, true)
        } else {
            (Id::FailureRepeated, !transaction.transport.is_reliable())
        };
        if applies {
            ledger.check(id, last.spot, last.copies > 1, || {
                format!(
                    "{} to INVITE had no ACK for {} ms and was not sent again",
                    last.status,
                    open.as_millis()
                )
            });
        }
    }
}
