//! DTMF as tones in the audio (ITU-T Q.23, Q.24): generated and detected.

mod detect;
mod generate;
mod tone;

pub use detect::{Digit, Limits, detect, detect_with};
pub use generate::{ToneSpec, generate};

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
/// Level of a sine wave that reaches full scale, in dBm0 (ITU-T G.711 Table 1a: A-law overloads at 3.14 dBm0).
#[expect(clippy::approx_constant, reason = "a level, not the number of the circle")]
const FULL_SCALE_DBM0: f64 = 3.14;

/// Row and column of a digit in either case.
fn keys(digit: char) -> Option<(usize, usize)> {
    let digit = digit.to_ascii_uppercase();
    KEYPAD
        .iter()
        .enumerate()
        .find_map(|(row, digits)| Some((row, digits.iter().position(|key| *key == digit)?)))
}

/// The digit of a row and a column.
fn key(row: usize, column: usize) -> Option<char> {
    KEYPAD.get(row)?.get(column).copied()
}
