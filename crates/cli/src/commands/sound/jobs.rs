//! Work over many files, several at a time.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{available_parallelism, scope};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What `work` gives for each of `items`, in their order; `jobs` at a time, as many as the machine has processors if
/// nobody says. A bar on standard error shows how far it is.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    jobs: Option<usize>,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let processors = || available_parallelism().map_or(1, NonZero::get);
    let jobs = jobs.unwrap_or_else(processors).clamp(1, items.len().max(1));
    let bar = bar(items.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            let result = work(item);
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, result));
            bar.inc(1);
        }
    };
    scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(worker);
        }
        worker();
    });
    bar.finish_and_clear();
    let mut results = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A bar for more than one file; none where nobody looks.
fn bar(items: usize) -> ProgressBar {
    if items < 2 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(items as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} files, {eta} to go");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        for jobs in [None, Some(0), Some(1), Some(7), Some(1000)] {
            let squares = each(&items, jobs, |item| item * item);
            assert!(
                squares
                    .iter()
                    .enumerate()
                    .all(|(index, square)| *square == index * index)
            );
            assert_eq!(squares.len(), 100);
        }
        assert!(each(&[] as &[u8], None, |item| *item).is_empty());
    }
}
