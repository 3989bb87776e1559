//! Fewer rows of a table for a limit of time or memory, without losing a class.
//!
//! Rows are drawn class by class, so that every class keeps its share; of a class that would keep
//! hardly any row, up to [`N_ROWS_KEPT`] stay. Regressions are drawn by plain chance.

use modelwright_core::data::{Column, ColumnData, MISSING_CODE};
use modelwright_core::random::Random;

/// So many rows of every class stay, if it has them.
pub(crate) const N_ROWS_KEPT: usize = 10;

/// More distinct values than this are no classes (numbers: those of a count).
const N_CLASSES_MAX: usize = 1000;
const N_CLASSES_OF_NUMBERS: usize = 20;

/// Which `n` of the rows of these classes stay, ascending. A few more or less may stay where
/// classes are many.
pub(crate) fn stratified(
    codes: &[u32],
    n_classes: usize,
    n: usize,
    random: &mut Random,
) -> Vec<u32> {
    let mut left = vec![0_usize; n_classes];
    for code in codes {
        left[*code as usize] += 1;
    }
    let mut wanted = shares(&left, n);
    let mut chosen = Vec::with_capacity(n);
    // Selection sampling of each class in one pass over all.
    for (row, code) in codes.iter().enumerate() {
        let class = *code as usize;
        if random.below(left[class]) < wanted[class] {
            wanted[class] -= 1;
            chosen.push(row as u32);
        }
        left[class] -= 1;
    }
    chosen
}

/// How many rows each class keeps, of `counts` rows.
fn shares(counts: &[usize], n: usize) -> Vec<usize> {
    let n_rows: usize = counts.iter().sum();
    let n_present = counts.iter().filter(|count| **count > 0).count().max(1);
    let least = N_ROWS_KEPT.min(n / n_present);
    let share = |count: &usize| {
        let own = (*count as u128 * n as u128 / n_rows.max(1) as u128) as usize;
        own.max(least).min(*count)
    };
    let mut kept: Vec<usize> = counts.iter().map(share).collect();
    // Rounding, and the rare classes, are paid for by the largest one.
    let total: usize = kept.iter().sum();
    let largest = (0..counts.len()).max_by_key(|class| (counts[*class], usize::MAX - class));
    if let Some(class) = largest {
        let fair = (kept[class] + n).saturating_sub(total);
        kept[class] = fair.clamp(least.min(counts[class]), counts[class]);
    }
    kept
}

/// The distinct values of a column as classes, missing ones as one of their own; `None` when they
/// are too many to be classes.
pub(crate) fn classes_of(column: &Column) -> Option<(Vec<u32>, usize)> {
    let most = match &column.data {
        ColumnData::Number(_) => N_CLASSES_OF_NUMBERS,
        ColumnData::String { .. } => N_CLASSES_MAX,
        ColumnData::Instant(_) => return None,
    };
    let mut known: Vec<u64> = Vec::new();
    let mut place = std::collections::HashMap::new();
    let mut codes = Vec::with_capacity(column.n_rows());
    for row in 0..column.n_rows() {
        let key = match &column.data {
            ColumnData::String { codes, .. } if codes[row] == MISSING_CODE => u64::MAX,
            _ if column.is_missing(row) => u64::MAX,
            _ => column.key(row),
        };
        let code = *place.entry(key).or_insert_with(|| {
            known.push(key);
            known.len() - 1
        });
        if known.len() > most + 1 {
            return None;
        }
        codes.push(code as u32);
    }
    Some((codes, known.len()))
}

#[cfg(test)]
mod tests {
    use modelwright_core::Context;

    use super::*;

    fn counted(codes: &[u32], rows: &[u32], class: u32) -> usize {
        rows.iter().filter(|row| codes[**row as usize] == class).count()
    }

    #[test]
    fn every_class_keeps_its_share_and_a_rare_one_its_rows() {
        let codes: Vec<u32> = (0..20_000)
            .map(|i| match i % 5_000 {
                7 => 2,
                i if i % 4 == 0 => 1,
                _ => 0,
            })
            .collect();
        let ctx = Context::unlimited(3, 1);
        let rows = stratified(&codes, 3, 2_000, &mut ctx.random("test", 0));
        assert_eq!(rows.len(), 2_000);
        assert!(rows.windows(2).all(|w| w[0] < w[1]), "ascending, without repetition");
        assert_eq!(counted(&codes, &rows, 2), 4, "all of it, though its share is less than one");
        assert!(counted(&codes, &rows, 1).abs_diff(500) <= 1);
        let again = stratified(&codes, 3, 2_000, &mut ctx.random("test", 0));
        assert_eq!(rows, again);
    }

    #[test]
    fn more_classes_than_rows_still_give_as_many_rows_as_are_wanted() {
        let codes: Vec<u32> = (0..300).collect();
        let ctx = Context::unlimited(0, 1);
        assert!(stratified(&codes, 300, 50, &mut ctx.random("test", 0)).len() <= 50);
        assert_eq!(stratified(&[0, 0, 1], 2, 3, &mut ctx.random("test", 0)), [0, 1, 2]);
    }

    #[test]
    fn values_are_classes_as_long_as_they_are_few() {
        let words =
            Column::strings("y", (0..50).map(|i| (i % 7 != 0).then(|| format!("{}", i % 3))));
        assert_eq!(classes_of(&words).unwrap().1, 4);
        let numbers =
            |n: usize| Column::numbers("y", (0..100).map(|i| (i % n) as f64).collect::<Vec<f64>>());
        assert_eq!(classes_of(&numbers(5)).unwrap().1, 5);
        assert!(classes_of(&numbers(50)).is_none());
    }
}
