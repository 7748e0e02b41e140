//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264), typed over `sdp-types`.

mod attributes;
mod check;
mod description;
mod direction;
mod negotiation;
mod offer;
mod session_offer;

pub use attributes::{CandidateAttribute, FingerprintAttribute, Group, MediaProtocol, RtcpAttribute, Setup};
pub use check::check;
pub use description::{Description, Media, Origin, RtpMap, SdpError};
pub use direction::Direction;
pub use negotiation::{Negotiation, NegotiationError, NegotiationState, against_offer};
pub use offer::{AudioOffer, Codec, NoCommonCodec, answer, answer_bytes};
pub use session_offer::{AnswerError, OfferedCodec, SessionOffer};
