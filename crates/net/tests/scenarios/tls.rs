//! TLS in both roles, right and wrong, with what each side sees of it.

use crate::on_every_network;
use std::time::{Duration, SystemTime};

use crate::worlds::{PATIENCE, World, both, next, read, refusal};
use voxproof_net::tls::{
    CertificateFault, CertificateKey, CertificateRequest, ClientCertificates, Identity, IdentityName, Roots,
    Signer, TestAuthority, TlsClient, TlsFault, TlsServer, TlsVersion, TlsVersions, Usage, Validity,
    Verification, certificate_identities,
};
use voxproof_net::{
    Accepted, ClientSecurity, Framing, HandshakeError, ListenOptions, NetError, StreamConnection,
    StreamSecurity,
};

const DOMAIN: &str = "example.com";

fn authority() -> TestAuthority {
    TestAuthority::generate(SystemTime::now()).unwrap()
}

fn request() -> CertificateRequest {
    CertificateRequest::sip_domain(DOMAIN)
}

fn client(authority: &TestAuthority) -> TlsClient {
    TlsClient::new(DOMAIN, Roots::from(authority))
}

async fn shake(
    world: &World,
    server: TlsServer,
    client: TlsClient,
) -> (Accepted, Result<StreamConnection, NetError>) {
    let mut listener = world.listen(StreamSecurity::Tls(server), Framing::Raw).await;
    world
        .meet(&mut listener, ClientSecurity::Tls(client), Framing::Raw)
        .await
}

/// What each side says when the client refuses the server's certificate.
async fn refused_certificate(
    world: &World,
    authority: &TestAuthority,
    request: &CertificateRequest,
    client: TlsClient,
) -> (CertificateFault, String) {
    let server = TlsServer::new(authority.issue(request).unwrap());
    let (accepted, connected) = shake(world, server, client).await;
    let fault = match connected.unwrap_err() {
        NetError::Handshake {
            source: HandshakeError::Tls(TlsFault::Certificate(fault)),
            ..
        } => fault,
        other => panic!("{other:?}"),
    };
    match refusal(accepted) {
        HandshakeError::Tls(TlsFault::AlertReceived { alert }) => (fault, alert),
        other => panic!("{other:?}"),
    }
}

async fn a_right_certificate_is_accepted_by_each_version(world: &World) {
    let authority = authority();
    for (versions, version) in [
        (TlsVersions::Tls12, TlsVersion::Tls12),
        (TlsVersions::Tls13, TlsVersion::Tls13),
        (TlsVersions::Both, TlsVersion::Tls13),
    ] {
        let mut server = TlsServer::new(authority.issue(&request()).unwrap());
        server.versions = versions;
        server.expected_sni = Some("EXAMPLE.com".into());
        let identity = server.identity.clone();
        let (mut server, mut client) = both(shake(world, server, client(&authority)).await);
        let (seen, shown) = (server.tls().unwrap().clone(), client.tls().unwrap().clone());
        for info in [&seen, &shown] {
            assert_eq!(info.version, Some(version));
            assert_eq!(info.sni.as_deref(), Some(DOMAIN));
            assert!(info.cipher_suite.starts_with("TLS_"), "{}", info.cipher_suite);
        }
        assert_eq!(seen.cipher_suite, shown.cipher_suite);
        assert_eq!((seen.sni_as_expected, shown.sni_as_expected), (Some(true), None));
        assert_eq!(shown.peer_certificates[0], identity.certificate_der());
        assert!(seen.peer_certificates.is_empty());
        assert!(
            seen.client_hello
                .unwrap()
                .cipher_suites
                .contains(&seen.cipher_suite)
        );
        // both ends log the same secrets, in the order each comes to know them
        let sorted = |mut lines: Vec<String>| {
            lines.sort();
            lines
        };
        let label = match version {
            TlsVersion::Tls10 | TlsVersion::Tls11 | TlsVersion::Tls12 => "CLIENT_RANDOM ",
            TlsVersion::Tls13 => "SERVER_TRAFFIC_SECRET_0 ",
        };
        assert!(seen.key_log.iter().any(|line| line.starts_with(label)));
        assert_eq!(sorted(seen.key_log), sorted(shown.key_log));
        let large: Vec<u8> = (0..100_000_u32).map(|n| (n / 3) as u8).collect();
        let (received, sent) = tokio::join!(read(&mut server, large.len()), client.send(&large));
        sent.unwrap();
        assert!(received == large);
        server.send(b"SIP/2.0 200 OK\r\n\r\n").await.unwrap();
        assert_eq!(read(&mut client, 18).await, b"SIP/2.0 200 OK\r\n\r\n");
        client.close().await;
        assert_eq!(next(&mut server).await, None);
    }
}

