//! The trait every driver implements.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use voxproof_record::Wav;
use voxproof_spec::{Capability, DeviceAction, SignallingTransport};

use crate::DeviceError;

/// What the lab offers to the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabAddress {
    /// Registrar and outbound proxy, where the device's transport reaches it.
    pub server: SocketAddr,
    /// What the device is to reach it by.
    pub transport: SignallingTransport,
    /// Whether the server is not the host of the addresses the device is told to dial, so that the device has to send
    /// everything to it whatever a Request-URI says (RFC 3261 8.1.2).
    pub proxied: bool,
    /// The lab's name server, for a device that can be told one.
    pub dns: Option<SocketAddr>,
    /// The lab's HTTP server, where a device may fetch its configuration.
    pub http: Option<SocketAddr>,
    /// The same over TLS.
    pub https: Option<SocketAddr>,
    /// Certificate of the authority that the lab's certificates come from, in PEM, for the device to trust.
    pub authority_pem: String,
    /// User part of the device's address of record.
    pub username: String,
    /// Password of its account.
    pub password: String,
    /// Digest realm of the registrar.
    pub realm: String,
    /// The address a device on this machine uses.
    pub device_ip: IpAddr,
}

#[cfg(test)]
impl LabAddress {
    /// A lab on this machine, over UDP, for tests.
    pub(crate) fn example() -> Self {
        Self {
            server: SocketAddr::from(([127, 0, 0, 1], 5060)),
            transport: SignallingTransport::Udp,
            proxied: false,
            dns: None,
            http: None,
            https: None,
            authority_pem: String::new(),
            username: "dut".to_owned(),
            password: "s3cret".to_owned(),
            realm: "lab".to_owned(),
            device_ip: IpAddr::from([127, 0, 0, 1]),
        }
    }
}

impl LabAddress {
    /// The server as a device is told it: `127.0.0.1:5061;transport=tls`, with nothing behind it for UDP.
    pub(crate) fn server_uri(&self) -> String {
        match self.transport {
            SignallingTransport::Udp => format!("sip:{}", self.server),
            transport => format!("sip:{};transport={}", self.server, transport.parameter()),
        }
    }

    /// Whether a device has to be told an outbound proxy: the addresses it dials name the lab's UDP address.
    pub(crate) fn needs_outbound_proxy(&self) -> bool {
        self.proxied || self.transport != SignallingTransport::Udp
    }
}

/// Whether the device is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceHealth {
    /// It runs, as far as the driver can see.
    Running,
    /// It has ended.
    Gone {
        /// How, in words: `killed by signal 11 (SIGSEGV)`.
        status: String,
        /// It ended by its own doing: it exited or crashed. A signal that somebody sent it is not its fault.
        own_fault: bool,
    },
}

/// A device under test.
///
/// All methods come back within seconds, except where a person has to be asked.
#[async_trait]
pub trait Device: Send {
    /// What the lab can have this device do.
    fn capabilities(&self) -> BTreeSet<Capability>;

    /// The firmware version the device reports, `unknown` when it cannot be read back. Works before [`Device::start`].
    async fn firmware(&mut self) -> String;

    /// Starts the device; returns when it is up and controllable. It registers by itself, later.
    ///
    /// # Errors
    /// [`DeviceError::Unreachable`] when it cannot be started at all.
    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError>;

    /// Makes the device do something; returns its reply when it has acknowledged the order, which is before or after
    /// the effect is on the wire. `uri` turns an actor's name into the address to dial, `sip:peer_a@127.0.0.1:5080`.
    ///
    /// # Errors
    /// [`DeviceError::NotSupported`] when this device cannot do it, [`DeviceError::Control`] when it refused,
    /// [`DeviceError::Timeout`] when it did not answer the order, [`DeviceError::Gone`] when it has ended.
    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError>;

    /// Back to a known state before a case: no call, audio loop off, a fresh recording, and automatic answering as
    /// asked. A device that a case has shut down is started again. Cheap when nothing has to change.
    ///
    /// # Errors
    /// As for [`Device::perform`].
    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError>;

    /// What the device's receiver has played since [`Device::prepare`]: 8 kHz, mono. `None` when it cannot be had.
    async fn recording(&mut self) -> Option<Wav>;

    /// What the device's microphone hears while a call is up: 8 kHz, mono, looped. `None` when it is not known.
    fn speech(&self) -> Option<Wav>;

    /// What the device has logged since the last call of this method.
    fn log(&mut self) -> Option<Vec<u8>>;

    /// Whether it is still there.
    async fn health(&mut self) -> DeviceHealth;

    /// Restarts the device, whatever its state.
    ///
    /// # Errors
    /// As for [`Device::start`].
    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError>;

    /// Ends the device in order, so that it un-registers where it can; after a few seconds by force. Ends only what
    /// the driver started.
    async fn stop(&mut self);

    /// For a device that is a program on this machine: the longest that one of its threads was kept from a processor within
    /// about a tenth of a second since the last call. `None` for others, and where it cannot be told.
    fn kept_waiting(&mut self) -> Option<Duration> {
        None
    }

    /// Header fields that the lab's calls carry while the device is to answer them by itself: a driver that has no other way
    /// of making it answer asks for that in every call.
    fn call_headers(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Which of several drivers carried out the last order, or failed at it.
    fn carried_out_by(&self) -> Option<&'static str> {
        None
    }

    /// What the operator was asked and answered since the last call, with passwords masked.
    fn prompts(&mut self) -> Vec<(String, String)> {
        Vec::new()
    }
}
