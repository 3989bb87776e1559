//! Tests of [`super`]: every way of predicting against the definition in [`Tree`].

use modelwright_core::Context;
use modelwright_core::data::{FeatureColumn, FeatureMatrix};

use modelwright_core::random::Random;
use proptest::prelude::*;

use super::*;
use crate::tree::{LevelSet, LinearLeaf, Tree};

/// Balanced trees of 32 leaves over four features.
fn trees(n: usize) -> Vec<Tree> {
    let node = |t: usize, i: usize| (t * 131 + i * 37) % 101;
    let child = |i: i32| if i < 31 { i } else { !(i - 31) };
    (0..n)
        .map(|t| Tree {
            features: (0..31).map(|i| (node(t, i) % 4) as u32).collect(),
            thresholds: (0..31).map(|i| node(t, i) as f32 / 101.0).collect(),
            missing_left: (0..31).map(|i| node(t, i) % 3 == 0).collect(),
            children: (0..31).map(|i| [child(2 * i + 1), child(2 * i + 2)]).collect(),
            gains: vec![1.0; 31],
            covers: vec![2.0; 31],
            values: (0..32).map(|i| node(t, i) as f64 * 0.1 - 5.0).collect(),
            leaf_covers: vec![1.0; 32],
            ..Tree::default()
        })
        .collect()
}

fn matrix(n_rows: usize) -> FeatureMatrix {
    let value = |row: usize, feature: usize| match (row * 53 + feature * 29) % 97 {
        h if h < 9 => f32::NAN,
        h => h as f32 / 97.0,
    };
    let column = |f: usize| {
        FeatureColumn::dense(&format!("f{f}"), (0..n_rows).map(|row| value(row, f)).collect())
    };
    FeatureMatrix::new(n_rows, (0..4).map(column).collect())
}

#[test]
fn scores_do_not_depend_on_the_batch_or_the_threads() {
    let trees = trees(90);
    let forest = Forest::new(4, trees.iter().map(Tree::parts));
    let base = [0.25, -0.5, 1.0];
    let matrix = matrix(4000);
    let all: Vec<u32> = (0..4000).collect();
    let one_by_one: Vec<f64> = all
        .iter()
        .flat_map(|row| scores(&forest, &base, &FeatureView::of(&matrix, &[*row])))
        .collect();
    for n in (0..=257).chain([4000]) {
        for threads in [1, 2, 4] {
            if n % 64 < 2 || threads == 1 {
                let ctx = Context::unlimited(0, threads);
                let view = FeatureView::of(&matrix, &all[..n]);
                let got = ctx.install(|| scores(&forest, &base, &view));
                assert_eq!(got, one_by_one[..n * 3], "{n} rows, {threads} threads");
            }
        }
    }
    let mut added: Vec<Vec<f64>> = base.iter().map(|b| vec![*b; 4000]).collect();
    let (view, half) = (FeatureView::of(&matrix, &all), forest.n_trees() / 2);
    add_to(&forest, 0..half, &view, &mut added);
    add_to(&forest, half..forest.n_trees(), &view, &mut added);
    for (i, row) in one_by_one.chunks(3).enumerate() {
        assert_eq!(row, [added[0][i], added[1][i], added[2][i]]);
    }
}

/// What a tree of [`any_tree`] may have.
#[derive(Debug, Clone, Copy)]
struct Shape {
    n_leaves: usize,
    width: usize,
    sets: bool,
    linear: bool,
    oblivious: bool,
}

/// Features of the tables of [`table`]: the last two hold levels.
const N_FEATURES: usize = 6;

/// A random tree; an oblivious one has a power of two of leaves.
fn any_tree(shape: Shape, random: &mut Random) -> Tree {
    let id = |i: usize| i32::try_from(i).unwrap();
    let depth = shape.n_leaves.ilog2() as usize;
    let n = if shape.oblivious { (1 << depth) - 1 } else { shape.n_leaves - 1 };
    let mut tree = Tree { gains: vec![1.0; n], covers: vec![2.0; n], ..Tree::default() };
    let mut place: Vec<Option<(usize, usize)>> = vec![None];
    for node in 0..n {
        // Of an oblivious tree: nodes level by level, and each level repeats its first node.
        let leaf = if shape.oblivious {
            node + 1 - (1 << (node + 1).ilog2())
        } else {
            random.below(node + 1)
        };
        let first = (1 << (node + 1).ilog2()) - 1;
        let repeated = (shape.oblivious && node > first).then_some(first);
        let feature =
            repeated.map_or_else(|| random.below(N_FEATURES) as u32, |first| tree.features[first]);
        let levels = shape.sets && feature as usize >= N_FEATURES - 2;
        tree.features.push(feature);
        tree.thresholds.push(match repeated {
            Some(first) => tree.thresholds[first],
            None if levels => 0.0,
            None => [f32::INFINITY, -0.0, random.below(40) as f32 / 40.0][random.below(3)],
        });
        tree.missing_left
            .push(repeated.map_or_else(|| random.below(2) == 0, |first| tree.missing_left[first]));
        if levels {
            let known = repeated.and_then(|first| {
                tree.sets.iter().find(|set| set.node as usize == first).map(|s| s.words.clone())
            });
            let words =
                known.unwrap_or_else(|| (0..random.below(7)).map(|_| random.next_u64()).collect());
            tree.sets.push(LevelSet { node: node as u32, words });
        }
        if let Some((parent, side)) = place[leaf] {
            tree.children[parent][side] = id(node);
        }
        tree.children.push([!id(leaf), !id(node + 1)]);
        place[leaf] = Some((node, 0));
        place.push(Some((node, 1)));
    }
    finish(tree, shape, random)
}

