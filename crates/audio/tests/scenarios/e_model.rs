//! The E-model against its published figures, and the directions in which it must move.

use proptest::prelude::*;
use voxproof_audio::quality::MosCqe;
use voxproof_audio::quality::e_model::{CODECS, Parameters, Rating, narrowband, wideband};

fn rating(parameters: Parameters) -> f64 {
    narrowband(&parameters).expect("parameters in range").0.0
}

#[test]
fn the_default_connection_has_the_published_rating() {
    let (rating, terms) = narrowband(&Parameters::default()).expect("defaults are in range");
    assert!((rating.0 - 93.206).abs() < 5e-4, "{rating:?}");
    assert!((terms.signal_to_noise - 94.769).abs() < 5e-4, "{terms:?}");
    let simultaneous = terms.loudness + terms.sidetone + terms.quantizing;
    assert!((simultaneous - 1.414).abs() < 5e-4, "{terms:?}");
    assert!((rating.mos().0 - 4.409).abs() < 5e-4);
    assert_eq!(rating.to_string(), "R 93.2");
}

#[test]
fn delay_costs_what_the_curve_says() {
    for (delay, impairment) in [
        (100.0, 0.0),
        (150.0, 0.16),
        (200.0, 3.04),
        (250.0, 8.92),
        (300.0, 14.8),
        (400.0, 24.1),
    ] {
        let parameters = Parameters {
            absolute_delay_ms: delay,
            ..Parameters::default()
        };
        let (_, terms) = narrowband(&parameters).expect("in range");
        assert!(
            (terms.delay - impairment).abs() < 0.06,
            "{delay} ms: {}",
            terms.delay
        );
        let (_, wide) = wideband(&parameters).expect("in range");
        assert!((wide.delay - 1.29 * terms.delay).abs() < 1e-12);
    }
}

#[test]
fn three_per_cent_of_losses_read_as_published() {
    let expected = [4.13, 2.79, 3.63];
    for (codec, expected) in CODECS.iter().zip(expected) {
        let parameters = Parameters {
            packet_loss_percent: 3.0,
            ..codec.applied_to(Parameters::default())
        };
        let mos = narrowband(&parameters).expect("in range").0.mos();
        assert!((mos.0 - expected).abs() < 0.02, "{} {mos}", codec.codec);
    }
}

#[test]
fn a_wideband_connection_reaches_the_end_of_its_scale() {
    let (rating, terms) = wideband(&Parameters::wideband()).expect("in range");
    assert!((rating.0 - 128.85).abs() < 0.02, "{rating:?} {terms:?}");
    assert!((rating.mos().0 - 4.5).abs() < 0.01);
    // a delay of 200 ms costs more than in narrowband, as the scale is wider
    let slow = wideband(&Parameters::wideband().with_delay(200.0))
        .expect("in range")
        .0;
    assert!(slow.0 < rating.0 - 3.9, "{slow:?}");
}

#[test]
fn echo_hurts_the_more_the_later_and_the_louder_it_comes() {
    let echo = |telr_db, delay| {
        rating(Parameters {
            telr_db,
            ..Parameters::default().with_delay(delay)
        })
    };
    assert!(echo(35.0, 20.0) > echo(35.0, 60.0));
    assert!(echo(35.0, 60.0) > echo(25.0, 60.0));
    assert!(echo(65.0, 60.0) > echo(35.0, 60.0));
    // sidetone out of its best range: the branches of clause 7.4. Loud sidetone masks echo, missing sidetone bares it
    let echo_at = |stmr_db| {
        let parameters = Parameters {
            stmr_db,
            telr_db: 40.0,
            ..Parameters::default().with_delay(60.0)
        };
        narrowband(&parameters).expect("in range").1.talker_echo
    };
    assert!(echo_at(5.0) < echo_at(15.0) && echo_at(15.0) < echo_at(25.0));
}

#[test]
fn what_is_out_of_range_is_an_error_that_names_it() {
    let parameters = Parameters {
        packet_loss_percent: 20.1,
        ..Parameters::default()
    };
    let error = narrowband(&parameters).expect_err("too much loss");
    assert_eq!(
        error.to_string(),
        "Ppl in % is 20.1, and the E-model is given for 0 to 20"
    );
    let parameters = Parameters {
        burst_ratio: f64::NAN,
        ..Parameters::default()
    };
    assert!(narrowband(&parameters).is_err() && wideband(&parameters).is_err());
    let parameters = Parameters {
        loss_robustness: 0.0,
        ..Parameters::default()
    };
    assert!(narrowband(&parameters).is_err());
}

#[test]
fn a_rating_can_be_had_from_its_score() {
    for r in [6.6, 20.0, 50.0, 60.0, 93.2, 100.0] {
        let back = Rating::from_mos(Rating(r).mos()).expect("on the scale");
        assert!((back.0 - r).abs() < 1e-6, "{r} {back:?}");
    }
    assert_eq!(Rating::from_mos(MosCqe(4.51)), None);
    assert_eq!(Rating::from_mos(MosCqe(f64::NAN)), None);
    assert_eq!(
        (Rating(-5.0).mos(), Rating(120.0).mos()),
        (MosCqe(1.0), MosCqe(4.5))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_allowed_connection_has_a_rating_and_losses_never_help(
        slr_db in 0.0..18.0, rlr_db in -5.0..14.0, stmr_db in 0.0..40.0, lstr_db in 0.0..50.0, telr_db in 5.0..65.0,
        wepl_db in 5.0..110.0, delay in 0.0..500.0, qdu in 1.0..14.0, ie in 0.0..95.0, bpl in 1.0..60.0, loss in 0.0..19.0,
    ) {
        let parameters = Parameters {
            slr_db, rlr_db, stmr_db, lstr_db, telr_db, wepl_db, quantizing_distortion: qdu,
            equipment_impairment: ie, loss_robustness: bpl, packet_loss_percent: loss,
            ..Parameters::default().with_delay(delay)
        };
        let (rating, terms) = narrowband(&parameters).expect("in range");
        prop_assert!(rating.0.is_finite(), "{terms:?}");
        prop_assert!((1.0..=4.5).contains(&rating.mos().0.max(1.0)), "{rating:?}");
        let worse = Parameters { packet_loss_percent: loss + 1.0, ..parameters };
        prop_assert!(narrowband(&worse).expect("in range").0 <= rating);
        let burstier = Parameters { burst_ratio: 4.0, ..parameters };
        prop_assert!(narrowband(&burstier).expect("in range").0 <= rating);
        prop_assert!(wideband(&parameters).expect("in range").0.0.is_finite());
    }
}
