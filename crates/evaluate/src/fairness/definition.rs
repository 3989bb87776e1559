//! The definitions of fairness: how each comes from the groups that are farthest apart.

use modelwright_core::Context;
use modelwright_core::record::Disparity;

use super::disparity::{Extremes, Spread, ratio};
use super::sums::{Rows, Sums};
use crate::resample::{Strata, percentile_interval};

/// The definitions that people are shown first; a record has more.
pub const MAIN_DEFINITIONS: [&str; 13] = [
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "predictive_parity_difference",
    "accuracy_difference",
    "roc_auc_difference",
    "calibration_within_groups",
    "mean_residual_difference",
    "rmse_difference",
    "rmse_ratio",
    "bounded_group_loss",
];

/// A definition and what it looks at.
struct Definition {
    name: &'static str,
    measures: &'static [&'static str],
    rule: Rule,
}

/// How a definition comes from the extremes of its measures.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// The largest difference of its measures.
    Difference,
    /// Their mean difference.
    MeanDifference,
    /// The smallest ratio.
    Ratio,
    /// Their mean ratio.
    MeanRatio,
    /// The largest value of a group.
    Largest,
}

const fn definition(
    name: &'static str,
    measures: &'static [&'static str],
    rule: Rule,
) -> Definition {
    Definition { name, measures, rule }
}

const ODDS: &[&str] = &["true_positive_rate", "false_positive_rate"];

/// In the order in which they are shown; those whose measures the task lacks are left out.
const DEFINITIONS: &[Definition] = &[
    definition("demographic_parity_difference", &["selection_rate"], Rule::Difference),
    definition("demographic_parity_ratio", &["selection_rate"], Rule::Ratio),
    definition("equal_opportunity_difference", &["true_positive_rate"], Rule::Difference),
    definition("equal_opportunity_ratio", &["true_positive_rate"], Rule::Ratio),
    definition("equalized_odds_difference", ODDS, Rule::Difference),
    definition("equalized_odds_ratio", ODDS, Rule::Ratio),
    definition("equalized_odds_difference_mean", ODDS, Rule::MeanDifference),
    definition("equalized_odds_ratio_mean", ODDS, Rule::MeanRatio),
    definition("predictive_parity_difference", &["precision"], Rule::Difference),
    definition("predictive_parity_ratio", &["precision"], Rule::Ratio),
    definition("false_omission_rate_difference", &["false_omission_rate"], Rule::Difference),
    definition("treatment_equality_difference", &["treatment_equality"], Rule::Difference),
    definition("accuracy_difference", &["accuracy"], Rule::Difference),
    definition("roc_auc_difference", &["roc_auc"], Rule::Difference),
    definition("calibration_within_groups", &["expected_calibration_error"], Rule::Largest),
    definition("mean_residual_difference", &["mean_residual"], Rule::Difference),
    definition("rmse_difference", &["rmse"], Rule::Difference),
    definition("rmse_ratio", &["rmse"], Rule::Ratio),
    definition("mae_difference", &["mae"], Rule::Difference),
    definition("mean_prediction_difference", &["mean_prediction"], Rule::Difference),
    definition("bounded_group_loss", &["mse"], Rule::Largest),
];

/// The measures of a definition whose p-value asks whether they are alike in all groups; none of
/// others.
pub(super) fn measures_behind(definition: &str) -> &'static [&'static str] {
    let of = |d: &&Definition| d.name == definition && d.rule != Rule::Largest;
    DEFINITIONS.iter().find(of).map_or(&[], |d| d.measures)
}

/// A definition's value, with groups by their numbers.
pub(super) struct Defined {
    disparity: Disparity,
    lowest: Option<usize>,
    highest: Option<usize>,
}

