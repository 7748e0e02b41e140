//! What RFC 8866 says about a session description, line by line; what [`super::Description`] cannot read is named here.

use std::net::IpAddr;

use crate::finding::Finding;

/// Order of the session-level lines (RFC 8866 5).
const ORDER: &str = "vosiuepcbtrzka";
const MOST_FINDINGS: usize = 200;

/// Everything that is wrong with the form of a description.
pub fn check(bytes: &[u8]) -> Vec<Finding> {
    let mut check = Check::default();
    check.endings(bytes);
    let text = String::from_utf8_lossy(bytes);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if !line.is_empty() && check.findings.len() < MOST_FINDINGS {
            check.line(line);
        }
    }
    check.finish();
    check.findings
}

#[derive(Default)]
struct Check {
    findings: Vec<Finding>,
    seen: Vec<char>,
    session_connection: bool,
    last_order: usize,
    section: Option<Section>,
    sections: usize,
}

#[derive(Default)]
struct Section {
    port: u32,
    rtp: bool,
    formats: Vec<String>,
    mapped: Vec<String>,
    connection: bool,
    directions: usize,
}

impl Check {
    fn push(&mut self, code: &'static str, clause: &'static str, message: impl Into<String>) {
        self.findings.push(Finding::new(code, clause, message));
    }

    fn endings(&mut self, bytes: &[u8]) {
        let bare = bytes
            .iter()
            .enumerate()
            .any(|(at, byte)| *byte == b'\n' && (at == 0 || bytes.get(at - 1) != Some(&b'\r')));
        if bare {
            self.push("sdp-bare-lf", "RFC 8866 5", "a line ends with LF instead of CRLF");
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            self.push("sdp-last-line-open", "RFC 8866 5", "the last line has no end");
        }
        if std::str::from_utf8(bytes).is_err() {
            self.push("sdp-not-utf8", "RFC 8866 5", "the description is not UTF-8");
        }
    }

    fn line(&mut self, line: &str) {
        let shown: String = line.chars().take(80).collect();
        let mut characters = line.chars();
        let (Some(kind), Some('=')) = (characters.next(), characters.next()) else {
            self.push(
                "sdp-line-malformed",
                "RFC 8866 5",
                format!("{shown:?} is not of the form x=value"),
            );
            return;
        };
        let value = characters.as_str();
        if value.starts_with(' ') {
            self.push(
                "sdp-line-malformed",
                "RFC 8866 5",
                format!("white space after the equals sign in {shown:?}"),
            );
        }
        if kind == 'm' {
            self.close_section();
            self.media(value);
            return;
        }
        if self.section.is_none() {
            self.order(kind, &shown);
        }
        match kind {
            'o' => self.origin(value),
            'c' => self.connection(value),
            'a' => self.attribute(value),
            'v' if value != "0" => self.push(
                "sdp-version",
                "RFC 8866 5.1",
                format!("version {value:?} is not 0"),
            ),
            _ => {}
        }
        self.seen.push(kind);
    }

    fn order(&mut self, kind: char, shown: &str) {
        match ORDER.find(kind) {
            None => self.push(
                "sdp-line-malformed",
                "RFC 8866 5",
                format!("{shown:?} has an unknown type"),
            ),
            // t= and r= repeat as a pair
            Some(at) if at < self.last_order && kind != 't' => self.push(
                "sdp-line-order",
                "RFC 8866 5",
                format!("{shown:?} is not where it belongs"),
            ),
            Some(at) => self.last_order = at,
        }
        if "voscuz".contains(kind) && self.seen.contains(&kind) {
            self.push("sdp-line-repeated", "RFC 8866 5", format!("a second {shown:?}"));
        }
    }

    fn origin(&mut self, value: &str) {
        let parts: Vec<&str> = value.split(' ').collect();
        let number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let good = matches!(parts[..], [_, id, version, "IN", "IP4" | "IP6", address]
            if number(&id) && number(&version) && !address.is_empty())
            && parts.first().is_some_and(|name| !name.is_empty());
        if !good {
            self.push(
                "sdp-origin-invalid",
                "RFC 8866 5.2",
                format!("o= cannot be read: {value:?}"),
            );
        }
    }

    fn connection(&mut self, value: &str) {
        match &mut self.section {
            Some(section) => section.connection = true,
            None => self.session_connection = true,
        }
        let parts: Vec<&str> = value.split(' ').collect();
        let good = match parts[..] {
            ["IN", family @ ("IP4" | "IP6"), address] => {
                let address = address.split('/').next().unwrap_or_default();
                match address.parse::<IpAddr>() {
                    Ok(address) => address.is_ipv6() == (family == "IP6"),
                    Err(_) => {
                        // a host name: has a letter that no address has
                        address.bytes().any(|byte| byte.is_ascii_alphabetic()) && !address.contains(':')
                    }
                }
            }
            _ => false,
        };
        if !good {
            self.push(
                "sdp-connection-invalid",
                "RFC 8866 5.7",
                format!("c= cannot be read: {value:?}"),
            );
        }
    }

