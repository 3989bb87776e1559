//! The same rows in training and test.
//!
//! Rows are compared over the columns that feed the model (identifiers would hide every repeat).
//! Tables with few distinct rows repeat naturally: then the training rows repeat among themselves
//! as often, and the finding says so and is less sure.

use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};

use super::LeakageInput;
use crate::profile::alerts::rows;
use crate::profile::wording::{count, percent, share};

/// From these shares of test rows on, copied and natural repeats are worth knowing.
const SHARES_MIN: (f64, f64) = (0.01, 0.05);
/// Fewer repeats than this are chance.
const ROWS_MIN: usize = 5;
/// Repeats within training explain up to this many times as many across the split …
const NATURAL: f64 = 2.0;
/// … and whatever lies within so many standard errors of that share.
const ERRORS: f64 = 3.0;

pub(super) fn check(input: &LeakageInput<'_>, ctx: &Context) -> Option<LeakFinding> {
    let test = input.test?;
    let names: Vec<&str> = input
        .schema
        .fields
        .iter()
        .filter(|f| f.kind.is_usable() && f.name != input.target_column)
        .map(|f| f.name.as_str())
        .filter(|name| test.column(name).is_some() && input.table.column(name).is_some())
        .collect();
    if names.is_empty() || test.n_rows() == 0 {
        return None;
    }
    let pick = |table: &'_ Table| -> Vec<u64> {
        let columns: Vec<&Column> = names.iter().filter_map(|n| table.column(n)).collect();
        rows::hashes(&columns, ctx).0
    };
    let mut train = pick(input.table);
    train.sort_unstable();
    let test_rows = pick(test);
    let n_twins = test_rows.iter().filter(|hash| train.binary_search(hash).is_ok()).count();
    let part = share(n_twins, test_rows.len());
    let within: usize = train.chunk_by(|a, b| a == b).map(<[u64]>::len).filter(|n| *n > 1).sum();
    let within = share(within, train.len());
    // Both shares are of a handful of rows: 9 of 60 is not more than 12 %.
    let of_pairs =
        |p: f64| p * (1.0 - p) / test_rows.len() as f64 + p * (1.0 - p) / train.len() as f64;
    let pooled =
        (n_twins as f64 + within * train.len() as f64) / (test_rows.len() + train.len()) as f64;
    let natural = part <= NATURAL * within || part - within <= ERRORS * of_pairs(pooled).sqrt();
    if n_twins < ROWS_MIN || part < if natural { SHARES_MIN.1 } else { SHARES_MIN.0 } {
        return None;
    }
    let why = if natural {
        "rows repeat within the training part as often, so this lies in the data"
    } else {
        "far fewer repeat within the training part, so rows seem to have been copied across"
    };
    Some(LeakFinding {
        kind: LeakKind::DuplicateAcrossSplit,
        columns: Vec::new(),
        confidence: if natural { 0.3 } else { 0.9 },
        share_of_test: Some(part),
        evidence: format!(
            "{} of {} test rows ({}) have the features of a training row; {} of the training rows \
             have a twin among themselves: {why}",
            count(n_twins),
            count(test_rows.len()),
            percent(part),
            percent(within),
        ),
        action: LeakAction::Reported,
    })
}
