//! Whether a device can be had, found out without starting it.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use voxproof_spec::{BaresipDriver, DeviceFile, Driver, MediaProfile};

use crate::create::faults;
use crate::{baresip, linphone, process, web};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeLine {
    /// What it is: `program`, `module`, `address` ...
    pub what: String,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do when it is not; empty otherwise.
    pub fix: String,
}

impl ProbeLine {
    fn good(what: &str, detail: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            ok: true,
            detail: detail.into(),
            fix: String::new(),
        }
    }

    fn bad(what: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            ok: false,
            detail: detail.into(),
            fix: fix.into(),
        }
    }
}

/// Looks whether the device of this file can be started and reached. Takes a few seconds when an address is silent.
pub fn probe(file: &DeviceFile) -> Vec<ProbeLine> {
    let mut lines: Vec<ProbeLine> = Vec::new();
    for driver in file.driver.iter() {
        lines.extend(probe_driver(driver, file));
    }
    if file.driver.ends_with_a_person() {
        lines.push(ProbeLine::good("operator", "asked in the terminal"));
    }
    if let Some(address) = &file.ixit.address {
        lines.push(match address.parse() {
            Ok(address) => answering(address),
            Err(_) => ProbeLine::bad(
                "address",
                address.to_string(),
                "write `address` as 192.0.2.7:5060",
            ),
        });
    }
    lines
}

fn probe_driver(driver: &Driver, file: &DeviceFile) -> Vec<ProbeLine> {
    match driver {
        Driver::Sim(driver) => vec![match faults(&driver.faults) {
            Ok(_) => ProbeLine::good("simulated phone", "built in"),
            Err(error) => ProbeLine::bad(
                "simulated phone",
                error.to_string(),
                "correct `faults` in the device file",
            ),
        }],
        Driver::Baresip(driver) => {
            let mut lines = vec![program(&driver.program, baresip::PACKAGE)];
            lines.extend(modules(driver, &file.media));
            lines.extend(port(driver.sip_port));
            lines
        }
        Driver::Linphone(driver) => {
            let mut lines = vec![program(&driver.program, linphone::PACKAGE)];
            lines.push(match linphone::obstacle() {
                None => ProbeLine::good("control socket", "free"),
                Some(found) => ProbeLine::bad("control socket", found, "end it, or run as another user"),
            });
            lines.extend(port(driver.sip_port));
            lines
        }
        Driver::Command(driver) => {
            let mut lines = vec![program("sh", "dash")];
            if driver.action.is_empty() && !driver.answers_by_itself {
                lines.push(ProbeLine::bad(
                    "actions",
                    "the device can do nothing",
                    "give commands under [driver.command.action], or set `answers_by_itself`",
                ));
            }
            lines
        }
        Driver::Web(driver) => vec![match web::examine(driver) {
            Ok(found) => ProbeLine::good("web interface", found),
            Err(error) => ProbeLine::bad(
                "web interface",
                error.to_string(),
                "check address, user and password, and that the phone takes orders from this machine",
            ),
        }],
        Driver::Sip(_) => vec![ProbeLine::good(
            "orders by SIP",
            "the lab is its server; whether it takes them shows in a run",
        )],
        Driver::Manual(_) => vec![ProbeLine::good("operator", "asked in the terminal")],
    }
}

fn program(name: &str, package: &str) -> ProbeLine {
    match process::find_program(name) {
        Some(path) => ProbeLine::good("program", path.display().to_string()),
        None => ProbeLine::bad(
            "program",
            format!("{name} is not installed"),
            format!("install it (`apt-get install {package}`) or set `program` in the device file"),
        ),
    }
}

fn modules(driver: &BaresipDriver, media: &MediaProfile) -> Vec<ProbeLine> {
    let folder = Path::new(&driver.module_path);
    let missing: Vec<&str> = baresip::MODULES
        .iter()
        .copied()
        .chain(baresip::further_modules(media))
        .filter(|name| !folder.join(format!("{name}.so")).is_file())
        .collect();
    vec![if missing.is_empty() {
        ProbeLine::good("modules", driver.module_path.clone())
    } else {
        ProbeLine::bad(
            "modules",
            format!("{} lacks {}", driver.module_path, missing.join(", ")),
            format!(
                "install {} or set `module_path` in the device file",
                baresip::PACKAGE
            ),
        )
    }]
}

