//! linphonec serves one fixed socket a user, so one instance a user is all there can be.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::getuid;
use tokio::time::sleep;

use super::control;
use crate::DeviceError;

/// How long a run waits for another one of ours to let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// The socket linphonec serves.
pub(crate) fn socket_path() -> PathBuf {
    PathBuf::from(format!("/tmp/linphonec-{}", getuid()))
}

fn lock_path() -> PathBuf {
    PathBuf::from(format!("/tmp/voxproof-linphonec-{}.lock", getuid()))
}

/// The right to run linphonec; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Right {
    _lock: Flock<File>,
}

impl Right {
    /// Waits for other runs of ours, and makes sure that nobody else's linphonec has the socket.
    pub(crate) async fn acquire() -> Result<Self, DeviceError> {
        let lock = lock(&lock_path(), PATIENCE).await?;
        check_socket(&socket_path()).await?;
        Ok(Self { _lock: lock })
    }
}

fn unreachable(reason: String, help: &str) -> DeviceError {
    DeviceError::unreachable("linphonec", reason, help)
}

async fn lock(path: &Path, patience: Duration) -> Result<Flock<File>, DeviceError> {
    const PAUSE: Duration = Duration::from_millis(250);
    let mut waited = Duration::ZERO;
    loop {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = file.map_err(|error| {
            unreachable(
                format!("its lock {} cannot be opened: {error}", path.display()),
                "make that file writable",
            )
        })?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, Errno::EWOULDBLOCK)) if waited < patience => {
                sleep(PAUSE).await;
                waited += PAUSE;
            }
            Err((_, Errno::EWOULDBLOCK)) => {
                return Err(unreachable(
                    "another run on this machine uses it, and there is one a user".to_owned(),
                    "wait for that run to end, or run as another user",
                ));
            }
            Err((_, error)) => {
                return Err(unreachable(
                    format!("its lock {} cannot be taken: {error}", path.display()),
                    "put /tmp on a file system with locks",
                ));
            }
        }
    }
}

/// Refuses a socket somebody serves, removes one that a killed linphonec has left.
async fn check_socket(socket: &Path) -> Result<(), DeviceError> {
    if let Some(id) = control::server_of(socket).await {
        return Err(unreachable(
            format!("a linphonec the lab did not start runs already (process {id})"),
            &format!("end it (`kill {id}`), or run as another user"),
        ));
    }
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unreachable(
            format!(
                "the socket {} was left behind and cannot be removed: {error}",
                socket.display()
            ),
            "remove it",
        )),
        _ => Ok(()),
    }
}

/// What stands in the way of a start right now, without waiting: for `doctor`.
pub(crate) fn obstacle() -> Option<String> {
    let served = std::os::unix::net::UnixStream::connect(socket_path()).is_ok();
    served.then(|| format!("a linphonec runs already and serves {}", socket_path().display()))
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = lock(&path, Duration::ZERO).await.unwrap();
        assert!(matches!(
            lock(&path, Duration::ZERO).await,
            Err(DeviceError::Unreachable { .. })
        ));
        drop(first);
        assert!(lock(&path, Duration::ZERO).await.is_ok());
    }

    #[tokio::test]
    async fn a_served_socket_is_refused_and_a_stale_one_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert_eq!(check_socket(&path).await, Ok(()));
        let listener = UnixListener::bind(&path).unwrap();
        let refused = check_socket(&path).await.unwrap_err().to_string();
        assert!(
            refused.contains(&format!("kill {}", std::process::id())),
            "{refused}"
        );
        assert!(path.exists());
        drop(listener);
        assert_eq!(check_socket(&path).await, Ok(()));
        assert!(!path.exists());
    }
}
