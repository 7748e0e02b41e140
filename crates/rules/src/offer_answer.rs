//! Offers and answers of the device (RFC 3264).

use std::sync::Arc;

use voxproof_sip::sdp::{Description, Media};

use crate::catalogue::Id;
use crate::facts::Context;
use crate::sdp::attributes;

/// What the device said about its media in one call so far.
#[derive(Debug, Default)]
pub(crate) struct Session {
    last: Option<Arc<Description>>,
    /// Media index, dynamic payload type and what it was said to mean.
    mappings: Vec<(usize, u8, String)>,
}

impl Session {
    /// A description of the device against the ones before (RFC 3264 8).
    pub(crate) fn check(&mut self, cx: &mut Context<'_, '_>) {
        let facts = cx.facts;
        let Some(now) = &facts.description else { return };
        if let Some(before) = &self.last {
            origin(cx, before, now);
            cx.check(Id::MediaKept, now.media.len() >= before.media.len(), || {
                format!(
                    "{} media sections, the description before had {}",
                    now.media.len(),
                    before.media.len()
                )
            });
        }
        self.mappings(cx, now);
        self.last = Some(Arc::clone(now));
    }

    fn mappings(&mut self, cx: &mut Context<'_, '_>, now: &Description) {
        for (index, media) in now.media.iter().enumerate() {
            for map in media.rtpmaps.iter().filter(|map| map.payload_type >= 96) {
                let codec = format!("{}/{}", map.encoding.to_ascii_lowercase(), map.clock_rate);
                let known = self
                    .mappings
                    .iter()
                    .find(|(section, number, _)| (*section, *number) == (index, map.payload_type));
                match known {
                    Some((_, number, before)) => cx.check(Id::MappingKept, *before == codec, || {
                        format!("payload type {number} is {codec} now and was {before}")
                    }),
                    None if self.mappings.len() < 128 => {
                        self.mappings.push((index, map.payload_type, codec));
                    }
                    None => {}
                }
            }
        }
    }
}

fn origin(cx: &mut Context<'_, '_>, before: &Description, now: &Description) {
    let (old, new) = (&before.origin, &now.origin);
    let same =
        (&old.username, &old.session_id, &old.address) == (&new.username, &new.session_id, &new.address);
    cx.check(Id::OriginKept, same, || {
        format!(
            "o={} {} {}, the description before had {} {} {}",
            new.username, new.session_id, new.address, old.username, old.session_id, old.address
        )
    });
    if !same {
        return;
    }
    let (was, is) = (old.session_version, new.session_version);
    if without_origin(before.raw()).eq(without_origin(now.raw())) {
        cx.check(Id::VersionUnchanged, is == was, || {
            format!("version {is} after {was}, but nothing has changed")
        });
    } else {
        cx.check(Id::VersionChanged, is > was, || {
            format!("version {is} after {was}, but the description has changed")
        });
        if is > was {
            cx.check(Id::VersionByOne, is - was == 1, || {
                format!("version {is} after {was}, expected one more")
            });
        }
    }
}

/// The lines but `o=`, line ends and trailing blanks left out.
fn without_origin(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.starts_with(b"o=") && !line.is_empty())
}

/// An answer of the device to an offer of the lab (RFC 3264 6).
pub(crate) fn check_answer(cx: &mut Context<'_, '_>, offer: &Description, answer: &Description) {
    let (offered, given) = (offer.media.len(), answer.media.len());
    cx.check(Id::AnswerCount, offered == given, || {
        format!("{given} media sections in the answer, {offered} in the offer")
    });
    for (index, (asked, said)) in offer.media.iter().zip(&answer.media).enumerate() {
        let same = asked.kind == said.kind && asked.protocol.eq_ignore_ascii_case(&said.protocol);
        cx.check(Id::AnswerKind, same, || {
            format!(
                "m={} {} answered with m={} {}",
                asked.kind, asked.protocol, said.kind, said.protocol
            )
        });
        if asked.port == 0 {
            cx.check(Id::AnswerRejected, said.port == 0, || {
                format!(
                    "media section {} was offered with port 0 and answered with {}",
                    index + 1,
                    said.port
                )
            });
        }
        if asked.port == 0 || said.port == 0 {
            continue;
        }
        let allowed = asked.direction.answer_to();
        let (sends, receives) = (said.direction.sends(), said.direction.receives());
        let fits = (!sends || allowed.sends()) && (!receives || allowed.receives());
        cx.check(Id::AnswerDirection, fits, || {
            format!("{} answered with {}", asked.direction, said.direction)
        });
        formats(cx, asked, said);
        extras(cx, asked, said);
    }
}

fn formats(cx: &mut Context<'_, '_>, asked: &Media, said: &Media) {
    let rtp = asked.protocol.contains("RTP/");
    if !rtp {
        return;
    }
    let is_codec = |encoding: &str| {
        !encoding.eq_ignore_ascii_case("telephone-event") && !encoding.eq_ignore_ascii_case("CN")
    };
    let same = |one: &voxproof_sip::sdp::RtpMap, other: &voxproof_sip::sdp::RtpMap| {
        one.encoding.eq_ignore_ascii_case(&other.encoding) && one.clock_rate == other.clock_rate
    };
    let common = said
        .codecs()
        .filter(|map| is_codec(&map.encoding))
        .any(|map| asked.codecs().any(|offered| same(&offered, &map)))
        // a format without a known meaning is the same when its number is
        || said.formats.iter().any(|format| {
            asked.formats.contains(format) && format.parse().is_ok_and(|number| said.codec(number).is_none())
        });
    cx.check(Id::AnswerFormats, common, || {
        format!(
            "formats {:?} have no codec of the offer's {:?}",
            said.formats, asked.formats
        )
    });
    for map in said.codecs() {
        let Some(offered) = asked.codecs().find(|offered| same(offered, &map)) else {
            let encoding = map.encoding.clone();
            cx.check(Id::AnswerExtraFormats, false, || {
                format!("{encoding} was not offered")
            });
            continue;
        };
        cx.check(Id::AnswerExtraFormats, true, String::new);
        let kept = asked
            .codecs()
            .any(|offered| same(&offered, &map) && offered.payload_type == map.payload_type);
        cx.check(Id::AnswerNumbers, kept, || {
            format!(
                "{} has payload type {}, the offer had {}",
                map.encoding, map.payload_type, offered.payload_type
            )
        });
    }
}

fn extras(cx: &mut Context<'_, '_>, asked: &Media, said: &Media) {
    let has = |media: &Media, name: &str| media.attributes.iter().any(|(known, _)| known == name);
    if has(said, "rtcp-mux") {
        cx.check(Id::AnswerMux, has(asked, "rtcp-mux"), || {
            "rtcp-mux in the answer, but not in the offer".to_owned()
        });
    }
    if !has(said, "crypto") {
        return;
    }
    let first = |value: &str| {
        let mut parts = value.split_ascii_whitespace();
        (
            parts.next().unwrap_or_default().to_owned(),
            parts.next().unwrap_or_default().to_owned(),
        )
    };
    let chosen: Vec<_> = attributes(said, "crypto").map(first).collect();
    let offered: Vec<_> = attributes(asked, "crypto").map(first).collect();
    let right = matches!(chosen.as_slice(), [one] if offered.contains(one));
    cx.check(Id::AnswerCrypto, right, || {
        format!("crypto {chosen:?} in the answer, offered {offered:?}")
    });
}
