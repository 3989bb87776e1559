//! Single rows of several requests, predicted together where they would wait for each other anyway.
//!
//! A model of many trees takes nearly as long for one row as for 64, as what takes the time is
//! fetching the trees from memory. So while rows of a model are being predicted, those that come
//! wait, and who is done takes all that wait as one table. Nobody waits for company: a row that
//! comes while nobody works for its model begins at once, alone. What is predicted of a row does
//! not depend on the rows beside it, so that answers are the same to the bit.
//!
//! The queue is bounded by the number of requests that the server takes at a time. A row whose
//! client has left, or whose time is over, is passed over.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use modelwright_core::data::Table;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use tokio::sync::oneshot;

use super::Model;
use crate::clock;

/// Rows that are predicted at a time: more take longer than one does.
const N_ROWS_MAX: usize = 64;

/// What becomes of a row.
pub(crate) type Answer = Result<Predictions>;

/// A row, and who waits for its prediction.
struct Waiting {
    row: Table,
    since: Instant,
    tell: oneshot::Sender<Answer>,
}

#[derive(Default)]
struct State {
    /// How many work on the rows, or are about to.
    n_at_work: usize,
    waiting: VecDeque<Waiting>,
}

/// The rows of a model that wait; see the module's text.
#[derive(Default)]
pub(crate) struct Gather(Mutex<State>);

impl Gather {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody works on rows of the model.
    pub(crate) fn is_at_work(&self) -> bool {
        self.state().n_at_work > 0
    }

    /// Adds a row. Also whether somebody must be sent to work on it, as less than `n_max` do.
    pub(crate) fn add(&self, row: Table, n_max: usize) -> (oneshot::Receiver<Answer>, bool) {
        let (tell, told) = oneshot::channel();
        let mut state = self.state();
        state.waiting.push_back(Waiting { row, since: clock::now(), tell });
        let is_needed = state.n_at_work < n_max;
        state.n_at_work += usize::from(is_needed);
        (told, is_needed)
    }

    /// Predicts what waits, once; false when nothing does, and then who asked works no more.
    pub(crate) fn work(&self, model: &Model, ctx: &Context) -> bool {
        let batch: Vec<Waiting> = {
            let mut state = self.state();
            if state.waiting.is_empty() {
                state.n_at_work -= 1;
                return false;
            }
            let n = state.waiting.len().min(N_ROWS_MAX);
            state.waiting.drain(..n).filter(|one| !one.tell.is_closed()).collect()
        };
        if batch.is_empty() {
            return true;
        }
        let begun = clock::now();
        let waited = batch.iter().map(|one| clock::nanos(begun - one.since)).sum();
        model.stats.queue_ns.add(waited);
        let (rows, tells): (Vec<Table>, Vec<_>) =
            batch.into_iter().map(|one| (one.row, one.tell)).unzip();
        let done = catch_unwind(AssertUnwindSafe(|| predict(model, rows, ctx)));
        let done = done.unwrap_or_else(|_| Err(Error::work("the work on this request broke off")));
        let ns = clock::nanos(begun.elapsed());
        model.observe(tells.len(), ns);
        model.stats.n_executions.add(1);
        model.stats.infer_ns.add(ns);
        if tells.len() > 1 {
            model.stats.n_gathered.add(tells.len() as u64);
        }
        for (row, tell) in tells.into_iter().enumerate() {
            let one = match &done {
                Ok(all) => Ok(Predictions::new(all.n_outputs, all.row(row).to_vec())),
                Err(error) => Err(Error::work(error.to_string())),
            };
            // A client that has left needs no answer.
            let _ = tell.send(one);
        }
        true
    }
}

fn predict(model: &Model, rows: Vec<Table>, ctx: &Context) -> Answer {
    let mut rows = rows.into_iter();
    let mut table = rows.next().ok_or_else(|| Error::work("there are no rows"))?;
    if rows.len() == 0 {
        return predict_alone(model, &table, ctx);
    }
    for row in rows {
        table.append(&row)?;
    }
    model.predictor.predict(&table, ctx)
}

/// The same of one row, as quickly as where nobody gathers.
fn predict_alone(model: &Model, table: &Table, ctx: &Context) -> Answer {
    let mut work = model.row_pool.take(&model.predictor);
    work.row.take(table, 0, &model.predictor.schema);
    let predictions = model.predictor.predict_row(&work.row, &mut work.memory, ctx).cloned();
    model.row_pool.give_back(work);
    predictions
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;

    fn model(ctx: &Context) -> Model {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/artifact");
        Model::load("shop", 1, &path.join("v2-multiclass.mw"), Arc::default(), ctx).unwrap()
    }

    /// Rows of the model with several ages, as tables of one row.
    fn rows(model: &Model, n: i128) -> Vec<Table> {
        let row = |i: i128| {
            let mut rows = model.reader.rows(1);
            for (place, field) in model.reader.fields().iter().enumerate() {
                let cell = match field.name.as_str() {
                    "age" => modelwright_io::Cell::Integer(i % 80),
                    "plan" => modelwright_io::Cell::Text(["basic", "plus", "odd"][i as usize % 3]),
                    _ => modelwright_io::Cell::Missing,
                };
                rows.push(place, cell).unwrap();
            }
            rows.end_row();
            rows.into_table().unwrap()
        };
        (0..n).map(row).collect()
    }

    #[test]
    fn rows_that_wait_are_predicted_together_and_each_as_it_would_be_alone() {
        let ctx = Context::unlimited(0, 1);
        let model = model(&ctx);
        let all = rows(&model, 100);
        let (first, is_needed) = model.gather.add(all[0].clone(), 1);
        assert!(is_needed && model.gather.is_at_work());
        let mut told = vec![first];
        for row in &all[1..] {
            let (one, is_needed) = model.gather.add(row.clone(), 1);
            assert!(!is_needed, "somebody is on the way already");
            told.push(one);
        }
        let before = model.stats.n_executions.get();
        assert!(model.gather.work(&model, &ctx) && model.gather.work(&model, &ctx));
        assert!(!model.gather.work(&model, &ctx), "nothing waits any more");
        assert!(!model.gather.is_at_work());
        assert_eq!(model.stats.n_executions.get() - before, 2, "64 and 36 rows");
        assert_eq!(model.stats.n_gathered.get(), 100);
        for (row, told) in all.iter().zip(told) {
            let found = told.blocking_recv().unwrap().unwrap();
            let alone = model.predictor.predict(row, &ctx).unwrap();
            let bits = |p: &Predictions| p.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&found), bits(&alone));
        }
    }

    #[test]
    fn a_row_whose_client_has_left_is_passed_over() {
        let ctx = Context::unlimited(0, 1);
        let model = model(&ctx);
        for row in rows(&model, 3) {
            drop(model.gather.add(row, 2));
        }
        let before = model.stats.n_executions.get();
        assert!(model.gather.work(&model, &ctx));
        assert_eq!(model.stats.n_executions.get(), before);
    }
}
