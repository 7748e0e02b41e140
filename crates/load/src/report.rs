//! What a run came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::options::OwnBounds;

/// Which end of the calls the lab was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It placed them.
    Caller,
    /// It answered them.
    Callee,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Which end the lab was.
    pub role: Role,
    /// From the first call to the end of the last, in seconds.
    pub elapsed_s: f64,
    /// INVITEs sent (caller) or taken (callee), retransmissions not counted.
    pub attempted: u64,
    /// Calls with a 2xx and its ACK.
    pub answered: u64,
    /// Answered calls that were released with BYE and 200.
    pub completed: u64,
    /// Of the completed ones, those that the far end released.
    pub released_by_peer: u64,
    /// Calls that did not complete, by [`FailureCause`] as text.
    pub failed: BTreeMap<String, u64>,
    /// The most calls at one time.
    pub peak_concurrent: u64,
    /// Attempted calls a second.
    pub rate: f64,
    /// Signalling in detail.
    pub signalling: SignallingReport,
    /// Media in detail, when there was any.
    pub media: Option<MediaReport>,
    /// How well the lab kept its own time.
    pub own: OwnLimits,
    /// Whether the figures say something about the far end.
    pub validity: Validity,
}

impl LoadReport {
    /// Calls that did not complete, over all causes.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

/// Why a call did not complete. The far end or the network is the cause, unless [`LoadReport::validity`] says that the
/// lab was the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureCause {
    /// This final response to the INVITE.
    Status(u16),
    /// No final response at all to the INVITE (timer B), or no ACK to a 2xx (RFC 3261 13.3.1.4).
    Timeout,
    /// It rang longer than allowed and was cancelled.
    NoAnswer,
    /// The caller cancelled.
    Cancelled,
    /// The answer's session description cannot be used.
    Session,
    /// No answer to BYE (timer F).
    ByeTimeout,
    /// This response to BYE.
    ByeStatus(u16),
    /// The run was stopped before the call was answered.
    Stopped,
    /// The lab had no free RTP port or descriptor.
    NoPort,
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status-{status}"),
            Self::Timeout => f.write_str("timeout"),
            Self::NoAnswer => f.write_str("no-answer"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Session => f.write_str("session-description"),
            Self::ByeTimeout => f.write_str("bye-timeout"),
            Self::ByeStatus(status) => write!(f, "bye-status-{status}"),
            Self::Stopped => f.write_str("stopped"),
            Self::NoPort => f.write_str("no-port"),
        }
    }
}

/// Times and repetitions of the signalling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignallingReport {
    /// From the first INVITE to the first 18x (caller).
    pub ringing: Distribution,
    /// From the first INVITE to the kernel's reception of the 2xx (caller), or from the 2xx to the ACK (callee).
    pub setup: Distribution,
    /// From our first BYE to the kernel's reception of its 2xx.
    pub release: Distribution,
    /// Messages sent again by a timer.
    pub retransmissions_sent: u64,
    /// Requests and final responses that came again.
    pub retransmissions_received: u64,
    /// 2xx of a second branch of a forked INVITE, acknowledged and released.
    pub forked: u64,
    /// Messages that belong to nothing or are no SIP.
    pub stray: u64,
}

/// RTP of all calls together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaReport {
    /// Calls with an RTP port.
    pub streams: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// RTP packets received, duplicates included.
    pub packets_received: u64,
    /// Packets that the sequence numbers promise and that did not come (RFC 3550 A.3).
    pub lost: u64,
    /// Packets that came a second time.
    pub duplicates: u64,
    /// Packets that came after one with a higher sequence number.
    pub reordered: u64,
    /// Streams in which the source changed.
    pub source_changes: u64,
    /// Streams that received nothing though both ends were to send.
    pub silent_streams: u64,
    /// Datagrams on RTP ports that are no RTP.
    pub not_rtp: u64,
    /// RTP of a payload type that was not agreed.
    pub wrong_payload_type: u64,
    /// RTCP packets received.
    pub rtcp_received: u64,
    /// Interarrival jitter (RFC 3550 6.4.1) at the end of each stream.
    pub jitter: Distribution,
    /// The longest gap between two packets of each stream.
    pub longest_gap: Distribution,
}

/// How well the lab kept its own time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnLimits {
    /// From a due time, or from a SIP datagram's reception by the kernel, to its handling.
    pub loop_lag: Distribution,
    /// From the due time of an RTP packet to its sending.
    pub send_lateness: Distribution,
    /// Datagrams the kernel dropped because a receive buffer was full; `None` when the kernel does not tell.
    pub socket_drops: Option<u64>,
    /// Datagrams the operating system refused to send.
    pub send_errors: u64,
    /// Calls that could not get an RTP port.
    pub ports_refused: u64,
    /// Whether the loop had a real-time priority.
    pub real_time: bool,
}

