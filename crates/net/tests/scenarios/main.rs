//! Behaviour of networks, real and virtual.

mod dscp;
mod openssl_peer;
mod os_network;
mod rtcp_port;
mod tcp;
mod tls;
mod virtual_network;
mod websocket;
mod worlds;
