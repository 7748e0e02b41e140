//! What is done to the device, step by step.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Located, Span};

mod answer;
mod control;
mod media;
mod service;

pub use answer::{AnswerWith, ChallengeStep, NotifierStep, NotifyStep, Respond};
pub use control::{
    BranchMutation, Certificate, ClientCertificate, ConnectionStep, FuzzStep, FuzzTarget, InterceptStep,
    Interception, Mutation, SendStep, TlsVersion, Way,
};
pub use media::{DtmfMethod, DtmfStep, EchoStep, ImpairStep, ImpairedWay};
pub use service::{
    AwaitService, DnsFailure, DnsRecordStep, DnsSelection, DnsStep, HttpAuthentication, HttpFailure,
    HttpStep, HttpsStep, ServiceName,
};

/// One step. Written as a table with the step's name as its only key: `call = { from = "peer_a" }`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Sets how the lab's registrar behaves from now on.
    Registrar(RegistrarStep),
    /// A peer of the lab calls the device.
    Call(CallStep),
    /// A peer of the lab expects a call from the device and treats it as told.
    ReceiveCall(ReceiveCall),
    /// Waits for a message from the device.
    Await(Await),
    /// A peer sends a response to the INVITE that waits.
    Respond(Respond),
    /// A peer or proxy asks the device for credentials.
    Challenge(ChallengeStep),
    /// Sets how the lab answers the next requests of a kind.
    AnswerWith(AnswerWith),
    /// Sets which event package the lab serves.
    Notifier(NotifierStep),
    /// Tells the state of an event package to the device.
    Notify(NotifyStep),
    /// A peer acknowledges a 2xx whose ACK was withheld.
    Ack(AckStep),
    /// A peer ends its call.
    Bye(Bye),
    /// A peer cancels its unanswered call.
    Cancel(Cancel),
    /// A peer changes the running session.
    Reinvite(Reinvite),
    /// A peer sends any request.
    Request(RequestStep),
    /// Sends a marked message of the lab once more, byte for byte.
    Resend(ResendStep),
    /// Sends bytes as they are.
    Send(SendStep),
    /// Loses, holds, doubles or delays messages on their way.
    Intercept(InterceptStep),
    /// Lets the held messages go, in their order.
    Release(NoParameters),
    /// Closes connections, or takes no new ones.
    Connection(ConnectionStep),
    /// Sends mutated messages and watches whether the device stays alive.
    Fuzz(FuzzStep),
    /// A peer plays a signal into its call.
    Play(PlayStep),
    /// A peer sends digits.
    Dtmf(DtmfStep),
    /// A peer sends the device's packets back.
    Echo(EchoStep),
    /// A bad network on a peer's media.
    Impair(ImpairStep),
    /// Sets what the lab's DNS server answers.
    Dns(DnsStep),
    /// Sets what the lab's HTTP server serves.
    Http(HttpStep),
    /// Sets the certificate of the lab's HTTPS server.
    Https(HttpsStep),
    /// Waits for a DNS query or an HTTP request of the device.
    AwaitService(AwaitService),
    /// Lets time pass.
    Wait(WaitStep),
    /// Has the device do something, through its driver.
    Device(DeviceAction),
}

