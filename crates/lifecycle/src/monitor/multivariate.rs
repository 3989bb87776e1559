//! Whether new rows can be told from reference rows by all columns together.
//!
//! Our own boosted trees learn which side a row is from; the area under their ROC curve on rows
//! that they did not learn from is 0.5 when nothing moved, also where single columns look the same
//! and only their relation changed. Reference: Lopez-Paz & Oquab, "Revisiting classifier two-sample
//! tests", ICLR 2017. Dates are left out: they always tell the sides apart.

use modelwright_core::data::{FeatureView, Field, Fold, Kind, Schema, Table, TrainView};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::record::{Interval, Multivariate};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::compare::delong;
use modelwright_learners::learner;
use modelwright_preprocess::{EncodingSpec, PrepareInput, prepare};

use super::Watched;
use super::reconstruction::reconstruct;
use super::season::Seasonal;
use super::side::Side;

/// Rows that are told apart from chance on, by the lower end of the interval.
const THRESHOLD: f64 = 0.55;

/// Below so many rows of a side nothing is learned.
const ROWS_MIN: usize = 50;

const N_FOLDS: usize = 3;
const N_ROUNDS: i64 = 60;

/// The half-width of a 95 % interval in standard deviations.
const Z_975: f64 = 1.96;

/// Learns to tell the sides apart; a note when that could not be done.
pub(super) fn classify(
    watched: &Watched<'_>,
    (reference, mix): (Option<&Side<'_>>, Option<&Seasonal>),
    current: &Side<'_>,
    ctx: &Context,
) -> (Option<Multivariate>, Option<String>) {
    let Some(reference) = reference else {
        let note = "columns are compared one by one: all together they can be compared only with \
                    the rows of a reference file, and a model keeps no rows";
        return (None, Some(note.to_owned()));
    };
    let (Some(was), Some(is)) = (reference.sample_like(mix), current.sample()) else {
        return (None, None);
    };
    let was = &*was;
    if was.n_rows().min(is.n_rows()) < ROWS_MIN {
        let note = format!("columns are not compared all together: fewer than {ROWS_MIN} rows");
        return (None, Some(note));
    }
    match tell_apart(watched, was, is, ctx) {
        Ok(found) => (Some(found), None),
        Err(error) => {
            (None, Some(format!("columns are not compared all together: {}", error.what())))
        }
    }
}

fn tell_apart(
    watched: &Watched<'_>,
    was: &Table,
    is: &Table,
    ctx: &Context,
) -> Result<Multivariate> {
    let fits = |f: &&Field| {
        let is_there = was.column(&f.name).is_some() && is.column(&f.name).is_some();
        f.kind != Kind::Datetime && f.kind.is_usable() && is_there
    };
    let fields: Vec<Field> = watched.fields().iter().filter(fits).cloned().collect();
    let mut columns = Vec::new();
    for field in &fields {
        let mut column = was.require(&field.name)?.clone();
        column.append(is.require(&field.name)?)?;
        columns.push(column);
    }
    let table = Table::new(columns)?;
    let n_rows = was.n_rows() + is.n_rows();
    let codes: Vec<u32> = (0..n_rows).map(|row| u32::from(row >= was.n_rows())).collect();
    let folds = folds(&codes, ctx);
    let target = Target::Class { codes, n_classes: 2 };
    let schema = Schema { fields };
    let scores = out_of_fold(&table, &schema, &target, &folds, ctx)?;
    let codes = target.codes().unwrap_or_default();
    let judged = delong(codes, &scores, &vec![0.0; n_rows])?;
    let (roc_auc, half) = (judged.auc[0], Z_975 * judged.variance[0].max(0.0).sqrt());
    let ci95 = Interval { low: (roc_auc - half).max(0.0), high: (roc_auc + half).min(1.0) };
    Ok(Multivariate {
        roc_auc,
        ci95,
        threshold: THRESHOLD,
        drifted: ci95.low > THRESHOLD,
        n_reference: was.n_rows(),
        n_current: is.n_rows(),
        reconstruction: reconstruct(&table_of(was, &schema)?, &table_of(is, &schema)?, ctx),
    })
}

/// The columns of one side that are compared.
fn table_of(side: &Table, schema: &Schema) -> Result<Table> {
    let columns = schema.fields.iter().map(|field| side.require(&field.name).cloned());
    Table::new(columns.collect::<Result<_>>()?)
}

/// Folds with even shares of both sides.
fn folds(codes: &[u32], ctx: &Context) -> Vec<Fold> {
    let mut fold_of = vec![0; codes.len()];
    for side in 0..2 {
        let mut rows: Vec<usize> = (0..codes.len()).filter(|row| codes[*row] == side).collect();
        ctx.random("monitor/folds", u64::from(side)).shuffle(&mut rows);
        for (place, row) in rows.into_iter().enumerate() {
            fold_of[row] = place % N_FOLDS;
        }
    }
    let rows = |fold: usize, inside: bool| -> Vec<u32> {
        let is_in = |row: &u32| (fold_of[*row as usize] == fold) == inside;
        (0..codes.len() as u32).filter(is_in).collect()
    };
    (0..N_FOLDS).map(|k| Fold { train: rows(k, false), validation: rows(k, true) }).collect()
}

fn out_of_fold(
    table: &Table,
    schema: &Schema,
    target: &Target,
    folds: &[Fold],
    ctx: &Context,
) -> Result<Vec<f64>> {
    let input =
        PrepareInput { table, schema, exclude: &[], target, weights: None, folds, like: None };
    let prepared = prepare(&input, &EncodingSpec::trees(), ctx)?;
    let entry = learner("gbdt")?;
    let params = ParamMap::from([("n_rounds".to_owned(), ParamValue::Int(N_ROUNDS))]);
    let mut scores = vec![0.0; target.n_rows()];
    for (fold, features) in folds.iter().zip(&prepared.folds) {
        let view =
            TrainView { features, target, weights: None, rows: &fold.train, validation: &[] };
        let fitted = entry.fit(&view, &params, &ctx.scope("monitor"))?;
        let rows = FeatureView::of(features, &fold.validation);
        let said: Predictions = fitted.model.predict(&rows, ctx)?;
        for (row, score) in fold.validation.iter().zip(said.values) {
            scores[*row as usize] = score;
        }
    }
    Ok(scores)
}
