//! Rows of a running server: what moved lately, in memory that does not grow with the rows.
//!
//! Each column has a mergeable sketch per span of time; the oldest span is dropped when a new one
//! begins, and what is compared with training are all spans together. Who calls
//! [`Live::begin_span`] decides how long they are; the clock is not asked here. Rows that are like
//! the ones before them are no independent witnesses: some are kept in their order (`arrivals`).

use std::collections::VecDeque;
use std::sync::Arc;

use modelwright_automl::reference::{PREDICTION, prediction_column};
use modelwright_automl::{Predictor, Reference};
use modelwright_core::Result;
use modelwright_core::data::{Column, Field, Kind, Storage, Table};
use modelwright_core::record::{ColumnDrift, DatasetDrift, SeasonRecord};
use modelwright_core::task::Predictions;

use super::arrivals::{self, Arrivals};
use super::counted::Counted;
use super::live_seasons::{self, LiveSeasons};
use super::season::{Calendar, Seasonal};
use super::share::Part;
use super::tally::ColumnTally;
use super::witnesses::Worth;
use super::{MonitorOptions, adjust, compare, may_drift, predictions_drift, together};

/// The rows of a span of time.
struct Span {
    columns: Vec<Counted>,
    predictions: Counted,
    /// Of the columns and, behind them, the predictions.
    arrivals: Arrivals,
    n_rows: u64,
    /// The seasons of the rows, where they are looked at.
    calendar: Option<Calendar>,
}

/// Rows of the last spans of time of one model.
pub struct Live {
    fields: Vec<Field>,
    prediction: Field,
    /// The oldest first; the last one grows.
    spans: VecDeque<Span>,
    n_spans: usize,
    seasons: Option<Arc<LiveSeasons>>,
}

/// What moved.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveDrift {
    /// Rows that were looked at.
    pub n_rows: u64,
    /// As how many independent rows they count in the least independent column, or in what the
    /// model says: fewer than they are where rows are like those that came before them.
    pub n_effective: u64,
    /// The model's columns, in the order of its schema.
    pub columns: Vec<LiveColumn>,
    /// The columns together.
    pub dataset: DatasetDrift,
    /// What the model says; `None` where the model file does not know what it said in training.
    pub predictions: Option<ColumnDrift>,
    /// The seasons that were compared; `None` where all of the training rows were.
    pub season: Option<SeasonRecord>,
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
    /// As how many independent rows those of the window count.
    pub n_effective: u64,
}

impl Live {
    /// No rows yet, of the last `n_spans` spans (at least one); of the columns that the model reads
    /// the first `n_columns`.
    pub fn new(predictor: &Predictor, n_spans: usize, n_columns: usize) -> Self {
        let mut live = Self {
            fields: read_fields(predictor, n_columns).collect(),
            prediction: prediction_field(predictor),
            spans: VecDeque::new(),
            n_spans: n_spans.max(1),
            seasons: None,
        };
        live.begin_span();
        live
    }

    /// Beside the same seasons of these rows, in place of the training rows; begins anew.
    #[must_use]
    pub fn beside(mut self, seasons: Arc<LiveSeasons>) -> Self {
        self.seasons = Some(seasons);
        self.spans.clear();
        self.begin_span();
        self
    }

    /// Rows from now on belong to a new span; the oldest is dropped if there are too many.
    pub fn begin_span(&mut self) {
        if self.spans.len() == self.n_spans {
            self.spans.pop_front();
        }
        let columns = self.fields.iter().cloned().map(Counted::new).collect();
        let predictions = Counted::new(self.prediction.clone());
        let all = self.fields.iter().chain([&self.prediction]);
        let arrivals = Arrivals::new(all, self.n_spans);
        let calendar = self.seasons.as_ref().map(|seasons| seasons.calendar());
        self.spans.push_back(Span { columns, predictions, arrivals, n_rows: 0, calendar });
    }

    /// Rows of all spans.
    pub fn n_rows(&self) -> u64 {
        self.spans.iter().map(|span| span.n_rows).sum()
    }

    /// Adds rows and what the model said of them; they came at the moment `came`, in microseconds
    /// since 1970.
    ///
    /// # Errors
    /// Input error for a column that is held in another way than the model's.
    pub fn add(
        &mut self,
        predictor: &Predictor,
        reference: &Reference,
        table: &Table,
        predictions: &Predictions,
        came: i64,
    ) -> Result<()> {
        let Some(span) = self.spans.back_mut() else { return Ok(()) };
        if let Some(calendar) = &mut span.calendar {
            live_seasons::count(calendar, table, came);
        }
        let mut columns = Vec::with_capacity(span.columns.len() + 1);
        for counted in &mut span.columns {
            let known = reference.columns.column(&counted.field.name);
            let column = table.column(&counted.field.name);
            columns.push(column);
            counted.with(known, |tally| add(tally, column, table.n_rows()))?;
        }
        let known = reference.predictions.as_ref().and_then(|p| p.predictions());
        let column = prediction_column(predictor, predictions);
        span.predictions.with(known, |tally| tally.add(&column, &[whole(table.n_rows())]))?;
        columns.push(Some(&column));
        span.arrivals.add(&columns, table.n_rows());
        span.n_rows += table.n_rows() as u64;
        Ok(())
    }

