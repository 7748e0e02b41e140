//! What a protected stream, its keys and its handshake have to do, one file a behaviour.

mod diagnosis;
mod dtls;
mod faults;
mod foreign_bytes;
mod openssl;
mod packets;
mod receiver;
mod reference;
mod rekeying;
mod roll_over;
mod sdes;
mod speed;
