//! Questions to the recorded events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Located, ServiceName, Span};

/// One check: an id, the clause it stands on, and exactly one question.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Identifier inside the case.
    pub id: Located<String>,
    /// What is expected, in words a vendor understands.
    pub title: String,
    /// Clause that asks for it.
    pub clause: String,
    /// One marked message satisfies an expression.
    #[serde(default)]
    pub message: Option<MessageCheck>,
    /// The messages of a kind satisfy an expression and a count.
    #[serde(default)]
    pub messages: Option<MessagesCheck>,
    /// The time between two marks.
    #[serde(default)]
    pub gap: Option<GapCheck>,
    /// Retransmissions of a marked message of the device.
    #[serde(default)]
    pub retransmissions: Option<RetransmissionCheck>,
    /// Statistics of an RTP stream.
    #[serde(default)]
    pub rtp: Option<RtpCheck>,
    /// Received telephone events.
    #[serde(default)]
    pub dtmf: Option<DtmfCheck>,
    /// Digits heard as tones in the audio of a stream.
    #[serde(default)]
    pub inband: Option<InbandCheck>,
    /// RTCP of a stream.
    #[serde(default)]
    pub rtcp: Option<RtcpCheck>,
    /// Connections of stream transports.
    #[serde(default)]
    pub connections: Option<ConnectionsCheck>,
    /// DNS queries and HTTP requests.
    #[serde(default)]
    pub services: Option<ServicesCheck>,
    /// What a recorded impairment did, against what was seen of it.
    #[serde(default)]
    pub impairment: Option<ImpairmentCheck>,
    /// What came of the fuzz steps.
    #[serde(default)]
    pub fuzz: Option<FuzzCheck>,
}

