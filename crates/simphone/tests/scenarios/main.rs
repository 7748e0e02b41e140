//! Behaviour of the simulated phone, one file a behaviour.

mod codecs;
mod comfort_noise;
mod digest;
mod dtmf;
mod forking;
mod handshake;
mod hold;
mod incoming_call;
mod lab;
mod media_faults;
mod messages;
mod outgoing_call;
mod protected_media;
mod quality;
mod real_time;
mod registration;
mod reliable;
mod replaces;
mod reports;
mod requests;
mod robustness;
mod session_timer;
mod streams;
mod subscriptions;
mod torture;
mod transfer;
