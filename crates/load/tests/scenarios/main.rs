//! Load runs on loopback, one behaviour a file.

mod calls;
mod failures;
mod media;
mod releases;
mod support;
