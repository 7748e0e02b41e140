//! What is remembered of a transaction, on either side.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use voxproof_sip::sdp::Description;
use voxproof_sip::{NameAddr, Severity, Via};

use crate::facts::Facts;
use crate::ledger::Spot;
use crate::observation::Transport;
use crate::reliable::Reliable;
use crate::text;

/// T1 of RFC 3261 17.1.1.1.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// Timers B, F and H: 64*T1.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(32);

#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) device_is_client: bool,
    pub(crate) method: String,
    pub(crate) branch: String,
    pub(crate) uri: String,
    pub(crate) call_id: String,
    pub(crate) number: u32,
    pub(crate) from: Option<Arc<NameAddr>>,
    pub(crate) to: Option<Arc<NameAddr>>,
    pub(crate) vias: Vec<Via>,
    pub(crate) routes: Vec<NameAddr>,
    pub(crate) record_routes: Vec<NameAddr>,
    pub(crate) contact: Option<NameAddr>,
    pub(crate) supported: Vec<String>,
    pub(crate) required: Vec<String>,
    pub(crate) credentials: Vec<String>,
    pub(crate) session_expires: Option<u32>,
    pub(crate) min_se: Option<u32>,
    pub(crate) has_timestamp: bool,
    /// Nothing is wrong with the form of the request, so the response can be held against it.
    pub(crate) sound: bool,
    /// Another request with the same numbers came on another way (RFC 3261 8.2.2.2).
    pub(crate) merged: bool,
    pub(crate) hash: u64,
    pub(crate) first: Spot,
    pub(crate) last_at: Duration,
    pub(crate) copies: u32,
    pub(crate) last_interval: Option<Duration>,
    pub(crate) source: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) offer: Option<Arc<Description>>,
    pub(crate) has_body: bool,
    pub(crate) response_offer: Option<Arc<Description>>,
    /// An answer to the offer in the request went out in some response.
    pub(crate) answered: bool,
    pub(crate) first_response_at: Option<Duration>,
    pub(crate) provisional_hash: u64,
    pub(crate) last: Option<Final>,
    pub(crate) response_tag: Option<String>,
    pub(crate) acknowledged: Option<Duration>,
    pub(crate) last_ack: Option<(u64, Duration)>,
    /// When the device accepted a CANCEL for this INVITE.
    pub(crate) cancel_accepted: Option<Spot>,
    /// A repeated request of the lab that has not been answered again.
    pub(crate) owed: Option<Spot>,
    /// The INVITE crossed one of the device.
    pub(crate) glare: bool,
    pub(crate) reliable: Reliable,
}

/// The final response of a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Final {
    pub(crate) status: u16,
    pub(crate) spot: Spot,
    pub(crate) hash: u64,
    pub(crate) copies: u32,
    pub(crate) last_at: Duration,
}

/// Client side, Call-ID, CSeq number and method: what a request and its responses share even when the branch is wrong.
pub(crate) fn key(device_is_client: bool, call_id: &str, number: u32, method: &str) -> u64 {
    text::hash(&(device_is_client, call_id, number, method))
}

impl Transaction {
    pub(crate) fn new(facts: &Facts<'_>) -> Self {
        let message = facts.message;
        let list = |name| {
            if facts.has(name) {
                text::tokens(message, name).map(str::to_owned).collect()
            } else {
                Vec::new()
            }
        };
        let number = |name: &str| {
            let value = message.header(name)?;
            value.split(';').next()?.trim().parse().ok()
        };
        let mut required: Vec<String> = list("require");
        required.truncate(32);
        let mut supported: Vec<String> = list("supported");
        supported.truncate(64);
        Self {
            device_is_client: facts.from_device,
            method: facts.method.to_owned(),
            branch: facts.branch().to_owned(),
            uri: facts.uri.to_owned(),
            call_id: facts.call_id.to_owned(),
            number: facts.number(),
            from: facts.from.clone(),
            to: facts.to.clone(),
            vias: message.vias().to_vec(),
            routes: text::addresses(message, "route"),
            record_routes: text::addresses(message, "record-route"),
            contact: message.contacts().iter().flatten().next().cloned(),
            supported,
            required,
            credentials: credentials(facts),
            session_expires: number("session-expires"),
            min_se: number("min-se"),
            has_timestamp: facts.has("timestamp"),
            sound: message
                .findings()
                .iter()
                .all(|finding| finding.severity() == Severity::Note)
                && facts.via.is_some()
                && facts.from.is_some()
                && facts.to.is_some()
                && facts.cseq.is_some()
                && !facts.call_id.is_empty(),
            merged: false,
            hash: facts.hash,
            first: facts.spot,
            last_at: facts.spot.at,
            copies: 1,
            last_interval: None,
            source: facts.source,
            transport: facts.transport,
            offer: facts.description.clone(),
            has_body: !message.body().is_empty(),
            response_offer: None,
            answered: false,
            first_response_at: None,
            provisional_hash: 0,
            last: None,
            response_tag: None,
            acknowledged: None,
            last_ack: None,
            cancel_accepted: None,
            owed: None,
            glare: false,
            reliable: Reliable::default(),
        }
    }

    pub(crate) fn is_invite(&self) -> bool {
        self.method == "INVITE"
    }

    pub(crate) fn tag_of_to(&self) -> Option<&str> {
        self.to.as_ref().and_then(|to| to.tag())
    }

    pub(crate) fn tag_of_from(&self) -> Option<&str> {
        self.from.as_ref().and_then(|from| from.tag())
    }

    pub(crate) fn is_pending(&self, now: Duration) -> bool {
        self.last.is_none() && now.saturating_sub(self.first.at) < TIMEOUT
    }
}

/// Every value of both authorization fields.
pub(crate) fn credentials(facts: &Facts<'_>) -> Vec<String> {
    ["authorization", "proxy-authorization"]
        .into_iter()
        .flat_map(|name| facts.message.headers(name))
        .map(str::to_owned)
        .take(8)
        .collect()
}
