//! Scenario text (examples/README.md) played through an engine.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_rules::{Engine, EngineConfig, Observation, RuleCount, Transport};
use voxproof_sip::Message;

const LAB: &str = "192.0.2.1";
const DEVICE: &str = "192.0.2.2";

/// Plays a scenario and ends the traffic where it says, else a tenth of a second after the last line.
pub(crate) fn play(text: &str) -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("< ") || line.starts_with("> ") || line.starts_with("= ") {
            blocks.push(vec![line]);
        } else if let Some(block) = blocks.last_mut() {
            block.push(line);
        }
    }
    let mut now = Duration::ZERO;
    let mut packet = 0;
    let mut end = None;
    for block in &blocks {
        let words: Vec<&str> = block[0].split_whitespace().collect();
        let at = Duration::from_secs_f64(words[1].parse().expect("a time"));
        match words[0] {
            "=" => end = Some(at),
            direction => {
                now = now.max(at);
                let from_device = direction == "<";
                match words.get(2).copied().unwrap_or("udp") {
                    "rtp" => now = now.max(rtp(&mut engine, &words[3..], at, from_device, &mut packet)),
                    "rtcp" => datagram(&mut engine, &words[3..], at, from_device, 1, &mut packet),
                    "raw" => datagram(&mut engine, &words[3..], at, from_device, 0, &mut packet),
                    transport => sip(
                        &mut engine,
                        transport,
                        &words,
                        &block[1..],
                        at,
                        from_device,
                        &mut packet,
                    ),
                }
            }
        }
    }
    engine.finish(end.unwrap_or(now + Duration::from_millis(100)));
    engine
}

/// How often a rule applied and was broken.
pub(crate) fn count(engine: &Engine, id: &str) -> RuleCount {
    engine
        .checked()
        .find(|count| count.rule.id == id)
        .expect("the rule is in the catalogue")
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| *word == name)?;
    words.get(at + 1).copied()
}

fn number(words: &[&str], name: &str, default: u64) -> u64 {
    option(words, name).map_or(default, |value| value.parse().expect("a number"))
}

fn sip(
    engine: &mut Engine,
    transport: &str,
    words: &[&str],
    lines: &[&str],
    at: Duration,
    from_device: bool,
    packet: &mut u32,
) {
    let transport = match transport {
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        "ws" => Transport::Ws,
        "wss" => Transport::Wss,
        _ => Transport::Udp,
    };
    let bytes = message(lines);
    let message = Message::parse(&bytes);
    let device = option(words, "at").unwrap_or("192.0.2.2:5060");
    let lab = "192.0.2.1:5060";
    let (source, destination) = if from_device { (device, lab) } else { (lab, device) };
    *packet += 1;
    engine.observe(&Observation::Sip {
        at,
        packet: *packet,
        from_device,
        transport,
        source: source.parse().expect("an address"),
        destination: destination.parse().expect("an address"),
        message: &message,
    });
}

/// `{length}`, `{lf}`, `{end}` and `{HH}` as in examples/README.md.
fn message(lines: &[&str]) -> Vec<u8> {
    let end = lines
        .iter()
        .rposition(|line| !line.is_empty())
        .map_or(0, |last| last + 1);
    let lines = &lines[..end];
    let head_end = lines
        .iter()
        .position(|line| line.is_empty())
        .unwrap_or(lines.len());
    let mut body = Vec::new();
    for line in lines.get(head_end + 1..).unwrap_or_default() {
        push(&mut body, line);
    }
    let mut out = Vec::new();
    for line in &lines[..head_end] {
        if *line == "{end}" {
            return out;
        }
        push(&mut out, &line.replace("{length}", &body.len().to_string()));
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&body);
    out
}

fn push(out: &mut Vec<u8>, line: &str) {
    let (line, ending) = match line.strip_suffix("{lf}") {
        Some(line) => (line, "\n"),
        None => (line, "\r\n"),
    };
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        out.extend_from_slice(before.as_bytes());
        let (code, after) = after.split_once('}').expect("a closing brace");
        out.push(u8::from_str_radix(code, 16).expect("two hexadecimal digits"));
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(ending.as_bytes());
}

fn address(host: &str, port: u64) -> SocketAddr {
    format!("{host}:{port}").parse().expect("an address")
}

fn hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

fn datagram(
    engine: &mut Engine,
    words: &[&str],
    at: Duration,
    from_device: bool,
    above: u64,
    packet: &mut u32,
) {
    let from = number(words, "from", 5000 + above);
    let to = number(words, "to", 4000 + above);
    *packet += 1;
    engine.observe(&Observation::Rtp {
        at,
        packet: *packet,
        from_device,
        source: address(DEVICE, from),
        destination: address(LAB, to),
        bytes: &hexadecimal(words[0]),
        dscp: None,
    });
}

/// A run of packets; the time of the last one.
fn rtp(engine: &mut Engine, words: &[&str], at: Duration, from_device: bool, packet: &mut u32) -> Duration {
    let count = number(words, "count", 1);
    let every = Duration::from_micros(number(words, "every", 20_000));
    let step = number(words, "step", 160);
    let data = option(words, "data").map_or_else(
        || vec![0xff; usize::try_from(number(words, "size", 160)).expect("a size")],
        hexadecimal,
    );
    let mut when = at;
    for index in 0..count {
        when = at + every * u32::try_from(index).expect("few packets");
        let mark = words.contains(&"marker") && index == 0;
        let sequence = (number(words, "seq", 1) + index) & 0xffff;
        let timestamp = (number(words, "ts", 0) + step * index) & 0xffff_ffff;
        let bytes = voxproof_rtp::build(
            u8::try_from(number(words, "pt", 0)).expect("a payload type"),
            mark,
            u16::try_from(sequence).expect("masked"),
            u32::try_from(timestamp).expect("masked"),
            u32::try_from(number(words, "ssrc", 0x1234_5678)).expect("an SSRC"),
            &data,
        );
        *packet += 1;
        engine.observe(&Observation::Rtp {
            at: when,
            packet: *packet,
            from_device,
            source: address(DEVICE, number(words, "from", 5000)),
            destination: address(LAB, number(words, "to", 4000)),
            bytes: &bytes,
            dscp: option(words, "dscp").map(|value| value.parse().expect("a code point")),
        });
    }
    when
}
