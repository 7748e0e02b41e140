//! linphonec: a softphone the lab starts and controls over its unix socket. Tried with 5.1.65.

mod config;
mod control;
mod lock;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use async_trait::async_trait;
use tokio::process::Command;
use tokio::time::timeout;
use voxproof_record::Wav;
use voxproof_spec::{Capability, DeviceAction, LinphoneDriver, MediaProfile, MediaSecurity};

use crate::process::{self, ENDING, LogFile, Program, gone, health_of, program_missing};
use crate::secret::masked_log;
use crate::{Device, DeviceError, DeviceHealth, LabAddress, ports, sound};
use control::Call;
pub(crate) use lock::obstacle;
use lock::{Right, socket_path};

/// Debian's package of it.
pub(crate) const PACKAGE: &str = "linphone-cli";

/// From start to socket it takes some 400 ms on an idle machine.
const STARTING: Duration = Duration::from_secs(15);

/// Commands are answered within 20 ms, digits within a second each.
const ANSWERING: Duration = Duration::from_secs(5);

/// The file its microphone hears. Relative to the folder it runs in.
const SPEECH: &str = "../speech.wav";

/// linphonec pauses before it plays the file again, so the file outlasts every call of a suite. In seconds.
const SPEECH_LENGTH: u32 = 300;

pub(crate) struct Linphone {
    driver: LinphoneDriver,
    media: MediaProfile,
    speech: Wav,
    scratch: PathBuf,
    starts: u32,
    /// One port for all starts, so that a call to the old contact after a restart still arrives.
    sip_port: Option<u16>,
    lab: Option<LabAddress>,
    running: Option<Running>,
    right: Option<Right>,
    /// A case shut it down; the next one needs it again.
    shut_down: bool,
    answering: bool,
    /// The instance it names itself by, which outlives a restart (RFC 5626 4.1).
    instance: Option<String>,
    /// Log of the starts before this one.
    earlier_log: Vec<u8>,
}

struct Running {
    program: Program,
    folder: PathBuf,
    /// linphonec's own log, with its SIP messages.
    own_log: LogFile,
    recordings: u32,
}

impl Running {
    fn recording(&self) -> String {
        format!("recording-{}.wav", self.recordings)
    }

    fn log(&mut self) -> Vec<u8> {
        let mut log = self.program.log().take();
        log.extend(self.own_log.take());
        log
    }
}

impl Linphone {
    pub(crate) fn new(driver: LinphoneDriver, media: MediaProfile, speech: Wav, scratch: PathBuf) -> Self {
        Self {
            driver,
            media,
            speech: sound::to_8khz(speech),
            scratch,
            starts: 0,
            sip_port: None,
            lab: None,
            running: None,
            right: None,
            shut_down: false,
            answering: true,
            instance: None,
            earlier_log: Vec::new(),
        }
    }

    /// A new folder with the files of one start.
    fn folder(&mut self, lab: &LabAddress) -> io::Result<PathBuf> {
        self.starts += 1;
        let folder = self.scratch.join(format!("linphone-{}", self.starts));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        // without the first of these two it stops half-started: no listening socket, no REGISTER, process alive
        fs::create_dir_all(folder.join("home/.local/share/linphone"))?;
        fs::create_dir_all(folder.join("home/.config/linphone"))?;
        if self.starts == 1 {
            sound::save_looped(&self.speech, 1, SPEECH_LENGTH, &folder.join(SPEECH))?;
        }
        let sip_port = match (self.driver.sip_port, self.sip_port) {
            (0, Some(port)) => port,
            (0, None) => ports::free_port(lab.device_ip)?,
            (port, _) => port,
        };
        self.sip_port = Some(sip_port);
        let rtp_port = ports::free_rtp_port(lab.device_ip)?;
        fs::write(
            folder.join("rc"),
            config::text(lab, &self.media, sip_port, rtp_port, self.instance.as_deref()),
        )?;
        fs::write(folder.join(config::AUTHORITY), &lab.authority_pem)?;
        if self.media.security == MediaSecurity::Dtls {
            let certificates = folder.join(config::CERTIFICATES);
            fs::create_dir_all(&certificates)?;
            let (name, identity) = config::identity().map_err(io::Error::other)?;
            fs::write(certificates.join(name), identity)?;
        }
        // a machine with a sound card must not ring
        fs::write(folder.join("no-sound.conf"), "")?;
        Ok(folder)
    }

