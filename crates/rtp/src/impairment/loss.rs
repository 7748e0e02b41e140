//! The loss process.

use super::spec::Loss;
use super::truth::DropReason;
use crate::random::Random;

/// Decides datagram by datagram; the state of the two-state model starts where the long run would have it.
#[derive(Debug, Clone)]
pub(super) struct LossProcess {
    loss: Loss,
    bad: bool,
}

impl LossProcess {
    pub(super) fn new(loss: Loss, random: &mut Random) -> Self {
        let bad = match loss {
            Loss::GilbertElliott { p, r, .. } if p + r > 0.0 => random.chance(p / (p + r)),
            _ => false,
        };
        Self { loss, bad }
    }

    pub(super) fn drops(&mut self, random: &mut Random) -> Option<DropReason> {
        match self.loss {
            Loss::None => None,
            Loss::Random { probability } => random.chance(probability).then_some(DropReason::Random),
            Loss::GilbertElliott { p, r, h, k } => {
                let change = random.chance(if self.bad { r } else { p });
                self.bad ^= change;
                let delivered = random.chance(if self.bad { h } else { k });
                (!delivered).then_some(if self.bad {
                    DropReason::Burst
                } else {
                    DropReason::Random
                })
            }
        }
    }
}
