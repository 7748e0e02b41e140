//! Streams without TLS: bytes whole and in order, ends, resets and refusals.

use crate::on_every_network;
use std::time::Duration;

use crate::worlds::{PATIENCE, World, both, next, read};
use voxproof_net::{Accepted, ClientSecurity, Framing, Net, NetError, StreamSecurity};

async fn pair(world: &World) -> (voxproof_net::StreamConnection, voxproof_net::StreamConnection) {
    let mut listener = world.listen(StreamSecurity::Plain, Framing::Raw).await;
    both(
        world
            .meet(&mut listener, ClientSecurity::Plain, Framing::Raw)
            .await,
    )
}

async fn split_and_joined_sends_arrive_as_the_same_bytes(world: &World) {
    let (mut server, mut client) = pair(world).await;
    assert_eq!(server.peer_addr(), client.local_addr());
    assert_eq!(server.local_addr(), client.peer_addr());
    assert!(server.tls().is_none() && server.websocket().is_none());
    let message = b"OPTIONS sip:a SIP/2.0\r\n\r\n\r\n\r\nOPTIONS sip:b SIP/2.0\r\n\r\n";
    for size in [1, 7, message.len()] {
        let before = world.net.clock().now();
        for part in message.chunks(size) {
            let at = client.send(part).await.unwrap();
            assert!(at >= before);
        }
        assert_eq!(read(&mut server, message.len()).await, message);
    }
    let large: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7) as u8).collect();
    let (received, sent) = tokio::join!(read(&mut client, large.len()), server.send(&large));
    sent.unwrap();
    assert!(received == large);
}

async fn an_end_is_seen_and_the_other_direction_goes_on(world: &World) {
    let (mut server, client) = pair(world).await;
    let (mut reader, mut writer) = client.split();
    writer.send(b"last words").await.unwrap();
    writer.close().await;
    assert_eq!(read(&mut server, 10).await, b"last words");
    assert_eq!(next(&mut server).await, None);
    assert_eq!(next(&mut server).await, None, "an end stays one");
    server.send(b"answer").await.unwrap();
    let segment = tokio::time::timeout(PATIENCE, reader.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(segment.unwrap().bytes, b"answer");
    server.close().await;
    let end = tokio::time::timeout(PATIENCE, reader.recv()).await.unwrap();
    assert!(matches!(end, Ok(None)), "{end:?}");
}

async fn a_reset_is_no_end(world: &World) {
    let (mut server, client) = pair(world).await;
    let client_addr = client.local_addr();
    client.reset();
    let error = tokio::time::timeout(PATIENCE, server.recv())
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(error, NetError::ConnectionReset { peer } if peer == client_addr),
        "{error}"
    );
}

