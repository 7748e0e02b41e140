//! The guest's kernel: found in the cache, or built from Debian's source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use crate::GuestError;

/// Names a kernel to use instead of the cached one.
pub const KERNEL_VARIABLE: &str = "VOXPROOF_LAB_KERNEL";

/// Debian packages that building needs, each with a file that shows that it is there.
pub const PACKAGES: &[(&str, &str)] = &[
    ("linux-source-6.1", "/usr/src/linux-source-6.1.tar.xz"),
    ("xz-utils", "/usr/bin/xz"),
    ("gcc", "/usr/bin/gcc"),
    ("libc6-dev", "/usr/include/stdio.h"),
    ("make", "/usr/bin/make"),
    ("flex", "/usr/bin/flex"),
    ("bison", "/usr/bin/bison"),
    ("bc", "/usr/bin/bc"),
    ("busybox-static", "/usr/bin/busybox"),
];

const ARCHIVE: &str = "/usr/src/linux-source-6.1.tar.xz";
const FOLDER: &str = "linux-source-6.1";
const CONFIGURATION: &str = include_str!("../image/kernel.config");

/// Lines of the source that are changed: file, what stands there once, what takes its place.
const CHANGES: &[(&str, &str, &str)] = &[
    // sound is left out of User Mode Linux as a whole, though nothing in it needs a machine
    ("sound/Kconfig", "\nif !UML\n", "\nif y\n"),
    // the guest's randomness comes from its command line alone, so that the same command line gives the same run
    (
        "arch/um/os-Linux/util.c",
        "\treturn getrandom(buf, len, flags);",
        "\t__builtin_memset(buf, 0x5a, len);\n\treturn len;",
    ),
];

/// A kernel that can be booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The program.
    pub path: PathBuf,
    /// Which one it is: version of the package, and the hash of the recipe.
    pub version: String,
}

fn packages() -> String {
    let names: Vec<&str> = PACKAGES.iter().map(|(name, _)| *name).collect();
    names.join(" ")
}

/// Hash of everything that decides what is built from a source.
fn recipe() -> String {
    let mut hash = Sha256::new();
    hash.update(CONFIGURATION);
    for (file, from, to) in CHANGES {
        hash.update(file);
        hash.update(from);
        hash.update(to);
    }
    hash.finalize()[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// `$XDG_CACHE_HOME/voxproof/guest`, or the same under the home folder.
fn cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("voxproof")
        .join("guest")
}

impl Kernel {
    /// The kernel that [`KERNEL_VARIABLE`] names, or the newest one in the cache that was built by this recipe.
    ///
    /// # Errors
    /// [`GuestError::NoKernel`] when there is none.
    pub fn find() -> Result<Self, GuestError> {
        if let Some(path) = std::env::var_os(KERNEL_VARIABLE).map(PathBuf::from) {
            fs::metadata(&path).map_err(GuestError::file(&path))?;
            return Ok(Self {
                path,
                version: format!("named by {KERNEL_VARIABLE}"),
            });
        }
        Self::cached(&cache()).ok_or_else(|| GuestError::NoKernel {
            cache: cache(),
            packages: packages(),
        })
    }

    fn cached(cache: &Path) -> Option<Self> {
        let ending = format!("-{}", recipe());
        let mut found: Vec<String> = fs::read_dir(cache)
            .ok()?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with("linux-") && name.ends_with(&ending))
            .collect();
        found.sort();
        let name = found.pop()?;
        Some(Self {
            path: cache.join(&name),
            version: name.trim_start_matches("linux-").to_owned(),
        })
    }

    /// Builds the kernel from the installed source into the cache; some processor minutes. A second call at the same time
    /// waits for the first. `log` is told each step.
    ///
    /// # Errors
    /// When a package is missing, the source does not fit the recipe, or a step fails.
    pub fn build(log: &mut dyn FnMut(&str)) -> Result<Self, GuestError> {
        let archive = Path::new(ARCHIVE);
        if !archive.exists() {
            return Err(GuestError::NoSource {
                source_archive: archive.to_owned(),
                packages: packages(),
            });
        }
        let cache = cache();
        fs::create_dir_all(&cache).map_err(GuestError::file(&cache))?;
        let lock = cache.join("lock");
        let file = fs::File::create(&lock).map_err(GuestError::file(&lock))?;
        let _held = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, error)| GuestError::file(&lock)(error.into()))?;
        let version = package_version();
        let finished = cache.join(format!("linux-{version}-{}", recipe()));
        if finished.exists() {
            return Ok(Self {
                path: finished,
                version: format!("{version}-{}", recipe()),
            });
        }
        let work = cache.join("build");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).map_err(GuestError::file(&work))?;
        let built = build_in(&work, archive, log);
        if let Ok(program) = &built {
            fs::rename(program, &finished).map_err(GuestError::file(&finished))?;
        }
        let _ = fs::remove_dir_all(&work);
        built?;
        Ok(Self {
            path: finished,
            version: format!("{version}-{}", recipe()),
        })
    }
}

