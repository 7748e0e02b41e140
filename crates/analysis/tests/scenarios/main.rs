//! What files become, file by file and pair by pair.

mod alone;
mod formats;
mod hour;
mod pairs;
mod spoilt;
mod support;
