//! Decision thresholds of groups that keep a definition of fairness, chosen on rows that the model
//! did not learn from.
//!
//! A threshold `t` for everyone says what errors cost: `t` for a false positive, `1 − t` for a
//! false negative. Thresholds of groups are chosen to cost least by that, among those whose rates
//! lie in a common window as wide as the gap that is allowed; all windows that begin at a rate
//! that some group can have are tried. One threshold for each group makes the decision
//! deterministic: no coin is tossed about anybody, unlike in Hardt, Price & Srebro, "Equality of
//! opportunity in supervised learning", NeurIPS 2016, whose constraints these are.

use modelwright_core::{Error, Result};

use super::Groups;
use crate::metric::Ranked;

/// Thresholds that are tried of each group at most, evenly spread over its rows.
const CANDIDATES_MAX: usize = 200;

/// Window positions along each rate when two rates are constrained.
const POSITIONS_MAX: usize = 100;

/// What rounding may add to a gap.
const ROUNDING: f64 = 1e-12;

/// Which rates may differ between groups by no more than the gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// Selection rates.
    DemographicParity,
    /// True positive rates.
    EqualOpportunity,
    /// True and false positive rates.
    EqualizedOdds,
}

impl Constraint {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::DemographicParity, Self::EqualOpportunity, Self::EqualizedOdds];

    /// The name in flags and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::DemographicParity => "demographic_parity",
            Self::EqualOpportunity => "equal_opportunity",
            Self::EqualizedOdds => "equalized_odds",
        }
    }

    /// The rates that are constrained, of one candidate.
    fn rates(self, c: &Rates) -> [f64; 2] {
        match self {
            Self::DemographicParity => [c.selection, 0.0],
            Self::EqualOpportunity => [c.true_positive, 0.0],
            Self::EqualizedOdds => [c.true_positive, c.false_positive],
        }
    }
}

impl std::str::FromStr for Constraint {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|c| c.name() == name).ok_or_else(|| {
            Error::input("unknown definition of fairness")
                .expected(format!("one of {}", names.join(", ")))
                .got(name)
                .suggest(name, names)
        })
    }
}

/// Rates of a group at one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// The threshold.
    pub threshold: f64,
    /// Share of rows that are decided positive.
    pub selection: f64,
    /// The same of the positive rows.
    pub true_positive: f64,
    /// The same of the negative rows.
    pub false_positive: f64,
    /// Weight of wrong decisions.
    pub wrong: f64,
    /// What they cost.
    cost: f64,
}

/// Scores of rows with known answers, in groups.
#[derive(Debug, Clone, Copy)]
pub struct ThresholdInput<'a> {
    /// 1 for positive rows, 0 for negative ones.
    pub truth: &'a [u32],
    /// The probability of the positive class.
    pub scores: &'a [f64],
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The groups.
    pub groups: &'a Groups,
    /// Groups with fewer rows keep the common threshold.
    pub min_group: usize,
    /// The common threshold.
    pub threshold: f64,
}

/// Thresholds of groups and what they come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// Rates of each group at its threshold; `None` for a group that keeps the common one, because
    /// it has too few rows or one class only.
    pub groups: Vec<Option<Rates>>,
    /// The largest difference of the constrained rates.
    pub gap: f64,
    /// Share of all rows that are decided rightly.
    pub accuracy: f64,
    /// What wrong decisions cost by the common threshold, per unit of weight.
    pub cost: f64,
}

