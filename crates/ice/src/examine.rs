use std::ops::Range;

use crate::agent::Role;
use crate::finding::{Finding, quoted};
use crate::message::{
    Class, FINGERPRINT, HEADER, ICE_CONTROLLED, ICE_CONTROLLING, Integrity, MAPPED_ADDRESS,
    MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256, PRIORITY, StunError, StunMessage, USE_CANDIDATE, USERNAME,
    XOR_MAPPED_ADDRESS, is_stun,
};

/// What is known about the two agents when a message of one of them is examined.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// Fragment of the device, once its description is known.
    pub device_fragment: Option<&'a str>,
    /// Fragment of the agent that the message was sent to.
    pub lab_fragment: Option<&'a str>,
    /// Password of the lab, for requests of the device.
    pub lab_password: Option<&'a str>,
    /// Password of the device, for its responses.
    pub device_password: Option<&'a str>,
}

/// Everything in a STUN message on a media port that breaks RFC 8489 or RFC 8445, without any state.
///
/// Datagrams that are not STUN, and methods other than Binding, have no findings.
pub fn examine(datagram: &[u8], context: Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !is_stun(datagram) {
        return findings;
    }
    let mut report = |code, clause, text: String| findings.push(Finding::new(code, clause, text));
    let announced = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    if announced % 4 != 0 || announced + HEADER != datagram.len() {
        let text = format!(
            "length field {announced} in a datagram of {} bytes",
            datagram.len()
        );
        report("stun-length", "RFC 8489 5", text);
    }
    let (attributes, complete) = attributes(datagram);
    if !complete {
        report(
            "stun-attribute-length",
            "RFC 8489 14",
            "the last attribute reaches past the end".to_owned(),
        );
    }
    order(&attributes, &mut report);
    match StunMessage::parse(datagram) {
        Ok(message) if message.is_binding() => binding(&message, &attributes, context, &mut report),
        Ok(_) => return Vec::new(),
        Err(StunError::Fingerprint) => {
            report(
                "stun-fingerprint-wrong",
                "RFC 8489 14.7",
                "FINGERPRINT is not the CRC of the message".to_owned(),
            );
        }
        Err(StunError::Attribute) => report(
            "stun-attribute-value",
            "RFC 8489 14",
            "broken attribute".to_owned(),
        ),
        Err(StunError::Length | StunError::NotStun) => (),
    }
    findings
}

type Attributes = Vec<(u16, Range<usize>)>;

/// Type and place of each attribute, and whether they end where the datagram does.
fn attributes(datagram: &[u8]) -> (Attributes, bool) {
    let mut found = Vec::new();
    let mut at = HEADER;
    while at < datagram.len() {
        let Some(&[t1, t0, l1, l0]) = datagram.get(at..at + 4) else {
            return (found, false);
        };
        let length = usize::from(u16::from_be_bytes([l1, l0]));
        let end = at + 4 + length;
        if end.next_multiple_of(4) > datagram.len() {
            return (found, false);
        }
        found.push((u16::from_be_bytes([t1, t0]), at + 4..end));
        at = end.next_multiple_of(4);
    }
    (found, true)
}

fn order(attributes: &Attributes, report: &mut impl FnMut(&'static str, &'static str, String)) {
    let mut integrity_seen = false;
    let mut fingerprint_seen = false;
    for (kind, _) in attributes {
        if fingerprint_seen {
            let text = format!("attribute 0x{kind:04x} after FINGERPRINT");
            report("stun-attribute-after-fingerprint", "RFC 8489 14.7", text);
            return;
        }
        match *kind {
            FINGERPRINT => fingerprint_seen = true,
            MESSAGE_INTEGRITY | MESSAGE_INTEGRITY_SHA256 => integrity_seen = true,
            _ if integrity_seen => {
                let text = format!("attribute 0x{kind:04x} after MESSAGE-INTEGRITY is not protected");
                report("stun-attribute-after-integrity", "RFC 8489 14.5", text);
                return;
            }
            _ => (),
        }
    }
}

fn binding(
    message: &StunMessage<'_>,
    attributes: &Attributes,
    context: Context<'_>,
    report: &mut impl FnMut(&'static str, &'static str, String),
) {
    if !attributes.iter().any(|(kind, _)| *kind == FINGERPRINT) && message.class() != Class::Indication {
        report(
            "stun-fingerprint-missing",
            "RFC 8445 7.3",
            "no FINGERPRINT".to_owned(),
        );
    }
    match message.class() {
        Class::Request => {
            credentials(message, context, report);
            ice_attributes(message, attributes, report);
        }
        Class::Success => {
            if !message.has(XOR_MAPPED_ADDRESS) {
                let other = if message.has(MAPPED_ADDRESS) {
                    ", only MAPPED-ADDRESS"
                } else {
                    ""
                };
                let text = format!("success response without XOR-MAPPED-ADDRESS{other}");
                report("stun-mapped-address-missing", "RFC 8489 6.3.3", text);
            } else if message.mapped_address().is_none() {
                report(
                    "stun-attribute-value",
                    "RFC 8489 14.2",
                    "broken XOR-MAPPED-ADDRESS".to_owned(),
                );
            }
            response_integrity(message, context, report);
        }
        Class::Error => {
            match message.error_code() {
                None => report(
                    "stun-error-code",
                    "RFC 8489 14.8",
                    "error response without ERROR-CODE".to_owned(),
                ),
                // a request that could not be authenticated has an answer without integrity (RFC 8489 9.1.3)
                Some(400 | 401) => (),
                Some(_) => response_integrity(message, context, report),
            }
        }
        Class::Indication => (),
    }
    for (kind, place) in attributes {
        let wanted = match *kind {
            PRIORITY => 4,
            USE_CANDIDATE => 0,
            ICE_CONTROLLED | ICE_CONTROLLING => 8,
            _ => continue,
        };
        if place.len() != wanted {
            let clause = match *kind {
                PRIORITY => "RFC 8445 7.1.1",
                USE_CANDIDATE => "RFC 8445 7.1.2",
                _ => "RFC 8445 7.1.3",
            };
            let text = format!("attribute 0x{kind:04x} of {} bytes, not {wanted}", place.len());
            report("stun-attribute-value", clause, text);
        }
    }
}

