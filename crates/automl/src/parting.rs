//! Which rows are held out, and which folds judge the trials.

use std::collections::HashMap;
use std::fmt::Write as _;

use modelwright_core::data::{Column, ColumnData, Fold, MISSING_CODE, MISSING_INSTANT, Table};
use modelwright_core::record::{Options, RunRecord, SplitRecord};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::split::{self, SplitInput, SplitKind};
use modelwright_preprocess::profile::Profile;

use crate::copies;

/// With fewer rows than this nothing can be held out: every row is needed to learn.
const N_ROWS_HOLDOUT_MIN: usize = 30;

/// With fewer rows than this no model can be validated.
const N_ROWS_MIN: usize = 4;

/// The kind of split and why.
pub(crate) fn choose_kind(options: &Options) -> Result<(SplitKind, String)> {
    let kind = match options.split.as_deref() {
        Some(name) => {
            let kind: SplitKind = name.parse().map_err(|e: Error| e.at("--split"))?;
            (kind, format!("asked for with --split {name}"))
        }
        None if options.time_column.is_some() => {
            let mut reason =
                "a time column was named: the model is judged on later rows".to_owned();
            if let Some(group) = &options.group {
                let _ = write!(
                    reason,
                    "; rows of one `{group}` may be on both sides (see --split group)"
                );
            }
            (SplitKind::Time, reason)
        }
        None if options.group.is_some() => {
            (SplitKind::Group, "a group column was named: no group is on both sides".into())
        }
        None => (
            SplitKind::Stratified,
            "rows are taken as independent; every part has the same mix of targets".into(),
        ),
    };
    match kind.0 {
        SplitKind::Group if options.group.is_none() => {
            Err(Error::input("a split by group needs a group column")
                .at("--split")
                .hint("name it with --group COLUMN"))
        }
        SplitKind::Time if options.time_column.is_none() => {
            Err(Error::input("a split by time needs a time column")
                .at("--split")
                .hint("name it with --time-column COLUMN"))
        }
        _ => Ok(kind),
    }
}

/// The kind of split of a table, and why: as [`choose_kind`], but that copied rows are kept
/// together where nothing else was asked.
pub(crate) fn choose(
    table: &Table,
    profile: &Profile,
    options: &Options,
    ctx: &Context,
) -> Result<(SplitKind, String)> {
    let (kind, reason) = choose_kind(options)?;
    let is_free = options.split.is_none() && kind == SplitKind::Stratified;
    Ok(match copies::notice(table, profile, options, ctx).filter(|_| is_free) {
        None => (kind, reason),
        Some(n) => (
            SplitKind::Group,
            format!(
                "{n} of {} rows are copies of others: all copies of a row are on one side \
                 (--split random parts them)",
                table.n_rows()
            ),
        ),
    })
}

/// Groups and times of a table's rows, as splits need them.
#[derive(Default)]
pub(crate) struct Roles {
    groups: Option<Vec<u32>>,
    times: Option<Vec<f64>>,
}

impl Roles {
    /// Reads the columns that the options name.
    pub(crate) fn of(table: &Table, options: &Options) -> Result<Self> {
        let column = |name: &Option<String>| name.as_ref().map(|n| table.require(n)).transpose();
        Ok(Self {
            groups: column(&options.group)?.map(groups_of),
            times: column(&options.time_column)?.map(times_of).transpose()?,
        })
    }

    /// As [`Self::of`] for a split of this kind: without a group column the groups of a split by
    /// groups are copies of rows.
    pub(crate) fn of_split(
        kind: SplitKind,
        table: &Table,
        options: &Options,
        ctx: &Context,
    ) -> Result<Self> {
        let mut roles = Self::of(table, options)?;
        if kind == SplitKind::Group && roles.groups.is_none() {
            roles.groups = Some(copies::groups(table, options, ctx));
        }
        Ok(roles)
    }

    /// As [`Self::of_groups`] for rows of a split of this kind.
    pub(crate) fn of_groups_in(
        kind: SplitKind,
        table: &Table,
        options: &Options,
        ctx: &Context,
    ) -> Self {
        let mut roles = Self::of_groups(table, options);
        if kind == SplitKind::Group && options.group.is_none() {
            roles.groups = Some(copies::groups(table, options, ctx));
        }
        roles
    }

