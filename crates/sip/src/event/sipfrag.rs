//! `message/sipfrag` (RFC 3420) as a transfer reports its progress with it (RFC 3515 2.4.5).

use crate::build::default_reason;
use crate::finding::Finding;
use crate::message::Message;

/// A status line, as the body of a NOTIFY of event `refer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sipfrag {
    /// Status of the triggered request so far.
    pub status: u16,
    /// Reason phrase as sent.
    pub reason: String,
}

impl Sipfrag {
    /// Media type of the body.
    pub const MEDIA_TYPE: &'static str = "message/sipfrag;version=2.0";

    /// The fragment for a status with its usual reason phrase.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            reason: default_reason(status).to_owned(),
        }
    }

    /// Reads a body; header fields after the status line are passed over.
    ///
    /// # Errors
    /// When it does not begin with a status line (RFC 3515 2.4.5).
    pub fn parse(body: &[u8]) -> Result<Self, Finding> {
        let message = Message::parse(body);
        match (message.status(), message.reason()) {
            (Some(status), Some(reason)) => Ok(Self {
                status,
                reason: reason.trim().to_owned(),
            }),
            _ => Err(Finding::new(
                "sipfrag-invalid",
                "RFC 3515 2.4.5",
                "the body does not begin with a SIP status line",
            )),
        }
    }

    /// Whether the transfer is decided: a final status.
    pub const fn is_final(&self) -> bool {
        self.status >= 200
    }

    /// The body.
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("SIP/2.0 {} {}\r\n", self.status, self.reason).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments() {
        let trying = Sipfrag::new(100);
        assert_eq!(trying.to_bytes(), b"SIP/2.0 100 Trying\r\n");
        assert_eq!(Sipfrag::parse(&trying.to_bytes()), Ok(trying));
        for body in [
            &b"SIP/2.0 603 Declined"[..],
            b"SIP/2.0 603 Declined\r\nTo: <sip:a@x>\r\n\r\n",
        ] {
            let fragment = Sipfrag::parse(body).unwrap();
            assert!(fragment.is_final() && fragment.reason == "Declined");
        }
        for broken in [&b""[..], b"INVITE sip:a@x SIP/2.0\r\n", b"603 Declined"] {
            assert!(Sipfrag::parse(broken).is_err());
        }
    }
}
