//! An RTCP session: when to send what (RFC 3550 6.2, 6.3) and what the far end's reports mean.

mod compose;
mod event;
mod interval;
mod ntp;
mod receive;
mod source;

use std::time::Duration;

pub use event::Event;
pub use ntp::ntp_from_unix;

use super::Profile;
use crate::packet::Packet;
use crate::quality::Equipment;
use interval::Timing;
use ntp::short_units;
use source::Source;

/// Sources that are remembered; of more the one that was silent longest is forgotten.
const MOST_SOURCES: usize = 32;
/// Octets of the IPv4 and UDP headers, which count as RTCP traffic (RFC 3550 6.2).
const LOWER_LAYERS: usize = 28;

/// Which blocks of extended reports a session sends (RFC 3611).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtendedReports {
    /// VoIP metrics of each source heard.
    pub voip_metrics: bool,
    /// Statistics summary of each source heard, for the time since the last report.
    pub statistics_summary: bool,
    /// Receiver reference time, so that the far end answers with the delay since.
    pub receiver_reference_time: bool,
    /// Answers to the far end's reference times.
    pub delay_since_last: bool,
}

/// What a session needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionConfig {
    /// Own synchronisation source.
    pub ssrc: u32,
    /// Canonical name (RFC 7022), at most 255 octets.
    pub cname: String,
    /// RTP clock of both directions in Hz.
    pub clock_rate: u32,
    /// Payload types of telephone-event, whose timestamps stand still.
    pub telephone_event_pts: Vec<u8>,
    /// NTP timestamp of the lab's time zero, 32.32 fixed point seconds since 1900; see [`ntp_from_unix`].
    pub ntp_epoch: u64,
    /// Session bandwidth in bit/s, both directions; a twentieth of it is for RTCP (RFC 3550 6.2).
    pub bandwidth: u32,
    /// Replaces the minimum interval of 5 s by 360 s divided by the bandwidth in kbit/s (RFC 3550 6.2).
    pub reduced_minimum: bool,
    /// Extended reports to send.
    pub extended_reports: ExtendedReports,
    /// Depth of the jitter buffer that the VoIP metrics assume.
    pub jitter_buffer: Duration,
    /// Codec and concealment that the VoIP metrics assume.
    pub equipment: Option<Equipment>,
    /// Whether reduced-size packets of the far end are in order (RFC 5506).
    pub profile: Profile,
    /// Seed of the random intervals.
    pub seed: u64,
}

impl SessionConfig {
    /// A session of one G.711 stream each way at 8000 Hz without extended reports.
    #[must_use]
    pub fn new(ssrc: u32, cname: impl Into<String>, ntp_epoch: u64, seed: u64) -> Self {
        Self {
            ssrc,
            cname: cname.into(),
            clock_rate: 8000,
            telephone_event_pts: Vec::new(),
            ntp_epoch,
            // 64 kbit/s and headers of 40 octets each 20 ms, both ways
            bandwidth: 160_000,
            reduced_minimum: false,
            extended_reports: ExtendedReports::default(),
            jitter_buffer: Duration::from_millis(60),
            equipment: Some(Equipment::G711),
            profile: Profile::Compound,
            seed,
        }
    }
}

/// What was sent so far.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Duration,
    timestamp: u32,
    packets: u32,
    octets: u32,
}

/// One participant of an RTP session, without input and output of its own.
///
/// ```
/// use std::time::Duration;
/// use voxproof_rtp::rtcp::{Session, SessionConfig, ntp_from_unix};
///
/// let config = SessionConfig::new(7, "lab@192.0.2.1", ntp_from_unix(Duration::from_secs(1_700_000_000)), 1);
/// let mut session = Session::new(config, Duration::ZERO);
/// session.sent(Duration::ZERO, 160, 160);
/// let due = session.poll_timeout().expect("the first report is planned");
/// assert!(due >= Duration::from_secs_f64(2.5 * 0.5 / 1.22) && due <= Duration::from_secs_f64(2.5 * 1.5 / 1.21));
/// assert!(session.poll_transmit(Duration::from_secs(4)).is_some());
/// ```
#[derive(Debug, Clone)]
pub struct Session {
    config: SessionConfig,
    timing: Timing,
    sent: Option<Sent>,
    sources: Vec<Source>,
    /// An RTCP packet went out; without one and without RTP there is no goodbye (RFC 3550 6.3.7).
    reported: bool,
    closed: bool,
}

impl Session {
    /// Joins at `now`; the first report is planned for half the minimum interval (RFC 3550 6.2).
    #[must_use]
    pub fn new(config: SessionConfig, now: Duration) -> Self {
        let timing = Timing::new(&config, now);
        Self {
            config,
            timing,
            sent: None,
            sources: Vec::new(),
            reported: false,
            closed: false,
        }
    }

    /// Notes an RTP packet that was sent: its timestamp and the octets of its payload.
    pub fn sent(&mut self, now: Duration, timestamp: u32, payload_octets: usize) {
        let sent = self.sent.get_or_insert(Sent {
            at: now,
            timestamp,
            packets: 0,
            octets: 0,
        });
        sent.at = now;
        sent.timestamp = timestamp;
        // the fields of a sender report wrap (RFC 3550 6.4.1)
        sent.packets = sent.packets.wrapping_add(1);
        sent.octets = sent
            .octets
            .wrapping_add(u32::try_from(payload_octets).unwrap_or(u32::MAX));
    }

