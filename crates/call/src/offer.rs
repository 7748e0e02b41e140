//! Session descriptions of the lab's peers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::media::IceLines;
use voxproof_sip::sdp::{Direction, MediaProtocol, OfferedCodec, SessionOffer};

/// First dynamic payload type (RFC 3551 6).
const DYNAMIC: u8 = 96;

/// How media is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MediaSecurity {
    /// Not at all; an offer that is protected is answered as it is.
    #[default]
    None,
    /// SRTP with keys in the session description (RFC 4568).
    Sdes,
    /// SRTP with keys from DTLS (RFC 5764).
    Dtls,
}

/// How a peer does ICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ice {
    /// It answers checks and sends none.
    Lite,
    /// It checks, and nominates when it is the offerer.
    Full,
}

/// What a peer offers, or is able to answer with.
#[derive(Debug, Clone)]
pub struct OfferSpec {
    /// Codec names, most wanted first.
    pub codecs: Vec<String>,
    /// Payload types other than the usual ones, by codec name in lower case.
    pub payload_types: BTreeMap<String, u8>,
    /// Payload type of telephone-event.
    pub telephone_event: Option<u8>,
    /// Direction.
    pub direction: Direction,
    /// Address to write instead of the real one.
    pub connection: Option<IpAddr>,
    /// Packet time, ms.
    pub ptime: Option<u32>,
    /// Longest packet time, ms.
    pub maxptime: Option<u32>,
    /// Protection.
    pub security: MediaSecurity,
    /// SRTP suites, most wanted first; the mandatory one when there is none.
    pub suites: Vec<String>,
    /// Octets of a master key identifier.
    pub mki: Option<u8>,
    /// `a=setup` of DTLS.
    pub setup: Option<String>,
    /// A fingerprint that is not that of the peer's certificate.
    pub wrong_fingerprint: bool,
    /// Protocol of the m-line, where it is not what the security asks for.
    pub protocol: Option<String>,
    /// RTP and RTCP on one port.
    pub rtcp_mux: bool,
    /// Extended reports.
    pub rtcp_xr: bool,
    /// ICE.
    pub ice: Option<Ice>,
    /// Further attribute lines of the audio section, without `a=`.
    pub attributes: Vec<String>,
    /// Further media sections.
    pub sections: Vec<String>,
}

impl Default for OfferSpec {
    fn default() -> Self {
        Self {
            codecs: vec!["PCMU".to_owned(), "PCMA".to_owned()],
            payload_types: BTreeMap::new(),
            telephone_event: Some(101),
            direction: Direction::SendRecv,
            connection: None,
            ptime: None,
            maxptime: None,
            security: MediaSecurity::None,
            suites: vec![],
            mki: None,
            setup: None,
            wrong_fingerprint: false,
            protocol: None,
            rtcp_mux: false,
            rtcp_xr: false,
            ice: None,
            attributes: vec![],
            sections: vec![],
        }
    }
}

