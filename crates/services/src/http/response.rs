//! A response, to the octet.

use std::time::Duration;

use super::date::http_date;

/// An HTTP response. Date, Content-Length, Server and Connection are added where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// Content.
    pub body: Vec<u8>,
}

/// How a response is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing {
    /// Wall time, since 1970.
    pub(super) unix: Duration,
    /// To a HEAD request: with the length of the content, but without it (RFC 9110 9.3.2).
    pub(super) head_only: bool,
    /// The connection stays.
    pub(super) keep_alive: bool,
}

impl HttpResponse {
    /// A response with a line of text.
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            body: format!("{text}\n").into_bytes(),
        }
    }

    /// The octets, and how many of them are the head.
    pub(super) fn write(&self, writing: Writing) -> (Vec<u8>, usize) {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let mut field = |name: &str, value: &str| {
            let visible = |c: &char| !c.is_control() || *c == '\t';
            head.extend(name.chars().filter(visible));
            head.push_str(": ");
            head.extend(value.chars().filter(visible));
            head.push_str("\r\n");
        };
        field("Date", &http_date(writing.unix));
        field("Server", "Voxproof");
        for (name, value) in &self.headers {
            field(name, value);
        }
        // neither has content, nor a length of it (RFC 9110 8.6)
        let without = self.status < 200 || matches!(self.status, 204 | 304);
        if !without {
            field("Content-Length", &self.body.len().to_string());
        }
        field(
            "Connection",
            if writing.keep_alive { "keep-alive" } else { "close" },
        );
        head.push_str("\r\n");
        let mut octets = head.into_bytes();
        let end = octets.len();
        if !without && !writing.head_only {
            octets.extend_from_slice(&self.body);
        }
        (octets, end)
    }
}

/// The phrases of RFC 9110 15; others stay empty.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: &HttpResponse, head_only: bool, keep_alive: bool) -> String {
        let writing = Writing {
            unix: Duration::ZERO,
            head_only,
            keep_alive,
        };
        String::from_utf8(response.write(writing).0).unwrap()
    }

    #[test]
    fn a_response_to_the_octet() {
        let response = HttpResponse::text(404, "no route");
        let head = "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: Voxproof\r\n\
                    Content-Type: text/plain\r\nContent-Length: 9\r\nConnection: keep-alive\r\n\r\n";
        assert_eq!(text(&response, false, true), format!("{head}no route\n"));
        assert_eq!(text(&response, true, true), head);
    }

    #[test]
    fn a_status_without_content_has_no_length_and_fields_have_one_line() {
        let mut response = HttpResponse::text(304, "x");
        response.headers = vec![("ETag".to_owned(), "a\r\nSet-Cookie: b".to_owned())];
        let written = text(&response, false, false);
        assert!(!written.contains("Content-Length"), "{written}");
        assert!(written.contains("ETag: aSet-Cookie: b\r\n"));
        assert!(written.ends_with("Connection: close\r\n\r\n"));
    }
}
