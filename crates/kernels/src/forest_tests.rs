//! Tests of [`super`]: every shape against a plain walk.

use super::*;

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

fn value(row: usize, feature: usize) -> f32 {
    let h = hash(row * 131 + feature * 17);
    if h.is_multiple_of(9) { f32::NAN } else { (h % 1000) as f32 / 1000.0 }
}

#[test]
fn every_size_of_tree_agrees_with_a_plain_walk() {
    let n_features = 7;
    for n_leaves in [1, 2, 3, 17, 31, 32, 33, 63, 64, 65, 200] {
        let trees: Vec<Tree> = (0..5).map(|s| grown(n_leaves, n_features, s * 1000)).collect();
        let forest = Forest::new(n_features, trees.iter().map(Tree::parts));
        let used = forest.used_features().to_vec();
        let mut block = vec![0.0; used.len() * LANES];
        for lane in 0..LANES {
            for (i, feature) in used.iter().enumerate() {
                block[i * LANES + lane] = value(lane, *feature as usize);
            }
        }
        let mut out = vec![[1.0; LANES]; 2];
        forest.add_block(0..5, &block, &mut out);
        let mut portable = vec![[1.0; LANES]; 2];
        add_block_generic(&forest, 0..5, &block, &mut portable);
        assert_eq!(out, portable);
        for (lane, got) in out[0].iter().zip(&out[1]).enumerate() {
            let row: Vec<f32> = (0..n_features).map(|f| value(lane, f)).collect();
            let mut want = [1.0; 2];
            for (t, tree) in trees.iter().enumerate() {
                want[t % 2] += tree.predict(&row);
            }
            assert_eq!([*got.0, *got.1], want, "{n_leaves} leaves, lane {lane}");
            let compact: Vec<f32> = used.iter().map(|f| row[*f as usize]).collect();
            let mut single = [1.0; 2];
            forest.add_row(0..5, &compact, &mut single);
            assert_eq!(single, want);
        }
    }
}

#[test]
fn a_part_of_the_trees_starts_at_its_own_output() {
    let trees: Vec<Tree> = (0..4).map(|s| grown(4, 2, s)).collect();
    let forest = Forest::new(2, trees.iter().map(Tree::parts));
    let block = vec![0.5; forest.used_features().len() * LANES];
    let mut whole = vec![[0.0; LANES]; 3];
    forest.add_block(0..4, &block, &mut whole);
    let mut parts = vec![[0.0; LANES]; 3];
    forest.add_block(0..2, &block, &mut parts);
    forest.add_block(2..4, &block, &mut parts);
    assert_eq!(whole, parts);
}

#[test]
fn a_broken_tree_is_refused() {
    let mut cycle = grown(4, 2, 1);
    cycle.children[2] = [0, 1];
    let made = std::panic::catch_unwind(|| Forest::new(2, [cycle.parts()].into_iter()));
    assert!(made.is_err());
}