fn package_version() -> String {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${Version}", FOLDER])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map_or_else(
            || "6.1".to_owned(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
}

fn build_in(work: &Path, archive: &Path, log: &mut dyn FnMut(&str)) -> Result<PathBuf, GuestError> {
    let source = work.join(FOLDER);
    log("unpacking the kernel source");
    step(
        Command::new("tar")
            .arg("--extract")
            .arg("--file")
            .arg(archive)
            .arg("--directory")
            .arg(work),
    )?;
    for (file, from, to) in CHANGES {
        let path = source.join(file);
        let text = fs::read_to_string(&path).map_err(GuestError::file(&path))?;
        if text.matches(from).count() != 1 {
            return Err(GuestError::Unfit {
                file: path,
                line: from.trim().to_owned(),
            });
        }
        fs::write(&path, text.replace(from, to)).map_err(GuestError::file(&path))?;
    }
    let fragment = work.join("kernel.config");
    fs::write(&fragment, CONFIGURATION).map_err(GuestError::file(&fragment))?;
    let make = || {
        let mut make = Command::new("make");
        make.current_dir(&source).arg("ARCH=um");
        make
    };
    log("configuring");
    step(make().arg("allnoconfig").env("KCONFIG_ALLCONFIG", &fragment))?;
    let path = source.join(".config");
    let made = fs::read_to_string(&path).map_err(GuestError::file(&path))?;
    let refused: Vec<&str> = CONFIGURATION
        .lines()
        .filter(|line| line.starts_with("CONFIG_") && !made.lines().any(|other| other == *line))
        .collect();
    if !refused.is_empty() {
        return Err(GuestError::Options {
            options: refused.join(" "),
        });
    }
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    log("compiling, some minutes");
    step(make().arg(format!("-j{jobs}")).arg("linux"))?;
    let program = work.join("linux");
    step(
        Command::new("strip")
            .arg("-o")
            .arg(&program)
            .arg(source.join("linux")),
    )?;
    Ok(program)
}

fn step(command: &mut Command) -> Result<(), GuestError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| GuestError::Start {
            program: program.clone(),
            error,
        })?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    Err(GuestError::Build {
        step: format!("{command:?}"),
        tail: lines[lines.len().saturating_sub(20)..].join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_of_this_recipe_is_taken() {
        let cache = tempfile::tempdir().unwrap();
        assert_eq!(Kernel::cached(cache.path()), None);
        for name in [
            format!("linux-6.1.100-1-{}", recipe()),
            format!("linux-6.1.192-2-{}", recipe()),
            "linux-6.1.999-1-00000000".to_owned(),
            "lock".to_owned(),
        ] {
            fs::write(cache.path().join(name), "").unwrap();
        }
        let kernel = Kernel::cached(cache.path()).unwrap();
        assert_eq!(kernel.version, format!("6.1.192-2-{}", recipe()));
        assert!(kernel.path.exists());
    }

    #[test]
    fn a_failed_step_says_what_it_printed() {
        let error = step(Command::new("sh").args(["-c", "echo it broke >&2; exit 1"])).unwrap_err();
        assert!(error.to_string().contains("it broke"), "{error}");
        let error = step(&mut Command::new("/nonexistent/make")).unwrap_err();
        assert!(matches!(error, GuestError::Start { .. }), "{error}");
    }
}
