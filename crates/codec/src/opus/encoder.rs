//! The sending side.

use std::fmt;

use super::library::{Library, SIGNAL_VOICE, Setting};
use super::packet::OpusBandwidth;
use super::{LONGEST, SHORTEST};
use crate::{CodecError, Encoder};

/// Room for six frames of the largest size (RFC 6716 3.2.1) with their lengths: 120 ms of 20 ms.
const LARGEST_PACKET: usize = 6 * 1277 + 2;

/// How to code. The defaults are for a call: 32 kbit/s variable, full band, no forward error correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusOptions {
    /// Average bit rate, bit/s: 6000 to 510000 (RFC 7587 6.1).
    pub bit_rate: u32,
    /// Every packet of the same size.
    pub constant_bit_rate: bool,
    /// Highest audio bandwidth; the bit rate may choose a lower one.
    pub bandwidth: OpusBandwidth,
    /// Packets also carry a coarse copy of the one before (RFC 6716 2.1.7), if `expected_loss` is above 0 and the bit
    /// rate leaves room and chooses a mode with a SILK layer.
    pub in_band_fec: bool,
    /// Packet loss to prepare for, percent (values above 100 count as 100).
    pub expected_loss: u8,
    /// Silence is coded as packets of one or two octets, which need not be sent (RFC 7587 3.1.3).
    pub discontinuous: bool,
    /// Effort, 0 to 10 (values above 10 count as 10).
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
            discontinuous: false,
            complexity: 9,
        }
    }
}

/// Opus encoder for speech at 48 kHz. A packet may be 2.5, 5, 10, 20, 30, 40, 50, 60, 80, 100 or 120 ms long.
pub struct OpusEncoder {
    library: Library,
    channels: usize,
    /// The highest bandwidth that the bit rate and the caller allow.
    bandwidth: OpusBandwidth,
    /// Whether mode and bandwidth are held, as packets of several frames need it.
    held: bool,
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
    /// [`CodecError::Parameter`] for a bit rate outside 6000 to 510000, [`CodecError::Library`] for another number of
    /// channels.
    pub fn new(channels: u8, options: &OpusOptions) -> Result<Self, CodecError> {
        if !(6000..=510_000).contains(&options.bit_rate) {
            return Err(CodecError::Parameter {
                parameter: "maxaveragebitrate",
                value: options.bit_rate.to_string(),
                rule: "6000 to 510000 bit/s (RFC 7587 6.1)",
            });
        }
        let mut library = Library::new(channels)?;
        library.set(Setting::BitRate, options.bit_rate.cast_signed())?;
        library.set(Setting::VariableBitRate, i32::from(!options.constant_bit_rate))?;
        library.set(Setting::MaximumBandwidth, number(options.bandwidth))?;
        library.set(Setting::InBandFec, i32::from(options.in_band_fec))?;
        library.set(Setting::PacketLoss, i32::from(options.expected_loss.min(100)))?;
        library.set(Setting::Discontinuous, i32::from(options.discontinuous))?;
        library.set(Setting::Complexity, i32::from(options.complexity.min(10)))?;
        Ok(Self {
            library,
            channels: channels.into(),
            bandwidth: options
                .bandwidth
                .min(affordable(options.bit_rate / u32::from(channels))),
            held: false,
        })
    }

    fn packet(&mut self, samples: &[i16]) -> Result<Vec<u8>, CodecError> {
        let mut packet = vec![0; LARGEST_PACKET];
        let length = self.library.encode(samples, &mut packet)?;
        packet.truncate(length);
        Ok(packet)
    }

    /// A packet of frames of 10 ms: 30 and 50 ms, which the library does not offer.
    fn short_frames(&mut self, samples: &[i16]) -> Result<Vec<u8>, CodecError> {
        if !self.held {
            // all frames of a packet share one configuration (RFC 6716 3.2): nothing may be chosen by the signal
            self.library.set(Setting::Signal, SIGNAL_VOICE)?;
            self.library.set(Setting::Bandwidth, number(self.bandwidth))?;
            self.held = true;
        }
        let mut coded = Ok(Vec::new());
        // hysteresis may change the mode after the very first frame; it has settled the second time
        for _ in 0..2 {
            let frames = samples
                .chunks_exact(4 * SHORTEST * self.channels)
                .map(|frame| self.packet(frame))
                .collect::<Result<Vec<_>, _>>()?;
            coded = pack(&frames);
            if coded.is_ok() {
                break;
            }
        }
        coded
    }
}

