//! Loudness ratings (ITU-T P.79) from third-octave responses.
//!
//! A rating is -(10/m) log10 of the sum over the bands of 10^(m/10 (S - W)): the loss of a path that sounds as loud. A
//! quantity whose weights are not public, or not verified, is measured with a table from a file that the lab owns;
//! without it the result is that it cannot be measured.

mod table;

use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::transfer::Response;
use crate::unit::Db;

pub use table::{WeightTable, WeightTableError, ear_loss};

/// How far a point of a response may be from the nominal centre of its band: exact and nominal centres differ by up to
/// 1.3 %.
const SAME_BAND: f64 = 1.03;

/// Send loudness rating, dB, from the response from mouth to line in dBV/Pa.
///
/// # Errors
/// A response that does not reach over the bands of the table.
pub fn send_loudness_rating(send: &Response, table: &WeightTable) -> Measured<Db> {
    rating(send, table)
}

/// Receive loudness rating, dB, from the response from line to ear in dBPa/V; on a sealed coupler less [`ear_loss`]
/// ([`sealed`]).
///
/// # Errors
/// As [`send_loudness_rating`].
pub fn receive_loudness_rating(receive: &Response, table: &WeightTable) -> Measured<Db> {
    rating(receive, table)
}

/// Send or receive loudness rating of an electrical interface (SJLR, RJLR; 3GPP TS 26.132 clause 10.2.6) from its
/// response. Its weights were not found in a public text, so the table comes from a file.
///
/// # Errors
/// [`Unmeasurable::TableMissing`] without a table; else as [`send_loudness_rating`].
pub fn junction_loudness_rating(response: &Response, table: Option<&WeightTable>) -> Measured<Db> {
    rating(
        response,
        required(table, "junction loudness weights (TS 26.132 10.2.6)")?,
    )
}

/// Sidetone masking rating, dB, from the response from mouth to ear, the ear's loss taken away, with the weights W_M of
/// P.79 (m = 0.225), which come from a file.
///
/// # Errors
/// [`Unmeasurable::TableMissing`] without a table; else as [`send_loudness_rating`].
pub fn sidetone_masking_rating(sidetone: &Response, table: Option<&WeightTable>) -> Measured<Db> {
    rating(
        sidetone,
        required(table, "W_M of the sidetone masking rating (P.79)")?,
    )
}

/// D value, dB: the weighted mean of the difference between the send sensitivities to direct speech and to diffuse room
/// noise. Weights of P.79 Annex E come from a file; they are shares, not decibels, and are normalised to a sum of 1.
///
/// # Errors
/// [`Unmeasurable::TableMissing`] without a table, [`Unmeasurable::Mismatch`] for shares that are negative or all zero;
/// else as [`send_loudness_rating`].
pub fn d_value(direct: &Response, diffuse: &Response, table: Option<&WeightTable>) -> Measured<Db> {
    let table = required(table, "weights of the D value (P.79 Annex E)")?;
    let total: f64 = table.weights().iter().map(|band| band.1).sum();
    if !(total > 0.0 && total.is_finite()) || table.weights().iter().any(|band| band.1 < 0.0) {
        return Err(Unmeasurable::Mismatch(
            "the weights of the D value must be shares".to_owned(),
        ));
    }
    let mut sum = 0.0;
    for &(hz, share) in table.weights() {
        sum += share / total * (in_band(direct, hz)? - in_band(diffuse, hz)?);
    }
    Measurement::single(Db(sum))
}

/// Listener sidetone rating, dB: sidetone masking rating and D value added (P.79).
///
/// # Errors
/// A sum that is not a number.
pub fn listener_sidetone_rating(stmr: Db, d: Db) -> Measured<Db> {
    Measurement::single(Db(stmr.0 + d.0))
}

/// A receive response measured on a sealed coupler, less the loss of a real ear ([`ear_loss`]).
#[must_use]
pub fn sealed(receive: &Response) -> Response {
    let loss = ear_loss();
    let (first, last) = loss.range();
    Response::new(receive.points().iter().filter_map(|(hz, gain)| {
        // exact centres lie a little outside the nominal ends
        let within = (first / SAME_BAND..=last * SAME_BAND).contains(hz);
        let loss = within.then(|| loss.at(hz.clamp(first, last))).flatten()?;
        Some((*hz, gain - loss))
    }))
}

fn required<'a>(table: Option<&'a WeightTable>, name: &str) -> Result<&'a WeightTable, Unmeasurable> {
    table.ok_or_else(|| Unmeasurable::TableMissing(name.to_owned()))
}

fn rating(response: &Response, table: &WeightTable) -> Measured<Db> {
    let growth = table.growth();
    let mut sum = 0.0;
    for &(hz, weight) in table.weights() {
        sum += 10f64.powf(growth / 10.0 * (in_band(response, hz)? - weight));
    }
    Measurement::single(Db(-10.0 / growth * sum.log10()))
}

