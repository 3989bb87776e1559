//! The quick way for what is asked most: one row with nothing unusual about it.
//!
//! Its values go from the text of the request into memory that the model keeps for this, from
//! there into features and through the models, without tables between. Whatever is not plain (a
//! value that does not fit, a column that is absent, a value unlike training, a request that wants
//! more than predictions) makes this way give up without a trace, and the general way begins anew:
//! it alone knows what to complain about, so that both ways can never say different things.

use modelwright_core::Context;
use modelwright_core::data::{RawRow, Table};
use modelwright_io::{Cell, RowReader};

use super::answer::Outcome;
use super::rows_json::Sink;
use super::v2::CONTENT_TYPE;
use crate::ask::Ask;
use crate::clock;
use crate::model::{Model, RowWork};
use crate::settings::Policy;

/// A row that is being read.
pub(crate) struct QuickRow<'a> {
    reader: &'a RowReader,
    row: &'a mut RawRow,
    written: &'a mut String,
    is_clean: bool,
}

impl QuickRow<'_> {
    /// Whether all is well, and each column that is needed has come.
    fn is_complete(&self) -> bool {
        let fields = self.reader.fields().iter().enumerate();
        self.is_clean
            && (self.row.is_full()
                || fields.into_iter().all(|(place, f)| f.optional || self.row.has(place)))
    }
}

impl Sink for QuickRow<'_> {
    fn n_columns(&self) -> usize {
        self.reader.fields().len()
    }

    #[inline]
    fn place(&mut self, name: &str, guess: usize) -> Option<usize> {
        self.reader.place(name, guess)
    }

    #[inline]
    fn cell(&mut self, place: usize, cell: Cell<'_>) {
        self.is_clean = self.is_clean
            && !self.row.has(place)
            && self.reader.set(self.row, place, cell, self.written).is_ok();
    }

    fn nested(&mut self, _: usize, _: &str) {
        self.is_clean = false;
    }

    fn wrong_length(&mut self, _: usize) {
        self.is_clean = false;
    }
}

/// The prediction of the row that `read` reads; `None` where the general way must be gone.
/// `read` says whether what it read is one row.
pub(crate) fn outcome(
    ask: &Ask,
    ctx: &Context,
    read: impl FnOnce(&mut QuickRow<'_>) -> bool,
) -> Option<Outcome> {
    if !is_plain(ask) {
        return None;
    }
    let model = &*ask.model;
    let mut work = model.row_pool.take(&model.predictor);
    let outcome = with_memory(ask, &mut work, ctx, read);
    model.row_pool.give_back(work);
    outcome
}

/// Whether nothing is wanted but predictions.
fn is_plain(ask: &Ask) -> bool {
    ask.rows_max > 0
        && ask.shadow.is_none()
        && ask.request_log.is_none()
        && ask.events.is_none()
        && ask.model.predictor.group_thresholds().is_none()
        && ask.query.names().all(|name| matches!(name, "model" | "version" | CONTENT_TYPE))
}

fn with_memory(
    ask: &Ask,
    work: &mut RowWork,
    ctx: &Context,
    read: impl FnOnce(&mut QuickRow<'_>) -> bool,
) -> Option<Outcome> {
    let (model, begun) = (&*ask.model, clock::now());
    if !read_into(ask, work, read) {
        return None;
    }
    let RowWork { row, memory, .. } = work;
    let read = clock::now();
    let (predictions, is_counted) = if let Some(predictions) = &ask.predicted {
        (predictions.clone(), true)
    } else {
        let _counted = model.at_once();
        (model.predictor.predict_row(row, memory, ctx).ok()?.clone(), false)
    };
    if let Some(drift) = &ask.drift {
        let schema = &model.predictor.schema;
        drift.look_at_one(&ask.model, || row.to_table(schema).ok(), &predictions);
    }
    model.stats.input_ns.add(clock::nanos(read - begun));
    let ns = (!is_counted).then(|| clock::nanos(read.elapsed()));
    Some(Outcome::of_one(model, predictions, ns))
}

/// Reads a row; whether there is nothing unusual about it.
fn read_into(ask: &Ask, work: &mut RowWork, read: impl FnOnce(&mut QuickRow<'_>) -> bool) -> bool {
    let RowWork { row, written, .. } = work;
    row.begin(ask.model.reader.fields().len());
    let mut quick = QuickRow { reader: &ask.model.reader, row, written, is_clean: true };
    read(&mut quick) && quick.is_complete() && !is_unusual(ask, &ask.model, row)
}

/// The row that `read` reads as a table, where its prediction is all that is wanted.
pub(crate) fn lone_row(ask: &Ask, read: impl FnOnce(&mut QuickRow<'_>) -> bool) -> Option<Table> {
    if !is_plain(ask) {
        return None;
    }
    let mut work = ask.model.row_pool.take(&ask.model.predictor);
    let schema = &ask.model.predictor.schema;
    let table = if read_into(ask, &mut work, read) { work.row.to_table(schema).ok() } else { None };
    ask.model.row_pool.give_back(work);
    table
}

fn is_unusual(ask: &Ask, model: &Model, row: &RawRow) -> bool {
    ask.policy != Policy::Accept && model.door.is_unusual(row, &model.predictor.schema)
}
