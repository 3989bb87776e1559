//! Where the work of a request is done: at once on the thread that received it, or on another.
//!
//! A small request takes less time than handing it to another thread would, so it is answered
//! where it arrived. What will take longer, by the size of its body and by how long a row of the
//! model took lately, goes to a fixed number of worker threads, so that it does not hold up the
//! small ones. What waits is bounded by the number of requests that the server takes at all; work
//! whose client leaves is not begun, or stops between blocks of rows.
//! Single rows of a slow model are predicted together where they would wait: `model::gather`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use modelwright_core::data::Table;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::clock;
use crate::model::Model;
use crate::problem::Problem;
use crate::waiting::Waiting;

/// Work that is expected to take longer is done elsewhere.
const AT_ONCE_NS: u64 = 1_000_000;
/// As is that of a larger body.
const AT_ONCE_BYTES: usize = 32 << 10;
/// A value of a row is written in at least about so many bytes.
const BYTES_PER_VALUE: usize = 6;

/// See the module's text.
pub(crate) struct Engine {
    /// For work that is done at once: one thread, none of its own.
    single: Context,
    /// For work that may use all threads.
    many: Context,
    free: Arc<Semaphore>,
    gathered_ns_min: u64,
}

impl Engine {
    /// With `threads` workers; 0 takes the machine's. Single rows of models that take at least
    /// `gathered_time_min` for one are predicted together.
    ///
    /// # Errors
    /// Work error when the system refuses threads.
    pub(crate) fn new(threads: usize, gathered_time_min: Duration) -> Result<Self> {
        let context = |threads| {
            Context::new(modelwright_core::context::Settings { threads, ..Default::default() })
        };
        let many = context(threads)?;
        let free = Arc::new(Semaphore::new(many.threads()));
        let gathered_ns_min = clock::nanos(gathered_time_min);
        Ok(Self { single: context(1)?, many, free, gathered_ns_min })
    }

    /// The context for loading models.
    pub(crate) fn context(&self) -> &Context {
        &self.many
    }

    /// How many worker threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.many.threads()
    }

    /// What work needs that goes on for long on a thread of its own: it takes a worker's place only
    /// while it computes.
    pub(crate) fn for_long(&self) -> (Context, Arc<Semaphore>) {
        (self.many.clone(), self.free.clone())
    }

    /// Whether the row of a request that has but one is to be predicted with those of others.
    pub(crate) fn gathers(&self, model: &Model, n_bytes: usize) -> bool {
        n_bytes <= AT_ONCE_BYTES && model.gathers(self.gathered_ns_min, AT_ONCE_NS)
    }

    /// Predicts a single row, with those of other requests that wait; alone where none does.
    ///
    /// # Errors
    /// Those of the prediction; problem 500 when it panicked.
    pub(crate) async fn gather(
        &self,
        model: &Arc<Model>,
        row: Table,
    ) -> std::result::Result<Predictions, Problem> {
        let (told, is_needed) = model.gather.add(row, self.threads());
        if is_needed {
            let (model, ctx, free) = (model.clone(), self.many.clone(), self.free.clone());
            tokio::spawn(async move {
                // A place for each turn, so that work that waits for one is not kept out.
                while let Ok(permit) = free.clone().acquire_owned().await {
                    let (model, ctx) = (model.clone(), ctx.clone());
                    let turn = spawn_blocking(move || {
                        let has_worked = model.gather.work(&model, &ctx);
                        drop(permit);
                        has_worked
                    });
                    if !turn.await.unwrap_or(false) {
                        break;
                    }
                }
            });
        }
        let waiting = Waiting::new(model);
        let told = told.await;
        waiting.end();
        told.map_err(|_| broken())?.map_err(Problem::of_error)
    }

    /// Does what is left of a request whose row is predicted, here.
    ///
    /// # Errors
    /// Those of the work; problem 500 when it panicked.
    pub(crate) fn at_once<T>(
        &self,
        work: impl FnOnce(&Context) -> std::result::Result<T, Problem>,
    ) -> std::result::Result<T, Problem> {
        catch_unwind(AssertUnwindSafe(|| work(&self.single))).unwrap_or_else(|_| Err(broken()))
    }

    /// Does the work of a request with a body of `n_bytes` for a model; what is known to be long is
    /// done elsewhere in any case.
    ///
    /// # Errors
    /// Those of the work; problem 500 when it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        model: &Model,
        n_bytes: usize,
        is_long: bool,
        work: impl FnOnce(&Context) -> std::result::Result<T, Problem> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let n_values = model.reader.fields().len().max(1);
        let n_rows = 1 + n_bytes / (n_values * BYTES_PER_VALUE);
        if !is_long && n_bytes <= AT_ONCE_BYTES && model.expected_ns(n_rows) <= AT_ONCE_NS {
            return self.at_once(work);
        }
        let (begun, waiting) = (clock::now(), Waiting::new(model));
        let permit = self.free.clone().acquire_owned().await.map_err(|_| broken())?;
        model.stats.queue_ns.add(clock::nanos(begun.elapsed()));
        let ctx = waiting.context(&self.many);
        let done = spawn_blocking(move || {
            let done = work(&ctx);
            // Only now: nobody may wait for the work any more, but its thread was busy till here.
            drop(permit);
            done
        });
        let done = done.await.unwrap_or_else(|_| Err(broken()));
        waiting.end();
        done
    }
}

