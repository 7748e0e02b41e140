//! The seeded network: its decisions have the statistics that were asked for, and a receiver finds the recorded truth.

use std::time::Duration;

use proptest::prelude::*;
use voxproof_rtp::Packetizer;
use voxproof_rtp::impairment::{
    Action, Corruption, Decision, Delivery, DropReason, Impairment, ImpairmentSpec, Jitter, Loss, Rate,
    Reorder, Summary, read_truth,
};
use voxproof_rtp::statistics::{RunningStatistics, analyse};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Sends `count` packets of 20 ms through the network, polling at each deadline.
fn sent(spec: ImpairmentSpec, seed: u64, count: u64) -> (Vec<Delivery<Vec<u8>>>, Impairment) {
    let mut network = Impairment::new(spec, seed).expect("a sound specification");
    let mut packetizer = Packetizer::new(0, 7, 65_000, 100);
    let mut arrived = Vec::new();
    for n in 0..count {
        let now = ms(20 * n);
        while let Some(due) = network.poll_timeout().filter(|due| *due <= now) {
            arrived.extend(network.poll(due));
        }
        network.push(now, packetizer.next(&[0x55; 160], 160, n == 0));
    }
    while let Some(due) = network.poll_timeout() {
        arrived.extend(network.poll(due));
    }
    (arrived, network)
}

fn lost(decisions: &[Decision], count: u64) -> Vec<bool> {
    let mut lost = vec![false; usize::try_from(count).expect("small")];
    for decision in decisions {
        if matches!(decision.action, Action::Dropped { .. }) {
            lost[usize::try_from(decision.packet).expect("small")] = true;
        }
    }
    lost
}

#[test]
fn the_default_network_does_nothing() {
    let (arrived, network) = sent(ImpairmentSpec::default(), 1, 50);
    assert_eq!(arrived.len(), 50);
    assert!(
        arrived
            .iter()
            .enumerate()
            .all(|(n, delivery)| delivery.packet == n as u64 && delivery.due == ms(20 * n as u64))
    );
    assert_eq!((network.summary().dropped(), network.under_way()), (0, 0));
}

#[test]
fn one_seed_is_one_network() {
    let spec = || ImpairmentSpec::profile("g1050-c-like").expect("known");
    let run = |seed| {
        let (arrived, mut network) = sent(spec(), seed, 2000);
        (arrived, network.take_decisions())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).1, run(6).1);
}

#[test]
fn random_loss_has_its_mean_and_no_memory() {
    let count = 50_000;
    let p = 0.03;
    let spec = ImpairmentSpec {
        loss: Loss::Random { probability: p },
        ..ImpairmentSpec::default()
    };
    let (_, mut network) = sent(spec, 11, count);
    let n = count as f64;
    let dropped = network.summary().dropped_random as f64;
    let sigma = (n * p * (1.0 - p)).sqrt();
    assert!((dropped - n * p).abs() < 3.0 * sigma, "{dropped}");
    // a loss after a loss is as likely as any: n p^2 pairs
    let lost = lost(&network.take_decisions(), count);
    let pairs = lost.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64;
    assert!((pairs - n * p * p).abs() < 3.0 * (n * p * p).sqrt(), "{pairs}");
}

#[test]
fn bursts_have_their_mean_loss_and_geometric_lengths() {
    let count = 100_000;
    let (mean_loss, mean_burst) = (0.05, 4.0);
    let spec = ImpairmentSpec {
        loss: Loss::bursts(mean_loss, mean_burst).expect("possible"),
        ..ImpairmentSpec::default()
    };
    let (_, mut network) = sent(spec, 12, count);
    let lost = lost(&network.take_decisions(), count);
    let runs: Vec<usize> = lost
        .chunk_by(|a, b| a == b)
        .filter(|run| run[0])
        .map(<[bool]>::len)
        .collect();
    let bursts = runs.len() as f64;
    let r = 1.0 / mean_burst;
    // lengths are geometric: variance (1 - r) / r^2
    let mean = runs.iter().sum::<usize>() as f64 / bursts;
    assert!(
        (mean - mean_burst).abs() < 3.0 * ((1.0 - r) / (r * r) / bursts).sqrt(),
        "{mean}"
    );
    for length in 1..6 {
        let expected = bursts * r * (1.0 - r).powi(length - 1);
        let seen = runs.iter().filter(|&&run| run == length as usize).count() as f64;
        assert!(
            (seen - expected).abs() < 3.5 * expected.sqrt(),
            "{length}: {seen} of {expected}"
        );
    }
    // the number of bursts is close to that of independent ones, each of about four losses
    let sigma = (bursts * (mean_burst * mean_burst + (1.0 - r) / (r * r))).sqrt();
    let dropped = network.summary().dropped_burst as f64;
    assert!(
        (dropped - count as f64 * mean_loss).abs() < 3.0 * sigma,
        "{dropped}"
    );
    assert_eq!(network.summary().dropped_random, 0);
}

