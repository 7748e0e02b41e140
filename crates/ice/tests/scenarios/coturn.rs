//! The TURN client, and an ICE agent behind it, against coturn on loopback; skipped where coturn is not installed.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::network::{at, description, options};
use voxproof_ice::{
    IceAgent, IceEvent, IceState, Mode, Role, StunMessage, StunServer, TurnClient, TurnEvent, TurnInput,
};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address")
}

fn server() -> Option<(Server, SocketAddr, tempdir::Folder)> {
    let address = free_port();
    let folder = tempdir::Folder::new(address);
    let port = address.port().to_string();
    let child = Command::new("turnserver")
        .args([
            "-n",
            "--lt-cred-mech",
            "--user",
            "lab:secret",
            "--realm",
            "voxproof.test",
            "--listening-port",
            &port,
        ])
        .args([
            "--listening-ip",
            "127.0.0.1",
            "--relay-ip",
            "127.0.0.1",
            "--allow-loopback-peers",
            "--no-tls",
            "--no-dtls",
        ])
        .args(["--no-cli", "--no-tcp", "--log-file", "stdout", "--pidfile"])
        .arg(folder.path("pid"))
        .arg("--userdb")
        .arg(folder.path("db"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        println!("skipped: turnserver is not installed");
        return None;
    };
    let server = Server(child);
    // it answers plain Binding requests as soon as it listens
    let probe = UdpSocket::bind("127.0.0.1:0").expect("a port");
    probe
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("a timeout");
    let request = [
        0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ];
    for _ in 0..100 {
        let _ = probe.send_to(&request, address);
        let mut buffer = [0; 1500];
        if let Ok((length, _)) = probe.recv_from(&mut buffer) {
            let answer = StunMessage::parse(&buffer[..length]).expect("STUN");
            let own = probe.local_addr().expect("an address");
            assert_eq!(answer.mapped_address(), Some(own));
            // what our own server says to the same request
            let same = StunServer::new().answer(own, &request).expect("an answer");
            assert_eq!(
                StunMessage::parse(&same).expect("STUN").mapped_address(),
                Some(own)
            );
            return Some((server, address, folder));
        }
    }
    panic!("turnserver started and does not answer");
}

mod tempdir {
    use std::net::SocketAddr;
    use std::path::PathBuf;

    pub(crate) struct Folder(PathBuf);

    impl Folder {
        pub(crate) fn new(server: SocketAddr) -> Self {
            let path =
                std::env::temp_dir().join(format!("voxproof-ice-{}-{}", std::process::id(), server.port()));
            std::fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        pub(crate) fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A client with its socket.
struct Client {
    turn: TurnClient,
    socket: UdpSocket,
    local: SocketAddr,
    start: Instant,
    events: Vec<TurnEvent>,
    data: Vec<(SocketAddr, Vec<u8>)>,
}

impl Client {
    fn new(server: SocketAddr, password: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .expect("a timeout");
        let local = socket.local_addr().expect("an address");
        let turn = TurnClient::new(local, server, "lab", password, false);
        Self {
            turn,
            socket,
            local,
            start: Instant::now(),
            events: Vec::new(),
            data: Vec::new(),
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn step(&mut self) {
        let now = self.now();
        if self.turn.poll_timeout().is_some_and(|timeout| timeout <= now) {
            self.turn.handle_timeout(now);
        }
        while let Some(out) = self.turn.poll_transmit(now) {
            self.socket.send_to(&out.bytes, out.remote).expect("sent");
        }
        let mut buffer = [0; 2000];
        if let Ok((length, source)) = self.socket.recv_from(&mut buffer) {
            let now = self.now();
            if let TurnInput::Data { peer, bytes } =
                self.turn
                    .handle_datagram(now, self.local, source, &buffer[..length])
            {
                self.data.push((peer, bytes));
            }
        }
        self.events.extend(std::iter::from_fn(|| self.turn.poll_event()));
    }

    /// Goes on until the condition holds; 20 s only bound a test that would otherwise hang.
    fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        while !condition(self) {
            assert!(
                self.now() < Duration::from_secs(20),
                "no {what}: {:?}",
                self.events
            );
            self.step();
        }
    }

    fn send(&mut self, peer: SocketAddr, bytes: &[u8]) -> usize {
        let now = self.now();
        let out = self
            .turn
            .send(now, peer, bytes)
            .expect("permitted")
            .expect("a datagram");
        self.socket.send_to(&out.bytes, out.remote).expect("sent");
        out.bytes.len()
    }
}

#[test]
fn an_allocation_with_permission_and_channel_relays_both_ways() {
    let Some((_server, address, _folder)) = server() else {
        return;
    };
    let mut client = Client::new(address, "secret");
    client.until("allocation", |client| client.turn.relayed_address().is_some());
    let relayed = client.turn.relayed_address().expect("allocated");
    assert!(client.events.contains(&TurnEvent::Allocated(relayed)));

    let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
    peer.set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout");
    let there = peer.local_addr().expect("an address");
    let now = client.now();
    assert!(client.turn.send(now, there, b"early").is_err());
    client.turn.create_permission(now, there.ip()).expect("allocated");
    client.until("permission", |client| {
        client.events.contains(&TurnEvent::PermissionCreated(there.ip()))
    });
    let as_indication = client.send(there, b"to the peer");
    let mut buffer = [0; 100];
    assert_eq!(peer.recv_from(&mut buffer).expect("relayed"), (11, relayed));
    assert_eq!(&buffer[..11], b"to the peer");
    peer.send_to(b"to the lab", relayed).expect("sent");
    client.until("data", |client| client.data == [(there, b"to the lab".to_vec())]);

    let now = client.now();
    client.turn.bind_channel(now, there).expect("allocated");
    client.until("channel", |client| {
        client.events.contains(&TurnEvent::ChannelBound(there))
    });
    let as_channel = client.send(there, b"to the peer");
    assert!(
        as_channel < as_indication && as_channel >= 15,
        "{as_channel} and {as_indication} bytes"
    );
    assert_eq!(peer.recv_from(&mut buffer).expect("relayed"), (11, relayed));
    peer.send_to(b"again", relayed).expect("sent");
    client.until("data", |client| client.data.len() == 2);
}

#[test]
fn a_wrong_password_gets_no_allocation() {
    let Some((_server, address, _folder)) = server() else {
        return;
    };
    let mut client = Client::new(address, "wrong");
    client.until("refusal", |client| {
        client.events.contains(&TurnEvent::AllocationFailed)
    });
    assert_eq!(client.turn.relayed_address(), None);
}

#[test]
fn ice_goes_through_the_relay_when_nothing_else_is_offered() {
    let Some((_server, address, _folder)) = server() else {
        return;
    };
    let mut client = Client::new(address, "secret");
    client.until("allocation", |client| client.turn.relayed_address().is_some());
    let relayed = client.turn.relayed_address().expect("allocated");

    let mut lab = IceAgent::new(options(Role::Controlling, Mode::Full, 1));
    lab.add_relayed(1, relayed, client.local);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket
        .set_read_timeout(Some(Duration::from_millis(5)))
        .expect("a timeout");
    let there = socket.local_addr().expect("an address");
    let mut device = IceAgent::new(options(Role::Controlled, Mode::Full, 2));
    device.add_host(1, there);
    let now = client.now();
    client.turn.create_permission(now, there.ip()).expect("allocated");
    client.until("permission", |client| {
        client.events.contains(&TurnEvent::PermissionCreated(there.ip()))
    });

    let (offer, mut answer) = (description(&lab), description(&device));
    // loopback candidates are a finding, and all there is here
    answer.findings.clear();
    lab.set_remote(now, &answer).expect("credentials");
    device.set_remote(now, &offer).expect("credentials");
    while lab.state() != IceState::Completed || device.state() != IceState::Completed {
        let now = client.now();
        assert!(now < Duration::from_secs(30), "{lab:?}");
        for agent in [&mut lab, &mut device] {
            if agent.poll_timeout().is_some_and(|timeout| timeout <= now) {
                agent.handle_timeout(now);
            }
        }
        while let Some(out) = lab.poll_transmit() {
            assert_eq!(out.local, relayed);
            client.send(out.remote, &out.bytes);
        }
        while let Some(out) = device.poll_transmit() {
            socket.send_to(&out.bytes, out.remote).expect("sent");
        }
        client.step();
        for (peer, bytes) in std::mem::take(&mut client.data) {
            assert!(lab.handle_datagram(client.now(), relayed, peer, &bytes));
        }
        let mut buffer = [0; 2000];
        if let Ok((length, source)) = socket.recv_from(&mut buffer) {
            assert!(device.handle_datagram(client.now(), there, source, &buffer[..length]));
        }
    }
    assert_eq!(
        lab.selected(1).map(|pair| (pair.local, pair.remote)),
        Some((relayed, there))
    );
    assert_eq!(device.selected(1).map(|pair| pair.remote), Some(relayed));
    assert!(std::iter::from_fn(|| lab.poll_event()).all(|event| !matches!(event, IceEvent::Finding(_))));
    assert_ne!(relayed, at("127.0.0.1:0"));
}
