//! Which columns reveal a sensitive one: leaving the sensitive column out does not help while its
//! proxies are in.
//!
//! A column is cut into groups like a sensitive one, more finely. Two numbers say how telling it
//! is: Cramér's V corrected for its bias (Bergsma, Journal of the Korean Statistical Society 42,
//! 2013), and the share of rows whose group it names: the most frequent group of each value,
//! learned on one half of the rows and tried on the other, both ways round.
//!
//! Chance alone makes some of many columns look telling on few rows. A column is therefore a proxy
//! only if a χ² test denies independence, corrected by Holm's method for all columns looked at,
//! and if its values do not name groups worse than guessing does.

use modelwright_core::data::Column;
use modelwright_core::random::number_at;
use modelwright_core::record::Proxy;

use super::{Grouping, Groups};
use crate::compare::adjust::holm;
use crate::distribution::chi_square_survival;

/// Below this association a column is not worth a word.
const ASSOCIATION_MIN: f64 = 0.2;

/// Beyond this p-value, after Holm's correction, an association may be chance.
const P_MAX: f64 = 0.05;

/// The most proxies of one sensitive column.
const PROXIES_MAX: usize = 8;

/// The columns that reveal the groups, the most telling first; columns of the groups themselves
/// are left out.
///
/// # Panics
/// If a column has not as many rows as there are in groups.
pub fn proxies<'a>(columns: impl Iterator<Item = &'a Column>, groups: &Groups) -> Vec<Proxy> {
    let is_other = |column: &&Column| !groups.columns.contains(&column.name);
    let (all, p_values): (Vec<Proxy>, Vec<f64>) = columns
        .filter(is_other)
        .map(|column| {
            let values = Grouping::finely(column).groups(column);
            let table = Crossed::new(&values, groups);
            let proxy = Proxy {
                column: column.name.clone(),
                sensitive: groups.columns.join(", "),
                association: table.association(),
                told: told(&values, groups),
                guessed: table.largest_share(),
            };
            (proxy, table.p_value())
        })
        .unzip();
    let is_telling = |(proxy, p): &(Proxy, f64)| {
        let error = (proxy.told * (1.0 - proxy.told) / groups.codes.len().max(1) as f64).sqrt();
        proxy.association >= ASSOCIATION_MIN && *p < P_MAX && proxy.told + error >= proxy.guessed
    };
    let tested = all.into_iter().zip(holm(&p_values));
    let mut found: Vec<Proxy> = tested.filter(is_telling).map(|(proxy, _)| proxy).collect();
    found.sort_by(|a, b| {
        b.association.total_cmp(&a.association).then_with(|| a.column.cmp(&b.column))
    });
    found.truncate(PROXIES_MAX);
    found
}

/// Rows by value and group.
struct Crossed {
    n_groups: usize,
    /// `cells[value * n_groups + group]`.
    cells: Vec<f64>,
    n: f64,
}

impl Crossed {
    fn new(values: &Groups, groups: &Groups) -> Self {
        let n_groups = groups.names.len();
        let mut cells = vec![0.0; values.names.len() * n_groups];
        for (value, group) in values.codes.iter().zip(&groups.codes) {
            cells[*value as usize * n_groups + *group as usize] += 1.0;
        }
        Self { n_groups, cells, n: groups.codes.len() as f64 }
    }

    fn of_groups(&self) -> Vec<f64> {
        let group = |g: usize| self.cells.iter().skip(g).step_by(self.n_groups).sum();
        (0..self.n_groups).map(group).collect()
    }

    fn largest_share(&self) -> f64 {
        if self.n > 0.0 { self.of_groups().into_iter().fold(0.0, f64::max) / self.n } else { 0.0 }
    }

    /// Pearson's statistic of independence, and how many values and groups occur.
    fn statistic(&self) -> (f64, f64, f64) {
        let groups = self.of_groups();
        let values: Vec<f64> =
            self.cells.chunks_exact(self.n_groups).map(|row| row.iter().sum()).collect();
        let mut statistic = 0.0;
        for (row, of_value) in self.cells.chunks_exact(self.n_groups).zip(&values) {
            for (seen, of_group) in row.iter().zip(&groups) {
                let expected = of_value * of_group / self.n;
                if expected > 0.0 {
                    statistic += (seen - expected).powi(2) / expected;
                }
            }
        }
        let used = |counts: &[f64]| counts.iter().filter(|c| **c > 0.0).count() as f64;
        (statistic, used(&values), used(&groups))
    }

    /// The chance of such a table or a more telling one when values and groups are independent.
    fn p_value(&self) -> f64 {
        let (statistic, r, k) = self.statistic();
        if r < 2.0 || k < 2.0 { 1.0 } else { chi_square_survival(statistic, (r - 1.0) * (k - 1.0)) }
    }

    /// Bias-corrected Cramér's V; 0 where one of the two does not vary.
    fn association(&self) -> f64 {
        let (statistic, r, k) = self.statistic();
        let n = self.n;
        if r < 2.0 || k < 2.0 || n < 2.0 {
            return 0.0;
        }
        let phi = (statistic / n - (r - 1.0) * (k - 1.0) / (n - 1.0)).max(0.0);
        let corrected = |m: f64| m - (m - 1.0).powi(2) / (n - 1.0);
        let least = corrected(r).min(corrected(k)) - 1.0;
        if least > 0.0 { (phi / least).sqrt().min(1.0) } else { 0.0 }
    }
}

/// The share of rows whose group the value names, each half told by the other.
fn told(values: &Groups, groups: &Groups) -> f64 {
    let n_groups = groups.names.len();
    let n_rows = groups.codes.len();
    let mut n_right = 0_usize;
    for half in 0..2 {
        let mut cells = vec![0_usize; values.names.len() * n_groups];
        let mut all = vec![0_usize; n_groups];
        for row in (0..n_rows).filter(|row| half_of(*row) == half) {
            let group = groups.codes[row] as usize;
            cells[values.codes[row] as usize * n_groups + group] += 1;
            all[group] += 1;
        }
        let of_unseen = most_frequent(&all);
        let named: Vec<usize> = cells
            .chunks_exact(n_groups.max(1))
            .map(|row| if row.iter().all(|n| *n == 0) { of_unseen } else { most_frequent(row) })
            .collect();
        let others = (0..n_rows).filter(|row| half_of(*row) != half);
        n_right += others
            .filter(|row| named[values.codes[*row] as usize] == groups.codes[*row] as usize)
            .count();
    }
    if n_rows == 0 { 0.0 } else { n_right as f64 / n_rows as f64 }
}

/// The half that a row belongs to: by its hash, because rows may alternate.
fn half_of(row: usize) -> u64 {
    number_at(0, row as u64) & 1
}

/// The place of the largest count (ties: the first).
fn most_frequent(counts: &[usize]) -> usize {
    (0..counts.len()).fold(0, |best, i| if counts[i] > counts[best] { i } else { best })
}
