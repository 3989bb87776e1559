//! A background without rows of anybody: every column drawn by itself from its sketch.

use modelwright_core::data::{Column, ColumnData, Field, Kind, MISSING_INSTANT, Table};
use modelwright_core::random::Random;
use modelwright_core::{Context, Result};
use modelwright_inspect::explain::shapley::{Background, Origin};
use modelwright_preprocess::encode::conform;
use modelwright_preprocess::sketch::{ColumnSketch, TableSketch};

use super::subject;
use crate::predictor::Predictor;

/// A value of a category must have occurred so often to be drawn: a rarer one could name somebody.
const COUNT_MIN: u64 = 5;
/// Rows that are drawn for each that is kept.
const DRAWN_PER_ROW: usize = 8;

/// At most `n` background rows whose columns are drawn independently of each other from the
/// sketches of the
/// training data; `None` when the sketches lack a column (a model that was not trained here).
///
/// Numbers are quantiles, strings are frequent values (at least 5 rows had them), missing values
/// are as frequent as they were. What columns have in common is lost: use rows where there are
/// some.
///
/// # Errors
/// As the predictor.
pub fn drawn_background(
    predictor: &Predictor,
    reference: &TableSketch,
    n: usize,
    ctx: &Context,
) -> Result<Option<Background>> {
    let subject = subject(predictor)?;
    let mut columns = Vec::new();
    for name in &subject.columns {
        let (Some(sketch), Some(field)) = (reference.column(name), predictor.schema.field(name))
        else {
            return Ok(None);
        };
        let random = ctx.random(&format!("explain/drawn/{name}"), 0);
        columns.push(drawn(sketch, field, n.saturating_mul(DRAWN_PER_ROW), random)?);
    }
    let table = Table::new(columns)?;
    let origin = Origin::Sketches;
    Background::representative(&subject, &table, origin, n, ctx).map(Some)
}

fn drawn(sketch: &ColumnSketch, field: &Field, n: usize, mut random: Random) -> Result<Column> {
    let share_missing = sketch.n_missing as f64 / sketch.n_rows.max(1) as f64;
    let name = &field.name;
    let data = match (sketch.numbers(), sketch.texts()) {
        (Some(numbers), _) => {
            let mut draw = || {
                let (is_missing, share) = (random.unit() < share_missing, random.unit());
                let of_share = numbers.quantiles.quantiles(&[share]);
                if is_missing { f64::NAN } else { of_share.first().copied().unwrap_or(f64::NAN) }
            };
            let values: Vec<f64> = (0..n).map(|_| draw()).collect();
            if field.kind == Kind::Datetime {
                let instant = |v: &f64| if v.is_nan() { MISSING_INSTANT } else { *v as i64 };
                ColumnData::Instant(values.iter().map(instant).collect())
            } else {
                ColumnData::Number(values)
            }
        }
        (None, Some(texts)) => {
            let known = texts.frequent.entries().iter().filter(|(_, count)| *count >= COUNT_MIN);
            let known: Vec<(&str, u64)> = known.map(|(text, n)| (text.as_str(), *n)).collect();
            let total: u64 = known.iter().map(|(_, count)| count).sum();
            let mut draw = || {
                let is_missing = random.unit() < share_missing || total == 0;
                let mut place = random.below(total.max(1) as usize) as u64;
                let found = known.iter().find(|(_, count)| {
                    let is_here = place < *count;
                    place = place.saturating_sub(*count);
                    is_here
                });
                if is_missing { None } else { found.map(|(text, _)| *text) }
            };
            Column::strings(name, (0..n).map(|_| draw()).collect::<Vec<_>>()).data
        }
        (None, None) => return Ok(Column::strings(name, vec![None::<&str>; n])),
    };
    conform(&Column { name: name.clone(), data }, field.kind).map(std::borrow::Cow::into_owned)
}
