//! What the server knows, and what it makes of a request.

use std::time::Duration;

use super::authentication::Nonces;
use super::{HttpFault, HttpOrder, HttpRequest, HttpResponse, Route};

/// The methods that are known (RFC 9110 9.3).
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];
const ALLOWED: [&str; 4] = ["GET", "HEAD", "PUT", "POST"];

/// All routes, the one that is tried first at the front.
#[derive(Clone, Debug, Default)]
pub struct Site {
    routes: Vec<Route>,
    nonces: Nonces,
}

/// What is known of whoever sent a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    /// The request came over TLS.
    pub tls: bool,
    /// The client presented a certificate and has its key.
    pub certificate: bool,
}

/// What the server does about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// The response.
    pub response: HttpResponse,
    /// How long it waits.
    pub delay: Duration,
    /// What goes wrong with it.
    pub fault: HttpFault,
    /// The same for evidence.
    pub treatment: HttpTreatment,
}

/// What was made of a request, for evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpTreatment {
    /// Status of the response; none without one.
    pub status: Option<u16>,
    /// `served`, `challenged` or `refused` with the reason, or the fault.
    pub outcome: String,
    /// The request carried credentials that its route wanted, and they were right.
    pub authenticated: bool,
}

impl Site {
    /// Without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out an order.
    pub fn apply(&mut self, order: HttpOrder) {
        if order.replace {
            self.routes.clear();
        }
        self.routes.retain(|old| {
            !order
                .routes
                .iter()
                .any(|new| new.times.is_none() && new.path == old.path && new.tls == old.tls)
        });
        self.routes.splice(..0, order.routes);
    }

    /// Decides about one request at a lab time.
    pub fn respond(&mut self, request: &HttpRequest, from: Requester, now: Duration) -> HttpReply {
        if !METHODS.contains(&request.method.as_str()) {
            return refused(501, "method is not known");
        }
        let Some(index) = self
            .routes
            .iter()
            .position(|route| route.serves(request, from.tls) && route.times != Some(0))
        else {
            return refused(404, "no route");
        };
        if !ALLOWED.contains(&request.method.as_str()) {
            let mut reply = refused(405, "method is not allowed");
            reply
                .response
                .headers
                .push(("Allow".to_owned(), ALLOWED.join(", ")));
            return reply;
        }
        // found just above
        let Some(route) = self.routes.get_mut(index) else {
            return refused(404, "no route");
        };
        if route.client_certificate && !from.certificate {
            return refused(403, "no client certificate");
        }
        if let Err(refusal) = route.authentication.verify(request, &mut self.nonces, now) {
            let mut reply = refused(401, refusal.reason);
            reply.treatment.outcome = format!("challenged: {}", refusal.reason);
            reply
                .response
                .headers
                .push(("WWW-Authenticate".to_owned(), refusal.challenge));
            return reply;
        }
        let mut reply = served(route);
        if is_unchanged(route, request) {
            reply.response.status = 304;
            if reply.treatment.status.is_some() {
                reply.treatment.status = Some(304);
            }
        }
        if let Some(times) = &mut route.times {
            *times -= 1;
            if *times == 0 {
                self.routes.remove(index);
            }
        }
        reply
    }
}

fn served(route: &Route) -> HttpReply {
    let mut headers = route.headers.clone();
    if !route.content_type.is_empty() {
        headers.insert(0, ("Content-Type".to_owned(), route.content_type.clone()));
    }
    let (status, outcome) = match route.fault {
        HttpFault::None => (Some(route.status), "served"),
        HttpFault::Truncate => (Some(route.status), "truncated"),
        HttpFault::Close => (None, "closed"),
        HttpFault::Reset => (None, "reset"),
        HttpFault::Silent => (None, "dropped"),
    };
    HttpReply {
        response: HttpResponse {
            status: route.status,
            headers,
            body: route.body.clone(),
        },
        delay: route.delay,
        fault: route.fault,
        treatment: HttpTreatment {
            status,
            outcome: outcome.to_owned(),
            authenticated: route.authentication != super::Authentication::None,
        },
    }
}

