//! Behaviour categories in double talk (ITU-T P.340).

/// Behaviour of a hands-free device in double talk, from full duplex to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Full duplex.
    One,
    /// Partly duplex, the best of them.
    TwoA,
    /// Partly duplex.
    TwoB,
    /// Partly duplex, the least.
    TwoC,
    /// No double talk.
    Three,
}

/// Upper limits of categories 1, 2a, 2b and 2c. All were read in secondary sources (P.340 05/2000 clause 8.1 table 4 and
/// clause 8.2, P.1100 clause 11.11): for information, not for verdicts.
const SEND_DB: [f64; 4] = [3.0, 6.0, 9.0, 12.0];
const RECEIVE_DB: [f64; 4] = [3.0, 5.0, 8.0, 10.0];
/// Lower limits of the same categories.
const TALKER_ECHO_DB: [f64; 4] = [37.0, 33.0, 27.0, 21.0];
const ECHO_LOSS_DB: [f64; 4] = [27.0, 23.0, 17.0, 11.0];
const ORDER: [Category; 4] = [Category::One, Category::TwoA, Category::TwoB, Category::TwoC];

impl Category {
    /// By the attenuation of the send direction during double talk, A_H,S,dt, dB.
    #[must_use]
    pub fn of_send_attenuation(db: f64) -> Self {
        Self::first(SEND_DB, |limit| db <= limit)
    }

    /// By the attenuation of the receive direction during double talk, A_H,R,dt, dB.
    #[must_use]
    pub fn of_receive_attenuation(db: f64) -> Self {
        Self::first(RECEIVE_DB, |limit| db <= limit)
    }

    /// By the talker echo loudness rating during double talk, TELR_dt, dB (P.340 clause 8.2).
    #[must_use]
    pub fn of_talker_echo(db: f64) -> Self {
        Self::first(TALKER_ECHO_DB, |limit| db >= limit)
    }

    /// By the echo loss during double talk, dB (P.1100 clause 11.11.3): the ladder of [`Self::of_talker_echo`] less 10 dB.
    #[must_use]
    pub fn of_echo_loss(db: f64) -> Self {
        Self::first(ECHO_LOSS_DB, |limit| db >= limit)
    }

    fn first(limits: [f64; 4], is_kept: impl Fn(f64) -> bool) -> Self {
        ORDER
            .into_iter()
            .zip(limits)
            .find(|(_, limit)| is_kept(*limit))
            .map_or(Self::Three, |(category, _)| category)
    }

    /// The name as printed: 1, 2a, 2b, 2c, 3.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::TwoA => "2a",
            Self::TwoB => "2b",
            Self::TwoC => "2c",
            Self::Three => "3",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_the_better_category() {
        assert_eq!(
            [3.0, 3.1, 9.0, 12.0, 12.1]
                .map(Category::of_send_attenuation)
                .map(Category::name),
            ["1", "2a", "2b", "2c", "3"]
        );
        assert_eq!(Category::of_receive_attenuation(5.5), Category::TwoB);
        assert_eq!(Category::of_talker_echo(36.9), Category::TwoA);
        assert_eq!(Category::of_echo_loss(27.0), Category::One);
        assert_eq!(Category::of_echo_loss(f64::NAN), Category::Three);
        assert!(Category::One < Category::Three);
    }
}