impl Step {
    /// The step's name as written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Registrar(_) => "registrar",
            Self::Call(_) => "call",
            Self::ReceiveCall(_) => "receive_call",
            Self::Await(_) => "await",
            Self::Respond(_) => "respond",
            Self::Challenge(_) => "challenge",
            Self::AnswerWith(_) => "answer_with",
            Self::Notifier(_) => "notifier",
            Self::Notify(_) => "notify",
            Self::Send(_) => "send",
            Self::Intercept(_) => "intercept",
            Self::Release(_) => "release",
            Self::Connection(_) => "connection",
            Self::Fuzz(_) => "fuzz",
            Self::Dtmf(_) => "dtmf",
            Self::Echo(_) => "echo",
            Self::Impair(_) => "impair",
            Self::Ack(_) => "ack",
            Self::Bye(_) => "bye",
            Self::Cancel(_) => "cancel",
            Self::Reinvite(_) => "reinvite",
            Self::Request(_) => "request",
            Self::Resend(_) => "resend",
            Self::Play(_) => "play",
            Self::Dns(_) => "dns",
            Self::Http(_) => "http",
            Self::Https(_) => "https",
            Self::AwaitService(_) => "await_service",
            Self::Wait(_) => "wait",
            Self::Device(_) => "device",
        }
    }

    /// The marks this step sets.
    pub fn marks(&self) -> Vec<&Located<String>> {
        let options: Vec<&Option<Located<String>>> = match self {
            Self::Call(s) => vec![&s.mark, &s.answer_mark],
            Self::ReceiveCall(s) => vec![&s.mark, &s.ack_mark],
            Self::Await(s) => vec![&s.mark],
            Self::Ack(s) => vec![&s.mark],
            Self::Bye(s) => vec![&s.mark, &s.answer_mark],
            Self::Cancel(s) => vec![&s.mark, &s.answer_mark],
            Self::Reinvite(s) => vec![&s.mark, &s.answer_mark],
            Self::Request(s) => vec![&s.mark, &s.answer_mark],
            Self::Resend(s) => vec![&s.mark],
            Self::Play(s) => vec![&s.mark],
            Self::AwaitService(s) => vec![&s.mark],
            Self::Wait(s) => vec![&s.mark],
            Self::Respond(s) => vec![&s.mark, &s.ack_mark],
            Self::Challenge(s) => vec![&s.mark],
            Self::Notify(s) => vec![&s.mark, &s.answer_mark],
            Self::Send(s) => vec![&s.mark, &s.answer_mark],
            Self::Fuzz(s) => vec![&s.mark],
            Self::Dtmf(s) => vec![&s.mark],
            Self::Registrar(_)
            | Self::AnswerWith(_)
            | Self::Notifier(_)
            | Self::Dns(_)
            | Self::Http(_)
            | Self::Https(_)
            | Self::Intercept(_)
            | Self::Release(_)
            | Self::Connection(_)
            | Self::Echo(_)
            | Self::Impair(_)
            | Self::Device(_) => vec![],
        };
        options.into_iter().flatten().collect()
    }

    /// The mutations of the message that this step sends.
    pub fn mutations(&self) -> &[Mutation] {
        match self {
            Self::Call(s) => &s.mutate,
            Self::Reinvite(s) => &s.mutate,
            Self::Request(s) => &s.mutate,
            Self::Respond(s) => &s.mutate,
            Self::AnswerWith(s) => &s.mutate,
            _ => &[],
        }
    }

    /// The lab's actor that carries the step out, if it is one.
    pub fn actor(&self) -> Option<&Located<String>> {
        match self {
            Self::Call(s) => Some(&s.from),
            Self::ReceiveCall(s) => Some(&s.at),
            Self::Ack(s) => Some(&s.from),
            Self::Bye(s) => Some(&s.from),
            Self::Cancel(s) => Some(&s.from),
            Self::Reinvite(s) => Some(&s.from),
            Self::Request(s) => Some(&s.from),
            Self::Play(s) => Some(&s.from),
            Self::Respond(s) => Some(&s.at),
            Self::Challenge(s) => Some(&s.at),
            Self::Send(s) => Some(&s.from),
            Self::Fuzz(s) => Some(&s.from),
            Self::Dtmf(s) => Some(&s.from),
            Self::Echo(s) => Some(&s.at),
            Self::Impair(s) => Some(&s.at),
            Self::Registrar(_)
            | Self::AnswerWith(_)
            | Self::Notifier(_)
            | Self::Notify(_)
            | Self::Await(_)
            | Self::Resend(_)
            | Self::Intercept(_)
            | Self::Release(_)
            | Self::Connection(_)
            | Self::Dns(_)
            | Self::Http(_)
            | Self::Https(_)
            | Self::AwaitService(_)
            | Self::Wait(_)
            | Self::Device(_) => None,
        }
    }
}

/// Behaviour of the lab's registrar.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrarStep {
    /// Smallest interval granted; a shorter one is answered 423 (RFC 3261 10.3), in seconds.
    #[serde(default)]
    pub min_expires: Option<u32>,
    /// Interval granted whatever was asked, in seconds.
    #[serde(default)]
    pub grant: Option<u32>,
    /// Answers the next request that carries right credentials 401 with `stale=true` and a fresh nonce, once.
    #[serde(default)]
    pub stale_once: bool,
    /// A challenge for each algorithm, the first one most wanted (RFC 8760 2.3); MD5 when there is none.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// Quality of protection offered: `auth`, `auth-int` or both; `auth` when there is none.
    #[serde(default)]
    pub qop: Vec<String>,
    /// Path of the answers (RFC 3327).
    #[serde(default)]
    pub path: Option<String>,
    /// Service-Route of the answers (RFC 3608 5): where the device has to send its requests through.
    #[serde(default)]
    pub service_route: Option<String>,
    /// Contacts of other devices of the same user, named before the device's own in the answers.
    #[serde(default)]
    pub other_contacts: Vec<String>,
}

