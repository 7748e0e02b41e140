//! Requests of the lab's peers.

use std::collections::BTreeMap;

use voxproof_record::TimelineEvent;
use voxproof_sip::mutate::{self, Mutation};
use voxproof_sip::{Builder, Dialog, Hop, Message, TransactionId, ack_for, cancel_for};

use crate::CallError;
use crate::incoming::METHODS;
use crate::media::PeerMedia;
use crate::offer::OfferSpec;
use crate::peer::{Call, CallState};
use crate::station::{Seen, Station};

/// How a peer calls.
#[derive(Debug, Clone, Default)]
pub struct InviteOptions {
    /// Session offer.
    pub offer: OfferSpec,
    /// Without a session description.
    pub offerless: bool,
    /// Header fields to add.
    pub headers: BTreeMap<String, String>,
    /// Keep the ACK to a 2xx back.
    pub withhold_ack: bool,
    /// Keep the ACK to a failure back.
    pub withhold_failure_ack: bool,
    /// Keep PRACKs back.
    pub withhold_prack: bool,
    /// What proxies recorded on the way, topmost first.
    pub record_route: Vec<String>,
    /// Changes before it is sent.
    pub mutate: Vec<Mutation>,
}

/// How a peer changes its session.
#[derive(Debug, Clone, Default)]
pub struct ReinviteOptions {
    /// The new offer.
    pub offer: OfferSpec,
    /// Without a session description.
    pub offerless: bool,
    /// UPDATE instead of INVITE.
    pub update: bool,
    /// Receive on a new RTP port.
    pub move_rtp: bool,
    /// With new SRTP keys (RFC 4568 7.1.4).
    pub rekey: bool,
    /// Header fields to add.
    pub headers: BTreeMap<String, String>,
    /// Changes before it is sent.
    pub mutate: Vec<Mutation>,
}

/// Any other request.
#[derive(Debug, Clone, Default)]
pub struct RequestOptions {
    /// Method.
    pub method: String,
    /// Inside the actor's call.
    pub in_dialog: bool,
    /// Header fields to add.
    pub headers: BTreeMap<String, String>,
    /// Content type and body.
    pub body: Option<(String, String)>,
    /// To tag of a dialog that does not exist.
    pub to_tag: Option<String>,
    /// Shift of the CSeq number of a request inside the call.
    pub cseq_offset: i64,
    /// Changes before it is sent.
    pub mutate: Vec<Mutation>,
}

/// A request that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested {
    /// Its packet number; 0 when it was not sent at once.
    pub packet: u32,
    pub(crate) transaction: TransactionId,
}

pub(crate) struct Outgoing {
    /// Packet number of the final response.
    pub(crate) answer: Option<u32>,
    pub(crate) call_id: String,
    actor: String,
    invite: bool,
    offerless: bool,
}

impl Station {
    /// A new RTP port; the stream's start is random and the same for the same seed.
    pub(crate) fn open_media(&mut self, actor: &str) -> Result<PeerMedia, CallError> {
        let seed = self.seed();
        Ok(PeerMedia::open(
            &self.net,
            self.config.server.ip(),
            self.tap.clone(),
            actor,
            seed,
        )?)
    }

