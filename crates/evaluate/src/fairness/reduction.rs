//! Fairness by learning: what rows must weigh, or be called, so that a learner that knows nothing
//! of groups becomes fair to them. The sensitive columns are not needed to predict.
//!
//! Everything depends on a row's *cell* alone: its group and its class. A signed weight of each
//! cell says what its rows teach: a positive one the positive class, a negative one the other.
//!
//! * [`reweighing`]: `P(group) P(class) / P(group, class)` makes group and class independent.
//!   Kamiran & Calders, "Data preprocessing techniques for classification without discrimination",
//!   Knowledge and Information Systems 33, 2012.
//! * [`exponentiated_gradient`]: a game between a learner and prices of the constraints. Each round
//!   a learner answers to prices as weights; dearer constraints of groups that are treated worse
//!   follow by multiplicative updates, and the best mixture of all answers is found exactly.
//!   Agarwal, Beygelzimer, Dudík, Langford & Wallach, "A reductions approach to fair
//!   classification", ICML 2018; fairlearn's `ExponentiatedGradient` is the reference.

use modelwright_core::{Error, Result};

use super::Groups;
use super::mixture;
use super::thresholds::Constraint;

/// Signed weights, `[group][class]`.
pub type Cells = Vec<[f64; 2]>;

/// Two answers are one when their weights differ by no more than this.
const SAME: f64 = 1e-9;

/// The step of the prices, times their bound: fairlearn's.
const STEP: f64 = 2.0;

/// The game ends when the mixture is within this many standard errors of its best: fairlearn's.
const STANDARD_ERRORS: f64 = 0.5;

/// Rows whose learning is to be fair.
#[derive(Debug, Clone, Copy)]
pub struct ReductionInput<'a> {
    /// 1 for positive rows, 0 for negative ones.
    pub truth: &'a [u32],
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The groups.
    pub groups: &'a Groups,
    /// Groups with fewer rows, or one class only, are not constrained and weigh what they are.
    pub min_group: usize,
}

impl ReductionInput<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    /// The share of the weight in each cell.
    fn masses(&self) -> Cells {
        let mut masses = vec![[0.0; 2]; self.groups.names.len()];
        for (row, (group, class)) in self.groups.codes.iter().zip(self.truth).enumerate() {
            masses[*group as usize][*class as usize] += self.weight(row);
        }
        let total: f64 = masses.iter().flatten().sum();
        masses.iter_mut().flatten().for_each(|m| *m /= total);
        masses
    }

    /// Groups that are large enough and have both classes.
    fn judged(&self, masses: &Cells) -> Vec<usize> {
        let counts = self.groups.counts();
        let is_judged =
            |g: &usize| counts[*g] >= self.min_group && masses[*g].iter().all(|m| *m > 0.0);
        (0..counts.len()).filter(is_judged).collect()
    }
}

/// Weights that make group and class independent; negative ones of the negative class.
///
/// # Errors
/// Input error when fewer than two groups have enough rows and both classes.
pub fn reweighing(input: &ReductionInput<'_>) -> Result<Cells> {
    let masses = input.masses();
    let judged = input.judged(&masses);
    enough(&judged, input)?;
    let classes = of_classes(&masses, &judged);
    let all = classes[0] + classes[1];
    let mut cells = vec![[-1.0, 1.0]; masses.len()];
    for group in judged {
        let of_group = masses[group][0] + masses[group][1];
        for class in 0..2 {
            cells[group][class] *= of_group * classes[class] / (all * masses[group][class]);
        }
    }
    Ok(cells)
}

fn enough(judged: &[usize], input: &ReductionInput<'_>) -> Result<()> {
    if judged.len() >= 2 {
        return Ok(());
    }
    Err(Error::input("there are no groups to be fair to")
        .expected(format!("two groups of at least {} rows with both classes", input.min_group))
        .got(format!("{} such groups of {}", judged.len(), input.groups.names.len())))
}

fn of_classes(masses: &Cells, groups: &[usize]) -> [f64; 2] {
    groups.iter().fold([0.0; 2], |[a, b], g| [a + masses[*g][0], b + masses[*g][1]])
}

