//! A-law and mu-law, the codes of ITU-T G.711, on 16-bit linear samples.
//!
//! The linear side is left-aligned: A-law's 13 bits are multiples of 8, mu-law's 14 bits multiples of 4. A sample that
//! lies exactly on a decision value goes to the upper interval, as the reference implementation of the ITU does it.

/// Which of the two laws of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// A-law, RTP payload type 8 (PCMA). Even bits are inverted on the wire (G.711 Table 1 note).
    A,
    /// mu-law, RTP payload type 0 (PCMU). All bits are inverted on the wire (G.711 Table 2 note).
    Mu,
}

/// mu-law is linear in log2(magnitude + 33) on the 14-bit scale; the segments then start at powers of two.
const MU_BIAS: u16 = 33;

/// Codes one sample.
#[must_use]
pub const fn encode_sample(law: Law, sample: i16) -> u8 {
    // One's complement for negative values mirrors the intervals around -1/2, so that a decision value always
    // belongs to the interval above it.
    let negative = sample < 0;
    let magnitude = if negative { !sample } else { sample }.cast_unsigned();
    match law {
        Law::A => {
            // 12 bits of magnitude; segments 0 and 1 share the smallest step
            let magnitude = magnitude >> 4;
            let segment = 12u32.saturating_sub(magnitude.leading_zeros());
            let shift = segment.saturating_sub(1);
            let mantissa = (magnitude >> shift) & 0x0f;
            let code = ((segment << 4) as u8) | mantissa as u8;
            (if negative { code } else { code | 0x80 }) ^ 0x55
        }
        Law::Mu => {
            let biased = (magnitude >> 2) + MU_BIAS;
            let biased = if biased > 0x1fff { 0x1fff } else { biased };
            let segment = 10 - biased.leading_zeros();
            let mantissa = (biased >> (segment + 1)) & 0x0f;
            let code = ((segment << 4) as u8) | mantissa as u8;
            !(if negative { code | 0x80 } else { code })
        }
    }
}

/// Decodes one code to the quantised value of its interval.
#[must_use]
pub const fn decode_sample(law: Law, code: u8) -> i16 {
    match law {
        Law::A => {
            let code = code ^ 0x55;
            let segment = (code >> 4) & 0x07;
            let mantissa = ((code & 0x0f) as i16) << 4;
            let magnitude = if segment == 0 {
                mantissa + 8
            } else {
                (mantissa + 0x108) << (segment - 1)
            };
            if code & 0x80 != 0 { magnitude } else { -magnitude }
        }
        Law::Mu => {
            let code = !code;
            let segment = (code >> 4) & 0x07;
            let step = (((code & 0x0f) as i16) << 1) + MU_BIAS.cast_signed();
            let magnitude = ((step << segment) - MU_BIAS.cast_signed()) << 2;
            if code & 0x80 != 0 { -magnitude } else { magnitude }
        }
    }
}

/// Codes 16-bit samples, one octet a sample.
#[must_use]
pub fn encode(law: Law, samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&sample| encode_sample(law, sample)).collect()
}

