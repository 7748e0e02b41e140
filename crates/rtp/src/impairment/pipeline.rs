//! The network itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::time::Duration;

use super::loss::LossProcess;
use super::spec::{ImpairmentSpec, Jitter, Rate, SpecError};
use super::truth::{Action, Decision, DropReason, Summary};
use crate::random::Random;

/// Datagrams under way at most.
const MOST_UNDER_WAY: usize = 65_536;
/// How long a held datagram waits for others to overtake it.
const LONGEST_HOLD: Duration = Duration::from_millis(500);

/// A datagram that has reached the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery<D> {
    /// Number of the datagram in the order of pushing.
    pub packet: u64,
    /// When it was due.
    pub due: Duration,
    /// The datagram, changed where the truth says so.
    pub datagram: D,
}

/// A datagram under way, first due first; of two that are due together the one that was enqueued first.
#[derive(Debug, Clone)]
struct UnderWay<D> {
    due: Duration,
    order: u64,
    packet: u64,
    copied: bool,
    datagram: D,
}

impl<D> PartialEq for UnderWay<D> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<D> Eq for UnderWay<D> {}

impl<D> PartialOrd for UnderWay<D> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<D> Ord for UnderWay<D> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

/// A datagram that waits to be overtaken.
#[derive(Debug, Clone)]
struct Held<D> {
    remaining: u32,
    deadline: Duration,
    under_way: UnderWay<D>,
}

/// The state of the bottleneck.
#[derive(Debug, Clone)]
struct Bottleneck {
    rate: Rate,
    /// When the bucket would be full again; the line is busy until a bucket's worth before it.
    full_at_s: f64,
}

impl Bottleneck {
    /// When the datagram leaves, `None` when it does not fit into the queue.
    fn departure(&mut self, now: Duration, octets: usize) -> Option<Duration> {
        let octets_per_s = self.rate.bits_per_second / 8.0;
        let burst_s = f64::from(self.rate.burst_octets) / octets_per_s;
        let now_s = now.as_secs_f64();
        let octets = octets as f64;
        let full_at_s = self.full_at_s.max(now_s) + octets / octets_per_s;
        let leaves_s = (full_at_s - burst_s).max(now_s);
        let waiting = (leaves_s - now_s) * octets_per_s;
        // what waits is everything that has not left, this datagram included; half an octet is the rounding of seconds
        if waiting > f64::from(self.rate.queue_octets) + 0.5 {
            return None;
        }
        self.full_at_s = full_at_s;
        Some(now.max(Duration::from_secs_f64(leaves_s)))
    }
}

/// A network for the datagrams of one direction; see the module for the stages. `D` is anything that holds octets, so
/// that addresses and marks travel along.
#[derive(Debug, Clone)]
pub struct Impairment<D = Vec<u8>> {
    spec: ImpairmentSpec,
    random: Random,
    loss: LossProcess,
    bottleneck: Option<Bottleneck>,
    pushed: u64,
    order: u64,
    under_way: BinaryHeap<Reverse<UnderWay<D>>>,
    held: Vec<Held<D>>,
    last_due: Duration,
    highest_delivered: Option<u64>,
    /// Packets with two copies of which one was handed over.
    first_copies: HashSet<u64>,
    decisions: Vec<Decision>,
    summary: Summary,
}

impl<D: AsRef<[u8]> + AsMut<[u8]> + Clone> Impairment<D> {
    /// A network that decides by `seed`.
    ///
    /// # Errors
    /// [`SpecError`] when a value of the specification is out of range.
    pub fn new(spec: ImpairmentSpec, seed: u64) -> Result<Self, SpecError> {
        spec.validate()?;
        let mut random = Random::new(seed);
        Ok(Self {
            loss: LossProcess::new(spec.loss, &mut random),
            bottleneck: spec.rate.map(|rate| Bottleneck { rate, full_at_s: 0.0 }),
            spec,
            random,
            pushed: 0,
            order: 0,
            under_way: BinaryHeap::new(),
            held: Vec::new(),
            last_due: Duration::ZERO,
            highest_delivered: None,
            first_copies: HashSet::new(),
            decisions: Vec::new(),
            summary: Summary::default(),
        })
    }

    fn decide(&mut self, packet: u64, at: Duration, action: Action) {
        let decision = Decision { packet, at, action };
        self.summary.add(&decision);
        self.decisions.push(decision);
    }

    /// Takes a datagram at `now` and gives its number.
    pub fn push(&mut self, now: Duration, mut datagram: D) -> u64 {
        let packet = self.pushed;
        self.pushed += 1;
        if let Some(reason) = self.loss.drops(&mut self.random) {
            self.decide(packet, now, Action::Dropped { reason });
            return packet;
        }
        // room for this datagram, its copy and everything that it may release
        if self.under_way.len() + self.held.len() + 2 > MOST_UNDER_WAY {
            let reason = DropReason::Overflow;
            self.decide(packet, now, Action::Dropped { reason });
            return packet;
        }
        let departure = match &mut self.bottleneck {
            None => now,
            Some(bottleneck) => match bottleneck.departure(now, datagram.as_ref().len()) {
                Some(departure) => departure,
                None => {
                    let reason = DropReason::Queue;
                    self.decide(packet, now, Action::Dropped { reason });
                    return packet;
                }
            },
        };
        self.corrupt(now, packet, &mut datagram);
        let copied = self.random.chance(self.spec.duplication);
        let due = self.due(departure);
        let original = self.enqueued(packet, due, copied, datagram);
        if copied {
            self.decide(packet, now, Action::Duplicated);
            let due = self.due(departure);
            let copy = self.enqueued(packet, due, true, original.datagram.clone());
            self.under_way.push(Reverse(copy));
        }
        self.overtake(due);
        match self.spec.reorder {
            Some(reorder) if self.random.chance(reorder.probability) => {
                self.decide(packet, now, Action::Held);
                self.held.push(Held {
                    remaining: reorder.distance,
                    deadline: due.saturating_add(LONGEST_HOLD),
                    under_way: original,
                });
            }
            _ => self.under_way.push(Reverse(original)),
        }
        packet
    }

