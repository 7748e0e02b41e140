//! Orders to the device by SIP: requests of the lab's server that are how something is brought about, and no part of what
//! is judged. They are in the capture and noted by their Call-ID.

use voxproof_record::TimelineEvent;
use voxproof_sip::{
    Algorithm, Builder, Challenge, Credentials, Dialog, Hop, IdSource, Message, ReceivedChallenge,
    TransactionId, cancel_for,
};

use crate::CallError;
use crate::outgoing::Requested;
use crate::station::{Seen, Station};

/// So many orders are remembered, for what the device still says about them.
const MOST: usize = 32;
/// What the lab can answer a challenge with.
const ABLE: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

/// A request that has the device do something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlRequest {
    /// Method.
    pub method: String,
    /// Header fields to add.
    pub headers: Vec<(String, String)>,
    /// Content type and body.
    pub body: Option<(String, String)>,
    /// Call-ID of the order whose dialog it is sent in, or whose INVITE a CANCEL is for; none for an order of its own.
    pub session: Option<String>,
}

/// An order and the dialog that it has made.
#[derive(Debug)]
pub(crate) struct Control {
    call_id: String,
    order: String,
    to: Hop,
    /// The timeline of the running case names it.
    noted: bool,
    invite: Option<Message>,
    dialog: Option<Dialog>,
    ack: Option<Vec<u8>>,
}

impl Station {
    /// Sends an order, or a request in the session of one.
    ///
    /// # Errors
    /// [`CallError::DeviceUnknown`] when it was never seen, [`CallError::Precondition`] when there is no such session.
    pub fn control(&mut self, request: &ControlRequest) -> Result<Requested, CallError> {
        if let Some(call_id) = &request.session {
            return self.control_in_session(call_id, request);
        }
        let target = self.device().ok().or_else(|| self.last_target.clone());
        let (uri, to) = target.ok_or(CallError::DeviceUnknown)?;
        let builder = self.fresh_request("server", &request.method, &uri, to, None);
        let bytes = finish(builder, request).build();
        let message = Message::parse(&bytes);
        let control = Control {
            call_id: message.call_id().unwrap_or_default().to_owned(),
            order: request.method.clone(),
            to,
            noted: false,
            invite: (request.method == "INVITE").then_some(message),
            dialog: None,
            ack: None,
        };
        if self.controls.len() >= MOST {
            self.controls.pop_front();
        }
        self.controls.push_back(control);
        self.note_control(self.controls.len() - 1);
        Ok(self.launch("server", bytes, to, false))
    }

    fn control_in_session(
        &mut self,
        call_id: &str,
        request: &ControlRequest,
    ) -> Result<Requested, CallError> {
        let none = || CallError::no("the lab's server", "session with the device for orders");
        let control = self
            .controls
            .iter_mut()
            .find(|control| control.call_id == call_id);
        let control = control.ok_or_else(none)?;
        let to = control.to;
        let bytes = if request.method == "CANCEL" {
            cancel_for(control.invite.as_ref().ok_or_else(none)?)
        } else {
            let dialog = control.dialog.as_mut().ok_or_else(none)?;
            finish(dialog.request(&request.method, &mut self.ids), request).build()
        };
        Ok(self.launch("server", bytes, to, false))
    }

    /// Sends an order once more with the credentials of the device's account, where it was answered by a challenge that can
    /// be answered (RFC 3261 22.2).
    pub fn control_with_credentials(&mut self, requested: Requested) -> Option<Requested> {
        let refusal = self.answer_to(requested)?.message.clone();
        let request = self.seen(requested.packet)?.message.clone();
        let call_id = request.call_id()?.to_owned();
        let account = (self.config.username.clone(), self.config.password.clone());
        let bytes = answered(&request, &refusal, &account, &mut self.ids)?;
        let control = self
            .controls
            .iter_mut()
            .find(|control| control.call_id == call_id)?;
        if request.method() == Some("INVITE") {
            control.invite = Some(Message::parse(&bytes));
        }
        let to = control.to;
        Some(self.launch("server", bytes, to, false))
    }

    /// The Call-ID of an order.
    pub fn control_session(&self, requested: Requested) -> Option<&str> {
        let outgoing = self.outgoing.get(&requested.transaction)?;
        Some(outgoing.call_id.as_str())
    }

    /// What the device has notified about an order, oldest first.
    pub fn control_notifications(&self, call_id: &str) -> impl Iterator<Item = &Seen> {
        self.log.iter().filter(move |seen| {
            seen.from_device
                && seen.message.method() == Some("NOTIFY")
                && seen.message.call_id() == Some(call_id)
        })
    }

    /// Whether a message belongs to an order.
    pub fn is_control(&self, message: &Message) -> bool {
        self.control_of(message).is_some()
    }

    fn control_of(&self, message: &Message) -> Option<usize> {
        let call_id = message.call_id()?;
        self.controls
            .iter()
            .position(|control| control.call_id == call_id)
    }

    /// Names an order in the timeline of the running case, once.
    fn note_control(&mut self, position: usize) {
        let Some(control) = self.controls.get_mut(position) else {
            return;
        };
        if std::mem::replace(&mut control.noted, true) {
            return;
        }
        let event = TimelineEvent::Control {
            order: control.order.clone(),
            call_id: control.call_id.clone(),
        };
        self.note(event);
    }

