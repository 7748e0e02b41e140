/// Something wrong with a protected packet, done on purpose: a receiver has to refuse it.
///
/// A wrong key is a second [`crate::Protector`]; a replay is the same bytes sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The last bit of the tag is turned over.
    FlipTag,
    /// The tag lacks its last bytes; as many as it has leaves it out.
    ShortenTag(usize),
    /// The packet as it is, neither encrypted nor authenticated.
    Plain,
    /// Authenticated, but the payload is not encrypted. AEAD has no such SRTP packet: its tag is that of the encrypted one.
    Unencrypted,
    /// Protected under this roll-over counter; that of the source stays. SRTP only.
    RollOverCounter(u32),
    /// Protected under this index; that of the source stays. SRTCP only.
    RtcpIndex(u32),
    /// These bytes where the MKI belongs; none leaves it out.
    Mki(Vec<u8>),
    /// Encrypted with the E flag cleared; the tag is right. SRTCP only.
    ClearEncryptionFlag,
}
