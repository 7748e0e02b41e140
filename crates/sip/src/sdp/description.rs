//! A typed view of a session description.

use super::Direction;

/// A parsed session description; [`Description::raw`] keeps the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The `o=` line.
    pub origin: Origin,
    /// Address of the session-level `c=` line, without TTL.
    pub connection: Option<String>,
    /// Address type of the session-level `c=` line (`IP4`, `IP6`).
    pub connection_type: Option<String>,
    /// Session name (`s=`).
    pub name: String,
    /// Session-level `b=` lines: type and value.
    pub bandwidths: Vec<(String, u64)>,
    /// Session-level attributes in order.
    pub attributes: Vec<(String, Option<String>)>,
    /// Media descriptions in order.
    pub media: Vec<Media>,
    raw: Vec<u8>,
}

/// Who made the description and which version it is (RFC 8866 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// User name; `-` when the host has no notion of users.
    pub username: String,
    /// Session identifier, digits in anything that is in order.
    pub session_id: String,
    /// Goes up by one with every change (RFC 3264 8).
    pub session_version: u64,
    /// Unicast address.
    pub address: String,
}

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Media type (`audio`).
    pub kind: String,
    /// Transport port; 0 refuses or removes the stream (RFC 3264 6, 8.2).
    pub port: u16,
    /// Transport protocol (`RTP/AVP`).
    pub protocol: String,
    /// Formats in order of preference; for RTP the payload type numbers.
    pub formats: Vec<String>,
    /// `a=rtpmap` lines that can be read.
    pub rtpmaps: Vec<RtpMap>,
    /// `a=fmtp` lines: payload type and parameters.
    pub fmtps: Vec<(u8, String)>,
    /// Address of the media-level `c=` line, without TTL.
    pub connection: Option<String>,
    /// Media level, else session level, else sendrecv.
    pub direction: Direction,
    /// `a=ptime` in milliseconds.
    pub ptime: Option<u32>,
    /// Address type of the media-level `c=` line (`IP4`, `IP6`).
    pub connection_type: Option<String>,
    /// `a=maxptime` in milliseconds.
    pub maxptime: Option<u32>,
    /// Media-level `b=` lines: type and value.
    pub bandwidths: Vec<(String, u64)>,
    /// Every media-level attribute in order.
    pub attributes: Vec<(String, Option<String>)>,
}

/// What a payload type number means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpMap {
    /// RTP payload type, 0 to 127.
    pub payload_type: u8,
    /// Encoding name as written; compare without case (RFC 8866 6.6).
    pub encoding: String,
    /// RTP clock rate in hertz.
    pub clock_rate: u32,
    /// Number of audio channels, when written.
    pub channels: Option<u8>,
}

/// Why a body is not a session description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    /// A line that RFC 8866 5 does not allow, or a required one missing.
    #[error("not a session description: {0}")]
    Syntax(String),
}

impl Description {
    /// Reads a body.
    ///
    /// # Errors
    /// When a line is malformed (RFC 8866 5).
    pub fn parse(bytes: &[u8]) -> Result<Self, SdpError> {
        let session =
            sdp_types::Session::parse(bytes).map_err(|error| SdpError::Syntax(error.to_string()))?;
        let session_direction = direction(&session.attributes).unwrap_or_default();
        Ok(Self {
            origin: Origin {
                username: session.origin.username.unwrap_or_else(|| "-".to_owned()),
                session_id: session.origin.sess_id,
                session_version: session.origin.sess_version,
                address: session.origin.unicast_address,
            },
            connection: session.connection.as_ref().map(address),
            connection_type: session
                .connection
                .map(|connection| connection.addrtype.to_string()),
            name: session.session_name,
            bandwidths: bandwidths(session.bandwidths),
            attributes: attributes(session.attributes),
            media: session
                .medias
                .into_iter()
                .map(|media| Media::new(media, session_direction))
                .collect(),
            raw: bytes.to_vec(),
        })
    }