/// Gives the tree values and, where wanted, linear functions.
fn finish(mut tree: Tree, shape: Shape, random: &mut Random) -> Tree {
    let n_leaves = tree.n_leaves();
    let mut number = || (random.below(2001) as f64 - 1000.0) / 64.0;
    tree.values = (0..n_leaves * shape.width).map(|_| number()).collect();
    tree.leaf_covers = vec![1.0; n_leaves];
    if shape.linear && shape.width == 1 {
        let leaf = |i: usize| LinearLeaf {
            constant: i as f64 * 0.5,
            terms: (0..i % 3).map(|k| (((i + k) % N_FEATURES) as u32, 0.1 * i as f64)).collect(),
        };
        tree.linear = (0..n_leaves).map(leaf).collect();
    }
    tree.validate(N_FEATURES, shape.width).expect("a sound tree");
    tree
}

/// Random rows with missing values, infinities, zeros of both signs, levels and what is none.
fn table(n_rows: usize, random: &mut Random) -> FeatureMatrix {
    let mut value = |feature: usize| match random.below(12) {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => -0.0,
        4 => -1.0,
        5 => 1e30,
        6 => random.below(40) as f32 / 40.0,
        _ if feature >= N_FEATURES - 2 => random.below(500) as f32,
        _ => random.below(1000) as f32 / 1000.0,
    };
    let columns = (0..N_FEATURES)
        .map(|f| FeatureColumn::dense(&format!("f{f}"), (0..n_rows).map(|_| value(f)).collect()));
    FeatureMatrix::new(n_rows, columns.collect())
}

/// Equal bits, or both not a number (infinities of both signs may meet in a linear leaf).
fn same(a: &[f64], b: &[f64]) -> bool {
    let bits = |v: &f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
    a.iter().map(bits).eq(b.iter().map(bits))
}

fn check(trees: &[Tree], base: &[f64], matrix: &FeatureMatrix) {
    let forest = Forest::new(N_FEATURES, trees.iter().map(Tree::parts));
    let view = FeatureView::all(matrix);
    let n_outputs = base.len();
    let stages = [0, trees.len() / 3, trees.len() / 2, trees.len()];
    let mut wanted = vec![Vec::new(); stages.len()];
    let mut wanted_leaves = Vec::new();
    for row in 0..matrix.n_rows {
        let value = |feature: usize| matrix.columns[feature].values[row];
        let mut sums = base.to_vec();
        for (t, tree) in trees.iter().enumerate() {
            for (stage, wanted) in stages.iter().zip(&mut wanted) {
                if *stage == t {
                    wanted.extend(&sums);
                }
            }
            let leaf = tree.leaf_of(value);
            wanted_leaves.push(leaf as u32);
            let first = if tree.width() == 1 { t % n_outputs } else { 0 };
            for output in 0..tree.width() {
                sums[first + output] += tree.leaf_value(leaf, output, value);
            }
        }
        wanted.last_mut().unwrap().extend(&sums);
    }
    let staged = staged(&forest, &stages, base, &view);
    for ((stage, staged), wanted) in stages.iter().zip(staged).zip(&wanted) {
        assert!(same(&staged, wanted), "after {stage} trees, {} rows", matrix.n_rows);
        assert!(same(&scores_of(&forest, 0..*stage, base, &view), wanted), "only {stage} trees");
    }
    assert_eq!(leaves(&forest, 0..trees.len(), &view), wanted_leaves);
    for row in (0..matrix.n_rows as u32).step_by(37) {
        let alone = scores(&forest, base, &FeatureView::of(matrix, &[row]));
        let first = row as usize * n_outputs;
        assert!(same(&alone, &wanted[3][first..first + n_outputs]), "row {row} alone");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn every_way_of_predicting_agrees_with_the_definition(
        seed in any::<u64>(),
        n_rows in 0_usize..=257,
        n_leaves in prop_oneof![1_usize..=70, 250_usize..=300],
        n_trees in 3_usize..=20,
        n_outputs in 1_usize..=3,
        flags in 0_u32..16,
    ) {
        let mut random = Random::stream(seed, "trees", 0);
        let wide = flags & 8 != 0;
        let shape = Shape {
            n_leaves,
            width: if wide { n_outputs } else { 1 },
            sets: flags & 1 != 0,
            linear: flags & 2 != 0,
            oblivious: flags & 4 != 0,
        };
        let trees: Vec<Tree> = (0..n_trees).map(|_| any_tree(shape, &mut random)).collect();
        let base: Vec<f64> = (0..n_outputs).map(|k| k as f64 - 0.5).collect();
        check(&trees, &base, &table(n_rows, &mut random));
    }
}
