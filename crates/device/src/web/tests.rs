//! Each interface against a server that answers as the vendor's public documentation says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use voxproof_spec::{DialAction, DtmfAction, Located, NoParameters, TransferAction};

use super::*;

/// A phone's web server: notes every request that carries credentials, answers as it is told.
struct Phone {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

fn phone(challenge: &'static str, answer: fn(&str) -> (u16, String)) -> Phone {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            let mut length = 0;
            let mut credentials = String::new();
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap(),
                    "authorization" => credentials = value.trim().to_owned(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let (status, further, text) = if credentials.starts_with("Basic YWRtaW46cHc=")
                || (credentials.starts_with("Digest") && credentials.contains("response="))
            {
                notes.lock().unwrap().push(
                    format!("{path} {}", String::from_utf8_lossy(&body))
                        .trim()
                        .to_owned(),
                );
                let (status, text) = answer(&path);
                (status, String::new(), text)
            } else {
                (401, format!("WWW-Authenticate: {challenge}\r\n"), String::new())
            };
            let mut stream = stream;
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\n{further}Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            );
        }
    });
    Phone { address, seen }
}

impl Phone {
    fn driver(&self, interface: WebInterface) -> WebDriver {
        WebDriver {
            interface,
            address: Located::synthetic(self.address.clone()),
            username: "admin".to_owned(),
            password: "pw".to_owned(),
            line: 1,
            answers_by_itself: false,
            unattended: true,
        }
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn web(driver: WebDriver) -> Web {
    let mut web = Web::new(driver);
    web.lab = Some(LabAddress::example());
    web
}

fn uri(actor: &str) -> String {
    match actor {
        "elsewhere" => "sip:peer_b@192.0.2.9:5070".to_owned(),
        actor => format!("sip:{actor}@127.0.0.1:5060"),
    }
}

fn dial(to: &str) -> DeviceAction {
    DeviceAction::Dial(DialAction {
        to: Located::synthetic(to.to_owned()),
    })
}

fn keys(digits: &str) -> DeviceAction {
    DeviceAction::Dtmf(DtmfAction {
        digits: digits.to_owned(),
    })
}

fn transfer(to: &str) -> DeviceAction {
    DeviceAction::Transfer(TransferAction {
        to: Located::synthetic(to.to_owned()),
    })
}

const ANSWER: DeviceAction = DeviceAction::Answer(NoParameters {});
const HANGUP: DeviceAction = DeviceAction::Hangup(NoParameters {});
const HOLD: DeviceAction = DeviceAction::Hold(NoParameters {});
const BASIC: &str = "Basic realm=\"phone\"";
const DIGEST: &str = "Digest realm=\"phone\", nonce=\"abc\", qop=\"auth\", algorithm=MD5";

#[tokio::test]
async fn yealink_takes_keys_one_by_one() {
    let phone = phone(BASIC, |path| {
        (
            200,
            if path.contains("phonecfg") {
                "fw=66.86.0.15<br>"
            } else {
                ""
            }
            .to_owned(),
        )
    });
    let mut web = web(phone.driver(WebInterface::Yealink));
    assert_eq!(web.firmware().await, "66.86.0.15");
    for action in [
        dial("peer_a"),
        dial("elsewhere"),
        keys("1*#"),
        HOLD,
        transfer("peer_b"),
        ANSWER,
        HANGUP,
    ] {
        web.perform(&action, &uri).await.unwrap();
    }
    assert_eq!(
        phone.seen(),
        [
            "/servlet?phonecfg=get&accounts=0&dnd=0&fw=1",
            "/servlet?key=number=peer%5Fa",
            "/servlet?key=number=peer%5Fb%40192%2E0%2E2%2E9%3A5070",
            "/servlet?key=1",
            "/servlet?key=*",
            "/servlet?key=POUND",
            "/servlet?key=F_HOLD",
            "/servlet?key=BTrans=peer%5Fb",
            "/servlet?key=ASW",
            "/servlet?key=CALLEND",
        ]
    );
    let log = String::from_utf8(web.log().unwrap()).unwrap();
    assert!(log.contains("/servlet?key=ASW") && !log.contains("pw"), "{log}");
}

#[tokio::test]
async fn snom_is_asked_with_a_digest() {
    let phone = phone(DIGEST, |_| (200, String::new()));
    let mut web = web(phone.driver(WebInterface::Snom));
    for action in [dial("peer_a"), keys("5#"), HANGUP] {
        web.perform(&action, &uri).await.unwrap();
    }
    assert_eq!(
        phone.seen(),
        [
            "/command.htm?number=peer%5Fa",
            "/command.htm?key_dtmf=5",
            "/command.htm?key_dtmf=%23",
            "/command.htm?RELEASE_ALL_CALLS",
        ]
    );
    let error = web.perform(&transfer("peer_b"), &uri).await.unwrap_err();
    assert_eq!(error, DeviceError::not_supported("transfer"));
}

#[tokio::test]
async fn poly_is_told_which_call() {
    let phone = phone(DIGEST, |path| {
        let text = match path {
            poly::STATUS => r#"{"data":[{"CallHandle":"0x4","CallState":"Connected"}],"Status":"2000"}"#,
            poly::DEVICE => {
                r#"{"data":{"ModelNumber":"VVX 411","FirmwareRelease":"5.9.2.3446"},"Status":"2000"}"#
            }
            path if path.ends_with("holdCall") => r#"{"Status":"4007"}"#,
            _ => r#"{"Status":"2000"}"#,
        };
        (200, text.to_owned())
    });
    let mut web = web(phone.driver(WebInterface::Poly));
    assert_eq!(web.firmware().await, "5.9.2.3446");
    for action in [dial("peer_a"), keys("12"), transfer("elsewhere"), ANSWER] {
        web.perform(&action, &uri).await.unwrap();
    }
    assert_eq!(
        phone.seen(),
        [
            poly::DEVICE,
            r#"/api/v1/callctrl/dial {"data":{"Dest":"peer_a","Line":"1","Type":"TEL"}}"#,
            r#"/api/v1/callctrl/sendDTMF {"data":{"Digits":"12"}}"#,
            poly::STATUS,
            r#"/api/v1/callctrl/transferCall {"data":{"Ref":"0x4","TransferDest":"peer_b@192.0.2.9:5070"}}"#,
            poly::STATUS,
            r#"/api/v1/callctrl/answerCall {"data":{"Ref":"0x4"}}"#,
        ]
    );
    let error = web.perform(&HOLD, &uri).await.unwrap_err();
    assert!(error.to_string().contains("no such call"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_and_a_phone_that_is_not_there_are_told() {
    let phone = phone(BASIC, |_| (200, String::new()));
    let mut driver = phone.driver(WebInterface::Yealink);
    driver.password = "wrong".to_owned();
    let error = web(driver.clone()).perform(&HANGUP, &uri).await.unwrap_err();
    assert!(error.to_string().contains("password"), "{error}");
    assert!(examine(&driver).is_err());
    driver.password = "pw".to_owned();
    assert!(examine(&driver).unwrap().contains("200"));

    // a port that was free a moment ago
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    driver.address = Located::synthetic(format!("http://{gone}"));
    let error = web(driver).perform(&HANGUP, &uri).await.unwrap_err();
    assert!(matches!(error, DeviceError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn what_the_interface_cannot_do_is_not_supported() {
    let phone = phone(BASIC, |_| (200, String::new()));
    let mut web = web(phone.driver(WebInterface::Snom));
    assert!(!web.capabilities().contains(&Capability::Transfer));
    assert_eq!(
        web.perform(&transfer("peer_b"), &uri).await,
        Err(DeviceError::not_supported("transfer"))
    );
    assert_eq!(phone.seen(), Vec::<String>::new());
}

#[test]
fn no_answer_of_a_phone_is_too_strange() {
    for text in ["", "[]", "{}", r#"{"data":7}"#, r#"{"data":[]}"#, "\u{0}", "1.2"] {
        assert_eq!(poly::call(text), None);
        assert_eq!(poly::firmware(text), None);
        assert!(poly::accepted(text).is_err());
        assert_eq!(yealink::firmware(text), None);
    }
}
