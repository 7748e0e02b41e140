//! Messages sent as bytes, outside of any transaction.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_sip::{Hop, Message, Transport, Uri};

use crate::CallError;
use crate::outgoing::RequestOptions;
use crate::station::{Seen, Station};

/// Bytes to send.
#[derive(Debug, Clone, Default)]
pub struct RawMessage {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Fill the placeholders in, see [`Station::fill`].
    pub fill: bool,
    /// From an address of its own instead of the lab's server.
    pub stranger: bool,
    /// Over a new connection to the address of the device's Contact.
    pub connect: bool,
    /// On a stream: lengths of the pieces; the rest is one more.
    pub segments: Vec<usize>,
    /// Time between the pieces.
    pub pause: Duration,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRaw {
    /// Its packet number.
    pub packet: u32,
    /// Call-ID in it.
    pub call_id: Option<String>,
}

impl Station {
    /// Sends bytes as they are.
    pub async fn send_raw(&mut self, raw: RawMessage) -> Result<SentRaw, CallError> {
        let (uri, hop) = self.device()?;
        let hop = if raw.stranger {
            Hop::new(Transport::Udp, hop.address)
        } else if raw.connect {
            contact_hop(&uri, hop).ok_or_else(|| CallError::no("the device", "Contact with an IP address"))?
        } else {
            hop
        };
        let local = if raw.stranger {
            self.wire.stranger().await?
        } else {
            self.wire.local(hop.transport)
        };
        let bytes = if raw.fill {
            self.filled(&raw.bytes, &uri, &local.to_string(), hop)
        } else {
            raw.bytes
        };
        let message = Message::parse(&bytes);
        if message.method() == Some("INVITE") {
            self.raw_invites.push((message.clone(), hop));
        }
        let packet = if raw.stranger {
            let sent = self.wire.send_as_stranger(hop.address, &bytes)?;
            self.keep(sent, hop, &bytes)
        } else if raw.segments.is_empty() {
            self.transmit(hop, &bytes)
        } else {
            self.send_pieces(hop, &bytes, &raw.segments, raw.pause).await
        };
        Ok(SentRaw {
            packet,
            call_id: message.call_id().map(str::to_owned),
        })
    }

    /// Fills placeholders in: `{device}` (the device's URI; after `sip:` its user, host and port), `{server}` or `{lab}`
    /// (where the message is sent from), `{transport}`, `{branch}`, `{call_id}` and `{tag}`.
    pub async fn fill(&mut self, bytes: &[u8], stranger: bool) -> Result<Vec<u8>, CallError> {
        let (uri, hop) = self.device()?;
        let (local, hop) = if stranger {
            (self.wire.stranger().await?, Hop::new(Transport::Udp, hop.address))
        } else {
            (self.wire.local(hop.transport), hop)
        };
        Ok(self.filled(bytes, &uri, &local.to_string(), hop))
    }

    /// Sends octets from the actor's RTP port to where the device receives the call's stream, as they are.
    pub fn send_rtp_raw(&mut self, actor: &str, bytes: Vec<u8>) -> Result<(), CallError> {
        let position = self.established(actor)?;
        let media = self.calls.get(position).and_then(|call| call.media.as_ref());
        let media = media.ok_or_else(|| CallError::no(actor, "stream"))?;
        media.send_bytes(bytes);
        Ok(())
    }

    /// Sends a request from an address of its own, outside of any transaction and any call.
    pub async fn request_as_stranger(&mut self, options: RequestOptions) -> Result<SentRaw, CallError> {
        let (uri, hop) = self.device()?;
        let local = self.wire.stranger().await?;
        let mut builder = self
            .fresh_request(
                "stranger",
                &options.method,
                &uri,
                hop.address.into(),
                options.to_tag.as_deref(),
            )
            .set(
                "Via",
                format!("SIP/2.0/UDP {local};branch={};rport", self.ids.branch()),
            )
            .set("From", format!("<sip:stranger@{local}>;tag={}", self.ids.tag()))
            .set("Contact", format!("<sip:stranger@{local}>"));
        for (name, value) in &options.headers {
            builder = builder.set(name, value);
        }
        if let Some((content_type, body)) = options.body {
            builder = builder.body(&content_type, body);
        }
        let bytes = self.mutated(builder.build(), &options.mutate)?;
        let raw = RawMessage {
            bytes,
            stranger: true,
            ..RawMessage::default()
        };
        self.send_raw(raw).await
    }

