//! Declared mutations of a built message: everything that is not named stays as it is, byte for byte.

use crate::ids::IdSource;
use crate::message::{Message, StartLine};
use crate::names;

/// One change to the bytes of a message. Header names mean the long and the compact form; where several fields have
/// the name, the first one is meant unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// Removes every field of that name.
    DropHeader(String),
    /// Writes the field once more right behind itself.
    DuplicateHeader(String),
    /// Moves the field in front of the first one named `before`.
    ReorderHeader {
        /// The field that moves.
        name: String,
        /// The field it stands before then.
        before: String,
    },
    /// Breaks the value over two lines at its first white space, or in front of the value when there is none
    /// (RFC 3261 7.3.1).
    FoldHeader(String),
    /// Replaces the value.
    SetHeader {
        /// Name.
        name: String,
        /// New value.
        value: String,
    },
    /// Adds a field.
    AddHeader {
        /// Name as it is to be written.
        name: String,
        /// Value.
        value: String,
        /// As the first field instead of the last.
        first: bool,
    },
    /// Writes another name (compact form, wrong case, a misspelling); the value stays.
    RenameHeader {
        /// The field.
        name: String,
        /// The name to write.
        to: String,
    },
    /// Changes the branch of the top Via.
    WrongBranch(BranchMistake),
    /// Changes Content-Length; adds one when there is none.
    ContentLength(LengthMistake),
    /// Replaces the body; a Content-Length that is there follows it.
    Body(Vec<u8>),
    /// Adds bytes behind the message; Content-Length does not follow.
    AppendBytes(Vec<u8>),
    /// Replaces the first line.
    StartLine(String),
    /// Replaces the method in the request line (CSeq stays).
    Method(String),
    /// Replaces `SIP/2.0` in the first line.
    Version(String),
    /// Ends the lines of the head with something else than CRLF; the body stays.
    LineEnding(LineEnding),
    /// Puts a space between name and colon (legal, RFC 3261 25.1 HCOLON).
    SpaceBeforeColon(String),
    /// Puts white space before and after the value and doubles each space in it.
    ExtraWhitespace(String),
    /// Puts a NUL byte into the middle of the value.
    NullByte(String),
    /// Puts a byte that is not UTF-8 into the middle of the value.
    NonUtf8(String),
    /// Makes the value that many bytes longer than it is, with letters at its end.
    LongValue {
        /// The field.
        name: String,
        /// Bytes to add.
        length: usize,
    },
    /// Cuts the message there.
    Truncate {
        /// Length that is left.
        at: usize,
    },
    /// Replaces every occurrence of some bytes, wherever they stand.
    ReplaceBytes {
        /// What is looked for.
        find: Vec<u8>,
        /// What is written instead.
        with: Vec<u8>,
    },
}

/// What is wrong with a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchMistake {
    /// Without the cookie of RFC 3261 8.1.1.7.
    NoCookie,
    /// Well-formed, but another one.
    Other,
    /// `branch=` without a value.
    Empty,
    /// No branch at all.
    Missing,
    /// This text.
    Text(String),
}

/// What is wrong with a Content-Length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LengthMistake {
    /// So much more or less than the body has.
    Delta(i64),
    /// This text.
    Text(String),
}

/// What ends the lines of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnding {
    /// LF alone.
    Lf,
    /// CR alone.
    Cr,
    /// CRLF and LF by turns.
    Mixed,
}

/// Most bytes one mutation may add.
const MOST_ADDED: usize = 1 << 20;

/// Why a mutation cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MutationError {
    /// There is no field of that name.
    #[error("the message has no {0} header to change")]
    NoHeader(String),
    /// The first line is not of the kind the mutation is about.
    #[error("the first line has no {0}")]
    StartLine(&'static str),
    /// The top Via cannot be read.
    #[error("the top Via has no branch to change")]
    NoBranch,
    /// The bytes to replace are not there.
    #[error("the bytes to replace are not in the message")]
    NotFound,
    /// The cut is behind the end, or too many bytes would be added.
    #[error("{0} bytes are too many")]
    Size(usize),
}

