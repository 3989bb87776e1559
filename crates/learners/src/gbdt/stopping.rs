//! Early stopping: how long to wait for a better validation loss.

/// Remembers the best round.
#[derive(Debug)]
pub(crate) struct Stopping {
    longest_wait: usize,
    fixed: bool,
    best_loss: f64,
    best_rounds: usize,
}

impl Stopping {
    /// `patience` rounds, or a patience by `n_rows` when it is 0.
    ///
    /// The automatic one grows with the best round (a slow descent deserves more patience) up to a
    /// bound that shrinks with the table: 300 rounds up to 10,000 rows, then `3,000,000 / rows`,
    /// not below 20 (AutoGluon's rule).
    pub(crate) fn new(patience: usize, n_rows: usize, first_loss: f64) -> Self {
        let automatic = (3_000_000 / n_rows.max(1)).clamp(20, 300);
        Self {
            longest_wait: if patience > 0 { patience } else { automatic },
            fixed: patience > 0,
            best_loss: first_loss,
            best_rounds: 0,
        }
    }

    /// Takes the loss after `rounds` rounds; `true` when it is time to stop.
    ///
    /// A loss that is not a number counts as worse than any.
    pub(crate) fn update(&mut self, rounds: usize, loss: f64) -> bool {
        if loss < self.best_loss || (self.best_loss.is_nan() && !loss.is_nan()) {
            self.best_loss = loss;
            self.best_rounds = rounds;
            return false;
        }
        let by_best = 20 + self.best_rounds * 3 / 10;
        let wait = if self.fixed { self.longest_wait } else { by_best.min(self.longest_wait) };
        rounds - self.best_rounds >= wait
    }

    /// How many rounds were best.
    pub(crate) fn best_rounds(&self) -> usize {
        self.best_rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_after_the_patience_and_remembers_the_best() {
        let mut stopping = Stopping::new(3, 100, 1.0);
        assert!(!stopping.update(1, 0.9));
        assert!(!stopping.update(2, 0.95));
        assert!(!stopping.update(3, f64::NAN));
        assert!(stopping.update(4, 0.9));
        assert_eq!(stopping.best_rounds(), 1);
    }

    #[test]
    fn the_automatic_patience_grows_with_the_best_round_and_shrinks_with_the_table() {
        let mut small = Stopping::new(0, 1_000, 1.0);
        small.update(100, 0.5);
        assert!(!small.update(149, 0.6) && small.update(150, 0.6));
        let mut large = Stopping::new(0, 1_000_000, 1.0);
        large.update(100, 0.5);
        assert!(!large.update(119, 0.6) && large.update(120, 0.6));
    }
}
