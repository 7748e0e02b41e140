//! Where responses go, and what the server writes into the top Via (RFC 3261 18.2, RFC 3581 4).

use std::net::{IpAddr, SocketAddr};

use crate::header::Via;
use crate::hop::Hop;
use crate::lists::{find_top_level, split_top_level};
use crate::message::Message;
use crate::view::{HeaderView, OwnView};

/// Where the responses to a request go and how its top Via is to be completed.
#[derive(Debug, Clone)]
pub(super) struct ResponsePath {
    pub(super) destination: Hop,
    /// Parameters to add to the top Via, in order.
    received: Option<IpAddr>,
    rport: Option<u16>,
}

impl ResponsePath {
    pub(super) fn new(via: &Via, source: Hop) -> Self {
        let address = source.address.ip().to_canonical();
        let same = via
            .host
            .parse::<IpAddr>()
            .is_ok_and(|host| host.to_canonical() == address);
        let asked = via.rport() == Some(None);
        // RFC 3581 4: with rport, received is written even when it equals sent-by
        let received = (asked || !same).then_some(address);
        let rport = asked.then(|| source.address.port());
        let destination = if source.transport.is_reliable() {
            source
        } else {
            // RFC 3261 18.2.2; a maddr that is a name cannot be resolved here, and then the source is the best guess
            let maddr = via
                .params
                .value("maddr")
                .and_then(|maddr| maddr.parse::<IpAddr>().ok());
            let port = rport.unwrap_or_else(|| via.port.unwrap_or(5060));
            SocketAddr::new(maddr.unwrap_or_else(|| source.address.ip()), port).into()
        };
        Self {
            destination,
            received,
            rport,
        }
    }

    /// Writes `received` and `rport` into the top Via of a response, unless they are there already or the Via is not
    /// the one of the request. Everything else keeps its bytes.
    pub(super) fn complete(&self, request_via: &Via, bytes: Vec<u8>) -> Vec<u8> {
        if self.received.is_none() && self.rport.is_none() {
            return bytes;
        }
        let message = Message::from_vec(bytes);
        match self.edit(request_via, &message) {
            Some(edited) => edited,
            None => message.bytes().to_vec(),
        }
    }

    fn edit(&self, request_via: &Via, message: &Message) -> Option<Vec<u8>> {
        let range = message.value_range("via")?;
        let field = std::str::from_utf8(message.bytes().get(range.clone())?).ok()?;
        let end = find_top_level(field, b',').unwrap_or(field.len());
        let (top, others) = field.split_at(end);
        if OwnView.via(&top.replace(['\r', '\n'], " ")).ok()? != *request_via {
            return None;
        }
        let value = top.trim_ascii_end();
        let mut pieces: Vec<String> = split_top_level(value, b';')
            .into_iter()
            .map(str::to_owned)
            .collect();
        if let Some(port) = self.rport {
            for piece in pieces
                .iter_mut()
                .skip(1)
                .filter(|piece| piece.eq_ignore_ascii_case("rport"))
            {
                *piece = format!("rport={port}");
            }
        }
        if let Some(address) = self.received.filter(|_| !request_via.params.has("received")) {
            pieces.push(format!("received={address}"));
        }
        let mut out = message.bytes().get(..range.start)?.to_vec();
        out.push(b' ');
        out.extend_from_slice(pieces.join(";").as_bytes());
        out.extend_from_slice(others.as_bytes());
        out.extend_from_slice(message.bytes().get(range.end..)?);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(via: &str, source: &str) -> (String, SocketAddr) {
        let source: SocketAddr = source.parse().unwrap();
        let parsed = OwnView.via(via).unwrap();
        let path = ResponsePath::new(&parsed, source.into());
        let response =
            format!("SIP/2.0 200 OK\r\nVia: {via}, SIP/2.0/UDP other;branch=z\r\nTo: x\r\n\r\nbody");
        let bytes = path.complete(&parsed, response.into_bytes());
        let message = Message::parse(&bytes);
        assert_eq!(message.header_values("via")[1], "SIP/2.0/UDP other;branch=z");
        assert_eq!((message.header("to"), message.body()), (Some("x"), &b"body"[..]));
        (message.header_values("via")[0].clone(), path.destination.address)
    }

    #[test]
    fn received_is_added_when_the_source_differs() {
        let (via, destination) =
            completed("SIP/2.0/UDP phone.example.com;branch=z9hG4bK1", "192.0.2.7:40000");
        assert_eq!(
            via,
            "SIP/2.0/UDP phone.example.com;branch=z9hG4bK1;received=192.0.2.7"
        );
        assert_eq!(destination, "192.0.2.7:5060".parse().unwrap());
        let (via, destination) = completed("SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1", "192.0.2.7:40000");
        assert_eq!(via, "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1");
        assert_eq!(destination, "192.0.2.7:5070".parse().unwrap());
    }

    #[test]
    fn rport_is_filled_and_brings_received() {
        let (via, destination) = completed(
            "SIP/2.0/UDP 192.0.2.7:5070;RPort;branch=z9hG4bK1",
            "192.0.2.7:40000",
        );
        assert_eq!(
            via,
            "SIP/2.0/UDP 192.0.2.7:5070;rport=40000;branch=z9hG4bK1;received=192.0.2.7"
        );
        assert_eq!(destination, "192.0.2.7:40000".parse().unwrap());
    }

    #[test]
    fn ipv6_and_maddr() {
        let (via, destination) = completed(
            "SIP/2.0/UDP [2001:db8::9]:5062;branch=z9hG4bK1",
            "[2001:db8::9]:5062",
        );
        assert_eq!(via, "SIP/2.0/UDP [2001:db8::9]:5062;branch=z9hG4bK1");
        assert_eq!(destination, "[2001:db8::9]:5062".parse().unwrap());
        let (_, destination) = completed(
            "SIP/2.0/UDP 192.0.2.7;maddr=239.255.255.1;branch=z9hG4bK1",
            "192.0.2.7:5060",
        );
        assert_eq!(destination, "239.255.255.1:5060".parse().unwrap());
    }

    #[test]
    fn a_via_that_was_changed_on_purpose_stays() {
        let via = OwnView.via("SIP/2.0/UDP host;branch=z9hG4bK1").unwrap();
        let path = ResponsePath::new(&via, "192.0.2.7:5060".parse::<SocketAddr>().unwrap().into());
        let wrong = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP host;branch=z9hG4bKwrong\r\n\r\n".to_vec();
        assert_eq!(path.complete(&via, wrong.clone()), wrong);
        assert_eq!(path.complete(&via, b"junk".to_vec()), b"junk");
    }
}
