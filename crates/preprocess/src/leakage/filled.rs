//! A column that is filled only when the target is known, or has a certain value.
//!
//! Such columns are made after the event: "date of the claim" is there exactly when there was a
//! claim. Looked at is only whether a value is missing, never the value.

use modelwright_core::Context;
use modelwright_core::data::{Column, Kind};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::exclusion;
use super::study::Study;
use crate::profile::wording::{count, percent, share};

/// Fewer rows than this on either side prove nothing.
const SIDE_ROWS_MIN: usize = 30;
/// From this share of one class on, a side has only that class.
const PURE: f64 = 0.999;
/// A class that has more than this share of all rows makes any side pure.
const BASE_SHARE_MAX: f64 = 0.8;
/// From this share of variance explained on, missing values tell a number.
const R2_MIN: f64 = 0.8;

pub(super) fn check(study: &Study<'_>, known: &[String], ctx: &Context) -> Vec<LeakFinding> {
    let columns: Vec<(&Column, Kind)> = study
        .columns()
        .into_iter()
        .filter(|(c, kind)| *kind != Kind::Unsupported && !known.contains(&c.name))
        .collect();
    let found = ctx.map(columns.len(), |i| match &study.target {
        Target::Class { codes, n_classes } => of_class(study, columns[i].0, codes, *n_classes),
        Target::Real(values) => of_number(study, columns[i].0, values),
    });
    found.into_iter().flatten().collect()
}

/// The sampled rows where the column is missing.
fn missing(study: &Study<'_>, column: &Column) -> Option<Vec<bool>> {
    let missing: Vec<bool> =
        study.rows.iter().map(|row| column.is_missing(*row as usize)).collect();
    let n_missing = missing.iter().filter(|m| **m).count();
    (n_missing.min(missing.len() - n_missing) >= SIDE_ROWS_MIN).then_some(missing)
}

/// The commonest class of one side.
struct Side {
    class: usize,
    n_class: usize,
    n: usize,
}

impl Side {
    fn of(counts: &[usize]) -> Self {
        let n_class = counts.iter().copied().max().unwrap_or(0);
        let class = counts.iter().position(|n| *n == n_class).unwrap_or(0);
        Self { class, n_class, n: counts.iter().sum() }
    }

    fn purity(&self) -> f64 {
        share(self.n_class, self.n)
    }
}

fn of_class(
    study: &Study<'_>,
    column: &Column,
    classes: &[u32],
    n_classes: usize,
) -> Option<LeakFinding> {
    let missing = missing(study, column)?;
    let mut counts = [vec![0_usize; n_classes], vec![0_usize; n_classes]];
    for (class, missing) in classes.iter().zip(&missing) {
        counts[usize::from(*missing)][*class as usize] += 1;
    }
    let [filled, empty] = [Side::of(&counts[0]), Side::of(&counts[1])];
    let base = |side: &Side| share(counts[0][side.class] + counts[1][side.class], classes.len());
    let tells = |side: &Side| side.purity() >= PURE && base(side) <= BASE_SHARE_MAX;
    let both = filled.class != empty.class && filled.purity() >= PURE && empty.purity() >= PURE;
    let (word, side) = match (tells(&filled), tells(&empty)) {
        (true, _) => ("filled", &filled),
        (_, true) => ("missing", &empty),
        _ if both => ("filled", &filled),
        _ => return None,
    };
    let sure = both && n_classes == 2;
    let evidence = format!(
        "where `{}` is {word} ({} of {} rows looked at) {} of rows are of one class, which has \
         {} of all rows{}",
        column.name,
        count(side.n),
        count(classes.len()),
        percent(side.purity()),
        percent(base(side)),
        if sure { "; elsewhere none: it is filled when the target is known" } else { "" },
    );
    Some(LeakFinding {
        kind: LeakKind::FilledAfterwards,
        columns: vec![column.name.clone()],
        confidence: if sure { 0.98 } else { 0.6 },
        share_of_test: None,
        evidence,
        action: if sure { exclusion(study.input) } else { LeakAction::Reported },
    })
}

fn of_number(study: &Study<'_>, column: &Column, values: &[f64]) -> Option<LeakFinding> {
    let missing = missing(study, column)?;
    let side = |wanted: bool| {
        let values: Vec<f64> =
            values.iter().zip(&missing).filter(|(_, m)| **m == wanted).map(|(v, _)| *v).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>(), values.len())
    };
    let (filled, empty) = (side(false), side(true));
    let grand = values.iter().sum::<f64>() / values.len() as f64;
    let total: f64 = values.iter().map(|v| (v - grand).powi(2)).sum();
    let r2 = 1.0 - (filled.1 + empty.1) / total;
    // A side on which the target never varies is as telling as a high share of variance.
    let still = [&filled, &empty].iter().any(|s| s.1 == 0.0) && total > 0.0;
    let evidence = format!(
        "whether `{}` is missing explains {} of the variance of the target: mean {:.4} where it is \
         filled ({} rows), {:.4} where it is missing ({} rows)",
        column.name,
        percent(r2.clamp(0.0, 1.0)),
        filled.0,
        count(filled.2),
        empty.0,
        count(empty.2),
    );
    (r2 >= R2_MIN || still).then(|| LeakFinding {
        kind: LeakKind::FilledAfterwards,
        columns: vec![column.name.clone()],
        confidence: 0.6,
        share_of_test: None,
        evidence,
        action: LeakAction::Reported,
    })
}
