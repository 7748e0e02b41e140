//! Offers and answers with everything a call driver can ask for (RFC 3264); [`AudioOffer`] is the short form.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{AudioOffer, Codec, Description, Direction, Media};

/// A codec with its payload type and parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedCodec {
    /// RTP payload type.
    pub payload_type: u8,
    /// Encoding name (`opus`).
    pub encoding: String,
    /// RTP clock rate in hertz; 8000 for G722 although it samples at 16 kHz (RFC 3551 4.5.2).
    pub clock_rate: u32,
    /// Channels, when more than one is to be written.
    pub channels: Option<u8>,
    /// Format parameters (`a=fmtp`).
    pub fmtp: Option<String>,
}

impl OfferedCodec {
    /// A codec by its encoding name in any case, with its static payload type (RFC 3551 6) or `dynamic`, and the RTP
    /// clock rate and channels its specification prescribes. Unknown names get 8000 Hz.
    pub fn named(encoding: &str, dynamic: u8) -> Self {
        let upper = encoding.to_ascii_uppercase();
        let (name, payload_type, clock_rate, channels) = match upper.as_str() {
            "PCMU" => ("PCMU", 0, 8000, None),
            "GSM" => ("GSM", 3, 8000, None),
            "G723" => ("G723", 4, 8000, None),
            "PCMA" => ("PCMA", 8, 8000, None),
            "G722" => ("G722", 9, 8000, None),
            "CN" => ("CN", 13, 8000, None),
            "G728" => ("G728", 15, 8000, None),
            "G729" => ("G729", 18, 8000, None),
            // always 48000/2, whatever is in the packets (RFC 7587 4.1, 7)
            "OPUS" => ("opus", dynamic, 48000, Some(2)),
            "L16" => ("L16", dynamic, 44100, None),
            "G722.1" => ("G7221", dynamic, 16000, None),
            "AMR-WB" => ("AMR-WB", dynamic, 16000, None),
            _ => (encoding, dynamic, 8000, None),
        };
        Self {
            payload_type,
            encoding: name.to_owned(),
            clock_rate,
            channels,
            fmtp: None,
        }
    }

    /// With format parameters.
    #[must_use]
    pub fn with_fmtp(mut self, parameters: &str) -> Self {
        self.fmtp = Some(parameters.to_owned());
        self
    }
}

impl From<&Codec> for OfferedCodec {
    fn from(codec: &Codec) -> Self {
        Self {
            payload_type: codec.payload_type,
            encoding: codec.encoding.clone(),
            clock_rate: codec.clock_rate,
            channels: None,
            fmtp: None,
        }
    }
}

/// One audio stream to offer or to answer with, and what else the description is to hold. Made from an [`AudioOffer`] or
/// by [`SessionOffer::new`] and then changed field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionOffer {
    /// Where media is wanted.
    pub address: IpAddr,
    /// RTP port; 0 refuses the stream.
    pub port: u16,
    /// Transport protocol (`RTP/AVP`).
    pub protocol: String,
    /// Codecs, most wanted first.
    pub codecs: Vec<OfferedCodec>,
    /// Payload type of telephone-event, when it is offered.
    pub telephone_event: Option<u8>,
    /// Its clock rate in hertz: that of the audio it takes the place of (RFC 4733 2.1), so 48000 beside Opus.
    pub telephone_event_clock: u32,
    /// Payload types and clock rates of telephone-event for codecs of other clock rates.
    pub further_telephone_events: Vec<(u8, u32)>,
    /// Our direction.
    pub direction: Direction,
    /// Wanted packet duration in milliseconds.
    pub ptime: Option<u32>,
    /// Longest packet duration in milliseconds.
    pub maxptime: Option<u32>,
    /// RTCP on the RTP port is offered, or agreed to when it is offered (RFC 5761).
    pub rtcp_mux: bool,
    /// `a=rtcp` port, when it is not the next one (RFC 3605).
    pub rtcp_port: Option<u16>,
    /// Further attribute lines of the stream, verbatim, with or without `a=` in front.
    pub attributes: Vec<String>,
    /// Further session-level attribute lines, verbatim, with or without `a=` in front.
    pub session_attributes: Vec<String>,
    /// Further sections of an offer, verbatim, each beginning with its `m=` line.
    pub extra_media: Vec<String>,
    /// An answer keeps our payload type numbers instead of those of the offer: both directions then differ
    /// (RFC 3264 5.1).
    pub own_payload_types: bool,
    /// Session identifier, constant over a dialog.
    pub session_id: u64,
    /// Goes up by one with every change (RFC 3264 8).
    pub session_version: u64,
    /// `o=` user name; `-` when empty.
    pub username: String,
}

