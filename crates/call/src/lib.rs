//! The SIP/RTP call driver: the lab's registrar and peers on the sans-IO crates.
