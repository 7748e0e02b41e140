//! Audio offers and answers (RFC 3264).

use std::net::IpAddr;

use sdp_types::{Attribute, Connection, Origin, Session, Time};

use super::{Description, Direction, Media};

/// One audio stream to offer or to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioOffer {
    /// Where media is wanted.
    pub address: IpAddr,
    /// RTP port; 0 refuses the stream.
    pub port: u16,
    /// Codecs, most wanted first.
    pub codecs: Vec<Codec>,
    /// Payload type of telephone-event at 8 kHz, when it is offered.
    pub telephone_event: Option<u8>,
    /// Our direction.
    pub direction: Direction,
    /// Wanted packet duration in milliseconds.
    pub ptime: Option<u32>,
    /// Session identifier, constant over a dialog.
    pub session_id: u64,
    /// Goes up by one with every change (RFC 3264 8).
    pub session_version: u64,
    /// `o=` user name; `-` when empty.
    pub username: String,
}

/// A codec with its payload type number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// RTP payload type.
    pub payload_type: u8,
    /// Encoding name (`PCMU`).
    pub encoding: String,
    /// RTP clock rate in hertz.
    pub clock_rate: u32,
}

/// The offer has no audio stream with a codec of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no codec in common with the offer: {offered:?}")]
pub struct NoCommonCodec {
    /// Offered audio encodings; empty when there is no audio stream.
    pub offered: Vec<String>,
}

impl AudioOffer {
    /// A whole session description with this one stream.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.session(vec![self.media()])
    }

    fn session(&self, medias: Vec<sdp_types::Media>) -> Vec<u8> {
        let mut origin = Origin::with_ip_addr(self.session_id, self.session_version, self.address);
        let username: String = self.username.split_ascii_whitespace().collect();
        origin.username = Some(username).filter(|name| !name.is_empty());
        let session = Session {
            origin,
            session_name: "-".to_owned(),
            session_description: None,
            uri: None,
            emails: Vec::new(),
            phones: Vec::new(),
            connection: Some(Connection::from_ip_addr(self.address)),
            bandwidths: Vec::new(),
            times: vec![Time::new(0, 0)],
            time_zones: Vec::new(),
            key: None,
            attributes: Vec::new(),
            medias,
        };
        let mut bytes = Vec::with_capacity(256);
        session.write(&mut bytes).expect("writing to a Vec does not fail");
        bytes
    }

    fn media(&self) -> sdp_types::Media {
        let attribute = |name: &str, value: Option<String>| Attribute {
            attribute: name.to_owned(),
            value,
        };
        let mut formats: Vec<String> = Vec::new();
        let mut attributes = Vec::new();
        for codec in &self.codecs {
            formats.push(codec.payload_type.to_string());
            let map = format!("{} {}/{}", codec.payload_type, codec.encoding, codec.clock_rate);
            attributes.push(attribute("rtpmap", Some(map)));
        }
        if let Some(payload_type) = self.telephone_event {
            formats.push(payload_type.to_string());
            attributes.push(attribute(
                "rtpmap",
                Some(format!("{payload_type} telephone-event/8000")),
            ));
            // events 0 to 15: the DTMF digits (RFC 4733 2.5.1.1, 3.2)
            attributes.push(attribute("fmtp", Some(format!("{payload_type} 0-15"))));
        }
        if let Some(ptime) = self.ptime {
            attributes.push(attribute("ptime", Some(ptime.to_string())));
        }
        attributes.push(attribute(self.direction.as_str(), None));
        section("audio", self.port, "RTP/AVP", formats.join(" "), attributes)
    }
}

fn section(
    kind: &str,
    port: u16,
    protocol: &str,
    formats: String,
    attributes: Vec<Attribute>,
) -> sdp_types::Media {
    sdp_types::Media {
        media: kind.to_owned(),
        port,
        num_ports: None,
        proto: protocol.to_owned(),
        fmt: formats,
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes,
    }
}

/// Our answer to the first audio stream of `offer` (RFC 3264 6): the common codecs in the offerer's order and with
/// its payload type numbers, the direction answered and narrowed to ours, telephone-event when both have it. A stream
/// offered with port 0 is answered with port 0.
///
/// # Errors
/// When there is no audio stream or no codec in common; the answer is then 488 (RFC 3261 21.4.26).
pub fn answer(offer: &Description, local: &AudioOffer) -> Result<AudioOffer, NoCommonCodec> {
    let audio = offer.audio().ok_or(NoCommonCodec { offered: Vec::new() })?;
    let codecs = common(audio, &local.codecs);
    if codecs.is_empty() {
        return Err(NoCommonCodec {
            offered: audio.codecs().map(|codec| codec.encoding).collect(),
        });
    }
    Ok(AudioOffer {
        address: local.address,
        port: if audio.port == 0 { 0 } else { local.port },
        codecs,
        telephone_event: audio
            .payload_type_of("telephone-event", 8000)
            .filter(|_| local.telephone_event.is_some()),
        direction: audio.direction.answer_to().narrowed_to(local.direction),
        ptime: local.ptime,
        session_id: local.session_id,
        session_version: local.session_version,
        username: local.username.clone(),
    })
}