/// A fixed SIP port has to be free; port 0 finds one.
fn port(port: u16) -> Option<ProbeLine> {
    if port == 0 {
        return None;
    }
    let any = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), port);
    Some(match UdpSocket::bind(any) {
        Ok(_) => ProbeLine::good("SIP port", format!("{port} is free")),
        Err(error) => ProbeLine::bad(
            "SIP port",
            format!("{port}: {error}"),
            "set `sip_port = 0` in the device file, or end the program that has it (`ss -ulpn`)",
        ),
    })
}

/// Asks the address for its options (RFC 3261 11): every user agent answers that, a 401 or 404 is an answer too.
fn answering(address: SocketAddr) -> ProbeLine {
    match ask_options(address, &[300, 700, 1500].map(Duration::from_millis)) {
        Ok(status) => ProbeLine::good("address", format!("{address} answered `{status}`")),
        Err(error) => {
            let found = match error.kind() {
                ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut => "no answer to OPTIONS within 2.5 s".to_owned(),
                _ => error.to_string(),
            };
            ProbeLine::bad(
                "address",
                format!("{address}: {found}"),
                "switch the device on, check its address and cable, and that it takes SIP over UDP",
            )
        }
    }
}

/// The status line of the answer. Asks again after each wait, as a datagram may get lost.
fn ask_options(address: SocketAddr, waits: &[Duration]) -> io::Result<String> {
    let any = if address.is_ipv4() {
        IpAddr::from([0, 0, 0, 0])
    } else {
        IpAddr::from([0u16; 8])
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(address)?;
    let local = socket.local_addr()?;
    let id = format!("{}-{}", std::process::id(), local.port());
    let request = format!(
        "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-probe-{id};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:voxproof@{local}>;tag=probe-{id}\r\nTo: <sip:{address}>\r\n\
         Call-ID: probe-{id}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:voxproof@{local}>\r\nAccept: application/sdp\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let mut last = io::Error::from(ErrorKind::TimedOut);
    for wait in waits {
        socket.set_read_timeout(Some(*wait))?;
        if let Err(error) = socket.send(request.as_bytes()) {
            last = error;
            continue;
        }
        let mut buffer = [0; 2048];
        match socket.recv(&mut buffer) {
            Ok(length) => {
                let answer = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
                return Ok(answer.lines().next().unwrap_or_default().trim().to_owned());
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn an_address_answers_or_not() {
        let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = phone.local_addr().unwrap();
        let answers = thread::spawn(move || {
            let mut buffer = [0; 2048];
            let (length, source) = phone.recv_from(&mut buffer).unwrap();
            phone.send_to(b"SIP/2.0 404 Not Found\r\n\r\n", source).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        });
        let line = answering(address);
        assert!(line.ok && line.detail.contains("404 Not Found"), "{line:?}");
        let request = answers.join().unwrap();
        assert!(request.starts_with("OPTIONS sip:127.0.0.1") && request.ends_with("\r\n\r\n"));
        // the port is closed now
        let line = answering(address);
        assert!(
            !line.ok && line.detail.contains("nothing listens") && !line.fix.is_empty(),
            "{line:?}"
        );
    }

    #[test]
    fn a_missing_program_says_which_package() {
        assert!(program("sh", "dash").ok);
        let line = program("no-such-phone", "some-package");
        assert!(!line.ok && line.fix.contains("apt-get install some-package"));
        let driver = BaresipDriver {
            module_path: "/nonexistent".to_owned(),
            ..Default::default()
        };
        assert!(
            modules(&driver, &MediaProfile::default())
                .iter()
                .any(|line| !line.ok && line.detail.contains("ctrl_tcp"))
        );
    }
}
