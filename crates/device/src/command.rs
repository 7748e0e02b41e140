//! A device driven by commands of the device file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::timeout;
use voxproof_record::Wav;
use voxproof_spec::{Capability, CommandDriver, DeviceAction};

use crate::secret::masked_log;
use crate::{Device, DeviceError, DeviceHealth, LabAddress, shell};

/// How long one command may take.
const TIME: Duration = Duration::from_secs(10);

pub(crate) struct CommandDevice {
    driver: CommandDriver,
    actions: BTreeMap<String, String>,
    scratch: PathBuf,
    runs: u32,
    time: Duration,
    lab: Option<LabAddress>,
    /// `start` has been run and `stop` has not.
    started: bool,
    /// A case shut it down; the next one needs it again.
    shut_down: bool,
    answering: bool,
    looping: bool,
    log: Vec<u8>,
}

impl CommandDevice {
    pub(crate) fn new(driver: CommandDriver, scratch: PathBuf) -> Self {
        let actions = driver
            .action
            .iter()
            .map(|(name, command)| (name.to_string(), command.clone()))
            .collect();
        Self {
            answering: driver.answers_by_itself,
            driver,
            actions,
            scratch,
            runs: 0,
            time: TIME,
            lab: None,
            started: false,
            shut_down: false,
            looping: false,
            log: Vec::new(),
        }
    }

    fn has(&self, action: &str) -> bool {
        self.actions.contains_key(action)
    }

    /// Runs a command and returns what it printed.
    async fn run(
        &mut self,
        action: &str,
        template: &str,
        extra: &[(&str, &str)],
    ) -> Result<String, DeviceError> {
        let command = {
            let lab = self.lab.as_ref();
            let server = lab.map(|lab| lab.server.to_string()).unwrap_or_default();
            let host = lab.map(|lab| lab.server.ip().to_string()).unwrap_or_default();
            let port = lab.map(|lab| lab.server.port().to_string()).unwrap_or_default();
            let device_host = lab.map(|lab| lab.device_ip.to_string()).unwrap_or_default();
            let scratch = self.scratch.display().to_string();
            let mut values = vec![
                ("server", server.as_str()),
                ("server_host", &host),
                ("server_port", &port),
            ];
            if let Some(lab) = lab {
                values.extend([
                    ("username", lab.username.as_str()),
                    ("password", lab.password.as_str()),
                    ("realm", lab.realm.as_str()),
                    ("transport", lab.transport.parameter()),
                    ("device_host", &device_host),
                    ("scratch", &scratch),
                ]);
            }
            values.extend(extra);
            shell::fill(template, &values)
        };
        self.runs += 1;
        let (output, errors) = (
            self.scratch.join(format!("{}.out", self.runs)),
            self.scratch.join(format!("{}.err", self.runs)),
        );
        let started = fs::create_dir_all(&self.scratch).and_then(|()| {
            // files and not pipes: a phone that `start` leaves in the background keeps them open
            Command::new("sh")
                .arg("-c")
                .arg(&command)
                .stdin(Stdio::null())
                .stdout(File::create(&output)?)
                .stderr(File::create(&errors)?)
                .process_group(0)
                .spawn()
        });
        let mut child = started.map_err(|error| {
            DeviceError::unreachable(
                "sh",
                error.to_string(),
                "the command driver needs /bin/sh and a writable run folder",
            )
        })?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        let status = timeout(self.time, child.wait()).await;
        if status.is_err()
            && let Some(group) = group
        {
            // the shell is the leader of a group of its own: what it has started ends with it
            let _ = killpg(group, Signal::SIGKILL);
            let _ = child.wait().await;
        }
        let text = |path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let (output, errors) = (text(output), text(errors));
        // the template and not the command, which may hold the password
        self.log
            .extend_from_slice(format!("$ {template}\n{output}{errors}").as_bytes());
        match status {
            Err(_) => Err(DeviceError::Timeout {
                action: action.to_owned(),
                after: self.time,
            }),
            Ok(Err(error)) => Err(DeviceError::control(action, error.to_string())),
            Ok(Ok(status)) if !status.success() => {
                Err(DeviceError::control(action, failure(status, &errors)))
            }
            Ok(Ok(_)) => Ok(output.trim().to_owned()),
        }
    }