    async fn launch(&mut self, lab: &LabAddress) -> Result<Running, DeviceError> {
        let program = process::find_program(&self.driver.program)
            .ok_or_else(|| program_missing(&self.driver.program, PACKAGE))?;
        let folder = self.folder(lab).map_err(|error| {
            DeviceError::unreachable(
                "linphonec",
                format!("its folder cannot be written: {error}"),
                "make the run's folder writable",
            )
        })?;
        // its home has to be absolute
        let home = std::path::absolute(folder.join("home")).unwrap_or_else(|_| folder.join("home"));
        let mut command = Command::new(program);
        command
            .args(["--pipe", "-c", "rc", "-d", "6", "-l", "linphone.log"])
            .current_dir(&folder)
            .env("HOME", &home)
            .env("ALSA_CONFIG_PATH", "no-sound.conf")
            .env("PULSE_SERVER", "unix:/nonexistent")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME");
        if self.answering {
            command.arg("-a");
        }
        let mut program = Program::spawn(command, folder.join("log")).map_err(|error| {
            DeviceError::unreachable(
                "linphonec",
                error.to_string(),
                "check `program` in the device file",
            )
        })?;
        let started = timeout(STARTING, up(&mut program)).await;
        let own_log = LogFile::new(folder.join("linphone.log"));
        let mut running = Running {
            program,
            folder,
            own_log,
            recordings: 1,
        };
        match started {
            Ok(Ok(())) => Ok(running),
            Ok(Err(status)) => {
                let tail = running.program.log().tail(3);
                self.earlier_log.extend(running.log());
                Err(DeviceError::unreachable(
                    "linphonec",
                    format!("it did not start: {}: {tail}", gone(status)),
                    "run `voxproof doctor`, and look at the device log",
                ))
            }
            Err(_) => {
                running.program.end().await;
                self.earlier_log.extend(running.log());
                Err(DeviceError::Timeout {
                    action: "start".to_owned(),
                    after: STARTING,
                })
            }
        }
    }

    /// The running program, or how it ended.
    fn running(&mut self) -> Result<&mut Running, DeviceError> {
        let not_running = if self.shut_down {
            "the lab shut it down"
        } else {
            "it was not started"
        };
        let running = self.running.as_mut().ok_or_else(|| DeviceError::Gone {
            status: not_running.to_owned(),
        })?;
        match running.program.ended() {
            Some(status) => Err(gone(status)),
            None => Ok(running),
        }
    }

    /// Gives a command and returns the answer, good or bad.
    async fn ask(&mut self, action: &str, command: &str, within: Duration) -> Result<String, DeviceError> {
        let running = self.running()?;
        match timeout(within, control::ask(&socket_path(), command)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => match running.program.ends_within(Duration::from_millis(500)).await {
                // a refused connection is how a crash shows first
                Some(status) => Err(gone(status)),
                None => Err(DeviceError::control(action, error.to_string())),
            },
            Err(_) => Err(DeviceError::Timeout {
                action: action.to_owned(),
                after: within,
            }),
        }
    }

    /// Gives a command that must be carried out.
    async fn carry_out(&mut self, action: &str, command: &str) -> Result<String, DeviceError> {
        let answer = self.ask(action, command, ANSWERING).await?;
        match control::complaint(&answer) {
            Some(complaint) => Err(DeviceError::control(action, complaint)),
            None => Ok(answer),
        }
    }