    fn media(&mut self, value: &str) {
        self.sections += 1;
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        let (kind, port, protocol) = (words.next(), words.next(), words.next());
        let port = port.and_then(|port| {
            let digits = port.split('/').next().unwrap_or_default();
            let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            valid
                .then(|| digits.parse().ok())
                .flatten()
                .filter(|port| *port <= 65535)
        });
        let formats: Vec<String> = words.map(str::to_owned).take(1000).collect();
        let (Some(_), Some(port), Some(protocol)) = (kind, port, protocol) else {
            let shown: String = value.chars().take(80).collect();
            self.push(
                "sdp-media-invalid",
                "RFC 8866 5.14",
                format!("m= cannot be read: {shown:?}"),
            );
            self.section = Some(Section::default());
            return;
        };
        if formats.is_empty() {
            self.push(
                "sdp-media-invalid",
                "RFC 8866 5.14",
                format!("m= has no format: {value:?}"),
            );
        }
        let rtp = protocol.to_ascii_uppercase().contains("RTP/");
        for (at, format) in formats.iter().enumerate().filter(|_| rtp) {
            if format.parse::<u8>().is_err()
                || format.len() > 3
                || format.parse::<u8>().is_ok_and(|n| n > 127)
            {
                self.push(
                    "sdp-format-invalid",
                    "RFC 8866 5.14",
                    format!("{format:?} is no RTP payload type"),
                );
            } else if formats.get(..at).is_some_and(|before| before.contains(format)) {
                self.push(
                    "sdp-format-repeated",
                    "RFC 3264 5.1",
                    format!("payload type {format} twice"),
                );
            }
        }
        self.section = Some(Section {
            port,
            rtp,
            formats,
            ..Section::default()
        });
    }

    fn attribute(&mut self, value: &str) {
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
        let Some(section) = &mut self.section else {
            return;
        };
        match name {
            _ if directions.contains(&name) => section.directions += 1,
            "ptime" | "maxptime" => {
                let good = value
                    .trim()
                    .parse::<f64>()
                    .is_ok_and(|ms| ms > 0.0 && ms < 10_000.0);
                if !good {
                    self.push(
                        "sdp-ptime-invalid",
                        "RFC 8866 6.4",
                        format!("{name} is {value:?}"),
                    );
                }
            }
            "rtpmap" => self.rtpmap(value),
            "fmtp" => {
                let number = value.split(' ').next().unwrap_or_default();
                if section.rtp && !section.formats.iter().any(|format| format == number) {
                    self.push(
                        "sdp-fmtp-unlisted",
                        "RFC 8866 6.15",
                        format!("fmtp of {number:?}, which is not in m="),
                    );
                }
            }
            _ => {}
        }
    }

    fn rtpmap(&mut self, value: &str) {
        let read = value.split_once(' ').and_then(|(number, map)| {
            let valid = number.parse::<u8>().is_ok_and(|number| number < 128);
            let mut parts = map.trim().split('/');
            let name = parts.next().filter(|name| !name.is_empty())?;
            let rate = parts.next()?.parse::<u32>().ok().filter(|rate| *rate > 0)?;
            let channels = parts.next().is_none_or(|channels| channels.parse::<u8>().is_ok());
            (valid && channels && parts.next().is_none()).then_some((number, name, rate))
        });
        let Some((number, ..)) = read else {
            self.push(
                "sdp-rtpmap-invalid",
                "RFC 8866 6.6",
                format!("rtpmap cannot be read: {value:?}"),
            );
            return;
        };
        let number = number.to_owned();
        let Some(section) = &mut self.section else { return };
        let repeated = section.mapped.contains(&number);
        let listed = section.formats.contains(&number);
        section.mapped.push(number.clone());
        if repeated {
            self.push(
                "sdp-rtpmap-repeated",
                "RFC 8866 6.6",
                format!("two rtpmap of {number}"),
            );
        }
        if !listed {
            self.push(
                "sdp-rtpmap-unlisted",
                "RFC 8866 6.6",
                format!("rtpmap of {number}, which is not in m="),
            );
        }
    }

