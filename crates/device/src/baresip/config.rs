//! baresip's configuration: three text files in a folder.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use voxproof_spec::BaresipDriver;

use crate::{DeviceError, LabAddress};

/// The file its microphone hears. Relative to the folder it is started in: its configuration holds 127 characters.
pub(crate) const SPEECH: &str = "../speech.wav";

/// What it needs to run as a device under test.
pub(crate) const MODULES: &[&str] = &[
    "g711", "aufile", "sndfile", "uuid", "account", "contact", "menu", "ctrl_tcp",
];

/// What it needs for the audio loop, loaded when that is switched on.
pub(crate) const LOOP_MODULE: &str = "aubridge";

/// Everything the three files depend on.
pub(crate) struct Configuration<'a> {
    pub(crate) driver: &'a BaresipDriver,
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
        line("call_local_timeout", "120");
        line("call_max_calls", "4");
        // 1.0.0 has no file player, and it ends calls when a player is named that no module offers; with no player
        // module loaded at all it decodes into the sndfile dump and plays nothing
        line("audio_source", &format!("aufile,{SPEECH}"));
        line("audio_player", "aufile,played.wav");
        line("audio_alert", "aufile,alert.wav");
        line("ausrc_srate", "8000");
        line("auplay_srate", "8000");
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
        if self
            .driver
            .codecs
            .iter()
            .any(|codec| codec.to_ascii_lowercase().starts_with("g722"))
        {
            line("module", "g722.so");
        }
        text
    }

    fn account(&self) -> String {
        let LabAddress {
            server,
            username,
            password,
            ..
        } = self.lab;
        let mode = if self.answering { "auto" } else { "manual" };
        let codecs = self.driver.codecs.join(",");
        format!(
            "<sip:{username}@{server}>;auth_user={username};auth_pass={password};answermode={mode};regint=60;\
             audio_codecs={codecs};call_transfer=yes\n"
        )
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
        }
    }

    #[test]
    fn the_files_say_what_they_must() {
        let driver = BaresipDriver {
            codecs: vec!["pcma".to_owned(), "G722/16000/1".to_owned()],
            ..Default::default()
        };
        let lab = lab("secret");
        let configuration = Configuration {
            driver: &driver,
            lab: &lab,
            sip_port: 5070,
            control_port: 4444,
            answering: false,
        };
        assert_eq!(
            configuration.account(),
            "<sip:dut@127.0.0.1:5080>;auth_user=dut;auth_pass=secret;answermode=manual;regint=60;\
             audio_codecs=pcma,G722/16000/1;call_transfer=yes\n"
        );
        let config = configuration.config();
        for line in [
            "sip_listen\t127.0.0.1:5070",
            "ctrl_tcp_listen\t127.0.0.1:4444",
            "module\tg722.so",
        ] {
            assert!(config.lines().any(|one| one == line), "{line}\n{config}");
        }
        assert!(
            !config.contains("aubridge"),
            "a player module changes how 1.0.0 answers calls"
        );
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
