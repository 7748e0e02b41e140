//! The part of CSTA that the phone has (ECMA-269, ECMA-323), read and written on its own: whoever tests it has another.

/// Content type.
pub(crate) const CONTENT_TYPE: &str = "application/csta+xml";

const NAMESPACE: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/// A longer request is none.
const LONGEST: usize = 8192;

/// What the phone is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    SystemStatus,
    Snapshot,
    Make(String),
    Answer,
    /// By its identifier.
    Clear(String),
    Hold,
    Retrieve,
    Digits(String),
    Transfer(String),
    Complete,
    /// A service that it does not have.
    Unknown,
}

/// A call and what it is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalCall {
    pub(crate) call: String,
    pub(crate) device: String,
    pub(crate) state: &'static str,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Ready,
    Calls(Vec<LocalCall>),
    /// To this service.
    Done(&'static str),
    /// Kind and value.
    Error(&'static str, &'static str),
}

impl Request {
    /// Reads a request; nothing when it is none.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body.get(..body.len().min(LONGEST))?).into_owned();
        let root = root(&text)?;
        let parameter = |name: &str| content(&text, name).map(|value| unescaped(value.trim()));
        Some(match root {
            "RequestSystemStatus" => Self::SystemStatus,
            "SnapshotDevice" => Self::Snapshot,
            "MakeCall" => Self::Make(parameter("calledDirectoryNumber")?),
            "AnswerCall" => Self::Answer,
            "ClearConnection" => Self::Clear(parameter("callID")?),
            "HoldCall" => Self::Hold,
            "RetrieveCall" => Self::Retrieve,
            "GenerateDigits" => Self::Digits(parameter("charactersToSend")?),
            "SingleStepTransferCall" => Self::Transfer(parameter("transferredTo")?),
            "TransferCall" => Self::Complete,
            _ => Self::Unknown,
        })
    }
}

impl Answer {
    pub(crate) const fn error(kind: &'static str, value: &'static str) -> Self {
        Self::Error(kind, value)
    }

    pub(crate) fn to_xml(&self) -> String {
        let (name, content) = match self {
            Self::Ready => (
                "RequestSystemStatusResponse".to_owned(),
                "<systemStatus>normal</systemStatus>".to_owned(),
            ),
            Self::Calls(calls) => {
                let infos: String = calls.iter().map(info).collect();
                (
                    "SnapshotDeviceResponse".to_owned(),
                    format!(
                        "<crossRefIDorSnapshotData><snapshotData>{infos}</snapshotData></crossRefIDorSnapshotData>"
                    ),
                )
            }
            Self::Done(service) => (format!("{service}Response"), String::new()),
            Self::Error(kind, value) => ("CSTAErrorCode".to_owned(), format!("<{kind}>{value}</{kind}>")),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{name} xmlns=\"{NAMESPACE}\">{content}</{name}>"
        )
    }
}

fn info(call: &LocalCall) -> String {
    let LocalCall { call, device, state } = call;
    format!(
        "<snapshotDeviceResponseInfo><connectionIdentifier><callID>{call}</callID><deviceID>{device}</deviceID>\
         </connectionIdentifier><localCallState><compoundCallState><localConnectionState>{state}</localConnectionState>\
         </compoundCallState></localCallState></snapshotDeviceResponseInfo>"
    )
}

/// The name of the first element, without its prefix.
fn root(text: &str) -> Option<&str> {
    let starts = |(at, _): &(usize, &str)| {
        let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
        next.is_some_and(char::is_alphabetic)
    };
    let (at, _) = text.match_indices('<').find(starts)?;
    let name = text.get(at + 1..)?;
    let name = name.split([' ', '>', '/', '\t', '\r', '\n']).next()?;
    name.rsplit(':').next()
}

/// What stands in the first element of a name.
fn content<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = text.split_once(&format!("<{name}"))?;
    let (attributes, inside) = behind.split_once('>')?;
    let empty = attributes.ends_with('/');
    let whole = attributes.is_empty() || attributes.starts_with([' ', '\t', '\r', '\n', '/']);
    if empty || !whole {
        return None;
    }
    inside.split_once("</").map(|(content, _)| content)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_with_and_without_ornament() {
        let read = |text: &str| Request::parse(text.as_bytes());
        assert_eq!(
            read(
                "<?xml version=\"1.0\"?>\r\n<!-- x --><MakeCall xmlns='x'><callingDevice>a</callingDevice>\
                  <calledDirectoryNumber> sip:b@c?x=1&amp;y </calledDirectoryNumber></MakeCall>"
            ),
            Some(Request::Make("sip:b@c?x=1&y".to_owned()))
        );
        assert_eq!(read("<RequestSystemStatus/>"), Some(Request::SystemStatus));
        assert_eq!(
            read(
                "<ClearConnection><connectionToBeCleared><callID >7</callID></connectionToBeCleared></ClearConnection>"
            ),
            Some(Request::Clear("7".to_owned()))
        );
        assert_eq!(read("<ParkCall/>"), Some(Request::Unknown));
        for nothing in [
            "",
            "v=0\r\n",
            "<",
            "<MakeCall/>",
            "<ClearConnection><callID/></ClearConnection>",
        ] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn answers_are_written() {
        let calls = Answer::Calls(vec![LocalCall {
            call: "3".to_owned(),
            device: "sip:a@b".to_owned(),
            state: "hold",
        }]);
        let text = calls.to_xml();
        assert!(text.contains("<callID>3</callID>") && text.contains(">hold<"));
        assert!(
            Answer::Done("HoldCall")
                .to_xml()
                .contains("<HoldCallResponse xmlns=")
        );
        assert!(
            Answer::error("operation", "generic")
                .to_xml()
                .ends_with("</CSTAErrorCode>")
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        #[test]
        fn no_request_is_too_strange(bytes: Vec<u8>, text in "<?[A-Za-z:]{0,9}[<>/a-z&; ]{0,40}") {
            let _ = Request::parse(&bytes);
            let _ = Request::parse(text.as_bytes());
        }
    }
}
