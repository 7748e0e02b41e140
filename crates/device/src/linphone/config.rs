//! linphonec's configuration file, which it rewrites: a fresh one each start.

use std::net::SocketAddr;

use crate::{DeviceError, LabAddress};

/// The text of the file.
pub(crate) fn text(lab: &LabAddress, sip_port: u16, rtp_port: u16, instance: Option<&str>) -> String {
    let LabAddress {
        server,
        username,
        password,
        realm,
        device_ip,
    } = lab;
    let contact = SocketAddr::new(*device_ip, sip_port);
    let ipv6 = u8::from(device_ip.is_ipv6());
    let misc = instance
        .map(|instance| format!("[misc]\nuuid={instance}\n"))
        .unwrap_or_default();
    format!(
        "[sip]\nsip_port={sip_port}\nsip_tcp_port=0\nsip_tls_port=0\ncontact=sip:{username}@{contact}\n\
         guess_hostname=0\nregister_only_when_network_is_up=0\ndefault_proxy=0\nmedia_encryption=none\nuse_ipv6={ipv6}\n\
         [proxy_0]\nreg_proxy=<sip:{server}>\nreg_identity=sip:{username}@{server}\nreg_expires=60\n\
         reg_sendregister=1\n\
         [auth_info_0]\nusername={username}\npasswd={password}\nrealm={realm}\n\
         [rtp]\naudio_rtp_port={rtp_port}\n\
         [sound]\nechocancellation=0\n{misc}"
    )
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
    fn addresses_of_both_families() {
        let mut lab = LabAddress {
            server: "127.0.0.1:5080".parse().unwrap(),
            username: "dut".to_owned(),
            password: "secret".to_owned(),
            realm: "lab".to_owned(),
            device_ip: "127.0.0.1".parse().unwrap(),
        };
        let config = text(&lab, 5072, 7078, Some("72d4801b-5f6d-00c3-bbb6-aab29b90b236"));
        for line in [
            "contact=sip:dut@127.0.0.1:5072",
            "use_ipv6=0",
            "reg_proxy=<sip:127.0.0.1:5080>",
            "realm=lab",
        ] {
            assert!(config.lines().any(|one| one == line), "{line}\n{config}");
        }
        lab.device_ip = "::1".parse().unwrap();
        lab.server = "[::1]:5080".parse().unwrap();
        let config = text(&lab, 5072, 7078, Some("72d4801b-5f6d-00c3-bbb6-aab29b90b236"));
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
