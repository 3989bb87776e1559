//! A column as few levels: bins of a number, values of a string, one level for missing.

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT};

/// The level of each row looked at.
pub(super) struct Levels {
    /// One level per row, `0..n`.
    pub codes: Vec<u32>,
    /// How many levels there are; the last one is for missing values.
    pub n: usize,
}

impl Levels {
    /// The levels of the given rows; numbers with more than `n_bins` distinct values are cut at
    /// quantiles.
    pub(super) fn of(column: &Column, rows: &[u32], n_bins: usize) -> Self {
        match &column.data {
            ColumnData::Number(values) => {
                let picked = rows.iter().map(|r| values.at(*r as usize));
                binned(picked.map(|v| (!v.is_nan()).then_some(v)).collect(), n_bins)
            }
            ColumnData::Instant(values) => {
                let picked = rows.iter().map(|r| values[*r as usize]);
                let known = picked.map(|v| (v != MISSING_INSTANT).then_some(v as f64));
                binned(known.collect(), n_bins)
            }
            ColumnData::String { codes, dictionary } => {
                let picked: Vec<u32> = rows.iter().map(|r| codes[*r as usize]).collect();
                by_code(&picked, dictionary.len())
            }
        }
    }
}

fn binned(values: Vec<Option<f64>>, n_bins: usize) -> Levels {
    let mut sorted: Vec<f64> = values.iter().copied().flatten().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut cuts = sorted.clone();
    cuts.dedup();
    if cuts.len() > n_bins {
        let n = sorted.len();
        cuts = (1..=n_bins).map(|i| sorted[(i * n / n_bins).max(1) - 1]).collect();
        cuts.dedup();
    }
    let missing = cuts.len() as u32;
    let level =
        |value: Option<f64>| value.map_or(missing, |v| cuts.partition_point(|cut| *cut < v) as u32);
    Levels { codes: values.into_iter().map(level).collect(), n: cuts.len() + 1 }
}

fn by_code(codes: &[u32], n_dictionary: usize) -> Levels {
    let mut level_of = vec![MISSING_CODE; n_dictionary];
    let mut n = 0;
    let mut levels: Vec<u32> = codes
        .iter()
        .map(|code| {
            if *code == MISSING_CODE {
                return MISSING_CODE;
            }
            let level = &mut level_of[*code as usize];
            if *level == MISSING_CODE {
                *level = n;
                n += 1;
            }
            *level
        })
        .collect();
    for level in &mut levels {
        *level = (*level).min(n);
    }
    Levels { codes: levels, n: n as usize + 1 }
}
