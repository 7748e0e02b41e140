//! Several tones at once by least squares: level and frequency of each, and what is left.

use std::f64::consts::TAU;

/// Passes of Gauss and Newton's method.
const PASSES: usize = 8;
/// Most samples that are fitted; more add nothing to the accuracy that matters.
const MOST: usize = 1 << 17;

/// Tones fitted to a stretch of signal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToneFit {
    /// Frequency in Hz and rms of each tone, in the order given.
    pub(crate) tones: Vec<(f64, f64)>,
    /// Mean square of what is left.
    pub(crate) rest: f64,
    /// Mean square of the whole, without its mean.
    pub(crate) whole: f64,
}

/// Fits tones of about the given frequencies; their number times two and their distance must be resolvable. `None` when
/// the equations have no solution: too few samples, equal frequencies.
pub(crate) fn fit_tones(samples: &[f64], rate: f64, about_hz: &[f64]) -> Option<ToneFit> {
    let samples = &samples[..samples.len().min(MOST)];
    let count = samples.len();
    let tones = about_hz.len();
    if count < 4 * tones + 4 {
        return None;
    }
    let mut steps: Vec<f64> = about_hz.iter().map(|hz| TAU * hz / rate).collect();
    let mut amplitudes = vec![(0.0, 0.0); tones];
    // further than half a period over the stretch is another maximum
    let furthest = std::f64::consts::PI / count as f64;
    let middle = (count as f64 - 1.0) / 2.0;
    let mut offset = 0.0;
    for pass in 0..=PASSES {
        // The first and the last pass leave the frequencies alone.
        let turning = pass > 0 && pass < PASSES;
        let size = 1 + tones * if turning { 3 } else { 2 };
        let mut equations = vec![vec![0.0; size + 1]; size];
        let mut row = vec![0.0; size + 1];
        for (n, sample) in samples.iter().enumerate() {
            let time = n as f64 - middle;
            row[0] = 1.0;
            for (tone, step) in steps.iter().enumerate() {
                let (s, c) = (step * time).sin_cos();
                row[1 + 2 * tone] = c;
                row[2 + 2 * tone] = s;
                if turning {
                    let (a, b) = amplitudes[tone];
                    row[1 + 2 * tones + tone] = time * (b * c - a * s);
                }
            }
            row[size] = *sample;
            for (equation, factor) in equations.iter_mut().zip(&row) {
                for (sum, value) in equation.iter_mut().zip(&row) {
                    *sum += factor * value;
                }
            }
        }
        let solution = solve(equations)?;
        offset = solution[0];
        for tone in 0..tones {
            amplitudes[tone] = (solution[1 + 2 * tone], solution[2 + 2 * tone]);
            if turning {
                steps[tone] += solution[1 + 2 * tones + tone].clamp(-furthest, furthest);
            }
        }
    }
    let mean = samples.iter().sum::<f64>() / count as f64;
    let (mut rest, mut whole) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let time = n as f64 - middle;
        let fitted: f64 = steps
            .iter()
            .zip(&amplitudes)
            .map(|(step, (a, b))| {
                let (s, c) = (step * time).sin_cos();
                a * c + b * s
            })
            .sum();
        rest += (sample - offset - fitted).powi(2);
        whole += (sample - mean).powi(2);
    }
    let tones = steps
        .iter()
        .zip(&amplitudes)
        .map(|(step, (a, b))| (step * rate / TAU, ((a * a + b * b) / 2.0).sqrt()));
    Some(ToneFit {
        tones: tones.collect(),
        rest: rest / count as f64,
        whole: whole / count as f64,
    })
}

/// Solves linear equations, right sides in the last column.
fn solve(mut equations: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = equations.len();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|&a, &b| equations[a][column].abs().total_cmp(&equations[b][column].abs()))?;
        equations.swap(column, pivot);
        let value = equations[column][column];
        if value.abs() < 1e-12 || !value.is_finite() {
            return None;
        }
        let of_pivot = equations[column].clone();
        for equation in &mut equations[column + 1..] {
            let factor = equation[column] / value;
            for (entry, pivot) in equation[column..].iter_mut().zip(&of_pivot[column..]) {
                *entry -= factor * pivot;
            }
        }
    }
    let mut solution = vec![0.0; size];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size)
            .map(|column| equations[row][column] * solution[column])
            .sum();
        solution[row] = (equations[row][size] - known) / equations[row][row];
    }
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tones_are_found_to_a_thousandth_of_a_hertz() {
        let samples: Vec<f64> = (0..400)
            .map(|n| f64::from(n) / 8000.0)
            .map(|t| 0.1 * (TAU * 702.3 * t + 0.3).sin() + 0.2 * (TAU * 1225.0 * t + 1.0).sin() + 0.01)
            .collect();
        let found = fit_tones(&samples, 8000.0, &[697.0, 1209.0]).unwrap();
        assert!((found.tones[0].0 - 702.3).abs() < 1e-3, "{found:?}");
        assert!((found.tones[1].0 - 1225.0).abs() < 1e-3, "{found:?}");
        assert!((found.tones[1].1 - 0.2 / 2f64.sqrt()).abs() < 1e-6, "{found:?}");
        assert!(
            found.rest < 1e-9 && (found.whole - 0.025).abs() < 0.002,
            "{found:?}"
        );
    }

    #[test]
    fn what_cannot_be_solved_is_none() {
        assert_eq!(fit_tones(&[0.0; 5], 8000.0, &[697.0, 1209.0]), None);
        assert_eq!(fit_tones(&[0.1; 400], 8000.0, &[697.0, 697.0]), None);
    }
}
