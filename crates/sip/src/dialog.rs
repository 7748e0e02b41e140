//! Dialogs (RFC 3261 12).

use crate::build::Builder;
use crate::ids::IdSource;
use crate::message::Message;
use crate::uri::Uri;
use crate::view::{CombinedView, HeaderView};

/// The state both ends of a dialog keep (RFC 3261 12.1), plus what is needed to write requests in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag; empty for a peer that sent none (RFC 3261 12.1.1, 12.1.2).
    pub remote_tag: String,
    /// Our address without display name.
    pub local_uri: String,
    /// The peer's address without display name.
    pub remote_uri: String,
    /// Where requests are addressed: the peer's Contact.
    pub remote_target: String,
    /// Route values in the order they are to be written.
    pub route_set: Vec<String>,
    /// CSeq number of our last request; 0 before the first.
    pub local_cseq: u32,
    /// CSeq number of the peer's last request.
    pub remote_cseq: Option<u32>,
    /// Our Contact, a URI or a whole name-addr.
    pub local_contact: String,
    /// Sent-by of our Via (`127.0.0.1:5060`).
    pub local_via: String,
    /// Transport of our Via (`UDP`).
    pub transport: String,
    /// The request that made it had a `sips` Request-URI: every hop and every Contact has to be secure (RFC 3261 12.1).
    pub secure: bool,
}

/// A request in a dialog has a lower CSeq number than one before; it is to be answered with 500 (RFC 3261 12.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cseq {found} is lower than {last} of an earlier request in the dialog")]
pub struct CseqTooLow {
    /// The highest number seen before.
    pub last: u32,
    /// The number that came.
    pub found: u32,
}

impl Dialog {
    /// The dialog a response makes for the one who sent the request (RFC 3261 12.1.2). `None` when Call-ID, From, To
    /// or CSeq cannot be read. Without Contact the Request-URI stays the target.
    pub fn from_uac(request: &Message, response: &Message) -> Option<Self> {
        let (from, to) = (request.from()?, response.to()?);
        let via = request.top_via()?;
        let mut route_set = response.header_values("record-route");
        route_set.reverse();
        Some(Self {
            call_id: request.call_id()?.to_owned(),
            local_tag: from.tag().unwrap_or_default().to_owned(),
            remote_tag: to.tag().unwrap_or_default().to_owned(),
            local_uri: from.uri.to_string(),
            remote_uri: to.uri.to_string(),
            remote_target: contact_uri(response).or_else(|| request.request_uri().map(str::to_owned))?,
            route_set,
            local_cseq: request.cseq()?.number,
            remote_cseq: None,
            local_contact: request
                .header_values("contact")
                .into_iter()
                .next()
                .unwrap_or_default(),
            local_via: via.sent_by(),
            transport: via.transport,
            secure: is_sips(request),
        })
    }

    /// The dialog a request makes for the one who answers it with `local_tag` (RFC 3261 12.1.1). `None` when Call-ID,
    /// From, To or CSeq cannot be read. Without Contact the From URI stays the target.
    pub fn from_uas(
        request: &Message,
        local_tag: &str,
        local_contact: &str,
        local_via: &str,
    ) -> Option<Self> {
        let (from, to) = (request.from()?, request.to()?);
        Some(Self {
            call_id: request.call_id()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: from.tag().unwrap_or_default().to_owned(),
            local_uri: to.uri.to_string(),
            remote_uri: from.uri.to_string(),
            remote_target: contact_uri(request).unwrap_or_else(|| from.uri.to_string()),
            route_set: request.header_values("record-route"),
            local_cseq: 0,
            remote_cseq: Some(request.cseq()?.number),
            local_contact: local_contact.to_owned(),
            local_via: local_via.to_owned(),
            transport: request
                .top_via()
                .map_or_else(|| "UDP".to_owned(), |via| via.transport),
            secure: is_sips(request),
        })
    }

    /// Whether a request of the peer belongs to this dialog: Call-ID and both tags (RFC 3261 12.2.2).
    pub fn matches(&self, request: &Message) -> bool {
        let tag = |address: Option<crate::NameAddr>| {
            address
                .and_then(|address| address.tag().map(str::to_owned))
                .unwrap_or_default()
        };
        request.is_request()
            && request.call_id() == Some(self.call_id.as_str())
            && tag(request.to()) == self.local_tag
            && tag(request.from()) == self.remote_tag
    }

    /// A request in the dialog (RFC 3261 12.2.1.1) with Via, Route, Max-Forwards, From, To, Call-ID and CSeq, and with
    /// Contact where the method allows one. The CSeq number goes up by one, except for ACK.
    pub fn request(&mut self, method: &str, ids: &mut IdSource) -> Builder {
        if method != "ACK" {
            self.local_cseq += 1;
        }
        let builder = self.build(method, self.local_cseq, ids);
        // RFC 3261 Table 2, RFC 3262, 3428, 6086: no Contact in these
        if matches!(method, "ACK" | "BYE" | "CANCEL" | "PRACK" | "MESSAGE" | "INFO")
            || self.local_contact.is_empty()
        {
            return builder;
        }
        if self.local_contact.contains('<') {
            builder.header("Contact", &self.local_contact)
        } else {
            builder.header("Contact", format!("<{}>", self.local_contact))
        }
    }

