//! The virtual network: exact, ordered, and as fast as the machine computes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use voxproof_net::{MediaSession, Net, NetError};

const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// Sends the tick's number to `to` and notes everything.
#[derive(Default)]
struct Log {
    to: Option<SocketAddr>,
    ticks: Vec<(Duration, Duration)>,
    sent: Vec<Duration>,
    received: Vec<(Duration, SocketAddr, Vec<u8>)>,
}

impl MediaSession for Log {
    fn interval(&self) -> Duration {
        Duration::from_millis(20)
    }
    fn tick(&mut self, deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if let Some(to) = self.to {
            out.push((to, (self.ticks.len() as u32).to_be_bytes().to_vec()));
        }
        self.ticks.push((deadline, now));
    }
    fn sent(&mut self, _deadline: Duration, at: Duration, _to: SocketAddr, _bytes: &[u8]) {
        self.sent.push(at);
    }
    fn received(&mut self, at: Duration, source: SocketAddr, bytes: &[u8]) {
        self.received.push((at, source, bytes.to_vec()));
    }
}

#[tokio::test(start_paused = true)]
async fn ten_seconds_of_ticks_are_exact() {
    let net = Net::virtual_network();
    let listener = Arc::new(Mutex::new(Log::default()));
    let listening = net.open_media(IP, listener.clone()).unwrap();
    let talker = Arc::new(Mutex::new(Log {
        to: Some(listening.local_addr()),
        ..Log::default()
    }));
    let mut talking = net.open_media(IP, talker.clone()).unwrap();
    assert_eq!(listening.local_addr().port() % 2, 0);

    net.clock().sleep_until(Duration::from_millis(9_990)).await;
    talking.stop();
    net.clock().sleep_until(Duration::from_secs(20)).await;

    let talker = talker.lock().unwrap();
    assert_eq!(talker.ticks.len(), 500);
    for (n, (deadline, now)) in talker.ticks.iter().enumerate() {
        assert_eq!(*deadline, Duration::from_millis(20) * n as u32);
        assert_eq!(now, deadline);
    }
    let listener = listener.lock().unwrap();
    let numbers: Vec<_> = listener
        .received
        .iter()
        .map(|(_, _, bytes)| u32::from_be_bytes(bytes[..].try_into().unwrap()))
        .collect();
    assert_eq!(numbers, (0..500).collect::<Vec<u32>>());
    assert!(
        listener
            .received
            .iter()
            .all(|(_, source, _)| *source == talking.local_addr())
    );
    let arrivals: Vec<_> = listener.received.iter().map(|(at, ..)| *at).collect();
    assert_eq!(arrivals, talker.sent);
    let health = talking.health();
    assert_eq!((health.ticks, health.max_send_lag), (500, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn datagrams_arrive_after_the_delay_and_in_order() {
    let net = Net::virtual_network_with_delay(Duration::from_millis(30));
    let a = net.bind(SocketAddr::new(IP, 5060)).await.unwrap();
    let b = net.bind(SocketAddr::new(IP, 0)).await.unwrap();
    a.send(b.local_addr(), b"one").unwrap();
    net.clock().sleep_until(Duration::from_millis(10)).await;
    assert_eq!(a.send(b.local_addr(), b"two").unwrap(), Duration::from_millis(10));

    // a receive that is given up in the middle of the delay loses nothing
    let early = tokio::time::timeout(Duration::from_millis(5), b.recv()).await;
    assert!(early.is_err());
    let first = b.recv().await.unwrap();
    assert_eq!(
        (first.at, first.bytes.as_slice(), first.source),
        (Duration::from_millis(30), &b"one"[..], a.local_addr())
    );
    assert_eq!(net.clock().now(), Duration::from_millis(30));
    let second = b.recv().await.unwrap();
    assert_eq!(
        (second.at, second.bytes.as_slice()),
        (Duration::from_millis(40), &b"two"[..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_taken_port_is_refused_until_it_is_free() {
    let net = Net::virtual_network();
    let addr = SocketAddr::new(IP, 5060);
    let first = net.bind(addr).await.unwrap();
    assert!(matches!(net.bind(addr).await, Err(NetError::PortInUse { addr: taken }) if taken == addr));
    drop(first);
    assert!(net.bind(addr).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_nobody_vanishes() {
    let net = Net::virtual_network();
    let a = net.bind(SocketAddr::new(IP, 0)).await.unwrap();
    assert!(a.send(SocketAddr::new(IP, 9), b"lost").is_ok());
    let nothing = tokio::time::timeout(Duration::from_secs(3600), a.recv()).await;
    assert!(nothing.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_port_hears_every_address() {
    let net = Net::virtual_network();
    let any = net.bind("0.0.0.0:5060".parse().unwrap()).await.unwrap();
    let a = net.bind(SocketAddr::new(IP, 0)).await.unwrap();
    a.send("10.0.0.7:5060".parse().unwrap(), b"x").unwrap();
    assert_eq!(any.recv().await.unwrap().bytes, b"x");
    any.send(a.local_addr(), b"y").unwrap();
    assert_eq!(a.recv().await.unwrap().source, "127.0.0.1:5060".parse().unwrap());
}

#[tokio::test(start_paused = true)]
async fn dropping_a_media_port_ends_its_ticks() {
    let net = Net::virtual_network();
    let log = Arc::new(Mutex::new(Log::default()));
    let port = net.open_media(IP, log.clone()).unwrap();
    net.clock().sleep_until(Duration::from_millis(50)).await;
    drop(port);
    net.clock().sleep_until(Duration::from_secs(5)).await;
    assert_eq!(log.lock().unwrap().ticks.len(), 3);
}
