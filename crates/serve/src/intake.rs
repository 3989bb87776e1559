//! Values of a request into the columns of a model, with a note of all that does not fit.
//!
//! Every protocol brings its values through here, so that the same row is the same table and the
//! same complaint whichever way it came. A row that is refused does not hurt the others: it is
//! left out, and where the client wished so, the answer has a null in its place.

use modelwright_core::Error;
use modelwright_core::data::Table;
use modelwright_io::{Cell, Rows};

use crate::model::{Model, Unusual};
use crate::problem::{Fault, Problem};
use crate::settings::Policy;

/// Faults that are kept for the answer; a body with more is refused without reading on. As many
/// unusual values are kept.
const N_FAULTS_MAX: usize = 10_000;

/// What becomes of a request with rows that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OnError {
    /// The whole request is.
    #[default]
    Fail,
    /// Their answers are null.
    Null,
}

/// How a request is to be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) on_error: OnError,
    pub(crate) policy: Policy,
    pub(crate) rows_max: usize,
}

/// Rows of a request, ready to be predicted.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The rows that fit, in the columns of the model.
    pub(crate) table: Table,
    /// Rows of the request.
    pub(crate) n_rows: usize,
    /// Rows of the request before these; not 0 where it comes in parts.
    pub(crate) first_row: usize,
    /// The row of the request of each row of the table; `None` when they are the same.
    pub(crate) kept: Option<Vec<u32>>,
    /// What is wrong with the others, in their order.
    pub(crate) faults: Vec<Fault>,
    /// What is unlike training, by rows of the request.
    pub(crate) unusual: Vec<Unusual>,
}

impl Batch {
    /// A table whose rows all fit.
    pub(crate) fn of_table(table: Table, model: &Model, terms: Terms) -> Result<Self, Problem> {
        let (n_rows, faults) = (table.n_rows(), Vec::new());
        too_many(n_rows, terms.rows_max)?;
        let (kept, unusual) = (None, Vec::new());
        let batch = Self { table, n_rows, first_row: 0, kept, faults, unusual };
        batch.inspect(model, terms)
    }

    /// For each row of the request its row in the table; `None` where it was refused.
    pub(crate) fn places(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let mut next = 0;
        (0..self.n_rows).map(move |row| match &self.kept {
            None => Some(row),
            Some(kept) if kept.get(next).is_some_and(|k| *k as usize == row) => {
                next += 1;
                Some(next - 1)
            }
            Some(_) => None,
        })
    }

    /// The same rows behind `n` others of the request.
    #[must_use]
    pub(crate) fn behind(mut self, n: usize) -> Self {
        self.first_row += n;
        self.faults.iter_mut().for_each(|fault| fault.row += n);
        self.unusual.iter_mut().for_each(|unusual| unusual.row += n);
        self
    }

    /// Looks for what is unlike training, and does with it what the policy says.
    fn inspect(mut self, model: &Model, terms: Terms) -> Result<Self, Problem> {
        if terms.policy == Policy::Accept {
            return Ok(self);
        }
        let noted = model.door.check(&self.table, N_FAULTS_MAX);
        model.stats.n_unusual.add(noted.n_more as u64);
        self.unusual = noted.values;
        if self.unusual.is_empty() {
            return Ok(self);
        }
        self.unusual.sort_by_key(|u| u.row);
        if let Some(kept) = &self.kept {
            for unusual in &mut self.unusual {
                unusual.row = kept[unusual.row] as usize;
            }
        }
        if terms.policy == Policy::Warn {
            return Ok(self);
        }
        let refused = std::mem::take(&mut self.unusual);
        self.faults.extend(refused.into_iter().map(|u| {
            Fault {
                row: u.row,
                error: Error::input("a value is unlike those of training")
                    .column(&*u.column)
                    .expected(&*u.expected)
                    .got(u.got),
            }
        }));
        self.faults.sort_by_key(|f| f.row);
        if noted.n_more > 0 {
            return Err(Problem::of_faults(self.faults));
        }
        self.without_faults(terms)
    }

    /// Takes the rows with faults out of the table, or refuses all.
    fn without_faults(mut self, terms: Terms) -> Result<Self, Problem> {
        if self.faults.is_empty() {
            return Ok(self);
        }
        if terms.on_error == OnError::Fail {
            return Err(Problem::of_faults(self.faults));
        }
        let is_bad = |row: u32| self.faults.binary_search_by_key(&row, |f| f.row as u32).is_ok();
        let all: Vec<u32> = self.kept.take().unwrap_or_else(|| (0..self.n_rows as u32).collect());
        let places: Vec<u32> =
            (0..all.len() as u32).filter(|p| !is_bad(all[*p as usize])).collect();
        if places.len() < all.len() {
            self.table = self.table.select(&places);
        }
        self.kept = Some(places.into_iter().map(|p| all[p as usize]).collect());
        Ok(self)
    }
}

fn too_many(n_rows: usize, rows_max: usize) -> Result<(), Problem> {
    if n_rows <= rows_max {
        return Ok(());
    }
    Err(Problem::new(413, "too-many-rows", "the request has too many rows")
        .expected(format!("at most {rows_max} rows"))
        .hint("send them in several requests, or raise --max-rows"))
}

/// Takes the values of a request.
pub(crate) struct Intake<'m> {
    model: &'m Model,
    terms: Terms,
    rows: Rows<'m>,
    /// Rows of the request so far, refused ones too.
    n_rows: usize,
    kept: Option<Vec<u32>>,
    faults: Vec<Fault>,
    /// What is wrong with the row that is being filled.
    row_errors: Vec<Error>,
    /// Names that the model does not know, of the row that is being filled.
    unknown: Vec<String>,
    /// The column that was named last.
    last: Option<usize>,
}

