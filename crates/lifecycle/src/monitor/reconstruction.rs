//! Whether the relations among the columns of the reference still hold in the new rows.
//!
//! Columns become numbers (a category by how frequent it is in the reference), each held within
//! what is usual in the reference (one cell of a million says no more than that it is large),
//! centred and scaled. The main directions of the reference (principal components) that hold 65 %
//! of its spread keep what columns have to do with each other; what a row loses when only they are
//! kept is its reconstruction error. When relations change, the error grows, also where each column
//! alone looks as it did; it shrinks when rows become more alike. The idea and the share are
//! NannyML's ("data reconstruction with PCA"). Two things differ: the error of the reference is
//! measured on its other half, from which the directions were not learned, and the two means are
//! compared by their standard errors instead of by chunks.

use std::collections::BTreeMap;

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, Table};
use modelwright_core::record::Reconstruction;
use modelwright_core::{Context, random::Random};
use modelwright_evaluate::compare::clusters::clustered;
use modelwright_evaluate::distribution::normal_quantile;

/// The share of the reference's spread that the kept directions hold.
const SHARE: f64 = 0.65;

/// Means that differ by more standard errors are beyond chance.
const Z: f64 = 3.0;
/// What that is as a p-value, which groups of rows are held against by a t-distribution.
const Z_P: f64 = 0.0027;

/// Means that differ by less of the errors' standard deviation matter to nobody, however many rows
/// prove it.
const EFFECT: f64 = 0.1;

/// Among fewer columns there are no relations worth keeping.
const COLUMNS_MIN: usize = 3;
/// Time grows with the cube of the columns: of more, the first ones are compared.
const COLUMNS_MAX: usize = 200;

/// Values count as at most so many standard deviations from the middle. The deviation is that of a
/// normal distribution with the same quartiles, which single values cannot change.
const REACH: f64 = 8.0;

/// The quartiles of a normal distribution are so many standard deviations apart.
const QUARTILES_APART: f64 = 1.349;

/// Passes of Jacobi's rotations; eight are enough for hundreds of columns.
const SWEEPS_MAX: usize = 20;

/// How sure is sure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tested<'a> {
    /// Of the rows of both samples, one after the other, which of them belong together.
    pub(super) groups: Option<&'a [u32]>,
    /// The share of the level that this look may spend.
    pub(super) spent: f64,
}

/// Compares the reconstruction errors of two samples with the same columns; `None` where there are
/// too few columns that vary.
pub(super) fn reconstruct(
    was: &Table,
    is: &Table,
    Tested { groups, spent }: Tested<'_>,
    ctx: &Context,
) -> Option<Reconstruction> {
    let pairs = was.columns().iter().filter_map(|c| Some((c, is.column(&c.name)?)));
    let encoded: Vec<(Vec<f64>, Vec<f64>)> =
        pairs.filter_map(|(was, is)| encode(was, is)).take(COLUMNS_MAX).collect();
    let n_columns = encoded.len();
    if n_columns < COLUMNS_MIN {
        return None;
    }
    let (learned, judged) = halves(was.n_rows(), groups, ctx);
    let of = |row: usize| encoded.iter().map(|(was, _)| was[row]).collect::<Vec<f64>>();
    let reference: Vec<Vec<f64>> = learned.iter().map(|row| of(*row)).collect();
    let directions = directions(&reference, n_columns);
    let errors_was: Vec<f64> = judged.iter().map(|row| error(&of(*row), &directions)).collect();
    let errors_is: Vec<f64> = (0..is.n_rows())
        .map(|row| error(&encoded.iter().map(|(_, is)| is[row]).collect::<Vec<_>>(), &directions))
        .collect();
    let (before, now) = (Spread::of(&errors_was), Spread::of(&errors_is));
    let difference = now.mean - before.mean;
    let (standard_error, is_certain) = if let Some(groups) = groups {
        let rows = judged.iter().copied().chain(was.n_rows()..was.n_rows() + is.n_rows());
        let of_rows: Vec<u32> = rows.filter_map(|row| groups.get(row).copied()).collect();
        let n_was = errors_was.len();
        let share = |row: usize| if row < n_was { -1.0 / before.n } else { 1.0 / now.n };
        let residual = |row: usize| match row.checked_sub(n_was) {
            None => errors_was[row] - before.mean,
            Some(row) => errors_is[row] - now.mean,
        };
        let found = clustered(&of_rows, share, residual)?;
        (found.standard_error, found.p_value(difference) < spent * Z_P)
    } else {
        let beyond = if spent < 1.0 { -normal_quantile(0.5 * spent * Z_P) } else { Z };
        let error = (before.variance / before.n + now.variance / now.n).sqrt();
        (error, difference.abs() > beyond * error)
    };
    let matters = difference.abs() > EFFECT * before.variance.sqrt();
    Some(Reconstruction {
        error: now.mean,
        reference: before.mean,
        standard_error,
        n_columns,
        n_components: directions.len(),
        drifted: is_certain && matters,
    })
}

