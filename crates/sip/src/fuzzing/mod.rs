//! Seeded mutations of a message for a liveness fuzzer against a device.
//!
//! A case is a list of [`Step`]s. Step list and bytes are a function of seed, iteration and template alone, so iteration
//! 48,311 of a night can be made again without the 48,310 before it, and a case can be made smaller step by step.

mod minimise;
mod step;
mod values;

pub use minimise::minimise;
pub use step::{Step, StepKind};

use crate::ids::IdSource;

/// Most bytes a case grows to: what still fits into one UDP datagram.
const LARGEST: usize = 65_000;

/// One message to send and how it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuzzCase {
    /// Seed of the fuzzer.
    pub seed: u64,
    /// Iteration.
    pub iteration: u64,
    /// The message before any step.
    pub template: Vec<u8>,
    /// Steps in order.
    pub steps: Vec<Step>,
}

impl FuzzCase {
    /// The message to send: every step applied, at most 65,000 bytes.
    pub fn bytes(&self) -> Vec<u8> {
        apply(&self.template, &self.steps)
    }

    /// What each step does, for people.
    pub fn descriptions(&self) -> Vec<String> {
        self.steps.iter().map(ToString::to_string).collect()
    }

    /// The same case with other steps.
    #[must_use]
    pub fn with_steps(&self, steps: Vec<Step>) -> Self {
        Self {
            steps,
            template: self.template.clone(),
            ..*self
        }
    }
}

fn apply(template: &[u8], steps: &[Step]) -> Vec<u8> {
    let mut bytes = template.to_vec();
    for step in steps {
        bytes = step.apply(bytes);
        bytes.truncate(LARGEST);
    }
    bytes
}

/// Iteration `iteration` of the fuzzer with this seed: one to five steps on the template.
pub fn case(seed: u64, iteration: u64, template: &[u8]) -> FuzzCase {
    // the golden ratio spreads neighbouring iterations over the whole state space
    let mixed = IdSource::new(iteration.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next_u64();
    let mut random = IdSource::new(seed ^ mixed);
    // one step is the most telling, but there are not so many of them; five look at several fields at once
    let count = [1, 1, 2, 2, 2, 3, 3, 5][(random.next_u64() % 8) as usize];
    let mut steps = Vec::with_capacity(count);
    let mut bytes = template.to_vec();
    for _ in 0..count {
        let step = Step::choose(&bytes, &mut random);
        bytes = step.apply(bytes);
        bytes.truncate(LARGEST);
        steps.push(step);
    }
    FuzzCase {
        seed,
        iteration,
        template: template.to_vec(),
        steps,
    }
}

/// Counts the iterations of one seed.
#[derive(Debug, Clone)]
pub struct MessageFuzzer {
    seed: u64,
    iteration: u64,
}

impl MessageFuzzer {
    /// Begins at iteration 0.
    pub const fn new(seed: u64) -> Self {
        Self { seed, iteration: 0 }
    }

    /// Begins at this iteration.
    pub const fn starting_at(seed: u64, iteration: u64) -> Self {
        Self { seed, iteration }
    }

    /// The iteration that comes next.
    pub const fn iteration(&self) -> u64 {
        self.iteration
    }

    /// The next message and what was done to the template.
    pub fn next(&mut self, template: &[u8]) -> (Vec<u8>, Vec<String>) {
        let case = self.next_case(template);
        (case.bytes(), case.descriptions())
    }

    /// The next case.
    pub fn next_case(&mut self, template: &[u8]) -> FuzzCase {
        let case = case(self.seed, self.iteration, template);
        self.iteration += 1;
        case
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    pub(super) const TEMPLATE: &[u8] = b"INVITE sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n\
        Max-Forwards: 70\r\nFrom: \"A\" <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
        Contact: <sip:a@192.0.2.1>\r\nContent-Type: application/sdp\r\nContent-Length: 103\r\n\r\n\
        v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

    #[test]
    fn an_iteration_is_the_same_alone_and_in_its_row() {
        let mut fuzzer = MessageFuzzer::new(42);
        let mut seen = HashSet::new();
        for iteration in 0..2000 {
            let (bytes, steps) = fuzzer.next(TEMPLATE);
            let alone = case(42, iteration, TEMPLATE);
            assert_eq!((alone.bytes(), alone.descriptions()), (bytes.clone(), steps));
            assert!(bytes.len() <= LARGEST && !alone.steps.is_empty());
            seen.insert(bytes);
        }
        // nearly every iteration is a message of its own
        assert!(seen.len() > 1700, "{}", seen.len());
        assert_ne!(case(42, 7, TEMPLATE).steps, case(43, 7, TEMPLATE).steps);
        assert_eq!(fuzzer.iteration(), 2000);
        assert_eq!(
            MessageFuzzer::starting_at(42, 1999).next_case(TEMPLATE),
            case(42, 1999, TEMPLATE)
        );
    }

    #[test]
    fn every_kind_of_step_is_chosen_and_changes_something() {
        let mut kinds = HashSet::new();
        let mut unchanged = 0;
        for iteration in 0..4000 {
            let case = case(1, iteration, TEMPLATE);
            kinds.extend(case.steps.iter().map(Step::kind));
            unchanged += usize::from(case.bytes() == TEMPLATE);
        }
        assert_eq!(kinds.len(), StepKind::ALL.len());
        assert!(unchanged < 80, "{unchanged}");
    }

    #[test]
    fn any_template_is_taken() {
        for template in [
            &b""[..],
            b"\r\n",
            b"hello",
            b"\xff\xff\xff",
            b"SIP/2.0 200 OK\r\n\r\n",
            b"a:b\r\n\r\nv=0",
        ] {
            for iteration in 0..300 {
                case(9, iteration, template).bytes();
            }
        }
    }
}
