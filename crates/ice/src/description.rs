use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::candidate::{Candidate, CandidateType};
use crate::credentials::Credentials;
use crate::finding::{Finding, quoted};

/// Candidates of one device read from a session description beyond this number are reported and not used.
const MOST_CANDIDATES: usize = 100;

/// What a device's session description says about ICE for one media stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteDescription {
    /// Fragment and password; `None` when the device does not offer ICE.
    pub credentials: Option<Credentials>,
    /// The UDP candidates with literal addresses.
    pub candidates: Vec<Candidate>,
    /// `a=ice-lite` was present (RFC 8839 5.3).
    pub lite: bool,
    /// `a=ice-mismatch` was present (RFC 8839 5.3).
    pub mismatch: bool,
    /// Tags of `a=ice-options` (RFC 8839 5.6).
    pub options: Vec<String>,
    /// `a=ice-pacing` in milliseconds (RFC 8839 5.5).
    pub pacing: Option<u32>,
    /// `a=remote-candidates`: component and address of each (RFC 8839 5.2).
    pub remote_candidates: Vec<(u16, SocketAddr)>,
    /// `a=end-of-candidates` was present (RFC 8840 8.2).
    pub end_of_candidates: bool,
    /// What breaks RFC 8839 or RFC 8445.
    pub findings: Vec<Finding>,
}

impl RemoteDescription {
    /// Reads the attributes of the session level and of one media section, each as name and value without `a=`.
    ///
    /// Attributes that have nothing to do with ICE are skipped.
    pub fn from_attributes<'a>(
        session: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
        media: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Self {
        let mut read = Self::default();
        let mut fragment = None;
        let mut password = None;
        let levels = session.into_iter().map(|line| (true, line));
        for (session_level, (name, value)) in levels.chain(media.into_iter().map(|line| (false, line))) {
            let text = value.unwrap_or("").trim();
            match name {
                // what the media section says replaces what the session says (RFC 8839 5.4)
                "ice-ufrag" => fragment = Some(text),
                "ice-pwd" => password = Some(text),
                "ice-lite" => {
                    read.lite = true;
                    read.level(session_level, true, name);
                }
                "ice-mismatch" => {
                    read.mismatch = true;
                    read.level(session_level, false, name);
                }
                "ice-options" => {
                    read.options
                        .extend(text.split_ascii_whitespace().take(32).map(str::to_owned));
                }
                "ice-pacing" => read.read_pacing(session_level, text),
                "candidate" => {
                    read.level(session_level, false, name);
                    read.read_candidate(text);
                }
                "remote-candidates" => read.read_remote_candidates(text),
                "end-of-candidates" => read.end_of_candidates = true,
                _ => (),
            }
        }
        match (fragment, password) {
            (Some(fragment), Some(password)) => {
                read.credentials = Credentials::of_device(fragment, password, &mut read.findings);
            }
            (None, None) if !read.candidates.is_empty() => {
                read.report(
                    "ice-credentials",
                    "RFC 8839 5.4",
                    "candidates without ice-ufrag and ice-pwd",
                );
            }
            (None, None) => (),
            _ => read.report(
                "ice-credentials",
                "RFC 8839 5.4",
                "one of ice-ufrag and ice-pwd without the other",
            ),
        }
        read.compare_candidates();
        read
    }

    /// Whether the device does ICE and did not find the candidates altered on the way.
    pub fn uses_ice(&self) -> bool {
        self.credentials.is_some() && !self.mismatch
    }

    /// Whether the device asks for a restart, compared with what it said before (RFC 8839 4.4.1.1.1, RFC 8445 9).
    pub fn restarts(&self, before: &Self) -> bool {
        match (&self.credentials, &before.credentials) {
            (Some(new), Some(old)) => new != old,
            _ => false,
        }
    }

    /// Checks that the default destination of a component (the `c=` and `m=` or `a=rtcp` lines) is one of the
    /// candidates (RFC 8839 4.2.5); without ICE there is nothing to check.
    pub fn check_default(&self, component: u16, default: SocketAddr) -> Option<Finding> {
        let listed = self
            .candidates
            .iter()
            .any(|c| c.component == component && c.address == default);
        // trickle with no candidate yet uses port 9 (RFC 8840 4.1.1)
        let trickled = default.port() == 9 && self.options.iter().any(|option| option == "trickle");
        (self.uses_ice() && !self.candidates.is_empty() && !listed && !trickled).then(|| {
            let text = format!("no candidate for the default destination {default} of component {component}");
            Finding::new("ice-default-destination", "RFC 8839 4.2.5", text)
        })
    }

