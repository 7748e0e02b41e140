//! The drivers of real softphones against the real programs: everything a driver orders shows on the wire.

mod support;

use std::f64::consts::PI;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Lab, children, installed, square_wave};
use tokio::time::sleep;
use voxproof_device::{
    Device, DeviceError, DeviceHealth, NoLink, ScriptedOperator, Workplace, create, probe,
};
use voxproof_net::Net;
use voxproof_record::Wav;
use voxproof_sip::sdp::Direction;
use voxproof_sip::{Message, sdp};
use voxproof_spec::{
    AutoAnswerAction, BaresipDriver, Capability, DeviceAction, DeviceFile, DeviceIdentity, DialAction,
    Driver, DtmfAction, LinphoneDriver, Located, LoopbackAction, NoParameters, TransferAction,
};

const NONE: NoParameters = NoParameters {};

fn device_file(driver: Driver) -> DeviceFile {
    DeviceFile {
        device: DeviceIdentity {
            manufacturer: "x".into(),
            model: "x".into(),
            firmware: "auto".into(),
        },
        driver: driver.into(),
        ics: Default::default(),
        ixit: Default::default(),
        media: Default::default(),
    }
}

fn speech() -> Wav {
    let samples = (0..8000)
        .map(|n| (8000.0 * (2.0 * PI * 1000.0 * f64::from(n) / 8000.0).sin()) as i16)
        .collect();
    Wav {
        sample_rate: 8000,
        samples,
    }
}

fn workplace(net: &Net, scratch: PathBuf) -> Workplace {
    Workplace {
        net: net.clone(),
        speech: speech(),
        operator: Arc::new(ScriptedOperator::default()),
        link: Arc::new(NoLink),
        scratch,
    }
}

fn direction(message: &Message) -> Option<Direction> {
    message
        .sdp()?
        .ok()?
        .audio()
        .map(|audio: &sdp::Media| audio.direction)
}

fn expires_zero(message: &Message) -> bool {
    message.method() == Some("REGISTER")
        && (message.expires() == Some(0)
            || message
                .contacts()
                .iter()
                .any(|contact| contact.params.value("expires") == Some("0")))
}

fn instance(register: &Message) -> String {
    let contacts = register.contacts();
    contacts[0]
        .params
        .value("+sip.instance")
        .expect("an instance")
        .to_owned()
}

fn port(register: &Message) -> Option<u16> {
    register.contacts()[0].uri.port
}

fn silent(payload: &[u8]) -> bool {
    payload.iter().all(|byte| byte & 0x7f >= 0x7e)
}

