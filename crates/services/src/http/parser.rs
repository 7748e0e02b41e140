//! Finds requests in a stream, whatever its segments.

use super::HttpRequest;
use super::RequestError;
use super::body::Body;

/// The longest head.
const MAX_HEAD: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;

/// The requests of one connection. What it holds is bounded by the longest head and the longest content, beyond what was
/// pushed last.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: Vec<u8>,
    /// The end of the head is not before this.
    scanned: usize,
    pending: Option<Pending>,
    broken: Option<RequestError>,
}

/// A request whose head has come.
#[derive(Debug)]
struct Pending {
    request: HttpRequest,
    body: Body,
    /// The client waits for a word before it sends the content (RFC 9110 10.1.1).
    asks: bool,
}

/// How far the next request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More octets are needed.
    More,
    /// The client wants to hear `100 Continue`. Told once a request.
    Continue,
    /// A whole request.
    Request(HttpRequest),
}

impl Parser {
    /// For a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes octets of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether a request has begun but not ended.
    pub fn is_inside(&self) -> bool {
        self.pending.is_some() || !self.buffer.is_empty()
    }

    /// The next request, or how far it is.
    ///
    /// # Errors
    /// [`RequestError`]; where the next request begins is unknown then, and every further call says the same.
    pub fn progress(&mut self) -> Result<Progress, RequestError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let progress = self.step();
        if let Err(error) = &progress {
            self.broken = Some(error.clone());
            self.buffer = Vec::new();
            self.pending = None;
        }
        progress
    }

    fn step(&mut self) -> Result<Progress, RequestError> {
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => match self.head()? {
                Some(pending) => pending,
                None => return Ok(Progress::More),
            },
        };
        if pending.body.read(&mut self.buffer, &mut pending.request.body)? {
            return Ok(Progress::Request(pending.request));
        }
        // a client that sends its content without waiting needs no word
        let asks =
            std::mem::take(&mut pending.asks) && self.buffer.is_empty() && pending.request.body.is_empty();
        self.pending = Some(pending);
        Ok(if asks { Progress::Continue } else { Progress::More })
    }

    fn head(&mut self) -> Result<Option<Pending>, RequestError> {
        // empty lines before a request line are ignored (RFC 9112 2.2)
        let blank = self
            .buffer
            .iter()
            .take_while(|octet| matches!(octet, b'\r' | b'\n'))
            .count();
        if blank > 0 {
            self.buffer.drain(..blank);
            self.scanned = 0;
        }
        let Some(end) = self.end_of_head() else {
            return if self.buffer.len() > MAX_HEAD {
                Err(RequestError::HeadTooLong(MAX_HEAD))
            } else {
                Ok(None)
            };
        };
        if end > MAX_HEAD {
            return Err(RequestError::HeadTooLong(MAX_HEAD));
        }
        self.scanned = 0;
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let request = read_head(&head)?;
        let body = Body::of(&request)?;
        let asks = request.minor_version >= 1 && request.lists("Expect", "100-continue");
        Ok(Some(Pending { request, body, asks }))
    }

    /// Behind the empty line. A line may end with LF alone (RFC 9112 2.2).
    fn end_of_head(&mut self) -> Option<usize> {
        let from = self.scanned;
        let found = self
            .buffer
            .get(from..)?
            .iter()
            .enumerate()
            .find_map(|(at, octet)| {
                let before = self.buffer.get(..from + at)?;
                let ends = *octet == b'\n' && (before.ends_with(b"\n") || before.ends_with(b"\n\r"));
                ends.then_some(from + at + 1)
            });
        self.scanned = self.buffer.len();
        found
    }
}

