//! A SIP phone in a task, with switchable faults: the device under test that is always at hand.
//!
//! It is independent of the lab's call driver and shares only the sans-IO crates with it. Without faults it behaves as
//! RFC 3261, 3264, 3515, 3550 and 4733 ask of a phone; each [`Fault`] changes one behaviour, so that every test case of
//! the lab can be shown to fail. It runs on any [`voxproof_net::Net`], in real or virtual time.

mod again;
mod authentication;
mod call;
mod coders;
mod config;
mod csta;
mod fault;
mod handle;
mod handset;
mod hearing;
mod hold;
mod incoming;
mod keys;
mod live;
mod lookup;
mod media;
mod messages;
mod outgoing;
mod pause;
mod phone;
mod playout;
mod provisioning;
mod quality;
mod redirect;
mod register;
mod reliable;
mod remote;
mod replaces;
mod reporting;
mod requests;
mod resample;
mod session;
mod shield;
mod streams;
mod subscribe;
mod teardown;
mod timer;
mod tones;
mod transfer;
mod update;
mod wire;

pub use config::{
    AudioCodec, CheckSync, Lookup, MediaSecurity, Provisioning, ReliableProvisionals, SessionTimers,
    SimPhoneConfig,
};
pub use fault::{Fault, UnknownFault};
pub use handle::{CallState, DialOptions, PhoneError, Received, SimPhone};
