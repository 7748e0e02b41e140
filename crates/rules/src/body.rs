//! Content-Length, Content-Type and Content-Disposition.

use crate::catalogue::Id;
use crate::facts::Context;
use crate::observation::Transport;
use crate::text::{is_digits, is_token, shown};

pub(crate) fn check(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let message = facts.message;
    let length = message.header("content-length");
    if facts.transport == Transport::Udp {
        cx.check(Id::LengthPresent, length.is_some(), || {
            "no Content-Length header".to_owned()
        });
    }
    if facts.transport.is_byte_stream() {
        cx.check(Id::LengthOnStreams, length.is_some(), || {
            format!("no Content-Length on {}", facts.transport.as_str())
        });
    }
    if let Some(value) = length {
        let number = value.parse::<usize>().ok().filter(|_| is_digits(value));
        cx.check(Id::LengthNumber, number.is_some(), || {
            format!("Content-Length {} is not a number", shown(value))
        });
        if let Some(number) = number {
            let present = message.body().len() + message.trailing().len();
            cx.check(Id::LengthRight, number <= present, || {
                format!("Content-Length is {number}, but {present} bytes follow the header fields")
            });
            if facts.transport == Transport::Udp {
                cx.check(Id::TrailingBytes, message.trailing().is_empty(), || {
                    format!("{} bytes behind the body", message.trailing().len())
                });
            }
        }
    }
    if !message.body().is_empty() {
        cx.check(Id::TypePresent, message.content_type().is_some(), || {
            format!("a body of {} bytes without Content-Type", message.body().len())
        });
    }
    if let Some(value) = message.content_type() {
        let (kind, rest) = value.split_once('/').unwrap_or((value, ""));
        let subtype = rest.split(';').next().unwrap_or_default();
        let valid = is_token(kind.trim()) && is_token(subtype.trim());
        cx.check(Id::TypeForm, valid, || {
            format!("Content-Type {} is not type/subtype", shown(value))
        });
    }
    if let Some(value) = message.header("content-disposition") {
        let mut parts = value.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let handling = parts.all(|part| {
            part.split_once('=').is_none_or(|(name, value)| {
                !name.trim().eq_ignore_ascii_case("handling") || is_token(value.trim())
            })
        });
        cx.check(Id::DispositionForm, is_token(kind) && handling, || {
            format!(
                "Content-Disposition {} is not a token with parameters",
                shown(value)
            )
        });
    }
}
