//! A seeded network between two endpoints: delay, jitter, reordering, duplication, loss, rate and corruption, with the
//! truth about each datagram recorded.
//!
//! Stages, in the order a datagram meets them: loss, rate, corruption, duplication, delay and jitter, reordering. The
//! same [`ImpairmentSpec`], seed and calls give the same decisions.
//!
//! ```
//! use std::time::Duration;
//! use voxproof_rtp::impairment::{Impairment, ImpairmentSpec, Loss};
//!
//! let spec = ImpairmentSpec {
//!     delay_ms: 40.0,
//!     loss: Loss::bursts(0.02, 3.0).expect("2 % in bursts of three"),
//!     ..ImpairmentSpec::default()
//! };
//! let mut network = Impairment::new(spec, 1).expect("a sound specification");
//! for n in 0..100u8 {
//!     network.push(Duration::from_millis(20 * u64::from(n)), vec![n; 172]);
//! }
//! let arrived = network.poll(Duration::from_secs(3));
//! let truth = network.summary();
//! assert_eq!(arrived.len() as u64 + truth.dropped(), 100);
//! ```

mod loss;
mod pipeline;
mod profile;
mod spec;
mod truth;

pub use pipeline::{Delivery, Impairment};
pub use profile::{PROFILES, Profile};
pub use spec::{Corruption, ImpairmentSpec, Jitter, Loss, Rate, Reorder, SpecError};
pub use truth::{Action, Decision, DropReason, Summary, TruthError, read_truth};
