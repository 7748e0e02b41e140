//! The same scenario on the operating system's loopback and on the virtual network.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use voxproof_net::tls::TestAuthority;
use voxproof_net::{ClientSecurity, Net, StreamConnection};
use voxproof_services::{ServiceEvent, Services};

/// Long enough for any machine; only a hang takes this long.
pub const PATIENCE: Duration = Duration::from_secs(300);

pub struct World {
    pub net: Net,
    pub services: Services,
    pub authority: TestAuthority,
}

impl World {
    async fn new(net: Net, ip: IpAddr) -> Self {
        let authority = TestAuthority::generate(SystemTime::now()).unwrap();
        let services = Services::open(&net, ip, Some(&authority)).await.unwrap();
        Self {
            net,
            services,
            authority,
        }
    }

    pub async fn connect(&self, to: SocketAddr) -> StreamConnection {
        self.net.connect(None, to, ClientSecurity::Plain).await.unwrap()
    }

    /// What has happened, once `enough` events have.
    pub async fn events(&self, enough: usize) -> Vec<ServiceEvent> {
        let mut events = Vec::new();
        patient(async {
            loop {
                events.extend(self.services.drain_events());
                if events.len() >= enough {
                    return;
                }
                self.services.event_arrived().await;
            }
        })
        .await;
        events
    }
}

pub async fn patient<T>(doing: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, doing).await.expect("it hangs")
}

pub fn on_the_virtual_network<F: Future<Output = ()>>(scenario: impl FnOnce(World) -> F) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(async {
            let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
            scenario(World::new(Net::virtual_network(), ip).await).await;
        });
}

pub fn on_the_operating_system<F: Future<Output = ()>>(scenario: impl FnOnce(World) -> F) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            scenario(World::new(Net::os(), IpAddr::V4(Ipv4Addr::LOCALHOST)).await).await;
        });
}