async fn a_wrong_server_certificate_is_refused_with_its_alert(world: &World) {
    let (authority, stranger) = (authority(), authority_of_somebody_else());
    let with = |change: fn(&mut CertificateRequest)| {
        let mut request = request();
        change(&mut request);
        request
    };
    let right = request();
    for (request, roots, fault, alert) in [
        (
            right.clone(),
            Roots::from(&stranger),
            CertificateFault::UnknownIssuer,
            "unknown_ca",
        ),
        (
            right.clone(),
            Roots::none(),
            CertificateFault::UnknownIssuer,
            "unknown_ca",
        ),
        (
            with(|request| request.signer = Signer::SelfSigned),
            Roots::from(&authority),
            CertificateFault::UnknownIssuer,
            "unknown_ca",
        ),
        (
            with(|request| request.signer = Signer::IntermediateNotSent),
            Roots::from(&authority),
            CertificateFault::UnknownIssuer,
            "unknown_ca",
        ),
        (
            with(|request| request.validity = Validity::Expired),
            Roots::from(&authority),
            CertificateFault::Expired,
            "certificate_expired",
        ),
        (
            CertificateRequest::sip_domain("example.org"),
            Roots::from(&authority),
            CertificateFault::WrongName,
            "bad_certificate",
        ),
        (
            CertificateRequest::new([IdentityName::Dns("*.com".into())]),
            Roots::from(&authority),
            CertificateFault::WrongName,
            "bad_certificate",
        ),
    ] {
        let refused = refused_certificate(world, &authority, &request, TlsClient::new(DOMAIN, roots)).await;
        assert_eq!(refused, (fault, alert.to_owned()), "{request:?}");
    }
    let not_yet = with(|request| request.validity = Validity::NotYetValid);
    let (fault, _) = refused_certificate(world, &authority, &not_yet, client(&authority)).await;
    assert_eq!(fault, CertificateFault::NotYetValid);
    let other = with(|request| request.signer = Signer::OtherAuthority);
    let (fault, _) = refused_certificate(world, &authority, &other, client(&authority)).await;
    assert!(
        matches!(
            fault,
            CertificateFault::UnknownIssuer | CertificateFault::BadSignature
        ),
        "{fault}"
    );
    let purpose = with(|request| request.usage = Usage::Client);
    let (fault, _) = refused_certificate(world, &authority, &purpose, client(&authority)).await;
    assert_eq!(fault, CertificateFault::WrongPurpose);
}

fn authority_of_somebody_else() -> TestAuthority {
    authority()
}

