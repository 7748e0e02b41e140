//! The handshake against OpenSSL's command line, both ways, over loopback; skipped where there is none.

use std::io::{BufRead, BufReader, Write as _};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use voxproof_srtp::Profile;
use voxproof_srtp::dtls::{Certificate, DtlsEndpoint, DtlsEvent, DtlsKeys, HashFunction, Role};

/// Ended together with the test, however that ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl_is_there() -> bool {
    let there = Command::new("openssl")
        .arg("version")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"OpenSSL 3"));
    if !there {
        println!("skipped: no openssl 3 on this machine");
    }
    there
}

/// The peer's certificate and key as files; the folder is the test's own.
fn peer_files(name: &str, certificate: &Certificate) -> (PathBuf, PathBuf, PathBuf) {
    let folder = std::env::temp_dir().join(format!("voxproof-srtp-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (der, key) = (folder.join("certificate.der"), folder.join("key.der"));
    std::fs::write(&der, certificate.der()).unwrap();
    std::fs::write(&key, certificate.private_key()).unwrap();
    (folder, der, key)
}

/// Lines that the peer prints, as they come.
fn lines_of(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let output = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Runs our end over the socket until it has keys.
fn shake_hands(endpoint: &mut DtlsEndpoint, socket: &UdpSocket, base: Instant) -> DtlsKeys {
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut buffer = [0; 4096];
    let mut peer = None;
    let mut keys = None;
    // the last flight may still have to go out after the keys are there
    for _ in 0..500 {
        while let Some(datagram) = endpoint.poll_transmit() {
            match peer {
                Some(peer) => socket.send_to(&datagram, peer),
                None => socket.send(&datagram),
            }
            .unwrap();
        }
        match endpoint.poll_event() {
            Some(DtlsEvent::Connected(found)) => keys = Some(*found),
            Some(DtlsEvent::Failed(failure)) => panic!("{failure}"),
            None => {}
        }
        if let Some(keys) = keys {
            return keys;
        }
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            peer = Some(from);
            endpoint.handle_datagram(base.elapsed(), &buffer[..length]);
        } else {
            endpoint.handle_timeout(base.elapsed());
        }
    }
    panic!("no keys");
}

/// What OpenSSL exported, out of its line `Keying material: 0123...`.
fn exported(lines: &mpsc::Receiver<String>) -> String {
    let mut seen = Vec::new();
    while let Ok(line) = lines.recv_timeout(Duration::from_secs(20)) {
        if let Some((_, digits)) = line.split_once("Keying material: ") {
            return digits.trim().to_lowercase();
        }
        seen.push(line);
    }
    panic!("openssl printed no keying material: {seen:#?}");
}

fn material(keys: &DtlsKeys) -> String {
    [
        keys.client.key(),
        keys.server.key(),
        keys.client.salt(),
        keys.server.salt(),
    ]
    .concat()
    .iter()
    .map(|byte| format!("{byte:02x}"))
    .collect()
}

const SUITES: [(&str, Profile, usize); 3] = [
    ("SRTP_AES128_CM_SHA1_80", Profile::Aes128CmHmacSha1_80, 60),
    ("SRTP_AEAD_AES_128_GCM", Profile::AeadAes128Gcm, 56),
    ("SRTP_AEAD_AES_256_GCM", Profile::AeadAes256Gcm, 88),
];

#[test]
fn openssl_as_client_has_the_same_keys() {
    if !openssl_is_there() {
        return;
    }
    let theirs = Certificate::self_signed("openssl", &[5; 32]).unwrap();
    let (folder, der, key) = peer_files("client", &theirs);
    for (suite, profile, length) in SUITES {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut child = Ended(
            Command::new("openssl")
                .args(["s_client", "-dtls1_2", "-use_srtp", suite])
                .args(["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen"])
                .arg(length.to_string())
                .args(["-certform", "DER", "-keyform", "DER", "-cert"])
                .arg(&der)
                .arg("-key")
                .arg(&key)
                .arg("-connect")
                .arg(socket.local_addr().unwrap().to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let lines = lines_of(&mut child.0);
        let own = Certificate::self_signed("voxproof", &[6; 32]).unwrap();
        let base = Instant::now();
        let mut endpoint = DtlsEndpoint::new(Role::Passive, &own, base, Duration::ZERO).unwrap();
        let keys = shake_hands(&mut endpoint, &socket, base);
        assert_eq!(keys.profile, profile);
        assert_eq!(keys.peer_fingerprint(), theirs.fingerprint(HashFunction::Sha256));
        assert_eq!(exported(&lines), material(&keys), "{suite}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn openssl_as_server_has_the_same_keys() {
    if !openssl_is_there() {
        return;
    }
    let theirs = Certificate::self_signed("openssl", &[7; 32]).unwrap();
    let (folder, der, key) = peer_files("server", &theirs);
    for (suite, profile, length) in SUITES {
        // a port that was free a moment ago
        let port = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut child = Ended(
            Command::new("openssl")
                .args(["s_server", "-dtls1_2", "-use_srtp", suite, "-verify", "1"])
                .args(["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen"])
                .arg(length.to_string())
                .args(["-certform", "DER", "-keyform", "DER", "-cert"])
                .arg(&der)
                .arg("-key")
                .arg(&key)
                .arg("-accept")
                .arg(format!("127.0.0.1:{port}"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let lines = lines_of(&mut child.0);
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(20)) {
            if line.contains("ACCEPT") {
                break;
            }
        }
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", port)).unwrap();
        let own = Certificate::self_signed("voxproof", &[8; 32]).unwrap();
        let base = Instant::now();
        let mut endpoint = DtlsEndpoint::new(Role::Active, &own, base, Duration::ZERO).unwrap();
        let keys = shake_hands(&mut endpoint, &socket, base);
        assert_eq!(keys.profile, profile);
        assert_eq!(keys.peer_fingerprint(), theirs.fingerprint(HashFunction::Sha256));
        assert_eq!(exported(&lines), material(&keys), "{suite}");
        let _ = child.0.stdin.take().map(|mut input| input.write_all(b"Q\n"));
    }
    std::fs::remove_dir_all(folder).unwrap();
}