fn rms(samples: &[i16]) -> f64 {
    (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

struct Bench {
    lab: Lab,
    device: Box<dyn Device>,
    program: &'static str,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new(driver: Driver, program: &'static str) -> Self {
        let net = Net::os();
        let folder = tempfile::tempdir().unwrap();
        let place = workplace(&net, folder.path().join("scratch"));
        let device = create(&device_file(driver), &place).unwrap();
        Self {
            lab: Lab::open(&net).await,
            device,
            program,
            _folder: folder,
        }
    }

    async fn act(&mut self, action: DeviceAction) -> Result<String, DeviceError> {
        let uri = self.lab.uri();
        self.lab.during(self.device.perform(&action, &uri)).await
    }

    async fn does(&mut self, action: DeviceAction) {
        let name = action.name();
        if let Err(error) = self.act(action).await {
            let log = self.device.log().unwrap_or_default();
            panic!("{name}: {error}\n{}", String::from_utf8_lossy(&log));
        }
    }

    async fn prepare(&mut self, answering: bool) {
        self.lab.during(self.device.prepare(answering)).await.unwrap();
    }

    /// The phone ends its call and starts anew, and everything the driver says about it is right at each point.
    async fn starts_and_registers(&mut self) {
        let firmware = self.device.firmware().await;
        assert!(firmware.starts_with(|c: char| c.is_ascii_digit()), "{firmware}");
        assert!(matches!(
            self.device.health().await,
            DeviceHealth::Gone { own_fault: false, .. }
        ));
        let address = self.lab.address();
        for attempt in 1.. {
            let started = self.lab.during(self.device.start(&address)).await;
            match started {
                Ok(()) => break,
                // a run of somebody else on this machine has linphonec, and a whole suite takes some minutes
                Err(error) if attempt < 12 && error.to_string().contains("another run") => {}
                Err(error) => panic!("{error}"),
            }
        }
        self.lab.expect_request(0, "REGISTER").await;
        assert_eq!(self.device.health().await, DeviceHealth::Running);
    }

    async fn places_a_call(&mut self) {
        self.prepare(true).await;
        let error = self.act(DeviceAction::Hold(NONE)).await.unwrap_err();
        assert!(matches!(error, DeviceError::Control { .. }), "{error}");
        let (from, heard) = (self.lab.seen.len(), self.lab.heard.len());
        self.does(DeviceAction::Dial(DialAction {
            to: Located::synthetic("peer_b".to_owned()),
        }))
        .await;
        let invite = self.lab.expect_request(from, "INVITE").await;
        assert!(
            invite.request_uri().unwrap().starts_with("sip:peer_b@127.0.0.1:"),
            "{}",
            invite.summary()
        );
        self.lab.expect_request(from, "ACK").await;
        // it speaks what its microphone is given
        self.lab
            .expect_rtp(heard, 20, |kind, payload| kind == 0 && !silent(payload))
            .await;

        let from = self.lab.seen.len();
        self.does(DeviceAction::Hold(NONE)).await;
        let held = |m: &Message| {
            m.method() == Some("INVITE")
                && matches!(direction(m), Some(Direction::SendOnly | Direction::Inactive))
        };
        self.lab.expect(from, "hold", held).await;
        self.lab.expect_request(from, "ACK").await;
        let from = self.lab.seen.len();
        self.does(DeviceAction::Resume(NONE)).await;
        let resumed = |m: &Message| m.method() == Some("INVITE") && direction(m) == Some(Direction::SendRecv);
        self.lab.expect(from, "resume", resumed).await;
        self.lab.expect_request(from, "ACK").await;

        let heard = self.lab.heard.len();
        self.does(DeviceAction::Dtmf(DtmfAction {
            digits: "1#".to_owned(),
        }))
        .await;
        for event in [1, 11] {
            self.lab
                // a dynamic payload type, which is the phone's to choose
                .expect_rtp(heard, 3, |kind, payload| kind >= 96 && payload[0] == event)
                .await;
        }

        let from = self.lab.seen.len();
        self.does(DeviceAction::Transfer(TransferAction {
            to: Located::synthetic("peer_c".to_owned()),
        }))
        .await;
        let refer = self.lab.expect_request(from, "REFER").await;
        assert!(
            refer.header("Refer-To").unwrap().contains("sip:peer_c@"),
            "{:?}",
            refer.header("Refer-To")
        );

        self.does(DeviceAction::Hangup(NONE)).await;
        self.lab.expect_request(from, "BYE").await;
        let error = self.act(DeviceAction::Hangup(NONE)).await.unwrap_err();
        assert!(matches!(error, DeviceError::Control { .. }), "{error}");
    }

    async fn lets_a_call_ring_and_answers_when_told(&mut self) {
        self.prepare(false).await;
        let from = self.lab.seen.len();
        self.lab.call();
        self.lab.expect_status(from, 180..=180).await;
        self.lab.during(sleep(Duration::from_millis(400))).await;
        assert!(
            !self.lab.seen[from..].iter().any(|m| m.status() == Some(200)),
            "{:?}",
            self.lab.summaries(from)
        );
        self.does(DeviceAction::Answer(NONE)).await;
        self.lab.expect_status(from, 200..=200).await;
        self.lab.talk(100).await;
        self.lab.bye();
        self.lab.during(sleep(Duration::from_millis(200))).await;
        let recording = self
            .lab
            .during(self.device.recording())
            .await
            .expect("a recording");
        assert_eq!(recording.sample_rate, 8000);
        // two seconds of a loud tone, less what its jitter buffer drops at the start, and more where a phone on a busy
        // machine conceals packets that it got late
        let loud = recording
            .samples
            .chunks(160)
            .filter(|block| rms(block) > 3000.0)
            .count();
        assert!(
            (50..=150).contains(&loud),
            "{loud} blocks of {} are loud",
            recording.samples.len() / 160
        );

        self.prepare(false).await;
        assert_eq!(
            self.device.recording().await,
            None,
            "a new case starts with a fresh recording"
        );
        let from = self.lab.seen.len();
        self.lab.call();
        self.lab.expect_status(from, 180..=180).await;
        self.does(DeviceAction::Reject(NONE)).await;
        self.lab.expect_status(from, 400..=699).await;
        let error = self.act(DeviceAction::Answer(NONE)).await.unwrap_err();
        assert!(matches!(error, DeviceError::Control { .. }), "{error}");
    }

    async fn answers_by_itself(&mut self) {
        self.does(DeviceAction::AutoAnswer(AutoAnswerAction { on: true }))
            .await;
        let from = self.lab.seen.len();
        self.lab.call();
        self.lab.expect_status(from, 200..=200).await;
        // a case that left its call up leaves it to prepare()
        self.prepare(true).await;
        self.lab.expect_request(from, "BYE").await;
    }

    async fn loops(&mut self) {
        for on in [true, false] {
            self.prepare(true).await;
            self.does(DeviceAction::Loopback(LoopbackAction { on })).await;
            let from = self.lab.seen.len();
            self.lab.call();
            self.lab.expect_status(from, 200..=200).await;
            let heard = self.lab.heard.len();
            self.lab.talk(50).await;
            let wave = square_wave();
            let mine = |payload: &[u8]| payload.iter().filter(|byte| wave.contains(byte)).count() > 120;
            let echoed = self.lab.heard[heard..]
                .iter()
                .filter(|(_, payload)| mine(payload))
                .count();
            assert_eq!(echoed > 20, on, "{echoed} packets came back");
            self.prepare(true).await;
            self.lab.expect_request(from, "BYE").await;
        }
    }

    async fn stops_and_comes_back(&mut self) {
        let from = self.lab.seen.len();
        self.does(DeviceAction::Stop(NONE)).await;
        self.lab.expect(from, "un-registration", expires_zero).await;
        assert!(matches!(
            self.device.health().await,
            DeviceHealth::Gone { own_fault: false, .. }
        ));
        assert_eq!(children(self.program), Vec::<i32>::new());
        assert!(matches!(
            self.act(DeviceAction::Hold(NONE)).await,
            Err(DeviceError::Gone { .. })
        ));

        let from = self.lab.seen.len();
        self.prepare(false).await;
        self.lab.expect_request(from, "REGISTER").await;
        let from = self.lab.seen.len();
        self.does(DeviceAction::Restart(NONE)).await;
        let gone = self.lab.expect(from, "un-registration", expires_zero).await;
        let back = self
            .lab
            .expect(from, "registration", |m| {
                m.method() == Some("REGISTER") && !expires_zero(m)
            })
            .await;
        // the same device at the same place
        assert_eq!(instance(&gone), instance(&back));
        assert_eq!(port(&gone), port(&back));
    }

    async fn recovers_from_a_crash(&mut self, signals: &[(Signal, bool)]) {
        for &(signal, fault) in signals {
            let ids = children(self.program);
            let [id] = ids[..] else { panic!("{ids:?}") };
            kill(Pid::from_raw(id), signal).unwrap();
            let began = Instant::now();
            let health = loop {
                self.lab.during(sleep(Duration::from_millis(20))).await;
                match self.device.health().await {
                    DeviceHealth::Running => {
                        assert!(began.elapsed() < Duration::from_secs(20), "it survives {signal}");
                    }
                    gone @ DeviceHealth::Gone { .. } => break gone,
                }
            };
            assert!(
                matches!(health, DeviceHealth::Gone { own_fault, .. } if own_fault == fault),
                "{signal} {health:?}"
            );
            let error = self.act(DeviceAction::Hangup(NONE)).await.unwrap_err();
            assert!(matches!(error, DeviceError::Gone { .. }), "{error}");
            let from = self.lab.seen.len();
            let address = self.lab.address();
            self.lab.during(self.device.recover(&address)).await.unwrap();
            self.lab
                .expect(from, "registration", |m| {
                    m.method() == Some("REGISTER") && !expires_zero(m)
                })
                .await;
        }
    }

    async fn ends(&mut self) {
        let from = self.lab.seen.len();
        self.lab.during(self.device.stop()).await;
        self.lab.expect(from, "un-registration", expires_zero).await;
        assert_eq!(children(self.program), Vec::<i32>::new());
        let log = self.device.log().unwrap();
        assert!(!log.is_empty());
        assert_eq!(self.device.log().unwrap(), b"", "nothing is handed over twice");
    }
}

#[tokio::test]
async fn baresip_does_what_it_is_told() {
    if !installed("baresip") {
        return;
    }
    let driver = Driver::Baresip(BaresipDriver::default());
    assert!(probe(&device_file(driver.clone())).iter().all(|line| line.ok));
    let mut bench = Bench::new(driver, "baresip").await;
    assert!(bench.device.capabilities().contains(&Capability::Loopback));
    bench.starts_and_registers().await;
    bench.places_a_call().await;
    bench.lets_a_call_ring_and_answers_when_told().await;
    bench.answers_by_itself().await;
    bench.loops().await;
    bench.stops_and_comes_back().await;
    let signals = [
        (Signal::SIGSEGV, true),
        (Signal::SIGKILL, false),
        (Signal::SIGTERM, false),
    ];
    bench.recovers_from_a_crash(&signals).await;
    bench.ends().await;
}

#[tokio::test]
async fn linphone_does_what_it_is_told() {
    if !installed("linphonec") {
        return;
    }
    let mut bench = Bench::new(Driver::Linphone(LinphoneDriver::default()), "linphonec").await;
    bench.starts_and_registers().await;
    bench.places_a_call().await;
    bench.lets_a_call_ring_and_answers_when_told().await;
    bench.answers_by_itself().await;
    let looping = DeviceAction::Loopback(LoopbackAction { on: true });
    assert!(matches!(
        bench.act(looping).await,
        Err(DeviceError::NotSupported { .. })
    ));
    bench.stops_and_comes_back().await;
    // no SIGTERM: its handler takes the phone's locks and hangs when the phone has them
    bench
        .recovers_from_a_crash(&[(Signal::SIGSEGV, true), (Signal::SIGKILL, false)])
        .await;
    bench.ends().await;
}

#[tokio::test]
async fn a_program_that_does_not_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::os();
    let lab = Lab::open(&net).await;
    for (program, words) in [
        ("no-such-phone", "not installed"),
        ("false", "exited by itself with code 1"),
    ] {
        let driver = Driver::Baresip(BaresipDriver {
            program: program.to_owned(),
            ..Default::default()
        });
        let place = workplace(&net, folder.path().join(program));
        let mut device = create(&device_file(driver), &place).unwrap();
        let error = device.start(&lab.address()).await.unwrap_err();
        assert!(
            matches!(error, DeviceError::Unreachable { .. }) && error.to_string().contains(words),
            "{error}"
        );
        assert_eq!(device.firmware().await, "unknown");
    }
}
