//! Tests of [`super`]: every shape against a plain walk.

use super::*;
use crate::dispatch::Isa;

struct Tree {
    features: Vec<u32>,
    thresholds: Vec<f32>,
    missing_left: Vec<bool>,
    children: Vec<[i32; 2]>,
    values: Vec<f64>,
}

impl Tree {
    fn parts(&self) -> TreeParts<'_> {
        TreeParts {
            features: &self.features,
            thresholds: &self.thresholds,
            missing_left: &self.missing_left,
            children: &self.children,
            values: &self.values,
        }
    }

    /// The definition.
    fn predict(&self, row: &[f32]) -> f64 {
        let mut child = if self.features.is_empty() { !0 } else { 0 };
        while child >= 0 {
            let node = child as usize;
            let x = row[self.features[node] as usize];
            let left =
                if x.is_nan() { self.missing_left[node] } else { x <= self.thresholds[node] };
            child = self.children[node][usize::from(!left)];
        }
        self.values[!child as usize]
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

/// Values of all kinds: missing, infinite, on a threshold, between, and zeros of both signs.
fn value(row: usize, feature: usize) -> f32 {
    let h = hash(row * 131 + feature * 17);
    match h % 13 {
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
        scores[t % n_outputs] += tree.predict(&row);
    }
    scores
}

/// Compares single rows, full and partial blocks, and both compilations of them, with the oracle.
fn check(trees: &[Tree], n_features: usize, n_outputs: usize, what: &str) {
    let forest = Forest::new(n_features, trees.iter().map(Tree::parts));
    let used = forest.used_features().to_vec();
    let mut block = forest.block();
    for (i, feature) in used.iter().enumerate() {
        for (lane, place) in block.column_mut(i).iter_mut().enumerate() {
            *place = value(lane, *feature as usize);
        }
    }
    let wanted: Vec<Vec<f64>> =
        (0..LANES).map(|row| oracle(trees, n_features, row, n_outputs)).collect();
    for (row, wanted) in wanted.iter().enumerate() {
        let compact: Vec<f32> = used.iter().map(|f| value(row, *f as usize)).collect();
        let mut scores = vec![1.0; n_outputs];
        forest.add_row(&compact, &mut scores);
        assert_eq!(&scores, wanted, "{what}: row {row} alone");
    }
    for n_rows in [0, 1, 63, 64, 65, 128, 191, 192, 193, 255, 256] {
        let mut out = vec![[1.0; LANES]; n_outputs];
        forest.add_block(&mut block, n_rows, &mut out);
        for (row, wanted) in wanted[..n_rows].iter().enumerate() {
            let got: Vec<f64> = out.iter().map(|o| o[row]).collect();
            assert_eq!(&got, wanted, "{what}: row {row} of {n_rows}");
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

#[test]
fn every_vector_unit_gives_the_same_bits() {
    let trees: Vec<Tree> = (0..30).map(|s| grown(2 + s * 7, 7, s * 1000)).collect();
    let forest = Forest::new(7, trees.iter().map(Tree::parts));
    let mut block = forest.block();
    for i in 0..7 {
        for (lane, place) in block.column_mut(i).iter_mut().enumerate() {
            *place = value(lane, i);
        }
    }
    let mut wanted = vec![[1.0; LANES]; 2];
    forest.add_block(&mut block, LANES, &mut wanted);
    for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512] {
        for n_rows in [1, 64, 65, 192, 193, 256] {
            if isa <= crate::isa() {
                let mut out = vec![[1.0; LANES]; 2];
                forest.planes().add(isa, 0..30, &block.codes, n_rows, &mut out);
                for (out, wanted) in out.iter().zip(&wanted) {
                    assert_eq!(out[..n_rows], wanted[..n_rows], "{isa:?}");
                }
            }
        }
    }
    for thresholds in [1, 40, 63, 255] {
        let ladder: Vec<f32> = (0..thresholds).map(|i| i as f32 / thresholds as f32).collect();
        codes::check_portable(&ladder, &block.values[0]);
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
