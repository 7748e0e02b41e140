//! Figures as SVG: no rounding to whole pixels, colours by class so that a page can be light or dark.

mod axis;
mod base64;
mod png;
mod svg;

pub(crate) use axis::Axis;
pub(crate) use png::heat_map;
pub(crate) use svg::{Plot, Series};
