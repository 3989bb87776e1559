//! Cut points and bin numbers of a feature column.
//!
//! Few distinct values get a bin each, with cuts at the midpoints. Many share [`MAX_CUTS`] + 1
//! bins of about equal row counts; a value that alone fills a bin gets one of its own (the greedy
//! rule of LightGBM's `GreedyFindBin`). Cuts are decided on at most [`SAMPLE`] rows, bins are
//! found for all rows by a branch-free binary search.
//! Reference: Ke et al., "LightGBM", NeurIPS 2017; the greedy rule is in its `bin.cpp`.

use modelwright_core::data::{BinnedColumn, MAX_CUTS};

use super::sort::sort;

/// At most this many rows decide the cuts of a column.
pub const SAMPLE: usize = 200_000;

/// Up to this many cuts counting all of them beats searching.
const FEW: usize = 8;

/// Cuts decided on `rows` (`None` is all rows), bins of all rows.
pub fn bin(values: &[f32], rows: Option<&[u32]>) -> BinnedColumn {
    let mut sample: Vec<f32> = match rows {
        None => values.iter().copied().filter(|v| !v.is_nan()).collect(),
        Some(rows) => rows.iter().map(|r| values[*r as usize]).filter(|v| !v.is_nan()).collect(),
    };
    sort(&mut sample);
    let cuts = cuts(&sample);
    BinnedColumn { codes: codes(values, &cuts).into(), cuts }
}

/// Cut points of ascending values.
pub fn cuts(sorted: &[f32]) -> Vec<f32> {
    let distinct: Vec<(f32, usize)> =
        sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    if distinct.len() <= MAX_CUTS + 1 {
        return distinct.windows(2).map(|w| between(w[0].0, w[1].0)).collect();
    }
    greedy_cuts(&distinct, sorted.len())
}

fn greedy_cuts(distinct: &[(f32, usize)], n: usize) -> Vec<f32> {
    let n_bins = MAX_CUTS + 1;
    let is_heavy = |count: usize| count * n_bins >= n;
    let heavy = || distinct.iter().map(|d| d.1).filter(|c| is_heavy(*c));
    // Rows and bins left for the values that share bins.
    let mut rows_left = n - heavy().sum::<usize>();
    let mut bins_left = n_bins - heavy().count();
    let mut wanted = rows_left as f64 / bins_left.max(1) as f64;
    let mut cuts = Vec::with_capacity(MAX_CUTS);
    let mut filled = 0;
    for pair in distinct.windows(2) {
        let ((value, count), (next, next_count)) = (pair[0], pair[1]);
        filled += count;
        if !is_heavy(count) {
            rows_left -= count;
        }
        let ends = is_heavy(count)
            || filled as f64 >= wanted
            || (is_heavy(next_count) && filled as f64 >= (wanted * 0.5).max(1.0));
        if !ends {
            continue;
        }
        cuts.push(between(value, next));
        if cuts.len() == MAX_CUTS {
            break;
        }
        filled = 0;
        if !is_heavy(count) {
            bins_left = bins_left.saturating_sub(1);
            wanted = rows_left as f64 / bins_left.max(1) as f64;
        }
    }
    cuts
}

/// The midpoint of `a < b`, or `a` where f32 has nothing between: always `a <= cut < b`.
fn between(a: f32, b: f32) -> f32 {
    let middle = f64::midpoint(f64::from(a), f64::from(b)) as f32;
    if middle < b { middle } else { a }
}

