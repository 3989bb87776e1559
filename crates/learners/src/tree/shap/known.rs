//! A background that row after row is explained against: worked out once, walked by one row.
//!
//! Patterns pay where many rows share them ([`super::interventional()`]); one row is explained
//! sooner by walking down each tree with all background rows at once. A bit for each of them says
//! who goes left at a node; on the way down a node knows for each player whether the row has met
//! all of its tests, and which background rows have. A pair of rows goes on as long as one of the
//! two meets the tests of every player, so that subtrees which no mixture reaches are never seen.
//! At a leaf everybody gets what [`super::interventional()`] gives; the sums run in another order,
//! so that values agree up to the rounding of f64.

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use super::interventional::{check, weight};
use super::{Ensemble, Players};
use crate::tree::Tree;

/// A background row is a bit of a word.
const ROWS_MAX: usize = 64;
/// Players on a path whose weights stand in a table.
const TABLE: usize = 32;
/// No place on the path.
const NOWHERE: u32 = u32::MAX;

/// Background rows of an ensemble of one output; see the module's text.
#[derive(Debug, Clone)]
pub struct Known {
    /// Who goes left at each node, by tree.
    left: Vec<Vec<u64>>,
    n_rows: usize,
    n_features: usize,
    /// The weights of `a` players against `c`.
    weights: Vec<f64>,
}

impl Known {
    /// Of the rows of `background`; `None` where rows are not explained this way: more than 64
    /// background rows, linear leaves, several outputs.
    ///
    /// # Errors
    /// Input error when `background` has other features than the trees, or no row.
    pub fn of(
        ensemble: &Ensemble<'_>,
        background: &FeatureView<'_>,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        let own: Vec<u32> = (0..ensemble.n_features as u32).collect();
        let players = Players::new(&own, ensemble.n_features)?;
        check(ensemble, &players, background, background, ctx)?;
        let n_rows = background.n_rows();
        let is_plain = |tree: &Tree| tree.linear.is_empty() && tree.width() == 1;
        let is_walked = ensemble.base.len() == 1 && ensemble.trees.iter().all(is_plain);
        if n_rows > ROWS_MAX || !is_walked {
            return Ok(None);
        }
        let of_tree = |tree: &Tree| -> Vec<u64> {
            let of_node = |(node, feature): (usize, &u32)| {
                let values = &background.features.columns[*feature as usize].values;
                let left = |row: usize| tree.goes_left(node, values[background.row(row)]);
                (0..n_rows).fold(0, |bits, row| bits | u64::from(left(row)) << row)
            };
            tree.features.iter().enumerate().map(of_node).collect()
        };
        let left = ctx.install(|| ensemble.trees.par_iter().map(of_tree).collect());
        let weights = (0..TABLE * TABLE).map(|i| weight(i / TABLE, i % TABLE)).collect();
        Ok(Some(Self { left, n_rows, n_features: ensemble.n_features, weights }))
    }

    /// How many background rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// What each player adds to each row of `x`: the sum over background rows of its value for the
    /// pair of rows times the pair's weight. Row-major, `x.n_rows() × players.n()`.
    ///
    /// `weights` are row-major by row and background row.
    ///
    /// # Errors
    /// Input error when the trees are not those that it was made of, or `x`, `players` or
    /// `weights` do not fit them.
    pub fn weighted(
        &self,
        ensemble: &Ensemble<'_>,
        players: &Players<'_>,
        x: &FeatureView<'_>,
        weights: &[f64],
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        ensemble.check(x, players.n(), ctx)?;
        players.check(ensemble)?;
        let same = self.left.len() == ensemble.trees.len()
            && self.left.iter().zip(ensemble.trees).all(|(l, t)| l.len() == t.features.len());
        if !same || self.n_features != ensemble.n_features {
            return Err(Error::input("the background was worked out for other trees"));
        }
        if weights.len() != x.n_rows() * self.n_rows {
            return Err(Error::input("weights are for the pairs of rows")
                .expected(format!("{} × {} weights", x.n_rows(), self.n_rows))
                .got(format!("{} weights", weights.len())));
        }
        let n = players.n();
        let mut values = vec![0.0; x.n_rows() * n];
        let explain = |(row, values): (usize, &mut [f64])| {
            let weights = &weights[row * self.n_rows..][..self.n_rows];
            self.explain(ensemble, players, (x, row), weights, values);
        };
        match x.n_rows() {
            // One row is sooner done than handed over.
            1 => explain((0, &mut values)),
            _ if n == 0 => {}
            _ => ctx.install(|| values.par_chunks_mut(n).enumerate().for_each(explain)),
        }
        Ok(values)
    }

