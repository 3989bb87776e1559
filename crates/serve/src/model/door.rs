//! What a model's training rows looked like, so that a row unlike them is noticed at the door.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::FixedState;
use modelwright_core::data::{
    Column, ColumnData, Kind, MISSING_CODE, MISSING_INSTANT, RawRow, RawValue, Schema, Storage,
    Table, instant_text, number_text,
};
use modelwright_lifecycle::artifact::{Manifest, ManifestField};
use modelwright_preprocess::sketch::MICROS;
use modelwright_preprocess::transform::boolean::side;

/// A date is not far outside within a year of the range: time goes on after training.
const YEAR_SECONDS: f64 = 365.25 * 86_400.0;

/// A number or date is far outside when it is further from the range of training than this many
/// widths of that range.
const WIDTHS_OUTSIDE: f64 = 1.0;

/// A value unlike those of training.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unusual {
    /// Row of the table, from 0.
    pub(crate) row: usize,
    /// The column.
    pub(crate) column: Arc<str>,
    /// What training had.
    pub(crate) expected: Arc<str>,
    /// What came.
    pub(crate) got: String,
}

/// Unusual values of a table: the first ones, and how many there were besides. A body of a few
/// megabytes can hold millions, each of which would take more room here than there.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) values: Vec<Unusual>,
    pub(crate) n_more: usize,
    n_max: usize,
}

/// Unusual values of one column, which share their texts.
struct OfColumn<'a> {
    noted: &'a mut Noted,
    column: &'a Column,
    texts: Option<(Arc<str>, Arc<str>)>,
}

impl OfColumn<'_> {
    fn note(&mut self, row: usize, got: impl FnOnce() -> String, expected: impl Fn() -> String) {
        if self.noted.values.len() >= self.noted.n_max {
            self.noted.n_more += 1;
            return;
        }
        let texts = || (self.column.name.as_str().into(), expected().into());
        let (column, expected) = self.texts.get_or_insert_with(texts).clone();
        self.noted.values.push(Unusual { row, column, expected, got: got() });
    }
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
    /// The same of dates, in microseconds since 1970.
    Span {
        low: i64,
        high: i64,
        min: i64,
        max: i64,
    },
    Levels(HashSet<String, FixedState>),
    /// The sides of a boolean: whatever the encoder takes for one of them is usual.
    Sides(Vec<String>),
}

impl Door {
    /// By what the manifest knows of the columns of `schema`.
    pub(crate) fn of(schema: &Schema, manifest: &Manifest) -> Self {
        let known = |name: &str| manifest.schema.iter().find(|f| f.name == name);
        Self(schema.fields.iter().map(|f| known(&f.name).map_or(Usual::Anything, usual)).collect())
    }

    /// Whether a row of the schema's columns has anything unusual: whether [`Self::check`] would
    /// find something in a table of it.
    pub(crate) fn is_unusual(&self, row: &RawRow, schema: &Schema) -> bool {
        let fields = self.0.iter().zip(&schema.fields).enumerate();
        fields.into_iter().any(|(place, (usual, field))| match (usual, row.value(place)) {
            (Usual::Anything, _) | (_, RawValue::Missing) => false,
            (Usual::Range { low, high, .. }, RawValue::Number(value)) => {
                value < *low || value > *high
            }
            (Usual::Span { low, high, .. }, RawValue::Instant(value)) => {
                value < *low || value > *high
            }
            (Usual::Levels(levels), RawValue::Text(text)) => !levels.contains(text),
            (Usual::Sides(sides), RawValue::Text(text)) => !is_side(sides, text),
            (usual, value) => {
                let column = value.to_column(&field.name, field.storage);
                let mut noted = Noted { values: Vec::new(), n_more: 0, n_max: 0 };
                usual.check(&mut OfColumn { noted: &mut noted, column: &column, texts: None });
                noted.n_more > 0
            }
        })
    }

    /// What is unusual in a table of the schema's columns, column by column; at most `n_max`
    /// values are noted.
    pub(crate) fn check(&self, table: &Table, n_max: usize) -> Noted {
        let mut noted = Noted { values: Vec::new(), n_more: 0, n_max };
        for (usual, column) in self.0.iter().zip(table.columns()) {
            usual.check(&mut OfColumn { noted: &mut noted, column, texts: None });
        }
        noted
    }
}

fn usual(field: &ManifestField) -> Usual {
    match (field.kind, field.min, field.max) {
        (Kind::Number, Some(min), Some(max)) if min <= max => {
            let reach = (max - min).max(max.abs().max(min.abs()) * 0.01) * WIDTHS_OUTSIDE;
            Usual::Range { low: min - reach, high: max + reach, min, max }
        }
        // Numbers that are dates may be in one of several units.
        (Kind::Datetime, Some(min), Some(max))
            if min <= max && field.storage == Storage::Instant =>
        {
            let reach = ((max - min) * WIDTHS_OUTSIDE).max(YEAR_SECONDS);
            let [low, high, min, max] =
                [min - reach, max + reach, min, max].map(|seconds| (seconds * MICROS) as i64);
            Usual::Span { low, high, min, max }
        }
        (Kind::Category | Kind::IntegerCategory | Kind::Boolean, _, _)
            if !field.levels.is_empty() && field.n_distinct <= field.levels.len() =>
        {
            match field.kind {
                Kind::Boolean => Usual::Sides(field.levels.clone()),
                _ => Usual::Levels(field.levels.iter().cloned().collect()),
            }
        }
        _ => Usual::Anything,
    }
}

