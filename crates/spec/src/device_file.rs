//! The device file: what the device is, what it claims (ICS), how it is reached (IXIT) and driven.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Capability, DriverChain, Located, MediaSecurity, SimDriver, SipDriver};

/// A device under test.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceFile {
    /// Who made it and which firmware it runs.
    pub device: DeviceIdentity,
    /// How it is driven: one driver, or several that are asked in turn.
    pub driver: DriverChain,
    /// Claimed features; items not named take the suite's default.
    #[serde(default)]
    pub ics: BTreeMap<Located<String>, bool>,
    /// Addresses and credentials.
    #[serde(default)]
    pub ixit: Ixit,
    /// What its media are set to, which is also what the lab's peers offer where a case does not say otherwise.
    #[serde(default)]
    pub media: MediaProfile,
}

impl DeviceFile {
    /// The file as it may be shown: without passwords.
    pub fn without_secrets(&self) -> Self {
        let mut shown = self.clone();
        shown.ixit.password = MASK.to_owned();
        for driver in shown.driver.iter_mut() {
            if let Driver::Web(driver) = driver
                && !driver.password.is_empty()
            {
                driver.password = MASK.to_owned();
            }
        }
        shown
    }
}

/// What stands for a password.
const MASK: &str = "***";

/// What the device is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceIdentity {
    /// Maker.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Firmware version; `"auto"` asks the driver.
    pub firmware: String,
}

/// Extra information for testing: never printed with its secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ixit {
    /// Address and port the lab's registrar listens at; port 0 takes a free one.
    pub server: Located<String>,
    /// User part of the device's address of record.
    pub username: String,
    /// Password of the device's account.
    pub password: String,
    /// Where the device can be called when it does not register at the lab, `192.0.2.7:5060`.
    pub address: Option<Located<String>>,
    /// What the device reaches its server by.
    pub transport: SignallingTransport,
    /// Registrar and outbound proxy of the device where these are not the lab's: a proxy between the two,
    /// `192.0.2.3:5060`. The lab then calls the device at `address`, which is the proxy too.
    pub proxy: Option<Located<String>>,
    /// The settings that the device fetches from the lab's web server.
    pub settings: Option<DeviceSettings>,
}

/// A configuration as the device fetches it, in its own format. Written `[ixit.settings]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSettings {
    /// The path that the device asks for, `/phone.cfg`.
    pub path: Located<String>,
    /// Content-Type.
    #[serde(default = "plain")]
    pub content_type: String,
    /// The content, with everything that the device needs to stay in service. `{register_expires}` stands for the interval of its registration in
    /// seconds; `{server}`, `{username}` and `{password}` for its server and account.
    pub text: String,
}

fn plain() -> String {
    "text/plain".to_owned()
}

impl Default for Ixit {
    fn default() -> Self {
        Self {
            server: Located::synthetic("127.0.0.1:0".to_owned()),
            username: "dut".to_owned(),
            password: "voxproof".to_owned(),
            address: None,
            transport: SignallingTransport::Udp,
            proxy: None,
            settings: None,
        }
    }
}

/// What SIP messages travel over (RFC 3261 18, RFC 7118).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum SignallingTransport {
    /// Datagrams.
    #[default]
    Udp,
    /// A connection.
    Tcp,
    /// A connection under TLS.
    Tls,
    /// A WebSocket.
    Ws,
    /// A WebSocket under TLS.
    Wss,
}

impl SignallingTransport {
    /// The value of a `transport` parameter in a URI (RFC 3261 19.1.1).
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// Whether it is encrypted.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }
}

/// What the media of a device are set to. Written `[media]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MediaProfile {
    /// How its media are protected; other media it refuses.
    pub security: MediaSecurity,
    /// Codecs it may use, most wanted first: `PCMU`, `PCMA`, `G722`, `opus`.
    pub codecs: Vec<String>,
}

impl Default for MediaProfile {
    fn default() -> Self {
        Self {
            security: MediaSecurity::None,
            codecs: vec!["PCMU".to_owned(), "PCMA".to_owned()],
        }
    }
}

impl MediaProfile {
    /// Whether the device uses a codec of this name.
    pub fn has(&self, codec: &str) -> bool {
        self.codecs.iter().any(|one| one.eq_ignore_ascii_case(codec))
    }
}