fn read_head(head: &[u8]) -> Result<HttpRequest, RequestError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(RequestError::Head("incomplete".to_owned())),
        Err(httparse::Error::Version) => return Err(RequestError::Version),
        Err(httparse::Error::TooManyHeaders) => return Err(RequestError::HeadTooLong(MAX_HEAD)),
        Err(error) => return Err(RequestError::Head(error.to_string())),
    }
    let request = HttpRequest {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        minor_version: request.version.unwrap_or_default(),
        headers: request
            .headers
            .iter()
            .map(|field| {
                (
                    field.name.to_owned(),
                    String::from_utf8_lossy(field.value).into_owned(),
                )
            })
            .collect(),
        body: Vec::new(),
    };
    let hosts = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("Host"))
        .count();
    if hosts > 1 || (hosts == 0 && request.minor_version >= 1) {
        return Err(RequestError::Host(hosts));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(stream: &[u8], cut: usize) -> (Vec<Progress>, Option<RequestError>) {
        let mut parser = Parser::new();
        let mut seen = Vec::new();
        for piece in stream.chunks(cut.max(1)) {
            parser.push(piece);
            loop {
                match parser.progress() {
                    Ok(Progress::More) => break,
                    Ok(progress) => seen.push(progress),
                    Err(error) => return (seen, Some(error)),
                }
            }
        }
        (seen, None)
    }

    fn requests(stream: &[u8], cut: usize) -> Vec<HttpRequest> {
        let (seen, error) = all(stream, cut);
        assert_eq!(error, None);
        seen.into_iter()
            .filter_map(|progress| match progress {
                Progress::Request(request) => Some(request),
                _ => None,
            })
            .collect()
    }

    const TWO: &[u8] = b"\r\nPUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET http://h/b?c HTTP/1.0\n\n\
        POST /d HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n";

    #[test]
    fn requests_are_found_however_the_stream_is_cut() {
        let whole = requests(TWO, TWO.len());
        assert_eq!(whole.len(), 3);
        assert_eq!(
            (whole[0].method.as_str(), whole[0].body.as_slice()),
            ("PUT", &b"abc"[..])
        );
        assert_eq!((whole[1].path(), whole[1].minor_version), ("/b", 0));
        assert_eq!((whole[2].path(), whole[2].body.as_slice()), ("/d", &b"abcde"[..]));
        assert!(whole[0].keeps_alive() && !whole[1].keeps_alive());
        for cut in 1..TWO.len() {
            assert_eq!(requests(TWO, cut), whole, "cut every {cut} octets");
        }
    }

    #[test]
    fn a_client_that_waits_is_told_to_go_on_once() {
        let mut parser = Parser::new();
        parser.push(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
        assert_eq!(parser.progress(), Ok(Progress::Continue));
        assert_eq!(parser.progress(), Ok(Progress::More));
        parser.push(b"ab");
        assert!(matches!(parser.progress(), Ok(Progress::Request(request)) if request.body == b"ab"));
        assert!(!parser.is_inside());
    }

    #[test]
    fn what_is_wrong_has_its_status() {
        let status = |stream: &[u8]| all(stream, 7).1.map(|error| error.status());
        assert_eq!(status(b"GET / HTTP/1.1\r\n\r\n"), Some(400), "no Host");
        assert_eq!(status(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Some(400));
        assert_eq!(status(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"), Some(505));
        assert_eq!(status(b"REGISTER sip:a SIP/2.0\r\n\r\n"), Some(505));
        let long = |field: &str| format!("PUT / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n").into_bytes();
        assert_eq!(status(&long("Content-Length: 1048577")), Some(413));
        assert_eq!(status(&long("Content-Length: +3")), Some(400));
        assert_eq!(status(&long("Content-Length: 3\r\nContent-Length: 4")), Some(400));
        assert_eq!(
            status(&long("Content-Length: 3\r\nTransfer-Encoding: chunked")),
            Some(400)
        );
        assert_eq!(status(&long("Transfer-Encoding: gzip")), Some(501));
        assert_eq!(status(&long(&format!("X: {}", "y".repeat(40_000)))), Some(431));
        assert_eq!(status(&"X".repeat(40_000).into_bytes()), Some(431));
        assert_eq!(status(&long(&"X: y\r\n".repeat(101))), Some(431));
        let chunked = |chunks: &str| {
            let mut stream = long("Transfer-Encoding: chunked");
            stream.extend_from_slice(chunks.as_bytes());
            stream
        };
        assert_eq!(status(&chunked("x\r\n")), Some(400));
        assert_eq!(status(&chunked("2\r\nabc\r\n")), Some(400));
        assert_eq!(status(&chunked("fffffffffffffffff\r\n")), Some(400));
        assert_eq!(status(&chunked("100001\r\n")), Some(413));
        assert_eq!(status(&chunked(&"1".repeat(5000))), Some(400));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused_and_the_cut_does_not_matter(
            head in "(GET|PUT|POST) /[a-z]{0,4} HTTP/1.[01]\r\n(Host: h\r\n)?((Content-Length|Transfer-Encoding|Expect): (chunked|[0-9]{1,2}|100-continue)\r\n){0,2}\r\n",
            rest in prop::collection::vec(prop::sample::select(b"0123\r\nabcf;GET /".to_vec()), 0..40),
            cut in 1_usize..20,
        ) {
            let mut stream = head.into_bytes();
            stream.extend_from_slice(&rest);
            let finished = |cut| {
                let (seen, error) = all(&stream, cut);
                let seen: Vec<_> = seen.into_iter().filter(|one| *one != Progress::Continue).collect();
                (seen, error)
            };
            prop_assert_eq!(finished(cut), finished(stream.len()));
        }

        #[test]
        fn noise_does_no_harm(noise in prop::collection::vec(any::<u8>(), 0..300), cut in 1_usize..50) {
            let _ = all(&noise, cut);
        }
    }
}