    /// A case begins: what is still said about orders of the one before has to be named again.
    pub(crate) fn forget_notes_of_control(&mut self) {
        for control in &mut self.controls {
            control.noted = false;
        }
    }

    /// Takes what the device sends in the dialog of an order: how it goes on (RFC 3515 2.4.4), events, its end. Whether it
    /// was one.
    pub(crate) fn on_control_request(&mut self, id: TransactionId, message: &Message) -> bool {
        let Some(position) = self.control_of(message) else {
            return false;
        };
        self.note_control(position);
        if message.method() == Some("BYE")
            && let Some(control) = self.controls.get_mut(position)
        {
            control.dialog = None;
        }
        let now = self.now();
        let bytes = Builder::response_to(message, 200, "OK").build();
        self.transactions.respond(now, id, bytes);
        true
    }

    /// Takes the answer to an INVITE that opens a session for orders. Whether it was one.
    pub(crate) fn on_control_response(&mut self, response: &Message) -> bool {
        let Some(position) = self.control_of(response) else {
            return false;
        };
        self.note_control(position);
        let Some(control) = self.controls.get_mut(position) else {
            return false;
        };
        let success = response
            .status()
            .is_some_and(|status| (200..300).contains(&status));
        if response.cseq_method() != Some("INVITE") || !success {
            return true;
        }
        let to = control.to;
        let ack = match (&control.ack, &control.invite) {
            (Some(ack), _) => Some(ack.clone()),
            (None, Some(invite)) => Dialog::from_uac(invite, response).map(|dialog| {
                let number = invite.cseq().map_or(1, |cseq| cseq.number);
                let ack = dialog.ack(number, &mut self.ids).build();
                control.dialog = Some(dialog);
                control.ack = Some(ack.clone());
                ack
            }),
            (None, None) => None,
        };
        if let Some(ack) = ack {
            self.transactions.send(ack, to);
        }
        true
    }
}

fn finish(mut builder: Builder, request: &ControlRequest) -> Builder {
    for (name, value) in &request.headers {
        builder = builder.set(name, value);
    }
    match &request.body {
        Some((content_type, body)) => builder.body(content_type, body.clone()),
        None => builder,
    }
}

/// The request with a new branch, the next CSeq number and credentials; nothing when it has them already or no challenge
/// can be answered.
fn answered(
    request: &Message,
    refusal: &Message,
    (username, password): &(String, String),
    ids: &mut IdSource,
) -> Option<Vec<u8>> {
    let has = |name: &str| request.headers(name).next().is_some();
    if !matches!(refusal.status(), Some(401 | 407)) || has("authorization") || has("proxy-authorization") {
        return None;
    }
    let (method, uri) = (request.method()?, request.request_uri()?);
    let challenges = ReceivedChallenge::to_answer(&Challenge::all(refusal), &ABLE);
    let mut builder = Builder::request(method, uri);
    for line in request.header_lines() {
        builder = match line.name.as_str() {
            "via" => {
                let mut via = request.top_via()?;
                via.params.set("branch", Some(&ids.branch()));
                builder.header("Via", via.to_string())
            }
            "cseq" => builder.header("CSeq", format!("{} {method}", request.cseq()?.number + 1)),
            "content-length" | "content-type" => builder,
            _ => builder.header(&line.raw_name, &line.value),
        };
    }
    if challenges.is_empty() {
        return None;
    }
    for received in challenges {
        let cnonce = ids.token(16);
        let body = request.body();
        let credentials = Credentials::answer(
            &received.challenge,
            username,
            password,
            method,
            uri,
            1,
            &cnonce,
            body,
        );
        builder = builder.header(received.answered_in, credentials.ok()?.to_header());
    }
    Some(match request.content_type() {
        Some(content_type) if !request.body().is_empty() => {
            builder.body(content_type, request.body()).build()
        }
        _ => builder.build(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> (String, String) {
        ("dut".to_owned(), "secret".to_owned())
    }

    #[test]
    fn a_challenge_is_answered_once() {
        let request = Message::parse(
            b"NOTIFY sip:dut@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport\r\n\
              From: <sip:server@192.0.2.1>;tag=a\r\nTo: <sip:dut@192.0.2.1>\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\n\
              Event: check-sync\r\nContent-Length: 0\r\n\r\n",
        );
        let refusal = Message::parse(
            b"SIP/2.0 401 Unauthorized\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\n\
              WWW-Authenticate: Digest realm=\"phone\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n\r\n",
        );
        let mut ids = IdSource::new(1);
        let again = Message::parse(&answered(&request, &refusal, &account(), &mut ids).unwrap());
        assert_eq!(again.cseq().unwrap().number, 2);
        assert_eq!(again.header("event"), Some("check-sync"));
        assert_ne!(
            again.top_via().unwrap().branch(),
            request.top_via().unwrap().branch()
        );
        let credentials = Credentials::parse(again.header("authorization").unwrap()).unwrap();
        assert!(credentials.verify("secret", "NOTIFY", b""));
        assert_eq!(answered(&again, &refusal, &account(), &mut ids), None);
        let other = Message::parse(b"SIP/2.0 403 Forbidden\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\n\r\n");
        assert_eq!(answered(&request, &other, &account(), &mut ids), None);
        let strange =
            Message::parse(b"SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n");
        assert_eq!(answered(&request, &strange, &account(), &mut ids), None);
    }
}
