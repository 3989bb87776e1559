//! What a column adds along its values, and which other column changes that most: the dependence
//! plot with its colours, summed up so that no row is shown.
//!
//! Rows of like values (tenths of the column) that get different effects must differ elsewhere. The
//! column whose groups tell most of that variation, for the number of groups, is the one to look
//! at.
//! Reference: Lundberg et al., "From local explanations to global understanding with explainable AI
//! for trees", Nature Machine Intelligence 2, 2020 (dependence plots).

use std::collections::HashMap;

use modelwright_core::data::{Column, ColumnData, short_number_text};
use modelwright_core::record::{DependenceLine, DependencePoint, DependenceRecord};

/// Columns that are looked at as partners, and those whose dependence is kept.
pub(super) const CANDIDATES_MAX: usize = 10;
pub(super) const COLUMNS_MAX: usize = 3;

/// Fewer explained rows say nothing.
const ROWS_MIN: usize = 200;

/// Parts of the column, and groups of its partner.
const PARTS: usize = 10;
const GROUPS: usize = 3;

/// A mean of fewer rows is not shown.
const POINT_ROWS_MIN: usize = 5;

/// Groups that tell less than this are chance, or not worth a colour.
pub(super) const SHARE_MIN: f64 = 0.05;

/// A column that may change what another adds: a group for each row.
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) labels: Vec<String>,
    pub(super) groups: Vec<Option<usize>>,
}

impl Candidate {
    /// The thirds of a number's first `n` rows, or the most frequent texts; `None` with fewer than
    /// two groups.
    pub(super) fn of(column: &Column, n: usize) -> Option<Self> {
        let (labels, groups) = match &column.data {
            ColumnData::Number(values) => thirds(&values.wide_part(0..n))?,
            ColumnData::String { .. } => texts(column, n)?,
            ColumnData::Instant(_) => return None,
        };
        Some(Self { name: column.name.clone(), labels, groups })
    }
}

type Groups = (Vec<String>, Vec<Option<usize>>);

fn thirds(values: &[f64]) -> Option<Groups> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = *sorted.last()?;
    let mut cuts: Vec<f64> = (1..GROUPS).map(|i| sorted[i * (sorted.len() - 1) / GROUPS]).collect();
    cuts.dedup();
    cuts.retain(|cut| *cut < last);
    let text = |v: f64| short_number_text(v);
    let label = |i: usize| match (i.checked_sub(1).map(|i| cuts[i]), cuts.get(i)) {
        (None, Some(b)) => format!("≤ {}", text(*b)),
        (Some(a), Some(b)) => format!("{} to {}", text(a), text(*b)),
        (Some(a), None) => format!("> {}", text(a)),
        (None, None) => String::new(),
    };
    let group = |v: &f64| v.is_finite().then(|| cuts.partition_point(|cut| cut < v));
    let labels = (0..=cuts.len()).map(label).collect();
    (!cuts.is_empty()).then(|| (labels, values.iter().map(group).collect()))
}

fn texts(column: &Column, n: usize) -> Option<Groups> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for text in (0..n).filter_map(|row| column.text(row)) {
        *counts.entry(text).or_default() += 1;
    }
    let mut labels: Vec<(&str, usize)> = counts.into_iter().collect();
    labels.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    labels.truncate(GROUPS);
    let place = |text: &str| labels.iter().position(|(label, _)| *label == text);
    let groups = (0..n).map(|row| column.text(row).and_then(place)).collect();
    let labels: Vec<String> = labels.iter().map(|(label, _)| (*label).to_owned()).collect();
    (labels.len() > 1).then_some((labels, groups))
}

/// The dependence of `effects` on the values of a column; `None` with too few rows or values.
pub(super) fn of(
    column: &str,
    values: &[f64],
    effects: &[f64],
    candidates: &[Candidate],
) -> Option<DependenceRecord> {
    let parts = tenths(values);
    let n_known = parts.iter().flatten().count();
    let n_parts = parts.iter().flatten().max()? + 1;
    if n_known < ROWS_MIN || n_parts < 2 {
        return None;
    }
    let told = |candidate: &Candidate| told(&parts, n_parts, effects, candidate);
    let best = candidates
        .iter()
        .map(|candidate| (candidate, told(candidate)))
        .filter(|(_, share)| *share >= SHARE_MIN)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let line = |label: &str, is_in: &dyn Fn(usize) -> bool| DependenceLine {
        label: label.to_owned(),
        points: means(values, effects, &parts, n_parts, is_in),
    };
    let mut lines = match best {
        None => vec![line("all rows", &|_| true)],
        Some((by, _)) => by
            .labels
            .iter()
            .enumerate()
            .map(|(group, label)| line(label, &|row| by.groups[row] == Some(group)))
            .collect(),
    };
    lines.retain(|line| line.points.len() > 1);
    (!lines.is_empty()).then(|| DependenceRecord {
        column: column.to_owned(),
        by: best.map(|(by, _)| by.name.clone()),
        share: best.map_or(0.0, |(_, share)| share),
        n_rows: n_known,
        lines,
    })
}

/// The tenth that each value is in; fewer parts where values are equal.
fn tenths(values: &[f64]) -> Vec<Option<usize>> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let mut cuts: Vec<f64> =
        (1..PARTS).filter_map(|i| sorted.get(i * last / PARTS).copied()).collect();
    cuts.dedup();
    cuts.retain(|cut| sorted.last().is_some_and(|last| cut < last));
    let part = |v: &f64| v.is_finite().then(|| cuts.partition_point(|cut| cut < v));
    values.iter().map(part).collect()
}

