//! The penalty path: ever weaker penalties, each solved from where the last one ended.
//!
//! With validation rows the path is also the search for the penalty: the loss on those rows is
//! taken after every step, the best step is kept, and the path ends when penalties that are
//! [`PATIENCE`] times weaker have not improved it. First steps that change nothing, because a
//! 1-norm still keeps every coefficient at 0, do not count. Without validation rows only the last
//! step is solved, so that a refit with `path_steps` set to the chosen step solves exactly the
//! chosen penalty.

use super::lbfgs::End;

/// How much weaker penalties become without improvement before the path ends.
const PATIENCE: f64 = 10.0;
/// And in how many steps at least.
const PATIENCE_STEPS: usize = 2;
/// What counts as an improvement, as a share of the loss.
const IMPROVEMENT: f64 = 1e-4;

/// The loss on validation rows.
pub(super) type Judge<'a> = dyn Fn(&[f64]) -> f64 + 'a;

/// Penalty strengths in geometric order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    pub(super) start: f64,
    pub(super) ratio: f64,
    pub(super) steps: usize,
}

/// Where a path ended.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) theta: Vec<f64>,
    /// The step whose penalty it is, from 0.
    pub(super) step: usize,
}

impl Path {
    /// Penalty of a step (from 0), per unit of weight.
    pub(super) fn strength(&self, step: usize) -> f64 {
        self.start * self.ratio.powi(i32::try_from(step).unwrap_or(i32::MAX))
    }

    /// Steps without improvement after which the path ends.
    fn patience(&self) -> usize {
        // A hair less, so that two steps of a tenth together are two.
        let steps = (PATIENCE.ln() / -self.ratio.ln() - 1e-6).ceil();
        (steps as usize).max(PATIENCE_STEPS)
    }

    /// Solves the path from `theta`.
    ///
    /// `solve` moves its argument to the minimum at a strength; `judge` is the validation loss.
    pub(super) fn follow(
        &self,
        mut theta: Vec<f64>,
        solve: impl Fn(&mut [f64], f64) -> End,
        judge: Option<&Judge<'_>>,
    ) -> Chosen {
        let last = self.steps - 1;
        let Some(judge) = judge else {
            solve(&mut theta, self.strength(last));
            return Chosen { theta, step: last };
        };
        let mut best: Option<(f64, Chosen)> = None;
        let patience = self.patience();
        let (mut is_null, mut bar, mut waited) = (false, f64::INFINITY, 0);
        for step in 0..=last {
            let end = solve(&mut theta, self.strength(step));
            // A step that was cut short counts only when there is nothing better.
            if end == End::Stopped && best.is_some() {
                break;
            }
            let loss = judge(&theta);
            let loss = if loss.is_nan() { f64::INFINITY } else { loss };
            if best.as_ref().is_none_or(|(least, _)| loss < *least) {
                best = Some((loss, Chosen { theta: theta.clone(), step }));
            }
            // The first loss is that of nothing yet; what differs from it is something.
            let is_same = is_null && loss == bar;
            if loss < bar * (1.0 - IMPROVEMENT) {
                (bar, waited) = (loss, 0);
            } else if !is_same {
                waited += 1;
            }
            is_null = step == 0 || is_same;
            if end == End::Stopped || waited >= patience {
                break;
            }
        }
        match best {
            Some((_, chosen)) => chosen,
            None => Chosen { theta, step: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path = Path { start: 1.0, ratio: 0.1, steps: 6 };

    fn solve(theta: &mut [f64], strength: f64) -> End {
        theta[0] = strength;
        End::Done
    }

    #[test]
    fn the_best_step_is_kept_and_the_path_ends_after_two_worse_ones() {
        let judged = std::cell::Cell::new(0);
        let judge = |theta: &[f64]| {
            judged.set(judged.get() + 1);
            (theta[0].log10() + 2.0).abs() + 1.0
        };
        let chosen = PATH.follow(vec![0.0], solve, Some(&judge));
        assert_eq!((chosen.step, judged.get()), (2, 5));
        assert!((chosen.theta[0] - 0.01).abs() < 1e-12);
    }

    #[test]
    fn a_fine_path_is_followed_as_far_as_a_coarse_one_and_steps_at_nothing_do_not_count() {
        let fine = Path { start: 1.0, ratio: 0.6, steps: 16 };
        // Nothing happens above 0.05; the best penalty is 0.01.
        let judge = |theta: &[f64]| {
            if theta[0] > 0.05 { 5.0 } else { 1.0 + (theta[0].log10() + 2.0).abs() }
        };
        let chosen = fine.follow(vec![0.0], solve, Some(&judge));
        assert_eq!(chosen.step, 9);
        let coarse = Path { start: 1.0, ratio: 0.316_227_766, steps: 11 };
        assert_eq!((fine.patience(), coarse.patience(), PATH.patience()), (5, 2, 2));
    }

    #[test]
    fn a_refit_to_the_chosen_step_solves_its_penalty() {
        let refit = Path { steps: 3, ..PATH }.follow(vec![0.0], solve, None);
        assert_eq!(refit.step, 2);
        assert_eq!(refit.theta[0], PATH.strength(2));
    }

    #[test]
    fn a_stopped_step_does_not_replace_a_finished_one() {
        let stop = |theta: &mut [f64], strength: f64| {
            theta[0] = strength;
            if strength < 0.5 { End::Stopped } else { End::Done }
        };
        let judge = |theta: &[f64]| theta[0];
        assert_eq!(PATH.follow(vec![0.0], stop, Some(&judge)).step, 0);
    }
}
