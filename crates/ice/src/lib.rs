//! ICE, STUN and TURN for the lab's media; sans-IO.
