//! What `cargo xtask bench` measures, one subject a run: JSON on standard output.
//!
//! `bench caller DESTINATION CALLS RATE HOLD_MS MEDIA`, `bench inspected DESTINATION CALLS RATE` (rule engine and a capture in
//! memory), `bench callee LOCAL CALLS MEDIA` (CALLS 0: until standard input
//! ends), `bench pacing SECONDS`, `bench parse COUNT`, `bench memory CALLS MEDIA`,
//! `bench rules CALLS`,
//! `bench statistics STREAMS` (receive statistics of the load mode and of `voxproof-rtp`); MEDIA is `none`, `pairs` or `shared`.

use std::error::Error;
use std::hint::black_box;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use voxproof_load::{
    Callee, CalleeOptions, Caller, CallerOptions, Hooks, LoadReport, MediaOptions, OwnBounds,
    ReceiveStatistics, RuleInspection, SipCapture, run_caller,
};
use voxproof_net::{MediaSession, Net};
use voxproof_rtp::Packet;
use voxproof_rtp::statistics::RunningStatistics;
use voxproof_rules::{Engine, EngineConfig, Observation, Transport};
use voxproof_sip::Message;

type Outcome = Result<Value, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let value = match arguments.as_slice() {
        ["caller", to, calls, rate, hold_ms, media] => caller(
            to.parse()?,
            calls.parse()?,
            rate.parse()?,
            hold_ms.parse()?,
            media,
        ),
        ["inspected", to, calls, rate] => inspected(to.parse()?, calls.parse()?, rate.parse()?),
        ["callee", local, calls, media] => callee(local.parse()?, calls.parse()?, media),
        ["pacing", seconds] => pacing(seconds.parse()?),
        ["parse", count] => Ok(parse(count.parse()?)),
        ["rules", calls] => Ok(rules(calls.parse()?)),
        ["statistics", streams] => Ok(statistics(streams.parse()?)),
        ["memory", calls, media] => memory(calls.parse()?, media),
        _ => Err("see the head of this file for the arguments".into()),
    }?;
    println!("{value}");
    Ok(())
}

fn media(name: &str) -> Result<Option<MediaOptions>, String> {
    match name {
        "none" => Ok(None),
        "pairs" => Ok(Some(MediaOptions::default())),
        "shared" => Ok(Some(MediaOptions {
            shared_port: true,
            ..MediaOptions::default()
        })),
        other => Err(format!("no such media: {other}")),
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn caller(to: SocketAddr, calls: u64, rate: f64, hold_ms: u64, kind: &str) -> Outcome {
    let options = CallerOptions {
        rate: Some(rate),
        calls: Some(calls),
        hold: Duration::from_millis(hold_ms),
        media: media(kind)?,
        ..CallerOptions::new(format!("sip:service@{to}"), loopback())
    };
    let report = run_caller(options, &AtomicBool::new(false), &mut |_| {})?;
    Ok(serde_json::to_value(&report)?)
}

/// Calls without media, each message held against the rules and captured.
fn inspected(to: SocketAddr, calls: u64, rate: f64) -> Outcome {
    let options = CallerOptions {
        rate: Some(rate),
        calls: Some(calls),
        ..CallerOptions::new(format!("sip:service@{to}"), loopback())
    };
    let caller = Caller::bind(options)?;
    let local = caller.local_addr();
    let epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut observer = (
        RuleInspection::new(local, EngineConfig::default()),
        SipCapture::new(Vec::new(), local, epoch),
    );
    let report = caller.run(&mut Hooks {
        observer: Some(&mut observer),
        ..Hooks::new(&AtomicBool::new(false), &mut |_| {})
    })?;
    let (mut rules, capture) = observer;
    rules.finish();
    let (capture, messages) = capture.finish()?;
    let applicable: u64 = rules.checked().map(|count| count.applicable).sum();
    let mut value = serde_json::to_value(&report)?;
    value["inspection"] = json!({
        "messages": messages,
        "capture_octets": capture.len(),
        "applicable": applicable,
        "broken": rules.checked().filter(|count| count.broken > 0).map(|count| count.rule.id).collect::<Vec<_>>(),
    });
    Ok(value)
}

fn callee(local: SocketAddr, calls: u64, kind: &str) -> Outcome {
    let options = CalleeOptions {
        calls: (calls > 0).then_some(calls),
        media: media(kind)?,
        ..CalleeOptions::new(local)
    };
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        seen.store(true, Ordering::Relaxed);
    });
    let report = Callee::bind(options)?.run(&mut Hooks::new(&stop, &mut |_| {}))?;
    Ok(serde_json::to_value(&report)?)
}

