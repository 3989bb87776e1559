//! Rows of a running server: what moved lately, in memory that does not grow with the rows.
//!
//! Each column has a mergeable sketch per span of time; the oldest span is dropped when a new one
//! begins, and what is compared with training are all spans together. Who calls
//! [`Live::begin_span`] decides how long they are; the clock is not asked here.

use std::collections::VecDeque;

use modelwright_automl::reference::{PREDICTION, prediction_column};
use modelwright_automl::{Predictor, Reference};
use modelwright_core::Result;
use modelwright_core::data::{Column, Field, Kind, Storage, Table};
use modelwright_core::record::{ColumnDrift, DatasetDrift};
use modelwright_core::task::Predictions;

use super::counted::Counted;
use super::share::Part;
use super::tally::ColumnTally;
use super::{MonitorOptions, adjust, compare, together};

/// The rows of a span of time.
struct Span {
    columns: Vec<Counted>,
    predictions: Counted,
    n_rows: u64,
}

/// Rows of the last spans of time of one model.
pub struct Live {
    fields: Vec<Field>,
    prediction: Field,
    /// The oldest first; the last one grows.
    spans: VecDeque<Span>,
    n_spans: usize,
}

/// What moved.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveDrift {
    /// Rows that were looked at.
    pub n_rows: u64,
    /// The model's columns, in the order of its schema.
    pub columns: Vec<LiveColumn>,
    /// The columns together.
    pub dataset: DatasetDrift,
    /// What the model says; `None` where the model file does not know what it said in training.
    pub predictions: Option<ColumnDrift>,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveColumn {
    /// Measure, score and threshold; what training had beside what came.
    pub drift: ColumnDrift,
    /// Rows whose value training never had.
    pub n_unseen: u64,
    /// Rows whose number lies outside of the range of training.
    pub n_outside: u64,
}

impl Live {
    /// No rows yet, of the last `n_spans` spans (at least one); of the columns that the model reads
    /// the first `n_columns`.
    pub fn new(predictor: &Predictor, n_spans: usize, n_columns: usize) -> Self {
        let read: Vec<&str> = predictor.feature_columns().collect();
        let fields = predictor.schema.fields.iter();
        let fields = fields.filter(|f| read.contains(&f.name.as_str()));
        let fields = fields.take(n_columns).cloned().collect();
        let (storage, kind) = match predictor.n_outputs() {
            1 => (Storage::Number, Kind::Number),
            _ => (Storage::String, Kind::Category),
        };
        let prediction = Field::new(PREDICTION, storage, kind);
        let mut live = Self { fields, prediction, spans: VecDeque::new(), n_spans: n_spans.max(1) };
        live.begin_span();
        live
    }

    /// Rows from now on belong to a new span; the oldest is dropped if there are too many.
    pub fn begin_span(&mut self) {
        if self.spans.len() == self.n_spans {
            self.spans.pop_front();
        }
        let columns = self.fields.iter().cloned().map(Counted::new).collect();
        let predictions = Counted::new(self.prediction.clone());
        self.spans.push_back(Span { columns, predictions, n_rows: 0 });
    }

    /// Rows of all spans.
    pub fn n_rows(&self) -> u64 {
        self.spans.iter().map(|span| span.n_rows).sum()
    }

    /// Adds rows and what the model said of them.
    ///
    /// # Errors
    /// Input error for a column that is held in another way than the model's.
    pub fn add(
        &mut self,
        predictor: &Predictor,
        reference: &Reference,
        table: &Table,
        predictions: &Predictions,
    ) -> Result<()> {
        let Some(span) = self.spans.back_mut() else { return Ok(()) };
        for counted in &mut span.columns {
            let known = reference.columns.column(&counted.field.name);
            let column = table.column(&counted.field.name);
            counted.with(known, |tally| add(tally, column, table.n_rows()))?;
        }
        let known = reference.predictions.as_ref().and_then(|p| p.predictions());
        let column = prediction_column(predictor, predictions);
        span.predictions.with(known, |tally| tally.add(&column, &[whole(table.n_rows())]))?;
        span.n_rows += table.n_rows() as u64;
        Ok(())
    }

    /// Compares the rows of all spans with those of training.
    ///
    /// # Errors
    /// None that rows can cause.
    pub fn drift(&self, reference: &Reference) -> Result<LiveDrift> {
        let mut columns = Vec::new();
        let mut outside = Vec::new();
        for (i, field) in self.fields.iter().enumerate() {
            let all = self.together(field, |span| &span.columns[i])?;
            outside.push((all.n_unseen, all.n_below + all.n_above));
            let tally = all.into_tally(reference.columns.column(&field.name));
            columns.push(compare::column(&tally, None, None, None));
        }
        adjust(&mut columns);
        let dataset = together(&columns, &[].into(), &MonitorOptions::default());
        let tested = reference.predictions.as_ref();
        let (said, served) =
            (tested.and_then(|p| p.predictions()), tested.and_then(|p| p.served()));
        let all = self.together(&self.prediction, |span| &span.predictions)?;
        let mut predictions = said.map(|said| {
            let tally = all.into_tally(Some(said)).beside_served(served);
            compare::column(&tally, None, None, None)
        });
        if let Some(alone) = &mut predictions {
            adjust(std::slice::from_mut(alone));
        }
        let columns = columns.into_iter().zip(outside);
        let columns = columns
            .map(|(drift, (n_unseen, n_outside))| LiveColumn { drift, n_unseen, n_outside })
            .collect();
        Ok(LiveDrift { n_rows: self.n_rows(), columns, dataset, predictions })
    }

    fn together(&self, field: &Field, of: impl Fn(&Span) -> &Counted) -> Result<Counted> {
        let mut all = Counted::new(field.clone());
        self.spans.iter().try_for_each(|span| all.merge(of(span)))?;
        Ok(all)
    }
}

/// All rows of a batch, every one of which is sketched.
fn whole(n_rows: usize) -> Part {
    Part { rows: 0..n_rows, is_whole: true }
}

fn add(tally: &mut ColumnTally<'_>, column: Option<&Column>, n_rows: usize) -> Result<()> {
    if let Some(column) = column {
        return tally.add(column, &[whole(n_rows)]);
    }
    tally.add_absent(n_rows);
    Ok(())
}
