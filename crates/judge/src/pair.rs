//! What went into a speech path and what came out of it, found in the evidence and laid against each other.

use std::ops::Range;
use std::time::Duration;

use voxproof_audio::alignment::Alignment;
use voxproof_audio::comparison::{self, SpeechComparison};
use voxproof_audio::level::Plane;
use voxproof_audio::resample::resample_i16;
use voxproof_codec::Codec;
use voxproof_record::{TimelineEvent, Wav};
use voxproof_rtp::playout::Decoded;
use voxproof_spec::StreamRef;

use crate::streams::Stream;
use crate::view::View;

/// A recording of the device may begin this long before or after the signal.
pub(crate) const RECORDING_SEARCH_S: Range<f64> = -2.0..12.0;

/// Longest loop through a device that is looked for.
pub(crate) const LOOP_SEARCH_S: Range<f64> = 0.0..2.0;

/// Speech that went in and what came out.
pub(crate) struct Pair {
    reference: Vec<f32>,
    recording: Vec<f32>,
    /// Rate of both, Hz.
    pub(crate) rate: u32,
    /// Ties their levels to dBm0.
    pub(crate) plane: Plane,
    /// Whether the codec between them carries more than the telephone band.
    pub(crate) wideband: bool,
    /// What became of the speech.
    pub(crate) comparison: SpeechComparison,
    /// Both laid against each other; there is none for a reference that is repeated without an end.
    pub(crate) alignment: Option<Alignment>,
}

impl Pair {
    /// The known speech of the device's microphone and the stream it sends (in loopback: what the peer played); or what the
    /// peer sent and the recording of the device's receiver.
    pub(crate) fn of(
        view: &View<'_>,
        stream: &StreamRef,
        interval: Option<(Duration, Duration)>,
    ) -> Result<Self, String> {
        let until = interval.map_or(Duration::MAX, |(_, to)| to);
        let packets = view.stream(stream, interval);
        let decoded = sound(&packets)?;
        let rate = decoded.sample_rate;
        let (reference, recording, search) = if !stream.from_device {
            let recording = view
                .evidence
                .recordings
                .get("device-recording.wav")
                .ok_or("the device gives no recording of its receiver")?;
            let sent = match played(view, &stream.peer, until) {
                // packets that the network lost are not on the wire, but they are what should be heard
                Some(signal) if interval.is_some() && !decoded.lost_ranges.is_empty() => {
                    let signal = at_rate(signal, rate)?;
                    signal.into_iter().cycle().take(decoded.samples.len()).collect()
                }
                // as it was on the wire: what the codec does to it is not the device's doing
                _ => to_f32(&decoded.samples),
            };
            (sent, at_rate(recording, rate)?, Some(RECORDING_SEARCH_S))
        } else if loopback_on(view) {
            let reference = played(view, &stream.peer, until).ok_or("no signal was played")?;
            let sent = to_f32(&decoded.samples);
            (at_rate(reference, rate)?, sent, Some(LOOP_SEARCH_S))
        } else {
            let reference = view
                .evidence
                .recordings
                .get("device-speech.wav")
                .ok_or("what the device's microphone hears is not known")?;
            (at_rate(reference, rate)?, to_f32(&decoded.samples), None)
        };
        let unlike = || "the speech cannot be found in the signal".to_owned();
        let (comparison, alignment) = match search {
            Some(search) => {
                let alignment = Alignment::new(&reference, &recording, rate, search).map_err(|_| unlike())?;
                (SpeechComparison::of(&alignment), Some(alignment))
            }
            None => {
                let looped = comparison::compare_looped(&reference, &recording, rate);
                (looped.ok_or_else(unlike)?, None)
            }
        };
        Ok(Self {
            reference,
            recording,
            rate,
            plane: plane(&packets),
            wideband: rate > 8000,
            comparison,
            alignment,
        })
    }

    /// Both sample by sample: the reference, and the recording moved by its delay, of equal length.
    pub(crate) fn aligned(&self) -> (Vec<f32>, Vec<f32>) {
        // a search range and the length of the recording bound it
        let lag = (self.comparison.delay.seconds * f64::from(self.rate)).round() as i64;
        if self.alignment.is_some() {
            let moved = (0..self.reference.len())
                .map(|at| {
                    let place = usize::try_from(lag.saturating_add(at as i64)).ok();
                    let sample = place.and_then(|place| self.recording.get(place));
                    sample.copied().unwrap_or_default()
                })
                .collect();
            return (self.reference.clone(), moved);
        }
        let period = (self.reference.len() as i64).max(1);
        let start = (-lag).rem_euclid(period) as usize;
        let unrolled = self.reference.iter().copied().cycle().skip(start);
        (
            unrolled.take(self.recording.len()).collect(),
            self.recording.clone(),
        )
    }
}

