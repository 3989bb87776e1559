//! Which rows of a table are to be explained, as people write it: `1,5,10-20`. Rows count from 1,
//! below the header, as in error messages, reports and alerts.

use std::str::FromStr;

use modelwright_core::{Error, Result};

/// Rows by their numbers, counted from 1, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSelection {
    ranges: Vec<(usize, usize)>,
}

impl RowSelection {
    /// The places, from 0, of the rows in a table that has `n_rows`.
    ///
    /// # Errors
    /// Input error for a row that is not there, or one that is named twice.
    pub fn rows(&self, n_rows: usize) -> Result<Vec<u32>> {
        let mut is_taken = vec![false; n_rows];
        let mut rows = Vec::new();
        for (first, last) in &self.ranges {
            if *last > n_rows {
                return Err(Error::input("there is no such row")
                    .at("--rows")
                    .expected(match n_rows {
                        0 => "a table with rows".to_owned(),
                        n => format!("rows from 1 to {n}"),
                    })
                    .got(last.to_string())
                    .hint("rows are counted from 1, without the header"));
            }
            for row in *first..=*last {
                if std::mem::replace(&mut is_taken[row - 1], true) {
                    return Err(Error::input("a row is named twice")
                        .at("--rows")
                        .expected("each row once")
                        .got(row.to_string()));
                }
                rows.push(row as u32 - 1);
            }
        }
        Ok(rows)
    }
}

impl FromStr for RowSelection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::input("rows cannot be read")
                .expected("numbers and ranges from 1, such as 1,5,10-20")
                .got(text)
        };
        let number = |text: &str| match text.trim().parse::<usize>() {
            Ok(row) if row > 0 => Ok(row),
            _ => Err(wrong()),
        };
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first <= last { Ok((first, last)) } else { Err(wrong()) }
        };
        Ok(Self { ranges: text.split(',').map(range).collect::<Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbers_and_ranges_in_the_order_asked_for() {
        let rows = |text: &str, n| text.parse::<RowSelection>().and_then(|s| s.rows(n));
        assert_eq!(rows("7,1, 3-5,10", 10).unwrap(), [6, 0, 2, 3, 4, 9]);
        for (text, n, says) in [
            ("4", 3, "from 1 to 3"),
            ("1", 0, "a table with rows"),
            ("1,1-2", 3, "named twice"),
            ("0", 3, "numbers and ranges from 1"),
            ("4-2", 9, "cannot be read"),
            ("", 9, "cannot be read"),
            ("-1", 9, "cannot be read"),
            ("a", 9, "cannot be read"),
            ("1-99999999999999999999", 9, "cannot be read"),
        ] {
            let error = rows(text, n).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
