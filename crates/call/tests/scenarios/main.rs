//! Behaviour of a station against a device written by hand.

mod device;
mod media;
mod responses;
mod streams;
