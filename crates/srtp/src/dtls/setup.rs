use std::fmt;
use std::str::FromStr;

use crate::dtls::Role;

/// Value of `a=setup` (RFC 4145 4, used by RFC 5763 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// Will send the ClientHello.
    Active,
    /// Will wait for the ClientHello.
    Passive,
    /// Either, the answer decides.
    ActPass,
    /// No association for now.
    HoldConn,
}

/// Why two `a=setup` values give no roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Not one of the four values (RFC 4145 4).
    #[error("not active, passive, actpass or holdconn")]
    Unknown,
    /// An answer must decide (RFC 5763 5, RFC 8842 5.3).
    #[error("an answer may not say actpass")]
    AnswerActPass,
    /// `holdconn` is not for DTLS-SRTP (RFC 5763 5).
    #[error("holdconn sets up no association")]
    HoldConn,
    /// Both ends would be client, or both server (RFC 4145 4.1).
    #[error("offer {offer} answered with {answer}")]
    Conflict {
        /// What was offered.
        offer: Setup,
        /// What was answered.
        answer: Setup,
    },
}

impl FromStr for Setup {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn]
            .into_iter()
            .find(|setup| setup.to_string().eq_ignore_ascii_case(text.trim()))
            .ok_or(SetupError::Unknown)
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        })
    }
}

/// The roles of offerer and answerer, in this order (RFC 5763 5, RFC 4145 4.1).
///
/// The offer should be `actpass` (RFC 8842 5.2); one that decides already is taken as it is.
///
/// # Errors
///
/// [`SetupError`].
pub const fn role(offer: Setup, answer: Setup) -> Result<(Role, Role), SetupError> {
    match (offer, answer) {
        (Setup::HoldConn, _) | (_, Setup::HoldConn) => Err(SetupError::HoldConn),
        (_, Setup::ActPass) => Err(SetupError::AnswerActPass),
        (Setup::Active, Setup::Active) | (Setup::Passive, Setup::Passive) => {
            Err(SetupError::Conflict { offer, answer })
        }
        (_, Setup::Active) => Ok((Role::Passive, Role::Active)),
        (_, Setup::Passive) => Ok((Role::Active, Role::Passive)),
    }
}

/// What to answer to an offer, given what the answerer would like to be (RFC 5763 5).
///
/// # Errors
///
/// [`SetupError::HoldConn`].
pub const fn answer_setup(offer: Setup, wish: Role) -> Result<Setup, SetupError> {
    match (offer, wish) {
        (Setup::HoldConn, _) => Err(SetupError::HoldConn),
        (Setup::Active, _) | (Setup::ActPass, Role::Passive) => Ok(Setup::Passive),
        (Setup::Passive, _) | (Setup::ActPass, Role::Active) => Ok(Setup::Active),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_gives_roles_or_a_reason() {
        use Setup::{ActPass, Active, HoldConn, Passive};
        let (active, passive) = (Role::Active, Role::Passive);
        for (offer, answer, expected) in [
            (ActPass, Active, Ok((passive, active))),
            (ActPass, Passive, Ok((active, passive))),
            (Active, Passive, Ok((active, passive))),
            (Passive, Active, Ok((passive, active))),
            (
                Active,
                Active,
                Err(SetupError::Conflict {
                    offer: Active,
                    answer: Active,
                }),
            ),
            (
                Passive,
                Passive,
                Err(SetupError::Conflict {
                    offer: Passive,
                    answer: Passive,
                }),
            ),
            (ActPass, ActPass, Err(SetupError::AnswerActPass)),
            (HoldConn, Active, Err(SetupError::HoldConn)),
            (ActPass, HoldConn, Err(SetupError::HoldConn)),
        ] {
            assert_eq!(role(offer, answer), expected, "{offer} {answer}");
        }
        for offer in [ActPass, Active, Passive] {
            for wish in [active, passive] {
                assert!(role(offer, answer_setup(offer, wish).unwrap()).is_ok());
            }
        }
        assert_eq!("ActPass".parse(), Ok(ActPass));
        assert_eq!("both".parse::<Setup>(), Err(SetupError::Unknown));
    }
}