    /// Runs the command of an action.
    async fn act(&mut self, action: &str, extra: &[(&str, &str)]) -> Result<String, DeviceError> {
        let template = self
            .actions
            .get(action)
            .cloned()
            .ok_or_else(|| DeviceError::not_supported(action))?;
        self.run(action, &template, extra).await
    }

    async fn switch(&mut self, action: &str, on: bool) -> Result<String, DeviceError> {
        self.act(&format!("{action}_{}", if on { "on" } else { "off" }), &[])
            .await
    }

    async fn begin(&mut self) -> Result<(), DeviceError> {
        self.shut_down = false;
        if let Some(start) = self.driver.start.clone() {
            self.run("start", &start, &[]).await?;
        }
        self.started = true;
        self.answering = self.driver.answers_by_itself;
        self.looping = false;
        Ok(())
    }

    async fn end(&mut self) -> Result<String, DeviceError> {
        self.started = false;
        match self.driver.stop.clone() {
            Some(stop) => self.run("stop", &stop, &[]).await,
            None => Ok(String::new()),
        }
    }

    async fn restart(&mut self) -> Result<String, DeviceError> {
        if self.has("restart") {
            return self.act("restart", &[]).await;
        }
        if self.driver.start.is_none() || self.driver.stop.is_none() {
            return Err(DeviceError::not_supported("restart"));
        }
        self.end().await?;
        self.begin().await.map(|()| String::new())
    }
}

/// The last line of its errors, or else its exit status.
fn failure(status: ExitStatus, errors: &str) -> String {
    let last = errors.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.map_or_else(|| status.to_string(), |line| format!("{line} ({status})"))
}

#[async_trait]
impl Device for CommandDevice {
    fn capabilities(&self) -> BTreeSet<Capability> {
        use Capability as C;
        let by_itself = self.driver.answers_by_itself;
        let restarts = self.has("restart") || (self.driver.start.is_some() && self.driver.stop.is_some());
        [
            (C::Answer, by_itself || self.has("auto_answer_on")),
            (
                C::ManualAnswer,
                self.has("answer") && (!by_itself || self.has("auto_answer_off")),
            ),
            (C::Reject, self.has("reject")),
            (C::Dial, self.has("dial")),
            (C::Hangup, self.has("hangup")),
            (C::Hold, self.has("hold") && self.has("resume")),
            (C::Dtmf, self.has("dtmf")),
            (C::Transfer, self.has("transfer")),
            (
                C::AttendedTransfer,
                self.has("consult") && self.has("complete_transfer"),
            ),
            (C::Restart, restarts),
            (C::Stop, self.driver.stop.is_some()),
            (C::Loopback, self.has("loopback_on") && self.has("loopback_off")),
        ]
        .into_iter()
        .filter_map(|(capability, can)| can.then_some(capability))
        .collect()
    }

