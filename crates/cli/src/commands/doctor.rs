//! `doctor`: is this machine fit for a run?

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use voxproof_guest::{Guest, Kernel};
use voxproof_net::{MediaSession, Net};
use voxproof_spec::load_device;

use crate::args::DoctorArgs;
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome};

struct Line {
    what: String,
    ok: bool,
    detail: String,
    fix: String,
}

impl Line {
    fn new(what: &str, ok: bool, detail: impl Into<String>, fix: &str) -> Self {
        Self {
            what: what.to_owned(),
            ok,
            detail: detail.into(),
            fix: fix.to_owned(),
        }
    }
}

pub(crate) fn doctor(args: &DoctorArgs, colour: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    let mut lines = vec![disk(), guests()];
    lines.extend(runtime.block_on(network()));
    if let Some(path) = &args.device {
        let file = load_device(path, None).map_err(|problems| {
            eprint!("{}", problems.render(colour));
            Failure::new(
                Exit::Specification,
                format!("the device file {} is invalid", path.display()),
            )
        })?;
        lines.extend(voxproof_device::probe(&file).into_iter().map(|probe| Line {
            what: probe.what,
            ok: probe.ok,
            detail: probe.detail,
            fix: probe.fix,
        }));
    }
    for line in &lines {
        say!(
            "{:<5} {}: {}",
            if line.ok { "ok" } else { "FAIL" },
            line.what,
            line.detail
        );
        if !line.ok && !line.fix.is_empty() {
            say!("      {}", line.fix);
        }
    }
    Ok(if lines.iter().all(|line| line.ok) {
        Exit::Pass
    } else {
        Exit::Unreachable
    })
}

/// A machine without guests is fit for real time all the same.
fn guests() -> Line {
    let detail = match Kernel::find() {
        Err(error) => format!("no virtual clock for real phones: {error}"),
        Ok(kernel) => match Guest::trial(&kernel) {
            Ok(()) => format!("kernel {} boots", kernel.version),
            Err(reason) => format!("no virtual clock for real phones: {reason}"),
        },
    };
    Line::new("guests", true, detail, "")
}

fn disk() -> Line {
    let here = std::env::current_dir().unwrap_or_else(|_| ".".into());
    let probe = here.join(format!(".voxproof-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Line::new("record", true, format!("{} can be written", here.display()), ""),
        Err(error) => Line::new(
            "record",
            false,
            format!("{} cannot be written: {error}", here.display()),
            "choose another folder with --out",
        ),
    }
}

/// Sends to itself for a second and looks how late it is.
struct SelfTest {
    to: Option<SocketAddr>,
    received: u32,
}

impl MediaSession for SelfTest {
    fn interval(&self) -> Duration {
        Duration::from_millis(20)
    }
    fn tick(&mut self, _: Duration, _: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        out.extend(self.to.map(|to| (to, vec![0; 172])));
    }
    fn sent(&mut self, _: Duration, _: Duration, _: SocketAddr, _: &[u8]) {}
    fn received(&mut self, _: Duration, _: SocketAddr, _: &[u8]) {
        self.received += 1;
    }
}

async fn network() -> Vec<Line> {
    let net = Net::os();
    let loopback = std::net::Ipv4Addr::LOCALHOST;
    let session = Arc::new(Mutex::new(SelfTest {
        to: None,
        received: 0,
    }));
    let mut port = match net.open_media(loopback.into(), session.clone()) {
        Ok(port) => port,
        Err(error) => return vec![Line::new("RTP port", false, error.to_string(), "")],
    };
    if let Ok(mut session) = session.lock() {
        session.to = Some(port.local_addr());
    }
    let until = net.clock().now() + Duration::from_secs(2);
    net.clock().sleep_until(until).await;
    let health = port.health();
    port.stop();
    let received = session.lock().map_or(0, |session| session.received);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    vec![
        Line::new(
            "RTP port",
            true,
            format!("{} could be opened", port.local_addr()),
            "",
        ),
        Line::new(
            "RTP loopback",
            received > 50,
            format!("{received} packets came back in 2 s"),
            "a firewall on the loopback interface, or a machine under heavy load",
        ),
        Line::new(
            "RTP pacing",
            health.p99_send_lag < Duration::from_millis(20),
            format!(
                "99 % of the packets at most {:.2} ms late, worst {:.2} ms",
                ms(health.p99_send_lag),
                ms(health.max_send_lag)
            ),
            "run on a quieter machine, or give the right to real-time scheduling (CAP_SYS_NICE)",
        ),
    ]
}