impl Defined {
    /// With the groups' names; none where all groups are alike, which lie between no two of them.
    pub(super) fn named(self, name: &impl Fn(usize) -> String) -> Disparity {
        let is_pair = self.lowest != self.highest;
        Disparity {
            lowest: self.lowest.filter(|_| is_pair).map(name),
            highest: self.highest.filter(|_| is_pair).map(name),
            ..self.disparity
        }
    }
}

/// Every definition that the measures allow.
pub(super) fn all(
    spread: &Spread<'_>,
    rows: &Rows<'_>,
    weights: Option<&[f64]>,
    strata: &Strata<'_>,
    n_resamples: usize,
    ctx: &Context,
) -> Vec<Defined> {
    let mut all: Vec<Defined> = Vec::new();
    for definition in DEFINITIONS {
        let places: Option<Vec<usize>> =
            definition.measures.iter().map(|name| spread.place(name)).collect();
        all.extend(places.map(|places| of_extremes(definition, &places, spread)));
    }
    all.extend(average_odds(spread));
    if spread.place("selection_rate").is_some() {
        all.extend(entropies(rows, weights, strata, n_resamples, ctx));
    }
    all
}

fn of_extremes(definition: &Definition, places: &[usize], spread: &Spread<'_>) -> Defined {
    let empty = || Defined {
        disparity: Disparity {
            name: definition.name.to_owned(),
            note: places.iter().find_map(|m| spread.withheld(*m)),
            ..Disparity::default()
        },
        lowest: None,
        highest: None,
    };
    let extremes: Option<Vec<Extremes>> = places.iter().map(|m| spread.extremes(*m)).collect();
    let Some(extremes) = extremes else { return empty() };
    let rule = definition.rule;
    let of_pair = |low: f64, high: f64| match rule {
        Rule::Difference | Rule::MeanDifference => Some(high - low),
        Rule::Ratio | Rule::MeanRatio => ratio(low, high),
        Rule::Largest => Some(high),
    };
    let values: Option<Vec<f64>> = extremes.iter().map(|e| of_pair(e.low, e.high)).collect();
    let Some(values) = values else {
        let mut without = empty();
        let is_nothing = |e: &&Extremes| of_pair(e.low, e.high).is_none() && e.high == 0.0;
        without.disparity.note = extremes.iter().find(is_nothing).map(|e| {
            let name = spread.measures[e.measure].name;
            format!("{name} is 0 in every group, and a share of 0 is no number")
        });
        return without;
    };
    // Which measure speaks: the worst; of a mean the first is named, and both count.
    let is_worse = |a: f64, b: f64| if rule == Rule::Ratio { a < b } else { a > b };
    let worst =
        (1..values.len()).fold(0, |w, i| if is_worse(values[i], values[w]) { i } else { w });
    let is_mean = matches!(rule, Rule::MeanDifference | Rule::MeanRatio);
    let n = values.len() as f64;
    let value = if is_mean { values.iter().sum::<f64>() / n } else { values[worst] };
    let ci95 = match rule {
        Rule::Difference => spread.difference_interval(&extremes[worst]),
        Rule::Ratio => spread.ratio_interval(&extremes[worst]),
        Rule::MeanDifference | Rule::MeanRatio | Rule::Largest => spread.interval(|pair| {
            let of = |e: &Extremes| pair(e).and_then(|(low, high)| of_pair(low, high));
            let values: Option<Vec<f64>> = extremes.iter().map(of).collect();
            values.map(|v| v.iter().sum::<f64>() / n)
        }),
    };
    // The measures rest on different rows, so that their tests are independent (Šidák).
    let least = extremes.iter().filter_map(|e| e.p_value).fold(f64::INFINITY, f64::min);
    let p_value = (rule != Rule::Largest && least <= 1.0)
        .then(|| if extremes.len() == 1 { least } else { -(n * (-least).ln_1p()).exp_m1() });
    Defined {
        disparity: Disparity {
            name: definition.name.to_owned(),
            value: Some(value),
            ci95,
            p_value,
            ..Disparity::default()
        },
        lowest: Some(extremes[worst].lowest),
        highest: Some(extremes[worst].highest),
    }
}

