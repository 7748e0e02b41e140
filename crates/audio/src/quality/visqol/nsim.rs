//! The neurogram similarity index measure (Hines and Harte, Speech Communication 54, 2012): structural similarity of two
//! spectrogram patches, from means, variances and covariances under a 3 by 3 Gaussian.

use super::spectrogram::Spectrogram;

/// Weights of the Gaussian: its middle, its sides and its corners.
const MIDDLE: f64 = 0.619_485_845_753_726;
const SIDE: f64 = 0.083_825_147_544_263_3;
const CORNER: f64 = 0.011_303_391_017_305_2;
/// Stabilisers of the quotients: (0.01)² and (0.03)² / 2, for an intensity range of one.
const INTENSITY: f64 = 1e-4;
const STRUCTURE: f64 = 4.5e-4;

/// Local mean and signed root of the local variance of the cells of one frame; a variance may come out just below zero.
#[derive(Clone, Default)]
struct Local {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

/// A patch of the reference with what does not depend on the recording.
pub(super) struct ReferencePatch {
    patch: Spectrogram,
    local: Vec<Local>,
}

/// A spectrogram in which patches of `width` frames are compared at every offset: the statistics of a cell depend on
/// whether its frame is inside the patch or at one of its ends.
pub(super) struct Searched {
    spectrogram: Spectrogram,
    width: usize,
    inside: Vec<Local>,
    first: Vec<Local>,
    last: Vec<Local>,
}

/// Weighted sum over the neighbourhood of every band of a frame; what is beyond the edges continues the edge.
fn blurred(before: &[f64], here: &[f64], after: &[f64], out: &mut [f64]) {
    let bands = here.len();
    // sides and corners share the sums of left and right
    let mut cell = |band: usize, below: usize, above: usize| {
        let sides = before[band] + after[band] + here[below] + here[above];
        let corners = before[below] + before[above] + after[below] + after[above];
        out[band] = MIDDLE * here[band] + SIDE * sides + CORNER * corners;
    };
    if bands < 2 {
        if bands == 1 {
            cell(0, 0, 0);
        }
        return;
    }
    cell(0, 0, 1);
    cell(bands - 1, bands - 2, bands - 1);
    let sums = before.windows(3).zip(here.windows(3)).zip(after.windows(3));
    for (out, ((before, here), after)) in out[1..bands - 1].iter_mut().zip(sums) {
        let sides = before[1] + after[1] + here[0] + here[2];
        let corners = before[0] + before[2] + after[0] + after[2];
        *out = MIDDLE * here[1] + SIDE * sides + CORNER * corners;
    }
}

fn local(before: &[f64], here: &[f64], after: &[f64]) -> Local {
    let square = |frame: &[f64]| frame.iter().map(|x| x * x).collect::<Vec<f64>>();
    let (mut mean, mut deviation) = (vec![0.0; here.len()], vec![0.0; here.len()]);
    blurred(before, here, after, &mut mean);
    blurred(&square(before), &square(here), &square(after), &mut deviation);
    for (deviation, mean) in deviation.iter_mut().zip(&mean) {
        let variance: f64 = *deviation - mean * mean;
        *deviation = variance.abs().sqrt().copysign(variance);
    }
    Local { mean, deviation }
}

/// The frames before and after `frame` in `count` frames, the ends repeated.
fn neighbours(frame: usize, count: usize) -> (usize, usize) {
    (frame.saturating_sub(1), (frame + 1).min(count - 1))
}

impl Spectrogram {
    fn frame(&self, frame: usize) -> &[f64] {
        &self.values[frame * self.bands..(frame + 1) * self.bands]
    }