async fn less_verification_accepts_more(world: &World) {
    let authority = authority();
    let issue = |request: &CertificateRequest| TlsServer::new(authority.issue(request).unwrap());
    let elsewhere = CertificateRequest::sip_domain("example.org");
    let mut chain_only = client(&authority);
    chain_only.verify = Verification::ChainOnly;
    let _ = both(shake(world, issue(&elsewhere), chain_only).await);

    let mut anything = client(&authority);
    anything.roots = Roots::none();
    anything.verify = Verification::None;
    let mut own = elsewhere.clone();
    own.signer = Signer::SelfSigned;
    own.validity = Validity::Expired;
    let (_, connection) = both(shake(world, issue(&own), anything).await);
    let names = certificate_identities(&connection.tls().unwrap().peer_certificates[0]);
    assert!(names.contains(&IdentityName::Dns("example.org".into())));

    let wildcard = CertificateRequest::new([IdentityName::Dns("*.example.com".into())]);
    let mut web = TlsClient::new("sip.example.com", Roots::from(&authority));
    web.verify = Verification::Web;
    let _ = both(shake(world, issue(&wildcard), web).await);

    let address = CertificateRequest::new([IdentityName::Ip(world.ip)]);
    let by_address = TlsClient::new(world.ip.to_string(), Roots::from(&authority));
    let (server, _) = both(shake(world, issue(&address), by_address).await);
    assert_eq!(
        server.tls().unwrap().sni,
        None,
        "an address is not indicated (RFC 6066 3)"
    );

    let mut chain = request();
    chain.signer = Signer::Intermediate;
    let (_, connection) = both(shake(world, issue(&chain), client(&authority)).await);
    assert_eq!(connection.tls().unwrap().peer_certificates.len(), 2);

    let pinned = authority.issue(&own_and_valid()).unwrap();
    let roots = Roots::from(&pinned);
    let _ = both(shake(world, TlsServer::new(pinned), TlsClient::new(DOMAIN, roots)).await);
}

fn own_and_valid() -> CertificateRequest {
    let mut request = request();
    request.signer = Signer::SelfSigned;
    request
}

async fn a_client_without_the_required_certificate_is_refused(world: &World) {
    let (authority, stranger) = (authority(), authority_of_somebody_else());
    let phone = |authority: &TestAuthority| {
        let mut request = CertificateRequest::new([IdentityName::CommonName("0004132a0001".into())]);
        request.usage = Usage::Client;
        authority.issue(&request).unwrap()
    };
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        for (identity, fault, alert) in [
            (None, CertificateFault::Missing, "certificate_required"),
            (
                Some(phone(&stranger)),
                CertificateFault::UnknownIssuer,
                "unknown_ca",
            ),
        ] {
            let mut server = TlsServer::new(authority.issue(&request()).unwrap());
            server.client_certificates = ClientCertificates::Require(Roots::from(&authority));
            server.versions = versions;
            let mut client = client(&authority);
            client.identity = identity;
            let (accepted, connected) = shake(world, server, client).await;
            match refusal(accepted) {
                HandshakeError::Tls(TlsFault::Certificate(seen)) => assert_eq!(seen, fault),
                other => panic!("{other:?}"),
            }
            // a client of TLS 1.3 has finished before the server looks at its certificate (RFC 8446 2)
            let heard = match connected {
                Err(NetError::Handshake {
                    source: HandshakeError::Tls(TlsFault::AlertReceived { alert }),
                    ..
                }) => alert,
                Ok(mut connection) => {
                    match tokio::time::timeout(PATIENCE, connection.recv()).await.unwrap() {
                        Err(NetError::Tls {
                            source: TlsFault::AlertReceived { alert },
                            ..
                        }) => alert,
                        other => panic!("{other:?}"),
                    }
                }
                Err(other) => panic!("{other:?}"),
            };
            // TLS 1.2 has no alert of its own for a missing certificate (RFC 5246 7.4.6)
            let expected = match (versions, alert) {
                (TlsVersions::Tls12, "certificate_required") => "handshake_failure",
                (_, alert) => alert,
            };
            if expected == "handshake_failure" {
                assert!(
                    ["handshake_failure", "certificate_required"].contains(&heard.as_str()),
                    "{heard}"
                );
            } else {
                assert_eq!(heard, expected);
            }
        }
        for (asked, identity) in [
            (
                ClientCertificates::Require(Roots::from(&authority)),
                Some(phone(&authority)),
            ),
            (ClientCertificates::Request, Some(phone(&stranger))),
            (ClientCertificates::Request, None),
            (ClientCertificates::None, Some(phone(&authority))),
        ] {
            let shown = identity.as_ref().map(|phone| phone.certificate_der().to_vec());
            let expected = shown.filter(|_| !matches!(asked, ClientCertificates::None));
            let mut server = TlsServer::new(authority.issue(&request()).unwrap());
            server.client_certificates = asked;
            server.versions = versions;
            let mut client = client(&authority);
            client.identity = identity;
            let (server, _client) = both(shake(world, server, client).await);
            let seen = server.tls().unwrap().peer_certificates.first().cloned();
            assert_eq!(seen, expected);
        }
    }
}

