//! Tones that tell a caller how the call goes: dial tone, ringing, busy, by frequency and cadence.
//!
//! Which tones those are differs from country to country, so they are data: a [`TonePlan`], of which two come ready
//! made.

mod bursts;
mod detect;
mod plan;

pub use bursts::{Burst, bursts};
pub use detect::{Detected, detect};
pub use plan::{ProgressTone, Pulse, TonePlan, generate};
