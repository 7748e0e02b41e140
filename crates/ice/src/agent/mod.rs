mod checklist;
mod event;
mod inbound;
mod options;
mod outbound;
mod pair;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

pub use event::{
    AddressPair, CheckFailure, CheckOutcome, CheckReceived, IceError, IceEvent, IceState, Transmit,
};
pub use options::{AgentOptions, Answering, Mode, Nomination, Role};
use pair::{Component, Local, Pair, Remote, Transaction};

use crate::candidate::{Candidate, CandidateType, candidate_priority};
use crate::credentials::Credentials;
use crate::description::{LocalDescription, RemoteDescription};
use crate::finding::Finding;
use crate::random::Random;

/// Waiting events and datagrams beyond this number push out the oldest: a caller that does not fetch them
/// must not cost memory.
const MOST_QUEUED: usize = 1024;
/// Different findings that are kept and told.
const MOST_FINDINGS: usize = 256;
/// Remote candidates, told and learnt.
const MOST_REMOTE: usize = 200;

/// One ICE agent for one media stream.
///
/// The owner passes datagrams in ([`Self::handle_datagram`]), lets time pass ([`Self::handle_timeout`] when
/// [`Self::poll_timeout`] says so) and afterwards fetches datagrams to send and events until there are none.
#[derive(Debug)]
pub struct IceAgent {
    options: AgentOptions,
    role: Role,
    tie_breaker: u64,
    random: Random,
    answering: Answering,
    locals: Vec<Local>,
    remotes: Vec<Remote>,
    peer: Option<Peer>,
    pairs: Vec<Pair>,
    triggered: VecDeque<usize>,
    transactions: BTreeMap<u128, Transaction>,
    components: BTreeMap<u16, Component>,
    next_check: Duration,
    deadline: Option<Duration>,
    deadline_passed: bool,
    peer_nomination: Option<Nomination>,
    role_switches: u32,
    transmits: VecDeque<Transmit>,
    events: VecDeque<IceEvent>,
    reported: BTreeSet<(&'static str, String)>,
}

/// What the device's description says beside its candidates.
#[derive(Debug, Clone)]
struct Peer {
    credentials: Credentials,
    lite: bool,
    ice2: bool,
    components: BTreeSet<u16>,
}

impl IceAgent {
    /// An agent without candidates.
    pub fn new(options: AgentOptions) -> Self {
        Self {
            role: options.role,
            tie_breaker: options.tie_breaker,
            random: Random::new(options.seed),
            options,
            answering: Answering::Normal,
            locals: Vec::new(),
            remotes: Vec::new(),
            peer: None,
            pairs: Vec::new(),
            triggered: VecDeque::new(),
            transactions: BTreeMap::new(),
            components: BTreeMap::new(),
            next_check: Duration::ZERO,
            deadline: None,
            deadline_passed: false,
            peer_nomination: None,
            role_switches: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            reported: BTreeSet::new(),
        }
    }

    /// Adds the address of a socket as host candidate; for RTP and RTCP on one port only component 1 is added.
    pub fn add_host(&mut self, component: u16, address: SocketAddr) {
        self.add_local(component, CandidateType::Host, address, address, None);
    }

    /// Adds an address that a TURN server relays for the client whose mapped address is `mapped`.
    ///
    /// Datagrams that come through the relay are given to [`Self::handle_datagram`] with the relayed address as the
    /// local one, and [`Transmit`]s from it go out through the [`TurnClient`](crate::TurnClient).
    pub fn add_relayed(&mut self, component: u16, relayed: SocketAddr, mapped: SocketAddr) {
        self.add_local(component, CandidateType::Relayed, relayed, relayed, Some(mapped));
    }

    /// Adds the address that a STUN server saw for the host candidate at `base`.
    pub fn add_server_reflexive(&mut self, component: u16, mapped: SocketAddr, base: SocketAddr) {
        self.add_local(
            component,
            CandidateType::ServerReflexive,
            mapped,
            base,
            Some(base),
        );
    }

