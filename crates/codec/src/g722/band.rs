//! What both sub-bands share: the adaptive predictor and the adaptive step size (G.722 clause 6).

use super::tables::INVERSE_LOG;

/// Saturates to 16 bits, as every addition of the recommendation does (G.722 clause 6).
pub(super) const fn saturate(value: i32) -> i32 {
    if value > 32767 {
        32767
    } else if value < -32768 {
        -32768
    } else {
        value
    }
}

/// Limits a reconstructed sub-band signal to 15 bits (LIMIT).
pub(super) const fn limit_band(value: i32) -> i32 {
    if value > 16383 {
        16383
    } else if value < -16384 {
        -16384
    } else {
        value
    }
}

/// The ones' complement magnitude by which both quantisers compare (QUANTL, QUANTH: zero and -1 share an interval).
pub(super) const fn magnitude(difference: i32) -> i32 {
    if difference >= 0 {
        difference
    } else {
        -(difference + 1)
    }
}

/// The adaptive predictor of one sub-band: two poles, six zeros (block 4).
#[derive(Debug, Clone, Default)]
pub(super) struct Predictor {
    /// SL / SH: the prediction for the next sample.
    pub(super) prediction: i32,
    /// SZL / SZH: what the zeros contribute to it.
    zeros: i32,
    /// AL1, AL2.
    pole: [i32; 2],
    /// BL1 to BL6.
    zero: [i32; 6],
    /// RLT1, RLT2: earlier reconstructed signals.
    reconstructed: [i32; 2],
    /// DLT1 to DLT6: earlier quantised differences.
    difference: [i32; 6],
    /// Whether PLT1, PLT2 (earlier partially reconstructed signals) are negative.
    partial_negative: [bool; 2],
}

impl Predictor {
    /// Takes in the quantised difference of this sample (DLT / DH) and predicts the next one.
    pub(super) fn update(&mut self, difference: i32) {
        let reconstructed = saturate(self.prediction + difference); // RECONS
        let negative = saturate(difference + self.zeros) < 0; // PARREC
        let [same_1, same_2] = self.partial_negative.map(|earlier| earlier == negative);

        // UPPOL2
        let step = saturate(self.pole[0] << 2);
        let step = if same_1 { saturate(-step) } else { step } >> 7;
        let sum = step + if same_2 { 128 } else { -128 };
        let second = saturate(sum + ((self.pole[1] * 32512) >> 15)).clamp(-12288, 12288);
        // UPPOL1
        let step = if same_1 { 192 } else { -192 };
        let bound = saturate(15360 - second);
        let first = saturate(step + ((self.pole[0] * 32640) >> 15)).clamp(-bound, bound);
        // UPZERO
        let gain = if difference == 0 { 0 } else { 128 };
        for (coefficient, earlier) in self.zero.iter_mut().zip(self.difference) {
            let step = if (earlier < 0) == (difference < 0) {
                gain
            } else {
                -gain
            };
            *coefficient = saturate(step + ((*coefficient * 32640) >> 15));
        }
        // DELAYA
        self.pole = [first, second];
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial_negative = [negative, self.partial_negative[0]];
        self.difference.rotate_right(1);
        self.difference[0] = difference;

        // FILTEP, FILTEZ, PREDIC; the zeros are summed from the oldest on, which matters when the sum saturates
        let product = |signal: i32, coefficient: i32| (saturate(signal + signal) * coefficient) >> 15;
        let poles = saturate(
            product(self.reconstructed[0], self.pole[0]) + product(self.reconstructed[1], self.pole[1]),
        );
        self.zeros = (self.difference.iter().zip(self.zero).rev()).fold(0, |sum, (&signal, coefficient)| {
            saturate(sum + product(signal, coefficient))
        });
        self.prediction = saturate(poles + self.zeros);
    }
}

/// The adaptive step size of one sub-band, kept as a logarithm (block 3).
#[derive(Debug, Clone)]
pub(super) struct StepSize {
    /// NBL / NBH.
    logarithm: i32,
    /// Upper limit of the logarithm (LIMIT in LOGSCL and LOGSCH: 18432 low, 22528 high).
    limit: i32,
    /// Right shift of the inverse logarithm for the smallest step.
    shift: i32,
    /// DETL / DETH.
    pub(super) step: i32,
}

impl StepSize {
    /// The low band after a reset.
    pub(super) const LOW: Self = Self {
        logarithm: 0,
        limit: 18432,
        shift: 8,
        step: 32,
    };
    /// The high band after a reset.
    pub(super) const HIGH: Self = Self {
        logarithm: 0,
        limit: 22528,
        shift: 10,
        step: 8,
    };

    /// LOGSCL and SCALEL (LOGSCH and SCALEH): `correction` is what the codeword adds to the logarithm.
    pub(super) fn update(&mut self, correction: i32) {
        self.logarithm = (((self.logarithm * 127) >> 7) + correction).clamp(0, self.limit);
        // the mask keeps the index within the 32 entries
        let fraction = INVERSE_LOG[((self.logarithm >> 6) & 31) as usize];
        let shift = self.shift - (self.logarithm >> 11);
        self.step = if shift < 0 {
            fraction << -shift
        } else {
            fraction >> shift
        } << 2;
    }
}
