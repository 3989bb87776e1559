//! From sensitive columns to groups of rows.
//!
//! Values are groups; a quantity with many values is cut at its quartiles first. A missing value
//! is a group of its own. How a column was cut is kept as a [`Grouping`], so that rows of another
//! day fall into the same groups.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use modelwright_core::data::{Column, ColumnData, instant_text, number_text};
use serde::{Deserialize, Serialize};

/// A quantity with more distinct values than this is cut into quartiles.
const VALUES_MAX: usize = 6;

/// Values beyond the so many most frequent ones form one group.
const GROUPS_MAX: usize = 40;

/// The name of the group of rows without a value.
pub(crate) const MISSING: &str = "(missing)";

/// The name of the group of values that are too rare to stand alone.
const OTHERS: &str = "(other values)";

/// What joins the values of an intersection.
const AND: &str = " · ";

/// Rows in groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups {
    /// The columns whose values make the groups.
    pub columns: Vec<String>,
    /// The groups' names.
    pub names: Vec<String>,
    /// The group of each row.
    pub codes: Vec<u32>,
    /// How values were put together, if they were.
    pub note: Option<String>,
}

impl Groups {
    /// Rows of each group.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.names.len()];
        self.codes.iter().for_each(|code| counts[*code as usize] += 1);
        counts
    }

    /// Groups by the name of each row, in the order of the names.
    pub fn of_names(columns: Vec<String>, of_rows: &[String]) -> Self {
        let mut found: BTreeMap<&str, u32> = of_rows.iter().map(|n| (n.as_str(), 0)).collect();
        for (code, own) in found.values_mut().enumerate() {
            *own = code as u32;
        }
        let codes = of_rows.iter().map(|name| found[name.as_str()]).collect();
        let names = found.into_keys().map(str::to_owned).collect();
        Self { columns, names, codes, note: None }
    }

    /// The groups of every combination of values that occurs.
    ///
    /// # Panics
    /// If `parts` differ in their rows.
    #[must_use]
    pub fn crossed(parts: &[Self]) -> Self {
        let n_rows = parts.first().map_or(0, |p| p.codes.len());
        let key = |row: usize| parts.iter().map(|p| p.codes[row]).collect::<Vec<u32>>();
        let mut found: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        (0..n_rows).for_each(|row| _ = found.insert(key(row), 0));
        for (code, own) in found.values_mut().enumerate() {
            *own = code as u32;
        }
        let name = |codes: &Vec<u32>| {
            let values = codes.iter().zip(parts).map(|(c, p)| p.names[*c as usize].as_str());
            values.collect::<Vec<_>>().join(AND)
        };
        Self {
            columns: parts.iter().flat_map(|p| p.columns.iter().cloned()).collect(),
            names: found.keys().map(name).collect(),
            codes: (0..n_rows).map(|row| found[&key(row)]).collect(),
            note: None,
        }
    }
}

/// How the values of a column become groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouping {
    /// The column.
    pub column: String,
    /// Where a quantity is cut, ascending: each cut begins a group. `None`: values are groups.
    pub cuts: Option<Vec<f64>>,
}

impl Grouping {
    /// Learns from a column how to group it: a quantity at its quartiles.
    pub fn of(column: &Column) -> Self {
        Self::in_parts(column, 4)
    }

    /// Learns how to group a column whose values are to tell as much as they can: in twentieths.
    pub(super) fn finely(column: &Column) -> Self {
        Self::in_parts(column, 20)
    }

    fn in_parts(column: &Column, n_parts: usize) -> Self {
        let cuts = numbers(column).and_then(|values| {
            let mut known: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
            known.sort_by(f64::total_cmp);
            let mut distinct = known.clone();
            distinct.dedup();
            if distinct.len() <= VALUES_MAX {
                return None;
            }
            let at = |part: usize| known[known.len() * part / n_parts];
            let mut cuts: Vec<f64> = (1..n_parts).map(at).collect();
            cuts.dedup();
            // The smallest value begins no second group.
            cuts.retain(|cut| *cut > known[0]);
            Some(cuts)
        });
        Self { column: column.name.clone(), cuts }
    }

