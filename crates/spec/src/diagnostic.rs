//! Mistakes in files people wrote: file, line, caret, code, what to do.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiagnosticSeverity {
    /// The file cannot be used.
    Error,
    /// The file can be used.
    Warning,
}

/// One mistake.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Code, `E0107`; `voxproof explain` says more.
    pub code: &'static str,
    /// Error or warning.
    pub severity: DiagnosticSeverity,
    /// What is wrong.
    pub message: String,
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub source: Arc<str>,
    /// Where, in bytes; empty when it is about the whole file.
    pub span: Range<usize>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place in a file.
    pub fn error(
        code: &'static str,
        path: &Path,
        source: &Arc<str>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: DiagnosticSeverity::Error,
            message: message.into(),
            path: path.to_owned(),
            source: Arc::clone(source),
            span,
            help: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line and column, from 1.
    pub fn position(&self) -> (usize, usize) {
        let before = self.source.get(..self.span.start).unwrap_or(&self.source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
        (line, column)
    }

    /// The diagnostic as printed, with the source line and a caret.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            DiagnosticSeverity::Error => Level::ERROR,
            DiagnosticSeverity::Warning => Level::WARNING,
        };
        let path = self.path.display().to_string();
        let end = self.span.end.min(self.source.len());
        let start = self.span.start.min(end);
        let snippet = Snippet::source(&*self.source)
            .path(&path)
            .annotation(AnnotationKind::Primary.span(start..end));
        let title = level.primary_title(&*self.message).id(self.code);
        let mut report = vec![if self.source.is_empty() {
            Group::with_title(title)
        } else {
            title.element(snippet)
        }];
        if self.source.is_empty() {
            report.push(Group::with_title(
                Level::NOTE.secondary_title(format!("in {path}")),
            ));
        }
        if let Some(help) = &self.help {
            report.push(Group::with_title(Level::HELP.secondary_title(&**help)));
        }
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&report).to_string()
    }
}

