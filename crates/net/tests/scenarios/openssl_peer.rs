//! TLS against another implementation, in both roles. Skips with a printed reason where there is no `openssl` program.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use voxproof_net::tls::{
    CertificateKey, CertificateRequest, ClientCertificates, Identity, Roots, TestAuthority, TlsClient,
    TlsFault, TlsInfo, TlsServer, TlsVersion, TlsVersions,
};
use voxproof_net::{
    Accepted, ClientSecurity, HandshakeError, Net, StreamConnection, StreamListener, StreamSecurity,
};

const PATIENCE: Duration = Duration::from_secs(60);
const DOMAIN: &str = "example.com";

fn openssl_is_missing() -> bool {
    let missing = std::process::Command::new("openssl")
        .arg("version")
        .output()
        .is_err();
    if missing {
        eprintln!("skipped: no openssl program here");
    }
    missing
}

struct Lab {
    folder: tempfile::TempDir,
    authority: TestAuthority,
    phone: Identity,
    net: Net,
}

impl Lab {
    fn new() -> Self {
        let authority = TestAuthority::generate(SystemTime::now()).unwrap();
        let lab = Self {
            folder: tempfile::tempdir().unwrap(),
            phone: authority.issue(&CertificateRequest::sip_domain(DOMAIN)).unwrap(),
            authority,
            net: Net::os(),
        };
        lab.write("ca.pem", &lab.authority.certificate_pem());
        lab.write("chain.pem", &lab.phone.certificate_pem());
        lab.write("key.pem", lab.phone.key_pem());
        lab
    }

    fn issue(&self, key: CertificateKey) -> Identity {
        let mut request = CertificateRequest::sip_domain(DOMAIN);
        request.key = key;
        self.authority.issue(&request).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn openssl(&self, arguments: &[&str]) -> Child {
        Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn listen(&self, server: TlsServer) -> (StreamListener, String) {
        let listener = self
            .net
            .listen("127.0.0.1:0".parse().unwrap(), StreamSecurity::Tls(server))
            .await
            .unwrap();
        let address = listener.local_addr().to_string();
        (listener, address)
    }
}

async fn accept(listener: &mut StreamListener) -> Accepted {
    tokio::time::timeout(PATIENCE, listener.accept())
        .await
        .expect("nobody came")
        .unwrap()
}

/// The secrets that openssl logged are among ours, so Wireshark decrypts with ours what it decrypts with theirs.
fn assert_same_secrets(info: &TlsInfo, theirs: &Path) {
    let theirs = std::fs::read_to_string(theirs).unwrap();
    let mut compared = 0;
    for line in theirs.lines().filter(|line| {
        [
            "CLIENT_RANDOM",
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
        ]
        .iter()
        .any(|label| line.starts_with(&format!("{label} ")))
    }) {
        let line = line.to_lowercase();
        assert!(
            info.key_log.iter().any(|ours| ours.to_lowercase() == line),
            "{line}\n{:?}",
            info.key_log
        );
        compared += 1;
    }
    assert!(compared > 0, "{theirs}");
}

async fn talk(connection: &mut StreamConnection, peer: &mut Child) {
    connection.send(b"from the lab\n").await.unwrap();
    let mut heard = String::new();
    let out = peer.stdout.as_mut().unwrap();
    let hearing = async {
        while !heard.contains("from the lab\n") {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).await.unwrap(), 1, "{heard}");
            heard.push(char::from(byte[0]));
        }
    };
    tokio::time::timeout(PATIENCE, hearing)
        .await
        .expect("openssl hears nothing");
    let input = peer.stdin.as_mut().unwrap();
    input.write_all(b"from openssl\n").await.unwrap();
    let mut bytes = Vec::new();
    while bytes.len() < 13 {
        let segment = tokio::time::timeout(PATIENCE, connection.recv()).await.unwrap();
        bytes.extend(segment.unwrap().unwrap().bytes);
    }
    assert_eq!(bytes, b"from openssl\n");
}

