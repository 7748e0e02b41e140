//! SIP over TCP, TLS and WebSocket, and over IPv6.

use std::time::{Duration, SystemTime};

use crate::lab::{PASSWORD, SERVER, challenge, ms};
use voxproof_net::tls::{CertificateRequest, Roots, TestAuthority, TlsClient, TlsServer};
use voxproof_net::{
    Accepted, ClientSecurity, Framing, Net, StreamConnection, StreamListener, StreamSecurity,
};
use voxproof_simphone::{Fault, SimPhone, SimPhoneConfig};
use voxproof_sip::{Builder, Framer, Message, Transport, default_reason};

struct Line {
    connection: StreamConnection,
    framer: Framer,
}

impl Line {
    async fn accept(listener: &mut StreamListener) -> Self {
        let accepted = tokio::time::timeout(Duration::from_secs(60), listener.accept()).await;
        match accepted.expect("the phone connects").unwrap() {
            Accepted::Connection(connection) => Self {
                connection,
                framer: Framer::new(),
            },
            Accepted::Failed { error, .. } => panic!("{error}"),
        }
    }

    /// The next piece within ten seconds.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(piece) = self.framer.next_message() {
                return Some(piece);
            }
            let read = tokio::time::timeout(ms(10_000), self.connection.recv())
                .await
                .ok()?;
            self.framer.push(&read.unwrap()?.bytes);
        }
    }

    async fn message(&mut self) -> Message {
        Message::parse(&self.next().await.expect("the phone says something"))
    }

    async fn reply(&mut self, request: &Message, status: u16, finish: impl FnOnce(Builder) -> Builder) {
        let builder = Builder::response_to(request, status, default_reason(status)).to_tag("lab");
        self.connection.send(&finish(builder).build()).await.unwrap();
    }

    async fn register(&mut self) -> Message {
        let first = self.message().await;
        self.reply(&first, 401, |builder| {
            builder.header("WWW-Authenticate", challenge("n", false))
        })
        .await;
        let second = self.message().await;
        let contact = second.header("contact").unwrap().to_owned();
        self.reply(&second, 200, |builder| {
            builder.header("Contact", format!("{contact};expires=3600"))
        })
        .await;
        second
    }

    fn options(&self, branch: &str) -> Vec<u8> {
        Builder::request("OPTIONS", "sip:bob@10.0.0.2")
            .header("Via", format!("SIP/2.0/TCP {SERVER};branch=z9hG4bK{branch}"))
            .header("Max-Forwards", "70")
            .header("From", "<sip:alice@10.0.0.1>;tag=alice")
            .header("To", "<sip:bob@10.0.0.1>")
            .header("Call-ID", format!("call-{branch}"))
            .header("CSeq", "1 OPTIONS")
            .build()
    }
}

async fn started(net: &Net, transport: Transport, faults: &[Fault], security: ClientSecurity) -> SimPhone {
    let config = configured(transport, faults, security);
    SimPhone::start(net, config).await.unwrap()
}

fn configured(transport: Transport, faults: &[Fault], security: ClientSecurity) -> SimPhoneConfig {
    let mut config = SimPhoneConfig::new(
        "10.0.0.2".parse().unwrap(),
        SERVER.parse().unwrap(),
        "bob",
        PASSWORD,
    );
    config.transport = transport;
    config.stream_security = security;
    config.faults = faults.iter().copied().collect();
    config
}

async fn over_tcp(faults: &[Fault]) -> (Net, StreamListener, Line, SimPhone) {
    over_tcp_with(faults, |_| {}).await
}

async fn over_tcp_with(
    faults: &[Fault],
    set: impl FnOnce(&mut SimPhoneConfig),
) -> (Net, StreamListener, Line, SimPhone) {
    let net = Net::virtual_network();
    let mut listener = net
        .listen(SERVER.parse().unwrap(), StreamSecurity::Plain)
        .await
        .unwrap();
    let mut config = configured(Transport::Tcp, faults, ClientSecurity::Plain);
    set(&mut config);
    let phone = SimPhone::start(&net, config).await.unwrap();
    let mut line = Line::accept(&mut listener).await;
    let register = line.register().await;
    assert_eq!(register.top_via().unwrap().transport, "TCP");
    assert!(register.header("contact").unwrap().contains(";transport=tcp"));
    (net, listener, line, phone)
}

