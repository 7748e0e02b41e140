use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::credentials::is_ice_text;
use crate::finding::{Finding, quoted};

/// How an agent came by a candidate (RFC 8445 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateType {
    /// An address of an interface.
    Host,
    /// The address a STUN server saw.
    ServerReflexive,
    /// The address the peer saw in a check.
    PeerReflexive,
    /// An address at a TURN server.
    Relayed,
}

impl CandidateType {
    /// The recommended type preference (RFC 8445 5.1.2.2).
    pub const fn preference(self) -> u32 {
        match self {
            Self::Host => 126,
            Self::PeerReflexive => 110,
            Self::ServerReflexive => 100,
            Self::Relayed => 0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Host,
            Self::ServerReflexive,
            Self::PeerReflexive,
            Self::Relayed,
        ];
        all.into_iter().find(|kind| kind.name() == text)
    }
}

/// The priority of a candidate (RFC 8445 5.1.2.1); `component` counts from 1.
pub const fn candidate_priority(kind: CandidateType, local_preference: u16, component: u16) -> u32 {
    let component = if component > 256 { 256 } else { component as u32 };
    (kind.preference() << 24) + ((local_preference as u32) << 8) + (256 - component)
}

/// The priority of a pair from those of the two candidates (RFC 8445 6.1.2.3).
pub const fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (low, high) = if controlling < controlled {
        (controlling, controlled)
    } else {
        (controlled, controlling)
    };
    // priorities of a device may be beyond 2^31 - 1, where the formula would overflow
    ((low as u64) << 32)
        .saturating_add(2 * high as u64)
        .saturating_add((controlling > controlled) as u64)
}

/// A UDP candidate, own or of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Equal for candidates of the same type, base and server (RFC 8445 5.1.1.3).
    pub foundation: String,
    /// 1 is RTP, 2 RTCP.
    pub component: u16,
    /// Between 1 and 2^31 - 1 when the device follows RFC 8445 5.1.2.
    pub priority: u32,
    /// Transport address.
    pub address: SocketAddr,
    /// How the agent came by it.
    pub kind: CandidateType,
    /// Related address of a candidate that is not a host candidate (RFC 8839 5.1).
    pub related: Option<SocketAddr>,
    /// Extension attributes in their order (`generation 0`).
    pub extensions: Vec<(String, String)>,
}

impl fmt::Display for Candidate {
    /// The value of the attribute `a=candidate:` (RFC 8839 5.1), without the name.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {} UDP {} {} {} typ {}",
            self.foundation,
            self.component,
            self.priority,
            self.address.ip(),
            self.address.port(),
            self.kind.name()
        )?;
        if let Some(related) = self.related {
            write!(formatter, " raddr {} rport {}", related.ip(), related.port())?;
        }
        self.extensions
            .iter()
            .try_for_each(|(name, value)| write!(formatter, " {name} {value}"))
    }
}

/// What could be read of the value of an `a=candidate` attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedCandidate {
    /// The candidate, when it can be used: UDP and a literal address. `None` for TCP, a host name or a broken line.
    pub candidate: Option<Candidate>,
    /// What breaks RFC 8839 or RFC 8445.
    pub findings: Vec<Finding>,
}

const SYNTAX: &str = "RFC 8839 5.1";

impl Candidate {
    /// Reads the value of an `a=candidate` attribute, with or without the leading `candidate:` or `a=candidate:`.
    pub fn parse(text: &str) -> ParsedCandidate {
        let value = text.strip_prefix("a=").unwrap_or(text);
        let value = value.strip_prefix("candidate:").unwrap_or(value);
        let mut findings = Vec::new();
        let candidate = read(value, &mut findings);
        ParsedCandidate { candidate, findings }
    }
}

