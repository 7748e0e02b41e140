//! One step of a case.

use std::fmt;

use super::values::{BYTES, FIELDS, LENGTHS, NUMBERS, SDP_LINES, TEXTS};
use crate::ids::IdSource;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// Replaces the value of a line.
    ReplaceValue,
    /// Replaces one number in a line.
    ReplaceNumber,
    /// Appends to a line.
    AppendText,
    /// Puts bytes into the middle of a line.
    InsertBytes,
    /// Makes a line very long.
    LongLine,
    /// Repeats a line many times.
    RepeatLine,
    /// Removes a line.
    DropLine,
    /// Swaps a line with the next one.
    SwapLines,
    /// Adds a header field.
    AddField,
    /// Adds parameters within parameters.
    NestParameters,
    /// Changes the first line.
    StartLine,
    /// Lies about Content-Length.
    ContentLength,
    /// Changes a line end.
    LineEnd,
    /// Adds or replaces a line of the body.
    BodyLine,
    /// Cuts the message.
    Truncate,
    /// Flips bits.
    FlipBits,
    /// Changes upper and lower case of a line.
    SwapCase,
    /// Adds bytes behind the message.
    Trailing,
}

impl StepKind {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::ReplaceValue,
        Self::ReplaceNumber,
        Self::AppendText,
        Self::InsertBytes,
        Self::LongLine,
        Self::RepeatLine,
        Self::DropLine,
        Self::SwapLines,
        Self::AddField,
        Self::NestParameters,
        Self::StartLine,
        Self::ContentLength,
        Self::LineEnd,
        Self::BodyLine,
        Self::Truncate,
        Self::FlipBits,
        Self::SwapCase,
        Self::Trailing,
    ];

    /// Kebab-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReplaceValue => "replace-value",
            Self::ReplaceNumber => "replace-number",
            Self::AppendText => "append-text",
            Self::InsertBytes => "insert-bytes",
            Self::LongLine => "long-line",
            Self::RepeatLine => "repeat-line",
            Self::DropLine => "drop-line",
            Self::SwapLines => "swap-lines",
            Self::AddField => "add-field",
            Self::NestParameters => "nest-parameters",
            Self::StartLine => "start-line",
            Self::ContentLength => "content-length",
            Self::LineEnd => "line-end",
            Self::BodyLine => "body-line",
            Self::Truncate => "truncate",
            Self::FlipBits => "flip-bits",
            Self::SwapCase => "swap-case",
            Self::Trailing => "trailing",
        }
    }
}

/// A step: what it does, to which line, with which value. The line is named by its beginning (`Contact`), so that the
/// step still finds it when steps before it are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    kind: StepKind,
    line: Vec<u8>,
    value: Vec<u8>,
    number: usize,
}

impl Step {
    /// What it does.
    pub const fn kind(&self) -> StepKind {
        self.kind
    }

