//! DNS over TCP: each message behind its length in two octets (RFC 1035 4.2.2).

/// Finds the messages in a stream. It holds one message at most beyond what was pushed last.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        let (length, rest) = self.buffer.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let message = rest.get(..length)?.to_vec();
        self.buffer.drain(..2 + length);
        Some(message)
    }
}

/// A message with its length in front. Nothing for a message that no length can be written for.
pub fn framed(message: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(message.len()).ok()?;
    let mut bytes = Vec::with_capacity(2 + message.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(message);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_longer_than_its_length_field_has_no_frame() {
        assert!(framed(&vec![0; 65_535]).is_some());
        assert_eq!(framed(&vec![0; 65_536]), None);
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_they_are_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            cut in 1_usize..9,
        ) {
            let stream: Vec<u8> = messages.iter().filter_map(|one| framed(one)).flatten().collect();
            let mut framer = Framer::new();
            let mut found = Vec::new();
            for piece in stream.chunks(cut) {
                framer.push(piece);
                found.extend(std::iter::from_fn(|| framer.next_message()));
            }
            prop_assert_eq!(found, messages);
            prop_assert_eq!(framer.next_message(), None);
        }
    }
}
