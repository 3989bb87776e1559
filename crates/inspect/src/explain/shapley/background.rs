//! The rows that stand for "not known".
//!
//! A background is data of people or things, so it is not kept in the model file: it is drawn
//! column by column from what the model file knows of each column alone, or taken from a file. A
//! few rows must speak for many: they are taken evenly from the rows in the order of their
//! predictions, so that the base value is close to the mean prediction.

use std::collections::BTreeMap;

use modelwright_core::data::Table;
use modelwright_core::{Context, Result};
use serde::Serialize;

use super::reason::Typical;
use super::subject::Subject;

/// Rows that a background is taken from, at most.
const POOL_MAX: usize = 10_000;

/// Where background rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The rows that are explained, where the model file knows nothing of its columns.
    Data,
    /// A file of its own.
    File,
    /// Drawn column by column from the sketches of the training data.
    Sketches,
}

/// Rows that stand for "not known", in the order of their predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    table: Table,
    origin: Origin,
    /// What is typical of columns, where more than these rows is known.
    typical: BTreeMap<String, Typical>,
}

impl Background {
    /// All rows of a table, as they are.
    pub fn of_rows(table: Table, origin: Origin) -> Self {
        Self { table, origin, typical: BTreeMap::new() }
    }

    /// At most `n` rows of a table, taken evenly in the order of their predictions.
    ///
    /// # Errors
    /// As the predictor.
    pub fn representative(
        subject: &Subject<'_>,
        table: &Table,
        origin: Origin,
        n: usize,
        ctx: &Context,
    ) -> Result<Self> {
        let mut pool = Table::new(
            subject.columns.iter().filter_map(|name| table.column(name)).cloned().collect(),
        )?;
        if table.n_rows() > POOL_MAX {
            let rows = ctx.random("explain/background", 0).sample(table.n_rows(), POOL_MAX);
            pool = pool.into_selected(&rows);
        }
        if pool.n_rows() == 0 {
            return Ok(Self::of_rows(pool, origin));
        }
        let predictions = subject.predictor.predict(&pool, ctx)?;
        // Rows of one class stand together, each class in the order of its probability.
        let key = |row: usize| {
            let values = predictions.row(row);
            let best = (0..values.len()).fold(0, |a, b| if values[b] > values[a] { b } else { a });
            (best, values[best])
        };
        let mut order: Vec<u32> = (0..pool.n_rows() as u32).collect();
        order.sort_by(|a, b| {
            let (a, b) = (key(*a as usize), key(*b as usize));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let chosen = evenly(order.len(), n).map(|i| order[i]).collect::<Vec<u32>>();
        Ok(Self::of_rows(pool.into_selected(&chosen), origin))
    }

    /// With what is typical of columns by more rows than these, such as the training data: what
    /// reasons compare values with.
    #[must_use]
    pub fn with_typical(self, typical: BTreeMap<String, Typical>) -> Self {
        Self { typical, ..self }
    }

    /// What is typical of a column: as was said, else by these rows.
    pub fn typical(&self, column: &str) -> Typical {
        let of_rows = || self.table.column(column).map_or(Typical::Nothing, Typical::of);
        self.typical.get(column).cloned().unwrap_or_else(of_rows)
    }

    /// Where the rows come from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The rows.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.table.n_rows()
    }

    /// At most `n` of the rows (at least one, if there is one), taken evenly.
    #[must_use]
    pub fn thinned(&self, n: usize) -> Self {
        if n >= self.n_rows() {
            return self.clone();
        }
        let rows: Vec<u32> = evenly(self.n_rows(), n.max(1)).map(|i| i as u32).collect();
        let (origin, typical) = (self.origin, self.typical.clone());
        Self { table: self.table.select(&rows), origin, typical }
    }
}

/// The middles of `n` even parts of `0..n_all` (all, if there are no more).
pub fn evenly(n_all: usize, n: usize) -> impl Iterator<Item = usize> {
    let n = n.min(n_all);
    (0..n).map(move |i| (2 * i + 1) * n_all / (2 * n))
}