    async fn firmware(&mut self) -> String {
        let Some(command) = self.driver.firmware.clone() else {
            return "unknown".to_owned();
        };
        let output = self.run("firmware", &command, &[]).await.unwrap_or_default();
        output
            .lines()
            .next()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .unwrap_or("unknown")
            .to_owned()
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.lab = Some(lab.clone());
        self.begin().await
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        match action {
            DeviceAction::Dial(dial) => self.act("dial", &[("uri", &uri(&dial.to))]).await,
            DeviceAction::Transfer(transfer) => self.act("transfer", &[("uri", &uri(&transfer.to))]).await,
            DeviceAction::Consult(dial) => self.act("consult", &[("uri", &uri(&dial.to))]).await,
            DeviceAction::Dtmf(dtmf) => self.act("dtmf", &[("digits", &dtmf.digits)]).await,
            DeviceAction::Restart(_) => self.restart().await,
            DeviceAction::Stop(_) => {
                if self.driver.stop.is_none() {
                    return Err(DeviceError::not_supported("stop"));
                }
                let ended = self.end().await?;
                self.shut_down = true;
                Ok(ended)
            }
            DeviceAction::AutoAnswer(answer) => {
                let reply = self.switch("auto_answer", answer.on).await?;
                self.answering = answer.on;
                Ok(reply)
            }
            DeviceAction::Loopback(looping) => {
                let reply = self.switch("loopback", looping.on).await?;
                self.looping = looping.on;
                Ok(reply)
            }
            DeviceAction::Answer(_)
            | DeviceAction::Reject(_)
            | DeviceAction::Hangup(_)
            | DeviceAction::Hold(_)
            | DeviceAction::CompleteTransfer(_)
            | DeviceAction::Resume(_) => self.act(action.name(), &[]).await,
        }
    }

    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError> {
        if self.shut_down {
            self.begin().await?;
        }
        if self.looping {
            self.switch("loopback", false).await?;
            self.looping = false;
        }
        let wanted = if answer_by_itself {
            "auto_answer_on"
        } else {
            "auto_answer_off"
        };
        // a device without such a command stays as it is: a case that needs the other way is not selected for it
        if self.answering != answer_by_itself && self.has(wanted) {
            self.switch("auto_answer", answer_by_itself).await?;
            self.answering = answer_by_itself;
        }
        Ok(())
    }

    async fn recording(&mut self) -> Option<Wav> {
        None
    }

    fn speech(&self) -> Option<Wav> {
        None
    }

    fn log(&mut self) -> Option<Vec<u8>> {
        Some(masked_log(&std::mem::take(&mut self.log), self.lab.as_ref()))
    }

