//! What files become, file by file and pair by pair.

mod alone;
mod demand;
mod formats;
mod hour;
mod pairs;
mod relations;
mod spoilt;
mod support;
