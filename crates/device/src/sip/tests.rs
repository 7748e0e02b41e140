//! The driver against a device that answers from a list.

use std::collections::VecDeque;
use std::sync::Mutex;

use voxproof_spec::{AnswerRequest, AutoAnswerAction, DialAction, DtmfAction, Located, NoParameters};

use super::*;

const HOLD: DeviceAction = DeviceAction::Hold(NoParameters {});
const HANGUP: DeviceAction = DeviceAction::Hangup(NoParameters {});
const RESTART: DeviceAction = DeviceAction::Restart(NoParameters {});

/// Answers in turn and notes what it was told.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Result<SipAnswer, DeviceError>>>,
    told: Mutex<Vec<SipOrder>>,
}

#[async_trait]
impl SipLink for Script {
    async fn send(&self, order: SipOrder) -> Result<SipAnswer, DeviceError> {
        self.told.lock().unwrap().push(order);
        self.answers.lock().unwrap().pop_front().unwrap()
    }
}

impl Script {
    fn told(&self) -> Vec<SipOrder> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

fn answer(status: u16, body: &str) -> Result<SipAnswer, DeviceError> {
    Ok(SipAnswer {
        status,
        reason: "x".to_owned(),
        body: body.as_bytes().to_vec(),
        session: "s1".to_owned(),
        notified: None,
    })
}

fn silence() -> Result<SipAnswer, DeviceError> {
    Err(DeviceError::Timeout {
        action: "INVITE".to_owned(),
        after: Duration::from_secs(4),
    })
}

async fn sip(driver: SipDriver, answers: Vec<Result<SipAnswer, DeviceError>>) -> (Sip, Arc<Script>) {
    let script = Arc::new(Script {
        answers: Mutex::new(answers.into()),
        told: Mutex::default(),
    });
    let mut sip = Sip::new(driver, Arc::<Script>::clone(&script));
    sip.start(&LabAddress::example()).await.unwrap();
    (sip, script)
}

fn everything() -> SipDriver {
    SipDriver {
        answer: vec![AnswerRequest::AnswerMode, AnswerRequest::CallInfo],
        refer: true,
        csta: true,
        check_sync: true,
        unattended: false,
    }
}

fn uri(actor: &str) -> String {
    format!("sip:{actor}@192.0.2.1:5060")
}

fn dial() -> DeviceAction {
    DeviceAction::Dial(DialAction {
        to: Located::synthetic("peer_a".to_owned()),
    })
}

fn calls(calls: &[(&str, &str)]) -> Result<SipAnswer, DeviceError> {
    let infos: String = calls
        .iter()
        .map(|(id, state)| {
            format!(
                "<snapshotDeviceResponseInfo><connectionIdentifier><callID>{id}</callID><deviceID>d</deviceID>\
                 </connectionIdentifier><localCallState><compoundCallState><localConnectionState>{state}\
                 </localConnectionState></compoundCallState></localCallState></snapshotDeviceResponseInfo>"
            )
        })
        .collect();
    answer(
        200,
        &format!("<SnapshotDeviceResponse>{infos}</SnapshotDeviceResponse>"),
    )
}

const READY: &str =
    "<RequestSystemStatusResponse><systemStatus>normal</systemStatus></RequestSystemStatusResponse>";

#[tokio::test]
async fn a_call_is_placed_by_refer() {
    let (mut sip, script) = sip(everything(), vec![answer(202, "")]).await;
    assert_eq!(sip.perform(&dial(), &uri).await.unwrap(), "202 x");
    assert_eq!(
        script.told(),
        [SipOrder {
            method: "REFER",
            headers: vec![("Refer-To", "<sip:peer_a@192.0.2.1:5060>".to_owned())],
            notified_within: Some(FIRST_NOTIFY),
            ..SipOrder::default()
        }]
    );
}

#[tokio::test]
async fn what_is_refused_is_not_supported_and_not_asked_again() {
    for status in [403, 405, 488, 501] {
        let only_refer = SipDriver {
            refer: true,
            ..SipDriver::default()
        };
        let (mut sip, script) = sip(only_refer, vec![answer(status, "")]).await;
        let refused = Err(DeviceError::not_supported("dial"));
        assert_eq!(sip.perform(&dial(), &uri).await, refused);
        assert_eq!(sip.perform(&dial(), &uri).await, refused);
        assert_eq!(script.told().len(), 1);
    }
    // busy is no lack of a function; neither is silence
    let (mut sip, _) = sip(everything(), vec![answer(486, ""), silence()]).await;
    assert!(matches!(
        sip.perform(&dial(), &uri).await,
        Err(DeviceError::Control { .. })
    ));
    assert!(matches!(
        sip.perform(&dial(), &uri).await,
        Err(DeviceError::Timeout { .. })
    ));
}

#[tokio::test]
async fn what_a_referred_device_reports_counts() {
    let reports = |fragment: &str| {
        answer(202, "").map(|answer| SipAnswer {
            notified: Some(fragment.as_bytes().to_vec()),
            ..answer
        })
    };
    let driver = SipDriver {
        refer: true,
        ..SipDriver::default()
    };
    let answers = vec![
        reports("SIP/2.0 100 Trying\r\n"),
        reports("SIP/2.0 486 Busy Here\r\n"),
        reports("SIP/2.0 603 Decline\r\n"),
        reports("\u{0}"),
    ];
    let (mut sip, _) = sip(driver, answers).await;
    assert!(sip.perform(&dial(), &uri).await.is_ok());
    assert!(matches!(
        sip.perform(&dial(), &uri).await,
        Err(DeviceError::Control { .. })
    ));
    assert_eq!(
        sip.perform(&dial(), &uri).await,
        Err(DeviceError::not_supported("dial"))
    );
    assert!(sip.perform(&dial(), &uri).await.is_ok());
}

#[tokio::test]
async fn csta_looks_for_the_call_and_closes_its_session() {
    let answers = vec![
        answer(200, READY),
        calls(&[("1", "hold"), ("2", "connected")]),
        answer(200, "<GenerateDigitsResponse/>"),
        answer(200, ""),
    ];
    let (mut sip, script) = sip(everything(), answers).await;
    let keys = DeviceAction::Dtmf(DtmfAction {
        digits: "1#".to_owned(),
    });
    sip.perform(&keys, &uri).await.unwrap();
    let told = script.told();
    let methods: Vec<&str> = told.iter().map(|order| order.method).collect();
    assert_eq!(methods, ["INVITE", "INFO", "INFO", "BYE"]);
    assert!(
        told[1..]
            .iter()
            .all(|order| order.session.as_deref() == Some("s1"))
    );
    let (content_type, body) = told[2].body.clone().unwrap();
    assert_eq!(content_type, "application/csta+xml");
    assert!(body.contains("<callID>2</callID>") && body.contains("<charactersToSend>1#</charactersToSend>"));
    assert!(
        told[1]
            .body
            .as_ref()
            .unwrap()
            .1
            .contains("sip:dut@127.0.0.1:5060")
    );
}

#[tokio::test]
async fn what_csta_says_about_the_state_is_no_lack() {
    let answers = vec![
        answer(200, READY),
        calls(&[("1", "alerting")]),
        answer(200, ""),
        answer(200, READY),
        calls(&[("1", "connected")]),
        answer(
            200,
            "<CSTAErrorCode><stateIncompatibility>invalidObjectState</stateIncompatibility></CSTAErrorCode>",
        ),
        answer(200, ""),
        answer(200, READY),
        calls(&[("1", "connected")]),
        answer(
            200,
            "<CSTAErrorCode><operation>serviceNotSupported</operation></CSTAErrorCode>",
        ),
        answer(200, ""),
    ];
    let (mut sip, script) = sip(everything(), answers).await;
    let error = sip.perform(&HOLD, &uri).await.unwrap_err();
    assert!(error.to_string().contains("no call that is connected"), "{error}");
    let error = sip.perform(&HANGUP, &uri).await.unwrap_err();
    assert!(error.to_string().contains("invalidObjectState"), "{error}");
    assert_eq!(
        sip.perform(&HOLD, &uri).await,
        Err(DeviceError::not_supported("hold"))
    );
    assert_eq!(
        script.told().iter().filter(|order| order.method == "BYE").count(),
        3
    );
    assert!(!sip.log().unwrap().is_empty());
}

#[tokio::test]
async fn a_device_without_csta_is_found_out_once() {
    for first in [answer(415, ""), silence(), answer(200, "v=0\r\n")] {
        let accepted = first.as_ref().is_ok_and(|answer| answer.status == 200);
        let (mut sip, script) = sip(everything(), vec![first, answer(200, "")]).await;
        for _ in 0..2 {
            assert_eq!(
                sip.perform(&HOLD, &uri).await,
                Err(DeviceError::not_supported("hold"))
            );
        }
        assert_eq!(script.told().len(), if accepted { 2 } else { 1 });
    }
}

#[tokio::test]
async fn calls_ask_to_be_answered_only_when_they_are_to_be() {
    let (mut sip, _) = sip(everything(), vec![]).await;
    assert!(sip.call_headers().is_empty());
    sip.prepare(true).await.unwrap();
    let names: Vec<&str> = sip.call_headers().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["Answer-Mode", "Call-Info"]);
    let off = DeviceAction::AutoAnswer(AutoAnswerAction { on: false });
    sip.perform(&off, &uri).await.unwrap();
    assert!(sip.call_headers().is_empty());
}

#[tokio::test]
async fn it_restarts_by_check_sync() {
    let (mut sip, script) = sip(everything(), vec![answer(200, ""), answer(489, "")]).await;
    sip.perform(&RESTART, &uri).await.unwrap();
    assert_eq!(
        script.told()[0].headers[0],
        ("Event", "check-sync;reboot=true".to_owned())
    );
    assert_eq!(
        sip.perform(&RESTART, &uri).await,
        Err(DeviceError::not_supported("restart"))
    );
}
