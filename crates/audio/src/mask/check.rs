//! A response held against a mask.

use super::Mask;
use crate::curve::Curve;
use crate::measurement::{Measurement, Unmeasurable};
use crate::transfer::Response;
use crate::unit::Db;

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The response must be below.
    Upper,
    /// The response must be above.
    Lower,
}

/// How a response stands to a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskResult {
    /// Smallest distance to a limit, dB: negative outside the mask.
    pub margin: Measurement<Db>,
    /// Where it is, Hz.
    pub worst_hz: f64,
    /// To which limit.
    pub limit: Limit,
    /// What was added to the response for the margin, dB: for a floating mask the best offset, else 0.
    pub offset_db: f64,
    /// Range of the mask that the response does not cover, in octaves: 0 when the whole mask was checked.
    pub uncovered_octaves: f64,
}

impl MaskResult {
    /// Whether the response keeps the part of the mask that it covers.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.margin.value.0 >= 0.0
    }
}

impl Mask {
    /// Compares a response with the mask, at the points of both. A floating mask is placed where its margin is largest.
    ///
    /// # Errors
    /// The response has no point in common with the mask.
    pub fn check(&self, response: &Response) -> Result<MaskResult, Unmeasurable> {
        let upper = self
            .upper
            .as_ref()
            .and_then(|limit| closest(limit, response, |limit, gain| limit - gain));
        let lower = self
            .lower
            .as_ref()
            .and_then(|limit| closest(limit, response, |limit, gain| gain - limit));
        let offset_db = match (upper, lower) {
            (Some(above), Some(below)) if self.floating => (above.0 - below.0) / 2.0,
            _ if self.floating => return Err(Unmeasurable::NoSuchPart("common range of response and mask")),
            _ => 0.0,
        };
        let candidates = [
            upper.map(|(margin, hz)| (margin - offset_db, hz, Limit::Upper)),
            lower.map(|(margin, hz)| (margin + offset_db, hz, Limit::Lower)),
        ];
        let (margin, worst_hz, limit) = candidates
            .into_iter()
            .flatten()
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .ok_or(Unmeasurable::NoSuchPart("common range of response and mask"))?;
        Ok(MaskResult {
            margin: Measurement::single(Db(margin))?,
            worst_hz,
            limit,
            offset_db,
            uncovered_octaves: self.uncovered_octaves(response),
        })
    }

    fn uncovered_octaves(&self, response: &Response) -> f64 {
        let Some((first, last)) = response.range() else {
            return f64::INFINITY;
        };
        let points = self.upper.iter().chain(&self.lower).flat_map(Curve::points);
        let (low, high) = points.fold((f64::INFINITY, 0.0f64), |(low, high), point| {
            (low.min(point.0), high.max(point.0))
        });
        // nominal and exact centres of a third octave differ by up to 1 %
        let missing = |ratio: f64| if ratio > 1.02 { ratio.log2() } else { 0.0 };
        missing(first / low) + missing(high / last)
    }
}

/// Smallest distance and where it is, at the points of the response and at the corners of the limit.
fn closest(limit: &Curve, response: &Response, distance: impl Fn(f64, f64) -> f64) -> Option<(f64, f64)> {
    let corners = limit
        .points()
        .iter()
        .filter_map(|(hz, db)| Some((*hz, distance(*db, response.at(*hz)?))));
    let points = response
        .points()
        .iter()
        .filter_map(|(hz, gain)| Some((*hz, distance(limit.at(*hz)?, *gain))));
    corners
        .chain(points)
        .map(|(hz, margin)| (margin, hz))
        .min_by(|a, b| a.0.total_cmp(&b.0))
}
