use crate::index::MINIMUM_WINDOW;
use crate::{Profile, SrtpError};

/// What both ends have to agree on besides keys, and how much a receiver remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// SRTP payload is encrypted (`UNENCRYPTED_SRTP` turns it off, RFC 4568 6.3.2).
    pub encrypt_rtp: bool,
    /// SRTCP payload is encrypted (`UNENCRYPTED_SRTCP` turns it off, RFC 4568 6.3.2).
    pub encrypt_rtcp: bool,
    /// SRTP packets carry a tag (`UNAUTHENTICATED_SRTP` turns it off, RFC 4568 6.3.3). SRTCP always does.
    pub authenticate_rtp: bool,
    /// Packets between two key derivations: 0 (once only) or a power of two up to 2^24 (RFC 3711 4.3.1).
    pub key_derivation_rate: u32,
    /// Indices a receiver remembers, at least 64 (RFC 3711 3.3.2); rounded up to a multiple of 64.
    pub replay_window: usize,
    /// Sources kept at most.
    pub maximum_sources: usize,
    /// Refuse packets beyond the lifetime of the master key.
    pub enforce_lifetime: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            encrypt_rtp: true,
            encrypt_rtcp: true,
            authenticate_rtp: true,
            key_derivation_rate: 0,
            replay_window: 128,
            maximum_sources: 64,
            enforce_lifetime: true,
        }
    }
}

impl Policy {
    /// Widest replay window kept, in packets: one turn of the sequence number.
    pub const MAXIMUM_WINDOW: usize = 1 << 16;

    /// Whether this profile can be used so.
    ///
    /// # Errors
    ///
    /// [`SrtpError::PolicyConflict`].
    pub fn check(&self, profile: Profile) -> Result<(), SrtpError> {
        let conflict = |parameter| Err(SrtpError::PolicyConflict { profile, parameter });
        // RFC 7714 8 and 14.1: an AEAD packet is always encrypted and always authenticated
        if profile.is_aead() && !self.encrypt_rtp {
            return conflict("UNENCRYPTED_SRTP");
        }
        if profile.is_aead() && !self.authenticate_rtp {
            return conflict("UNAUTHENTICATED_SRTP");
        }
        let rate = self.key_derivation_rate;
        if rate != 0 && (!rate.is_power_of_two() || rate > 1 << 24) {
            return conflict("a key derivation rate that is no power of two up to 2^24");
        }
        if !(MINIMUM_WINDOW..=Self::MAXIMUM_WINDOW).contains(&self.replay_window) {
            return conflict("a replay window outside 64 to 65536 packets");
        }
        Ok(())
    }
}