#[test]
fn loss_in_both_states_is_told_apart() {
    let loss = Loss::GilbertElliott {
        p: 0.02,
        r: 0.2,
        h: 0.4,
        k: 0.99,
    };
    let spec = ImpairmentSpec {
        loss,
        ..ImpairmentSpec::default()
    };
    let (_, network) = sent(spec, 3, 50_000);
    let summary = network.summary();
    assert!(
        (summary.dropped() as f64 / 50_000.0 - loss.mean()).abs() < 0.005,
        "{summary:?}"
    );
    let share = summary.dropped_burst as f64 / summary.dropped() as f64;
    // bad 1/11 of the time with a loss of 0.6, good 10/11 with 0.01
    assert!((share - 0.6 / (0.6 + 0.1)).abs() < 0.03, "{share}");
}

#[test]
fn order_is_kept_when_asked_for() {
    for jitter in [
        Jitter::Uniform { maximum_ms: 90.0 },
        Jitter::Normal {
            mean_ms: 40.0,
            deviation_ms: 30.0,
            maximum_ms: 80.0,
        },
        Jitter::Gamma {
            shape: 1.0,
            scale_ms: 40.0,
            maximum_ms: 200.0,
        },
        Jitter::Pareto {
            index: 1.5,
            scale_ms: 20.0,
            maximum_ms: 300.0,
        },
    ] {
        let spec = |keep_order| ImpairmentSpec {
            delay_ms: 30.0,
            jitter,
            keep_order,
            ..ImpairmentSpec::default()
        };
        let (arrived, network) = sent(spec(true), 8, 2000);
        assert!(arrived.is_sorted_by_key(|delivery| delivery.packet), "{jitter:?}");
        assert!(arrived.is_sorted_by_key(|delivery| delivery.due), "{jitter:?}");
        assert_eq!(network.summary().reordered, 0);
        let (arrived, network) = sent(spec(false), 8, 2000);
        assert!(network.summary().reordered > 10, "{jitter:?}");
        let (shortest, longest) = arrived.iter().fold((f64::MAX, 0f64), |(low, high), delivery| {
            let delay = (delivery.due - ms(20 * delivery.packet)).as_secs_f64() * 1e3;
            (low.min(delay), high.max(delay))
        });
        assert!(
            shortest >= 30.0 - 1e-6 && longest <= 330.0 + 1e-6,
            "{jitter:?}: {shortest} to {longest}"
        );
    }
}

#[test]
fn a_held_packet_is_overtaken_by_as_many_as_asked() {
    let reorder = Some(Reorder {
        probability: 0.05,
        distance: 3,
    });
    let (arrived, mut network) = sent(
        ImpairmentSpec {
            reorder,
            ..ImpairmentSpec::default()
        },
        4,
        3000,
    );
    let held: Vec<u64> = network
        .take_decisions()
        .iter()
        .filter(|decision| decision.action == Action::Held)
        .map(|decision| decision.packet)
        .collect();
    assert!(held.len() > 100);
    let place = |packet: u64| {
        arrived
            .iter()
            .position(|delivery| delivery.packet == packet)
            .expect("nothing is lost")
    };
    for &packet in held
        .iter()
        .filter(|packet| **packet < 2990 && (1..4).all(|n| !held.contains(&(**packet + n))))
    {
        let later = arrived[..place(packet)]
            .iter()
            .filter(|delivery| delivery.packet > packet)
            .count();
        assert_eq!(later, 3, "{packet}");
    }
    // the last ones go on although nobody overtakes them
    assert_eq!(arrived.len(), 3000);
}

