//! How far are rows from anything that was learned from? The distance to the nearest training row
//! as a score of being out of distribution, whether it tells mistakes, and training rows that are
//! nearly or wholly the same, with other answers too.
//!
//! The distance is Gower's: the mean over the raw columns that the predictor reads of how different
//! two values are, from 0 to 1. Numbers and dates differ by the share of training rows between them
//! (their ranks, so that no unit and no outlier counts), categories wholly or not at all, a missing
//! value from a known one wholly; free text is left out. The model file holds no rows: this is for
//! where the training rows are at hand, as in `fit`.
//!
//! References: Gower, Biometrics 27, 1971; Sun, Ming, Zhu & Li, "Out-of-distribution detection with
//! deep nearest neighbors", ICML 2022 (the distance as a score).

use std::collections::HashMap;

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Kind, MISSING_INSTANT, Table};
use modelwright_core::record::{DistanceBand, FamiliarityRecord};
use modelwright_core::task::Target;
use modelwright_evaluate::compare::{Parted, welch_of_rows};
use modelwright_preprocess::profile::row_hashes;

use crate::predictor::Predictor;

/// Rows whose nearest one is looked for, and training rows that it may be, at most.
const ROWS_MAX: usize = 500;
const TRAINING_MAX: usize = 4_000;

/// Comparisons of two values, about; beyond, fewer training rows are compared with.
const COMPARISONS_MAX: usize = 100_000_000;

/// Fewer rows say nothing.
const ROWS_MIN: usize = 50;

/// Rows no farther apart are nearly the same.
const NEAR: f64 = 0.01;

/// Parts of the rows by distance.
const BANDS: usize = 5;

/// The rows that are asked about, and those that were learned from.
pub(crate) struct FamiliarInput<'a> {
    /// `holdout`, or the name of the file.
    pub on: &'a str,
    pub rows: &'a Table,
    pub training: &'a Table,
    /// The training rows' answers.
    pub target: &'a Target,
    /// What a loss is, and that of each of `rows`.
    pub loss: &'static str,
    pub losses: &'a [f64],
    pub weights: Option<&'a [f64]>,
    /// The group of each of `rows`, where rows of a group belong together.
    pub groups: Option<&'a [u32]>,
}

/// Looks for the nearest training row of a sample of rows; `None` with too few rows, and with no
/// column to compare by or so many that too few rows could be compared.
pub(crate) fn familiarity(
    predictor: &Predictor,
    input: &FamiliarInput<'_>,
    ctx: &Context,
) -> Option<FamiliarityRecord> {
    if input.rows.n_rows() < ROWS_MIN || input.training.n_rows() < ROWS_MIN {
        return None;
    }
    let chosen = ctx.random("familiarity/rows", 0).sample(input.rows.n_rows(), ROWS_MAX);
    let names = compared(predictor, input);
    if names.is_empty() {
        return None;
    }
    let n_training = TRAINING_MAX.min(COMPARISONS_MAX / (2 * ROWS_MAX * names.len()));
    if n_training < ROWS_MIN {
        return None;
    }
    let known = ctx.random("familiarity/training", 0).sample(input.training.n_rows(), n_training);
    let (rows, training) = (input.rows.select(&chosen), input.training.select(&known));
    let space = Space::of(&training, &names);
    let points = space.points(&rows);
    let own = space.points(&training);
    let distances = ctx.map(points.len(), |i| nearest(&points[i], &own, None));
    let n_looked_at = own.len().min(ROWS_MAX);
    // The sample comes in the order of the file: every so-manieth is as good as drawn again.
    let looked_at = |i: usize| i * own.len() / n_looked_at;
    let between = ctx.map(n_looked_at, |i| nearest(&own[looked_at(i)], &own, Some(looked_at(i))));
    let n_near = between.iter().filter(|d| **d <= NEAR).count();
    let far = quantile(&between, 0.99);
    let (bands, p_value) = by_distance(&distances, &chosen, input);
    let all: Vec<&str> = names.iter().map(|c| c.name).collect();
    let (n_same, n_conflicting) = repeats(input, &all, ctx);
    Some(FamiliarityRecord {
        on: input.on.to_owned(),
        n_rows: distances.len(),
        n_training: own.len(),
        n_columns: names.len(),
        median: quantile(&distances, 0.5),
        p90: quantile(&distances, 0.9),
        p99: quantile(&distances, 0.99),
        far,
        n_far: distances.iter().filter(|d| **d > far).count(),
        loss: input.loss.to_owned(),
        bands,
        p_value,
        n_looked_at,
        n_near,
        n_train: input.training.n_rows(),
        n_same,
        n_conflicting,
    })
}