/// How late the media path of single calls sends: `voxproof-net`, one 20 ms stream.
fn pacing(seconds: u64) -> Outcome {
    struct Stream {
        to: SocketAddr,
        lateness: Vec<f64>,
    }
    impl MediaSession for Stream {
        fn interval(&self) -> Duration {
            Duration::from_millis(20)
        }
        fn tick(&mut self, _: Duration, _: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
            out.push((self.to, vec![0; 172]));
        }
        fn sent(&mut self, deadline: Duration, at: Duration, _: SocketAddr, _: &[u8]) {
            self.lateness
                .push(at.saturating_sub(deadline).as_secs_f64() * 1e3);
        }
        fn received(&mut self, _: Duration, _: SocketAddr, _: &[u8]) {}
    }
    let sink = std::net::UdpSocket::bind(loopback())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let _inside = runtime.enter();
    let session = Arc::new(Mutex::new(Stream {
        to: sink.local_addr()?,
        lateness: Vec::with_capacity(50 * seconds as usize + 50),
    }));
    let network = Net::os();
    let mut port = network.open_media(loopback().ip(), session.clone())?;
    thread::sleep(Duration::from_secs(seconds));
    port.stop();
    let mut lateness = std::mem::take(&mut session.lock().unwrap_or_else(PoisonError::into_inner).lateness);
    lateness.sort_by(f64::total_cmp);
    let count = lateness.len();
    let mean = lateness.iter().sum::<f64>() / count as f64;
    let variance = lateness.iter().map(|late| (late - mean).powi(2)).sum::<f64>() / count as f64;
    let at = |share: f64| lateness.get(((count as f64 * share).ceil() as usize).max(1) - 1);
    Ok(json!({
        "packets": count, "mean_ms": mean, "deviation_ms": variance.sqrt(),
        "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": lateness.last(),
    }))
}

/// A 420-byte INVITE to an indexed message.
fn parse(count: u64) -> Value {
    let mut text = String::from(
        "INVITE sip:bob@192.0.2.2:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK776asdhds\r\n\
         Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@192.0.2.1>;tag=1928301774\r\nTo: <sip:bob@192.0.2.2>\r\n\
         Call-ID: a84b4c76e66710@192.0.2.1\r\nCSeq: 314159 INVITE\r\nContact: <sip:alice@192.0.2.1:5060>\r\n\
         Allow: INVITE, ACK, CANCEL, BYE\r\nUser-Agent: bench\r\nContent-Length: 0\r\nX-Fill: \r\n\r\n",
    );
    let missing = 420 - text.len();
    let place = text.len() - 4;
    text.insert_str(place, &"x".repeat(missing));
    let bytes = text.as_bytes();
    let mut best = f64::MAX;
    let mut all = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        for _ in 0..count / 20 {
            black_box(Message::parse(black_box(bytes)));
        }
        let each = start.elapsed().as_nanos() as f64 / (count / 20).max(1) as f64;
        best = best.min(each);
        all.push(each);
    }
    all.sort_by(f64::total_cmp);
    json!({ "octets": bytes.len(), "min_ns": best, "median_ns": all.get(10) })
}

/// What the rule engine takes for a message, parsing left out: calls of six messages, the device called.
fn rules(calls: usize) -> Value {
    const BODY: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n\
                        a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n";
    let rows = [
        (false, "INVITE sip:b@192.0.2.2 SIP/2.0", "1 INVITE", "a", "", BODY),
        (
            true,
            "SIP/2.0 180 Ringing",
            "1 INVITE",
            "a",
            ";tag=device-tag",
            "",
        ),
        (true, "SIP/2.0 200 OK", "1 INVITE", "a", ";tag=device-tag", BODY),
        (
            false,
            "ACK sip:b@192.0.2.2 SIP/2.0",
            "1 ACK",
            "b",
            ";tag=device-tag",
            "",
        ),
        (
            false,
            "BYE sip:b@192.0.2.2 SIP/2.0",
            "2 BYE",
            "c",
            ";tag=device-tag",
            "",
        ),
        (true, "SIP/2.0 200 OK", "2 BYE", "c", ";tag=device-tag", ""),
    ];
    let contact = |from_device| if from_device { "b@192.0.2.2" } else { "a@192.0.2.1" };
    let call = |number: usize| {
        rows.map(|(from_device, start, cseq, branch, tag, body)| {
            let text = format!(
                "{start}\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}{number};rport\r\nMax-Forwards: 70\r\n\
                 From: <sip:a@192.0.2.1>;tag=lab-{number}\r\nTo: <sip:b@192.0.2.2>{tag}\r\nCall-ID: {number}@192.0.2.1\r\n\
                 CSeq: {cseq}\r\nContact: <sip:{}>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\nUser-Agent: bench\r\n\
                 Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                contact(from_device),
                body.len()
            );
            (from_device, Message::parse(text.as_bytes()))
        })
    };
    let (device, lab) = (
        SocketAddr::from(([192, 0, 2, 2], 5060)),
        SocketAddr::from(([192, 0, 2, 1], 5060)),
    );
    let mut engine = Engine::new(EngineConfig::default());
    let mut packet = 0_u32;
    let mut each = Vec::new();
    for round in 0..10 {
        let messages: Vec<_> = (0..calls / 10)
            .flat_map(|number| call(round * calls + number))
            .collect();
        let start = Instant::now();
        for (from_device, message) in &messages {
            packet += 1;
            let (source, destination) = if *from_device {
                (device, lab)
            } else {
                (lab, device)
            };
            engine.observe(&Observation::Sip {
                at: Duration::from_millis(u64::from(packet)),
                packet,
                from_device: *from_device,
                transport: Transport::Udp,
                source,
                destination,
                message,
            });
        }
        each.push(start.elapsed().as_nanos() as f64 / messages.len().max(1) as f64);
    }
    each.sort_by(f64::total_cmp);
    let applicable: u64 = engine.checked().map(|count| count.applicable).sum();
    json!({ "min_ns": each.first(), "median_ns": each.get(5), "checks_a_message": applicable as f64 / f64::from(packet) })
}

