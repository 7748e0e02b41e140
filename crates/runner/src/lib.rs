//! Plan, drive, judge, record: runs a suite against a device.
