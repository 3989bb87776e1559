//! An explanation summed up for a record: counts and curves, and single rows only on request.

use std::borrow::Cow;

use modelwright_core::data::{Column, ColumnData, MISSING_INSTANT, Table};
use modelwright_core::record::{
    DependenceRecord, EffectRecord, ExamplePart, ExampleRecord, ExplanationRecord,
    ProfilePointRecord, ProfileRecord, SwarmBin,
};

use super::dependence::{self, Candidate};
use super::profile::{ColumnProfile, ProfileKind};
use super::shapley::{Explanation, Reasons};

/// Columns whose swarms are kept.
const SWARMS_MAX: usize = 15;
/// Bins of effects, and of values.
const EFFECT_BINS: f64 = 60.0;
const LEVELS: usize = 5;
/// Parts of an example that are named.
const PARTS_MAX: usize = 6;

/// The summary of an explanation of the rows of `table`, with profiles of columns; `examples` are
/// rows to show with their reasons, each with its name.
pub fn summary(
    explanation: &Explanation,
    table: &Table,
    reasons: &Reasons<'_>,
    profiles: &[ColumnProfile],
    examples: &[(String, usize)],
) -> ExplanationRecord {
    let effects = explanation.effects().into_iter().enumerate();
    let effects = effects.map(|(rank, effect)| {
        let column = explanation.columns.iter().position(|c| *c == effect.column);
        let swarm = match column {
            Some(column) if rank < SWARMS_MAX => {
                swarm(explanation, column, table.column(&effect.column), reasons)
            }
            _ => Vec::new(),
        };
        EffectRecord { column: effect.column, mean_abs: effect.mean_abs, ci95: effect.ci95, swarm }
    });
    ExplanationRecord {
        method: explanation.method.name().to_owned(),
        scale: explanation.scale.name().to_owned(),
        n_rows: explanation.n_rows,
        n_background: explanation.n_background,
        outputs: explanation.outputs.clone(),
        base_values: explanation.base_values.clone(),
        effects: effects.collect(),
        profiles: profiles.iter().map(profile).collect(),
        n_untimely: None,
        dependences: dependences(explanation, table, reasons),
        responses: Vec::new(),
        surrogate: None,
        examples: examples
            .iter()
            .map(|(label, row)| example(explanation, reasons, label, *row))
            .collect(),
    }
}

/// The rows with the highest and lowest prediction of the last output and three between them, with
/// names; fewer if there are fewer rows.
pub fn five_examples(explanation: &Explanation) -> Vec<(String, usize)> {
    let output = explanation.outputs.len() - 1;
    let mut order: Vec<usize> = (0..explanation.n_rows).collect();
    order.sort_by(|a, b| {
        let of = |row: usize| explanation.prediction(row, output);
        of(*b).total_cmp(&of(*a)).then(a.cmp(b))
    });
    let last = order.len().saturating_sub(1);
    let names = ["the highest", "a high", "a middle", "a low", "the lowest"];
    let mut examples: Vec<(String, usize)> = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        let Some(row) = order.get(last * i / 4) else { continue };
        if examples.iter().all(|(_, r)| r != row) {
            examples.push((format!("{name} prediction"), *row));
        }
    }
    examples
}

/// What the first columns of numbers add along their values.
fn dependences(
    explanation: &Explanation,
    table: &Table,
    reasons: &Reasons<'_>,
) -> Vec<DependenceRecord> {
    let n = explanation.n_rows;
    let effects = explanation.effects();
    let first: Vec<&Column> = effects
        .iter()
        .filter_map(|effect| table.column(&effect.column))
        .take(dependence::CANDIDATES_MAX)
        .collect();
    let numbers = first.iter().filter_map(|column| match &column.data {
        ColumnData::Number(values) => Some((*column, values.wide_part(0..n))),
        _ => None,
    });
    let of = |(column, values): (&Column, Cow<'_, [f64]>)| {
        let place = explanation.columns.iter().position(|c| *c == column.name)?;
        let of_row = |row: usize| explanation.value(row, place, reasons.main_output(row));
        let effects: Vec<f64> = (0..n).map(of_row).collect();
        let others = first.iter().filter(|other| other.name != column.name);
        let candidates: Vec<Candidate> =
            others.filter_map(|other| Candidate::of(other, n)).collect();
        dependence::of(&column.name, &values, &effects, &candidates)
    };
    numbers.filter_map(of).take(dependence::COLUMNS_MAX).collect()
}