/// The columns that rows are compared by.
fn compared<'a>(predictor: &'a Predictor, input: &FamiliarInput<'_>) -> Vec<Compared<'a>> {
    let of = |name: &'a str| {
        let kind = predictor.schema.field(name)?.kind;
        let is_there = input.rows.column(name).is_some() && input.training.column(name).is_some();
        let is_ranked = matches!(kind, Kind::Number | Kind::Datetime);
        (is_there && kind.is_usable() && kind != Kind::Text).then_some(Compared { name, is_ranked })
    };
    predictor.feature_columns().filter_map(of).collect()
}

/// A column that rows are compared by.
#[derive(Debug, Clone, Copy)]
struct Compared<'a> {
    name: &'a str,
    /// Whether its order means something.
    is_ranked: bool,
}

/// What values of a column are as numbers whose distance is how different they are.
enum Axis {
    /// Sorted values: a number is the share of them that are smaller.
    Ranks(Vec<f64>),
    /// A category is the number of its text.
    Texts(HashMap<String, usize>),
}

/// The columns by which rows are compared.
struct Space<'a> {
    axes: Vec<(&'a str, Axis)>,
}

impl<'a> Space<'a> {
    fn of(training: &Table, names: &[Compared<'a>]) -> Self {
        let axis = |column: &Column, is_ranked| {
            if let Some(mut values) = values(column).filter(|_| is_ranked) {
                values.retain(|v| !v.is_nan());
                values.sort_by(f64::total_cmp);
                return Axis::Ranks(values);
            }
            let mut texts = HashMap::new();
            for text in (0..column.n_rows()).filter_map(|row| column.display(row)) {
                let next = texts.len();
                texts.entry(text).or_insert(next);
            }
            Axis::Texts(texts)
        };
        let of = |c: &Compared<'a>| Some((c.name, axis(training.column(c.name)?, c.is_ranked)));
        Self { axes: names.iter().filter_map(of).collect() }
    }

    /// The rows as points: ranks from 0 to 1, texts as 2, 4, …, NaN where missing.
    fn points(&self, table: &Table) -> Vec<Vec<f32>> {
        let mut points = vec![Vec::with_capacity(self.axes.len()); table.n_rows()];
        for (name, axis) in &self.axes {
            let column = table.column(name);
            let numbers = column.and_then(values);
            for (row, point) in points.iter_mut().enumerate() {
                point.push(match (axis, column) {
                    (Axis::Ranks(sorted), _) => {
                        let value = numbers.as_ref().map_or(f64::NAN, |values| values[row]);
                        rank(sorted, value) as f32
                    }
                    (Axis::Texts(texts), Some(column)) => match column.display(row) {
                        None => f32::NAN,
                        // A text that no training row has is unlike all of them.
                        Some(text) => {
                            2.0 + 2.0 * texts.get(&text).copied().unwrap_or(texts.len()) as f32
                        }
                    },
                    (Axis::Texts(_), None) => f32::NAN,
                });
            }
        }
        points
    }
}

/// Numbers and dates as numbers; `None` of texts.
fn values(column: &Column) -> Option<Vec<f64>> {
    match &column.data {
        ColumnData::Number(values) => Some(values.to_vec()),
        ColumnData::Instant(values) => {
            let number = |v: &i64| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 };
            Some(values.iter().map(number).collect())
        }
        ColumnData::String { .. } => None,
    }
}

/// The share of sorted values below, ties counting half.
fn rank(sorted: &[f64], value: f64) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    let below = sorted.partition_point(|v| *v < value);
    let up_to = sorted.partition_point(|v| *v <= value);
    (below + up_to) as f64 / (2 * sorted.len()).max(1) as f64
}

/// The smallest distance of a point to others, but for the one at `except`.
fn nearest(point: &[f32], others: &[Vec<f32>], except: Option<usize>) -> f64 {
    let n = point.len() as f32;
    let mut best = n;
    for (_, other) in others.iter().enumerate().filter(|(i, _)| Some(*i) != except) {
        let mut sum = 0.0;
        for (a, b) in point.iter().zip(other) {
            sum += match (a.is_nan(), b.is_nan()) {
                (true, true) => 0.0,
                (false, false) => (a - b).abs().min(1.0),
                _ => 1.0,
            };
            if sum >= best {
                break;
            }
        }
        best = best.min(sum);
    }
    f64::from(best / n)
}

/// Parts of equal size by distance with their mean losses, and whether the farthest is worse.
fn by_distance(
    distances: &[f64],
    chosen: &[u32],
    input: &FamiliarInput<'_>,
) -> (Vec<DistanceBand>, Option<f64>) {
    let mut order: Vec<usize> = (0..distances.len()).collect();
    order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b)));
    let n = order.len();
    let losses: Vec<f64> = chosen.iter().map(|row| input.losses[*row as usize]).collect();
    let weights: Option<Vec<f64>> =
        input.weights.map(|w| chosen.iter().map(|row| w[*row as usize]).collect());
    let groups: Option<Vec<u32>> =
        input.groups.map(|g| chosen.iter().map(|row| g[*row as usize]).collect());
    let weight = |place: usize| weights.as_ref().map_or(1.0, |w| w[place]);
    let band = |i: usize| {
        let places = &order[i * n / BANDS..(i + 1) * n / BANDS];
        let total: f64 = places.iter().map(|p| weight(*p)).sum();
        let sum: f64 = places.iter().map(|p| weight(*p) * losses[*p]).sum();
        DistanceBand {
            from: distances[places[0]],
            to: distances[places[places.len() - 1]],
            n_rows: places.len(),
            mean_loss: if total > 0.0 { sum / total } else { 0.0 },
        }
    };
    let mut is_first = vec![false; n];
    order[(BANDS - 1) * n / BANDS..].iter().for_each(|place| is_first[*place] = true);
    let parted = Parted {
        values: &losses,
        is_first: &is_first,
        weights: weights.as_deref(),
        groups: groups.as_deref(),
    };
    ((0..BANDS).map(band).collect(), welch_of_rows(&parted).map(|w| w.p_greater))
}

