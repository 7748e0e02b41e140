//! What a peer says: samples, coded packet by packet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use voxproof_codec::{CodecSpec, Encoder, EncoderOptions};

/// A signal at each sample rate that a codec may want.
#[derive(Debug, Clone, Default)]
pub struct Signal {
    /// Mono samples by their rate, Hz.
    pub rates: BTreeMap<u32, Arc<[i16]>>,
}

impl Signal {
    /// A signal at one rate.
    pub fn new(rate: u32, samples: Arc<[i16]>) -> Self {
        Self {
            rates: BTreeMap::from([(rate, samples)]),
        }
    }

    /// The samples for a codec; nothing when the signal does not have its rate.
    pub(crate) fn at(&self, rate: u32) -> Option<&Arc<[i16]>> {
        self.rates.get(&rate)
    }
}

struct Playing {
    samples: Arc<[i16]>,
    position: usize,
    remaining: usize,
}

/// The coded speech of a peer: a signal while one plays, silence otherwise.
pub(super) struct Speech {
    codec: CodecSpec,
    encoder: Option<Box<dyn Encoder>>,
    playing: Option<Playing>,
}

impl Speech {
    pub(super) fn new() -> Self {
        Self {
            codec: CodecSpec::PCMU,
            encoder: None,
            playing: None,
        }
    }

    pub(super) const fn codec(&self) -> CodecSpec {
        self.codec
    }

    /// Codes with this codec from now on; what plays goes on only where the sample rate stays the same.
    pub(super) fn use_codec(&mut self, codec: CodecSpec) {
        if self.codec == codec && self.encoder.is_some() {
            return;
        }
        if self.codec.sample_rate() != codec.sample_rate() {
            self.playing = None;
        }
        self.codec = codec;
        self.encoder = codec.encoder(&EncoderOptions::default()).ok();
    }

    /// Plays a signal from its beginning; returns how many samples that is.
    pub(super) fn play(&mut self, signal: &Signal, length: Duration) -> u64 {
        let rate = self.codec.sample_rate();
        let count = (length.as_secs_f64() * f64::from(rate)) as usize;
        self.playing = signal
            .at(rate)
            .filter(|samples| !samples.is_empty())
            .map(|samples| Playing {
                samples: Arc::clone(samples),
                position: 0,
                remaining: count,
            });
        count as u64
    }

    /// The payload of the next packet.
    pub(super) fn payload(&mut self, ptime: Duration) -> Option<Vec<u8>> {
        let channels = usize::from(self.codec.channels()).max(1);
        let mut block = vec![0_i16; self.codec.samples_per_packet(ptime)];
        if let Some(playing) = &mut self.playing {
            for frame in block.chunks_mut(channels).take(playing.remaining) {
                let sample = playing.samples.get(playing.position).copied().unwrap_or(0);
                frame.fill(sample);
                playing.position = (playing.position + 1) % playing.samples.len().max(1);
            }
            playing.remaining = playing.remaining.saturating_sub(block.len() / channels);
            if playing.remaining == 0 {
                self.playing = None;
            }
        }
        let mut payload = Vec::with_capacity(block.len());
        self.encoder.as_mut()?.encode(&block, &mut payload).ok()?;
        Some(payload)
    }
}