impl Usual {
    fn check(&self, found: &mut OfColumn<'_>) {
        let column = found.column;
        match (self, &column.data) {
            (Self::Range { low, high, min, max }, ColumnData::Number(values)) => {
                let range =
                    || format!("{} to {}, as in training", number_text(*min), number_text(*max));
                for (row, value) in values.iter().enumerate() {
                    // NaN, a missing value, is neither.
                    if value < *low || value > *high {
                        found.note(row, || number_text(value), range);
                    }
                }
            }
            (Self::Span { low, high, min, max }, ColumnData::Instant(values)) => {
                let span =
                    || format!("{} to {}, as in training", instant_text(*min), instant_text(*max));
                for (row, value) in values.iter().enumerate() {
                    if *value != MISSING_INSTANT && (*value < *low || *value > *high) {
                        found.note(row, || instant_text(*value), span);
                    }
                }
            }
            (Self::Levels(levels), _) => {
                let known = || levels.iter().map(String::as_str).collect();
                others(found, |text| levels.contains(text), || some_of(known()));
            }
            (Self::Sides(sides), _) => {
                let known = || sides.iter().map(String::as_str).collect();
                others(found, |text| is_side(sides, text), || some_of(known()));
            }
            _ => {}
        }
    }
}

/// Whether the encoder takes a text for one of the sides of a boolean.
fn is_side(sides: &[String], text: &str) -> bool {
    side(sides.iter().map(String::as_str), text).is_some()
}

/// Notes the values of a column that are not known.
fn others(
    found: &mut OfColumn<'_>,
    is_known: impl Fn(&str) -> bool,
    expected: impl Fn() -> String,
) {
    let column = found.column;
    if let ColumnData::String { codes, dictionary } = &column.data {
        let is_known: Vec<bool> = dictionary.iter().map(is_known).collect();
        if is_known.contains(&false) {
            for (row, code) in codes.iter().enumerate() {
                if *code != MISSING_CODE && !is_known[*code as usize] {
                    found.note(row, || dictionary.get(*code).to_owned(), &expected);
                }
            }
        }
        return;
    }
    for row in 0..column.n_rows() {
        if let Some(text) = column.display(row).filter(|text| !is_known(text)) {
            found.note(row, || text, &expected);
        }
    }
}

/// Values of training in words.
fn some_of(mut known: Vec<&str>) -> String {
    known.sort_unstable();
    let more = if known.len() > 8 { ", …" } else { "" };
    known.truncate(8);
    format!("a value of training: {}{more}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn noted(usual: &Usual, column: &Column, n_max: usize) -> Noted {
        let mut noted = Noted { values: Vec::new(), n_more: 0, n_max };
        usual.check(&mut OfColumn { noted: &mut noted, column, texts: None });
        noted
    }

    fn found(usual: &Usual, column: &Column) -> Vec<(usize, String)> {
        noted(usual, column, 10).values.into_iter().map(|u| (u.row, u.got)).collect()
    }

    #[test]
    fn of_very_many_unusual_values_the_first_are_noted_and_the_others_counted() {
        let usual = usual(&field(Kind::Number, &[], 5));
        let noted = noted(&usual, &Column::numbers("x", vec![99.0; 1000]), 3);
        assert_eq!((noted.values.len(), noted.n_more), (3, 997));
        assert_eq!(&*noted.values[2].expected, "10 to 20, as in training");
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

    #[test]
    fn a_boolean_is_usual_however_its_values_are_written() {
        let usual = usual(&field(Kind::Boolean, &["False", "True"], 2));
        let texts = ["True", "true", "1", "0", "maybe", "2"];
        let column = Column::strings("member", texts.map(Some));
        assert_eq!(found(&usual, &column), [(4, "maybe".to_owned()), (5, "2".to_owned())]);
        let numbers = Column::numbers("member", vec![1.0, 0.0, f64::NAN, 7.0]);
        assert_eq!(found(&usual, &numbers), [(3, "7".to_owned())]);
    }

    #[test]
    fn dates_are_unusual_only_far_outside_the_range() {
        let day = 86_400.0;
        let mut field = field(Kind::Datetime, &[], 0);
        (field.min, field.max) = (Some(18_262.0 * day), Some(18_272.0 * day));
        field.storage = Storage::Instant;
        let usual = usual(&field);
        let days = [18_265_i64, 18_637, 18_638, 43_830, 17_896];
        let mut values = days.map(|d| d * 86_400_000_000).to_vec();
        values.push(MISSING_INSTANT);
        let noted = noted(&usual, &Column::instants("since", values), 10).values;
        assert_eq!(noted.iter().map(|u| u.row).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(
            (noted[1].got.as_str(), &*noted[1].expected),
            ("2090-01-01", "2020-01-01 to 2020-01-11, as in training",)
        );
    }
}
