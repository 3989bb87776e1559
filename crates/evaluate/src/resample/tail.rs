//! The tail of losses that few rows carry: a semiparametric bootstrap.
//!
//! A sample of few rows mostly lacks the rare large losses, and resampling it cannot bring them
//! back: intervals end too low. Where one or two rows carry most of the loss, the opposite happens,
//! too: resamples without them look so sure that the studentised interval ends thousands of times
//! too high. Both have one cause, that a tail is made of a handful of points, and one remedy: the
//! largest losses are drawn from a generalised Pareto law fitted to them, with the mean that they
//! have, in place of themselves.
//!
//! ```text
//! k = min(3/10 n, 3 √n) largest losses, above u
//! shape and scale of the excesses over u: Zhang & Stephens' quasi-Bayes estimate
//! shape: as if ten further excesses had shown ½; at most 0.6; scale: so that the mean stays
//! resample: a row of the tail becomes u + a draw; the upper end is the quantile
//!           2½ % / (1 + (159/n)^1.5) of the distances, the lower end that of the rows as they are
//! ```
//!
//! The prior, and the level that starts farther out on few rows, were calibrated on nine laws of
//! errors (uniform to t with three degrees of freedom) with 20 to 400 rows each.
//!
//! References: Davison & Hinkley, "Bootstrap methods and their application", 1997, 3.3; Cowell &
//! Flachaire, J. Econometrics 141, 2007 (Pareto tails in a studentised bootstrap); Zhang &
//! Stephens, Technometrics 51, 2009; Vehtari et al., JMLR 25, 2024 (tail length, prior).

use modelwright_core::random::Random;

use super::bootstrap::quantile_of_sorted;

/// The share of the rows, and the multiple of the root of their number, that form the tail.
const SHARE: f64 = 0.3;
const ROOTS: f64 = 3.0;

/// Excesses that a law is fitted to, at least.
const EXCESSES_MIN: usize = 5;

/// What the shape is before any row is seen, and how many excesses that counts as.
const PRIOR_SHAPE: f64 = 0.5;
const PRIOR_EXCESSES: f64 = 10.0;

/// Beyond, the mean of a few draws says nothing.
const SHAPE_MAX: f64 = 0.6;

/// On so many rows the level of the upper end is half of what it is on very many.
const ROWS_OF_HALF_LEVEL: f64 = 159.0;

/// How fast the level falls on fewer: at 400 rows it is four fifths, at 40 a ninth.
const LEVEL_POWER: f64 = 1.5;

/// Rows from which on the tail is left as it is: it has hundreds of points.
const ROWS_MAX: usize = 100_000;

/// The law of the largest losses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    /// Losses above belong to the tail.
    pub(super) start: f64,
    shape: f64,
    scale: f64,
}

impl Tail {
    /// Of losses that are not negative; `None` when too few, too many, or too alike.
    pub(super) fn of(losses: &[f64], weights: Option<&[f64]>) -> Option<Self> {
        let own = |row: usize| weights.map_or(1.0, |w| w[row]);
        let mut sorted: Vec<(f64, f64)> =
            losses.iter().enumerate().map(|(row, l)| (*l, own(row))).collect();
        sorted.retain(|(_, weight)| *weight > 0.0);
        let n = sorted.len();
        if n > ROWS_MAX {
            return None;
        }
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let length = (SHARE * n as f64).min(ROOTS * (n as f64).sqrt()).max(EXCESSES_MIN as f64);
        let first = n.checked_sub(length as usize).filter(|first| *first > 0)?;
        let start = f64::midpoint(sorted[first - 1].0, sorted[first].0);
        let excesses: Vec<(f64, f64)> =
            sorted.iter().filter(|(l, _)| *l > start).map(|(l, w)| (l - start, *w)).collect();
        let n_excesses = excesses.len();
        if n_excesses < EXCESSES_MIN || !excesses[n_excesses - 1].0.is_finite() {
            return None;
        }
        let values: Vec<f64> = excesses.iter().map(|(e, _)| *e).collect();
        let seen = n_excesses as f64;
        let shape =
            (shape(&values)? * seen + PRIOR_SHAPE * PRIOR_EXCESSES) / (seen + PRIOR_EXCESSES);
        let shape = shape.min(SHAPE_MAX);
        let total: f64 = excesses.iter().map(|(_, w)| w).sum();
        let mean = excesses.iter().map(|(e, w)| e * (w / total)).sum::<f64>();
        let scale = mean * (1.0 - shape);
        (scale > 0.0 && scale.is_finite()).then_some(Self { start, shape, scale })
    }

