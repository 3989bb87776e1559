//! Rows that were copied, as oversampling and joins do: all copies of a row belong on one side of a
//! split, or what a model remembers is taken for what it knows.
//!
//! Rows of a few categories repeat by themselves, and new rows will repeat them, too. Rows of
//! numbers that hardly ever repeat do not: where two such columns agree in whole rows, the rows are
//! copies.

use std::collections::HashMap;

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::record::Options;
use modelwright_preprocess::profile::{Profile, row_hashes};

/// From this share of repeated rows on, they decide what a score says.
const SHARE_MIN: f64 = 0.1;

/// So many columns of numbers are all distinct but for the copies …
const COLUMNS_MIN: usize = 2;
/// … in this share of the distinct rows, of which there are so many at least.
const DISTINCT_SHARE: f64 = 0.9;
const ROWS_MIN: usize = 20;

/// The number of the row that each row is a copy of, itself included, whatever its target.
pub(crate) fn groups(table: &Table, options: &Options, ctx: &Context) -> Vec<u32> {
    let roles = [Some(&options.target), options.weight.as_ref()];
    let is_role = |name: &String| roles.iter().flatten().any(|role| *role == name);
    let names: Vec<&str> = table
        .columns()
        .iter()
        .map(|c| &c.name)
        .filter(|n| !is_role(n))
        .map(String::as_str)
        .collect();
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut n = 0;
    let number = |hash: u64| {
        let group = *seen.entry(hash).or_insert(n);
        n += u32::from(group == n);
        group
    };
    row_hashes(table, &names, ctx).into_iter().map(number).collect()
}

/// How many rows are copies of earlier ones, where so many are that splits must know; `profile` is
/// that of the table.
pub(crate) fn notice(
    table: &Table,
    profile: &Profile,
    options: &Options,
    ctx: &Context,
) -> Option<usize> {
    let enough = |n: usize| n as f64 >= SHARE_MIN * table.n_rows() as f64;
    if table.n_rows() == 0 || !enough(profile.record.n_duplicate_rows) {
        return None;
    }
    let groups = groups(table, options, ctx);
    let mut n = 0;
    let is_first = |group: &u32| {
        let is_first = *group == n;
        n += u32::from(is_first);
        is_first
    };
    let firsts: Vec<usize> =
        groups.iter().map(is_first).enumerate().filter(|(_, f)| *f).map(|(row, _)| row).collect();
    let n_copies = table.n_rows() - firsts.len();
    let is_distinct =
        |column: &&Column| column.name != options.target && is_distinct(column, &firsts);
    let is_sure = firsts.len() >= ROWS_MIN
        && table.columns().iter().filter(is_distinct).count() >= COLUMNS_MIN;
    (is_sure && enough(n_copies)).then_some(n_copies)
}

/// Whether the numbers of these rows hardly ever repeat.
fn is_distinct(column: &Column, rows: &[usize]) -> bool {
    let ColumnData::Number(values) = &column.data else { return false };
    let mut bits: Vec<u64> =
        rows.iter().map(|row| values.at(*row)).filter(|v| !v.is_nan()).map(f64::to_bits).collect();
    bits.sort_unstable();
    bits.dedup();
    bits.len() as f64 >= DISTINCT_SHARE * rows.len() as f64
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;
    use modelwright_preprocess::profile::{ProfileOptions, profile_table};

    use super::*;

    /// So many distinct rows of two columns, each so many times; the target differs among copies.
    fn table(n: usize, copies: usize, levels: Option<usize>) -> Table {
        let mut random = Random::new(3);
        let mut column = |name: &str| {
            let mut value = || match levels {
                None => random.normal(),
                Some(n) => random.below(n) as f64,
            };
            let once: Vec<f64> = (0..n).map(|_| value()).collect();
            Column::numbers(name, once.repeat(copies))
        };
        let columns = [column("a"), column("b")];
        let y = (0..n * copies).map(|row| (row % 3) as f64).collect::<Vec<f64>>();
        Table::new(columns.into_iter().chain([Column::numbers("y", y)]).collect()).unwrap()
    }

    fn noticed(table: &Table) -> Option<usize> {
        let ctx = Context::unlimited(0, 2);
        let schema = table.storage_schema();
        let profile = profile_table(table, &schema, &ProfileOptions::default(), &ctx).unwrap();
        notice(table, &profile, &Options::new("y"), &ctx)
    }

    #[test]
    fn copies_of_rows_that_would_not_repeat_are_noticed() {
        assert_eq!(noticed(&table(40, 6, None)), Some(200));
        assert_eq!(noticed(&table(200, 1, None)), None, "nothing repeats");
        assert_eq!(noticed(&table(120, 2, Some(4))), None, "few levels repeat by themselves");
        assert_eq!(noticed(&table(10, 20, None)), None, "too few distinct rows to say so");
    }

    #[test]
    fn a_row_and_its_copies_are_a_group_whatever_their_target() {
        let groups = groups(&table(5, 3, None), &Options::new("y"), &Context::unlimited(0, 1));
        assert_eq!(groups, [0, 1, 2, 3, 4].repeat(3));
    }
}
