//! How a second level is stored, behind everything else of a predictor.

use modelwright_core::Result;
use modelwright_learners::learner;
use serde::{Deserialize, Serialize};

use super::{Line, SecondLevel, Trees};

/// The form that is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored {
    line: Line,
    reach: f64,
    range: Option<(f64, f64)>,
    trees: Option<StoredTrees>,
}

#[derive(Serialize, Deserialize)]
struct StoredTrees {
    encoder: u32,
    layout: u32,
    model: Vec<u8>,
}

impl SecondLevel {
    /// The form that is stored.
    ///
    /// # Errors
    /// Work error when the trees cannot be encoded.
    pub(crate) fn store(&self) -> Result<Stored> {
        let of_trees = |trees: &Trees| -> Result<StoredTrees> {
            let (layout, model) = (trees.fitted.layout, trees.fitted.encode()?);
            Ok(StoredTrees { encoder: trees.encoder as u32, layout, model })
        };
        let trees = self.trees.as_ref().map(of_trees).transpose()?;
        Ok(Stored { line: self.line.clone(), reach: self.reach, range: self.range, trees })
    }

    /// Reads it back.
    ///
    /// # Errors
    /// Input error when the trees cannot be read.
    pub(crate) fn read(stored: Stored) -> Result<Self> {
        let of_trees = |stored: StoredTrees| -> Result<Trees> {
            let fitted = learner("gbdt")?.decode(stored.layout, &stored.model)?;
            Ok(Trees { encoder: stored.encoder as usize, fitted })
        };
        let trees = stored.trees.map(of_trees).transpose()?;
        Ok(Self { line: stored.line, reach: stored.reach, range: stored.range, trees })
    }
}
