//! Which clause was looked at by which case, and what came of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;
use voxproof_spec::Verdict;

use crate::{Outcome, Report};

/// A clause of a standard.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ClauseRow {
    /// The clause as the suite names it.
    pub(crate) clause: String,
    /// Cases that are about it.
    pub(crate) cases: Vec<ClauseCase>,
    /// Checks and measurements that stand on it.
    pub(crate) items: Vec<ClauseItem>,
}

/// A case that is about a clause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ClauseCase {
    pub(crate) id: String,
    pub(crate) verdict: Outcome,
}

/// A check or measurement that stands on a clause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ClauseItem {
    pub(crate) case: String,
    pub(crate) name: String,
    /// In the order of the attempts; one when they agree.
    pub(crate) verdicts: Vec<Verdict>,
}

/// The matrix, in the order a reader of the standards expects: 8.4 before 14.1.
pub(crate) fn traceability(report: &Report) -> Vec<ClauseRow> {
    let mut rows: BTreeMap<&str, ClauseRow> = BTreeMap::new();
    fn row<'a, 'b>(rows: &'b mut BTreeMap<&'a str, ClauseRow>, clause: &'a str) -> &'b mut ClauseRow {
        rows.entry(clause).or_insert_with(|| ClauseRow {
            clause: clause.to_owned(),
            cases: vec![],
            items: vec![],
        })
    }
    for case in &report.cases {
        for clause in &case.requirement {
            row(&mut rows, clause).cases.push(ClauseCase {
                id: case.id.clone(),
                verdict: case.verdict,
            });
        }
        for attempt in &case.attempts {
            let checks = attempt
                .checks
                .iter()
                .map(|check| (&check.clause, &check.id, check.verdict));
            let measurements = attempt
                .measurements
                .iter()
                .map(|result| (&result.clause, &result.quantity, result.verdict));
            for (clause, name, verdict) in checks
                .chain(measurements)
                .filter(|(clause, ..)| !clause.is_empty())
            {
                let items = &mut row(&mut rows, clause).items;
                match items
                    .iter_mut()
                    .find(|item| item.case == case.id && item.name == *name)
                {
                    Some(item) if item.verdicts.last() == Some(&verdict) => {}
                    Some(item) => item.verdicts.push(verdict),
                    None => items.push(ClauseItem {
                        case: case.id.clone(),
                        name: name.clone(),
                        verdicts: vec![verdict],
                    }),
                }
            }
        }
    }
    let mut rows: Vec<ClauseRow> = rows.into_values().collect();
    rows.sort_by(|a, b| natural(&a.clause, &b.clause));
    rows
}

/// Compares texts with the numbers inside them as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        match (left.chars().next(), right.chars().next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (number, rest) = split_digits(left);
                let (other, other_rest) = split_digits(right);
                // without leading zeros the longer number is the larger one
                let order = number.len().cmp(&other.len()).then_with(|| number.cmp(other));
                if order != Ordering::Equal {
                    return order;
                }
                (left, right) = (rest, other_rest);
            }
            (Some(x), Some(y)) => {
                if x != y {
                    return x.cmp(&y);
                }
                (left, right) = (after(left, x), after(right, y));
            }
        }
    }
}

fn after(text: &str, first: char) -> &str {
    text.get(first.len_utf8()..).unwrap_or_default()
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clauses_stand_in_the_order_of_the_standard() {
        let mut clauses = [
            "RFC 3261 14.1",
            "RFC 3261 8.1",
            "RFC 3261",
            "RFC 768",
            "ITU-T G.711",
            "RFC 3261 8.1.1",
        ];
        clauses.sort_by(|a, b| natural(a, b));
        assert_eq!(
            clauses,
            [
                "ITU-T G.711",
                "RFC 768",
                "RFC 3261",
                "RFC 3261 8.1",
                "RFC 3261 8.1.1",
                "RFC 3261 14.1"
            ]
        );
    }

    proptest! {
        #[test]
        fn the_order_is_an_order(a in "[a0-9. é]{0,8}", b in "[a0-9. é]{0,8}", c in "[a0-9. é]{0,8}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            if natural(&a, &b) != Ordering::Greater && natural(&b, &c) != Ordering::Greater {
                prop_assert_ne!(natural(&a, &c), Ordering::Greater);
            }
        }
    }
}