impl Thresholds {
    /// Of these, what costs least with a gap of at most `max_gap`; the first of equals.
    pub fn cheapest(all: &[Self], max_gap: f64) -> Option<&Self> {
        let inside = all.iter().filter(|t| t.gap <= max_gap + ROUNDING);
        inside.min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    /// The threshold of the first group that has one of its own.
    pub fn first(&self) -> Option<f64> {
        self.groups.iter().flatten().next().map(|rates| rates.threshold)
    }
}

/// Every threshold of every group, ready for any constraint.
pub struct Candidates {
    groups: Vec<Option<Vec<Rates>>>,
    /// At the common threshold.
    common: Vec<Option<Rates>>,
    ranked: Vec<Group>,
    /// Score, truth and weight of rows in groups that keep the common threshold.
    elsewhere: Vec<(f64, bool, f64)>,
    /// The common threshold.
    threshold: f64,
    weight: f64,
}

impl Candidates {
    /// Ranks the rows of each group once.
    ///
    /// # Errors
    /// Input error when fewer than two groups have enough rows and both classes.
    pub fn new(input: &ThresholdInput<'_>) -> Result<Self> {
        let n_groups = input.groups.names.len();
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); n_groups];
        for (row, group) in input.groups.codes.iter().enumerate() {
            members[*group as usize].push(row as u32);
        }
        let weight = |row: u32| input.weights.map_or(1.0, |w| w[row as usize]);
        let of_row = |row: &u32| {
            let at = *row as usize;
            (input.scores[at], input.truth[at] == 1, weight(*row))
        };
        let (mut groups, mut common) = (Vec::new(), Vec::new());
        let (mut ranked, mut elsewhere) = (Vec::new(), Vec::new());
        for rows in &members {
            let group = (rows.len() >= input.min_group).then(|| Group::new(rows, input)).flatten();
            let Some(group) = group else {
                elsewhere.extend(rows.iter().map(of_row));
                groups.push(None);
                common.push(None);
                continue;
            };
            common.push(Some(group.at_threshold(input.threshold)));
            groups.push(Some(group.candidates(input.threshold)));
            ranked.push(group);
        }
        if common.iter().flatten().count() < 2 {
            return Err(Error::input("thresholds of groups cannot be chosen")
                .expected(format!(
                    "two groups of at least {} rows with both classes",
                    input.min_group
                ))
                .got(format!("{} such groups of {n_groups}", common.iter().flatten().count())));
        }
        let weight = (0..input.truth.len() as u32).map(weight).sum();
        Ok(Self { groups, common, ranked, elsewhere, threshold: input.threshold, weight })
    }

    /// What the common threshold comes to.
    pub fn unconstrained(&self, constraint: Constraint) -> Thresholds {
        self.account(constraint, self.common.clone(), self.threshold)
    }

    /// What other thresholds for everybody come to: evenly spread over the rows, the common one
    /// first and one above all scores last.
    pub fn for_everybody(&self, constraint: Constraint) -> Vec<Thresholds> {
        let steps = self.ranked.iter().flat_map(|g| g.steps.iter().map(|s| s.0));
        let mut scores: Vec<f64> = steps.collect();
        scores.sort_by(f64::total_cmp);
        scores.dedup();
        let n = scores.len();
        let kept = n.min(CANDIDATES_MAX);
        let between = |i: usize| {
            let at = i * n / kept;
            let below = at.checked_sub(1).map_or(0.0_f64.min(scores[at]), |b| scores[b]);
            let middle = f64::midpoint(below, scores[at]);
            if middle > below { middle } else { scores[at] }
        };
        let above_all = scores[n - 1].max(1.0).next_up();
        let thresholds = (0..kept).map(between);
        let all = std::iter::once(self.threshold).chain(thresholds).chain([above_all]);
        all.map(|threshold| {
            let mut ranked = self.ranked.iter();
            let rates = self.common.iter().map(|group| {
                let of_group =
                    |_: &Rates| ranked.next().map(|g| g.rates_at(threshold, self.threshold));
                group.as_ref().and_then(of_group)
            });
            self.account(constraint, rates.collect(), threshold)
        })
        .collect()
    }

    /// The thresholds of least cost whose constrained rates differ by at most `max_gap`.
    pub fn choose(&self, constraint: Constraint, max_gap: f64) -> Thresholds {
        let positions = |which: usize| self.positions(constraint, which);
        let seconds =
            if constraint == Constraint::EqualizedOdds { positions(1) } else { vec![0.0] };
        let mut best: Option<(f64, Vec<usize>)> = None;
        for first in positions(0) {
            for second in &seconds {
                let window = [(first, first + max_gap), (*second, second + max_gap)];
                let Some((cost, chosen)) = self.in_window(constraint, window) else { continue };
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, chosen));
                }
            }
        }
        // Deciding for nobody is in the window that begins at 0, so that there is always a best.
        let chosen = best.map_or_else(Vec::new, |(_, chosen)| chosen);
        let mut places = chosen.into_iter();
        let pick = |group: &Option<Vec<Rates>>| {
            group.as_ref().and_then(|c| places.next().map(|place| c[place]))
        };
        self.account(constraint, self.groups.iter().map(pick).collect(), self.threshold)
    }

    /// The cheapest candidate of every group inside the window; `None` when one has none.
    fn in_window(
        &self,
        constraint: Constraint,
        window: [(f64, f64); 2],
    ) -> Option<(f64, Vec<usize>)> {
        let (mut cost, mut chosen) = (0.0, Vec::new());
        for candidates in self.groups.iter().flatten() {
            let mut best: Option<usize> = None;
            for (place, candidate) in candidates.iter().enumerate() {
                let rates = constraint.rates(candidate);
                let inside = rates
                    .iter()
                    .zip(window)
                    .all(|(r, (low, high))| *r >= low - ROUNDING && *r <= high + ROUNDING);
                if inside && best.is_none_or(|b| candidate.cost < candidates[b].cost) {
                    best = Some(place);
                }
            }
            let best = best?;
            cost += candidates[best].cost;
            chosen.push(best);
        }
        Some((cost, chosen))
    }

    /// Rates at which a window may begin.
    fn positions(&self, constraint: Constraint, which: usize) -> Vec<f64> {
        let all = self.groups.iter().flatten().flatten();
        let mut positions: Vec<f64> = all.map(|c| constraint.rates(c)[which]).collect();
        positions.push(0.0);
        positions.sort_by(f64::total_cmp);
        positions.dedup();
        if constraint == Constraint::EqualizedOdds && positions.len() > POSITIONS_MAX {
            let n = positions.len();
            positions = (0..POSITIONS_MAX).map(|i| positions[i * n / POSITIONS_MAX]).collect();
        }
        positions
    }

    /// `elsewhere` is the threshold of the other groups.
    fn account(
        &self,
        constraint: Constraint,
        groups: Vec<Option<Rates>>,
        elsewhere: f64,
    ) -> Thresholds {
        let mut gap = 0.0_f64;
        for which in 0..2 {
            let rates = groups.iter().flatten().map(|g| constraint.rates(g)[which]);
            let (low, high) = rates.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), r| {
                (low.min(r), high.max(r))
            });
            gap = gap.max(high - low);
        }
        let (mut wrong, mut cost) = (0.0, 0.0);
        for group in groups.iter().flatten() {
            wrong += group.wrong;
            cost += group.cost;
        }
        for (score, is_positive, weight) in &self.elsewhere {
            let decided = *score >= elsewhere;
            if decided != *is_positive {
                wrong += weight;
                cost += weight * if decided { self.threshold } else { 1.0 - self.threshold };
            }
        }
        Thresholds { groups, gap, accuracy: 1.0 - wrong / self.weight, cost: cost / self.weight }
    }
}