/// The rows of the reference in two halves, of whole groups where there are groups.
fn halves(n_rows: usize, groups: Option<&[u32]>, ctx: &Context) -> (Vec<usize>, Vec<usize>) {
    let mut random: Random = ctx.random("monitor/halves", 0);
    let Some(groups) = groups else {
        let mut rows: Vec<usize> = (0..n_rows).collect();
        random.shuffle(&mut rows);
        let judged = rows.split_off(n_rows / 2);
        return (rows, judged);
    };
    let mut of_groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate().take(n_rows) {
        of_groups.entry(*group).or_default().push(row);
    }
    let mut all: Vec<Vec<usize>> = of_groups.into_values().collect();
    random.shuffle(&mut all);
    let (mut learned, mut judged) = (Vec::new(), Vec::new());
    for rows in all {
        if learned.len() <= judged.len() { &mut learned } else { &mut judged }.extend(rows);
    }
    (learned, judged)
}

/// A column of both sides as numbers, held within the reach of the reference's, centred and scaled
/// by it; `None` where it does not vary there.
fn encode(was: &Column, is: &Column) -> Option<(Vec<f64>, Vec<f64>)> {
    let (mut old, mut new) = match (&was.data, &is.data) {
        (ColumnData::Number(old), ColumnData::Number(new)) => (old.to_vec(), new.to_vec()),
        (ColumnData::String { .. }, ColumnData::String { .. }) => {
            let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
            for text in texts(was).into_iter().flatten() {
                *shares.entry(text).or_default() += 1.0 / was.n_rows().max(1) as f64;
            }
            // A level that the reference never had is as frequent there as it says: never.
            let share =
                |text: Option<&str>| text.map_or(f64::NAN, |t| *shares.get(t).unwrap_or(&0.0));
            let of = |column| texts(column).into_iter().map(share).collect();
            (of(was), of(is))
        }
        _ => return None,
    };
    let mut known: Vec<f64> = old.iter().copied().filter(|v| v.is_finite()).collect();
    let (low, high) = reach(&mut known)?;
    for value in &mut known {
        *value = value.clamp(low, high);
    }
    let spread = Spread::of(&known);
    let deviation = spread.variance.sqrt();
    if !deviation.is_finite() || deviation <= 1e-12 * spread.mean.abs() {
        return None;
    }
    for value in old.iter_mut().chain(&mut new) {
        // What is missing is taken to be as usual.
        *value = if value.is_finite() {
            (value.clamp(low, high) - spread.mean) / deviation
        } else {
            0.0
        };
    }
    Some((old, new))
}

