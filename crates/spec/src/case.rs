//! One test case: what it is for, what it needs, what is done and what is asked of the evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Check, Located, Measure, Span, Step, SweepAxis};

/// A test case, one TOML file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Stable identifier, `IPP-HLD-003`.
    pub id: Located<String>,
    /// Revision of this case; raised with every change that can change a verdict.
    pub rev: u32,
    /// One line for tables.
    pub title: String,
    /// What is lost for the user of a device that fails.
    pub purpose: String,
    /// The catalogue row this case covers.
    #[serde(default)]
    pub catalogue: Option<String>,
    /// Clauses the case stands on, `RFC 3264 8.4`.
    pub requirement: Vec<String>,
    /// Whether every device must pass it or only one that claims the feature.
    pub level: Level,
    /// How much a failure weighs.
    pub severity: Severity,
    /// Designations that a failure of this case blocks.
    pub tiers: Vec<Tier>,
    /// Boolean expression over the ICS; `always` is written `"true"`.
    pub applies: Located<String>,
    /// What the device driver has to be able to do.
    #[serde(default)]
    pub needs: Vec<Located<Capability>>,
    /// The test rig the case wants.
    #[serde(default)]
    pub rig: Rig,
    /// Expected duration, for the plan.
    pub duration: Span,
    /// What is varied: the file then stands for a case a point.
    #[serde(default)]
    pub sweep: Vec<SweepAxis>,
    /// Steps done before the steps that are judged.
    #[serde(default)]
    pub setup: Vec<Located<Step>>,
    /// The steps.
    pub step: Vec<Located<Step>>,
    /// Questions to the recorded events.
    #[serde(default)]
    pub check: Vec<Located<Check>>,
    /// Quantities measured and held against limits.
    #[serde(default)]
    pub measure: Vec<Located<Measure>>,
    /// Steps done whatever happened before.
    #[serde(default)]
    pub teardown: Vec<Located<Step>>,
}

/// Whether a case is asked of every device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Asked of every device it applies to.
    Core,
    /// Asked of devices that claim the feature.
    Extended,
}

/// How much a failure weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A failure is reported as a remark.
    Optional,
    /// A failure is reported and weighs on the designation.
    Important,
    /// Knock-out: a failure blocks the designation.
    Ko,
}

/// A designation of the programme, or `informative`: shown and never decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Never decides.
    Informative,
    /// "Works with": the minimum requirements.
    WorksWith,
    /// "Certified": the most stringent requirements.
    Certified,
}

impl Tier {
    /// The designation as printed.
    pub fn title(self) -> &'static str {
        match self {
            Self::Informative => "informative",
            Self::WorksWith => "Works with",
            Self::Certified => "Certified",
        }
    }
}

/// The acoustic equipment a case wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rig {
    /// No acoustics: packets and digital audio only.
    #[default]
    None,
    /// One calibrated measurement microphone.
    MeasurementMicrophone,
    /// A head and torso simulator.
    Hats,
}

/// Something a device driver may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Answer incoming calls, by itself or through the driver.
    Answer,
    /// Let an incoming call ring until told to answer.
    ManualAnswer,
    /// Reject an incoming call as the user would.
    Reject,
    /// Place a call.
    Dial,
    /// End a call.
    Hangup,
    /// Hold and resume.
    Hold,
    /// Send DTMF digits.
    Dtmf,
    /// Transfer the other party.
    Transfer,
    /// Call somebody beside a call on hold, and connect the two.
    AttendedTransfer,
    /// Be restarted, so that it registers afresh.
    Restart,
    /// Be shut down in order, so that it un-registers.
    Stop,
    /// Send back the audio it receives.
    Loopback,
    /// Speak known speech into its send path.
    KnownSpeech,
    /// Hand over a recording of what its receiver played.
    Recording,
}

impl Capability {
    /// The kebab-case name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::ManualAnswer => "manual-answer",
            Self::Reject => "reject",
            Self::Dial => "dial",
            Self::Hangup => "hangup",
            Self::Hold => "hold",
            Self::Dtmf => "dtmf",
            Self::Transfer => "transfer",
            Self::AttendedTransfer => "attended-transfer",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Loopback => "loopback",
            Self::KnownSpeech => "known-speech",
            Self::Recording => "recording",
        }
    }
}
