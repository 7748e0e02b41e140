//! Occasions and sights of one item in one case.

use voxproof_record::{IcsSight, IcsSighting};

use crate::messages::SipRecord;

#[derive(Default)]
pub(super) struct Tally {
    chances: u64,
    seen: u64,
    first: Option<IcsSight>,
}

impl Tally {
    /// An occasion on which it did not show.
    pub(super) fn missed(&mut self) {
        self.chances += 1;
    }

    /// It showed.
    pub(super) fn saw(&mut self, packet: Option<u32>, what: impl FnOnce() -> String) {
        self.chances += 1;
        self.seen += 1;
        let earlier = match &self.first {
            None => true,
            Some(first) => packet.is_some_and(|packet| first.packet.is_none_or(|known| packet < known)),
        };
        if earlier {
            self.first = Some(IcsSight { packet, what: what() });
        }
    }

    /// A message in which it could show.
    pub(super) fn message(&mut self, record: &SipRecord, shows: bool, what: impl FnOnce() -> String) {
        if shows {
            self.saw(Some(record.packet), || format!("{} in {}", what(), name(record)));
        } else {
            self.missed();
        }
    }

    /// The case as a whole was an occasion, when nothing of this kind was seen in it.
    pub(super) fn case(&mut self, before: u64) {
        if self.seen == before {
            self.missed();
        }
    }

    /// Sights so far, for [`Tally::case`].
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn sighting(self, item: &str) -> Option<IcsSighting> {
        (self.chances > 0).then(|| IcsSighting {
            item: item.to_owned(),
            chances: self.chances,
            seen: self.seen,
            first: self.first,
        })
    }
}

/// A message in short: `INVITE`, `200 (INVITE)`.
fn name(record: &SipRecord) -> String {
    let message = &record.message;
    match (message.method(), message.status()) {
        (Some(method), _) => short(method),
        (None, Some(status)) => format!("{status} ({})", short(message.cseq_method().unwrap_or("?"))),
        (None, None) => "a message without a start line".to_owned(),
    }
}

/// The beginning of foreign text.
pub(super) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
