//! What one fit offers besides the delivered ensemble: smaller combinations of its members.
//!
//! Every combination of members is scored out of fold; those are offered that no smaller one
//! beats (the Pareto set of error and size). Each gets its own calibration and threshold from its
//! own out-of-fold predictions, so that a picked model is as honest as the delivered one.
//!
//! [`mod@pick`] makes a predictor of an offer; [`survey()`] says how large and how fast each is.

pub(crate) mod limits;
pub mod pick;
pub mod survey;

use modelwright_core::record::{Offer, Share};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::Calibrator;
use modelwright_evaluate::metric::MetricEntry;
use serde::{Deserialize, Serialize};

use crate::account::{self, Judged};
use crate::comparable::share_of_folds;
use crate::frugal::Costs;
use crate::search::Found;
use crate::trial::Trial;
use crate::{distill, ensemble};

pub(crate) use limits::has_limit;
pub use pick::pick;
pub use survey::{Surveyed, Wish, choose, survey};

/// Whether a trial of this name is a student: a small model that learned from the ensemble, and is
/// no recipe without one.
pub fn is_student(trial: &str) -> bool {
    distill::is_student(trial)
}

/// With more members, not all of their combinations are looked at but the heaviest ones and each
/// alone.
const N_MEMBERS_ALL: usize = 5;

/// The smallest combinations that are owed to a run with limits, whether there is time or not.
const N_SMALLEST: usize = 3;

/// Positions of members with their weights, which sum to 1.
type Members = Vec<(u32, f64)>;

/// How an offered combination is made of the delivered members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Offered {
    /// Positions of members in the delivered predictor, with their weights.
    pub members: Members,
    pub calibrator: Calibrator,
    pub threshold: Option<f64>,
}

impl Offered {
    /// Proves a stored offer sound for a predictor of `n_members` with `n_outputs`.
    ///
    /// # Errors
    /// Input error when it is not.
    pub(crate) fn validate(&self, n_members: usize, n_outputs: usize) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored offer {what}")));
        let total: f64 = self.members.iter().map(|(_, w)| w).sum();
        let is_member = |(i, w): &(u32, f64)| (*i as usize) < n_members && *w > 0.0;
        if !self.members.iter().all(is_member) || (total - 1.0).abs() > 1e-6 {
            return broken("names members or weights that are not there");
        }
        if self.members.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return broken("has its members out of order");
        }
        if self.threshold.is_some_and(|t| !t.is_finite()) {
            return broken("has a threshold that is not a number");
        }
        self.calibrator.validate(n_outputs)
    }
}

/// What the delivered combination became, as the first of the offers.
pub(crate) struct Delivered<'a> {
    /// Usable trials with their weights, heaviest first: the order of the predictor's members.
    /// Students stand behind them, without weight.
    pub members: &'a [(usize, f64)],
    /// Its out-of-fold predictions, calibrated by the other parts, as the metric may rank them
    /// together.
    pub judged: &'a Predictions,
    pub calibrator: &'a Calibrator,
    pub threshold: Option<f64>,
    pub metric: &'static MetricEntry,
}

/// Calibrates the out-of-fold predictions of a combination, each part by the others, and finds its
/// calibrator and its threshold.
pub(crate) type Finish<'a> =
    dyn Fn(&mut Predictions, &Context) -> Result<(Calibrator, Option<f64>)> + 'a;

