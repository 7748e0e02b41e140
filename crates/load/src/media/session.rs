//! Session descriptions of the load mode: one G.711 stream (RFC 8866, RFC 3264).

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use voxproof_rtp::g711::Law;
use voxproof_sip::sdp::{Description, Direction};

/// What the far end's description says about the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemoteMedia {
    /// Where it wants RTP.
    pub(crate) address: SocketAddr,
    /// The law both know, and its payload type.
    pub(crate) law: Law,
    pub(crate) payload_type: u8,
    /// Whether it wants to receive.
    pub(crate) receives: bool,
    /// Whether it is going to send.
    pub(crate) sends: bool,
    /// The SSRC it announces (RFC 5576).
    pub(crate) ssrc: Option<u32>,
}

/// What our own description says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalMedia<'a> {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    /// Payload types with their laws, in order of preference.
    pub(crate) formats: &'a [(u8, Law)],
    pub(crate) direction: &'static str,
    pub(crate) ptime_ms: u64,
    pub(crate) ssrc: Option<u32>,
    pub(crate) version: u64,
}

/// The static payload type of a law (RFC 3551 table 4).
pub(crate) const fn payload_type(law: Law) -> u8 {
    match law {
        Law::Mu => 0,
        Law::A => 8,
    }
}

const fn encoding(law: Law) -> &'static str {
    match law {
        Law::Mu => "PCMU",
        Law::A => "PCMA",
    }
}

/// Writes our description.
pub(crate) fn write(out: &mut Vec<u8>, local: &LocalMedia<'_>) {
    let family = if local.address.is_ipv6() { "IP6" } else { "IP4" };
    let address = local.address;
    // writing to a Vec does not fail
    let _ = write!(
        out,
        "v=0\r\no=- {port} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP",
        port = local.port,
        version = local.version,
    );
    for (number, _) in local.formats {
        let _ = write!(out, " {number}");
    }
    out.extend_from_slice(b"\r\n");
    for (number, law) in local.formats {
        let _ = write!(out, "a=rtpmap:{number} {}/8000\r\n", encoding(*law));
    }
    let _ = write!(out, "a=ptime:{}\r\na={}\r\n", local.ptime_ms, local.direction);
    if let Some(ssrc) = local.ssrc {
        let _ = write!(out, "a=ssrc:{ssrc} cname:voxproof\r\n");
    }
}

/// Reads the far end's description. `None`: no audio, refused, an address that is none, or no law of ours.
pub(crate) fn read(body: &[u8], laws: &[Law]) -> Option<RemoteMedia> {
    let description = Description::parse(body).ok()?;
    let audio = description.audio().filter(|audio| audio.port != 0)?;
    let ip: IpAddr = description.address_of(audio)?.parse().ok()?;
    let formats = audio
        .formats
        .iter()
        .filter_map(|format| format.parse::<u8>().ok());
    // the far end's order decides (RFC 3264 6.1)
    let (payload_type, law) = formats
        .filter_map(|number| {
            let law = match audio.codec(number) {
                Some(codec) if codec.clock_rate == 8000 && codec.encoding.eq_ignore_ascii_case("PCMA") => {
                    Law::A
                }
                Some(codec) if codec.clock_rate == 8000 && codec.encoding.eq_ignore_ascii_case("PCMU") => {
                    Law::Mu
                }
                _ => return None,
            };
            laws.contains(&law).then_some((number, law))
        })
        .next()?;
    let ssrc = audio.attributes.iter().find_map(|(name, value)| {
        let value = value.as_deref().filter(|_| name == "ssrc")?;
        value.split(' ').next()?.parse().ok()
    });
    Some(RemoteMedia {
        address: SocketAddr::new(ip, audio.port),
        law,
        payload_type,
        // 0.0.0.0 is hold as RFC 2543 had it
        receives: matches!(audio.direction, Direction::SendRecv | Direction::RecvOnly)
            && !ip.is_unspecified(),
        sends: matches!(audio.direction, Direction::SendRecv | Direction::SendOnly),
        ssrc,
    })
}

/// Our direction in the answer (RFC 3264 6.1).
pub(crate) const fn answering_direction(offer: &RemoteMedia) -> &'static str {
    match (offer.receives, offer.sends) {
        (true, true) => "sendrecv",
        (true, false) => "sendonly",
        (false, true) => "recvonly",
        (false, false) => "inactive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut body = Vec::new();
        let local = LocalMedia {
            address: IpAddr::from([192, 0, 2, 1]),
            port: 4000,
            formats: &[(8, Law::A), (0, Law::Mu)],
            direction: "sendrecv",
            ptime_ms: 20,
            ssrc: Some(77),
            version: 1,
        };
        write(&mut body, &local);
        let remote = read(&body, &[Law::Mu, Law::A]).expect("own description");
        assert_eq!(
            remote,
            RemoteMedia {
                address: SocketAddr::from(([192, 0, 2, 1], 4000)),
                law: Law::A,
                payload_type: 8,
                receives: true,
                sends: true,
                ssrc: Some(77),
            }
        );
        assert_eq!(read(&body, &[Law::Mu]).map(|remote| remote.payload_type), Some(0));
        assert_eq!(answering_direction(&remote), "sendrecv");
    }

    #[test]
    fn refused_foreign_and_broken_descriptions_are_none() {
        let body = |media: &str| {
            format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{media}")
        };
        let both = [Law::A, Law::Mu];
        assert!(read(body("m=audio 0 RTP/AVP 8\r\n").as_bytes(), &both).is_none());
        assert!(read(body("m=audio 4000 RTP/AVP 9\r\n").as_bytes(), &both).is_none());
        assert!(read(b"hello", &both).is_none());
        let held = read(body("m=audio 4000 RTP/AVP 8\r\na=sendonly\r\n").as_bytes(), &both).expect("audio");
        assert_eq!(answering_direction(&held), "recvonly");
    }
}
