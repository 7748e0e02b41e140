//! Glitches that speech shows by itself.

use voxproof_audio::glitch::speech::{Event, Kind, Settings, detect};
use voxproof_audio::level::DbOv;
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::stimulus::{dtmf, sine, speech_like};
use voxproof_rtp::g711::Law;

use crate::signals::coded;

const RATE: u32 = 8000;

fn detected(recording: &[f32]) -> Vec<Event> {
    detect(recording, RATE, &Settings::default()).expect("speech")
}

/// Starts of packets of 20 ms in the middle of loud speech.
fn loud_packets(speech: &[f32]) -> Vec<usize> {
    let loud = |packet: &[f32]| {
        let parts = packet
            .chunks(40)
            .map(|part| part.iter().map(|x| x * x).sum::<f32>() / 40.0);
        parts.fold(f32::INFINITY, f32::min) > 1e-3
    };
    (2..speech.len() / 160 - 2)
        .filter(|number| (number - 1..=number + 1).all(|packet| loud(&speech[packet * 160..][..160])))
        .map(|number| number * 160)
        .collect()
}

#[test]
fn speech_without_a_glitch_has_none() {
    for seed in 0..6 {
        let speech = speech_like(6.0, RATE, 200 + seed);
        for recording in [speech.clone(), coded(&speech, Law::A), coded(&speech, Law::Mu)] {
            assert_eq!(detected(&recording), [], "{seed}");
        }
    }
}

#[test]
fn a_muted_packet_in_speech_is_found_where_it_is() {
    let speech = coded(&speech_like(6.0, RATE, 210), Law::Mu);
    let places = loud_packets(&speech);
    assert!(places.len() > 5);
    for at in places.into_iter().step_by(3) {
        let mut recording = speech.clone();
        recording[at..at + 160].fill(0.0);
        let events = detected(&recording);
        assert_eq!(events.len(), 1, "{at}: {events:?}");
        // a sample of zero beside it belongs to the stretch as well
        assert!(
            events[0].at.abs_diff(at) <= 2 && events[0].samples.abs_diff(160) <= 3,
            "{at}: {events:?}"
        );
        assert_eq!(events[0].kind, Kind::Muted);
    }
}

#[test]
fn a_packet_played_twice_is_found() {
    let speech = coded(&speech_like(6.0, RATE, 211), Law::A);
    for at in loud_packets(&speech).into_iter().step_by(3) {
        let mut recording = speech.clone();
        recording.copy_within(at - 160..at, at);
        let events = detected(&recording);
        assert_eq!(
            events,
            [Event {
                at,
                samples: 160,
                kind: Kind::Repeated
            }],
            "{at}"
        );
    }
}

#[test]
fn tones_are_no_repeated_frames() {
    let tone = sine(400.0, DbOv(-20.0), 2.0, RATE);
    assert_eq!(detected(&tone), []);
    let digit = dtmf('5', DbOv(-20.0), DbOv(-18.0), 1.0, RATE).expect("a digit");
    assert_eq!(detected(&digit), []);
}

#[test]
fn silence_has_no_speech() {
    let settings = Settings::default();
    let none = Err(Unmeasurable::NoSuchPart("speech"));
    assert_eq!(detect(&[0.0; 8000], RATE, &settings), none);
    assert_eq!(detect(&[], RATE, &settings), none);
    assert_eq!(detect(&[0.5], 0, &settings), none);
}
