//! The user's side of the phone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use voxproof_net::{Endpoint, Net, NetError};

use crate::media::{CallMedia, lock};
use crate::phone::Phone;
use crate::streams::{StreamFaults, Streams};
use crate::{Fault, SimPhoneConfig};

/// So many ports are tried that others have for connections.
const MOST_PORTS: usize = 16;

/// A running phone. Clones are handles of the same phone; it ends, without un-registering, when the last is dropped.
#[derive(Debug, Clone)]
pub struct SimPhone {
    contact: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
    last: LastMedia,
}

/// The media of the last call, kept for its recording.
pub(crate) type LastMedia = Arc<Mutex<Option<Arc<Mutex<CallMedia>>>>>;

/// What the phone is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallState {
    /// No call, or the phone has ended.
    Idle,
    /// A call has come in and waits to be answered.
    Ringing,
    /// A call is being placed.
    Dialing,
    /// A call is up.
    Established,
    /// A call is up and its user has put the other side on hold.
    Held,
    /// A call is up and the other side has put the phone on hold.
    HeldByPeer,
}

/// Why the phone cannot do what its user asks.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// A port could not be opened.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its task has ended, by [`SimPhone::stop`] or by a fault.
    #[error("the phone is switched off")]
    Stopped,
    /// There is no call at all.
    #[error("there is no call")]
    NoCall,
    /// No call is ringing.
    #[error("no call is ringing")]
    NotRinging,
    /// No call is up.
    #[error("no call is up")]
    NotEstablished,
    /// No call is on hold that could be transferred.
    #[error("no call is on hold beside the one that is up")]
    NothingToTransfer,
    /// Another call is there already.
    #[error("there is a call already; hang up first")]
    Busy,
    /// The call is on hold already.
    #[error("the call is on hold already")]
    AlreadyHeld,
    /// The call is not on hold.
    #[error("the call is not on hold")]
    NotHeld,
    /// A re-INVITE, from either side, is not finished.
    #[error("the call is just being changed; try again")]
    ChangePending,
    /// A transfer is under way already.
    #[error("the call is being transferred already")]
    TransferPending,
    /// A REGISTER has no answer yet.
    #[error("a registration is under way already")]
    RegistrationPending,
    /// Not a SIP address or number.
    #[error("`{0}` is neither a SIP address nor a number")]
    InvalidUri(String),
    /// Not a DTMF digit.
    #[error("`{0}` is not a DTMF digit (0 to 9, *, #, A to D)")]
    InvalidDigit(char),
    /// The peer did not negotiate telephone-event.
    #[error("the other side takes no telephone-events")]
    NoTelephoneEvent,
    /// Nothing is being sent, because one side holds the call.
    #[error("the call is on hold; nothing is being sent")]
    NotSending,
}

/// How a call is placed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialOptions {
    /// The INVITE carries no offer: the other side makes it, and the ACK answers (RFC 3261 13.2.1).
    pub delayed_offer: bool,
    /// Allowed beside a call that is on hold, to consult somebody before a transfer.
    pub consultation: bool,
    /// Further header fields of the INVITE, name and value.
    pub headers: Vec<(String, String)>,
}

/// What others have told the phone besides calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Text messages, in order.
    pub texts: Vec<String>,
    /// Keys that came by INFO.
    pub info_digits: String,
    /// How often it was made to fetch its configuration again.
    pub check_syncs: u32,
    /// New and old voice messages in its mailbox, when it has been told.
    pub voice_messages: Option<(u32, u32)>,
    /// For each watched address that it has been told about, whether a call is there.
    pub watched: BTreeMap<String, bool>,
    /// For each address whose presence it has been told, whether somebody is there.
    pub present: BTreeMap<String, bool>,
}

/// What the user wants the phone to do.
#[derive(Debug)]
pub(crate) enum Action {
    Dial(String, DialOptions),
    Answer,
    Reject,
    Hangup,
    Hold,
    Resume,
    Dtmf(String),
    DtmfByInfo(String),
    /// With the subscription of RFC 3515, or without by RFC 4488.
    Transfer(String, bool),
    CompleteTransfer,
    SetAutoAnswer(Option<Duration>),
    SetLoopback(bool),
    Reregister,
    Stop,
}