/// Whether a run says something about the far end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "reasons")]
pub enum Validity {
    /// The lab kept its bounds.
    Valid,
    /// The lab was the limit; nothing may be blamed on the far end.
    Inconclusive(Vec<String>),
}

impl Validity {
    pub(crate) fn of(own: &OwnLimits, bounds: &OwnBounds) -> Self {
        let mut reasons = Vec::new();
        let mut late = |what: &str, p99_ms: f64, bound: Duration| {
            let bound_ms = bound.as_secs_f64() * 1e3;
            if p99_ms > bound_ms {
                reasons.push(format!("{what}: p99 {p99_ms:.3} ms, bound {bound_ms} ms"));
            }
        };
        late("lag of the loop", own.loop_lag.p99_ms, bounds.loop_lag_p99);
        late(
            "lateness of RTP",
            own.send_lateness.p99_ms,
            bounds.send_lateness_p99,
        );
        if let Some(drops) = own.socket_drops.filter(|drops| *drops > bounds.socket_drops) {
            reasons.push(format!("{drops} datagrams dropped at our full receive buffers"));
        }
        if own.send_errors > bounds.send_errors {
            reasons.push(format!("{} datagrams refused by our own system", own.send_errors));
        }
        if own.ports_refused > 0 {
            reasons.push(format!("no RTP port for {} calls", own.ports_refused));
        }
        if reasons.is_empty() {
            Self::Valid
        } else {
            Self::Inconclusive(reasons)
        }
    }
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Since the run began.
    pub elapsed: Duration,
    /// See [`LoadReport::attempted`].
    pub attempted: u64,
    /// See [`LoadReport::answered`].
    pub answered: u64,
    /// See [`LoadReport::completed`].
    pub completed: u64,
    /// Calls that did not complete.
    pub failed: u64,
    /// Calls at this moment.
    pub active: u64,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received by streams that have ended or are running.
    pub packets_received: u64,
}

/// A distribution of times, in milliseconds. Percentiles are rounded up by at most 3.2 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Values.
    pub count: u64,
    /// Mean.
    pub mean_ms: f64,
    /// Standard deviation.
    pub deviation_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// Largest.
    pub max_ms: f64,
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return f.write_str("no values");
        }
        write!(
            f,
            "p50 {:.3}  p90 {:.3}  p99 {:.3}  max {:.3} ms  (mean {:.3}, sd {:.3}, n {})",
            self.p50_ms, self.p90_ms, self.p99_ms, self.max_ms, self.mean_ms, self.deviation_ms, self.count
        )
    }
}

impl fmt::Display for LoadReport {
    /// A table for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Caller => "caller",
            Role::Callee => "callee",
        };
        writeln!(
            f,
            "{role}: {} calls in {:.1} s ({:.1}/s), at most {} at a time",
            self.attempted, self.elapsed_s, self.rate, self.peak_concurrent
        )?;
        writeln!(f, "  answered         {}", self.answered)?;
        writeln!(
            f,
            "  completed        {} ({} released by the far end)",
            self.completed, self.released_by_peer
        )?;
        writeln!(f, "  failed           {}", self.failures())?;
        for (cause, count) in &self.failed {
            writeln!(f, "    {cause:<14} {count}")?;
        }
        let signalling = &self.signalling;
        writeln!(f, "  ringing          {}", signalling.ringing)?;
        writeln!(f, "  set-up           {}", signalling.setup)?;
        writeln!(f, "  release          {}", signalling.release)?;
        writeln!(
            f,
            "  retransmissions  {} sent, {} received; stray messages {}",
            signalling.retransmissions_sent, signalling.retransmissions_received, signalling.stray
        )?;
        if let Some(media) = &self.media {
            writeln!(
                f,
                "  RTP              {} sent, {} received, {} lost, {} duplicate, {} reordered, {} streams silent",
                media.packets_sent,
                media.packets_received,
                media.lost,
                media.duplicates,
                media.reordered,
                media.silent_streams
            )?;
            writeln!(f, "  jitter           {}", media.jitter)?;
            writeln!(f, "  longest gap      {}", media.longest_gap)?;
            writeln!(f, "  own RTP lateness {}", self.own.send_lateness)?;
        }
        writeln!(f, "  own lag          {}", self.own.loop_lag)?;
        let drops = self
            .own
            .socket_drops
            .map_or_else(|| "unknown".to_owned(), |drops| drops.to_string());
        writeln!(
            f,
            "  own drops        {drops}; refused sends {}",
            self.own.send_errors
        )?;
        match &self.validity {
            Validity::Valid => write!(f, "valid: the lab kept its bounds"),
            Validity::Inconclusive(reasons) => {
                write!(f, "inconclusive: the lab was the limit ({})", reasons.join("; "))
            }
        }
    }
}