/// Like [`answer`], as a whole session description with a section for every section of the offer in its order; all
/// but the first audio stream are refused with port 0 (RFC 3264 6).
///
/// # Errors
/// As [`answer`].
pub fn answer_bytes(offer: &Description, local: &AudioOffer) -> Result<Vec<u8>, NoCommonCodec> {
    let answered = answer(offer, local)?;
    let first = offer.media.iter().position(|media| media.kind == "audio");
    let medias = offer.media.iter().enumerate().map(|(index, media)| {
        if Some(index) == first {
            // the transport of an answer is the offered one (RFC 3264 6)
            sdp_types::Media {
                proto: media.protocol.clone(),
                ..answered.media()
            }
        } else {
            section(
                &media.kind,
                0,
                &media.protocol,
                media.formats.join(" "),
                Vec::new(),
            )
        }
    });
    Ok(answered.session(medias.collect()))
}

fn common(audio: &Media, ours: &[Codec]) -> Vec<Codec> {
    let known = |map: &super::RtpMap| {
        ours.iter()
            .find(|own| own.encoding.eq_ignore_ascii_case(&map.encoding) && own.clock_rate == map.clock_rate)
    };
    audio
        .codecs()
        .filter_map(|map| {
            let own = known(&map)?;
            Some(Codec {
                payload_type: map.payload_type,
                encoding: own.encoding.clone(),
                clock_rate: own.clock_rate,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> AudioOffer {
        let codec = |payload_type, encoding: &str| Codec {
            payload_type,
            encoding: encoding.into(),
            clock_rate: 8000,
        };
        AudioOffer {
            address: [192, 0, 2, 1].into(),
            port: 5004,
            codecs: vec![codec(0, "PCMU"), codec(8, "PCMA")],
            telephone_event: Some(101),
            direction: Direction::SendRecv,
            ptime: Some(20),
            session_id: 1,
            session_version: 2,
            username: "voxproof".into(),
        }
    }

    fn offer(media: &str) -> Description {
        Description::parse(
            format!("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n{media}")
                .as_bytes(),
        )
        .unwrap()
    }

    #[test]
    fn an_offer_as_bytes() {
        assert_eq!(
            String::from_utf8(local().to_bytes()).unwrap(),
            "v=0\r\no=voxproof 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
             m=audio 5004 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        );
    }

    #[test]
    fn an_answer_takes_order_and_numbers_of_the_offer() {
        let offer = offer(
            "m=audio 4000 RTP/AVP 18 8 97 96\r\na=rtpmap:97 pcmu/8000\r\na=rtpmap:96 telephone-event/8000\r\na=sendonly\r\n",
        );
        let answered = answer(&offer, &local()).unwrap();
        let numbers: Vec<_> = answered
            .codecs
            .iter()
            .map(|codec| (codec.payload_type, codec.encoding.as_str()))
            .collect();
        assert_eq!(numbers, [(8, "PCMA"), (97, "PCMU")]);
        assert_eq!(
            (answered.telephone_event, answered.direction),
            (Some(96), Direction::RecvOnly)
        );
        let held = AudioOffer {
            direction: Direction::SendOnly,
            telephone_event: None,
            ..local()
        };
        let answered = answer(&offer, &held).unwrap();
        assert_eq!(
            (answered.telephone_event, answered.direction),
            (None, Direction::Inactive)
        );
    }

    #[test]
    fn nothing_in_common_is_an_error() {
        let error = answer(&offer("m=audio 4000 RTP/AVP 18 9\r\n"), &local()).unwrap_err();
        assert_eq!(error.offered, ["G729", "G722"]);
        assert!(
            answer(&offer("m=video 4000 RTP/AVP 99\r\n"), &local())
                .unwrap_err()
                .offered
                .is_empty()
        );
    }

    #[test]
    fn every_section_is_answered_and_the_others_refused() {
        let offer = offer("m=video 5000 RTP/AVP 99\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 0\r\n");
        let text = String::from_utf8(answer_bytes(&offer, &local()).unwrap()).unwrap();
        let sections: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(
            sections,
            [
                "m=video 0 RTP/AVP 99",
                "m=audio 5004 RTP/SAVP 0",
                "m=audio 0 RTP/AVP 0"
            ]
        );
    }

    #[test]
    fn a_stream_of_port_zero_stays_at_zero() {
        assert_eq!(
            answer(&offer("m=audio 0 RTP/AVP 0\r\n"), &local()).unwrap().port,
            0
        );
    }
}