/// The routing that proxies between lab and device record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordRoute {
    /// One proxy, with `lr`.
    Loose,
    /// One proxy of RFC 2543, without `lr`.
    Strict,
    /// Two proxies, with `lr`.
    Two,
}

/// How a peer does ICE (RFC 8445).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ice {
    /// It answers checks and sends none.
    Lite,
    /// It checks, and nominates when it is the offerer.
    Full,
}

/// How media is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MediaSecurity {
    /// Not at all.
    #[default]
    None,
    /// SRTP with keys in the session description (RFC 4568).
    Sdes,
    /// SRTP with keys from DTLS (RFC 5764).
    Dtls,
}

/// The SDP a peer offers or answers with.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Codecs in order of preference: `PCMU`, `PCMA`, `G722`, `opus`, `CN`, or any other name for an offer the device cannot take.
    #[serde(default = "default_codecs")]
    pub codecs: Vec<Located<String>>,
    /// Payload type of telephone-event; 0 leaves it out.
    #[serde(default = "default_event")]
    pub telephone_event: u8,
    /// Direction attribute.
    #[serde(default)]
    pub direction: Direction,
    /// Connection address to write instead of the real one (`0.0.0.0` for the hold of RFC 2543).
    #[serde(default)]
    pub connection: Option<String>,
    /// Payload types other than the usual ones, by codec name.
    #[serde(default)]
    pub payload_types: BTreeMap<String, u8>,
    /// Packet time, ms: what is asked of the device, and sent by the peer.
    #[serde(default)]
    pub ptime: Option<u8>,
    /// Longest packet time the peer takes, ms.
    #[serde(default)]
    pub maxptime: Option<u8>,
    /// Protection of the media.
    #[serde(default)]
    pub security: MediaSecurity,
    /// SRTP suites in order of preference; `AES_CM_128_HMAC_SHA1_80` when there is none.
    #[serde(default)]
    pub suites: Vec<String>,
    /// A master key identifier of this many octets behind every packet (RFC 3711 3.1).
    #[serde(default)]
    pub mki: Option<u8>,
    /// The `a=setup` of DTLS: `actpass`, `active`, `passive`.
    #[serde(default)]
    pub setup: Option<String>,
    /// A fingerprint that is not that of the peer's certificate.
    #[serde(default)]
    pub wrong_fingerprint: bool,
    /// Protocol of the m-line, where it is not what the security asks for.
    #[serde(default)]
    pub protocol: Option<String>,
    /// RTP and RTCP on one port (RFC 5761).
    #[serde(default)]
    pub rtcp_mux: bool,
    /// Asks for extended reports with VoIP metrics and statistics (RFC 3611 5).
    #[serde(default)]
    pub rtcp_xr: bool,
    /// ICE candidates and credentials (RFC 8839), with connectivity checks.
    #[serde(default)]
    pub ice: Option<Ice>,
    /// Further attribute lines of the audio section, without `a=`.
    #[serde(default)]
    pub attributes: Vec<String>,
    /// Further media sections, whole lines.
    #[serde(default)]
    pub sections: Vec<String>,
}

fn default_codecs() -> Vec<Located<String>> {
    ["PCMU", "PCMA"]
        .iter()
        .map(|name| Located::synthetic((*name).to_owned()))
        .collect()
}

fn default_event() -> u8 {
    101
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            codecs: default_codecs(),
            telephone_event: default_event(),
            direction: Direction::SendRecv,
            connection: None,
            payload_types: BTreeMap::new(),
            ptime: None,
            maxptime: None,
            security: MediaSecurity::None,
            suites: vec![],
            mki: None,
            setup: None,
            wrong_fingerprint: false,
            protocol: None,
            rtcp_mux: false,
            rtcp_xr: false,
            ice: None,
            attributes: vec![],
            sections: vec![],
        }
    }
}

/// SDP direction attribute (RFC 4566 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// From the peer to the device only.
    SendOnly,
    /// From the device to the peer only.
    RecvOnly,
    /// Neither.
    Inactive,
}

/// What a peer keeps back, to see what the device does without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Withhold {
    /// No ACK for a 2xx until an `ack` step.
    Ack,
    /// No ACK for a non-2xx final response.
    FailureAck,
    /// No PRACK for a reliable provisional response.
    Prack,
}

