//! Splits: which rows to learn from and which to be judged on.
//!
//! | kind | rule |
//! |---|---|
//! | random | every row is as likely as any other |
//! | stratified | every part has the mix of classes (or of target quantiles) of the whole |
//! | group | the rows of a group (a person, a machine) are all on one side |
//! | time | what is judged lies after what was learned from |
//!
//! [`holdout`] makes one division, [`k_folds`] several. Every kind lives in its own file and
//! keeps these promises: rows of a part ascend, parts of a fold are disjoint and not empty, the
//! result depends on nothing but the input and the seed.

mod group;
mod random;
mod stratified;
mod time;

use std::str::FromStr;

use modelwright_core::data::Fold;
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};

/// How rows are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitKind {
    /// By chance alone.
    Random,
    /// By chance, with the same mix of classes (or target quantiles) in every part.
    Stratified,
    /// By chance, with whole groups on one side.
    Group,
    /// By time: learn from the past, be judged on the future.
    Time,
}

impl SplitKind {
    /// All kinds, in the order in which they are documented.
    pub const ALL: [Self; 4] = [Self::Random, Self::Stratified, Self::Group, Self::Time];

    /// The name used in flags and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Stratified => "stratified",
            Self::Group => "group",
            Self::Time => "time",
        }
    }
}

impl FromStr for SplitKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| {
            Error::input("unknown split").got(name).suggest(name, Self::ALL.map(Self::name))
        })
    }
}

/// What rows are divided by.
#[derive(Debug, Clone, Copy, Default)]
pub struct SplitInput<'a> {
    /// How many rows there are.
    pub n_rows: usize,
    /// The target; needed by stratified splits, used by group splits to balance the classes.
    pub target: Option<&'a Target>,
    /// The group of each row; needed by group splits.
    pub groups: Option<&'a [u32]>,
    /// The time of each row in any unit; needed by time splits.
    pub times: Option<&'a [f64]>,
}

/// Divides once: about `share` of the rows (at least one, not all) are to be judged on.
///
/// # Errors
/// Input error when the kind's column is missing or has another length, when `share` is not
/// between 0 and 1, or when there are too few rows, groups or instants for two parts.
pub fn holdout(kind: SplitKind, input: &SplitInput<'_>, share: f64, ctx: &Context) -> Result<Fold> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::input("the holdout share is out of range")
            .expected("a number between 0 and 1, such as 0.2")
            .got(share.to_string()));
    }
    check(input, 2)?;
    match kind {
        SplitKind::Random => Ok(random::holdout(input.n_rows, share, ctx)),
        SplitKind::Stratified => Ok(stratified::holdout(target(input)?, share, ctx)),
        SplitKind::Group => group::holdout(groups(input)?, input.target, share, ctx),
        SplitKind::Time => time::holdout(times(input)?, share),
    }
}

/// Divides `k` times. Random, stratified and group folds judge every row exactly once; time folds
/// go forward and never judge the oldest rows.
///
/// # Errors
/// As [`holdout`], with `k` parts instead of two; and when `k` is less than 2.
pub fn k_folds(
    kind: SplitKind,
    input: &SplitInput<'_>,
    k: usize,
    ctx: &Context,
) -> Result<Vec<Fold>> {
    if k < 2 {
        return Err(Error::input("there must be at least two folds").got(k.to_string()));
    }
    check(input, k)?;
    let fold_of_row = match kind {
        SplitKind::Random => random::fold_of_row(input.n_rows, k, ctx),
        SplitKind::Stratified => stratified::fold_of_row(target(input)?, k, ctx),
        SplitKind::Group => group::fold_of_row(groups(input)?, input.target, k, ctx)?,
        SplitKind::Time => return time::forward_folds(times(input)?, k),
    };
    let fold = |fold| divide(input.n_rows, |row| fold_of_row[row] == fold);
    Ok((0..k as u32).map(fold).collect())
}

/// The fold whose validation rows are those for which `judged` holds.
fn divide(n_rows: usize, judged: impl Fn(usize) -> bool) -> Fold {
    let (validation, train) = (0..n_rows as u32).partition(|row| judged(*row as usize));
    Fold { train, validation }
}

/// How many of `n_rows` rows are judged: rounded, at least 1, not all.
fn n_judged(n_rows: usize, share: f64) -> usize {
    ((n_rows as f64 * share).round() as usize).clamp(1, n_rows - 1)
}

fn check(input: &SplitInput<'_>, n_parts: usize) -> Result<()> {
    if input.n_rows < n_parts {
        return Err(Error::input("there are too few rows to split")
            .expected(format!("at least {n_parts} rows"))
            .got(format!("{} rows", input.n_rows))
            .hint("use fewer folds, or more rows"));
    }
    let lengths = [
        ("target values", input.target.map(Target::n_rows)),
        ("groups", input.groups.map(<[u32]>::len)),
        ("times", input.times.map(<[f64]>::len)),
    ];
    for (what, length) in lengths {
        if let Some(length) = length.filter(|l| *l != input.n_rows) {
            return Err(Error::input(format!("there must be as many {what} as rows"))
                .expected(format!("{} {what}", input.n_rows))
                .got(format!("{length} {what}")));
        }
    }
    if let Some(Target::Class { codes, n_classes }) = input.target
        && let Some(row) = codes.iter().position(|code| *code as usize >= *n_classes)
    {
        return Err(Error::input("a class index is out of range")
            .row(row as u64 + 1)
            .expected(format!("less than {n_classes}"))
            .got(codes[row].to_string()));
    }
    Ok(())
}

fn target<'a>(input: &SplitInput<'a>) -> Result<&'a Target> {
    input.target.ok_or_else(|| Error::input("a stratified split needs a target"))
}

fn groups<'a>(input: &SplitInput<'a>) -> Result<&'a [u32]> {
    input.groups.ok_or_else(|| {
        Error::input("a group split needs a group column").hint("name it with --group COLUMN")
    })
}

fn times<'a>(input: &SplitInput<'a>) -> Result<&'a [f64]> {
    input.times.ok_or_else(|| {
        Error::input("a time split needs a time column").hint("name it with --time-column COLUMN")
    })
}

#[cfg(test)]
mod tests;
