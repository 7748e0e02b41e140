//! The phone's codecs, between 8 kHz samples and payloads.

use std::collections::BTreeSet;
use std::fmt;

use voxproof_codec::{CodecSpec, Decoder, DecoderOptions, Encoder, EncoderOptions};
use voxproof_rtp::g711::{self, Law};

use crate::resample::{Downsampler, Upsampler};
use crate::{AudioCodec, Fault};

/// An encoder and a decoder for one codec at a time, and what the faults make of them.
pub(crate) struct Coders {
    faults: BTreeSet<Fault>,
    sending: AudioCodec,
    encoder: Option<(Box<dyn Encoder>, Upsampler)>,
    receiving: AudioCodec,
    decoder: Option<(Box<dyn Decoder>, Downsampler)>,
    /// The last RTP timestamp of a codec with another clock than 8 kHz, as received and unwrapped.
    clock: Option<(u32, i64)>,
}

impl fmt::Debug for Coders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coders")
            .field("sending", &self.sending)
            .field("receiving", &self.receiving)
            .finish_non_exhaustive()
    }
}

impl Coders {
    pub(crate) fn new(faults: &BTreeSet<Fault>) -> Self {
        Self {
            faults: faults.clone(),
            sending: AudioCodec::Pcmu,
            encoder: None,
            receiving: AudioCodec::Pcmu,
            decoder: None,
            clock: None,
        }
    }

    /// Sends with this codec from now on; the state of a codec that stays goes on.
    pub(crate) fn choose(&mut self, codec: AudioCodec) {
        if self.sending == codec && (self.encoder.is_some() || law(codec).is_some()) {
            return;
        }
        self.sending = codec;
        self.encoder = spec(codec)
            .and_then(|spec| spec.encoder(&EncoderOptions::default()).ok())
            .map(|encoder| (encoder, Upsampler::new(codec.rate_factor())));
    }

    /// The payload of one packet; empty when the codec cannot code so many samples.
    pub(crate) fn encode(&mut self, samples: &[i16]) -> Vec<u8> {
        if let Some(law) = law(self.sending) {
            let mut payload = g711::encode(self.spoilt(law), samples);
            if law == Law::Mu && self.faults.contains(&Fault::MuLawCoarse) {
                payload.iter_mut().for_each(coarsen);
            }
            return payload;
        }
        let mut payload = Vec::new();
        let spoilt = |codec: AudioCodec, fault: Fault| self.sending == codec && self.faults.contains(&fault);
        let quiet = spoilt(AudioCodec::G722, Fault::G722Quiet);
        let overdriven = spoilt(AudioCodec::Opus, Fault::OpusOverdriven);
        if let Some((encoder, upsampler)) = &mut self.encoder {
            let mut wide = upsampler.process(samples);
            if quiet {
                wide.iter_mut().for_each(|sample| *sample >>= 3);
            }
            if overdriven {
                wide.iter_mut()
                    .for_each(|sample| *sample = sample.saturating_mul(16));
            }
            // Opus has no frame of 30 or 50 ms: several of 10 ms do not fit one packet, so nothing is said
            let _ = encoder.encode(&wide, &mut payload);
        }
        payload
    }

    /// The samples of a payload and their timestamp on a clock of 8 kHz.
    pub(crate) fn decode(&mut self, codec: AudioCodec, timestamp: u32, payload: &[u8]) -> (u32, Vec<i16>) {
        if let Some(law) = law(codec) {
            let heard = match law {
                Law::A if self.faults.contains(&Fault::PcmaDecodedAsPcmu) => Law::Mu,
                law => law,
            };
            return (timestamp, g711::decode(heard, payload));
        }
        if self.receiving != codec || self.decoder.is_none() {
            self.receiving = codec;
            self.clock = None;
            self.decoder = spec(codec)
                .and_then(|spec| spec.decoder(&DecoderOptions::default()).ok())
                .map(|decoder| (decoder, Downsampler::new(codec.rate_factor())));
        }
        let mut wide = Vec::new();
        let mut samples = Vec::new();
        if let Some((decoder, downsampler)) = &mut self.decoder
            && decoder.decode(payload, &mut wide).is_ok()
        {
            samples = downsampler.process(&wide);
        }
        let (last, extended) = self.clock.unwrap_or_else(|| (timestamp, i64::from(timestamp)));
        let extended = extended + i64::from(timestamp.wrapping_sub(last).cast_signed());
        self.clock = Some((timestamp, extended));
        let slow = extended.div_euclid(i64::from(codec.clock_rate() / 8000));
        (slow as u32, samples)
    }

    fn spoilt(&self, law: Law) -> Law {
        let has = |fault| self.faults.contains(&fault);
        match law {
            Law::A if has(Fault::WrongLaw) || has(Fault::PcmaEncodedAsPcmu) => Law::Mu,
            Law::Mu if has(Fault::WrongLaw) => Law::A,
            law => law,
        }
    }
}

/// Leaves the segment of a mu-law octet only, in all segments but the one of silence (ITU-T G.711 table 2a: what is sent is
/// the complement).
fn coarsen(octet: &mut u8) {
    let code = !*octet;
    if code & 0x70 != 0 {
        *octet = !((code & 0xf0) | 0x08);
    }
}

const fn law(codec: AudioCodec) -> Option<Law> {
    match codec {
        AudioCodec::Pcmu => Some(Law::Mu),
        AudioCodec::Pcma => Some(Law::A),
        _ => None,
    }
}

fn spec(codec: AudioCodec) -> Option<CodecSpec> {
    let channels = (codec == AudioCodec::Opus).then_some(2);
    let spec = CodecSpec::from_rtpmap(codec.encoding(), codec.clock_rate(), channels).ok()?;
    Some(spec.with_channels(1))
}