/// A way of driving a device. Written `[driver.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// The embedded simulated phone.
    Sim(SimDriver),
    /// baresip, started by the lab and controlled over its TCP socket.
    Baresip(BaresipDriver),
    /// linphonec, started by the lab and controlled over its unix socket.
    Linphone(LinphoneDriver),
    /// Any program or script, one command an action.
    Command(CommandDriver),
    /// A desk phone, controlled over its web interface.
    Web(WebDriver),
    /// A device that takes orders by SIP from its server, which is the lab.
    Sip(SipDriver),
    /// A person who is asked in the terminal.
    Manual(ManualDriver),
}

impl Driver {
    /// Driver name for reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sim(_) => "sim",
            Self::Baresip(_) => "baresip",
            Self::Linphone(_) => "linphone",
            Self::Command(_) => "command",
            Self::Web(_) => "web",
            Self::Sip(_) => "sip",
            Self::Manual(_) => "manual",
        }
    }
}

/// baresip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BaresipDriver {
    /// Program to start.
    pub program: String,
    /// Folder of its modules.
    pub module_path: String,
    /// Port it listens at for SIP; 0 takes a free one.
    pub sip_port: u16,
}

impl Default for BaresipDriver {
    fn default() -> Self {
        Self {
            program: "baresip".to_owned(),
            module_path: "/usr/lib/baresip/modules".to_owned(),
            sip_port: 0,
        }
    }
}

/// linphonec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinphoneDriver {
    /// Program to start.
    pub program: String,
    /// Port it listens at for SIP; 0 takes a free one.
    pub sip_port: u16,
}

impl Default for LinphoneDriver {
    fn default() -> Self {
        Self {
            program: "linphonec".to_owned(),
            sip_port: 0,
        }
    }
}

/// Commands, run by `sh -c`, with `{server}`, `{transport}`, `{username}`, `{password}`, `{uri}` and `{digits}` filled in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommandDriver {
    /// Starts the device, or makes it register; ends when that is done.
    pub start: Option<String>,
    /// Ends it.
    pub stop: Option<String>,
    /// Command an action (`answer`, `reject`, `hangup`, `dial`, `hold`, `resume`, `dtmf`, `transfer`, `consult`, `complete_transfer`, `restart`, `auto_answer_on`, `auto_answer_off`,
    /// `loopback_on`, `loopback_off`).
    pub action: BTreeMap<Located<String>, String>,
    /// Prints the firmware version.
    pub firmware: Option<String>,
    /// The device answers calls by itself.
    pub answers_by_itself: bool,
}

/// Whose remote control a desk phone has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebInterface {
    /// Yealink: action URI, `/servlet?key=`.
    Yealink,
    /// Snom: `/command.htm`.
    Snom,
    /// Poly and Polycom: the REST API of UC Software.
    Poly,
}

/// A desk phone that takes orders over HTTP or HTTPS. What its interface cannot do, a person is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebDriver {
    /// Whose interface it is.
    pub interface: WebInterface,
    /// Where it is: `http://192.0.2.7`, or `https://` (the certificate is not checked: phones sign their own).
    pub address: Located<String>,
    /// User of the interface.
    #[serde(default)]
    pub username: String,
    /// Password of the interface.
    #[serde(default)]
    pub password: String,
    /// Line to dial from.
    #[serde(default = "first_line")]
    pub line: u8,
    /// The phone is set to answer calls by itself.
    #[serde(default)]
    pub answers_by_itself: bool,
    /// Nobody is there: the phone is set up already, and what the interface cannot do is not done.
    #[serde(default)]
    pub unattended: bool,
}

const fn first_line() -> u8 {
    1
}

/// A person does what the terminal asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ManualDriver {
    /// What this device's user can do; without it everything a person can do at a phone.
    pub can: Option<Vec<Capability>>,
    /// The device answers calls by itself.
    pub answers_by_itself: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let text = r#"
            [device]
            manufacturer = "m"
            model = "m"
            firmware = "1"
            [driver.web]
            interface = "yealink"
            address = "http://192.0.2.7"
            username = "admin"
            password = "of-the-interface"
            [ixit]
            password = "of-the-account"
        "#;
        let file: DeviceFile = toml::from_str(text).unwrap();
        let shown = serde_json::to_string(&file.without_secrets()).unwrap();
        assert!(!shown.contains("of-the-"), "{shown}");
        assert!(shown.contains("admin") && shown.contains(MASK), "{shown}");
    }
}
