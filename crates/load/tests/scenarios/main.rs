//! Load runs on loopback, one behaviour a file.

mod calls;
mod failures;
mod inspection;
mod media;
mod releases;
mod support;
