//! Threads that stand by: the others of the pool stay awake through the gaps of a long work.
//!
//! A tree is many short parallel parts, and between them one thread decides what is next. A pool
//! sends idle threads to sleep after some 20 µs, and waking one takes longer than many a part: it
//! comes when the work is done. So for as long as a work lasts, the other threads look for parts by
//! themselves, and rest only after a gap that is longer than waking takes; at the next call they
//! are woken again. Waiting costs at most what is lost without it (the competitive argument for
//! spinning before blocking: Karlin, Li, Manasse & Owicki, SOSP 1991).
//!
//! Only where that costs nobody anything: where one such work runs in the process (several have
//! parts enough for all threads, and a thread that stands by for one must not be kept from the
//! other), and where the machine has a processor for each thread beside what others run. Linux
//! tells how many threads are running now; elsewhere nobody stands by.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Pauses between two looks for work: about a microsecond.
const PAUSES: usize = 24;
/// Looks in vain after which a thread goes to rest: some milliseconds, longer than the gaps of a
/// round on a large table.
const LOOKS: usize = 3000;
/// How long it holds that the machine has room.
const ROOM_HOLDS: Duration = Duration::from_millis(10);
/// How long it holds that it has none: who comes between others again and again is in their way.
const CROWD_HOLDS: Duration = Duration::from_millis(50);

/// Works that run now.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Whether as many such works run in the process as this pool has threads: then each thread has
/// one of its own, if they share this pool, and nobody is free to help.
pub(crate) fn all_at_work() -> bool {
    AT_WORK.load(Ordering::Relaxed) >= rayon::current_num_threads()
}

/// Does what the pool has to do for as long as `is_wanted`, until it looked `looks` times in vain,
/// with so many pauses between two looks.
pub(crate) fn help(pauses: usize, looks: usize, is_wanted: impl Fn() -> bool) {
    let mut in_vain = 0;
    while in_vain < looks && is_wanted() {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            in_vain = 0;
            continue;
        }
        (0..pauses).for_each(|_| spin_loop());
        in_vain += 1;
    }
}

/// A long work; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Standby {
    shared: Arc<Shared>,
    /// When the machine was looked at, and whether it has room.
    looked: Option<(Instant, bool)>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Whether nobody is to stand by.
    is_over: AtomicBool,
    /// Threads that stand by or were called.
    n_there: AtomicUsize,
}

impl Standby {
    /// Begins a work; nobody stands by before the first call.
    pub(crate) fn begin() -> Self {
        AT_WORK.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::default(), looked: None }
    }

    /// Calls the other threads of this thread's pool, if they are not there; where the machine has
    /// no room for them, sends them to rest.
    pub(crate) fn call(&mut self) {
        let Some(own) = rayon::current_thread_index() else { return };
        let others = rayon::current_num_threads() - 1;
        if others == 0 {
            return;
        }
        let has_room = AT_WORK.load(Ordering::Relaxed) <= 1 && self.has_room(others);
        self.shared.is_over.store(!has_room, Ordering::Relaxed);
        let n_there = &self.shared.n_there;
        let take = || n_there.compare_exchange(0, others, Ordering::Relaxed, Ordering::Relaxed);
        if !has_room || take().is_err() {
            return;
        }
        let shared = self.shared.clone();
        rayon::spawn_broadcast(move |thread| {
            if thread.index() != own {
                shared.stand_by();
                shared.n_there.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }

    /// Whether there is a processor for this thread and so many others.
    #[expect(clippy::disallowed_methods, reason = "it decides who waits how, and nothing else")]
    fn has_room(&mut self, others: usize) -> bool {
        let now = Instant::now();
        if let Some((when, has_room)) = self.looked
            && now.duration_since(when) < if has_room { ROOM_HOLDS } else { CROWD_HOLDS }
        {
            return has_room;
        }
        let ours = 1 + self.shared.n_there.load(Ordering::Relaxed);
        let n_processors = std::thread::available_parallelism().map_or(1, usize::from);
        let has_room =
            n_running().is_some_and(|n| n.saturating_sub(ours) + 1 + others <= n_processors);
        self.looked = Some((now, has_room));
        has_room
    }
}

/// How many threads run or could run on the machine now; `None` where it does not tell.
fn n_running() -> Option<usize> {
    // "0.42 0.50 0.48 2/311 4711": the fourth is running/all.
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_ascii_whitespace().nth(3)?.split('/').next()?.parse().ok()
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        AT_WORK.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    /// Looks for work until there was none for a while.
    fn stand_by(&self) {
        help(PAUSES, LOOKS, || {
            !self.is_over.load(Ordering::Relaxed) && AT_WORK.load(Ordering::Relaxed) <= 1
        });
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn those_who_stand_by_do_the_work_and_leave_when_it_ends() {
        for n_threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let shared = pool.install(|| {
                let mut standby = Standby::begin();
                for round in 0..20_u64 {
                    standby.call();
                    let sum: u64 = (0..1000_u64).into_par_iter().map(|i| i * round).sum();
                    assert_eq!(sum, 499_500 * round);
                }
                standby.shared.clone()
            });
            assert!(shared.is_over.load(Ordering::Relaxed));
            // None of them waits for ever: the pool ends when all have left.
            drop(pool);
            while shared.n_there.load(Ordering::Relaxed) > 0 {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn nobody_stands_by_outside_a_pool() {
        let mut standby = Standby::begin();
        standby.call();
        assert_eq!(standby.shared.n_there.load(Ordering::Relaxed), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_asks_is_running() {
        assert!(n_running().unwrap() >= 1);
    }
}