/// Training rows with the values of another one in all compared columns, and those of them whose
/// answer is not the one that most of these rows have.
fn repeats(input: &FamiliarInput<'_>, names: &[&str], ctx: &Context) -> (usize, usize) {
    let hashes = row_hashes(input.training, names, ctx);
    let mut rows: Vec<usize> = (0..hashes.len()).collect();
    rows.sort_by_key(|row| (hashes[*row], *row));
    let (mut n_same, mut n_conflicting) = (0, 0);
    for same in rows.chunk_by(|a, b| hashes[*a] == hashes[*b]).filter(|same| same.len() > 1) {
        n_same += same.len();
        let mut answers: Vec<u64> = same
            .iter()
            .map(|row| match input.target {
                Target::Class { codes, .. } => u64::from(codes[*row]),
                Target::Real(values) => (values[*row] + 0.0).to_bits(),
            })
            .collect();
        answers.sort_unstable();
        let most = answers.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
        n_conflicting += same.len() - most;
    }
    (n_same, n_conflicting)
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((share * last as f64).ceil() as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(n: usize, shift: f64) -> Table {
        let numbers = (0..n).map(|i| i as f64 + shift).collect::<Vec<f64>>();
        let sides = ["left", "right"];
        let texts: Vec<Option<&str>> = (0..n).map(|i| Some(sides[i % 2])).collect();
        Table::new(vec![Column::numbers("x", numbers), Column::strings("side", texts)]).unwrap()
    }

    #[test]
    fn a_row_that_was_learned_from_is_near_and_one_of_unknown_values_far() {
        let training = table(200, 0.0);
        let compared = [("x", true), ("side", false)];
        let space =
            Space::of(&training, &compared.map(|(name, is_ranked)| Compared { name, is_ranked }));
        let own = space.points(&training);
        assert_eq!(nearest(&own[7], &own, None), 0.0);
        // The next one on the same side lies two ranks of two hundred away, over two columns.
        assert!((nearest(&own[7], &own, Some(7)) - 0.005).abs() < 1e-6);
        let strange = Table::new(vec![
            Column::numbers("x", vec![1e9, f64::NAN]),
            Column::strings("side", vec![Some("above"), None]),
        ])
        .unwrap();
        let points = space.points(&strange);
        assert!(nearest(&points[0], &own, None) >= 0.5);
        assert_eq!(nearest(&points[1], &own, None), 1.0, "nothing is known of it");
    }

    #[test]
    fn rows_far_from_all_others_that_are_predicted_worse_are_found_so() {
        let training = table(300, 0.0);
        let rows = table(100, 0.0);
        let distances: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
        let losses: Vec<f64> = (0..100).map(|i| f64::from(i % 3) + f64::from(i / 80)).collect();
        let chosen: Vec<u32> = (0..100).collect();
        let target = Target::Real(vec![0.0; 300]);
        let input = FamiliarInput {
            on: "holdout",
            rows: &rows,
            training: &training,
            target: &target,
            loss: "absolute error",
            losses: &losses,
            weights: None,
            groups: None,
        };
        let (bands, p) = by_distance(&distances, &chosen, &input);
        assert_eq!(bands.len(), 5);
        assert!(bands[4].mean_loss > bands[0].mean_loss + 0.8 && p.unwrap() < 0.01, "{bands:?}");
        assert_eq!((bands[0].from, bands[4].to), (0.0, 0.99));
    }

    #[test]
    fn equal_rows_with_other_answers_contradict_each_other() {
        let texts = ["a", "a", "a", "b", "b", "c"].map(Some);
        let training = Table::new(vec![Column::strings("side", texts.to_vec())]).unwrap();
        let target = Target::Class { codes: vec![0, 0, 1, 1, 1, 0], n_classes: 2 };
        let input = FamiliarInput {
            on: "holdout",
            rows: &training,
            training: &training,
            target: &target,
            loss: "error rate",
            losses: &[0.0; 6],
            weights: None,
            groups: None,
        };
        assert_eq!(repeats(&input, &["side"], &Context::unlimited(1, 1)), (5, 1));
    }
}
