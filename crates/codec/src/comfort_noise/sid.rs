//! The payload of RFC 3389: a silence insertion descriptor.

use crate::CodecError;

/// Most reflection coefficients that are kept. A receiver may lower the model order (RFC 3389 3).
pub const MAX_ORDER: usize = 12;

/// Level and spectrum of background noise, as a comfort noise packet carries them (RFC 3389 3).
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceDescriptor {
    /// Level below the overload point, 0 to 127: -dBov (RFC 3389 3.1).
    pub level: u8,
    /// Reflection coefficients of an all-pole model, -1 < k < 1, lowest order first (RFC 3389 3.2). The sign is the
    /// one of the recursion A(z) = 1 + a1 z^-1 + ... with k1 = -r1/r0, so noise with more low than high frequencies
    /// starts with a negative one.
    pub reflection: Vec<f32>,
}

impl SilenceDescriptor {
    /// White noise at `level` -dBov (values above 127 count as 127).
    #[must_use]
    pub fn white(level: u8) -> Self {
        Self {
            level: level.min(127),
            reflection: Vec::new(),
        }
    }

    /// Reads a payload. Coefficients past the twelfth are left out; the reserved value 255 ends the list, as if the
    /// model order were lower.
    ///
    /// # Errors
    /// [`CodecError::Payload`] if there is no octet, or the reserved top bit of the level is set (RFC 3389 3.1).
    pub fn parse(payload: &[u8]) -> Result<Self, CodecError> {
        let malformed = |reason| CodecError::Payload { codec: "CN", reason };
        let (&level, coefficients) = payload.split_first().ok_or_else(|| malformed("empty"))?;
        if level & 0x80 != 0 {
            return Err(malformed(
                "the top bit of the noise level is not 0 (RFC 3389 3.1)",
            ));
        }
        let reflection = coefficients
            .iter()
            .take(MAX_ORDER)
            .map_while(|&index| dequantise(index))
            .collect();
        Ok(Self { level, reflection })
    }

    /// Appends the payload to `out`: the level and one octet a coefficient.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.level.min(127));
        out.extend(self.reflection.iter().take(MAX_ORDER).map(|&k| quantise(k)));
    }
}

/// RFC 3389 3.2: k = 258 (N - 127) / 32768, and N = 255 is reserved.
fn dequantise(index: u8) -> Option<f32> {
    (index != 255).then(|| 258.0 * (f32::from(index) - 127.0) / 32768.0)
}

fn quantise(k: f32) -> u8 {
    // the cast saturates and turns a NaN into 0, which a clamp alone would not; 254 is the largest allowed value
    ((k * 32768.0 / 258.0 + 127.0).round() as u8).min(254)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_level_alone_is_white_noise() {
        assert_eq!(SilenceDescriptor::parse(&[55]), Ok(SilenceDescriptor::white(55)));
        let mut out = Vec::new();
        SilenceDescriptor::white(200).write(&mut out);
        assert_eq!(out, [127]);
    }

    #[test]
    fn coefficients_are_quantised_as_the_rfc_says() {
        let sid = SilenceDescriptor::parse(&[40, 127, 0, 254, 255, 3]).expect("well-formed");
        assert_eq!(sid.reflection.len(), 3, "the reserved value ends the list");
        assert!(sid.reflection[0].abs() < f32::EPSILON);
        assert!((sid.reflection[1] + 0.99994).abs() < 1e-4);
        assert!((sid.reflection[2] - 0.99994).abs() < 1e-4);
    }

    #[test]
    fn an_empty_payload_and_a_set_top_bit_are_refused() {
        assert!(SilenceDescriptor::parse(&[]).is_err());
        assert!(SilenceDescriptor::parse(&[0x80 | 40]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_read_is_written_back(level in 0u8..128, indices in proptest::collection::vec(0u8..255, 0..=MAX_ORDER)) {
            let mut payload = vec![level];
            payload.extend(&indices);
            let mut again = Vec::new();
            SilenceDescriptor::parse(&payload).expect("well-formed").write(&mut again);
            prop_assert_eq!(payload, again);
        }
    }
}
