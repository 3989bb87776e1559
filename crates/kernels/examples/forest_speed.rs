//! Nanoseconds per tree and row of [`modelwright_kernels::forest`] on random trees.
//!
//! ```text
//! cargo run --release -p modelwright-kernels --example forest_speed -- [TREES LEAVES FEATURES]
//! ```
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use modelwright_kernels::forest::{Forest, LANES, TreeParts};

struct Tree {
    features: Vec<u32>,
    thresholds: Vec<f32>,
    missing_left: Vec<bool>,
    children: Vec<[i32; 2]>,
    values: Vec<f64>,
}

fn hash(i: usize) -> usize {
    let h = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}

/// Splits pseudo-random leaves, as a leaf-wise grower does.
fn grown(n_leaves: usize, n_features: usize, seed: usize) -> Tree {
    let n = n_leaves - 1;
    let draw = |i: usize, what: usize| hash(seed * 1_000_003 + i * 7 + what);
    let mut tree = Tree {
        features: (0..n).map(|i| (draw(i, 0) % n_features) as u32).collect(),
        thresholds: (0..n).map(|i| (draw(i, 1) % 254) as f32 / 254.0).collect(),
        missing_left: (0..n).map(|i| draw(i, 2) % 2 == 0).collect(),
        children: Vec::new(),
        values: (0..n_leaves).map(|i| draw(i, 3) as f64 * 1e-9).collect(),
    };
    let mut place: Vec<Option<(usize, usize)>> = vec![None];
    for i in 0..n {
        let leaf = draw(i, 4) % (i + 1);
        if let Some((parent, side)) = place[leaf] {
            tree.children[parent][side] = i as i32;
        }
        tree.children.push([!(leaf as i32), !(i as i32 + 1)]);
        place[leaf] = Some((i, 0));
        place.push(Some((i, 1)));
    }
    tree
}

fn main() {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let shapes = match given[..] {
        [trees, leaves, features] => vec![[trees, leaves, features]],
        _ => vec![[100, 31, 28], [955, 40, 28], [500, 63, 28], [100, 255, 28], [1, 31, 28]],
    };
    for [n_trees, n_leaves, n_features] in shapes {
        let trees: Vec<Tree> = (0..n_trees).map(|t| grown(n_leaves, n_features, t)).collect();
        let parts = trees.iter().map(|t| TreeParts {
            features: &t.features,
            thresholds: &t.thresholds,
            missing_left: &t.missing_left,
            children: &t.children,
            values: &t.values,
            ..TreeParts::default()
        });
        let start = Instant::now();
        let forest = Forest::new(n_features, parts);
        let mut block = forest.block();
        let compile_ms = start.elapsed().as_secs_f64() * 1e3;
        for i in 0..forest.used_features().len() {
            for (lane, x) in block.column_mut(i).iter_mut().enumerate() {
                *x = (hash(lane * 977 + i) % 100_000) as f32 / 1e5;
            }
        }
        let mut out = [[0.0; LANES]];
        // The best of many short runs: on a busy machine most of them are interrupted.
        let mut time = |n_rows: usize| {
            let reps = (1_000_000 / (n_trees * n_rows)).max(1);
            let best = (0..300).map(|_| {
                let start = Instant::now();
                for _ in 0..reps {
                    // Filling a column makes the block be encoded anew.
                    black_box(block.column_mut(0));
                    forest.add_block(&mut block, n_rows, 0..n_trees, &mut out);
                }
                start.elapsed().as_secs_f64() * 1e9 / (reps * n_rows * n_trees) as f64
            });
            best.fold(f64::INFINITY, f64::min)
        };
        println!(
            "{n_trees} trees x {n_leaves} leaves, {n_features} features: {:.2} ns per tree and row \
             (64 rows: {:.2}), compiled in {compile_ms:.2} ms",
            time(LANES),
            time(64),
        );
    }
}