    async fn calls(&mut self, action: &str) -> Result<Vec<Call>, DeviceError> {
        Ok(control::calls(&self.ask(action, "calls", ANSWERING).await?))
    }

    /// The call in one of these states.
    async fn call(&mut self, action: &str, states: &[&str], missing: &str) -> Result<u32, DeviceError> {
        let calls = self.calls(action).await?;
        let call = calls.iter().find(|call| states.contains(&call.state.as_str()));
        call.map(|call| call.id)
            .ok_or_else(|| DeviceError::control(action, missing))
    }

    async fn ringing(&mut self, action: &str) -> Result<u32, DeviceError> {
        self.call(
            action,
            &["IncomingReceived", "IncomingEarlyMedia"],
            "no call is ringing",
        )
        .await
    }

    async fn set_answering(&mut self, on: bool) -> Result<String, DeviceError> {
        let word = if on { "enable" } else { "disable" };
        let answer = self
            .carry_out("auto_answer", &format!("autoanswer {word}"))
            .await?;
        self.answering = on;
        Ok(answer)
    }

    async fn send_digits(&mut self, digits: &str) -> Result<String, DeviceError> {
        const ACTION: &str = "dtmf";
        // its command line takes a digit for a command; A to D it takes for words
        if let Some(other) = digits.chars().find(|digit| !"0123456789*#".contains(*digit)) {
            return Err(DeviceError::not_supported(&format!("dtmf {other}")));
        }
        self.call(ACTION, &["StreamsRunning"], "no call is established")
            .await?;
        let time =
            ANSWERING + Duration::from_secs(2) * u32::try_from(digits.len()).unwrap_or(u32::MAX).min(60);
        self.ask(ACTION, digits, time).await
    }

    /// A new recording file: linphonec appends to one it has written before.
    async fn record(&mut self) -> Result<(), DeviceError> {
        let running = self.running()?;
        running.recordings += 1;
        let command = format!("record {}", running.recording());
        self.carry_out("record", &command).await.map(drop)
    }

    /// Ends the program in order and keeps its log.
    async fn shut(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        if running.program.ended().is_none() {
            let _ = timeout(ENDING, control::quit(&socket_path())).await;
            let _ = running.program.ends_within(ENDING).await;
            running.program.end().await;
        }
        self.earlier_log.extend(running.log());
        let rewritten = fs::read_to_string(running.folder.join("rc")).unwrap_or_default();
        self.instance = config::instance(&rewritten).or_else(|| self.instance.take());
        // a killed one leaves it behind; the lock is still held, so it is nobody else's
        let _ = fs::remove_file(socket_path());
    }
}

/// Waits until it serves its socket, or returns how it ended.
async fn up(program: &mut Program) -> Result<(), ExitStatus> {
    loop {
        let id = program.id().and_then(|id| i32::try_from(id).ok());
        if id.is_some() && control::server_of(&socket_path()).await == id {
            return Ok(());
        }
        if let Some(status) = program.ends_within(Duration::from_millis(50)).await {
            return Err(status);
        }
    }
}

#[async_trait]
impl Device for Linphone {
    fn capabilities(&self) -> BTreeSet<Capability> {
        use Capability as C;
        BTreeSet::from([
            C::Answer,
            C::ManualAnswer,
            C::Reject,
            C::Dial,
            C::Hangup,
            C::Hold,
            C::Dtmf,
            C::Transfer,
            C::Restart,
            C::Stop,
            C::KnownSpeech,
            C::Recording,
        ])
    }