    pub(crate) fn seed(&mut self) -> u64 {
        let text = self.ids.token(16);
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    pub(crate) fn mutated(&mut self, bytes: Vec<u8>, mutations: &[Mutation]) -> Result<Vec<u8>, CallError> {
        if mutations.is_empty() {
            return Ok(bytes);
        }
        Ok(mutate::apply(&bytes, mutations, &mut self.ids)?)
    }

    pub(crate) fn note_media(&mut self, position: usize) {
        let Some(call) = self.calls.get(position) else {
            return;
        };
        let Some(media) = &call.media else { return };
        let event = TimelineEvent::Media {
            actor: call.actor.clone(),
            local: media.local(),
            remote: None,
            codecs: call.codec_names(),
            telephone_events: call
                .local
                .as_ref()
                .map(|local| local.telephone_events().collect())
                .unwrap_or_default(),
        };
        self.note(event);
    }

    pub(crate) fn established(&self, actor: &str) -> Result<usize, CallError> {
        self.calls
            .iter()
            .rposition(|call| call.actor == actor && call.state == CallState::Established)
            .ok_or_else(|| CallError::no(actor, "established call"))
    }

    /// A call with a dialog, be it an early one.
    fn with_dialog(&self, actor: &str) -> Result<usize, CallError> {
        self.established(actor).or_else(|_| {
            self.calls
                .iter()
                .rposition(|call| {
                    call.actor == actor
                        && matches!(call.state, CallState::Inviting | CallState::Offered)
                        && (call.dialog.is_some() || !call.early.is_empty())
                })
                .ok_or_else(|| CallError::no(actor, "call with a dialog"))
        })
    }

    /// Whether an INVITE of ours in this call waits for its final response.
    pub(crate) fn change_pending(&self, position: usize) -> bool {
        self.calls.get(position).is_some_and(|call| {
            self.outgoing.values().any(|outgoing| {
                outgoing.invite && outgoing.answer.is_none() && outgoing.call_id == call.call_id
            })
        })
    }

    pub(crate) fn launch(&mut self, actor: &str, bytes: Vec<u8>, to: Hop, offerless: bool) -> Requested {
        let now = self.now();
        let message = Message::parse(&bytes);
        let outgoing = Outgoing {
            answer: None,
            call_id: message.call_id().unwrap_or_default().to_owned(),
            actor: actor.to_owned(),
            invite: message.cseq_method() == Some("INVITE") && message.method() != Some("ACK"),
            offerless,
        };
        let transaction = self.transactions.request(now, bytes, to);
        let packet = self.flush();
        self.outgoing.insert(transaction, outgoing);
        Requested { packet, transaction }
    }

    pub(crate) fn fresh_request(
        &mut self,
        actor: &str,
        method: &str,
        uri: &str,
        hop: Hop,
        to_tag: Option<&str>,
    ) -> Builder {
        let server = self.config.server;
        let local = self.wire.local(hop.transport);
        let to = format!("<sip:{}@{server}>", self.config.username);
        Builder::request(method, uri)
            .header(
                "Via",
                format!(
                    "SIP/2.0/{} {local};branch={};rport",
                    hop.transport,
                    self.ids.branch()
                ),
            )
            .header("Max-Forwards", "70")
            .header("From", format!("<{}>;tag={}", self.uri_of(actor), self.ids.tag()))
            .header(
                "To",
                to_tag.map_or_else(|| to.clone(), |tag| format!("{to};tag={tag}")),
            )
            .header("Call-ID", self.ids.call_id(&server.ip().to_string()))
            .header("CSeq", format!("1 {method}"))
            .header("Contact", format!("<{}>", self.contact_of(actor, hop)))
    }

    /// Calls the device.
    pub fn invite(&mut self, actor: &str, options: InviteOptions) -> Result<Requested, CallError> {
        let (uri, hop) = self.device()?;
        let media = self.open_media(actor)?;
        let session_id = self.next_session();
        let mut builder = self
            .fresh_request(actor, "INVITE", &uri, hop, None)
            .header("Allow", METHODS)
            .header("User-Agent", concat!("voxproof/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &options.headers {
            builder = builder.set(name, value);
        }
        for route in &options.record_route {
            builder = builder.header("Record-Route", route);
        }
        if !options.record_route.is_empty() {
            // what a caller behind the proxies would have written: its Via below that of the proxy
            builder = builder.header(
                "Via",
                format!("SIP/2.0/UDP 192.0.2.1:5060;branch={}", self.ids.branch()),
            );
        }
        let security = media.secure(&options.offer, true);
        let ice = media.connect(&options.offer, true);
        let offer = options
            .offer
            .describe(media.local(), session_id, 1, security, ice);
        if !options.offerless {
            builder = builder.body("application/sdp", offer.to_bytes());
        }
        let bytes = self.mutated(builder.build(), &options.mutate)?;
        let invite = Message::parse(&bytes);
        let requested = self.launch(actor, bytes, hop, options.offerless);
        let transaction = requested.transaction;
        let mut call = Call::new(actor, CallState::Inviting, invite, transaction, hop, session_id);
        self.note_call(&call);
        call.record_route = options.record_route;
        call.spec = options.offer;
        call.local = Some(offer);
        call.media = Some(media);
        call.withhold_ack = options.withhold_ack;
        call.withhold_prack = options.withhold_prack;
        self.transactions
            .set_auto_ack(transaction, !options.withhold_failure_ack);
        self.calls.push(call);
        self.note_media(self.calls.len() - 1);
        Ok(requested)
    }

    /// Changes the session of the actor's call.
    pub fn reinvite(&mut self, actor: &str, options: ReinviteOptions) -> Result<Requested, CallError> {
        let position = if options.update {
            self.with_dialog(actor)?
        } else {
            self.established(actor)?
        };
        if options.move_rtp {
            let media = self.open_media(actor)?;
            if let Some(former) = self
                .calls
                .get_mut(position)
                .and_then(|call| call.media.replace(media))
            {
                former.stop_sending();
                if let Some(call) = self.calls.get_mut(position) {
                    call.former_media.push(former);
                }
            }
        }
        if let Some(call) = self.calls.get_mut(position)
            && !(options.update && options.offerless)
        {
            call.session_version += 1;
            call.spec = options.offer;
        }
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "established call"));
        };
        let offer = call.able(options.rekey);
        let destination = call.destination;
        let Some(dialog) = call.dialog_mut() else {
            return Err(CallError::no(actor, "dialog"));
        };
        let method = if options.update { "UPDATE" } else { "INVITE" };
        let mut builder = dialog.request(method, &mut self.ids);
        for (name, value) in &options.headers {
            builder = builder.set(name, value);
        }
        if !options.offerless {
            let offer = offer.ok_or_else(|| CallError::no(actor, "session"))?;
            builder = builder.body("application/sdp", offer.to_bytes());
            call.local = Some(offer);
        }
        let bytes = self.mutated(builder.build(), &options.mutate)?;
        let requested = self.launch(actor, bytes, destination, options.offerless);
        self.note_media(position);
        Ok(requested)
    }

    /// Ends the actor's call.
    pub fn bye(&mut self, actor: &str) -> Result<Requested, CallError> {
        let position = self.established(actor)?;
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "established call"));
        };
        let Some(dialog) = call.dialog.as_mut() else {
            return Err(CallError::no(actor, "dialog"));
        };
        let bytes = dialog.request("BYE", &mut self.ids).build();
        call.state = CallState::Ended;
        if let Some(media) = &call.media {
            media.stop_sending();
        }
        let destination = call.destination;
        Ok(self.launch(actor, bytes, destination, false))
    }

    /// Cancels the actor's unanswered call.
    pub fn cancel(&mut self, actor: &str) -> Result<Requested, CallError> {
        let call = self
            .calls
            .iter()
            .rev()
            .find(|call| call.actor == actor && call.state == CallState::Inviting)
            .ok_or_else(|| CallError::no(actor, "unanswered call of its own"))?;
        let (bytes, destination) = (cancel_for(&call.invite), call.destination);
        Ok(self.launch(actor, bytes, destination, false))
    }

    /// Sends any request.
    pub fn request(&mut self, actor: &str, options: RequestOptions) -> Result<Requested, CallError> {
        let (mut builder, destination) = if options.in_dialog {
            let position = self.with_dialog(actor)?;
            let Some(call) = self.calls.get_mut(position) else {
                return Err(CallError::no(actor, "established call"));
            };
            let destination = call.destination;
            let Some(dialog) = call.dialog_mut() else {
                return Err(CallError::no(actor, "dialog"));
            };
            let mut builder = dialog.request(&options.method, &mut self.ids);
            if options.cseq_offset != 0 {
                let number = (i64::from(dialog.local_cseq) + options.cseq_offset).max(0);
                builder = builder.set("CSeq", format!("{number} {}", options.method));
            }
            (builder, destination)
        } else {
            let (uri, destination) = self.device()?;
            let tag = options.to_tag.as_deref();
            (
                self.fresh_request(actor, &options.method, &uri, destination, tag),
                destination,
            )
        };
        for (name, value) in &options.headers {
            builder = builder.set(name, value);
        }
        if let Some((content_type, body)) = &options.body {
            builder = builder.body(content_type, body.clone());
        }
        let bytes = self.mutated(builder.build(), &options.mutate)?;
        Ok(self.launch(actor, bytes, destination, false))
    }

    /// Sends a message of the lab once more.
    pub fn resend(&mut self, packet: u32) -> Result<u32, CallError> {
        let seen = self.seen(packet).filter(|seen| !seen.from_device);
        let bytes = seen
            .map(|seen| seen.message.bytes().to_vec())
            .ok_or_else(|| CallError::no("the lab", "such message"))?;
        let (_, destination) = self.device()?;
        self.transactions.send(bytes, destination);
        Ok(self.flush())
    }

    /// What a Replaces header names a peer's call by (RFC 3891 3), as the device sees its tags.
    pub fn replaces(&self, actor: &str) -> Result<String, CallError> {
        let position = self.with_dialog(actor)?;
        self.calls
            .get(position)
            .and_then(|call| call.dialog.as_ref().or_else(|| call.early.last()))
            .map(|dialog| {
                format!(
                    "{};to-tag={};from-tag={}",
                    dialog.call_id, dialog.remote_tag, dialog.local_tag
                )
            })
            .ok_or_else(|| CallError::no(actor, "dialog"))
    }

    /// The final response to a request.
    pub fn answer_to(&self, requested: Requested) -> Option<&Seen> {
        self.seen(self.outgoing.get(&requested.transaction)?.answer?)
    }

    /// Sends the ACK that was withheld.
    pub fn acknowledge(&mut self, actor: &str) -> Result<u32, CallError> {
        let position = self
            .calls
            .iter()
            .rposition(|call| call.actor == actor && call.unacknowledged.is_some())
            .ok_or_else(|| CallError::no(actor, "2xx that waits for its ACK"))?;
        let response = self.calls.get_mut(position).and_then(|call| {
            call.withhold_ack = false;
            call.unacknowledged.take()
        });
        if let Some(response) = response {
            let offerless = self.calls.get(position).is_some_and(|call| !call.invite.is_sdp());
            self.acknowledge_2xx(position, &response, offerless);
        }
        Ok(self.flush())
    }

    /// Whether the actor has a running call.
    pub fn is_established(&self, actor: &str) -> bool {
        self.established(actor).is_ok()
    }

    pub(crate) fn on_response(&mut self, id: TransactionId, message: Message, packet: u32) {
        let status = message.status().unwrap_or(0);
        let Some(outgoing) = self.outgoing.get_mut(&id) else {
            return;
        };
        if status >= 200 {
            outgoing.answer.get_or_insert(packet);
        }
        if self.on_control_response(&message) {
            return;
        }
        let Some(outgoing) = self.outgoing.get(&id) else {
            return;
        };
        let update = message.cseq_method() == Some("UPDATE");
        if !outgoing.invite && !update {
            return;
        }
        let (actor, offerless) = (outgoing.actor.clone(), outgoing.offerless);
        let position = self
            .calls
            .iter()
            .rposition(|call| call.actor == actor && message.call_id() == Some(call.call_id.as_str()));
        let Some(position) = position else { return };
        match status {
            ..=100 => {}
            101..200 => self.on_provisional(position, &message, offerless),
            200..300 if update => self.on_updated(position, &message),
            200..300 => self.on_2xx(position, &message, offerless),
            _ => {
                if let Some(call) = self.calls.get_mut(position)
                    && call.state == CallState::Inviting
                    && !update
                {
                    call.state = CallState::Ended;
                }
            }
        }
    }

    /// A provisional response with a tag makes an early dialog (RFC 3261 12.1); a reliable one is confirmed (RFC 3262 4).
    fn on_provisional(&mut self, position: usize, response: &Message, offerless: bool) {
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        let tag = response.to().and_then(|to| to.tag().map(str::to_owned));
        let Some(tag) = tag.filter(|_| call.state == CallState::Inviting) else {
            return;
        };
        if !call.early.iter().any(|dialog| dialog.remote_tag == tag)
            && let Some(mut dialog) = Dialog::from_uac(&call.invite, response)
        {
            if !call.record_route.is_empty() {
                // the proxies take their own routes out before a request reaches the device
                dialog.route_set.clear();
            }
            call.early.push(dialog);
        }
        let Some(rseq) = response.rseq() else {
            if !offerless && let Some(Ok(answer)) = response.sdp() {
                call.agree(&answer);
            }
            return;
        };
        if rseq <= call.rseq && call.early.len() < 2 {
            return;
        }
        call.rseq = rseq;
        let mut body = None;
        if let Some(Ok(description)) = response.sdp() {
            if offerless {
                body = call.answer_offer(&description);
            } else {
                call.agree(&description);
            }
        }
        if call.withhold_prack {
            return;
        }
        let cseq = call.invite.cseq().map_or(1, |cseq| cseq.number);
        let destination = call.destination;
        let dialog = call.early.iter_mut().find(|dialog| dialog.remote_tag == tag);
        let Some(dialog) = dialog else { return };
        let mut builder = dialog
            .request("PRACK", &mut self.ids)
            .header("RAck", format!("{rseq} {cseq} INVITE"));
        if let Some(body) = body {
            builder = builder.body("application/sdp", body);
        }
        let now = self.now();
        self.transactions.request(now, builder.build(), destination);
    }

    fn on_updated(&mut self, position: usize, response: &Message) {
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        if let Some(dialog) = call.dialog_mut() {
            dialog.refresh_target(response);
        }
        if let Some(Ok(answer)) = response.sdp() {
            call.agree(&answer);
        }
    }

    fn on_2xx(&mut self, position: usize, response: &Message, offerless: bool) {
        let number = response.cseq().map_or(0, |cseq| cseq.number);
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        if let Some((acked, bytes)) = &call.ack
            && *acked == number
        {
            // a retransmitted 2xx gets the same ACK again (RFC 3261 13.2.2.4)
            let (bytes, destination) = (bytes.clone(), call.destination);
            self.transactions.send(bytes, destination);
            return;
        }
        if call.state == CallState::Inviting {
            let tag = response.to().and_then(|to| to.tag().map(str::to_owned));
            let early = call
                .early
                .iter()
                .find(|dialog| Some(&dialog.remote_tag) == tag.as_ref());
            let sent = early.map(|dialog| dialog.local_cseq);
            call.dialog = Dialog::from_uac(&call.invite, response);
            if let Some(dialog) = &mut call.dialog {
                // requests that were sent in the early dialog count on
                dialog.local_cseq = sent.unwrap_or(dialog.local_cseq);
                if !call.record_route.is_empty() {
                    dialog.route_set.clear();
                }
            }
            call.state = CallState::Established;
        } else if let Some(dialog) = call.dialog.as_mut() {
            dialog.refresh_target(response);
        }
        if !offerless && let Some(Ok(answer)) = response.sdp() {
            call.agree(&answer);
        }
        if call.withhold_ack {
            call.unacknowledged = Some(response.clone());
        } else {
            self.acknowledge_2xx(position, response, offerless);
        }
    }

    fn acknowledge_2xx(&mut self, position: usize, response: &Message, offerless: bool) {
        let number = response.cseq().map_or(0, |cseq| cseq.number);
        let mut media_changed = false;
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        let Some(dialog) = call.dialog.as_ref() else {
            return;
        };
        let mut builder = dialog.ack(number, &mut self.ids);
        if offerless
            && let Some(Ok(offer)) = response.sdp()
            && let Some(bytes) = call.answer_offer(&offer)
        {
            builder = builder.body("application/sdp", bytes);
            media_changed = true;
        }
        let bytes = builder.build();
        call.ack = Some((number, bytes.clone()));
        let destination = call.destination;
        self.transactions.send(bytes, destination);
        if media_changed {
            self.note_media(position);
        }
    }

    /// An answer that no transaction waits for: to a message that was sent as bytes. The device is led back to rest.
    pub(crate) fn on_stray(&mut self, response: &Message) {
        if self.on_control_response(response) {
            return;
        }
        let Some(status) = response.status().filter(|status| *status >= 200) else {
            return;
        };
        if response.cseq_method() != Some("INVITE") {
            return;
        }
        let known = self
            .raw_invites
            .iter()
            .find(|(invite, _)| invite.call_id() == response.call_id())
            .cloned();
        let Some((invite, hop)) = known else { return };
        if status >= 300 {
            self.transactions.send(ack_for(&invite, response), hop);
            return;
        }
        let Some(mut dialog) = Dialog::from_uac(&invite, response) else {
            return;
        };
        let number = response.cseq().map_or(1, |cseq| cseq.number);
        let ack = dialog.ack(number, &mut self.ids).build();
        let bye = dialog.request("BYE", &mut self.ids).build();
        self.transactions.send(ack, hop);
        let now = self.now();
        self.transactions.request(now, bye, hop);
        // a 2xx that comes again is acknowledged again, but ended only once
        self.raw_invites
            .retain(|(other, _)| other.call_id() != invite.call_id());
    }
}
