//! What a case orders the HTTP server to do.

use std::time::Duration;

use super::{Authentication, HttpRequest};

/// Changes what is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpOrder {
    /// Forgets all routes first.
    pub replace: bool,
    /// Routes that go before those of earlier orders, in this order among themselves. One without a number of times
    /// takes the place of earlier ones of its path.
    pub routes: Vec<Route>,
}

/// What is served for a path, to GET, HEAD, PUT and POST alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The path; with `*` at its end every path that begins so, because a device may add its model or address.
    pub path: String,
    /// Status.
    pub status: u16,
    /// Content-Type; left out when empty.
    pub content_type: String,
    /// Content.
    pub body: Vec<u8>,
    /// Further header fields.
    pub headers: Vec<(String, String)>,
    /// How long the response waits.
    pub delay: Duration,
    /// Credentials wanted.
    pub authentication: Authentication,
    /// A client certificate is wanted; 403 without one.
    pub client_certificate: bool,
    /// Served over TLS only; over plain TCP there is no such path.
    pub tls: bool,
    /// How many requests it serves before it is forgotten; without a number it stays.
    pub times: Option<u32>,
    /// What goes wrong with the response.
    pub fault: HttpFault,
}

/// What goes wrong with a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpFault {
    /// Nothing.
    #[default]
    None,
    /// The connection is closed instead of a response.
    Close,
    /// The connection is reset instead of a response.
    Reset,
    /// There is no response, and the connection stays.
    Silent,
    /// Half of the content is sent, then the connection is closed.
    Truncate,
}

impl Route {
    /// Serves 200 with this content.
    pub fn new(path: impl Into<String>, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            status: 200,
            content_type: content_type.into(),
            body: body.into(),
            headers: Vec::new(),
            delay: Duration::ZERO,
            authentication: Authentication::None,
            client_certificate: false,
            tls: false,
            times: None,
            fault: HttpFault::None,
        }
    }

    pub(super) fn serves(&self, request: &HttpRequest, tls: bool) -> bool {
        let path = request.path();
        let fits = match self.path.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == self.path,
        };
        fits && (tls || !self.tls)
    }
}
