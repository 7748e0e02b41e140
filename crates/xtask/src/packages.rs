//! Debian packages, installed by name and only when something is missing.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// A package and a file that shows that it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    name: &'static str,
    file: &'static str,
    why: &'static str,
}

/// A linker, for a machine that has only Rust.
pub(crate) const FOR_BUILDING: &[Package] = &[Package {
    name: "gcc",
    file: "/usr/bin/cc",
    why: "the linker that Rust calls",
}];

/// What the tests use: real phones, a scripted one, and tools that read what we write.
pub(crate) const FOR_TESTS: &[Package] = &[
    Package {
        name: "gcc",
        file: "/usr/bin/cc",
        why: "the linker that Rust calls",
    },
    Package {
        name: "libssl-dev",
        file: "/usr/include/openssl/ssl.h",
        why: "the cargo feature old-tls",
    },
    Package {
        name: "pkg-config",
        file: "/usr/bin/pkg-config",
        why: "finds OpenSSL for it",
    },
    Package {
        name: "baresip-core",
        file: "/usr/bin/baresip",
        why: "a real SIP phone as device under test",
    },
    Package {
        name: "linphone-cli",
        file: "/usr/bin/linphonec",
        why: "a second real SIP phone",
    },
    Package {
        name: "kamailio",
        file: "/usr/sbin/kamailio",
        why: "a real registrar and proxy between phone and lab",
    },
    Package {
        name: "sip-tester",
        file: "/usr/bin/sipp",
        why: "SIPp, the peer of comparisons",
    },
    Package {
        name: "espeak-ng",
        file: "/usr/bin/espeak-ng",
        why: "speech for the fixtures",
    },
    Package {
        name: "sox",
        file: "/usr/bin/sox",
        why: "sound files for the fixtures",
    },
    Package {
        name: "tshark",
        file: "/usr/bin/tshark",
        why: "an independent reader of our captures",
    },
    Package {
        name: "iproute2",
        file: "/usr/sbin/tc",
        why: "impairment by the kernel, in a guest",
    },
];

/// What building the guests' kernel takes.
pub(crate) fn for_guests() -> Vec<Package> {
    voxproof_guest::PACKAGES
        .iter()
        .map(|(name, file)| Package {
            name,
            file,
            why: "the kernel of the guests with a virtual clock",
        })
        .collect()
}

/// What the analyzer is compared with, and what builds it.
pub(crate) const FOR_PEERS: &[Package] = &[
    Package {
        name: "gcc",
        file: "/usr/bin/cc",
        why: "the linker that Rust calls, and the compiler of the package pesq",
    },
    Package {
        name: "sox",
        file: "/usr/bin/sox",
        why: "a peer of the comparison",
    },
    Package {
        name: "ffmpeg",
        file: "/usr/bin/ffmpeg",
        why: "a peer of the comparison",
    },
    Package {
        name: "python3-venv",
        file: "/usr/bin/python3",
        why: "the oracle's packages in an environment of their own",
    },
];

/// Installs the packages that are missing; says what it does.
pub(crate) fn install(packages: &[Package]) -> Result<()> {
    let missing: Vec<&Package> = packages
        .iter()
        .filter(|package| !Path::new(package.file).exists())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        eprintln!("installing {}: {}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.arg("apt-get");
        }
        let status = command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    apt(&["update"]);
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(&names);
    if !apt(&arguments) {
        bail!(
            "could not install {}; install them by hand: apt-get install {0}",
            names.join(" ")
        );
    }
    Ok(())
}