    /// Notes an RTP packet that was received, with the code point of its IP header where it is known. A packet with our
    /// own source is not counted and gives [`Event::Collision`].
    pub fn received(&mut self, now: Duration, packet: &Packet<'_>, dscp: Option<u8>) -> Option<Event> {
        if packet.ssrc == self.config.ssrc {
            return Some(Event::Collision { ssrc: packet.ssrc });
        }
        let place = self.source(packet.ssrc, now);
        if let Some(source) = self.sources.get_mut(place) {
            source.received(now, packet, dscp);
        }
        None
    }

    /// Notes that a source was heard; false for our own.
    fn heard(&mut self, ssrc: u32, now: Duration, events: &mut Vec<Event>) -> bool {
        if ssrc == self.config.ssrc {
            events.push(Event::Collision { ssrc });
            return false;
        }
        let place = self.source(ssrc, now);
        if let Some(source) = self.sources.get_mut(place) {
            source.heard_at = now;
        }
        true
    }

    fn find(&mut self, ssrc: u32) -> Option<&mut Source> {
        self.sources.iter_mut().find(|source| source.ssrc == ssrc)
    }

    /// Place of a source, which is added when it is new.
    fn source(&mut self, ssrc: u32, now: Duration) -> usize {
        if let Some(known) = self.sources.iter().position(|source| source.ssrc == ssrc) {
            return known;
        }
        if self.sources.len() >= MOST_SOURCES {
            let silent = (0..self.sources.len()).min_by_key(|&place| self.sources[place].heard_at);
            if let Some(place) = silent {
                self.sources.swap_remove(place);
            }
        }
        self.sources.push(Source::new(ssrc, now, &self.config));
        self.sources.len() - 1
    }

    /// When [`Session::poll_transmit`] wants to be called; `None` after the goodbye.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        (!self.closed).then_some(self.timing.next())
    }

    /// The compound packet to send, if one is due: SR or RR, SDES with the CNAME, and the extended reports asked for.
    /// At the planned time the interval is drawn again, so that it may well be planned anew (RFC 3550 6.3.6).
    pub fn poll_transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.closed || now < self.timing.next() {
            return None;
        }
        let before = self.sources.len();
        // five intervals without a sign of life (RFC 3550 6.3.5)
        let longest =
            self.timing
                .deterministic(self.sources.len() + 1, self.senders(now), self.is_sender(now))
                * 5;
        self.sources
            .retain(|source| now.saturating_sub(source.heard_at) < longest);
        if self.sources.len() < before {
            self.timing.left(now, self.sources.len() + 1);
        }
        let (members, senders, sender) = (self.sources.len() + 1, self.senders(now), self.is_sender(now));
        if !self.timing.expired(now, members, senders, sender) {
            return None;
        }
        let bytes = self.compose(now, None);
        self.timing
            .transmitted(now, bytes.len() + LOWER_LAYERS, members, senders, sender);
        self.reported = true;
        Some(bytes)
    }

    /// Leaves: the compound packet with a BYE, at once (RFC 3550 6.3.7, fewer than 50 members); nothing when neither
    /// RTP nor RTCP was ever sent. A reason is cut at 255 octets.
    pub fn goodbye(&mut self, now: Duration, reason: Option<&str>) -> Option<Vec<u8>> {
        if self.closed || (self.sent.is_none() && !self.reported) {
            self.closed = true;
            return None;
        }
        self.closed = true;
        Some(self.compose(now, Some(reason)))
    }

    /// Round trip to a source, as its latest report gave it.
    #[must_use]
    pub fn round_trip(&self, ssrc: u32) -> Option<Duration> {
        self.sources
            .iter()
            .find(|source| source.ssrc == ssrc)
            .and_then(|source| source.round_trip)
    }

    /// Reception statistics of a source.
    #[must_use]
    pub fn statistics(&self, ssrc: u32) -> Option<&crate::statistics::RunningStatistics> {
        self.sources
            .iter()
            .find(|source| source.ssrc == ssrc)
            .map(|source| &*source.statistics)
    }

    /// Whether RTP was sent within the last two intervals (RFC 3550 6.3.8).
    fn is_sender(&self, now: Duration) -> bool {
        self.sent
            .is_some_and(|sent| now.saturating_sub(sent.at) < self.timing.current() * 2)
    }

    fn senders(&self, now: Duration) -> usize {
        let recent = |at: Duration| now.saturating_sub(at) < self.timing.current() * 2;
        let others = self
            .sources
            .iter()
            .filter(|source| source.sent_at.is_some_and(recent))
            .count();
        others + usize::from(self.is_sender(now))
    }

    /// Delay since an arrival, as reports quote it; 0 without one.
    fn since(now: Duration, noted: Option<(u32, Duration)>) -> (u32, u32) {
        noted.map_or((0, 0), |(middle, at)| {
            (middle, short_units(now.saturating_sub(at)))
        })
    }
}
