//! SRTP with keys from DTLS (RFC 5763, RFC 5764).

use std::net::SocketAddr;
use std::time::Instant;

use crate::lab::{Lab, media_of, ms};
use voxproof_net::Endpoint;
use voxproof_simphone::{Fault, MediaSecurity};
use voxproof_sip::Message;
use voxproof_srtp::dtls::{
    Certificate, DtlsEndpoint, DtlsEvent, DtlsFailure, DtlsKeys, DtlsOptions, Fingerprint, HashFunction, Role,
};
use voxproof_srtp::{DatagramKind, Unprotector, classify};

fn own() -> Certificate {
    Certificate::self_signed("lab", &[7; 32]).unwrap()
}

/// The lab's port for media and what has come there beside the handshake.
struct Port {
    socket: Endpoint,
    packets: Vec<Vec<u8>>,
}

async fn registered(faults: &[Fault], passive: bool) -> (Lab, Port) {
    let lab = Lab::switched_on(faults, |config| {
        config.media_security = MediaSecurity::Dtls;
        config.dtls_passive = passive;
    })
    .await;
    lab.accept_registration().await;
    let port = Port {
        socket: lab.net.bind("10.0.0.1:7000".parse().unwrap()).await.unwrap(),
        packets: Vec::new(),
    };
    (lab, port)
}

fn sdp(setup: &str, shown: &Fingerprint) -> String {
    format!(
        "v=0\r\no=lab 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 7000 UDP/TLS/RTP/SAVP 0\r\n\
         a=fingerprint:{shown}\r\na=setup:{setup}\r\na=rtcp-mux\r\na=sendrecv\r\n"
    )
}

/// The role and the fingerprint of a description of the phone.
fn announced(message: &Message) -> (String, Fingerprint) {
    let sdp = message.sdp().unwrap().unwrap();
    let audio = sdp.audio().unwrap();
    assert_eq!(audio.protocol, "UDP/TLS/RTP/SAVP");
    assert!(audio.rtcp_mux());
    (
        audio.value("setup").unwrap().to_owned(),
        Fingerprint::parse(audio.value("fingerprint").unwrap()).unwrap(),
    )
}

impl Port {
    /// Two seconds of handshake and media.
    async fn shake(
        &mut self,
        lab: &Lab,
        to: SocketAddr,
        part: Role,
        theirs: Fingerprint,
    ) -> Result<DtlsKeys, Option<DtlsFailure>> {
        let options = DtlsOptions {
            fingerprints: vec![theirs],
            ..DtlsOptions::default()
        };
        let mut end = DtlsEndpoint::with_options(part, &own(), Instant::now(), lab.now(), options).unwrap();
        let mut result = Err(None);
        let until = lab.now() + ms(2000);
        while lab.now() < until {
            if end.poll_timeout().is_some_and(|at| at <= lab.now()) {
                end.handle_timeout(lab.now());
            }
            while let Some(datagram) = end.poll_transmit() {
                self.socket.send(to, &datagram).unwrap();
            }
            while let Some(event) = end.poll_event() {
                result = match event {
                    DtlsEvent::Connected(keys) => Ok(*keys),
                    DtlsEvent::Failed(failure) => Err(Some(failure)),
                };
            }
            if let Ok(Ok(datagram)) = tokio::time::timeout(ms(20), self.socket.recv()).await {
                match classify(&datagram.bytes) {
                    DatagramKind::Dtls => end.handle_datagram(datagram.at, &datagram.bytes),
                    DatagramKind::Rtp => self.packets.push(datagram.bytes.to_vec()),
                    _ => {}
                }
            }
        }
        result
    }

    /// How many of the packets can be read with the keys.
    fn readable(&self, keys: &DtlsKeys, part: Role) -> usize {
        let mut receiver = Unprotector::new(keys.remote(part).clone()).unwrap();
        self.packets
            .iter()
            .filter(|packet| receiver.unprotect_rtp(packet).is_ok())
            .count()
    }
}