/// Nanoseconds a packet of either receive statistics, in the order of load mode: eight packets of one stream, then the
/// next stream.
fn statistics(streams: usize) -> Value {
    const LOOK: u32 = 8;
    const LOOKS: u32 = 40;
    let packets: Vec<Vec<u8>> = (0..LOOK * LOOKS)
        .map(|index| voxproof_rtp::build(8, false, index as u16, index * 160, 7, &[0xd5; 160]))
        .collect();
    let looks = || {
        (0..LOOKS).flat_map(|look| (0..streams).map(move |stream| (stream, look * LOOK..(look + 1) * LOOK)))
    };
    let measure = |take: &mut dyn FnMut(usize, Duration, &Packet<'_>)| {
        let start = Instant::now();
        for (stream, indices) in looks() {
            for index in indices {
                let packet = packets
                    .get(index as usize)
                    .and_then(|bytes| Packet::parse(bytes).ok());
                if let Some(packet) = packet {
                    take(stream, Duration::from_millis(20) * index, &packet);
                }
            }
        }
        start.elapsed().as_nanos() as f64 / (streams as f64 * f64::from(LOOK * LOOKS))
    };
    let (mut own_least, mut full_least) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        let mut own = vec![ReceiveStatistics::default(); streams];
        own_least = own_least.min(measure(&mut |stream, at, packet| {
            if let Some(one) = own.get_mut(stream) {
                one.packet(at, packet.ssrc, packet.sequence, packet.timestamp);
            }
        }));
        let mut full = vec![RunningStatistics::new(8000, &[], None); streams];
        full_least = full_least.min(measure(&mut |stream, at, packet| {
            if let Some(one) = full.get_mut(stream) {
                one.observe(at, packet, None);
            }
        }));
        black_box((&own, &full));
    }
    json!({
        "load_ns": own_least, "rtp_ns": full_least,
        "load_octets": size_of::<ReceiveStatistics>(), "rtp_octets": size_of::<RunningStatistics>(),
    })
}

/// Growth of this process by calls that are up; the callee is another process. One measurement a process: memory that was
/// freed by an earlier one would be used again and not be seen.
fn memory(calls: u64, kind: &str) -> Outcome {
    let mut far = std::process::Command::new(std::env::current_exe()?)
        .args(["callee", "127.0.0.1:5199", "0", kind])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()?;
    thread::sleep(Duration::from_millis(300));
    let options = CallerOptions {
        rate: Some(500.0),
        calls: Some(calls),
        hold: Duration::from_secs(3600),
        media: media(kind)?,
        bounds: OwnBounds::default(),
        linger: Duration::ZERO,
        ..CallerOptions::new("sip:service@127.0.0.1:5199", loopback())
    };
    let stop = AtomicBool::new(false);
    let before = resident()?;
    let mut after = 0;
    let mut looks = 0;
    let report: LoadReport = run_caller(options, &stop, &mut |progress| {
        if progress.answered == calls {
            // the third look, so that media has run for a while
            looks += 1;
            if looks == 3 {
                after = resident().unwrap_or(0);
                stop.store(true, Ordering::Relaxed);
            }
        }
    })?;
    drop(far.stdin.take());
    far.wait()?;
    if report.completed != calls {
        return Err(format!("only some calls completed:\n{report}").into());
    }
    Ok(json!({ "octets_a_call": (after as f64 - before as f64) / calls as f64 }))
}

fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