/// The value of a bandwidth in libopus (opus_defines.h).
const fn number(bandwidth: OpusBandwidth) -> i32 {
    match bandwidth {
        OpusBandwidth::Narrowband => 1101,
        OpusBandwidth::Mediumband => 1102,
        OpusBandwidth::Wideband => 1103,
        OpusBandwidth::Superwideband => 1104,
        OpusBandwidth::Fullband => 1105,
    }
}

/// The bandwidth that speech at `bit_rate` bit/s a channel is coded best with; the limits are roughly libopus's own.
const fn affordable(bit_rate: u32) -> OpusBandwidth {
    match bit_rate {
        0..9_000 => OpusBandwidth::Narrowband,
        9_000..14_000 => OpusBandwidth::Wideband,
        _ => OpusBandwidth::Fullband,
    }
}

const fn refused(reason: &'static str) -> CodecError {
    CodecError::Library {
        codec: "opus",
        reason,
    }
}

impl Encoder for OpusEncoder {
    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let per_channel = samples.len() / self.channels;
        let whole = samples.len().is_multiple_of(self.channels)
            && per_channel.is_multiple_of(SHORTEST)
            && per_channel <= LONGEST;
        let packet = match per_channel / SHORTEST {
            1 | 2 | 4 | 8 | 16 | 24 | 32 | 40 | 48 if whole => self.packet(samples)?,
            12 | 20 if whole => self.short_frames(samples)?,
            _ => {
                return Err(CodecError::FrameLength {
                    samples: samples.len(),
                    rule: "2.5, 5, 10, 20, 30, 40, 50, 60, 80, 100 or 120 ms in every channel",
                });
            }
        };
        out.extend_from_slice(&packet);
        Ok(())
    }
}

/// Frames of one configuration into a packet of code 3 with a length each (RFC 6716 3.2.5).
fn pack(frames: &[Vec<u8>]) -> Result<Vec<u8>, CodecError> {
    let mut contents = None;
    let mut bodies = Vec::with_capacity(frames.len());
    for frame in frames {
        let (&toc, body) = frame.split_first().ok_or_else(|| refused("no octets"))?;
        if toc & 3 != 0 {
            return Err(refused("a frame came packed already"));
        }
        if contents.is_some_and(|first| first != toc) {
            return Err(refused("the configuration changed within a packet"));
        }
        contents = Some(toc);
        bodies.push(body);
    }
    let (Some(toc), Some((last, others))) = (contents, bodies.split_last()) else {
        return Err(refused("no frames"));
    };
    let count = u8::try_from(frames.len()).ok().filter(|&count| count <= 48);
    let mut out = vec![
        toc | 3,
        0x80 | count.ok_or_else(|| refused("more than 48 frames"))?,
    ];
    for body in others {
        // lengths from 252 on take two octets: 4 * second + first (RFC 6716 3.2.1)
        if body.len() < 252 {
            out.push(body.len() as u8);
        } else {
            let first = 252 + (body.len() & 3);
            out.extend([first as u8, ((body.len() - first) / 4) as u8]);
        }
    }
    for body in others.iter().chain([last]) {
        out.extend_from_slice(body);
    }
    Ok(out)
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
            let packed = pack(&lengths.map(frame)).expect("one configuration");
            assert_eq!(
                OpusPacket::parse(&packed).expect("well-formed").frame_lengths,
                lengths
            );
        }
    }

    #[test]
    fn frames_of_two_configurations_do_not_go_into_one_packet() {
        assert!(pack(&[vec![0x78, 1], vec![0xf8, 1]]).is_err());
        assert!(pack(&[]).is_err());
    }
}
