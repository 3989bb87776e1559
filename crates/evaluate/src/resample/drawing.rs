//! How resamples are drawn.

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
pub struct Drawing {
    /// Resamples that are wanted; large tables take fewer.
    pub n_resamples: usize,
    /// Whether the mix of classes is drawn, too.
    pub mix: Mix,
}

impl From<usize> for Drawing {
    /// So many resamples in which every class keeps its rows.
    fn from(n_resamples: usize) -> Self {
        Self { n_resamples, mix: Mix::Fixed }
    }
}