    fn report(&mut self, code: &'static str, clause: &'static str, text: impl Into<String>) {
        if self.findings.len() < MOST_CANDIDATES {
            self.findings.push(Finding::new(code, clause, text));
        }
    }

    fn level(&mut self, session_level: bool, wanted: bool, name: &str) {
        if session_level != wanted {
            let place = if session_level {
                "at session level"
            } else {
                "in a media section"
            };
            let clause = if name == "candidate" {
                "RFC 8839 5.1"
            } else {
                "RFC 8839 5.3"
            };
            self.report("ice-attribute-level", clause, format!("a={name} {place}"));
        }
    }

    fn read_pacing(&mut self, session_level: bool, text: &str) {
        if !session_level {
            self.report(
                "ice-attribute-level",
                "RFC 8839 5.5",
                "a=ice-pacing in a media section",
            );
        }
        match text.parse() {
            Ok(pacing) => self.pacing = Some(pacing),
            Err(_) => self.report(
                "ice-pacing",
                "RFC 8839 5.5",
                format!("ice-pacing {}", quoted(text)),
            ),
        }
    }

    fn read_candidate(&mut self, text: &str) {
        if self.candidates.len() >= MOST_CANDIDATES {
            self.report("candidate-number", "RFC 8445 5.1.1", "more than 100 candidates");
            return;
        }
        let parsed = Candidate::parse(text);
        for finding in parsed.findings {
            self.report(finding.code, finding.clause, finding.message);
        }
        self.candidates.extend(parsed.candidate);
    }

    fn read_remote_candidates(&mut self, text: &str) {
        let words: Vec<&str> = text.split_ascii_whitespace().take(3 * 256).collect();
        for triple in words.chunks(3) {
            let read = match *triple {
                [component, address, port] => component.parse::<u16>().ok().zip(
                    address
                        .parse()
                        .ok()
                        .zip(port.parse().ok())
                        .map(|(ip, port)| SocketAddr::new(ip, port)),
                ),
                _ => None,
            };
            match read {
                Some(candidate) => self.remote_candidates.push(candidate),
                None => {
                    let text = format!("remote-candidates {}", quoted(&triple.join(" ")));
                    self.report("ice-remote-candidates", "RFC 8839 5.2", text);
                }
            }
        }
    }

    fn compare_candidates(&mut self) {
        let mut found = Vec::new();
        let mut addresses = BTreeMap::new();
        let mut priorities = BTreeMap::new();
        let mut foundations = BTreeMap::new();
        for candidate in &self.candidates {
            let Candidate {
                component,
                address,
                kind,
                priority,
                foundation,
                ..
            } = candidate;
            if addresses
                .insert((*component, *address, candidate.related), ())
                .is_some()
            {
                let text = format!("{address} twice for component {component}");
                found.push(Finding::new("candidate-redundant", "RFC 8445 5.1.3", text));
            }
            if priorities
                .insert(*priority, *address)
                .is_some_and(|other| other != *address)
            {
                let text = format!("priority {priority} of {address} is that of another candidate");
                found.push(Finding::new("candidate-priority-unique", "RFC 8445 5.1.2", text));
            }
            // of the things that make a foundation only the type and the base of a host candidate are in the line
            let base = (*kind == CandidateType::Host).then(|| address.ip());
            let other = foundations.insert(foundation.as_str(), (*kind, base));
            if other.is_some_and(|other| other != (*kind, base)) {
                let text = format!(
                    "foundation {} for candidates of different type or base",
                    quoted(foundation)
                );
                found.push(Finding::new(
                    "candidate-foundation-shared",
                    "RFC 8445 5.1.1.3",
                    text,
                ));
            }
        }
        for finding in found {
            self.report(finding.code, finding.clause, finding.message);
        }
    }
}

