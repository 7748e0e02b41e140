//! What the phone knows about one call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use voxproof_net::MediaPort;
use voxproof_sip::sdp::Description;
use voxproof_sip::{Dialog, Hop, Message, RackTracker, ReliableProvisionals, SessionTimer, TransactionId};

use crate::media::{CallMedia, lock};
use crate::session::Session;

/// Names a call of the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallKey(pub(crate) u64);

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A received call that waits for its user.
    Ringing,
    /// A placed call without a final response.
    Dialing,
    /// A placed call the user has given up, until its final response.
    Cancelling,
    Established,
    /// Kept only for its referral.
    Ended,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) key: CallKey,
    pub(crate) stage: Stage,
    /// `None` for a placed call before its first dialog.
    pub(crate) dialog: Option<Dialog>,
    /// `None` for a received call before it is answered.
    pub(crate) session: Option<Session>,
    pub(crate) media: Option<OpenMedia>,
    pub(crate) received: Option<Received>,
    pub(crate) placed: Option<Placed>,
    /// Our 200 to an INVITE that has no ACK yet.
    pub(crate) unacknowledged: Option<Unacknowledged>,
    /// The ACK to the last 2xx, to be sent again with each retransmission of it (RFC 3261 13.2.2.4).
    pub(crate) acknowledgement: Option<Acknowledgement>,
    /// The agreed session timer (RFC 4028).
    pub(crate) timer: Option<SessionTimer>,
    /// When a refresh that met the peer's own is tried again.
    pub(crate) refresh_at: Option<Duration>,
    /// The peer has said that it takes UPDATE.
    pub(crate) peer_updates: bool,
    /// Our own re-INVITE.
    pub(crate) change: Option<Change>,
    /// Our user has put the peer on hold.
    pub(crate) held: bool,
    /// The peer's REFER that we are carrying out.
    pub(crate) referral: Option<Referral>,
    /// REFERs accepted in this dialog.
    pub(crate) referrals: u32,
    /// Our REFER that the peer is carrying out.
    pub(crate) transferring: bool,
}

/// RTP port and media of a call.
#[derive(Debug)]
pub(crate) struct OpenMedia {
    pub(crate) port: MediaPort,
    pub(crate) media: Arc<Mutex<CallMedia>>,
}

/// The INVITE of a received call.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) transaction: TransactionId,
    pub(crate) invite: Message,
    pub(crate) local_tag: String,
    pub(crate) answer_at: Option<Duration>,
    /// Its provisional responses, when they are reliable.
    pub(crate) reliable: Option<ReliableProvisionals>,
    /// The user has answered, but a PRACK has to come first (RFC 3262 3).
    pub(crate) answer_wanted: bool,
    /// Until when it rings: the Expires of the INVITE, or our patience (RFC 3261 13.3.1).
    pub(crate) rings_until: Duration,
}

/// The INVITE of a placed call.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) transaction: TransactionId,
    pub(crate) request: Message,
    pub(crate) target: String,
    pub(crate) destination: Hop,
    /// The INVITE leaves the offer to the callee (RFC 3261 13.2.1).
    pub(crate) delayed_offer: bool,
    /// The early dialogs, one for each branch that has answered provisionally (RFC 3261 12.1).
    pub(crate) early: Vec<Early>,
    /// Where else the call may go, next one first, from a redirection.
    pub(crate) alternatives: Vec<String>,
    /// Where it has been, so that redirections make no loop.
    pub(crate) tried: Vec<String>,
    /// A provisional response has come: CANCEL is allowed (RFC 3261 9.1).
    pub(crate) provisional: bool,
    /// The call whose peer asked for this one.
    pub(crate) referred_by: Option<CallKey>,
    /// When a cancelled INVITE without a final response is given up (RFC 3261 9.1).
    pub(crate) gives_up_at: Option<Duration>,
}

/// A dialog that a provisional response to our INVITE has made (RFC 3261 12.1.2).
#[derive(Debug)]
pub(crate) struct Early {
    pub(crate) dialog: Dialog,
    /// The description this branch has sent: its 2xx need not repeat it.
    pub(crate) description: Option<Description>,
    pub(crate) rack: RackTracker,
    /// Its offer is answered by PRACK: the 2xx makes none.
    pub(crate) answered: bool,
}

