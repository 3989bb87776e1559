//! K-nearest neighbours: the rows of training that are most alike vote.
//!
//! Nothing is learned; a prediction compares the row with every training row (at most `max_rows`
//! are kept) and takes the mean, or the shares of the classes, of the nearest. Features count as
//! they come: numbers should be scaled to about unit spread and categories one-hot, as the encoding
//! `linear` does it, where two levels are as far apart as two numbers that differ by √2 deviations.
//!
//! A row of weight `w` counts as `w` equal rows: neighbours are taken, nearest first and ties in
//! row order, until their weights sum to `n_neighbors`, and the last counts in part. Weights should
//! therefore be about 1 on average.
//!
//! Cost of a prediction: `training rows · features`, by [`modelwright_kernels::distance`]; memory
//! and the stored model: four bytes for each of them. Not where many features say nothing: they
//! drown those that do.
//!
//! | file | part |
//! |---|---|
//! | `nearest` | the nearest rows of many queries |
//! | `model` | what is kept, votes, prediction |
//!
//! Reference: Hastie, Tibshirani & Friedman, *The Elements of Statistical Learning*, §13.3.

mod model;
mod nearest;
#[cfg(test)]
mod tests;

use modelwright_core::data::TrainView;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};

pub use self::model::{KnnModel, Metric, Targets};
use self::nearest::Blocks;
use crate::learner::{Abilities, Learner, LearnerSpec};

/// The number of neighbours, when it is not given: this power of the rows …
const POWER: f64 = 0.4;
/// … within these bounds.
const NEIGHBOURS: (f64, f64) = (5.0, 100.0);

/// A smaller weight is none, and a larger one no number to divide by.
const WEIGHTS: std::ops::RangeInclusive<f64> = 1e-100..=1e100;

/// Larger targets are refused: their mean could overflow.
const LARGEST_TARGET: f64 = 1e300;

/// K-nearest neighbours.
#[derive(Debug)]
pub struct Knn;

modelwright_core::declare_params! {
    /// Parameters of [`Knn`], in scikit-learn's words.
    pub struct KnnParams {
        /// How many neighbours vote; 0 chooses by rows.
        n_neighbors: usize = 0_usize, Domain::int(0, 10_000);
        /// Whether neighbours count alike, or by the inverse of their distance.
        weights: String = "distance", Domain::Choice(&["uniform", "distance"]);
        /// How far apart two rows are: root of the squared, or sum of the absolute differences.
        metric: String = "euclidean", Domain::Choice(&["euclidean", "manhattan"]);
        /// Votes that are shared out as the classes are in training, so that none has no chance.
        smoothing: f64 = 1.0, Domain::real(0.0, 1000.0);
        /// At most this many training rows are kept; of more, so many are drawn.
        max_rows: usize = 50_000_usize, Domain::int(1, 10_000_000);
    }
}

impl Learner for Knn {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "knn",
        title: "K-nearest neighbours",
        text: "Lets the training rows that are most alike vote.",
        reference: "Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 13.3",
        tasks: &Task::ALL,
        abilities: Abilities {
            weights: true,
            missing: false,
            bins: false,
            sparse: false,
            early_stopping: false,
            out_of_bag: false,
        },
        rounds_param: None,
    };
    type Params = KnnParams;
    type Model = KnnModel;

    fn fit(train: &TrainView<'_>, params: &Checked<KnnParams>, ctx: &Context) -> Result<KnnModel> {
        let rows = kept_rows(train, params.max_rows, ctx)?;
        let weights: Vec<f64> = rows.iter().map(|row| train.weight(*row)).collect();
        let total: f64 = weights.iter().sum();
        let automatic = total.powf(POWER).round().clamp(NEIGHBOURS.0, NEIGHBOURS.1);
        let given = params.n_neighbors as f64;
        Ok(KnnModel {
            blocks: Blocks::new(train.features, &rows)?,
            targets: targets(train, &rows)?,
            shares: shares(train, &rows, total),
            weights: if weights.iter().all(|w| *w == 1.0) { Vec::new() } else { weights },
            n_neighbors: if given > 0.0 { given } else { automatic },
            by_distance: params.weights == "distance",
            metric: match params.metric.as_str() {
                "manhattan" => Metric::Manhattan,
                _ => Metric::Euclidean,
            },
            smoothing: params.smoothing,
        })
    }
}

/// The rows that have a weight, or so many of them as may be kept, ascending.
fn kept_rows(train: &TrainView<'_>, most: usize, ctx: &Context) -> Result<Vec<u32>> {
    let usable = |row: &u32| (0.0..=*WEIGHTS.end()).contains(&train.weight(*row));
    if let Some(row) = train.rows.iter().find(|row| !usable(row)) {
        return Err(Error::input("a sample weight is not usable")
            .row(u64::from(*row) + 1)
            .expected("a finite number that is not negative")
            .got(train.weight(*row).to_string()));
    }
    let counts = |row: &u32| WEIGHTS.contains(&train.weight(*row));
    let rows: Vec<u32> = train.rows.iter().copied().filter(counts).collect();
    if rows.is_empty() {
        return Err(Error::input("knn has no rows to learn from")
            .expected("at least one row with a positive weight")
            .got(format!("{} rows", train.rows.len())));
    }
    if rows.len() <= most {
        return Ok(rows);
    }
    let drawn = ctx.random("knn rows", 0).sample(rows.len(), most);
    Ok(drawn.into_iter().map(|at| rows[at as usize]).collect())
}

fn targets(train: &TrainView<'_>, rows: &[u32]) -> Result<Targets> {
    match train.target {
        Target::Class { codes, n_classes } => Ok(Targets::Class {
            codes: rows.iter().map(|row| codes[*row as usize]).collect(),
            n_classes: (*n_classes).max(2) as u32,
        }),
        Target::Real(values) => {
            let usable = |row: &u32| values[*row as usize].abs() <= LARGEST_TARGET;
            match rows.iter().find(|row| !usable(row)) {
                None => Ok(Targets::Real(rows.iter().map(|row| values[*row as usize]).collect())),
                Some(row) => Err(Error::input("knn cannot learn this target value")
                    .row(u64::from(*row) + 1)
                    .expected(format!("a finite number up to {LARGEST_TARGET:e}"))
                    .got(values[*row as usize].to_string())),
            }
        }
    }
}

/// The share of each class; empty for numbers.
fn shares(train: &TrainView<'_>, rows: &[u32], total: f64) -> Vec<f64> {
    let Target::Class { codes, n_classes } = train.target else { return Vec::new() };
    let mut shares = vec![0.0; (*n_classes).max(2)];
    for row in rows {
        shares[codes[*row as usize] as usize] += train.weight(*row) / total;
    }
    for share in &mut shares {
        *share = share.min(1.0);
    }
    shares
}