/// The range outside of which values of a column count as its ends; `None` where there are too few
/// values, or they are too large to be told apart.
fn reach(known: &mut [f64]) -> Option<(f64, f64)> {
    if known.len() < 2 {
        return None;
    }
    known.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| known[((known.len() - 1) as f64 * share).round() as usize];
    let (middle, apart) = (at(0.5), at(0.75) - at(0.25));
    // Where most values are the same, quartiles say nothing of the others.
    let (middle, deviation) = if apart > 0.0 {
        (middle, apart / QUARTILES_APART)
    } else {
        let spread = Spread::of(known);
        (spread.mean, spread.variance.sqrt())
    };
    let (low, high) = (middle - REACH * deviation, middle + REACH * deviation);
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

fn texts(column: &Column) -> Vec<Option<&str>> {
    let ColumnData::String { codes, dictionary } = &column.data else { return Vec::new() };
    codes.iter().map(|code| (*code != MISSING_CODE).then(|| dictionary.get(*code))).collect()
}

/// Mean and variance; zero of nothing.
struct Spread {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Self { n, mean, variance: squares / (n - 1.0).max(1.0) }
    }
}

/// The length of what is lost of a row when only the directions are kept.
fn error(row: &[f64], directions: &[Vec<f64>]) -> f64 {
    let mut rest = row.to_vec();
    for direction in directions {
        let along: f64 = row.iter().zip(direction).map(|(x, d)| x * d).sum();
        rest.iter_mut().zip(direction).for_each(|(r, d)| *r -= along * d);
    }
    rest.iter().map(|r| r * r).sum::<f64>().sqrt()
}

/// The main directions that hold [`SHARE`] of the spread, at least one.
fn directions(rows: &[Vec<f64>], n_columns: usize) -> Vec<Vec<f64>> {
    let n = rows.len().max(1) as f64;
    let mut spread = vec![vec![0.0; n_columns]; n_columns];
    for row in rows {
        for (x, of_column) in row.iter().zip(&mut spread) {
            for (y, cell) in row.iter().zip(of_column) {
                *cell += x * y / n;
            }
        }
    }
    let mut found = eigen(spread);
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total: f64 = found.iter().map(|(value, _)| value.max(0.0)).sum();
    let mut held = 0.0;
    let mut kept = Vec::new();
    for (value, direction) in found {
        if !kept.is_empty() && held >= SHARE * total {
            break;
        }
        held += value.max(0.0);
        kept.push(direction);
    }
    kept
}

/// Values and directions of a symmetric matrix by Jacobi's rotations, which take the largest
/// off-diagonal parts away one after the other. Reference: Golub & Van Loan, "Matrix Computations",
/// section 8.5.
fn eigen(mut a: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let n = a.len();
    let unit = |i: usize| (0..n).map(|j| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
    // Row i is the direction of value i.
    let mut v: Vec<Vec<f64>> = (0..n).map(unit).collect();
    for _ in 0..SWEEPS_MAX {
        let off: f64 =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if off < 1e-18 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut v, p, q);
            }
        }
    }
    v.into_iter().enumerate().map(|(i, direction)| (a[i][i], direction)).collect()
}

