//! What the lab did and when, as far as packets do not show it.

use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RecordError;

/// One moment of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// Time since the lab's epoch, in nanoseconds: the clock of the capture.
    pub at: u64,
    /// What happened.
    pub event: TimelineEvent,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineEvent {
    /// Wall-clock time of the lab's epoch, nanoseconds since 1970.
    Epoch {
        /// The time.
        unix_ns: u64,
        /// Time was virtual.
        virtual_time: bool,
    },
    /// Where the device answers and which account it has.
    Device {
        /// Where requests to the device are sent.
        contact: Option<SocketAddr>,
        /// Where the lab's server listens.
        server: SocketAddr,
        /// User part of the device's address of record.
        username: String,
        /// Whether its credentials verified, by packet number of each REGISTER that carried some.
        credentials: Vec<(u32, bool)>,
    },
    /// A step began.
    StepStarted {
        /// Part of the case.
        phase: Phase,
        /// Index inside the part.
        index: u32,
        /// The step's name.
        name: String,
    },
    /// A step ended.
    StepEnded {
        /// Part of the case.
        phase: Phase,
        /// Index inside the part.
        index: u32,
        /// How.
        outcome: StepOutcome,
    },
    /// A named moment or interval.
    Mark {
        /// Its name.
        name: String,
        /// End of an interval, nanoseconds.
        end: Option<u64>,
        /// The message it names: packet number in the capture, from 1.
        packet: Option<u32>,
    },
    /// The lab meddled with a message on its way, as a bad network would.
    Intercepted {
        /// The message's start line in short.
        message: String,
        /// It went to the device, not from it.
        to_device: bool,
        /// Its packet number, where it came from the device.
        packet: Option<u32>,
        /// What was done.
        action: String,
    },
    /// A connection of a stream transport.
    Connection {
        /// `TCP`, `TLS`, `WS`, `WSS`.
        transport: String,
        /// The lab's end.
        local: SocketAddr,
        /// The device's end.
        remote: SocketAddr,
        /// `opened by the device`, `opened by the lab`, `closed`, `failed`.
        state: String,
        /// What is known about it: TLS version, cipher suite, names of the certificate, or the reason of a failure.
        detail: String,
        /// Secrets in the format of NSS key logs, so that a capture of the wire can be read.
        key_log: Vec<String>,
    },
    /// A query to the lab's DNS server or a request to its HTTP server, and what was answered.
    Service {
        /// `dns` or `http`.
        service: String,
        /// What is known of it, by name.
        fields: Vec<(String, String)>,
    },
    /// Keys of a protected stream of an actor; the capture holds what was on the wire.
    Keys {
        /// The actor.
        actor: String,
        /// The lab's RTP address.
        local: SocketAddr,
        /// Keys of what the device sends, not of what the lab sends.
        inbound: bool,
        /// Profile, master key and salt in hexadecimal, master key identifier.
        keys: String,
    },
    /// What was done to each packet of an impaired stream.
    Impaired {
        /// The actor.
        actor: String,
        /// What the device hears, not what it says.
        to_device: bool,
        /// The impairment in words, with its seed.
        specification: String,
        /// A line a packet.
        truth: Vec<String>,
    },
    /// A look at the device in the middle of a fuzz step.
    Fuzzed {
        /// Seed of the messages.
        seed: u64,
        /// Messages sent so far.
        sent: u32,
        /// The device answered.
        alive: bool,
        /// When it did not: the shortest message found that silences it, in hexadecimal.
        reproducer: Option<String>,
    },
    /// A dialog or call of an actor, by Call-ID.
    Call {
        /// The actor.
        actor: String,
        /// Its Call-ID.
        call_id: String,
    },
    /// An RTP port of an actor and what the session negotiated for it.
    Media {
        /// The actor.
        actor: String,
        /// The lab's RTP address.
        local: SocketAddr,
        /// Where the actor sends, by the device's SDP.
        remote: Option<SocketAddr>,
        /// Payload types and their encodings as offered or answered by the lab.
        codecs: Vec<(u8, String)>,
        /// Payload types of telephone-event and their clock rates in Hz.
        telephone_events: Vec<(u8, u32)>,
    },
    /// An actor began to play a signal.
    Signal(SignalPlayed),
    /// The device was told to do something and answered.
    DeviceAction {
        /// The action.
        action: String,
        /// The driver's answer.
        reply: String,
        /// It was done.
        done: bool,
        /// Which of several drivers carried it out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        driver: Option<String>,
    },
    /// The lab tells the device by SIP what to do. Messages with this Call-ID are how an order was given and no part of what
    /// is judged.
    Control {
        /// The order: the method of its first request.
        order: String,
        /// Call-ID.
        call_id: String,
    },
    /// A person was asked.
    Prompt {
        /// The words.
        question: String,
        /// The answer.
        answer: String,
    },
    /// The device came to an end by itself.
    DeviceGone {
        /// Exit status or signal in words.
        status: String,
        /// It ended by its own fault (crash or exit), not by a signal from outside.
        own_fault: bool,
    },
    /// The device was not fit for the next case and was recovered before this one.
    Recovered {
        /// Why.
        reason: String,
    },
    /// State of the device after the case.
    PostCondition {
        /// Idle, registered, answering and silent.
        fit: bool,
        /// What was not.
        reason: String,
    },
    /// How the lab itself did.
    Health {
        /// Largest lateness of a packet of ours, nanoseconds.
        send_lag: u64,
        /// Largest time the call driver was kept from running, nanoseconds.
        loop_lag: u64,
        /// Longest time an ordinary program of this machine was kept waiting, nanoseconds.
        host_lag: u64,
        /// Datagrams dropped by the lab's own sockets.
        socket_drops: u64,
    },
    /// The device is a program on this machine: the longest it was kept from a processor within about a tenth of a second.
    DeviceKeptWaiting {
        /// Nanoseconds.
        longest: u64,
    },
    /// The case could not be carried out at all.
    NotCarriedOut {
        /// Why.
        reason: String,
    },
}