#[tokio::test(start_paused = true)]
async fn several_messages_in_one_segment_and_one_in_several() {
    for (faults, expected) in [(&[][..], 2), (&[Fault::TcpSecondMessageLost][..], 1)] {
        let (_net, _listener, mut line, _phone) = over_tcp(faults).await;
        let both = [line.options("a"), line.options("b")].concat();
        line.connection.send(&both).await.unwrap();
        let mut answers = 0;
        while line.next().await.is_some() {
            answers += 1;
        }
        assert_eq!(answers, expected);
        let third = line.options("c");
        let (head, tail) = third.split_at(third.len() / 2);
        line.connection.send(head).await.unwrap();
        tokio::time::sleep(ms(100)).await;
        line.connection.send(tail).await.unwrap();
        assert_eq!(line.message().await.status(), Some(200));
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_gets_its_pong() {
    let (_net, _listener, mut line, _phone) = over_tcp(&[]).await;
    line.connection.send(b"\r\n\r\n").await.unwrap();
    assert_eq!(line.next().await.as_deref(), Some(&b"\r\n"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gives_no_pong_is_connected_to_anew() {
    for (faults, answers, again) in [
        (&[][..], true, false),
        (&[][..], false, true),
        (&[Fault::KeepAliveMissing][..], false, false),
        (&[Fault::MissingPongUnnoticed][..], false, false),
    ] {
        let (_net, mut listener, mut line, _phone) = over_tcp_with(faults, |config| {
            config.keep_alive = Some(ms(20_000));
        })
        .await;
        let answering = tokio::spawn(async move {
            loop {
                match line.connection.recv().await {
                    Ok(Some(ping)) if answers && ping.bytes == b"\r\n\r\n" => {
                        line.connection.send(b"\r\n").await.unwrap();
                    }
                    Ok(Some(_)) => {}
                    _ => return,
                }
            }
        });
        let next = tokio::time::timeout(ms(65_000), listener.accept()).await;
        assert_eq!(next.is_ok(), again, "{faults:?}");
        answering.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_many_segments() {
    for (faults, read) in [(&[][..], true), (&[Fault::LongMessageLost][..], false)] {
        let (_net, _listener, mut line, _phone) = over_tcp(faults).await;
        let request = String::from_utf8(line.options("long")).unwrap();
        let subject = format!("\r\nSubject: {}\r\n\r\n", "y".repeat(6000));
        let request = request.replacen("\r\n\r\n", &subject, 1);
        for segment in request.as_bytes().chunks(700) {
            line.connection.send(segment).await.unwrap();
            tokio::time::sleep(ms(5)).await;
        }
        let answer = line.next().await.map(|bytes| Message::parse(&bytes));
        assert_eq!(answer.and_then(|answer| answer.status()), read.then_some(200));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_made_again() {
    for (faults, again) in [(&[][..], true), (&[Fault::NoReconnect][..], false)] {
        let (_net, mut listener, line, _phone) = over_tcp(faults).await;
        line.connection.close().await;
        let next = tokio::time::timeout(ms(30_000), listener.accept()).await;
        assert_eq!(next.is_ok(), again);
    }
}

#[tokio::test(start_paused = true)]
async fn others_may_connect_to_the_phone() {
    let (net, _listener, _line, phone) = over_tcp(&[]).await;
    let connection = net
        .connect(None, phone.contact(), ClientSecurity::Plain)
        .await
        .unwrap();
    let mut line = Line {
        connection,
        framer: Framer::new(),
    };
    let options = line.options("x");
    line.connection.send(&options).await.unwrap();
    assert_eq!(line.message().await.status(), Some(200));
}

#[tokio::test(start_paused = true)]
async fn over_tls_and_over_websocket() {
    let authority = TestAuthority::generate(SystemTime::now()).unwrap();
    let identity = authority
        .issue(&CertificateRequest::sip_domain("lab.test"))
        .unwrap();
    let roots = Roots::from_pem(&authority.certificate_pem()).unwrap();
    for (transport, framing, token) in [
        (Transport::Tls, Framing::Raw, "TLS"),
        (Transport::Wss, Framing::WebSocket, "WSS"),
    ] {
        let net = Net::virtual_network();
        let server = StreamSecurity::Tls(TlsServer::new(identity.clone()));
        let mut listener = net
            .listen_with(SERVER.parse().unwrap(), server, framing)
            .await
            .unwrap();
        let security = ClientSecurity::Tls(TlsClient::new("lab.test", roots.clone()));
        let phone = started(&net, transport, &[], security).await;
        let mut line = Line::accept(&mut listener).await;
        let register = line.register().await;
        assert_eq!(register.top_via().unwrap().transport, token);
        tokio::time::sleep(ms(10)).await;
        assert!(phone.registered().await);
    }
}

#[tokio::test(start_paused = true)]
async fn over_ipv6() {
    let net = Net::virtual_network();
    let server: std::net::SocketAddr = "[2001:db8::1]:5060".parse().unwrap();
    let sip = net.bind(server).await.unwrap();
    let config = SimPhoneConfig::new("2001:db8::2".parse().unwrap(), server, "bob", PASSWORD);
    let phone = SimPhone::start(&net, config).await.unwrap();
    let register = sip.recv().await.unwrap();
    let register = Message::parse(&register.bytes);
    assert!(register.findings().is_empty());
    assert_eq!(register.top_via().unwrap().host, "2001:db8::2");
    let ok = Builder::response_to(&register, 200, "OK").to_tag("lab").build();
    sip.send(phone.contact(), &ok).unwrap();
    tokio::time::sleep(ms(1)).await;
    phone.dial("100").await.unwrap();
    let invite = sip.recv().await.unwrap();
    let sdp = Message::parse(&invite.bytes).sdp().unwrap().unwrap();
    assert_eq!(
        sdp.address_of(sdp.audio().unwrap()).as_deref(),
        Some("2001:db8::2")
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_long_for_a_datagram_goes_over_a_connection() {
    for (faults, connected) in [(&[][..], true), (&[Fault::LongRequestsOverUdp][..], false)] {
        let net = Net::virtual_network();
        let server: std::net::SocketAddr = SERVER.parse().unwrap();
        let sip = net.bind(server).await.unwrap();
        let mut listener = net.listen(server, StreamSecurity::Plain).await.unwrap();
        let phone = started(&net, Transport::Udp, faults, ClientSecurity::Plain).await;
        let register = Message::parse(&sip.recv().await.unwrap().bytes);
        let ok = Builder::response_to(&register, 200, "OK")
            .to_tag("lab")
            .header(
                "Service-Route",
                format!("<sip:{SERVER};lr;long={}>", "x".repeat(900)),
            )
            .build();
        sip.send(phone.contact(), &ok).unwrap();
        tokio::time::sleep(ms(1)).await;
        phone.dial("100").await.unwrap();
        let invite = if connected {
            let mut line = Line::accept(&mut listener).await;
            let invite = line.message().await;
            // what follows goes the same way: the CANCEL has the Via of its INVITE
            line.reply(&invite, 180, |builder| builder).await;
            tokio::time::sleep(ms(1)).await;
            phone.hangup().await.unwrap();
            let cancel = line.message().await;
            assert_eq!(
                (cancel.method(), cancel.header("via")),
                (Some("CANCEL"), invite.header("via"))
            );
            invite
        } else {
            Message::parse(&sip.recv().await.unwrap().bytes)
        };
        assert_eq!(invite.method(), Some("INVITE"));
        let expected = if connected { "TCP" } else { "UDP" };
        assert_eq!(invite.top_via().unwrap().transport, expected);
    }
}

async fn asked(net: &Net, to: std::net::SocketAddr, security: ClientSecurity) -> Option<Message> {
    let connection = net.connect(None, to, security).await.ok()?;
    let mut line = Line {
        connection,
        framer: Framer::new(),
    };
    let long = format!("{}\r\nSubject: {}\r\n\r\n", "x", "y".repeat(3000));
    let request = String::from_utf8(line.options("in")).unwrap();
    let request = request.replacen("\r\n\r\n", &long[1..], 1);
    line.connection.send(request.as_bytes()).await.unwrap();
    Some(line.message().await)
}

#[tokio::test(start_paused = true)]
async fn connections_are_taken_over_every_transport_and_long_requests_with_them() {
    for (faults, taken) in [(&[][..], true), (&[Fault::NotListening][..], false)] {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            let net = Net::virtual_network();
            let authority = TestAuthority::generate(SystemTime::now()).unwrap();
            let request =
                CertificateRequest::new([voxproof_net::tls::IdentityName::Ip("10.0.0.2".parse().unwrap())]);
            let mut config = SimPhoneConfig::new(
                "10.0.0.2".parse().unwrap(),
                SERVER.parse().unwrap(),
                "bob",
                PASSWORD,
            );
            config.transport = transport;
            config.faults = faults.iter().copied().collect();
            let client = TlsClient::new("10.0.0.2", Roots::from(&authority));
            if transport == Transport::Tls {
                config.stream_identity = Some(TlsServer::new(authority.issue(&request).unwrap()));
                config.stream_security = ClientSecurity::Tls(client.clone());
            }
            let phone = SimPhone::start(&net, config).await.unwrap();
            let security = match transport {
                Transport::Tls => ClientSecurity::Tls(client),
                _ => ClientSecurity::Plain,
            };
            let answer = asked(&net, phone.contact(), security).await;
            let status = answer.and_then(|answer| answer.status());
            assert_eq!(status, taken.then_some(200), "{transport:?}");
        }
    }
}
