//! Requests of the lab's peers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use voxproof_record::{SignalPlayed, TimelineEvent};
use voxproof_sip::{Builder, Dialog, Message, TransactionId, cancel_for};

use crate::CallError;
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
}

/// How a peer changes its session.
#[derive(Debug, Clone, Default)]
pub struct ReinviteOptions {
    /// The new offer.
    pub offer: OfferSpec,
    /// Without a session description.
    pub offerless: bool,
    /// Receive on a new RTP port.
    pub move_rtp: bool,
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
}

/// A request that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested {
    /// Its packet number.
    pub packet: u32,
    pub(crate) transaction: TransactionId,
}

pub(crate) struct Outgoing {
    /// Packet number of the final response.
    pub(crate) answer: Option<u32>,
    actor: String,
    invite: bool,
    offerless: bool,
}

impl Station {
    /// A new RTP port; the stream's start is random and the same for the same seed.
    pub(crate) fn open_media(&mut self) -> Result<PeerMedia, CallError> {
        let seed = self.seed();
        Ok(PeerMedia::open(
            &self.net,
            self.config.server.ip(),
            self.tap.clone(),
            seed,
        )?)
    }

    fn seed(&mut self) -> u64 {
        let text = self.ids.token(16);
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
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
            telephone_event: call.local.as_ref().and_then(|local| local.telephone_event),
        };
        self.note(event);
    }

    pub(crate) fn established(&self, actor: &str) -> Result<usize, CallError> {
        self.calls
            .iter()
            .rposition(|call| call.actor == actor && call.state == CallState::Established)
            .ok_or_else(|| CallError::no(actor, "established call"))
    }

    fn launch(
        &mut self,
        actor: &str,
        bytes: Vec<u8>,
        to: std::net::SocketAddr,
        offerless: bool,
    ) -> Requested {
        let now = self.now();
        let invite = bytes.starts_with(b"INVITE ");
        let transaction = self.transactions.request(now, bytes, to);
        let packet = self.flush();
        self.outgoing.insert(
            transaction,
            Outgoing {
                answer: None,
                actor: actor.to_owned(),
                invite,
                offerless,
            },
        );
        Requested { packet, transaction }
    }

    fn fresh_request(&mut self, actor: &str, method: &str, uri: &str, to_tag: Option<&str>) -> Builder {
        let server = self.config.server;
        let to = format!("<sip:{}@{server}>", self.config.username);
        Builder::request(method, uri)
            .header(
                "Via",
                format!("SIP/2.0/UDP {server};branch={};rport", self.ids.branch()),
            )
            .header("Max-Forwards", "70")
            .header("From", format!("<{}>;tag={}", self.uri_of(actor), self.ids.tag()))
            .header(
                "To",
                to_tag.map_or_else(|| to.clone(), |tag| format!("{to};tag={tag}")),
            )
            .header("Call-ID", self.ids.call_id(&server.ip().to_string()))
            .header("CSeq", format!("1 {method}"))
            .header("Contact", format!("<{}>", self.contact_of(actor)))
    }

    /// Calls the device.
    pub fn invite(&mut self, actor: &str, options: InviteOptions) -> Result<Requested, CallError> {
        let (uri, destination) = self.device()?;
        let media = self.open_media()?;
        let session_id = 1_000_000 + self.calls.len() as u64;
        let offer = options.offer.audio(media.local(), session_id, 1);
        let mut builder = self
            .fresh_request(actor, "INVITE", &uri, None)
            .header(
                "Allow",
                "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE, INFO",
            )
            .header("User-Agent", concat!("voxproof/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &options.headers {
            builder = builder.set(name, value);
        }
        if !options.offerless {
            builder = builder.body("application/sdp", offer.to_bytes());
        }
        let bytes = builder.build();
        let invite = Message::parse(&bytes);
        let call_id = invite.call_id().unwrap_or_default().to_owned();
        self.note(TimelineEvent::Call {
            actor: actor.to_owned(),
            call_id: call_id.clone(),
        });
        let requested = self.launch(actor, bytes, destination, options.offerless);
        self.transactions
            .set_auto_ack(requested.transaction, !options.withhold_failure_ack);
        self.calls.push(Call {
            actor: actor.to_owned(),
            state: CallState::Inviting,
            call_id,
            dialog: None,
            invite,
            invite_transaction: requested.transaction,
            local_tag: String::new(),
            spec: options.offer,
            session_id,
            session_version: 1,
            local: Some(offer),
            media: Some(media),
            former_media: vec![],
            withhold_ack: options.withhold_ack,
            ack: None,
            unacknowledged: None,
            repeat: None,
            acknowledged: None,
            invite_packet: 0,
            destination,
        });
        self.note_media(self.calls.len() - 1);
        Ok(requested)
    }

    /// Changes the session of the actor's call.
    pub fn reinvite(&mut self, actor: &str, options: ReinviteOptions) -> Result<Requested, CallError> {
        let position = self.established(actor)?;
        if options.move_rtp {
            let media = self.open_media()?;
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
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "established call"));
        };
        let (Some(rtp), Some(dialog)) = (call.media.as_ref().map(PeerMedia::local), call.dialog.as_mut())
        else {
            return Err(CallError::no(actor, "session"));
        };
        call.session_version += 1;
        call.spec = options.offer;
        let offer = call.spec.audio(rtp, call.session_id, call.session_version);
        let mut builder = dialog.request("INVITE", &mut self.ids);
        if !options.offerless {
            builder = builder.body("application/sdp", offer.to_bytes());
        }
        call.local = Some(offer);
        let destination = call.destination;
        let bytes = builder.build();
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
            let position = self.established(actor)?;
            let Some(call) = self.calls.get_mut(position) else {
                return Err(CallError::no(actor, "established call"));
            };
            let Some(dialog) = call.dialog.as_mut() else {
                return Err(CallError::no(actor, "dialog"));
            };
            let mut builder = dialog.request(&options.method, &mut self.ids);
            if options.cseq_offset != 0 {
                let number = (i64::from(dialog.local_cseq) + options.cseq_offset).max(0);
                builder = builder.set("CSeq", format!("{number} {}", options.method));
            }
            (builder, call.destination)
        } else {
            let (uri, destination) = self.device()?;
            (
                self.fresh_request(actor, &options.method, &uri, options.to_tag.as_deref()),
                destination,
            )
        };
        for (name, value) in &options.headers {
            builder = builder.set(name, value);
        }
        if let Some((content_type, body)) = &options.body {
            builder = builder.body(content_type, body.clone());
        }
        Ok(self.launch(actor, builder.build(), destination, false))
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

    /// Plays a signal into the actor's call.
    pub fn play(
        &mut self,
        actor: &str,
        signal: &str,
        samples: Arc<[i16]>,
        length: Duration,
    ) -> Result<(), CallError> {
        let position = self.established(actor)?;
        let media = self.calls.get(position).and_then(|call| call.media.as_ref());
        let media = media
            .filter(|media| media.is_sending())
            .ok_or_else(|| CallError::no(actor, "stream that it may send into"))?;
        let count = (length.as_secs_f64() * 8000.0) as usize;
        let rtp_timestamp = media.play(samples, count);
        self.note(TimelineEvent::Signal(SignalPlayed {
            actor: actor.to_owned(),
            signal: signal.to_owned(),
            rtp_timestamp,
            samples: count as u64,
        }));
        Ok(())
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
        if status < 200 {
            return;
        }
        outgoing.answer.get_or_insert(packet);
        if !outgoing.invite {
            return;
        }
        let (actor, offerless) = (outgoing.actor.clone(), outgoing.offerless);
        let position = self
            .calls
            .iter()
            .rposition(|call| call.actor == actor && message.call_id() == Some(call.call_id.as_str()));
        let Some(position) = position else { return };
        if (200..300).contains(&status) {
            self.on_2xx(position, &message, offerless);
        } else if let Some(call) = self.calls.get_mut(position)
            && call.state == CallState::Inviting
        {
            call.state = CallState::Ended;
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
            call.dialog = Dialog::from_uac(&call.invite, response);
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
            && let Some(rtp) = call.media.as_ref().map(PeerMedia::local)
        {
            let able = call.spec.audio(rtp, call.session_id, call.session_version);
            if let Some(bytes) = call.answer_offer(&offer, &able) {
                builder = builder.body("application/sdp", bytes);
                media_changed = true;
            }
        }
        let bytes = builder.build();
        call.ack = Some((number, bytes.clone()));
        let destination = call.destination;
        self.transactions.send(bytes, destination);
        if media_changed {
            self.note_media(position);
        }
    }
}