/// Constraints on rates of groups, against the rate of all rows.
pub struct Moments<'a> {
    input: ReductionInput<'a>,
    masses: Cells,
    judged: Vec<usize>,
    /// The classes whose rows each constrained rate is of.
    events: Vec<Vec<usize>>,
    /// How far a group's rate may lie from that of all.
    slack: f64,
    /// What a wrongly decided row of each class costs; 1 with a threshold of a half.
    costs: [f64; 2],
}

/// What decisions come to.
struct Outcome {
    error: f64,
    /// Of each event and judged group: its rate above that of all, then below it.
    violations: Vec<f64>,
}

impl<'a> Moments<'a> {
    /// Constraints that keep rates of groups within `max_gap` (positive) of each other, where a
    /// threshold for everybody says what errors cost.
    ///
    /// # Errors
    /// Input error when fewer than two groups have enough rows and both classes.
    pub fn new(
        input: ReductionInput<'a>,
        constraint: Constraint,
        max_gap: f64,
        threshold: f64,
    ) -> Result<Self> {
        let masses = input.masses();
        let judged = input.judged(&masses);
        enough(&judged, &input)?;
        let events = match constraint {
            Constraint::DemographicParity => vec![vec![0, 1]],
            Constraint::EqualOpportunity => vec![vec![1]],
            Constraint::EqualizedOdds => vec![vec![0], vec![1]],
        };
        let costs = [2.0 * threshold, 2.0 * (1.0 - threshold)];
        // Each group may be half a gap above or below.
        Ok(Self { input, masses, judged, events, slack: 0.5 * max_gap, costs })
    }

    /// The largest price of a constraint.
    fn bound(&self) -> f64 {
        1.0 / self.slack
    }

    /// The mass of an event: in one group, or in all.
    fn mass(&self, event: &[usize], group: Option<usize>) -> f64 {
        let of = |cell: &[f64; 2]| event.iter().map(|c| cell[*c]).sum::<f64>();
        group.map_or_else(|| self.masses.iter().map(of).sum(), |g| of(&self.masses[g]))
    }

    fn outcome(&self, decided: &[f64]) -> Outcome {
        let mut chosen = vec![[0.0; 2]; self.masses.len()];
        let mut total = 0.0;
        for (row, decision) in decided.iter().enumerate() {
            let weight = self.input.weight(row);
            let (group, class) = (self.input.groups.codes[row], self.input.truth[row]);
            chosen[group as usize][class as usize] += weight * decision;
            total += weight;
        }
        chosen.iter_mut().flatten().for_each(|c| *c /= total);
        let missed =
            |(c, m): (&[f64; 2], &[f64; 2])| self.costs[0] * c[0] + self.costs[1] * (m[1] - c[1]);
        let error = chosen.iter().zip(&self.masses).map(missed).sum();
        let mut above = Vec::new();
        for event in &self.events {
            let of = |cell: &[f64; 2]| event.iter().map(|c| cell[*c]).sum::<f64>();
            let rate = chosen.iter().map(of).sum::<f64>() / self.mass(event, None);
            let groups = self.judged.iter();
            above.extend(groups.map(|g| of(&chosen[*g]) / self.mass(event, Some(*g)) - rate));
        }
        let below: Vec<f64> = above.iter().map(|v| -v).collect();
        Outcome { error, violations: [above, below].concat() }
    }

    /// What the rows of each cell teach at these prices.
    fn cells(&self, prices: &[f64]) -> Cells {
        let (n_judged, n) = (self.judged.len(), prices.len() / 2);
        let net: Vec<f64> = (0..n).map(|i| prices[i] - prices[n + i]).collect();
        let mut cells = vec![[-self.costs[0], self.costs[1]]; self.masses.len()];
        for (e, event) in self.events.iter().enumerate() {
            let of_event = &net[e * n_judged..(e + 1) * n_judged];
            let all = of_event.iter().sum::<f64>() / self.mass(event, None);
            for class in event {
                for cell in &mut cells {
                    cell[*class] += all;
                }
                for (group, net) in self.judged.iter().zip(of_event) {
                    cells[*group][*class] -= net / self.mass(event, Some(*group));
                }
            }
        }
        cells
    }

