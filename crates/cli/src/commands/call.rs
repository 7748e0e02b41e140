//! `call`: one call by hand, or many at once.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use voxproof_call::{InviteOptions, Signal, Station, StationConfig};
use voxproof_load::{
    Answer, CalleeOptions, CallerOptions, LoadReport, MediaMode, MediaOptions, Progress, Validity,
    run_callee, run_caller,
};
use voxproof_net::Net;
use voxproof_record::{CapturedPacket, PacketDirection, Wav, read_wav, write_wav};
use voxproof_rtp::playout::{PayloadCodec, decode};

use crate::args::CallArgs;
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome};

/// How long a single call may ring.
const RING: Duration = Duration::from_secs(60);
/// A far end that has not answered at all by then is not there: timer B (RFC 3261 17.1.1.2).
const TIMER_B: Duration = Duration::from_secs(32);

pub(crate) fn call(args: &CallArgs) -> Outcome {
    match (&args.listen, &args.uri) {
        (Some(local), None) => answer_calls(args, *local),
        (None, Some(uri)) if args.rate.is_some() || args.calls.is_some() || args.concurrent.is_some() => {
            many_calls(args, uri)
        }
        (None, Some(uri)) => one_call(args, uri),
        _ => Err(Failure::new(
            Exit::Usage,
            "name a SIP URI to call, or --listen and an address to be called at",
        )),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, error))
}

/// Host and port of a URI with a literal address.
fn address_of(uri: &str) -> Result<SocketAddr, Failure> {
    let parsed = voxproof_sip::Uri::parse(uri).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("`{uri}` is not a SIP URI: {error}; write sip:user@192.0.2.7:5060"),
        )
    })?;
    let host = parsed.host.trim_matches(['[', ']']);
    let ip: IpAddr = host.parse().map_err(|_| {
        Failure::new(
            Exit::Usage,
            format!("`{host}` is not an IP address; names are not resolved here, write the address"),
        )
    })?;
    Ok(SocketAddr::new(ip, parsed.port.unwrap_or(5060)))
}

/// The local address from which a far end is reached.
fn local_for(args: &CallArgs, remote: SocketAddr) -> Result<SocketAddr, Failure> {
    if let Some(local) = args.local {
        return Ok(local);
    }
    let any: SocketAddr = if remote.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    // connecting a datagram socket sends nothing, it only asks the routing table
    std::net::UdpSocket::bind(any)
        .and_then(|socket| {
            socket.connect(remote)?;
            socket.local_addr()
        })
        .map(|address| SocketAddr::new(address.ip(), 0))
        .map_err(|error| Failure::new(Exit::Unreachable, format!("no way to {remote}: {error}")))
}

fn read_signal(path: &Path) -> Result<Wav, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display())))?;
    let wav =
        read_wav(&path.display().to_string(), &bytes).map_err(|error| Failure::new(Exit::Usage, error))?;
    let samples = voxproof_audio::resample::resample_i16(&wav.samples, wav.sample_rate, 8000)
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    Ok(Wav {
        sample_rate: 8000,
        samples,
    })
}

fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                // a second press ends the process as it would have without us
                if flag.swap(true, Ordering::SeqCst) {
                    std::process::exit(130);
                }
            }
        });
    });
    stop
}

fn media(args: &CallArgs) -> Result<Option<MediaOptions>, Failure> {
    if !args.media && args.play.is_none() && !args.echo {
        return Ok(None);
    }
    let signal = match &args.play {
        Some(path) => read_signal(path)?.samples,
        None => vec![],
    };
    Ok(Some(MediaOptions {
        signal,
        mode: if args.echo {
            MediaMode::Echo
        } else {
            MediaMode::Send
        },
        shared_port: args.shared_rtp,
        ..MediaOptions::default()
    }))
}

fn progress(progress: &Progress) {
    eprint!(
        "\r{} calls, {} answered, {} failed, {} now   ",
        progress.attempted, progress.answered, progress.failed, progress.active
    );
}

fn conclude(report: &LoadReport, args: &CallArgs) -> Outcome {
    eprintln!();
    if args.json {
        let text =
            serde_json::to_string_pretty(report).map_err(|error| Failure::new(Exit::Internal, error))?;
        say!("{text}");
    } else {
        say!("{report}");
    }
    Ok(match report.validity {
        Validity::Valid if report.failures() == 0 => Exit::Pass,
        Validity::Valid => Exit::Fail,
        // the lab was the limit: nothing is said about the far end
        Validity::Inconclusive(_) => Exit::Incomplete,
    })
}

fn many_calls(args: &CallArgs, uri: &str) -> Outcome {
    let remote = address_of(uri)?;
    let local = local_for(args, remote)?;
    let mut options = CallerOptions::new(uri, local);
    options.rate = args
        .rate
        .or_else(|| options.rate.filter(|_| args.concurrent.is_none()));
    options.concurrent = args.concurrent;
    options.calls = args.calls;
    options.hold = args.hold.0;
    options.media = media(args)?;
    let stop = stop_on_interrupt();
    let report =
        run_caller(options, &stop, &mut progress).map_err(|error| Failure::new(Exit::Unreachable, error))?;
    conclude(&report, args)
}

