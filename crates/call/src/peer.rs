//! The calls of the lab's peers.

use std::net::SocketAddr;

use voxproof_sip::sdp::{Description, SessionOffer};
use voxproof_sip::{Dialog, Hop, Message, TransactionId};

use crate::media::{Agreement, PeerMedia};
use crate::offer::OfferSpec;
use crate::repeat::Repeated;

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallState {
    /// INVITE sent, no final response yet.
    Inviting,
    /// INVITE received, not answered yet.
    Offered,
    /// Answered.
    Established,
    /// Over.
    Ended,
}

/// One call of a peer.
pub(crate) struct Call {
    pub(crate) actor: String,
    pub(crate) state: CallState,
    pub(crate) call_id: String,
    pub(crate) dialog: Option<Dialog>,
    /// The INVITE that began it, ours or the device's.
    pub(crate) invite: Message,
    pub(crate) invite_transaction: TransactionId,
    pub(crate) local_tag: String,
    pub(crate) spec: OfferSpec,
    pub(crate) session_id: u64,
    pub(crate) session_version: u64,
    /// The description the peer sent last.
    pub(crate) local: Option<SessionOffer>,
    pub(crate) media: Option<PeerMedia>,
    /// Earlier RTP ports, kept open so that packets to them are seen.
    pub(crate) former_media: Vec<PeerMedia>,
    pub(crate) withhold_ack: bool,
    /// ACK to the 2xx of the latest INVITE of ours: CSeq number and bytes.
    pub(crate) ack: Option<(u32, Vec<u8>)>,
    /// CSeq number of a 2xx whose ACK is withheld, with the offer in it, if any.
    pub(crate) unacknowledged: Option<Message>,
    pub(crate) repeat: Option<Repeated>,
    /// The branch of a forking proxy that this call answers for.
    pub(crate) branch: Option<String>,
    /// What proxies recorded on the way to us, for our responses.
    pub(crate) record_route: Vec<String>,
    /// Dialogs that provisional responses to our INVITE made, latest last (RFC 3261 12.1).
    pub(crate) early: Vec<Dialog>,
    /// RSeq of the last reliable provisional response, ours or the device's.
    pub(crate) rseq: u32,
    pub(crate) withhold_prack: bool,
    /// Packet number of the device's last PRACK.
    pub(crate) pracked: Option<u32>,
    /// The session description that answered the device's offer, or the offer that went out in its place.
    pub(crate) described: Option<Vec<u8>>,
    /// Packet number of the device's ACK to our answer.
    pub(crate) acknowledged: Option<u32>,
    /// Packet number of the device's INVITE.
    pub(crate) invite_packet: u32,
    pub(crate) destination: Hop,
}

impl Call {
    /// A call that has only its first INVITE.
    pub(crate) fn new(
        actor: &str,
        state: CallState,
        invite: Message,
        invite_transaction: TransactionId,
        destination: Hop,
        session_id: u64,
    ) -> Self {
        Self {
            actor: actor.to_owned(),
            state,
            call_id: invite.call_id().unwrap_or_default().to_owned(),
            dialog: None,
            invite,
            invite_transaction,
            local_tag: String::new(),
            spec: OfferSpec::default(),
            session_id,
            session_version: 1,
            local: None,
            media: None,
            former_media: vec![],
            withhold_ack: false,
            ack: None,
            unacknowledged: None,
            repeat: None,
            branch: None,
            record_route: vec![],
            early: vec![],
            rseq: 0,
            withhold_prack: false,
            pracked: None,
            described: None,
            acknowledged: None,
            invite_packet: 0,
            destination,
        }
    }

    /// The dialog to send requests in: the confirmed one, or the latest early one.
    pub(crate) fn dialog_mut(&mut self) -> Option<&mut Dialog> {
        match &mut self.dialog {
            Some(dialog) => Some(dialog),
            None => self.early.last_mut(),
        }
    }

    /// The codec names of the current description, for the record.
    pub(crate) fn codec_names(&self) -> Vec<(u8, String)> {
        self.local
            .as_ref()
            .map(|local| {
                local
                    .codecs
                    .iter()
                    .map(|codec| (codec.payload_type, codec.encoding.clone()))
                    .collect()
            })
            .unwrap_or_default()
    }

    /// What the call is able to do: its offer, or what it answers with. `renew`: with new keys.
    pub(crate) fn able(&self, renew: bool) -> Option<SessionOffer> {
        let media = self.media.as_ref()?;
        let security = media.secure(&self.spec, renew);
        let ice = media.connect(&self.spec, true);
        Some(self.spec.describe(
            media.local(),
            self.session_id,
            self.session_version,
            security,
            ice,
        ))
    }

    /// Applies what was agreed: `remote` is the device's description.
    pub(crate) fn agree(&self, remote: &Description) {
        if let (Some(media), Some(local)) = (&self.media, &self.local) {
            media.negotiate(local, remote, Agreement::of(local, remote));
        }
    }

    /// Answers an offer of the device with what the peer is able to do, and goes by it from now on; `None` without a
    /// codec or a protection in common (RFC 3264 6).
    pub(crate) fn answer_offer(&mut self, offer: &Description) -> Option<Vec<u8>> {
        let media = self.media.as_ref()?;
        let security = media.secure_like(offer, &self.spec)?;
        let ice = media.connect(&self.spec, false);
        let mut able = self.spec.describe(
            media.local(),
            self.session_id,
            self.session_version,
            security,
            ice,
        );
        if let (None, Some(audio)) = (&self.spec.protocol, offer.audio()) {
            // the transport of an answer is the offered one, feedback profiles included (RFC 3264 6)
            able.protocol.clone_from(&audio.protocol);
        }
        let (local, _) = able.answer(offer).ok()?;
        let bytes = able.answer_bytes(offer).ok()?;
        self.local = Some(local);
        self.agree(offer);
        Some(bytes)
    }

    /// All RTP addresses of the call.
    pub(crate) fn rtp_addresses(&self) -> Vec<SocketAddr> {
        self.media
            .iter()
            .chain(&self.former_media)
            .map(PeerMedia::local)
            .collect()
    }

    /// What happened on the call's streams since the last time.
    pub(crate) fn take_notes(&self) -> Vec<(std::time::Duration, voxproof_record::TimelineEvent)> {
        self.media
            .iter()
            .chain(&self.former_media)
            .flat_map(PeerMedia::take_notes)
            .collect()
    }
}
