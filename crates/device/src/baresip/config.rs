//! baresip's configuration: three text files in a folder.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use voxproof_spec::{BaresipDriver, MediaProfile, MediaSecurity, SignallingTransport};

use crate::{DeviceError, LabAddress};

/// The file its microphone hears. Relative to the folder it is started in: its configuration holds 127 characters.
pub(crate) const SPEECH: &str = "../speech.wav";

/// Where it finds the lab's authority.
const AUTHORITY: &str = "authority.pem";

/// What it needs to run as a device under test.
pub(crate) const MODULES: &[&str] = &[
    "g711", "aufile", "sndfile", "uuid", "account", "contact", "menu", "ctrl_tcp",
];

/// What it needs for the audio loop, loaded when that is switched on.
pub(crate) const LOOP_MODULE: &str = "aubridge";

/// Everything the three files depend on.
pub(crate) struct Configuration<'a> {
    pub(crate) driver: &'a BaresipDriver,
    pub(crate) media: &'a MediaProfile,
    pub(crate) lab: &'a LabAddress,
    pub(crate) sip_port: u16,
    pub(crate) control_port: u16,
    pub(crate) answering: bool,
}

impl Configuration<'_> {
    /// Writes the files.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join("config"), self.config())?;
        fs::write(folder.join("accounts"), self.account())?;
        if self.lab.transport.is_secure() {
            fs::write(folder.join(AUTHORITY), &self.lab.authority_pem)?;
        }
        fs::write(folder.join("contacts"), "")
    }

    fn config(&self) -> String {
        let ip = self.lab.device_ip;
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // writing to a String cannot fail
            let _ = writeln!(text, "{name}\t{value}");
        };
        line("poll_method", "epoll");
        line("sip_listen", &SocketAddr::new(ip, self.sip_port).to_string());
        // without it the SDP names the first interface's address, not the one the lab is reached through
        line("net_interface", &ip.to_string());
        if self.lab.transport.is_secure() {
            line("sip_cafile", AUTHORITY);
        }
        line("call_local_timeout", "120");
        line("call_max_calls", "4");
        // 1.0.0 has no file player, and it ends calls when a player is named that no module offers; with no player
        // module loaded at all it decodes into the sndfile dump and plays nothing
        line("audio_source", &format!("aufile,{SPEECH}"));
        line("audio_player", "aufile,played.wav");
        line("audio_alert", "aufile,alert.wav");
        // a file is played as it is: it has the rate and the channels of the codec
        let rate = Sound::of(self.media).rate.to_string();
        line("ausrc_srate", &rate);
        line("auplay_srate", &rate);
        line("audio_txmode", "thread");
        line("jitter_buffer_delay", "5-10");
        line("rtp_ports", "20000-20999");
        line("statmode_default", "off");
        line("snd_path", ".");
        line(
            "ctrl_tcp_listen",
            &SocketAddr::new(IpAddr::from([127, 0, 0, 1]), self.control_port).to_string(),
        );
        line("module_path", &self.driver.module_path);
        for module in MODULES {
            let kind = match *module {
                "uuid" | "account" => "module_tmp",
                "contact" | "menu" | "ctrl_tcp" => "module_app",
                _ => "module",
            };
            line(kind, &format!("{module}.so"));
        }
        for module in further_modules(self.media) {
            line("module", &format!("{module}.so"));
        }
        text
    }

    fn account(&self) -> String {
        let LabAddress {
            server,
            username,
            password,
            transport,
            ..
        } = self.lab;
        let mode = if self.answering { "auto" } else { "manual" };
        let codecs: Vec<&str> = self.media.codecs.iter().map(|name| codec(name)).collect();
        let codecs = codecs.join(",");
        let parameter = match transport {
            SignallingTransport::Udp => String::new(),
            transport => format!(";transport={}", transport.parameter()),
        };
        let mut account = format!(
            "<sip:{username}@{server}{parameter}>;auth_user={username};auth_pass={password};answermode={mode};regint=60;\
             audio_codecs={codecs};call_transfer=yes"
        );
        if self.lab.needs_outbound_proxy() {
            let _ = write!(account, ";outbound=\"{}\"", self.lab.server_uri());
        }
        match self.media.security {
            MediaSecurity::None => {}
            MediaSecurity::Sdes => account.push_str(";mediaenc=srtp-mand"),
            MediaSecurity::Dtls => account.push_str(";mediaenc=dtls_srtp"),
        }
        account.push('\n');
        account
    }
}

/// The rate and the channels of the file it speaks: those of the first codec, as 1.0.0 plays a file as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sound {
    pub(crate) rate: u32,
    pub(crate) channels: u32,
}

impl Sound {
    pub(crate) fn of(media: &MediaProfile) -> Self {
        let first = media.codecs.first().map(|name| name.to_ascii_lowercase());
        match first.as_deref() {
            Some("g722") => Self {
                rate: 16_000,
                channels: 1,
            },
            Some("opus") => Self {
                rate: 48_000,
                channels: 2,
            },
            _ => Self {
                rate: 8000,
                channels: 1,
            },
        }
    }
}