    /// One message in several pieces of a stream; the packet number is that of the last one, which completes it.
    async fn send_pieces(&mut self, hop: Hop, bytes: &[u8], segments: &[usize], pause: Duration) -> u32 {
        let mut rest = bytes;
        let mut packet = 0;
        for length in segments.iter().copied().chain([usize::MAX]) {
            let (piece, after) = rest.split_at(length.min(rest.len()));
            if !piece.is_empty() {
                packet = self.transmit(hop, piece);
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
            let until = self.now() + pause;
            self.pump(until, |_| false).await;
        }
        packet
    }

    fn filled(&mut self, bytes: &[u8], uri: &str, local: &str, hop: Hop) -> Vec<u8> {
        let address = uri.split_once(':').map_or(uri, |(_, rest)| rest);
        let address = address.split([';', '?']).next().unwrap_or_default();
        let values = [
            ("sip:{device}", format!("sip:{address}")),
            ("{device}", uri.to_owned()),
            ("{server}", local.to_owned()),
            ("{lab}", local.to_owned()),
            ("{transport}", hop.transport.to_string()),
            ("{branch}", self.ids.branch()),
            ("{call_id}", self.ids.call_id("lab")),
            ("{tag}", self.ids.tag()),
        ];
        let mut out = bytes.to_vec();
        for (name, value) in values {
            out = replace(&out, name.as_bytes(), value.as_bytes());
        }
        out
    }

    /// The first final response with this Call-ID after a packet.
    pub fn answer_to_raw(&self, sent: &SentRaw) -> Option<&Seen> {
        self.log.iter().find(|seen| {
            seen.from_device
                && seen.packet > sent.packet
                && seen.message.status().is_some_and(|status| status >= 200)
                && seen.message.call_id() == sent.call_id.as_deref()
        })
    }
}

/// Where a connection to the device's Contact leads.
fn contact_hop(uri: &str, hop: Hop) -> Option<Hop> {
    let uri = Uri::parse(uri).ok()?;
    let transport = match hop.transport {
        Transport::Tls => Transport::Tls,
        _ => Transport::Tcp,
    };
    let port = uri.port.unwrap_or_else(|| transport.default_port());
    let host = uri.host.trim_matches(['[', ']']);
    Some(Hop::new(transport, SocketAddr::new(host.parse().ok()?, port)))
}

fn replace(bytes: &[u8], find: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(find.len()).position(|window| window == find) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(with);
        rest = after.get(find.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_leads_to_the_contact() {
        let reached = |transport| Hop::new(transport, "10.0.0.2:40000".parse().unwrap());
        for (contact, from, expected) in [
            (
                "sip:dut@10.0.0.2:5066",
                Transport::Udp,
                Some((Transport::Tcp, "10.0.0.2:5066")),
            ),
            (
                "sip:dut@10.0.0.2",
                Transport::Tcp,
                Some((Transport::Tcp, "10.0.0.2:5060")),
            ),
            (
                "sip:dut@[::1]:7;transport=tls",
                Transport::Tls,
                Some((Transport::Tls, "[::1]:7")),
            ),
            ("sip:dut@phone.example", Transport::Udp, None),
            ("", Transport::Udp, None),
        ] {
            let expected = expected.map(|(transport, to)| Hop::new(transport, to.parse().unwrap()));
            assert_eq!(contact_hop(contact, reached(from)), expected, "{contact}");
        }
    }

    #[test]
    fn every_place_is_filled_and_no_other_byte_changes() {
        assert_eq!(replace(b"\xff{a}b{a}", b"{a}", b"xy"), b"\xffxybxy");
        assert_eq!(replace(b"{", b"{a}", b"xy"), b"{");
        assert_eq!(replace(b"", b"{a}", b"xy"), b"");
    }
}