/// The offers of a search, the delivered combination first, the others by falling size: as many as
/// there was time for, but where `must` says so, the smallest ones in any case. What columns cost
/// counts beside size where that is known.
///
/// # Errors
/// As `finish`.
pub(crate) fn make(
    found: &Found,
    delivered: &Delivered<'_>,
    (finish, costs): (&Finish<'_>, Option<&Costs>),
    must: bool,
    ctx: &Context,
) -> Result<Vec<(Offered, Offer)>> {
    let scope = ctx.scope("offers");
    let usable: Vec<(&str, &Trial)> =
        found.usable().map(|(o, t)| (o.planned.name.as_str(), t)).collect();
    let trials: Vec<&Trial> = delivered.members.iter().map(|(i, _)| usable[*i].1).collect();
    // Alone, a member needs no size, and encoding a large one costs memory.
    let sizes =
        if trials.len() < 2 { Some(vec![0; trials.len()]) } else { sizes(&trials, must, &scope)? };
    let Some(sizes) = sizes else { return Ok(Vec::new()) };
    let in_predictor = delivered.members.iter().enumerate().map(|(i, (_, w))| (i as u32, *w));
    let (all, students): (Members, Members) = in_predictor.partition(|(_, w)| *w > 0.0);
    let names = delivered.members.iter().map(|(i, _)| usable[*i].0).collect();
    let judged = Judged::thinned(found, account::N_ROWS_MAX, ctx);
    let columns = delivered.members.iter().map(|(i, _)| columns_of(found, *i)).collect();
    let making = Making { found, delivered, finish, costs, names, trials, columns, judged };
    let mut offers = vec![making.delivered(&all)];
    let front = making.front([&all, &students], &sizes);
    let n_front = front.len();
    for (n, members) in front.into_iter().enumerate() {
        let scope = scope.scope(&n.to_string());
        let is_owed = must && n + N_SMALLEST >= n_front;
        if !scope.proceed() && !is_owed {
            continue;
        }
        offers.push(making.offer(members, &scope)?);
    }
    Ok(offers)
}

/// What offers are made from.
struct Making<'a> {
    found: &'a Found,
    delivered: &'a Delivered<'a>,
    finish: &'a Finish<'a>,
    costs: Option<&'a Costs>,
    /// Of each member of the predictor, its trial.
    names: Vec<&'a str>,
    trials: Vec<&'a Trial>,
    /// The raw columns that each reads.
    columns: Vec<Vec<&'a str>>,
    /// The rows on which offers are told from the delivered combination.
    judged: Judged,
}

impl Making<'_> {
    /// The delivered combination, as an offer.
    fn delivered(&self, all: &[(u32, f64)]) -> (Offered, Offer) {
        let score = self.found.score(self.delivered.metric, self.delivered.judged);
        let offered = Offered {
            members: all.to_vec(),
            calibrator: self.delivered.calibrator.clone(),
            threshold: self.delivered.threshold,
        };
        let offer = Offer {
            members: self.shares(all),
            score,
            more_error: score.map(|_| 0.0),
            feature_cost: self.cost(all),
            ..Offer::default()
        };
        (offered, offer)
    }

    /// A smaller combination, calibrated, scored, and compared with the delivered one.
    fn offer(&self, members: Members, ctx: &Context) -> Result<(Offered, Offer)> {
        let metric = self.delivered.metric;
        let parts: Vec<_> =
            members.iter().map(|(i, w)| (&self.trials[*i as usize].out_of_fold, *w)).collect();
        let mut predictions = ensemble::combine(&parts);
        let (calibrator, threshold) = (self.finish)(&mut predictions, ctx)?;
        let of_folds = |(i, w): &(u32, f64)| w * share_of_folds(self.trials[*i as usize]);
        let share = members.iter().map(of_folds).sum();
        let predictions = self.found.comparable(metric, &predictions, share);
        let score = self.found.score(metric, &predictions);
        let best = self.found.score(metric, self.delivered.judged);
        let [own, of_best] = [&*predictions, self.delivered.judged].map(|p| self.judged.of(p));
        let offer = Offer {
            members: self.shares(&members),
            score,
            more_error: score.zip(best).and_then(|(s, b)| more_error(metric, s, b)),
            tied: account::indistinguishable(metric, &self.judged, &own, &of_best, ctx),
            feature_cost: self.cost(&members),
            holdout: None,
        };
        Ok((Offered { members, calibrator, threshold }, offer))
    }

    /// What the columns cost together that some members read.
    fn cost(&self, members: &[(u32, f64)]) -> Option<f64> {
        let columns = members.iter().flat_map(|(i, _)| &self.columns[*i as usize]);
        self.costs.map(|costs| costs.together(columns.copied()))
    }

    /// The combinations smaller than all members together, and those that stand beside the ensemble
    /// alone, that no smaller and cheaper one beats, largest first.
    fn front(&self, [all, students]: [&[(u32, f64)]; 2], sizes: &[u64]) -> Vec<Members> {
        let metric = self.delivered.metric;
        let judged = &self.judged;
        let thinned: Vec<Predictions> =
            self.trials.iter().map(|t| judged.of(&self.found.seen(metric, t))).collect();
        let size = |members: &[(u32, f64)]| -> u64 {
            members.iter().map(|(i, _)| sizes[*i as usize]).sum()
        };
        let of_students = students.iter().map(|(i, _)| vec![(*i, 1.0)]);
        let cost = |members: &[(u32, f64)]| self.cost(members).unwrap_or(0.0);
        let smaller = of_students.filter(|one| size(one) < size(all) || cost(one) < cost(all));
        let mut scored: Vec<Scored> = Vec::new();
        for members in combinations(all).into_iter().chain(smaller) {
            let parts: Vec<_> = members.iter().map(|(i, w)| (&thinned[*i as usize], *w)).collect();
            let Some(score) = judged.score(metric, &ensemble::combine(&parts)) else { continue };
            let score = if metric.spec.larger_is_better { score } else { -score };
            scored.push(Scored { size: size(&members), cost: cost(&members), score, members });
        }
        unbeaten(scored).into_iter().rev().map(|s| s.members).collect()
    }

    fn shares(&self, members: &[(u32, f64)]) -> Vec<Share> {
        let share = |(i, weight): &(u32, f64)| Share {
            trial: self.names[*i as usize].to_owned(),
            weight: *weight,
        };
        members.iter().map(share).collect()
    }
}

