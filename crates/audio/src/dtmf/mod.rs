//! DTMF measured as a sender's figures and used as a test of receivers (ITU-T Q.23, Q.24).
//!
//! `voxproof-rtp` answers which digits were keyed; here each digit is measured to the hertz and the tenth of a decibel,
//! held against limits, and signals are made that a receiver has to accept or to refuse.

mod find;
mod limits;
mod measure;
mod sweep;

pub use limits::{Finding, Property, SendLimits};
pub use measure::{Digit, DigitTone, measure};
pub use sweep::{Expectation, SweepPoint, sweep};

/// Frequencies of the rows of the keypad in Hz (ITU-T Q.23).
pub const LOW_GROUP: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// Frequencies of the columns in Hz (ITU-T Q.23).
pub const HIGH_GROUP: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// Digits by row and column (ITU-T Q.23).
const KEYPAD: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];
