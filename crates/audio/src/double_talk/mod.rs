//! Double talk: what is left of either end while both talk, and switching.

mod attenuation;
mod category;
mod comb;
mod level_difference;
mod switching;

pub use attenuation::{DoubleTalkAttenuation, double_talk_attenuation};
pub use category::Category;
pub use comb::{CombLoss, comb_loss};
pub use level_difference::{ClassBounds, ClassShare, Difference, Duration, level_difference_classes};
pub use switching::{Activation, activation, build_up};