/// Why an offer cannot be answered; the response is 488 (RFC 3261 21.4.26).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// No audio stream at all.
    #[error("the offer has no audio stream")]
    NoAudio,
    /// Only other transport protocols.
    #[error("the offer has audio over {0:?} only")]
    Protocol(Vec<String>),
    /// No codec in common.
    #[error("no codec in common with the offer: {0:?}")]
    NoCommonCodec(Vec<String>),
}

impl From<&AudioOffer> for SessionOffer {
    fn from(audio: &AudioOffer) -> Self {
        Self {
            address: audio.address,
            port: audio.port,
            protocol: "RTP/AVP".to_owned(),
            codecs: audio.codecs.iter().map(OfferedCodec::from).collect(),
            telephone_event: audio.telephone_event,
            telephone_event_clock: 8000,
            further_telephone_events: Vec::new(),
            direction: audio.direction,
            ptime: audio.ptime,
            maxptime: None,
            rtcp_mux: false,
            rtcp_port: None,
            attributes: Vec::new(),
            session_attributes: Vec::new(),
            extra_media: Vec::new(),
            own_payload_types: false,
            session_id: audio.session_id,
            session_version: audio.session_version,
            username: audio.username.clone(),
        }
    }
}

impl SessionOffer {
    /// A sendrecv stream at this address with these codecs and telephone-event 101.
    pub fn new(address: IpAddr, port: u16, codecs: Vec<OfferedCodec>) -> Self {
        let short = AudioOffer {
            address,
            port,
            codecs: Vec::new(),
            telephone_event: Some(101),
            direction: Direction::SendRecv,
            ptime: Some(20),
            session_id: 1,
            session_version: 1,
            username: "-".to_owned(),
        };
        Self {
            codecs,
            ..Self::from(&short)
        }
    }