    /// Compares the rows of all spans with those of training, or of the same seasons.
    ///
    /// # Errors
    /// None that rows can cause.
    pub fn drift(&self, reference: &Reference) -> Result<LiveDrift> {
        let mix = self.mix();
        let like = self.seasons.as_deref().zip(mix.as_ref());
        let arrivals: Vec<&Arrivals> = self.spans.iter().map(|span| &span.arrivals).collect();
        let mut shares = arrivals::shares(&arrivals);
        let of_predictions = shares.pop().unwrap_or(1.0);
        let mut columns = Vec::new();
        let mut outside = Vec::new();
        for (i, (field, share)) in self.fields.iter().zip(&shares).enumerate() {
            let all = self.together(field, |span| &span.columns[i])?;
            outside.push((all.n_unseen, all.n_below + all.n_above));
            let mut tally = all.into_tally(reference.columns.column(&field.name));
            tally.worth = Worth::of_all(*share);
            let was = like.map(|(seasons, _)| &seasons.columns()[i]);
            columns.push(compare::column(&tally, was, mix.as_ref(), None));
        }
        // A window that moves, and is asked whenever somebody likes: the gauges show each look for
        // itself, and who is told by them asks for how long they say so.
        let share = 1.0;
        adjust(&mut columns, share);
        let dataset = together(&columns, &[].into(), &MonitorOptions::default());
        let tested = reference.predictions.as_ref();
        let (said, served) =
            (tested.and_then(|p| p.predictions()), tested.and_then(|p| p.served()));
        let all = self.together(&self.prediction, |span| &span.predictions)?;
        let was = like.map(|(seasons, _)| seasons.predictions());
        let predictions = (said.is_some() || was.is_some()).then(|| {
            let mut tally = all.into_tally(said).beside_served(served);
            tally.worth = Worth::of_all(of_predictions);
            predictions_drift(compare::column(&tally, was, mix.as_ref(), None), share)
        });
        let n_effective = self.n_effective(self.least(&shares).min(of_predictions));
        let columns = columns.into_iter().zip(outside).zip(shares);
        let columns = columns.map(|((drift, (n_unseen, n_outside)), share)| LiveColumn {
            drift,
            n_unseen,
            n_outside,
            n_effective: self.n_effective(share),
        });
        let (n_rows, columns) = (self.n_rows(), columns.collect());
        let season = mix.map(|mix| mix.record);
        Ok(LiveDrift { n_rows, n_effective, columns, dataset, predictions, season })
    }

    /// The least of the columns' shares; time goes on by itself.
    fn least(&self, shares: &[f64]) -> f64 {
        let of_fields = self.fields.iter().zip(shares).filter(|(field, _)| may_drift(field.kind));
        of_fields.map(|(_, share)| *share).fold(1.0, f64::min)
    }

    /// So large a share of the rows of all spans.
    fn n_effective(&self, share: f64) -> u64 {
        (share * self.n_rows() as f64).round() as u64
    }

    /// The reference as the rows of all spans have its seasons.
    fn mix(&self) -> Option<Seasonal> {
        let seasons = self.seasons.as_ref()?;
        let mut all = seasons.calendar();
        for calendar in self.spans.iter().filter_map(|span| span.calendar.as_ref()) {
            all.counts.iter_mut().zip(&calendar.counts).for_each(|(n, more)| *n += more);
        }
        seasons.mix(&all)
    }

    fn together(&self, field: &Field, of: impl Fn(&Span) -> &Counted) -> Result<Counted> {
        let mut all = Counted::new(field.clone());
        self.spans.iter().try_for_each(|span| all.merge(of(span)))?;
        Ok(all)
    }
}

/// The columns that a model reads, the first so many.
pub(super) fn read_fields(predictor: &Predictor, n: usize) -> impl Iterator<Item = Field> {
    let read: Vec<&str> = predictor.feature_columns().collect();
    let fields = predictor.schema.fields.iter();
    fields.filter(move |f| read.contains(&f.name.as_str())).take(n).cloned()
}

/// What a model says, as a column.
pub(super) fn prediction_field(predictor: &Predictor) -> Field {
    let (storage, kind) = match predictor.n_outputs() {
        1 => (Storage::Number, Kind::Number),
        _ => (Storage::String, Kind::Category),
    };
    Field::new(PREDICTION, storage, kind)
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
