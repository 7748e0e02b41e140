//! The way of a driver to the device by SIP: whoever has the lab's server sends for it.

use std::time::Duration;

use async_trait::async_trait;

use crate::DeviceError;

/// A request that has the device do something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SipOrder {
    /// Method.
    pub method: &'static str,
    /// Header fields beside those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// Content type and body.
    pub body: Option<(&'static str, String)>,
    /// The session of an earlier INVITE that it is sent in: [`SipAnswer::session`].
    pub session: Option<String>,
    /// How long to wait for a NOTIFY that says how it goes on, where it was accepted.
    pub notified_within: Option<Duration>,
}

/// What the device says to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SipAnswer {
    /// Status of the final response.
    pub status: u16,
    /// Its reason phrase.
    pub reason: String,
    /// Its body.
    pub body: Vec<u8>,
    /// Names the session that an INVITE has opened.
    pub session: String,
    /// Body of the first NOTIFY, where one was waited for and came.
    pub notified: Option<Vec<u8>>,
}

/// Sends requests from the lab's server to the device, at its registered Contact.
#[async_trait]
pub trait SipLink: Send + Sync {
    /// Sends a request and waits for its final response. A challenge is answered with the device's account; an INVITE
    /// without an answer is cancelled.
    ///
    /// # Errors
    /// [`DeviceError::Timeout`] when the device does not answer, [`DeviceError::Unreachable`] when nobody knows where it is.
    async fn send(&self, order: SipOrder) -> Result<SipAnswer, DeviceError>;
}

/// The way to a device that is in no lab: for drivers that are made only to be asked what they can do.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLink;

#[async_trait]
impl SipLink for NoLink {
    async fn send(&self, order: SipOrder) -> Result<SipAnswer, DeviceError> {
        Err(DeviceError::unreachable(
            "the device",
            format!("no lab is there to send {}", order.method),
            "start a run",
        ))
    }
}