/// A 200 to INVITE that is repeated until its ACK (RFC 3261 13.3.1.4).
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) transaction: TransactionId,
    pub(crate) cseq: u32,
    pub(crate) bytes: Vec<u8>,
    /// `None` when a fault keeps it from being repeated.
    pub(crate) repeat_at: Option<Duration>,
    pub(crate) interval: Duration,
    pub(crate) gives_up_at: Duration,
    /// The ACK has come, but a fault ignores it.
    pub(crate) acknowledged: bool,
    /// The user has hung up; BYE has to wait for the ACK (RFC 3261 15).
    pub(crate) hang_up: bool,
}

#[derive(Debug)]
pub(crate) struct Acknowledgement {
    pub(crate) cseq: u32,
    pub(crate) remote_tag: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) destination: Hop,
}

/// A hold or resume of our user.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) hold: bool,
    /// `None` while it waits after a 491 (RFC 3261 14.1).
    pub(crate) transaction: Option<TransactionId>,
    pub(crate) retry_at: Option<Duration>,
}

/// A REFER we accepted (RFC 3515 2.4).
#[derive(Debug)]
pub(crate) struct Referral {
    /// The Event of its NOTIFYs.
    pub(crate) event: String,
    /// Whether the peer wants NOTIFYs (RFC 4488).
    pub(crate) notifies: bool,
}

impl Call {
    pub(crate) fn new(key: CallKey, stage: Stage) -> Self {
        Self {
            key,
            stage,
            dialog: None,
            session: None,
            media: None,
            received: None,
            placed: None,
            unacknowledged: None,
            acknowledgement: None,
            timer: None,
            refresh_at: None,
            peer_updates: false,
            change: None,
            held: false,
            referral: None,
            referrals: 0,
            transferring: false,
        }
    }

    /// Whether the call occupies the phone.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.stage, Stage::Ringing | Stage::Dialing | Stage::Established)
    }

    /// The dialog of the call, early ones included, that a request of the peer belongs to.
    pub(crate) fn dialog_of(&mut self, request: &Message) -> Option<&mut Dialog> {
        let early = self.placed.iter_mut().flat_map(|placed| &mut placed.early);
        self.dialog
            .iter_mut()
            .chain(early.map(|early| &mut early.dialog))
            .find(|dialog| dialog.matches(request))
    }

    /// The dialog of the call, early ones included, that a request of ours was sent in.
    pub(crate) fn own_dialog_of(&mut self, request: &Message) -> Option<&mut Dialog> {
        let tag = |address: Option<voxproof_sip::NameAddr>| {
            address
                .and_then(|address| address.tag().map(str::to_owned))
                .unwrap_or_default()
        };
        let (local, remote) = (tag(request.from()), tag(request.to()));
        let early = self.placed.iter_mut().flat_map(|placed| &mut placed.early);
        self.dialog
            .iter_mut()
            .chain(early.map(|early| &mut early.dialog))
            .find(|dialog| {
                request.call_id() == Some(dialog.call_id.as_str())
                    && dialog.local_tag == local
                    && dialog.remote_tag == remote
            })
    }

    /// Brings the media in line with the negotiation.
    pub(crate) fn apply_session(&self) {
        if let (Some(media), Some(plan)) = (&self.media, self.session.as_ref().and_then(Session::plan)) {
            lock(&media.media).apply(plan);
        }
    }

    /// The next time something is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let received = self.received.as_ref().filter(|_| self.stage == Stage::Ringing);
        [
            received.and_then(|received| received.answer_at),
            received.map(|received| received.rings_until),
            received
                .and_then(|received| received.reliable.as_ref())
                .and_then(ReliableProvisionals::poll_timeout),
            self.timer.as_ref().and_then(SessionTimer::poll_timeout),
            self.refresh_at,
            self.placed.as_ref().and_then(|placed| placed.gives_up_at),
            self.unacknowledged.as_ref().and_then(|ok| ok.repeat_at),
            self.unacknowledged.as_ref().map(|ok| ok.gives_up_at),
            self.change.as_ref().and_then(|change| change.retry_at),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