    /// The whole session description, as an offer.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.session();
        for line in &self.session_attributes {
            push_attribute(&mut out, line);
        }
        self.push_section(&mut out, "audio", &self.protocol, self.rtcp_mux, None);
        for section in &self.extra_media {
            for line in section.lines().filter(|line| !line.is_empty()) {
                out.push_str(line);
                out.push_str("\r\n");
            }
        }
        out.into_bytes()
    }

    /// Our side of the answer to the first audio stream of `offer` that can be answered (RFC 3264 6): one with our
    /// transport protocol and a codec in common. Its place is the second value.
    ///
    /// # Errors
    /// See [`AnswerError`].
    pub fn answer(&self, offer: &Description) -> Result<(Self, usize), AnswerError> {
        let audio = || {
            offer
                .media
                .iter()
                .enumerate()
                .filter(|(_, media)| media.kind == "audio")
        };
        if audio().next().is_none() {
            return Err(AnswerError::NoAudio);
        }
        let mut offered = Vec::new();
        let mut matching = audio()
            .filter(|(_, media)| media.protocol.eq_ignore_ascii_case(&self.protocol))
            .peekable();
        if matching.peek().is_none() {
            return Err(AnswerError::Protocol(
                audio().map(|(_, media)| media.protocol.clone()).collect(),
            ));
        }
        let mut refused = None;
        for (index, media) in matching {
            let codecs = self.common(media);
            if codecs.is_empty() {
                offered.extend(media.codecs().map(|codec| codec.encoding));
            } else if media.port == 0 {
                // a stream the offerer has closed is answered only when there is no other
                refused = refused.or(Some((index, media, codecs)));
            } else {
                return Ok((self.agreed(media, codecs), index));
            }
        }
        refused
            .map(|(index, media, codecs)| (self.agreed(media, codecs), index))
            .ok_or(AnswerError::NoCommonCodec(offered))
    }

    /// As [`SessionOffer::answer`], as a whole session description: a section for every section of the offer in its
    /// order, all but the answered one with port 0 (RFC 3264 6). `a=mid` comes back, and a BUNDLE group with the
    /// answered section in it (RFC 9143 7.3).
    ///
    /// # Errors
    /// See [`AnswerError`].
    pub fn answer_bytes(&self, offer: &Description) -> Result<Vec<u8>, AnswerError> {
        let (own, answered) = self.answer(offer)?;
        let mut out = own.session();
        if let (Some(bundle), Some(mid)) = (offer.bundle(), offer.media.get(answered).and_then(Media::mid))
            && bundle.iter().any(|member| member == mid)
            && own.port != 0
        {
            let _ = write!(out, "a=group:BUNDLE {mid}\r\n");
        }
        for line in &own.session_attributes {
            push_attribute(&mut out, line);
        }
        for (index, media) in offer.media.iter().enumerate() {
            if index == answered {
                own.push_section(&mut out, &media.kind, &media.protocol, own.rtcp_mux, media.mid());
                continue;
            }
            let formats = if media.formats.is_empty() {
                "0".to_owned()
            } else {
                media.formats.join(" ")
            };
            let _ = write!(out, "m={} 0 {} {formats}\r\n", media.kind, media.protocol);
            if let Some(mid) = media.mid() {
                let _ = write!(out, "a=mid:{mid}\r\n");
            }
        }
        Ok(out.into_bytes())
    }

    /// The codecs both have, in the offerer's order.
    fn common(&self, media: &Media) -> Vec<OfferedCodec> {
        let mut found: Vec<OfferedCodec> = Vec::new();
        for map in media.codecs() {
            let own = self.codecs.iter().find(|own| {
                own.encoding.eq_ignore_ascii_case(&map.encoding)
                    && own.clock_rate == map.clock_rate
                    && own.channels.unwrap_or(1) == map.channels.unwrap_or(1)
            });
            let Some(own) = own else { continue };
            let payload_type = if self.own_payload_types {
                own.payload_type
            } else {
                map.payload_type
            };
            if found.iter().all(|known| known.payload_type != payload_type) {
                found.push(OfferedCodec {
                    payload_type,
                    ..own.clone()
                });
            }
        }
        found
    }

    fn agreed(&self, media: &Media, codecs: Vec<OfferedCodec>) -> Self {
        let mut events = self.agreed_events(media, &codecs).into_iter();
        let first = events.next();
        Self {
            port: if media.port == 0 { 0 } else { self.port },
            codecs,
            telephone_event: first.map(|(payload_type, _)| payload_type),
            telephone_event_clock: first.map_or(self.telephone_event_clock, |(_, clock)| clock),
            further_telephone_events: events.collect(),
            direction: media.direction.answer_to().narrowed_to(self.direction),
            ptime: self.ptime.or(media.ptime),
            rtcp_mux: self.rtcp_mux && media.rtcp_mux(),
            extra_media: Vec::new(),
            ..self.clone()
        }
    }

    /// Payload types and clock rates of telephone-event that this description has.
    pub fn telephone_events(&self) -> impl Iterator<Item = (u8, u32)> {
        let first = self
            .telephone_event
            .map(|payload_type| (payload_type, self.telephone_event_clock));
        first
            .into_iter()
            .chain(self.further_telephone_events.iter().copied())
    }

    /// Those of an answer: one for each clock rate of the agreed codecs that the offer has one for. An offer of Opus
    /// with events at 8 kHz only is against RFC 4733 2.1 but common; its events are agreed to as they are.
    fn agreed_events(&self, media: &Media, codecs: &[OfferedCodec]) -> Vec<(u8, u32)> {
        let offered: Vec<(u8, u32)> = media
            .codecs()
            .filter(|codec| codec.encoding.eq_ignore_ascii_case("telephone-event"))
            .map(|codec| (codec.payload_type, codec.clock_rate))
            .collect();
        let Some(own) = self.telephone_event else {
            return Vec::new();
        };
        let number = |theirs: u8, clock: u32| {
            let ours = self.telephone_events().find(|(_, rate)| *rate == clock);
            let ours = ours.map_or(own, |(payload_type, _)| payload_type);
            if self.own_payload_types { ours } else { theirs }
        };
        let mut agreed: Vec<(u8, u32)> = Vec::new();
        for codec in codecs {
            let clock = codec.clock_rate;
            if let Some((theirs, _)) = offered.iter().find(|(_, rate)| *rate == clock)
                && agreed.iter().all(|(_, rate)| *rate != clock)
            {
                agreed.push((number(*theirs, clock), clock));
            }
        }
        if agreed.is_empty()
            && let Some((theirs, clock)) = offered.iter().find(|(_, rate)| *rate == 8000)
        {
            agreed.push((number(*theirs, *clock), *clock));
        }
        agreed
    }

    fn session(&self) -> String {
        let mut username: String = self.username.split_ascii_whitespace().collect();
        if username.is_empty() {
            username.push('-');
        }
        let family = if self.address.is_ipv6() { "IP6" } else { "IP4" };
        let (id, version, address) = (self.session_id, self.session_version, self.address);
        format!(
            "v=0\r\no={username} {id} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
        )
    }

    fn push_section(&self, out: &mut String, kind: &str, protocol: &str, rtcp_mux: bool, mid: Option<&str>) {
        let _ = write!(out, "m={kind} {} {protocol}", self.port);
        for codec in &self.codecs {
            let _ = write!(out, " {}", codec.payload_type);
        }
        for (payload_type, _) in self.telephone_events() {
            let _ = write!(out, " {payload_type}");
        }
        out.push_str("\r\n");
        if let Some(mid) = mid {
            let _ = write!(out, "a=mid:{mid}\r\n");
        }
        for codec in &self.codecs {
            let number = codec.payload_type;
            let _ = write!(out, "a=rtpmap:{number} {}/{}", codec.encoding, codec.clock_rate);
            if let Some(channels) = codec.channels.filter(|channels| *channels > 1) {
                let _ = write!(out, "/{channels}");
            }
            out.push_str("\r\n");
            if let Some(parameters) = &codec.fmtp {
                let _ = write!(out, "a=fmtp:{number} {}\r\n", one_line(parameters));
            }
        }
        for (number, clock) in self.telephone_events() {
            // events 0 to 15: the DTMF digits (RFC 4733 2.5.1.1, 3.2)
            let _ = write!(
                out,
                "a=rtpmap:{number} telephone-event/{clock}\r\na=fmtp:{number} 0-15\r\n"
            );
        }
        if let Some(ptime) = self.ptime {
            let _ = write!(out, "a=ptime:{ptime}\r\n");
        }
        if let Some(maxptime) = self.maxptime {
            let _ = write!(out, "a=maxptime:{maxptime}\r\n");
        }
        if rtcp_mux {
            out.push_str("a=rtcp-mux\r\n");
        }
        if let Some(port) = self.rtcp_port {
            let _ = write!(out, "a=rtcp:{port}\r\n");
        }
        for line in &self.attributes {
            push_attribute(out, line);
        }
        let _ = write!(out, "a={}\r\n", self.direction);
    }
}

