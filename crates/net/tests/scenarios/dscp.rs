//! The differentiated services code point of each datagram, set and seen (RFC 2474).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use voxproof_net::{MediaSession, Net, NetError, Reception};

const PATIENCE: Duration = Duration::from_secs(30);
const EXPEDITED_FORWARDING: u8 = 46;

struct Talker {
    to: Option<SocketAddr>,
    heard: UnboundedSender<Option<u8>>,
}

impl MediaSession for Talker {
    fn interval(&self) -> Duration {
        Duration::from_millis(5)
    }
    fn tick(&mut self, _: Duration, _: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        out.extend(self.to.map(|to| (to, vec![0x80; 12])));
    }
    fn sent(&mut self, _: Duration, _: Duration, _: SocketAddr, _: &[u8]) {}
    fn received(&mut self, _: Duration, _: SocketAddr, _: &[u8]) {
        panic!("the port calls reception");
    }
    fn reception(&mut self, reception: Reception<'_>) {
        let _ = self.heard.send(reception.dscp);
    }
}

async fn endpoints(net: &Net, ip: IpAddr) {
    let a = net.bind(SocketAddr::new(ip, 0)).await.unwrap();
    let b = net.bind(SocketAddr::new(ip, 0)).await.unwrap();
    for (dscp, expected) in [(None, 0), (Some(24), 24), (Some(46), 46), (Some(0), 0)] {
        if let Some(dscp) = dscp {
            a.set_dscp(dscp).unwrap();
        }
        a.send(b.local_addr(), b"x").unwrap();
        let datagram = tokio::time::timeout(PATIENCE, b.recv()).await.unwrap().unwrap();
        assert_eq!(datagram.dscp, Some(expected));
    }
    assert!(matches!(a.set_dscp(64), Err(NetError::InvalidDscp { value: 64 })));
}

async fn media(net: &Net, ip: IpAddr) {
    let (heard, mut hearing) = unbounded_channel();
    let listener = Arc::new(Mutex::new(Talker {
        to: None,
        heard: heard.clone(),
    }));
    let mut listening = net.open_media(ip, listener).unwrap();
    let talker = Arc::new(Mutex::new(Talker { to: None, heard }));
    let mut talking = net.open_media(ip, talker.clone()).unwrap();
    talking.set_dscp(EXPEDITED_FORWARDING).unwrap();
    assert!(matches!(
        talking.set_dscp(200),
        Err(NetError::InvalidDscp { value: 200 })
    ));
    talker.lock().unwrap().to = Some(listening.local_addr());
    let dscp = tokio::time::timeout(PATIENCE, hearing.recv()).await.unwrap();
    assert_eq!(dscp, Some(Some(EXPEDITED_FORWARDING)));
    talking.stop();
    listening.stop();
    // a stopped port has nothing left to mark
    assert!(talking.set_dscp(0).is_ok());
}

#[tokio::test]
async fn the_kernel_tells_it_on_ipv4() {
    let net = Net::os();
    endpoints(&net, Ipv4Addr::LOCALHOST.into()).await;
    media(&net, Ipv4Addr::LOCALHOST.into()).await;
}

#[tokio::test]
async fn the_kernel_tells_it_on_ipv6() {
    let net = Net::os();
    if net.bind("[::1]:0".parse().unwrap()).await.is_err() {
        eprintln!("skipped: this machine has no ::1");
        return;
    }
    endpoints(&net, Ipv6Addr::LOCALHOST.into()).await;
    media(&net, Ipv6Addr::LOCALHOST.into()).await;
}

#[tokio::test(start_paused = true)]
async fn the_virtual_network_carries_it() {
    let net = Net::virtual_network();
    for ip in ["10.0.0.1", "fd00::1"] {
        endpoints(&net, ip.parse().unwrap()).await;
        media(&net, ip.parse().unwrap()).await;
    }
}