/// A combination and what it takes.
struct Scored {
    size: u64,
    cost: f64,
    /// Larger is better.
    score: f64,
    members: Members,
}

/// Those that none of the others beats, smallest first: none is better, or as good, and neither
/// larger nor dearer.
fn unbeaten(mut scored: Vec<Scored>) -> Vec<Scored> {
    scored.sort_by(|a, b| {
        a.size.cmp(&b.size).then(b.score.total_cmp(&a.score)).then(a.cost.total_cmp(&b.cost))
    });
    let mut kept: Vec<Scored> = Vec::new();
    for one in scored {
        if !kept.iter().any(|other| other.score >= one.score && other.cost <= one.cost) {
            kept.push(one);
        }
    }
    kept
}

/// The raw columns that a usable trial reads.
fn columns_of(found: &Found, i: usize) -> Vec<&str> {
    let prepared =
        found.usable().nth(i).and_then(|(o, _)| found.prepared.get(&o.planned.features()));
    prepared.map_or_else(Vec::new, |p| p.encoder.input_columns().map(|(name, _)| name).collect())
}

/// Leaves out the students that no offer is made of.
pub(crate) fn drop_idle(chosen: &mut Vec<(usize, f64)>, offered: &mut [Offered]) {
    let is_used = |i: usize| {
        chosen[i].1 > 0.0
            || offered.iter().any(|o| o.members.iter().any(|(member, _)| *member as usize == i))
    };
    let used: Vec<bool> = (0..chosen.len()).map(is_used).collect();
    for (member, _) in offered.iter_mut().flat_map(|o| &mut o.members) {
        *member = used[..*member as usize].iter().filter(|used| **used).count() as u32;
    }
    let mut used = used.iter();
    chosen.retain(|_| used.next().is_some_and(|used| *used));
}

/// Bytes of a model of each trial; `None` when there is no time, or a trial has no model yet.
fn sizes(trials: &[&Trial], must: bool, ctx: &Context) -> Result<Option<Vec<u64>>> {
    let mut sizes = Vec::new();
    for trial in trials {
        let has_time = ctx.proceed() || must;
        let Some(model) = trial.models.first().filter(|_| has_time) else { return Ok(None) };
        sizes.push(model.encode()?.len() as u64);
    }
    Ok(Some(sizes))
}

/// The proper, non-empty subsets of the members, their weights scaled to sum to 1.
fn combinations(all: &[(u32, f64)]) -> Vec<Members> {
    let n = all.len();
    let masks: Vec<u64> = if n <= N_MEMBERS_ALL {
        (1..(1_u64 << n) - 1).collect()
    } else {
        let heaviest = (1..n).map(|k| (1_u64 << k) - 1);
        let each = (1..n).map(|i| 1_u64 << i);
        heaviest.chain(each).collect()
    };
    let chosen = |mask: u64| {
        let members: Members = all.iter().copied().filter(|(i, _)| mask >> i & 1 == 1).collect();
        let total: f64 = members.iter().map(|(_, w)| w).sum();
        members.into_iter().map(|(i, w)| (i, w / total)).collect()
    };
    masks.into_iter().map(chosen).collect()
}