    fn enqueued(&mut self, packet: u64, due: Duration, copied: bool, datagram: D) -> UnderWay<D> {
        self.order += 1;
        UnderWay {
            due,
            order: self.order,
            packet,
            copied,
            datagram,
        }
    }

    fn corrupt(&mut self, now: Duration, packet: u64, datagram: &mut D) {
        let Some(corruption) = self.spec.corruption else {
            return;
        };
        if !self.random.chance(corruption.probability) {
            return;
        }
        let octets = datagram.as_mut();
        let open = octets.len().saturating_sub(corruption.protected_octets) as u64 * 8;
        if open == 0 {
            return;
        }
        let bit = corruption.protected_octets as u64 * 8 + self.random.below(open);
        let place = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        if let Some(octet) = octets.get_mut(place) {
            *octet ^= 0x80 >> (bit % 8);
            self.decide(packet, now, Action::Corrupted { bit });
        }
    }

    fn due(&mut self, departure: Duration) -> Duration {
        let delay_ms = self.spec.delay_ms + self.jitter_ms();
        let mut due = departure.saturating_add(Duration::from_secs_f64(delay_ms / 1e3));
        if self.spec.keep_order {
            due = due.max(self.last_due);
        }
        self.last_due = due;
        due
    }

    fn jitter_ms(&mut self) -> f64 {
        let random = &mut self.random;
        match self.spec.jitter {
            Jitter::None => 0.0,
            Jitter::Uniform { maximum_ms } => random.unit() * maximum_ms,
            Jitter::Normal {
                mean_ms,
                deviation_ms,
                maximum_ms,
            } => {
                // a range that is hardly ever hit ends at its nearer border
                for _ in 0..100 {
                    let drawn = mean_ms + deviation_ms * random.normal();
                    if (0.0..=maximum_ms).contains(&drawn) {
                        return drawn;
                    }
                }
                mean_ms.clamp(0.0, maximum_ms)
            }
            Jitter::Gamma {
                shape,
                scale_ms,
                maximum_ms,
            } => (random.gamma(shape) * scale_ms).min(maximum_ms),
            Jitter::Pareto {
                index,
                scale_ms,
                maximum_ms,
            } => ((random.pareto(index) - 1.0) * scale_ms).min(maximum_ms),
        }
    }

    /// A datagram that is due at `due` overtakes the held ones; those overtaken often enough follow it.
    fn overtake(&mut self, due: Duration) {
        for held in &mut self.held {
            held.remaining -= 1;
        }
        let released: Vec<Held<D>> = self.held.extract_if(.., |held| held.remaining == 0).collect();
        for held in released {
            let mut under_way = held.under_way;
            // right behind the one that overtook it
            under_way.due = under_way.due.max(due.saturating_add(Duration::from_nanos(1)));
            self.order += 1;
            under_way.order = self.order;
            self.under_way.push(Reverse(under_way));
        }
    }

    /// When [`Impairment::poll`] has something to give; `None` when nothing is under way.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let first = self.under_way.peek().map(|Reverse(first)| first.due);
        let held = self.held.iter().map(|held| held.deadline).min();
        match (first, held) {
            (Some(first), Some(held)) => Some(first.min(held)),
            (first, held) => first.or(held),
        }
    }

    /// Everything that is due at `now`, in the order of arrival.
    pub fn poll(&mut self, now: Duration) -> Vec<Delivery<D>> {
        let expired: Vec<Held<D>> = self.held.extract_if(.., |held| held.deadline <= now).collect();
        for held in expired {
            let mut under_way = held.under_way;
            under_way.due = held.deadline;
            self.under_way.push(Reverse(under_way));
        }
        let mut deliveries = Vec::new();
        while self
            .under_way
            .peek()
            .is_some_and(|Reverse(first)| first.due <= now)
        {
            let Some(Reverse(arrived)) = self.under_way.pop() else {
                break;
            };
            let duplicate = arrived.copied && !self.first_copies.insert(arrived.packet);
            if duplicate {
                self.first_copies.remove(&arrived.packet);
            }
            let reordered = !duplicate
                && self
                    .highest_delivered
                    .is_some_and(|highest| arrived.packet < highest);
            self.highest_delivered = self.highest_delivered.max(Some(arrived.packet));
            self.decide(
                arrived.packet,
                now,
                Action::Delivered {
                    due: arrived.due,
                    duplicate,
                    reordered,
                },
            );
            deliveries.push(Delivery {
                packet: arrived.packet,
                due: arrived.due,
                datagram: arrived.datagram,
            });
        }
        deliveries
    }

    /// Datagrams that are under way or held.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.len() + self.held.len()
    }

    /// Decisions since the last call, in the order they were made. They are kept until they are taken.
    pub fn take_decisions(&mut self) -> Vec<Decision> {
        std::mem::take(&mut self.decisions)
    }

    /// The truth so far in figures.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// Datagrams that were pushed.
    #[must_use]
    pub const fn pushed(&self) -> u64 {
        self.pushed
    }
}
