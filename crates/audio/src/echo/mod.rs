//! Echo of the far end: how much of it, when, and at which frequencies.

mod convergence;
mod coupling_loss;
pub(crate) mod envelope;
mod level;
mod spectral;

pub use convergence::{Convergence, ConvergenceInNoise, convergence, convergence_in_noise};
pub use coupling_loss::{
    HANDS_FREE, NARROWBAND, StabilityLoss, WIDEBAND, coupling_loss, echo_response, stability_loss,
    terminal_coupling_loss,
};
pub use level::{EchoLevel, LossCurve, echo_level, loss_over_time};
pub use spectral::{spectral_echo, spectral_echo_margin, spectral_masks};