fn answer_calls(args: &CallArgs, local: SocketAddr) -> Outcome {
    let mut options = CalleeOptions::new(local);
    options.calls = args.calls;
    options.concurrent = args.concurrent;
    options.answer = args.reject.map_or(Answer::Accept, Answer::Reject);
    options.media = media(args)?;
    let stop = stop_on_interrupt();
    let report =
        run_callee(options, &stop, &mut progress).map_err(|error| Failure::new(Exit::Unreachable, error))?;
    conclude(&report, args)
}

/// One call through the call driver, as a case makes it.
fn one_call(args: &CallArgs, uri: &str) -> Outcome {
    let remote = address_of(uri)?;
    let local = local_for(args, remote)?;
    let signal = args.play.as_deref().map(read_signal).transpose()?;
    let hold = match &signal {
        Some(wav) if args.hold.0.is_zero() => {
            Duration::from_secs_f64(wav.samples.len() as f64 / f64::from(wav.sample_rate))
        }
        _ if args.hold.0.is_zero() => Duration::from_secs(5),
        _ => args.hold.0,
    };
    let stop = stop_on_interrupt();
    let outcome = runtime()?.block_on(dial(uri, remote, local, signal, hold, &stop))?;
    if let Some(path) = &args.record {
        let wav = received(&outcome.packets, outcome.rtp);
        let bytes = write_wav(&wav).map_err(|error| Failure::new(Exit::Record, error))?;
        std::fs::write(path, bytes).map_err(|error| {
            Failure::new(Exit::Record, format!("cannot write {}: {error}", path.display()))
        })?;
    }
    let inbound = outcome
        .packets
        .iter()
        .filter(|packet| {
            Some(packet.destination) == outcome.rtp && packet.direction == PacketDirection::Inbound
        })
        .count();
    if args.json {
        say!(
            "{}",
            json!({
                "uri": uri,
                "answered": outcome.answered,
                "answer": outcome.answer,
                "setup_ms": outcome.setup.as_millis() as u64,
                "rtp_packets_received": inbound,
            })
        );
    } else {
        say!("{uri}: {} after {} ms", outcome.answer, outcome.setup.as_millis());
        if outcome.answered {
            say!("  {inbound} RTP packets received in {:.1} s", hold.as_secs_f64());
        }
    }
    Ok(if outcome.answered { Exit::Pass } else { Exit::Fail })
}

struct Dialled {
    answered: bool,
    answer: String,
    setup: Duration,
    packets: Vec<CapturedPacket>,
    rtp: Option<SocketAddr>,
}

async fn dial(
    uri: &str,
    remote: SocketAddr,
    local: SocketAddr,
    signal: Option<Wav>,
    hold: Duration,
    stop: &AtomicBool,
) -> Result<Dialled, Failure> {
    let unreachable = |error: &dyn std::fmt::Display| Failure::new(Exit::Unreachable, error.to_string());
    let user = uri
        .split_once(':')
        .and_then(|(_, rest)| rest.split_once('@'))
        .map_or("voxproof", |(user, _)| user);
    let config = StationConfig {
        server: local,
        username: user.to_owned(),
        password: String::new(),
        realm: "voxproof".to_owned(),
        device_address: Some(remote),
        seed: u64::from(std::process::id()),
    };
    let mut station = Station::open(Net::os(), config)
        .await
        .map_err(|error| unreachable(&error))?;
    station.begin_case();
    let began = station.now();
    let sent = station
        .invite("peer_a", InviteOptions::default())
        .map_err(|error| unreachable(&error))?;
    station
        .pump(began + RING, |station| {
            let silent = station.log().iter().all(|seen| !seen.from_device);
            station.answer_to(sent).is_some()
                || stop.load(Ordering::SeqCst)
                || (silent && station.now() >= began + TIMER_B)
        })
        .await;
    let answer = station
        .answer_to(sent)
        .map(|seen| (seen.at, seen.message.summary(), seen.message.status()));
    let setup = answer
        .as_ref()
        .map_or_else(|| station.now(), |(at, ..)| *at)
        .saturating_sub(began);
    let answered = station.is_established("peer_a");
    let rtp = station.rtp_address("peer_a");
    if answered {
        if let Some(wav) = signal {
            let signal = Signal::new(wav.sample_rate, wav.samples.into());
            station
                .play("peer_a", "file", &signal, hold)
                .map_err(|error| unreachable(&error))?;
        }
        let until = station.now() + hold;
        station
            .pump(until, |station| {
                stop.load(Ordering::SeqCst) || !station.is_established("peer_a")
            })
            .await;
    }
    let capture = station.end_case(false).await;
    Ok(Dialled {
        answered,
        answer: answer.map_or_else(|| "no answer".to_owned(), |(_, summary, _)| summary),
        setup,
        packets: capture.packets,
        rtp,
    })
}

/// What came on the RTP port, on its own time line.
fn received(packets: &[CapturedPacket], rtp: Option<SocketAddr>) -> Wav {
    let inbound: Vec<(Duration, &[u8])> = packets
        .iter()
        .filter(|packet| Some(packet.destination) == rtp && packet.direction == PacketDirection::Inbound)
        .map(|packet| (packet.at, packet.payload.as_slice()))
        .collect();
    let decoded = decode(
        &inbound,
        &[(0, PayloadCodec::Pcmu), (8, PayloadCodec::Pcma)],
        &[101],
    );
    Wav {
        sample_rate: decoded.sample_rate,
        samples: decoded.samples,
    }
}