/// What ties the samples of a stream to dBm0.
pub(crate) fn plane(packets: &Stream<'_>) -> Plane {
    // linear and Opus samples have no plane of their own: they are taken as decoded A-law (ITU-T G.100.1)
    match packets.codec().map(|codec| codec.codec()) {
        Some(Codec::G722) => Plane::G722,
        Some(Codec::Pcmu) | None => Plane::MuLaw,
        Some(_) => Plane::ALaw,
    }
}

pub(crate) fn to_f32(samples: &[i16]) -> Vec<f32> {
    samples
        .iter()
        .map(|sample| f32::from(*sample) / 32768.0)
        .collect()
}

/// A signal at the rate of the stream that it is held against.
pub(crate) fn at_rate(wav: &Wav, rate: u32) -> Result<Vec<f32>, String> {
    if wav.sample_rate == rate {
        return Ok(wav.to_f32());
    }
    let samples = resample_i16(&wav.samples, wav.sample_rate, rate).map_err(|error| error.to_string())?;
    Ok(to_f32(&samples))
}

/// A stream as sound.
pub(crate) fn sound(packets: &Stream<'_>) -> Result<Decoded, String> {
    if packets.packets.is_empty() {
        return Err("no RTP packet".to_owned());
    }
    let decoded = packets.decode();
    if decoded.samples.is_empty() {
        return Err(format!(
            "{} packets, none of a negotiated payload type",
            packets.packets.len()
        ));
    }
    Ok(decoded)
}

/// The signal an actor played last before `until`, repeated as it was sent.
fn played<'a>(view: &'a View<'_>, actor: &str, until: Duration) -> Option<&'a Wav> {
    let id = view
        .evidence
        .timeline
        .entries
        .iter()
        .rev()
        .find_map(|entry| match &entry.event {
            TimelineEvent::Signal(signal)
                if signal.actor == actor && Duration::from_nanos(entry.at) <= until =>
            {
                Some(signal.signal.clone())
            }
            _ => None,
        })?;
    view.evidence.signals.get(&id)
}

/// Whether the device was told to send back what it hears.
pub(crate) fn loopback_on(view: &View<'_>) -> bool {
    view.evidence.timeline.entries.iter().any(|entry| {
        matches!(&entry.event, TimelineEvent::DeviceAction { action, done: true, .. } if action.starts_with("loopback on"))
    })
}

#[cfg(test)]
impl Pair {
    /// What was played and what was recorded of it.
    pub(crate) fn played(reference: Vec<f32>, recording: Vec<f32>, rate: u32) -> Self {
        let alignment = Alignment::new(&reference, &recording, rate, RECORDING_SEARCH_S)
            .expect("speech in the reference");
        Self {
            comparison: SpeechComparison::of(&alignment),
            alignment: Some(alignment),
            reference,
            recording,
            rate,
            plane: Plane::MuLaw,
            wideband: rate > 8000,
        }
    }

    /// What a microphone hears again and again, and what was sent of it.
    pub(crate) fn looped(reference: Vec<f32>, recording: Vec<f32>, rate: u32) -> Self {
        Self {
            comparison: comparison::compare_looped(&reference, &recording, rate)
                .expect("speech in the reference"),
            alignment: None,
            reference,
            recording,
            rate,
            plane: Plane::MuLaw,
            wideband: rate > 8000,
        }
    }
}

#[cfg(test)]
mod tests {
    use voxproof_audio::stimulus::speech_like;

    use super::*;

    #[test]
    fn a_late_recording_is_moved_and_what_is_missing_at_its_end_is_silent() {
        let speech = speech_like(3.0, 8000, 11);
        let mut recording = vec![0.0; 800];
        recording.extend_from_slice(&speech[..20_000]);
        let (reference, moved) = Pair::played(speech.clone(), recording, 8000).aligned();
        assert_eq!(reference, speech);
        assert_eq!(moved[..20_000], speech[..20_000]);
        assert!(moved.len() == speech.len() && moved[20_000..].iter().all(|x| *x == 0.0));
    }

    #[test]
    fn a_loop_is_unrolled_from_where_it_is() {
        let speech = speech_like(2.0, 8000, 12);
        let recording: Vec<f32> = speech.iter().copied().cycle().skip(5000).take(24_000).collect();
        let (reference, same) = Pair::looped(speech, recording.clone(), 8000).aligned();
        assert_eq!(same, recording);
        assert_eq!(reference, recording);
    }
}
