//! One derived column: how it is made of raw ones, and what was learned for that.

use modelwright_core::data::{Column, ColumnData, Kind, MISSING_INSTANT};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::cross::{cross, missing_count, missing_pattern};
use super::form::Form;
use super::groups::Groups;
use super::pool::RawInput;
use crate::transform::transformer::{instants, numbers, strings};

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// See the module's text. Every row is made of the same row of its inputs alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Derived {
    form: Form,
    /// Positions among the inputs that its owner keeps.
    inputs: Vec<u32>,
    groups: Option<Groups>,
}

impl Derived {
    /// Learns what the form needs from `rows` of its inputs.
    ///
    /// # Errors
    /// Input error when an input is not in the storage of its kind.
    pub(crate) fn fit(
        form: Form,
        inputs: Vec<u32>,
        columns: &[&Column],
        rows: &[u32],
    ) -> Result<Self> {
        let groups = match columns {
            [value, group] if form.is_grouped() => {
                let (codes, dictionary) = strings(group)?;
                Some(Groups::of_rows(numbers(value)?, codes, dictionary, rows))
            }
            _ => None,
        };
        Ok(Self { form, inputs, groups })
    }

    /// How it is made.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The positions of its inputs.
    pub fn inputs(&self) -> &[u32] {
        &self.inputs
    }

    /// The means of groups, where its form needs them.
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
    }

    /// Its name; `inputs` are those that its owner keeps.
    pub fn name(&self, inputs: &[RawInput]) -> String {
        let names: Vec<&str> =
            self.inputs.iter().map(|i| inputs[*i as usize].name.as_str()).collect();
        self.form.name(&names)
    }

    /// The same column where the input at position `i` has moved to `places[i]`.
    pub(super) fn moved(mut self, places: &[u32]) -> Self {
        self.inputs.iter_mut().for_each(|i| *i = places[*i as usize]);
        self
    }

    /// Makes the column `name` of its inputs, in the storage of its kind.
    ///
    /// # Errors
    /// Input error when an input is not in the storage of its kind.
    pub fn of(&self, name: &str, columns: &[&Column]) -> Result<Column> {
        let data = match (self.form, columns) {
            (Form::Difference, [a, b]) => arithmetic(a, b, |a, b| a - b)?,
            (Form::Sum, [a, b]) => arithmetic(a, b, |a, b| a + b)?,
            (Form::Product, [a, b]) => arithmetic(a, b, |a, b| a * b)?,
            (Form::Ratio, [a, b]) => arithmetic(a, b, over)?,
            (Form::ElapsedDays, [a, b]) => elapsed(instants(a)?, instants(b)?),
            (Form::GroupMean, [x, group]) => self.grouped(x, group, |_, mean| mean)?,
            (Form::OffGroupMean, [x, group]) => self.grouped(x, group, |x, mean| x - mean)?,
            (Form::OverGroupMean, [x, group]) => self.grouped(x, group, over)?,
            (Form::Cross, columns) => cross(columns)?,
            (Form::MissingCount, columns) => missing_count(columns),
            (Form::MissingPattern, columns) => missing_pattern(columns),
            _ => return Err(broken("inputs that do not fit", name)),
        };
        Ok(Column { name: name.to_owned(), data })
    }

    fn grouped(
        &self,
        value: &Column,
        group: &Column,
        of: impl Fn(f64, f64) -> f64,
    ) -> Result<ColumnData> {
        let (codes, dictionary) = strings(group)?;
        let groups = self.groups.as_ref().ok_or_else(|| broken("no groups", &group.name))?;
        let means = groups.of_each(codes, dictionary);
        let values = numbers(value)?.iter().zip(&*means);
        Ok(ColumnData::Number(values.map(|(x, mean)| of(x, *mean)).collect()))
    }

    /// Proves that a decoded column is sound; `kinds` are those of the inputs it may name.
    ///
    /// # Errors
    /// Input error that says what is broken.
    pub fn validate(&self, kinds: &[Kind]) -> Result<()> {
        let of_inputs: Option<Vec<Kind>> =
            self.inputs.iter().map(|i| kinds.get(*i as usize).copied()).collect();
        let name = format!("{:?}", self.form);
        let of_inputs = of_inputs.ok_or_else(|| broken("an input that is not there", &name))?;
        if !self.form.accepts(&of_inputs) || self.form.is_grouped() != self.groups.is_some() {
            return Err(broken("inputs that do not fit", &name));
        }
        self.groups.as_ref().map_or(Ok(()), Groups::validate)
    }
}