/// All the mistakes found, never empty.
#[derive(Debug, Clone)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|one| one.severity == DiagnosticSeverity::Error)
    }
    /// All of them as printed.
    pub fn render(&self, colour: bool) -> String {
        self.0.iter().map(|one| one.render(colour) + "\n").collect()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// A diagnostic code explained.
#[derive(Debug, Clone, Copy)]
pub struct CodeEntry {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub title: &'static str,
    /// What to do about it.
    pub explanation: &'static str,
}

/// Every code, in order.
pub const CODES: &[CodeEntry] = &[
    CodeEntry {
        code: "E0101",
        title: "not valid TOML, or a value of the wrong kind",
        explanation: "The file is read as TOML 1.1. The caret stands where reading stopped. Common causes are a missing quote, a table written twice, or a number where text belongs.",
    },
    CodeEntry {
        code: "E0102",
        title: "unknown key",
        explanation: "Keys are never ignored: a misspelt key would silently test something else. The message lists the keys that are allowed at this place.",
    },
    CodeEntry {
        code: "E0103",
        title: "missing key",
        explanation: "A required key is absent. `applies` in particular has to be written even when a case always applies: applies = \"true\".",
    },
    CodeEntry {
        code: "E0104",
        title: "value without a unit, or with a wrong one",
        explanation: "Lengths of time are text with their unit: \"500 ms\", \"4 s\", \"2 min\".",
    },
    CodeEntry {
        code: "E0105",
        title: "not a valid expression",
        explanation: "Expressions are CEL (Common Expression Language): msg.status == 200 && 'INVITE' in msg.allow.",
    },
    CodeEntry {
        code: "E0106",
        title: "unknown name in an expression",
        explanation: "Every name and field is checked before a run, because CEL itself would only notice when a device is on the line. docs/spec-format.md lists the fields.",
    },
    CodeEntry {
        code: "E0107",
        title: "types that do not fit",
        explanation: "A comparison of text with a number is always false, so it is refused: write msg.status == 200, not msg.status == '200'.",
    },
    CodeEntry {
        code: "E0108",
        title: "unknown mark",
        explanation: "A check or step refers to a mark that no earlier step sets. Marks are set with mark = \"name\" or answer_mark = \"name\".",
    },
    CodeEntry {
        code: "E0109",
        title: "mark set twice",
        explanation: "A mark names one moment; two steps cannot set the same one.",
    },
    CodeEntry {
        code: "E0110",
        title: "unknown signal",
        explanation: "Signals are declared in suite.toml as [[signal]].",
    },
    CodeEntry {
        code: "E0111",
        title: "unknown limit",
        explanation: "Limits are declared in the suite's limits/*.toml.",
    },
    CodeEntry {
        code: "E0112",
        title: "limit of another quantity or unit",
        explanation: "A limit bounds exactly one quantity in that quantity's unit; values of different quantities are never compared.",
    },
    CodeEntry {
        code: "E0113",
        title: "identifier used twice",
        explanation: "Case, check and limit identifiers are unique, because reports and waivers refer to them.",
    },
    CodeEntry {
        code: "E0114",
        title: "not a stream",
        explanation: "Streams are written \"device -> peer_a\" (what the device sends) or \"peer_a -> device\".",
    },
    CodeEntry {
        code: "E0115",
        title: "a check asks exactly one question",
        explanation: "A [[check]] holds exactly one of message, messages, gap, retransmissions, rtp and dtmf.",
    },
    CodeEntry {
        code: "E0116",
        title: "capability not declared",
        explanation: "A device action needs its capability in `needs`, so that the plan can tell beforehand that a driver cannot do it.",
    },
    CodeEntry {
        code: "E0117",
        title: "unknown ICS item",
        explanation: "ICS items are declared in suite.toml under [ics]. A device file can only claim items of the suite's proforma.",
    },
    CodeEntry {
        code: "E0118",
        title: "signal file cannot be used",
        explanation: "A signal is a WAV file, mono, 16 bit PCM, 8 kHz.",
    },
    CodeEntry {
        code: "E0119",
        title: "unknown actor",
        explanation: "The lab's actors are peer_a, peer_b and peer_c.",
    },
    CodeEntry {
        code: "E0120",
        title: "not an address",
        explanation: "Addresses are written as IP address and port, 192.0.2.7:5060 or [2001:db8::7]:5060.",
    },
    CodeEntry {
        code: "E0121",
        title: "unknown fault",
        explanation: "The simulated phone does not have this fault; `voxproof list --faults` names all of them.",
    },
    CodeEntry {
        code: "E0123",
        title: "not a status pattern",
        explanation: "A response is written as a status code (\"486\"), a class (\"2xx\"), \"final\" or \"any\".",
    },
    CodeEntry {
        code: "E0124",
        title: "file cannot be read",
        explanation: "The file or folder is missing or not readable.",
    },
    CodeEntry {
        code: "E0125",
        title: "nothing to wait for",
        explanation: "An await step names either a request method or a response status.",
    },
    CodeEntry {
        code: "E0126",
        title: "unknown action of a command driver",
        explanation: "The command driver's actions have the names of the device actions.",
    },
    CodeEntry {
        code: "E0127",
        title: "a case without a tier",
        explanation: "Each case names the designations its failure blocks: tiers = [\"certified\", \"works-with\"].",
    },
    CodeEntry {
        code: "E0128",
        title: "a step that contradicts itself",
        explanation: "A step that does not wait for an answer cannot mark it, a call cannot be answered and rejected. The message says what is missing.",
    },
    CodeEntry {
        code: "E0129",
        title: "a file that is sent cannot be read",
        explanation: "A send step names a file below the suite's folder, or `collection:file` of a [[collection]] whose folder an environment variable holds. When the variable is not set the case does not apply; when it is set, the file has to be there.",
    },
    CodeEntry {
        code: "E0130",
        title: "claims that do not go together",
        explanation: "An item of the ICS proforma needs others, as `requires` in suite.toml says: a phone has no SRTP suite without SRTP. Claim what is missing in [ics] as well, or take the claim back.",
    },
    CodeEntry {
        code: "E0131",
        title: "a claim without what the lab has to know about it",
        explanation: "Some items are tested with something that only the vendor knows, such as the format of the device's settings. Write the table of [ixit] that the message names.",
    },
    CodeEntry {
        code: "E0132",
        title: "an item whose status cannot be right",
        explanation: "An item of the ICS proforma is mandatory for the designations of `mandatory`, where `mandatory_if` holds, and says why in `because`. What the minimum designation asks for, the stringent one asks for as well.",
    },
    CodeEntry {
        code: "E0133",
        title: "a sign that shows nothing",
        explanation: "`observed` of an ICS item names at least one sign by which the feature shows in what the device sends; transports of `registers_by` are UDP, TCP, TLS, WS and WSS. An item that cannot be seen has no `observed`.",
    },
    CodeEntry {
        code: "E0140",
        title: "a sweep that cannot be laid out",
        explanation: "A [[sweep]] has an axis, which names its points, and points that all give the same values. Each value stands somewhere in the case as {name}, and the title has the one of the axis, so that the points are told apart. A value is a number, or a text without quotes, backslashes and braces; a file stands for 64 cases at most.",
    },
    CodeEntry {
        code: "E0150",
        title: "drivers that cannot stand beside each other",
        explanation: "Several [[driver]] are asked in their order, each for what those before it do not support. Each may be named once, and only one of them may be the device itself (sim, baresip, linphone, command); sip, web and manual are ways to tell it something.",
    },
    CodeEntry {
        code: "E0151",
        title: "a driver that can tell the device nothing",
        explanation: "Everything that [driver.sip] can do is off unless it is switched on, because a phone does each of it only when it is set so: `answer`, `refer`, `csta`, `check_sync`.",
    },
];

/// The explanation of a code.
pub fn explain(code: &str) -> Option<&'static CodeEntry> {
    CODES.iter().find(|entry| entry.code.eq_ignore_ascii_case(code))
}
