//! Are the groups of sensitive columns treated alike by a predictor?
//!
//! Called by `fit` on the untouched rows and by `audit` on any rows whose answers are known. The
//! measures are those of [`mod@modelwright_evaluate::fairness`]; here the rows are put into groups
//! and the predictor's own decisions are judged: its threshold, its costs.

use std::collections::HashSet;

use modelwright_core::data::{Column, Table};
use modelwright_core::record::{FairnessRecord, GroupCoverage, HeldGroups, Proxy};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::fairness::{
    FairnessInput, Groups, fairness, judge_together, proxies, sensitive_groups,
};
use modelwright_evaluate::resample::n_resamples_for;

use crate::predictor::Predictor;

/// Groups with fewer rows are not judged, unless the user says otherwise.
pub const MIN_GROUP: usize = 30;

/// Of many classes, so many of the most frequent ones are each held against the others.
const CLASSES_MAX: usize = 10;

/// Resamples of the intervals.
const N_RESAMPLES: usize = 1_000;

/// What an audit is about.
#[derive(Debug, Clone, Copy)]
pub struct AuditInput<'a> {
    /// What the rows are: `holdout`, or the name of the file.
    pub on: &'a str,
    /// The rows, with the sensitive columns.
    pub table: &'a Table,
    /// The truth of every row.
    pub truth: &'a Target,
    /// What the predictor says of every row.
    pub predictions: &'a Predictions,
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The unit of each row, where rows belong together (the run's `--group`).
    pub units: Option<&'a [u32]>,
    /// The sensitive columns.
    pub sensitive: &'a [String],
    /// Groups with fewer rows are not judged.
    pub min_group: usize,
}

/// Audits each sensitive column, and all of them together.
///
/// # Errors
/// Input error when a sensitive column is not in the table or is the target.
pub fn audit(
    predictor: &Predictor,
    input: &AuditInput<'_>,
    ctx: &Context,
) -> Result<FairnessRecord> {
    let columns = sensitive_columns(input, &predictor.target)?;
    let partitions = sensitive_groups(&columns);
    let decided = match input.truth {
        Target::Class { .. } => predictor.decide(input.table, input.predictions),
        Target::Real(_) => Vec::new(),
    };
    let mut record = FairnessRecord {
        on: input.on.to_owned(),
        n_rows: input.truth.n_rows(),
        min_group: input.min_group,
        interval_method: interval_method(input),
        ..FairnessRecord::default()
    };
    for groups in &partitions {
        for class in positives(&predictor.classes, input.truth) {
            let of_groups = FairnessInput {
                truth: input.truth,
                predictions: input.predictions,
                decided: &decided,
                weights: input.weights,
                units: input.units,
                positive: class.map(|c| (c, predictor.classes[c as usize].as_str())),
                min_group: input.min_group,
                n_resamples: N_RESAMPLES,
            };
            record.audits.push(fairness(&of_groups, groups, ctx)?);
        }
    }
    record.n_questions = judge_together(&mut record.audits, input.min_group);
    record.held = held_groups(predictor, input, &partitions, ctx)?;
    record.proxies = all_proxies(predictor, input, &partitions[..columns.len()]);
    Ok(record)
}

/// What rows of one class leave open, in words; `None` where there are two classes or numbers.
pub fn one_class(truth: &Target, classes: &[String]) -> Option<String> {
    let codes = truth.codes()?;
    let first = codes.first()?;
    let name = classes.get(*first as usize).filter(|_| codes.iter().all(|code| code == first))?;
    Some(format!(
        "all {} rows are of the class `{name}`: what needs both classes, such as equalized odds, \
         equal opportunity and ROC AUC, cannot be judged",
        codes.len()
    ))
}

/// How intervals are found, in words.
fn interval_method(input: &AuditInput<'_>) -> String {
    let n_resamples = n_resamples_for(input.truth.n_rows(), N_RESAMPLES);
    match input.units {
        None => format!(
            "Wilson's and Newcombe's of rates, else a bootstrap within groups, percentile, \
             {n_resamples} resamples"
        ),
        Some(units) => {
            let n_units = units.iter().collect::<HashSet<_>>().len();
            format!(
                "of {n_units} units whose rows belong together: Wilson's and Newcombe's of rates \
                 that count as many rows as they are worth, else a bootstrap of whole units, \
                 percentile, {n_resamples} resamples"
            )
        }
    }
}

/// What intervals or sets reach in each group that is judged; none where the predictor has none.
fn held_groups(
    predictor: &Predictor,
    input: &AuditInput<'_>,
    partitions: &[Groups],
    ctx: &Context,
) -> Result<Vec<HeldGroups>> {
    let held = predictor.held(input.table, input.predictions, input.truth, ctx)?;
    let Some(held) = held else { return Ok(Vec::new()) };
    let of_partition = |partition: &Groups| {
        let mut found = HeldGroups { columns: partition.columns.clone(), ..HeldGroups::default() };
        for (group, name) in partition.names.iter().enumerate() {
            let is_in = |row: &u32| partition.codes[*row as usize] as usize == group;
            let rows: Vec<u32> = (0..partition.codes.len() as u32).filter(is_in).collect();
            if rows.len() < input.min_group {
                continue;
            }
            if let Some((level, reached)) = held.of_rows(&rows, input.weights, input.units) {
                found.level = level;
                found.groups.push(GroupCoverage { group: Some(name.clone()), reached });
            }
        }
        found
    };
    let all = partitions.iter().map(of_partition);
    Ok(all.filter(|found| !found.groups.is_empty()).collect())
}

/// The columns that were named, each once.
fn sensitive_columns<'a>(input: &AuditInput<'a>, target: &str) -> Result<Vec<&'a Column>> {
    let mut columns: Vec<&Column> = Vec::new();
    for name in input.sensitive {
        if name == target {
            return Err(Error::input("the target cannot be a sensitive column")
                .at("--sensitive")
                .column(name)
                .expected("a column that says who a row is about"));
        }
        let column = input.table.require(name).map_err(|e| e.at("--sensitive"))?;
        if !columns.iter().any(|c| c.name == column.name) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return Err(Error::input("no sensitive column is named").at("--sensitive"));
    }
    Ok(columns)
}

/// The classes that are each held against the others: of two the positive one, of many the most
/// frequent ones, of a regression none.
fn positives(classes: &[String], truth: &Target) -> Vec<Option<u32>> {
    match (truth.codes(), classes.len()) {
        (None, _) => vec![None],
        (_, 0..=2) => vec![Some(1)],
        (Some(codes), n) => {
            let mut counts: Vec<(usize, u32)> = (0..n as u32).map(|class| (0, class)).collect();
            for code in codes {
                counts[*code as usize].0 += 1;
            }
            counts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut kept: Vec<u32> =
                counts.into_iter().take(CLASSES_MAX).map(|(_, class)| class).collect();
            kept.sort_unstable();
            kept.into_iter().map(Some).collect()
        }
    }
}

/// Which of the columns that the model reads reveal a sensitive one.
fn all_proxies(predictor: &Predictor, input: &AuditInput<'_>, parts: &[Groups]) -> Vec<Proxy> {
    let read: Vec<&Column> =
        predictor.feature_columns().filter_map(|name| input.table.column(name)).collect();
    let of = |groups| proxies(read.iter().copied(), groups, input.units);
    parts.iter().flat_map(of).collect()
}
