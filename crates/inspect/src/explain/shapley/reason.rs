//! The largest parts of a prediction in words: reason codes.
//!
//! `age 23 (15.6 below the average) lowers the chance of >50K by 8.1 points`.

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table};
use modelwright_core::data::{instant_text, number_text};
use modelwright_core::error::shorten;
use serde::Serialize;

use super::background::Background;
use super::explanation::{Explanation, Scale};
use crate::report::{number, words};

/// A value is shown with at most so many characters.
const VALUE_LENGTH_MAX: usize = 40;
/// Microseconds of a day.
const DAY: f64 = 86_400_000_000.0;

/// One reason for a prediction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The raw column.
    pub column: String,
    /// Its value in the row; `None` when missing.
    pub value: Option<String>,
    /// What it adds to the prediction, in the explanation's unit.
    pub effect: f64,
    /// Its standard error, where it was sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// The reason as a sentence.
    pub text: String,
}

/// What is typical of a column: among the background rows, or in the training data.
#[derive(Debug, Clone, PartialEq)]
pub enum Typical {
    /// The mean of the numbers.
    Number(f64),
    /// Their median, where the mean is drawn off by some that are far away: nobody's income is the
    /// mean income.
    Median(f64),
    /// The mean of the instants, in microseconds since 1970.
    Instant(f64),
    /// The most frequent string.
    Text(String),
    /// All are missing.
    Nothing,
}

/// From so many standard deviations between mean and median on, the median is what is typical.
const SKEWED: f64 = 0.1;

impl Typical {
    /// Of numbers with these moments.
    pub fn of_numbers(mean: f64, median: f64, standard_deviation: f64) -> Self {
        if (mean - median).abs() > SKEWED * standard_deviation {
            Self::Median(median)
        } else {
            Self::Number(mean)
        }
    }

    /// Of a column; ties go to the string that comes first.
    pub fn of(column: &Column) -> Self {
        let mean = |sum: f64, n: usize| (n > 0).then(|| sum / n as f64);
        match &column.data {
            ColumnData::Number(values) => {
                let mut known: Vec<f64> = values.iter().filter(|v| v.is_finite()).collect();
                let Some(mean) = mean(known.iter().sum(), known.len()) else {
                    return Self::Nothing;
                };
                let n = known.len() as f64;
                let variance = known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
                known.sort_unstable_by(f64::total_cmp);
                Self::of_numbers(mean, known[known.len() / 2], variance.sqrt())
            }
            ColumnData::Instant(values) => {
                let known = values.iter().filter(|v| **v != MISSING_INSTANT);
                let known: Vec<f64> = known.map(|v| *v as f64).collect();
                mean(known.iter().sum(), known.len()).map_or(Self::Nothing, Self::Instant)
            }
            ColumnData::String { codes, dictionary } => {
                let mut counts = vec![0_usize; dictionary.len()];
                for code in codes.iter().filter(|code| **code != MISSING_CODE) {
                    counts[*code as usize] += 1;
                }
                let most = counts.iter().copied().max().unwrap_or(0);
                match counts.iter().position(|n| *n == most && most > 0) {
                    Some(code) => Self::Text(dictionary.get(code as u32).to_owned()),
                    None => Self::Nothing,
                }
            }
        }
    }
}

/// Says why rows are predicted as they are.
pub struct Reasons<'a> {
    explanation: &'a Explanation,
    table: &'a Table,
    typical: Vec<Typical>,
}

impl<'a> Reasons<'a> {
    /// For the rows of `table` that `explanation` explains.
    pub fn new(explanation: &'a Explanation, table: &'a Table, background: &Background) -> Self {
        let typical = |name: &String| background.typical(name);
        Self { explanation, table, typical: explanation.columns.iter().map(typical).collect() }
    }

