//! The choice of network.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::host_watch::HostWatch;
use crate::hub::{FreePort, Hub};
use crate::stream::{
    self, ClientSecurity, ConnectOptions, ListenOptions, StreamConnection, StreamListener, StreamSecurity,
};
use crate::{Clock, Endpoint, MediaPort, MediaSession, NetError, os_media, virtual_media};

/// What a media port consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    Rtp,
    RtpAndRtcp,
}

/// The network a run works on, and its clock. Clones share both.
#[derive(Clone, Debug)]
pub struct Net {
    clock: Clock,
    hub: Option<Arc<Hub>>,
    watch: Option<Arc<HostWatch>>,
}

impl Net {
    /// The operating system's network in real time.
    pub fn os() -> Self {
        let clock = Clock::start();
        Self {
            clock,
            hub: None,
            watch: Some(Arc::new(HostWatch::start(clock))),
        }
    }

    /// A network of its own, in memory, that delivers at once and in order.
    ///
    /// It belongs in a current-thread tokio runtime whose clock was paused from the start: then time passes only when
    /// nobody has anything to do, and every run takes the same steps.
    pub fn virtual_network() -> Self {
        Self::virtual_network_with_delay(Duration::ZERO)
    }

    /// Like [`Net::virtual_network`], but every datagram takes `delay` to arrive. tokio's clock has steps of 1 ms.
    pub fn virtual_network_with_delay(delay: Duration) -> Self {
        Self {
            clock: Clock::start(),
            hub: Some(Arc::new(Hub::new(delay))),
            watch: None,
        }
    }

    /// The clock that all times of this network refer to.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The longest time that an ordinary program of this machine was kept waiting since `since`. Zero in virtual time.
    pub fn host_lag_since(&self, since: Duration) -> Duration {
        self.watch
            .as_ref()
            .map(|watch| watch.longest_since(since))
            .unwrap_or_default()
    }

    /// Whether this is a network in memory.
    pub fn is_virtual(&self) -> bool {
        self.hub.is_some()
    }

    /// Binds a UDP port; port 0 picks a free one.
    ///
    /// # Errors
    /// [`NetError`] says which of the usual reasons it was and what to do.
    pub async fn bind(&self, local: SocketAddr) -> Result<Endpoint, NetError> {
        Handle::try_current().map_err(|_| NetError::NoRuntime)?;
        match &self.hub {
            Some(hub) => Ok(Endpoint::virtual_port(hub.bind(
                self.clock,
                local,
                FreePort::Any,
            )?)),
            None => Endpoint::os(local, self.clock),
        }
    }

    /// Listens for TCP connections, with TLS if wanted; port 0 picks a free one.
    ///
    /// # Errors
    /// [`NetError`] says which of the usual reasons it was and what to do.
    pub async fn listen(
        &self,
        local: SocketAddr,
        security: StreamSecurity,
    ) -> Result<StreamListener, NetError> {
        self.listen_with(local, security, ListenOptions::default()).await
    }

    /// Like [`Net::listen`], with WebSocket framing or another limit for handshakes.
    ///
    /// # Errors
    /// As [`Net::listen`].
    pub async fn listen_with(
        &self,
        local: SocketAddr,
        security: StreamSecurity,
        options: impl Into<ListenOptions>,
    ) -> Result<StreamListener, NetError> {
        Handle::try_current().map_err(|_| NetError::NoRuntime)?;
        let options = options.into();
        match &self.hub {
            Some(hub) => StreamListener::virtual_port(self.clock, hub.streams(), local, &security, options),
            None => StreamListener::os(self.clock, local, &security, options),
        }
    }

    /// Connects to a TCP port, from `local` if given (its port 0 picks a free one), with TLS if wanted.
    ///
    /// # Errors
    /// [`NetError::ConnectionRefused`], [`NetError::Connect`], [`NetError::Handshake`] with what went wrong in TLS, a
    /// timeout among it, [`NetError::TlsSetup`], or the reasons why a port cannot be bound.
    pub async fn connect(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        security: ClientSecurity,
    ) -> Result<StreamConnection, NetError> {
        self.connect_with(local, remote, security, ConnectOptions::default())
            .await
    }

    /// Like [`Net::connect`], with WebSocket framing or another limit for handshakes.
    ///
    /// # Errors
    /// As [`Net::connect`].
    pub async fn connect_with(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        security: ClientSecurity,
        options: impl Into<ConnectOptions>,
    ) -> Result<StreamConnection, NetError> {
        Handle::try_current().map_err(|_| NetError::NoRuntime)?;
        let options = options.into();
        match &self.hub {
            Some(hub) => {
                let addresses = (local, remote);
                stream::connect_virtual(
                    hub.streams(),
                    hub.delay(),
                    self.clock,
                    addresses,
                    &security,
                    &options,
                )
                .await
            }
            None => stream::connect_os(self.clock, local, remote, &security, &options).await,
        }
    }

    /// Opens an even RTP port and starts the session's ticks, the first at once. The odd port above is left alone; see
    /// [`Net::open_media_pair`].
    ///
    /// # Errors
    /// [`NetError::NoFreePort`] or another reason why the port or its threads could not be had.
    pub fn open_media(
        &self,
        local: IpAddr,
        session: Arc<Mutex<dyn MediaSession>>,
    ) -> Result<MediaPort, NetError> {
        self.open_ports(local, Ports::Rtp, session)
    }

    /// Like [`Net::open_media`], with RTCP on the odd port above (RFC 3550 11): the session also gets
    /// [`MediaSession::tick_rtcp`] and [`MediaSession::received_rtcp`].
    ///
    /// # Errors
    /// [`NetError::NoFreePort`] or another reason why the ports or their threads could not be had.
    pub fn open_media_pair(
        &self,
        local: IpAddr,
        session: Arc<Mutex<dyn MediaSession>>,
    ) -> Result<MediaPort, NetError> {
        self.open_ports(local, Ports::RtpAndRtcp, session)
    }

    fn open_ports(
        &self,
        local: IpAddr,
        ports: Ports,
        session: Arc<Mutex<dyn MediaSession>>,
    ) -> Result<MediaPort, NetError> {
        match &self.hub {
            Some(hub) => virtual_media::open(hub, self.clock, local, ports, session),
            None => os_media::open(self.clock, local, ports, session),
        }
    }
}