/// The rows of a group by falling score, in steps of equal score.
struct Group {
    /// Score of each step, and the weight of negative and positive rows from the top to it.
    steps: Vec<(f64, f64, f64)>,
    negatives: f64,
    positives: f64,
}

impl Group {
    /// `None` with one class only.
    fn new(rows: &[u32], input: &ThresholdInput<'_>) -> Option<Self> {
        let score = |i: usize| input.scores[rows[i] as usize];
        let ranked = Ranked::new(rows.len(), score, |i| input.truth[rows[i] as usize] == 1);
        let weights: Option<Vec<f64>> =
            input.weights.map(|w| rows.iter().map(|row| w[*row as usize]).collect());
        let (mut negatives, mut positives, mut steps) = (0.0, 0.0, Vec::new());
        ranked.walk(weights.as_deref(), |negative, positive, last| {
            negatives += negative;
            positives += positive;
            steps.push((score(last as usize), negatives, positives));
        });
        (negatives > 0.0 && positives > 0.0).then_some(Self { steps, negatives, positives })
    }

    fn rates(&self, threshold: f64, common: f64, negative: f64, positive: f64) -> Rates {
        let missed = self.positives - positive;
        Rates {
            threshold,
            selection: (negative + positive) / (self.negatives + self.positives),
            true_positive: positive / self.positives,
            false_positive: negative / self.negatives,
            wrong: negative + missed,
            cost: common * negative + (1.0 - common) * missed,
        }
    }

    fn at_threshold(&self, threshold: f64) -> Rates {
        self.rates_at(threshold, threshold)
    }

    /// Rates at a threshold, where the common one says what errors cost.
    fn rates_at(&self, threshold: f64, common: f64) -> Rates {
        let above = self.steps.partition_point(|(score, _, _)| *score >= threshold);
        let (negative, positive) =
            above.checked_sub(1).map_or((0.0, 0.0), |i| (self.steps[i].1, self.steps[i].2));
        self.rates(threshold, common, negative, positive)
    }