    /// The name of each row's group.
    pub fn names(&self, column: &Column) -> Vec<String> {
        let text = |row: usize| column.display(row).unwrap_or_else(|| MISSING.to_owned());
        let Some(cuts) = &self.cuts else {
            return (0..column.n_rows()).map(text).collect();
        };
        let Some(values) = numbers(column) else {
            return (0..column.n_rows()).map(text).collect();
        };
        let written = |cut: f64| cut_text(column, cut);
        let name = |v: f64| {
            let at = cuts.partition_point(|cut| *cut <= v);
            match (at.checked_sub(1).map(|i| cuts[i]), cuts.get(at)) {
                _ if v.is_nan() => MISSING.to_owned(),
                (None, None) => "all".to_owned(),
                (None, Some(end)) => format!("below {}", written(*end)),
                (Some(start), Some(end)) => {
                    format!("{} to below {}", written(start), written(*end))
                }
                (Some(start), None) => format!("{} and more", written(start)),
            }
        };
        values.into_iter().map(name).collect()
    }

    /// The rows of a column in groups: cuts ascending, values in their order, missing ones last.
    pub fn groups(&self, column: &Column) -> Groups {
        let of_rows = self.names(column);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in &of_rows {
            *counts.entry(name).or_default() += 1;
        }
        let mut by_count: Vec<(&str, usize)> = counts.iter().map(|(n, c)| (*n, *c)).collect();
        by_count.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let rare: Vec<&str> = by_count.iter().skip(GROUPS_MAX).map(|(name, _)| *name).collect();
        let mut names: Vec<&str> =
            counts.keys().copied().filter(|name| !rare.contains(name)).collect();
        names.sort_by(|a, b| in_order(a, b));
        if !rare.is_empty() {
            names.push(OTHERS);
        }
        let code: BTreeMap<&str, u32> =
            names.iter().enumerate().map(|(i, name)| (*name, i as u32)).collect();
        let others = names.len().saturating_sub(1) as u32;
        let codes = of_rows.iter().map(|n| code.get(n.as_str()).copied().unwrap_or(others));
        Groups {
            columns: vec![self.column.clone()],
            codes: codes.collect(),
            note: self.note(column, rare.len()),
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    fn note(&self, column: &Column, n_rare: usize) -> Option<String> {
        match (&self.cuts, n_rare) {
            (Some(cuts), _) => {
                let cuts: Vec<String> = cuts.iter().map(|c| cut_text(column, *c)).collect();
                Some(format!("{} is cut at its quartiles: {}", self.column, cuts.join(", ")))
            }
            (None, 0) => None,
            (None, n) => Some(format!("{n} rare values of {} are taken together", self.column)),
        }
    }
}

/// The groups of each column by itself and, of more than one, of all together.
pub fn sensitive_groups(columns: &[&Column]) -> Vec<Groups> {
    let mut all: Vec<Groups> =
        columns.iter().map(|column| Grouping::of(column).groups(column)).collect();
    if all.len() > 1 {
        all.push(Groups::crossed(&all));
    }
    all
}

/// Groups by their first number, then by their name; missing ones last.
fn in_order(a: &str, b: &str) -> Ordering {
    let is_last = |name: &str| (name == MISSING, !name.starts_with("below "));
    let number = |name: &str| {
        let first = name.trim_start_matches("below ").split(' ').next().unwrap_or_default();
        // A value may be called `nan`, which is no place in any order.
        first.parse::<f64>().ok().filter(|number| !number.is_nan()).unwrap_or(f64::INFINITY)
    };
    is_last(a).cmp(&is_last(b)).then_with(|| number(a).total_cmp(&number(b))).then_with(|| a.cmp(b))
}

/// A cut as people write the values of its column.
fn cut_text(column: &Column, cut: f64) -> String {
    match column.data {
        ColumnData::Instant(_) => instant_text(cut as i64),
        _ => number_text(cut),
    }
}

/// The values of a quantity; text counts when all of it can be read as numbers.
fn numbers(column: &Column) -> Option<Vec<f64>> {
    match &column.data {
        ColumnData::Number(values) => Some(values.to_vec()),
        ColumnData::Instant(values) => {
            let value = |(row, v): (usize, &i64)| {
                if column.is_missing(row) { f64::NAN } else { *v as f64 }
            };
            Some(values.iter().enumerate().map(value).collect())
        }
        ColumnData::String { .. } => (0..column.n_rows())
            .map(|row| column.text(row).map_or(Some(f64::NAN), |text| text.trim().parse().ok()))
            .collect(),
    }
}
