//! Cutting messages out of a byte stream (RFC 3261 18.3).

use crate::reader;

/// Largest head we wait for, in bytes; a stream without an empty line within it is given up as one message.
const LIMIT: usize = 1 << 20;

/// Collects the bytes of one TCP or TLS connection and gives whole messages.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// How much of the buffer is known to hold no end of the head, so that slow streams are not scanned again and
    /// again.
    scanned: usize,
    /// Length of the message at the front, once its head is complete.
    length: Option<usize>,
}

impl Framer {
    /// An empty framer.
    pub const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            scanned: 0,
            length: None,
        }
    }

    /// Adds what was read from the connection.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, or the keep-alive CRLFs in front of it (RFC 5626 3.5.1) as a piece of their own. `None`
    /// until more bytes come. Without a Content-Length that is a number the body is taken to be empty (RFC 3261 20.14
    /// requires one on streams).
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        let keep_alive = self
            .buffer
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        if keep_alive > 0 {
            return Some(self.take(keep_alive));
        }
        let length = match self.length {
            Some(length) => length,
            None => match self.head_length() {
                Some(head) => {
                    let index = reader::index(self.buffer.get(..head).unwrap_or_default());
                    let body = reader::content_length(&self.buffer, &index.lines, &mut Vec::new());
                    let length = head
                        .checked_add(body.unwrap_or_default())
                        .filter(|length| *length <= LIMIT);
                    *self.length.insert(length.unwrap_or(self.buffer.len()))
                }
                None if self.buffer.len() > LIMIT => self.buffer.len(),
                None => return None,
            },
        };
        (self.buffer.len() >= length).then(|| self.take(length))
    }

    /// Bytes that are not a whole message yet.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        self.scanned = 0;
        self.length = None;
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Length up to and with the empty line, if it is there.
    fn head_length(&mut self) -> Option<usize> {
        let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
        for end in memchr::memchr_iter(b'\n', unseen).map(|at| self.scanned + at) {
            // the line before ended with LF: this one is empty
            let before = self.buffer.get(..end).unwrap_or_default();
            if before.ends_with(b"\n") || before.ends_with(b"\n\r") {
                return Some(end + 1);
            }
        }
        self.scanned = self.buffer.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nl: 3\r\n\r\nabc";

    #[test]
    fn messages_come_out_whole_however_they_are_cut() {
        let mut stream = b"\r\n\r\n".to_vec();
        stream.extend_from_slice(ONE);
        stream.extend_from_slice(b"SIP/2.0 200 OK\r\nX: y\r\n\r\n");
        for size in [1, 2, 7, stream.len()] {
            let mut framer = Framer::new();
            let mut messages = Vec::new();
            for chunk in stream.chunks(size) {
                framer.push(chunk);
                while let Some(message) = framer.next_message() {
                    messages.push(message);
                }
            }
            assert_eq!(messages.concat(), stream, "{size}");
            let whole: Vec<_> = messages
                .iter()
                .filter(|m| m.first() != Some(&b'\r') && m.first() != Some(&b'\n'))
                .collect();
            assert_eq!((whole.len(), whole[0].as_slice()), (2, ONE), "{size}");
            assert!(framer.rest().is_empty());
        }
    }
}
