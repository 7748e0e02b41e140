//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264), typed over `sdp-types`.

mod description;
mod direction;
mod offer;

pub use description::{Description, Media, Origin, RtpMap, SdpError};
pub use direction::Direction;
pub use offer::{AudioOffer, Codec, NoCommonCodec, answer, answer_bytes};
