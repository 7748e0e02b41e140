//! The terms of ITU-T G.107 (06/2015), clause 7.

use super::Parameters;

/// No, the sum of all noise at the 0 dBr point in dBm0p (7.2).
pub(super) fn noise(p: &Parameters) -> f64 {
    let olr = p.slr_db + p.rlr_db;
    // room noise at the sending side, through the sending telephone
    let nos = p.send_room_noise_dba - p.slr_db - p.send_d_db - 100.0
        + 0.004 * (p.send_room_noise_dba - olr - p.send_d_db - 14.0).powi(2);
    // room noise at the receiving side, raised by what comes back as listener sidetone
    let pre = p.receive_room_noise_dba + 10.0 * (1.0 + power(10.0 - p.lstr_db)).log10();
    let nor = p.rlr_db - 121.0 + pre + 0.008 * (pre - 35.0).powi(2);
    let nfo = p.noise_floor_dbmp + p.rlr_db;
    10.0 * (power(p.circuit_noise_dbm0p) + power(nos) + power(nor) + power(nfo)).log10()
}

/// Ro, the basic signal-to-noise ratio (7.2).
pub(super) fn signal_to_noise(p: &Parameters, no: f64) -> f64 {
    15.0 - 1.5 * (p.slr_db + no)
}

/// Iolr: too loud a connection (7.3).
pub(super) fn overall_loudness(p: &Parameters, no: f64) -> f64 {
    let x = (p.slr_db + p.rlr_db + 0.2 * (64.0 + no - p.rlr_db)) / 8.0;
    20.0 * ((1.0 + x.powi(8)).powf(1.0 / 8.0) - x)
}

/// Ist: sidetone that is too loud or too quiet (7.3).
pub(super) fn sidetone(p: &Parameters) -> f64 {
    // echo of little delay adds to the sidetone
    let stmr = -10.0 * (power(-p.stmr_db) + (-p.echo_delay_ms / 4.0).exp() * power(-p.telr_db)).log10();
    12.0 * (1.0 + ((stmr - 13.0) / 6.0).powi(8)).powf(1.0 / 8.0)
        - 28.0 * (1.0 + ((stmr + 1.0) / 19.4).powi(35)).powf(1.0 / 35.0)
        - 13.0 * (1.0 + ((stmr - 3.0) / 33.0).powi(13)).powf(1.0 / 13.0)
        + 29.0
}

/// Iq: quantizing distortion (7.3).
pub(super) fn quantizing(p: &Parameters, ro: f64) -> f64 {
    let q = 37.0 - 15.0 * p.quantizing_distortion.log10();
    let g = 1.07 + 0.258 * q + 0.0602 * q * q;
    let y = (ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0;
    let z = 46.0 / 30.0 - g / 40.0;
    15.0 * (1.0 + 10f64.powf(y) + 10f64.powf(z)).log10()
}

/// TERV, how loud the talker echo seems at its delay (7.4).
pub(super) fn talker_echo_rating(p: &Parameters) -> f64 {
    let t = p.echo_delay_ms;
    p.telr_db - 40.0 * ((1.0 + t / 10.0) / (1.0 + t / 150.0)).log10() + 6.0 * (-0.3 * t * t).exp()
}

/// Idte: talker echo (7.4). `ist` is the impairment by sidetone.
pub(super) fn talker_echo(p: &Parameters, no: f64, ist: f64) -> f64 {
    if p.echo_delay_ms < 1.0 {
        // heard as sidetone
        return 0.0;
    }
    let mut terv = talker_echo_rating(p);
    if p.stmr_db < 9.0 {
        // loud sidetone masks echo
        terv += ist / 2.0;
    }
    let echo = echo_impairment(
        -1.5 * (no - p.rlr_db) - (80.0 + 2.5 * (terv - 14.0)),
        p.echo_delay_ms,
    );
    if p.stmr_db > 20.0 {
        // weak sidetone makes it more noticeable
        echo.hypot(ist)
    } else {
        echo
    }
}

/// The echo curve that narrowband and wideband share: `difference` is Roe - Re, `t` the delay in ms.
pub(super) fn echo_impairment(difference: f64, t: f64) -> f64 {
    (difference / 2.0 + (difference * difference / 4.0 + 100.0).sqrt() - 1.0) * (1.0 - (-t).exp())
}

/// Idle: listener echo (7.4).
pub(super) fn listener_echo(p: &Parameters, ro: f64) -> f64 {
    let rle = 10.5 * (p.wepl_db + 7.0) * (p.round_trip_ms + 1.0).powf(-0.25);
    let difference = ro - rle;
    difference / 2.0 + (difference * difference / 4.0 + 169.0).sqrt()
}

/// Idd: delay as such (7.4).
pub(super) fn absolute_delay(p: &Parameters) -> f64 {
    if p.absolute_delay_ms <= p.delay_threshold_ms {
        return 0.0;
    }
    let x = (p.absolute_delay_ms / p.delay_threshold_ms).log2();
    let exponent = 6.0 * p.delay_sensitivity;
    let curve = |x: f64| (1.0 + x.powf(exponent)).powf(1.0 / exponent);
    25.0 * (curve(x) - 3.0 * curve(x / 3.0) + 2.0)
}

/// Ie,eff: the codec with its losses (7.5).
pub(super) fn equipment(p: &Parameters) -> f64 {
    let loss = p.packet_loss_percent;
    p.equipment_impairment
        + (95.0 - p.equipment_impairment) * loss / (loss / p.burst_ratio + p.loss_robustness)
}

/// A level in dB as a power.
fn power(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}
