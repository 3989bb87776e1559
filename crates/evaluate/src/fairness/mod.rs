//! Are groups of rows treated alike? Measures by group, how far groups lie apart, and the usual
//! definitions of fairness.
//!
//! | name here | definition | known from |
//! |---|---|---|
//! | `demographic_parity_difference`, `_ratio` | selection rates, farthest apart | fairlearn |
//! | `equal_opportunity_difference`, `_ratio` | the same of true positive rates | fairlearn |
//! | `equalized_odds_difference`, `_ratio` | the worse of both rates (`_mean`: mean) | fairlearn |
//! | `average_odds_difference` | ½ (ΔFPR + ΔTPR), least less most selected group | AIF360 |
//! | `predictive_parity_difference`, `_ratio` | precision | Aequitas |
//! | `false_omission_rate_difference` | share of positives among the rejected | Aequitas |
//! | `treatment_equality_difference` | false negatives per false positive | AIF360 |
//! | `calibration_within_groups` | the largest expected calibration error of a group | |
//! | `generalized_entropy_index`, `theil_index`, … | of benefits ŷ − y + 1 | AIF360 |
//! | `…_difference` of accuracy, roc_auc, rmse, … | largest − smallest | fairlearn |
//! | `bounded_group_loss` | the largest mean squared error of a group | fairlearn |
//!
//! A group below the minimum size is counted and not judged, and a rate that rests on too few of
//! a group's rows is left undefined: fairness judged on a handful of rows is noise. Intervals are
//! of the two groups that are farthest apart, so that they may reach across zero (Wilson's and
//! Newcombe's of shares, else resampled within groups); whether a
//! disparity is chance is asked by a χ² test of all judged groups together (Pearson's for shares,
//! Cochran's Q with resampled variances for the rest). Audits of several columns or classes are
//! judged together ([`judge_together`]), by p-values that Holm's method has corrected.
//!
//! References: Hardt, Price & Srebro, NeurIPS 2016; Weerts et al., "Fairlearn", JMLR 24, 2023;
//! Speicher et al., KDD 2018 (generalised entropy); Uniform Guidelines on Employee Selection
//! Procedures, 29 CFR 1607.4 D (four fifths).
//!
//! Where rows belong together (`units`), whole units are drawn and shares count as many rows as
//! they are worth; see `units`.

mod crossed;
mod definition;
mod disparity;
mod groups;
mod measure;
mod mixture;
mod mover;
mod proxy;
pub mod reduction;
mod sums;
pub mod thresholds;
mod units;
mod verdict;

use modelwright_core::record::{GroupAudit, GroupMeasures, MetricValue};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};

use crate::metric::{check_pair, check_weights};
use crate::resample::{Strata, n_resamples_for, numbered, percentile_interval};

pub use definition::MAIN_DEFINITIONS;
pub use groups::{Grouping, Groups, sensitive_groups};
pub use proxy::proxies;
pub use verdict::judge_together;

use disparity::Spread;
use measure::{Measure, measures_of};
use sums::Rows;
use units::Worth;

/// What [`fairness`] needs.
#[derive(Debug, Clone, Copy)]
pub struct FairnessInput<'a> {
    /// The truth of every row.
    pub truth: &'a Target,
    /// The predictions of the same rows.
    pub predictions: &'a Predictions,
    /// The class that is decided for in every row; of no use for a regression.
    pub decided: &'a [u32],
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The unit of each row, where rows belong together, such as the visits of one patient: they
    /// are no independent witnesses.
    pub units: Option<&'a [u32]>,
    /// The class that counts as positive, and its label.
    pub positive: Option<(u32, &'a str)>,
    /// Groups with fewer rows are not judged; at least 1.
    pub min_group: usize,
    /// Bootstrap resamples wanted; large tables take fewer.
    pub n_resamples: usize,
}

/// The fewest rows that a rate may rest on, unless groups may be smaller still.
const ROWS_OF_A_RATE_MIN: usize = 10;

/// Measures every group and all rows, and judges how far the groups lie apart.
///
/// # Errors
/// Input error when truth, predictions, decisions, weights and groups do not fit each other.
pub fn fairness(input: &FairnessInput<'_>, groups: &Groups, ctx: &Context) -> Result<GroupAudit> {
    check(input, groups)?;
    let rows = Rows::new(input, groups);
    let measures = measures_of(input.truth.task());
    let mut of_data = Measured::of(&rows, measures, input.weights);
    let n_groups = groups.names.len();
    of_data.worth =
        input.units.map(|units| Worth::of(&rows, n_groups, units, measures, input.weights));
    let counts = groups.counts();
    let is_judged: Vec<bool> = counts.iter().map(|n| *n >= input.min_group.max(1)).collect();
    let least = ROWS_OF_A_RATE_MIN.min(input.min_group) as f64;
    let (strata, n_resamples) = drawn_from(input, groups);
    let resampled: Vec<Measured> =
        strata.resample("evaluate/fairness", n_resamples, ctx, |drawn| {
            Measured::of(&rows, measures, Some(drawn))
        });
    let spread = Spread::new(&of_data, &resampled, measures, &is_judged, least);
    let name = |group: usize| groups.names[group].clone();
    let disparities: Vec<_> = (0..measures.len()).map(|m| spread.disparity(m, &name)).collect();
    let definitions = definition::all(&spread, &rows, input.weights, &strata, n_resamples, ctx);
    let place = |group| measured_values(&of_data, &resampled, measures, group, least);
    let of_group = |group: usize| GroupMeasures {
        name: name(group),
        n_rows: counts[group],
        is_judged: is_judged[group],
        measures: if is_judged[group] { place(Some(group)) } else { Vec::new() },
    };
    let mut audit = GroupAudit {
        columns: groups.columns.clone(),
        positive: input.positive.map(|(_, label)| label.to_owned()),
        note: groups.note.clone(),
        overall: place(None),
        groups: (0..groups.names.len()).map(of_group).collect(),
        disparities,
        definitions: definitions.into_iter().map(|d| d.named(&name)).collect(),
        ..GroupAudit::default()
    };
    (audit.judgement, audit.verdict) = verdict::of(&audit, input.min_group);
    Ok(audit)
}