impl OfferSpec {
    /// The session description for an RTP address, with what its protection adds.
    pub(crate) fn describe(
        &self,
        rtp: SocketAddr,
        session_id: u64,
        version: u64,
        (security, keys): (MediaSecurity, Vec<String>),
        ice: IceLines,
    ) -> SessionOffer {
        let mut dynamic = DYNAMIC;
        let codecs = self
            .codecs
            .iter()
            .map(|name| {
                let mut codec = OfferedCodec::named(name, dynamic);
                if let Some(payload_type) = self.payload_types.get(&name.to_ascii_lowercase()) {
                    codec.payload_type = *payload_type;
                } else if codec.payload_type == dynamic {
                    if Some(dynamic) == self.telephone_event {
                        dynamic += 1;
                        codec.payload_type = dynamic;
                    }
                    dynamic += 1;
                }
                codec
            })
            .collect();
        let mut offer = SessionOffer::new(self.connection.unwrap_or_else(|| rtp.ip()), rtp.port(), codecs);
        let protocol = match security {
            MediaSecurity::None => MediaProtocol::RtpAvp,
            MediaSecurity::Sdes => MediaProtocol::RtpSavp,
            MediaSecurity::Dtls => MediaProtocol::UdpTlsRtpSavp,
        };
        offer.protocol = self
            .protocol
            .clone()
            .unwrap_or_else(|| protocol.as_str().to_owned());
        let mut clocks: Vec<u32> = Vec::new();
        for codec in offer
            .codecs
            .iter()
            .filter(|codec| !codec.encoding.eq_ignore_ascii_case("CN"))
        {
            if !clocks.contains(&codec.clock_rate) {
                clocks.push(codec.clock_rate);
            }
        }
        offer.telephone_event = self.telephone_event;
        if let Some(first) = clocks
            .iter()
            .position(|clock| *clock == 8000)
            .or(if clocks.is_empty() { None } else { Some(0) })
        {
            offer.telephone_event_clock = clocks.remove(first);
        }
        if self.telephone_event.is_some() {
            // phones that know events on the narrowband clock only send them beside Opus all the same
            if offer.telephone_event_clock != 8000 && !clocks.contains(&8000) {
                clocks.push(8000);
            }
            for clock in clocks {
                if Some(dynamic) == self.telephone_event {
                    dynamic += 1;
                }
                offer.further_telephone_events.push((dynamic, clock));
                dynamic += 1;
            }
        }
        offer.direction = self.direction;
        offer.ptime = Some(self.ptime.unwrap_or(20));
        offer.maxptime = self.maxptime;
        offer.rtcp_mux = self.rtcp_mux;
        offer.attributes = keys;
        offer.attributes.extend(ice.media);
        offer.session_attributes = ice.session;
        if self.rtcp_xr {
            offer
                .attributes
                .push("rtcp-xr:rcvr-rtt=all voip-metrics stat-summary=loss,dup,jitt".to_owned());
        }
        offer.attributes.extend(self.attributes.iter().cloned());
        offer.extra_media = self.sections.clone();
        offer.session_id = session_id;
        offer.session_version = version;
        offer.username = "voxproof".to_owned();
        offer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(spec: &OfferSpec) -> String {
        let rtp = "192.0.2.1:4000".parse().unwrap();
        let bytes = spec
            .describe(rtp, 1, 1, (spec.security, vec![]), IceLines::default())
            .to_bytes();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn dynamic_payload_types_stay_clear_of_telephone_events() {
        let spec = OfferSpec {
            codecs: vec!["opus".to_owned(), "X-ODD".to_owned(), "PCMU".to_owned()],
            telephone_event: Some(97),
            ..OfferSpec::default()
        };
        let text = offered(&spec);
        assert!(text.contains("RTP/AVP 96 98 0 97 99"), "{text}");
        assert!(text.contains("a=rtpmap:96 opus/48000/2"), "{text}");
    }

    #[test]
    fn telephone_events_have_the_clock_of_their_codec() {
        let with = |codecs: &[&str]| {
            offered(&OfferSpec {
                codecs: codecs.iter().map(|name| (*name).to_owned()).collect(),
                ..OfferSpec::default()
            })
        };
        let opus = with(&["opus"]);
        assert!(opus.contains("RTP/AVP 96 101 97\r\n"), "{opus}");
        assert!(opus.contains("a=rtpmap:101 telephone-event/48000\r\n"), "{opus}");
        assert!(opus.contains("a=rtpmap:97 telephone-event/8000\r\n"), "{opus}");
        let both = with(&["opus", "PCMU"]);
        assert!(both.contains("RTP/AVP 96 0 101 97\r\n"), "{both}");
        assert!(both.contains("a=rtpmap:101 telephone-event/8000\r\n"), "{both}");
        assert!(both.contains("a=rtpmap:97 telephone-event/48000\r\n"), "{both}");
        assert!(!with(&["G722", "CN"]).contains("48000"));
    }

    #[test]
    fn what_is_asked_for_is_written() {
        let spec = OfferSpec {
            payload_types: BTreeMap::from([("pcmu".to_owned(), 100)]),
            ptime: Some(30),
            security: MediaSecurity::Sdes,
            rtcp_mux: true,
            rtcp_xr: true,
            attributes: vec!["x-lab:1".to_owned()],
            sections: vec!["m=video 0 RTP/AVP 31".to_owned()],
            ..OfferSpec::default()
        };
        let text = offered(&spec);
        for line in [
            "RTP/SAVP 100 8 101",
            "a=ptime:30",
            "a=rtcp-mux",
            "a=rtcp-xr:",
            "a=x-lab:1",
            "m=video 0",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
