//! Levels, active speech level, delay and alignment: pure functions over samples.