/// What is resampled, and how often: rows within groups, or units whole; one unit cannot be.
fn drawn_from<'a>(input: &FairnessInput<'a>, groups: &Groups) -> (Strata<'a>, usize) {
    let n_resamples = n_resamples_for(input.truth.n_rows(), input.n_resamples);
    let Some(units) = input.units else {
        let strata = Strata::of_groups(&groups.codes, groups.names.len(), input.weights);
        return (strata, n_resamples);
    };
    let (units, n_units) = numbered(units);
    let n_resamples = if n_units < 2 { 0 } else { n_resamples };
    (Strata::clusters(&units, n_units, input.weights), n_resamples)
}

/// The measures of every group, and of all rows, under one weighting.
pub(crate) struct Measured {
    groups: Vec<sums::Sums>,
    all: sums::Sums,
    /// `[group][measure]`.
    values: Vec<Vec<Option<f64>>>,
    overall: Vec<Option<f64>>,
    /// What shares are worth where rows belong together.
    worth: Option<Worth>,
}

impl Measured {
    fn of(rows: &Rows<'_>, measures: &[Measure], weights: Option<&[f64]>) -> Self {
        let groups = rows.sums(weights);
        let all = groups.iter().fold(sums::Sums::default(), sums::Sums::with);
        let value = |m: &Measure, sums: &sums::Sums, group: Option<usize>| match m.of {
            measure::Of::Auc => rows.auc(group, weights),
            _ => m.value(sums),
        };
        let values = groups
            .iter()
            .enumerate()
            .map(|(g, sums)| measures.iter().map(|m| value(m, sums, Some(g))).collect())
            .collect();
        let overall = measures.iter().map(|m| value(m, &all, None)).collect();
        Self { groups, all, values, overall, worth: None }
    }

    fn sums(&self, group: Option<usize>) -> &sums::Sums {
        group.map_or(&self.all, |g| &self.groups[g])
    }

    /// How many independent rows a share is worth, in a group or in all rows.
    fn worth(&self, group: Option<usize>, place: usize, measure: &Measure) -> Option<f64> {
        match &self.worth {
            Some(worth) => worth.rows(group, place),
            None => measure.rows(self.sums(group)),
        }
    }

    fn value(&self, group: Option<usize>, measure: usize) -> Option<f64> {
        group.map_or(self.overall[measure], |g| self.values[g][measure])
    }
}

/// Every measure of a group (or of all rows) with its interval.
fn measured_values(
    of_data: &Measured,
    resampled: &[Measured],
    measures: &[Measure],
    group: Option<usize>,
    least: f64,
) -> Vec<MetricValue> {
    let of_measure = |(m, measure): (usize, &Measure)| {
        let name = measure.name.to_owned();
        let sums = of_data.sums(group);
        if let Some(n) = measure.rows(sums).filter(|n| *n < least) {
            let note = format!("rests on {n:.0} rows only");
            return MetricValue { name, value: None, ci95: None, note: Some(note) };
        }
        let value = of_data.value(group, m);
        let ci95 = match measure.interval(sums, of_data.worth(group, m, measure)) {
            Some(wilson) => Some(wilson),
            // Not even two units have it.
            None if matches!(measure.of, measure::Of::Share(_)) => None,
            None => value.and_then(|_| {
                percentile_interval(resampled.iter().map(|r| r.value(group, m)).collect()).ok()
            }),
        };
        let note = value.is_none().then(|| "undefined on these rows".to_owned());
        MetricValue { name, value, ci95, note }
    };
    measures.iter().enumerate().map(of_measure).collect()
}

fn check(input: &FairnessInput<'_>, groups: &Groups) -> Result<()> {
    check_pair(input.truth, input.predictions)?;
    let n_rows = input.truth.n_rows();
    if let Some(weights) = input.weights {
        check_weights(weights, n_rows)?;
    }
    if let Some(units) = input.units.filter(|units| units.len() != n_rows) {
        return Err(Error::input("every row needs a unit that it belongs to")
            .expected(format!("{n_rows} units"))
            .got(units.len().to_string()));
    }
    let is_class = input.truth.codes().is_some();
    if groups.codes.len() != n_rows || (is_class && input.decided.len() != n_rows) {
        return Err(Error::input("every row needs a group and a decision")
            .expected(format!("{n_rows} of each"))
            .got(format!("{} groups, {} decisions", groups.codes.len(), input.decided.len())));
    }
    if is_class && input.positive.is_none() {
        return Err(Error::input("a class must count as positive"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