/// A peer calls the device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallStep {
    /// The calling actor.
    pub from: Located<String>,
    /// Session offer; absent: the default offer (PCMU, PCMA, telephone-event 101).
    #[serde(default)]
    pub offer: Option<Offer>,
    /// INVITE without SDP: the device has to offer (RFC 3261 13.2.1).
    #[serde(default)]
    pub offerless: bool,
    /// Header fields added to the INVITE. In a value `{server}` is the lab's address and port, `{transport}` the transport to the device,
    /// `{replaces:peer_a}` what a Replaces names that peer's call by, `{replaces_uri:peer_a}` the same escaped for a URI.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Wait until a 2xx has come, at most this long; without it the step ends when the INVITE is sent.
    #[serde(default)]
    pub answered_within: Option<Span>,
    /// Wait until any final response has come, at most this long.
    #[serde(default)]
    pub final_within: Option<Span>,
    /// Keep something back.
    #[serde(default)]
    pub withhold: Option<Withhold>,
    /// As if proxies had recorded themselves.
    #[serde(default)]
    pub record_route: Option<RecordRoute>,
    /// Changes before the INVITE is sent.
    #[serde(default)]
    pub mutate: Vec<Mutation>,
    /// Mark of the INVITE.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the final response.
    #[serde(default)]
    pub answer_mark: Option<Located<String>>,
}

/// A peer expects a call.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiveCall {
    /// The called actor.
    pub at: Located<String>,
    /// How long the device has to send the INVITE.
    pub within: Span,
    /// Send 180 before the final response.
    #[serde(default = "yes")]
    pub ring: bool,
    /// Answer 200 this long after the INVITE.
    #[serde(default)]
    pub answer_after: Option<Span>,
    /// Reject with this status instead.
    #[serde(default)]
    pub reject: Option<u16>,
    /// Capabilities to answer with.
    #[serde(default)]
    pub offer: Option<Offer>,
    /// With `answer_after` or `reject`: how long the device has for its ACK (default 2 s).
    #[serde(default)]
    pub ack_within: Option<Span>,
    /// Mark of the INVITE.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the ACK.
    #[serde(default)]
    pub ack_mark: Option<Located<String>>,
}

fn yes() -> bool {
    true
}

/// Waits for a message from the device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Await {
    /// A request with this method.
    #[serde(default)]
    pub request: Option<Located<String>>,
    /// A response with this status: `"180"`, `"2xx"`, `"final"`.
    #[serde(default)]
    pub response: Option<Located<String>>,
    /// For a response: the mark of the request it answers.
    #[serde(default)]
    pub to: Option<Located<String>>,
    /// Text that the message contains (a header value, a body line).
    #[serde(default)]
    pub containing: Option<String>,
    /// How long the device has.
    pub within: Span,
    /// Count from this mark (the end of an interval, after the message of a message mark) instead of from the start of this step, so that a
    /// message that came in the meantime counts.
    #[serde(default)]
    pub since: Option<Located<String>>,
    /// Clause that asks for the message.
    pub clause: String,
    /// Mark of the message.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

/// A peer sends the ACK it withheld.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AckStep {
    /// The actor.
    pub from: Located<String>,
    /// Mark of the ACK.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

/// A peer ends its call and waits for the response.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bye {
    /// The actor.
    pub from: Located<String>,
    /// How long the device has to answer (default 2 s); judged by a check on the answer mark.
    #[serde(default)]
    pub within: Option<Span>,
    /// Mark of the BYE.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the response.
    #[serde(default)]
    pub answer_mark: Option<Located<String>>,
}

/// A peer cancels the call it placed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The actor.
    pub from: Located<String>,
    /// Mark of the CANCEL.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the response to the CANCEL.
    #[serde(default)]
    pub answer_mark: Option<Located<String>>,
}

/// A peer changes the session.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reinvite {
    /// The actor.
    pub from: Located<String>,
    /// The new offer; absent: the default offer.
    #[serde(default)]
    pub offer: Option<Offer>,
    /// Without SDP.
    #[serde(default)]
    pub offerless: bool,
    /// With UPDATE (RFC 3311), which an early dialog takes as well, instead of INVITE.
    #[serde(default)]
    pub update: bool,
    /// Header fields to add, as in `call`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Changes before it is sent.
    #[serde(default)]
    pub mutate: Vec<Mutation>,
    /// Do not wait for the final response (the ACK is sent all the same).
    #[serde(default)]
    pub at_once: bool,
    /// Receive on a new RTP port from now on.
    #[serde(default)]
    pub move_rtp: bool,
    /// With new SRTP keys.
    #[serde(default)]
    pub rekey: bool,
    /// How long the device has for the final response (default 4 s).
    #[serde(default)]
    pub within: Option<Span>,
    /// Mark of the re-INVITE.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the final response.
    #[serde(default)]
    pub answer_mark: Option<Located<String>>,
}

