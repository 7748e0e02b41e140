//! Typed access to attributes of a description and its sections.

use std::fmt;

use super::{Description, Media};

/// Transport protocol of a section, as far as it is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaProtocol {
    /// `RTP/AVP` (RFC 3551).
    RtpAvp,
    /// `RTP/AVPF` (RFC 4585).
    RtpAvpf,
    /// `RTP/SAVP` (RFC 3711).
    RtpSavp,
    /// `RTP/SAVPF` (RFC 5124).
    RtpSavpf,
    /// `UDP/TLS/RTP/SAVP` (RFC 5764).
    UdpTlsRtpSavp,
    /// `UDP/TLS/RTP/SAVPF` (RFC 5764).
    UdpTlsRtpSavpf,
}

impl MediaProtocol {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RtpAvp,
        Self::RtpAvpf,
        Self::RtpSavp,
        Self::RtpSavpf,
        Self::UdpTlsRtpSavp,
        Self::UdpTlsRtpSavpf,
    ];

    /// As it stands in the `m=` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RtpAvp => "RTP/AVP",
            Self::RtpAvpf => "RTP/AVPF",
            Self::RtpSavp => "RTP/SAVP",
            Self::RtpSavpf => "RTP/SAVPF",
            Self::UdpTlsRtpSavp => "UDP/TLS/RTP/SAVP",
            Self::UdpTlsRtpSavpf => "UDP/TLS/RTP/SAVPF",
        }
    }

    /// The protocol a text names, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether media is encrypted (SRTP).
    pub const fn is_secure(self) -> bool {
        !matches!(self, Self::RtpAvp | Self::RtpAvpf)
    }

    /// Whether the keys come from DTLS.
    pub const fn is_dtls(self) -> bool {
        matches!(self, Self::UdpTlsRtpSavp | Self::UdpTlsRtpSavpf)
    }

    /// Whether RTCP feedback is negotiated (the F).
    pub const fn has_feedback(self) -> bool {
        matches!(self, Self::RtpAvpf | Self::RtpSavpf | Self::UdpTlsRtpSavpf)
    }
}

impl fmt::Display for MediaProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `a=rtcp`: where RTCP goes when not to the next port (RFC 3605 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtcpAttribute {
    /// Port.
    pub port: u16,
    /// Address, when it differs from the media's.
    pub address: Option<String>,
}

/// `a=fingerprint` (RFC 8122 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FingerprintAttribute {
    /// Hash function, lower case (`sha-256`).
    pub hash: String,
    /// The hash.
    pub bytes: Vec<u8>,
}

/// `a=setup`: who opens the DTLS connection (RFC 4145 4, RFC 5763 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// This side opens.
    Active,
    /// The other side opens.
    Passive,
    /// Either; only in an offer.
    ActPass,
    /// Not for now.
    HoldConn,
}

impl Setup {
    /// The value of the attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }

    /// The role a value names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn]
            .into_iter()
            .find(|setup| setup.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

/// `a=candidate` (RFC 8839 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateAttribute {
    /// Foundation.
    pub foundation: String,
    /// Component: 1 RTP, 2 RTCP.
    pub component: u16,
    /// Transport (`UDP`, `TCP`).
    pub transport: String,
    /// Priority.
    pub priority: u32,
    /// Address or mDNS name.
    pub address: String,
    /// Port.
    pub port: u16,
    /// `host`, `srflx`, `prflx`, `relay` or another.
    pub kind: String,
    /// Related address and port.
    pub related: Option<(String, u16)>,
    /// Extensions in order.
    pub extensions: Vec<(String, String)>,
}

/// `a=group` (RFC 5888 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `BUNDLE`, `LS` or another.
    pub semantics: String,
    /// The `a=mid` of its sections.
    pub members: Vec<String>,
}

fn values<'a>(list: &'a [(String, Option<String>)], name: &'a str) -> impl Iterator<Item = &'a str> {
    list.iter()
        .filter(move |(known, _)| known == name)
        .filter_map(|(_, value)| value.as_deref())
        .map(str::trim)
}

