//! What was agreed about each media stream, and who may send where.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use voxproof_sip::sdp::{Description, Media};

use crate::flows::Flows;
use crate::ledger::{Ledger, Spot};
use crate::rtcp::Control;
use crate::rtp::Stream;
use crate::sdp::{attributes, event_ranges};

/// Everything about the packets of the device to one media port of the lab.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) line: Option<Line>,
    /// The lab made an offer for this port that the device has not answered.
    pub(crate) offered: bool,
    /// The first packet before the answer.
    pub(crate) early: Option<Spot>,
    pub(crate) stream: Option<Stream>,
    pub(crate) control: Control,
}

/// One agreed media section, as it binds the device.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) call: u64,
    pub(crate) index: usize,
    pub(crate) formats: Vec<Format>,
    /// Formats of the agreement before, still on their way for a moment.
    pub(crate) old_formats: Vec<u8>,
    pub(crate) agreed_at: Duration,
    /// Where the device says it receives, and so should send from.
    pub(crate) device: Option<SocketAddr>,
    pub(crate) ptime: Option<u32>,
    pub(crate) max_ptime: Option<u32>,
    pub(crate) multiplexed: bool,
    pub(crate) reduced_size: bool,
    pub(crate) feedback: bool,
    pub(crate) secure: bool,
    pub(crate) audio: bool,
    /// Since when the device must not send.
    pub(crate) silent_since: Option<Duration>,
    pub(crate) ended: Option<Duration>,
    /// Packets since sending is forbidden.
    pub(crate) forbidden: u32,
}

/// A payload type the lab takes.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    pub(crate) payload_type: u8,
    pub(crate) coding: Coding,
    pub(crate) clock_rate: u32,
}

/// What the length of a payload tells about its duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Coding {
    /// One octet a clock tick: G.711, and G.722 with its clock of 8 kHz (RFC 3551 4.5.2).
    OctetPerTick,
    /// Frames of so many octets and ticks.
    Frames {
        octets: usize,
        ticks: u32,
    },
    /// Telephone-event with the events the lab takes.
    Events(Vec<(u8, u8)>),
    ComfortNoise,
    Other,
}

impl Format {
    /// Ticks that a payload lasts, when its coding tells.
    pub(crate) fn ticks(&self, octets: usize) -> Option<u32> {
        match self.coding {
            Coding::OctetPerTick => u32::try_from(octets).ok(),
            Coding::Frames { octets: frame, ticks } if octets.is_multiple_of(frame) => {
                u32::try_from(octets / frame).ok()?.checked_mul(ticks)
            }
            _ => None,
        }
    }
}

fn formats(lab: &Media) -> Vec<Format> {
    lab.formats
        .iter()
        .filter_map(|format| format.parse::<u8>().ok())
        .take(64)
        .map(|payload_type| {
            let map = lab.codec(payload_type);
            let name = map.as_ref().map(|map| map.encoding.to_ascii_uppercase());
            let coding = match name.as_deref() {
                Some("PCMU" | "PCMA" | "G722") => Coding::OctetPerTick,
                Some("G729") => Coding::Frames {
                    octets: 10,
                    ticks: 80,
                },
                Some("GSM") => Coding::Frames {
                    octets: 33,
                    ticks: 160,
                },
                Some("TELEPHONE-EVENT") => {
                    let ranges = lab.fmtp(payload_type).and_then(event_ranges);
                    // without fmtp the sender may assume 0 to 15 (RFC 4733 2.4.1)
                    Coding::Events(ranges.unwrap_or_else(|| vec![(0, 15)]))
                }
                Some("CN") => Coding::ComfortNoise,
                _ => Coding::Other,
            };
            Format {
                payload_type,
                coding,
                clock_rate: map.map_or(8000, |map| map.clock_rate).max(1),
            }
        })
        .collect()
}

fn socket(description: &Description, media: &Media) -> Option<SocketAddr> {
    let address: IpAddr = description.address_of(media)?.parse().ok()?;
    (media.port != 0).then(|| SocketAddr::new(address, media.port))
}

/// Notes an offer of the lab, so that media before the answer is known for what it is.
pub(crate) fn offer(flows: &mut Flows, lab: &Description) {
    for socket in lab.media.iter().take(8).filter_map(|media| socket(lab, media)) {
        let flow = flows.entry(socket);
        if flow.line.is_none() {
            flow.offered = true;
        }
    }
}

/// An offer and its answer are complete: what the device may send from now on.
pub(crate) fn agree(
    flows: &mut Flows,
    call: u64,
    device: &Description,
    lab: &Description,
    at: Duration,
    ledger: &mut Ledger,
) {
    for (index, (own, peer)) in device.media.iter().zip(&lab.media).enumerate().take(8) {
        let Some(destination) = socket(lab, peer).filter(|to| !to.ip().is_unspecified() && own.port != 0)
        else {
            continue;
        };
        let flow = flows.entry(destination);
        if let Some(early) = flow.early.take() {
            crate::rtp::early(early, at, ledger);
        }
        flow.offered = false;
        let replaced = flow.line.take();
        let call_before = replaced.as_ref().map(|line| line.call);
        let before = replaced.filter(|line| line.call == call && line.ended.is_none());
        let has = |media: &Media, name: &str| media.attributes.iter().any(|(known, _)| known == name);
        let may_send = own.direction.sends() && peer.direction.receives();
        let was_silent = before.as_ref().and_then(|line| line.silent_since);
        let new_formats = formats(peer);
        flow.line = Some(Line {
            call,
            index,
            old_formats: before
                .as_ref()
                .map(|line| line.formats.iter().map(|format| format.payload_type).collect())
                .unwrap_or_default(),
            formats: new_formats,
            agreed_at: at,
            device: socket(device, own),
            ptime: peer.ptime,
            max_ptime: attributes(peer, "maxptime").find_map(|value| value.trim().parse().ok()),
            multiplexed: has(own, "rtcp-mux") && has(peer, "rtcp-mux"),
            reduced_size: has(own, "rtcp-rsize") && has(peer, "rtcp-rsize"),
            feedback: peer.protocol.ends_with('F'),
            secure: peer.protocol.contains("SAVP"),
            audio: peer.kind == "audio",
            silent_since: (!may_send).then(|| was_silent.unwrap_or(at)),
            ended: None,
            forbidden: before.map_or(0, |line| if may_send { 0 } else { line.forbidden }),
        });
        flows.moved(destination, call_before, call);
    }
    flows.each_line(call, |line| {
        if line.agreed_at != at && line.index < lab.media.len() {
            line.silent_since.get_or_insert(at);
        }
    });
}

/// The call is over for the device.
pub(crate) fn end(flows: &mut Flows, call: u64, at: Duration) {
    flows.each_line(call, |line| {
        line.ended.get_or_insert(at);
    });
}
