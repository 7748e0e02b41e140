//! The operating system's network on loopback. No test here depends on how fast the machine is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use voxproof_net::{MediaSession, Net, NetError};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(30);

struct Beacon {
    to: Option<SocketAddr>,
    ticks: u32,
    sent: Vec<(Duration, Duration)>,
    heard: UnboundedSender<(Duration, Vec<u8>)>,
}

impl MediaSession for Beacon {
    fn interval(&self) -> Duration {
        Duration::from_millis(5)
    }
    fn tick(&mut self, _deadline: Duration, _now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if let Some(to) = self.to {
            out.push((to, self.ticks.to_be_bytes().to_vec()));
        }
        self.ticks += 1;
    }
    fn sent(&mut self, deadline: Duration, at: Duration, _to: SocketAddr, _bytes: &[u8]) {
        self.sent.push((deadline, at));
    }
    fn received(&mut self, at: Duration, _source: SocketAddr, bytes: &[u8]) {
        let _ = self.heard.send((at, bytes.to_vec()));
    }
}

#[tokio::test]
async fn a_datagram_arrives_with_its_time_and_source() {
    let net = Net::os();
    let a = net.bind(SocketAddr::new(LOOPBACK, 0)).await.unwrap();
    let b = net.bind(SocketAddr::new(LOOPBACK, 0)).await.unwrap();
    let sent = a.send(b.local_addr(), b"OPTIONS").unwrap();
    let datagram = tokio::time::timeout(PATIENCE, b.recv()).await.unwrap().unwrap();
    assert_eq!(
        (datagram.bytes.as_slice(), datagram.source),
        (&b"OPTIONS"[..], a.local_addr())
    );
    // wall and monotonic clock are read one after the other: allow them a little to disagree
    assert!(datagram.at + Duration::from_millis(1) >= sent && datagram.at <= net.clock().now());
    assert_eq!(b.socket_drops(), 0);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let net = Net::os();
    let a = net.bind(SocketAddr::new(LOOPBACK, 0)).await.unwrap();
    let error = net.bind(a.local_addr()).await.unwrap_err();
    assert!(
        matches!(error, NetError::PortInUse { addr } if addr == a.local_addr()),
        "{error}"
    );
    assert!(
        error.to_string().contains(&a.local_addr().port().to_string()),
        "{error}"
    );
    let foreign = net.bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err();
    assert!(
        matches!(foreign, NetError::AddressNotAvailable { .. }),
        "{foreign}"
    );
}

#[tokio::test]
async fn too_large_a_datagram_is_an_error() {
    let net = Net::os();
    let a = net.bind(SocketAddr::new(LOOPBACK, 0)).await.unwrap();
    let error = a.send(a.local_addr(), &vec![0; 70_000]).unwrap_err();
    assert!(matches!(error, NetError::Send { length: 70_000, .. }), "{error}");
}

#[tokio::test]
async fn media_ticks_send_and_receive_until_stopped() {
    let net = Net::os();
    let (heard, mut hearing) = unbounded_channel();
    let (echo, _nobody) = unbounded_channel();
    let listener = Arc::new(Mutex::new(Beacon {
        to: None,
        ticks: 0,
        sent: vec![],
        heard,
    }));
    let mut listening = net.open_media(LOOPBACK, listener).unwrap();
    assert_eq!(listening.local_addr().port() % 2, 0);
    let talker = Arc::new(Mutex::new(Beacon {
        to: Some(listening.local_addr()),
        ticks: 0,
        sent: vec![],
        heard: echo,
    }));
    let mut talking = net.open_media(LOOPBACK, talker.clone()).unwrap();
    for n in 0..10u32 {
        let (_, bytes) = tokio::time::timeout(PATIENCE, hearing.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(bytes, n.to_be_bytes());
    }
    talking.stop();
    listening.stop();
    let sent = talker.lock().unwrap().sent.clone();
    assert!(sent.len() >= 10);
    let start = sent[0].0;
    for (n, (deadline, at)) in sent.iter().enumerate() {
        assert_eq!(*deadline, start + Duration::from_millis(5) * n as u32);
        assert!(at >= deadline);
    }
    let health = talking.health();
    assert_eq!(health.ticks, sent.len() as u64);
    assert!(health.p99_send_lag <= health.max_send_lag);
    // the port is free again
    let rebound = net.bind(talking.local_addr()).await;
    assert!(rebound.is_ok(), "{rebound:?}");
}
