//! The secrets of one connection, for Wireshark.

use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};

use tokio_rustls::rustls::KeyLog;

/// TLS 1.3 logs five secrets a handshake; a peer that keeps updating its keys must not fill the memory.
const KEPT: usize = 64;

/// Lines of the NSS key log format: label, client random, secret.
#[derive(Default)]
pub(crate) struct KeyLogLines(Mutex<Vec<String>>);

impl KeyLogLines {
    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl KeyLogLines {
    /// One more line, in the format.
    pub(crate) fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < KEPT {
            lines.push(line);
        }
    }
}

impl KeyLog for KeyLogLines {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.push(format!("{label} {} {}", hex(client_random), hex(secret)));
    }
}

impl fmt::Debug for KeyLogLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLogLines")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // writing to a string cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_format_and_an_end() {
        let log = KeyLogLines::default();
        for _ in 0..100 {
            log.log("CLIENT_RANDOM", &[0x0a, 0xff], &[1]);
        }
        assert_eq!(log.lines(), vec!["CLIENT_RANDOM 0aff 01".to_owned(); KEPT]);
    }
}