    fn explain(
        &self,
        ensemble: &Ensemble<'_>,
        players: &Players<'_>,
        (x, row): (&FeatureView<'_>, usize),
        weights: &[f64],
        values: &mut [f64],
    ) {
        let row = x.row(row);
        let features: Vec<f32> = x.features.columns.iter().map(|c| c.values[row]).collect();
        let everybody = u64::MAX >> (ROWS_MAX - self.n_rows);
        let mut walk = Walk {
            known: self,
            players,
            features: &features,
            weights,
            scale: ensemble.scale,
            values,
            path: Vec::new(),
            places: vec![NOWHERE; players.n()],
        };
        for (tree, left) in ensemble.trees.iter().zip(&self.left) {
            if !tree.features.is_empty() {
                walk.visit(tree, left, 0, everybody);
            }
        }
    }
}

/// A player on the way to a node.
#[derive(Clone, Copy)]
struct Met {
    player: u32,
    /// Whether the row has met all of its tests.
    by_row: bool,
    /// Which background rows have.
    by_others: u64,
}

/// One row on its way down.
struct Walk<'a> {
    known: &'a Known,
    players: &'a Players<'a>,
    features: &'a [f32],
    weights: &'a [f64],
    scale: f64,
    values: &'a mut [f64],
    path: Vec<Met>,
    /// Where each player is on the path.
    places: Vec<u32>,
}

impl Walk<'_> {
    /// Goes on to a node, or to the leaf `!child`, with the background rows that are still there.
    fn visit(&mut self, tree: &Tree, left: &[u64], child: i32, alive: u64) {
        let Ok(node) = usize::try_from(child) else {
            return self.pay(self.scale * tree.values[!child as usize], alive);
        };
        let feature = tree.features[node];
        let player = self.players.of(feature);
        let is_new = self.places[player as usize] == NOWHERE;
        if is_new {
            self.places[player as usize] = self.path.len() as u32;
            self.path.push(Met { player, by_row: true, by_others: u64::MAX });
        }
        let place = self.places[player as usize] as usize;
        let before = self.path[place];
        let goes_left = tree.goes_left(node, self.features[feature as usize]);
        for (side, others) in [left[node], !left[node]].into_iter().enumerate() {
            let met = Met {
                by_row: before.by_row && goes_left == (side == 0),
                by_others: before.by_others & others,
                ..before
            };
            let still = if met.by_row { alive } else { alive & met.by_others };
            if still != 0 {
                self.path[place] = met;
                self.visit(tree, left, tree.children[node][side], still);
                self.path[place] = before;
            }
        }
        if is_new {
            self.path.pop();
            self.places[player as usize] = NOWHERE;
        }
    }

    /// Divides what a leaf pays among the players, for each background row that is still there.
    fn pay(&mut self, pays: f64, mut alive: u64) {
        let c = self.path.iter().filter(|met| !met.by_row).count();
        let mut lost = 0.0;
        while alive != 0 {
            let other = alive.trailing_zeros();
            alive &= alive - 1;
            let is_ours = |met: &&Met| met.by_row && met.by_others >> other & 1 == 0;
            let a = self.path.iter().filter(is_ours).count();
            if a + c == 0 {
                continue;
            }
            let pays = pays * self.weights[other as usize];
            lost += pays * self.known.weight(c, a);
            let gain = pays * self.known.weight(a, c);
            for met in self.path.iter().filter(is_ours) {
                self.values[met.player as usize] += gain;
            }
        }
        if c > 0 {
            for met in self.path.iter().filter(|met| !met.by_row) {
                self.values[met.player as usize] -= lost;
            }
        }
    }
}

impl Known {
    fn weight(&self, a: usize, c: usize) -> f64 {
        if a < TABLE && c < TABLE { self.weights[a * TABLE + c] } else { weight(a, c) }
    }
}