/// The cargo feature `old-tls`: what a device of 2010 can do, and only for such a device.
#[cfg(feature = "old-tls")]
#[tokio::test]
async fn its_old_versions_are_spoken_when_it_has_nothing_newer() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new();
    for (flag, version) in [
        ("-tls1", TlsVersion::Tls10),
        ("-tls1_1", TlsVersion::Tls11),
        ("-tls1_3", TlsVersion::Tls13),
    ] {
        let mut server = TlsServer::new(lab.issue(CertificateKey::Pem(
            include_str!("../fixtures/rsa-2048.key.pem").into(),
        )));
        server.client_certificates = ClientCertificates::Require(Roots::from(&lab.authority));
        server.expected_sni = Some(DOMAIN.into());
        let (mut listener, address) = lab.listen(server).await;
        let log = "theirs.log";
        let _ = std::fs::remove_file(lab.folder.path().join(log));
        let mut peer = lab.openssl(&[
            "s_client",
            "-connect",
            &address,
            flag,
            "-cipher",
            "DEFAULT@SECLEVEL=0",
            "-CAfile",
            "ca.pem",
            "-verify_return_error",
            "-servername",
            DOMAIN,
            "-cert",
            "chain.pem",
            "-key",
            "key.pem",
            "-keylogfile",
            log,
            "-quiet",
        ]);
        let accepted = accept(&mut listener).await;
        let Accepted::Connection(mut connection) = accepted else {
            panic!("{flag}: {accepted:?}");
        };
        talk(&mut connection, &mut peer).await;
        let info = connection.tls().unwrap();
        assert_eq!((info.version, info.sni_as_expected), (Some(version), Some(true)));
        assert_eq!(info.peer_certificates[0], lab.phone.certificate_der());
        assert!(info.client_hello.is_some());
        assert_same_secrets(info, &lab.folder.path().join(log));
    }
}

#[tokio::test]
async fn its_client_verifies_us_and_we_verify_it() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new();
    for (flag, version, key) in [
        ("-tls1_2", TlsVersion::Tls12, CertificateKey::EcdsaP256),
        ("-tls1_3", TlsVersion::Tls13, CertificateKey::EcdsaP384),
        (
            "-tls1_2",
            TlsVersion::Tls12,
            CertificateKey::Pem(include_str!("../fixtures/rsa-2048.key.pem").into()),
        ),
        (
            "-tls1_3",
            TlsVersion::Tls13,
            CertificateKey::Pem(include_str!("../fixtures/rsa-2048.key.pem").into()),
        ),
    ] {
        let mut server = TlsServer::new(lab.issue(key));
        server.client_certificates = ClientCertificates::Require(Roots::from(&lab.authority));
        server.expected_sni = Some(DOMAIN.into());
        let (mut listener, address) = lab.listen(server).await;
        let log = "theirs.log";
        let _ = std::fs::remove_file(lab.folder.path().join(log));
        let mut peer = lab.openssl(&[
            "s_client",
            "-connect",
            &address,
            flag,
            "-CAfile",
            "ca.pem",
            "-verify_return_error",
            "-servername",
            DOMAIN,
            "-verify_hostname",
            DOMAIN,
            "-cert",
            "chain.pem",
            "-key",
            "key.pem",
            "-keylogfile",
            log,
            "-quiet",
        ]);
        let accepted = accept(&mut listener).await;
        let Accepted::Connection(mut connection) = accepted else {
            panic!("{accepted:?}");
        };
        talk(&mut connection, &mut peer).await;
        let info = connection.tls().unwrap();
        assert_eq!((info.version, info.sni_as_expected), (Some(version), Some(true)));
        // openssl sends what it trusts along with what it was told to show
        assert_eq!(info.peer_certificates[0], lab.phone.certificate_der());
        assert_same_secrets(info, &lab.folder.path().join(log));
    }
}

