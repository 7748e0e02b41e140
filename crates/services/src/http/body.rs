//! The content of a request, by its length or in chunks (RFC 9112 6, 7.1).

use super::{HttpRequest, RequestError};

/// The longest content.
const MAX_BODY: usize = 1024 * 1024;
/// The longest line that a chunk begins with, extensions and all.
const MAX_CHUNK_LINE: usize = 1024;
/// The longest trailer section.
const MAX_TRAILER: usize = 8 * 1024;

/// How far the content has been read.
#[derive(Debug)]
pub(super) enum Body {
    /// So many octets remain.
    Length(usize),
    /// The line with the length of a chunk comes next.
    ChunkLine,
    /// Octets of a chunk, and the line end behind them.
    Chunk(usize),
    /// The line end behind a chunk.
    ChunkEnd,
    /// Fields behind the last chunk: they are read over. With the octets so far.
    Trailer(usize),
}

impl Body {
    /// How the content of a request is framed (RFC 9112 6.3).
    pub(super) fn of(request: &HttpRequest) -> Result<Self, RequestError> {
        let fields = |name: &'static str| {
            request
                .headers
                .iter()
                .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        let mut lengths = fields("Content-Length");
        let length = lengths.next();
        if lengths.any(|other| Some(other) != length) {
            let all: Vec<_> = fields("Content-Length").collect();
            return Err(RequestError::ContentLength(all.join(", ")));
        }
        let mut codings = fields("Transfer-Encoding");
        if let Some(coding) = codings.next() {
            if length.is_some() {
                return Err(RequestError::TwoLengths);
            }
            if !coding.eq_ignore_ascii_case("chunked") || codings.next().is_some() {
                let all: Vec<_> = fields("Transfer-Encoding").collect();
                return Err(RequestError::TransferCoding(all.join(", ")));
            }
            return Ok(Self::ChunkLine);
        }
        let Some(text) = length else {
            return Ok(Self::Length(0));
        };
        if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(RequestError::ContentLength(text.to_owned()));
        }
        match text.parse() {
            Ok(length) if length <= MAX_BODY => Ok(Self::Length(length)),
            _ => Err(RequestError::BodyTooLong(MAX_BODY)),
        }
    }

    /// Moves content from the buffer; true when it is all there.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, content: &mut Vec<u8>) -> Result<bool, RequestError> {
        loop {
            match self {
                Self::Length(left) => {
                    *left -= take(buffer, content, *left);
                    return Ok(*left == 0);
                }
                Self::ChunkLine => {
                    let Some(line) = line(buffer, MAX_CHUNK_LINE)? else {
                        return Ok(false);
                    };
                    let length = chunk_length(&line)?;
                    if content.len().saturating_add(length) > MAX_BODY {
                        return Err(RequestError::BodyTooLong(MAX_BODY));
                    }
                    *self = if length == 0 {
                        Self::Trailer(0)
                    } else {
                        Self::Chunk(length)
                    };
                }
                Self::Chunk(left) => {
                    *left -= take(buffer, content, *left);
                    if *left > 0 {
                        return Ok(false);
                    }
                    *self = Self::ChunkEnd;
                }
                Self::ChunkEnd => match line(buffer, 2)? {
                    Some(line) if line.is_empty() => *self = Self::ChunkLine,
                    Some(_) => return Err(RequestError::Chunk("no line end behind it")),
                    None => return Ok(false),
                },
                Self::Trailer(octets) => {
                    let Some(line) = line(buffer, MAX_TRAILER)? else {
                        return Ok(false);
                    };
                    if line.is_empty() {
                        return Ok(true);
                    }
                    *octets += line.len();
                    if *octets > MAX_TRAILER {
                        return Err(RequestError::Chunk("trailer too long"));
                    }
                }
            }
        }
    }
}

/// Moves as much as is there, `most` at most; returns how much it was.
fn take(buffer: &mut Vec<u8>, content: &mut Vec<u8>, most: usize) -> usize {
    let count = most.min(buffer.len());
    content.extend(buffer.drain(..count));
    count
}

/// A line without its end, if it is all there.
fn line(buffer: &mut Vec<u8>, most: usize) -> Result<Option<Vec<u8>>, RequestError> {
    let within = buffer.get(..most).unwrap_or(buffer);
    let Some(end) = within.iter().position(|octet| *octet == b'\n') else {
        return if buffer.len() >= most {
            Err(RequestError::Chunk("no line end"))
        } else {
            Ok(None)
        };
    };
    let mut line: Vec<u8> = buffer.drain(..=end).collect();
    line.pop();
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}

fn chunk_length(line: &[u8]) -> Result<usize, RequestError> {
    let digits = line.split(|octet| *octet == b';').next().unwrap_or_default();
    let digits = digits.trim_ascii_end();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(RequestError::Chunk("no length"));
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .ok_or(RequestError::Chunk("length out of range"))
}
