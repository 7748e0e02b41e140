//! WebSocket as a transport of SIP (RFC 7118), with and without TLS.

use crate::on_every_network;
use std::time::{Duration, SystemTime};

use crate::worlds::{PATIENCE, World, both, next, refusal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use voxproof_net::tls::{
    CertificateRequest, IdentityName, Roots, TestAuthority, TlsClient, TlsServer, Verification,
};
use voxproof_net::{
    Accepted, ClientSecurity, ConnectOptions, Framing, HandshakeError, Net, NetError, StreamConnection,
    StreamSecurity,
};

const REGISTER: &[u8] = b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid\r\n\r\n";

async fn pair(world: &World) -> (StreamConnection, StreamConnection) {
    let mut listener = world.listen(StreamSecurity::Plain, Framing::WebSocket).await;
    let options = ConnectOptions {
        websocket_target: "/sip?x=1".to_owned(),
        ..Framing::WebSocket.into()
    };
    both(world.meet(&mut listener, ClientSecurity::Plain, options).await)
}

async fn each_message_is_one_segment(world: &World) {
    let (mut server, mut client) = pair(world).await;
    let info = server.websocket().unwrap();
    assert_eq!(info.target, "/sip?x=1");
    let header = |name: &str| {
        info.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(header("sec-websocket-protocol").as_deref(), Some("sip"));
    assert_eq!(header("host"), Some(client.peer_addr().to_string()));
    let large = vec![b'x'; 60_000];
    let messages = [REGISTER, &[0xff, 0x00, 0xfe], b"\r\n\r\n", &large];
    for message in messages {
        client.send(message).await.unwrap();
    }
    for message in messages {
        assert_eq!(next(&mut server).await.unwrap().bytes, message);
    }
    for message in messages {
        server.send(message).await.unwrap();
        assert_eq!(next(&mut client).await.unwrap().bytes, message);
    }
    client.close().await;
    assert_eq!(next(&mut server).await, None);
}

async fn secure_websocket_is_both(world: &World) {
    let authority = TestAuthority::generate(SystemTime::now()).unwrap();
    let certificate = CertificateRequest::new([IdentityName::Dns("*.example.com".into())]);
    let server = TlsServer::new(authority.issue(&certificate).unwrap());
    let mut client = TlsClient::new("edge.example.com", Roots::from(&authority));
    client.verify = Verification::Web;
    let mut listener = world
        .listen(StreamSecurity::Tls(server), Framing::WebSocket)
        .await;
    let port = listener.local_addr().port();
    let (mut server, mut client) = both(
        world
            .meet(&mut listener, ClientSecurity::Tls(client), Framing::WebSocket)
            .await,
    );
    assert!(server.tls().is_some() && client.tls().is_some());
    let host = ("host".to_owned(), format!("edge.example.com:{port}"));
    assert!(server.websocket().unwrap().headers.contains(&host));
    client.send(REGISTER).await.unwrap();
    assert_eq!(next(&mut server).await.unwrap().bytes, REGISTER);
    let (mut reader, writer) = server.split();
    writer.close().await;
    assert_eq!(next(&mut client).await, None);
    client.close().await;
    let end = tokio::time::timeout(PATIENCE, reader.recv()).await.unwrap();
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
}

async fn pings_are_answered_and_not_reported(world: &World) {
    let (server, mut client) = pair(world).await;
    let (mut reader, mut writer) = server.split();
    let answering = tokio::spawn(async move { reader.recv().await.map(|segment| segment.unwrap().bytes) });
    writer.ping().await.unwrap();
    writer.send(b"after the ping").await.unwrap();
    assert_eq!(next(&mut client).await.unwrap().bytes, b"after the ping");
    client.send(b"heard").await.unwrap();
    let heard = tokio::time::timeout(PATIENCE, answering).await.unwrap().unwrap();
    assert_eq!(heard.unwrap(), b"heard");
}

async fn too_long_a_message_is_refused(world: &World) {
    let (mut server, mut client) = pair(world).await;
    client.send(&vec![b'x'; 65_537]).await.unwrap();
    let error = tokio::time::timeout(PATIENCE, server.recv())
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, NetError::WebSocket { .. }), "{error}");
}