/// What both roles count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) attempted: u64,
    pub(crate) answered: u64,
    pub(crate) completed: u64,
    pub(crate) released_by_peer: u64,
    pub(crate) failed: BTreeMap<FailureCause, u64>,
    pub(crate) active: u64,
    pub(crate) peak: u64,
    pub(crate) retransmissions_sent: u64,
    pub(crate) retransmissions_received: u64,
    pub(crate) forked: u64,
    pub(crate) stray: u64,
    pub(crate) ports_refused: u64,
    pub(crate) ringing: Histogram,
    pub(crate) setup: Histogram,
    pub(crate) release: Histogram,
    /// When the first call began and the last one ended.
    pub(crate) span: Option<(Duration, Duration)>,
}

impl Tally {
    pub(crate) fn began(&mut self, now: Duration) {
        self.attempted += 1;
        self.active += 1;
        self.peak = self.peak.max(self.active);
        self.span = Some((self.span.map_or(now, |(first, _)| first), now));
    }

    /// A call ended, well or with a cause.
    pub(crate) fn ended(&mut self, now: Duration, failure: Option<FailureCause>) {
        self.active = self.active.saturating_sub(1);
        match failure {
            None => self.completed += 1,
            Some(cause) => *self.failed.entry(cause).or_default() += 1,
        }
        if let Some((_, last)) = &mut self.span {
            *last = now;
        }
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    pub(crate) fn report(
        &self,
        role: Role,
        media: Option<MediaReport>,
        own: OwnLimits,
        bounds: &OwnBounds,
    ) -> LoadReport {
        let elapsed = self.span.map_or(Duration::ZERO, |(first, last)| last - first);
        let elapsed_s = elapsed.as_secs_f64();
        let rate = if elapsed_s > 0.0 {
            self.attempted as f64 / elapsed_s
        } else {
            0.0
        };
        LoadReport {
            role,
            elapsed_s,
            attempted: self.attempted,
            answered: self.answered,
            completed: self.completed,
            released_by_peer: self.released_by_peer,
            failed: self
                .failed
                .iter()
                .map(|(cause, count)| (cause.to_string(), *count))
                .collect(),
            peak_concurrent: self.peak,
            rate,
            signalling: SignallingReport {
                ringing: self.ringing.distribution(),
                setup: self.setup.distribution(),
                release: self.release.distribution(),
                retransmissions_sent: self.retransmissions_sent,
                retransmissions_received: self.retransmissions_received,
                forked: self.forked,
                stray: self.stray,
            },
            media,
            validity: Validity::of(&own, bounds),
            own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(lag: Duration) -> OwnLimits {
        let mut histogram = Histogram::default();
        histogram.record(lag);
        OwnLimits {
            loop_lag: histogram.distribution(),
            send_lateness: Distribution::default(),
            socket_drops: Some(0),
            send_errors: 0,
            ports_refused: 0,
            real_time: false,
        }
    }

    #[test]
    fn a_late_or_deaf_lab_is_inconclusive() {
        let bounds = OwnBounds::default();
        assert_eq!(
            Validity::of(&own(Duration::from_millis(1)), &bounds),
            Validity::Valid
        );
        let late = Validity::of(&own(Duration::from_millis(30)), &bounds);
        assert!(
            matches!(&late, Validity::Inconclusive(reasons) if reasons.len() == 1),
            "{late:?}"
        );
        let mut deaf = own(Duration::from_millis(30));
        deaf.socket_drops = Some(3);
        deaf.send_errors = 1;
        let deaf = Validity::of(&deaf, &bounds);
        assert!(
            matches!(&deaf, Validity::Inconclusive(reasons) if reasons.len() == 3),
            "{deaf:?}"
        );
    }

    #[test]
    fn a_report_survives_json_and_prints_its_causes() {
        let mut tally = Tally::default();
        tally.began(Duration::from_secs(1));
        tally.began(Duration::from_secs(2));
        tally.ended(Duration::from_secs(3), None);
        tally.ended(Duration::from_secs(5), Some(FailureCause::Status(486)));
        let report = tally.report(
            Role::Caller,
            Some(MediaReport::default()),
            own(Duration::from_millis(100)),
            &OwnBounds::default(),
        );
        assert_eq!((report.elapsed_s, report.rate, report.failures()), (4.0, 0.5, 1));
        let json = serde_json::to_string(&report).expect("json");
        let back: LoadReport = serde_json::from_str(&json).expect("same form");
        assert_eq!(back.failed, report.failed);
        assert_eq!(back.validity, report.validity);
        let table = report.to_string();
        assert!(
            table.contains("status-486") && table.contains("inconclusive"),
            "{table}"
        );
    }
}