impl<'m> Intake<'m> {
    /// For about `n_rows` rows for a model.
    pub(crate) fn new(model: &'m Model, terms: Terms, n_rows: usize) -> Self {
        Self {
            model,
            terms,
            rows: model.reader.rows(n_rows),
            n_rows: 0,
            kept: None,
            faults: Vec::new(),
            row_errors: Vec::new(),
            unknown: Vec::new(),
            last: None,
        }
    }

    /// Where a reader is: the row that is being filled, and the column that was named last.
    pub(crate) fn at(&self) -> (usize, Option<&str>) {
        let name = |place: usize| self.model.reader.fields()[place].name.as_str();
        (self.n_rows, self.last.map(name))
    }

    /// The model that the rows are for.
    pub(crate) fn model(&self) -> &'m Model {
        self.model
    }

    /// The place of a column, if the model has it; `guess` is looked at first.
    #[inline]
    pub(crate) fn place(&mut self, name: &str, guess: usize) -> Option<usize> {
        let place = self.model.reader.place(name, guess);
        self.last = place;
        if place.is_none() && self.unknown.len() < 64 {
            self.unknown.push(name.to_owned());
        }
        place
    }

    /// A value of the row that is being filled.
    #[inline]
    pub(crate) fn cell(&mut self, place: usize, cell: Cell<'_>) {
        if self.rows.has(place) {
            let name = &self.model.reader.fields()[place].name;
            self.row_errors.push(Error::input("a column comes twice in one row").column(name));
        } else if let Err(error) = self.rows.push(place, cell) {
            self.row_errors.push(error);
        }
    }

    /// A value that is none: a list or an object.
    pub(crate) fn nested(&mut self, place: usize, got: &str) {
        self.row_errors.push(
            Error::input("a value is nested")
                .column(&self.model.reader.fields()[place].name)
                .expected("one value: a number, a text, true, false or null")
                .got(got),
        );
    }

    /// A row that cannot be read at all.
    pub(crate) fn bad_row(&mut self, error: Error) {
        self.row_errors.push(error);
    }

    /// The row is over; false when there are so many faults that reading on is no use.
    pub(crate) fn end_row(&mut self) -> bool {
        if self.row_errors.is_empty() && !self.rows.is_full() {
            self.find_absent();
        }
        if self.row_errors.is_empty() {
            self.rows.end_row();
            if let Some(kept) = &mut self.kept {
                kept.push(self.n_rows as u32);
            }
        } else {
            self.rows.drop_row();
            let row = self.n_rows;
            self.kept.get_or_insert_with(|| (0..row as u32).collect());
            let faults = self.row_errors.drain(..).map(|error| Fault { row, error });
            self.faults.extend(faults);
        }
        self.unknown.clear();
        self.n_rows += 1;
        self.faults.len() < N_FAULTS_MAX && self.n_rows <= self.terms.rows_max
    }

    /// A whole column; its value of row `i` is `cells`' `i`-th.
    pub(crate) fn column<'a>(&mut self, place: usize, cells: impl Iterator<Item = Cell<'a>>) {
        for (row, cell) in cells.enumerate() {
            if let Err(error) = self.rows.push(place, cell) {
                // In its place stands nothing; the row is taken out afterwards.
                let _ = self.rows.push(place, Cell::Missing);
                if self.faults.len() < N_FAULTS_MAX {
                    self.faults.push(Fault { row, error });
                }
            }
        }
    }

    /// Whether a column has values already.
    pub(crate) fn has(&self, place: usize) -> bool {
        self.rows.has(place)
    }

    /// All columns of `n_rows` rows have come; rows that came one by one need no such call.
    pub(crate) fn end_columns(&mut self, n_rows: usize) -> Result<(), Problem> {
        too_many(n_rows, self.terms.rows_max)?;
        self.find_absent();
        if let Some(error) = self.row_errors.drain(..).next() {
            return Err(Problem::of_faults(vec![Fault { row: 0, error }]));
        }
        self.rows.end_columns(n_rows).map_err(Problem::of_error)?;
        self.n_rows = n_rows;
        self.faults.sort_by_key(|f| f.row);
        Ok(())
    }

    /// The rows, if they may be predicted.
    pub(crate) fn finish(self) -> Result<Batch, Problem> {
        too_many(self.n_rows, self.terms.rows_max)?;
        if self.faults.len() >= N_FAULTS_MAX {
            return Err(Problem::of_faults(self.faults));
        }
        let batch = Batch {
            table: self.rows.into_table().map_err(Problem::of_error)?,
            n_rows: self.n_rows,
            first_row: 0,
            kept: self.kept,
            faults: self.faults,
            unusual: Vec::new(),
        };
        batch.without_faults(self.terms)?.inspect(self.model, self.terms)
    }

    /// Notes the columns that the row lacks and the model needs.
    fn find_absent(&mut self) {
        for field in self.rows.absent().filter(|f| !f.optional) {
            let error = Error::input("a column that the model needs is not there")
                .column(&field.name)
                .expected(format!(
                    "a column `{}` ({}), null where the value is unknown",
                    field.name,
                    field.kind.name()
                ));
            let unknown = self.unknown.iter().map(String::as_str);
            let near = modelwright_core::error::nearest(&field.name, &unknown.collect::<Vec<_>>());
            self.row_errors.push(match near {
                Some(near) => error.got(format!("a column `{near}`")),
                None => error,
            });
        }
    }
}