fn fingerprint(text: &str) -> Option<FingerprintAttribute> {
    let (hash, digits) = text.split_once(' ')?;
    let bytes: Option<Vec<u8>> = digits
        .trim()
        .split(':')
        .map(|pair| {
            (pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .then(|| u8::from_str_radix(pair, 16).ok())
                .flatten()
        })
        .collect();
    Some(FingerprintAttribute {
        hash: hash.to_ascii_lowercase(),
        bytes: bytes?,
    })
}

fn candidate(text: &str) -> Option<CandidateAttribute> {
    let mut words = text.split_ascii_whitespace();
    let mut candidate = CandidateAttribute {
        foundation: words.next()?.to_owned(),
        component: words.next()?.parse().ok()?,
        transport: words.next()?.to_owned(),
        priority: words.next()?.parse().ok()?,
        address: words.next()?.to_owned(),
        port: words.next()?.parse().ok()?,
        kind: words
            .next()
            .filter(|word| *word == "typ")
            .and_then(|_| words.next())?
            .to_owned(),
        related: None,
        extensions: Vec::new(),
    };
    let mut address = None;
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name {
            "raddr" => address = Some(value.to_owned()),
            "rport" => candidate.related = Some((address.take()?, value.parse().ok()?)),
            _ => candidate.extensions.push((name.to_owned(), value.to_owned())),
        }
    }
    Some(candidate)
}

impl fmt::Display for CandidateAttribute {
    /// The value of the attribute.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {} {} typ {}",
            self.foundation,
            self.component,
            self.transport,
            self.priority,
            self.address,
            self.port,
            self.kind
        )?;
        if let Some((address, port)) = &self.related {
            write!(f, " raddr {address} rport {port}")?;
        }
        for (name, value) in &self.extensions {
            write!(f, " {name} {value}")?;
        }
        Ok(())
    }
}

impl Media {
    /// Whether an attribute stands in this section.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(known, _)| known == name)
    }

    /// Value of the first attribute of that name in this section.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| value.as_deref())
            .map(str::trim)
    }

    /// Values of every attribute of that name in this section.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        values(&self.attributes, name)
    }

    /// The transport protocol, when it is a known one.
    pub fn rtp_protocol(&self) -> Option<MediaProtocol> {
        MediaProtocol::parse(&self.protocol)
    }

    /// `a=rtcp` (RFC 3605).
    pub fn rtcp(&self) -> Option<RtcpAttribute> {
        let mut words = self.value("rtcp")?.split_ascii_whitespace();
        Some(RtcpAttribute {
            port: words.next()?.parse().ok()?,
            address: words.nth(2).map(str::to_owned),
        })
    }

    /// Whether RTCP shares the RTP port (`a=rtcp-mux`, RFC 5761).
    pub fn rtcp_mux(&self) -> bool {
        self.has("rtcp-mux")
    }

    /// The `a=crypto` lines as text (RFC 4568).
    pub fn crypto(&self) -> Vec<&str> {
        self.values("crypto").collect()
    }

    /// `a=mid` (RFC 5888 4).
    pub fn mid(&self) -> Option<&str> {
        self.value("mid")
    }

    /// The `a=candidate` lines that can be read.
    pub fn candidates(&self) -> Vec<CandidateAttribute> {
        self.values("candidate").filter_map(candidate).collect()
    }
}