    /// Chooses a step for a message.
    pub(super) fn choose(bytes: &[u8], random: &mut IdSource) -> Self {
        let mut below = |count: usize| (random.next_u64() % count.max(1) as u64) as usize;
        let mut kind = *pick(&StepKind::ALL, below(StepKind::ALL.len())).unwrap_or(&StepKind::FlipBits);
        let lines = lines(bytes);
        let body = body_start(bytes);
        // half of the bodies get their share although heads have more lines
        let in_body = below(3) == 0 && body < bytes.len();
        let candidates: Vec<&[u8]> = lines
            .iter()
            .filter(|(at, line)| (*at >= body) == in_body && !line.is_empty())
            .map(|(_, line)| *line)
            .collect();
        let line = pick(&candidates, below(candidates.len()))
            .copied()
            .unwrap_or_default();
        if line.is_empty()
            && !matches!(
                kind,
                StepKind::Truncate | StepKind::Trailing | StepKind::StartLine
            )
        {
            kind = StepKind::FlipBits;
        }
        let name = line_name(line).to_vec();
        let text = |index: usize| {
            pick(&TEXTS, index)
                .map_or(&b""[..], |text| text.as_bytes())
                .to_vec()
        };
        let (value, number) = match kind {
            StepKind::ReplaceValue | StepKind::AppendText => match below(3) {
                0 => (
                    pick(&NUMBERS, below(NUMBERS.len())).map_or_else(Vec::new, |n| n.as_bytes().to_vec()),
                    0,
                ),
                1 => (
                    pick(&BYTES, below(BYTES.len())).map_or_else(Vec::new, |bytes| bytes.to_vec()),
                    0,
                ),
                _ => (text(below(TEXTS.len())), 0),
            },
            StepKind::ReplaceNumber => (
                pick(&NUMBERS, below(NUMBERS.len())).map_or_else(Vec::new, |n| n.as_bytes().to_vec()),
                below(6),
            ),
            StepKind::InsertBytes => (
                pick(&BYTES, below(BYTES.len())).map_or_else(Vec::new, |bytes| bytes.to_vec()),
                below(1000),
            ),
            StepKind::LongLine => (
                pick(&[&b"a"[..], b"9", b"%", b";x=y", b"\"", b" "], below(6))
                    .map_or_else(Vec::new, |b| b.to_vec()),
                pick(&LENGTHS, below(LENGTHS.len())).copied().unwrap_or(64),
            ),
            StepKind::RepeatLine => (Vec::new(), *pick(&[2, 3, 10, 100, 500], below(5)).unwrap_or(&2)),
            StepKind::AddField => (
                pick(&FIELDS, below(FIELDS.len())).map_or_else(Vec::new, |field| field.as_bytes().to_vec()),
                0,
            ),
            StepKind::NestParameters => (Vec::new(), *pick(&[1, 10, 100, 1000], below(4)).unwrap_or(&1)),
            StepKind::StartLine => (start_line(below(8)).to_vec(), 0),
            StepKind::ContentLength => (
                pick(&NUMBERS, below(NUMBERS.len())).map_or_else(Vec::new, |n| n.as_bytes().to_vec()),
                0,
            ),
            StepKind::LineEnd => (
                pick(
                    &[&b"\n"[..], b"\r", b"\r\r\n", b"", b"\r\n ", b"\r\n\r\n"],
                    below(6),
                )
                .map_or_else(Vec::new, |b| b.to_vec()),
                0,
            ),
            StepKind::BodyLine => (
                pick(&SDP_LINES, below(SDP_LINES.len()))
                    .map_or_else(Vec::new, |line| line.as_bytes().to_vec()),
                below(12),
            ),
            StepKind::Truncate | StepKind::FlipBits => (Vec::new(), below(1 << 20)),
            StepKind::Trailing => (text(below(TEXTS.len())), below(20)),
            StepKind::DropLine | StepKind::SwapLines | StepKind::SwapCase => (Vec::new(), 0),
        };
        Self {
            kind,
            line: name,
            value,
            number,
        }
    }

    /// Applies it; a message without the line stays as it is.
    pub(super) fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self.kind {
            StepKind::Truncate => {
                let length = bytes.len();
                bytes.truncate(if length == 0 { 0 } else { self.number % length });
                bytes
            }
            StepKind::FlipBits => {
                for offset in 0..1 + self.number % 4 {
                    let length = bytes.len().max(1);
                    let at = (self.number / 4 + offset * 7919) % length;
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << ((self.number + offset) % 8);
                    }
                }
                bytes
            }
            StepKind::Trailing => {
                for _ in 0..=self.number {
                    bytes.extend_from_slice(if self.value.is_empty() { b"\0" } else { &self.value });
                }
                bytes
            }
            StepKind::StartLine => {
                let end = memchr::memchr(b'\r', &bytes).unwrap_or(bytes.len());
                splice(&bytes, 0, end, &self.value)
            }
            StepKind::AddField => {
                let at = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
                splice(&bytes, at, at, &[self.value.as_slice(), b"\r\n"].concat())
            }
            StepKind::BodyLine => self.body_line(&bytes),
            StepKind::ContentLength => match find_line(&bytes, b"Content-Length") {
                Some((from, to)) => splice(
                    &bytes,
                    from,
                    to,
                    &[b"Content-Length: ", self.value.as_slice()].concat(),
                ),
                None => bytes,
            },
            _ => self.on_line(bytes),
        }
    }

    fn body_line(&self, bytes: &[u8]) -> Vec<u8> {
        let body = body_start(bytes);
        let nth = lines(bytes)
            .into_iter()
            .filter(|(at, line)| *at >= body && !line.is_empty())
            .nth(self.number / 2);
        match nth {
            // every other step replaces the line, the rest put theirs in front of it
            Some((at, line)) if self.number.is_multiple_of(2) => {
                splice(bytes, at, at + line.len(), &self.value)
            }
            Some((at, _)) => splice(bytes, at, at, &[self.value.as_slice(), b"\r\n"].concat()),
            None => [bytes, &self.value, b"\r\n"].concat(),
        }
    }

    fn on_line(&self, bytes: Vec<u8>) -> Vec<u8> {
        let Some((from, to)) = find_line(&bytes, &self.line) else {
            return bytes;
        };
        let line = bytes.get(from..to).unwrap_or_default().to_vec();
        let end = bytes.get(to..).map_or(0, |rest| {
            rest.iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .take(2)
                .count()
        });
        match self.kind {
            StepKind::ReplaceValue => {
                let name = line_name(&line).len();
                let kept = line.get(..(name + 1).min(line.len())).unwrap_or_default();
                splice(&bytes, from, to, &[kept, self.value.as_slice()].concat())
            }
            StepKind::ReplaceNumber => {
                let name = line_name(&line).len();
                let (start, stop) = nth_number(&line, name, self.number);
                splice(&bytes, from + start, from + stop, &self.value)
            }
            StepKind::AppendText => splice(&bytes, to, to, &self.value),
            StepKind::InsertBytes => {
                let at = from + self.number % (line.len() + 1);
                splice(&bytes, at, at, &self.value)
            }
            StepKind::LongLine => {
                let count = self.number / self.value.len().max(1) + 1;
                splice(&bytes, to, to, &self.value.repeat(count))
            }
            StepKind::RepeatLine => {
                let whole = [line.as_slice(), b"\r\n"].concat();
                let room = super::LARGEST.saturating_sub(bytes.len()) / whole.len().max(1);
                splice(&bytes, from, from, &whole.repeat(self.number.min(room)))
            }
            StepKind::DropLine => splice(&bytes, from, to + end, b""),
            StepKind::SwapLines => {
                let next = bytes.get(to + end..).unwrap_or_default();
                let length = memchr::memchr(b'\r', next).unwrap_or(next.len());
                let next = next.get(..length).unwrap_or_default().to_vec();
                let swapped = [next.as_slice(), b"\r\n", line.as_slice()].concat();
                splice(&bytes, from, to + end + length, &swapped)
            }
            StepKind::NestParameters => {
                let mut nested = Vec::new();
                for depth in 0..self.number {
                    nested.extend_from_slice(format!(";p{depth}=\"<sip:a;x=(").as_bytes());
                }
                splice(&bytes, to, to, &nested)
            }
            StepKind::LineEnd => splice(&bytes, to, to + end, &self.value),
            StepKind::SwapCase => {
                let swapped: Vec<u8> = line
                    .iter()
                    .map(|byte| {
                        if byte.is_ascii_alphabetic() {
                            byte ^ 0x20
                        } else {
                            *byte
                        }
                    })
                    .collect();
                splice(&bytes, from, to, &swapped)
            }
            _ => bytes,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.as_str())?;
        if !self.line.is_empty() {
            write!(f, " {}", self.line.escape_ascii())?;
        }
        if !self.value.is_empty() {
            let shown = self.value.get(..60).unwrap_or(&self.value);
            write!(f, " \"{}\"", shown.escape_ascii())?;
        }
        if self.number > 0 {
            write!(f, " #{}", self.number)?;
        }
        Ok(())
    }
}

