//! A message as the areas look at it: its fields found once, its Vias and Contacts read once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Deref;

use voxproof_sip::sdp::{Description, SdpError};
use voxproof_sip::{HeaderView, Message, NameAddr, OwnView, Via};

/// Some sixty fields are asked for in each message and most are not there. [`Message`] walks its lines each time; this
/// keeps the lines with a mark each, and all marks in one word.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    message: &'a Message,
    marks: u64,
    fields: Vec<Field<'a>>,
    vias: OnceCell<Vec<Via>>,
    contacts: OnceCell<Vec<Option<NameAddr>>>,
}

#[derive(Debug)]
struct Field<'a> {
    mark: u64,
    /// As on the wire, or the long name in lower case.
    name: &'a str,
    value: &'a str,
}

/// One bit of 64: the same for names that are the same, in any case.
fn mark(name: &str) -> u64 {
    let (Some(first), Some(last)) = (name.as_bytes().first(), name.as_bytes().last()) else {
        return 0;
    };
    let sum = name.len() as u64 * 11 + u64::from(first | 0x20) * 7 + u64::from(last | 0x20) * 3;
    1 << (sum & 63)
}

impl<'a> Reading<'a> {
    pub(crate) fn new(message: &'a Message) -> Self {
        let fields = plain_fields(message).unwrap_or_else(|| {
            message
                .header_lines()
                .iter()
                .map(|line| Field {
                    mark: mark(&line.name),
                    name: &line.name,
                    value: &line.value,
                })
                .collect()
        });
        Self {
            message,
            marks: fields.iter().fold(0, |marks, field| marks | field.mark),
            fields,
            vias: OnceCell::new(),
            contacts: OnceCell::new(),
        }
    }

    /// Value of every field of that name (long, in any case), in order; comma lists are not split.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let mark = mark(name);
        let fields = if self.marks & mark == 0 {
            &[]
        } else {
            self.fields.as_slice()
        };
        fields
            .iter()
            .filter(move |field| field.mark == mark && field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value)
    }

    /// Value of the first field of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// Values of a list header over all its fields, split at commas outside quotes and brackets, empty ones left out.
    pub(crate) fn header_values(&self, name: &str) -> Vec<Cow<'a, str>> {
        if self.headers(name).any(|value| value.contains(',')) {
            return self
                .message
                .header_values(name)
                .into_iter()
                .map(Cow::Owned)
                .collect();
        }
        self.headers(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(Cow::Borrowed)
            .collect()
    }

    /// Every Via that can be read, top first.
    pub(crate) fn vias(&self) -> &[Via] {
        self.vias.get_or_init(|| {
            self.header_values("via")
                .iter()
                .filter_map(|value| OwnView.via(value).ok())
                .collect()
        })
    }

    /// Each Contact value, `None` where it cannot be read.
    pub(crate) fn contacts(&self) -> &[Option<NameAddr>] {
        self.contacts.get_or_init(|| {
            self.header_values("contact")
                .iter()
                .map(|value| OwnView.name_addr(value).ok())
                .collect()
        })
    }

    pub(crate) fn call_id(&self) -> Option<&'a str> {
        self.header("call-id")
    }

    /// The method that CSeq names, for requests and responses.
    pub(crate) fn cseq_method(&self) -> Option<&'a str> {
        self.header("cseq")?.split_ascii_whitespace().nth(1)
    }

    pub(crate) fn content_type(&self) -> Option<&'a str> {
        self.header("content-type")
    }

    pub(crate) fn is_sdp(&self) -> bool {
        let media_type = self
            .content_type()
            .map(|value| value.split(';').next().unwrap_or_default().trim());
        media_type.is_some_and(|value| value.eq_ignore_ascii_case("application/sdp"))
            && !self.body().is_empty()
    }

    pub(crate) fn sdp(&self) -> Option<Result<Description, SdpError>> {
        self.is_sdp().then(|| Description::parse(self.body()))
    }

    /// The whole message, for as long as it lives.
    pub(crate) const fn message(&self) -> &'a Message {
        self.message
    }
}

impl Deref for Reading<'_> {
    type Target = Message;

    fn deref(&self) -> &Message {
        self.message
    }
}

/// The fields of a message about whose form nothing was noticed: no folding, no compact names, UTF-8.
fn plain_fields(message: &Message) -> Option<Vec<Field<'_>>> {
    if !message.findings().is_empty() {
        return None;
    }
    let bytes = message.bytes();
    let head = bytes.len() - message.body().len() - message.trailing().len();
    let head = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let mut fields = Vec::with_capacity(20);
    for line in head.split('\n').skip(1) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        let name = name.trim_ascii_end();
        fields.push(Field {
            mark: mark(name),
            name,
            value: value.trim_ascii(),
        });
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What [`Message`] says is what the areas see.
    fn agrees(bytes: &[u8]) {
        let message = Message::parse(bytes);
        let reading = Reading::new(&message);
        for name in [
            "via",
            "from",
            "to",
            "call-id",
            "cseq",
            "contact",
            "route",
            "allow",
            "supported",
            "subject",
            "content-length",
            "content-type",
            "x-thing",
        ] {
            assert_eq!(
                reading.headers(name).collect::<Vec<_>>(),
                message.headers(name).collect::<Vec<_>>(),
                "{name}"
            );
            assert_eq!(reading.header_values(name), message.header_values(name), "{name}");
        }
        assert_eq!(reading.is_sdp(), message.is_sdp());
        assert_eq!(reading.cseq_method(), message.cseq_method());
    }

    #[test]
    fn fields_are_those_of_the_message() {
        agrees(
            b"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nVIA : SIP/2.0/UDP i\r\nTo:<sip:b@h>\r\n\
              Contact: <sip:a@h>, \"x, y\" <sip:c@h>\r\nSupported:\r\nContent-Length: 2\r\n\r\nab",
        );
        agrees(b"INVITE sip:b@h SIP/2.0\r\nv: SIP/2.0/UDP h\r\nf: <sip:a@h>\r\n ;tag=1\r\nm: *\r\nk: timer\r\n\r\n");
        agrees(b"\r\nSIP/2.0 200 OK\nSubject: caf\xe9\nnonsense\nx-thing: 1\n\ncontact: <sip:body@h>");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_lines_read_the_same(lines in prop::collection::vec("(via|v|To|CONTACT|m|x-thing|Route|| a)[ :]{0,2}[ -~\r\t\u{e9},]{0,12}", 0..8)) {
            agrees(format!("OPTIONS sip:a@b SIP/2.0\r\n{}\r\n\r\nbody", lines.join("\r\n")).as_bytes());
            agrees(format!("SIP/2.0 200 OK\n{}\n", lines.join("\n")).as_bytes());
        }
    }
}
