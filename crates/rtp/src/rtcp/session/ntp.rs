//! NTP timestamps (RFC 3550 4).

use std::time::Duration;

/// Seconds from 1900 to 1970.
const UNIX_EPOCH: u64 = 2_208_988_800;

/// 32.32 fixed point; wraps as the field does in 2036.
fn fixed(duration: Duration) -> u64 {
    let fraction = (u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000;
    (duration.as_secs() << 32) | fraction
}

/// The NTP timestamp of an instant given as time since 1970.
#[must_use]
pub fn ntp_from_unix(since_1970: Duration) -> u64 {
    fixed(since_1970).wrapping_add(UNIX_EPOCH << 32)
}

/// The NTP timestamp of `now`.
pub(super) fn ntp_at(epoch: u64, now: Duration) -> u64 {
    epoch.wrapping_add(fixed(now))
}

/// Units of 1/65536 s; at most 18 hours fit.
pub(super) fn short_units(duration: Duration) -> u32 {
    u32::try_from(fixed(duration) >> 16).unwrap_or(u32::MAX)
}

/// The duration of units of 1/65536 s.
pub(super) fn short_duration(units: u32) -> Duration {
    Duration::from_nanos(u64::from(units) * 1_000_000_000 / 65_536)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_and_the_short_form_agree() {
        let epoch = ntp_from_unix(Duration::ZERO);
        assert_eq!(epoch >> 32, UNIX_EPOCH);
        let half = ntp_at(epoch, Duration::from_millis(1500));
        assert_eq!(half.wrapping_sub(epoch), (1 << 32) | 1 << 31);
        assert_eq!(short_units(Duration::from_millis(1500)), 98_304);
        assert_eq!(short_duration(98_304), Duration::from_millis(1500));
        assert_eq!(short_units(Duration::from_secs(100_000)), u32::MAX);
    }
}
