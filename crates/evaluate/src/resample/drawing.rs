//! How resamples are drawn.

use modelwright_core::task::Target;
use modelwright_core::{Error, Result};

use super::Strata;

/// Of rows that are drawn within their classes, at most this share may be alone in theirs: such a
/// row is in every resample, which would call it certain.
const ALONE_SHARE_MAX: f64 = 0.1;

/// Whether the rows at hand could have been of another mix of classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mix {
    /// The mix was made so, as by a stratified split: each class keeps its rows.
    #[default]
    Fixed,
    /// The rows came as they are, as in a file of new rows: another sample would have another mix,
    /// and metrics that depend on it are more uncertain.
    Drawn,
}

/// How many resamples, of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawing<'a> {
    /// Resamples that are wanted; large tables take fewer.
    pub n_resamples: usize,
    /// Whether the mix of classes is drawn, too.
    pub mix: Mix,
    /// The group of each row, where rows of a group belong together, such as the visits of one
    /// patient: they are no independent witnesses, and groups are drawn whole.
    pub groups: Option<&'a [u32]>,
}

impl From<usize> for Drawing<'_> {
    /// So many resamples of rows, in which every class keeps its rows.
    fn from(n_resamples: usize) -> Self {
        Self { n_resamples, mix: Mix::Fixed, groups: None }
    }
}

impl Drawing<'_> {
    /// What is drawn from.
    ///
    /// # Errors
    /// Input error when groups do not fit the rows, when there is one group only, or when most of
    /// what is drawn would always be the same.
    pub(crate) fn strata<'a>(
        &self,
        truth: &Target,
        weights: Option<&'a [f64]>,
    ) -> Result<Strata<'a>> {
        let Some(groups) = self.groups else {
            if self.mix == Mix::Fixed {
                classes_have_rows(truth)?;
            }
            return Ok(Strata::of_mix(truth, weights, self.mix));
        };
        let (codes, n_groups) = numbered(groups);
        if groups.len() != truth.n_rows() || n_groups < 2 {
            return Err(Error::input("the interval could not be computed")
                .expected("at least two groups, and one for each row")
                .got(format!(
                    "{n_groups} groups, {} of {} rows have one",
                    groups.len(),
                    truth.n_rows()
                ))
                .hint("use rows of more groups"));
        }
        Ok(Strata::clusters(&codes, n_groups, weights))
    }
}

/// The groups by numbers from 0 without gaps, and how many there are.
pub(crate) fn numbered(groups: &[u32]) -> (Vec<u32>, usize) {
    let mut distinct = groups.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let number = |group: &u32| distinct.partition_point(|own| own < group) as u32;
    (groups.iter().map(number).collect(), distinct.len())
}

/// Refuses to draw within classes that mostly have one row each.
pub(super) fn classes_have_rows(truth: &Target) -> Result<()> {
    let Target::Class { codes, n_classes } = truth else { return Ok(()) };
    let mut counts = vec![0_usize; *n_classes];
    for code in codes {
        counts[*code as usize] += 1;
    }
    let n_alone = counts.iter().filter(|n| **n == 1).count();
    if n_alone as f64 <= ALONE_SHARE_MAX * codes.len() as f64 {
        return Ok(());
    }
    Err(Error::input("the interval could not be computed")
        .expected("at least two rows of nearly every class")
        .got(format!("{n_alone} of {} rows alone in their class", codes.len()))
        .hint("use more rows"))
}
