//! Session descriptions of the lab's peers.

use std::net::{IpAddr, SocketAddr};

use voxproof_rtp::g711::Law;
use voxproof_sip::sdp::{AudioOffer, Codec, Description, Direction};

/// What a peer offers, or is able to answer with.
#[derive(Debug, Clone)]
pub struct OfferSpec {
    /// Codec names, most wanted first.
    pub codecs: Vec<String>,
    /// Payload type of telephone-event.
    pub telephone_event: Option<u8>,
    /// Direction.
    pub direction: Direction,
    /// Address to write instead of the real one.
    pub connection: Option<IpAddr>,
}

impl Default for OfferSpec {
    fn default() -> Self {
        Self {
            codecs: vec!["PCMU".to_owned(), "PCMA".to_owned()],
            telephone_event: Some(101),
            direction: Direction::SendRecv,
            connection: None,
        }
    }
}

impl OfferSpec {
    /// The session description for an RTP address.
    pub(crate) fn audio(&self, rtp: SocketAddr, session_id: u64, version: u64) -> AudioOffer {
        let mut dynamic = 96_u8;
        let codecs = self
            .codecs
            .iter()
            .map(|name| {
                let upper = name.to_ascii_uppercase();
                // static types of RFC 3551 6, dynamic ones from 96 on, past the telephone-event
                let payload_type = match upper.as_str() {
                    "PCMU" => 0,
                    "GSM" => 3,
                    "G723" => 4,
                    "PCMA" => 8,
                    "G722" => 9,
                    "G728" => 15,
                    "G729" => 18,
                    _ => {
                        if Some(dynamic) == self.telephone_event {
                            dynamic += 1;
                        }
                        dynamic += 1;
                        dynamic - 1
                    }
                };
                Codec {
                    payload_type,
                    encoding: upper,
                    clock_rate: 8000,
                }
            })
            .collect();
        AudioOffer {
            address: self.connection.unwrap_or_else(|| rtp.ip()),
            port: rtp.port(),
            codecs,
            telephone_event: self.telephone_event,
            direction: self.direction,
            ptime: Some(20),
            session_id,
            session_version: version,
            username: "voxproof".to_owned(),
        }
    }
}

/// Where a description wants its audio; none when the stream is refused or the address is the legacy hold address.
pub(crate) fn audio_target(description: &Description) -> Option<SocketAddr> {
    let audio = description.audio()?;
    let address: IpAddr = description.address_of(audio)?.parse().ok()?;
    (audio.port != 0 && !address.is_unspecified()).then_some(SocketAddr::new(address, audio.port))
}

/// The first codec of a description that the lab can send.
pub(crate) fn sendable_codec(description: &Description) -> Option<(u8, Law)> {
    let audio = description.audio()?;
    audio
        .formats
        .iter()
        .filter_map(|format| format.parse().ok())
        .find_map(|payload_type: u8| {
            let map = audio.codec(payload_type)?;
            match (map.encoding.to_ascii_uppercase().as_str(), map.clock_rate) {
                ("PCMU", 8000) => Some((payload_type, Law::Mu)),
                ("PCMA", 8000) => Some((payload_type, Law::A)),
                _ => None,
            }
        })
}
