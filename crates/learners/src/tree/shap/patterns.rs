//! Which conditions of a leaf's path rows meet, as bits.
//!
//! Tests of the features of one player on a path are one condition: the row meets it when it passes
//! them all. A player is a feature, or several that are always exchanged together.
//! Decisions are kept as planes, 64 rows in a word, so that a condition is an `and` of planes.

use modelwright_core::data::FeatureView;

use super::Players;
use crate::tree::Tree;

/// The tests of one player on a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    /// The player.
    pub(super) player: u32,
    /// Nodes, and whether the path goes left there.
    tests: Vec<(u32, bool)>,
}

/// The conditions of each leaf, in the order in which the path meets their players.
pub(super) fn conditions(tree: &Tree, players: &Players<'_>) -> Vec<Vec<Condition>> {
    let mut leaves = vec![Vec::new(); tree.n_leaves()];
    let mut path: Vec<(u32, bool)> = Vec::new();
    // A node is visited when its left side, its right side, and its end are due.
    let mut due = if tree.features.is_empty() { vec![] } else { vec![(0_usize, 0_u8)] };
    while let Some((node, turn)) = due.pop() {
        if turn > 0 {
            path.pop();
        }
        if turn == 2 {
            continue;
        }
        due.push((node, turn + 1));
        path.push((node as u32, turn == 0));
        let child = tree.children[node][usize::from(turn)];
        match usize::try_from(child) {
            Ok(inner) => due.push((inner, 0)),
            Err(_) => leaves[!child as usize] = merged(tree, players, &path),
        }
    }
    leaves
}

fn merged(tree: &Tree, players: &Players<'_>, path: &[(u32, bool)]) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    for test in path {
        let player = players.of(tree.features[test.0 as usize]);
        match conditions.iter_mut().find(|c| c.player == player) {
            Some(condition) => condition.tests.push(*test),
            None => conditions.push(Condition { player, tests: vec![*test] }),
        }
    }
    conditions
}

/// Who goes left at each node of a tree.
pub(super) struct Decisions {
    n_rows: usize,
    /// Words of a plane.
    n_words: usize,
    /// Bit `i % 64` of word `i / 64` of a node's plane is the row `i`.
    planes: Vec<u64>,
}

impl Decisions {
    /// The decisions of rows `first..first + n_rows` of the view.
    pub(super) fn of(tree: &Tree, x: &FeatureView<'_>, first: usize, n_rows: usize) -> Self {
        let n_words = n_rows.div_ceil(64);
        let mut planes = vec![0_u64; n_words * tree.features.len()];
        for (node, plane) in planes.chunks_exact_mut(n_words.max(1)).enumerate() {
            let values = &x.features.columns[tree.features[node] as usize].values;
            for i in 0..n_rows {
                let left = tree.goes_left(node, values[x.row(first + i)]);
                plane[i / 64] |= u64::from(left) << (i % 64);
            }
        }
        Self { n_rows, n_words, planes }
    }

    /// Who meets a condition: bits of rows; bits beyond the last row mean nothing.
    fn meets(&self, condition: &Condition, out: &mut Vec<u64>) {
        out.clear();
        out.resize(self.n_words, u64::MAX);
        for (node, left) in &condition.tests {
            let plane = &self.planes[*node as usize * self.n_words..][..self.n_words];
            for (out, word) in out.iter_mut().zip(plane) {
                *out &= if *left { *word } else { !word };
            }
        }
    }

    /// For each row the conditions it meets: bit `j` is condition `j`.
    ///
    /// # Panics
    /// If there are more than 64 conditions.
    pub(super) fn patterns(&self, conditions: &[Condition], words: &mut Vec<u64>, out: &mut [u64]) {
        assert!(conditions.len() <= 64, "a pattern has 64 bits");
        out.fill(0);
        for (j, condition) in conditions.iter().enumerate() {
            self.meets(condition, words);
            for (word, rows) in words.iter().zip(out.chunks_mut(64)) {
                for (i, row) in rows.iter_mut().enumerate() {
                    *row |= (word >> i & 1) << j;
                }
            }
        }
    }

    /// For each row and condition whether it is met, row after row.
    pub(super) fn answers(&self, conditions: &[Condition]) -> Vec<bool> {
        let mut out = vec![false; self.n_rows * conditions.len()];
        let mut words = Vec::new();
        for (j, condition) in conditions.iter().enumerate() {
            self.meets(condition, &mut words);
            for i in 0..self.n_rows {
                out[i * conditions.len() + j] = words[i / 64] >> (i % 64) & 1 == 1;
            }
        }
        out
    }
}