/// A signal sent into a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignalPlayed {
    /// The actor.
    pub actor: String,
    /// Signal id.
    pub signal: String,
    /// RTP timestamp of its first sample on the actor's stream.
    pub rtp_timestamp: u32,
    /// Samples played.
    pub samples: u64,
    /// Their rate, Hz.
    #[serde(default = "narrowband")]
    pub sample_rate: u32,
}

fn narrowband() -> u32 {
    8000
}

/// Part of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the judged steps.
    Setup,
    /// The judged steps.
    Step,
    /// After them, whatever happened.
    Teardown,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// As meant.
    Done,
    /// The device did not do in time what the step waits for; the packets have to show it.
    NotSeen {
        /// What was waited for.
        awaited: String,
        /// How long, milliseconds.
        within_ms: u64,
    },
    /// The device driver could not have the device do something.
    Driver {
        /// Its reason.
        reason: String,
    },
    /// The step makes no sense in the state the case is in (no call to end).
    Precondition {
        /// What is missing.
        reason: String,
    },
    /// The lab failed.
    Rig {
        /// Its reason.
        reason: String,
    },
    /// Stopped from outside.
    Aborted,
}

/// The timeline of one attempt at one case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// Its entries, in order of recording.
    pub entries: Vec<TimelineEntry>,
}

impl Timeline {
    /// Adds an entry.
    pub fn push(&mut self, at: Duration, event: TimelineEvent) {
        self.entries.push(TimelineEntry {
            at: at.as_nanos() as u64,
            event,
        });
    }

    /// As JSON Lines.
    pub fn to_json_lines(&self) -> Vec<u8> {
        let mut text = String::new();
        for entry in &self.entries {
            // every field is a number, text or list: serialisation has no way to fail
            text.push_str(&serde_json::to_string(entry).unwrap_or_default());
            text.push('\n');
        }
        text.into_bytes()
    }

    /// Reads JSON Lines.
    pub fn from_json_lines(bytes: &[u8]) -> Result<Self, RecordError> {
        let damaged = |reason: String| RecordError::Damaged {
            what: "timeline".to_owned(),
            reason,
        };
        let text = std::str::from_utf8(bytes).map_err(|error| damaged(error.to_string()))?;
        let entries = text
            .lines()
            .enumerate()
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|error| damaged(format!("line {}: {error}", index + 1)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }
}
