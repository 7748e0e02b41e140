//! Named networks.
//!
//! ITU-T G.1050 and TIA-921 describe three classes of networks by tables that change over the time of a test: (A)
//! well managed, (B) partially managed and (C) unmanaged. Those tables are not reproduced here: the figures below are
//! **a proposal of this project** for one steady network of each class, and the names say so with "-like". A result that names one of
//! them makes no statement of conformity to G.1050 or TIA-921.

use super::spec::{ImpairmentSpec, Jitter, Loss, Reorder};

/// A named network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Name for specifications.
    pub name: &'static str,
    /// What it is and what its figures are.
    pub description: &'static str,
}

/// All named networks.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "clean",
        description: "no impairment",
    },
    Profile {
        name: "g1050-a-like",
        description: "well managed (proposal): 25 ms, jitter gamma 2 x 1 ms up to 10 ms in order, 0.02 % random loss",
    },
    Profile {
        name: "g1050-b-like",
        description: "partially managed (proposal): 60 ms, jitter gamma 1.5 x 8 ms up to 60 ms, 1 % loss in bursts of 2.5, \
                      0.01 % reordered by 1",
    },
    Profile {
        name: "g1050-c-like",
        description: "unmanaged (proposal): 120 ms, jitter Pareto 2.5 x 25 ms up to 200 ms, 5 % loss in bursts of 4, \
                      0.1 % reordered by 2, 0.1 % duplicated",
    },
];

impl ImpairmentSpec {
    /// The network of a name of [`PROFILES`].
    #[must_use]
    pub fn profile(name: &str) -> Option<Self> {
        let reorder = |probability, distance| {
            Some(Reorder {
                probability,
                distance,
            })
        };
        Some(match name {
            "clean" => Self::default(),
            "g1050-a-like" => Self {
                delay_ms: 25.0,
                jitter: Jitter::Gamma {
                    shape: 2.0,
                    scale_ms: 1.0,
                    maximum_ms: 10.0,
                },
                keep_order: true,
                loss: Loss::Random { probability: 0.0002 },
                ..Self::default()
            },
            "g1050-b-like" => Self {
                delay_ms: 60.0,
                jitter: Jitter::Gamma {
                    shape: 1.5,
                    scale_ms: 8.0,
                    maximum_ms: 60.0,
                },
                keep_order: true,
                loss: Loss::bursts(0.01, 2.5).ok()?,
                reorder: reorder(0.0001, 1),
                ..Self::default()
            },
            "g1050-c-like" => Self {
                delay_ms: 120.0,
                jitter: Jitter::Pareto {
                    index: 2.5,
                    scale_ms: 25.0,
                    maximum_ms: 200.0,
                },
                keep_order: true,
                loss: Loss::bursts(0.05, 4.0).ok()?,
                duplication: 0.001,
                reorder: reorder(0.001, 2),
                ..Self::default()
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_sound_network() {
        for profile in PROFILES {
            let spec = ImpairmentSpec::profile(profile.name).expect("a network");
            assert_eq!(spec.validate(), Ok(()), "{}", profile.name);
        }
        assert_eq!(ImpairmentSpec::profile("g1050-a"), None);
    }
}
