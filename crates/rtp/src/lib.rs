//! RTP, RTCP, telephone-event, stream statistics and G.711; sans-IO.
//!
//! Everything here is a function of bytes and of the arrival times that the caller recorded: no socket, no clock, no
//! sleep. Bytes from the network never panic; what cannot be read is counted or refused with a typed error.
//!
//! * [`Packet`], [`build`], [`Packetizer`]: one RTP packet (RFC 3550 5.1), reading and writing.
//! * [`rtcp`]: compound packets, extended reports, findings and sessions (RFC 3550 6, RFC 3611).
//! * [`dtmf`]: telephone-event (RFC 4733), sending plan and received events.
//! * [`g711`]: A-law and mu-law (ITU-T G.711).
//! * [`statistics`]: loss, order, jitter, pacing and clock of a captured stream, or of a live one in constant memory.
//! * [`quality`]: transmission rating and opinion score from these figures (ITU-T G.107).
//! * [`impairment`]: a seeded network for datagrams that records what it did.
//! * [`inband`]: DTMF as tones in the audio (ITU-T Q.23, Q.24).
//! * [`playout`]: a captured stream decoded onto its own RTP time line.

pub mod dtmf;
pub mod g711;
pub mod impairment;
pub mod inband;
mod packet;
mod packetizer;
pub mod playout;
pub mod quality;
mod random;
pub mod rtcp;
mod sequence;
pub mod statistics;

pub use packet::{Packet, RtpError, build, is_rtcp};
pub use packetizer::Packetizer;
