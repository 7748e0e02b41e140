//! Why something cannot be coded, decoded or even named.

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// An encoding name this crate has no codec for.
    #[error("no codec for the encoding \"{encoding}\"")]
    UnknownEncoding {
        /// The name as it stood in the rtpmap.
        encoding: String,
    },
    /// G.729 in any of its annexes; see the crate documentation.
    #[error(
        "G.729 is not offered: no permissively licensed implementation agrees with the ITU test vectors, \
         and the one published as MIT (g729-sys) is a translation of the GPL library bcg729"
    )]
    G729,
    /// A clock rate or a number of channels that the encoding is not defined for.
    #[error("{encoding} is not defined for a clock rate of {clock_rate} Hz and {channels} channel(s)")]
    Format {
        /// Encoding name.
        encoding: &'static str,
        /// RTP clock rate as signalled, Hz.
        clock_rate: u32,
        /// Channels as signalled.
        channels: u8,
    },
    /// Text that is no rtpmap value, `encoding/clock rate[/channels]` (RFC 8866 6.6).
    #[error("malformed rtpmap value \"{text}\"")]
    Rtpmap {
        /// The text, cut to 64 characters.
        text: String,
    },
    /// A format parameter whose value the codec's registration does not allow.
    #[error("{parameter}={value} is not allowed: {rule}")]
    Parameter {
        /// Name of the parameter.
        parameter: &'static str,
        /// Its value, cut to 64 characters.
        value: String,
        /// What is allowed, with the clause.
        rule: &'static str,
    },
    /// A number of samples that the codec cannot put into one packet.
    #[error("{samples} samples cannot be coded into one packet: {rule}")]
    FrameLength {
        /// Samples given, all channels counted.
        samples: usize,
        /// What the codec takes.
        rule: &'static str,
    },
    /// A payload that is no packet of the codec.
    #[error("malformed {codec} payload: {reason}")]
    Payload {
        /// Encoding name.
        codec: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The codec library refused what it was given.
    #[error("{codec}: {reason}")]
    Library {
        /// Encoding name.
        codec: &'static str,
        /// What the library said.
        reason: &'static str,
    },
}

/// At most 64 characters of foreign text, for an error.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}