fn pick<T>(list: &[T], index: usize) -> Option<&T> {
    list.get(index)
}

const fn start_line(index: usize) -> &'static [u8] {
    match index {
        0 => b"INVITE sip:b@x SIP/3.0",
        1 => b"SIP/2.0 200 OK",
        2 => b"SIP/2.0 99999 X",
        3 => b"INVITE  sip:b@x  SIP/2.0",
        4 => b"INVITE <sip:b@x> SIP/2.0",
        5 => b"INVITE",
        6 => b"FOO sip:%41%00@x SIP/2.0",
        _ => b"GET / HTTP/1.1",
    }
}

/// Offset and content of each line, ends left out.
fn lines(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        found.push((at, line.strip_suffix(b"\r").unwrap_or(line)));
        at += line.len() + 1;
    }
    found
}

fn body_start(bytes: &[u8]) -> usize {
    memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4)
}

/// What a line is known by: a header name, the type of an SDP line (`m`), or its first word.
fn line_name(line: &[u8]) -> &[u8] {
    let end = line
        .iter()
        .position(|byte| matches!(byte, b':' | b'=' | b' '))
        .unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// Range of the first line with that name.
fn find_line(bytes: &[u8], name: &[u8]) -> Option<(usize, usize)> {
    lines(bytes)
        .into_iter()
        .find(|(_, line)| line_name(line).eq_ignore_ascii_case(name) && !line.is_empty())
        .map(|(at, line)| (at, at + line.len()))
}

/// Range of a number behind the name: the nth, else the last, else the end of the line.
fn nth_number(line: &[u8], name: usize, nth: usize) -> (usize, usize) {
    let mut found = (line.len(), line.len());
    let mut seen = 0;
    let mut at = name;
    while let Some(byte) = line.get(at) {
        if !byte.is_ascii_digit() {
            at += 1;
            continue;
        }
        let rest = line.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        found = (at, at + length);
        if seen == nth {
            break;
        }
        seen += 1;
        at += length;
    }
    found
}

fn splice(bytes: &[u8], from: usize, to: usize, with: &[u8]) -> Vec<u8> {
    [
        bytes.get(..from).unwrap_or_default(),
        with,
        bytes.get(to..).unwrap_or_default(),
    ]
    .concat()
}
