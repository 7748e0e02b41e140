//! RTP packets of the device (RFC 3550, RFC 3551, RFC 3264, RFC 4961).

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_rtp::Packet;

use crate::catalogue::Id;
use crate::ledger::{Ledger, Spot};
use crate::media::{Coding, Flow, Format, Line};
use crate::telephone_event::Event;

/// How long packets of the state before are still on their way; jitter buffers and playout threads of devices.
const GRACE: Duration = Duration::from_millis(500);
/// How much closer together than they were sent two packets may arrive.
const JITTER: Duration = Duration::from_millis(15);
/// Packets in a forbidden direction that may be keep-alives (RFC 6263).
const KEEP_ALIVES: u32 = 4;

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) ssrc: u32,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
    /// What the last payload lasted, in ticks.
    ticks: Option<u32>,
    at: Duration,
    pub(crate) first_at: Duration,
    pub(crate) event: Option<Event>,
}

impl Stream {
    pub(crate) const fn last_at(&self) -> Duration {
        self.at
    }
}

/// Whether a datagram on a media port is something else: STUN, DTLS, TURN (RFC 7983 7), or an empty keep-alive
/// (RFC 6263 4.1).
fn is_other(bytes: &[u8]) -> bool {
    bytes.len() <= 4 || matches!(bytes.first(), Some(0..=3 | 16..=79))
}

pub(crate) struct Datagram<'a> {
    pub(crate) spot: Spot,
    pub(crate) source: SocketAddr,
    pub(crate) bytes: &'a [u8],
    pub(crate) dscp: Option<u8>,
}

pub(crate) fn check(flow: &mut Flow, datagram: &Datagram<'_>, translated: bool, ledger: &mut Ledger) {
    let (spot, bytes) = (datagram.spot, datagram.bytes);
    if is_other(bytes) {
        return;
    }
    let version = bytes.first().map_or(0, |first| first >> 6);
    ledger.check(Id::RtpVersion, spot, version == 2, || {
        format!("version {version}, expected 2")
    });
    if version != 2 {
        return;
    }
    let secure = flow.line.as_ref().is_some_and(|line| line.secure);
    let packet = match Packet::parse(bytes) {
        Ok(packet) => {
            ledger.check(Id::RtpHeader, spot, true, String::new);
            packet
        }
        // the padding count of SRTP is encrypted
        Err(_) if secure => return,
        Err(error) => {
            ledger.check(Id::RtpHeader, spot, false, || error.to_string());
            return;
        }
    };
    let Flow {
        line,
        offered,
        early,
        stream,
        ..
    } = flow;
    match line {
        Some(line) => agreed(line, &packet, datagram, translated, ledger),
        None if *offered && early.is_none() => *early = Some(spot),
        None => {}
    }
    let format = line.as_ref().and_then(|line| {
        line.formats
            .iter()
            .find(|format| format.payload_type == packet.payload_type)
    });
    follow(stream, line.as_ref(), format, &packet, spot, secure, ledger);
}

/// Media that came before the answer to the lab's offer; UDP may change the order of a few milliseconds.
pub(crate) fn early(first: Spot, answered: Duration, ledger: &mut Ledger) {
    let ahead = answered.saturating_sub(first.at);
    ledger.check(Id::RtpEarly, first, ahead <= GRACE, || {
        format!("RTP {} ms before the answer", ahead.as_millis())
    });
}

fn agreed(
    line: &mut Line,
    packet: &Packet<'_>,
    datagram: &Datagram<'_>,
    translated: bool,
    ledger: &mut Ledger,
) {
    let spot = datagram.spot;
    let since = spot.at.saturating_sub(line.agreed_at);
    let number = packet.payload_type;
    let known = line.formats.iter().any(|format| format.payload_type == number)
        || (since <= GRACE && line.old_formats.contains(&number));
    ledger.check(Id::RtpPayloadType, spot, known, || {
        format!("payload type {number}, which the peer does not list")
    });
    if let Some(dscp) = datagram.dscp.filter(|_| line.audio) {
        ledger.check(Id::RtpDscp, spot, dscp == 46, || {
            format!("DSCP {dscp}, voice is usually marked EF (46)")
        });
    }
    if let Some(ended) = line.ended {
        let late = spot.at.saturating_sub(ended);
        ledger.check(Id::RtpAfterBye, spot, late <= GRACE, || {
            format!("RTP {} ms after the end of the call", late.as_millis())
        });
    } else if let Some(silent) = line.silent_since {
        if spot.at.saturating_sub(silent) > GRACE {
            line.forbidden = line.forbidden.saturating_add(1);
            let count = line.forbidden;
            ledger.check(Id::RtpDirection, spot, count <= KEEP_ALIVES, || {
                format!(
                    "RTP packet {count} although the agreed direction has not let the device send for {} ms",
                    spot.at.saturating_sub(silent).as_millis()
                )
            });
        }
    } else {
        ledger.check(Id::RtpDirection, spot, true, String::new);
    }
    if let Some(own) = line
        .device
        .filter(|own| !translated && !own.ip().is_unspecified())
        && since > GRACE
    {
        let source = datagram.source;
        ledger.check(Id::RtpSymmetric, spot, source == own, || {
            format!("sent from {source}, received at {own}")
        });
    }
}