fn broken() -> Problem {
    Problem::new(500, "internal", "the work on this request broke off")
        .hint("this is a bug; please report the request")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn work_whose_client_leaves_is_told_and_what_waits_never_begins() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/artifact");
        let (engine, ctx) = (Engine::new(1, Duration::MAX).unwrap(), Context::unlimited(0, 1));
        let model =
            Model::load("shop", 1, &path.join("v2-binary.mw"), Arc::default(), &ctx).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (tell, told) = channel();
            let begun = Arc::new(tokio::sync::Notify::new());
            let (is_running, has_left) = (begun.clone(), begun.notified());
            let running = engine.run(&model, 0, true, move |ctx| {
                is_running.notify_one();
                while !ctx.is_cancelled() {
                    std::thread::yield_now();
                }
                tell.send("stopped").unwrap();
                Ok(())
            });
            let never = engine.run(&model, 0, true, |_| -> std::result::Result<(), Problem> {
                panic!("nobody waits for this any more");
            });
            tokio::select! {
                biased;
                _ = running => unreachable!("it runs until nobody waits"),
                _ = never => unreachable!("there is one thread"),
                () = has_left => {}
            }
            let told = tokio::task::spawn_blocking(move || told.recv()).await.unwrap();
            assert_eq!(told, Ok("stopped"));
            assert_eq!(model.stats.n_given_up.get(), 2);
            let is_cancelled = engine.run(&model, 0, true, |ctx| Ok(ctx.is_cancelled())).await;
            assert!(!is_cancelled.unwrap());
            assert_eq!(model.stats.n_given_up.get(), 2);
        });
    }

    #[test]
    fn work_that_nobody_waits_for_any_more_keeps_its_thread_until_it_ends() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/artifact");
        let (engine, ctx) = (Engine::new(1, Duration::MAX).unwrap(), Context::unlimited(0, 1));
        let model =
            Model::load("shop", 1, &path.join("v2-binary.mw"), Arc::default(), &ctx).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (tell, told) = channel::<()>();
            let slow = engine.run(&model, 0, true, move |_| {
                // Until the other end is dropped.
                let _ = told.recv();
                Ok(())
            });
            assert!(tokio::time::timeout(Duration::from_millis(20), slow).await.is_err());
            assert_eq!(engine.free.available_permits(), 0);
            drop(tell);
            engine.run(&model, 0, true, |_| Ok(())).await.unwrap();
        });
    }
}