    fn close_section(&mut self) {
        let Some(section) = self.section.take() else {
            return;
        };
        if section.port != 0 && !section.connection && !self.session_connection {
            self.push(
                "sdp-connection-missing",
                "RFC 8866 5.7",
                "no c= line counts for a section",
            );
        }
        if section.directions > 1 {
            self.push(
                "sdp-direction-repeated",
                "RFC 8866 6.7",
                "several directions in one section",
            );
        }
        let unmapped = section.formats.iter().filter(|format| {
            let dynamic = format
                .parse::<u8>()
                .is_ok_and(|number| (96..128).contains(&number));
            section.rtp && section.port != 0 && dynamic && !section.mapped.contains(format)
        });
        for format in unmapped.cloned().collect::<Vec<_>>() {
            self.push(
                "sdp-rtpmap-missing",
                "RFC 3551 6",
                format!("dynamic payload type {format} has no rtpmap"),
            );
        }
    }

    fn finish(&mut self) {
        self.close_section();
        for (kind, code, clause) in [
            ('v', "sdp-version", "RFC 8866 5.1"),
            ('o', "sdp-origin-missing", "RFC 8866 5.2"),
            ('s', "sdp-session-name-missing", "RFC 8866 5.3"),
            ('t', "sdp-time-missing", "RFC 8866 5.9"),
        ] {
            if !self.seen.contains(&kind) {
                self.push(code, clause, format!("no {kind}= line"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        check(text.as_bytes())
            .iter()
            .map(|finding| finding.code)
            .collect()
    }

    const GOOD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=x\r\n\
        m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

    #[test]
    fn a_description_in_order_has_no_findings() {
        assert_eq!(codes(GOOD), [""; 0]);
        assert_eq!(
            codes(&GOOD.replace("IP4 192.0.2.1\r\nt", "IP4 host.example.com\r\nt")),
            [""; 0]
        );
        assert_eq!(
            codes(&GOOD.replace("IP4 192.0.2.1\r\nt", "IP6 2001:db8::1\r\nt")),
            [""; 0]
        );
    }

    #[test]
    fn each_rule_finds_its_fault() {
        let changes = [
            ("v=0", "v=1", "sdp-version"),
            ("o=- 1 1 IN IP4 192.0.2.1\r\n", "", "sdp-origin-missing"),
            ("o=- 1 1", "o=- x 1", "sdp-origin-invalid"),
            ("s=-\r\n", "", "sdp-session-name-missing"),
            ("c=IN IP4 192.0.2.1\r\n", "", "sdp-connection-missing"),
            ("c=IN IP4", "c=IN IP6", "sdp-connection-invalid"),
            (
                "c=IN IP4 192.0.2.1",
                "c=IN IP4 192.0.2.999",
                "sdp-connection-invalid",
            ),
            ("t=0 0\r\n", "", "sdp-time-missing"),
            ("s=-\r\n", "s=-\r\ns=-\r\n", "sdp-line-repeated"),
            ("t=0 0\r\na=x\r\n", "a=x\r\nb=AS:1\r\nt=0 0\r\n", "sdp-line-order"),
            ("a=x\r\n", "hello\r\n", "sdp-line-malformed"),
            ("a=x\r\n", "q=x\r\n", "sdp-line-malformed"),
            ("m=audio 4000", "m=audio 70000", "sdp-media-invalid"),
            ("m=audio 4000 RTP/AVP 0 101", "m=audio 4000", "sdp-media-invalid"),
            ("AVP 0 101", "AVP 0 101 200", "sdp-format-invalid"),
            ("AVP 0 101", "AVP 0 101 0", "sdp-format-repeated"),
            ("AVP 0 101", "AVP 0 101 96", "sdp-rtpmap-missing"),
            ("telephone-event/8000", "telephone-event", "sdp-rtpmap-invalid"),
            ("rtpmap:101", "rtpmap:300", "sdp-rtpmap-invalid"),
            ("a=ptime:20", "a=rtpmap:9 G722/8000", "sdp-rtpmap-unlisted"),
            ("a=ptime:20", "a=rtpmap:101 X/1", "sdp-rtpmap-repeated"),
            ("fmtp:101", "fmtp:102", "sdp-fmtp-unlisted"),
            ("ptime:20", "ptime:-1", "sdp-ptime-invalid"),
            ("a=ptime:20", "a=sendonly", "sdp-direction-repeated"),
            ("s=-\r\n", "s=-\n", "sdp-bare-lf"),
            ("a=sendrecv\r\n", "a=sendrecv", "sdp-last-line-open"),
        ];
        for (find, replace, code) in changes {
            assert!(GOOD.contains(find), "{find}");
            assert!(
                codes(&GOOD.replacen(find, replace, 1)).contains(&code),
                "{code} {replace}"
            );
        }
        assert!(
            check(b"v=0\r\ns=\xff\r\n")
                .iter()
                .any(|finding| finding.code == "sdp-not-utf8")
        );
    }
}
