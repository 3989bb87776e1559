//! Group split: the rows of a group are all on one side, sizes and class mix balanced greedily.
//!
//! Groups are placed one by one, largest first (equal sizes in random order), each into the part
//! where it brings rows and classes nearest to the wanted shares: the part with the least
//! Σ ((have + group - want)² - (have - want)²) / total², summed over the classes and once over
//! all rows. O(rows · parts). The idea is that of scikit-learn's StratifiedGroupKFold.

use modelwright_core::data::Fold;
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};

use super::divide;

pub(super) fn holdout(
    groups: &[u32],
    target: Option<&Target>,
    share: f64,
    ctx: &Context,
) -> Result<Fold> {
    let parts = place(groups, target, &[1.0 - share, share], ctx)?;
    Ok(divide(groups.len(), |row| parts[row] == 1))
}

pub(super) fn fold_of_row(
    groups: &[u32],
    target: Option<&Target>,
    k: usize,
    ctx: &Context,
) -> Result<Vec<u32>> {
    place(groups, target, &vec![1.0 / k as f64; k], ctx)
}

/// One group: its rows and how many of each class they are.
struct Group {
    rows: Vec<u32>,
    /// Class and number of rows; the number of classes itself stands for "all rows".
    counts: Vec<(usize, f64)>,
}

/// The part of each row.
fn place(
    groups: &[u32],
    target: Option<&Target>,
    shares: &[f64],
    ctx: &Context,
) -> Result<Vec<u32>> {
    let codes = target.and_then(Target::codes);
    let n_classes = match target {
        Some(Target::Class { n_classes, .. }) => *n_classes,
        _ => 0,
    };
    let mut members = collect(groups, codes, n_classes);
    if members.len() < shares.len() {
        return Err(Error::input("there are too few groups to split by")
            .expected(format!("at least {} groups", shares.len()))
            .got(format!("{} groups", members.len()))
            .hint("use fewer folds, or a column with more groups"));
    }
    ctx.random("evaluate/split/group", shares.len() as u64).shuffle(&mut members);
    members.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));

    let mut totals = vec![0.0; n_classes + 1];
    for (class, count) in members.iter().flat_map(|group| &group.counts) {
        totals[*class] += count;
    }
    let mut have = vec![vec![0.0; n_classes + 1]; shares.len()];
    let mut part_of_row = vec![0; groups.len()];
    let mut n_groups = vec![0; shares.len()];
    for (placed, group) in members.iter().enumerate() {
        let empty = n_groups.iter().filter(|n| **n == 0).count();
        // The last groups are kept for parts that would else stay empty.
        let must_fill = members.len() - placed <= empty;
        let part = (0..shares.len())
            .filter(|part| !must_fill || n_groups[*part] == 0)
            .map(|part| (cost(&have[part], &group.counts, &totals, shares[part]), part))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map_or(0, |(_, part)| part);
        n_groups[part] += 1;
        group.counts.iter().for_each(|(class, count)| have[part][*class] += count);
        group.rows.iter().for_each(|row| part_of_row[*row as usize] = part as u32);
    }
    Ok(part_of_row)
}

/// How much farther from its wanted share a part is with the group than without.
fn cost(have: &[f64], group: &[(usize, f64)], totals: &[f64], share: f64) -> f64 {
    group
        .iter()
        .map(|(class, count)| {
            let gap = have[*class] - share * totals[*class];
            (2.0 * gap + count) * count / totals[*class].powi(2)
        })
        .sum()
}

/// The groups in order of their code.
fn collect(groups: &[u32], codes: Option<&[u32]>, n_classes: usize) -> Vec<Group> {
    let mut rows: Vec<u32> = (0..groups.len() as u32).collect();
    rows.sort_by_key(|row| groups[*row as usize]);
    rows.chunk_by(|a, b| groups[*a as usize] == groups[*b as usize])
        .map(|rows| {
            let mut counts = Vec::new();
            if let Some(codes) = codes {
                let mut own: Vec<u32> = rows.iter().map(|row| codes[*row as usize]).collect();
                own.sort_unstable();
                let runs = own.chunk_by(|a, b| a == b);
                counts.extend(runs.map(|run| (run[0] as usize, run.len() as f64)));
            }
            counts.push((n_classes, rows.len() as f64));
            Group { rows: rows.to_vec(), counts }
        })
        .collect()
}
