//! Whether the lab itself was fit to judge.

use voxproof_record::TimelineEvent;
use voxproof_spec::{Check, Guard};

use crate::view::View;

/// Why what the device did late, or not at all in its stream, cannot be held against it: it is a program on the lab's machine,
/// and the machine kept it waiting.
pub(crate) fn kept_waiting(view: &View<'_>, guard: &Guard) -> Option<String> {
    let longest = view
        .evidence
        .timeline
        .entries
        .iter()
        .filter_map(|entry| match entry.event {
            TimelineEvent::DeviceKeptWaiting { longest } => Some(longest),
            _ => None,
        })
        .max()?;
    (longest > guard.host_lag.0.as_nanos() as u64).then(|| {
        format!(
            "this machine kept the device's program from its processors for {:.0} ms (allowed {}); run again on a quieter machine",
            longest as f64 / 1e6,
            guard.host_lag
        )
    })
}

/// Whether what a check asks depends on when the device does something.
pub(crate) fn is_timed(check: &Check) -> bool {
    check.rtp.is_some()
        || check.dtmf.is_some()
        || check.inband.is_some()
        || check.rtcp.is_some()
        || check.impairment.is_some()
        || check.retransmissions.is_some()
        || check.gap.is_some()
}

/// Why the lab was not fit in this case.
pub(crate) fn problem(view: &View<'_>, guard: &Guard) -> Option<String> {
    let health = view
        .evidence
        .timeline
        .entries
        .iter()
        .rev()
        .find_map(|entry| match entry.event {
            TimelineEvent::Health {
                send_lag,
                loop_lag,
                host_lag,
                socket_drops,
            } => Some((send_lag, loop_lag, host_lag, socket_drops)),
            _ => None,
        });
    let Some((send_lag, loop_lag, host_lag, drops)) = health else {
        return Some("the lab's own health was not recorded, the case did not come to its end".to_owned());
    };
    let ms = |ns: u64| ns as f64 / 1e6;
    if send_lag > guard.send_lag.0.as_nanos() as u64 {
        return Some(format!(
            "the lab sent a packet {:.0} ms late (allowed {}); run again on a quieter machine",
            ms(send_lag),
            guard.send_lag
        ));
    }
    if loop_lag > guard.loop_lag.0.as_nanos() as u64 {
        return Some(format!(
            "the lab's call driver was kept from running for {:.0} ms (allowed {}); run again on a quieter machine",
            ms(loop_lag),
            guard.loop_lag
        ));
    }
    let timed = !view.case.measure.is_empty() || view.case.check.iter().any(|check| is_timed(check));
    if timed && host_lag > guard.host_lag.0.as_nanos() as u64 {
        return Some(format!(
            "this machine kept ordinary programs waiting for {:.0} ms (allowed {}), perhaps the device among them; run again on a quieter machine",
            ms(host_lag),
            guard.host_lag
        ));
    }
    if drops > guard.socket_drops {
        return Some(format!(
            "the lab's own sockets dropped {drops} datagrams (allowed {})",
            guard.socket_drops
        ));
    }
    None
}
