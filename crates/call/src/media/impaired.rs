//! A bad network on one way of a stream.

use std::time::Duration;

use voxproof_record::TimelineEvent;
use voxproof_rtp::impairment::{Impairment, ImpairmentSpec};

/// One way of a stream, impaired or not.
#[derive(Default)]
pub(super) struct Way {
    network: Option<Impairment>,
    specification: String,
    truth: Vec<String>,
}

impl Way {
    pub(super) fn is_impaired(&self) -> bool {
        self.network.is_some()
    }

    /// Sets the network; what was under way in the former one is lost to nobody: it is taken out at once.
    pub(super) fn set(&mut self, spec: Option<(ImpairmentSpec, u64)>) {
        self.collect();
        self.network = spec.and_then(|(spec, seed)| {
            self.specification = format!("{}, seed {seed}", words(&spec));
            Impairment::new(spec, seed).ok()
        });
    }

    /// Gives a datagram to the network; it comes back at once when there is none.
    pub(super) fn push(&mut self, now: Duration, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match &mut self.network {
            Some(network) => {
                network.push(now, bytes);
                None
            }
            None => Some(bytes),
        }
    }

    /// What has come through.
    pub(super) fn poll(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let Some(network) = &mut self.network else {
            return vec![];
        };
        network
            .poll(now)
            .into_iter()
            .map(|delivery| delivery.datagram)
            .collect()
    }

    fn collect(&mut self) {
        if let Some(network) = &mut self.network {
            self.truth
                .extend(network.take_decisions().iter().map(|decision| decision.to_line()));
        }
    }

    /// The truth so far, for the record.
    pub(super) fn take_note(&mut self, actor: &str, to_device: bool) -> Option<TimelineEvent> {
        self.collect();
        (!self.truth.is_empty()).then(|| TimelineEvent::Impaired {
            actor: actor.to_owned(),
            to_device,
            specification: self.specification.clone(),
            truth: std::mem::take(&mut self.truth),
        })
    }
}

fn words(spec: &ImpairmentSpec) -> String {
    format!("{spec:?}")
}