#[tokio::test]
async fn its_client_that_does_not_know_our_authority_sends_the_alert() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new();
    let stranger = TestAuthority::generate(SystemTime::now()).unwrap();
    lab.write("ca.pem", &stranger.certificate_pem());
    let (mut listener, address) = lab
        .listen(TlsServer::new(lab.issue(CertificateKey::EcdsaP256)))
        .await;
    for flag in ["-tls1_2", "-tls1_3"] {
        let _peer = lab.openssl(&[
            "s_client",
            "-connect",
            &address,
            flag,
            "-CAfile",
            "ca.pem",
            "-verify_return_error",
            "-quiet",
        ]);
        let Accepted::Failed { error, .. } = accept(&mut listener).await else {
            panic!("accepted");
        };
        match error {
            HandshakeError::Tls(TlsFault::AlertReceived { alert }) => assert_eq!(alert, "unknown_ca"),
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(not(feature = "old-tls"))]
#[tokio::test]
async fn a_client_of_tls_1_1_is_refused_with_what_it_asked_for() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new();
    let (mut listener, address) = lab
        .listen(TlsServer::new(lab.issue(CertificateKey::EcdsaP256)))
        .await;
    let _peer = lab.openssl(&[
        "s_client",
        "-connect",
        &address,
        "-tls1_1",
        "-cipher",
        "ALL@SECLEVEL=0",
        "-servername",
        DOMAIN,
    ]);
    let accepted = accept(&mut listener).await;
    let Accepted::Failed {
        error: HandshakeError::Tls(TlsFault::Incompatible { reason }),
        client_hello: Some(hello),
        ..
    } = accepted
    else {
        panic!("{accepted:?}");
    };
    assert_eq!(reason, "the client offers TLS 1.1 at most");
    assert_eq!(hello.versions, ["TLS 1.1"]);
    assert_eq!(hello.sni.as_deref(), Some(DOMAIN));
    assert!(
        hello.cipher_suites.iter().any(|suite| suite.contains("_CBC_SHA")),
        "{hello:?}"
    );
}

#[tokio::test]
async fn we_verify_its_server_and_show_it_our_certificate() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new();
    for (flag, versions, version) in [
        ("-tls1_2", TlsVersions::Both, TlsVersion::Tls12),
        ("-tls1_3", TlsVersions::Both, TlsVersion::Tls13),
    ] {
        let log = "theirs.log";
        let _ = std::fs::remove_file(lab.folder.path().join(log));
        let mut peer = lab.openssl(&[
            "s_server",
            "-accept",
            "127.0.0.1:0",
            flag,
            "-cert",
            "chain.pem",
            "-key",
            "key.pem",
            "-CAfile",
            "ca.pem",
            "-Verify",
            "1",
            "-verify_return_error",
            "-naccept",
            "1",
            "-keylogfile",
            log,
        ]);
        // the port that the system picked is on a line of its own: ACCEPT 127.0.0.1:PORT PID=...
        let mut out = BufReader::new(peer.stdout.take().unwrap());
        let mut line = String::new();
        let remote = loop {
            line.clear();
            let read = tokio::time::timeout(PATIENCE, out.read_line(&mut line))
                .await
                .unwrap();
            assert!(read.unwrap() > 0, "openssl ended");
            if let Some(rest) = line.strip_prefix("ACCEPT ") {
                let address = rest.split_whitespace().next().unwrap();
                break address.parse().unwrap();
            }
        };
        peer.stdout = Some(out.into_inner());
        let mut client = TlsClient::new(DOMAIN, Roots::from(&lab.authority));
        client.identity = Some(lab.issue(CertificateKey::EcdsaP256));
        client.versions = versions;
        let mut connection = lab
            .net
            .connect(None, remote, ClientSecurity::Tls(client))
            .await
            .unwrap();
        talk(&mut connection, &mut peer).await;
        let info = connection.tls().unwrap();
        assert_eq!(info.version, Some(version));
        assert_same_secrets(info, &lab.folder.path().join(log));
    }
}