fn read(value: &str, findings: &mut Vec<Finding>) -> Option<Candidate> {
    let mut report = |code, clause, text: String| findings.push(Finding::new(code, clause, text));
    // no line of a datagram is longer; more words than this are not read
    let words: Vec<&str> = value.split_ascii_whitespace().take(256).collect();
    let [
        foundation,
        component,
        transport,
        priority,
        address,
        port,
        typ,
        kind,
        rest @ ..,
    ] = words.as_slice()
    else {
        report(
            "candidate-syntax",
            SYNTAX,
            format!("{} has too few fields", quoted(value)),
        );
        return None;
    };
    if !(1..=32).contains(&foundation.len()) || !is_ice_text(foundation) {
        report(
            "candidate-foundation",
            SYNTAX,
            format!("foundation {}", quoted(foundation)),
        );
    }
    let component = match component.parse::<u16>() {
        Ok(number) if (1..=256).contains(&number) => number,
        _ => {
            report(
                "candidate-component",
                SYNTAX,
                format!("component {}, not 1 to 256", quoted(component)),
            );
            return None;
        }
    };
    let priority = match priority.parse::<u32>() {
        Ok(number) => {
            if number == 0 || number > 0x7fff_ffff {
                let text = format!("priority {number}, not 1 to 2147483647");
                report("candidate-priority", "RFC 8445 5.1.2", text);
            }
            number
        }
        Err(_) => {
            report(
                "candidate-priority",
                SYNTAX,
                format!("priority {}", quoted(priority)),
            );
            return None;
        }
    };
    if *typ != "typ" {
        report(
            "candidate-syntax",
            SYNTAX,
            format!("{} where \"typ\" belongs", quoted(typ)),
        );
        return None;
    }
    let Ok(port) = port.parse::<u16>() else {
        report("candidate-port", SYNTAX, format!("port {}", quoted(port)));
        return None;
    };
    let (related, extensions) = read_rest(rest, &mut report);
    let Some(kind) = CandidateType::parse(kind) else {
        report(
            "candidate-type",
            SYNTAX,
            format!("candidate type {} is not known", quoted(kind)),
        );
        return None;
    };
    if kind == CandidateType::Host && related.is_some() {
        report(
            "candidate-related",
            SYNTAX,
            "host candidate with a related address".to_owned(),
        );
    }
    if kind != CandidateType::Host && related.is_none() {
        report(
            "candidate-related",
            SYNTAX,
            format!("{} candidate without raddr and rport", kind.name()),
        );
    }
    if !transport.eq_ignore_ascii_case("udp") {
        // other transports are permitted and not used here (RFC 6544)
        return None;
    }
    let Ok(ip) = address.parse::<IpAddr>() else {
        // a host name is permitted by the grammar; agents ignore it unless they resolve it
        let plausible = address.len() <= 255
            && address
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        if !plausible || address.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            report(
                "candidate-address",
                SYNTAX,
                format!("address {}", quoted(address)),
            );
        }
        return None;
    };
    if let Some(text) = unusable(ip) {
        report(
            "candidate-address",
            "RFC 8445 5.1.1.1",
            format!("{text} address {ip}"),
        );
    }
    if let Some(related) = related
        && related.is_ipv4() != ip.is_ipv4()
    {
        let text = format!(
            "address {ip} and related address {} of different families",
            related.ip()
        );
        report("candidate-address-family", SYNTAX, text);
    }
    if port == 0 {
        report("candidate-port", SYNTAX, "port 0".to_owned());
        return None;
    }
    Some(Candidate {
        foundation: (*foundation).to_owned(),
        component,
        priority,
        address: SocketAddr::new(ip, port),
        kind,
        related,
        extensions,
    })
}

type Rest = (Option<SocketAddr>, Vec<(String, String)>);

fn read_rest(words: &[&str], report: &mut impl FnMut(&'static str, &'static str, String)) -> Rest {
    let (mut address, mut port) = (None, None);
    let mut extensions = Vec::new();
    for pair in words.chunks(2) {
        match *pair {
            ["raddr", value] => address = Some(value),
            ["rport", value] => port = Some(value),
            [name, value] => extensions.push((name.to_owned(), value.to_owned())),
            _ => {
                let text = format!("{} has no value", quoted(pair.first().unwrap_or(&"")));
                report("candidate-syntax", SYNTAX, text);
            }
        }
    }
    let related = match (address, port) {
        (None, None) => None,
        (Some(address), Some(port)) => match (address.parse::<IpAddr>(), port.parse::<u16>()) {
            (Ok(address), Ok(port)) => Some(SocketAddr::new(address, port)),
            _ => {
                let text = format!("related address {} port {}", quoted(address), quoted(port));
                report("candidate-related", SYNTAX, text);
                None
            }
        },
        _ => {
            report(
                "candidate-related",
                SYNTAX,
                "one of raddr and rport without the other".to_owned(),
            );
            None
        }
    };
    (related, extensions)
}