    /// Exactly what was parsed.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The first audio section.
    pub fn audio(&self) -> Option<&Media> {
        self.media.iter().find(|media| media.kind == "audio")
    }

    /// Where the peer wants the media: the section's own address, else the session's (RFC 8866 5.7).
    pub fn address_of(&self, media: &Media) -> Option<String> {
        media.connection.clone().or_else(|| self.connection.clone())
    }
}

impl Media {
    fn new(media: sdp_types::Media, session_direction: Direction) -> Self {
        let values = |name: &'static str| {
            media
                .attributes
                .iter()
                .filter(move |a| a.attribute == name)
                .filter_map(|a| a.value.as_deref())
        };
        Self {
            formats: media.fmt.split_ascii_whitespace().map(str::to_owned).collect(),
            rtpmaps: values("rtpmap").filter_map(RtpMap::parse).collect(),
            fmtps: values("fmtp")
                .filter_map(|value| {
                    let (payload_type, parameters) = value.trim().split_once(' ')?;
                    Some((payload_type.parse().ok()?, parameters.trim().to_owned()))
                })
                .collect(),
            connection: media.connections.first().map(address),
            direction: direction(&media.attributes).unwrap_or(session_direction),
            ptime: values("ptime").find_map(|value| value.trim().parse().ok()),
            maxptime: values("maxptime").find_map(|value| value.trim().parse().ok()),
            connection_type: media
                .connections
                .first()
                .map(|connection| connection.addrtype.to_string()),
            bandwidths: bandwidths(media.bandwidths),
            kind: media.media,
            port: media.port,
            protocol: media.proto,
            attributes: attributes(media.attributes),
        }
    }

    /// What a payload type number means here: its rtpmap, else the static assignment of RFC 3551 6.
    pub fn codec(&self, payload_type: u8) -> Option<RtpMap> {
        let mapped = self
            .rtpmaps
            .iter()
            .find(|map| map.payload_type == payload_type)
            .cloned();
        mapped.or_else(|| RtpMap::assigned(payload_type))
    }

    /// The first offered payload type with this encoding (any case) and clock rate in hertz.
    pub fn payload_type_of(&self, encoding: &str, clock_rate: u32) -> Option<u8> {
        self.codecs()
            .find(|codec| codec.encoding.eq_ignore_ascii_case(encoding) && codec.clock_rate == clock_rate)
            .map(|codec| codec.payload_type)
    }

    /// The payload type of telephone-event (RFC 4733): the 8 kHz one when there are several.
    pub fn telephone_event(&self) -> Option<u8> {
        self.payload_type_of("telephone-event", 8000).or_else(|| {
            self.codecs()
                .find(|codec| codec.encoding.eq_ignore_ascii_case("telephone-event"))
                .map(|codec| codec.payload_type)
        })
    }

    /// The known codecs in the order of the `m=` line.
    pub fn codecs(&self) -> impl Iterator<Item = RtpMap> {
        self.formats
            .iter()
            .filter_map(|format| self.codec(format.parse().ok()?))
    }

    /// Parameters of a payload type from its `a=fmtp` line.
    pub fn fmtp(&self, payload_type: u8) -> Option<&str> {
        self.fmtps
            .iter()
            .find(|(known, _)| *known == payload_type)
            .map(|(_, parameters)| parameters.as_str())
    }
}

impl RtpMap {
    fn parse(value: &str) -> Option<Self> {
        let (payload_type, rest) = value.trim().split_once(' ')?;
        let mut parts = rest.trim().split('/');
        let encoding = parts.next().filter(|encoding| !encoding.is_empty())?;
        let clock_rate = parts.next()?.parse().ok()?;
        let channels = parts.next().and_then(|channels| channels.parse().ok());
        let payload_type = payload_type.parse().ok().filter(|number| *number < 128)?;
        Some(Self {
            payload_type,
            encoding: encoding.to_owned(),
            clock_rate,
            channels,
        })
    }

