//! A device that is a program on this machine.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::waits::Waits;
use crate::{DeviceError, DeviceHealth};

/// How long a program may take to end after it was asked to.
pub(crate) const ENDING: Duration = Duration::from_secs(3);

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    log: LogFile,
    waits: Option<Waits>,
}

impl Program {
    /// Starts a program with everything it prints going to a log file.
    pub(crate) fn spawn(mut command: Command, log: PathBuf) -> std::io::Result<Self> {
        let file = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            // Ctrl-C in the terminal is for the lab alone, which then ends the device in order
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            waits: child.id().and_then(Waits::of),
            child,
            log: LogFile::new(log),
        })
    }

    /// The process id while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The longest it was kept from a processor lately, see [`Waits::take`].
    pub(crate) fn kept_waiting(&self) -> Option<Duration> {
        self.waits.as_ref().map(Waits::take)
    }

    /// How it ended, when it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// How it ended, if it does so within the time.
    pub(crate) async fn ends_within(&mut self, time: Duration) -> Option<ExitStatus> {
        timeout(time, self.child.wait()).await.ok()?.ok()
    }

    /// Asks it to end, and kills it when it does not.
    pub(crate) async fn end(&mut self) {
        if self.ended().is_some() {
            return;
        }
        // until the exit is collected above the id is still this program's
        if let Some(id) = self.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        if self.ends_within(ENDING).await.is_none() {
            let _ = timeout(ENDING, self.child.kill()).await;
        }
    }

    /// What it has printed since the last call.
    pub(crate) fn log(&mut self) -> &mut LogFile {
        &mut self.log
    }
}

/// What an exit status says about the device.
pub(crate) fn health_of(status: ExitStatus) -> DeviceHealth {
    let (status, own_fault) = match (status.code(), status.signal()) {
        (Some(code), _) => (format!("it exited by itself with code {code}"), true),
        (None, Some(number)) => {
            let signal = Signal::try_from(number).ok();
            let name = signal.map_or_else(|| "unknown".to_owned(), |signal| signal.as_str().to_owned());
            let own_fault = matches!(
                signal,
                Some(Signal::SIGSEGV | Signal::SIGABRT | Signal::SIGBUS | Signal::SIGFPE | Signal::SIGILL)
                    // these too come from what the program itself did
                    | Some(Signal::SIGSYS | Signal::SIGTRAP | Signal::SIGPIPE)
            );
            (format!("killed by signal {number} ({name})"), own_fault)
        }
        (None, None) => (status.to_string(), false),
    };
    DeviceHealth::Gone { status, own_fault }
}

/// [`health_of`] as an error.
pub(crate) fn gone(status: ExitStatus) -> DeviceError {
    match health_of(status) {
        DeviceHealth::Gone { status, .. } => DeviceError::Gone { status },
        DeviceHealth::Running => DeviceError::Gone {
            status: status.to_string(),
        },
    }
}

/// A log file that another program appends to.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    read: u64,
}

impl LogFile {
    /// More than this a call is left out, from the front: what matters in a log is its end.
    const LIMIT: u64 = 512 * 1024;

    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, read: 0 }
    }

    /// What was added since the last call, without colours.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let Ok(mut file) = File::open(&self.path) else {
            return Vec::new();
        };
        let length = file.metadata().map_or(0, |data| data.len());
        let mut new = Vec::new();
        if length > self.read + Self::LIMIT {
            let skipped = length - Self::LIMIT - self.read;
            new.extend_from_slice(
                format!("[{skipped} bytes of {} left out]\n", self.path.display()).as_bytes(),
            );
            self.read += skipped;
        }
        if file.seek(SeekFrom::Start(self.read)).is_ok()
            && let Ok(count) = file.read_to_end(&mut new)
        {
            self.read += count as u64;
        }
        without_colours(&new)
    }

    /// The last lines of the whole log, for a message.
    pub(crate) fn tail(&self, lines: usize) -> String {
        let text = without_colours(&fs::read(&self.path).unwrap_or_default());
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        all.get(all.len().saturating_sub(lines)..)
            .unwrap_or_default()
            .join("; ")
    }
}

/// Removes the terminal's colour sequences, `ESC [ ... letter`.
pub(crate) fn without_colours(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == 0x1b && rest.next_if_eq(&b'[').is_some() {
            // parameter and intermediate bytes, then one final byte (ECMA-48 5.4)
            while rest.next_if(|byte| (0x20..=0x3f).contains(byte)).is_some() {}
            rest.next_if(|byte| (0x40..=0x7e).contains(byte));
        } else {
            plain.push(byte);
        }
    }
    plain
}