fn push_attribute(out: &mut String, line: &str) {
    let line = one_line(line);
    let _ = write!(out, "a={}\r\n", line.strip_prefix("a=").unwrap_or(&line));
}

fn one_line(text: &str) -> String {
    text.trim_end_matches(['\r', '\n']).replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> SessionOffer {
        let codecs = vec![
            OfferedCodec::named("OPUS", 96).with_fmtp("useinbandfec=1"),
            OfferedCodec::named("g722", 97),
            OfferedCodec::named("PCMA", 98),
        ];
        SessionOffer::new([192, 0, 2, 1].into(), 5004, codecs)
    }

    fn offer(media: &str) -> Description {
        let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n";
        Description::parse(format!("{head}{media}").as_bytes()).unwrap()
    }

    fn answer(local: &SessionOffer, media: &str) -> String {
        String::from_utf8(local.answer_bytes(&offer(media)).unwrap()).unwrap()
    }

    #[test]
    fn an_offer_with_everything() {
        let mut local = local();
        local.address = "2001:db8::1".parse().unwrap();
        local.protocol = "RTP/SAVP".into();
        local.maxptime = Some(60);
        local.rtcp_mux = true;
        local.rtcp_port = Some(5009);
        local.attributes = vec!["a=crypto:1 X inline:y".into(), "x-thing".into()];
        local.session_attributes = vec!["tool:lab\r\n".into()];
        local.extra_media = vec!["m=video 0 RTP/AVP 99\nb=AS:1\n".into()];
        assert_eq!(
            String::from_utf8(local.to_bytes()).unwrap(),
            "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\na=tool:lab\r\n\
             m=audio 5004 RTP/SAVP 96 9 8 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
             a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
             a=ptime:20\r\na=maxptime:60\r\na=rtcp-mux\r\na=rtcp:5009\r\na=crypto:1 X inline:y\r\na=x-thing\r\n\
             a=sendrecv\r\nm=video 0 RTP/AVP 99\r\nb=AS:1\r\n"
        );
        assert!(Description::parse(&local.to_bytes()).is_ok());
    }

    #[test]
    fn the_short_form_gives_the_same_bytes() {
        let short = AudioOffer {
            address: [192, 0, 2, 1].into(),
            port: 5004,
            codecs: vec![Codec {
                payload_type: 0,
                encoding: "PCMU".into(),
                clock_rate: 8000,
            }],
            telephone_event: Some(101),
            direction: Direction::SendOnly,
            ptime: Some(30),
            session_id: 3,
            session_version: 4,
            username: "a b".into(),
        };
        assert_eq!(SessionOffer::from(&short).to_bytes(), short.to_bytes());
        let offer = offer("m=video 1 RTP/AVP 99\r\nm=audio 4000 RTP/AVP 8 0\r\n");
        assert_eq!(
            SessionOffer::from(&short).answer_bytes(&offer).unwrap(),
            super::super::answer_bytes(&offer, &short).unwrap()
        );
    }

    #[test]
    fn an_answer_has_a_section_for_each_and_the_numbers_of_the_offer() {
        let media = "a=group:BUNDLE 1 2\r\nm=video 5000 RTP/AVP 99\r\na=mid:0\r\n\
            m=audio 4000 RTP/AVP 111 112 100\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:112 opus/48000\r\n\
            a=rtpmap:100 telephone-event/8000\r\na=rtcp-mux\r\na=sendonly\r\n";
        let mut local = local();
        local.rtcp_mux = true;
        let text = answer(&local, media);
        assert!(
            text.ends_with(
                "t=0 0\r\na=group:BUNDLE 1\r\nm=video 0 RTP/AVP 99\r\na=mid:0\r\nm=audio 5004 RTP/AVP 111 100\r\na=mid:1\r\n\
                 a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\na=rtpmap:100 telephone-event/8000\r\n\
                 a=fmtp:100 0-15\r\na=ptime:20\r\na=rtcp-mux\r\na=recvonly\r\n"
            ),
            "{text}"
        );
        local.own_payload_types = true;
        assert!(answer(&local, media).contains("m=audio 5004 RTP/AVP 96 101\r\n"));
    }

    #[test]
    fn telephone_events_are_answered_at_the_clock_of_the_codec() {
        let media = "m=audio 4000 RTP/AVP 111 0 101 102\r\na=rtpmap:111 opus/48000/2\r\n\
            a=rtpmap:101 telephone-event/48000\r\na=rtpmap:102 telephone-event/8000\r\n";
        let text = answer(&local(), media);
        assert!(text.contains("RTP/AVP 111 101\r\n"), "{text}");
        assert!(text.contains("a=rtpmap:101 telephone-event/48000\r\n"), "{text}");
        assert!(!text.contains("telephone-event/8000"), "{text}");
    }

    #[test]
    fn ptime_and_mux_follow_the_offer_and_the_right_stream_is_taken() {
        let mut local = local();
        local.ptime = None;
        local.rtcp_mux = true;
        let text = answer(
            &local,
            "m=audio 4000 RTP/SAVP 8\r\nm=audio 0 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 0\r\nm=audio 4004 RTP/AVP 9\r\na=ptime:40\r\n",
        );
        let sections: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(
            sections,
            [
                "m=audio 0 RTP/SAVP 8",
                "m=audio 0 RTP/AVP 8",
                "m=audio 0 RTP/AVP 0",
                "m=audio 5004 RTP/AVP 9"
            ]
        );
        assert!(text.contains("a=ptime:40\r\n") && !text.contains("rtcp-mux"));
    }

    #[test]
    fn what_cannot_be_answered() {
        let error = |media: &str| local().answer_bytes(&offer(media)).unwrap_err();
        assert_eq!(error("m=video 1 RTP/AVP 99\r\n"), AnswerError::NoAudio);
        assert_eq!(
            error("m=audio 1 RTP/SAVP 8\r\n"),
            AnswerError::Protocol(vec!["RTP/SAVP".into()])
        );
        assert_eq!(
            error("m=audio 1 RTP/AVP 18 0\r\n"),
            AnswerError::NoCommonCodec(vec!["G729".into(), "PCMU".into()])
        );
    }
}