/// Applies mutations one after the other; each sees what the one before left.
///
/// # Errors
/// When one of them finds nothing to change: a test must not believe it has sent something it has not.
pub fn apply(bytes: &[u8], mutations: &[Mutation], ids: &mut IdSource) -> Result<Vec<u8>, MutationError> {
    let mut bytes = bytes.to_vec();
    for mutation in mutations {
        bytes = mutation.apply(bytes, ids)?;
    }
    Ok(bytes)
}

impl Mutation {
    fn apply(&self, bytes: Vec<u8>, ids: &mut IdSource) -> Result<Vec<u8>, MutationError> {
        match self {
            Self::AppendBytes(more) => {
                limit(more.len())?;
                return Ok([bytes.as_slice(), more].concat());
            }
            Self::Truncate { at } => {
                let start = bytes.get(..*at).ok_or(MutationError::Size(*at))?;
                return Ok(start.to_vec());
            }
            Self::ReplaceBytes { find, with } => return replace_bytes(&bytes, find, with),
            _ => {}
        }
        let mut head = Head::new(bytes);
        match self {
            Self::DropHeader(name) => {
                head.first(name)?;
                head.fields.retain(|field| !field.is(name));
            }
            Self::DuplicateHeader(name) => {
                let at = head.first(name)?;
                let copy = head.fields.get(at).cloned().unwrap_or_default();
                head.fields.insert(at + 1, copy);
            }
            Self::ReorderHeader { name, before } => {
                let from = head.first(name)?;
                head.first(before)?;
                let field = head.fields.remove(from);
                let to = head.first(before).unwrap_or(from);
                head.fields.insert(to, field);
            }
            Self::AddHeader { name, value, first } => {
                limit(value.len())?;
                let field = Field::new(name, value);
                let at = if *first { 0 } else { head.fields.len() };
                head.fields.insert(at, field);
            }
            Self::WrongBranch(mistake) => head.change_branch(mistake, ids)?,
            Self::ContentLength(mistake) => head.change_length(mistake),
            Self::Body(body) => {
                limit(body.len())?;
                head.body.clone_from(body);
                if let Ok(at) = head.first("content-length") {
                    head.set_value(at, body.len().to_string().as_bytes());
                }
            }
            Self::StartLine(line) => head.start = line.clone().into_bytes(),
            Self::Method(method) => head.change_start("method", method)?,
            Self::Version(version) => head.change_start("version", version)?,
            Self::LineEnding(ending) => head.ending = Some(*ending),
            Self::FoldHeader(name) => head.edit(name, fold)?,
            Self::SetHeader { name, value } => {
                limit(value.len())?;
                let at = head.first(name)?;
                head.set_value(at, value.as_bytes());
            }
            Self::RenameHeader { name, to } => {
                let at = head.first(name)?;
                if let Some(field) = head.fields.get_mut(at) {
                    field.name = to.clone().into_bytes();
                }
            }
            Self::SpaceBeforeColon(name) => {
                let at = head.first(name)?;
                if let Some(field) = head.fields.get_mut(at) {
                    field.colon.insert(0, b' ');
                }
            }
            Self::ExtraWhitespace(name) => head.edit(name, |value| {
                let mut wide = b"  \t".to_vec();
                for byte in value {
                    wide.push(*byte);
                    if *byte == b' ' {
                        wide.push(b' ');
                    }
                }
                wide.extend_from_slice(b"  ");
                wide
            })?,
            Self::NullByte(name) => head.edit(name, |value| in_the_middle(value, 0))?,
            Self::NonUtf8(name) => head.edit(name, |value| in_the_middle(value, 0xff))?,
            Self::LongValue { name, length } => {
                limit(*length)?;
                head.edit(name, |value| [value, &vec![b'a'; *length]].concat())?;
            }
            Self::AppendBytes(_) | Self::Truncate { .. } | Self::ReplaceBytes { .. } => {}
        }
        Ok(head.into_bytes())
    }
}

const fn limit(length: usize) -> Result<(), MutationError> {
    if length > MOST_ADDED {
        Err(MutationError::Size(length))
    } else {
        Ok(())
    }
}