impl Description {
    /// Value of the first session-level attribute of that name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| value.as_deref())
            .map(str::trim)
    }

    /// Whether a session-level attribute is there.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(known, _)| known == name)
    }

    /// Value of an attribute that counts for `media`: its own, else the session's.
    pub fn value_for<'a>(&'a self, media: &'a Media, name: &str) -> Option<&'a str> {
        media.value(name).or_else(|| self.value(name))
    }

    /// The fingerprints that count for `media` (RFC 8122 5).
    pub fn fingerprints(&self, media: &Media) -> Vec<FingerprintAttribute> {
        let own: Vec<_> = media.values("fingerprint").filter_map(fingerprint).collect();
        if own.is_empty() {
            values(&self.attributes, "fingerprint")
                .filter_map(fingerprint)
                .collect()
        } else {
            own
        }
    }

    /// The DTLS role that counts for `media`.
    pub fn setup(&self, media: &Media) -> Option<Setup> {
        self.value_for(media, "setup").and_then(Setup::parse)
    }

    /// User name fragment and password of ICE that count for `media` (RFC 8839 5.4).
    pub fn ice_credentials(&self, media: &Media) -> Option<(String, String)> {
        let value = |name| self.value_for(media, name).map(str::to_owned);
        Some((value("ice-ufrag")?, value("ice-pwd")?))
    }

    /// The tags of `a=ice-options` (RFC 8839 5.6).
    pub fn ice_options(&self, media: &Media) -> Vec<String> {
        let text = self.value_for(media, "ice-options").unwrap_or_default();
        text.split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// Whether the sender is an ICE lite implementation (RFC 8839 5.3).
    pub fn ice_lite(&self) -> bool {
        self.has("ice-lite")
    }

    /// RTCP XR packets asked for, as text: the section's, else the session's (RFC 3611 5.1).
    pub fn rtcp_xr<'a>(&'a self, media: &'a Media) -> Option<&'a str> {
        self.value_for(media, "rtcp-xr")
    }

    /// The `a=group` lines.
    pub fn groups(&self) -> Vec<Group> {
        values(&self.attributes, "group")
            .filter_map(|text| {
                let mut words = text.split_ascii_whitespace();
                Some(Group {
                    semantics: words.next()?.to_owned(),
                    members: words.map(str::to_owned).collect(),
                })
            })
            .collect()
    }

    /// The `a=mid` of the sections that share one port (RFC 9143).
    pub fn bundle(&self) -> Option<Vec<String>> {
        self.groups()
            .into_iter()
            .find(|group| group.semantics == "BUNDLE")
            .map(|group| group.members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute() {
        let description = Description::parse(
            b"v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=call\r\nc=IN IP6 2001:db8::1\r\nb=AS:84\r\nt=0 0\r\na=ice-lite\r\n\
              a=group:BUNDLE a b\r\na=fingerprint:SHA-1 4A:AD\r\na=setup:actpass\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n\
              m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nb=TIAS:64000\r\na=mid:a\r\na=rtcp:9001 IN IP4 192.0.2.7\r\n\
              a=rtcp-mux\r\na=rtcp-xr:voip-metrics\r\na=fingerprint:sha-256 00:ff\r\na=ice-options:trickle x\r\n\
              a=candidate:1 1 UDP 2130706431 192.0.2.1 8998 typ srflx raddr 10.0.0.1 rport 9 generation 0\r\n\
              a=candidate:broken\r\na=ptime:20\r\na=maxptime:60\r\n\
              m=audio 5000 RTP/SAVP 0\r\na=rtcp:5001\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\na=setup:Passive\r\n",
        )
        .unwrap();
        let (first, second) = (&description.media[0], &description.media[1]);
        assert_eq!(description.connection_type.as_deref(), Some("IP6"));
        assert_eq!(
            (description.name.as_str(), &description.bandwidths[..]),
            ("call", &[("AS".to_owned(), 84)][..])
        );
        assert!(description.ice_lite());
        assert_eq!(description.bundle(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(first.rtp_protocol(), Some(MediaProtocol::UdpTlsRtpSavpf));
        assert!(MediaProtocol::UdpTlsRtpSavpf.is_dtls() && MediaProtocol::UdpTlsRtpSavpf.has_feedback());
        assert!(MediaProtocol::RtpSavp.is_secure() && !MediaProtocol::RtpAvp.is_secure());
        assert_eq!(
            (first.mid(), first.rtcp_mux(), second.rtcp_mux()),
            (Some("a"), true, false)
        );
        assert_eq!(
            first.rtcp(),
            Some(RtcpAttribute {
                port: 9001,
                address: Some("192.0.2.7".into())
            })
        );
        assert_eq!(second.rtcp().unwrap().address, None);
        assert_eq!(description.rtcp_xr(first), Some("voip-metrics"));
        assert_eq!(description.fingerprints(first)[0].bytes, [0, 0xff]);
        assert_eq!(description.fingerprints(second)[0].hash, "sha-1");
        assert_eq!(description.setup(first), Some(Setup::ActPass));
        assert_eq!(description.setup(second), Some(Setup::Passive));
        assert_eq!(description.ice_credentials(first), Some(("u".into(), "p".into())));
        assert_eq!(description.ice_options(first), ["trickle", "x"]);
        let candidates = first.candidates();
        assert_eq!(candidates.len(), 1);
        assert_eq!(candidates[0].related, Some(("10.0.0.1".into(), 9)));
        assert_eq!(
            candidates[0].to_string(),
            "1 1 UDP 2130706431 192.0.2.1 8998 typ srflx raddr 10.0.0.1 rport 9 generation 0"
        );
        assert_eq!((first.ptime, first.maxptime), (Some(20), Some(60)));
        assert_eq!(first.bandwidths, [("TIAS".to_owned(), 64000)]);
        assert_eq!(second.crypto(), ["1 AES_CM_128_HMAC_SHA1_80 inline:x"]);
    }
}