/// Gain of the band with a nominal centre: of the point that is the band's, else between points.
fn in_band(response: &Response, hz: f64) -> Result<f64, Unmeasurable> {
    let distance = |point: &(f64, f64)| (point.0 / hz).ln().abs();
    response
        .points()
        .iter()
        .filter(|point| distance(point) < SAME_BAND.ln())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .map(|point| point.1)
        .or_else(|| response.at(hz))
        .ok_or_else(|| Unmeasurable::Mismatch(format!("the response has no value at {hz} Hz")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The intermediate reference system (ITU-T P.48 table 1, as printed in the manual of the ITU-T software tool
    /// library): Hz, send in dBV/Pa, receive in dBPa/V.
    const IRS: [(f64, f64, f64); 20] = [
        (100.0, -45.8, -27.2),
        (125.0, -36.1, -18.8),
        (160.0, -25.6, -10.8),
        (200.0, -19.2, -2.7),
        (250.0, -14.3, 2.7),
        (315.0, -10.8, 7.2),
        (400.0, -8.4, 9.9),
        (500.0, -6.9, 11.3),
        (630.0, -6.1, 11.9),
        (800.0, -4.9, 12.3),
        (1000.0, -3.7, 12.6),
        (1250.0, -2.3, 12.5),
        (1600.0, -0.6, 13.0),
        (2000.0, 0.3, 13.1),
        (2500.0, 1.8, 13.1),
        (3150.0, 1.8, 12.6),
        (4000.0, -37.2, -31.6),
        (5000.0, -52.2, -54.9),
        (6300.0, -73.6, -67.5),
        (8000.0, -90.0, -90.0),
    ];

    fn flat(db: f64) -> Response {
        Response::new(
            crate::transfer::Bands::ThirdOctave
                .centres(100.0..=8000.0)
                .into_iter()
                .map(|hz| (hz, db)),
        )
    }

    #[test]
    fn the_reference_system_rates_zero() {
        let send = Response::new(IRS.map(|row| (row.0, row.1)));
        let receive = sealed(&Response::new(IRS.map(|row| (row.0, row.2))));
        let slr = send_loudness_rating(&send, &WeightTable::narrowband_send()).expect("all bands");
        let rlr = receive_loudness_rating(&receive, &WeightTable::narrowband_receive()).expect("all bands");
        assert!((slr.value.0 - 0.007).abs() < 0.001, "{}", slr.value);
        assert!((rlr.value.0 - 0.007).abs() < 0.001, "{}", rlr.value);
    }

    #[test]
    fn flat_responses_rate_as_published() {
        let slr = send_loudness_rating(&flat(-13.55), &WeightTable::narrowband_send()).expect("all bands");
        let rlr =
            receive_loudness_rating(&flat(8.13), &WeightTable::narrowband_receive()).expect("all bands");
        assert!((slr.value.0 - 8.0).abs() < 0.005, "{}", slr.value);
        assert!((rlr.value.0 - 2.0).abs() < 0.01, "{}", rlr.value);
        // gain by gain
        let louder = send_loudness_rating(&flat(-3.55), &WeightTable::narrowband_send()).expect("all bands");
        assert!((slr.value.0 - louder.value.0 - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_missing_table_is_the_reason() {
        let error = sidetone_masking_rating(&flat(0.0), None).expect_err("no table");
        assert_eq!(
            error.to_string(),
            "the table \"W_M of the sidetone masking rating (P.79)\" was not given"
        );
        assert!(matches!(
            junction_loudness_rating(&flat(0.0), None),
            Err(Unmeasurable::TableMissing(_))
        ));
        assert!(matches!(
            d_value(&flat(0.0), &flat(0.0), None),
            Err(Unmeasurable::TableMissing(_))
        ));
        let narrow = Response::new([(500.0, 0.0), (1000.0, 0.0)]);
        assert!(matches!(
            send_loudness_rating(&narrow, &WeightTable::narrowband_send()),
            Err(Unmeasurable::Mismatch(_))
        ));
    }

    #[test]
    fn tables_from_a_file_are_used() {
        // one band, no weight: the rating is the loss
        let table = WeightTable::from_csv("one", 0.225, "1000,0").expect("a table");
        let stmr = sidetone_masking_rating(&flat(-12.0), Some(&table)).expect("all bands");
        assert!((stmr.value.0 - 12.0).abs() < 1e-9);
        let shares = WeightTable::from_csv("shares", 1.0, "500,1\n1000,3").expect("a table");
        let d = d_value(&flat(-1.0), &flat(-4.0), Some(&shares)).expect("all bands");
        assert!((d.value.0 - 3.0).abs() < 1e-9);
        let lstr = listener_sidetone_rating(stmr.value, d.value).expect("numbers");
        assert!((lstr.value.0 - 15.0).abs() < 1e-9);
        let zero = WeightTable::from_csv("shares", 1.0, "500,0").expect("a table");
        assert!(d_value(&flat(0.0), &flat(0.0), Some(&zero)).is_err());
    }
}
