//! ITU-T G.722: 7 kHz speech in 64 kbit/s, by ADPCM in two sub-bands.
//!
//! Written from the recommendation's sub-blocks (clauses 5 and 6), which the comments name; bit-exact to the ITU
//! test sequences in all three modes. An octet carries two samples at 16 kHz: the two upper bits are the high band,
//! the six lower ones the low band. In RTP the clock nevertheless runs at 8000 Hz (RFC 3551 4.5.2), one tick an
//! octet.

mod band;
mod qmf;
mod tables;

use crate::{CodecError, Decoder, Encoder};
use band::{Predictor, StepSize, limit_band, magnitude, saturate};
use qmf::{Analysis, Synthesis};

/// Which bits of an octet are speech (G.722 clause 1): the encoder always codes 64 kbit/s; auxiliary data may then
/// replace the lowest bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum G722Mode {
    /// 64 kbit/s, all eight bits. The only one RTP uses (RFC 3551 4.5.2).
    #[default]
    Mode1,
    /// 56 kbit/s, the lowest bit is data.
    Mode2,
    /// 48 kbit/s, the two lowest bits are data.
    Mode3,
}

/// G.722 encoder at 64 kbit/s.
#[derive(Debug, Clone)]
pub struct G722Encoder {
    filter: Analysis,
    low: Predictor,
    low_step: StepSize,
    high: Predictor,
    high_step: StepSize,
}

impl Default for G722Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl G722Encoder {
    /// An encoder in the reset state.
    #[must_use]
    pub fn new() -> Self {
        Self {
            filter: Analysis::default(),
            low: Predictor::default(),
            low_step: StepSize::LOW,
            high: Predictor::default(),
            high_step: StepSize::HIGH,
        }
    }

    /// Codes two consecutive samples at 16 kHz.
    pub fn encode_pair(&mut self, first: i16, second: i16) -> u8 {
        let (low, high) = self.filter.split(first, second);
        (self.encode_high(high) << 6) | self.encode_low(low)
    }

    fn encode_low(&mut self, signal: i32) -> u8 {
        let difference = saturate(signal - self.low.prediction); // SUBTRA
        let compared = magnitude(difference);
        let step = self.low_step.step;
        // QUANTL: the interval is the number of decision levels not above the magnitude
        let interval = tables::LOW_DECISION.partition_point(|&level| compared >= ((level << 3) * step) >> 15);
        let code = if difference < 0 {
            tables::LOW_CODE_NEGATIVE[interval]
        } else {
            tables::LOW_CODE_POSITIVE[interval]
        };
        adapt_low(&mut self.low, &mut self.low_step, code >> 2);
        code
    }

    fn encode_high(&mut self, signal: i32) -> u8 {
        let difference = saturate(signal - self.high.prediction); // SUBTRA
        let outer = magnitude(difference) >= ((tables::HIGH_DECISION << 3) * self.high_step.step) >> 15; // QUANTH
        let code = match (difference < 0, outer) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        adapt_high(&mut self.high, &mut self.high_step, code);
        code
    }
}

/// The feedback loop of the low band runs on the four upper bits in every mode (INVQAL), so that the bits that
/// data may replace never enter it.
fn adapt_low(predictor: &mut Predictor, step: &mut StepSize, upper: u8) {
    let upper = usize::from(upper & 15);
    let difference = (step.step * tables::LOW_OUTPUT_4[upper]) >> 15; // INVQAL
    step.update(tables::LOW_LOG_STEP[upper]);
    predictor.update(difference);
}

/// INVQAH, LOGSCH, SCALEH and the predictor of the high band; the quantised difference.
fn adapt_high(predictor: &mut Predictor, step: &mut StepSize, code: u8) -> i32 {
    let code = usize::from(code & 3);
    let difference = (step.step * tables::HIGH_OUTPUT[code]) >> 15;
    step.update(tables::HIGH_LOG_STEP[code]);
    predictor.update(difference);
    difference
}

