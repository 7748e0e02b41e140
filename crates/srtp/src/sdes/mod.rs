//! Keys in the session description: `a=crypto` (RFC 4568, RFC 6188, RFC 7714).

mod attribute;
mod key;
mod negotiation;
mod session;

pub use attribute::{CryptoAttribute, ParsedCrypto, SdesError};
pub use key::{KeyParameter, Lifetime, Mki};
pub use negotiation::{Choice, check_answer, negotiate};
pub use session::{FecOrder, MAXIMUM_SESSION_PARAMETERS, SessionParameter};
