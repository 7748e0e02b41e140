//! What offer and answer come to for the peer's stream (RFC 3264).

use std::net::{IpAddr, SocketAddr};

use voxproof_codec::CodecSpec;
use voxproof_sip::sdp::{Description, Direction, Media, SessionOffer};

/// Where and what the peer sends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Agreement {
    /// Where the device wants RTP; none when it refused the stream or holds the old way.
    pub(crate) remote: Option<SocketAddr>,
    /// Where it wants RTCP.
    pub(crate) remote_rtcp: Option<SocketAddr>,
    /// RTP and RTCP share a port.
    pub(crate) mux: bool,
    /// Payload type and codec to send with.
    pub(crate) codec: Option<(u8, CodecSpec)>,
    /// Payload type and clock rate of telephone-event towards the device.
    pub(crate) telephone_event: Option<(u8, u32)>,
    /// Packet time the device asks for, ms.
    pub(crate) ptime: Option<u32>,
    /// The peer may send.
    pub(crate) sending: bool,
    /// Both want extended reports.
    pub(crate) reports: bool,
}

impl Agreement {
    /// Of the peer's own description and the device's.
    pub(crate) fn of(local: &SessionOffer, remote: &Description) -> Self {
        let audio = remote.audio();
        let target = audio.and_then(|audio| target(remote, audio));
        let may_send = matches!(local.direction, Direction::SendRecv | Direction::SendOnly);
        let wanted =
            audio.is_some_and(|audio| matches!(audio.direction, Direction::SendRecv | Direction::RecvOnly));
        // the hold of RFC 2543: the peer has no address either
        let held_the_old_way = local.address.is_unspecified();
        let codec = audio.and_then(|audio| sendable(audio, local));
        let mux = local.rtcp_mux && audio.is_some_and(Media::rtcp_mux);
        let rtcp = audio.and_then(Media::rtcp);
        let remote_rtcp = target.map(|rtp| {
            if mux {
                return rtp;
            }
            let port = rtcp
                .as_ref()
                .map_or_else(|| rtp.port().saturating_add(1), |rtcp| rtcp.port);
            let address = rtcp
                .as_ref()
                .and_then(|rtcp| rtcp.address.as_ref()?.parse().ok())
                .unwrap_or_else(|| rtp.ip());
            SocketAddr::new(address, port)
        });
        Self {
            remote: target,
            remote_rtcp,
            mux,
            telephone_event: audio
                .and_then(|audio| events(audio, codec.map(|(_, codec)| codec)))
                .filter(|_| local.telephone_event.is_some()),
            ptime: audio.and_then(|audio| audio.ptime),
            sending: may_send && wanted && !held_the_old_way && codec.is_some(),
            codec,
            reports: audio.is_some_and(|audio| remote.rtcp_xr(audio).is_some())
                && local.attributes.iter().any(|line| line.starts_with("rtcp-xr")),
        }
    }
}

/// The telephone-events of the device's description: those at the clock of the codec (RFC 4733 2.1), else any.
fn events(audio: &Media, codec: Option<CodecSpec>) -> Option<(u8, u32)> {
    let wanted = codec.map_or(8000, |codec| codec.rtp_clock_rate());
    let payload_type = audio
        .payload_type_of("telephone-event", wanted)
        .or_else(|| audio.telephone_event())?;
    let clock = audio.codec(payload_type).map_or(8000, |map| map.clock_rate);
    Some((payload_type, clock))
}

/// Where a description wants its audio; none when the stream is refused or the address is the legacy hold address.
fn target(description: &Description, audio: &Media) -> Option<SocketAddr> {
    let address: IpAddr = description.address_of(audio)?.parse().ok()?;
    (audio.port != 0 && !address.is_unspecified()).then_some(SocketAddr::new(address, audio.port))
}

/// The first codec of the device's description that the lab can send and that it offered or is able to answer with.
fn sendable(audio: &Media, local: &SessionOffer) -> Option<(u8, CodecSpec)> {
    audio
        .formats
        .iter()
        .filter_map(|format| format.parse().ok())
        .find_map(|payload_type: u8| {
            let map = audio.codec(payload_type)?;
            let ours = local
                .codecs
                .iter()
                .any(|codec| codec.encoding.eq_ignore_ascii_case(&map.encoding));
            let spec = CodecSpec::from_rtpmap(&map.encoding, map.clock_rate, map.channels).ok()?;
            let speech = !matches!(spec.codec(), voxproof_codec::Codec::ComfortNoise { .. });
            (ours && speech).then_some((payload_type, spec))
        })
}
