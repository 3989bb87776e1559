//! Tests of [`super`]: every shape against a plain walk.

use super::bytes::{Unit, unit};
use super::compiled::Compiled;
use super::*;

#[derive(Clone, Default)]
struct Tree {
    features: Vec<u32>,
    thresholds: Vec<f32>,
    missing_left: Vec<bool>,
    children: Vec<[i32; 2]>,
    values: Vec<f64>,
    sets: Vec<(u32, Vec<u64>)>,
    linear: Vec<(f64, Vec<(u32, f64)>)>,
}

impl Tree {
    fn parts(&self) -> TreeParts<'_> {
        TreeParts {
            features: &self.features,
            thresholds: &self.thresholds,
            missing_left: &self.missing_left,
            children: &self.children,
            values: &self.values,
            sets: self.sets.iter().map(|(node, words)| (*node, &words[..])).collect(),
            linear: self.linear.iter().map(|(c, terms)| (*c, &terms[..])).collect(),
        }
    }

    fn width(&self) -> usize {
        self.values.len() / (self.features.len() + 1)
    }

    /// The definition of the exit.
    fn leaf(&self, row: &[f32]) -> usize {
        let mut child = if self.features.is_empty() { !0 } else { 0 };
        while child >= 0 {
            let node = child as usize;
            let x = row[self.features[node] as usize];
            let set = self.sets.iter().find(|(n, _)| *n as usize == node);
            let left = match set {
                _ if x.is_nan() => self.missing_left[node],
                Some((_, words)) => {
                    let is_level = x >= 0.0 && x.fract() == 0.0 && x < 64.0 * words.len() as f32;
                    is_level && words[x as usize / 64] >> (x as usize % 64) & 1 == 1
                }
                None => x <= self.thresholds[node],
            };
            child = self.children[node][usize::from(!left)];
        }
        !child as usize
    }

    /// The definition of what a row gets.
    fn predict(&self, row: &[f32], output: usize) -> f64 {
        let leaf = self.leaf(row);
        let plain = self.values[leaf * self.width() + output];
        let Some((constant, terms)) = self.linear.get(leaf) else { return plain };
        if terms.iter().any(|(f, _)| row[*f as usize].is_nan()) {
            return plain;
        }
        terms.iter().fold(*constant, |sum, (f, c)| sum + c * f64::from(row[*f as usize]))
    }
}

fn hash(i: usize) -> usize {
    i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33
}

/// A tree grown by splitting a pseudo-random leaf, as a leaf-wise grower does.
fn grown(n_leaves: usize, n_features: usize, seed: usize) -> Tree {
    let n = n_leaves - 1;
    let mut tree = Tree {
        features: (0..n).map(|i| (hash(i * 3 + seed) % n_features) as u32).collect(),
        thresholds: (0..n).map(|i| (hash(i * 7 + seed) % 100) as f32 / 100.0).collect(),
        missing_left: (0..n).map(|i| hash(i * 5 + seed).is_multiple_of(3)).collect(),
        children: Vec::new(),
        values: (0..n_leaves).map(|i| (hash(i + seed) % 1000) as f64 * 0.01 - 5.0).collect(),
        ..Tree::default()
    };
    let mut place: Vec<Option<(usize, usize)>> = vec![None];
    for i in 0..n {
        let leaf = hash(i * 11 + seed) % (i + 1);
        if let Some((parent, side)) = place[leaf] {
            tree.children[parent][side] = i as i32;
        }
        tree.children.push([!(leaf as i32), !(i as i32 + 1)]);
        place[leaf] = Some((i, 0));
        place.push(Some((i, 1)));
    }
    tree
}

/// Values of all kinds: missing, infinite, on a threshold, between, and zeros of both signs; levels
/// and what is none from feature 100 on.
fn value(row: usize, feature: usize) -> f32 {
    let h = hash(row * 131 + feature * 17);
    match h % 13 {
        3.. if feature >= 100 => match h / 13 % 11 {
            0 => -3.0,
            1 => 2.5,
            2 => 1e9,
            3 => 255.0,
            4 => 256.0,
            level => (h / 143 % (20 * level)) as f32,
        },
        0 | 1 => f32::NAN,
        2 => f32::INFINITY,
        3 => f32::NEG_INFINITY,
        4 => -0.0,
        5 => 0.0,
        6..9 => (h / 13 % 100) as f32 / 100.0,
        _ => (h / 13 % 1000) as f32 / 1000.0,
    }
}

