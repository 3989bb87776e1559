//! Where requests of HTTP/2 are answered: at once in the task of their connection, as those of
//! HTTP/1 are. Only what has to wait, or would keep the others of its connection waiting, gets a
//! task of its own.
//!
//! A task for each request costs more than a small request itself: it wakes another thread, which
//! then wakes the connection's to send the answer.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Instant;

use hyper::rt::Executor;

use crate::clock;

/// For so long requests that came together are answered one after the other; other threads may
/// take those that are left.
const IN_TURN_NS_MAX: u64 = 100_000;
/// The turn has not begun.
const NOT_BEGUN: u64 = u64::MAX;

/// See the module's text. Clones are of the same connection.
#[derive(Debug, Clone)]
pub(super) struct Streams(Arc<Turn>);

/// What a connection has done since it was woken.
#[derive(Debug)]
struct Turn {
    /// How long it may be, in nanoseconds.
    most_ns: u64,
    opened: Instant,
    /// When its first request was begun, in nanoseconds after `opened`.
    begun_ns: AtomicU64,
}

impl Streams {
    /// Of a connection that was just opened.
    pub(super) fn new() -> Self {
        Self::with_turns_of(IN_TURN_NS_MAX)
    }

    fn with_turns_of(most_ns: u64) -> Self {
        let begun_ns = AtomicU64::new(NOT_BEGUN);
        Self(Arc::new(Turn { most_ns, opened: clock::now(), begun_ns }))
    }

    /// Drives the connection, each time with a new turn.
    pub(super) async fn drive<T>(&self, connection: impl Future<Output = T>) -> T {
        let mut connection = pin!(connection);
        let poll = |cx: &mut Context<'_>| {
            self.0.begun_ns.store(NOT_BEGUN, Ordering::Relaxed);
            connection.as_mut().poll(cx)
        };
        poll_fn(poll).await
    }

    /// Whether the turn has time for one more request.
    fn has_time(&self) -> bool {
        let now = clock::nanos(self.0.opened.elapsed());
        match self.0.begun_ns.load(Ordering::Relaxed) {
            NOT_BEGUN => {
                self.0.begun_ns.store(now, Ordering::Relaxed);
                true
            }
            begun => now.saturating_sub(begun) <= self.0.most_ns,
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, answering: F) {
        let mut answering = Box::pin(answering);
        if self.has_time() {
            // Nobody is to be woken: a task begins it anew, and is what is woken then.
            let mut cx = Context::from_waker(Waker::noop());
            let begun = catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(&mut cx)));
            // One that panicked ends as it would in a task: its stream is reset, no other is.
            if begun.map_or(true, |poll| poll.is_ready()) {
                return;
            }
        }
        tokio::spawn(answering);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        runtime.unwrap().block_on(test)
    }

    #[test]
    fn what_need_not_wait_is_done_in_the_task_of_the_connection() {
        let (tell, told) = channel();
        run(async {
            // However long the machine keeps it waiting.
            let streams = Streams::with_turns_of(u64::MAX);
            streams
                .drive(async {
                    for _ in 0..3 {
                        let tell = tell.clone();
                        streams.execute(async move { tell.send(thread::current().id()).unwrap() });
                    }
                    let here: Vec<ThreadId> = told.try_iter().collect();
                    assert_eq!(here, [thread::current().id(); 3]);
                })
                .await;
        });
    }

    #[test]
    fn what_waits_is_finished_in_a_task_of_its_own() {
        let (tell, told) = channel();
        let (wake, woken) = tokio::sync::oneshot::channel::<()>();
        run(async {
            Streams::new().execute(async move {
                woken.await.unwrap();
                tell.send(tokio::task::try_id().is_some()).unwrap();
            });
            assert!(told.try_recv().is_err());
            wake.send(()).unwrap();
            let is_task = tokio::task::spawn_blocking(move || told.recv().unwrap()).await;
            assert!(is_task.unwrap());
        });
    }

    #[test]
    fn after_its_time_a_turn_leaves_requests_to_other_threads_and_the_next_has_its_own() {
        let (tell, told) = channel();
        run(async {
            let streams = Streams::new();
            let ask = |time: Duration| {
                let (tell, here) = (tell.clone(), tokio::task::try_id());
                streams.execute(async move {
                    thread::sleep(time);
                    tell.send(tokio::task::try_id() == here).unwrap();
                });
            };
            let slow = Duration::from_nanos(2 * IN_TURN_NS_MAX);
            for _ in 0..2 {
                streams.drive(async { [slow, Duration::ZERO].map(ask) }).await;
                assert!(told.recv().unwrap(), "the first of a turn");
                assert!(!told.recv().unwrap(), "the second");
            }
        });
    }

    #[test]
    fn one_that_panics_takes_no_other_with_it() {
        // Whether the other has its place in the same turn or, after it, a task of its own.
        for most_ns in [0, u64::MAX] {
            let (tell, told) = channel();
            run(async {
                let streams = Streams::with_turns_of(most_ns);
                streams.execute(async { panic!("a bug") });
                streams.execute(async move { tell.send(()).unwrap() });
                let is_told = tokio::task::spawn_blocking(move || told.recv().is_ok()).await;
                assert!(is_told.unwrap());
            });
        }
    }
}