    fn add_local(
        &mut self,
        component: u16,
        kind: CandidateType,
        address: SocketAddr,
        base: SocketAddr,
        related: Option<SocketAddr>,
    ) {
        let known =
            |local: &Local| local.candidate.component == component && local.candidate.address == address;
        // redundant candidates are left out (RFC 8445 5.1.3)
        if self.locals.iter().any(known) || self.locals.len() >= MOST_REMOTE {
            return;
        }
        // one preference for each address of the host, the first highest, and unique priorities (RFC 8445 5.1.2)
        let same_base = |local: &&Local| local.base.ip() == base.ip() && local.candidate.kind == kind;
        let mut preference = self.locals.iter().find(same_base).map_or_else(
            || {
                self.locals
                    .iter()
                    .map(|local| local.preference)
                    .min()
                    .map_or(u16::MAX, |least| least.saturating_sub(1))
            },
            |local| local.preference,
        );
        let taken = |preference: u16, locals: &[Local]| {
            let priority = candidate_priority(kind, preference, component);
            locals.iter().any(|local| local.candidate.priority == priority)
        };
        while taken(preference, &self.locals) && preference > 0 {
            preference -= 1;
        }
        let shared = self
            .locals
            .iter()
            .find(same_base)
            .map(|local| local.candidate.foundation.clone());
        let next = self
            .locals
            .iter()
            .filter_map(|local| local.candidate.foundation.parse::<u32>().ok())
            .max();
        self.locals.push(Local {
            candidate: Candidate {
                foundation: shared.unwrap_or_else(|| (next.unwrap_or(0) + 1).to_string()),
                component,
                priority: candidate_priority(kind, preference, component),
                address,
                kind,
                related,
                extensions: Vec::new(),
            },
            base,
            preference,
        });
        self.components.entry(component).or_default();
        self.form_pairs();
    }

    /// Own candidates in the order in which they were added.
    pub fn local_candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.locals.iter().map(|local| &local.candidate)
    }

