//! Answers that come in a file of their own, later than the rows.

use std::cell::Cell;
use std::collections::HashMap;

use modelwright_automl::Purpose;
use modelwright_core::data::{Column, ColumnData, Field, Kind, Schema, Storage, Table};
use modelwright_core::data::{MISSING_CODE, MISSING_INSTANT};
use modelwright_core::record::{RunRecord, TextLayout};
use modelwright_core::{Context, Error, Result};
use modelwright_io::{ReadOptions, read_path};

use crate::Rows;

/// The answers, and how they belong to rows.
pub(super) struct Labels {
    column: Column,
    shown: String,
    by: By,
    /// Rows that have an answer in the present pass.
    n_found: Cell<usize>,
}

enum By {
    /// In the order of the rows.
    Order,
    /// By the value of a column.
    Id {
        name: String,
        rows: HashMap<String, usize>,
        /// Answers with an id.
        n_named: usize,
    },
}

impl By {
    fn by_id(ids: &Column, answers: &Column, shown: &str) -> Result<Self> {
        let rows = rows_by_id(ids, answers, shown)?;
        let n_named = (0..ids.n_rows()).filter(|row| ids.text(*row).is_some()).count();
        Ok(Self::Id { name: ids.name.clone(), rows, n_named })
    }
}

impl Labels {
    /// Reads rows with the target column, and the column `id` when it is named.
    pub(super) fn read(
        rows: &Rows,
        id: Option<&str>,
        (record, text): (&RunRecord, &TextLayout),
        ctx: &Context,
    ) -> Result<Self> {
        let shown = rows.shown();
        let target = &record.task.target;
        let plain = || Field::new(target.clone(), Storage::String, Kind::Category);
        let mut fields = vec![record.schema.field(target).cloned().unwrap_or_else(plain)];
        if let Some(id) = id {
            fields.push(Field::new(id, Storage::String, Kind::Identifier));
        }
        let schema = Some(Schema { fields });
        let options = ReadOptions { schema, ..ReadOptions::of_text(text)? };
        let file = match rows {
            Rows::File(path) => read_path(path, &options, ctx)?,
            Rows::Table { .. } => rows.read(options, Purpose::Look, "read-labels", ctx)?,
        };
        let column = file.table.require(target).map_err(|e| e.at(shown.clone()))?.clone();
        let by = match id {
            None => By::Order,
            Some(id) => {
                let ids = file.table.require(id).map_err(|e| e.at(shown.clone()))?;
                By::by_id(ids, &column, &shown)?
            }
        };
        Ok(Self { column, shown, by, n_found: Cell::new(0) })
    }

    /// The column that rows are found by.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.by {
            By::Order => None,
            By::Id { name, .. } => Some(name),
        }
    }

    /// Begins to count anew.
    pub(super) fn begin(&self) {
        self.n_found.set(0);
    }

    /// How many of the answers belong to a row, where that is not all of them.
    pub(super) fn note(&self) -> Option<String> {
        let n_repeated = match &self.by {
            By::Order => 0,
            By::Id { rows, n_named, .. } => n_named - rows.len(),
        };
        let (found, all) = (self.n_found.get(), self.column.n_rows() - n_repeated);
        (found < all).then(|| format!("{found} of {all} answers belong to one of the new rows"))
    }

    /// The rows with their answers; `n_before` rows came before them.
    pub(super) fn attach(&self, table: Table, n_before: u64) -> Result<Table> {
        let n_rows = table.n_rows();
        let places: Vec<Option<usize>> = match &self.by {
            By::Order => {
                let first = n_before as usize;
                if first + n_rows > self.column.n_rows() {
                    return Err(self.uneven(&format!("more than {}", self.column.n_rows())));
                }
                (first..first + n_rows).map(Some).collect()
            }
            By::Id { name, rows, .. } => {
                let ids = table.require(name)?;
                let place = |row| ids.text(row).and_then(|id| rows.get(same(id))).copied();
                (0..n_rows).map(place).collect()
            }
        };
        self.n_found.set(self.n_found.get() + places.iter().flatten().count());
        let mut columns = table.into_columns();
        columns.retain(|c| c.name != self.column.name);
        columns.push(taken(&self.column, &places));
        Table::new(columns)
    }

    /// Refuses answers of which some belong to no row, when they go by order.
    pub(super) fn check(&self, n_rows: u64) -> Result<()> {
        match self.by {
            By::Order if n_rows as usize != self.column.n_rows() => {
                Err(self.uneven(&n_rows.to_string()))
            }
            By::Id { .. } if self.n_found.get() == 0 && self.column.n_rows() > 0 && n_rows > 0 => {
                Err(Error::input("no answer belongs to a row")
                    .at(self.shown.clone())
                    .expected("ids that the new rows have")
                    .got(format!("{} answers, none with such an id", self.column.n_rows()))
                    .hint("compare the column of --id in both files"))
            }
            _ => Ok(()),
        }
    }

    fn uneven(&self, got: &str) -> Error {
        Error::input("answers and new rows differ in number")
            .at(self.shown.clone())
            .expected(format!("{} new rows, one for each answer", self.column.n_rows()))
            .got(format!("{got} new rows"))
            .hint("name the column that both files share with --id COLUMN")
    }
}