/// The bin of each value: see [`BinnedColumn`].
pub fn codes(values: &[f32], cuts: &[f32]) -> Vec<u8> {
    assert!(cuts.len() <= MAX_CUTS, "bins must fit in a byte");
    let missing = (cuts.len() + 1) as u8;
    if cuts.len() <= FEW {
        let count = |v: f32| cuts.iter().map(|c| u8::from(*c < v)).sum::<u8>();
        return values.iter().map(|v| if v.is_nan() { missing } else { count(*v) }).collect();
    }
    let mut table = [f32::INFINITY; 256];
    table[..cuts.len()].copy_from_slice(cuts);
    match cuts.len() {
        0..=15 => search::<8>(values, &table, missing),
        16..=31 => search::<16>(values, &table, missing),
        32..=63 => search::<32>(values, &table, missing),
        64..=127 => search::<64>(values, &table, missing),
        _ => search::<128>(values, &table, missing),
    }
}

/// Binary search without branches; `FIRST` is the first step, half the table's used size.
fn search<const FIRST: usize>(values: &[f32], table: &[f32; 256], missing: u8) -> Vec<u8> {
    let find = |v: f32| {
        let (mut position, mut step) = (0_usize, FIRST);
        while step > 0 {
            // `position + step` never exceeds 255; the mask tells the compiler.
            let is_below = table[(position + step - 1) & 255] < v;
            position += step * usize::from(is_below);
            step /= 2;
        }
        position as u8
    };
    values.iter().map(|v| if v.is_nan() { missing } else { find(*v) }).collect()
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    fn check(values: &[f32]) -> BinnedColumn {
        let binned = bin(values, None);
        assert!(binned.cuts.len() <= MAX_CUTS);
        assert!(binned.cuts.windows(2).all(|w| w[0] < w[1]), "{:?}", binned.cuts);
        for (v, code) in values.iter().zip(&binned.codes.to_vec()) {
            let expected = if v.is_nan() {
                binned.missing_bin()
            } else {
                binned.cuts.iter().filter(|c| **c < *v).count() as u8
            };
            assert_eq!(*code, expected, "value {v}");
        }
        binned
    }

    #[test]
    fn few_distinct_values_get_a_bin_each_with_cuts_at_the_midpoints() {
        let binned = check(&[3.0, 1.0, f32::NAN, 1.0, 7.0]);
        assert_eq!(binned.cuts, [2.0, 5.0]);
        assert_eq!(binned.codes.to_vec(), [1, 0, 3, 0, 2]);
    }

    #[test]
    fn every_number_of_cuts_is_searched_correctly() {
        for n in 1..=300 {
            let mut values: Vec<f32> = (0..n).map(|i| i as f32).collect();
            values.extend([f32::NAN, f32::MAX, -f32::MAX]);
            let binned = check(&values);
            if n + 2 <= MAX_CUTS + 1 {
                assert_eq!(binned.cuts.len(), n + 1);
            }
        }
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let one = 1.0_f32;
        let next = f32::from_bits(one.to_bits() + 1);
        let binned = check(&[one, next]);
        assert_eq!(binned.codes.to_vec(), [0, 1]);
        check(&[-f32::MAX, f32::MAX, 0.0, f32::from_bits(1)]);
    }

    #[test]
    fn many_values_share_bins_evenly_and_a_heavy_value_has_its_own() {
        let mut random = Random::new(2);
        let mut values: Vec<f32> = (0..20_000).map(|_| random.normal() as f32).collect();
        values.extend(std::iter::repeat_n(0.25, 20_000));
        let binned = check(&values);
        assert!(binned.cuts.len() > 200, "{}", binned.cuts.len());
        let mut counts = vec![0_usize; binned.n_bins()];
        binned.codes.to_vec().iter().for_each(|c| counts[*c as usize] += 1);
        let heavy = binned.codes.get(20_000) as usize;
        assert!((20_000..20_100).contains(&counts[heavy]));
        counts[heavy] = 0;
        assert!(*counts.iter().max().unwrap() < 200, "{counts:?}");
    }

    #[test]
    fn an_empty_or_missing_column_has_no_cuts() {
        assert_eq!(bin(&[], None).cuts, Vec::<f32>::new());
        assert_eq!(bin(&[f32::NAN, f32::NAN], None).codes.to_vec(), [1, 1]);
    }
}
