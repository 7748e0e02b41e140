//! The form of a session description of the device (RFC 8866).

use voxproof_sip::sdp::{Description, Direction, Media};

use crate::catalogue::Id;
use crate::facts::Context;
use crate::text::{is_digits, is_token, shown};

/// Line types of the session part in their order; `t` and `r` form groups.
const SESSION_ORDER: &str = "vosiuepcbtzka";
/// Line types of a media part in their order.
const MEDIA_ORDER: &str = "micbka";

pub(crate) fn check(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    if !facts.message.is_sdp() {
        return;
    }
    let body = facts.message.body();
    lines(cx, body);
    cx.check(Id::SdpReadable, facts.description.is_some(), || {
        let why = facts
            .message
            .sdp()
            .and_then(Result::err)
            .map(|error| error.to_string())
            .unwrap_or_default();
        format!("the session description cannot be read: {why}")
    });
    let Some(description) = &facts.description else {
        return;
    };
    cx.check(Id::SdpOrigin, is_digits(&description.origin.session_id), || {
        format!("session id {:?} is not a number", description.origin.session_id)
    });
    for media in &description.media {
        check_media(cx, description, media);
    }
}

fn lines(cx: &mut Context<'_, '_>, body: &[u8]) {
    let mut bare = false;
    let mut order = true;
    let mut rank = 0;
    let mut in_media = false;
    let mut seen = [false; 4];
    let mut last_was_end = true;
    let mut directions = 0_u32;
    let mut doubled = false;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        last_was_end = line.ends_with(b"\r\n");
        bare |= line.ends_with(b"\n") && !last_was_end;
        let [letter, b'=', rest @ ..] = line else { continue };
        let letter = if *letter == b'r' { b't' } else { *letter };
        if let Some(index) = b"vost".iter().position(|known| *known == letter)
            && let Some(flag) = seen.get_mut(index)
        {
            *flag = true;
        }
        let table = if letter == b'm' || in_media {
            MEDIA_ORDER
        } else {
            SESSION_ORDER
        };
        if letter == b'm' {
            in_media = true;
            rank = 0;
            directions = 0;
        }
        match table.bytes().position(|known| known == letter) {
            Some(position) if position >= rank => rank = position,
            Some(_) => order = false,
            // an unknown type is the reader's finding
            None => {}
        }
        let value = rest.trim_ascii_end();
        if letter == b'a' && std::str::from_utf8(value).is_ok_and(|name| Direction::parse(name).is_some()) {
            directions += 1;
            doubled |= directions > 1;
        }
    }
    cx.check(Id::SdpLineEnds, !bare && last_was_end, || {
        "a line of the session description does not end with CRLF".to_owned()
    });
    cx.check(Id::SdpOrder, order && body.starts_with(b"v=0"), || {
        "the lines are not in the order v o s i u e p c b t r z k a, then m i c b k a".to_owned()
    });
    cx.check(Id::SdpRequired, seen == [true; 4], || {
        let missing: String = "vost"
            .chars()
            .zip(seen)
            .filter(|(_, seen)| !seen)
            .map(|(letter, _)| letter)
            .collect();
        format!("no line of type {missing:?}")
    });
    cx.check(Id::SdpOneDirection, !doubled, || {
        "more than one direction attribute at one level".to_owned()
    });
}

