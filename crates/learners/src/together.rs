//! Short tasks side by side: the thread that waits for the others stays awake.
//!
//! A parallel iterator sends a thread that waits for the last task of another to sleep after some
//! 10 µs, and it wakes 30 µs after that task has ended, which is as long as many a part of a tree
//! takes. Here it looks for other work for some hundred microseconds, and rests only then: longer
//! than the others are late, unless another process has their processor.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::standby::{all_at_work, help};

/// Pauses between two looks: some tenths of a microsecond.
const PAUSES: usize = 4;
/// Looks in vain after which the waiting thread goes to rest.
const LOOKS: usize = 1000;

/// `work` of each task, in their order. Each thread has neighbouring tasks, nearly as many as every
/// other: for tasks that take equally long.
///
/// A thread that took the last one from another, which is about to begin it, because it was itself
/// a moment earlier, would make both wait.
pub(crate) fn together<T: Send, R: Send>(
    tasks: Vec<T>,
    work: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    let at_once = tasks.len().div_ceil(rayon::current_num_threads());
    in_groups(tasks, at_once, work)
}

/// `work` of each task, in their order. Whichever thread is free has the next one: for tasks of
/// different lengths.
pub(crate) fn apart<T: Send, R: Send>(
    tasks: Vec<T>,
    work: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    in_groups(tasks, 1, work)
}

/// So many neighbouring tasks go to one thread; one group, or threads that all have a work of their
/// own, are not worth a call to the others.
fn in_groups<T: Send, R: Send>(
    tasks: Vec<T>,
    at_once: usize,
    work: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    if tasks.len() <= at_once || all_at_work() {
        return tasks.into_iter().map(work).collect();
    }
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(tasks.len(), || None);
    let n_open = AtomicUsize::new(tasks.len().div_ceil(at_once) - 1);
    let (work, open) = (&work, &n_open);
    rayon::in_place_scope(|scope| {
        let mut tasks = tasks.into_iter();
        let mut groups = results.chunks_mut(at_once);
        let own = groups.next().zip(Some(tasks.by_ref().take(at_once).collect::<Vec<T>>()));
        for results in groups {
            let tasks: Vec<T> = tasks.by_ref().take(at_once).collect();
            scope.spawn(move |_| {
                fill(results, tasks, work);
                open.fetch_sub(1, Ordering::Release);
            });
        }
        if let Some((results, tasks)) = own {
            fill(results, tasks, work);
        }
        help(PAUSES, LOOKS, || open.load(Ordering::Acquire) > 0);
    });
    results.into_iter().flatten().collect()
}

fn fill<T, R>(results: &mut [Option<R>], tasks: Vec<T>, work: impl Fn(T) -> R) {
    for (result, task) in results.iter_mut().zip(tasks) {
        *result = Some(work(task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_their_tasks_whoever_does_them() {
        for n_threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            for n in [0, 1, 2, 3, 4, 5, 9, 100] {
                let wanted: Vec<usize> = (0..n).map(|task| task * task).collect();
                let square = |task| task * task;
                assert_eq!(pool.install(|| together((0..n).collect(), square)), wanted);
                assert_eq!(pool.install(|| apart((0..n).collect(), square)), wanted);
            }
        }
        assert_eq!(together(vec![3, 4], |task| task + 1), [4, 5], "outside a pool of our own");
    }

    #[test]
    fn tasks_may_call_others_together() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let sum = |n: u64| apart((0..n).collect(), |task| task).into_iter().sum::<u64>();
        let sums = pool.install(|| together((0..50).collect(), sum));
        assert_eq!(sums, (0..50).map(|n: u64| n * n.saturating_sub(1) / 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_of_another_thread_comes_home() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let work = |task: usize| assert!(task < 7, "the last one");
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(|| together((0..8).collect(), work))
        }));
        let panic = ended.unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the last one"));
    }
}
