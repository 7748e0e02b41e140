//! Where in the recording each patch of the reference is.

use super::align::{LagFinder, moved};
use super::gammatone::{FilterBank, Framing};
use super::nsim::{ReferencePatch, Searched, band_similarities};
use super::spectrogram::{Analysed, Spectrogram, energies, prepare};

/// How far from its own place a patch is looked for, in patches.
const SEARCH_PATCHES: usize = 60;

/// A patch of the reference and the part of the recording it was compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Match {
    /// Start in the reference, s.
    pub(super) reference_s: f64,
    /// Start in the recording, s; `None` when nothing there matches.
    pub(super) degraded_s: Option<f64>,
    /// Similarity by band; zeros when nothing matches.
    pub(super) bands: Vec<f64>,
}

impl Match {
    pub(super) fn similarity(&self) -> f64 {
        self.bands.iter().sum::<f64>() / self.bands.len().max(1) as f64
    }
}

/// Finds for each patch a place in the recording so that the places are in the order of the patches and the sum of the
/// similarities is the highest (dynamic programming). A patch may stay without a place when that makes the sum higher.
///
/// `starts` are the first frames of the patches, ascending, `width` their frames. `None` when no patch can be placed.
pub(super) fn coarse(
    reference: &Spectrogram,
    degraded: &Spectrogram,
    starts: &[usize],
    width: usize,
    framing: Framing,
) -> Option<Vec<Match>> {
    let frames = degraded.frames();
    // the last patch may begin up to half a patch after the end
    let placed = starts
        .iter()
        .take_while(|start| start.saturating_sub(width / 2) <= frames)
        .count();
    let starts = &starts[..placed];
    let last = *starts.last()?;
    if frames == 0 {
        return None;
    }
    let searched = Searched::new(degraded, width);
    let reach = SEARCH_PATCHES * width;
    let mut sums = vec![0.0; frames];
    let mut came_from: Vec<Vec<Option<u32>>> = Vec::with_capacity(placed);
    let mut previous: Option<usize> = None;
    for &start in starts {
        let patch = ReferencePatch::new(reference.patch(start, width));
        let mut next = vec![0.0; frames];
        let mut origin = vec![Some(0); frames];
        let range = start.saturating_sub(reach)..(start + reach + 1).min(frames);
        // the best place of the patch before, at frames from its own range on up to the one before this
        let mut best: Option<(usize, f64)> = None;
        let mut seen = previous.map_or(0, |start| start.saturating_sub(reach));
        for offset in range {
            let mut sum = searched.similarity(&patch, offset);
            let mut from = None;
            if previous.is_some() {
                while seen < offset {
                    // of equal ones the latest
                    if best.is_none_or(|(_, value)| sums[seen] >= value) {
                        best = Some((seen, sums[seen]));
                    }
                    seen += 1;
                }
                match best {
                    Some((at, value)) => {
                        from = Some(at);
                        sum += value;
                    }
                    None => sum = f64::MIN,
                }
                if sums[offset] > sum {
                    sum = sums[offset];
                    from = Some(offset);
                }
            }
            next[offset] = sum;
            origin[offset] = from.map(|at| at as u32);
        }
        sums = next;
        came_from.push(origin);
        previous = Some(start);
    }
    let range = last.saturating_sub(reach)..(last + reach + 1).min(frames);
    let mut place = range.clone().next()?;
    for offset in range {
        if sums[offset] > sums[place] {
            place = offset;
        }
    }
    let mut matches = Vec::with_capacity(placed);
    let mut place = Some(place);
    for (start, origin) in starts.iter().zip(&came_from).rev() {
        let offset = place?;
        let from = origin[offset].map(|at| at as usize);
        let reference_s = *start as f64 * framing.frame_s();
        matches.push(if from == Some(offset) {
            Match {
                reference_s,
                degraded_s: None,
                bands: vec![0.0; reference.bands],
            }
        } else {
            Match {
                reference_s,
                degraded_s: Some(offset as f64 * framing.frame_s()),
                bands: band_similarities(&reference.patch(*start, width), &degraded.patch(offset, width)),
            }
        });
        place = from;
    }
    matches.reverse();
    Some(matches)
}

/// Aligns each matched part to the sample and compares again; the better comparison counts.
pub(super) fn fine(
    matches: Vec<Match>,
    reference: &Analysed<'_>,
    degraded: &Analysed<'_>,
    width: usize,
    bank: &FilterBank,
    framing: Framing,
) -> Vec<Match> {
    let mut finder = LagFinder::default();
    let duration = width as f64 * framing.frame_s();
    let rate = f64::from(framing.rate);
    // from the times, truncated, as the published implementation cuts
    let cut = |samples: &[f64], from: f64| {
        let end = ((from + duration) * rate) as usize;
        ((from * rate) as usize, end.min(samples.len().saturating_sub(1)))
    };
    matches
        .into_iter()
        .map(|coarse| {
            let Some(degraded_s) = coarse.degraded_s else {
                return coarse;
            };
            let (start_r, end_r) = cut(reference.samples, coarse.reference_s);
            let (start_d, end_d) = cut(degraded.samples, degraded_s);
            let (Some(part_r), Some(part_d)) = (
                reference.samples.get(start_r..end_r),
                degraded.samples.get(start_d..end_d),
            ) else {
                return coarse;
            };
            // what a part at the end of the recording lacks comes as silence before it: part of the method as published
            let lacking = ((degraded_s + duration) * rate - degraded.samples.len() as f64).max(0.0) as i64;
            let filled = moved(part_d, lacking);
            let lag = finder.lag(part_r, &filled);
            let lag_s = lag as f64 / rate;
            // the part of the reference that the moved part of the recording covers
            let moved_length = (filled.len() as i64 + lag).max(0) as usize;
            let skip = if part_r.len() < moved_length {
                ((lag_s * rate) as i64).max(0) as usize
            } else {
                0
            };
            let end = part_r.len().min(moved_length);
            let length = end.saturating_sub(skip);
            if framing.frames(length) == 0 {
                return coarse;
            }
            let mut one = reference.part(start_r + skip, length, bank, framing);
            let mut other = if lag <= 0 && lacking == 0 {
                degraded.part(
                    start_d + lag.unsigned_abs() as usize + skip,
                    length,
                    bank,
                    framing,
                )
            } else {
                let moved = moved(&filled, lag);
                energies(&moved[skip..skip + length], bank, framing)
            };
            prepare(&mut one, &mut other);
            let aligned = Match {
                reference_s: coarse.reference_s + lag_s.max(0.0),
                degraded_s: Some(degraded_s + (-lag_s).max(0.0)),
                bands: band_similarities(&one, &other),
            };
            if aligned.similarity() < coarse.similarity() {
                coarse
            } else {
                aligned
            }
        })
        .collect()
}
