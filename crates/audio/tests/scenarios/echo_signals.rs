//! Echo return measured with bursts, on paths whose loss and delay are known.

use voxproof_audio::echo_return::{EchoBand, echo_return, echo_signal, telephone_bands};
use voxproof_audio::level::DbOv;
use voxproof_audio::measurement::Unmeasurable;

use crate::signals::{delayed, noisy};

#[test]
fn loss_and_delay_of_every_band_are_those_of_the_path() {
    for rate in [8000, 16_000, 48_000] {
        let signal = echo_signal(&telephone_bands(), DbOv(-20.0), rate, 1);
        assert_eq!(signal.bursts.len(), 3);
        for (loss, ms) in [(6.0, 12.5), (30.0, 150.0), (46.0, 250.3)] {
            let gain = 10f64.powf(-loss / 20.0) as f32;
            let echo: Vec<f32> = delayed(&signal.samples, ms / 1e3, rate)
                .iter()
                .map(|x| gain * x)
                .collect();
            for band in echo_return(&signal, &echo, 0.4).expect("bursts") {
                let found = band.loss.expect("a loss").value.0;
                assert!((found - loss).abs() < 0.3, "{rate} {}: {found}", band.band.name);
                let delay = band.delay.expect("a delay").value.0;
                assert!((delay - ms).abs() < 0.5, "{rate} {}: {delay}", band.band.name);
            }
        }
    }
}

#[test]
fn an_echo_in_noise_is_measured_until_it_cannot_be() {
    let signal = echo_signal(&telephone_bands(), DbOv(-16.0), 8000, 2);
    let at = |loss: f64| {
        let gain = 10f64.powf(-loss / 20.0) as f32;
        let echo: Vec<f32> = delayed(&signal.samples, 0.05, 8000)
            .iter()
            .map(|x| gain * x)
            .collect();
        echo_return(&signal, &noisy(&echo, DbOv(-60.0), 8000, 3), 0.4).expect("bursts")
    };
    for band in at(30.0) {
        assert!((band.loss.expect("a loss").value.0 - 30.0).abs() < 1.0);
    }
    for band in at(80.0) {
        assert!(band.loss.is_err() && band.delay.is_err(), "{band:?}");
    }
}

#[test]
fn no_echo_and_no_bands_are_said() {
    let signal = echo_signal(&telephone_bands(), DbOv(-20.0), 8000, 4);
    for band in echo_return(&signal, &vec![0.0; signal.samples.len()], 0.4).expect("bursts") {
        assert_eq!(band.loss, Err(Unmeasurable::Silent));
    }
    for band in echo_return(&signal, &[], 0.4).expect("bursts") {
        assert!(band.loss.is_err());
    }
    let wide = EchoBand {
        name: "wide".to_owned(),
        hz: 100.0..7000.0,
    };
    let none = echo_signal(std::slice::from_ref(&wide), DbOv(-20.0), 8000, 5);
    assert_eq!(echo_return(&none, &[], 0.4), Err(Unmeasurable::NothingToMeasure));
    assert_eq!(echo_signal(&[wide], DbOv(-20.0), 16_000, 5).bursts.len(), 1);
}