/// Turns directions `p` and `q` so that they have nothing to do with each other.
fn rotate(a: &mut [Vec<f64>], v: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q].abs() < 1e-300 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for row in a.iter_mut() {
        let (x, y) = (row[p], row[q]);
        (row[p], row[q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..a.len() {
        let (x, y) = (a[p][k], a[q][k]);
        (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
        let (x, y) = (v[p][k], v[q][k]);
        (v[p][k], v[q][k]) = (c * x - s * y, s * x + c * y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Tested<'static> = Tested { groups: None, spent: 1.0 };

    #[test]
    fn values_and_directions_of_a_matrix_are_found() {
        let found = eigen(vec![vec![2.0, 1.0, 0.0], vec![1.0, 2.0, 0.0], vec![0.0, 0.0, 5.0]]);
        let mut values: Vec<f64> = found.iter().map(|f| f.0).collect();
        values.sort_by(f64::total_cmp);
        for (value, expected) in values.iter().zip([1.0, 3.0, 5.0]) {
            assert!((value - expected).abs() < 1e-12, "{values:?}");
        }
        let of_three = &found.iter().find(|f| (f.0 - 3.0).abs() < 1e-9).unwrap().1;
        assert!((of_three[0] - of_three[1]).abs() < 1e-12 && of_three[2].abs() < 1e-12);
    }

    fn table(n: usize, stream: u64, twins: f64) -> Table {
        let mut random = Random::stream(4, "reconstruction", stream);
        let mut columns: [Vec<f64>; 4] = Default::default();
        let mut names = Vec::new();
        for _ in 0..n {
            let z = random.normal();
            for (i, column) in columns.iter_mut().enumerate() {
                let own = random.normal();
                let related =
                    if i < 3 { twins * z + (1.0 - twins * twins).sqrt() * own } else { own };
                column.push(if random.unit() < 0.02 { f64::NAN } else { related });
            }
            names.push(Some(["a", "b", "c"][(random.unit() * random.unit() * 3.0) as usize]));
        }
        let mut all: Vec<Column> =
            (0..).zip(columns).map(|(i, c)| Column::numbers(format!("x{i}"), c)).collect();
        all.push(Column::strings("name", names));
        Table::new(all).unwrap()
    }

    #[test]
    fn relations_that_are_gone_show_though_no_column_alone_moved() {
        let ctx = Context::unlimited(1, 1);
        let was = table(3000, 0, 0.95);
        let gone = reconstruct(&was, &table(1000, 1, 0.0), ALONE, &ctx).unwrap();
        assert!(gone.drifted && gone.error > gone.reference, "{gone:?}");
        assert!(gone.n_components < gone.n_columns && gone.n_columns == 5);
        let other = Context::unlimited(1, 4);
        assert_eq!(reconstruct(&was, &table(1000, 1, 0.0), ALONE, &other).unwrap(), gone);
    }

    #[test]
    fn where_nothing_happened_little_is_seen() {
        let ctx = Context::unlimited(1, 1);
        let was = table(2000, 0, 0.8);
        let n = 200;
        let n_drifted = (0..n)
            .filter(|i| reconstruct(&was, &table(300, 10 + i, 0.8), ALONE, &ctx).unwrap().drifted)
            .count();
        // Three standard errors: one in 370 by chance; all share one reference.
        assert!(n_drifted <= 4, "{n_drifted} of {n}");
    }

    fn with_cell(table: &Table, value: f64) -> Table {
        let mut columns = table.columns().to_vec();
        if let ColumnData::Number(values) = &mut columns[1].data {
            values.change(|values| values[7] = value);
        }
        Table::new(columns).unwrap()
    }

    #[test]
    fn one_cell_however_large_neither_hides_nor_makes_a_drift() {
        let ctx = Context::unlimited(1, 1);
        let was = table(3000, 0, 0.95);
        let (gone, same) = (table(800, 1, 0.0), table(800, 2, 0.95));
        for value in [1e6, -1e200, f64::MAX, f64::INFINITY] {
            let found = reconstruct(&was, &with_cell(&gone, value), ALONE, &ctx).unwrap();
            let numbers = [found.error, found.standard_error, found.reference];
            assert!(found.drifted && numbers.iter().all(|v| v.is_finite()), "{value}: {found:?}");
            let found = reconstruct(&was, &with_cell(&same, value), ALONE, &ctx).unwrap();
            assert!(!found.drifted && found.error < 2.0 * found.reference, "{value}: {found:?}");
            let found = reconstruct(&with_cell(&was, value), &gone, ALONE, &ctx).unwrap();
            assert!(found.drifted && found.n_columns == 5, "in the reference {value}: {found:?}");
        }
    }

    #[test]
    fn columns_that_do_not_vary_are_too_few() {
        let ctx = Context::unlimited(1, 1);
        let flat = || {
            let column = |name: &str| Column::numbers(name, vec![1.0; 100]);
            Table::new(vec![column("a"), column("b"), column("c")]).unwrap()
        };
        assert_eq!(reconstruct(&flat(), &flat(), ALONE, &ctx), None);
    }
}