/// Where a program is: a path as it is, a name through `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let runnable = |path: &Path| {
        fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| runnable(path));
    }
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| runnable(path))
}

/// The error for a program that is not installed.
pub(crate) fn program_missing(program: &str, package: &str) -> DeviceError {
    DeviceError::unreachable(
        program,
        "the program is not installed",
        format!("install it (`apt-get install {package}`) or set `program` in the device file"),
    )
}

/// What a program prints when asked for its version: the first word that starts with a digit, a leading `v` removed.
pub(crate) async fn version_of<S: AsRef<OsStr>>(program: &str, argument: S) -> Option<String> {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(ENDING, command.output()).await.ok()?.ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace()
        .map(|word| word.trim_start_matches('v').trim_end_matches([',', ';']))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn script(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(text);
        command
    }

    async fn ending(text: &str) -> DeviceHealth {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Program::spawn(script(text), folder.path().join("log")).unwrap();
        health_of(program.ends_within(Duration::from_secs(10)).await.unwrap())
    }

    #[tokio::test]
    async fn who_ended_it() {
        for (text, fault, words) in [
            ("exit 0", true, "exited by itself with code 0"),
            ("exit 3", true, "exited by itself with code 3"),
            ("kill -SEGV $$", true, "signal 11 (SIGSEGV)"),
            ("kill -ABRT $$", true, "signal 6 (SIGABRT)"),
            ("kill -BUS $$", true, "(SIGBUS)"),
            ("kill -FPE $$", true, "(SIGFPE)"),
            ("kill -ILL $$", true, "(SIGILL)"),
            ("kill -KILL $$", false, "signal 9 (SIGKILL)"),
            ("kill -TERM $$", false, "signal 15 (SIGTERM)"),
            ("kill -INT $$", false, "(SIGINT)"),
            ("kill -HUP $$", false, "(SIGHUP)"),
        ] {
            let DeviceHealth::Gone { status, own_fault } = ending(text).await else {
                panic!("{text}")
            };
            assert_eq!(own_fault, fault, "{text}: {status}");
            assert!(status.contains(words), "{text}: {status}");
        }
    }

    #[tokio::test]
    async fn a_program_ends_when_asked_and_its_log_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "trap 'echo bye; exit 0' TERM; printf '\\033[31mred\\033[;m\\n'; while :; do sleep 0.01; done";
        let mut program = Program::spawn(script(text), folder.path().join("log")).unwrap();
        let mut first = Vec::new();
        while first.is_empty() {
            assert_eq!(program.ended(), None);
            tokio::time::sleep(Duration::from_millis(5)).await;
            first = program.log().take();
        }
        assert_eq!(first, b"red\n");
        program.end().await;
        assert_eq!(program.ended().unwrap().code(), Some(0));
        assert_eq!(program.log().take(), b"bye\n");
        assert_eq!(program.log().take(), b"");
        assert_eq!(program.log().tail(1), "bye");
        program.end().await;
    }

    #[test]
    fn a_long_log_keeps_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut text = vec![b'x'; LogFile::LIMIT as usize + 100];
        text.extend_from_slice(b"end");
        fs::write(&path, &text).unwrap();
        let mut log = LogFile::new(path);
        let taken = log.take();
        assert!(taken.starts_with(b"[103 bytes of "));
        assert!(taken.ends_with(b"end"));
        assert_eq!(log.take(), b"");
    }

    #[tokio::test]
    async fn versions_and_programs() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-such-program-here"), None);
        assert_eq!(find_program("/etc/passwd"), None);
        assert_eq!(version_of("no-such-program-here", "-v").await, None);
        assert_eq!(
            version_of("printf", "phone v1.2.3 by 4 people").await.as_deref(),
            Some("1.2.3")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn colours_are_all_that_is_lost(text in "[a-zA-Z0-9 ;\\[]{0,40}", at in 0usize..40) {
            let at = at.min(text.len());
            let coloured = format!("{}\u{1b}[1;31m{}", &text[..at], &text[at..]);
            prop_assert_eq!(without_colours(coloured.as_bytes()), text.as_bytes());
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(without_colours(&bytes).len() <= bytes.len());
        }
    }
}