#[derive(Debug)]
pub(crate) enum Command {
    Act(Action, oneshot::Sender<Result<(), PhoneError>>),
    Registered(oneshot::Sender<bool>),
    State(oneshot::Sender<CallState>),
    Inbox(oneshot::Sender<Received>),
}

/// A port for datagrams, on which connections are taken as well. Somebody else may have the port for connections: then
/// another one is tried.
async fn ports(net: &Net, config: &SimPhoneConfig, streams: &mut Streams) -> Result<Endpoint, NetError> {
    let mut taken = Vec::new();
    loop {
        let endpoint = net.bind(SocketAddr::new(config.local, 0)).await?;
        if config.faults.contains(&Fault::NotListening) {
            return Ok(endpoint);
        }
        match streams
            .listen(endpoint.local_addr(), config.stream_identity.as_ref())
            .await
        {
            Ok(()) => return Ok(endpoint),
            Err(error) if taken.len() >= MOST_PORTS => return Err(error),
            Err(_) => taken.push(endpoint),
        }
    }
}

impl SimPhone {
    /// Binds a SIP port, starts the phone's task and its registration. Does not wait for the registrar.
    ///
    /// # Errors
    /// [`PhoneError::Net`] when no port could be bound.
    pub async fn start(net: &Net, config: SimPhoneConfig) -> Result<Self, PhoneError> {
        let (commands, receiver) = mpsc::unbounded_channel();
        let last = LastMedia::default();
        let faults = StreamFaults {
            second_message_lost: config.faults.contains(&Fault::TcpSecondMessageLost),
            long_message_lost: config.faults.contains(&Fault::LongMessageLost),
        };
        let mut streams = Streams::new(net, config.transport, config.stream_security.clone(), faults);
        let endpoint = ports(net, &config, &mut streams).await?;
        let contact = endpoint.local_addr();
        let phone = Phone::new(net.clone(), endpoint, streams, config, Arc::clone(&last));
        tokio::spawn(phone.run(receiver));
        Ok(Self {
            contact,
            commands,
            last,
        })
    }

    /// The address of its Contact: where it takes calls.
    pub fn contact(&self) -> SocketAddr {
        self.contact
    }

    /// Whether the registrar holds a binding of the phone, as far as the phone knows.
    pub async fn registered(&self) -> bool {
        self.ask(Command::Registered).await.unwrap_or(false)
    }

    /// What it is doing.
    pub async fn call_state(&self) -> CallState {
        self.ask(Command::State).await.unwrap_or(CallState::Idle)
    }

    /// Places a call to a SIP address, or to a number at its server.
    ///
    /// # Errors
    /// When there is a call, or the address cannot be read.
    pub async fn dial(&self, uri: &str) -> Result<(), PhoneError> {
        self.dial_with(uri, DialOptions::default()).await
    }

    /// Places a call in a way of its own.
    ///
    /// # Errors
    /// When there is a call, other than one on hold for a consultation, or the address cannot be read.
    pub async fn dial_with(&self, uri: &str, options: DialOptions) -> Result<(), PhoneError> {
        self.act(Action::Dial(uri.to_owned(), options)).await
    }

    /// Answers the ringing call.
    ///
    /// # Errors
    /// When none is ringing.
    pub async fn answer(&self) -> Result<(), PhoneError> {
        self.act(Action::Answer).await
    }

    /// Rejects the ringing call as busy.
    ///
    /// # Errors
    /// When none is ringing.
    pub async fn reject(&self) -> Result<(), PhoneError> {
        self.act(Action::Reject).await
    }

    /// Ends the newest call, whatever its state: rejects, cancels or hangs up.
    ///
    /// # Errors
    /// When there is none.
    pub async fn hangup(&self) -> Result<(), PhoneError> {
        self.act(Action::Hangup).await
    }

