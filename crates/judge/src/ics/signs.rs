//! Signs in single messages: header fields, session descriptions, credentials.

use voxproof_sip::sdp::Description;
use voxproof_sip::{Challenge, Credentials, Message};
use voxproof_spec::{HeaderSign, Observed};

use super::tally::Tally;
use crate::messages::SipRecord;
use crate::view::View;

/// What was said in the case, copies left out.
pub(super) struct Said<'v> {
    /// Messages of the device.
    pub(super) own: Vec<Line<'v>>,
    /// Messages of the lab.
    pub(super) lab: Vec<&'v SipRecord>,
}

/// A message of the device, read once.
pub(super) struct Line<'v> {
    pub(super) record: &'v SipRecord,
    /// Option tags of Supported and Require.
    tags: Vec<String>,
    /// Methods of Allow, where there is one.
    methods: Option<Vec<String>>,
    pub(super) description: Option<Description>,
}

impl<'v> Line<'v> {
    fn new(record: &'v SipRecord) -> Self {
        let message = &record.message;
        let mut tags = message.tokens("supported");
        tags.extend(message.tokens("require"));
        Self {
            record,
            tags,
            methods: message.header("allow").map(|_| message.tokens("allow")),
            description: message.sdp().and_then(Result::ok),
        }
    }

    pub(super) fn message(&self) -> &'v Message {
        &self.record.message
    }

    /// A request of this method.
    pub(super) fn is(&self, method: &str) -> bool {
        self.message().method() == Some(method)
    }

    /// Supported belongs into it (RFC 3261 20, table 3).
    fn lists_extensions(&self) -> bool {
        let message = self.message();
        match (message.method(), message.status()) {
            (Some(method), _) => matches!(method, "INVITE" | "OPTIONS" | "REGISTER" | "UPDATE"),
            (None, Some(200..=299)) => matches!(message.cseq_method(), Some("INVITE" | "OPTIONS")),
            _ => false,
        }
    }

    fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known.eq_ignore_ascii_case(tag))
    }
}

impl<'v> Said<'v> {
    pub(super) fn new(view: &'v View<'_>) -> Self {
        let once = || view.messages.iter().filter(|record| record.copies_before == 0);
        Self {
            own: once()
                .filter(|record| record.from_device)
                .map(Line::new)
                .collect(),
            lab: once().filter(|record| !record.from_device).collect(),
        }
    }