/// The name that 1.0.0 gives to a codec; one it does not find makes it offer all it has.
fn codec(name: &str) -> &str {
    const NAMES: &[(&str, &str)] = &[
        ("pcmu", "pcmu"),
        ("pcma", "pcma"),
        ("g722", "G722/16000/1"),
        ("opus", "opus/48000/2"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or(name, |(_, own)| own)
}

/// Modules that a profile needs beyond [`MODULES`].
pub(crate) fn further_modules(media: &MediaProfile) -> Vec<&'static str> {
    let codecs = ["g722", "opus"].into_iter().filter(|name| media.has(name));
    let security = match media.security {
        MediaSecurity::None => None,
        MediaSecurity::Sdes => Some("srtp"),
        MediaSecurity::Dtls => Some("dtls_srtp"),
    };
    codecs.chain(security).collect()
}

/// What it has no means for.
pub(crate) fn check_profile(media: &MediaProfile, lab: &LabAddress) -> Result<(), DeviceError> {
    if matches!(lab.transport, SignallingTransport::Ws | SignallingTransport::Wss) {
        return Err(DeviceError::unreachable(
            "baresip",
            "1.0.0 has no SIP over WebSocket",
            "set `transport` in [ixit] to udp, tcp or tls",
        ));
    }
    let sound = Sound::of(media);
    let other = media.codecs.iter().find(|name| {
        let alone = MediaProfile {
            codecs: vec![(*name).clone()],
            ..MediaProfile::default()
        };
        Sound::of(&alone) != sound
    });
    match other {
        Some(other) => Err(DeviceError::unreachable(
            "baresip",
            format!(
                "its speech file cannot serve {other} and the codecs before it: their rates or channels differ"
            ),
            "list only codecs of one rate in [media], PCMU and PCMA, or G722, or opus",
        )),
        None => Ok(()),
    }
}

/// The account is one line of parameters without quoting.
pub(crate) fn check_account(lab: &LabAddress) -> Result<(), DeviceError> {
    for (what, value) in [("user name", &lab.username), ("password", &lab.password)] {
        if value.is_empty()
            || value
                .chars()
                .any(|c| ";,<>\"".contains(c) || c.is_whitespace() || c.is_control())
        {
            return Err(DeviceError::unreachable(
                "baresip",
                format!("its account line cannot carry the {what}"),
                "set another one in [ixit], without blanks and none of ; , < > \"",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(password: &str) -> LabAddress {
        LabAddress {
            server: "127.0.0.1:5080".parse().unwrap(),
            username: "dut".to_owned(),
            password: password.to_owned(),
            realm: "voxproof".to_owned(),
            device_ip: IpAddr::from([127, 0, 0, 1]),
            transport: SignallingTransport::Udp,
            proxied: false,
            dns: None,
            http: None,
            https: None,
            authority_pem: String::new(),
        }
    }

    #[test]
    fn the_files_say_what_they_must() {
        let driver = BaresipDriver::default();
        let media = MediaProfile {
            codecs: vec!["G722".to_owned()],
            ..Default::default()
        };
        let lab = lab("secret");
        let configuration = Configuration {
            driver: &driver,
            media: &media,
            lab: &lab,
            sip_port: 5070,
            control_port: 4444,
            answering: false,
        };
        assert_eq!(
            configuration.account(),
            "<sip:dut@127.0.0.1:5080>;auth_user=dut;auth_pass=secret;answermode=manual;regint=60;\
             audio_codecs=G722/16000/1;call_transfer=yes\n"
        );
        let config = configuration.config();
        for line in [
            "sip_listen\t127.0.0.1:5070",
            "ctrl_tcp_listen\t127.0.0.1:4444",
            "module\tg722.so",
            "ausrc_srate\t16000",
        ] {
            assert!(config.lines().any(|one| one == line), "{line}\n{config}");
        }
        assert!(
            !config.contains("aubridge"),
            "a player module changes how 1.0.0 answers calls"
        );
    }

    #[test]
    fn secure_signalling_and_media_are_configured() {
        let media = MediaProfile {
            security: MediaSecurity::Sdes,
            codecs: vec!["opus".to_owned()],
        };
        let lab = LabAddress {
            transport: SignallingTransport::Tls,
            authority_pem: "certificate".to_owned(),
            ..lab("secret")
        };
        let driver = BaresipDriver::default();
        let configuration = Configuration {
            driver: &driver,
            media: &media,
            lab: &lab,
            sip_port: 5070,
            control_port: 4444,
            answering: true,
        };
        assert_eq!(
            configuration.account(),
            "<sip:dut@127.0.0.1:5080;transport=tls>;auth_user=dut;auth_pass=secret;answermode=auto;regint=60;\
             audio_codecs=opus/48000/2;call_transfer=yes;outbound=\"sip:127.0.0.1:5080;transport=tls\";\
             mediaenc=srtp-mand\n"
        );
        let folder = tempfile::tempdir().unwrap();
        configuration.write(folder.path()).unwrap();
        let config = fs::read_to_string(folder.path().join("config")).unwrap();
        for line in [
            "sip_cafile\tauthority.pem",
            "module\tsrtp.so",
            "module\topus.so",
            "ausrc_srate\t48000",
        ] {
            assert!(config.lines().any(|one| one == line), "{line}\n{config}");
        }
        assert_eq!(
            fs::read_to_string(folder.path().join(AUTHORITY)).unwrap(),
            "certificate"
        );
    }

    #[test]
    fn what_it_has_no_means_for_is_refused() {
        let profile = |codecs: &[&str]| MediaProfile {
            codecs: codecs.iter().map(|name| (*name).to_owned()).collect(),
            ..Default::default()
        };
        assert_eq!(check_profile(&profile(&["PCMA", "PCMU"]), &lab("x")), Ok(()));
        assert!(check_profile(&profile(&["opus", "PCMU"]), &lab("x")).is_err());
        let websocket = LabAddress {
            transport: SignallingTransport::Wss,
            ..lab("x")
        };
        assert!(check_profile(&MediaProfile::default(), &websocket).is_err());
    }

    #[test]
    fn a_password_it_cannot_carry_is_refused() {
        assert_eq!(check_account(&lab("s3cret!")), Ok(()));
        for bad in ["", "a;b", "a b", "a\nb", "<"] {
            assert!(
                matches!(check_account(&lab(bad)), Err(DeviceError::Unreachable { .. })),
                "{bad:?}"
            );
        }
    }
}
