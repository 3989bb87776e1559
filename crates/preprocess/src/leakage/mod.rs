//! Whether information about the target leaked into the features or the test.
//!
//! [`check`] runs before training and is on by default. Each file is one check; each finding says
//! why, how sure, and what was done. A column is excluded only when it reproduces the target by
//! itself *and* nothing else in the table comes near: a strong but honest feature is reported at
//! most. Scores of single features are out of fold (two halves) on at most [`ROWS_MAX`] rows, so
//! that the check costs a fraction of a second on any table; an exclusion is confirmed on all rows.

mod copy;
mod duplicates;
mod filled;
mod groups;
mod identifier;
mod levels;
mod noisy;
mod outcome;
mod panel;
mod partly;
#[cfg(test)]
mod partly_tests;
mod phrases;
mod proxy;
mod score;
mod study;
#[cfg(test)]
mod tests;
mod time;

use modelwright_core::data::{Schema, Table};
use modelwright_core::record::{LeakAction, LeakFinding};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};

use study::Study;

/// Rows on which single features are scored; larger tables are sampled.
const ROWS_MAX: usize = 20_000;
/// Fewer rows than this prove nothing about a leak.
const ROWS_MIN: usize = 20;

/// What the checks look at.
#[derive(Debug, Clone, Copy)]
pub struct LeakageInput<'a> {
    /// The training part, all columns.
    pub table: &'a Table,
    /// Its schema with kinds decided.
    pub schema: &'a Schema,
    /// The target of every row of `table`.
    pub target: &'a Target,
    /// The target's column (which is not checked).
    pub target_column: &'a str,
    /// The test part, if there is one already.
    pub test: Option<&'a Table>,
    /// The column whose rows belong together.
    pub group: Option<&'a str>,
    /// The column that orders rows in time.
    pub time_column: Option<&'a str>,
    /// `random`, `stratified`, `group`, `time` or `test file`.
    pub split_kind: &'a str,
    /// Whether near-certain leaks stay.
    pub keep_leaks: bool,
}

/// All findings, surest first.
///
/// # Errors
/// Input error when the target has not one value per row, or a named column does not exist.
pub fn check(input: &LeakageInput<'_>, ctx: &Context) -> Result<Vec<LeakFinding>> {
    if input.target.n_rows() != input.table.n_rows() {
        return Err(Error::input("the target must have one value per row")
            .expected(format!("{} values", input.table.n_rows()))
            .got(format!("{} values", input.target.n_rows())));
    }
    for name in input.group.iter().chain(&input.time_column) {
        input.table.require(name)?;
    }
    let mut findings = Vec::new();
    if input.table.n_rows() >= ROWS_MIN {
        let study = Study::new(input);
        let scores = study.scores(ctx);
        findings.extend(copy::check(&study, ctx));
        findings.extend(filled::check(&study, &named(&findings), ctx));
        findings.extend(proxy::check(&study, &scores, &named(&findings)));
        findings.extend(noisy::check(&study, &named(&findings), ctx));
        findings.extend(partly::check(&study, &named(&findings), ctx));
        findings.extend(outcome::check(&study, &named(&findings), ctx));
        findings.extend(phrases::check(&study, &named(&findings), ctx));
        findings.extend(identifier::check(&study, &scores));
        findings.extend(groups::check(&study));
        findings.extend(time::check(&study));
    }
    findings.extend(duplicates::check(input, ctx));
    findings.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    Ok(findings)
}

/// The columns that findings name.
fn named(findings: &[LeakFinding]) -> Vec<String> {
    findings.iter().flat_map(|f| f.columns.clone()).collect()
}

/// What is done about a near-certain leak of a column.
fn exclusion(input: &LeakageInput<'_>) -> LeakAction {
    if input.keep_leaks { LeakAction::KeptOnRequest } else { LeakAction::Excluded }
}
