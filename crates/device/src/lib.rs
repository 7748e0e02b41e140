//! The device under test: the driver trait and its drivers.