    /// The output of a row that reasons are about: the most probable class, or the only output.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn main_output(&self, row: usize) -> usize {
        let n = self.explanation.outputs.len();
        let value = |k: usize| self.explanation.prediction(row, k);
        (0..n).fold(0, |a, b| if value(b) > value(a) { b } else { a })
    }

    /// At most `n` reasons for an output of a row, largest first; columns without any effect are
    /// left out.
    ///
    /// # Panics
    /// If there is no such row or output.
    pub fn of(&self, row: usize, output: usize, n: usize) -> Vec<Reason> {
        let explanation = self.explanation;
        let ranked = explanation.ranked(row, output).into_iter();
        ranked
            .take(n)
            .filter(|column| explanation.value(row, *column, output) != 0.0)
            .map(|column| {
                let effect = explanation.value(row, column, output);
                let standard_error = explanation.standard_error(row, column, output);
                let name = &explanation.columns[column];
                let value = self.table.column(name).and_then(|c| value_text(c, row));
                let place = self.table.column(name).map(|c| self.against_typical(c, row, column));
                let text = format!(
                    "{} {}{} {}",
                    words::clean(name),
                    value.as_deref().unwrap_or("missing"),
                    place.unwrap_or_default(),
                    effect_text(explanation.scale, &explanation.outputs[output], effect)
                );
                Reason { column: name.clone(), value, effect, standard_error, text }
            })
            .collect()
    }

    /// Where the value lies: ` (15.6 below the average)`, or nothing to say.
    fn against_typical(&self, column: &Column, row: usize, place: usize) -> String {
        let away = |difference: f64, what: &str| {
            let side = if difference < 0.0 { "below" } else { "above" };
            let size = number::significant(difference.abs(), 3);
            if size == "0" {
                return format!(" ({what})");
            }
            format!(" ({size} {side} the {what})")
        };
        match (&column.data, &self.typical[place]) {
            (ColumnData::Number(v), Typical::Number(mean)) if v.at(row).is_finite() => {
                away(v.at(row) - mean, "average")
            }
            (ColumnData::Number(v), Typical::Median(median)) if v.at(row).is_finite() => {
                away(v.at(row) - median, "median")
            }
            (ColumnData::Instant(v), Typical::Instant(mean)) if v[row] != MISSING_INSTANT => {
                let days = (v[row] as f64 - mean) / DAY;
                let side = if days < 0.0 { "before" } else { "after" };
                let size = number::significant(days.abs(), 3);
                format!(" ({size} days {side} the average)")
            }
            (ColumnData::String { .. }, Typical::Text(most)) if column.text(row) != Some(most) => {
                format!(" (most often {})", shorten(&words::clean(most), VALUE_LENGTH_MAX))
            }
            _ => String::new(),
        }
    }
}

/// A value as it is shown; `None` when missing.
pub(crate) fn value_text(column: &Column, row: usize) -> Option<String> {
    if column.is_missing(row) {
        return None;
    }
    Some(match &column.data {
        ColumnData::Number(v) if v.at(row) == v.at(row).trunc() => number_text(v.at(row)),
        ColumnData::Number(v) => number::significant(v.at(row), 5),
        ColumnData::Instant(v) => instant_text(v[row]),
        ColumnData::String { .. } => {
            shorten(&words::clean(column.text(row).unwrap_or_default()), VALUE_LENGTH_MAX)
        }
    })
}

/// `lowers the chance of >50K by 8.1 points`.
pub(crate) fn effect_text(scale: Scale, output: &str, effect: f64) -> String {
    let verb = if effect < 0.0 { "lowers" } else { "raises" };
    let size = effect.abs();
    let output = words::clean(output);
    match scale {
        Scale::Probability => {
            let points = number::significant(size * 100.0, 2);
            format!("{verb} the chance of {output} by {points} points")
        }
        Scale::Margin => {
            format!("{verb} the score of {output} by {}", number::significant(size, 3))
        }
        Scale::Value => format!("{verb} {output} by {}", number::significant(size, 3)),
    }
}
