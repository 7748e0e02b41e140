//! Rules that every message and packet of a device is held against, whatever the case; sans-IO.
//!
//! An [`Engine`] is shown both directions of the traffic in the order of time and judges what the device authored: not
//! what it had to copy from a request of the lab, and not the lab itself. It derives transactions, dialogs, offers and
//! answers and media streams from what it sees. A rule that never had anything to judge stays at zero in
//! [`Engine::checked`]: it was not exercised, which is not the same as passed.

mod address;
mod body;
mod bounded;
mod catalogue;
mod cseq;
mod device_request;
mod device_response;
mod dialog;
mod digest;
mod engine;
mod event;
mod facts;
mod fields;
mod flows;
mod form;
mod hash;
mod lab_message;
mod ledger;
mod media;
mod observation;
mod offer_answer;
mod reading;
mod registration;
mod reliable;
mod response;
mod retransmission;
mod rtcp;
mod rtp;
mod rule;
mod sdp;
mod session_timer;
mod tables;
mod telephone_event;
mod text;
mod transaction;
mod via;

pub use catalogue::{RULES, rule};
pub use engine::{Engine, EngineConfig};
pub use ledger::{RuleCount, RuleFinding};
pub use observation::{Observation, Transport};
pub use rule::{Rule, Scope, Severity};