/// The share of the variation within parts that the groups of a candidate tell, corrected for their
/// number as an adjusted R² is.
fn told(parts: &[Option<usize>], n_parts: usize, effects: &[f64], by: &Candidate) -> f64 {
    let n_groups = by.labels.len();
    let mut of_parts = vec![Moments::default(); n_parts];
    let mut of_cells = vec![Moments::default(); n_parts * n_groups];
    for (row, effect) in effects.iter().enumerate() {
        let (Some(part), Some(group)) = (parts[row], by.groups[row]) else { continue };
        of_parts[part].add(*effect);
        of_cells[part * n_groups + group].add(*effect);
    }
    let rest = |all: &[Moments]| {
        let squares: f64 = all.iter().map(Moments::squares).sum();
        let freedom: f64 = all.iter().map(|m| (m.n - 1.0).max(0.0)).sum();
        (squares, freedom)
    };
    let ((whole, n_whole), (within, n_within)) = (rest(&of_parts), rest(&of_cells));
    if !(whole > 0.0 && n_within > 0.0) {
        return 0.0;
    }
    (1.0 - (within / n_within) / (whole / n_whole)).max(0.0)
}

#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    n: f64,
    sum: f64,
    sum_of_squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        self.sum += value;
        self.sum_of_squares += value * value;
    }

    /// About the mean.
    fn squares(&self) -> f64 {
        if self.n > 0.0 {
            (self.sum_of_squares - self.sum * self.sum / self.n).max(0.0)
        } else {
            0.0
        }
    }
}

fn means(
    values: &[f64],
    effects: &[f64],
    parts: &[Option<usize>],
    n_parts: usize,
    is_in: &dyn Fn(usize) -> bool,
) -> Vec<DependencePoint> {
    let mut sums = vec![(0_usize, 0.0, 0.0); n_parts];
    for (row, part) in parts.iter().enumerate().filter(|(row, _)| is_in(*row)) {
        let Some(part) = part else { continue };
        let sum = &mut sums[*part];
        *sum = (sum.0 + 1, sum.1 + values[row], sum.2 + effects[row]);
    }
    let shown = sums.into_iter().filter(|(n, _, _)| *n >= POINT_ROWS_MIN);
    shown
        .map(|(n_rows, value, effect)| {
            let n = n_rows as f64;
            DependencePoint { value: value / n, effect: effect / n, n_rows }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    fn world() -> (Vec<f64>, Column, Column, Vec<f64>) {
        let mut random = Random::new(2);
        let n = 1200;
        let x: Vec<f64> = (0..n).map(|_| random.unit()).collect();
        let kind: Vec<Option<&str>> =
            (0..n).map(|_| Some(["up", "down", "flat"][random.below(3)])).collect();
        let slope = |kind: Option<&str>| match kind {
            Some("up") => 1.0,
            Some("down") => -1.0,
            _ => 0.0,
        };
        let effects = x.iter().zip(&kind).map(|(x, k)| slope(*k) * (x - 0.5)).collect();
        let noise = Column::numbers("noise", (0..n).map(|_| random.normal()).collect::<Vec<f64>>());
        (x, Column::strings("kind", kind), noise, effects)
    }

    #[test]
    fn the_column_that_turns_an_effect_round_is_found_and_has_a_line_for_each_group() {
        let (x, kind, noise, effects) = world();
        let candidates: Vec<Candidate> =
            [&noise, &kind].iter().filter_map(|c| Candidate::of(c, 1200)).collect();
        let found = of("x", &x, &effects, &candidates).unwrap();
        assert_eq!(found.by.as_deref(), Some("kind"));
        assert!(found.share > 0.9, "{}", found.share);
        let line = |label: &str| found.lines.iter().find(|l| l.label == label).unwrap();
        let rise = |label: &str| {
            let points = &line(label).points;
            points.last().unwrap().effect - points[0].effect
        };
        assert!(rise("up") > 0.8 && rise("down") < -0.8 && rise("flat").abs() < 1e-9);
        assert!(line("up").points.windows(2).all(|w| w[0].value < w[1].value));
    }

    #[test]
    fn noise_gets_no_colours_and_few_rows_no_chart() {
        let (x, _, noise, _) = world();
        let mut random = Random::new(5);
        let effects: Vec<f64> = x.iter().map(|x| x + 0.1 * random.normal()).collect();
        let candidates = [Candidate::of(&noise, 1200).unwrap()];
        let found = of("x", &x, &effects, &candidates).unwrap();
        assert_eq!((found.by, found.lines.len()), (None, 1));
        assert!(of("x", &x[..100], &effects[..100], &candidates).is_none());
        assert!(of("x", &vec![1.0; 1200], &effects, &candidates).is_none());
    }

    #[test]
    fn numbers_are_parted_in_thirds_also_where_many_are_equal() {
        let column = Column::numbers("n", vec![0.0, 0.0, 0.0, 0.0, 1.0, f64::NAN]);
        let found = Candidate::of(&column, 6).unwrap();
        assert_eq!(found.labels, ["≤ 0", "> 0"]);
        assert_eq!(found.groups, [Some(0), Some(0), Some(0), Some(0), Some(1), None]);
        assert!(Candidate::of(&Column::numbers("n", vec![2.0; 6]), 6).is_none());
    }
}
