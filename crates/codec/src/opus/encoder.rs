//! The sending side.

use std::fmt;

use super::decimate::Decimator;
use super::packet::OpusBandwidth;
use super::{LONGEST, RATE, SHORTEST};
use crate::{CodecError, Encoder};

/// Largest frame (RFC 6716 3.2.1) with its table of contents.
const LARGEST_FRAME: usize = 1276;

/// How to code. The defaults are for a call: 32 kbit/s variable, full band, no forward error correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusOptions {
    /// Average bit rate, bit/s: 6000 to 510000 (RFC 7587 6.1).
    pub bit_rate: u32,
    /// Every packet of the same size.
    pub constant_bit_rate: bool,
    /// Highest audio bandwidth; mediumband is coded as narrowband.
    pub bandwidth: OpusBandwidth,
    /// Each packet also carries a coarse copy of the one before (RFC 6716 2.1.7). Takes effect with
    /// `expected_loss` above 0, in the SILK and hybrid modes.
    pub in_band_fec: bool,
    /// Packet loss to prepare for, percent.
    pub expected_loss: u8,
    /// Effort, 0 to 10.
    pub complexity: u8,
}

impl Default for OpusOptions {
    fn default() -> Self {
        Self {
            bit_rate: 32_000,
            constant_bit_rate: false,
            bandwidth: OpusBandwidth::Fullband,
            in_band_fec: false,
            expected_loss: 0,
            complexity: 9,
        }
    }
}

/// Opus encoder for speech at 48 kHz. A packet may be 10, 20, 30, 40, 50, 60, 80, 100 or 120 ms long.
pub struct OpusEncoder {
    inner: opus_rs::OpusEncoder,
    channels: usize,
    decimator: Decimator,
    /// By how much the sample rate is lowered before coding.
    factor: usize,
}

impl fmt::Debug for OpusEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpusEncoder")
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

impl OpusEncoder {
    /// An encoder for 1 or 2 channels.
    ///
    /// # Errors
    /// [`CodecError::Parameter`] for a bit rate outside 6000 to 510000, [`CodecError::Encoder`] for another number of
    /// channels.
    pub fn new(channels: u8, options: &OpusOptions) -> Result<Self, CodecError> {
        if !(6000..=510_000).contains(&options.bit_rate) {
            return Err(CodecError::Parameter {
                parameter: "maxaveragebitrate",
                value: options.bit_rate.to_string(),
                rule: "6000 to 510000 bit/s (RFC 7587 6.1)",
            });
        }
        // the library takes the audio bandwidth from the sample rate it is given
        let factor = match options.bandwidth {
            OpusBandwidth::Narrowband | OpusBandwidth::Mediumband => 6,
            OpusBandwidth::Wideband => 3,
            OpusBandwidth::Superwideband => 2,
            OpusBandwidth::Fullband => 1,
        };
        let mut inner = opus_rs::OpusEncoder::new(
            (RATE / factor) as i32,
            channels.into(),
            opus_rs::Application::Voip,
        )
        .map_err(refused)?;
        inner.bitrate_bps = options.bit_rate.cast_signed();
        inner.use_cbr = options.constant_bit_rate;
        inner.use_inband_fec = options.in_band_fec;
        inner.packet_loss_perc = i32::from(options.expected_loss.min(100));
        inner.complexity = i32::from(options.complexity.min(10));
        Ok(Self {
            inner,
            channels: channels.into(),
            decimator: Decimator::new(factor, channels.into()),
            factor,
        })
    }

    /// One frame with its table of contents.
    fn frame(&mut self, samples: &[f32]) -> Result<Vec<u8>, CodecError> {
        let mut packet = vec![0; LARGEST_FRAME];
        let length = self
            .inner
            .encode(samples, samples.len() / self.channels, &mut packet)
            .map_err(refused)?;
        packet.truncate(length);
        if packet.is_empty() {
            return Err(refused("no octets"));
        }
        Ok(packet)
    }
}

const fn refused(reason: &'static str) -> CodecError {
    CodecError::Encoder {
        codec: "opus",
        reason,
    }
}

impl Encoder for OpusEncoder {
    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let per_channel = samples.len() / self.channels;
        let whole = samples.len().is_multiple_of(self.channels) && per_channel <= LONGEST;
        let frame = match per_channel / (4 * SHORTEST) {
            _ if !whole || !per_channel.is_multiple_of(4 * SHORTEST) => 0,
            // one call of the library: a single frame, or frames of 20 ms that it packs itself
            1 | 2 | 4 | 6 => per_channel,
            // packets of several frames, of 10 or 20 ms
            3 | 5 => 4 * SHORTEST,
            8 | 10 | 12 => 8 * SHORTEST,
            _ => 0,
        };
        if frame == 0 {
            return Err(CodecError::FrameLength {
                samples: samples.len(),
                rule: "10, 20, 30, 40, 50, 60, 80, 100 or 120 ms in every channel",
            });
        }
        let lowered = self.decimator.decimate(samples);
        let frames = lowered
            .chunks_exact(frame / self.factor * self.channels)
            .map(|samples| self.frame(samples))
            .collect::<Result<Vec<_>, _>>()?;
        match frames.as_slice() {
            [single] => out.extend_from_slice(single),
            many => pack(many, out)?,
        }
        Ok(())
    }
}

/// Frames of one configuration into a packet of code 3 with a length each (RFC 6716 3.2.5).
fn pack(frames: &[Vec<u8>], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut bodies = Vec::with_capacity(frames.len());
    let mut contents = None;
    for frame in frames {
        let (&toc, body) = frame.split_first().ok_or_else(|| refused("no octets"))?;
        if toc & 3 != 0 {
            return Err(refused("a frame came packed already"));
        }
        if contents.is_some_and(|first| first != toc) {
            return Err(refused("the mode changed within a packet"));
        }
        contents = Some(toc);
        bodies.push(body);
    }
    let (Some(toc), Some((last, others))) = (contents, bodies.split_last()) else {
        return Err(refused("no frames"));
    };
    // at most 12 frames (120 ms of 10 ms)
    out.extend([toc | 3, 0x80 | frames.len() as u8]);
    for body in others {
        if body.len() < 252 {
            out.push(body.len() as u8);
        } else {
            let low = 252 + (body.len() & 3);
            out.extend([low as u8, ((body.len() - low) / 4) as u8]);
        }
    }
    others
        .iter()
        .chain([last])
        .for_each(|body| out.extend_from_slice(body));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpusPacket;

    #[test]
    fn packing_keeps_the_lengths_of_short_and_long_frames() {
        let frame = |octets: usize| {
            let mut frame = vec![0x78];
            frame.resize(1 + octets, 9);
            frame
        };
        for lengths in [[0, 1, 251], [252, 253, 254], [255, 256, 1275], [1275, 1, 0]] {
            let mut out = Vec::new();
            pack(&lengths.map(frame), &mut out).expect("one configuration");
            assert_eq!(
                OpusPacket::parse(&out).expect("well-formed").frame_lengths,
                lengths
            );
        }
    }

    #[test]
    fn frames_of_two_configurations_do_not_go_into_one_packet() {
        let mut out = Vec::new();
        assert!(pack(&[vec![0x78, 1], vec![0xf8, 1]], &mut out).is_err());
        assert!(out.is_empty());
    }
}