    /// Reads the groups of rows that are only judged; a table without their column has none.
    pub(crate) fn of_groups(table: &Table, options: &Options) -> Self {
        let column = options.group.as_ref().and_then(|name| table.column(name));
        Self { groups: column.map(groups_of), times: None }
    }

    /// The group of each row, where a column tells it: rows of one group are no independent
    /// witnesses of anything.
    pub(crate) fn groups(&self) -> Option<&[u32]> {
        self.groups.as_deref()
    }

    /// The most folds that the groups or the times of the rows allow.
    pub(crate) fn n_folds_max(&self, kind: SplitKind) -> usize {
        let distinct = |values: &mut dyn Iterator<Item = u64>| {
            let mut values: Vec<u64> = values.collect();
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        match (kind, &self.groups, &self.times) {
            (SplitKind::Group, Some(groups), _) => {
                distinct(&mut groups.iter().map(|g| u64::from(*g)))
            }
            // Every fold learns from at least one instant before its own; -0 and 0 are one.
            (SplitKind::Time, _, Some(times)) => {
                distinct(&mut times.iter().map(|t| (t + 0.0).to_bits())).saturating_sub(1)
            }
            _ => usize::MAX,
        }
    }

    fn input<'a>(&'a self, target: &'a Target) -> SplitInput<'a> {
        SplitInput {
            n_rows: target.n_rows(),
            target: Some(target),
            groups: self.groups.as_deref(),
            times: self.times.as_deref(),
        }
    }
}

/// More held-out rows than this do not make an interval narrower in any digit that matters; the
/// others are better used for learning, unless the user asked for a share.
const N_ROWS_HOLDOUT_ENOUGH: usize = 200_000;

/// Holds out a share of the rows; `None` when there are too few or none is wanted.
pub(crate) fn hold_out(
    kind: SplitKind,
    roles: &Roles,
    target: &Target,
    share: f64,
    ctx: &Context,
) -> Result<Option<Fold>> {
    let n_rows = target.n_rows();
    if n_rows < N_ROWS_MIN {
        return Err(Error::input("too few rows with a known target")
            .expected(format!("at least {N_ROWS_MIN} rows"))
            .got(format!("{n_rows} rows")));
    }
    if share == 0.0 || n_rows < N_ROWS_HOLDOUT_MIN {
        return Ok(None);
    }
    let share = if share == Options::HOLDOUT {
        share.min(N_ROWS_HOLDOUT_ENOUGH as f64 / n_rows as f64)
    } else {
        share
    };
    split::holdout(kind, &roles.input(target), share, ctx).map(Some)
}

/// `k` folds of the training rows, or one validation part of the given share when `k` is 0; none
/// when both are 0.
pub(crate) fn folds(
    kind: SplitKind,
    roles: &Roles,
    target: &Target,
    k: usize,
    validation_share: f64,
    ctx: &Context,
) -> Result<Vec<Fold>> {
    let n_groups = roles.n_folds_max(kind);
    if kind == SplitKind::Group && n_groups < 2 && (k > 0 || validation_share > 0.0) {
        return Err(Error::input("too few groups to learn from some and validate on others")
            .at("--group")
            .expected("at least two groups beside those that are held out")
            .got(format!("{n_groups}"))
            .hint("name a column with more groups"));
    }
    let input = roles.input(target);
    let folds = if k == 0 && validation_share == 0.0 {
        Vec::new()
    } else if k == 0 {
        vec![split::holdout(kind, &input, validation_share, &ctx.scope("validation"))?]
    } else {
        split::k_folds(kind, &input, k, ctx)?
    };
    if folds.iter().any(|f| f.train.is_empty() || f.validation.is_empty()) {
        return Err(Error::input("the rows cannot be parted into training and validation")
            .hint("there may be too few groups or distinct times; use --split random"));
    }
    Ok(folds)
}

/// The account of the split.
pub(crate) fn record(
    kind: SplitKind,
    reason: String,
    n_train: usize,
    n_holdout: usize,
    test_file: bool,
) -> SplitRecord {
    let kind = if test_file { "test file".to_owned() } else { kind.name().to_owned() };
    SplitRecord { kind, reason, n_train, n_holdout, n_folds: 0, n_repeats: 0 }
}

/// The group of each row of a table that is judged; `None` where the run knew no groups, or the
/// table lacks their column.
pub fn row_groups(table: &Table, options: &Options) -> Option<Vec<u32>> {
    Roles::of_groups(table, options).groups
}

/// Whether the untouched rows of a fit were its latest ones: rows that are judged later are then
/// taken in the order of time, too.
pub fn is_judged_in_time(record: &RunRecord) -> bool {
    record.split.kind == SplitKind::Time.name()
}

/// The time of each row of a table that is judged; `None` without a usable time column.
pub fn row_times(table: &Table, options: &Options) -> Option<Vec<f64>> {
    let column = table.column(options.time_column.as_ref()?)?;
    times_of(column).ok()
}

/// Numbers for the groups of rows that come in parts: the same group has the same number in all
/// of them, and a row without one has a number of its own, as where a fit parts rows.
#[derive(Debug, Default)]
pub struct GroupNumbers {
    seen: HashMap<String, u32>,
    n: u32,
}

impl GroupNumbers {
    /// The number of the group of the next row.
    pub fn of(&mut self, column: &Column, row: usize) -> u32 {
        let next = self.n;
        let number = match column.display(row) {
            Some(group) => *self.seen.entry(group).or_insert(next),
            None => next,
        };
        self.n += u32::from(number == next);
        number
    }
}

/// The group of each row. A row without one is a group of its own: that nothing is known of two
/// rows does not tie them together.
fn groups_of(column: &Column) -> Vec<u32> {
    if let ColumnData::String { codes, dictionary } = &column.data {
        let mut own = dictionary.len() as u32..;
        let group = |code: &u32| if *code == MISSING_CODE { own.next() } else { Some(*code) };
        return codes.iter().filter_map(group).collect();
    }
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut n_groups = 0;
    (0..column.n_rows())
        .map(|row| {
            let next = n_groups;
            let group = if column.is_missing(row) {
                next
            } else {
                *seen.entry(column.key(row)).or_insert(next)
            };
            n_groups += u32::from(group == next);
            group
        })
        .collect()
}

fn times_of(column: &Column) -> Result<Vec<f64>> {
    let missing = |row: usize| {
        Error::input("the time column has a missing value")
            .column(&column.name)
            .row(row as u64 + 1)
            .expected("a date, a time or a number in every row")
            .hint("remove the rows without a time, or use --split random")
    };
    let times: Vec<f64> = match &column.data {
        ColumnData::Number(values) => values.to_vec(),
        ColumnData::Instant(values) => values
            .iter()
            .map(|v| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 })
            .collect(),
        ColumnData::String { .. } => {
            return Err(Error::input("the time column is text")
                .column(&column.name)
                .expected("dates, times or numbers")
                .got(column.text(0).unwrap_or("a missing value")));
        }
    };
    match times.iter().position(|t| t.is_nan()) {
        Some(row) => Err(missing(row)),
        None => Ok(times),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_group_are_groups_of_their_own() {
        let numbers = Column::numbers("id", vec![7.0, f64::NAN, 7.0, f64::NAN, 2.0]);
        assert_eq!(groups_of(&numbers), [0, 1, 0, 2, 3]);
        let words = [Some("a"), None, Some("b"), None, Some("a")];
        let words = Column::strings("id", words);
        assert_eq!(groups_of(&words), [0, 2, 1, 3, 0]);
        let mut known = GroupNumbers::default();
        let mut of = |column: &Column| (0..5).map(|row| known.of(column, row)).collect::<Vec<_>>();
        assert_eq!(of(&words), [0, 1, 2, 3, 0]);
        assert_eq!(of(&words), [0, 4, 2, 5, 0], "the next part goes on");
    }
}
