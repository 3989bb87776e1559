//! Whether the mean of bounded values is above zero, asked after every value: a bet.
//!
//! A gambler with a fortune of 1 stakes a share `λ` of it on every value `d` in [-1, 1]; the
//! fortune becomes `1 + λ d` times what it was. As long as the mean of what comes is not above
//! zero, whatever came before, no way to choose `λ` from the past makes the fortune grow in
//! expectation, and it ever reaches `1/α` with a chance of at most `α` (Ville, 1939). `1 / fortune`
//! at its best is thus a p-value that may be looked at any time, whatever the law of the values.
//! Stakes follow Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting",
//! JRSS B 86, 2024 (aGRAPA): the mean over the mean square of the past.

use serde::{Deserialize, Serialize};

/// The largest share that is staked: a single value must not ruin the gambler.
const STAKE_MAX: f64 = 0.5;

/// What is assumed of values before there are any: so many of this mean square.
const PRIOR_N: f64 = 4.0;
const PRIOR_SQUARE: f64 = 0.25;

/// A bet on the mean of values in [-1, 1] being above zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanBet {
    n: f64,
    sum: f64,
    squares: f64,
    /// Logarithm of the fortune, now and at its best.
    fortune: f64,
    best: f64,
}

impl Default for MeanBet {
    fn default() -> Self {
        Self { n: 0.0, sum: 0.0, squares: 0.0, fortune: 0.0, best: 0.0 }
    }
}

impl MeanBet {
    /// Takes the next value, cut to [-1, 1]; returns the p-value so far, which never grows.
    pub fn update(&mut self, value: f64) -> f64 {
        if value.is_finite() {
            let d = value.clamp(-1.0, 1.0);
            // The stake knows the past only.
            let square = (self.squares + PRIOR_N * PRIOR_SQUARE) / (self.n + PRIOR_N);
            let stake = (self.sum / (self.n + PRIOR_N) / square).clamp(0.0, STAKE_MAX);
            self.fortune += (stake * d).ln_1p();
            self.best = self.best.max(self.fortune);
            self.n += 1.0;
            self.sum += d;
            self.squares += d * d;
        }
        self.p_value()
    }

    /// The p-value so far.
    pub fn p_value(&self) -> f64 {
        (-self.best).exp()
    }

    /// How many values there were.
    pub fn n(&self) -> u64 {
        self.n as u64
    }

    /// Their mean; `None` before the first.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.sum / self.n)
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    /// Skewed values with the given mean: mostly a little, seldom much.
    fn skewed(random: &mut Random, mean: f64) -> f64 {
        let value = if random.unit() < 0.1 { 0.9 } else { -0.1 };
        (value + mean).clamp(-1.0, 1.0)
    }

    fn ever_below(level: f64, n: usize, stream: u64, mean: f64) -> Option<usize> {
        let mut random = Random::stream(5, "drift/bet", stream);
        let mut bet = MeanBet::default();
        (0..n).find(|_| bet.update(skewed(&mut random, mean)) < level)
    }

    #[test]
    fn a_bet_on_nothing_is_won_at_most_at_its_level_however_often_it_is_looked_at() {
        let n_won = (0..1000).filter(|s| ever_below(0.05, 2000, *s, 0.0).is_some()).count();
        // 50 are allowed; three standard deviations are 21.
        assert!(n_won <= 71, "{n_won} of 1000");
        let n_won = (0..200).filter(|s| ever_below(0.05, 2000, *s, -0.02).is_some()).count();
        assert!(n_won <= 10, "below zero it is won more seldom: {n_won}");
    }

    #[test]
    fn a_small_gain_is_found_with_enough_values() {
        let mut at: Vec<usize> =
            (0..21).filter_map(|s| ever_below(0.05, 20_000, s, 0.06)).collect();
        assert_eq!(at.len(), 21);
        at.sort_unstable();
        assert!(at[10] < 1500, "half of them within {} values", at[10]);
    }

    #[test]
    fn values_beyond_the_bounds_are_cut_and_others_ignored() {
        let mut bet = MeanBet::default();
        assert_eq!((bet.update(f64::NAN), bet.mean()), (1.0, None));
        for _ in 0..10 {
            bet.update(1e9);
        }
        assert_eq!((bet.n(), bet.mean()), (10, Some(1.0)));
        let before = bet.p_value();
        assert_eq!(bet.update(-1e9), before, "what was won once stays won");
    }
}
