//! Which column tells most of which other one: the tree of Chow and Liu.
//!
//! Of all distributions in which every column depends on at most one other, that of the maximum
//! spanning tree of mutual informations is nearest to the rows' own (Chow & Liu, IEEE Transactions
//! on Information Theory 14, 1968).

use modelwright_core::Context;

use super::axis::Cell;

/// Cells of rows that are counted for all pairs of columns, about; beyond, fewer rows are.
const COUNTED_MAX: usize = 50_000_000;

/// The column that each column depends on, if any: `cells[column][row]`.
pub(super) fn parents(cells: &[Vec<Cell>], n_cells: &[usize], ctx: &Context) -> Vec<Option<u32>> {
    let d = cells.len();
    let n_all = cells.first().map_or(0, Vec::len);
    let n_pairs = (d * d.saturating_sub(1) / 2).max(1);
    let n_rows = n_all.min((COUNTED_MAX / n_pairs).max(200));
    // The rows were drawn: every so-manieth is as good as drawn again.
    let rows: Vec<usize> = (0..n_rows).map(|i| i * n_all / n_rows).collect();
    let codes: Vec<Vec<u16>> =
        cells.iter().map(|column| rows.iter().map(|row| column[*row].0).collect()).collect();
    let shared = ctx.map(d, |a| {
        (0..a)
            .map(|b| information((&codes[a], n_cells[a]), (&codes[b], n_cells[b])))
            .collect::<Vec<f64>>()
    });
    let between = |a: usize, b: usize| if a > b { shared[a][b] } else { shared[b][a] };
    // Prim's algorithm; a column that nothing tells anything of begins a tree of its own.
    let mut parents = vec![None; d];
    let mut best: Vec<(f64, Option<u32>)> = vec![(0.0, None); d];
    let mut is_in = vec![false; d];
    for _ in 0..d {
        let open = (0..d).filter(|i| !is_in[*i]);
        let Some(next) = open.max_by(|a, b| best[*a].0.total_cmp(&best[*b].0).then(b.cmp(a)))
        else {
            break;
        };
        is_in[next] = true;
        parents[next] = best[next].1;
        for other in (0..d).filter(|i| !is_in[*i]) {
            let found = between(next, other);
            if found > best[other].0 {
                best[other] = (found, Some(next as u32));
            }
        }
    }
    parents
}

/// Mutual information of two columns in nats, less what chance alone makes of it (Miller, 1955).
fn information((a, n_a): (&[u16], usize), (b, n_b): (&[u16], usize)) -> f64 {
    let n = a.len() as f64;
    let mut joint = vec![0_u32; n_a * n_b];
    for (a, b) in a.iter().zip(b) {
        joint[usize::from(*a) * n_b + usize::from(*b)] += 1;
    }
    let rows: Vec<u32> = joint.chunks(n_b).map(|row| row.iter().sum()).collect();
    let columns: Vec<u32> = (0..n_b).map(|b| joint.iter().skip(b).step_by(n_b).sum()).collect();
    let mut sum = 0.0;
    for (row, counts) in rows.iter().zip(joint.chunks(n_b)) {
        for (column, count) in columns.iter().zip(counts).filter(|(_, count)| **count > 0) {
            let count = f64::from(*count);
            sum += count * libm::log(count * n / (f64::from(*row) * f64::from(*column)));
        }
    }
    let used = |counts: &[u32]| counts.iter().filter(|n| **n > 0).count().saturating_sub(1) as f64;
    sum / n - used(&rows) * used(&columns) / (2.0 * n)
}