#[test]
fn a_bottleneck_delays_and_drops_from_its_tail() {
    // ten datagrams of 125 octets at once, 1000 bit/s each 8 ms: two pass as a burst, four wait, four are dropped
    let rate = Some(Rate {
        bits_per_second: 100_000.0,
        burst_octets: 250,
        queue_octets: 500,
    });
    let mut network = Impairment::new(
        ImpairmentSpec {
            rate,
            ..ImpairmentSpec::default()
        },
        1,
    )
    .expect("sound");
    for _ in 0..10 {
        network.push(ms(100), vec![0u8; 125]);
    }
    let due: Vec<u64> = network
        .poll(ms(1000))
        .iter()
        .map(|delivery| delivery.due.as_micros() as u64)
        .collect();
    assert_eq!(due, [100_000, 100_000, 110_000, 120_000, 130_000, 140_000]);
    assert_eq!(network.summary().dropped_queue, 4);
    let dropped: Vec<u64> = network
        .take_decisions()
        .iter()
        .filter(|decision| {
            decision.action
                == Action::Dropped {
                    reason: DropReason::Queue,
                }
        })
        .map(|decision| decision.packet)
        .collect();
    assert_eq!(dropped, [6, 7, 8, 9]);
    // after a pause the bucket is full again
    network.push(ms(5000), vec![0u8; 125]);
    assert_eq!(network.poll_timeout(), Some(ms(5000)));
}

#[test]
fn the_bit_that_was_changed_is_told() {
    let corruption = Some(Corruption {
        probability: 0.5,
        protected_octets: 12,
    });
    let mut network = Impairment::new(
        ImpairmentSpec {
            corruption,
            ..ImpairmentSpec::default()
        },
        2,
    )
    .expect("sound");
    for n in 0..200u64 {
        network.push(ms(n), vec![0u8; 20]);
    }
    network.push(ms(200), vec![0u8; 12]);
    let arrived = network.poll(ms(300));
    let decisions = network.take_decisions();
    for delivery in &arrived {
        let changed = decisions.iter().find_map(|decision| match decision.action {
            Action::Corrupted { bit } if decision.packet == delivery.packet => Some(bit),
            _ => None,
        });
        let set: Vec<u64> = (0..delivery.datagram.len() as u64 * 8)
            .filter(|bit| delivery.datagram[*bit as usize / 8] & (0x80 >> (bit % 8)) != 0)
            .collect();
        assert_eq!(set, changed.into_iter().collect::<Vec<_>>());
        assert!(set.iter().all(|bit| *bit >= 96));
    }
    assert!((70..130).contains(&network.summary().corrupted));
}

#[test]
fn the_record_survives_writing_and_reading() {
    let (_, mut network) = sent(ImpairmentSpec::profile("g1050-c-like").expect("known"), 9, 1000);
    let decisions = network.take_decisions();
    let text: String = decisions
        .iter()
        .map(|decision| decision.to_line() + "\n")
        .collect();
    let read = read_truth(&text).expect("own lines");
    assert_eq!(read, decisions);
    assert_eq!(read.iter().collect::<Summary>(), network.summary());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_receiver_finds_the_truth(
        seed: u64, loss in 0.0f64..0.3, burst in 1.0f64..6.0, duplication in 0.0f64..0.2, reorder in 0.0f64..0.2,
        distance in 1u32..20, jitter in 0.0f64..300.0, keep_order: bool, count in 1u64..600,
    ) {
        let spec = ImpairmentSpec {
            delay_ms: 25.0,
            jitter: Jitter::Uniform { maximum_ms: jitter },
            keep_order,
            loss: Loss::bursts(loss, burst).expect("possible"),
            duplication,
            reorder: Some(Reorder { probability: reorder, distance }),
            corruption: Some(Corruption { probability: 0.1, protected_octets: 12 }),
            ..ImpairmentSpec::default()
        };
        let (arrived, network) = sent(spec, seed, count);
        let truth = network.summary();
        let packets: Vec<_> = arrived.iter().map(|delivery| (delivery.due, &delivery.datagram[..])).collect();
        let found = analyse(&packets, 8000, &[]);
        prop_assert_eq!(found.packets, truth.delivered);
        prop_assert_eq!(found.lost, truth.lost_inside());
        prop_assert_eq!(found.duplicates, truth.duplicates);
        prop_assert_eq!(found.reordered, truth.reordered);
        prop_assert_eq!(found.sequence_jumps, 0);
        let mut running = RunningStatistics::new(8000, &[], None);
        for (at, bytes) in packets {
            running.observe_datagram(at, bytes, None);
        }
        let summary = running.summary();
        prop_assert_eq!((summary.lost, summary.duplicates, summary.reordered), (found.lost, found.duplicates, found.reordered));
        prop_assert_eq!(truth.delivered - truth.duplicates + truth.dropped(), count);
    }
}
