//! What is typical of a column, by the sketches of the training data: one average for a row,
//! wherever and beside whichever rows its reasons are asked for.

use std::collections::BTreeMap;

use modelwright_core::data::{Kind, Storage};
use modelwright_inspect::explain::shapley::Typical;
use modelwright_preprocess::sketch::{ColumnSketch, MICROS, TableSketch};

use crate::predictor::Predictor;

/// A value of a category must have occurred so often to be named: a rarer one could name somebody.
const COUNT_MIN: u64 = 5;

/// The mean (or median) of numbers, the mean of dates, and the most frequent category, of each
/// column that the predictor reads; columns are left out that the sketches do not know in the
/// storage of their kind.
pub fn typical(predictor: &Predictor, reference: &TableSketch) -> BTreeMap<String, Typical> {
    let of = |name: &str| {
        let (sketch, field) = (reference.column(name)?, predictor.schema.field(name)?);
        Some((name.to_owned(), typical_of(sketch, field.kind)?))
    };
    predictor.feature_columns().filter_map(of).collect()
}

fn typical_of(sketch: &ColumnSketch, kind: Kind) -> Option<Typical> {
    match (sketch.numbers(), sketch.texts(), kind) {
        (Some(numbers), _, Kind::Number) => {
            let (mean, deviation) = (numbers.moments.mean()?, numbers.moments.std().unwrap_or(0.0));
            let median = numbers.quantiles.quantiles(&[0.5]).first().copied().unwrap_or(mean);
            Some(Typical::of_numbers(mean, median, deviation))
        }
        (Some(numbers), _, Kind::Datetime) if sketch.storage == Storage::Instant => {
            numbers.moments.mean().map(|seconds| Typical::Instant(seconds * MICROS))
        }
        (_, Some(texts), Kind::Category | Kind::Boolean) => {
            let known = texts.frequent.entries().iter().filter(|(_, count)| *count >= COUNT_MIN);
            // Ties go to the text that comes first.
            let most = known.min_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            most.map(|(text, _)| Typical::Text(text.clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;

    use super::*;

    #[test]
    fn the_average_of_dates_is_in_the_unit_of_columns() {
        let micros = [1_600_000_000_000_000, 1_700_000_000_000_000];
        let mut sketch = ColumnSketch::new(Storage::Instant);
        sketch.update(&Column::instants("since", micros.to_vec()), 0..2).unwrap();
        let Some(Typical::Instant(mean)) = typical_of(&sketch, Kind::Datetime) else {
            panic!("dates have an average")
        };
        assert!((mean - 1_650_000_000_000_000.0).abs() < 1e6, "{mean}");
    }
}