/// A peer sends a request and waits for its final response.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestStep {
    /// The actor.
    pub from: Located<String>,
    /// Method, any token.
    pub method: String,
    /// Send it inside the actor's running call.
    #[serde(default)]
    pub in_dialog: bool,
    /// Header fields to add; `{server}` in a value is the lab's address and port; one named `To-Tag` sets the To tag, `CSeq-Offset` shifts the CSeq number of an in-dialog request.
    /// `{server}` in a value stands for address and port of the lab's server, where all actors are reached.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body and its content type.
    #[serde(default)]
    pub body: Option<(String, String)>,
    /// Changes before it is sent.
    #[serde(default)]
    pub mutate: Vec<Mutation>,
    /// How long the device has for the final response (default 2 s).
    #[serde(default)]
    pub within: Option<Span>,
    /// Mark of the request.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the final response.
    #[serde(default)]
    pub answer_mark: Option<Located<String>>,
}

/// Sends a message again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendStep {
    /// Mark of a message that the lab sent.
    pub message: Located<String>,
    /// Mark of the copy.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

/// A peer plays a signal.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlayStep {
    /// The actor.
    pub from: Located<String>,
    /// Signal by its id in `suite.toml`.
    pub signal: Located<String>,
    /// How long; the signal is repeated or cut.
    #[serde(rename = "for")]
    pub duration: Span,
    /// Ends two seconds after the sequence numbers of the device's stream have started over. A step in which they do not is not done.
    #[serde(default)]
    pub past_rollover: bool,
    /// Mark of the interval.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

/// Lets time pass.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitStep {
    /// How long.
    #[serde(rename = "for")]
    pub duration: Span,
    /// Mark of the interval.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

/// Something the device is told to do, `device = { hold = {} }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceAction {
    /// Answer the ringing call.
    Answer(NoParameters),
    /// Reject the ringing call.
    Reject(NoParameters),
    /// End the call.
    Hangup(NoParameters),
    /// Call an actor of the lab.
    Dial(DialAction),
    /// Put the call on hold.
    Hold(NoParameters),
    /// Take the call off hold.
    Resume(NoParameters),
    /// Send digits.
    Dtmf(DtmfAction),
    /// Transfer the other party, blind.
    Transfer(TransferAction),
    /// Call an actor of the lab beside a call on hold, to ask before a transfer.
    Consult(DialAction),
    /// Connect the call on hold with the one that is up (attended transfer).
    CompleteTransfer(NoParameters),
    /// Restart, so that it registers afresh.
    Restart(NoParameters),
    /// Shut down in order.
    Stop(NoParameters),
    /// Switch automatic answering.
    AutoAnswer(AutoAnswerAction),
    /// Switch the audio loop.
    Loopback(LoopbackAction),
}

impl DeviceAction {
    /// The action's name as written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Answer(_) => "answer",
            Self::Reject(_) => "reject",
            Self::Hangup(_) => "hangup",
            Self::Dial(_) => "dial",
            Self::Hold(_) => "hold",
            Self::Resume(_) => "resume",
            Self::Dtmf(_) => "dtmf",
            Self::Transfer(_) => "transfer",
            Self::Consult(_) => "consult",
            Self::CompleteTransfer(_) => "complete_transfer",
            Self::Restart(_) => "restart",
            Self::Stop(_) => "stop",
            Self::AutoAnswer(_) => "auto_answer",
            Self::Loopback(_) => "loopback",
        }
    }

    /// What a driver must be able to do for this action.
    pub fn capability(&self) -> crate::Capability {
        use crate::Capability as C;
        match self {
            Self::Answer(_) => C::ManualAnswer,
            Self::Reject(_) => C::Reject,
            Self::Hangup(_) => C::Hangup,
            Self::Dial(_) => C::Dial,
            Self::Hold(_) | Self::Resume(_) => C::Hold,
            Self::Dtmf(_) => C::Dtmf,
            Self::Transfer(_) => C::Transfer,
            Self::Consult(_) | Self::CompleteTransfer(_) => C::AttendedTransfer,
            Self::Restart(_) => C::Restart,
            Self::Stop(_) => C::Stop,
            Self::AutoAnswer(_) => C::ManualAnswer,
            Self::Loopback(_) => C::Loopback,
        }
    }
}

/// No parameters: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DialAction {
    /// The called actor of the lab.
    pub to: Located<String>,
}

/// Which digits to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DtmfAction {
    /// Digits `0-9`, `*`, `#`, `A-D`.
    pub digits: String,
}

/// Whom to transfer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferAction {
    /// The actor of the lab that is to be called.
    pub to: Located<String>,
}

/// Automatic answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoAnswerAction {
    /// On or off.
    pub on: bool,
}

/// The audio loop inside the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoopbackAction {
    /// On or off.
    pub on: bool,
}
