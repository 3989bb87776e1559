//! What a running server holds its rows against where a rhythm is known: the rows of a file, season
//! by season, of which the artifact keeps none.

use modelwright_automl::Predictor;
use modelwright_automl::reference::prediction_column;
use modelwright_core::data::{ColumnData, MISSING_INSTANT, Table};
use modelwright_core::{Context, Error, Result};

use super::live::{prediction_field, read_fields};
use super::season::{Calendar, Season, Seasonal};
use super::share::Part;
use super::tally::ColumnTally;

/// Values of a column that are kept in each season; beyond, sketches are.
const VALUES_MAX: usize = 2_000;

/// The seasons of reference rows.
pub struct LiveSeasons {
    columns: Vec<ColumnTally<'static>>,
    predictions: ColumnTally<'static>,
    calendar: Calendar,
}

impl LiveSeasons {
    /// No rows yet; `column` holds the time of each row. Of the columns that the model reads the
    /// first `n_columns`.
    pub fn new(predictor: &Predictor, season: Season, column: &str, n_columns: usize) -> Self {
        let n = season.n() + 1;
        let tally = |field| ColumnTally::new(field, None, VALUES_MAX * n).in_seasons(n);
        Self {
            columns: read_fields(predictor, n_columns).map(tally).collect(),
            predictions: tally(prediction_field(predictor)),
            calendar: Calendar::new(season, column),
        }
    }

    /// Adds reference rows, in the columns of the model and with their times.
    ///
    /// # Errors
    /// Input error for rows without times, and for columns that the model cannot read.
    pub fn add(&mut self, predictor: &Predictor, table: &Table, ctx: &Context) -> Result<()> {
        let times = table.require(&self.calendar.column)?;
        if !matches!(times.data, ColumnData::Instant(_)) {
            return Err(Error::input("the reference rows have no times")
                .column(&times.name)
                .expected("dates or times"));
        }
        let said = prediction_column(predictor, &predictor.predict(table, ctx)?);
        let (n_rows, rows) = (table.n_rows(), self.calendar.part(table));
        let whole = [Part { rows: 0..n_rows, is_whole: true }];
        for tally in &mut self.columns {
            let column = table.column(&tally.field.name);
            match column {
                Some(column) => tally.add(column, &whole)?,
                None => tally.add_absent(n_rows),
            }
            tally.add_to_seasons(column, &rows)?;
        }
        self.predictions.add(&said, &whole)?;
        self.predictions.add_to_seasons(Some(&said), &rows)
    }

    /// No rows yet of the seasons that these are of: the times are those of `column` where new rows
    /// have it.
    pub(super) fn calendar(&self) -> Calendar {
        Calendar::new(self.calendar.season, &self.calendar.column)
    }

    pub(super) fn columns(&self) -> &[ColumnTally<'static>] {
        &self.columns
    }

    pub(super) fn predictions(&self) -> &ColumnTally<'static> {
        &self.predictions
    }

    /// The reference as rows of these seasons have them; `None` where it has too few rows.
    pub(super) fn mix(&self, current: &Calendar) -> Option<Seasonal> {
        Seasonal::of(&self.calendar, current)
    }
}

/// The seasons of served rows: by their own times, where they have such a column, else by the
/// moment at which they came.
pub(super) fn count(calendar: &mut Calendar, table: &Table, came: i64) {
    let own = table.column(&calendar.column).map(|column| &column.data);
    for row in 0..table.n_rows() {
        let time = match own {
            Some(ColumnData::Instant(times)) if times[row] != MISSING_INSTANT => times[row],
            _ => came,
        };
        calendar.counts[calendar.season.at(time).0] += 1;
    }
}
