//! Provisioning over HTTP and HTTPS, on both networks.

use std::time::Duration;

use crate::worlds::{World, on_the_operating_system, on_the_virtual_network, patient};
use voxproof_net::tls::{CertificateRequest, IdentityName, Roots, TlsClient, Validity, Verification};
use voxproof_net::{ClientSecurity, NetError, StreamConnection};
use voxproof_services::http::{Authentication, HttpFault, HttpOrder, Route};
use voxproof_services::{ConnectionEvent, HttpEvent, ServiceEvent};

fn routes(routes: Vec<Route>) -> HttpOrder {
    HttpOrder {
        replace: false,
        routes,
    }
}

fn http(events: &[ServiceEvent]) -> Vec<&HttpEvent> {
    events
        .iter()
        .filter_map(|event| match event {
            ServiceEvent::Http(event) => Some(event),
            _ => None,
        })
        .collect()
}

fn connections(events: &[ServiceEvent]) -> Vec<&ConnectionEvent> {
    events
        .iter()
        .filter_map(|event| match event {
            ServiceEvent::Connection(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// Everything until the server closes, as text.
async fn all(connection: &mut StreamConnection) -> String {
    let mut text = String::new();
    while let Some(segment) = patient(connection.recv()).await.unwrap() {
        text.push_str(&String::from_utf8_lossy(&segment.bytes));
    }
    text
}

/// Everything until a text has come.
async fn until(connection: &mut StreamConnection, end: &str) -> String {
    let mut text = String::new();
    while !text.contains(end) {
        let segment = patient(connection.recv()).await.unwrap().expect(end);
        text.push_str(&String::from_utf8_lossy(&segment.bytes));
    }
    text
}

async fn a_device_fetches_and_uploads(world: World) {
    world.services.apply(routes(vec![
        Route::new("/cfg.xml", "text/xml", "<config/>"),
        Route::new("/log", "", ""),
    ]));
    let mut connection = world.connect(world.services.http_address()).await;
    connection
        .send(b"GET /cfg.xml?mac=001122 HTTP/1.1\r\nHost: lab\r\nUser-Agent: Phone 1.0\r\n\r\n")
        .await
        .unwrap();
    let response = until(&mut connection, "<config/>").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("Content-Type: text/xml\r\n") && response.contains("Content-Length: 9\r\n"));
    connection
        .send(b"PUT /log HTTP/1.1\r\nHost: lab\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .await
        .unwrap();
    until(&mut connection, "100 Continue\r\n\r\n").await;
    connection.send(b"hello").await.unwrap();
    until(&mut connection, "Content-Length: 0\r\n").await;
    connection
        .send(b"POST /nowhere HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        .await
        .unwrap();
    let response = all(&mut connection).await;
    assert!(
        response.contains("404 Not Found") && response.contains("Connection: close"),
        "{response}"
    );

    let events = world.events(5).await;
    let seen: Vec<_> = http(&events)
        .iter()
        .map(|event| {
            let request = event.request.as_ref().unwrap();
            (
                request.method.as_str(),
                request.path(),
                event.treatment.status,
                request.body.as_slice(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("GET", "/cfg.xml", Some(200), &b""[..]),
            ("PUT", "/log", Some(200), &b"hello"[..]),
            ("POST", "/nowhere", Some(404), &b"ab"[..]),
        ]
    );
    let first = http(&events)[0];
    assert!(!first.tls && first.answered_at.unwrap() >= first.at);
    let fields = events[1].fields();
    assert!(
        fields.contains(&("user_agent", "Phone 1.0".to_owned())),
        "{fields:?}"
    );
    assert!(fields.contains(&("target", "/cfg.xml?mac=001122".to_owned())));
    let states: Vec<_> = connections(&events).iter().map(|event| event.state).collect();
    assert_eq!(states, ["opened by the device", "closed"]);
}

fn tls_client(world: &World) -> TlsClient {
    let name = world.services.http_address().ip().to_string();
    let mut client = TlsClient::new(name, Roots::from(&world.authority));
    client.verify = Verification::Web;
    client
}

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";

async fn certificates_are_asked_for(world: World) {
    let mut route = Route::new("/a", "text/plain", "secret");
    route.tls = true;
    route.client_certificate = true;
    world.services.apply(routes(vec![route]));
    let identity = world
        .authority
        .issue(&CertificateRequest::new([IdentityName::CommonName(
            "001122334455".to_owned(),
        )]))
        .unwrap();
    let with = TlsClient {
        identity: Some(identity),
        ..tls_client(&world)
    };
    let (any, mutual) = (
        world.services.https_address().unwrap(),
        world.services.mutual_address().unwrap(),
    );
    for (address, client, expected) in [
        (any, tls_client(&world), "403 Forbidden"),
        (any, with.clone(), "secret"),
        (mutual, with, "secret"),
    ] {
        let security = ClientSecurity::Tls(client);
        let mut connection = world.net.connect(None, address, security).await.unwrap();
        connection.send(GET).await.unwrap();
        let response = all(&mut connection).await;
        assert!(response.contains(expected), "{response}");
    }
    let events = world.events(9).await;
    let certificates: Vec<_> = http(&events)
        .iter()
        .map(|event| event.client_certificate.as_deref())
        .collect();
    assert_eq!(
        certificates,
        [None, Some("CN=001122334455"), Some("CN=001122334455")]
    );
    let opened = connections(&events)[0];
    assert!(opened.detail.starts_with("TLS 1.3, TLS_"), "{}", opened.detail);
    assert!(!opened.key_log.is_empty());

    // in TLS 1.3 the client learns of the refusal with its first read
    let security = ClientSecurity::Tls(tls_client(&world));
    if let Ok(mut connection) = world.net.connect(None, mutual, security).await {
        let _ = connection.send(GET).await;
        assert!(matches!(
            patient(connection.recv()).await,
            Err(NetError::Tls { .. })
        ));
    }
    let events = world.events(1).await;
    let failed = connections(&events)[0];
    assert_eq!((failed.state, failed.transport), ("failed", "TLS"));
    assert!(!failed.detail.is_empty());
}

async fn a_certificate_is_replaced(mut world: World) {
    world
        .services
        .apply(routes(vec![Route::new("/a", "text/plain", "secret")]));
    let address = world.services.https_address().unwrap();
    let name = IdentityName::Ip(address.ip());
    let right = CertificateRequest::new([name.clone()]);
    let expired = CertificateRequest {
        validity: Validity::Expired,
        ..right.clone()
    };
    let other = CertificateRequest::new([IdentityName::Dns("other.example.com".to_owned())]);
    for (request, fine) in [(expired, false), (other, false), (right, true)] {
        world.services.present(&world.authority, &request).await.unwrap();
        assert_eq!(world.services.https_address(), Some(address));
        let security = ClientSecurity::Tls(tls_client(&world));
        let connected = world.net.connect(None, address, security).await;
        assert_eq!(connected.is_ok(), fine, "{request:?}: {connected:?}");
        let events = world.events(1).await;
        let state = connections(&events)[0].state;
        assert_eq!(state, if fine { "opened by the device" } else { "failed" });
    }
}

#[test]
fn a_certificate_is_replaced_on_both_networks() {
    on_the_virtual_network(a_certificate_is_replaced);
    on_the_operating_system(a_certificate_is_replaced);
}

#[test]
fn a_device_fetches_and_uploads_on_both_networks() {
    on_the_virtual_network(a_device_fetches_and_uploads);
    on_the_operating_system(a_device_fetches_and_uploads);
}

#[test]
fn certificates_are_asked_for_on_both_networks() {
    on_the_virtual_network(certificates_are_asked_for);
    on_the_operating_system(certificates_are_asked_for);
}

#[test]
fn credentials_are_asked_for() {
    on_the_virtual_network(|world| async move {
        let mut route = Route::new("/a", "text/plain", "secret");
        route.authentication = Authentication::Basic {
            username: "phone".to_owned(),
            password: "x".to_owned(),
        };
        world.services.apply(routes(vec![route]));
        let mut connection = world.connect(world.services.http_address()).await;
        connection
            .send(b"GET /a HTTP/1.1\r\nHost: lab\r\n\r\n")
            .await
            .unwrap();
        let response = until(&mut connection, "no credentials\n").await;
        assert!(response.contains("401 Unauthorized"), "{response}");
        assert!(response.contains("WWW-Authenticate: Basic realm=\"voxproof\""));
        connection
            .send(b"GET /a HTTP/1.1\r\nHost: lab\r\nAuthorization: Basic cGhvbmU6eA==\r\n\r\n")
            .await
            .unwrap();
        until(&mut connection, "secret").await;
        let events = world.events(3).await;
        let authenticated: Vec<_> = http(&events)
            .iter()
            .map(|event| event.treatment.authenticated)
            .collect();
        assert_eq!(authenticated, [false, true]);
        let told = format!("{:?}", events[2].fields());
        assert!(
            !told.contains("cGhvbmU6eA"),
            "credentials in the timeline: {told}"
        );
    });
}

#[test]
fn responses_wait_and_fail_as_ordered() {
    on_the_virtual_network(|world| async move {
        let faulty = |path: &str, fault| Route {
            fault,
            delay: Duration::from_secs(3),
            ..Route::new(path, "text/plain", "0123456789")
        };
        world.services.apply(routes(vec![
            faulty("/none", HttpFault::None),
            faulty("/close", HttpFault::Close),
            faulty("/reset", HttpFault::Reset),
            faulty("/silent", HttpFault::Silent),
            faulty("/truncate", HttpFault::Truncate),
        ]));
        let clock = world.net.clock();
        for (path, expected) in [("/none", "0123456789"), ("/close", ""), ("/truncate", "01234")] {
            let mut connection = world.connect(world.services.http_address()).await;
            let began = clock.now();
            let request = format!("GET {path} HTTP/1.0\r\n\r\n");
            connection.send(request.as_bytes()).await.unwrap();
            let text = all(&mut connection).await;
            let content = text.split("\r\n\r\n").nth(1).unwrap_or_default();
            assert_eq!(content, expected, "{path}");
            assert_eq!(text.is_empty(), path == "/close");
            assert_eq!(clock.now() - began, Duration::from_secs(3));
        }
        let mut connection = world.connect(world.services.http_address()).await;
        connection.send(b"GET /reset HTTP/1.0\r\n\r\n").await.unwrap();
        let end = patient(connection.recv()).await;
        assert!(matches!(end, Err(NetError::ConnectionReset { .. })), "{end:?}");
        let mut connection = world.connect(world.services.http_address()).await;
        let began = clock.now();
        connection.send(b"GET /silent HTTP/1.0\r\n\r\n").await.unwrap();
        assert_eq!(all(&mut connection).await, "");
        assert!(clock.now() - began >= Duration::from_secs(60), "until it is idle");
        let events = world.events(15).await;
        let seen: Vec<_> = http(&events)
            .iter()
            .map(|event| (event.treatment.outcome.as_str(), event.answered_at.is_some()))
            .collect();
        assert_eq!(
            seen,
            [
                ("served", true),
                ("closed", false),
                ("truncated", true),
                ("reset", false),
                ("dropped", false)
            ]
        );
    });
}

#[test]
fn what_is_no_request_is_answered_and_recorded() {
    on_the_virtual_network(|world| async move {
        for (sent, expected) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], "400 Bad Request"),
            (b"OPTIONS sip:a SIP/2.0\r\n\r\n", "505 HTTP Version"),
            (
                b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
                "413 Content Too Large",
            ),
            (b"GET / HTTP/1.1\r\nHost: a\r\n", "408 Request Timeout"),
        ] {
            let mut connection = world.connect(world.services.http_address()).await;
            connection.send(sent).await.unwrap();
            let response = all(&mut connection).await;
            assert!(response.contains(expected), "{response}");
            let events = world.events(3).await;
            let event = http(&events)[0];
            assert_eq!(event.request, None);
            assert!(event.treatment.outcome.starts_with("refused: "), "{event:?}");
        }
    });
}