async fn plain_sip_on_a_websocket_port_is_reported(world: &World) {
    let mut listener = world.listen(StreamSecurity::Plain, Framing::WebSocket).await;
    let remote = listener.local_addr();
    let (accepted, ()) = tokio::join!(listener.accept(), async {
        let mut plain = world
            .net
            .connect(None, remote, ClientSecurity::Plain)
            .await
            .unwrap();
        plain.send(REGISTER).await.unwrap();
        while let Ok(Some(_)) = plain.recv().await {}
    });
    let error = refusal(accepted.unwrap());
    assert!(matches!(error, HandshakeError::WebSocket { .. }), "{error:?}");
}

async fn a_plain_server_is_no_websocket_server(world: &World) {
    let mut listener = world.listen(StreamSecurity::Plain, Framing::Raw).await;
    let remote = listener.local_addr();
    let (_, connected) = tokio::join!(
        async {
            let Ok(Accepted::Connection(mut server)) = listener.accept().await else {
                panic!("nothing to fail");
            };
            let _ = server.recv().await;
            server.send(b"HTTP/1.1 404 Not Found\r\n\r\n").await.unwrap();
            server.close().await;
        },
        world
            .net
            .connect_with(None, remote, ClientSecurity::Plain, Framing::WebSocket)
    );
    let error = connected.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
}

on_every_network!(
    each_message_is_one_segment,
    secure_websocket_is_both,
    pings_are_answered_and_not_reported,
    too_long_a_message_is_refused,
    plain_sip_on_a_websocket_port_is_reported,
    a_plain_server_is_no_websocket_server,
);

/// A handshake written by hand, and the first line of the answer.
async fn upgrade(sub_protocol: &str) -> (Accepted, String, tokio::net::TcpStream) {
    let net = Net::os();
    let mut listener = net
        .listen_with(
            "127.0.0.1:0".parse().unwrap(),
            StreamSecurity::Plain,
            Framing::WebSocket,
        )
        .await
        .unwrap();
    let remote = listener.local_addr();
    let (accepted, (answer, stream)) = tokio::join!(listener.accept(), async {
        let mut stream = tokio::net::TcpStream::connect(remote).await.unwrap();
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {remote}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{sub_protocol}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        (String::from_utf8(answer).unwrap(), stream)
    });
    (accepted.unwrap(), answer, stream)
}

#[tokio::test]
async fn a_client_must_offer_the_sub_protocol() {
    for offered in ["", "Sec-WebSocket-Protocol: chat\r\n"] {
        let (accepted, answer, _) = upgrade(offered).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let error = refusal(accepted);
        assert!(error.to_string().contains("sub-protocol"), "{error}");
    }
    let (accepted, answer, mut stream) = upgrade("Sec-WebSocket-Protocol: chat, sip\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(
        answer.to_lowercase().contains("sec-websocket-protocol: sip"),
        "{answer}"
    );
    let Accepted::Connection(mut connection) = accepted else {
        panic!("{accepted:?}");
    };
    // a masked ping "ab" and a masked text "hi" (RFC 6455 5.2), the mask all zero
    stream
        .write_all(b"\x89\x82\0\0\0\0ab\x81\x82\0\0\0\0hi")
        .await
        .unwrap();
    assert_eq!(next(&mut connection).await.unwrap().bytes, b"hi");
    let mut pong = [0; 4];
    let reading = tokio::spawn(async move {
        let _ = tokio::time::timeout(Duration::from_secs(5), connection.recv()).await;
    });
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut pong))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&pong, b"\x8a\x02ab");
    drop(stream);
    reading.await.unwrap();
}