/// An id as it is compared: whole numbers by their value, as a table with a gap somewhere writes
/// `7` as `7.0`.
fn same(id: &str) -> &str {
    match id.split_once('.') {
        Some((whole, rest))
            if !whole.is_empty()
                && whole.bytes().all(|b| b.is_ascii_digit())
                && rest.bytes().all(|b| b == b'0') =>
        {
            whole
        }
        _ => id,
    }
}

/// The row of each id; the same answer twice does no harm.
fn rows_by_id(ids: &Column, answers: &Column, shown: &str) -> Result<HashMap<String, usize>> {
    let mut rows = HashMap::with_capacity(ids.n_rows());
    for row in 0..ids.n_rows() {
        let Some(id) = ids.text(row) else { continue };
        if let Some(first) = rows.insert(same(id).to_owned(), row)
            && answers.display(first) != answers.display(row)
        {
            return Err(Error::input("an id has two answers")
                .at(shown)
                .row(row as u64 + 1)
                .column(&ids.name)
                .expected("every id once")
                .got(format!("{id}, also in row {}", first + 1)));
        }
    }
    Ok(rows)
}

/// The values at the given places; nothing where there is none.
fn taken(column: &Column, places: &[Option<usize>]) -> Column {
    let data = match &column.data {
        ColumnData::Number(values) => ColumnData::Number(values.select_known(places)),
        ColumnData::Instant(values) => ColumnData::Instant(
            places.iter().map(|p| p.map_or(MISSING_INSTANT, |p| values[p])).collect(),
        ),
        ColumnData::String { codes, dictionary } => ColumnData::String {
            codes: places.iter().map(|p| p.map_or(MISSING_CODE, |p| codes[p])).collect(),
            dictionary: dictionary.clone(),
        },
    };
    Column { name: column.name.clone(), data }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ids: &[&str]) -> Labels {
        let of = |values: &[&str], name: &str| {
            Column::strings(name, values.iter().map(|v| Some(*v)).collect::<Vec<_>>())
        };
        let column = of(&vec!["yes"; ids.len()], "left");
        let by = By::by_id(&of(ids, "id"), &column, "labels.csv").unwrap();
        Labels { column, shown: "labels.csv".to_owned(), by, n_found: Cell::new(0) }
    }

    #[test]
    fn an_answer_that_is_repeated_is_one_and_another_one_is_refused() {
        let ids = Column::strings("id", [Some("1"), Some("1.0")]);
        let answers = |second| Column::strings("left", [Some("yes"), Some(second)]);
        assert_eq!(rows_by_id(&ids, &answers("yes"), "labels.csv").unwrap().len(), 1);
        let error = rows_by_id(&ids, &answers("no"), "labels.csv").unwrap_err().to_string();
        assert!(error.contains("an id has two answers"), "{error}");
    }

    #[test]
    fn answers_that_belong_to_no_row_are_said_and_numbers_are_the_same_with_a_point() {
        let ids = Column::strings("id", vec![Some("0"), Some("1"), Some("2"), Some("a.0")]);
        let table = || Table::new(vec![ids.clone()]).unwrap();
        let known = |labels: &Labels| {
            labels.begin();
            let column = labels.attach(table(), 0).unwrap().column("left").unwrap().clone();
            (0..4).filter(|row| !column.is_missing(*row)).count()
        };
        let floats = labels(&["0.0", "2.0"]);
        assert_eq!((known(&floats), floats.note()), (2, None));
        assert!(floats.check(4).is_ok());
        let few = labels(&["1", "8"]);
        assert_eq!(known(&few), 1);
        assert_eq!(few.note().unwrap(), "1 of 2 answers belong to one of the new rows");
        let none = labels(&["x1", "x2"]);
        assert_eq!(known(&none), 0);
        let error = none.check(4).unwrap_err().to_string();
        assert!(error.contains("no answer belongs to a row"), "{error}");
        assert_eq!(same("1.50"), "1.50");
        assert_eq!(same("a.0"), "a.0");
    }
}