    /// The one class that all cells with rows teach, if they agree.
    fn constant(&self, cells: &Cells) -> Option<f64> {
        let taught = cells.iter().flatten().zip(self.masses.iter().flatten());
        let mut taught = taught.filter(|(_, mass)| **mass > 0.0).map(|(cell, _)| *cell > 0.0);
        let first = taught.next()?;
        taught.all(|other| other == first).then_some(f64::from(u8::from(first)))
    }
}

/// A mixture of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Which answers, counted as they were asked for, and the share of each; at least one.
    pub shares: Vec<(usize, f64)>,
    /// The share of answers that are the same for every row, which were not asked for.
    pub constant: f64,
    /// What a coin that picks one of the answers for each row would cost: the share of wrong
    /// decisions, with a threshold of a half.
    pub error: f64,
    /// The largest distance of a group's rate from that of all, of the same.
    pub violation: f64,
}

/// All answers so far.
struct Game<'a, 'b> {
    moments: &'a Moments<'a>,
    /// Learns from cells; the decision (0 or 1) of each row, or `None` to end.
    learn: &'b mut dyn FnMut(&Cells) -> Result<Option<Vec<f64>>>,
    cells: Vec<Cells>,
    outcomes: Vec<Outcome>,
    /// What each answer is called by those who learn; `None` for a constant.
    asked: Vec<Option<usize>>,
    n_asked: usize,
}

impl Game<'_, '_> {
    /// The answer to prices; `None` when learning has ended.
    fn answer(&mut self, prices: &[f64]) -> Result<Option<usize>> {
        let cells = self.moments.cells(prices);
        let is_same = |other: &Cells| {
            let pairs = other.iter().flatten().zip(cells.iter().flatten());
            pairs.into_iter().all(|(a, b)| (a - b).abs() <= SAME)
        };
        if let Some(place) = self.cells.iter().position(is_same) {
            return Ok(Some(place));
        }
        let n_rows = self.moments.input.truth.len();
        let (decided, asked) = match self.moments.constant(&cells) {
            Some(class) => (vec![class; n_rows], None),
            None => match (self.learn)(&cells)? {
                None => return Ok(None),
                Some(decided) => {
                    self.n_asked += 1;
                    (decided, Some(self.n_asked - 1))
                }
            },
        };
        self.outcomes.push(self.moments.outcome(&decided));
        self.cells.push(cells);
        self.asked.push(asked);
        Ok(Some(self.outcomes.len() - 1))
    }

    /// The Lagrangian of an answer.
    fn value(&self, outcome: &Outcome, prices: &[f64]) -> f64 {
        let priced = |(p, v): (&f64, &f64)| p * (v - self.moments.slack);
        outcome.error + prices.iter().zip(&outcome.violations).map(priced).sum::<f64>()
    }

    /// The answer that is best at these prices: a learner need not give it at once.
    fn best(&self, prices: &[f64]) -> usize {
        let values: Vec<f64> = self.outcomes.iter().map(|o| self.value(o, prices)).collect();
        (0..values.len()).fold(0, |b, i| if values[i] < values[b] { i } else { b })
    }

    fn mixture(&self) -> (Answers, Vec<f64>) {
        let errors: Vec<f64> = self.outcomes.iter().map(|o| o.error).collect();
        let violations: Vec<Vec<f64>> =
            self.outcomes.iter().map(|o| o.violations.clone()).collect();
        let (slack, bound) = (self.moments.slack, self.moments.bound());
        let mixture::Mixture { shares, prices } = mixture::best(&errors, &violations, slack, bound);
        let mean = |of: &dyn Fn(&Outcome) -> f64| -> f64 {
            shares.iter().zip(&self.outcomes).map(|(s, o)| s * of(o)).sum()
        };
        let n = violations[0].len();
        let violation = (0..n).map(|j| mean(&|o| o.violations[j])).fold(0.0, f64::max);
        let of_asked = shares.iter().zip(&self.asked).filter(|(s, _)| **s > 0.0);
        let asked: Vec<(usize, f64)> = of_asked.filter_map(|(s, a)| a.map(|a| (a, *s))).collect();
        let constant = 1.0 - asked.iter().map(|(_, s)| s).sum::<f64>();
        let error = mean(&|o| o.error);
        (Answers { shares: asked, constant: constant.max(0.0), error, violation }, prices)
    }
}

