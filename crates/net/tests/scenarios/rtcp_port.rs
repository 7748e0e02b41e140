//! RTP on the even port, RTCP on the odd one above it (RFC 3550 11).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use voxproof_net::{MediaPort, MediaSession, Net, Reception};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    Even,
    Odd,
}

/// Sends the letter of the port to both ports of a peer.
struct Both {
    to: Option<(SocketAddr, SocketAddr)>,
    heard: UnboundedSender<(On, SocketAddr, Vec<u8>)>,
    sent: BTreeMap<On, u32>,
}

impl MediaSession for Both {
    fn interval(&self) -> Duration {
        Duration::from_millis(5)
    }
    fn tick(&mut self, _: Duration, _: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        out.extend(self.to.map(|(rtp, _)| (rtp, b"rtp".to_vec())));
    }
    fn tick_rtcp(&mut self, _: Duration, _: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        assert!(out.is_empty());
        out.extend(self.to.map(|(_, rtcp)| (rtcp, b"rtcp".to_vec())));
    }
    fn sent(&mut self, _: Duration, _: Duration, _: SocketAddr, bytes: &[u8]) {
        assert_eq!(bytes, b"rtp");
        *self.sent.entry(On::Even).or_default() += 1;
    }
    fn sent_rtcp(&mut self, _: Duration, _: Duration, _: SocketAddr, bytes: &[u8]) {
        assert_eq!(bytes, b"rtcp");
        *self.sent.entry(On::Odd).or_default() += 1;
    }
    fn received(&mut self, _: Duration, source: SocketAddr, bytes: &[u8]) {
        let _ = self.heard.send((On::Even, source, bytes.to_vec()));
    }
    fn received_rtcp(&mut self, reception: Reception<'_>) {
        let _ = self
            .heard
            .send((On::Odd, reception.source, reception.bytes.to_vec()));
    }
}

fn pair(net: &Net, ip: IpAddr, session: &Arc<Mutex<Both>>) -> (MediaPort, SocketAddr, SocketAddr) {
    let port = net.open_media_pair(ip, session.clone()).unwrap();
    let (rtp, rtcp) = (port.local_addr(), port.rtcp_addr().unwrap());
    assert_eq!(rtp.port() % 2, 0);
    assert_eq!(rtcp.port(), rtp.port() + 1);
    (port, rtp, rtcp)
}

async fn both_ports_hear_and_talk(net: &Net, ip: IpAddr) {
    let (heard, mut hearing) = unbounded_channel();
    let session = |heard| {
        Arc::new(Mutex::new(Both {
            to: None,
            heard,
            sent: BTreeMap::new(),
        }))
    };
    let listener = session(heard);
    let (mut listening, rtp, rtcp) = pair(net, ip, &listener);
    let (echo, _nobody) = unbounded_channel();
    let talker = session(echo);
    let (mut talking, talker_rtp, talker_rtcp) = pair(net, ip, &talker);
    talker.lock().unwrap().to = Some((rtp, rtcp));
    let mut counts = BTreeMap::<On, u32>::new();
    while counts.len() < 2 || counts.values().any(|count| *count < 10) {
        let (on, source, bytes) = tokio::time::timeout(PATIENCE, hearing.recv())
            .await
            .unwrap()
            .unwrap();
        match on {
            On::Even => assert_eq!((source, bytes.as_slice()), (talker_rtp, &b"rtp"[..])),
            On::Odd => assert_eq!((source, bytes.as_slice()), (talker_rtcp, &b"rtcp"[..])),
        }
        *counts.entry(on).or_default() += 1;
    }
    talking.stop();
    listening.stop();
    let sent = talker.lock().unwrap().sent.clone();
    assert!(
        sent[&On::Even] >= 10 && sent[&On::Even] == sent[&On::Odd],
        "{sent:?}"
    );
    if net.is_virtual() {
        // an aborted task lets go of its ports when the runtime next comes round to it
        tokio::task::yield_now().await;
    }
    for free in [rtp, rtcp] {
        assert!(net.bind(free).await.is_ok(), "{free}");
    }
}

#[tokio::test]
async fn on_the_operating_system() {
    both_ports_hear_and_talk(&Net::os(), LOOPBACK).await;
}

#[tokio::test(start_paused = true)]
async fn on_the_virtual_network() {
    both_ports_hear_and_talk(&Net::virtual_network(), "10.0.0.1".parse().unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_pair_steps_over_a_taken_odd_port() {
    let net = Net::virtual_network();
    let ip = "10.0.0.1".parse().unwrap();
    let _taken = net.bind(SocketAddr::new(ip, 16_385)).await.unwrap();
    let (heard, _hearing) = unbounded_channel();
    let session = Arc::new(Mutex::new(Both {
        to: None,
        heard,
        sent: BTreeMap::new(),
    }));
    let (_port, rtp, _) = pair(&net, ip, &session);
    assert_eq!(rtp.port(), 16_386);
    let single = net.open_media(ip, session).unwrap();
    assert_eq!(single.rtcp_addr(), None);
}