    /// Thresholds between neighbouring scores, above all of them, and the common one.
    fn candidates(&self, common: f64) -> Vec<Rates> {
        let n = self.steps.len();
        let above_all = self.steps[0].0.max(1.0).next_up();
        let mut all = vec![self.at_threshold(common), self.rates(above_all, common, 0.0, 0.0)];
        let kept = n.min(CANDIDATES_MAX);
        for i in 0..kept {
            let at = (i + 1) * n / kept - 1;
            let (score, negative, positive) = self.steps[at];
            let next = self.steps.get(at + 1).map_or(0.0_f64.min(score), |s| s.0);
            let middle = f64::midpoint(next, score);
            let threshold = if middle > next { middle } else { score };
            all.push(self.rates(threshold, common, negative, positive));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::random::Random;

    fn rows(n: usize, seed: u64) -> (Vec<u32>, Vec<f64>, Groups) {
        let mut random = Random::new(seed);
        let codes: Vec<u32> = (0..n).map(|_| u32::from(random.unit() < 0.5)).collect();
        let truth: Vec<u32> =
            codes.iter().map(|g| u32::from(random.unit() < 0.25 + 0.3 * f64::from(*g))).collect();
        let score = |(y, g): (&u32, &u32)| {
            let mean = 0.3 + 0.25 * f64::from(*y) + 0.1 * f64::from(*g);
            (mean + 0.15 * random.normal()).clamp(0.0, 1.0)
        };
        let scores = truth.iter().zip(&codes).map(score).collect();
        let names = vec!["a".to_owned(), "b".to_owned()];
        (truth, scores, Groups { columns: vec!["g".to_owned()], names, codes, note: None })
    }

    fn input<'a>(truth: &'a [u32], scores: &'a [f64], groups: &'a Groups) -> ThresholdInput<'a> {
        ThresholdInput { truth, scores, weights: None, groups, min_group: 30, threshold: 0.5 }
    }

    #[test]
    fn every_constraint_is_kept_and_costs_more_the_tighter_it_is() {
        let (truth, scores, groups) = rows(2000, 1);
        let candidates = Candidates::new(&input(&truth, &scores, &groups)).unwrap();
        for constraint in Constraint::ALL {
            let before = candidates.unconstrained(constraint);
            assert!(before.gap > 0.1, "{constraint:?} {}", before.gap);
            let mut last = f64::INFINITY;
            for max_gap in [1.0, 0.2, 0.1, 0.05, 0.02] {
                let chosen = candidates.choose(constraint, max_gap);
                assert!(chosen.gap <= max_gap + 1e-9, "{constraint:?} {}", chosen.gap);
                assert!(chosen.accuracy <= last + 0.01, "{constraint:?}");
                last = chosen.accuracy;
            }
            let free = candidates.choose(constraint, 1.0);
            assert!(free.accuracy >= before.accuracy);
            assert!(last > 0.6, "{constraint:?} is kept at {last}");
        }
    }

    #[test]
    fn one_threshold_for_everybody_keeps_a_gap_where_one_does_and_costs_more_than_many() {
        let (truth, scores, mut groups) = rows(2000, 4);
        groups.names.push("few".to_owned());
        groups.codes[..9].fill(2);
        let candidates = Candidates::new(&input(&truth, &scores, &groups)).unwrap();
        for constraint in Constraint::ALL {
            let all = candidates.for_everybody(constraint);
            assert_eq!(all[0], candidates.unconstrained(constraint));
            for found in &all {
                let threshold = found.first().unwrap();
                let right = |row: &usize| (scores[*row] >= threshold) == (truth[*row] == 1);
                let n_right = (0..2000).filter(right).count();
                assert!((found.accuracy - n_right as f64 / 2000.0).abs() < 1e-12);
                assert!((found.cost - 0.5 * (1.0 - found.accuracy)).abs() < 1e-12);
            }
            let best = Thresholds::cheapest(&all, 0.05).unwrap();
            assert!(best.gap <= 0.05 + 1e-9);
            assert!(best.cost >= candidates.choose(constraint, 0.05).cost - 1e-12);
            // Deciding for nobody is always possible.
            assert!(Thresholds::cheapest(&all, 0.0).is_some());
        }
    }

    #[test]
    fn accuracy_is_that_of_the_decisions() {
        let (truth, scores, groups) = rows(500, 2);
        let candidates = Candidates::new(&input(&truth, &scores, &groups)).unwrap();
        let chosen = candidates.choose(Constraint::EqualOpportunity, 0.05);
        let threshold = |row: usize| chosen.groups[groups.codes[row] as usize].unwrap().threshold;
        let right = |row: &usize| (scores[*row] >= threshold(*row)) == (truth[*row] == 1);
        let n_right = (0..500).filter(right).count();
        assert!((chosen.accuracy - n_right as f64 / 500.0).abs() < 1e-12);
    }

    #[test]
    fn small_groups_keep_the_common_threshold_and_one_group_is_refused() {
        let (truth, scores, mut groups) = rows(500, 3);
        groups.names.push("few".to_owned());
        groups.codes[..5].fill(2);
        let chosen = Candidates::new(&input(&truth, &scores, &groups)).unwrap();
        assert!(chosen.choose(Constraint::DemographicParity, 0.1).groups[2].is_none());
        groups.codes.fill(0);
        let error = Candidates::new(&input(&truth, &scores, &groups)).err().unwrap();
        assert_eq!(error.got_text(), Some("1 such groups of 3"));
        let error = "equal_odds".parse::<Constraint>().unwrap_err();
        assert!(error.to_string().contains("equalized_odds"), "{error}");
    }
}