fn credentials(
    message: &StunMessage<'_>,
    context: Context<'_>,
    report: &mut impl FnMut(&'static str, &'static str, String),
) {
    match message.username() {
        None if message.has(USERNAME) => {
            report(
                "stun-username-format",
                "RFC 8489 14.3",
                "USERNAME is not UTF-8".to_owned(),
            );
        }
        None => report(
            "stun-username-missing",
            "RFC 8445 7.2.2",
            "check without USERNAME".to_owned(),
        ),
        Some(username) => match username.split_once(':') {
            None => {
                let text = format!("USERNAME {} without colon", quoted(&username));
                report("stun-username-format", "RFC 8445 7.2.2", text);
            }
            Some((first, second)) => username_parts(first, second, context, report),
        },
    }
    let integrity = context.lab_password.map(|password| message.integrity(password));
    let present = message.has(MESSAGE_INTEGRITY) || message.has(MESSAGE_INTEGRITY_SHA256);
    match integrity {
        _ if !present => {
            report(
                "stun-integrity-missing",
                "RFC 8445 7.2.2",
                "check without MESSAGE-INTEGRITY".to_owned(),
            );
        }
        Some(Integrity::Wrong | Integrity::Missing) => {
            let text = "MESSAGE-INTEGRITY of the check was not made with the lab's password".to_owned();
            report("stun-integrity-wrong", "RFC 8445 7.2.2", text);
        }
        Some(Integrity::Valid) | None => (),
    }
}

fn username_parts(
    first: &str,
    second: &str,
    context: Context<'_>,
    report: &mut impl FnMut(&'static str, &'static str, String),
) {
    let (Some(lab), device) = (context.lab_fragment, context.device_fragment) else {
        return;
    };
    if first != lab && second == lab {
        let text = format!(
            "USERNAME {}:{} names the sender first",
            quoted(first),
            quoted(second)
        );
        report("stun-username-order", "RFC 8445 7.2.2", text);
    } else if first != lab {
        let text = format!(
            "USERNAME starts with {}, not with the lab's fragment",
            quoted(first)
        );
        report("stun-username-unknown", "RFC 8445 7.2.2", text);
    } else if device.is_some_and(|device| device != second) {
        let text = format!(
            "USERNAME ends with {}, not with the device's fragment",
            quoted(second)
        );
        report("stun-username-unknown", "RFC 8445 7.2.2", text);
    }
}

fn ice_attributes(
    message: &StunMessage<'_>,
    attributes: &Attributes,
    report: &mut impl FnMut(&'static str, &'static str, String),
) {
    let has = |wanted: u16| attributes.iter().any(|(kind, _)| *kind == wanted);
    if !has(PRIORITY) {
        report(
            "ice-priority-missing",
            "RFC 8445 7.1.1",
            "check without PRIORITY".to_owned(),
        );
    } else if let Some(priority) = message.priority()
        && (priority == 0 || priority > 0x7fff_ffff)
    {
        report(
            "ice-priority-range",
            "RFC 8445 5.1.2",
            format!("PRIORITY {priority}, not 1 to 2147483647"),
        );
    }
    match (has(ICE_CONTROLLING), has(ICE_CONTROLLED)) {
        (false, false) => {
            let text = "check with neither ICE-CONTROLLING nor ICE-CONTROLLED".to_owned();
            report("ice-role-missing", "RFC 8445 7.1.3", text);
        }
        (true, true) => {
            let text = "check with both ICE-CONTROLLING and ICE-CONTROLLED".to_owned();
            report("ice-role-both", "RFC 8445 7.1.3", text);
        }
        _ => (),
    }
    if has(USE_CANDIDATE) && message.role().is_some_and(|(role, _)| role == Role::Controlled) {
        let text = "USE-CANDIDATE from the controlled agent".to_owned();
        report("ice-use-candidate-controlled", "RFC 8445 7.1.2", text);
    }
    if has(XOR_MAPPED_ADDRESS) || has(MAPPED_ADDRESS) {
        report(
            "stun-attribute-place",
            "RFC 8489 14",
            "mapped address in a request".to_owned(),
        );
    }
}

fn response_integrity(
    message: &StunMessage<'_>,
    context: Context<'_>,
    report: &mut impl FnMut(&'static str, &'static str, String),
) {
    match context
        .device_password
        .map(|password| message.integrity(password))
    {
        Some(Integrity::Missing) => {
            let text = "response without MESSAGE-INTEGRITY".to_owned();
            report("stun-integrity-missing", "RFC 8445 7.3", text);
        }
        Some(Integrity::Wrong) => {
            let text = "MESSAGE-INTEGRITY of the response was not made with the device's password".to_owned();
            report("stun-integrity-wrong", "RFC 8489 9.1.4", text);
        }
        Some(Integrity::Valid) | None => (),
    }
}
