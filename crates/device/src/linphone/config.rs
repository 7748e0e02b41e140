//! linphonec's configuration file, which it rewrites: a fresh one each start.

use std::fmt::Write as _;
use std::net::SocketAddr;

use voxproof_spec::{MediaProfile, MediaSecurity, SignallingTransport};

use crate::{DeviceError, LabAddress};

/// Where it finds the lab's authority, in the folder it runs in.
pub(crate) const AUTHORITY: &str = "authority.pem";

/// The folder of its own certificates, in the folder it runs in; no setting of the file changes it.
pub(crate) const CERTIFICATES: &str = "home/.linphone-usr-crt";

/// The name by which it looks for its own certificate for DTLS; without one it makes one.
const IDENTITY: &str = "linphone-dtls-default-identity";

/// The text of the file.
pub(crate) fn text(
    lab: &LabAddress,
    media: &MediaProfile,
    sip_port: u16,
    rtp_port: u16,
    instance: Option<&str>,
) -> String {
    let LabAddress {
        server,
        username,
        password,
        realm,
        device_ip,
        transport,
        ..
    } = lab;
    let contact = SocketAddr::new(*device_ip, sip_port);
    let ipv6 = u8::from(device_ip.is_ipv6());
    let port = |of: SignallingTransport| if *transport == of { sip_port } else { 0 };
    let (udp, tcp, tls) = (
        port(SignallingTransport::Udp),
        port(SignallingTransport::Tcp),
        port(SignallingTransport::Tls),
    );
    let parameter = match transport {
        SignallingTransport::Udp => String::new(),
        transport => format!(";transport={}", transport.parameter()),
    };
    let encryption = match media.security {
        MediaSecurity::None => "none",
        MediaSecurity::Sdes => "srtp",
        MediaSecurity::Dtls => "dtls",
    };
    let mandatory = u8::from(media.security != MediaSecurity::None);
    // the chain is verified and the name is not: it knows names of hosts only, and the lab's certificate names an address
    // (RFC 5922 7.1 has the address in subjectAltName)
    let server_uri = lab.server_uri();
    let route = if lab.needs_outbound_proxy() {
        format!("reg_route=<{server_uri};lr>\n")
    } else {
        String::new()
    };
    let mut text = format!(
        "[sip]\nsip_port={udp}\nsip_tcp_port={tcp}\nsip_tls_port={tls}\ncontact=sip:{username}@{contact}{parameter}\n\
         guess_hostname=0\nregister_only_when_network_is_up=0\ndefault_proxy=0\nmedia_encryption={encryption}\n\
         media_encryption_mandatory={mandatory}\nuse_ipv6={ipv6}\nroot_ca={AUTHORITY}\nverify_server_certs=1\n\
         verify_server_cn=0\n\
         [proxy_0]\nreg_proxy=<{server_uri}>\nreg_identity=sip:{username}@{server}\n{route}reg_expires=60\n\
         reg_sendregister=1\n\
         [auth_info_0]\nusername={username}\npasswd={password}\nrealm={realm}\n\
         [rtp]\naudio_rtp_port={rtp_port}\n\
         [sound]\nechocancellation=0\n\
         [misc]\nadd_missing_audio_codecs=0\n{instance}",
        instance = instance
            .map(|instance| format!("uuid={instance}\n"))
            .unwrap_or_default(),
    );
    // keys are telephone-events, which it takes for a codec: without the line it offers none, and its own clock differs
    let keys = "telephone-event".to_owned();
    for (index, name) in media.codecs.iter().chain([&keys]).enumerate() {
        let (rate, channels) = clock(name);
        // writing to a String cannot fail
        let _ = write!(
            text,
            "[audio_codec_{index}]\nmime={name}\nrate={rate}\nchannels={channels}\nenabled=1\n"
        );
    }
    text
}

/// A certificate with an elliptic curve key, and the key, as it reads its own ones. Those that it makes have RSA keys,
/// which the lab's DTLS does not verify.
pub(crate) fn identity() -> Result<(String, String), rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut request = rcgen::CertificateParams::default();
    request.distinguished_name = rcgen::DistinguishedName::new();
    request
        .distinguished_name
        .push(rcgen::DnType::CommonName, IDENTITY);
    let certificate = request.self_signed(&key)?;
    Ok((
        format!("{IDENTITY}.pem"),
        format!("{}{}", certificate.pem(), key.serialize_pem()),
    ))
}

/// RTP clock and channels of a codec as its rtpmap has them (RFC 3551 6, RFC 7587 7).
fn clock(codec: &str) -> (u32, u32) {
    if codec.eq_ignore_ascii_case("opus") {
        (48_000, 2)
    } else {
        (8000, 1)
    }
}