    /// A loss of the tail.
    pub(super) fn draw(&self, random: &mut Random) -> f64 {
        // In (0, 1]: the logarithm is a number.
        let log = (1.0 - random.unit()).ln();
        let excess =
            if self.shape.abs() < 1e-6 { -log } else { (-self.shape * log).exp_m1() / self.shape };
        self.start + self.scale * excess
    }

    /// The distance of the upper end, from sorted distances of resamples of `n_rows` rows.
    pub(super) fn upper(sorted: &[f64], n_rows: usize) -> f64 {
        let rarity = ROWS_OF_HALF_LEVEL / n_rows.max(1) as f64;
        let level = 0.025 / (1.0 + rarity.powf(LEVEL_POWER));
        quantile_of_sorted(sorted, level)
    }
}

/// Zhang and Stephens' estimate of the shape from ascending excesses, all positive; `None` where it
/// is no number.
fn shape(excesses: &[f64]) -> Option<f64> {
    let n = excesses.len();
    let largest = excesses[n - 1];
    // In units of the largest, so that no size of losses leaves the numbers.
    let unit: Vec<f64> = excesses.iter().map(|e| e / largest).collect();
    let quarter = unit[((n as f64 / 4.0 + 0.5) as usize).clamp(1, n) - 1].max(f64::MIN_POSITIVE);
    let n_grid = 30 + (n as f64).sqrt() as usize;
    let shape_at = |theta: f64| unit.iter().map(|e| (-theta * e).ln_1p()).sum::<f64>() / n as f64;
    let grid: Vec<f64> = (1..=n_grid)
        .map(|i| 1.0 + (1.0 - (n_grid as f64 / (i as f64 - 0.5)).sqrt()) / (3.0 * quarter))
        .collect();
    let likelihood = |theta: f64| {
        let shape = shape_at(theta);
        n as f64 * ((-theta / shape).ln() - shape - 1.0)
    };
    let likelihoods: Vec<f64> = grid.iter().map(|theta| likelihood(*theta)).collect();
    let best = likelihoods.iter().copied().filter(|l| l.is_finite()).fold(f64::MIN, f64::max);
    let (mut total, mut mean) = (0.0, 0.0);
    for (theta, likelihood) in grid.iter().zip(&likelihoods).filter(|(_, l)| l.is_finite()) {
        let weight = (likelihood - best).exp();
        total += weight;
        mean += weight * theta;
    }
    Some(shape_at(mean / total)).filter(|shape| shape.is_finite())
}

/// How few rows carry half of the loss, where that is a reason for care: at most five, and one in
/// twenty; `(rows, of so many)`.
pub(super) fn few_carry_half(losses: &[f64], weights: Option<&[f64]>) -> Option<(usize, usize)> {
    const FEW: usize = 5;
    const ONE_IN: usize = 20;
    let own = |row: usize| weights.map_or(1.0, |w| w[row]);
    let mut parts: Vec<f64> = losses.iter().enumerate().map(|(row, l)| l * own(row)).collect();
    let total: f64 = parts.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    parts.sort_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    let half = parts.iter().position(|part| {
        sum += part;
        sum >= total / 2.0
    })?;
    let (n_rows, of) = (half + 1, parts.len());
    (n_rows <= FEW && n_rows * ONE_IN <= of).then_some((n_rows, of))
}

/// From so many rows on, errors that come once in a hundred rows are among them.
const ROWS_THAT_SHOW: usize = 300;

