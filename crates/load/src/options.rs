//! What a run is to do.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_rtp::g711::Law;
use voxproof_sip::Timers;

/// A caller: places calls to one target.
#[derive(Debug, Clone)]
pub struct CallerOptions {
    /// Request-URI of the calls (`sip:bob@192.0.2.2:5060`).
    pub target: String,
    /// Where to send them; `None`: the address in `target`, which must then be a literal one.
    pub destination: Option<SocketAddr>,
    /// Local SIP address; port 0 takes a free one. Also the address of Via, Contact and SDP, so not a wildcard.
    pub local: SocketAddr,
    /// User part of From and Contact.
    pub from_user: String,
    /// New calls a second; `None`: as fast as `concurrent` has room, at most 500 a second.
    pub rate: Option<f64>,
    /// At most this many calls at a time.
    pub concurrent: Option<usize>,
    /// Calls in all; `None`: until stopped.
    pub calls: Option<u64>,
    /// From the ACK to our BYE.
    pub hold: Duration,
    /// How long the far end may ring before it is cancelled.
    pub ring_limit: Duration,
    /// RTP both ways; `None`: signalling only.
    pub media: Option<MediaOptions>,
    /// Base intervals of the transactions.
    pub timers: Timers,
    /// When the lab counts as the limit.
    pub bounds: OwnBounds,
    /// How long after the last call retransmissions are still answered.
    pub linger: Duration,
}

impl CallerOptions {
    /// Ten calls a second to a target from a local address, signalling only, released at once.
    pub fn new(target: impl Into<String>, local: SocketAddr) -> Self {
        Self {
            target: target.into(),
            destination: None,
            local,
            from_user: "voxproof".to_owned(),
            rate: Some(10.0),
            concurrent: None,
            calls: None,
            hold: Duration::ZERO,
            ring_limit: Duration::from_secs(60),
            media: None,
            timers: Timers::default(),
            bounds: OwnBounds::default(),
            linger: Duration::from_millis(500),
        }
    }
}

/// A callee: answers what comes to one address.
#[derive(Debug, Clone)]
pub struct CalleeOptions {
    /// Local SIP address; port 0 takes a free one. Also the address of Contact and SDP, so not a wildcard.
    pub local: SocketAddr,
    /// What is answered to an INVITE.
    pub answer: Answer,
    /// From the 180 to the final response.
    pub ring: Duration,
    /// From the ACK to our BYE; `None`: the far end releases.
    pub hold: Option<Duration>,
    /// Calls in all; `None`: until stopped.
    pub calls: Option<u64>,
    /// At most this many calls at a time; more are answered 486.
    pub concurrent: Option<usize>,
    /// RTP both ways; `None`: signalling only.
    pub media: Option<MediaOptions>,
    /// Base intervals of the transactions.
    pub timers: Timers,
    /// When the lab counts as the limit.
    pub bounds: OwnBounds,
    /// How long after the last call retransmissions are still answered.
    pub linger: Duration,
}

impl CalleeOptions {
    /// Answers every call at once, signalling only, and leaves the release to the caller.
    pub fn new(local: SocketAddr) -> Self {
        Self {
            local,
            answer: Answer::Accept,
            ring: Duration::ZERO,
            hold: None,
            calls: None,
            concurrent: None,
            media: None,
            timers: Timers::default(),
            bounds: OwnBounds::default(),
            linger: Duration::from_millis(500),
        }
    }
}

/// What a callee answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 180, then 200.
    Accept,
    /// 180, then this status, 300 to 699.
    Reject(u16),
}

/// RTP of each call.
#[derive(Debug, Clone)]
pub struct MediaOptions {
    /// Laws in order of preference; not empty.
    pub laws: Vec<Law>,
    /// Packet time, 10 to 60 ms.
    pub ptime: Duration,
    /// What is sent over and over: samples at 8,000 a second. Empty: silence.
    pub signal: Vec<i16>,
    /// Own audio, or what was received.
    pub mode: MediaMode,
    /// One RTP port for all calls instead of a port pair a call: streams are then told apart by the `a=ssrc` of their
    /// session description (RFC 5576) or their source address. Real phones expect a port pair a call.
    pub shared_port: bool,
}

impl Default for MediaOptions {
    /// A-law before mu-law, 20 ms, silence, a port pair a call.
    fn default() -> Self {
        Self {
            laws: vec![Law::A, Law::Mu],
            ptime: Duration::from_millis(20),
            signal: Vec::new(),
            mode: MediaMode::Send,
            shared_port: false,
        }
    }
}

/// What is sent to the far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaMode {
    /// The signal of the options.
    Send,
    /// Every received packet as it came, up to one packet time later.
    Echo,
}

/// From when on the lab itself is the limit and the run is inconclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnBounds {
    /// 99th percentile of the time from a due time or a reception by the kernel to its handling.
    pub loop_lag_p99: Duration,
    /// 99th percentile of the time from the due time of an RTP packet to its sending.
    pub send_lateness_p99: Duration,
    /// Datagrams that the kernel may drop because a receive buffer of ours was full.
    pub socket_drops: u64,
    /// Datagrams that the operating system may refuse to send.
    pub send_errors: u64,
}

impl Default for OwnBounds {
    /// 20 ms, 5 ms, no drop, no refusal.
    fn default() -> Self {
        Self {
            loop_lag_p99: Duration::from_millis(20),
            send_lateness_p99: Duration::from_millis(5),
            socket_drops: 0,
            send_errors: 0,
        }
    }
}
