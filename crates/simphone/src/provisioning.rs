//! Settings that the phone fetches from a server by HTTP or HTTPS, and what it does with them.

use std::time::Duration;

use voxproof_net::Net;

use crate::config::Provisioning;
use crate::phone::Phone;
use crate::streams::StreamEvent;
use crate::{AudioCodec, Fault};

/// So long the server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A longer answer is no configuration.
const LONGEST: usize = 65_536;

/// What a configuration may change, each only where it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) register_expires: Option<u32>,
    pub(crate) codecs: Option<Vec<AudioCodec>>,
    pub(crate) ptime: Option<u32>,
}

/// Fetches a configuration; nothing when the server does not answer 200.
pub(crate) async fn fetch(net: &Net, from: &Provisioning) -> Option<Vec<u8>> {
    tokio::time::timeout(PATIENCE, exchange(net, from)).await.ok()?
}

/// One request and its response, by HTTP/1.0: the end of the connection is the end of the content (RFC 1945 7.2.2).
async fn exchange(net: &Net, from: &Provisioning) -> Option<Vec<u8>> {
    let mut connection = net.connect(None, from.server, from.security.clone()).await.ok()?;
    let (path, server) = (&from.path, from.server);
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {server}\r\nUser-Agent: {}\r\nAccept: */*\r\n\r\n",
        crate::phone::USER_AGENT
    );
    connection.send(request.as_bytes()).await.ok()?;
    let mut response = Vec::new();
    while let Ok(Some(segment)) = connection.recv().await {
        response.extend_from_slice(&segment.bytes);
        if response.len() > LONGEST {
            return None;
        }
        if let Some(content) = whole(&response) {
            return Some(content.to_vec());
        }
    }
    content(&response).map(|(_, content)| content.to_vec())
}

/// The content of a response that is as long as its header says (RFC 9110 8.6).
fn whole(response: &[u8]) -> Option<&[u8]> {
    let (head, content) = content(response)?;
    let length: usize = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())
            .flatten()
    })?;
    content.get(..length)
}

/// Head and content of a response whose status is 200.
fn content(response: &[u8]) -> Option<(String, &[u8])> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = response.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let mut words = head.lines().next()?.split_ascii_whitespace();
    (words.next()?.starts_with("HTTP/1.") && words.next() == Some("200"))
        .then_some(())
        .map(|()| (head.clone(), rest.get(4..).unwrap_or_default()))
}

impl Settings {
    /// Reads lines `name = value`; `#` begins a comment. Names that the phone does not have, and values that it cannot
    /// follow, change nothing.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut settings = Self::default();
        for line in String::from_utf8_lossy(text).lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let value = value.trim();
            match name.trim() {
                "register_expires" => {
                    settings.register_expires = value
                        .parse()
                        .ok()
                        .filter(|seconds| (1..=86_400).contains(seconds));
                }
                "ptime" => {
                    let known = |ptime: &u32| (10..=60).contains(ptime) && ptime.is_multiple_of(10);
                    settings.ptime = value.parse().ok().filter(known);
                }
                "codecs" => {
                    let codecs: Vec<AudioCodec> =
                        value.split([',', ' ']).filter_map(AudioCodec::named).collect();
                    settings.codecs = (!codecs.is_empty()).then_some(codecs);
                }
                _ => {}
            }
        }
        settings
    }
}

impl Phone {
    /// Fetches the configuration before the phone does anything else.
    pub(crate) async fn provision(&mut self) {
        if let Some(from) = self.config.provisioning.clone()
            && let Some(text) = fetch(&self.net, &from).await
        {
            self.follow_settings(&text);
        }
    }

    /// Fetches the configuration again, beside everything else.
    pub(crate) fn provision_again(&self) {
        if self.has(Fault::CheckSyncNotFetched) {
            return;
        }
        if let Some(from) = self.config.provisioning.clone() {
            let (net, events) = (self.net.clone(), self.streams.sender());
            tokio::spawn(async move {
                if let Some(text) = fetch(&net, &from).await {
                    // a phone that is gone needs none
                    let _ = events.send(StreamEvent::Configuration(text));
                }
            });
        }
    }

    /// A new configuration has come while the phone runs.
    pub(crate) fn on_configuration(&mut self, now: Duration, text: &[u8]) {
        self.follow_settings(text);
        if !self.is_stopping() {
            // the registration tells the server about it; one under way carries the old settings
            let _ = self.user_reregisters(now);
        }
    }

    fn follow_settings(&mut self, text: &[u8]) {
        if self.has(Fault::ProvisioningIgnored) {
            return;
        }
        let settings = Settings::parse(text);
        if let Some(seconds) = settings.register_expires {
            self.config.register_expires = seconds;
            self.registration.ask_for(seconds);
        }
        if let Some(codecs) = settings.codecs {
            self.config.codecs = codecs;
        }
        if let Some(ptime) = settings.ptime {
            self.config.ptime = ptime;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_changes_what_it_names() {
        let text = b"# phone\r\nregister_expires = 180\ncodecs = PCMA, G722\nptime = 30 # ms\ncolour = red\n";
        let settings = Settings::parse(text);
        assert_eq!(settings.register_expires, Some(180));
        assert_eq!(settings.codecs, Some(vec![AudioCodec::Pcma, AudioCodec::G722]));
        assert_eq!(settings.ptime, Some(30));
        for nothing in [
            &b""[..],
            b"register_expires = 0\nptime = 25\ncodecs = G729",
            b"\xff = \xfe\n==\n",
            b"register_expires = 99999999999",
        ] {
            assert_eq!(Settings::parse(nothing), Settings::default());
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        #[test]
        fn foreign_bytes_give_settings_that_the_phone_can_follow(bytes: Vec<u8>, value: u64) {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: ".to_vec();
            let response = [head, value.to_string().into_bytes(), b"\r\n\r\n".to_vec(), bytes.clone()].concat();
            let expected = usize::try_from(value).ok().filter(|length| *length <= bytes.len());
            proptest::prop_assert_eq!(whole(&response).map(<[u8]>::len), expected);
            let _ = (whole(&bytes), content(&bytes));
            let text = [b"ptime=".to_vec(), value.to_string().into_bytes(), b"\nregister_expires=".to_vec(), bytes].concat();
            let settings = Settings::parse(&text);
            proptest::prop_assert!(settings.ptime.is_none_or(|ptime| (10..=60).contains(&ptime)));
            proptest::prop_assert!(settings.register_expires.is_none_or(|seconds| (1..=86_400).contains(&seconds)));
        }
    }

    #[test]
    fn a_response_is_read_up_to_its_length() {
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcd";
        assert_eq!(whole(response), Some(&b"abc"[..]));
        assert_eq!(whole(&response[..response.len() - 2]), None);
        assert_eq!(content(response).map(|(_, content)| content), Some(&b"abcd"[..]));
        for refused in [
            &b"HTTP/1.1 404 Not Found\r\n\r\nabc"[..],
            b"HTTP/1.1 200 OK\r\n",
            b"200\r\n\r\n",
            b"\r\n\r\n",
        ] {
            assert_eq!(content(refused), None);
        }
    }
}