/// What an agent puts into its session description, as names and values of attributes without `a=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDescription {
    /// Attributes of the session level (`ice-lite`, `ice-options`).
    pub session: Vec<(&'static str, Option<String>)>,
    /// Attributes of the media section (`ice-ufrag`, `ice-pwd`, `candidate`).
    pub media: Vec<(&'static str, Option<String>)>,
}

impl LocalDescription {
    /// The attributes of the media section as lines (`a=ice-ufrag:...`) without line ends.
    pub fn media_lines(&self) -> Vec<String> {
        lines(&self.media)
    }

    /// The attributes of the session level as lines (`a=ice-lite`) without line ends.
    pub fn session_lines(&self) -> Vec<String> {
        lines(&self.session)
    }
}

fn lines(attributes: &[(&'static str, Option<String>)]) -> Vec<String> {
    attributes
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("a={name}:{value}"),
            None => format!("a={name}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UFRAG: (&str, Option<&str>) = ("ice-ufrag", Some("8hhY"));
    const PWD: (&str, Option<&str>) = ("ice-pwd", Some("asd88fgpdd777uzjYhagZg"));
    const HOST: (&str, Option<&str>) = (
        "candidate",
        Some("1 1 UDP 2130706431 203.0.113.141 8998 typ host"),
    );

    fn codes(
        session: &[(&'static str, Option<&'static str>)],
        media: &[(&'static str, Option<&'static str>)],
    ) -> Vec<&'static str> {
        let read = RemoteDescription::from_attributes(session.iter().copied(), media.iter().copied());
        read.findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_whole_description_is_read() {
        let session = [
            ("ice-options", Some("ice2 trickle")),
            ("ice-lite", None),
            ("ice-pacing", Some("50")),
        ];
        let remote = ("remote-candidates", Some("1 192.0.2.3 45664 2 192.0.2.3 45665"));
        let read =
            RemoteDescription::from_attributes(session, [UFRAG, PWD, HOST, ("sendrecv", None), remote]);
        assert_eq!(read.findings, []);
        assert!(read.uses_ice() && read.lite && read.pacing == Some(50));
        assert_eq!(read.options, ["ice2", "trickle"]);
        assert_eq!(read.remote_candidates.len(), 2);
        let default = "203.0.113.141:8998".parse().expect("an address");
        assert_eq!(read.check_default(1, default), None);
        assert!(read.check_default(2, default).is_some());
    }

    #[test]
    fn media_credentials_replace_those_of_the_session() {
        let read = RemoteDescription::from_attributes([("ice-ufrag", Some("session")), PWD], [UFRAG, HOST]);
        assert_eq!(read.credentials.expect("credentials").fragment(), "8hhY");
    }

    #[test]
    fn what_is_missing_or_misplaced_is_found() {
        assert_eq!(codes(&[], &[HOST]), ["ice-credentials"]);
        assert_eq!(codes(&[], &[UFRAG, HOST]), ["ice-credentials"]);
        assert_eq!(
            codes(&[], &[("ice-ufrag", Some("8hh")), PWD]),
            ["ice-credentials"]
        );
        assert_eq!(
            codes(&[], &[UFRAG, PWD, ("ice-lite", None)]),
            ["ice-attribute-level"]
        );
        assert_eq!(codes(&[HOST], &[UFRAG, PWD]), ["ice-attribute-level"]);
        assert_eq!(
            codes(&[], &[UFRAG, PWD, ("remote-candidates", Some("1 192.0.2.3"))]),
            ["ice-remote-candidates"]
        );
    }

    #[test]
    fn candidates_that_contradict_each_other_are_found() {
        let again = (
            "candidate",
            Some("1 1 UDP 2130706175 203.0.113.141 8998 typ host"),
        );
        assert_eq!(codes(&[], &[UFRAG, PWD, HOST, again]), ["candidate-redundant"]);
        let same_priority = (
            "candidate",
            Some("2 1 UDP 2130706431 203.0.113.142 8998 typ host"),
        );
        assert_eq!(
            codes(&[], &[UFRAG, PWD, HOST, same_priority]),
            ["candidate-priority-unique"]
        );
        let same_foundation = (
            "candidate",
            Some("1 1 UDP 2130706175 203.0.113.142 8998 typ host"),
        );
        assert_eq!(
            codes(&[], &[UFRAG, PWD, HOST, same_foundation]),
            ["candidate-foundation-shared"]
        );
    }

    #[test]
    fn a_changed_password_is_a_restart() {
        let before = RemoteDescription::from_attributes([], [UFRAG, PWD, HOST]);
        let after = RemoteDescription::from_attributes(
            [],
            [UFRAG, ("ice-pwd", Some("asd88fgpdd777uzjYhagZh")), HOST],
        );
        assert!(after.restarts(&before) && !before.restarts(&before));
    }
}
