//! A raw table: named columns of equal length.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::column::{Column, ColumnData};
use super::schema::{Field, Kind, Schema, Storage};
use crate::error::{Error, Result};

/// Named columns of equal length; names are distinct.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<Column>,
    n_rows: usize,
    /// Where each name is; made when a table of many columns is first asked for one.
    places: OnceLock<HashMap<String, usize>>,
}

/// With fewer columns a name is looked for from the first on.
const N_COLUMNS_INDEXED: usize = 32;

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.n_rows == other.n_rows
    }
}

impl Table {
    /// A table of the given columns.
    ///
    /// # Errors
    /// Input error when lengths differ or a name occurs twice.
    pub fn new(columns: Vec<Column>) -> Result<Self> {
        Self::with_rows(columns.first().map_or(0, Column::n_rows), columns)
    }

    /// A table of so many rows, which may have no column: what a model reads that reads none.
    ///
    /// # Errors
    /// Input error when lengths differ or a name occurs twice.
    pub fn with_rows(n_rows: usize, columns: Vec<Column>) -> Result<Self> {
        let mut names = std::collections::HashSet::new();
        for column in &columns {
            if column.n_rows() != n_rows {
                return Err(Error::input("columns differ in length")
                    .column(&column.name)
                    .expected(format!("{n_rows} rows"))
                    .got(format!("{} rows", column.n_rows())));
            }
            if !names.insert(column.name.as_str()) {
                return Err(Error::input("two columns have the same name").column(&column.name));
            }
        }
        if n_rows >= u32::MAX as usize {
            return Err(Error::input("too many rows")
                .expected(format!("fewer than {} rows", u32::MAX))
                .got(n_rows.to_string()));
        }
        Ok(Self::of(columns, n_rows))
    }

    /// Columns that are known to be sound.
    fn of(columns: Vec<Column>, n_rows: usize) -> Self {
        Self { columns, n_rows, places: OnceLock::new() }
    }

    /// The columns, in file order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Takes the columns out.
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// How many columns there are.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// The column `name`.
    pub fn column(&self, name: &str) -> Option<&Column> {
        if self.columns.len() < N_COLUMNS_INDEXED {
            return self.columns.iter().find(|c| c.name == name);
        }
        let place = |(place, column): (usize, &Column)| (column.name.clone(), place);
        let places =
            self.places.get_or_init(|| self.columns.iter().enumerate().map(place).collect());
        places.get(name).map(|place| &self.columns[*place])
    }

    /// The column `name`, or an error that suggests the nearest name.
    pub fn require(&self, name: &str) -> Result<&Column> {
        self.column(name).ok_or_else(|| {
            Error::input("no such column")
                .column(name)
                .suggest(name, self.columns.iter().map(|c| c.name.as_str()))
        })
    }

    /// The names, in file order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|c| c.name.as_str())
    }

    /// The given rows of every column, in that order.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        Self::of(self.columns.iter().map(|c| c.select(rows)).collect(), rows.len())
    }

    /// The given rows in two tables, column by column, so that no more than one column is held
    /// twice.
    #[must_use]
    pub fn part(self, first: &[u32], second: &[u32]) -> (Self, Self) {
        let is_ascending = is_ascending(first);
        let halves = self.columns.into_iter().map(|c| {
            let other = c.select(second);
            (if is_ascending { c.into_ascending(first) } else { c.select(first) }, other)
        });
        let (one, two): (Vec<Column>, Vec<Column>) = halves.unzip();
        (Self::of(one, first.len()), Self::of(two, second.len()))
    }

    /// As [`Self::select`], giving up each column as soon as its rows are taken.
    #[must_use]
    pub fn into_selected(self, rows: &[u32]) -> Self {
        let is_ascending = is_ascending(rows);
        let selected =
            |c: Column| if is_ascending { c.into_ascending(rows) } else { c.select(rows) };
        let columns = self.columns.into_iter().map(selected).collect();
        Self::of(columns, rows.len())
    }

    /// Adds the rows of another table at the end; its columns are found by name, and what this
    /// table does not have is left out.
    ///
    /// # Errors
    /// Input error when a column is absent from `more`, or stored in another way.
    pub fn append(&mut self, more: &Self) -> Result<()> {
        for column in &mut self.columns {
            column.append(more.require(&column.name)?)?;
        }
        self.n_rows += more.n_rows;
        Ok(())
    }

    /// The schema by storage alone: numbers are numbers, strings are categories.
    pub fn storage_schema(&self) -> Schema {
        let field = |c: &Column| {
            let (storage, kind) = match c.data {
                ColumnData::Number(_) => (Storage::Number, Kind::Number),
                ColumnData::Instant(_) => (Storage::Instant, Kind::Datetime),
                ColumnData::String { .. } => (Storage::String, Kind::Category),
            };
            Field::new(&c.name, storage, kind)
        };
        Schema { fields: self.columns.iter().map(field).collect() }
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        self.columns.iter().map(Column::size_bytes).sum()
    }

    /// Bytes that it would take with all numbers as f64: the same for the same values, whatever
    /// the width of their source.
    pub fn wide_bytes(&self) -> usize {
        let of = |column: &Column| match &column.data {
            ColumnData::Number(values) => values.len() * size_of::<f64>(),
            _ => column.size_bytes(),
        };
        self.columns.iter().map(of).sum()
    }
}

