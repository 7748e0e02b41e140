//! A channel kept whole, for what cannot be measured block by block.

use voxproof_audio::level::Plane;

use crate::digits::{digits, progress};
use crate::glitches::glitches;
use crate::{ChannelRecord, Group, QUANTITIES, QuantityResult, Selection};

/// Most samples that are kept: 23 minutes at 48 kHz.
const MOST_SAMPLES: usize = 1 << 26;

/// Keeps the samples of a channel for the groups on demand.
pub(crate) struct Whole {
    rate: u32,
    samples: Vec<f32>,
    too_long: bool,
}

impl Whole {
    pub(crate) const GROUPS: [Group; 3] = [Group::Dtmf, Group::Progress, Group::Glitches];

    pub(crate) fn new(rate: u32) -> Self {
        Self {
            rate,
            samples: Vec::new(),
            too_long: false,
        }
    }

    pub(crate) fn push(&mut self, samples: &[f32]) {
        if self.too_long || self.samples.len() + samples.len() > MOST_SAMPLES {
            self.too_long = true;
            self.samples = Vec::new();
        } else {
            self.samples.extend_from_slice(samples);
        }
    }

    /// Adds what was asked for.
    pub(crate) fn finish(&self, selection: &Selection, plane: Option<Plane>, record: &mut ChannelRecord) {
        if self.too_long {
            let wanted = |quantity: &&&crate::Quantity| {
                Self::GROUPS.contains(&quantity.group)
                    && selection.has(quantity.group)
                    && (plane.is_some() || !quantity.is_on_plane())
            };
            let because = format!(
                "the recording has more than {MOST_SAMPLES} samples, which is the most that this group holds at once: cut it"
            );
            record.results.extend(
                QUANTITIES
                    .iter()
                    .filter(wanted)
                    .map(|quantity| QuantityResult::because(quantity, "too-long", because.clone())),
            );
            return;
        }
        if selection.has(Group::Dtmf) {
            let (results, events) = digits(&self.samples, self.rate, plane);
            record.results.extend(results);
            record.events.extend(events);
        }
        if selection.has(Group::Progress) {
            let (result, events) = progress(&self.samples, self.rate, plane);
            record.results.push(result);
            record.events.extend(events);
        }
        if selection.has(Group::Glitches) {
            let (results, events) = glitches(&self.samples, self.rate);
            record.results.extend(results);
            record.events.extend(events);
        }
    }
}
