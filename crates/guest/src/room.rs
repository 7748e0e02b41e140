//! Where guests of this machine leave their results.

use std::fs;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;

use crate::GuestError;

/// Most labs of one user at a time.
const MOST: u32 = 64;

/// A folder whose path is the same from run to run, because the path is on the guest's command line and the command line is
/// what its randomness is made of. A second lab at the same time gets another one, and with it other identifiers.
#[derive(Debug)]
pub struct Room {
    path: PathBuf,
    _lock: Flock<fs::File>,
}

impl Room {
    /// Takes the first folder that no other lab has.
    ///
    /// # Errors
    /// When none can be made.
    pub fn take() -> Result<Self, GuestError> {
        Self::take_in(&std::env::temp_dir())
    }

    fn take_in(parent: &Path) -> Result<Self, GuestError> {
        let mut last = None;
        for number in 1..=MOST {
            let path = parent.join(format!("voxproof-lab-{}-{number}", Uid::current()));
            fs::create_dir_all(&path).map_err(GuestError::file(&path))?;
            let lock = path.join("lock");
            let file = fs::File::create(&lock).map_err(GuestError::file(&lock))?;
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => return Ok(Self { path, _lock: held }),
                Err((_, error)) => last = Some(GuestError::file(lock)(error.into())),
            }
        }
        Err(last.unwrap_or_else(|| GuestError::file(parent)(std::io::ErrorKind::NotFound.into())))
    }

    /// An empty folder in it.
    ///
    /// # Errors
    /// When it cannot be emptied or made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, GuestError> {
        let path = self.path.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(GuestError::file(&path)(error));
            }
            _ => {}
        }
        fs::create_dir_all(&path).map_err(GuestError::file(&path))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_labs_have_two_rooms_and_the_first_is_taken_again() {
        let parent = tempfile::tempdir().unwrap();
        let first = Room::take_in(parent.path()).unwrap();
        let second = Room::take_in(parent.path()).unwrap();
        let path = first.path.clone();
        assert_ne!(path, second.path);
        let folder = first.folder("A").unwrap();
        fs::write(folder.join("left"), "").unwrap();
        assert_eq!(first.folder("A").unwrap(), folder);
        assert!(!folder.join("left").exists());
        drop(first);
        assert_eq!(Room::take_in(parent.path()).unwrap().path, path);
    }
}