    /// Requests of the device, by method.
    pub(super) fn requests(&self, method: &str) -> impl Iterator<Item = &Line<'v>> {
        self.own.iter().filter(move |line| line.is(method))
    }

    pub(super) fn look(&self, observed: &Observed, tally: &mut Tally) {
        if let Some(tag) = &observed.supported {
            for line in self
                .own
                .iter()
                .filter(|line| line.lists_extensions() || line.has_tag(tag))
            {
                tally.message(line.record, line.has_tag(tag), || format!("option tag {tag}"));
            }
        }
        if let Some(method) = &observed.allow {
            for line in &self.own {
                // a message without Allow says nothing of the methods (RFC 3261 20.5)
                let Some(methods) = &line.methods else { continue };
                let shows = methods.iter().any(|known| known.eq_ignore_ascii_case(method));
                tally.message(line.record, shows, || format!("{method} in Allow"));
            }
        }
        if let Some(method) = &observed.accepts {
            self.accepts(method, tally);
        }
        if let Some(method) = &observed.sends {
            let before = tally.seen();
            for line in self.requests(method) {
                tally.saw(Some(line.record.packet), || format!("a {method} of its own"));
            }
            tally.case(before);
        }
        if let Some(package) = &observed.event {
            self.event(package, tally);
        }
        if let Some(sign) = &observed.header {
            self.header(sign, tally);
        }
        if let Some(name) = &observed.contact {
            for line in self.requests("REGISTER") {
                let contacts = line.message().contacts();
                let shows = contacts.iter().any(|contact| contact.params.has(name));
                tally.message(line.record, shows, || format!("Contact with {name}"));
            }
        }
        if let Some(name) = &observed.via {
            for line in self.own.iter().filter(|line| line.message().is_request()) {
                let shows = line.message().top_via().is_some_and(|via| via.params.has(name));
                tally.message(line.record, shows, || format!("Via with {name}"));
            }
        }
        if !observed.registers_by.is_empty() {
            for line in self.requests("REGISTER") {
                let carrier = line.record.carrier.as_str();
                let wanted = observed
                    .registers_by
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(carrier));
                tally.message(line.record, wanted, || carrier.to_ascii_uppercase());
            }
        }
        self.credentials(observed, tally);
        self.descriptions(observed, tally);
    }

    /// Requests of the lab that the device answers with 2xx.
    fn accepts(&self, method: &str, tally: &mut Tally) {
        for line in &self.own {
            let message = line.message();
            if message.cseq_method() == Some(method)
                && let Some(status @ 200..) = message.status()
            {
                tally.message(line.record, status < 300, || format!("{method} accepted"));
            }
        }
    }

    fn event(&self, package: &str, tally: &mut Tally) {
        let before = tally.seen();
        for line in self.requests("SUBSCRIBE").chain(self.requests("PUBLISH")) {
            let event = line.message().header("event").unwrap_or_default();
            let named = event.split(';').next().unwrap_or_default().trim();
            if named.eq_ignore_ascii_case(package) {
                tally.message(line.record, true, || format!("Event: {package}"));
            }
        }
        tally.case(before);
    }

    fn header(&self, sign: &HeaderSign, tally: &mut Tally) {
        let name = &sign.name;
        for line in &self.own {
            let message = line.message();
            if sign.of.as_ref().is_none_or(|method| line.is(method)) {
                tally.message(line.record, message.header(name).is_some(), || name.clone());
            }
        }
    }

    /// What the device answered challenges with. A challenge that names the algorithm or quality is the occasion.
    fn credentials(&self, observed: &Observed, tally: &mut Tally) {
        let (digest, qop) = (&observed.digest, &observed.qop);
        if digest.is_none() && qop.is_none() {
            return;
        }
        let is = |wanted: &Option<String>, found: &str| {
            wanted
                .as_ref()
                .is_some_and(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        for record in &self.lab {
            let asked = Challenge::all(&record.message).iter().any(|received| {
                let challenge = &received.challenge;
                is(digest, challenge.algorithm.as_str()) || challenge.qop.iter().any(|one| is(qop, one))
            });
            if asked {
                tally.missed();
            }
        }
        for line in &self.own {
            for (_, credentials) in Credentials::all(line.message()) {
                let algorithm = credentials.algorithm.as_str();
                if is(digest, algorithm) {
                    tally.message(line.record, true, || format!("credentials with {algorithm}"));
                }
                if let Some(quality) = credentials.qop.as_deref().filter(|quality| is(qop, quality)) {
                    tally.message(line.record, true, || format!("credentials with qop {quality}"));
                }
            }
        }
    }

    /// What stands in its session descriptions. A description in a request is an offer, in which everything may stand; an answer can
    /// only repeat what was offered, so that it is no occasion when it lacks something.
    fn descriptions(&self, observed: &Observed, tally: &mut Tally) {
        for line in &self.own {
            let Some((description, audio)) = line
                .description
                .as_ref()
                .and_then(|description| Some((description, description.audio()?)))
            else {
                continue;
            };
            let offer = line.message().is_request();
            let mut sign = |shows: bool, what: &dyn Fn() -> String| {
                if shows || offer {
                    tally.message(line.record, shows, what);
                }
            };
            if let Some(encoding) = &observed.offers {
                let shows = audio
                    .codecs()
                    .any(|codec| codec.encoding.eq_ignore_ascii_case(encoding));
                sign(shows, &|| format!("{encoding} in the SDP"));
            }
            if let Some(name) = &observed.attribute {
                let shows = audio.has(name) || description.has(name);
                sign(shows, &|| format!("a={name}"));
            }
            if let Some(suite) = &observed.crypto {
                let shows = audio
                    .crypto()
                    .iter()
                    .any(|line| line.split_ascii_whitespace().nth(1) == Some(suite));
                sign(shows, &|| format!("a=crypto with {suite}"));
            }
        }
    }
}
