//! Which parts of the reference are compared.

/// Frames of a patch in speech: 0.4 s.
pub(super) const SPEECH_FRAMES: usize = 20;
/// Frames of a patch in audio: 0.6 s.
pub(super) const AUDIO_FRAMES: usize = 30;
/// A frame is active from this rms on, for a signal whose maximum is 32768.
const ACTIVE_RMS: f64 = 5000.0;
/// Frames that must be quiet in a row for the last of them to count as a pause.
const QUIET_FRAMES: usize = 3;

/// First frames of the patches of speech: one after the other from frame 9 on, those in which no frame is active left out.
/// `frames` is the number of frames of the spectrogram.
pub(super) fn speech(reference: &[f64], frames: usize, hop: usize) -> Vec<usize> {
    let first = SPEECH_FRAMES / 2 - 1;
    let count = frames.saturating_sub(first) / SPEECH_FRAMES;
    let maximum = reference.iter().copied().fold(f64::MIN, f64::max);
    // from the sample, not the frame, of that number: part of the method as its maps were fitted
    let samples = reference.get(first..).unwrap_or_default();
    let active: Vec<bool> = samples
        .chunks_exact(hop)
        .take(count * SPEECH_FRAMES)
        .map(|frame| {
            let energy: f64 = frame
                .iter()
                .map(|sample| {
                    (sample / maximum * 32768.0)
                        .clamp(-32768.0, 32767.0)
                        .trunc()
                        .powi(2)
                })
                .sum();
            (energy / hop as f64).sqrt() >= ACTIVE_RMS
        })
        .collect();
    let counts = |frame: usize| match active.get((frame + 1).saturating_sub(QUIET_FRAMES)..=frame) {
        Some(last) => last.len() < QUIET_FRAMES || last.contains(&true),
        None => false,
    };
    (0..count)
        .filter(|patch| (patch * SPEECH_FRAMES..(patch + 1) * SPEECH_FRAMES).any(counts))
        .map(|patch| first + patch * SPEECH_FRAMES)
        .collect()
}

/// First frames of the patches of audio: one after the other from frame 14 on; none when there is no room for one.
pub(super) fn audio(frames: usize) -> Vec<usize> {
    let first = AUDIO_FRAMES / 2;
    if frames < AUDIO_FRAMES + first {
        return Vec::new();
    }
    let end = (frames - AUDIO_FRAMES).max(first + 1);
    (first..end)
        .step_by(AUDIO_FRAMES)
        .map(|frame| frame - 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_left_out_of_speech() {
        let hop = 320;
        // speech for 1 s, silence for 2 s, speech for 1 s
        let reference: Vec<f64> = (0..4 * 16_000)
            .map(|n| {
                let speaks = !(16_000..48_000).contains(&n);
                if speaks { (n as f64 * 0.3).sin() } else { 0.0 }
            })
            .collect();
        let patches = speech(&reference, 197, hop);
        assert_eq!(patches, [9, 29, 49, 149, 169]);
        assert_eq!(speech(&reference, 8, hop), Vec::<usize>::new());
    }

    #[test]
    fn audio_is_cut_without_gaps() {
        assert_eq!(audio(620).len(), 20);
        assert_eq!(audio(620)[..3], [14, 44, 74]);
        assert_eq!(audio(45), [14]);
        assert_eq!(audio(44), Vec::<usize>::new());
    }
}
