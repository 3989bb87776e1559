//! Drift: whether the values of a column are distributed as they were, as pure statistics.
//!
//! A column comes as a [`Steps`] (numbers, ascending, with counts) or as [`Counts`] (values with
//! counts); whether they were counted exactly or read off a sketch makes no difference here. The
//! monitor in `lifecycle` fills them.
//!
//! | file | question |
//! |---|---|
//! | `steps`, `counts` | the two forms of a distribution |
//! | [`distance`] | how far apart: normalised Wasserstein, Jensen–Shannon, PSI |
//! | [`mod@test`] | could it be chance: Kolmogorov–Smirnov, chi-squared, two proportions |
//! | `kolmogorov`, `lattice` | what is behind a test, in general and of few rows |
//! | [`choose`] | which of them is looked at, and from which value on it is drift |
//! | [`stream`] | values one by one: ADWIN, Page–Hinkley, an always-valid test |
//! | [`bet`] | whether the mean of bounded values is above zero, asked at any time |
//! | [`mod@unit`] | whether a number only changed its unit |
//!
//! Choices, thresholds and values of [`choose`] are those of Evidently's data-drift preset, so that
//! numbers can be compared. Its chi-squared takes the reference for the truth, which alarms too
//! often when the reference is small; beside every score stands therefore a p-value of a proper
//! two-sample test, and a column is called drifted only when both agree.

pub mod bet;
pub mod choose;
mod counts;
pub mod distance;
mod kolmogorov;
mod lattice;
mod steps;
pub mod stream;
pub mod test;
#[cfg(test)]
mod tests;
pub mod unit;

pub use bet::MeanBet;
pub use choose::{Choice, Scored, score_counts, score_steps};
pub use counts::Counts;
pub use modelwright_evaluate::compare::adjust::benjamini_hochberg;
pub use steps::Steps;