    /// Puts the other side on hold; takes effect when it agrees.
    ///
    /// # Errors
    /// When no call is up, or it is on hold or being changed.
    pub async fn hold(&self) -> Result<(), PhoneError> {
        self.act(Action::Hold).await
    }

    /// Takes the call back from hold; takes effect when the other side agrees.
    ///
    /// # Errors
    /// When no call is up, or it is not on hold or is being changed.
    pub async fn resume(&self) -> Result<(), PhoneError> {
        self.act(Action::Resume).await
    }

    /// Presses keys: each is a tone of 100 ms, then 50 ms pause. Returns before they are sent.
    ///
    /// # Errors
    /// When no call is up, it is on hold, the other side takes no telephone-events, or a character is no key.
    pub async fn dtmf(&self, digits: &str) -> Result<(), PhoneError> {
        self.act(Action::Dtmf(digits.to_owned())).await
    }

    /// Transfers the other side to an address without asking there (blind); hangs up when that succeeds.
    ///
    /// # Errors
    /// When no call is up, it is being transferred, or the address cannot be read.
    pub async fn transfer(&self, uri: &str) -> Result<(), PhoneError> {
        self.act(Action::Transfer(uri.to_owned(), true)).await
    }

    /// Like [`SimPhone::transfer`], without being told how it goes on (RFC 4488); hangs up when the other side agrees.
    ///
    /// # Errors
    /// As [`SimPhone::transfer`].
    pub async fn transfer_unreported(&self, uri: &str) -> Result<(), PhoneError> {
        self.act(Action::Transfer(uri.to_owned(), false)).await
    }

    /// Connects the call on hold with the one that is up (attended transfer, RFC 5589 7); the call on hold ends when
    /// that succeeds, and whoever is called ends the other.
    ///
    /// # Errors
    /// When no call is up beside one on hold, or that is being transferred.
    pub async fn complete_transfer(&self) -> Result<(), PhoneError> {
        self.act(Action::CompleteTransfer).await
    }

    /// Sends keys by INFO, one application/dtmf-relay body each. Returns before they are answered.
    ///
    /// # Errors
    /// When no call is up or a character is no key.
    pub async fn dtmf_by_info(&self, digits: &str) -> Result<(), PhoneError> {
        self.act(Action::DtmfByInfo(digits.to_owned())).await
    }

    /// What others have told the phone besides calls.
    pub async fn received(&self) -> Received {
        self.ask(Command::Inbox).await.unwrap_or_default()
    }

    /// Sets after what ringing time the next calls are answered; `None` leaves it to [`SimPhone::answer`].
    ///
    /// # Errors
    /// When the phone is switched off.
    pub async fn set_auto_answer(&self, after: Option<Duration>) -> Result<(), PhoneError> {
        self.act(Action::SetAutoAnswer(after)).await
    }

    /// Whether the phone sends back what it hears, instead of its speech, in this and the next calls.
    ///
    /// # Errors
    /// When the phone is switched off.
    pub async fn set_loopback(&self, on: bool) -> Result<(), PhoneError> {
        self.act(Action::SetLoopback(on)).await
    }

    /// Refreshes the registration now.
    ///
    /// # Errors
    /// When a REGISTER has no answer yet.
    pub async fn reregister(&self) -> Result<(), PhoneError> {
        self.act(Action::Reregister).await
    }

    /// Hangs up, un-registers and ends the phone. Waits for the answers, at most four seconds.
    ///
    /// # Errors
    /// When the phone is switched off already.
    pub async fn stop(&self) -> Result<(), PhoneError> {
        self.act(Action::Stop).await
    }

    /// What its loudspeaker has played in the last call, 8 kHz mono, from the start of its media. Stays readable after
    /// the phone has ended.
    pub async fn recording(&self) -> Vec<i16> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.map(|media| lock(&media).recording()).unwrap_or_default()
    }

    async fn act(&self, action: Action) -> Result<(), PhoneError> {
        self.ask(|reply| Command::Act(action, reply))
            .await
            .unwrap_or(Err(PhoneError::Stopped))
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).ok()?;
        answer.await.ok()
    }
}
