//! The same scenario on the operating system's loopback, over IPv4 and IPv6, and on the virtual network.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use voxproof_net::{
    Accepted, ClientSecurity, ConnectOptions, HandshakeError, ListenOptions, Net, NetError, Segment,
    StreamConnection, StreamListener, StreamSecurity,
};

/// Long enough for any machine; only a hang takes this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A network and an address on it.
pub struct World {
    pub net: Net,
    pub ip: IpAddr,
}

impl World {
    pub fn any_port(&self) -> SocketAddr {
        SocketAddr::new(self.ip, 0)
    }

    pub async fn listen(
        &self,
        security: StreamSecurity,
        options: impl Into<ListenOptions>,
    ) -> StreamListener {
        self.net
            .listen_with(self.any_port(), security, options)
            .await
            .unwrap()
    }

    /// Connects to a listener and lets it accept at the same time.
    pub async fn meet(
        &self,
        listener: &mut StreamListener,
        security: ClientSecurity,
        options: impl Into<ConnectOptions>,
    ) -> (Accepted, Result<StreamConnection, NetError>) {
        let remote = listener.local_addr();
        let connecting = self
            .net
            .connect_with(Some(self.any_port()), remote, security, options);
        let both = async { tokio::join!(listener.accept(), connecting) };
        let (accepted, connected) = tokio::time::timeout(PATIENCE, both).await.expect("nobody came");
        (accepted.unwrap(), connected)
    }
}

/// Both ends of a connection.
pub fn both(
    (accepted, connected): (Accepted, Result<StreamConnection, NetError>),
) -> (StreamConnection, StreamConnection) {
    match accepted {
        Accepted::Connection(server) => (server, connected.unwrap()),
        Accepted::Failed { error, .. } => panic!("the handshake failed: {error}"),
    }
}

/// The error of an accepted peer whose handshake failed.
pub fn refusal(accepted: Accepted) -> HandshakeError {
    match accepted {
        Accepted::Connection(connection) => panic!("{connection:?}"),
        Accepted::Failed { error, .. } => error,
    }
}

pub async fn next(connection: &mut StreamConnection) -> Option<Segment> {
    tokio::time::timeout(PATIENCE, connection.recv())
        .await
        .expect("nothing came")
        .unwrap()
}

/// Reads until that many bytes are there.
pub async fn read(connection: &mut StreamConnection, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let segment = next(connection).await.expect("the stream ended");
        assert!(!segment.bytes.is_empty() && segment.bytes.len() <= 65_536);
        bytes.extend(segment.bytes);
    }
    bytes
}

pub async fn ipv6_loopback() -> Option<World> {
    let net = Net::os();
    let ip = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
    if net.bind(SocketAddr::new(ip, 0)).await.is_err() {
        eprintln!("skipped: this machine has no ::1");
        return None;
    }
    Some(World { net, ip })
}

/// Makes each scenario a test on every network.
#[macro_export]
macro_rules! on_every_network {
    ($($scenario:ident),* $(,)?) => {
        mod ipv4 {
            $(#[tokio::test]
            async fn $scenario() {
                let world = $crate::worlds::World {
                    net: voxproof_net::Net::os(),
                    ip: std::net::IpAddr::from([127, 0, 0, 1]),
                };
                super::$scenario(&world).await;
            })*
        }
        mod ipv6 {
            $(#[tokio::test]
            async fn $scenario() {
                if let Some(world) = $crate::worlds::ipv6_loopback().await {
                    super::$scenario(&world).await;
                }
            })*
        }
        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $scenario() {
                let world = $crate::worlds::World {
                    net: voxproof_net::Net::virtual_network_with_delay(std::time::Duration::from_millis(7)),
                    ip: std::net::IpAddr::from([10, 0, 0, 1]),
                };
                super::$scenario(&world).await;
            })*
        }
    };
}
