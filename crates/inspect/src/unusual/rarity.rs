//! How rare a value is, by itself and beside the value of another column.

use serde::{Deserialize, Serialize};

use super::axis::{Cell, ROWS_MIN_KEPT};

/// Rows that what was never seen is thought to have, all of it together.
const UNSEEN: f64 = 0.5;

/// How much of that lies anywhere, by a column's own shares, where the rest is beside cells that
/// were seen: numbers that go together scatter around their line.
const ANYWHERE: f64 = 0.02;

/// Counts of a column's cells, and of pairs with its parent's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// The column that it depends on.
    pub parent: Option<u32>,
    /// Rows of each cell; none below ten.
    alone: Vec<u32>,
    /// The parent's cell, the own one and their rows; none below ten.
    pairs: Vec<(u16, u16, u32)>,
}

impl Counts {
    /// Counts column `i` of `cells[column][row]`.
    pub(super) fn of(
        i: usize,
        cells: &[Vec<Cell>],
        n_cells: &[usize],
        parent: Option<u32>,
    ) -> Self {
        let kept = |n: u32| if n as usize >= ROWS_MIN_KEPT { n } else { 0 };
        let mut alone = vec![0_u32; n_cells[i]];
        for cell in &cells[i] {
            alone[usize::from(cell.0)] += 1;
        }
        for n in &mut alone {
            *n = kept(*n);
        }
        let Some(p) = parent else { return Self { parent, alone, pairs: Vec::new() } };
        let n = n_cells[i];
        let mut joint = vec![0_u32; n_cells[p as usize] * n];
        for (beside, own) in cells[p as usize].iter().zip(&cells[i]) {
            joint[usize::from(beside.0) * n + usize::from(own.0)] += 1;
        }
        let pairs = joint.iter().enumerate().filter(|(_, count)| kept(**count) > 0);
        let pairs = pairs.map(|(at, count)| ((at / n) as u16, (at % n) as u16, *count)).collect();
        Self { parent, alone, pairs }
    }

    /// Whether stored counts are of the cells that there are.
    pub(super) fn is_sound(&self, i: usize, n_cells: &[usize]) -> bool {
        let n_beside = match self.parent {
            None => 0,
            Some(p) if (p as usize) < n_cells.len() && p as usize != i => n_cells[p as usize],
            Some(_) => return false,
        };
        self.alone.len() == n_cells[i]
            && self.pairs.iter().all(|(beside, own, _)| {
                usize::from(*beside) < n_beside && usize::from(*own) < n_cells[i]
            })
    }
}

/// What is known of a column for its rarities.
pub(super) struct Side<'a> {
    /// Its counts.
    pub counts: &'a Counts,
    /// Its first cells whose order means something.
    pub n_ranked: usize,
}

/// Rarities in nats of every cell: alone, then beside each cell of the parent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rarity {
    n_cells: usize,
    nats: Vec<f64>,
}

impl Rarity {
    /// Of a column counted in `n_rows`, beside its parent if it has one.
    pub(super) fn new(own: &Side<'_>, beside: Option<&Side<'_>>, n_rows: u32) -> Self {
        let n_cells = own.counts.alone.len();
        let total = f64::from(n_rows) + UNSEEN;
        let alone: Vec<f64> =
            own.counts.alone.iter().map(|n| f64::from(*n).max(UNSEEN) / total).collect();
        let mut nats = rarities(&alone);
        let Some(parent) = beside else { return Self { n_cells, nats } };
        let n_beside = parent.counts.alone.len();
        let mut joint = vec![0.0; n_cells * n_beside];
        for (beside, cell, n) in &own.counts.pairs {
            joint[usize::from(*beside) * n_cells + usize::from(*cell)] = f64::from(*n);
        }
        let (n_own, n_ranked) = (own.n_ranked, parent.n_ranked);
        for beside in 0..n_beside {
            let seen = &joint[beside * n_cells..(beside + 1) * n_cells];
            let left = f64::from(parent.counts.alone[beside]) - seen.iter().sum::<f64>();
            let near = |cell: usize| {
                let rows = beside.saturating_sub(1)..(beside + 2).min(n_ranked);
                let cells = cell.saturating_sub(1)..(cell + 2).min(n_own);
                let is_ranked = beside < n_ranked && cell < n_own;
                let rows = rows.filter(|_| is_ranked);
                rows.map(|r| cells.clone().map(|c| joint[r * n_cells + c]).sum::<f64>())
                    .sum::<f64>()
            };
            nats.extend(rarities(&shares(seen, left.max(0.0) + UNSEEN, &alone, near)));
        }
        Self { n_cells, nats }
    }

    /// The rarity of a cell, beside one of the parent's if that is given; how far a number lies
    /// beyond the ends adds to it.
    pub(super) fn at(&self, (cell, beyond): Cell, beside: Option<u16>) -> f64 {
        let block = beside.map_or(0, |cell| 1 + usize::from(cell));
        let nats = self.nats.get(block * self.n_cells + usize::from(cell));
        nats.copied().unwrap_or(0.0) + libm::log1p(f64::from(beyond))
    }
}

/// The shares of cells of which some were `seen`, and the others have `left` rows together: these
/// lie near what was seen, or anywhere by the cells' own shares.
fn shares(seen: &[f64], left: f64, alone: &[f64], near: impl Fn(usize) -> f64) -> Vec<f64> {
    let total: f64 = seen.iter().sum::<f64>() + left;
    let is_open = |cell: &usize| seen[*cell] <= 0.0;
    let open = || (0..seen.len()).filter(is_open);
    let of_near: f64 = open().map(&near).sum();
    let of_alone: f64 = open().map(|cell| alone[cell]).sum();
    let anywhere = if of_near > 0.0 { ANYWHERE } else { 1.0 };
    let share = |cell: usize| {
        if seen[cell] > 0.0 {
            return seen[cell] / total;
        }
        let by_near = if of_near > 0.0 { near(cell) / of_near } else { 0.0 };
        left / total * (anywhere * alone[cell] / of_alone + (1.0 - anywhere) * by_near)
    };
    (0..seen.len()).map(share).collect()
}

/// Minus the logarithm of the share of all cells that are at most as probable.
fn rarities(shares: &[f64]) -> Vec<f64> {
    let total: f64 = shares.iter().sum();
    let tail = |share: f64| {
        let rarer = shares.iter().filter(|other| **other <= share * (1.0 + 1e-9));
        (rarer.sum::<f64>() / total).min(1.0)
    };
    shares.iter().map(|share| -libm::log(tail(*share).max(f64::MIN_POSITIVE))).collect()
}
