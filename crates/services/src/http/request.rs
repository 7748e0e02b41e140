//! A request as it came.

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method.
    pub method: String,
    /// Request target as written (RFC 9112 3.2).
    pub target: String,
    /// Minor version of HTTP/1.
    pub minor_version: u8,
    /// Header fields in their order. Octets that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// Content, without the framing of chunks.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// The first field of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The path, without the query and, in absolute form, without scheme and authority (RFC 9112 3.2.2).
    pub fn path(&self) -> &str {
        let target = self.target.split(['?', '#']).next().unwrap_or_default();
        match target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => {
                rest.find('/').map_or("/", |slash| &rest[slash..])
            }
            _ => target,
        }
    }

    /// Whether the client keeps the connection (RFC 9112 9.3).
    pub fn keeps_alive(&self) -> bool {
        let says = |option: &str| self.lists("Connection", option);
        !says("close") && (self.minor_version >= 1 || says("keep-alive"))
    }

    /// Whether a field that is a list has a member (RFC 9110 5.6.1).
    pub(super) fn lists(&self, name: &str, member: &str) -> bool {
        self.headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .flat_map(|(_, value)| value.split(','))
            .any(|own| own.trim().eq_ignore_ascii_case(member))
    }

    pub(crate) fn octets(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.method.len() + self.target.len() + headers + self.body.len()
    }
}

/// Why what came is not a request that can be answered as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request line or a field is malformed (RFC 9112 2.2, 5).
    #[error("malformed head: {0}")]
    Head(String),
    /// The head is too long.
    #[error("head longer than {0} octets, or of too many fields")]
    HeadTooLong(usize),
    /// Not HTTP/1.0 or 1.1.
    #[error("not a version of HTTP/1")]
    Version,
    /// A request of HTTP/1.1 needs one Host (RFC 9112 3.2).
    #[error("{0} Host fields instead of one")]
    Host(usize),
    /// Content-Length is not one number (RFC 9112 6.3).
    #[error("Content-Length is not one number: {0:?}")]
    ContentLength(String),
    /// Both framings at once: a way to smuggle requests past a proxy (RFC 9112 6.1).
    #[error("Content-Length and Transfer-Encoding together")]
    TwoLengths,
    /// A coding other than chunked (RFC 9112 6.1).
    #[error("Transfer-Encoding {0:?} is not known")]
    TransferCoding(String),
    /// The content is too long.
    #[error("content longer than {0} octets")]
    BodyTooLong(usize),
    /// The chunks are malformed (RFC 9112 7.1).
    #[error("malformed chunk: {0}")]
    Chunk(&'static str),
}

impl RequestError {
    /// The status it is answered with (RFC 9110 15.5, RFC 6585 5).
    pub fn status(&self) -> u16 {
        match self {
            Self::Head(_) | Self::Host(_) | Self::ContentLength(_) | Self::TwoLengths | Self::Chunk(_) => 400,
            Self::BodyTooLong(_) => 413,
            Self::HeadTooLong(_) => 431,
            Self::TransferCoding(_) => 501,
            Self::Version => 505,
        }
    }
}