fn swarm(
    explanation: &Explanation,
    column: usize,
    values: Option<&Column>,
    reasons: &Reasons<'_>,
) -> Vec<SwarmBin> {
    let n = explanation.n_rows;
    let effect = |row: usize| explanation.value(row, column, reasons.main_output(row));
    let effects: Vec<f64> = (0..n).map(effect).collect();
    let largest = effects.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    if largest == 0.0 {
        return vec![SwarmBin { effect: 0.0, level: None, n_rows: n }];
    }
    let width = 2.0 * largest / EFFECT_BINS;
    let levels = values.map_or_else(|| vec![None; n], |values| levels(values, n));
    let mut bins = std::collections::BTreeMap::new();
    for (effect, level) in effects.iter().zip(levels) {
        let bin = ((effect + largest) / width).floor().min(EFFECT_BINS - 1.0) as i64;
        *bins.entry((bin, level)).or_insert(0) += 1;
    }
    let of = |((bin, level), n_rows): ((i64, Option<u8>), usize)| {
        let effect = (bin as f64 + 0.5) * width - largest;
        SwarmBin { effect, level, n_rows }
    };
    bins.into_iter().map(of).collect()
}

/// The fifth in which each number or date of the first `n` rows lies.
fn levels(column: &Column, n: usize) -> Vec<Option<u8>> {
    let numbers: Vec<f64> = match &column.data {
        ColumnData::Number(values) => values.wide_part(0..n).into_owned(),
        ColumnData::Instant(values) => {
            let number = |v: &i64| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 };
            values[..n].iter().map(number).collect()
        }
        ColumnData::String { .. } => return vec![None; n],
    };
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let level = |v: &f64| {
        let below = sorted.partition_point(|s| s < v);
        let up_to = sorted.partition_point(|s| s <= v);
        let share = (below + up_to) as f64 / (2 * sorted.len()).max(1) as f64;
        (!v.is_nan()).then_some(((share * LEVELS as f64) as usize).min(LEVELS - 1) as u8)
    };
    numbers.iter().map(level).collect()
}

fn profile(profile: &ColumnProfile) -> ProfileRecord {
    let spread = |k: usize| {
        let of = profile.points.iter().map(|p| p.effects[k]);
        let (low, high) =
            of.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        high - low
    };
    let n = profile.outputs.len();
    let output = (0..n).fold(0, |a, b| if spread(b) > spread(a) { b } else { a });
    ProfileRecord {
        column: profile.column.clone(),
        method: match profile.kind {
            ProfileKind::Ale => "ale".to_owned(),
            ProfileKind::PartialDependence => "partial_dependence".to_owned(),
        },
        output: profile.outputs[output].clone(),
        n_rows: profile.n_rows,
        is_instant: profile.is_instant,
        points: profile
            .points
            .iter()
            .map(|p| ProfilePointRecord {
                value: p.value.clone(),
                number: p.number,
                n_rows: p.n_rows,
                effect: p.effects[output],
                half_width: p.half_widths[output],
            })
            .collect(),
    }
}

fn example(
    explanation: &Explanation,
    reasons: &Reasons<'_>,
    label: &str,
    row: usize,
) -> ExampleRecord {
    let output = reasons.main_output(row);
    let named = reasons.of(row, output, PARTS_MAX);
    let (prediction, base_value) =
        (explanation.prediction(row, output), explanation.base_values[output]);
    let others = prediction - base_value - named.iter().map(|r| r.effect).sum::<f64>();
    let part = |reason: super::shapley::Reason| ExamplePart {
        column: reason.column,
        value: reason.value,
        effect: reason.effect,
        standard_error: reason.standard_error,
        text: reason.text,
    };
    ExampleRecord {
        label: label.to_owned(),
        output: explanation.outputs[output].clone(),
        prediction,
        base_value,
        parts: named.into_iter().map(part).collect(),
        others,
    }
}
