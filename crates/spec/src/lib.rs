//! Cases, suites, limits, ICS and IXIT, device files, diagnostics and JSON Schema.
//!
//! A specification is text somebody wrote by hand: everything here is about reading it without losing where each
//! word stood, so that a mistake is reported with file, line and caret, and about the vocabulary (verdicts, tiers,
//! quantities) that every later stage shares.

mod case;
mod check;
mod device_file;
mod diagnostic;
mod driver_chain;
mod environment;
mod expression;
mod ics;
mod limit;
mod lint;
mod load;
mod located;
mod measure;
mod schema;
mod sim_driver;
mod step;
mod suite;
mod sweep;
mod units;
mod verdict;

pub use case::{Capability, Case, Level, Rig, Severity, Tier};
pub use check::{
    Check, CheckKind, ConnectionsCheck, Count, DtmfCheck, FuzzCheck, GapCheck, ImpairmentCheck, InbandCheck,
    MessageCheck, MessagesCheck, RetransmissionCheck, RtcpCheck, RtpCheck, ServicesCheck,
};
pub use device_file::{
    BaresipDriver, CommandDriver, DeviceFile, DeviceIdentity, DeviceSettings, Driver, Ixit, LinphoneDriver,
    ManualDriver, MediaProfile, SignallingTransport, WebDriver, WebInterface,
};
pub use diagnostic::{CODES, CodeEntry, Diagnostic, DiagnosticSeverity, Diagnostics, explain};
pub use driver_chain::{AnswerRequest, DriverChain, SipDriver};
pub use environment::{
    Environment, Type, case_environment, connection_environment, dtmf_environment, fuzz_environment,
    impairment_environment, inband_environment, message_environment, only_environment, rtcp_environment,
    rtp_environment, service_environment,
};
pub use expression::{EvaluationError, Expression};
pub use ics::{Behaviour, HeaderSign, IcsDeclaration, IcsItem, IxitPart, Observed, declarations};
pub use limit::{Limit, LimitSource, TierLimit};
pub use lint::lint_paths;
pub use load::{LoadedCase, LoadedSignal, LoadedSuite, load_device, load_suite, parse_case, parse_limits};
pub use located::Located;
pub use measure::{Measure, Quantity, StreamRef};
pub use schema::{SCHEMAS, schema_json};
pub use sim_driver::SimDriver;
pub use step::{
    AckStep, AnswerWith, AutoAnswerAction, Await, AwaitService, BranchMutation, Bye, CallStep, Cancel,
    Certificate, ChallengeStep, ClientCertificate, ConnectionStep, DeviceAction, DialAction, Direction,
    DnsFailure, DnsRecordStep, DnsSelection, DnsStep, DtmfAction, DtmfMethod, DtmfStep, EchoStep, FuzzStep,
    FuzzTarget, HttpAuthentication, HttpFailure, HttpStep, HttpsStep, Ice, ImpairStep, ImpairedWay,
    InterceptStep, Interception, LoopbackAction, MediaSecurity, Mutation, NoParameters, NotifierStep,
    NotifyStep, Offer, PlayStep, ReceiveCall, RecordRoute, RegistrarStep, Reinvite, RequestStep, ResendStep,
    Respond, SendStep, ServiceName, Step, TlsVersion, TransferAction, WaitStep, Way, Withhold,
};
pub use suite::{Collection, DecisionRule, Guard, RuleDecision, RulePolicy, SignalEntry, Suite};
pub use sweep::{SweepAxis, SweepValue, sweep_points};
pub use units::{Span, UnitError};
pub use verdict::Verdict;
