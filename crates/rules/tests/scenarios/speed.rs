//! What the engine costs; run with `cargo test --release -p voxproof-rules --test speed -- --ignored --nocapture`.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use voxproof_rules::{Engine, EngineConfig, Observation, Transport};
use voxproof_sip::Message;

/// What this thread has used of a processor, so that other programs do not count; the time of day where the system does
/// not tell.
fn processor_time() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

#[test]
#[ignore = "prints times; means something only in release and on a quiet machine"]
fn cost_of_a_message_and_of_a_packet() {
    const CALLS: usize = 2000;
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/healthy/call-in.txt"))
        .expect("in git");
    let parts: Vec<(bool, String)> = text
        .split("\n")
        .collect::<Vec<_>>()
        .split(|line| line.starts_with("= "))
        .next()
        .unwrap_or_default()
        .join("\n")
        .split("\n<")
        .flat_map(|part| part.split("\n>"))
        .filter_map(|part| part.split_once('\n'))
        .filter(|(head, _)| !head.contains("rtp"))
        .map(|(_, body)| {
            (
                !body.starts_with("INVITE") && !body.starts_with("ACK") && !body.starts_with("BYE"),
                body.replace('\n', "\r\n") + "\r\n\r\n",
            )
        })
        .collect();
    let messages: Vec<Vec<(bool, Message)>> = (0..CALLS)
        .map(|call| {
            parts
                .iter()
                .map(|(from_device, text)| {
                    let text = text
                        .replace("in-1@", &format!("in-{call}@"))
                        .replace("z9hG4bK", &format!("z9hG4bK{call}"));
                    (*from_device, Message::parse(text.as_bytes()))
                })
                .collect()
        })
        .collect();
    let (source, destination) = (([192, 0, 2, 2], 5060).into(), ([192, 0, 2, 1], 5060).into());
    let mut engine = Engine::new(EngineConfig::default());
    let begin = processor_time();
    let mut count = 0_u32;
    for (call, messages) in messages.iter().enumerate() {
        for (from_device, message) in messages {
            let at = Duration::from_millis(call as u64 * 10 + u64::from(count % 7));
            count += 1;
            engine.observe(&Observation::Sip {
                at,
                packet: count,
                from_device: *from_device,
                transport: Transport::Udp,
                source,
                destination,
                message,
            });
        }
    }
    println!(
        "{count} messages, {:?} each",
        processor_time().saturating_sub(begin) / count
    );

    let (from, to) = (([192, 0, 2, 2], 5000).into(), ([192, 0, 2, 1], 4000).into());
    let packets: Vec<Vec<u8>> = (0..100_000_u32)
        .map(|index| voxproof_rtp::build(0, false, (index & 0xffff) as u16, index * 160, 7, &[0xff; 160]))
        .collect();
    let begin = processor_time();
    for (index, bytes) in packets.iter().enumerate() {
        let at = Duration::from_secs(20) + Duration::from_millis(20) * index as u32;
        engine.observe(&Observation::Rtp {
            at,
            packet: index as u32,
            from_device: true,
            source: from,
            destination: to,
            bytes,
            dscp: None,
        });
    }
    println!(
        "{} packets, {:?} each",
        packets.len(),
        processor_time().saturating_sub(begin) / packets.len() as u32
    );
    assert!(count > 10_000);
}