/// What an interval of errors of numbers cannot know on so few rows; `None` on many. Of errors that
/// come once in `n / 3` rows, a sample of `n` rows has none in one of twenty cases (the rule of
/// three: Hanley & Lippman-Hand, JAMA 249, 1983).
pub fn unseen_errors(n_rows: usize) -> Option<String> {
    (1..ROWS_THAT_SHOW).contains(&n_rows).then(|| {
        let rarity = (n_rows / 3).max(2);
        format!(
            "Errors that come once in {rarity} rows or more rarely may be missing from {n_rows} \
             rows, and no interval counts what no row shows: if there are such, and they are \
             large, RMSE, R² and mean errors are worse than their intervals say."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_said_to_hide_rare_errors() {
        let said = unseen_errors(40).unwrap();
        assert!(said.starts_with("Errors that come once in 13 rows or more rarely"), "{said}");
        assert_eq!((unseen_errors(300), unseen_errors(0)), (None, None));
        // As rare as that, they are missing from one sample in twenty.
        let missing = (1.0 - 1.0 / 33.0_f64).powi(100);
        assert!((0.03..0.07).contains(&missing) && unseen_errors(100).unwrap().contains("in 33"));
    }

    fn pareto(n: usize, shape: f64, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed);
        let mut draws: Vec<f64> =
            (0..n).map(|_| ((1.0 - random.unit()).powf(-shape) - 1.0) / shape).collect();
        draws.sort_by(f64::total_cmp);
        draws
    }

    #[test]
    fn the_shape_of_many_draws_is_found() {
        for truth in [-0.3, 0.1, 0.4, 0.8] {
            let found = shape(&pareto(4000, truth, 3)).unwrap();
            assert!((found - truth).abs() < 0.05, "{truth}: {found}");
        }
        // One law in other units.
        let plain = pareto(50, 0.3, 5);
        let large: Vec<f64> = plain.iter().map(|v| v * 2.0_f64.powi(900)).collect();
        assert!((shape(&plain).unwrap() - shape(&large).unwrap()).abs() < 1e-9);
    }

    #[test]
    fn draws_of_a_tail_have_the_mean_of_its_losses() {
        let losses = pareto(200, 0.2, 7);
        let tail = Tail::of(&losses, None).unwrap();
        let in_tail: Vec<f64> = losses.iter().copied().filter(|l| *l > tail.start).collect();
        assert_eq!(in_tail.len(), 42, "3 √200");
        let mean = in_tail.iter().sum::<f64>() / 42.0;
        let mut random = Random::new(1);
        let drawn = (0..200_000).map(|_| tail.draw(&mut random)).sum::<f64>() / 200_000.0;
        assert!((drawn / mean - 1.0).abs() < 0.03, "{drawn} {mean}");
    }

    #[test]
    fn losses_that_are_alike_or_few_have_no_tail() {
        assert_eq!(Tail::of(&[2.0; 50], None), None);
        assert_eq!(Tail::of(&[1.0, 2.0, 3.0], None), None);
        assert_eq!(Tail::of(&[], None), None);
        let mut half = vec![0.0; 50];
        half[..4].fill(3.0);
        assert_eq!(Tail::of(&half, None), None, "four excesses");
        assert_eq!(Tail::of(&[f64::MAX, 1.0, 2.0, 3.0, 4.0, 5.0], Some(&[0.0; 6])), None);
    }

    #[test]
    fn rows_that_carry_half_of_the_loss_are_counted_by_weight() {
        let mut losses = vec![1.0; 100];
        assert_eq!(few_carry_half(&losses, None), None);
        losses[3] = 150.0;
        losses[7] = 60.0;
        assert_eq!(few_carry_half(&losses, None), Some((2, 100)));
        let mut weights = vec![1.0; 100];
        weights[3] = 10.0;
        assert_eq!(few_carry_half(&losses, Some(&weights)), Some((1, 100)));
        assert_eq!(few_carry_half(&[0.0; 40], None), None);
        assert_eq!(few_carry_half(&[1.0, 9.0], None), None, "two rows are few anyway");
    }
}
