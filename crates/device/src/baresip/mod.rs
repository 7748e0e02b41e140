//! baresip: a softphone the lab starts and controls over its TCP socket. Tried with 1.0.0.

mod config;
mod control;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use tokio::process::Command;
use tokio::time::{sleep, timeout};
use voxproof_record::Wav;
use voxproof_spec::{BaresipDriver, Capability, DeviceAction, MediaProfile};

use crate::process::{self, Program, gone, health_of, program_missing};
use crate::secret::masked_log;
use crate::{Device, DeviceError, DeviceHealth, LabAddress, ports, sound};
use config::{Configuration, LOOP_MODULE, SPEECH, Sound};
pub(crate) use config::{MODULES, further_modules};
use control::{Control, Reply};

/// Debian's package of it.
pub(crate) const PACKAGE: &str = "baresip-core";

/// From start to control socket it takes some 50 ms on an idle machine.
const STARTING: Duration = Duration::from_secs(8);

/// Orders are answered within a millisecond.
const ANSWERING: Duration = Duration::from_secs(5);

/// 1.0.0 ends the call when its speech file ends, so the file outlasts every call of a suite. In seconds; baresip
/// reads all of it at the start of a call, which takes 10 ms for five minutes.
const SPEECH_LENGTH: u32 = 300;

/// And that is shorter for a file of many bytes a second.
const SHORT_SPEECH_LENGTH: u32 = 150;

/// A digit takes 240 ms on the wire (180 ms of tone and three end packets); given sooner they run into each other
/// without a pause between them.
const DIGIT: Duration = Duration::from_millis(320);

/// Its log line when a signal ends it, which it answers with exit code 0.
const ENDED_BY_SIGNAL: &str = "terminated by signal";

pub(crate) struct Baresip {
    driver: BaresipDriver,
    media: MediaProfile,
    speech: Wav,
    scratch: PathBuf,
    starts: u32,
    /// One port for all starts, so that a call to the old contact after a restart still arrives.
    sip_port: Option<u16>,
    lab: Option<LabAddress>,
    running: Option<Running>,
    /// A case shut it down; the next one needs it again.
    shut_down: bool,
    answering: bool,
    looping: bool,
    /// Log of the starts before this one.
    earlier_log: Vec<u8>,
}

struct Running {
    program: Program,
    control: Control,
    folder: PathBuf,
    loop_module: bool,
}

enum StartError {
    /// The ports were taken in the meantime.
    PortTaken,
    Device(DeviceError),
}

impl Baresip {
    pub(crate) fn new(driver: BaresipDriver, media: MediaProfile, speech: Wav, scratch: PathBuf) -> Self {
        Self {
            driver,
            media,
            speech: sound::to_8khz(speech),
            scratch,
            starts: 0,
            sip_port: None,
            lab: None,
            running: None,
            shut_down: false,
            answering: true,
            looping: false,
            earlier_log: Vec::new(),
        }
    }

    /// A new folder with the files of one start.
    fn folder(&mut self, lab: &LabAddress, control_port: u16) -> io::Result<PathBuf> {
        self.starts += 1;
        let folder = self.scratch.join(format!("baresip-{}", self.starts));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        // the instance a phone names itself by outlives a restart (RFC 5626 4.1); baresip keeps it in a file
        let _ = fs::copy(
            self.scratch.join(format!("baresip-{}/uuid", self.starts - 1)),
            folder.join("uuid"),
        );
        let speech = folder.join(SPEECH);
        if self.starts == 1 || !speech.exists() {
            self.save_speech(&speech)?;
        }
        let sip_port = match (self.driver.sip_port, self.sip_port) {
            (0, Some(port)) => port,
            (0, None) => ports::free_port(lab.device_ip)?,
            (port, _) => port,
        };
        self.sip_port = Some(sip_port);
        let configuration = Configuration {
            driver: &self.driver,
            media: &self.media,
            lab,
            sip_port,
            control_port,
            answering: self.answering,
        };
        configuration.write(&folder)?;
        Ok(folder)
    }

    /// Writes the file it speaks, as its codec wants it.
    fn save_speech(&self, path: &Path) -> io::Result<()> {
        let Sound { rate, channels } = Sound::of(&self.media);
        let speech = sound::to_rate(self.speech.clone(), rate);
        let length = match (channels, rate) {
            (1, sound::RATE) => SPEECH_LENGTH,
            (1, _) => SPEECH_LENGTH / 2,
            _ => SHORT_SPEECH_LENGTH,
        };
        sound::save_looped(&speech, channels, length, path)
    }