    /// Candidates of the device, told or learnt from its checks.
    pub fn remote_candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.remotes.iter().map(|remote| &remote.candidate)
    }

    /// What to put into the session description (RFC 8839 5; `ice2`: RFC 8445 10).
    pub fn local_description(&self) -> LocalDescription {
        let mut session = Vec::new();
        if self.options.mode == Mode::Lite {
            session.push(("ice-lite", None));
        }
        if self.options.nomination != Nomination::Aggressive {
            session.push(("ice-options", Some("ice2".to_owned())));
        }
        let mut media = vec![
            ("ice-ufrag", Some(self.options.credentials.fragment().to_owned())),
            ("ice-pwd", Some(self.options.credentials.password().to_owned())),
        ];
        media.extend(
            self.local_candidates()
                .map(|candidate| ("candidate", Some(candidate.to_string()))),
        );
        LocalDescription { session, media }
    }

    /// Takes the device's description and begins with the checks; again for an updated one. Other credentials
    /// than before are a restart by the device, and what is known of the old session is forgotten (RFC 8445 9).
    ///
    /// # Errors
    /// When the description has no credentials: then there is no ICE on this stream.
    pub fn set_remote(&mut self, now: Duration, description: &RemoteDescription) -> Result<(), IceError> {
        let credentials = description.credentials.clone().ok_or(IceError::NoCredentials)?;
        for finding in &description.findings {
            self.report(finding.clone());
        }
        if self
            .peer
            .as_ref()
            .is_some_and(|peer| peer.credentials != credentials)
        {
            self.flush();
            self.peer = None;
        }
        if self.deadline.is_none() {
            self.deadline = Some(now + self.options.patience);
        }
        self.peer = Some(Peer {
            credentials,
            lite: description.lite,
            ice2: description.options.iter().any(|option| option == "ice2"),
            components: self.peer.take().map(|peer| peer.components).unwrap_or_default(),
        });
        // a full agent controls a lite one, whoever offered (RFC 8445 6.1.1)
        match (self.options.mode, description.lite) {
            (Mode::Full, true) => self.change_role(Role::Controlling),
            (Mode::Lite, false) => self.change_role(Role::Controlled),
            _ => (),
        }
        for candidate in &description.candidates {
            self.add_remote(candidate.clone());
        }
        self.next_check = self.next_check.max(now);
        self.form_pairs();
        self.conclude_between_lites(now);
        self.advance(now);
        Ok(())
    }

    /// One more candidate of the device (RFC 8838).
    pub fn add_remote_candidate(&mut self, now: Duration, candidate: Candidate) {
        self.add_remote(candidate);
        self.form_pairs();
        self.advance(now);
    }

    fn add_remote(&mut self, candidate: Candidate) {
        if let Some(peer) = &mut self.peer {
            peer.components.insert(candidate.component);
        }
        let known = self.find_remote(candidate.component, candidate.address);
        match known {
            // what was learnt from a check is told now, with its foundation (RFC 8445 7.3.1.3)
            Some(index) => {
                self.remotes[index] = Remote {
                    candidate,
                    signalled: true,
                }
            }
            None if self.remotes.len() < MOST_REMOTE => self.remotes.push(Remote {
                candidate,
                signalled: true,
            }),
            None => (),
        }
    }

    /// Begins anew with other credentials; the device's description has to follow. Roles stay (RFC 8445 9), and the
    /// selected pairs are told until there are new ones.
    pub fn restart(&mut self, credentials: Credentials) {
        self.options.credentials = credentials;
        self.peer = None;
        self.flush();
    }

    fn flush(&mut self) {
        self.remotes.clear();
        self.pairs.clear();
        self.triggered.clear();
        self.transactions.clear();
        self.deadline = None;
        self.deadline_passed = false;
        self.peer_nomination = None;
        self.role_switches = 0;
        for component in self.components.values_mut() {
            *component = Component {
                selected: component.selected,
                last_check: component.last_check,
                ..Component::default()
            };
        }
    }

    /// What to do with checks of the device from now on.
    pub const fn set_answering(&mut self, answering: Answering) {
        self.answering = answering;
    }

    /// The present role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// How far the agent is.
    pub fn state(&self) -> IceState {
        let Some(peer) = &self.peer else {
            return IceState::New;
        };
        let mut active = self
            .components
            .iter()
            .filter(|(id, _)| peer.uses(**id))
            .map(|(_, component)| component);
        if active.clone().any(|component| component.failed) {
            IceState::Failed
        } else if active.all(|component| component.selected_pair.is_some()) {
            IceState::Completed
        } else {
            IceState::Checking
        }
    }

    /// The pair that media of a component take.
    pub fn selected(&self, component: u16) -> Option<AddressPair> {
        self.components.get(&component)?.selected
    }

    /// When the last authentic check of the device came, by which its interest (RFC 7675) can be judged.
    pub fn last_check_received(&self, component: u16) -> Option<Duration> {
        self.components.get(&component)?.last_check
    }

    /// How the device nominates, once it has: regular when an ordinary check of the pair was granted before.
    pub const fn peer_nomination(&self) -> Option<Nomination> {
        self.peer_nomination
    }

    /// Own credentials.
    pub const fn credentials(&self) -> &Credentials {
        &self.options.credentials
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    fn transmit(&mut self, local: SocketAddr, remote: SocketAddr, bytes: Vec<u8>) {
        if self.transmits.len() >= MOST_QUEUED {
            self.transmits.pop_front();
        }
        self.transmits.push_back(Transmit { local, remote, bytes });
    }

    fn tell(&mut self, event: IceEvent) {
        if self.events.len() >= MOST_QUEUED {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    fn report(&mut self, finding: Finding) {
        if self.reported.len() < MOST_FINDINGS
            && self.reported.insert((finding.code, finding.message.clone()))
        {
            self.tell(IceEvent::Finding(finding));
        }
    }

    fn change_role(&mut self, role: Role) {
        if self.role != role {
            self.role = role;
            for component in self.components.values_mut() {
                component.nominating = None;
            }
            self.tell(IceEvent::RoleChanged(role));
        }
    }
}

impl Peer {
    /// Components that only one side has are not used (RFC 8445 6.1.2.2); before the first candidate all are.
    fn uses(&self, component: u16) -> bool {
        self.components.is_empty() || self.components.contains(&component)
    }
}

/// Addresses are compared without IPv6 scope and flow, and an IPv4-mapped one equals the IPv4 one: what a
/// dual-stack socket tells differs from what a description says.
fn same_address(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}