/// The definition of a forest's scores.
fn oracle(trees: &[Tree], n_features: usize, row: usize, n_outputs: usize) -> Vec<f64> {
    let row: Vec<f32> = (0..n_features).map(|f| value(row, f)).collect();
    let mut scores = vec![1.0; n_outputs];
    for (t, tree) in trees.iter().enumerate() {
        let first = if tree.width() == 1 { t % n_outputs } else { 0 };
        for (output, score) in scores[first..first + tree.width()].iter_mut().enumerate() {
            *score += tree.predict(&row, output);
        }
    }
    scores
}

fn filled(forest: &Forest) -> Block {
    let mut block = forest.block();
    for (i, feature) in forest.used_features().iter().enumerate() {
        for (lane, place) in block.column_mut(i).iter_mut().enumerate() {
            *place = value(lane, *feature as usize);
        }
    }
    block
}

/// Whether scores are the same bits; any two that are not numbers are (infinities of both signs
/// may meet in a linear leaf).
fn same(a: &[f64], b: &[f64]) -> bool {
    let bits = |v: &f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
    a.iter().map(bits).eq(b.iter().map(bits))
}

/// Compares single rows, blocks of every length by every vector unit, and leaves with the oracle.
fn check(trees: &[Tree], n_features: usize, n_outputs: usize, what: &str) {
    let mut forest = Forest::new(n_features, trees.iter().map(Tree::parts));
    let wanted: Vec<Vec<f64>> =
        (0..LANES).map(|row| oracle(trees, n_features, row, n_outputs)).collect();
    let mut row = forest.row();
    for (lane, wanted) in wanted.iter().enumerate() {
        for (value_of, feature) in row.values_mut().iter_mut().zip(forest.used_features()) {
            *value_of = value(lane, *feature as usize);
        }
        let mut scores = vec![1.0; n_outputs];
        forest.add_row(&mut row, 0..trees.len(), &mut scores);
        assert!(same(&scores, wanted), "{what}: row {lane} alone");
    }
    for with in [Unit::Portable, Unit::Neon, Unit::Avx2, Unit::Avx512, Unit::Avx512Vbmi] {
        if with > unit() {
            continue;
        }
        forest.compiled = Compiled::new(with, &forest.shapes).into();
        let mut block = filled(&forest);
        for n_rows in [0, 1, 63, 64, 65, 128, 191, 192, 193, 255, 256] {
            let mut out = vec![[1.0; LANES]; n_outputs];
            // In two goes: what is encoded for the first half serves the second.
            let half = trees.len() / 2;
            forest.add_block(&mut block, n_rows, 0..half, &mut out);
            forest.add_block(&mut block, n_rows, half..trees.len(), &mut out);
            for (row, wanted) in wanted[..n_rows].iter().enumerate() {
                let got: Vec<f64> = out.iter().map(|o| o[row]).collect();
                assert!(same(&got, wanted), "{what}: row {row} of {n_rows} with {with:?}");
            }
        }
        check_leaves(&forest, &mut block, trees, n_features, what);
    }
}

fn check_leaves(forest: &Forest, block: &mut Block, trees: &[Tree], n_features: usize, what: &str) {
    let mut leaves = vec![[0; LANES]; trees.len()];
    forest.leaves(block, LANES, 0..trees.len(), &mut leaves);
    for lane in 0..LANES {
        let row: Vec<f32> = (0..n_features).map(|f| value(lane, f)).collect();
        for (tree, leaves) in trees.iter().zip(&leaves) {
            assert_eq!(leaves[lane] as usize, tree.leaf(&row), "{what}: leaf of row {lane}");
        }
    }
}

#[test]
fn every_size_of_tree_agrees_with_a_plain_walk() {
    let n_features = 7;
    for n_leaves in [1, 2, 3, 8, 9, 17, 31, 32, 33, 63, 64, 65, 200, 255, 256, 257, 400] {
        let trees: Vec<Tree> = (0..5).map(|s| grown(n_leaves, n_features, s * 1000)).collect();
        for n_outputs in [1, 2, 5, 7] {
            check(&trees, n_features, n_outputs, &format!("{n_leaves} leaves"));
        }
    }
}

#[test]
fn trees_of_all_sizes_are_added_in_their_order() {
    let sizes = [31, 300, 1, 64, 2, 400, 301, 40];
    let trees: Vec<Tree> = sizes.iter().map(|n| grown(*n, 9, n * 77)).collect();
    check(&trees, 9, 3, "mixed sizes");
}

