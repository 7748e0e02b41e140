//! Rules that every message and packet of a device is held against, whatever the case; sans-IO.