    async fn launch(&mut self, lab: &LabAddress) -> Result<Running, StartError> {
        let device = |error: DeviceError| StartError::Device(error);
        let scratch = |error: io::Error| {
            device(DeviceError::unreachable(
                "baresip",
                format!("its folder cannot be written: {error}"),
                "make the run's folder writable",
            ))
        };
        let program = process::find_program(&self.driver.program)
            .ok_or_else(|| device(program_missing(&self.driver.program, PACKAGE)))?;
        let control_port = ports::free_port(IpAddr::from([127, 0, 0, 1])).map_err(scratch)?;
        let folder = self.folder(lab, control_port).map_err(scratch)?;
        let mut command = Command::new(program);
        command.args(["-f", "."]).current_dir(&folder);
        let mut program = Program::spawn(command, folder.join("log")).map_err(|error| {
            device(DeviceError::unreachable(
                "baresip",
                error.to_string(),
                "check `program` in the device file",
            ))
        })?;
        match timeout(STARTING, connect(&mut program, control_port)).await {
            Ok(Ok(control)) => Ok(Running {
                program,
                control,
                folder,
                loop_module: false,
            }),
            Ok(Err(status)) => {
                let log = program.log().tail(3);
                self.earlier_log.extend(program.log().take());
                if log.contains("in use") {
                    return Err(StartError::PortTaken);
                }
                let DeviceError::Gone { status } = gone(status) else {
                    return Err(StartError::PortTaken);
                };
                Err(device(DeviceError::unreachable(
                    "baresip",
                    format!("it did not start: {status}: {log}"),
                    "run `voxproof doctor`, and look at the device log",
                )))
            }
            Err(_) => {
                program.end().await;
                self.earlier_log.extend(program.log().take());
                Err(device(DeviceError::Timeout {
                    action: "start".to_owned(),
                    after: STARTING,
                }))
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

    /// Gives an order and returns what it answered, good or bad.
    async fn order(&mut self, action: &str, command: &str, params: &str) -> Result<Reply, DeviceError> {
        let running = self.running()?;
        match timeout(ANSWERING, running.control.order(command, params)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => {
                // a closed socket is how a crash shows first
                match running.program.ends_within(Duration::from_millis(500)).await {
                    Some(status) => Err(gone(status)),
                    None => Err(DeviceError::control(action, error.to_string())),
                }
            }
            Err(_) => Err(DeviceError::Timeout {
                action: action.to_owned(),
                after: ANSWERING,
            }),
        }
    }

    /// Gives an order that must be carried out.
    async fn carry_out(&mut self, action: &str, command: &str, params: &str) -> Result<String, DeviceError> {
        let reply = self.order(action, command, params).await?;
        if reply.ok {
            Ok(reply.data)
        } else if reply.data.starts_with("command not found") {
            // 1.0.0 knows the commands of a call only while there is one
            Err(DeviceError::control(
                action,
                format!("no call is established ({})", reply.data),
            ))
        } else {
            Err(DeviceError::control(action, reply.data))
        }
    }

    /// Its list of calls: `> [line 1]  0:00:00  ESTABLISHED  sip:peer_a@127.0.0.1:5080`.
    async fn calls(&mut self, action: &str) -> Result<Vec<String>, DeviceError> {
        let list = self.carry_out(action, "listcalls", "").await?;
        Ok(list
            .lines()
            .filter(|line| line.contains("[line "))
            .map(|line| line.trim().to_owned())
            .collect())
    }

    async fn ringing(&mut self, action: &str) -> Result<(), DeviceError> {
        let calls = self.calls(action).await?;
        if calls.iter().any(|call| call.contains("INCOMING")) {
            Ok(())
        } else {
            Err(DeviceError::control(action, "no call is ringing"))
        }
    }

    async fn set_answering(&mut self, on: bool) -> Result<String, DeviceError> {
        let mode = if on { "auto" } else { "manual" };
        let reply = self.carry_out("auto_answer", "answermode", mode).await?;
        self.answering = on;
        Ok(reply)
    }

    async fn set_looping(&mut self, on: bool) -> Result<String, DeviceError> {
        let reply = if on {
            if !self.running()?.loop_module {
                self.carry_out("loopback", "insmod", LOOP_MODULE).await?;
                self.running()?.loop_module = true;
            }
            self.carry_out("loopback", "ausrc", "aubridge,pseudo0").await?;
            self.carry_out("loopback", "auplay", "aubridge,pseudo0").await?
        } else {
            // the module stays until there is no call: unloading takes its code from under a running stream
            self.carry_out("loopback", "ausrc", &format!("aufile,{SPEECH}"))
                .await?
        };
        self.looping = on;
        Ok(reply)
    }

    async fn end_all_calls(&mut self) -> Result<(), DeviceError> {
        for _ in 0..8 {
            if self.calls("hangup").await?.is_empty() {
                return Ok(());
            }
            self.carry_out("hangup", "hangup", "").await?;
        }
        Err(DeviceError::control(
            "hangup",
            "calls are left after eight orders",
        ))
    }

    async fn send_digits(&mut self, digits: &str) -> Result<String, DeviceError> {
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 {
                sleep(DIGIT).await;
            }
            self.carry_out("dtmf", "sndcode", &digit.to_string()).await?;
        }
        Ok(String::new())
    }

    /// Ends the program in order and keeps its log.
    async fn shut(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.program.end().await;
            self.earlier_log.extend(running.program.log().take());
        }
        self.looping = false;
    }

    fn dumps(folder: &Path) -> Vec<PathBuf> {
        let mut dumps: Vec<PathBuf> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                name.starts_with("dump-") && name.ends_with(".wav")
            })
            .collect();
        // their names hold the time of the call's start
        dumps.sort();
        dumps
    }
}

