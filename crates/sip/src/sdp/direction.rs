//! Media direction attributes.

use std::fmt;

/// Direction of a media stream from the view of the party that sent the description (RFC 8866 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Sends and receives; the default.
    #[default]
    SendRecv,
    /// Only sends: the peer is on hold (RFC 3264 8.4).
    SendOnly,
    /// Only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction an attribute names, if it names one. Attribute names are case-sensitive (RFC 8866 5.13).
    pub fn parse(name: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|d| d.as_str() == name)
    }

    /// The widest direction that may answer this offer (RFC 3264 6.1).
    #[must_use]
    pub const fn answer_to(self) -> Self {
        Self::from_flags(self.receives(), self.sends())
    }

    /// What is left when both directions must allow it.
    #[must_use]
    pub const fn narrowed_to(self, other: Self) -> Self {
        Self::from_flags(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// Whether the party sends media.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the party wants media.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    const fn from_flags(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_follow_rfc_3264_6_1() {
        let pairs = [
            (Direction::SendRecv, Direction::SendRecv),
            (Direction::SendOnly, Direction::RecvOnly),
            (Direction::RecvOnly, Direction::SendOnly),
            (Direction::Inactive, Direction::Inactive),
        ];
        for (offer, answer) in pairs {
            assert_eq!(offer.answer_to(), answer);
            assert_eq!(Direction::parse(offer.as_str()), Some(offer));
        }
        assert_eq!(Direction::parse("sendonly "), None);
        assert_eq!(
            Direction::RecvOnly.narrowed_to(Direction::SendOnly),
            Direction::Inactive
        );
    }
}