/// AIF360's average odds difference, of the group that is selected least less the one that is
/// selected most.
fn average_odds(spread: &Spread<'_>) -> Option<Defined> {
    let rates: Option<Vec<usize>> = ODDS.iter().map(|name| spread.place(name)).collect();
    let (rates, selected) = (rates?, spread.extremes(spread.place("selection_rate")?));
    let name = "average_odds_difference".to_owned();
    let mut defined = Defined {
        disparity: Disparity { name, ..Disparity::default() },
        lowest: selected.map(|e| e.lowest),
        highest: selected.map(|e| e.highest),
    };
    let Some(selected) = selected else { return Some(defined) };
    let is_judged = |m: &usize| {
        let judged = spread.judged(*m);
        [selected.lowest, selected.highest].iter().all(|g| judged.iter().any(|(j, _)| j == g))
    };
    if !rates.iter().all(is_judged) {
        return Some(defined);
    }
    let half = |pair: &dyn Fn(&Extremes) -> Option<(f64, f64)>| {
        let gap = |m: usize| pair(&Extremes { measure: m, ..selected }).map(|(a, b)| a - b);
        Some(0.5 * (gap(rates[0])? + gap(rates[1])?))
    };
    let of_data = |e: &Extremes| {
        let judged = spread.judged(e.measure);
        let of = |g: usize| judged.iter().find(|(j, _)| *j == g).map(|(_, v)| *v);
        Some((of(e.lowest)?, of(e.highest)?))
    };
    defined.disparity.value = half(&of_data);
    defined.disparity.ci95 = spread.interval(half);
    Some(defined)
}

/// Inequality of benefits among all rows, and between the groups.
fn entropies(
    rows: &Rows<'_>,
    weights: Option<&[f64]>,
    strata: &Strata<'_>,
    n_resamples: usize,
    ctx: &Context,
) -> Vec<Defined> {
    const NAMES: [&str; 3] =
        ["generalized_entropy_index", "theil_index", "between_group_generalized_entropy_index"];
    let of_data = entropy_values(&rows.sums(weights));
    let resampled = strata.resample("evaluate/fairness", n_resamples, ctx, |drawn| {
        entropy_values(&rows.sums(Some(drawn)))
    });
    let of = |(i, name): (usize, &str)| Defined {
        disparity: Disparity {
            name: name.to_owned(),
            value: of_data[i],
            ci95: percentile_interval(resampled.iter().map(|r| r[i]).collect()).ok(),
            ..Disparity::default()
        },
        lowest: None,
        highest: None,
    };
    NAMES.into_iter().enumerate().map(of).collect()
}

/// Generalised entropy with α = 2, Theil's index (α = 1), and the former between groups. A row's
/// benefit is 0 when it is wrongly rejected, 2 when wrongly selected, else 1.
fn entropy_values(groups: &[Sums]) -> [Option<f64>; 3] {
    let all = groups.iter().fold(Sums::default(), Sums::with);
    let benefit = |s: &Sums| (s.weight + s.false_positive - s.false_negative) / s.weight;
    let mean = benefit(&all);
    if !(all.weight > 0.0 && mean > 0.0) {
        return [None; 3];
    }
    let right = all.true_positive + all.true_negative;
    let square = (right + 4.0 * all.false_positive) / all.weight / (mean * mean);
    let theil = |b: f64| b / mean * (b / mean).ln();
    let theil = (right * theil(1.0) + all.false_positive * theil(2.0)) / all.weight;
    let between = groups
        .iter()
        .filter(|g| g.weight > 0.0)
        .map(|g| g.weight * (benefit(g) / mean).powi(2))
        .sum::<f64>()
        / all.weight;
    [Some((square - 1.0) / 2.0), Some(theil), Some((between - 1.0) / 2.0)]
}