    async fn firmware(&mut self) -> String {
        process::version_of(&self.driver.program, "-v")
            .await
            .unwrap_or_else(|| "unknown".to_owned())
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        config::check(lab)?;
        config::check_profile(lab)?;
        self.shut().await;
        self.lab = Some(lab.clone());
        self.shut_down = false;
        // kept over restarts: another run must not slip in between
        if self.right.is_none() {
            self.right = Some(Right::acquire().await?);
        }
        self.running = Some(self.launch(lab).await?);
        self.carry_out("start", "soundcard use files").await?;
        self.carry_out("start", &format!("play {SPEECH}")).await?;
        self.record().await
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        match action {
            DeviceAction::Answer(_) => {
                let id = self.ringing(name).await?;
                self.carry_out(name, &format!("answer {id}")).await
            }
            DeviceAction::Reject(_) => {
                let id = self.ringing(name).await?;
                self.carry_out(name, &format!("terminate {id}")).await
            }
            DeviceAction::Hangup(_) => {
                if self.calls(name).await?.is_empty() {
                    return Err(DeviceError::control(name, "there is no call"));
                }
                self.carry_out(name, "terminate all").await
            }
            DeviceAction::Dial(dial) => self.carry_out(name, &format!("call {}", uri(&dial.to))).await,
            DeviceAction::Hold(_) => self.carry_out(name, "pause").await,
            DeviceAction::Resume(_) => {
                let id = self.call(name, &["Paused"], "no call is on hold").await?;
                self.carry_out(name, &format!("resume {id}")).await
            }
            DeviceAction::Dtmf(dtmf) => self.send_digits(&dtmf.digits).await,
            DeviceAction::Transfer(transfer) => {
                let states = ["StreamsRunning", "Paused", "PausedByRemote"];
                let id = self.call(name, &states, "no call is established").await?;
                self.carry_out(name, &format!("transfer {id} {}", uri(&transfer.to)))
                    .await
            }
            DeviceAction::Restart(_) => {
                let lab = self
                    .lab
                    .clone()
                    .ok_or_else(|| DeviceError::control(name, "it was never started"))?;
                self.start(&lab).await.map(|()| "started again".to_owned())
            }
            DeviceAction::Stop(_) => {
                self.running()?;
                self.stop().await;
                Ok("ended".to_owned())
            }
            DeviceAction::AutoAnswer(answer) => self.set_answering(answer.on).await,
            DeviceAction::Consult(_) | DeviceAction::CompleteTransfer(_) | DeviceAction::Loopback(_) => {
                Err(DeviceError::not_supported(name))
            }
        }
    }

    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError> {
        if self.shut_down && self.running.is_none() {
            self.answering = answer_by_itself;
            if let Some(lab) = self.lab.clone() {
                self.start(&lab).await?;
            }
        }
        if !self.calls("hangup").await?.is_empty() {
            self.carry_out("hangup", "terminate all").await?;
        }
        if self.answering != answer_by_itself {
            self.set_answering(answer_by_itself).await?;
        }
        self.record().await
    }

    async fn recording(&mut self) -> Option<Wav> {
        let running = self.running.as_ref()?;
        sound::load(&running.folder.join(running.recording()))
    }

    fn speech(&self) -> Option<Wav> {
        Some(self.speech.clone())
    }

    fn log(&mut self) -> Option<Vec<u8>> {
        let mut log = std::mem::take(&mut self.earlier_log);
        if let Some(running) = &mut self.running {
            log.extend(running.log());
        }
        Some(masked_log(&log, self.lab.as_ref()))
    }

    fn kept_waiting(&mut self) -> Option<Duration> {
        self.running.as_ref()?.program.kept_waiting()
    }

    async fn health(&mut self) -> DeviceHealth {
        let Some(running) = &mut self.running else {
            let status = if self.shut_down {
                "the lab shut it down"
            } else {
                "it was not started"
            };
            return DeviceHealth::Gone {
                status: status.to_owned(),
                own_fault: false,
            };
        };
        running.program.ended().map_or(DeviceHealth::Running, health_of)
    }

    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.answering = true;
        self.start(lab).await
    }

    async fn stop(&mut self) {
        self.shut().await;
        self.shut_down = true;
    }
}