fn replace_bytes(bytes: &[u8], find: &[u8], with: &[u8]) -> Result<Vec<u8>, MutationError> {
    if find.is_empty() {
        return Err(MutationError::NotFound);
    }
    let found: Vec<usize> = memchr::memmem::find_iter(bytes, find).collect();
    limit(found.len().saturating_mul(with.len()))?;
    if found.is_empty() {
        return Err(MutationError::NotFound);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in found {
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        out.extend_from_slice(with);
        from = at + find.len();
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    Ok(out)
}

fn fold(value: &[u8]) -> Vec<u8> {
    let inner = value
        .iter()
        .skip(1)
        .position(|byte| *byte == b' ')
        .map(|at| at + 1);
    match inner {
        Some(at) => {
            let (start, end) = value.split_at(at);
            [start, b"\r\n", end].concat()
        }
        None => [b" \r\n ", value.trim_ascii_start()].concat(),
    }
}

fn in_the_middle(value: &[u8], byte: u8) -> Vec<u8> {
    let (start, end) = value.split_at(value.len() / 2);
    [start, &[byte], end].concat()
}

/// A header field taken apart so that its parts put together are the bytes again.
#[derive(Debug, Clone, Default)]
struct Field {
    name: Vec<u8>,
    colon: Vec<u8>,
    /// White space in front included.
    value: Vec<u8>,
    end: Vec<u8>,
}

impl Field {
    fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            colon: b":".to_vec(),
            value: [b" ", value.as_bytes()].concat(),
            end: b"\r\n".to_vec(),
        }
    }

    fn is(&self, name: &str) -> bool {
        std::str::from_utf8(&self.name).is_ok_and(|own| names::same(own, name))
    }
}

/// A message in parts.
struct Head {
    /// Empty lines in front.
    before: Vec<u8>,
    start: Vec<u8>,
    start_end: Vec<u8>,
    fields: Vec<Field>,
    blank: Vec<u8>,
    body: Vec<u8>,
    /// Behind the body.
    trailing: Vec<u8>,
    ending: Option<LineEnding>,
}

impl Head {
    fn new(bytes: Vec<u8>) -> Self {
        let message = Message::from_vec(bytes);
        let bytes = message.bytes();
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default().to_vec();
        let start_range = message.start_range();
        let lines = message.header_lines();
        let after_start = lines
            .first()
            .map_or_else(|| message.start_end(), |line| line.raw.start);
        let fields_end = lines.last().map_or(after_start, |line| line.raw.end);
        let body_start = bytes.len() - message.body().len() - message.trailing().len();
        let fields = lines
            .iter()
            .map(|line| {
                let raw = bytes.get(line.raw.clone()).unwrap_or_default();
                field(raw)
            })
            .collect();
        Self {
            before: part(0, start_range.start),
            start: part(start_range.start, start_range.end),
            start_end: part(start_range.end, after_start),
            fields,
            blank: part(fields_end, body_start),
            body: message.body().to_vec(),
            trailing: message.trailing().to_vec(),
            ending: None,
        }
    }

    fn first(&self, name: &str) -> Result<usize, MutationError> {
        self.fields
            .iter()
            .position(|field| field.is(name))
            .ok_or_else(|| MutationError::NoHeader(name.to_owned()))
    }

    /// Puts a value in the place of another, behind the same white space.
    fn set_value(&mut self, at: usize, value: &[u8]) {
        if let Some(field) = self.fields.get_mut(at) {
            let space = field.value.len() - field.value.trim_ascii_start().len();
            let space = field.value.get(..space).unwrap_or_default();
            field.value = [space, value].concat();
        }
    }