async fn versions_without_anything_in_common_fail_in_both_roles(world: &World) {
    let authority = authority();
    for (server_versions, client_versions) in [
        (TlsVersions::Tls13, TlsVersions::Tls12),
        (TlsVersions::Tls12, TlsVersions::Tls13),
    ] {
        let mut server = TlsServer::new(authority.issue(&request()).unwrap());
        server.versions = server_versions;
        let mut client = client(&authority);
        client.versions = client_versions;
        let (accepted, connected) = shake(world, server, client).await;
        let Accepted::Failed {
            error, client_hello, ..
        } = accepted
        else {
            panic!("accepted");
        };
        assert!(
            matches!(error, HandshakeError::Tls(TlsFault::Incompatible { .. })),
            "{error:?}"
        );
        assert_eq!(client_hello.unwrap().sni.as_deref(), Some(DOMAIN));
        match connected.unwrap_err() {
            NetError::Handshake {
                source: HandshakeError::Tls(TlsFault::AlertReceived { alert }),
                ..
            } => assert_eq!(alert, "protocol_version"),
            other => panic!("{other:?}"),
        }
    }
}

async fn an_unexpected_name_is_reported_and_served(world: &World) {
    let authority = authority();
    let mut server = TlsServer::new(authority.issue(&request()).unwrap());
    server.expected_sni = Some("sip.example.net".into());
    let (server, _client) = both(shake(world, server, client(&authority)).await);
    assert_eq!(server.tls().unwrap().sni_as_expected, Some(false));
}

async fn application_protocols_are_agreed(world: &World) {
    let authority = authority();
    let mut server = TlsServer::new(authority.issue(&request()).unwrap());
    server.alpn = vec![b"sip/2".to_vec()];
    let mut client = client(&authority);
    client.alpn = vec![b"http/1.1".to_vec(), b"sip/2".to_vec()];
    let (server, client) = both(shake(world, server, client).await);
    for info in [server.tls().unwrap(), client.tls().unwrap()] {
        assert_eq!(info.alpn.as_deref(), Some(&b"sip/2"[..]));
    }
    assert_eq!(server.tls().unwrap().client_hello.as_ref().unwrap().alpn.len(), 2);
}

async fn a_silent_peer_keeps_nobody_waiting_and_is_given_up(world: &World) {
    let authority = authority();
    let server = TlsServer::new(authority.issue(&request()).unwrap());
    let options = ListenOptions {
        handshake_timeout: Duration::from_secs(2),
        ..ListenOptions::default()
    };
    let mut listener = world.listen(StreamSecurity::Tls(server), options).await;
    let silent = world
        .net
        .connect(None, listener.local_addr(), ClientSecurity::Plain)
        .await
        .unwrap();
    let _ = both(
        world
            .meet(
                &mut listener,
                ClientSecurity::Tls(client(&authority)),
                Framing::Raw,
            )
            .await,
    );
    let accepted = tokio::time::timeout(PATIENCE, listener.accept())
        .await
        .unwrap()
        .unwrap();
    let Accepted::Failed {
        peer,
        at,
        error: HandshakeError::TimedOut { timeout },
        client_hello: None,
        ..
    } = accepted
    else {
        panic!("{accepted:?}");
    };
    assert_eq!((peer, timeout), (silent.local_addr(), Duration::from_secs(2)));
    assert!(at >= Duration::from_secs(2));
}

