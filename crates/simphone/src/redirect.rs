//! Redirected calls (RFC 3261 8.1.3.4).

use std::time::Duration;

use voxproof_sip::Message;

use crate::Fault;
use crate::again::again;
use crate::call::CallKey;
use crate::phone::{Phone, Purpose};

/// So many addresses are tried for one call at most.
const MOST_TARGETS: usize = 10;

impl Phone {
    /// Follows a 300, 301 or 302 to the most wanted of its Contacts. `false` when it names nobody new.
    pub(crate) fn redirect(&mut self, now: Duration, key: CallKey, response: &Message) -> bool {
        if !matches!(response.status(), Some(300..=302)) || self.has(Fault::RedirectIgnored) {
            return false;
        }
        let (backwards, forgetful) = (self.has(Fault::RedirectWrongOrder), self.has(Fault::RedirectLoop));
        let Some(placed) = self.call_mut(key).and_then(|call| call.placed.as_mut()) else {
            return false;
        };
        let mut wanted: Vec<(u32, String)> = response
            .contacts()
            .into_iter()
            .filter(|contact| contact.uri.is_sip() || contact.uri.scheme == "tel")
            .map(|contact| {
                (
                    thousandths(contact.params.value("q")),
                    contact.uri.to_request_uri(),
                )
            })
            .filter(|(_, uri)| forgetful || !placed.tried.contains(uri))
            .collect();
        // a stable sort: contacts with the same q stay in the order of the response
        wanted.sort_by_key(|(q, _)| if backwards { i64::from(*q) } else { -i64::from(*q) });
        let earlier = std::mem::take(&mut placed.alternatives);
        for uri in wanted.into_iter().map(|(_, uri)| uri).chain(earlier) {
            if placed.alternatives.len() < MOST_TARGETS && !placed.alternatives.contains(&uri) {
                placed.alternatives.push(uri);
            }
        }
        self.try_alternative(now, key)
    }

    /// Sends the INVITE to the next address of a redirection. `false` when there is none.
    pub(crate) fn try_alternative(&mut self, now: Duration, key: CallKey) -> bool {
        let branch = self.ids.branch();
        let Some(placed) = self.call_mut(key).and_then(|call| call.placed.as_mut()) else {
            return false;
        };
        if placed.alternatives.is_empty() || placed.tried.len() >= MOST_TARGETS {
            return false;
        }
        let uri = placed.alternatives.remove(0);
        let cseq = placed.request.cseq().map(|cseq| cseq.number + 1).unwrap_or(1);
        // credentials were made for the old Request-URI
        let bytes = again(
            &placed.request,
            &uri,
            cseq,
            &branch,
            |line| matches!(line.name.as_str(), "authorization" | "proxy-authorization"),
            &[],
        );
        let (request, destination) = (Message::parse(&bytes), placed.destination);
        let transaction = self.request(now, bytes, destination, Purpose::Invite(key), Vec::new());
        if let Some(placed) = self.call_mut(key).and_then(|call| call.placed.as_mut()) {
            placed.tried.push(uri.clone());
            placed.target = uri;
            placed.transaction = transaction;
            placed.request = request;
            placed.provisional = false;
            placed.early.clear();
        }
        true
    }
}

/// A q value in thousandths; 1 when it is not written (RFC 3261 20.10).
fn thousandths(q: Option<&str>) -> u32 {
    let Some(q) = q else { return 1000 };
    let (whole, fraction) = q.trim().split_once('.').unwrap_or_else(|| (q.trim(), ""));
    let fraction: String = fraction.chars().take(3).collect();
    let parsed = format!("{fraction:0<3}").parse::<u32>().unwrap_or(0);
    let whole = whole.parse::<u32>().unwrap_or(0).min(1);
    (whole * 1000 + parsed).min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_values_in_thousandths() {
        for (q, expected) in [
            (None, 1000),
            (Some("1"), 1000),
            (Some("0.7"), 700),
            (Some("0.75"), 750),
            (Some("0"), 0),
            (Some(".5"), 500),
            (Some("9.9"), 1000),
            (Some("x"), 0),
        ] {
            assert_eq!(thousandths(q), expected, "{q:?}");
        }
    }
}