/// Plays the game for at most `n_rounds` answers: the best mixture after each of them. `learn` gets
/// what the cells teach and gives the decision (0 or 1) about every row, or `None` to end.
///
/// Mixtures of constants alone are left out, so that there may be none.
///
/// # Errors
/// As `learn`.
pub fn exponentiated_gradient(
    moments: &Moments<'_>,
    n_rounds: usize,
    learn: &mut dyn FnMut(&Cells) -> Result<Option<Vec<f64>>>,
) -> Result<Vec<Answers>> {
    let bound = moments.bound();
    let n_prices = 2 * moments.events.len() * moments.judged.len();
    let mut game = Game {
        moments,
        learn,
        cells: Vec::new(),
        outcomes: Vec::new(),
        asked: Vec::new(),
        n_asked: 0,
    };
    let mut exponents = vec![0.0_f64; n_prices];
    let mut mixtures: Vec<Answers> = Vec::new();
    // Prices by the updates, and between them those of the best mixture so far.
    for _ in 0..n_rounds {
        let prices = priced(&exponents, bound);
        if game.answer(&prices)?.is_none() {
            break;
        }
        let best = &game.outcomes[game.best(&prices)];
        for (exponent, violation) in exponents.iter_mut().zip(&best.violations) {
            *exponent += STEP / bound * (violation - moments.slack);
        }
        let (answers, prices) = game.mixture();
        let high = answers.error + bound * (answers.violation - moments.slack).max(0.0);
        mixtures.push(answers);
        if game.n_asked >= n_rounds || game.answer(&prices)?.is_none() {
            break;
        }
        let low = game.value(&game.outcomes[game.best(&prices)], &prices);
        mixtures.push(game.mixture().0);
        let wrong = game.outcomes[0].error.clamp(0.0, 1.0);
        let standard_error = (wrong * (1.0 - wrong) / moments.input.truth.len() as f64).sqrt();
        if high - low < STANDARD_ERRORS * standard_error || game.n_asked >= n_rounds {
            break;
        }
    }
    mixtures.retain(|m| !m.shares.is_empty());
    mixtures.dedup();
    Ok(mixtures)
}

