//! The lab's DNS and HTTP services, as a case orders them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Certificate, Located, Span};

/// Sets what the lab's DNS server answers from now on. Failure and delay hold until the next such step.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsStep {
    /// Forgets all records first.
    #[serde(default)]
    pub replace: bool,
    /// Records served from now on, in this order; they replace what was served by the same name and type.
    #[serde(default)]
    pub records: Vec<DnsRecordStep>,
    /// Records withdrawn, as when a server fails.
    #[serde(default)]
    pub withdraw: Vec<DnsSelection>,
    /// What is done instead of answering.
    #[serde(default)]
    pub fail: DnsFailure,
    /// How long every answer waits.
    #[serde(default)]
    pub delay: Option<Span>,
    /// The queries that `fail` and `delay` meet; all if not given.
    #[serde(default)]
    pub only: DnsSelection,
    /// How many queries they meet; all if not given.
    #[serde(default)]
    pub times: Option<u32>,
}

/// One resource record.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsRecordStep {
    /// The name, in full; `*` as its first label stands for any.
    pub name: Located<String>,
    /// `A`, `AAAA`, `SRV`, `NAPTR`, `CNAME`, `TXT`, `NS` or `PTR`.
    #[serde(rename = "type")]
    pub kind: Located<String>,
    /// The value as in a zone file, names in full: `192.0.2.1`, `10 60 5060 sip.example.com`. `{address}` is the lab's address, `{port}` that of its
    /// SIP server.
    pub value: Located<String>,
    /// Time to live, seconds (default 60).
    #[serde(default = "minute")]
    pub ttl: u32,
    /// Withdrawn this long after the step.
    #[serde(default)]
    pub withdrawn_after: Option<Span>,
}

fn minute() -> u32 {
    60
}

/// Names and types; one that is not given stands for any.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsSelection {
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// The type.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// What the DNS server does instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DnsFailure {
    /// It answers.
    #[default]
    None,
    /// Response code 2.
    Servfail,
    /// Response code 3: there is no such name.
    Nxdomain,
    /// Response code 5.
    Refused,
    /// Response code 4.
    NotImplemented,
    /// Response code 1.
    FormatError,
    /// No error, but no records either.
    NoData,
    /// Over UDP it sends no records and TC, so that the device has to come over TCP (RFC 7766 5).
    Truncate,
    /// It does not answer.
    Drop,
}

/// Sets what the lab's HTTP server serves for a path from now on. A later step goes before an earlier one of the same path.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpStep {
    /// The path; with `*` at its end every path that begins so.
    #[serde(default)]
    pub path: Option<Located<String>>,
    /// Instead of path, content type and body: the settings of the device in its own format, as `[ixit.settings]` of its file says, with these values filled in.
    #[serde(default)]
    pub settings: Option<BTreeMap<String, String>>,
    /// Status (default 200).
    #[serde(default = "ok")]
    pub status: u16,
    /// Content-Type.
    #[serde(default = "plain")]
    pub content_type: String,
    /// Content. `{server}`, `{username}` and `{password}` are the lab's SIP server and the device's account.
    #[serde(default)]
    pub body: String,
    /// Further header fields of the response.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How long the response waits.
    #[serde(default)]
    pub delay: Option<Span>,
    /// Credentials wanted.
    #[serde(default)]
    pub authentication: HttpAuthentication,
    /// User name wanted (default: that of the device's account).
    #[serde(default)]
    pub username: Option<String>,
    /// Password wanted (default: that of the device's account).
    #[serde(default)]
    pub password: Option<String>,
    /// Served over TLS only.
    #[serde(default)]
    pub tls: bool,
    /// A client certificate is wanted; without one the device gets 403.
    #[serde(default)]
    pub client_certificate: bool,
    /// How many requests are served so, before the earlier step holds again; all if not given.
    #[serde(default)]
    pub times: Option<u32>,
    /// What goes wrong with the response.
    #[serde(default)]
    pub fail: HttpFailure,
}

fn ok() -> u16 {
    200
}

fn plain() -> String {
    "text/plain".to_owned()
}

/// Sets the certificate that the lab's HTTPS server presents from now on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpsStep {
    /// The certificate.
    pub certificate: Certificate,
}

/// Credentials an HTTP request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HttpAuthentication {
    /// None.
    #[default]
    None,
    /// RFC 7617.
    Basic,
    /// RFC 7616 with MD5.
    Digest,
    /// RFC 7616 with SHA-256.
    DigestSha256,
}

/// What goes wrong with an HTTP response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFailure {
    /// Nothing.
    #[default]
    None,
    /// The connection is closed instead.
    Close,
    /// The connection is reset instead.
    Reset,
    /// There is no response.
    Drop,
    /// Half of the content is sent, then the connection is closed.
    Truncate,
}

/// Waits for a DNS query or an HTTP request of the device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwaitService {
    /// Which service.
    pub service: ServiceName,
    /// DNS: the name asked for. HTTP: the path, with `*` at its end every path that begins so. Any if not given.
    #[serde(default)]
    pub name: Option<String>,
    /// DNS: the type. HTTP: the method. Any if not given.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// How long the device has.
    pub within: Span,
    /// Mark of the moment.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

/// A service of the lab beside SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceName {
    /// DNS over UDP and TCP.
    Dns,
    /// HTTP and HTTPS.
    Http,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_written() {
        let step: DnsStep = toml::from_str(
            r#"
            records = [
                { name = "_sip._udp.example.com", type = "SRV", value = "10 60 5060 a.example.com", ttl = 5 },
                { name = "a.example.com", type = "A", value = "{address}" },
            ]
            withdraw = [{ name = "b.example.com" }]
            fail = "servfail"
            delay = "2 s"
            only = { type = "NAPTR" }
            times = 1
            "#,
        )
        .unwrap();
        assert_eq!(step.records[0].kind.as_str(), "SRV");
        assert_eq!((step.records[0].ttl, step.records[1].ttl), (5, 60));
        assert_eq!(step.fail, DnsFailure::Servfail);
        assert_eq!(step.only.kind.as_deref(), Some("NAPTR"));
        assert_eq!(step.withdraw.len(), 1);

        let step: HttpStep =
            toml::from_str("path = \"/cfg.xml\"\nauthentication = \"digest-sha256\"\ntls = true").unwrap();
        assert_eq!((step.status, step.content_type.as_str()), (200, "text/plain"));
        assert_eq!(step.authentication, HttpAuthentication::DigestSha256);
        assert!(step.tls && !step.client_certificate);

        let step: HttpStep = toml::from_str("settings = { register_expires = \"180\" }").unwrap();
        assert!(step.path.is_none() && step.settings.is_some_and(|values| values.len() == 1));

        let step: HttpsStep = toml::from_str("certificate = \"expired\"").unwrap();
        assert_eq!(step.certificate, Certificate::Expired);

        let step: AwaitService =
            toml::from_str("service = \"http\"\nname = \"/cfg*\"\nwithin = \"10 s\"").unwrap();
        assert_eq!(step.service, ServiceName::Http);
        assert!(toml::from_str::<HttpStep>("path = \"/\"\nfail = \"often\"").is_err());
    }
}
