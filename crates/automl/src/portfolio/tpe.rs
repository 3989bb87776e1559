//! Which of several possible variants to try: where those that helped lie denser than those that
//! did not.
//!
//! What was tried of a kind is parted by what the ensemble gained from it: the better quarter, and
//! the rest. Each part is a density over the parameters, one after the other: a bump around every
//! value that was tried, and one that is everywhere, so that nothing is ever ruled out. Of a few
//! draws the one is tried whose ratio of the two densities is largest; before anything is known
//! all ratios are equal and the first draw is taken, which is random search.
//!
//! Reference: Bergstra, Bardenet, Bengio & Kégl, "Algorithms for Hyper-Parameter Optimization",
//! NeurIPS 2011 (tree-structured Parzen estimator).

use modelwright_core::Context;
use modelwright_core::record::PlannedTrial;

use super::space::{self, Place};

/// Draws that are compared.
const N_DRAWS: u64 = 16;

/// The part of what was tried that counts as good.
const SHARE_GOOD: f64 = 0.25;

/// Fewer trials of a kind say nothing.
const N_TRIED_MIN: usize = 6;

/// The width of a bump, in parts of a range.
const WIDTH: f64 = 0.15;

/// How much of a bump around a name lies on other names.
const ELSEWHERE: f64 = 0.2;

/// What was tried, and by how much the ensemble's score rose with it, at best; larger is better.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    variants: Vec<(PlannedTrial, f64)>,
}

impl Tried {
    /// Remembers what a variant brought.
    pub(crate) fn add(&mut self, variant: &PlannedTrial, gain: f64) {
        if gain.is_finite() {
            self.variants.push((variant.clone(), gain));
        }
    }

    /// The variant of `parent` to try next; `number` makes its name.
    pub(crate) fn next(&self, parent: &PlannedTrial, number: usize, ctx: &Context) -> PlannedTrial {
        let draw = |i: u64| {
            let chance = ctx.with_chance(i);
            space::variant(parent, number, &chance)
        };
        let Some([good, rest]) = self.parted(parent) else { return draw(0) };
        let mut best = (f64::NEG_INFINITY, draw(0));
        for i in 0..N_DRAWS {
            let variant = draw(i);
            let places = space::places(&variant);
            let ratio = density(&places, &good).ln() - density(&places, &rest).ln();
            if ratio > best.0 {
                best = (ratio, variant);
            }
        }
        best.1
    }

    /// Where the better quarter of the variants of a kind lies, and where the others do; `None`
    /// while too few are known.
    fn parted(&self, parent: &PlannedTrial) -> Option<[Vec<Vec<Place>>; 2]> {
        let kind = space::base_name(&parent.name);
        let mut of_kind: Vec<&(PlannedTrial, f64)> =
            self.variants.iter().filter(|(v, _)| space::base_name(&v.name) == kind).collect();
        if of_kind.len() < N_TRIED_MIN {
            return None;
        }
        of_kind.sort_by(|a, b| b.1.total_cmp(&a.1));
        let n_good = ((of_kind.len() as f64 * SHARE_GOOD).ceil() as usize).max(1);
        let places = |part: &[&(PlannedTrial, f64)]| -> Vec<Vec<Place>> {
            part.iter().map(|(variant, _)| space::places(variant)).collect()
        };
        Some([places(&of_kind[..n_good]), places(&of_kind[n_good..])])
    }
}

/// The density at a point of bumps around others, a product over its dimensions.
fn density(at: &[Place], around: &[Vec<Place>]) -> f64 {
    let of_dimension = |d: usize| {
        let bumps: f64 = around.iter().map(|other| bump(at[d], other[d])).sum();
        (1.0 + bumps) / (1.0 + around.len() as f64)
    };
    (0..at.len()).map(of_dimension).product()
}

/// The height at one place of the bump around another; 1 is the height of what is everywhere.
fn bump(at: Place, around: Place) -> f64 {
    match (at, around) {
        (Place::Part(a), Place::Part(b)) => {
            let z = (a - b) / WIDTH;
            (-0.5 * z * z).exp() / (WIDTH * (2.0 * std::f64::consts::PI).sqrt())
        }
        (Place::Name { index: a, of }, Place::Name { index: b, .. }) if of > 1 => {
            let share = if a == b { 1.0 - ELSEWHERE } else { ELSEWHERE / (of - 1) as f64 };
            share * of as f64
        }
        // One of them is at the learner's default.
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::params::ParamValue;
    use modelwright_core::task::Task;

    use super::*;
    use crate::plan::Preset;
    use crate::portfolio::candidates;

    fn parent(name: &str) -> PlannedTrial {
        let all = candidates(Task::Binary, Preset::Best, 1000);
        all.into_iter().find(|t| t.name == name).unwrap()
    }

    fn l2_of(trial: &PlannedTrial) -> f64 {
        match trial.params.get("l2") {
            Some(ParamValue::Real(l2)) => *l2,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn before_anything_is_known_it_is_random_search() {
        let (ctx, parent) = (Context::unlimited(3, 1), parent("gbdt-oblivious"));
        let tried = Tried::default();
        assert_eq!(tried.next(&parent, 4, &ctx), space::variant(&parent, 4, &ctx));
    }

    #[test]
    fn draws_move_to_where_variants_helped() {
        let (ctx, parent) = (Context::unlimited(3, 1), parent("gbdt-oblivious"));
        let mut tried = Tried::default();
        for number in 1..60 {
            let variant = space::variant(&parent, number, &ctx);
            let gain = if l2_of(&variant) > 8.0 { 1.0 } else { -1.0 };
            tried.add(&variant, gain);
        }
        let mean = |next: &dyn Fn(usize) -> PlannedTrial| {
            (100..140).map(|n| l2_of(&next(n)).ln()).sum::<f64>() / 40.0
        };
        let by_chance = mean(&|n| space::variant(&parent, n, &ctx));
        let by_what_helped = mean(&|n| tried.next(&parent, n, &ctx));
        assert!(by_what_helped > by_chance + 0.5, "{by_what_helped} {by_chance}");
        assert_eq!(tried.next(&parent, 7, &ctx), tried.next(&parent, 7, &ctx));
    }

    #[test]
    fn what_helped_another_kind_says_nothing() {
        let (ctx, other) = (Context::unlimited(3, 1), parent("gbdt-oblivious"));
        let mut tried = Tried::default();
        (1..20).for_each(|n| tried.add(&space::variant(&other, n, &ctx), n as f64));
        tried.add(&space::variant(&other, 30, &ctx), f64::NAN);
        let parent = parent("knn");
        assert_eq!(tried.next(&parent, 4, &ctx), space::variant(&parent, 4, &ctx));
    }
}
