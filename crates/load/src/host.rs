//! What the operating system is asked for and about.

use std::collections::HashSet;
use std::fs;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// Below the media threads of single calls (50), above ordinary programs.
const FIFO_PRIORITY: u8 = 20;

/// Raises the number of descriptors to what is permitted: a call with media needs two.
pub(crate) fn raise_descriptor_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // without it the run has fewer calls at a time, which the report says
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Exact sleeps, and real-time scheduling where it is allowed. Whether the latter was.
pub(crate) fn raise_priority() -> bool {
    let _ = nix::sys::prctl::set_timerslack(1);
    let Ok(priority) = FIFO_PRIORITY.try_into() else {
        return false;
    };
    set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
    )
    .is_ok()
}

/// Ordinary scheduling again: the thread is the caller's.
pub(crate) fn lower_priority() {
    let _ = set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Min,
        ThreadSchedulePolicy::Normal(thread_priority::NormalThreadSchedulePolicy::Other),
    );
    let _ = nix::sys::prctl::set_timerslack(0);
}

/// Datagrams the kernel dropped at these local UDP ports of ours since they were opened; `None` where `/proc` does not
/// tell. Read rarely: the kernel walks all its sockets. `SO_RXQ_OVFL` would cost a control message a datagram.
pub(crate) fn socket_drops(ports: &HashSet<u16>) -> Option<u64> {
    let tables = ["/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"];
    let mut drops = None;
    for table in tables.iter().filter_map(|path| fs::read_to_string(path).ok()) {
        let sum: u64 = table.lines().filter_map(|line| drops_of(line, ports)).sum();
        drops = Some(drops.unwrap_or(0) + sum);
    }
    drops
}

/// The last column of a line whose local port is one of these.
fn drops_of(line: &str, ports: &HashSet<u16>) -> Option<u64> {
    let mut columns = line.split_ascii_whitespace();
    let (_, port) = columns.nth(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    ports.contains(&port).then(|| columns.last()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_the_last_column_of_our_ports() {
        let line =
            " 1234: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000  0 0 99 2 0 17";
        assert_eq!(drops_of(line, &HashSet::from([0x13c4])), Some(17));
        assert_eq!(drops_of(line, &HashSet::from([5061])), None);
        assert_eq!(
            drops_of("  sl  local_address rem_address", &HashSet::from([1])),
            None
        );
    }
}
