//! Messages rendered one behind the other into one buffer, sent together.

use std::net::SocketAddr;

/// What is to be sent at the end of a turn of the loop.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    /// End of each message in `bytes` and where it goes.
    entries: Vec<(usize, SocketAddr)>,
}

impl Outbox {
    /// The buffer to render the next message into; [`Outbox::commit`] ends it.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends the message that was just rendered.
    pub(crate) fn commit(&mut self, destination: SocketAddr) {
        self.entries.push((self.bytes.len(), destination));
    }

    /// A message that is rendered already.
    pub(crate) fn push(&mut self, message: &[u8], destination: SocketAddr) {
        self.bytes.extend_from_slice(message);
        self.commit(destination);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The last committed message.
    pub(crate) fn last(&self) -> &[u8] {
        self.iter().last().map_or(&[], |(bytes, _)| bytes)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
        let mut start = 0;
        self.entries.iter().map(move |&(end, destination)| {
            let message = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            (message, destination)
        })
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_ends_and_destinations() {
        let (a, b) = (
            SocketAddr::from(([127, 0, 0, 1], 1)),
            SocketAddr::from(([127, 0, 0, 1], 2)),
        );
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"one");
        outbox.commit(a);
        outbox.push(b"second", b);
        assert_eq!(
            outbox.iter().collect::<Vec<_>>(),
            [(&b"one"[..], a), (&b"second"[..], b)]
        );
        assert_eq!(outbox.last(), &b"second"[..]);
        outbox.clear();
        assert!(outbox.is_empty());
    }
}
