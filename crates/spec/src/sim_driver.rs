//! What the simulated phone is set to besides its account and its media.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Located, Span};

/// The simulated phone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimDriver {
    /// Faults switched on.
    pub faults: Vec<Located<String>>,
    /// It subscribes to the state of its mailbox (RFC 3842).
    pub mailbox: bool,
    /// Numbers or addresses whose calls it watches on its keys (RFC 4235).
    pub watch: Vec<String>,
    /// Numbers or addresses whose presence it watches (RFC 3856).
    pub presence: Vec<String>,
    /// Number or address it reports the quality of each call to (RFC 6035).
    pub quality_collector: Option<String>,
    /// It registers its flow with an instance identifier (RFC 5626).
    pub outbound: bool,
    /// It sends an empty line pair to its server this often (RFC 5626 3.5.1).
    pub keep_alive: Option<Span>,
    /// With DTLS-SRTP it waits for the handshake where its answer decides who begins (RFC 5763 5).
    pub dtls_passive: bool,
    /// It offers and takes RTP and RTCP on one port (RFC 5761).
    pub rtcp_mux: bool,
    /// It offers and sends extended reports (RFC 3611).
    pub extended_reports: bool,
    /// It describes its silence instead of sending it (RFC 3389).
    pub comfort_noise: bool,
    /// The code point that its media are marked with (RFC 2474).
    pub voice_dscp: Option<u8>,
    /// The packet duration it asks for, in milliseconds (default 20): 10 to 60 in steps of 10.
    pub ptime: Option<u8>,
    /// It asks for session timers of this many seconds in its own calls (RFC 4028).
    pub session_interval: Option<u32>,
    /// It sends provisional responses reliably to every caller that supports it (RFC 3262).
    pub prefers_reliable: bool,
    /// It takes the state of its mailbox without having asked for it.
    pub unsolicited_mailbox: bool,
    /// The domain whose service records name its server, asked of the lab's name server when it starts (RFC 3263). While that
    /// knows none it goes to the address it was told.
    pub domain: Option<String>,
    /// The path at the lab's HTTP server where it fetches settings when it starts: lines `name = value` with `register_expires`,
    /// `codecs`, `ptime`.
    pub provisioning: Option<String>,
    /// It fetches them again when its server says so by a check-sync, and refuses that to others; otherwise it asks for a password.
    pub check_sync_from_server: bool,
    /// It takes orders of its server: calls by REFER outside of dialogs, uaCSTA, a restart by check-sync.
    pub remote_control: bool,
    /// It fetches them over TLS.
    pub provisioning_secure: bool,
    /// The RTP sequence number each call starts with; a random one if not given (RFC 3550 5.1).
    pub first_sequence: Option<u16>,
}