/// How much further from perfect `score` is than `than`, as a share of the latter's distance; of
/// its size where nobody knows what is perfect.
fn more_error(metric: &MetricEntry, score: f64, than: f64) -> Option<f64> {
    if !metric.spec.perfect.is_finite() {
        return (than != 0.0).then(|| metric.spec.gain(than, score) / than.abs());
    }
    let error = |s: f64| (s - metric.spec.perfect).abs();
    let of_best = error(than);
    (of_best > 0.0).then(|| error(score) / of_best - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_stays_where_it_reads_cheaper_columns() {
        let scored = |size, cost, score| Scored { size, cost, score, members: Vec::new() };
        let all = vec![
            scored(100, 9.0, 0.8),
            scored(50, 9.0, 0.7),
            scored(60, 9.0, 0.6),
            scored(80, 2.0, 0.65),
            scored(90, 3.0, 0.65),
        ];
        let sizes: Vec<u64> = unbeaten(all).iter().map(|s| s.size).collect();
        assert_eq!(sizes, [50, 80, 100]);
    }

    #[test]
    fn few_members_are_combined_in_every_way_and_many_by_weight_and_alone() {
        let three = [(0, 0.5), (1, 0.3), (2, 0.2)];
        let combined = combinations(&three);
        assert_eq!(combined.len(), 6);
        assert!(combined.iter().all(|c| (c.iter().map(|m| m.1).sum::<f64>() - 1.0).abs() < 1e-12));
        assert!(!combined.iter().any(|c| c.len() == 3), "the delivered one is not among them");
        assert!(combinations(&[(0, 1.0)]).is_empty());
        let seven: Vec<(u32, f64)> = (0..7).map(|i| (i, 1.0 / 7.0)).collect();
        assert_eq!(combinations(&seven).len(), 6 + 6);
    }

    #[test]
    fn students_that_no_offer_needs_are_left_out_and_the_others_move_up() {
        let offer = |members: Vec<(u32, f64)>| Offered {
            members,
            calibrator: Calibrator::None,
            threshold: None,
        };
        let mut chosen = vec![(3, 0.6), (1, 0.4), (7, 0.0), (8, 0.0)];
        let mut offered = [offer(vec![(0, 0.6), (1, 0.4)]), offer(vec![(3, 1.0)])];
        drop_idle(&mut chosen, &mut offered);
        assert_eq!(chosen, [(3, 0.6), (1, 0.4), (8, 0.0)]);
        assert_eq!(offered[0].members, [(0, 0.6), (1, 0.4)]);
        assert_eq!(offered[1].members, [(2, 1.0)]);
    }

    #[test]
    fn more_error_is_relative_to_what_the_delivered_one_still_makes() {
        let auc = modelwright_evaluate::metric::metric("roc_auc").unwrap();
        assert!((more_error(auc, 0.89, 0.90).unwrap() - 0.1).abs() < 1e-12);
        let rmse = modelwright_evaluate::metric::metric("rmse").unwrap();
        assert!((more_error(rmse, 4.0, 5.0).unwrap() + 0.2).abs() < 1e-12);
        assert_eq!(more_error(rmse, 1.0, 0.0), None);
    }

    #[test]
    fn a_stored_offer_is_proved_before_it_is_used() {
        let offer = |members: Vec<(u32, f64)>| Offered {
            members,
            calibrator: Calibrator::None,
            threshold: None,
        };
        assert!(offer(vec![(0, 0.5), (2, 0.5)]).validate(3, 1).is_ok());
        for wrong in [vec![], vec![(3, 1.0)], vec![(0, 0.5)], vec![(1, 0.5), (0, 0.5)]] {
            assert!(offer(wrong).validate(3, 1).is_err());
        }
        let endless = Offered { threshold: Some(f64::NAN), ..offer(vec![(0, 1.0)]) };
        assert!(endless.validate(1, 1).is_err());
    }
}
