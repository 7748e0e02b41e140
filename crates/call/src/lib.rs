//! The SIP/RTP call driver: the lab's registrar and peers on the sans-IO crates.
//!
//! A [`Station`] is the lab's end of the wire: one SIP server address behind which a registrar and the peers live,
//! their RTP ports, and a tap that keeps every datagram with its time and direction. It decides nothing about
//! conformity: whoever drives it tells it what to send and looks at what came.
//!
//! One task owns a station and lets time pass by [`Station::pump`]; nothing happens behind its back, so a case is a
//! plain sequence and two runs on a virtual network are the same.

mod answering;
mod authentication;
mod connections;
mod control;
mod error;
mod events;
mod incoming;
mod media;
mod offer;
mod outgoing;
mod peer;
mod raw;
mod registrar;
mod repeat;
mod script;
mod station;
mod streams;
mod tap;
mod teardown;
mod trap;
mod wire;

pub use answering::RespondOptions;
pub use authentication::ChallengeOptions;
pub use connections::{ShownCertificate, TlsManner};
pub use control::ControlRequest;
pub use error::CallError;
pub use events::NotifierOptions;
pub use media::Signal;
pub use offer::{Ice, MediaSecurity, OfferSpec};
pub use outgoing::{InviteOptions, ReinviteOptions, RequestOptions, Requested};
pub use raw::{RawMessage, SentRaw};
pub use registrar::{Binding, RegistrarBehaviour};
pub use script::Script;
pub use station::{Seen, Station, StationConfig};
pub use streams::ImpairedWay;
pub use teardown::CaseCapture;
pub use trap::{Trap, TrapAction, Way};