impl Encoder for G722Encoder {
    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let (pairs, rest) = samples.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(CodecError::FrameLength {
                samples: samples.len(),
                rule: "an even number, two samples an octet",
            });
        }
        out.extend(
            pairs
                .iter()
                .map(|&[first, second]| self.encode_pair(first, second)),
        );
        Ok(())
    }
}

/// G.722 decoder. Every octet is a valid one, so decoding cannot fail.
#[derive(Debug, Clone)]
pub struct G722Decoder {
    mode: G722Mode,
    filter: Synthesis,
    low: Predictor,
    low_step: StepSize,
    high: Predictor,
    high_step: StepSize,
}

impl G722Decoder {
    /// A decoder in the reset state.
    #[must_use]
    pub fn new(mode: G722Mode) -> Self {
        Self {
            mode,
            filter: Synthesis::default(),
            low: Predictor::default(),
            low_step: StepSize::LOW,
            high: Predictor::default(),
            high_step: StepSize::HIGH,
        }
    }

    /// Decodes one octet to two consecutive samples at 16 kHz.
    pub fn decode_octet(&mut self, octet: u8) -> [i16; 2] {
        let code = usize::from(octet & 0x3f);
        let output = match self.mode {
            G722Mode::Mode1 => tables::LOW_OUTPUT_6[code],
            G722Mode::Mode2 => tables::LOW_OUTPUT_5[code >> 1],
            G722Mode::Mode3 => tables::LOW_OUTPUT_4[code >> 2],
        };
        let difference = (self.low_step.step * output) >> 15; // INVQBL
        let low = limit_band(saturate(self.low.prediction + difference));
        adapt_low(&mut self.low, &mut self.low_step, (octet >> 2) & 15);

        let prediction = self.high.prediction;
        let difference = adapt_high(&mut self.high, &mut self.high_step, octet >> 6);
        let high = limit_band(saturate(prediction + difference));
        self.filter.join(low, high)
    }
}

impl Decoder for G722Decoder {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        out.extend(payload.iter().flat_map(|&octet| self.decode_octet(octet)));
        Ok(())
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.resize(out.len() + samples, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_codes_to_the_octet_of_the_recommendation_and_back_to_almost_nothing() {
        let mut octets = Vec::new();
        G722Encoder::new().encode(&[0; 64], &mut octets).expect("even");
        assert_eq!(octets, [0xfa; 32]);
        let mut samples = Vec::new();
        G722Decoder::new(G722Mode::Mode1)
            .decode(&octets, &mut samples)
            .expect("any octet");
        assert_eq!(samples.len(), 64);
        assert!(samples.iter().all(|sample| sample.abs() <= 4), "{samples:?}");
    }

    #[test]
    fn an_odd_number_of_samples_is_refused_and_nothing_is_coded() {
        let mut octets = Vec::new();
        let refused = G722Encoder::new().encode(&[0; 3], &mut octets);
        assert!(matches!(refused, Err(CodecError::FrameLength { samples: 3, .. })));
        assert!(octets.is_empty());
    }

    #[test]
    fn extremes_saturate_instead_of_wrapping() {
        let mut encoder = G722Encoder::new();
        let mut decoder = G722Decoder::new(G722Mode::Mode1);
        // 500 Hz at full scale: wrapping would turn a positive half-wave into a negative one
        let mut worst = i32::MIN;
        for n in 0..4000_i32 {
            let level = if (n / 8) % 2 == 0 { i16::MAX } else { i16::MIN };
            let octet = encoder.encode_pair(level, level);
            // the filters delay by 22 samples at 16 kHz: compare the middle of a half-wave with what was sent then
            let [first, _] = decoder.decode_octet(octet);
            let sent_positive = ((n - 11).div_euclid(8)) % 2 == 0;
            if n > 200 && (n - 11).rem_euclid(8) == 4 {
                worst = worst.max(if sent_positive {
                    -i32::from(first)
                } else {
                    i32::from(first)
                });
            }
        }
        assert!(worst < 0, "a half-wave came out with the wrong sign: {worst}");
    }
}