async fn writing_to_a_closed_connection_fails_in_the_end(world: &World) {
    let (mut server, client) = pair(world).await;
    drop(client);
    // TCP takes the first bytes: only the answer to them says that nobody is there
    let failing = async {
        loop {
            if let Err(error) = server.send(b"anybody?").await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    let error = tokio::time::timeout(PATIENCE, failing).await.unwrap();
    assert!(matches!(error, NetError::ConnectionReset { .. }), "{error}");
}

async fn nobody_listening_refuses(world: &World) {
    let listener = world.listen(StreamSecurity::Plain, Framing::Raw).await;
    let gone = listener.local_addr();
    let taken = world.net.listen(gone, StreamSecurity::Plain).await.unwrap_err();
    assert!(
        matches!(taken, NetError::StreamPortInUse { addr } if addr == gone),
        "{taken}"
    );
    drop(listener);
    let error = world
        .net
        .connect(None, gone, ClientSecurity::Plain)
        .await
        .unwrap_err();
    assert!(
        matches!(error, NetError::ConnectionRefused { remote } if remote == gone),
        "{error}"
    );
    assert!(world.net.listen(gone, StreamSecurity::Plain).await.is_ok());
}

async fn a_cancelled_receive_loses_nothing(world: &World) {
    let (mut server, mut client) = pair(world).await;
    for n in 0..50_u8 {
        let early = tokio::time::timeout(Duration::from_millis(1), server.recv()).await;
        assert!(early.is_err());
        client.send(&[n]).await.unwrap();
        assert_eq!(read(&mut server, 1).await, [n]);
    }
}

async fn both_halves_work_at_once(world: &World) {
    let (server, client) = pair(world).await;
    let (mut from_client, mut to_client) = server.split();
    let echo = tokio::spawn(async move {
        while let Some(segment) = from_client.recv().await.unwrap() {
            to_client.send(&segment.bytes).await.unwrap();
        }
        to_client.close().await;
    });
    let (mut reader, mut writer) = client.split();
    let talking = tokio::spawn(async move {
        for n in 0..2000_u32 {
            writer.send(&n.to_be_bytes()).await.unwrap();
        }
        writer.close().await;
    });
    let mut heard = Vec::new();
    let mut last = Duration::ZERO;
    while let Some(segment) = tokio::time::timeout(PATIENCE, reader.recv())
        .await
        .unwrap()
        .unwrap()
    {
        assert!(segment.at <= world.net.clock().now());
        // the kernel's wall time is carried over to the lab's clock: allow for its steps
        assert!(segment.at + Duration::from_millis(500) >= last);
        last = segment.at;
        heard.extend(segment.bytes);
    }
    let expected: Vec<u8> = (0..2000_u32).flat_map(u32::to_be_bytes).collect();
    assert!(heard == expected);
    echo.await.unwrap();
    talking.await.unwrap();
}

on_every_network!(
    split_and_joined_sends_arrive_as_the_same_bytes,
    an_end_is_seen_and_the_other_direction_goes_on,
    a_reset_is_no_end,
    writing_to_a_closed_connection_fails_in_the_end,
    nobody_listening_refuses,
    a_cancelled_receive_loses_nothing,
    both_halves_work_at_once,
);

#[tokio::test]
async fn a_segment_has_the_time_of_the_kernel_not_of_the_reader() {
    let world = World {
        net: Net::os(),
        ip: [127, 0, 0, 1].into(),
    };
    let (mut server, mut client) = pair(&world).await;
    for n in 0..5_u8 {
        let before = client.send(&[n]).await.unwrap();
        // loopback delivers within the call
        let after = world.net.clock().now();
        std::thread::sleep(Duration::from_millis(30));
        let segment = next(&mut server).await.unwrap();
        // wall and monotonic clock are read one after the other: allow them a little to disagree
        let slack = Duration::from_millis(1);
        assert!(
            segment.at + slack >= before && segment.at <= after + slack,
            "{before:?} {:?} {after:?}",
            segment.at
        );
    }
}

#[tokio::test(start_paused = true)]
async fn virtual_segments_are_timed_exactly_and_kept_apart() {
    let ms = Duration::from_millis;
    let net = Net::virtual_network_with_delay(ms(30));
    let mut listener = net
        .listen("0.0.0.0:5060".parse().unwrap(), StreamSecurity::Plain)
        .await
        .unwrap();
    let client = net
        .connect(
            Some("10.0.0.2:0".parse().unwrap()),
            "10.0.0.1:5060".parse().unwrap(),
            ClientSecurity::Plain,
        )
        .await
        .unwrap();
    assert_eq!(client.established_at(), ms(60), "a way there and a way back");
    let (_, mut writer) = client.split();
    let Accepted::Connection(mut server) = listener.accept().await.unwrap() else {
        panic!("no handshake to fail");
    };
    assert_eq!(server.local_addr(), "10.0.0.1:5060".parse().unwrap());
    assert_eq!(writer.send(b"one").await.unwrap(), ms(60));
    writer.send(b"two").await.unwrap();
    net.clock().sleep_until(ms(70)).await;
    writer.send(b"three").await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let segment = server.recv().await.unwrap().unwrap();
        seen.push((segment.at, segment.bytes));
    }
    assert_eq!(
        seen,
        [
            (ms(90), b"one".to_vec()),
            (ms(90), b"two".to_vec()),
            (ms(100), b"three".to_vec())
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_goes_resets_those_who_wait() {
    let net = Net::virtual_network();
    let listener = net
        .listen("10.0.0.1:5060".parse().unwrap(), StreamSecurity::Plain)
        .await
        .unwrap();
    let mut waiting = net
        .connect(None, listener.local_addr(), ClientSecurity::Plain)
        .await
        .unwrap();
    drop(listener);
    let error = waiting.recv().await.unwrap_err();
    assert!(matches!(error, NetError::ConnectionReset { .. }), "{error}");
}