/// Whether each row comes after the one before.
fn is_ascending(rows: &[u32]) -> bool {
    rows.windows(2).all(|pair| pair[0] < pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_among_few_and_many_columns() {
        for n in [3, 500] {
            let column = |i| Column::numbers(format!("c{i}"), vec![f64::from(i)]);
            let table = Table::new((0..n).map(column).collect()).unwrap();
            for i in [0, n / 2, n - 1] {
                let name = format!("c{i}");
                assert_eq!(table.column(&name).unwrap().name, name);
            }
            assert!(table.column("d1").is_none());
            let parted = table.clone().into_selected(&[0, 0]);
            assert_eq!(parted.require("c1").unwrap().n_rows(), 2);
            assert_eq!(table, table.clone());
        }
    }

    #[test]
    fn rows_are_appended_by_the_names_of_columns() {
        let table = |names: [&str; 2], rows: &[f64]| {
            let columns = names.map(|n| Column::numbers(n, rows.to_vec()));
            Table::new(columns.to_vec()).unwrap()
        };
        let mut own = table(["a", "b"], &[1.0]);
        own.append(&table(["b", "a"], &[2.0, 3.0])).unwrap();
        assert_eq!(own, table(["a", "b"], &[1.0, 2.0, 3.0]));
        assert!(own.append(&table(["a", "c"], &[2.0])).is_err());
    }

    #[test]
    fn unequal_columns_and_repeated_names_are_refused() {
        let a = || Column::numbers("a", vec![1.0]);
        assert!(Table::new(vec![a(), Column::numbers("b", Vec::<f64>::new())]).is_err());
        assert!(Table::new(vec![a(), a()]).is_err());
    }

    #[test]
    fn parting_keeps_order_and_rows() {
        let table = Table::new(vec![Column::numbers("a", vec![0.0, 1.0, 2.0, 3.0])]).unwrap();
        let (one, two) = table.clone().part(&[0, 3], &[1]);
        assert_eq!((one, two), (table.select(&[0, 3]), table.select(&[1])));
        assert_eq!(table.clone().into_selected(&[2]), table.select(&[2]));
        // In any order, and where rows come twice.
        for rows in [&[3, 0][..], &[1, 1, 2], &[], &[0, 1, 2, 3], &[1, 3]] {
            assert_eq!(table.clone().into_selected(rows), table.select(rows));
            let (one, two) = table.clone().part(rows, &[2, 0]);
            assert_eq!((one, two), (table.select(rows), table.select(&[2, 0])));
        }
    }

    #[test]
    fn a_missing_column_suggests_the_nearest() {
        let table = Table::new(vec![Column::numbers("income", vec![1.0])]).unwrap();
        let error = table.require("incone").unwrap_err();
        assert!(error.to_string().contains("did you mean `income`"));
    }
}