fn check_media(cx: &mut Context<'_, '_>, description: &Description, media: &Media) {
    cx.check(Id::SdpConnection, description.address_of(media).is_some(), || {
        format!("no connection address for m={}", media.kind)
    });
    let crypto = attributes(media, "crypto");
    for value in crypto {
        cx.check(Id::CryptoForm, is_crypto(value), || {
            format!(
                "a=crypto:{} is not a tag, a suite and an inline key of the right length",
                shown(value)
            )
        });
    }
    if !media.protocol.starts_with("RTP/") && !media.protocol.starts_with("UDP/TLS/RTP/") {
        return;
    }
    for (index, format) in media.formats.iter().enumerate() {
        let number = format.parse::<u8>().ok().filter(|number| *number < 128);
        cx.check(Id::SdpFormats, number.is_some(), || {
            format!("format {format:?} of m={} is not a payload type", media.kind)
        });
        let repeated = media.formats.iter().take(index).any(|before| before == format);
        cx.check(Id::SdpFormatsOnce, !repeated, || {
            format!("payload type {format} is listed twice")
        });
        if let Some(number) = number.filter(|number| *number >= 96)
            && media.port != 0
        {
            let mapped = media.rtpmaps.iter().any(|map| map.payload_type == number);
            cx.check(Id::SdpDynamic, mapped, || {
                format!("dynamic payload type {number} has no rtpmap")
            });
        }
    }
    if media.port != 0 {
        for map in &media.rtpmaps {
            let listed = media
                .formats
                .iter()
                .any(|format| format.parse() == Ok(map.payload_type));
            cx.check(Id::SdpMapListed, listed, || {
                format!(
                    "rtpmap for payload type {}, which m= does not list",
                    map.payload_type
                )
            });
            if map.encoding.eq_ignore_ascii_case("G722") {
                cx.check(Id::SdpG722Clock, map.clock_rate == 8000, || {
                    format!("G722 with an RTP clock of {}, expected 8000", map.clock_rate)
                });
            }
            if map.encoding.eq_ignore_ascii_case("opus") {
                cx.check(
                    Id::SdpOpusClock,
                    map.clock_rate == 48_000 && map.channels == Some(2),
                    || format!("opus/{}, expected opus/48000/2", map.clock_rate),
                );
            }
            if map.encoding.eq_ignore_ascii_case("telephone-event") {
                let events = media.fmtp(map.payload_type);
                cx.check(
                    Id::SdpEvents,
                    events.is_none_or(|events| event_ranges(events).is_some()),
                    || {
                        format!(
                            "fmtp {:?} of telephone-event is not a list of events",
                            events.unwrap_or_default()
                        )
                    },
                );
            }
        }
        // 9 is the discard port of a description that only lists abilities
        cx.check(
            Id::SdpEvenPort,
            media.port.is_multiple_of(2) || media.port == 9,
            || format!("odd RTP port {}", media.port),
        );
    }
    if let Some((_, Some(value))) = media.attributes.iter().find(|(name, _)| name == "ptime") {
        let valid = value
            .trim()
            .parse::<f32>()
            .is_ok_and(|time| time > 0.0 && time <= 1000.0);
        cx.check(Id::SdpPtime, valid, || {
            format!("a=ptime:{value}, expected milliseconds")
        });
    }
}

pub(crate) fn attributes<'a>(media: &'a Media, name: &'a str) -> impl Iterator<Item = &'a str> {
    media
        .attributes
        .iter()
        .filter(move |(known, _)| known == name)
        .map(|(_, value)| value.as_deref().unwrap_or_default())
}

/// `0-15,66` as ranges; `None` when it is no such list (RFC 4733 2.4.1).
pub(crate) fn event_ranges(text: &str) -> Option<Vec<(u8, u8)>> {
    let text = text.strip_prefix("events=").unwrap_or(text);
    text.split(';')
        .next()?
        .split(',')
        .map(|part| {
            let part = part.trim();
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            (low <= high).then_some((low, high))
        })
        .take(64)
        .collect()
}

/// `tag suite inline:key[|lifetime][|MKI:length]` (RFC 4568 9.1); the key's length is known for the common suites.
fn is_crypto(value: &str) -> bool {
    let mut parts = value.split_ascii_whitespace();
    let (Some(tag), Some(suite), Some(keys)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let octets = match suite {
        "AES_CM_128_HMAC_SHA1_80" | "AES_CM_128_HMAC_SHA1_32" | "F8_128_HMAC_SHA1_80" => Some(30),
        "AES_192_CM_HMAC_SHA1_80" | "AES_192_CM_HMAC_SHA1_32" => Some(38),
        "AES_256_CM_HMAC_SHA1_80" | "AES_256_CM_HMAC_SHA1_32" => Some(46),
        "AEAD_AES_128_GCM" => Some(28),
        "AEAD_AES_256_GCM" => Some(44),
        _ => None,
    };
    is_digits(tag)
        && tag.len() <= 9
        && is_token(suite)
        && keys.split(';').all(|key| {
            let Some(key) = key.strip_prefix("inline:") else {
                return false;
            };
            let salt = key.split('|').next().unwrap_or_default();
            let unpadded = salt.trim_end_matches('=');
            let valid = unpadded
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
            valid && octets.is_none_or(|octets| unpadded.len() * 6 / 8 == octets)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_lists_are_ranges() {
        assert_eq!(event_ranges("0-15,66"), Some(vec![(0, 15), (66, 66)]));
        assert_eq!(event_ranges("15-0"), None);
        assert_eq!(event_ranges("x"), None);
    }

    #[test]
    fn keys_have_the_length_of_their_suite() {
        let key = "A".repeat(40);
        assert!(is_crypto(&format!(
            "1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^31|1:1"
        )));
        assert!(!is_crypto(&format!("1 AES_256_CM_HMAC_SHA1_80 inline:{key}")));
        assert!(is_crypto(&format!(
            "1 AES_256_CM_HMAC_SHA1_80 inline:{}==",
            "A".repeat(62)
        )));
        assert!(!is_crypto("1 AES_CM_128_HMAC_SHA1_80"));
    }
}
