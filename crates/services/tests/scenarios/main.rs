//! Behaviour of the DNS and HTTP servers.

mod dns_answers;
mod dns_failures;
mod dns_server;
mod http_server;
mod questions;
mod worlds;
