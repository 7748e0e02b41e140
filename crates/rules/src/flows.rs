//! Media ports of the lab and what is known about each, found by address and by call.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::bounded::Bounded;
use crate::hash::BuildFolding;
use crate::media::{Flow, Line};

/// Flows by the address their packets go to; the oldest makes room.
#[derive(Debug)]
pub(crate) struct Flows {
    flows: Bounded<SocketAddr, Flow>,
    /// The addresses whose line belongs to a call, so that the end of one call does not look at the media of all others.
    calls: HashMap<u64, Vec<SocketAddr>, BuildFolding>,
}

impl Flows {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            flows: Bounded::new(limit),
            calls: HashMap::default(),
        }
    }

    pub(crate) fn get(&self, address: SocketAddr) -> Option<&Flow> {
        self.flows.get(address)
    }

    pub(crate) fn get_mut(&mut self, address: SocketAddr) -> Option<&mut Flow> {
        self.flows.get_mut(address)
    }

    /// The flow to this address, made when it is not there.
    pub(crate) fn entry(&mut self, address: SocketAddr) -> &mut Flow {
        if self.flows.get(address).is_none()
            && let Some((gone, flow)) = self.flows.insert(address, Flow::default())
            && let Some(line) = flow.line
        {
            forget(&mut self.calls, line.call, gone);
        }
        self.flows.entry(address, Flow::default)
    }

    /// To be told whenever the line of a flow was replaced: the calls of the line before and of the new one.
    pub(crate) fn moved(&mut self, address: SocketAddr, before: Option<u64>, call: u64) {
        if before == Some(call) {
            return;
        }
        if let Some(before) = before {
            forget(&mut self.calls, before, address);
        }
        self.calls.entry(call).or_default().push(address);
    }

    /// The lines of a call.
    pub(crate) fn each_line(&mut self, call: u64, mut act: impl FnMut(&mut Line)) {
        for address in self.calls.get(&call).into_iter().flatten() {
            if let Some(line) = self.flows.get_mut(*address).and_then(|flow| flow.line.as_mut()) {
                act(line);
            }
        }
    }

    /// Every flow, oldest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values()
    }
}

fn forget(calls: &mut HashMap<u64, Vec<SocketAddr>, BuildFolding>, call: u64, address: SocketAddr) {
    if let Some(addresses) = calls.get_mut(&call) {
        addresses.retain(|one| *one != address);
        if addresses.is_empty() {
            calls.remove(&call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(call: u64) -> Line {
        Line {
            call,
            ..Line::default()
        }
    }

    #[test]
    fn lines_are_found_by_call_until_they_move_or_go() {
        let mut flows = Flows::new(2);
        let at = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
        let agree = |flows: &mut Flows, port, call| {
            let before = flows.entry(at(port)).line.replace(line(call));
            flows.moved(at(port), before.map(|line| line.call), call);
        };
        let count = |flows: &mut Flows, call| {
            let mut count = 0;
            flows.each_line(call, |_| count += 1);
            count
        };
        agree(&mut flows, 4000, 1);
        agree(&mut flows, 4002, 1);
        agree(&mut flows, 4002, 1);
        assert_eq!(count(&mut flows, 1), 2);
        agree(&mut flows, 4002, 2);
        assert_eq!((count(&mut flows, 1), count(&mut flows, 2)), (1, 1));
        flows.entry(at(4004));
        assert_eq!((count(&mut flows, 1), flows.values().count()), (0, 2));
        assert_eq!(flows.calls.len(), 1, "nothing is kept for a call without lines");
    }
}
