//! Columns that go together: one that is a copy of another, or that another one tells (a level of
//! education and its number, a city and its country). A change of one without the other would make
//! a row that cannot be.

use std::collections::HashMap;

use modelwright_core::data::Column;

/// Rows whose value has come before, at least, for a column to tell another.
const REPEATS_MIN: usize = 20;

/// And rows among them in which the other has not its most frequent value.
const OTHERS_MIN: usize = 10;

/// Which columns go with which.
#[derive(Debug, PartialEq)]
pub(super) struct Ties {
    /// For each column those that it tells: they change with it.
    pub(super) carried: Vec<Vec<usize>>,
    /// Whether another column tells it, which it does not tell: it changes with that one alone.
    pub(super) is_led: Vec<bool>,
}

impl Ties {
    /// Of the first `n_rows` rows of columns.
    pub(super) fn of(columns: &[Column], n_rows: usize) -> Self {
        let coded: Vec<Coded> = columns.iter().map(|column| Coded::of(column, n_rows)).collect();
        let n = columns.len();
        let tells = |a: usize, b: usize| {
            a != b && (coded[a].tells(&coded[b]) || is_copy(&columns[a], &columns[b], n_rows))
        };
        let carried: Vec<Vec<usize>> =
            (0..n).map(|a| (0..n).filter(|b| tells(a, *b)).collect()).collect();
        let is_told =
            |b: usize| (0..n).any(|a| carried[a].contains(&b) && !carried[b].contains(&a));
        let is_led = (0..n).map(is_told).collect();
        Self { carried, is_led }
    }
}

/// A column with its distinct values numbered.
struct Coded {
    codes: Vec<u32>,
    n_values: usize,
    n_repeats: usize,
}

impl Coded {
    fn of(column: &Column, n_rows: usize) -> Self {
        let mut seen: HashMap<u64, u32> = HashMap::new();
        let number = |row: usize| {
            let next = seen.len() as u32;
            *seen.entry(column.key(row)).or_insert(next)
        };
        let codes: Vec<u32> = (0..n_rows).map(number).collect();
        let n_values = seen.len();
        Self { n_repeats: n_rows - n_values, n_values, codes }
    }

    /// Whether each value of this column goes with one of the other, in rows enough to say so.
    fn tells(&self, other: &Self) -> bool {
        if self.n_repeats < REPEATS_MIN || other.n_values < 2 {
            return false;
        }
        let mut told = vec![u32::MAX; self.n_values];
        let mut counts = vec![0_usize; other.n_values];
        for (own, others) in self.codes.iter().zip(&other.codes) {
            let told = &mut told[*own as usize];
            if *told == u32::MAX {
                *told = *others;
            } else if *told == *others {
                counts[*others as usize] += 1;
            } else {
                return false;
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        counts.iter().sum::<usize>() - most >= OTHERS_MIN
    }
}

/// Whether two columns of more than one value say the same in every row.
fn is_copy(a: &Column, b: &Column, n_rows: usize) -> bool {
    let is_same = |row: usize| match (a.is_missing(row), b.is_missing(row)) {
        (false, false) => a.display(row) == b.display(row),
        (a, b) => a == b,
    };
    n_rows >= REPEATS_MIN
        && std::mem::discriminant(&a.data) == std::mem::discriminant(&b.data)
        && (0..n_rows).all(is_same)
        && (1..n_rows).any(|row| a.key(row) != a.key(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(name: &str, of: impl Fn(usize) -> &'static str) -> Column {
        Column::strings(name, (0..200).map(|row| Some(of(row))))
    }

    fn numbers(name: &str, of: impl Fn(u32) -> f64) -> Column {
        Column::numbers(name, (0..200).map(of).collect::<Vec<f64>>())
    }

    #[test]
    fn what_tells_another_column_carries_it_along() {
        let columns = [
            levels("city", |row| ["Rome", "Milan", "Paris", "Lyon"][row % 4]),
            levels("country", |row| ["Italy", "Italy", "France", "France"][row % 4]),
            numbers("code", |row| f64::from(row % 4) * 3.0),
            levels("plan", |row| ["a", "b", "c"][row % 3]),
            numbers("income", f64::from),
            numbers("copy", f64::from),
            levels("constant", |_| "x"),
        ];
        let ties = Ties::of(&columns, 200);
        assert_eq!(ties.carried[0], [1, 2], "a city tells its country, and its code");
        assert_eq!(ties.carried[1], [] as [usize; 0]);
        assert_eq!(ties.carried[2], [0, 1]);
        assert!(ties.carried[3].is_empty() && ties.carried[6].is_empty());
        assert_eq!((&ties.carried[4], &ties.carried[5]), (&vec![5], &vec![4]));
        assert_eq!(ties.is_led, [false, true, false, false, false, false, false]);
    }

    #[test]
    fn few_rows_tell_nothing() {
        let columns = [
            levels("plan", |row| ["a", "b"][row % 2]),
            levels("country", |row| ["Italy", "France"][row % 2]),
        ];
        assert_eq!(Ties::of(&columns, 200).carried, [[1], [0]]);
        let few = [columns[0].select(&[0, 1, 2, 3]), columns[1].select(&[0, 1, 2, 2])];
        assert!(Ties::of(&few, 3).carried.iter().all(Vec::is_empty));
    }
}
