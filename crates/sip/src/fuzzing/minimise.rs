//! Making a failing case smaller.

use super::{FuzzCase, Step};

/// Leaves out steps as long as the case still fails (delta debugging): the result fails, and without any single one of
/// its steps it does not. `still_fails` is asked for each attempt; a case that does not fail comes back as it is.
pub fn minimise(case: &FuzzCase, mut still_fails: impl FnMut(&[u8]) -> bool) -> FuzzCase {
    let mut fails = |steps: &[Step]| still_fails(&case.with_steps(steps.to_vec()).bytes());
    let mut steps = case.steps.clone();
    if !fails(&steps) {
        return case.clone();
    }
    if fails(&[]) {
        return case.with_steps(Vec::new());
    }
    let mut parts = 2;
    while steps.len() >= 2 {
        let size = steps.len().div_ceil(parts);
        let without = (0..steps.len()).step_by(size).find_map(|from| {
            let rest: Vec<Step> = steps
                .iter()
                .enumerate()
                .filter(|(index, _)| !(from..from + size).contains(index))
                .map(|(_, step)| step.clone())
                .collect();
            (!rest.is_empty() && fails(&rest)).then_some(rest)
        });
        match without {
            Some(rest) => {
                steps = rest;
                parts = 2.max(parts - 1);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(steps.len()),
        }
    }
    case.with_steps(steps)
}

#[cfg(test)]
mod tests {
    use super::super::{case, tests::TEMPLATE};
    use super::*;

    #[test]
    fn one_step_of_many_is_found() {
        let mut steps = Vec::new();
        for iteration in 0..20 {
            steps.extend(case(3, iteration, TEMPLATE).steps);
        }
        let wanted = case(3, 0, TEMPLATE).with_steps(steps.clone());
        let mut asked = 0;
        for step in &steps {
            let alone = wanted.with_steps(vec![step.clone()]).bytes();
            if alone == TEMPLATE {
                continue;
            }
            let mark = wanted.with_steps(steps.clone()).bytes();
            // a device that only dies of the whole thing: nothing can be left out without changing it
            let whole = minimise(&wanted, |bytes| {
                asked += 1;
                bytes == mark
            });
            assert_eq!(whole.bytes(), mark);
            let left = whole.steps.len();
            assert!((0..left).all(|out| {
                let mut fewer = whole.steps.clone();
                fewer.remove(out);
                whole.with_steps(fewer).bytes() != mark
            }));
            break;
        }
        assert!(asked < 2000, "{asked}");
    }

    #[test]
    fn a_long_value_stays_and_the_rest_goes() {
        let found = (0..5000)
            .map(|iteration| case(5, iteration, TEMPLATE))
            .find(|case| case.steps.len() > 2 && case.bytes().len() > 5000)
            .expect("some iteration has a long value among other steps");
        let small = minimise(&found, |bytes| bytes.len() > 5000);
        assert_eq!(small.steps.len(), 1);
        assert!(small.bytes().len() > 5000);
        assert_eq!(minimise(&found, |_| false), found);
        assert!(minimise(&found, |_| true).steps.is_empty());
    }
}
