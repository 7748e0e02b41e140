//! What a device asks of its network beside SIP: DNS, and provisioning over HTTP and HTTPS.
//!
//! [`Services`] runs all of it on a [`Net`](voxproof_net::Net), real or virtual, answers as a case orders
//! ([`DnsOrder`], [`HttpOrder`]) and reports every query and request as a [`ServiceEvent`]. What is answered is decided
//! without sockets and clocks by [`dns`] and [`http`].

pub mod dns;
mod event;
pub mod http;
mod services;

pub use dns::DnsOrder;
pub use event::{ConnectionEvent, DnsEvent, HttpEvent, ServiceEvent};
pub use http::HttpOrder;
pub use services::{ServiceOrder, Services, ServicesOptions};