    /// The ACK to a 2xx of the INVITE with this CSeq number: a request of its own with a new branch (RFC 3261 13.2.2.4).
    pub fn ack(&self, invite_cseq: u32, ids: &mut IdSource) -> Builder {
        self.build("ACK", invite_cseq, ids)
    }

    /// Takes a request of the peer: checks and keeps its CSeq number and, for a target refresh, its Contact
    /// (RFC 3261 12.2.2, RFC 3311 5.1, RFC 6665 4.4.1). ACK and CANCEL carry the number of their INVITE.
    ///
    /// # Errors
    /// When the number is lower than an earlier one.
    pub fn accept(&mut self, request: &Message) -> Result<(), CseqTooLow> {
        if let Some(cseq) = request.cseq()
            && !matches!(request.method(), Some("ACK" | "CANCEL"))
        {
            match self.remote_cseq {
                Some(last) if cseq.number < last => {
                    return Err(CseqTooLow {
                        last,
                        found: cseq.number,
                    });
                }
                _ => self.remote_cseq = Some(cseq.number),
            }
        }
        self.refresh_target(request);
        Ok(())
    }

    /// Takes the Contact of a target refresh request, or of a 2xx to one of ours, as the new target (RFC 3261
    /// 12.2.1.2, 12.2.2). Other messages change nothing.
    pub fn refresh_target(&mut self, message: &Message) {
        let method = message.method().or_else(|| message.cseq_method());
        let refreshing = matches!(
            method,
            Some("INVITE" | "UPDATE" | "SUBSCRIBE" | "NOTIFY" | "REFER")
        );
        let success = message.status().is_none_or(|status| (200..300).contains(&status));
        if refreshing
            && success
            && let Some(target) = contact_uri(message)
        {
            self.remote_target = target;
        }
    }

    /// The URI to resolve for the next request: the first route, else the target (RFC 3261 8.1.2).
    pub fn next_hop(&self) -> String {
        self.route_set
            .first()
            .and_then(|route| route_uri(route))
            .map_or_else(|| self.remote_target.clone(), |uri| uri.to_string())
    }

    /// Whether a secure dialog is broken by this message: a Contact or Record-Route that is not `sips`
    /// (RFC 3261 8.1.1.8, 12.1.1, 16.6). Always in order for a dialog that is not secure.
    pub fn keeps_security(&self, message: &Message) -> bool {
        let secure = |address: &crate::NameAddr| address.uri.scheme == "sips";
        !self.secure || (message.contacts().iter().all(secure) && message.record_routes().iter().all(secure))
    }

    fn build(&self, method: &str, cseq: u32, ids: &mut IdSource) -> Builder {
        let (uri, routes) = routed(&self.remote_target, &self.route_set);
        let mut builder = Builder::request(method, &uri).header(
            "Via",
            format!(
                "SIP/2.0/{} {};branch={};rport",
                self.transport,
                self.local_via,
                ids.branch()
            ),
        );
        for route in &routes {
            builder = builder.header("Route", route);
        }
        builder
            .header("Max-Forwards", "70")
            .header("From", tagged(&self.local_uri, &self.local_tag))
            .header("To", tagged(&self.remote_uri, &self.remote_tag))
            .header("Call-ID", &self.call_id)
            .header("CSeq", format!("{cseq} {method}"))
    }
}

/// Request-URI and Route values of a request to `target` over a route set, in a dialog or preloaded from Service-Route
/// (RFC 3261 12.2.1.1, RFC 3608 6.1). A first route without `lr` is a strict router: it becomes the Request-URI and the
/// target the last route.
pub fn routed(target: &str, route_set: &[String]) -> (String, Vec<String>) {
    match route_set.first().and_then(|route| route_uri(route)) {
        Some(strict) if !strict.params.has("lr") => {
            let mut routes = route_set.get(1..).unwrap_or_default().to_vec();
            routes.push(format!("<{target}>"));
            (strict.to_request_uri(), routes)
        }
        _ => (request_uri(target), route_set.to_vec()),
    }
}

/// Where a request that came through a strict router is really meant to go: such a router puts our own Record-Route URI
/// into the Request-URI and the target into the last Route (RFC 3261 16.4). `own` knows the URIs we record-route with.
/// Gives the target and the Route values that are left; `None` when the Request-URI is not ours or there is no Route.
pub fn strict_target(request: &Message, own: impl Fn(&Uri) -> bool) -> Option<(Uri, Vec<String>)> {
    let uri = Uri::parse(request.request_uri()?).ok()?;
    let mut routes = request.header_values("route");
    if !own(&uri) {
        return None;
    }
    let target = route_uri(&routes.pop()?)?;
    Some((target, routes))
}

fn is_sips(request: &Message) -> bool {
    request.request_uri().is_some_and(|uri| {
        uri.get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
    })
}

fn tagged(uri: &str, tag: &str) -> String {
    if tag.is_empty() {
        format!("<{uri}>")
    } else {
        format!("<{uri}>;tag={tag}")
    }
}

fn contact_uri(message: &Message) -> Option<String> {
    message
        .contacts()
        .into_iter()
        .next()
        .map(|contact| contact.uri.to_string())
}

fn route_uri(route: &str) -> Option<Uri> {
    CombinedView.name_addr(route).ok().map(|route| route.uri)
}

fn request_uri(target: &str) -> String {
    Uri::parse(target).map_or_else(|_| target.to_owned(), |uri| uri.to_request_uri())
}