fn arithmetic(a: &Column, b: &Column, of: impl Fn(f64, f64) -> f64) -> Result<ColumnData> {
    let pairs = numbers(a)?.iter().zip(numbers(b)?);
    Ok(ColumnData::Number(pairs.map(|(a, b)| of(a, b)).collect()))
}

/// A quotient; missing where the divisor is 0.
pub(super) fn over(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

fn elapsed(a: &[i64], b: &[i64]) -> ColumnData {
    ColumnData::Number(a.iter().zip(b).map(|(a, b)| days_since(*a, *b)).collect())
}

/// Days from `b` to `a`; missing where one of them is.
pub(super) fn days_since(a: i64, b: i64) -> f64 {
    let is_known = a != MISSING_INSTANT && b != MISSING_INSTANT;
    if is_known { (a as f64 - b as f64) / MICROS_PER_DAY } else { f64::NAN }
}

fn broken(what: &str, column: &str) -> Error {
    Error::input("a derived column is broken").column(column).got(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(form: Form, columns: &[&Column]) -> Vec<f64> {
        let rows: Vec<u32> = (0..columns[0].n_rows() as u32).collect();
        let derived = Derived::fit(form, vec![0, 1], columns, &rows).unwrap();
        numbers(&derived.of("made", columns).unwrap()).unwrap().to_vec()
    }

    #[test]
    fn arithmetic_is_row_by_row_and_a_division_by_zero_is_missing() {
        let a = Column::numbers("a", vec![6.0, 1.0, f64::NAN]);
        let b = Column::numbers("b", vec![3.0, 0.0, 1.0]);
        for (form, first) in
            [(Form::Difference, 3.0), (Form::Sum, 9.0), (Form::Product, 18.0), (Form::Ratio, 2.0)]
        {
            let values = made(form, &[&a, &b]);
            assert_eq!(values[0], first);
            assert!(values[2].is_nan());
        }
        assert!(made(Form::Ratio, &[&a, &b])[1].is_nan());
        let day = 86_400_000_000;
        let from = Column::instants("from", vec![0, MISSING_INSTANT, i64::MAX]);
        let to = Column::instants("to", vec![36 * day / 24, 0, i64::MIN + 1]);
        let days = made(Form::ElapsedDays, &[&to, &from]);
        assert_eq!(days[0], 1.5);
        assert!(days[1].is_nan() && days[2] < -2e8);
    }

    #[test]
    fn a_number_is_set_against_the_mean_of_its_group() {
        let x = Column::numbers("x", vec![1.0, 3.0, 7.0, 9.0, f64::NAN]);
        let group = Column::strings("g", ["a", "a", "b", "b", "b"].map(Some));
        let means = made(Form::GroupMean, &[&x, &group]);
        assert!(means[0] == means[1] && means[0] < means[2], "{means:?}");
        assert_eq!(means[4], means[3], "a group is known also where the value is not");
        let off = made(Form::OffGroupMean, &[&x, &group]);
        assert_eq!(off[3], 9.0 - means[3]);
        assert!(off[4].is_nan());
        assert_eq!(made(Form::OverGroupMean, &[&x, &group])[0], 1.0 / means[0]);
    }

    #[test]
    fn a_column_of_inputs_that_are_not_there_is_refused() {
        let derived = |inputs| Derived { form: Form::Ratio, inputs, groups: None };
        let kinds = [Kind::Number, Kind::Category];
        derived(vec![0, 0]).validate(&kinds).unwrap();
        for inputs in [vec![0, 2], vec![0], vec![0, 1], vec![]] {
            assert!(derived(inputs).validate(&kinds).is_err());
        }
        let ungrouped = Derived { form: Form::GroupMean, inputs: vec![0, 1], groups: None };
        assert!(ungrouped.validate(&kinds).is_err());
    }
}