/// What it has no means for.
pub(crate) fn check_profile(lab: &LabAddress) -> Result<(), DeviceError> {
    if matches!(lab.transport, SignallingTransport::Ws | SignallingTransport::Wss) {
        return Err(DeviceError::unreachable(
            "linphonec",
            "it has no SIP over WebSocket",
            "set `transport` in [ixit] to udp, tcp or tls",
        ));
    }
    Ok(())
}

/// The instance identifier in a file that linphonec has rewritten.
pub(crate) fn instance(rewritten: &str) -> Option<String> {
    let value = rewritten
        .lines()
        .find_map(|line| line.strip_prefix("uuid="))?
        .trim();
    let uuid = value.len() == 36 && value.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    uuid.then(|| value.to_owned())
}

/// One value a line, read to the line's end.
pub(crate) fn check(lab: &LabAddress) -> Result<(), DeviceError> {
    for (what, value) in [
        ("user name", &lab.username),
        ("password", &lab.password),
        ("realm", &lab.realm),
    ] {
        if value.is_empty() || value.trim() != value || value.chars().any(char::is_control) {
            return Err(DeviceError::unreachable(
                "linphonec",
                format!("its configuration cannot carry the {what}"),
                "set another one in [ixit], without blanks at its ends and without line breaks",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_identity_is_a_certificate_and_a_key() {
        let (name, text) = identity().unwrap();
        assert_eq!(name, "linphone-dtls-default-identity.pem");
        assert!(text.starts_with("-----BEGIN CERTIFICATE-----"), "{text}");
        assert!(text.contains("-----BEGIN PRIVATE KEY-----"), "{text}");
    }

    #[test]
    fn addresses_of_both_families() {
        let media = MediaProfile::default();
        let mut lab = LabAddress {
            server: "127.0.0.1:5080".parse().unwrap(),
            username: "dut".to_owned(),
            password: "secret".to_owned(),
            realm: "lab".to_owned(),
            device_ip: "127.0.0.1".parse().unwrap(),
            transport: SignallingTransport::Udp,
            proxied: false,
            dns: None,
            http: None,
            https: None,
            authority_pem: String::new(),
        };
        let config = text(
            &lab,
            &media,
            5072,
            7078,
            Some("72d4801b-5f6d-00c3-bbb6-aab29b90b236"),
        );
        for line in [
            "contact=sip:dut@127.0.0.1:5072",
            "use_ipv6=0",
            "reg_proxy=<sip:127.0.0.1:5080>",
            "realm=lab",
        ] {
            assert!(config.lines().any(|one| one == line), "{line}\n{config}");
        }
        let secured = MediaProfile {
            security: MediaSecurity::Dtls,
            codecs: vec!["G722".to_owned(), "opus".to_owned()],
        };
        lab.transport = SignallingTransport::Tls;
        let config = text(&lab, &secured, 5072, 7078, None);
        for line in [
            "sip_port=0",
            "sip_tls_port=5072",
            "contact=sip:dut@127.0.0.1:5072;transport=tls",
            "reg_proxy=<sip:127.0.0.1:5080;transport=tls>",
            "reg_route=<sip:127.0.0.1:5080;transport=tls;lr>",
            "root_ca=authority.pem",
            "media_encryption=dtls",
            "media_encryption_mandatory=1",
            "[audio_codec_1]",
            "mime=opus",
            "rate=48000",
        ] {
            assert!(config.lines().any(|one| one == line), "{line}\n{config}");
        }
        lab.transport = SignallingTransport::Wss;
        assert!(check_profile(&lab).is_err());
        lab.transport = SignallingTransport::Udp;
        assert_eq!(check_profile(&lab), Ok(()));
        lab.device_ip = "::1".parse().unwrap();
        lab.server = "[::1]:5080".parse().unwrap();
        let config = text(
            &lab,
            &media,
            5072,
            7078,
            Some("72d4801b-5f6d-00c3-bbb6-aab29b90b236"),
        );
        for line in [
            "contact=sip:dut@[::1]:5072",
            "use_ipv6=1",
            "reg_identity=sip:dut@[::1]:5080",
        ] {
            assert!(config.lines().any(|one| one == line), "{line}\n{config}");
        }
        assert_eq!(
            instance(&config).as_deref(),
            Some("72d4801b-5f6d-00c3-bbb6-aab29b90b236")
        );
        assert_eq!(instance("[misc]\nuuid=0\n"), None);
        assert_eq!(check(&lab), Ok(()));
        lab.password = "a\nb".to_owned();
        assert!(check(&lab).is_err());
    }
}
