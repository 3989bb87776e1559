//! Features that are exchanged together: all that are made of one raw column.

use modelwright_core::{Error, Result};

use super::Ensemble;

/// The player of each feature.
#[derive(Debug, Clone, Copy)]
pub struct Players<'a> {
    of_feature: &'a [u32],
    n: usize,
}

impl<'a> Players<'a> {
    /// `n` players, of which each feature belongs to one.
    ///
    /// # Errors
    /// Input error when a feature belongs to a player that is not there.
    pub fn new(of_feature: &'a [u32], n: usize) -> Result<Self> {
        if of_feature.iter().any(|player| *player as usize >= n) {
            return Err(Error::input("a feature belongs to a player that is not there")
                .expected(format!("players below {n}")));
        }
        Ok(Self { of_feature, n })
    }

    /// How many players there are.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The player of a feature.
    pub(super) fn of(&self, feature: u32) -> u32 {
        self.of_feature[feature as usize]
    }

    /// Proves that the players fit the trees.
    pub(super) fn check(&self, ensemble: &Ensemble<'_>) -> Result<()> {
        if self.of_feature.len() != ensemble.n_features {
            return Err(Error::input("the players are of other features than the model's")
                .expected(format!("{} features", ensemble.n_features))
                .got(format!("{} features", self.of_feature.len())));
        }
        let is_own = self.of_feature.iter().zip(0..).all(|(player, feature)| *player == feature);
        if !is_own && ensemble.trees.iter().any(|tree| !tree.linear.is_empty()) {
            return Err(Error::input("linear leaves are explained feature by feature only"));
        }
        Ok(())
    }
}
