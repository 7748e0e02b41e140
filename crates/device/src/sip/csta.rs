//! CSTA requests and answers in XML (ECMA-269, ECMA-323) as uaCSTA sends them to phones (ECMA TR/87, ISO/IEC TR 22767).

use super::xml::{self, Element, XmlError, escaped};

/// Content type (registered by IANA for ECMA-323).
pub(super) const CONTENT_TYPE: &str = "application/csta+xml";

/// The namespace of edition 3, which phones know best.
const NAMESPACE: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/// A call at a device (ECMA-269: connection identifier).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The call.
    pub call: String,
    /// The device.
    pub device: String,
}

/// A call at a device and what it is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalConnection {
    /// Which one.
    pub connection: Connection,
    /// `alerting`, `connected`, `hold`, `initiated` ... as the device writes it.
    pub state: String,
}

/// What a device answers to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CstaAnswer {
    /// It has taken the request: the name of its response.
    Done(String),
    /// It has these calls (SnapshotDeviceResponse).
    Calls(Vec<LocalConnection>),
    /// It has not (CSTAErrorCode): kind and value of the error.
    Refused {
        /// `operation`, `stateIncompatibility` ...
        kind: String,
        /// The reason.
        value: String,
    },
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CstaError {
    /// Not XML.
    #[error("its answer cannot be read: {0}")]
    Xml(#[from] XmlError),
    /// XML, but no CSTA answer.
    #[error("`{0}` is not an answer")]
    Unknown(String),
}

fn document(name: &str, content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<{name} xmlns=\"{NAMESPACE}\">{content}</{name}>\r\n"
    )
}

fn text(name: &str, value: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(value))
}

fn connection(name: &str, connection: &Connection) -> String {
    let (call, device) = (
        text("callID", &connection.call),
        text("deviceID", &connection.device),
    );
    format!("<{name}>{call}{device}</{name}>")
}

/// Whether the device is there and ready (ECMA-269 Request System Status): what a session begins with (TR/87 7.1).
pub(super) fn request_system_status() -> String {
    document("RequestSystemStatus", "")
}

/// Which calls there are at a device (ECMA-269 Snapshot Device).
pub(super) fn snapshot_device(device: &str) -> String {
    document("SnapshotDevice", &text("snapshotObject", device))
}

/// A call from a device, without asking its user first (ECMA-269 Make Call).
pub(super) fn make_call(device: &str, to: &str) -> String {
    let (from, to) = (text("callingDevice", device), text("calledDirectoryNumber", to));
    document(
        "MakeCall",
        &format!("{from}{to}{}", text("autoOriginate", "doNotPrompt")),
    )
}

/// Answers a ringing call (ECMA-269 Answer Call).
pub(super) fn answer_call(call: &Connection) -> String {
    document("AnswerCall", &connection("callToBeAnswered", call))
}

/// Ends a call, or rejects one that rings (ECMA-269 Clear Connection).
pub(super) fn clear_connection(call: &Connection) -> String {
    document("ClearConnection", &connection("connectionToBeCleared", call))
}

/// Puts a call on hold (ECMA-269 Hold Call).
pub(super) fn hold_call(call: &Connection) -> String {
    document("HoldCall", &connection("callToBeHeld", call))
}

/// Takes a call off hold (ECMA-269 Retrieve Call).
pub(super) fn retrieve_call(call: &Connection) -> String {
    document("RetrieveCall", &connection("callToBeRetrieved", call))
}

/// Presses keys in a call (ECMA-269 Generate Digits).
pub(super) fn generate_digits(call: &Connection, digits: &str) -> String {
    let call = connection("connectionToSendDigits", call);
    document(
        "GenerateDigits",
        &format!("{call}{}", text("charactersToSend", digits)),
    )
}

/// Transfers a call without asking (ECMA-269 Single Step Transfer Call).
pub(super) fn single_step_transfer_call(call: &Connection, to: &str) -> String {
    let call = connection("activeCall", call);
    document(
        "SingleStepTransferCall",
        &format!("{call}{}", text("transferredTo", to)),
    )
}

/// Connects the call on hold with the one that is up (ECMA-269 Transfer Call).
pub(super) fn transfer_call(held: &Connection, active: &Connection) -> String {
    let (held, active) = (connection("heldCall", held), connection("activeCall", active));
    document("TransferCall", &format!("{held}{active}"))
}

/// Reads what a device answers.
///
/// # Errors
/// [`CstaError`] when it is no CSTA answer.
pub fn parse_csta(bytes: &[u8]) -> Result<CstaAnswer, CstaError> {
    let root = xml::parse(bytes)?;
    match root.name.as_str() {
        "CSTAErrorCode" => Ok(refusal(&root)),
        "SnapshotDeviceResponse" => Ok(CstaAnswer::Calls(calls(&root))),
        name if name.ends_with("Response") => Ok(CstaAnswer::Done(root.name)),
        _ => Err(CstaError::Unknown(root.name)),
    }
}

fn refusal(root: &Element) -> CstaAnswer {
    let (kind, value) = root.children.first().map_or_else(
        || (String::new(), root.text.trim().to_owned()),
        |kind| (kind.name.clone(), kind.text.trim().to_owned()),
    );
    CstaAnswer::Refused { kind, value }
}

