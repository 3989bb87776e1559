//! How often scores are so high: a distribution by few of its values.

use serde::{Deserialize, Serialize};

/// The highest scores that are all kept, and how many others are, evenly: the tail decides.
const HIGHEST: usize = 200;
const OTHERS: usize = 200;

/// Scores with how many of all lie above them, ascending.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Scores {
    n: u32,
    knots: Vec<(f64, u32)>,
}

impl Scores {
    pub(super) fn of(mut scores: Vec<f64>) -> Self {
        scores.sort_by(f64::total_cmp);
        let n = scores.len();
        let lower = n.saturating_sub(HIGHEST);
        let step = lower.div_ceil(OTHERS).max(1);
        let places = (0..lower).step_by(step).chain(lower..n);
        let mut knots: Vec<(f64, u32)> = Vec::new();
        for score in places.map(|i| scores[i]) {
            if knots.last().is_none_or(|last| last.0 < score) {
                let above = n - scores.partition_point(|s| *s <= score);
                knots.push((score, above as u32));
            }
        }
        Self { n: n as u32, knots }
    }

    pub(super) fn n(&self) -> usize {
        self.n as usize
    }

    /// The conformal p-value of a score: the share of it and all known ones that are at least so
    /// high; between kept scores the larger one, so that it is never too small. It is at most `u`
    /// in at most a share of `u` of the rows that are like those the scores are of (Vovk, Gammerman
    /// & Shafer, 2005; Bates et al., Annals of Statistics 51, 2023).
    pub(super) fn p_value(&self, score: f64) -> f64 {
        let below = self.knots.partition_point(|(known, _)| *known < score);
        let at_least = below.checked_sub(1).map_or(self.n, |i| self.knots[i].1);
        (1.0 + f64::from(at_least)) / (1.0 + f64::from(self.n))
    }

    pub(super) fn is_sound(&self) -> bool {
        self.knots.len() <= HIGHEST + OTHERS + 1
            && self.knots.iter().all(|(score, above)| score.is_finite() && *above < self.n)
            && self.knots.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_exact_where_all_scores_are_kept_and_never_too_small_elsewhere() {
        let few = Scores::of(vec![1.0, 2.0, 2.0, 4.0]);
        let p: Vec<f64> =
            [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 9.0].iter().map(|s| few.p_value(*s)).collect();
        assert_eq!(p, [1.0, 1.0, 0.8, 0.8, 0.4, 0.4, 0.2]);
        let all: Vec<f64> = (0..10_000).map(f64::from).collect();
        let many = Scores::of(all);
        assert!(many.knots.len() <= HIGHEST + OTHERS && many.is_sound());
        for score in [0.5, 77.5, 5_000.0, 9_799.5, 9_990.0, 9_999.5] {
            let exact = (1.0 + (10_000.0_f64 - score).floor()) / 10_001.0;
            let p = many.p_value(score);
            assert!(p >= exact - 1e-12 && p < exact + 0.006, "{score}: {p} and {exact}");
        }
    }
}
