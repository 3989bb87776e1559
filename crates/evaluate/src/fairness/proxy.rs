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
//!
//! Where rows belong together, such as the visits of one patient, whole units are on one side of
//! the halves, and units are the witnesses of the test: a weight that names the patient would
//! otherwise "reveal" whatever is the same at all visits.

use modelwright_core::data::Column;
use modelwright_core::random::number_at;
use modelwright_core::record::Proxy;

use super::crossed::{ByUnit, Crossed};
use super::{Grouping, Groups};
use crate::compare::adjust::holm;
use crate::compare::clusters::clustered;
use crate::conformal::share_held;

/// Below this association a column is not worth a word.
const ASSOCIATION_MIN: f64 = 0.2;

/// Beyond this p-value, after Holm's correction, an association may be chance.
const P_MAX: f64 = 0.05;

/// The most proxies of one sensitive column.
const PROXIES_MAX: usize = 8;

/// The columns that reveal the groups, the most telling first; columns of the groups themselves
/// are left out. `units` says of each row what it belongs to, where rows belong together: a value
/// that names the unit is no proxy of what is the same in all of its rows.
///
/// # Panics
/// If a column, or `units`, has not as many rows as there are in groups.
pub fn proxies<'a>(
    columns: impl Iterator<Item = &'a Column>,
    groups: &Groups,
    units: Option<&[u32]>,
) -> Vec<Proxy> {
    let units = units.map(ByUnit::of);
    let units = units.as_ref();
    let halves = halves(groups.codes.len(), units);
    let is_other = |column: &&Column| !groups.columns.contains(&column.name);
    let mut p_values = Vec::new();
    let all: Vec<(Proxy, f64)> = columns
        .filter(is_other)
        .map(|column| {
            let values = Grouping::finely(column).groups(column);
            let table = Crossed::new(&values, groups, units);
            let hits = told(&values, groups, &halves);
            let unit_of = units.map(|units| units.unit_of.as_slice());
            let (told, told_ci95) = share_held(&hits, None, unit_of).unzip();
            let proxy = Proxy {
                column: column.name.clone(),
                sensitive: groups.columns.join(", "),
                association: table.association(),
                told: told.unwrap_or_default(),
                told_ci95,
                guessed: table.largest_share(),
            };
            p_values.push(table.p_value());
            let error = standard_error(&hits, proxy.told, units);
            (proxy, error)
        })
        .collect();
    let is_telling = |((proxy, error), p): &((Proxy, f64), f64)| {
        proxy.association >= ASSOCIATION_MIN && *p < P_MAX && proxy.told + error >= proxy.guessed
    };
    let tested = all.into_iter().zip(holm(&p_values));
    let mut found: Vec<Proxy> = tested.filter(is_telling).map(|((proxy, _), _)| proxy).collect();
    found.sort_by(|a, b| {
        b.association.total_cmp(&a.association).then_with(|| a.column.cmp(&b.column))
    });
    found.truncate(PROXIES_MAX);
    found
}

/// Which rows' group the value names, each half told by the other.
fn told(values: &Groups, groups: &Groups, halves: &[bool]) -> Vec<bool> {
    let n_groups = groups.names.len();
    let n_rows = groups.codes.len();
    let mut is_right = vec![false; n_rows];
    for half in [false, true] {
        let mut cells = vec![0_usize; values.names.len() * n_groups];
        let mut all = vec![0_usize; n_groups];
        for row in (0..n_rows).filter(|row| halves[*row] == half) {
            let group = groups.codes[row] as usize;
            cells[values.codes[row] as usize * n_groups + group] += 1;
            all[group] += 1;
        }
        let of_unseen = most_frequent(&all);
        let named: Vec<usize> = cells
            .chunks_exact(n_groups.max(1))
            .map(|row| if row.iter().all(|n| *n == 0) { of_unseen } else { most_frequent(row) })
            .collect();
        for row in (0..n_rows).filter(|row| halves[*row] != half) {
            is_right[row] = named[values.codes[row] as usize] == groups.codes[row] as usize;
        }
    }
    is_right
}

/// Whether each row belongs to the second half: by its hash, because rows may alternate. Of rows
/// in units every second unit in the order of their hashes does, with all of its rows: what names
/// a unit tells nothing of another one.
fn halves(n_rows: usize, units: Option<&ByUnit>) -> Vec<bool> {
    let hash = |number: usize| number_at(0, number as u64);
    let Some(units) = units else {
        return (0..n_rows).map(|row| hash(row) & 1 == 1).collect();
    };
    let mut order: Vec<usize> = (0..units.n_units).collect();
    order.sort_by_key(|unit| hash(*unit));
    let mut is_second = vec![false; units.n_units];
    order.iter().skip(1).step_by(2).for_each(|unit| is_second[*unit] = true);
    units.unit_of.iter().map(|unit| is_second[*unit as usize]).collect()
}

/// The standard error of a share of rows.
fn standard_error(hits: &[bool], share: f64, units: Option<&ByUnit>) -> f64 {
    let n_rows = hits.len().max(1) as f64;
    let residual = |row: usize| f64::from(u8::from(hits[row])) - share;
    match units {
        None => (share * (1.0 - share) / n_rows).sqrt(),
        Some(units) => clustered(&units.unit_of, |_| 1.0 / n_rows, residual)
            .map_or(0.0, |certain| certain.standard_error),
    }
}

/// The place of the largest count (ties: the first).
fn most_frequent(counts: &[usize]) -> usize {
    (0..counts.len()).fold(0, |best, i| if counts[i] > counts[best] { i } else { best })
}
