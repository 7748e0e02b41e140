//! The names an expression may use, with their types.
//!
//! CEL has no static types, so a misspelt field would only be seen when a device is on the line. These environments
//! are what `lint` holds every expression against; the judge fills values of the same shape.

use std::collections::BTreeMap;

/// Type of a value in an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// True or false.
    Bool,
    /// Whole number.
    Int,
    /// Number with a fraction.
    Double,
    /// Text.
    Text,
    /// List of one type.
    List(Box<Self>),
    /// Map from text to one type; every key is allowed.
    Map(Box<Self>),
    /// Fixed fields.
    Object(BTreeMap<String, Self>),
    /// Not known statically.
    Any,
}

impl Type {
    /// The type in words, for diagnostics.
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Double => "double".to_owned(),
            Self::Text => "string".to_owned(),
            Self::List(of) => format!("list of {}", of.describe()),
            Self::Map(of) => format!("map of {}", of.describe()),
            Self::Object(_) => "object".to_owned(),
            Self::Any => "any".to_owned(),
        }
    }
}

/// Variables of an expression.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Name and type.
    pub variables: BTreeMap<String, Type>,
}

fn object(fields: &[(&'static str, Type)]) -> Type {
    Type::Object(
        fields
            .iter()
            .map(|(name, of)| ((*name).to_owned(), of.clone()))
            .collect(),
    )
}

fn list(of: Type) -> Type {
    Type::List(Box::new(of))
}

/// The view of one SIP message.
fn message_type() -> Type {
    object(&[
        ("request", Type::Bool),
        ("method", Type::Text),
        ("status", Type::Int),
        ("reason", Type::Text),
        ("uri", Type::Text),
        ("cseq", object(&[("number", Type::Int), ("method", Type::Text)])),
        ("call_id", Type::Text),
        ("from_tag", Type::Text),
        ("to_tag", Type::Text),
        ("branch", Type::Text),
        ("contact", Type::Text),
        ("contacts", Type::Int),
        ("content_type", Type::Text),
        ("expires", Type::Int),
        ("contact_expires", Type::Int),
        ("body", Type::Text),
        ("header", Type::Map(Box::new(Type::Text))),
        ("headers", Type::Map(Box::new(list(Type::Text)))),
        ("allow", list(Type::Text)),
        ("findings", list(Type::Text)),
        ("transport", Type::Text),
        ("retransmission", Type::Int),
        ("at_ms", Type::Double),
        (
            "credentials",
            object(&[
                ("present", Type::Bool),
                ("valid", Type::Bool),
                ("nonce", Type::Text),
                ("username", Type::Text),
                ("nc", Type::Int),
            ]),
        ),
        (
            "sdp",
            object(&[
                ("present", Type::Bool),
                ("media_count", Type::Int),
                ("address", Type::Text),
                (
                    "origin",
                    object(&[
                        ("session_id", Type::Text),
                        ("version", Type::Int),
                        ("username", Type::Text),
                    ]),
                ),
                (
                    "audio",
                    object(&[
                        ("present", Type::Bool),
                        ("port", Type::Int),
                        ("protocol", Type::Text),
                        ("direction", Type::Text),
                        ("codecs", list(Type::Text)),
                        ("payload_types", list(Type::Int)),
                        ("telephone_event", Type::Int),
                        ("ptime", Type::Int),
                        ("maxptime", Type::Int),
                        ("crypto", list(Type::Text)),
                        ("rtcp_mux", Type::Bool),
                        ("rtcp_port", Type::Int),
                        ("fingerprint", Type::Text),
                        ("setup", Type::Text),
                        ("candidates", Type::Int),
                        ("ice_ufrag", Type::Text),
                        ("attributes", list(Type::Text)),
                    ]),
                ),
                (
                    "media",
                    list(object(&[
                        ("kind", Type::Text),
                        ("port", Type::Int),
                        ("protocol", Type::Text),
                        ("direction", Type::Text),
                    ])),
                ),
            ]),
        ),
    ])
}

/// Variables of a message expression: `msg` and `marks` (the marked messages by name).
pub fn message_environment(marks: &[String]) -> Environment {
    let message = message_type();
    let marks = marks.iter().map(|name| (name.clone(), message.clone())).collect();
    Environment {
        variables: BTreeMap::from([
            ("msg".to_owned(), message),
            ("marks".to_owned(), Type::Object(marks)),
        ]),
    }
}

/// Variables of a stream expression: `rtp` and `marks`.
pub fn rtp_environment(marks: &[String]) -> Environment {
    let mut environment = message_environment(marks);
    environment.variables.remove("msg");
    environment.variables.insert(
        "rtp".to_owned(),
        object(&[
            ("packets", Type::Int),
            ("payload_types", list(Type::Int)),
            ("audio_payload_types", list(Type::Int)),
            ("ssrcs", Type::Int),
            ("lost", Type::Int),
            ("duplicates", Type::Int),
            ("reordered", Type::Int),
            ("sequence_jumps", Type::Int),
            ("timestamp_step", Type::Int),
            ("timestamp_violations", Type::Int),
            ("malformed", Type::Int),
            ("jitter_ms", Type::Double),
            ("mean_interval_ms", Type::Double),
            ("max_gap_ms", Type::Double),
            ("duration_ms", Type::Double),
            ("source_port", Type::Int),
            ("destination_port", Type::Int),
            ("lab_port", Type::Int),
            ("codec", Type::Text),
            ("clock_rate", Type::Int),
            ("payload_type_sequence", list(Type::Int)),
            ("ssrc_changes", Type::Int),
            ("comfort_noise", Type::Int),
            ("interval_sd_ms", Type::Double),
            ("interval_p99_ms", Type::Double),
            ("clock_skew_ppm", Type::Double),
            ("burst_density", Type::Double),
            ("gap_density", Type::Double),
            ("longest_loss", Type::Int),
            ("dscp", list(Type::Int)),
            ("secured", Type::Bool),
            ("clear_packets", Type::Int),
            ("authentication_failures", Type::Int),
            ("replays", Type::Int),
            ("unknown_keys", Type::Int),
        ]),
    );
    environment
}

/// Variables of an RTCP expression: `rtcp` and `marks`.
pub fn rtcp_environment(marks: &[String]) -> Environment {
    let mut environment = message_environment(marks);
    environment.variables.remove("msg");
    environment.variables.insert(
        "rtcp".to_owned(),
        object(&[
            ("packets", Type::Int),
            ("sender_reports", Type::Int),
            ("receiver_reports", Type::Int),
            ("sdes", Type::Int),
            ("byes", Type::Int),
            ("feedback", Type::Int),
            ("cnames", list(Type::Text)),
            ("ssrcs", Type::Int),
            ("xr_blocks", list(Type::Int)),
            ("mean_interval_ms", Type::Double),
            ("min_interval_ms", Type::Double),
            ("least_interval_ms", Type::Double),
            ("first_after_ms", Type::Double),
            ("round_trip_ms", Type::Double),
            ("fraction_lost_max", Type::Double),
            ("cumulative_lost", Type::Int),
            ("jitter_ms_max", Type::Double),
            ("sent_packets", Type::Int),
            ("sent_octets", Type::Int),
            ("same_port", Type::Bool),
            ("source_port", Type::Int),
            ("malformed", Type::Int),
            ("findings", list(Type::Text)),
            ("xr_loss_rate", Type::Double),
            ("xr_r_factor", Type::Int),
            ("xr_mos_lq", Type::Double),
            ("secured", Type::Bool),
            ("clear_packets", Type::Int),
            ("authentication_failures", Type::Int),
            ("replays", Type::Int),
        ]),
    );
    environment
}

fn one_variable(name: &str, fields: &[(&'static str, Type)]) -> Environment {
    Environment {
        variables: BTreeMap::from([(name.to_owned(), object(fields))]),
    }
}

/// Variables of an expression over digits in the audio: `tone`.
pub fn inband_environment() -> Environment {
    one_variable(
        "tone",
        &[
            ("digit", Type::Text),
            ("at_ms", Type::Double),
            ("duration_ms", Type::Double),
            ("low_dbm0", Type::Double),
            ("high_dbm0", Type::Double),
            ("twist_db", Type::Double),
            ("low_hz", Type::Double),
            ("high_hz", Type::Double),
        ],
    )
}

/// Variables of an expression on services: `service`.
pub fn service_environment() -> Environment {
    one_variable(
        "service",
        &[
            ("name", Type::Text),
            ("type", Type::Text),
            ("transport", Type::Text),
            ("outcome", Type::Text),
            ("answers", list(Type::Text)),
            ("status", Type::Int),
            ("authenticated", Type::Bool),
            ("client_certificate", Type::Text),
            ("user_agent", Type::Text),
            ("at_ms", Type::Double),
        ],
    )
}

/// Variables of a connection expression: `connection`.
pub fn connection_environment() -> Environment {
    one_variable(
        "connection",
        &[
            ("transport", Type::Text),
            ("state", Type::Text),
            ("detail", Type::Text),
            ("by_device", Type::Bool),
            ("tls_version", Type::Text),
            ("failed", Type::Bool),
            ("closed", Type::Bool),
            ("closed_by_device", Type::Bool),
            ("at_ms", Type::Double),
            ("lab_port", Type::Int),
            ("messages", Type::Int),
        ],
    )
}

/// Variables of an impairment expression: `truth`.
pub fn impairment_environment() -> Environment {
    one_variable(
        "truth",
        &[
            ("offered", Type::Int),
            ("delivered", Type::Int),
            ("dropped", Type::Int),
            ("lost_inside", Type::Int),
            ("duplicated", Type::Int),
            ("reordered", Type::Int),
            ("corrupted", Type::Int),
            ("captured", Type::Int),
            ("agrees", Type::Bool),
            ("reported_lost", Type::Int),
        ],
    )
}

/// Variables of a fuzz expression: `fuzz`.
pub fn fuzz_environment() -> Environment {
    one_variable(
        "fuzz",
        &[
            ("sent", Type::Int),
            ("looks", Type::Int),
            ("alive", Type::Bool),
            ("reproducer", Type::Text),
        ],
    )
}

/// Variables of a telephone-event expression: `event`.
pub fn dtmf_environment() -> Environment {
    Environment {
        variables: BTreeMap::from([(
            "event".to_owned(),
            object(&[
                ("digit", Type::Text),
                ("packets", Type::Int),
                ("end_packets", Type::Int),
                ("duration_ms", Type::Double),
                ("marker_on_first", Type::Bool),
                ("constant_timestamp", Type::Bool),
                ("durations_monotonic", Type::Bool),
                ("payload_type", Type::Int),
                ("volume", Type::Int),
                ("segments", Type::Int),
                ("longest_update_ms", Type::Double),
                ("pause_before_ms", Type::Double),
                ("complete", Type::Bool),
                ("findings", list(Type::Text)),
            ]),
        )]),
    }
}

/// Variables of `applies`: `ics`.
pub fn case_environment(ics: &[String]) -> Environment {
    let items = ics.iter().map(|name| (name.clone(), Type::Bool)).collect();
    Environment {
        variables: BTreeMap::from([("ics".to_owned(), Type::Object(items))]),
    }
}

/// Variables of `--only`: the case's own fields.
pub fn only_environment() -> Environment {
    let text = |name: &str| (name.to_owned(), Type::Text);
    Environment {
        variables: BTreeMap::from([
            text("id"),
            text("title"),
            text("level"),
            text("severity"),
            text("catalogue"),
            text("verdict"),
            ("requirement".to_owned(), list(Type::Text)),
            ("tiers".to_owned(), list(Type::Text)),
        ]),
    }
}
