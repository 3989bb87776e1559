//! What is typical of a column, by the sketches of the training data: one average for a row,
//! wherever and beside whichever rows its reasons are asked for.

use std::collections::BTreeMap;

use modelwright_core::data::Kind;
use modelwright_inspect::explain::shapley::Typical;
use modelwright_preprocess::sketch::{ColumnSketch, TableSketch};

use crate::predictor::Predictor;

/// A value of a category must have occurred so often to be named: a rarer one could name somebody.
const COUNT_MIN: u64 = 5;

/// The mean of numbers and dates, and the most frequent category, of each column that the predictor
/// reads; columns are left out that the sketches do not know in the storage of their kind.
pub fn typical(predictor: &Predictor, reference: &TableSketch) -> BTreeMap<String, Typical> {
    let of = |name: &str| {
        let (sketch, field) = (reference.column(name)?, predictor.schema.field(name)?);
        Some((name.to_owned(), typical_of(sketch, field.kind)?))
    };
    predictor.feature_columns().filter_map(of).collect()
}

fn typical_of(sketch: &ColumnSketch, kind: Kind) -> Option<Typical> {
    match (sketch.numbers(), sketch.texts(), kind) {
        (Some(numbers), _, Kind::Number) => numbers.moments.mean().map(Typical::Number),
        (Some(numbers), _, Kind::Datetime) => numbers.moments.mean().map(Typical::Instant),
        (_, Some(texts), Kind::Category | Kind::Boolean) => {
            let known = texts.frequent.entries().iter().filter(|(_, count)| *count >= COUNT_MIN);
            // Ties go to the text that comes first.
            let most = known.min_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            most.map(|(text, _)| Typical::Text(text.clone()))
        }
        _ => None,
    }
}