/// A tree that is a chain: every node has a leaf on one side.
fn chain(n_leaves: usize, leaf_side: usize) -> Tree {
    let mut tree = grown(n_leaves, 3, n_leaves);
    let n = n_leaves - 1;
    tree.children = (0..n as i32)
        .map(|i| {
            let rest = if i as usize == n - 1 { !(n as i32) } else { i + 1 };
            if leaf_side == 0 { [!i, rest] } else { [rest, !i] }
        })
        .collect();
    tree
}

#[test]
fn chains_to_either_side_agree_with_a_plain_walk() {
    for n_leaves in [2, 9, 40, 120, 250] {
        let trees = [chain(n_leaves, 0), chain(n_leaves, 1)];
        check(&trees, 3, 1, &format!("chains of {n_leaves} leaves"));
    }
}

#[test]
fn special_thresholds_agree_with_a_plain_walk() {
    let special = [f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, f32::MAX, f32::MIN];
    let mut trees: Vec<Tree> = (0..6).map(|s| grown(30, 3, s * 31)).collect();
    for (i, threshold) in trees.iter_mut().flat_map(|t| &mut t.thresholds).enumerate() {
        if i % 3 == 0 {
            *threshold = special[i / 3 % special.len()];
        }
    }
    check(&trees, 3, 2, "special thresholds");
}

#[test]
fn any_number_of_thresholds_agrees_with_a_plain_walk() {
    for n_thresholds in [1, 7, 40, 41, 63, 64, 128, 254, 255, 256, 300] {
        let mut trees: Vec<Tree> = (0..40).map(|s| grown(20, 2, s * 13)).collect();
        let mut nodes = 0;
        for tree in &mut trees {
            for (threshold, feature) in tree.thresholds.iter_mut().zip(&mut tree.features) {
                *threshold = (nodes % n_thresholds) as f32 / n_thresholds as f32;
                *feature = u32::from(nodes % 19 == 18);
                nodes += 1;
            }
        }
        check(&trees, 2, 1, &format!("{n_thresholds} thresholds"));
    }
}

/// Makes some nodes test levels of features 100 and above.
fn with_sets(mut tree: Tree, seed: usize, largest: usize) -> Tree {
    for node in 0..tree.features.len() {
        let h = hash(node * 19 + seed);
        if !h.is_multiple_of(3) {
            tree.features[node] = 100 + tree.features[node] % 3;
            tree.thresholds[node] = 0.0;
            let words =
                (0..=h / 3 % largest).map(|i| (hash(h + i) as u64).wrapping_mul(0x5_0003_0001));
            tree.sets.push((node as u32, words.collect()));
        }
    }
    tree
}

#[test]
fn tests_of_levels_agree_with_a_plain_walk() {
    for (n_leaves, largest) in [(2, 1), (31, 1), (64, 4), (63, 5), (200, 9), (300, 4)] {
        let grow = |s: usize| with_sets(grown(n_leaves, 7, s * 1000), s, largest);
        let trees: Vec<Tree> = (0..7).map(grow).collect();
        check(&trees, 103, 2, &format!("{n_leaves} leaves, sets of up to {largest} words"));
    }
    let mut empty = grown(2, 1, 3);
    empty.sets = vec![(0, Vec::new())];
    check(&[empty], 1, 1, "an empty set");
}

/// The tree with its leaves replaced by linear functions.
fn with_lines(mut tree: Tree, n_features: usize) -> Tree {
    let line = |leaf: usize| {
        let term = |i: usize| ((hash(leaf + i) % n_features) as u32, leaf as f64 * 0.125 - 1.0);
        (leaf as f64 * 0.5, (0..leaf % 4).map(term).collect())
    };
    tree.linear = (0..=tree.features.len()).map(line).collect();
    tree
}

/// The tree with `width` numbers per leaf.
fn widened(mut tree: Tree, width: usize) -> Tree {
    let wide = |v: &f64| (0..width).map(|k| v * (k as f64 + 0.5)).collect::<Vec<f64>>();
    tree.values = tree.values.iter().flat_map(wide).collect();
    tree
}

