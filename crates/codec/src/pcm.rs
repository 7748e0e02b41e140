//! The codecs without memory: both laws of G.711 and linear L16.

use voxproof_rtp::g711::{self, Law};

use crate::{CodecError, Decoder, Encoder};

/// G.711, one octet a sample. Any length codes and any octet decodes.
#[derive(Debug, Clone, Copy)]
pub struct G711 {
    law: Law,
}

impl G711 {
    /// Coder and decoder of one law.
    #[must_use]
    pub const fn new(law: Law) -> Self {
        Self { law }
    }
}

impl Encoder for G711 {
    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend(
            samples
                .iter()
                .map(|&sample| g711::encode_sample(self.law, sample)),
        );
        Ok(())
    }
}

impl Decoder for G711 {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        out.extend(payload.iter().map(|&code| g711::decode_sample(self.law, code)));
        Ok(())
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.resize(out.len() + samples, 0);
    }
}

/// L16: 16-bit linear samples in network byte order, channels interleaved (RFC 3551 4.5.11).
#[derive(Debug, Clone, Copy)]
pub struct L16 {
    channels: usize,
}

impl L16 {
    /// Coder and decoder of `channels` interleaved channels.
    #[must_use]
    pub const fn new(channels: u8) -> Self {
        Self {
            channels: channels as usize,
        }
    }
}

impl Encoder for L16 {
    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), CodecError> {
        if !samples.len().is_multiple_of(self.channels) {
            return Err(CodecError::FrameLength {
                samples: samples.len(),
                rule: "one sample of every channel at a time",
            });
        }
        out.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
        Ok(())
    }
}

impl Decoder for L16 {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        if !payload.len().is_multiple_of(2 * self.channels) {
            return Err(CodecError::Payload {
                codec: "L16",
                reason: "not a whole number of samples in every channel",
            });
        }
        let (samples, _) = payload.as_chunks::<2>();
        out.extend(samples.iter().map(|&octets| i16::from_be_bytes(octets)));
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
    fn l16_is_big_endian_and_wants_whole_samples() {
        let mut out = Vec::new();
        L16::new(2)
            .encode(&[0x1234, -2], &mut out)
            .expect("one sample a channel");
        assert_eq!(out, [0x12, 0x34, 0xff, 0xfe]);
        let mut samples = Vec::new();
        L16::new(2).decode(&out, &mut samples).expect("whole");
        assert_eq!(samples, [0x1234, -2]);
        assert!(L16::new(2).decode(&out[..2], &mut samples).is_err());
        assert!(L16::new(2).encode(&[1], &mut out).is_err());
        assert_eq!(
            (out.len(), samples.len()),
            (4, 2),
            "a refusal leaves the output alone"
        );
    }

    #[test]
    fn g711_follows_the_law() {
        let mut out = Vec::new();
        G711::new(Law::A).encode(&[0, -1], &mut out).expect("any length");
        G711::new(Law::Mu).encode(&[0, -1], &mut out).expect("any length");
        assert_eq!(out, [0xd5, 0x55, 0xff, 0x7f]);
    }
}
