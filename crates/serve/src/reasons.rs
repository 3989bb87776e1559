//! Reasons of the rows of a request, within a share of the time that the request has.
//!
//! Explaining a row costs hundreds of predictions, so that it is bounded twice: by rows, and by
//! time. Rows are explained a few at a time; those whose turn does not come have no reasons, and
//! the answer says how many have.

use modelwright_automl::explain::{Explanation, Reason, Reasons, Scale, reason_text_columns};
use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use serde::Serialize;

use crate::ask::Ask;
use crate::clock;
use crate::problem::Problem;

/// Rows of a request that are explained.
const ROWS_MAX: usize = 1000;
/// Reasons of a row when nobody says how many; as `predict --explain`.
pub(crate) const N_REASONS: usize = 3;
/// The most reasons of a row: nobody reads more, and wide tables would make answers huge.
pub(crate) const N_REASONS_MAX: usize = 100;
/// Rows that are explained between two looks at the clock.
const ROWS_PER_PART: usize = 16;

/// Why a row is predicted so.
#[derive(Debug, Serialize)]
pub(crate) struct RowWhy {
    /// What the reasons are about.
    pub(crate) reasons_for: Subject,
    /// The largest first.
    pub(crate) reasons: Vec<Reason>,
}

/// What the parts of a prediction add up to.
#[derive(Debug, Serialize)]
pub(crate) struct Subject {
    /// The class, or the target.
    output: String,
    /// What is divided: a probability or a value.
    value: f64,
    /// What it is on average; all parts and this add up to the value.
    base_value: f64,
    scale: Scale,
    /// From where on the class is decided for, where that depends on the row's group.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
}

/// Reasons of the first rows of a table.
#[derive(Debug, Default)]
pub(crate) struct Why {
    pub(crate) rows: Vec<RowWhy>,
}

impl Why {
    /// Refuses a request for the reasons of too many rows.
    pub(crate) fn check(n_rows: usize) -> Result<(), Problem> {
        if n_rows <= ROWS_MAX {
            return Ok(());
        }
        Err(Problem::new(413, "too-many-rows", "the request has too many rows to explain")
            .expected(format!("at most {ROWS_MAX} rows with reasons"))
            .got(&format!("{n_rows} rows"))
            .hint("send them in several requests, or use `modelwright predict --explain`"))
    }

    /// The `n` largest reasons of the rows of a table.
    pub(crate) fn of(ask: &Ask, table: &Table, n: usize, ctx: &Context) -> Result<Self, Problem> {
        let (model, begun) = (&*ask.model, clock::now());
        let predictor = &model.predictor;
        let explainer = model.training.reasons(predictor, ctx).map_err(|error| {
            Problem::new(400, "cannot-explain", "the model cannot be explained")
                .got(error.what())
                .hint("explain it with `modelwright explain --background FILE`")
        })?;
        let ctx = ctx.with_time_limit(ask.explain_time_max);
        let thresholds = predictor.group_thresholds().map(|groups| groups.of_rows(table));
        let mut rows = Vec::with_capacity(table.n_rows());
        while rows.len() < table.n_rows() {
            let first = rows.len();
            let end = table.n_rows().min(first + ROWS_PER_PART);
            let places: Vec<u32> = (first as u32..end as u32).collect();
            let part = table.select(&places);
            let found = explainer.explain(predictor, &part, &ctx).map_err(Problem::of_error)?;
            let reasons = Reasons::new(&found, &part, explainer.background());
            let why = |row| {
                let threshold = thresholds.as_ref().map(|t| t[first + row]);
                row_why(&found, &reasons, row, n, threshold)
            };
            rows.extend((0..found.n_rows).map(why));
            if found.n_rows < part.n_rows() {
                break;
            }
        }
        model.stats.n_explained.add(rows.len() as u64);
        model.stats.explain_ns.add(clock::nanos(begun.elapsed()));
        Ok(Self { rows })
    }

    /// The sentences as columns `reason_1` to `reason_n` of a table of `n_rows` rows.
    pub(crate) fn columns(&self, n_rows: usize, n: usize) -> Vec<Column> {
        let texts = |row| {
            let why: Option<&RowWhy> = self.rows.get(row);
            why.into_iter().flat_map(|why| &why.reasons).map(|r| r.text.clone()).collect()
        };
        reason_text_columns(&(0..n_rows).map(texts).collect::<Vec<Vec<String>>>(), n)
    }
}

fn row_why(
    found: &Explanation,
    reasons: &Reasons<'_>,
    row: usize,
    n: usize,
    threshold: Option<f64>,
) -> RowWhy {
    let output = reasons.main_output(row);
    RowWhy {
        reasons_for: Subject {
            output: found.outputs[output].clone(),
            value: found.prediction(row, output),
            base_value: found.base_values[output],
            scale: found.scale,
            threshold,
        },
        reasons: reasons.of(row, output, n),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use hyper::body::Bytes;

    use super::*;
    use crate::ask::Query;
    use crate::model::Model;
    use crate::wire::plain;

    #[test]
    fn rows_are_answered_without_reasons_when_there_is_no_time_for_them() {
        let ctx = Context::unlimited(0, 1);
        let path = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = path.join("../../testdata/artifact/v2-binary.mw");
        let model = Model::load("shop", 1, &path, Arc::default(), &ctx).unwrap();
        let rows = std::fs::read(path.with_extension("rows.csv")).unwrap();
        let ask = Ask {
            query: Query::parse(Some("explain=2")),
            body: Bytes::from(rows),
            ..Ask::plain(Arc::new(model))
        };
        let csv = plain::predict(&ask, &ctx).unwrap();
        let ask =
            Ask { headers: [(hyper::header::ACCEPT, json_type())].into_iter().collect(), ..ask };
        let json = plain::predict(&ask, &ctx).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
        assert_eq!(json["n_explained"], 0);
        let row = &json["predictions"][0];
        assert!(row["reasons"].is_null() && row["probabilities"].is_object());
        let csv = String::from_utf8_lossy(&csv.body).into_owned();
        assert!(csv.lines().nth(1).unwrap().ends_with(",,"), "{csv}");
    }

    fn json_type() -> hyper::header::HeaderValue {
        hyper::header::HeaderValue::from_static("application/json")
    }
}