    async fn health(&mut self) -> DeviceHealth {
        if self.shut_down {
            DeviceHealth::Gone {
                status: "the lab shut it down".to_owned(),
                own_fault: false,
            }
        } else {
            // whether the device behind the commands is alive shows on the network
            DeviceHealth::Running
        }
    }

    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.lab = Some(lab.clone());
        if self.has("restart") && self.started {
            return self.act("restart", &[]).await.map(drop);
        }
        // a stop that fails because there is nothing to stop is no reason not to start
        let _ = self.end().await;
        self.begin().await
    }

    async fn stop(&mut self) {
        if self.started {
            let _ = self.end().await;
        }
        self.shut_down = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use voxproof_spec::{DialAction, DtmfAction, Located, NoParameters};

    use super::*;

    const HOLD: DeviceAction = DeviceAction::Hold(NoParameters {});

    fn lab() -> LabAddress {
        LabAddress {
            server: "192.0.2.1:5060".parse().unwrap(),
            username: "dut".to_owned(),
            password: "s3cret!".to_owned(),
            realm: "voxproof".to_owned(),
            device_ip: "192.0.2.7".parse().unwrap(),
            transport: voxproof_spec::SignallingTransport::Udp,
            proxied: false,
            dns: None,
            http: None,
            https: None,
            authority_pem: String::new(),
        }
    }

    fn uri(actor: &str) -> String {
        format!("sip:{actor}@192.0.2.1:5060")
    }

    fn device(
        actions: &[(&str, &str)],
        change: impl FnOnce(&mut CommandDriver),
    ) -> (CommandDevice, tempfile::TempDir) {
        let mut driver = CommandDriver::default();
        for (name, command) in actions {
            driver
                .action
                .insert(Located::synthetic((*name).to_owned()), (*command).to_owned());
        }
        change(&mut driver);
        let folder = tempfile::tempdir().unwrap();
        (CommandDevice::new(driver, folder.path().join("scratch")), folder)
    }

    #[tokio::test]
    async fn commands_get_their_values() {
        let actions = [
            ("dial", "echo dial {uri} on {server_host} {server_port}"),
            ("dtmf", "echo keys {digits}"),
        ];
        let (mut device, _folder) = device(&actions, |driver| {
            driver.start =
                Some("test {password} = 's3cret!' && echo user {username} {password} at {server}".to_owned());
            driver.firmware = Some("printf ' 1.2.3 \\nmore\\n'".to_owned());
        });
        assert_eq!(device.firmware().await, "1.2.3");
        device.start(&lab()).await.unwrap();
        let dial = DeviceAction::Dial(DialAction {
            to: Located::synthetic("peer_a".to_owned()),
        });
        assert_eq!(
            device.perform(&dial, &uri).await.unwrap(),
            "dial sip:peer_a@192.0.2.1:5060 on 192.0.2.1 5060"
        );
        let dtmf = DeviceAction::Dtmf(DtmfAction {
            digits: "1#*".to_owned(),
        });
        assert_eq!(device.perform(&dtmf, &uri).await.unwrap(), "keys 1#*");
        let log = String::from_utf8(device.log().unwrap()).unwrap();
        assert!(log.contains("user dut ******** at 192.0.2.1:5060"), "{log}");
        assert!(!log.contains("s3cret"), "{log}");
    }

    #[tokio::test]
    async fn a_failure_names_its_last_line() {
        let (mut device, _folder) = device(
            &[("hold", "echo one >&2; echo no call >&2; echo; exit 3")],
            |_| {},
        );
        device.start(&lab()).await.unwrap();
        let error = device.perform(&HOLD, &uri).await.unwrap_err();
        let DeviceError::Control { action, reason } = &error else {
            panic!("{error}")
        };
        assert_eq!(action, "hold");
        assert!(reason.starts_with("no call") && reason.contains('3'), "{reason}");
        let resume = DeviceAction::Resume(NoParameters {});
        assert_eq!(
            device.perform(&resume, &uri).await,
            Err(DeviceError::not_supported("resume"))
        );
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_all_it_started() {
        let (mut device, folder) = device(&[("hold", "sleep 60 & echo $! > pid; wait")], |_| {});
        device.time = Duration::from_millis(300);
        let pid = folder.path().join("pid");
        device.actions.insert(
            "hold".to_owned(),
            format!("sleep 60 & echo $! > {}; wait", pid.display()),
        );
        device.start(&lab()).await.unwrap();
        let began = Instant::now();
        assert!(matches!(
            device.perform(&HOLD, &uri).await,
            Err(DeviceError::Timeout { .. })
        ));
        assert!(began.elapsed() < Duration::from_secs(20));
        let pid = fs::read_to_string(pid).unwrap();
        // it is gone, or a zombie that waits for init, as soon as the kernel has got round to it
        loop {
            let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            if state.is_empty() || state.contains(") Z") {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{state}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_phone_left_in_the_background_does_not_hold_up_the_start() {
        let (mut device, folder) = device(&[], |_| {});
        let pid = folder.path().join("pid");
        device.driver.start = Some(format!("sleep 60 & echo $! > {}", pid.display()));
        device.driver.stop = Some(format!("kill $(cat {})", pid.display()));
        let began = Instant::now();
        device.start(&lab()).await.unwrap();
        assert!(began.elapsed() < TIME);
        let stop = DeviceAction::Stop(NoParameters {});
        device.perform(&stop, &uri).await.unwrap();
        assert!(matches!(
            device.health().await,
            DeviceHealth::Gone { own_fault: false, .. }
        ));
        device.prepare(true).await.unwrap();
        assert_eq!(device.health().await, DeviceHealth::Running);
        device.stop().await;
    }

    #[test]
    fn capabilities_follow_the_commands() {
        use Capability as C;
        let (device, _folder) = device(&[("hold", "x"), ("dial", "x"), ("answer", "x")], |driver| {
            driver.answers_by_itself = true;
        });
        // hold without resume is no use, and a device that answers by itself never lets a call ring
        assert_eq!(device.capabilities(), BTreeSet::from([C::Answer, C::Dial]));
        let (device, _folder) = self::device(&[("hold", "x"), ("resume", "x"), ("answer", "x")], |driver| {
            driver.start = Some("x".to_owned());
            driver.stop = Some("x".to_owned());
        });
        assert_eq!(
            device.capabilities(),
            BTreeSet::from([C::ManualAnswer, C::Hold, C::Restart, C::Stop])
        );
    }
}