/// The client has what the route serves: by its ETag, else by its date (RFC 9110 13.1.2, 13.1.3). Devices send back the
/// very words they were given.
fn is_unchanged(route: &Route, request: &HttpRequest) -> bool {
    if route.status != 200 || !matches!(request.method.as_str(), "GET" | "HEAD") {
        return false;
    }
    let own = |name: &str| {
        route
            .headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    if request.header("If-None-Match").is_some() {
        // weak comparison: the mark of weakness does not count (RFC 9110 8.8.3.2)
        let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
        return own("ETag").is_some_and(|tag| {
            ["*".to_owned(), opaque(tag), format!("W/{}", opaque(tag))]
                .iter()
                .any(|tag| request.lists("If-None-Match", tag))
        });
    }
    let date = own("Last-Modified");
    date.is_some() && date == request.header("If-Modified-Since")
}

/// A response with the reason as its content.
pub(super) fn refused(status: u16, reason: &str) -> HttpReply {
    HttpReply {
        response: HttpResponse::text(status, reason),
        delay: Duration::ZERO,
        fault: HttpFault::None,
        treatment: HttpTreatment {
            status: Some(status),
            outcome: format!("refused: {reason}"),
            authenticated: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str) -> HttpRequest {
        HttpRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            minor_version: 1,
            headers: vec![],
            body: vec![],
        }
    }

    fn site(routes: Vec<Route>) -> Site {
        let mut site = Site::new();
        site.apply(HttpOrder {
            replace: false,
            routes,
        });
        site
    }

    fn status(site: &mut Site, method: &str, target: &str, from: Requester) -> u16 {
        site.respond(&request(method, target), from, Duration::ZERO)
            .response
            .status
    }

    const PLAIN: Requester = Requester {
        tls: false,
        certificate: false,
    };

    #[test]
    fn paths_and_methods() {
        let mut site = site(vec![
            Route::new("/a.xml", "text/xml", "<a/>"),
            Route::new("/cfg*", "text/plain", ""),
        ]);
        for (method, target, expected) in [
            ("GET", "/a.xml", 200),
            ("HEAD", "/a.xml?x=1", 200),
            ("PUT", "/cfg001122.xml", 200),
            ("POST", "http://host/cfg", 200),
            ("GET", "/a.xmlx", 404),
            ("DELETE", "/a.xml", 405),
            ("REGISTER", "/a.xml", 501),
        ] {
            assert_eq!(
                status(&mut site, method, target, PLAIN),
                expected,
                "{method} {target}"
            );
        }
    }

    #[test]
    fn newer_routes_go_first_until_they_are_spent() {
        let mut site = site(vec![Route::new("/a", "", "old")]);
        let mut unavailable = Route::new("/a", "", "");
        unavailable.status = 503;
        unavailable.times = Some(2);
        site.apply(HttpOrder {
            replace: false,
            routes: vec![unavailable],
        });
        let seen: Vec<u16> = (0..3).map(|_| status(&mut site, "GET", "/a", PLAIN)).collect();
        assert_eq!(seen, [503, 503, 200]);
        site.apply(HttpOrder {
            replace: false,
            routes: vec![Route::new("/a", "", "new")],
        });
        assert_eq!(site.routes.len(), 1);
        assert_eq!(
            site.respond(&request("GET", "/a"), PLAIN, Duration::ZERO)
                .response
                .body,
            b"new"
        );
        site.apply(HttpOrder {
            replace: true,
            routes: vec![],
        });
        assert_eq!(status(&mut site, "GET", "/a", PLAIN), 404);
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let mut route = Route::new("/a", "", "x");
        let fields = [
            ("ETag", "\"v1\""),
            ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ];
        route.headers = fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let mut site = site(vec![route]);
        for (method, name, value, expected) in [
            ("GET", "If-None-Match", "\"v0\", W/\"v1\"", 304),
            ("GET", "If-None-Match", "*", 304),
            ("GET", "If-None-Match", "\"v0\"", 200),
            ("PUT", "If-None-Match", "\"v1\"", 200),
            ("HEAD", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", 304),
            ("GET", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ] {
            let mut request = request(method, "/a");
            request.headers.push((name.to_owned(), value.to_owned()));
            let reply = site.respond(&request, PLAIN, Duration::ZERO);
            assert_eq!(reply.response.status, expected, "{method} {name}: {value}");
            assert_eq!(reply.treatment.status, Some(expected));
        }
    }

    #[test]
    fn tls_and_client_certificates() {
        let mut route = Route::new("/a", "", "");
        route.tls = true;
        route.client_certificate = true;
        let mut site = site(vec![route]);
        assert_eq!(status(&mut site, "GET", "/a", PLAIN), 404);
        let tls = |certificate| Requester {
            tls: true,
            certificate,
        };
        assert_eq!(status(&mut site, "GET", "/a", tls(false)), 403);
        assert_eq!(status(&mut site, "GET", "/a", tls(true)), 200);
    }
}
