use crate::Profile;

/// Why a packet was refused or a context could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// Too short for header, tag, index and MKI.
    #[error("packet of {length} bytes, at least {needed} needed")]
    TooShort {
        /// Length seen, in bytes.
        length: usize,
        /// Least length, in bytes.
        needed: usize,
    },
    /// The header cannot be followed (RFC 3550 5.1, 5.3.1, 6.4.1).
    #[error("header: {0}")]
    BadHeader(&'static str),
    /// The tag is not that of key, index and bytes (RFC 3711 4.2, RFC 7714 8.2).
    #[error("authentication failed for SSRC {ssrc:08x} at index {index}")]
    AuthenticationFailed {
        /// Source of the packet.
        ssrc: u32,
        /// The 48-bit index that was estimated, or the SRTCP index that was sent.
        index: u64,
    },
    /// The index was received before (RFC 3711 3.3.2).
    #[error("replay of index {index} of SSRC {ssrc:08x} (tag {})", if *.authentic { "valid" } else { "not valid" })]
    Replay {
        /// Source of the packet.
        ssrc: u32,
        /// The index.
        index: u64,
        /// The tag is valid: a true copy; or else something forged or sent under a wrong index.
        authentic: bool,
    },
    /// The index lies before the replay window (RFC 3711 3.3.2).
    #[error("index {index} of SSRC {ssrc:08x} lies before the replay window, newest is {newest}")]
    TooOld {
        /// Source of the packet.
        ssrc: u32,
        /// The index.
        index: u64,
        /// The newest authenticated index of this source.
        newest: u64,
        /// The tag is valid.
        authentic: bool,
    },
    /// No master key has this MKI (RFC 3711 8.2).
    #[error("no master key for this master key identifier")]
    UnknownMki {
        /// The bytes at the place of the MKI.
        mki: Vec<u8>,
    },
    /// The E flag of SRTCP is not what was negotiated (RFC 3711 3.4, RFC 4568 6.3.2); the tag is valid.
    #[error("SRTCP is {}, which was not negotiated", if *.encrypted { "encrypted" } else { "not encrypted" })]
    EncryptionFlag {
        /// What the flag says.
        encrypted: bool,
    },
    /// The master key has been used for as many packets as it may be (RFC 3711 9.2).
    #[error("master key was used for {limit} packets")]
    KeyExhausted {
        /// Packets the key may protect.
        limit: u64,
    },
    /// No room for one more SSRC.
    #[error("more than {limit} sources")]
    TooManySources {
        /// Sources kept at most.
        limit: usize,
    },
    /// Master key or salt of a wrong length for the profile.
    #[error("{profile}: key and salt of {length} bytes instead of {}", .profile.key_salt_length())]
    KeyLength {
        /// The profile.
        profile: Profile,
        /// Length of key and salt seen, in bytes.
        length: usize,
    },
    /// More than one key needs MKIs, all of one length, all different, at most 128 bytes (RFC 4568 6.1).
    #[error("master key identifiers: {0}")]
    MkiConflict(&'static str),
    /// The policy cannot be had with this profile.
    #[error("{profile} cannot be had with {parameter}")]
    PolicyConflict {
        /// The profile.
        profile: Profile,
        /// The session parameter.
        parameter: &'static str,
    },
}