#[tokio::test(start_paused = true)]
async fn either_end_may_begin() {
    for (offered, passive, answered, part) in [
        ("actpass", false, "active", Role::Passive),
        ("actpass", true, "passive", Role::Active),
        ("active", false, "passive", Role::Active),
        ("passive", true, "active", Role::Passive),
    ] {
        let (lab, mut port) = registered(&[], passive).await;
        let shown = own().fingerprint(HashFunction::Sha256);
        let mut dialogue = lab.call_with(&sdp(offered, &shown)).await;
        let (setup, theirs) = announced(&dialogue.ok);
        assert_eq!(setup, answered);
        let to = media_of(&dialogue.ok);
        let keys = port.shake(&lab, to, part, theirs.clone()).await.unwrap();
        let count = port.packets.len();
        assert!(
            count > 80 && port.readable(&keys, part) == count,
            "{offered}: {count}"
        );
        // a change of the call keeps certificate and role, and the association goes on (RFC 8842 5.5)
        port.packets.clear();
        let again = sdp("actpass", &shown).replace(" 1 1 IN", " 1 2 IN");
        let ok = dialogue.reinvite(&lab, &again).await;
        assert_eq!(announced(&ok), (setup, theirs));
        lab.sleep(ms(400)).await;
        while let Ok(Ok(datagram)) = tokio::time::timeout(ms(1), port.socket.recv()).await {
            assert_ne!(classify(&datagram.bytes), DatagramKind::Dtls);
            port.packets.push(datagram.bytes.to_vec());
        }
        assert!(port.packets.len() >= 20);
        // the sequence numbers go on: a receiver that starts here has the same roll-over counter
        assert_eq!(port.readable(&keys, part), port.packets.len());
    }
}

#[tokio::test(start_paused = true)]
async fn the_phone_offers_a_handshake() {
    for (answer, part) in [("active", Role::Active), ("passive", Role::Passive)] {
        let (lab, mut port) = registered(&[], false).await;
        lab.phone.dial("100").await.unwrap();
        let invite = lab.expect("INVITE").await;
        let (setup, theirs) = announced(&invite);
        assert_eq!(setup, "actpass");
        let shown = own().fingerprint(HashFunction::Sha256);
        lab.reply(&invite, 200, |builder| {
            builder
                .header("Contact", "<sip:100@10.0.0.1:5060>")
                .body("application/sdp", sdp(answer, &shown))
        });
        lab.expect("ACK").await;
        let keys = port.shake(&lab, media_of(&invite), part, theirs).await.unwrap();
        assert_eq!(port.readable(&keys, part), port.packets.len());
        assert!(port.packets.len() > 80);
    }
}

#[tokio::test(start_paused = true)]
async fn other_offers_are_refused() {
    let (lab, _port) = registered(&[], false).await;
    let shown = own().fingerprint(HashFunction::Sha256);
    let whole = sdp("actpass", &shown);
    for (number, broken) in [
        whole.replace("UDP/TLS/RTP/SAVP", "RTP/AVP"),
        whole.replace("UDP/TLS/RTP/SAVP", "RTP/SAVP"),
    ]
    .iter()
    .enumerate()
    {
        lab.send(lab.invite(&format!("x{number}"), Some(broken)).bytes());
        lab.expect_status(488).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_handshake_faults() {
    let shown = own().fingerprint(HashFunction::Sha256);
    // the certificate that is named is not the one that is shown
    let (lab, mut port) = registered(&[Fault::DtlsWrongFingerprint], false).await;
    let dialogue = lab.call_with(&sdp("actpass", &shown)).await;
    let (_, theirs) = announced(&dialogue.ok);
    let result = port
        .shake(&lab, media_of(&dialogue.ok), Role::Passive, theirs)
        .await;
    assert!(
        matches!(result, Err(Some(DtlsFailure::Fingerprint(_)))),
        "{result:?}"
    );

    // a certificate of somebody else
    for (faults, trusting) in [(&[][..], false), (&[Fault::DtlsFingerprintUnchecked][..], true)] {
        let (lab, mut port) = registered(faults, false).await;
        let dialogue = lab.call_with(&sdp("actpass", &shown.clone().spoilt())).await;
        let (_, theirs) = announced(&dialogue.ok);
        let to = media_of(&dialogue.ok);
        let result = port.shake(&lab, to, Role::Passive, theirs).await;
        assert!(result.is_ok());
        assert_eq!(port.packets.len() > 80, trusting, "{}", port.packets.len());
        assert!(trusting || port.packets.is_empty());
    }

    let (lab, _port) = registered(&[Fault::DtlsAnswersActpass], false).await;
    let dialogue = lab.call_with(&sdp("actpass", &shown)).await;
    assert_eq!(announced(&dialogue.ok).0, "actpass");
}
