//! Control of bytes and of single messages: mutations, raw sends, interception.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParameters;
use crate::{Located, Span};

/// A change to a well-formed message before it is sent; everything it does not name keeps its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    /// Leaves every header field of this name out.
    DropHeader(String),
    /// Writes the first header field of this name twice.
    DuplicateHeader(String),
    /// Moves a header field before another.
    ReorderHeader {
        /// The field to move.
        header: String,
        /// The field it is put before.
        before: String,
    },
    /// Folds the value over two lines (RFC 3261 7.3.1).
    FoldHeader(String),
    /// Replaces the value.
    SetHeader {
        /// The field.
        header: String,
        /// Its new value.
        value: String,
    },
    /// Adds a field.
    AddHeader {
        /// The field.
        header: String,
        /// Its value.
        value: String,
        /// Before all others instead of after them.
        #[serde(default)]
        first: bool,
    },
    /// Writes the name in another way: compact, other case, misspelt.
    RenameHeader {
        /// The field.
        header: String,
        /// The name to write.
        to: String,
    },
    /// Changes the branch of the top Via.
    Branch(BranchMutation),
    /// Writes this text as Content-Length, or shifts the right number: `"+5"`, `"-5"`.
    ContentLength(String),
    /// Replaces the body; Content-Length follows.
    Body(String),
    /// Replaces the body by bytes in hexadecimal; Content-Length follows.
    BodyHex(String),
    /// Text after the end of the message.
    Append(String),
    /// Replaces the start line.
    StartLine(String),
    /// Replaces the method in the start line only.
    Method(String),
    /// Replaces the version in the start line.
    Version(String),
    /// Ends lines with LF alone.
    BareLf(NoParameters),
    /// Writes white space before the colon.
    SpaceBeforeColon(String),
    /// Doubles the white space inside the value.
    Whitespace(String),
    /// Puts a NUL octet into the value.
    NullIn(String),
    /// Puts an octet that is not UTF-8 into the value.
    InvalidUtf8In(String),
    /// Makes the value this long.
    LongValue {
        /// The field.
        header: String,
        /// Octets.
        length: u32,
    },
    /// Cuts the message after so many octets.
    Truncate(u32),
    /// Replaces each occurrence of a text in the whole message.
    Replace {
        /// The text.
        find: String,
        /// What stands there instead.
        with: String,
    },
}

/// What happens to the branch of the top Via.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BranchMutation {
    /// Without the cookie `z9hG4bK`.
    NoCookie,
    /// Another branch.
    New,
    /// No value.
    Empty,
}

/// Sends bytes as they are.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendStep {
    /// The actor: a peer at the lab's server, or `stranger`, who has an address of its own.
    pub from: Located<String>,
    /// The text. Line ends are written as they stand in the file: use CRLF, or `crlf = true`.
    #[serde(default)]
    pub text: Option<String>,
    /// Or a file below the suite's folder, sent byte for byte; a case whose file is missing does not apply.
    #[serde(default)]
    pub file: Option<Located<String>>,
    /// Turns every LF of `text` into CRLF.
    #[serde(default)]
    pub crlf: bool,
    /// Fills `{device}`, `{server}`, `{branch}`, `{call_id}`, `{tag}` and `{transport}` in.
    #[serde(default)]
    pub fill: bool,
    /// Over a new connection that the lab makes to the address of the device's Contact (RFC 3261 18.2.1): over TLS where the device reaches the lab
    /// by that, else over TCP.
    #[serde(default)]
    pub connect: bool,
    /// On a stream: lengths of the pieces that it is sent in; the rest is one more.
    #[serde(default)]
    pub segments: Vec<u32>,
    /// Time between the pieces (default 20 ms).
    #[serde(default)]
    pub pause: Option<Span>,
    /// How long to wait for a response to it; without it the step does not wait.
    #[serde(default)]
    pub within: Option<Span>,
    /// Mark of the message.
    #[serde(default)]
    pub mark: Option<Located<String>>,
    /// Mark of the first final response that carries its Call-ID.
    #[serde(default)]
    pub answer_mark: Option<Located<String>>,
}

/// What is done with messages that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Interception {
    /// It is lost.
    Drop,
    /// It is kept until a `release` step.
    Hold,
    /// It goes twice.
    Duplicate,
    /// It goes later, by `delay`.
    Delay,
}

/// Which way an intercepted message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From the lab.
    ToDevice,
    /// From the device: the lab behaves as if it came so.
    FromDevice,
}

/// Meddles with the next messages of a kind on their way, as a bad network would.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterceptStep {
    /// Which way.
    pub way: Way,
    /// Requests with this method.
    #[serde(default)]
    pub request: Option<Located<String>>,
    /// Responses with this status: `"180"`, `"2xx"`, `"final"`, `"any"`.
    #[serde(default)]
    pub response: Option<Located<String>>,
    /// What is done.
    #[serde(rename = "do")]
    pub action: Interception,
    /// For how many messages (default 1).
    #[serde(default = "once")]
    pub times: u32,
    /// For `delay`.
    #[serde(default)]
    pub delay: Option<Span>,
}

pub(super) fn once() -> u32 {
    1
}

/// What happens to the connections of the lab.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionStep {
    /// Closes the connections that the device has now.
    #[serde(default)]
    pub close: bool,
    /// Whether new ones are taken from now on; without TCP, TLS and WebSocket a device has to go elsewhere.
    #[serde(default)]
    pub accept: Option<bool>,
    /// Whether the lab answers the empty lines by which a device asks whether it is still there (RFC 5626 3.5.1), for the rest of the case.
    #[serde(default)]
    pub pong: Option<bool>,
    /// The certificate that the lab shows on new TLS connections.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// The only version of TLS that the lab speaks: `"1.2"` or `"1.3"`.
    #[serde(default)]
    pub tls: Option<TlsVersion>,
    /// What the lab wants of the device's certificate.
    #[serde(default)]
    pub client_certificate: Option<ClientCertificate>,
}

/// A certificate that the lab shows to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// A right one.
    Right,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// For another name (RFC 5922 7.2).
    WrongName,
    /// Signed by itself.
    SelfSigned,
    /// Signed by an authority that the device does not know.
    UnknownAuthority,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V13,
}

/// What a server wants of its client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificate {
    /// Nothing.
    None,
    /// To see it, if there is one.
    Request,
    /// One of the lab's authority (mutual TLS).
    Require,
}

/// Sends many mutated messages and looks after each batch whether the device still answers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FuzzStep {
    /// The actor.
    pub from: Located<String>,
    /// What is mutated.
    pub target: FuzzTarget,
    /// Seed of the mutations: the same seed makes the same messages.
    pub seed: u64,
    /// How many messages.
    pub count: u32,
    /// Messages between two looks (default 10).
    #[serde(default = "batch")]
    pub batch: u32,
    /// How long the device has to answer the OPTIONS of a look (default 4 s).
    #[serde(default)]
    pub within: Option<Span>,
    /// Mark of the interval.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

fn batch() -> u32 {
    10
}

/// What a fuzz step mutates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FuzzTarget {
    /// INVITE requests, their session description with them.
    Invite,
    /// OPTIONS requests.
    Options,
    /// RTP packets of the actor's running call.
    Rtp,
}
