//! What is kept of a column of a running server: no values, and nothing of the reference is held.

use modelwright_core::Result;
use modelwright_core::data::Field;
use modelwright_preprocess::sketch::ColumnSketch;

use super::tally::ColumnTally;

/// What is kept of a column where nothing of the reference is held on to, and no values.
pub(super) struct Counted {
    pub(super) field: Field,
    sketch: ColumnSketch,
    pub(super) n_below: u64,
    pub(super) n_above: u64,
    pub(super) n_unseen: u64,
}

impl Counted {
    /// No rows yet.
    pub(super) fn new(field: Field) -> Self {
        let sketch = ColumnSketch::new(field.storage);
        Self { field, sketch, n_below: 0, n_above: 0, n_unseen: 0 }
    }

    /// As a tally beside a reference.
    pub(super) fn into_tally(self, reference: Option<&ColumnSketch>) -> ColumnTally<'_> {
        let mut tally = ColumnTally::without_values(self.field, reference);
        tally.sketch = self.sketch;
        (tally.n_below, tally.n_above, tally.n_unseen) =
            (self.n_below, self.n_above, self.n_unseen);
        tally
    }

    /// Does `work` with it as a tally beside a reference.
    pub(super) fn with(
        &mut self,
        reference: Option<&ColumnSketch>,
        work: impl FnOnce(&mut ColumnTally<'_>) -> Result<()>,
    ) -> Result<()> {
        let own = std::mem::replace(self, Self::new(self.field.clone()));
        let mut tally = own.into_tally(reference);
        let done = work(&mut tally);
        *self = Self {
            field: tally.field,
            sketch: tally.sketch,
            n_below: tally.n_below,
            n_above: tally.n_above,
            n_unseen: tally.n_unseen,
        };
        done
    }

    /// Adds the rows of another.
    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        self.sketch.merge(&other.sketch)?;
        self.n_below += other.n_below;
        self.n_above += other.n_above;
        self.n_unseen += other.n_unseen;
        Ok(())
    }
}