fn calls(root: &Element) -> Vec<LocalConnection> {
    let mut infos = Vec::new();
    root.all("snapshotDeviceResponseInfo", &mut infos);
    infos
        .into_iter()
        .filter_map(|info| {
            let part = |name| info.text_of(&["connectionIdentifier", name]);
            let mut states = Vec::new();
            info.all("localConnectionState", &mut states);
            Some(LocalConnection {
                connection: Connection {
                    call: part("callID")?,
                    device: part("deviceID").unwrap_or_default(),
                },
                state: states.first()?.text.trim().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n";

    fn call() -> Connection {
        Connection {
            call: "7&8".to_owned(),
            device: "sip:dut@192.0.2.1".to_owned(),
        }
    }

    #[test]
    fn requests_are_written_as_ecma_323_has_them() {
        const ID: &str = "<callID>7&amp;8</callID><deviceID>sip:dut@192.0.2.1</deviceID>";
        let held = Connection {
            call: "6".to_owned(),
            ..call()
        };
        let to = "sip:peer_a@192.0.2.1:5060";
        for (written, name, content) in [
            (request_system_status(), "RequestSystemStatus", String::new()),
            (
                snapshot_device("sip:dut@192.0.2.1"),
                "SnapshotDevice",
                "<snapshotObject>sip:dut@192.0.2.1</snapshotObject>".to_owned(),
            ),
            (
                make_call("sip:dut@192.0.2.1", to),
                "MakeCall",
                "<callingDevice>sip:dut@192.0.2.1</callingDevice><calledDirectoryNumber>sip:peer_a@192.0.2.1:5060\
                 </calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>"
                    .to_owned(),
            ),
            (answer_call(&call()), "AnswerCall", format!("<callToBeAnswered>{ID}</callToBeAnswered>")),
            (
                clear_connection(&call()),
                "ClearConnection",
                format!("<connectionToBeCleared>{ID}</connectionToBeCleared>"),
            ),
            (hold_call(&call()), "HoldCall", format!("<callToBeHeld>{ID}</callToBeHeld>")),
            (
                retrieve_call(&call()),
                "RetrieveCall",
                format!("<callToBeRetrieved>{ID}</callToBeRetrieved>"),
            ),
            (
                generate_digits(&call(), "12#"),
                "GenerateDigits",
                format!("<connectionToSendDigits>{ID}</connectionToSendDigits><charactersToSend>12#</charactersToSend>"),
            ),
            (
                single_step_transfer_call(&call(), to),
                "SingleStepTransferCall",
                format!("<activeCall>{ID}</activeCall><transferredTo>{to}</transferredTo>"),
            ),
            (
                transfer_call(&held, &call()),
                "TransferCall",
                format!(
                    "<heldCall><callID>6</callID><deviceID>sip:dut@192.0.2.1</deviceID></heldCall>\
                     <activeCall>{ID}</activeCall>"
                ),
            ),
        ] {
            let expected = format!(
                "{HEAD}<{name} xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">{content}</{name}>\r\n"
            );
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn answers_of_phones_are_understood() {
        let snapshot = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<SnapshotDeviceResponse xmlns=\"http://www.ecma-international.org/\
             standards/ecma-323/csta/ed5\"><crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo>\
             <connectionIdentifier><callID>-12</callID><deviceID>sip:4@x</deviceID></connectionIdentifier><localCallState>\
             <compoundCallState><localConnectionState>alerting</localConnectionState></compoundCallState></localCallState>\
             </snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>";
        let alerting = LocalConnection {
            connection: Connection {
                call: "-12".to_owned(),
                device: "sip:4@x".to_owned(),
            },
            state: "alerting".to_owned(),
        };
        assert_eq!(
            parse_csta(snapshot.as_bytes()),
            Ok(CstaAnswer::Calls(vec![alerting]))
        );
        assert_eq!(
            parse_csta(b"<c:SnapshotDeviceResponse xmlns:c='x'/>"),
            Ok(CstaAnswer::Calls(vec![]))
        );
        assert_eq!(
            parse_csta(b"<HoldCallResponse xmlns=\"x\"/>"),
            Ok(CstaAnswer::Done("HoldCallResponse".to_owned()))
        );
        assert_eq!(
            parse_csta(
                b"<CSTAErrorCode><stateIncompatibility>noActiveCall</stateIncompatibility></CSTAErrorCode>"
            ),
            Ok(CstaAnswer::Refused {
                kind: "stateIncompatibility".to_owned(),
                value: "noActiveCall".to_owned()
            })
        );
        assert!(matches!(parse_csta(b"<MakeCall/>"), Err(CstaError::Unknown(_))));
        assert!(matches!(parse_csta(b"v=0\r\n"), Err(CstaError::Xml(_))));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_written_is_read_again(number in "[^\0\r]{0,20}", state in "[a-z]{1,9}") {
            let id = connection("connectionIdentifier", &Connection { call: number.clone(), device: String::new() });
            let state_text = text("localConnectionState", &state);
            let info = format!("<snapshotDeviceResponseInfo>{id}{state_text}</snapshotDeviceResponseInfo>");
            let read = parse_csta(document("SnapshotDeviceResponse", &info).as_bytes()).unwrap();
            let CstaAnswer::Calls(calls) = read else { panic!("{read:?}") };
            proptest::prop_assert_eq!(&calls[0].connection.call, number.trim());
            proptest::prop_assert_eq!(&calls[0].state, &state);
        }

        #[test]
        fn no_answer_is_too_strange(bytes: Vec<u8>, text in "<[A-Za-z]{1,8}Response>[<>/a-z&;]{0,30}") {
            let _ = parse_csta(&bytes);
            let _ = parse_csta(text.as_bytes());
        }
    }
}