/// Why nobody can be reached there (RFC 8445 5.1.1.1 on loopback, mapped and site-local addresses).
fn unusable(ip: IpAddr) -> Option<&'static str> {
    match ip {
        _ if ip.is_unspecified() => Some("unspecified"),
        _ if ip.is_loopback() => Some("loopback"),
        _ if ip.is_multicast() => Some("multicast"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("IPv4-mapped"),
        IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfec0 => Some("site-local"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        Candidate::parse(text)
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect()
    }

    #[test]
    fn priorities_of_the_formulas() {
        // RFC 8445 5.1.2.1: 2^24 * 126 + 2^8 * 65535 + (256 - 1)
        assert_eq!(candidate_priority(CandidateType::Host, 65535, 1), 2_130_706_431);
        assert_eq!(
            candidate_priority(CandidateType::ServerReflexive, 65535, 1),
            1_694_498_815
        );
        assert_eq!(candidate_priority(CandidateType::Relayed, 0, 256), 0);
        assert_eq!(pair_priority(2, 1), (1 << 32) + 4 + 1);
        assert_eq!(pair_priority(1, 2), (1 << 32) + 4);
        assert_eq!(pair_priority(u32::MAX, u32::MAX), u64::MAX);
    }

    #[test]
    fn lines_read_and_written_alike() {
        for line in [
            "1 1 UDP 2130706431 203.0.113.141 8998 typ host",
            "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
            "3 2 UDP 16777214 2001:db8::7 45665 typ relay raddr 2001:db8::1 rport 9 generation 0 network-id 1",
        ] {
            let parsed = Candidate::parse(line);
            assert_eq!(parsed.findings, []);
            assert_eq!(parsed.candidate.expect(line).to_string(), line);
        }
        let lower = Candidate::parse("a=candidate:1 1 udp 2130706431 203.0.113.141 8998 typ host");
        assert!(lower.candidate.is_some() && lower.findings.is_empty());
    }

    #[test]
    fn broken_lines_are_findings() {
        assert_eq!(codes("1 1 UDP 1 192.0.2.3 45664"), ["candidate-syntax"]);
        assert_eq!(
            codes("a-b 1 UDP 1 192.0.2.3 45664 typ host"),
            ["candidate-foundation"]
        );
        assert_eq!(
            codes("1 0 UDP 1 192.0.2.3 45664 typ host"),
            ["candidate-component"]
        );
        assert_eq!(
            codes("1 257 UDP 1 192.0.2.3 45664 typ host"),
            ["candidate-component"]
        );
        assert_eq!(
            codes("1 1 UDP 0 192.0.2.3 45664 typ host"),
            ["candidate-priority"]
        );
        assert_eq!(
            codes("1 1 UDP 4294967296 192.0.2.3 45664 typ host"),
            ["candidate-priority"]
        );
        assert_eq!(
            codes("1 1 UDP 1 192.0.2.300 45664 typ host"),
            ["candidate-address"]
        );
        assert_eq!(
            codes("1 1 UDP 1 ::ffff:192.0.2.3 45664 typ host"),
            ["candidate-address"]
        );
        assert_eq!(codes("1 1 UDP 1 192.0.2.3 99999 typ host"), ["candidate-port"]);
        assert_eq!(codes("1 1 UDP 1 192.0.2.3 9 typ hose"), ["candidate-type"]);
        assert_eq!(codes("1 1 UDP 1 192.0.2.3 9 typ srflx"), ["candidate-related"]);
        assert_eq!(
            codes("1 1 UDP 1 192.0.2.3 9 typ host raddr 192.0.2.4 rport 1"),
            ["candidate-related"]
        );
        let mixed = codes("1 1 UDP 1 192.0.2.3 9 typ srflx raddr 2001:db8::1 rport 1");
        assert_eq!(mixed, ["candidate-address-family"]);
        assert_eq!(
            codes("1 1 UDP 1 192.0.2.3 9 typ host generation"),
            ["candidate-syntax"]
        );
    }

    #[test]
    fn permitted_but_unused_candidates_are_no_findings() {
        for line in [
            "1 1 TCP 2105458943 192.0.2.156 9 typ host tcptype active",
            "1 1 UDP 2113937151 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 7 typ host",
        ] {
            let parsed = Candidate::parse(line);
            assert_eq!((parsed.candidate, parsed.findings), (None, Vec::new()), "{line}");
        }
    }
}
