//! The calls of the lab's peers.

use std::net::SocketAddr;

use voxproof_sip::sdp::{self, AudioOffer, Description, Direction};
use voxproof_sip::{Dialog, Hop, Message, TransactionId};

use crate::media::PeerMedia;
use crate::offer::{OfferSpec, audio_target, sendable_codec};
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
    pub(crate) local: Option<AudioOffer>,
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

    /// Applies what was agreed: `local` is the peer's own description, `remote` the device's.
    pub(crate) fn agree(&self, remote: &Description) {
        let Some(media) = &self.media else { return };
        let Some(local) = &self.local else { return };
        let may_send = matches!(local.direction, Direction::SendRecv | Direction::SendOnly);
        let wanted = remote
            .audio()
            .is_some_and(|audio| matches!(audio.direction, Direction::SendRecv | Direction::RecvOnly));
        let held_the_old_way = local.address.is_unspecified();
        media.negotiate(
            audio_target(remote),
            sendable_codec(remote),
            may_send && wanted && !held_the_old_way,
        );
    }

    /// Answers an offer of the device with what the peer is able to do, and goes by it from now on; `None` without a
    /// codec in common (RFC 3264 6).
    pub(crate) fn answer_offer(&mut self, offer: &Description, able: &AudioOffer) -> Option<Vec<u8>> {
        let bytes = sdp::answer_bytes(offer, able).ok()?;
        self.local = Some(sdp::answer(offer, able).ok()?);
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
}