/// The question of a check.
#[derive(Debug, Clone, Copy)]
pub enum CheckKind<'a> {
    /// See [`MessageCheck`].
    Message(&'a MessageCheck),
    /// See [`MessagesCheck`].
    Messages(&'a MessagesCheck),
    /// See [`GapCheck`].
    Gap(&'a GapCheck),
    /// See [`RetransmissionCheck`].
    Retransmissions(&'a RetransmissionCheck),
    /// See [`RtpCheck`].
    Rtp(&'a RtpCheck),
    /// See [`DtmfCheck`].
    Dtmf(&'a DtmfCheck),
    /// See [`InbandCheck`].
    Inband(&'a InbandCheck),
    /// See [`RtcpCheck`].
    Rtcp(&'a RtcpCheck),
    /// See [`ConnectionsCheck`].
    Connections(&'a ConnectionsCheck),
    /// See [`ServicesCheck`].
    Services(&'a ServicesCheck),
    /// See [`ImpairmentCheck`].
    Impairment(&'a ImpairmentCheck),
    /// See [`FuzzCheck`].
    Fuzz(&'a FuzzCheck),
}

impl Check {
    /// The questions asked; lint refuses a check that has not exactly one.
    pub fn kinds(&self) -> Vec<CheckKind<'_>> {
        let mut kinds = Vec::new();
        kinds.extend(self.message.as_ref().map(CheckKind::Message));
        kinds.extend(self.messages.as_ref().map(CheckKind::Messages));
        kinds.extend(self.gap.as_ref().map(CheckKind::Gap));
        kinds.extend(self.retransmissions.as_ref().map(CheckKind::Retransmissions));
        kinds.extend(self.rtp.as_ref().map(CheckKind::Rtp));
        kinds.extend(self.dtmf.as_ref().map(CheckKind::Dtmf));
        kinds.extend(self.inband.as_ref().map(CheckKind::Inband));
        kinds.extend(self.rtcp.as_ref().map(CheckKind::Rtcp));
        kinds.extend(self.connections.as_ref().map(CheckKind::Connections));
        kinds.extend(self.services.as_ref().map(CheckKind::Services));
        kinds.extend(self.impairment.as_ref().map(CheckKind::Impairment));
        kinds.extend(self.fuzz.as_ref().map(CheckKind::Fuzz));
        kinds
    }
}

/// One marked message satisfies an expression over `msg` and `marks`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageCheck {
    /// The mark.
    pub at: Located<String>,
    /// The expression.
    pub expect: Located<String>,
}

/// All messages of a kind that the device sent in a span of time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessagesCheck {
    /// Requests with this method.
    #[serde(default)]
    pub request: Option<Located<String>>,
    /// Responses with this status: `"180"`, `"2xx"`, `"final"`, `"any"`.
    #[serde(default)]
    pub response: Option<Located<String>>,
    /// For responses: the mark of the request that they answer.
    #[serde(default)]
    pub to: Option<Located<String>>,
    /// Only messages after this mark (its end, for an interval).
    #[serde(default)]
    pub after: Option<Located<String>>,
    /// Only messages up to so long after the mark of `after`.
    #[serde(default)]
    pub within: Option<Span>,
    /// Only messages before this mark (its start, for an interval).
    #[serde(default)]
    pub before: Option<Located<String>>,
    /// Only messages inside this marked interval.
    #[serde(default)]
    pub during: Option<Located<String>>,
    /// How many there have to be.
    #[serde(default)]
    pub count: Option<Count>,
    /// Expression that each of them has to satisfy.
    #[serde(default)]
    pub expect: Option<Located<String>>,
}

/// A number with bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// At least.
    #[serde(default)]
    pub min: Option<u32>,
    /// At most.
    #[serde(default)]
    pub max: Option<u32>,
}

/// The time between two marks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GapCheck {
    /// Earlier mark.
    pub from: Located<String>,
    /// Later mark.
    pub to: Located<String>,
    /// At least.
    #[serde(default)]
    pub min: Option<Span>,
    /// At most.
    #[serde(default)]
    pub max: Option<Span>,
}

/// Retransmissions of a message.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetransmissionCheck {
    /// Mark of the message's first copy.
    pub of: Located<String>,
    /// Distances between the copies, in order; copies beyond the list are not judged.
    pub intervals: Vec<Span>,
    /// Allowed deviation of each distance, in percent.
    pub tolerance_percent: f64,
    /// No copy may come later than this after the mark `none_after` (a network's worth of time).
    #[serde(default)]
    pub none_after: Option<Located<String>>,
}

/// Statistics of one RTP stream satisfy an expression over `rtp` and `marks`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtpCheck {
    /// The stream, `"device -> peer_a"`.
    pub stream: Located<String>,
    /// The marked interval; without it the whole case.
    #[serde(default)]
    pub during: Option<Located<String>>,
    /// From this long after the interval's start on (a device needs a moment to react).
    #[serde(default)]
    pub settle: Option<Span>,
    /// The expression.
    pub expect: Located<String>,
}

/// Telephone events of one stream.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DtmfCheck {
    /// The stream.
    pub stream: Located<String>,
    /// The digits, in order, once each.
    #[serde(default)]
    pub digits: Option<String>,
    /// Expression over `event` that each event satisfies.
    #[serde(default)]
    pub expect: Option<Located<String>>,
}

/// Digits heard as tones in the audio of one stream (ITU-T Q.23, Q.24).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InbandCheck {
    /// The stream.
    pub stream: Located<String>,
    /// The marked interval; without it the whole case.
    #[serde(default)]
    pub during: Option<Located<String>>,
    /// The digits, in order; `""` for none at all.
    #[serde(default)]
    pub digits: Option<String>,
    /// Expression over `tone` that each digit satisfies.
    #[serde(default)]
    pub expect: Option<Located<String>>,
}

/// RTCP of one stream (RFC 3550 6) satisfies an expression over `rtcp` and `marks`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtcpCheck {
    /// The stream whose sender's reports are meant, `"device -> peer_a"`.
    pub stream: Located<String>,
    /// The marked interval; without it the whole case.
    #[serde(default)]
    pub during: Option<Located<String>>,
    /// The expression.
    pub expect: Located<String>,
}

/// Connections that were made or tried, and how they ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsCheck {
    /// Only those of this transport: `TCP`, `TLS`, `WS`, `WSS`, or `DTLS` for handshakes of media that failed.
    #[serde(default)]
    pub transport: Option<Located<String>>,
    /// Only those made inside this marked interval.
    #[serde(default)]
    pub during: Option<Located<String>>,
    /// How many have to satisfy `expect`; without it there is at least one and each satisfies it.
    #[serde(default)]
    pub count: Option<Count>,
    /// Expression over `connection`.
    #[serde(default)]
    pub expect: Option<Located<String>>,
}

/// Queries to the lab's DNS server or requests to its HTTP server, and what was answered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicesCheck {
    /// Which service.
    pub service: ServiceName,
    /// DNS: the name asked for. HTTP: the path, with `*` at its end every path that begins so. Any if not given.
    #[serde(default)]
    pub name: Option<String>,
    /// DNS: the type. HTTP: the method. Any if not given.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Only those inside this marked interval.
    #[serde(default)]
    pub during: Option<Located<String>>,
    /// How many have to satisfy `expect`; without it there is at least one and each satisfies it.
    #[serde(default)]
    pub count: Option<Count>,
    /// Expression over `service`.
    #[serde(default)]
    pub expect: Option<Located<String>>,
}

/// The truth of an `impair` step satisfies an expression over `truth`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImpairmentCheck {
    /// The impaired stream: `"peer_a -> device"` for what the device hears.
    pub stream: Located<String>,
    /// The expression.
    pub expect: Located<String>,
}

/// All fuzz steps of the case together satisfy an expression over `fuzz`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FuzzCheck {
    /// The expression.
    pub expect: Located<String>,
}