    /// Static audio payload types (RFC 3551 6, table 4). G722 has an RTP clock of 8 kHz by decree.
    fn assigned(payload_type: u8) -> Option<Self> {
        let (encoding, clock_rate) = match payload_type {
            0 => ("PCMU", 8000),
            3 => ("GSM", 8000),
            4 => ("G723", 8000),
            5 => ("DVI4", 8000),
            6 => ("DVI4", 16000),
            7 => ("LPC", 8000),
            8 => ("PCMA", 8000),
            9 => ("G722", 8000),
            12 => ("QCELP", 8000),
            13 => ("CN", 8000),
            15 => ("G728", 8000),
            18 => ("G729", 8000),
            _ => return None,
        };
        Some(Self {
            payload_type,
            encoding: encoding.to_owned(),
            clock_rate,
            channels: None,
        })
    }
}

fn attributes(list: Vec<sdp_types::Attribute>) -> Vec<(String, Option<String>)> {
    list.into_iter().map(|a| (a.attribute, a.value)).collect()
}

fn bandwidths(list: Vec<sdp_types::Bandwidth>) -> Vec<(String, u64)> {
    list.into_iter().map(|b| (b.bwtype, b.bandwidth)).collect()
}

fn address(connection: &sdp_types::Connection) -> String {
    let address = &connection.connection_address;
    address
        .split_once('/')
        .map_or(address.as_str(), |(address, _)| address)
        .to_owned()
}

fn direction(attributes: &[sdp_types::Attribute]) -> Option<Direction> {
    attributes
        .iter()
        .find_map(|attribute| Direction::parse(&attribute.attribute))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &[u8] =
        b"v=0\r\no=phone 12 34 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9/127\r\nt=0 0\r\n\
        a=sendonly\r\nm=audio 4000 RTP/AVP 9 0 96 101\r\na=rtpmap:96 opus/48000/2\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n\
        m=video 0 RTP/AVP 99\r\nc=IN IP6 2001:db8::1\r\na=inactive\r\n";

    #[test]
    fn a_whole_description() {
        let description = Description::parse(OFFER).unwrap();
        assert_eq!(description.raw(), OFFER);
        assert_eq!(
            description.origin,
            Origin {
                username: "phone".into(),
                session_id: "12".into(),
                session_version: 34,
                address: "192.0.2.9".into()
            }
        );
        let audio = description.audio().unwrap();
        assert_eq!(
            (audio.port, audio.protocol.as_str(), audio.ptime),
            (4000, "RTP/AVP", Some(20))
        );
        assert_eq!(audio.direction, Direction::SendOnly);
        assert_eq!(description.address_of(audio).as_deref(), Some("192.0.2.9"));
        assert_eq!(audio.codec(9).unwrap().encoding, "G722");
        assert_eq!(audio.codec(96).unwrap().channels, Some(2));
        assert_eq!(audio.codec(97), None);
        assert_eq!(audio.payload_type_of("pcmu", 8000), Some(0));
        assert_eq!(audio.payload_type_of("PCMA", 8000), None);
        assert_eq!(
            (audio.telephone_event(), audio.fmtp(101)),
            (Some(101), Some("0-15"))
        );
        let video = &description.media[1];
        assert_eq!(video.direction, Direction::Inactive);
        assert_eq!(description.address_of(video).as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn broken_lines_are_errors_and_odd_attributes_are_skipped() {
        assert!(Description::parse(b"v=0\r\nm=audio x RTP/AVP 0\r\n").is_err());
        assert!(Description::parse(b"hello").is_err());
        let odd = Description::parse(
            b"v=0\no=- 1 1 IN IP4 h\ns=-\nt=0 0\nm=audio 1 RTP/AVP 0 x\na=rtpmap:300 A/8000\na=rtpmap:5\na=fmtp:x\n",
        )
        .unwrap();
        assert!(odd.audio().unwrap().rtpmaps.is_empty());
        assert_eq!(odd.audio().unwrap().codecs().count(), 1);
    }
}