/// Prices between 0 and the bound, together less than it.
fn priced(exponents: &[f64], bound: f64) -> Vec<f64> {
    let largest = exponents.iter().copied().fold(0.0, f64::max);
    let raised: Vec<f64> = exponents.iter().map(|e| (e - largest).exp()).collect();
    let total = (-largest).exp() + raised.iter().sum::<f64>();
    raised.into_iter().map(|r| bound * r / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    const GOLDEN: &str = include_str!("../../../../testdata/fairness/reduction.toml");
    const VALUES: usize = 12;

    #[derive(Deserialize)]
    struct Golden {
        case: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        constraint: String,
        slack: f64,
        error: f64,
        violation: f64,
    }

    /// The rows of `testdata/fairness/reduction.py`: a value, a group and a class.
    fn rows() -> (Vec<usize>, Groups, Vec<u32>) {
        let x: Vec<usize> = (0..3000).map(|i| (i * 7919) % VALUES).collect();
        let group = |(i, x): (usize, &usize)| u32::from((i * 31 + 7) % 13 < 3 + x / 2);
        let codes: Vec<u32> = x.iter().enumerate().map(group).collect();
        let class = |(i, x): (usize, &usize)| {
            let chance = (7 * x + 14 * codes[i] as usize + (x % 3) * 9) % 101;
            u32::from((i * 17) % 101 < chance)
        };
        let truth = x.iter().enumerate().map(class).collect();
        let names = vec!["a".to_owned(), "b".to_owned()];
        (x, Groups { columns: vec!["g".to_owned()], names, codes, note: None }, truth)
    }

    /// For each value the class of least weighted error.
    fn exact(x: &[usize], groups: &Groups, truth: &[u32], cells: &Cells) -> Vec<f64> {
        let mut signed = [0.0; VALUES];
        for (row, value) in x.iter().enumerate() {
            signed[*value] += cells[groups.codes[row] as usize][truth[row] as usize];
        }
        x.iter().map(|value| f64::from(u8::from(signed[*value] > 0.0))).collect()
    }

    #[test]
    fn the_game_reaches_what_fairlearns_does_with_an_exact_learner() {
        let (x, groups, truth) = rows();
        let golden: Golden = toml::from_str(GOLDEN).unwrap();
        assert_eq!(golden.case.len(), 6);
        let input = ReductionInput { truth: &truth, weights: None, groups: &groups, min_group: 30 };
        for case in golden.case {
            let constraint = case.constraint.parse().unwrap();
            let moments = Moments::new(input, constraint, 2.0 * case.slack, 0.5).unwrap();
            let mut n_fits = 0;
            let found = exponentiated_gradient(&moments, 40, &mut |cells| {
                n_fits += 1;
                Ok(Some(exact(&x, &groups, &truth, cells)))
            })
            .unwrap();
            let last = found.last().unwrap();
            let name = format!("{} within {}", case.constraint, case.slack);
            assert!(last.violation <= case.slack + 1e-9, "{name}: {}", last.violation);
            assert!(case.violation <= case.slack + 1e-5, "{name}");
            let tolerance = 0.5 * (0.2_f64 / 3000.0).sqrt();
            let above = last.error - case.error;
            assert!(above.abs() < tolerance, "{name}: {} not {}", last.error, case.error);
            assert!(n_fits <= 40, "{name}: {n_fits} fits");
            let total: f64 = last.shares.iter().map(|(_, s)| s).sum();
            assert!((total + last.constant - 1.0).abs() < 1e-9, "{name}");
        }
    }

    #[test]
    fn reweighed_rows_have_classes_that_are_independent_of_groups() {
        let (_, groups, truth) = rows();
        let weights: Vec<f64> = (0..3000).map(|i| 1.0 + f64::from(i % 3)).collect();
        let weights = Some(weights.as_slice());
        let input = ReductionInput { truth: &truth, weights, groups: &groups, min_group: 30 };
        let cells = reweighing(&input).unwrap();
        let before = input.masses();
        let after = |g: usize, y: usize| before[g][y] * cells[g][y].abs();
        let rate = |g: usize| after(g, 1) / (after(g, 0) + after(g, 1));
        assert!((before[0][1] / before[0][0] - before[1][1] / before[1][0]).abs() > 0.1);
        assert!((rate(0) - rate(1)).abs() < 1e-12);
        // Neither groups nor classes become more or fewer.
        for (g, [negative, positive]) in before.iter().enumerate() {
            assert!((after(g, 0) + after(g, 1) - negative - positive).abs() < 1e-12);
        }
        assert!(cells.iter().all(|[negative, positive]| *negative < 0.0 && *positive > 0.0));
    }

    #[test]
    fn one_group_is_refused_and_an_early_end_keeps_what_was_learned() {
        let (x, mut groups, truth) = rows();
        let input = ReductionInput { truth: &truth, weights: None, groups: &groups, min_group: 30 };
        let moments = Moments::new(input, Constraint::DemographicParity, 0.1, 0.5).unwrap();
        let mut left = 2;
        let found = exponentiated_gradient(&moments, 40, &mut |cells| {
            left -= 1;
            Ok((left >= 0).then(|| exact(&x, &groups, &truth, cells)))
        });
        assert!(!found.unwrap().is_empty());
        let none = exponentiated_gradient(&moments, 40, &mut |_| Ok(None)).unwrap();
        assert!(none.is_empty());
        groups.codes.fill(0);
        let input = ReductionInput { truth: &truth, weights: None, groups: &groups, min_group: 30 };
        let error = reweighing(&input).unwrap_err();
        assert_eq!(error.got_text(), Some("1 such groups of 2"));
    }
}
