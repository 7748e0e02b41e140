//! Masks whose numbers were read in the text that sets them.

use super::Mask;

struct Table {
    name: &'static str,
    source: &'static str,
    upper: &'static [(f64, f64)],
    lower: &'static [(f64, f64)],
}

/// Only masks of which the numbers were read in their source; others come from files.
const TABLES: [Table; 5] = [
    Table {
        name: "wideband-hand-held-hands-free-send",
        source: "3GPP TS 26.131 table 13",
        upper: &[(100.0, 0.0), (200.0, 5.0), (8000.0, 5.0)],
        lower: &[(200.0, -5.0), (5000.0, -5.0), (6300.0, -10.0)],
    },
    Table {
        name: "wideband-hand-held-hands-free-receive",
        source: "3GPP TS 26.131 table 14, requirement",
        upper: &[(315.0, 6.0), (8000.0, 6.0)],
        lower: &[(630.0, -12.0), (800.0, -6.0), (4000.0, -6.0), (6300.0, -12.0)],
    },
    Table {
        name: "wideband-hand-held-hands-free-receive-objective",
        source: "3GPP TS 26.131 table 14a, objective",
        upper: &[(315.0, 6.0), (8000.0, 6.0)],
        lower: &[(400.0, -12.0), (500.0, -6.0), (4000.0, -6.0), (6300.0, -12.0)],
    },
    Table {
        name: "speech-platform-microphone-premium",
        source: "Microsoft Speech Platform input device recommendations, HW-5, premium",
        upper: &[(200.0, 3.0), (7000.0, 3.0)],
        lower: &[(200.0, -6.0), (300.0, -3.0), (6300.0, -3.0)],
    },
    Table {
        name: "speech-platform-microphone-standard",
        source: "Microsoft Speech Platform input device recommendations, HW-5, standard",
        upper: &[(200.0, 6.0), (7000.0, 6.0)],
        lower: &[(200.0, -9.0), (300.0, -6.0), (6300.0, -6.0)],
    },
];

/// The masks that are built in, all floating.
#[must_use]
pub fn built_in() -> Vec<Mask> {
    TABLES
        .iter()
        .map(|table| {
            Mask::new(table.name, table.upper.to_vec(), table.lower.to_vec(), true)
                .expect("the tables rise")
                .verified(table.source)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_verified_and_have_a_source() {
        let masks = built_in();
        assert_eq!(masks.len(), 5);
        for mask in masks {
            assert!(mask.is_verified() && !mask.source().is_empty(), "{}", mask.name());
        }
    }
}