/// Decodes octets, one 16-bit sample an octet.
#[must_use]
pub fn decode(law: Law, codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|&code| decode_sample(law, code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decision values and quantised values of the positive half, on 16 bits, written out from the construction of
    /// G.711 Tables 1a and 2a: how many intervals of which width follow each other.
    struct Half {
        decisions: Vec<i32>,
        values: Vec<i32>,
    }

    fn half(law: Law) -> Half {
        let (widths, scale): (Vec<i32>, i32) = match law {
            Law::A => {
                let mut widths = vec![2; 32];
                for width in [4, 8, 16, 32, 64, 128] {
                    widths.extend([width; 16]);
                }
                (widths, 8)
            }
            Law::Mu => {
                // the first interval reaches from -1 to 1 and is shared by both signs
                let mut widths = vec![1];
                widths.extend([2; 15]);
                for width in [4, 8, 16, 32, 64, 128, 256] {
                    widths.extend([width; 16]);
                }
                (widths, 4)
            }
        };
        let mut decisions = vec![0];
        let mut values = Vec::new();
        for (n, width) in widths.iter().enumerate() {
            let low = decisions[n];
            decisions.push(low + width);
            values.push(if law == Law::Mu && n == 0 {
                0
            } else {
                low * scale + width * scale / 2
            });
        }
        Half {
            decisions: decisions.iter().map(|d| d * scale).collect(),
            values,
        }
    }

    #[test]
    fn the_tables_have_the_virtual_decision_values_of_the_standard() {
        assert_eq!(half(Law::A).decisions.last(), Some(&(4096 * 8)));
        assert_eq!(half(Law::Mu).decisions.last(), Some(&(8159 * 4)));
        assert_eq!(half(Law::A).values.len(), 128);
        assert_eq!(half(Law::Mu).values.len(), 128);
    }

    #[test]
    fn every_code_decodes_to_the_value_of_the_table() {
        for law in [Law::A, Law::Mu] {
            let values = half(law).values;
            for code in 0..=255u8 {
                let (number, positive) = match law {
                    Law::A => (usize::from((code ^ 0x55) & 0x7f), (code ^ 0x55) & 0x80 != 0),
                    Law::Mu => (usize::from(!code & 0x7f), code & 0x80 != 0),
                };
                let expected = if positive { values[number] } else { -values[number] };
                assert_eq!(
                    i32::from(decode_sample(law, code)),
                    expected,
                    "{law:?} {code:#04x}"
                );
            }
        }
    }

    #[test]
    fn every_input_decodes_into_its_own_interval() {
        for law in [Law::A, Law::Mu] {
            let table = half(law);
            for sample in i16::MIN..=i16::MAX {
                let x = i32::from(sample);
                // a decision value belongs to the interval above it: floor for positive, mirrored for negative
                let magnitude = if x >= 0 { x } else { -x - 1 };
                let number = table
                    .decisions
                    .partition_point(|&d| d <= magnitude)
                    .saturating_sub(1)
                    .min(127);
                let value = if x >= 0 {
                    table.values[number]
                } else {
                    -table.values[number]
                };
                let decoded = i32::from(decode_sample(law, encode_sample(law, sample)));
                assert_eq!(decoded, value, "{law:?} {sample}");
            }
        }
    }

    #[test]
    fn every_code_survives_a_tandem() {
        for law in [Law::A, Law::Mu] {
            for code in 0..=255u8 {
                let again = encode_sample(law, decode_sample(law, code));
                // mu-law has a negative zero, which no decoder output can tell from the positive one
                let expected = if law == Law::Mu && code == 0x7f {
                    0xff
                } else {
                    code
                };
                assert_eq!(again, expected, "{law:?}");
            }
        }
    }

    /// The 1 kHz sequence of G.711 Tables 5 and 6 has the nominal level of 0 dBm0.
    fn digital_milliwatt(law: Law) -> f64 {
        let codes: [u8; 8] = match law {
            Law::A => [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4],
            Law::Mu => [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e],
        };
        let energy: f64 = decode(law, &codes).iter().map(|&s| f64::from(s).powi(2)).sum();
        (energy / 8.0).sqrt()
    }

    #[test]
    fn the_digital_milliwatt_has_the_level_of_the_standard() {
        // rms of 16139 on 16 bits is -6.151 dBov, the level of 0 dBm0 in A-law (G.711 Table 5)
        assert!((digital_milliwatt(Law::A) - 16139.0).abs() < 1.0);
        // 0 dBov is the overload point of the law, which for mu-law is 8159 * 4 = 32636, not 32768
        let level = |law, overload: f64| 20.0 * (digital_milliwatt(law) / overload).log10();
        assert!((level(Law::A, 32768.0) + 6.151).abs() < 0.001);
        assert!((level(Law::Mu, 32636.0) + 6.18).abs() < 0.005);
        // an overload sine is 3.01 dB below that point: +3.14 dBm0 in A-law, +3.17 dBm0 in mu-law (G.711 clause 4)
        let sine = |law, overload: f64| -10.0 * 2f64.log10() - level(law, overload);
        assert!((3.1402..3.1422).contains(&sine(Law::A, 32768.0)));
        assert!((sine(Law::Mu, 32636.0) - 3.172).abs() < 0.001);
    }

    #[test]
    fn slices_go_sample_by_sample() {
        let samples = [0, -1, 32767, -32768];
        assert_eq!(encode(Law::A, &samples), [0xd5, 0x55, 0xaa, 0x2a]);
        assert_eq!(encode(Law::Mu, &samples), [0xff, 0x7f, 0x80, 0x00]);
        assert_eq!(decode(Law::A, &[0xd5, 0x55, 0xaa, 0x2a]), [8, -8, 32256, -32256]);
        assert_eq!(decode(Law::Mu, &[0xff, 0x7f, 0x80, 0x00]), [0, 0, 32124, -32124]);
    }
}