    /// Statistics of all cells, taken as one patch.
    fn locals(&self) -> Vec<Local> {
        let count = self.frames();
        (0..count)
            .map(|frame| {
                let (before, after) = neighbours(frame, count);
                local(self.frame(before), self.frame(frame), self.frame(after))
            })
            .collect()
    }
}

/// Adds the similarities of the cells of one frame to `out`.
fn similarity(reference: &Local, degraded: &Local, covariance: &[f64], out: &mut [f64]) {
    let bands = out.len();
    let (mean_r, mean_d) = (&reference.mean[..bands], &degraded.mean[..bands]);
    let (dev_r, dev_d) = (&reference.deviation[..bands], &degraded.deviation[..bands]);
    let covariance = &covariance[..bands];
    for band in 0..bands {
        let product = mean_r[band] * mean_d[band];
        let squares = mean_r[band] * mean_r[band] + mean_d[band] * mean_d[band];
        // a negative product of variances counts as none: silence, but for rounding
        let deviations = (dev_r[band] * dev_d[band]).max(0.0);
        let above = (2.0 * product + INTENSITY) * (covariance[band] - product + STRUCTURE);
        out[band] += above / ((squares + INTENSITY) * (deviations + STRUCTURE));
    }
}

/// Similarity of two spectrograms of one size, averaged over their frames, by band.
pub(super) fn band_similarities(reference: &Spectrogram, degraded: &Spectrogram) -> Vec<f64> {
    let count = reference.frames().min(degraded.frames());
    let mut sums = vec![0.0; reference.bands];
    if count == 0 {
        return sums;
    }
    let (reference, degraded) = (reference.patch(0, count), degraded.patch(0, count));
    let products = product(&reference.values, &degraded.values);
    add_frames(
        &reference.locals(),
        &degraded.locals().iter().collect::<Vec<_>>(),
        &products,
        &mut sums,
    );
    for sum in &mut sums {
        *sum /= count as f64;
    }
    sums
}

fn product(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(a, b)| a * b).collect()
}

/// Adds the similarities of all frames of a patch to `sums`; `products` are those of its cells.
fn add_frames(reference: &[Local], degraded: &[&Local], products: &[f64], sums: &mut [f64]) {
    let bands = sums.len();
    let mut covariance = vec![0.0; bands];
    let frame = |frame: usize| &products[frame * bands..(frame + 1) * bands];
    for (index, (reference_frame, degraded_frame)) in reference.iter().zip(degraded).enumerate() {
        let (before, after) = neighbours(index, reference.len());
        blurred(frame(before), frame(index), frame(after), &mut covariance);
        similarity(reference_frame, degraded_frame, &covariance, sums);
    }
}

impl ReferencePatch {
    pub(super) fn new(patch: Spectrogram) -> Self {
        Self {
            local: patch.locals(),
            patch,
        }
    }
}

impl Searched {
    /// Patches of `width` frames may begin at every frame; beyond the end there is silence.
    pub(super) fn new(spectrogram: &Spectrogram, width: usize) -> Self {
        let spectrogram = spectrogram.patch(0, spectrogram.frames() + width);
        let count = spectrogram.frames();
        let all = |before: usize, after: usize| {
            (0..count)
                .map(|frame| {
                    local(
                        spectrogram.frame(frame.saturating_sub(before)),
                        spectrogram.frame(frame),
                        spectrogram.frame((frame + after).min(count - 1)),
                    )
                })
                .collect()
        };
        Self {
            width,
            inside: all(1, 1),
            first: all(0, 1),
            last: all(1, 0),
            spectrogram,
        }
    }

    /// Similarity, over all bands, of a patch of the reference and the recording from frame `offset` on.
    pub(super) fn similarity(&self, reference: &ReferencePatch, offset: usize) -> f64 {
        let bands = self.spectrogram.bands;
        let mut sums = vec![0.0; bands];
        let part = &self.spectrogram.values[offset * bands..(offset + self.width) * bands];
        let products = product(&reference.patch.values, part);
        let mut local: Vec<&Local> = self.inside[offset..offset + self.width].iter().collect();
        local[0] = &self.first[offset];
        local[self.width - 1] = &self.last[offset + self.width - 1];
        add_frames(&reference.local, &local, &products, &mut sums);
        sums.iter().sum::<f64>() / (bands * self.width) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(frames: usize, seed: u32) -> Spectrogram {
        let mut state = seed;
        let values = (0..frames * 5)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state) / f64::from(u32::MAX) * 40.0
            })
            .collect();
        Spectrogram { bands: 5, values }
    }

    #[test]
    fn a_patch_is_like_itself_and_unlike_another() {
        let one = pattern(8, 1);
        for similarity in band_similarities(&one, &one) {
            assert!((similarity - 1.0).abs() < 1e-12);
        }
        let other = band_similarities(&one, &pattern(8, 2));
        assert!(other.iter().all(|similarity| *similarity < 0.9), "{other:?}");
        assert_eq!(band_similarities(&one, &pattern(0, 2)), [0.0; 5]);
    }

    #[test]
    fn searching_gives_what_comparing_gives() {
        let (reference, recording) = (pattern(6, 1), pattern(20, 3));
        let searched = Searched::new(&recording, 6);
        let patch = ReferencePatch::new(reference.clone());
        for offset in 0..20 {
            let bands = band_similarities(&reference, &recording.patch(offset, 6));
            let mean = bands.iter().sum::<f64>() / 5.0;
            assert!(
                (searched.similarity(&patch, offset) - mean).abs() < 1e-12,
                "{offset}"
            );
        }
    }
}