/// Connects as soon as the program listens, or returns how it ended.
async fn connect(program: &mut Program, port: u16) -> Result<Control, std::process::ExitStatus> {
    loop {
        if let Ok(control) = Control::connect(SocketAddr::from(([127, 0, 0, 1], port))).await {
            return Ok(control);
        }
        if let Some(status) = program.ends_within(Duration::from_millis(20)).await {
            return Err(status);
        }
    }
}

#[async_trait]
impl Device for Baresip {
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
            C::Loopback,
            C::KnownSpeech,
            C::Recording,
        ])
    }

    async fn firmware(&mut self) -> String {
        process::version_of(&self.driver.program, "-h")
            .await
            .unwrap_or_else(|| "unknown".to_owned())
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        config::check_account(lab)?;
        config::check_profile(&self.media, lab)?;
        self.shut().await;
        self.lab = Some(lab.clone());
        self.shut_down = false;
        for _ in 0..3 {
            match self.launch(lab).await {
                Ok(running) => {
                    self.running = Some(running);
                    return Ok(());
                }
                Err(StartError::PortTaken) => self.sip_port = None,
                Err(StartError::Device(error)) => return Err(error),
            }
        }
        Err(DeviceError::unreachable(
            "baresip",
            "the ports it was given were in use three times",
            "set `sip_port` in the device file to 0, or to a port nothing else uses (`ss -lpn`)",
        ))
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        match action {
            DeviceAction::Answer(_) => {
                self.ringing(name).await?;
                self.carry_out(name, "accept", "").await
            }
            DeviceAction::Reject(_) => {
                self.ringing(name).await?;
                self.carry_out(name, "hangup", "").await
            }
            DeviceAction::Hangup(_) => {
                if self.calls(name).await?.is_empty() {
                    return Err(DeviceError::control(name, "there is no call"));
                }
                self.carry_out(name, "hangup", "").await
            }
            DeviceAction::Dial(dial) => self.carry_out(name, "dial", &uri(&dial.to)).await,
            DeviceAction::Hold(_) => self.carry_out(name, "hold", "").await,
            DeviceAction::Resume(_) => self.carry_out(name, "resume", "").await,
            DeviceAction::Dtmf(dtmf) => self.send_digits(&dtmf.digits).await,
            DeviceAction::Transfer(transfer) => self.carry_out(name, "transfer", &uri(&transfer.to)).await,
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
            DeviceAction::Consult(_) | DeviceAction::CompleteTransfer(_) => {
                Err(DeviceError::not_supported(name))
            }
            DeviceAction::AutoAnswer(answer) => self.set_answering(answer.on).await,
            DeviceAction::Loopback(looping) => self.set_looping(looping.on).await,
        }
    }

    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError> {
        if self.shut_down && self.running.is_none() {
            self.answering = answer_by_itself;
            let lab = self.lab.clone();
            if let Some(lab) = lab {
                self.start(&lab).await?;
            }
        }
        self.end_all_calls().await?;
        if self.looping {
            self.set_looping(false).await?;
        }
        if self.running()?.loop_module {
            self.carry_out("loopback", "rmmod", LOOP_MODULE).await?;
            self.running()?.loop_module = false;
        }
        if self.answering != answer_by_itself {
            self.set_answering(answer_by_itself).await?;
        }
        for dump in Self::dumps(&self.running()?.folder) {
            // one that cannot be deleted would end up in this case's recording
            fs::remove_file(&dump).map_err(|error| {
                DeviceError::control(
                    "recording",
                    format!("{} cannot be deleted: {error}", dump.display()),
                )
            })?;
        }
        Ok(())
    }

    async fn recording(&mut self) -> Option<Wav> {
        let folder = &self.running.as_ref()?.folder;
        let calls: Vec<Wav> = Self::dumps(folder)
            .iter()
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .filter_map(|path| sound::load(path))
            .collect();
        if calls.is_empty() {
            return None;
        }
        let samples = calls.into_iter().flat_map(|wav| wav.samples).collect();
        Some(Wav {
            sample_rate: sound::RATE,
            samples,
        })
    }

    fn speech(&self) -> Option<Wav> {
        Some(self.speech.clone())
    }

    fn log(&mut self) -> Option<Vec<u8>> {
        let mut log = std::mem::take(&mut self.earlier_log);
        if let Some(running) = &mut self.running {
            log.extend(running.program.log().take());
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
        let Some(status) = running.program.ended() else {
            return DeviceHealth::Running;
        };
        let health = health_of(status);
        if status.success() && running.program.log().tail(5).contains(ENDED_BY_SIGNAL) {
            let status = "somebody ended it with a signal".to_owned();
            return DeviceHealth::Gone {
                status,
                own_fault: false,
            };
        }
        health
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