#[test]
fn linear_leaves_and_several_numbers_per_leaf_agree_with_a_plain_walk() {
    for n_leaves in [1, 2, 31, 100, 200, 300] {
        let of = |change: &dyn Fn(Tree) -> Tree| -> Vec<Tree> {
            (0..5).map(|s| change(grown(n_leaves, 7, s * 1000))).collect()
        };
        let what = format!("{n_leaves} leaves");
        check(&of(&|t| with_lines(t, 9)), 9, 2, &format!("{what}, linear"));
        check(&of(&|t| widened(t, 5)), 7, 5, &format!("{what}, five numbers each"));
        let both = of(&|t| widened(with_sets(t, 5, 4), 3));
        check(&both, 103, 3, &format!("{what}, three numbers and sets"));
    }
}

/// A full tree in which all nodes of a level make the same test.
fn oblivious(depth: usize, n_features: usize, seed: usize) -> Tree {
    let n = (1 << depth) - 1;
    let level = |node: usize| (node + 1).ilog2() as usize;
    let draw = |node: usize, what: usize| hash(level(node) * 7 + what + seed);
    let child = |c: usize| if c < n { c as i32 } else { !((c - n) as i32) };
    Tree {
        features: (0..n).map(|i| (draw(i, 0) % n_features) as u32).collect(),
        thresholds: (0..n).map(|i| (draw(i, 1) % 100) as f32 / 100.0).collect(),
        missing_left: (0..n).map(|i| draw(i, 2).is_multiple_of(2)).collect(),
        children: (0..n).map(|i| [child(2 * i + 1), child(2 * i + 2)]).collect(),
        values: (0..=n).map(|i| (hash(i + seed) % 1000) as f64 * 0.01 - 5.0).collect(),
        ..Tree::default()
    }
}

#[test]
fn oblivious_trees_agree_with_a_plain_walk_and_are_recognised() {
    for depth in [1, 2, 3, 5, 6, 7, 8, 9, 12] {
        let mut trees: Vec<Tree> = (0..9).map(|s| oblivious(depth, 7, s * 1000)).collect();
        for tree in trees.iter_mut().take(4) {
            let level = tree.features.len() / 2;
            for node in level..tree.features.len() {
                tree.features[node] = 101;
                tree.thresholds[node] = 0.0;
                tree.sets.push((node as u32, vec![0x5555_0f0f, 7]));
            }
        }
        trees.push(grown(1 << depth, 7, depth));
        let forest = Forest::new(103, trees.iter().map(Tree::parts));
        let steps = |t: usize| &forest.shapes.steps[forest.shapes.trees[t].steps.clone()];
        for t in 0..9 {
            let levels = oblivious::levels(steps(t)).map(|levels| levels.len());
            assert_eq!(levels, Some(depth), "depth {depth}");
        }
        if depth > 1 {
            assert!(oblivious::levels(steps(9)).is_none(), "an ordinary tree");
            let mut other = trees[8].clone();
            *other.missing_left.last_mut().unwrap() ^= true;
            trees.push(other);
        }
        check(&trees, 103, 2, &format!("oblivious trees of depth {depth}"));
        let wide: Vec<Tree> = trees.iter().map(|t| widened(t.clone(), 3)).collect();
        check(&wide, 103, 3, &format!("oblivious trees of depth {depth}, three numbers each"));
    }
}

#[test]
fn a_forest_of_more_thresholds_than_codes_agrees_with_a_plain_walk() {
    // 60 trees × 40 tests of two features: several chapters; one feature only: more of them.
    for n_features in [1, 2] {
        let mut trees: Vec<Tree> = (0..60).map(|s| grown(41, n_features, s * 977)).collect();
        for (i, threshold) in trees.iter_mut().flat_map(|t| &mut t.thresholds).enumerate() {
            *threshold = (hash(i) % 100_000) as f32 / 1e5;
        }
        trees.insert(30, grown(400, n_features, 5));
        check(&trees, n_features, 3, "many thresholds");
    }
}

#[test]
fn a_broken_tree_is_refused() {
    for children in [[0, 1], [!0, !0], [!0, 3], [!0, !9], [2, !1]] {
        let mut broken = grown(4, 2, 1);
        broken.children[2] = children;
        let made = std::panic::catch_unwind(|| Forest::new(2, [broken.parts()].into_iter()));
        assert!(made.is_err(), "{children:?}");
    }
    let mut broken = grown(4, 2, 1);
    broken.thresholds[1] = f32::NAN;
    let made = std::panic::catch_unwind(|| Forest::new(2, [broken.parts()].into_iter()));
    assert!(made.is_err(), "a threshold is not a number");
}
