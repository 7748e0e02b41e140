//! Scenario tests of the SIP crate: one module a behaviour, simulated time, no sockets.

mod dialogs;
mod digest;
mod invite_client;
mod invite_server;
mod matching;
mod non_invite;
mod own_torture;
mod properties;
mod rsip_failures;
mod simulation;
mod torture;
