//! How the lab answers requests of the device, response by response.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::control::{Mutation, once};
use super::{Offer, RecordRoute};
use crate::{Located, Span};

/// A peer sends a response to the INVITE that waits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Respond {
    /// The called actor.
    pub at: Located<String>,
    /// The status.
    pub status: u16,
    /// Another reason phrase than the usual one.
    #[serde(default)]
    pub reason: Option<String>,
    /// As if another branch of a forking proxy answered: each name has a To tag, a Contact and a session of its own.
    #[serde(default)]
    pub branch: Option<String>,
    /// A provisional response that is repeated until its PRACK comes (RFC 3262 3).
    #[serde(default)]
    pub reliable: bool,
    /// With a session description.
    #[serde(default)]
    pub session: bool,
    /// What it offers or is able to answer with; implies `session`.
    #[serde(default)]
    pub offer: Option<Offer>,
    /// Header fields to add, as in `call`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// As if proxies had recorded themselves.
    #[serde(default)]
    pub record_route: Option<RecordRoute>,
    /// Changes before it is sent.
    #[serde(default)]
    pub mutate: Vec<Mutation>,
    /// How long to wait for the PRACK or the ACK; without it the step does not wait.
    #[serde(default)]
    pub within: Option<Span>,
    /// Mark of the response.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the PRACK or the ACK.
    #[serde(default)]
    pub ack_mark: Option<Located<String>>,
}

/// A peer or a proxy before it asks for credentials: the waiting INVITE is answered 401 or 407, and the next one is expected.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeStep {
    /// The called actor.
    pub at: Located<String>,
    /// 401 (the callee) instead of 407 (a proxy).
    #[serde(default)]
    pub callee: bool,
    /// A challenge for each realm; the lab's own realm when there is none.
    #[serde(default)]
    pub realms: Vec<String>,
    /// A challenge for each algorithm and realm, the first one most wanted (RFC 8760 2.3): `MD5`, `MD5-sess`, `SHA-256`, `SHA-512-256` ...
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// Quality of protection offered: `auth`, `auth-int` or both; nothing for RFC 2069.
    #[serde(default = "auth")]
    pub qop: Vec<String>,
    /// How long the device has for the INVITE with credentials.
    pub within: Span,
    /// Mark of the INVITE with credentials.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

pub(super) fn auth() -> Vec<String> {
    vec!["auth".to_owned()]
}

/// Sets how the lab answers the next requests of a kind from the device, instead of as usual.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerWith {
    /// The method.
    pub request: Located<String>,
    /// The status; none means no answer at all.
    #[serde(default)]
    pub status: Option<u16>,
    /// Header fields of the answer.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How many requests are answered so (default 1).
    #[serde(default = "once")]
    pub times: u32,
    /// Changes before the answer is sent.
    #[serde(default)]
    pub mutate: Vec<Mutation>,
}

/// The event packages a peer serves, and how.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifierStep {
    /// Event package (`message-summary`, `dialog`, `presence`).
    pub package: String,
    /// Interval granted at most, seconds (default: what was asked).
    #[serde(default)]
    pub expires: Option<u32>,
    /// State sent at once in the first NOTIFY: content type and body; without it an empty one.
    #[serde(default)]
    pub state: Option<(String, String)>,
}

/// A notifier tells the state of a package to its subscriber.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifyStep {
    /// Event package.
    pub package: String,
    /// Content type and body.
    #[serde(default)]
    pub body: Option<(String, String)>,
    /// Subscription-State instead of `active` with the time that is left.
    #[serde(default)]
    pub subscription_state: Option<String>,
    /// How long the device has for its answer (default 2 s).
    #[serde(default)]
    pub within: Option<Span>,
    /// Mark of the NOTIFY.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the answer.
    #[serde(default)]
    pub answer_mark: Option<Located<String>>,
}
