//! rsip 0.4 as a typed view of single plain values.
//!
//! rsip drops text it does not understand (URI headers, a second Via), folds case (`transport=tcp` becomes `TCP`)
//! and takes `a.b@host` for a host name. So a value goes to it only when it has none of the characters rsip is known
//! to mishandle, and its answer counts only when the host is one and printing it gives the value back.

use rsip::headers::{ToTypedHeader, UntypedHeader, untyped};

use super::HeaderView;
use super::own::split_bare;
use crate::finding::Finding;
use crate::header::{CSeq, NameAddr, Via};
use crate::params::Params;
use crate::uri::{Uri, split_host_port};

/// rsip on one unfolded value, with a loss check. Refuses everything rsip is known to get wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct RsipView;

impl HeaderView for RsipView {
    fn via(&self, value: &str) -> Result<Via, Finding> {
        plain(value)?;
        let typed = untyped::Via::new(value).typed().map_err(|_| refused(value))?;
        lossless(value, &typed.to_string())?;
        if typed.uri.scheme.is_some() || typed.uri.auth.is_some() {
            return Err(refused(value));
        }
        let (host, port) = host_port(&typed.uri)?;
        Ok(Via {
            transport: typed.transport.to_string(),
            host,
            port,
            params: params(&typed.params),
        })
    }

    fn name_addr(&self, value: &str) -> Result<NameAddr, Finding> {
        plain(value)?;
        let typed = untyped::From::new(value).typed().map_err(|_| refused(value))?;
        // rsip always prints the brackets
        let printed = typed.to_string();
        if value.contains('<') {
            lossless(value, &printed)?;
        } else {
            lossless(value, &printed.replacen('<', "", 1).replacen('>', "", 1))?;
        }
        let text = match value.split_once('<') {
            Some((_, rest)) => rest.split_once('>').ok_or_else(|| refused(value))?.0,
            None => split_bare(value).0,
        };
        let uri = convert(&typed.uri, text.trim())?;
        Ok(NameAddr {
            display: typed.display_name,
            uri,
            params: params(&typed.params),
        })
    }

    fn cseq(&self, value: &str) -> Result<CSeq, Finding> {
        plain(value)?;
        let typed = untyped::CSeq::new(value).typed().map_err(|_| refused(value))?;
        lossless(value, &typed.to_string())?;
        Ok(CSeq {
            number: typed.seq,
            method: typed.method.to_string(),
        })
    }

    fn uri(&self, value: &str) -> Result<Uri, Finding> {
        plain(value)?;
        let typed = rsip::Uri::try_from(value).map_err(|_| refused(value))?;
        lossless(value, &typed.to_string())?;
        convert(&typed, value)
    }
}

fn refused(value: &str) -> Finding {
    Finding::new(
        "rsip-refused",
        "RFC 3261 25.1",
        format!("not read by rsip: {value:?}"),
    )
}

fn plain(value: &str) -> Result<(), Finding> {
    let risky = |byte: u8| {
        !byte.is_ascii()
            || byte.is_ascii_control()
            || matches!(byte, b'"' | b'\\' | b'[' | b'?' | b',' | b'%')
    };
    if value.is_empty() || value.bytes().any(risky) {
        Err(refused(value))
    } else {
        Ok(())
    }
}

fn lossless(value: &str, printed: &str) -> Result<(), Finding> {
    let dense = |text: &str| {
        text.bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect::<Vec<_>>()
    };
    if dense(value) == dense(printed) {
        Ok(())
    } else {
        Err(refused(value))
    }
}

fn host_port(uri: &rsip::Uri) -> Result<(String, Option<u16>), Finding> {
    let text = uri.host_with_port.to_string();
    split_host_port(&text).map_err(|_| refused(&text))
}

fn params(list: &[rsip::Param]) -> Params {
    Params::parse(&list.iter().map(ToString::to_string).collect::<String>())
}

fn convert(uri: &rsip::Uri, raw: &str) -> Result<Uri, Finding> {
    // rsip takes spaces and brackets into user and parameters
    if raw.contains([' ', '<', '>']) {
        return Err(refused(raw));
    }
    let scheme = match &uri.scheme {
        Some(rsip::Scheme::Sip) => "sip",
        Some(rsip::Scheme::Sips) => "sips",
        _ => return Err(refused(raw)),
    };
    let (host, port) = host_port(uri)?;
    Ok(Uri {
        scheme: scheme.to_owned(),
        user: uri.auth.as_ref().map(|auth| auth.user.clone()),
        password: uri.auth.as_ref().and_then(|auth| auth.password.clone()),
        host,
        port,
        params: params(&uri.params),
        headers: Vec::new(),
        raw: raw.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::OwnView;

    #[test]
    fn plain_values_read_the_same_with_both_parsers() {
        for value in [
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport",
            "SIP/2.0/TCP host.example.com;branch=z9hG4bK2",
        ] {
            assert_eq!(RsipView.via(value), OwnView.via(value), "{value}");
        }
        for value in [
            "Alice <sip:alice@192.0.2.1:5060;lr>;tag=1",
            "<sips:b@example.com>",
            "sip:c@example.com;tag=9",
        ] {
            assert_eq!(RsipView.name_addr(value), OwnView.name_addr(value), "{value}");
        }
        assert_eq!(RsipView.cseq("1 INVITE"), OwnView.cseq("1 INVITE"));
        assert_eq!(
            RsipView.uri("sip:a@192.0.2.1;lr"),
            OwnView.uri("sip:a@192.0.2.1;lr")
        );
    }

    #[test]
    fn values_rsip_would_change_are_refused() {
        for value in [
            "sip:c@d;transport=tcp",
            "sip:c@d;transport=tcp?Replaces=x",
            "sip:c@d GARBAGE<>",
            "tel:123",
        ] {
            assert_eq!(RsipView.uri(value).unwrap_err().code, "rsip-refused", "{value}");
        }
        assert!(
            RsipView
                .via("SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2")
                .is_err()
        );
        assert!(RsipView.cseq("1 invite").is_err());
        // found by fuzzing
        for value in ["sip:x.example.net;flag>", "sip:user: sip:user@example.com"] {
            assert!(RsipView.name_addr(value).is_err(), "{value}");
        }
    }
}
