//! What a model's training rows looked like, so that a row unlike them is noticed at the door.

use std::collections::HashSet;

use foldhash::fast::FixedState;
use modelwright_core::data::{Column, ColumnData, Kind, MISSING_CODE, Schema, Table, number_text};
use modelwright_lifecycle::artifact::{Manifest, ManifestField};

/// A number is far outside when it is further from the range of training than this many widths
/// of that range.
const WIDTHS_OUTSIDE: f64 = 1.0;

/// A value unlike those of training.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unusual {
    /// Row of the table, from 0.
    pub(crate) row: usize,
    /// The column.
    pub(crate) column: String,
    /// What training had.
    pub(crate) expected: String,
    /// What came.
    pub(crate) got: String,
}

/// What is usual in each column, in the order of the model's schema.
#[derive(Debug)]
pub(crate) struct Door(Vec<Usual>);

#[derive(Debug)]
enum Usual {
    Anything,
    /// Lowest and highest that is let pass, and the range of training.
    Range {
        low: f64,
        high: f64,
        min: f64,
        max: f64,
    },
    Levels(HashSet<String, FixedState>),
}

impl Door {
    /// By what the manifest knows of the columns of `schema`.
    pub(crate) fn of(schema: &Schema, manifest: &Manifest) -> Self {
        let known = |name: &str| manifest.schema.iter().find(|f| f.name == name);
        Self(schema.fields.iter().map(|f| known(&f.name).map_or(Usual::Anything, usual)).collect())
    }

    /// What is unusual in a table of the schema's columns, column by column.
    pub(crate) fn check(&self, table: &Table) -> Vec<Unusual> {
        let mut found = Vec::new();
        for (usual, column) in self.0.iter().zip(table.columns()) {
            usual.check(column, &mut found);
        }
        found
    }
}

fn usual(field: &ManifestField) -> Usual {
    match (field.kind, field.min, field.max) {
        (Kind::Number, Some(min), Some(max)) if min <= max => {
            let reach = (max - min).max(max.abs().max(min.abs()) * 0.01) * WIDTHS_OUTSIDE;
            Usual::Range { low: min - reach, high: max + reach, min, max }
        }
        (Kind::Category | Kind::IntegerCategory | Kind::Boolean, _, _)
            if !field.levels.is_empty() && field.n_distinct <= field.levels.len() =>
        {
            Usual::Levels(field.levels.iter().cloned().collect())
        }
        _ => Usual::Anything,
    }
}

impl Usual {
    fn check(&self, column: &Column, found: &mut Vec<Unusual>) {
        match (self, &column.data) {
            (Self::Range { low, high, min, max }, ColumnData::Number(values)) => {
                for (row, value) in values.iter().enumerate() {
                    // NaN, a missing value, is neither.
                    if *value < *low || *value > *high {
                        found.push(Unusual {
                            row,
                            column: column.name.clone(),
                            expected: format!(
                                "{} to {}, as in training",
                                number_text(*min),
                                number_text(*max)
                            ),
                            got: number_text(*value),
                        });
                    }
                }
            }
            (Self::Levels(levels), ColumnData::String { codes, dictionary }) => {
                let is_known: Vec<bool> = dictionary.iter().map(|t| levels.contains(t)).collect();
                if is_known.contains(&false) {
                    for (row, code) in codes.iter().enumerate() {
                        if *code != MISSING_CODE && !is_known[*code as usize] {
                            found.push(unseen(column, row, levels));
                        }
                    }
                }
            }
            (Self::Levels(levels), _) => {
                for row in 0..column.n_rows() {
                    if column.display(row).is_some_and(|text| !levels.contains(&text)) {
                        found.push(unseen(column, row, levels));
                    }
                }
            }
            _ => {}
        }
    }
}

fn unseen(column: &Column, row: usize, levels: &HashSet<String, FixedState>) -> Unusual {
    let mut known: Vec<&str> = levels.iter().map(String::as_str).collect();
    known.sort_unstable();
    let more = if known.len() > 8 { ", …" } else { "" };
    known.truncate(8);
    Unusual {
        row,
        column: column.name.clone(),
        expected: format!("a value of training: {}{more}", known.join(", ")),
        got: column.display(row).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::data::Storage;

    fn field(kind: Kind, levels: &[&str], n_distinct: usize) -> ManifestField {
        ManifestField {
            name: "x".to_owned(),
            kind,
            storage: Storage::Number,
            optional: false,
            min: Some(10.0),
            max: Some(20.0),
            levels: levels.iter().map(|l| (*l).to_owned()).collect(),
            n_distinct,
            n_missing: 0,
        }
    }

    fn found(usual: &Usual, column: &Column) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        usual.check(column, &mut found);
        found.into_iter().map(|u| (u.row, u.got)).collect()
    }

    #[test]
    fn numbers_are_unusual_only_far_outside_the_range() {
        let usual = usual(&field(Kind::Number, &[], 5));
        let column = Column::numbers("x", vec![0.0, 30.0, f64::NAN, -0.5, 31.0]);
        assert_eq!(found(&usual, &column), [(3, "-0.5".to_owned()), (4, "31".to_owned())]);
    }

    #[test]
    fn a_category_is_unusual_only_where_all_of_training_are_known() {
        let column = Column::strings("x", [Some("a"), None, Some("b")]);
        let complete = usual(&field(Kind::Category, &["a", "c"], 2));
        assert_eq!(found(&complete, &column), [(2, "b".to_owned())]);
        let incomplete = usual(&field(Kind::Category, &["a", "c"], 3));
        assert_eq!(found(&incomplete, &column), []);
        let codes = usual(&field(Kind::IntegerCategory, &["1", "2"], 2));
        assert_eq!(found(&codes, &Column::numbers("x", vec![2.0, 3.0])), [(1, "3".to_owned())]);
    }
}