fn follow(
    stream: &mut Option<Stream>,
    line: Option<&Line>,
    format: Option<&Format>,
    packet: &Packet<'_>,
    spot: Spot,
    secure: bool,
    ledger: &mut Ledger,
) {
    let ticks = format
        .filter(|_| !secure)
        .and_then(|format| format.ticks(packet.payload.len()));
    if let (Some(line), Some(format), Some(ticks)) = (line, format, ticks) {
        duration(line, format, ticks, spot, ledger);
    }
    let events = match format.map(|format| &format.coding) {
        Some(Coding::Events(ranges)) if !secure => Some(ranges),
        _ => None,
    };
    match stream {
        Some(known) if known.ssrc == packet.ssrc => {
            let step = packet.sequence.wrapping_sub(known.sequence).cast_signed();
            sequence(known, packet, step, spot, ledger);
            if step == 0
                && let Some(event) = known.event.as_mut().filter(|_| events.is_some())
            {
                event.again(packet);
            }
            if (-100..=0).contains(&step) {
                return;
            }
            if step == 1 && events.is_none() {
                timestamp(known, format, packet, spot, ledger);
            }
            if let Some(ranges) = events {
                Event::take(&mut known.event, packet, ranges, step == 1, spot, ledger);
            }
            known.sequence = packet.sequence;
            known.timestamp = packet.timestamp;
            known.payload_type = packet.payload_type;
            known.ticks = ticks;
            known.at = spot.at;
        }
        other => {
            if line.is_some() && other.is_none() {
                ledger.check(Id::RtpEarly, spot, true, String::new);
            }
            let settled = line.is_some_and(|line| spot.at.saturating_sub(line.agreed_at) > 2 * GRACE);
            if let Some(before) = other.as_ref()
                && settled
            {
                let old = before.ssrc;
                ledger.check(Id::RtpSource, spot, false, || {
                    format!("SSRC {:08x} after {old:08x} in one stream", packet.ssrc)
                });
            }
            ledger.check(Id::RtpSourceZero, spot, packet.ssrc != 0, || {
                "SSRC 0 is hardly random".to_owned()
            });
            let mut new = Stream {
                ssrc: packet.ssrc,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                payload_type: packet.payload_type,
                ticks,
                at: spot.at,
                first_at: spot.at,
                event: None,
            };
            if let Some(ranges) = events {
                Event::take(&mut new.event, packet, ranges, true, spot, ledger);
            }
            *other = Some(new);
        }
    }
}

fn duration(line: &Line, format: &Format, ticks: u32, spot: Spot, ledger: &mut Ledger) {
    let milliseconds = u64::from(ticks) * 1000 / u64::from(format.clock_rate);
    if let Some(wanted) = line.ptime {
        ledger.check(Id::RtpPtime, spot, milliseconds == u64::from(wanted), || {
            format!("packet of {milliseconds} ms, the peer asked for {wanted} ms")
        });
    }
    if let Some(most) = line.max_ptime {
        ledger.check(Id::RtpMaxPtime, spot, milliseconds <= u64::from(most), || {
            format!("packet of {milliseconds} ms, the peer takes at most {most} ms")
        });
    }
}

/// Only what loss and reordering on the way cannot explain.
fn sequence(known: &Stream, packet: &Packet<'_>, step: i16, spot: Spot, ledger: &mut Ledger) {
    ledger.check(Id::RtpSource, spot, true, String::new);
    let advance = packet.timestamp.wrapping_sub(known.timestamp);
    let same_kind = packet.payload_type == known.payload_type;
    let (holds, why) = match step {
        1 => (true, ""),
        0 => (
            packet.timestamp == known.timestamp,
            "the same number with another timestamp",
        ),
        -100..=-1 => return,
        // numbers are missing, but no media is
        2..=3000 => {
            let joined = same_kind && known.ticks == Some(advance) && advance > 0;
            if !joined {
                return;
            }
            (false, "numbers left out although the media goes on without a gap")
        }
        _ => (false, "a jump"),
    };
    ledger.check(Id::RtpSequence, spot, holds, || {
        format!(
            "sequence number {} after {}: {why}",
            packet.sequence, known.sequence
        )
    });
}

fn timestamp(known: &Stream, format: Option<&Format>, packet: &Packet<'_>, spot: Spot, ledger: &mut Ledger) {
    let (Some(format), Some(ticks)) = (format, known.ticks) else {
        return;
    };
    if known.payload_type != packet.payload_type || ticks == 0 {
        return;
    }
    let advance = packet.timestamp.wrapping_sub(known.timestamp);
    let gap = spot.at.saturating_sub(known.at);
    // a pause in the speech makes the timestamp go on with the time that passed
    let passed = (gap + JITTER).as_secs_f64() * f64::from(format.clock_rate);
    let pause =
        advance.cast_signed() > ticks.cast_signed() && (packet.marker || passed >= f64::from(advance));
    ledger.check(Id::RtpTimestamp, spot, advance == ticks || pause, || {
        format!(
            "timestamp went on by {}, the packet before lasted {ticks}",
            advance.cast_signed()
        )
    });
    if advance == ticks {
        ledger.check(Id::RtpMarker, spot, !packet.marker, || {
            "marker bit inside a talk spurt".to_owned()
        });
    }
}

/// At the end of the traffic.
pub(crate) fn close(flow: &Flow, now: Duration, ledger: &mut Ledger) {
    if let Some(event) = flow.stream.as_ref().and_then(|stream| stream.event.as_ref()) {
        event.close(now, ledger);
    }
}