async fn a_peer_that_speaks_no_tls_is_reported(world: &World) {
    let authority = authority();
    let server = TlsServer::new(authority.issue(&request()).unwrap());
    let mut listener = world.listen(StreamSecurity::Tls(server), Framing::Raw).await;
    let remote = listener.local_addr();
    let (accepted, ()) = tokio::join!(listener.accept(), async {
        let mut plain = world
            .net
            .connect(None, remote, ClientSecurity::Plain)
            .await
            .unwrap();
        plain
            .send(b"REGISTER sip:example.com SIP/2.0\r\n\r\n")
            .await
            .unwrap();
        while let Ok(Some(_)) = plain.recv().await {}
    });
    match refusal(accepted.unwrap()) {
        HandshakeError::Tls(TlsFault::Protocol { .. }) => {}
        other => panic!("{other:?}"),
    }
}

async fn an_end_without_farewell_is_told_apart(world: &World) {
    let authority = authority();
    let server = TlsServer::new(authority.issue(&request()).unwrap());
    let (mut server, client) = both(shake(world, server, client(&authority)).await);
    drop(client);
    let error = tokio::time::timeout(PATIENCE, server.recv())
        .await
        .unwrap()
        .unwrap_err();
    // TLS 1.3 sends session tickets, and a client that goes with these unread resets the connection
    assert!(
        matches!(
            error,
            NetError::Truncated { .. } | NetError::ConnectionReset { .. }
        ),
        "{error}"
    );
}

async fn an_rsa_key_of_the_caller_is_used(world: &World) {
    let authority = authority();
    let mut rsa = request();
    rsa.key = CertificateKey::Pem(include_str!("../fixtures/rsa-2048.key.pem").into());
    let mut server = TlsServer::new(authority.issue(&rsa).unwrap());
    server.versions = TlsVersions::Tls12;
    let identity = server.identity.clone();
    let read = Identity::from_pem(&identity.certificate_pem(), identity.key_pem()).unwrap();
    assert_eq!(read.certificate_der(), identity.certificate_der());
    let (server, _client) = both(shake(world, server, client(&authority)).await);
    assert!(
        server.tls().unwrap().cipher_suite.starts_with("TLS_ECDHE_RSA_"),
        "{:?}",
        server.tls()
    );
}

on_every_network!(
    a_right_certificate_is_accepted_by_each_version,
    a_wrong_server_certificate_is_refused_with_its_alert,
    less_verification_accepts_more,
    a_client_without_the_required_certificate_is_refused,
    versions_without_anything_in_common_fail_in_both_roles,
    an_unexpected_name_is_reported_and_served,
    application_protocols_are_agreed,
    a_silent_peer_keeps_nobody_waiting_and_is_given_up,
    a_peer_that_speaks_no_tls_is_reported,
    an_end_without_farewell_is_told_apart,
    an_rsa_key_of_the_caller_is_used,
);

#[tokio::test]
async fn a_key_that_does_not_fit_is_refused_before_anybody_connects() {
    let authority = authority();
    let (one, other) = (
        authority.issue(&request()).unwrap(),
        authority.issue(&request()).unwrap(),
    );
    let mixed = Identity::from_pem(&one.certificate_pem(), other.key_pem()).unwrap();
    let error = voxproof_net::Net::os()
        .listen(
            "127.0.0.1:0".parse().unwrap(),
            StreamSecurity::Tls(TlsServer::new(mixed)),
        )
        .await
        .unwrap_err();
    assert!(matches!(error, NetError::TlsSetup(_)), "{error}");
}
