//! Speed of prediction by made-up trees: batches, and rows one by one without allocating.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example predict_speed -- \
//!     [kind=levels|grown] [trees=300] [leaves=64] [features=28] [rows=100000] [threads=1]
//! ```
//!
//! `levels` are oblivious trees (each level makes one test), `grown` are leaf-wise ones. Prints one
//! JSON object: rows per second of the batch (best of 7) and of 1024 rows that stay in the cache
//! (best of 200), and the median, 99th percentile and least time of a single row.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::random::Random;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::gbdt::{GbdtModel, Link};
use modelwright_learners::tree::Tree;

/// Rows that are scored one by one.
const N_SINGLE: usize = 20_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        arguments.iter().find_map(|a| a.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let number = |name: &str, default: usize| {
        option(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (n_trees, n_leaves) = (number("trees", 300), number("leaves", 64).max(2));
    let (n_features, n_rows) = (number("features", 28).max(1), number("rows", 100_000).max(1024));
    let mut random = Random::new(1);
    let kind = option("kind").unwrap_or_else(|| "levels".to_owned());
    let make = match kind.as_str() {
        "levels" => levels,
        "grown" => grown,
        other => return Err(Error::input("an unknown kind of trees").got(other)),
    };
    let trees = (0..n_trees).map(|_| make(n_leaves, n_features, &mut random)).collect();
    let model = GbdtModel::from_parts(n_features, Link::Identity, vec![0.0], trees)?;
    let columns = (0..n_features).map(|f| {
        let values = (0..n_rows).map(|_| random.normal() as f32).collect();
        FeatureColumn::dense(&format!("f{f}"), values)
    });
    let matrix = FeatureMatrix::new(n_rows, columns.collect());

    let ctx = Context::unlimited(0, number("threads", 1));
    let all = FeatureView::all(&matrix);
    let scores = model.scores(&all, &ctx)?;
    let batch_s = best(7, || model.scores(&all, &ctx))?;
    let first: Vec<u32> = (0..1024).collect();
    let cached = FeatureView::of(&matrix, &first);
    let cached_s = best(200, || model.scores(&cached, &ctx))?;
    let single = single_rows(&model, &matrix, &scores)?;
    let at = |share: f64| single[(single.len() as f64 * share) as usize] * 1e6;
    println!(
        "{{\"kind\": \"{kind}\", \"trees\": {n_trees}, \"leaves\": {n_leaves}, \
         \"rows_per_s\": {:.0}, \"cached_rows_per_s\": {:.0}, \"single_p50_us\": {:.3}, \
         \"single_p99_us\": {:.3}, \"single_min_us\": {:.3}}}",
        n_rows as f64 / batch_s,
        1024.0 / cached_s,
        at(0.5),
        at(0.99),
        at(0.0),
    );
    Ok(())
}

fn best<T>(n: usize, mut work: impl FnMut() -> Result<T>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..n {
        let begun = Instant::now();
        black_box(work()?);
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Seconds per row, ascending; every score is that of the batch.
fn single_rows(model: &GbdtModel, matrix: &FeatureMatrix, scores: &[f64]) -> Result<Vec<f64>> {
    let mut scorer = model.row_scorer();
    let mut seconds = Vec::new();
    let mut features = vec![0.0; matrix.n_features()];
    for (row, in_batch) in scores.iter().enumerate().take(N_SINGLE) {
        for (value, column) in features.iter_mut().zip(&matrix.columns) {
            *value = column.values[row];
        }
        let begun = Instant::now();
        let score = scorer.scores(black_box(&features))?[0];
        seconds.push(begun.elapsed().as_secs_f64());
        assert!(score.to_bits() == in_batch.to_bits(), "one row is the batch's row");
    }
    seconds.sort_unstable_by(f64::total_cmp);
    Ok(seconds)
}

/// A threshold out of 254 of a feature.
fn threshold(random: &mut Random) -> f32 {
    (random.below(254) as f32 / 254.0 - 0.5) * 4.0
}

/// An oblivious tree of the greatest depth with at most so many leaves.
fn levels(n_leaves: usize, n_features: usize, random: &mut Random) -> Tree {
    let depth = n_leaves.ilog2();
    let tests: Vec<(u32, f32)> =
        (0..depth).map(|_| (random.below(n_features) as u32, threshold(random))).collect();
    let n = (1_usize << depth) - 1;
    let child = |place: usize| if place < n { id(place) } else { !id(place - n) };
    let tree = Tree {
        features: (0..n).map(|i| tests[(i + 1).ilog2() as usize].0).collect(),
        thresholds: (0..n).map(|i| tests[(i + 1).ilog2() as usize].1).collect(),
        children: (0..n).map(|i| [child(2 * i + 1), child(2 * i + 2)]).collect(),
        ..Tree::default()
    };
    finish(tree, random)
}

/// A tree grown by splitting any leaf, as leaf-wise growers do.
fn grown(n_leaves: usize, n_features: usize, random: &mut Random) -> Tree {
    let mut tree = Tree::default();
    let mut place: Vec<Option<(usize, usize)>> = vec![None];
    for node in 0..n_leaves - 1 {
        let leaf = random.below(node + 1);
        tree.features.push(random.below(n_features) as u32);
        tree.thresholds.push(threshold(random));
        if let Some((parent, side)) = place[leaf] {
            tree.children[parent][side] = id(node);
        }
        tree.children.push([!id(leaf), !id(node + 1)]);
        place[leaf] = Some((node, 0));
        place.push(Some((node, 1)));
    }
    finish(tree, random)
}

fn id(place: usize) -> i32 {
    i32::try_from(place).expect("a tree has few nodes")
}

fn finish(tree: Tree, random: &mut Random) -> Tree {
    let n = tree.features.len();
    Tree {
        missing_left: (0..n).map(|_| random.below(2) == 0).collect(),
        gains: vec![1.0; n],
        covers: vec![2.0; n],
        values: (0..=n).map(|_| random.normal()).collect(),
        leaf_covers: vec![1.0; n + 1],
        ..tree
    }
}