    fn edit(&mut self, name: &str, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(), MutationError> {
        let at = self.first(name)?;
        if let Some(field) = self.fields.get_mut(at) {
            field.value = change(&field.value);
        }
        Ok(())
    }

    fn change_length(&mut self, mistake: &LengthMistake) {
        let text = match mistake {
            LengthMistake::Delta(delta) => {
                let length = i64::try_from(self.body.len()).unwrap_or(i64::MAX);
                length.saturating_add(*delta).to_string()
            }
            LengthMistake::Text(text) => text.clone(),
        };
        match self.first("content-length") {
            Ok(at) => self.set_value(at, text.as_bytes()),
            Err(_) => self.fields.push(Field::new("Content-Length", &text)),
        }
    }

    fn change_branch(&mut self, mistake: &BranchMistake, ids: &mut IdSource) -> Result<(), MutationError> {
        let at = self.first("via")?;
        let field = self.fields.get_mut(at).ok_or(MutationError::NoBranch)?;
        let value = String::from_utf8_lossy(&field.value).into_owned();
        let lower = value.to_ascii_lowercase();
        // only the first value of a list is the top Via
        let top = lower.find(',').unwrap_or(lower.len());
        let name = lower
            .get(..top)
            .and_then(|top| top.find("branch"))
            .ok_or(MutationError::NoBranch)?;
        let rest = value.get(name..).unwrap_or_default();
        let length = rest.find([';', ',', '\r', '\n', ' ']).unwrap_or(rest.len());
        let old = rest.get(..length).unwrap_or_default();
        let own = old.split_once('=').map_or("", |(_, own)| own);
        let new = match mistake {
            BranchMistake::NoCookie => {
                let bare = own.strip_prefix("z9hG4bK").unwrap_or(own);
                format!("branch={bare}")
            }
            BranchMistake::Other => format!("branch={}", ids.branch()),
            BranchMistake::Empty => "branch=".to_owned(),
            BranchMistake::Missing => String::new(),
            BranchMistake::Text(text) => format!("branch={text}"),
        };
        let mut start = value.get(..name).unwrap_or_default().to_owned();
        if new.is_empty() {
            start.truncate(start.trim_end().trim_end_matches(';').len());
        }
        let end = rest.get(length..).unwrap_or_default();
        field.value = format!("{start}{new}{end}").into_bytes();
        Ok(())
    }

    fn change_start(&mut self, part: &'static str, text: &str) -> Result<(), MutationError> {
        let message = Message::parse(&[self.start.as_slice(), b"\r\n\r\n"].concat());
        self.start = match (message.start_line(), part) {
            (StartLine::Request { uri, version, .. }, "method") => format!("{text} {uri} {version}"),
            (StartLine::Request { method, uri, .. }, "version") => format!("{method} {uri} {text}"),
            (StartLine::Response { status, reason, .. }, "version") => format!("{text} {status} {reason}"),
            _ => return Err(MutationError::StartLine(part)),
        }
        .into_bytes();
        Ok(())
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut out = [self.before, self.start, self.start_end].concat();
        for field in self.fields {
            for part in [field.name, field.colon, field.value, field.end] {
                out.extend_from_slice(&part);
            }
        }
        out.extend_from_slice(&self.blank);
        if let Some(ending) = self.ending {
            out = with_ending(&out, ending);
        }
        out.extend_from_slice(&self.body);
        out.extend_from_slice(&self.trailing);
        out
    }
}

fn field(raw: &[u8]) -> Field {
    let content = raw
        .strip_suffix(b"\r\n")
        .or_else(|| raw.strip_suffix(b"\n"))
        .unwrap_or(raw);
    let end = raw.get(content.len()..).unwrap_or_default().to_vec();
    let Some(colon) = memchr::memchr(b':', content) else {
        // no name: the whole line counts as the value
        return Field {
            value: content.to_vec(),
            end,
            ..Field::default()
        };
    };
    let (before, value) = content.split_at(colon);
    let name = before.trim_ascii_end();
    let space = before.get(name.len()..).unwrap_or_default();
    Field {
        name: name.to_vec(),
        colon: [space, b":"].concat(),
        value: value.get(1..).unwrap_or_default().to_vec(),
        end,
    }
}

fn with_ending(head: &[u8], ending: LineEnding) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len());
    let mut line = 0;
    let mut bytes = head.iter().peekable();
    while let Some(byte) = bytes.next() {
        if *byte == b'\r' && bytes.peek() == Some(&&b'\n') {
            bytes.next();
            line += 1;
            match ending {
                LineEnding::Lf => out.push(b'\n'),
                LineEnding::Cr => out.push(b'\r'),
                LineEnding::Mixed if line % 2 == 0 => out.push(b'\n'),
                LineEnding::Mixed => out.extend_from_slice(b"\r\n"),
            }
        } else {
            out.push(*byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKabc;rport\r\nf: \"A B\" <sip:a@x>;tag=1\r\n\
        To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 4\r\n\r\nbody";

    fn mutated(mutation: Mutation) -> String {
        let bytes = apply(MESSAGE.as_bytes(), &[mutation], &mut IdSource::new(1)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The message with one text replaced: what a mutation is expected to give.
    fn with(find: &str, replace: &str) -> String {
        assert!(MESSAGE.contains(find));
        MESSAGE.replacen(find, replace, 1)
    }

    fn name(name: &str) -> String {
        name.to_owned()
    }

    #[test]
    fn fields_come_go_and_move() {
        assert_eq!(
            mutated(Mutation::DropHeader(name("From"))),
            with("f: \"A B\" <sip:a@x>;tag=1\r\n", "")
        );
        assert_eq!(
            mutated(Mutation::DuplicateHeader(name("to"))),
            with("To: <sip:b@x>\r\n", "To: <sip:b@x>\r\nTo: <sip:b@x>\r\n")
        );
        assert_eq!(
            mutated(Mutation::ReorderHeader {
                name: name("CSeq"),
                before: name("To")
            }),
            with(
                "To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n",
                "CSeq: 1 INVITE\r\nTo: <sip:b@x>\r\nCall-ID: c\r\n"
            )
        );
        let add = |first| Mutation::AddHeader {
            name: name("X-Y"),
            value: name("z"),
            first,
        };
        assert_eq!(mutated(add(true)), with("Via:", "X-Y: z\r\nVia:"));
        assert_eq!(mutated(add(false)), with("\r\n\r\n", "\r\nX-Y: z\r\n\r\n"));
    }

    #[test]
    fn values_change_and_the_rest_stays() {
        assert_eq!(
            mutated(Mutation::FoldHeader(name("From"))),
            with("\"A B\" <", "\"A\r\n B\" <")
        );
        assert_eq!(
            mutated(Mutation::FoldHeader(name("To"))),
            with("To: <", "To: \r\n <")
        );
        assert_eq!(
            mutated(Mutation::SetHeader {
                name: name("CSeq"),
                value: name("-1 INVITE")
            }),
            with("1 INVITE", "-1 INVITE")
        );
        assert_eq!(
            mutated(Mutation::RenameHeader {
                name: name("From"),
                to: name("fROM")
            }),
            with("f:", "fROM:")
        );
        assert_eq!(
            mutated(Mutation::SpaceBeforeColon(name("To"))),
            with("To:", "To :")
        );
        assert_eq!(
            mutated(Mutation::ExtraWhitespace(name("CSeq"))),
            with("CSeq: 1 INVITE\r\n", "CSeq:  \t  1  INVITE  \r\n")
        );
        assert_eq!(
            mutated(Mutation::NullByte(name("Call-ID"))),
            with("Call-ID: c", "Call-ID: \0c")
        );
        assert_eq!(
            mutated(Mutation::NonUtf8(name("Call-ID"))),
            with("Call-ID: c", "Call-ID: \u{fffd}c")
        );
        assert_eq!(
            mutated(Mutation::LongValue {
                name: name("Call-ID"),
                length: 3
            }),
            with("Call-ID: c", "Call-ID: caaa")
        );
    }

    #[test]
    fn branches_and_lengths() {
        let branch = |mistake| mutated(Mutation::WrongBranch(mistake));
        assert_eq!(branch(BranchMistake::NoCookie), with("z9hG4bKabc", "abc"));
        assert_eq!(branch(BranchMistake::Empty), with("z9hG4bKabc", ""));
        assert_eq!(branch(BranchMistake::Missing), with(";branch=z9hG4bKabc", ""));
        assert_eq!(
            branch(BranchMistake::Text(name("z9hG4bK"))),
            with("z9hG4bKabc", "z9hG4bK")
        );
        let other = Message::parse(branch(BranchMistake::Other).as_bytes());
        let via = other.top_via().unwrap();
        assert!(
            via.branch()
                .is_some_and(|branch| branch.starts_with("z9hG4bK") && branch != "z9hG4bKabc")
        );
        let length = |mistake| mutated(Mutation::ContentLength(mistake));
        assert_eq!(length(LengthMistake::Delta(10)), with("Length: 4", "Length: 14"));
        assert_eq!(length(LengthMistake::Delta(-5)), with("Length: 4", "Length: -1"));
        assert_eq!(
            length(LengthMistake::Text(name("four"))),
            with("Length: 4", "Length: four")
        );
        assert_eq!(
            mutated(Mutation::Body(b"longer".to_vec())),
            with("4\r\n\r\nbody", "6\r\n\r\nlonger")
        );
        assert_eq!(
            mutated(Mutation::AppendBytes(b"XY".to_vec())),
            format!("{MESSAGE}XY")
        );
    }

    #[test]
    fn the_first_line_and_the_bytes() {
        let invite = "INVITE sip:b@x SIP/2.0";
        assert_eq!(mutated(Mutation::StartLine(name("x"))), with(invite, "x"));
        assert_eq!(
            mutated(Mutation::Method(name("invite"))),
            with(invite, "invite sip:b@x SIP/2.0")
        );
        assert_eq!(
            mutated(Mutation::Version(name("SIP/9.9"))),
            with(invite, "INVITE sip:b@x SIP/9.9")
        );
        let (head, body) = MESSAGE.split_once("body").unwrap();
        assert_eq!(
            mutated(Mutation::LineEnding(LineEnding::Lf)),
            format!("{}body{body}", head.replace("\r\n", "\n"))
        );
        assert_eq!(
            mutated(Mutation::LineEnding(LineEnding::Cr)),
            format!("{}body{body}", head.replace("\r\n", "\r"))
        );
        assert!(
            mutated(Mutation::LineEnding(LineEnding::Mixed))
                .starts_with("INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKabc;rport\nf:")
        );
        assert_eq!(mutated(Mutation::Truncate { at: 10 }), "INVITE sip");
        assert_eq!(
            mutated(Mutation::ReplaceBytes {
                find: b"sip:b".to_vec(),
                with: b"tel:1".to_vec()
            }),
            MESSAGE.replace("sip:b", "tel:1")
        );
    }

    #[test]
    fn what_cannot_be_changed_is_an_error() {
        let error = |mutation| apply(MESSAGE.as_bytes(), &[mutation], &mut IdSource::new(1)).unwrap_err();
        assert_eq!(
            error(Mutation::DropHeader(name("Route"))),
            MutationError::NoHeader(name("Route"))
        );
        assert_eq!(error(Mutation::Truncate { at: 9999 }), MutationError::Size(9999));
        let replace = Mutation::ReplaceBytes {
            find: b"nowhere".to_vec(),
            with: Vec::new(),
        };
        assert_eq!(error(replace), MutationError::NotFound);
        let response = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n";
        let error = |mutation| apply(response, &[mutation], &mut IdSource::new(1)).unwrap_err();
        assert_eq!(
            error(Mutation::Method(name("X"))),
            MutationError::StartLine("method")
        );
        assert_eq!(
            error(Mutation::WrongBranch(BranchMistake::Empty)),
            MutationError::NoBranch
        );
        let long = Mutation::LongValue {
            name: name("Via"),
            length: usize::MAX,
        };
        assert_eq!(error(long), MutationError::Size(usize::MAX));
    }

    #[test]
    fn no_mutation_no_change_whatever_the_bytes() {
        for bytes in [
            &b""[..],
            b"\r\n\r\nOPTIONS sip:a SIP/2.0\nA : b\r\n c\nno colon\n\nbody",
            b"OPTIONS sip:a SIP/2.0\r\nl: 1\r\n\r\nabc",
            b"SIP/2.0 200 OK",
        ] {
            assert_eq!(Head::new(bytes.to_vec()).into_bytes(), bytes);
        }
    }
}
