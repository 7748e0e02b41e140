//! A device of bytes: whatever a test sends, and nothing by itself.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_call::{Station, StationConfig};
use voxproof_net::{ClientSecurity, ConnectOptions, Endpoint, Net, StreamConnection};
use voxproof_sip::{Challenge, Credentials, Framer, Message};

/// A station on a virtual network, in a case.
pub(crate) async fn station(net: &Net) -> Station {
    let config = StationConfig {
        server: "192.0.2.1:0".parse().expect("an address"),
        username: "dut".to_owned(),
        password: "secret".to_owned(),
        realm: "lab".to_owned(),
        device_address: None,
        seed: 7,
    };
    let mut station = Station::open(net.clone(), config).await.expect("free ports");
    station.begin_case();
    station
}

/// A REGISTER without credentials.
pub(crate) fn register(number: u32, transport: &str) -> Vec<u8> {
    register_with(number, transport, None)
}

fn register_with(number: u32, transport: &str, credentials: Option<&str>) -> Vec<u8> {
    let authorization = credentials
        .map(|value| format!("Authorization: {value}\r\n"))
        .unwrap_or_default();
    format!(
        "REGISTER sip:lab SIP/2.0\r\nVia: SIP/2.0/{transport} 192.0.2.9:5060;branch=z9hG4bK{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:dut@lab>;tag=1\r\nTo: <sip:dut@lab>\r\nCall-ID: one\r\n\
         CSeq: {number} REGISTER\r\nContact: <sip:dut@192.0.2.9:5060;transport={}>\r\nExpires: 600\r\n\
         {authorization}Content-Length: 0\r\n\r\n",
        transport.to_lowercase()
    )
    .into_bytes()
}

/// A connection of the device.
pub(crate) struct Bare {
    connection: StreamConnection,
    framer: Framer,
    closed: bool,
}

impl Bare {
    pub(crate) async fn connect(
        net: &Net,
        server: SocketAddr,
        security: ClientSecurity,
        options: ConnectOptions,
    ) -> Self {
        let connection = net
            .connect_with(None, server, security, options)
            .await
            .expect("the lab listens");
        Self {
            connection,
            framer: Framer::new(),
            closed: false,
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.connection.send(bytes).await.expect("an open connection");
    }

    /// What has come.
    pub(crate) async fn bytes(&mut self) -> Vec<u8> {
        let mut all = vec![];
        while let Ok(read) = tokio::time::timeout(Duration::from_millis(1), self.connection.recv()).await {
            match read {
                Ok(Some(segment)) => all.extend(segment.bytes),
                _ => {
                    self.closed = true;
                    break;
                }
            }
        }
        all
    }

    pub(crate) async fn received(&mut self) -> Vec<Message> {
        let bytes = self.bytes().await;
        self.framer.push(&bytes);
        std::iter::from_fn(|| self.framer.next_message())
            .map(|message| Message::parse(&message))
            .collect()
    }

    pub(crate) async fn is_closed(&mut self) -> bool {
        self.bytes().await;
        self.closed
    }

    /// Registers with digest.
    pub(crate) async fn register(&mut self, station: &mut Station, transport: &str) {
        self.send(&register(1, transport)).await;
        station.pass(Duration::from_millis(20)).await;
        let challenge = self.received().await;
        let value = challenge[0].header("www-authenticate").expect("a challenge");
        let challenge = Challenge::parse(value).expect("a challenge");
        let credentials =
            Credentials::answer(&challenge, "dut", "secret", "REGISTER", "sip:lab", 1, "c", b"")
                .expect("known");
        self.send(&register_with(2, transport, Some(&credentials.to_header())))
            .await;
        station.pass(Duration::from_millis(20)).await;
        assert_eq!(self.received().await[0].status(), Some(200));
    }
}

/// A datagram device.
pub(crate) struct Datagrams {
    pub(crate) endpoint: Endpoint,
    pub(crate) server: SocketAddr,
}

impl Datagrams {
    pub(crate) async fn open(net: &Net, server: SocketAddr) -> Self {
        let local = "192.0.2.9:5060".parse().expect("an address");
        Self {
            endpoint: net.bind(local).await.expect("a free port"),
            server,
        }
    }

    pub(crate) fn send(&self, text: &str) {
        self.endpoint
            .send(self.server, text.replace('\n', "\r\n").as_bytes())
            .expect("the virtual network takes everything");
    }

    /// What has come.
    pub(crate) async fn received(&self) -> Vec<Message> {
        let mut all = vec![];
        while let Ok(Ok(datagram)) =
            tokio::time::timeout(Duration::from_millis(1), self.endpoint.recv()).await
        {
            all.push(Message::parse(&datagram.bytes));
        }
        all
    }
}
