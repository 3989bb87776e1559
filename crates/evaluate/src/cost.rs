//! What wrong decisions cost, and the decision of least expected cost.
//!
//! With honest probabilities `p` the best decision for a row is the class `j` that minimises
//! `Σ p_i · cost(i, j)`; for two classes that is a threshold on the probability. Classes that are
//! rare or dear are so decided for more readily, without any change of the training rows.
//! Reference: Elkan, "The foundations of cost-sensitive learning", IJCAI 2001.

use std::collections::BTreeMap;

use modelwright_core::record::CurvePoint;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::metric::{Ranked, check_pair, weighted_mean};

/// The cost of an error that is not named.
const COST_OF_OTHERS: f64 = 1.0;

/// Points of a cost curve at most.
const POINTS_MAX: usize = 200;

/// The cost of deciding for one class where another is true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostMatrix {
    n_classes: usize,
    /// Row-major: `costs[actual * n_classes + predicted]`.
    costs: Vec<f64>,
}

impl CostMatrix {
    /// From named costs: `fp`, `fn`, `tp`, `tn` of a binary task (the positive class is the
    /// second of `classes`), or `actual:predicted` with labels. Errors that are not named cost 1,
    /// right decisions nothing.
    ///
    /// # Errors
    /// Input error for a name that is none of these, a cost that is negative or not finite, and a
    /// right decision that costs more than a wrong one.
    pub fn of_named(named: &BTreeMap<String, f64>, classes: &[String]) -> Result<Self> {
        let n = classes.len();
        let default = |at: usize| if at / n == at % n { 0.0 } else { COST_OF_OTHERS };
        let mut costs: Vec<f64> = (0..n * n).map(default).collect();
        let mut named_by: BTreeMap<usize, &String> = BTreeMap::new();
        for (name, cost) in named {
            let (actual, predicted) = place(name, classes)?;
            if let Some(before) = named_by.insert(actual * n + predicted, name) {
                return Err(Error::input("two costs of one decision")
                    .expected("each decision once")
                    .got(format!("{before} and {name}")));
            }
            costs[actual * n + predicted] = *cost;
        }
        let matrix = Self { n_classes: n, costs };
        matrix.check(classes)?;
        Ok(matrix)
    }

    /// How many classes there are.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The cost of deciding for `predicted` where `actual` is true.
    pub fn cost(&self, actual: usize, predicted: usize) -> f64 {
        self.costs[actual * self.n_classes + predicted]
    }

    /// The costs as rows: `[actual][predicted]`.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        self.costs.chunks_exact(self.n_classes).map(<[f64]>::to_vec).collect()
    }

    /// The probability of the positive class from which on deciding for it costs less; `None` when
    /// there are not two classes.
    pub fn threshold(&self) -> Option<f64> {
        (self.n_classes == 2).then(|| {
            let of_false_positive = self.cost(0, 1) - self.cost(0, 0);
            let of_false_negative = self.cost(1, 0) - self.cost(1, 1);
            of_false_positive / (of_false_positive + of_false_negative)
        })
    }

    /// The class of least expected cost in every row; ties go to the smaller index (binary: to the
    /// positive class, as everywhere at a threshold).
    pub fn decide(&self, predictions: &Predictions) -> Vec<u32> {
        if let Some(threshold) = self.threshold() {
            return predictions.classes(threshold);
        }
        let of_row = |row: &[f64]| {
            let expected = |j: usize| -> f64 {
                row.iter().enumerate().map(|(i, p)| p * self.cost(i, j)).sum()
            };
            let mut best = (0, expected(0));
            for j in 1..self.n_classes {
                let cost = expected(j);
                if cost < best.1 {
                    best = (j, cost);
                }
            }
            best.0 as u32
        };
        predictions.values.chunks_exact(predictions.n_outputs).map(of_row).collect()
    }

    /// The cost of each row's decision.
    ///
    /// # Errors
    /// Input error when truth and predictions do not fit each other or the classes.
    pub fn row_costs(&self, truth: &Target, predictions: &Predictions) -> Result<Vec<f64>> {
        check_pair(truth, predictions)?;
        self.codes_of(truth)?;
        self.decision_costs(truth, &self.decide(predictions))
    }

    /// The cost of a class that was decided for in each row, however that came.
    ///
    /// # Errors
    /// Input error when truth and decisions do not fit each other or the classes.
    pub fn decision_costs(&self, truth: &Target, decided: &[u32]) -> Result<Vec<f64>> {
        let codes = self.codes_of(truth)?;
        if codes.len() != decided.len() || decided.iter().any(|j| *j as usize >= self.n_classes) {
            return Err(Error::input("the decisions do not fit the target").expected(format!(
                "{} of {} classes",
                codes.len(),
                self.n_classes
            )));
        }
        Ok(codes.iter().zip(decided).map(|(i, j)| self.cost(*i as usize, *j as usize)).collect())
    }

    /// The mean cost per row of the decisions that cost least by the predictions.
    ///
    /// # Errors
    /// As [`Self::row_costs`].
    pub fn expected(
        &self,
        truth: &Target,
        predictions: &Predictions,
        weights: Option<&[f64]>,
    ) -> Result<f64> {
        Ok(weighted_mean(&self.row_costs(truth, predictions)?, weights))
    }

    /// The true classes, which must be as many as the costs know.
    fn codes_of<'a>(&self, truth: &'a Target) -> Result<&'a [u32]> {
        let fits = matches!(truth, Target::Class { n_classes, .. } if *n_classes == self.n_classes);
        truth.codes().filter(|_| fits).ok_or_else(|| {
            Error::input("the costs do not fit the target")
                .expected(format!("a target of {} classes", self.n_classes))
        })
    }

    /// The mean cost per row when every row gets the class `decided`.
    ///
    /// # Errors
    /// As [`Self::row_costs`].
    pub fn of_constant(
        &self,
        truth: &Target,
        weights: Option<&[f64]>,
        decided: usize,
    ) -> Option<f64> {
        let codes = truth.codes()?;
        let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
        let total: f64 = (0..codes.len()).map(weight).sum();
        let costs =
            codes.iter().enumerate().map(|(r, i)| weight(r) * self.cost(*i as usize, decided));
        Some(costs.sum::<f64>() / total)
    }

    /// Proves a decoded matrix sound.
    ///
    /// # Errors
    /// Input error when it is not one of `n_classes` classes.
    pub fn validate(&self, n_classes: usize) -> Result<()> {
        let labels: Vec<String> = (0..n_classes).map(|class| class.to_string()).collect();
        if self.n_classes != n_classes || self.costs.len() != n_classes * n_classes {
            return Err(Error::input("stored costs do not fit the classes"));
        }
        self.check(&labels)
    }

    fn check(&self, classes: &[String]) -> Result<()> {
        let decision = |i: usize, j: usize| format!("{}:{}", classes[i], classes[j]);
        for i in 0..self.n_classes {
            for j in 0..self.n_classes {
                let (right, cost) = (self.cost(i, i), self.cost(i, j));
                if !cost.is_finite() || cost < 0.0 {
                    return Err(Error::input("a cost is not usable")
                        .expected("a finite number that is not negative")
                        .got(format!("{}={cost}", decision(i, j))));
                }
                if cost < right {
                    return Err(Error::input("a right decision costs more than a wrong one")
                        .expected(format!("{} at least {right}", decision(i, j)))
                        .got(format!("{}={cost}", decision(i, j)))
                        .hint("give what errors cost more than right decisions"));
                }
            }
        }
        let binary_tie = self.threshold().is_some_and(|t| !t.is_finite());
        if binary_tie || self.costs.iter().all(|c| *c == 0.0) {
            return Err(Error::input("no error costs anything")
                .expected("at least one wrong decision that costs more than the right one"));
        }
        Ok(())
    }
}

/// What a threshold of a binary decision costs per row, for many thresholds by rising threshold;
/// and the threshold that would have cost least on these rows.
#[derive(Debug, Clone, PartialEq)]
pub struct CostCurve {
    /// x threshold, y mean cost per row; at most about 200 points.
    pub points: Vec<CurvePoint>,
    /// The cheapest threshold on these rows, and its cost.
    pub best: (f64, f64),
}

/// The cost curve of binary predictions.
///
/// # Errors
/// Input error when predictions, target or weights do not fit each other, or are not binary.
pub fn cost_curve(
    costs: &CostMatrix,
    truth: &Target,
    predictions: &Predictions,
    weights: Option<&[f64]>,
) -> Result<CostCurve> {
    check_pair(truth, predictions)?;
    let (Target::Class { codes, n_classes: 2 }, 2) = (truth, costs.n_classes) else {
        return Err(Error::input("a cost curve needs two classes"));
    };
    let p = &predictions.values;
    let ranked = Ranked::new(codes.len(), |row| p[row], |row| codes[row] == 1);
    let (mut negatives, mut positives) = (0.0, 0.0);
    ranked.walk(weights, |negative, positive, _| {
        negatives += negative;
        positives += positive;
    });
    let total = negatives + positives;
    let cost = |fp: f64, tp: f64| {
        let of_negatives = fp * costs.cost(0, 1) + (negatives - fp) * costs.cost(0, 0);
        let of_positives = (positives - tp) * costs.cost(1, 0) + tp * costs.cost(1, 1);
        (of_negatives + of_positives) / total
    };
    let mut points = vec![(1.0, cost(0.0, 0.0))];
    let (mut fp, mut tp) = (0.0, 0.0);
    ranked.walk(weights, |negative, positive, last| {
        fp += negative;
        tp += positive;
        points.push((p[last as usize], cost(fp, tp)));
    });
    let best = points.iter().copied().reduce(|a, b| if b.1 < a.1 { b } else { a });
    let step = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len() - 1;
    let kept = points.into_iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last);
    let mut points: Vec<CurvePoint> =
        kept.map(|(_, (x, y))| CurvePoint { x, y, threshold: Some(x) }).collect();
    points.reverse();
    Ok(CostCurve { points, best: best.unwrap_or((1.0, 0.0)) })
}

/// The decision that a name means, as class indices.
fn place(name: &str, classes: &[String]) -> Result<(usize, usize)> {
    let binary = [("fp", (0, 1)), ("fn", (1, 0)), ("tp", (1, 1)), ("tn", (0, 0))];
    let short = binary.iter().find(|(short, _)| *short == name);
    if let (Some((_, place)), 2) = (short, classes.len()) {
        return Ok(*place);
    }
    // `TRUE` of one program is the `true` of another.
    let is_same_word = |c: &String, label: &str| {
        let is = |word: &str| c.eq_ignore_ascii_case(word) && label.eq_ignore_ascii_case(word);
        is("true") || is("false")
    };
    let class = |label: &str| {
        let exact = classes.iter().position(|c| c == label);
        exact.or_else(|| classes.iter().position(|c| is_same_word(c, label)))
    };
    // A label may hold a colon itself: the first reading whose two sides are labels is meant.
    for (at, _) in name.match_indices(':') {
        if let (Some(i), Some(j)) = (class(&name[..at]), class(&name[at + 1..])) {
            return Ok((i, j));
        }
    }
    let error = Error::input("a cost names no decision of this target").got(name);
    if short.is_some() {
        return Err(error
            .expected("ACTUAL:PREDICTED with two labels")
            .hint("fp, fn, tp and tn are for a target with two classes"));
    }
    let labels = classes.iter().map(String::as_str);
    let unknown = name.split(':').find(|part| class(part).is_none()).unwrap_or(name);
    let known = modelwright_core::error::shorten(&classes.join(", "), 200);
    let forms = if classes.len() == 2 { "fp, fn or ACTUAL:PREDICTED" } else { "ACTUAL:PREDICTED" };
    Err(error.expected(format!("{forms}, with labels of: {known}")).suggest(unknown, labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::random::Random;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    fn costs(named: &[(&str, f64)], classes: &[&str]) -> Result<CostMatrix> {
        let named = named.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        CostMatrix::of_named(&named, &labels(classes))
    }

    #[test]
    fn a_dear_false_negative_lowers_the_threshold() {
        let given = costs(&[("fp", 1.0), ("fn", 4.0)], &["no", "yes"]).unwrap();
        assert!((given.threshold().unwrap() - 0.2).abs() < 1e-15);
        assert_eq!(given.decide(&Predictions::new(1, vec![0.19, 0.2, 0.9])), [0, 1, 1]);
        let same = costs(&[("no:yes", 1.0), ("yes:no", 4.0)], &["no", "yes"]).unwrap();
        assert_eq!(same, given);
        assert_eq!(costs(&[("fn", 4.0)], &["no", "yes"]).unwrap(), given, "others cost 1");
        let gain = costs(&[("fp", 3.0), ("tn", 1.0), ("fn", 4.0)], &["no", "yes"]).unwrap();
        assert!((gain.threshold().unwrap() - 2.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn no_other_decision_of_many_classes_is_expected_to_cost_less() {
        let names = ["a", "b:c", "b"];
        let named = [("a:b:c", 2.0), ("b:c:a", 7.0), ("b:a", 0.5), ("a:b", 3.0)];
        let given = costs(&named, &names).unwrap();
        assert_eq!(given.rows(), [[0.0, 2.0, 3.0], [7.0, 0.0, 1.0], [0.5, 1.0, 0.0]]);
        let mut random = Random::new(4);
        for _ in 0..200 {
            let raw: Vec<f64> = (0..3).map(|_| random.unit()).collect();
            let total: f64 = raw.iter().sum();
            let p: Vec<f64> = raw.iter().map(|v| v / total).collect();
            let expected = |j: usize| (0..3).map(|i| p[i] * given.cost(i, j)).sum::<f64>();
            let chosen = given.decide(&Predictions::new(3, p.clone()))[0] as usize;
            assert!((0..3).all(|j| expected(chosen) <= expected(j)));
        }
    }

    #[test]
    fn costs_that_cannot_be_are_refused_with_the_reason() {
        for (named, classes, words) in [
            (vec![("fp", -1.0)], vec!["no", "yes"], "not negative"),
            (vec![("fp", f64::NAN)], vec!["no", "yes"], "finite"),
            (vec![("yes:maybe", 1.0)], vec!["no", "yes"], "known: no, yes"),
            (vec![("left:stayd", 1.0)], vec!["left", "stayed"], "did you mean `stayed`"),
            (vec![("fp", 2.0)], vec!["a", "b", "c"], "two classes"),
            (vec![("fp", 0.0), ("fn", 0.0)], vec!["no", "yes"], "no error costs anything"),
            (vec![("tp", 5.0)], vec!["no", "yes"], "costs more than a wrong one"),
            (vec![("fp", 1.0), ("no:yes", 2.0)], vec!["no", "yes"], "two costs"),
        ] {
            let text = costs(&named, &classes).unwrap_err().to_string();
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn the_curve_is_the_cost_at_each_threshold_and_honest_rows_are_cheapest_at_the_derived_one() {
        let mut random = Random::new(8);
        let (mut codes, mut p) = (Vec::new(), Vec::new());
        for _ in 0..50_000 {
            let own = random.unit();
            codes.push(u32::from(random.unit() < own));
            p.push((own * 500.0).round() / 500.0);
        }
        let (truth, p) = (Target::Class { codes, n_classes: 2 }, Predictions::new(1, p));
        let given = costs(&[("fp", 1.0), ("fn", 5.0)], &["no", "yes"]).unwrap();
        let curve = cost_curve(&given, &truth, &p, None).unwrap();
        assert!(curve.points.is_sorted_by(|a, b| a.x < b.x) && curve.points.len() <= 202);
        for point in curve.points.iter().step_by(20) {
            let decided = p.classes(point.x);
            let codes = truth.codes().unwrap();
            let cost = codes.iter().zip(decided).map(|(i, j)| given.cost(*i as usize, j as usize));
            let mean = cost.sum::<f64>() / 50_000.0;
            assert!((mean - point.y).abs() < 1e-9, "{point:?} {mean}");
        }
        let own: Vec<f64> = given.row_costs(&truth, &p).unwrap();
        let mean = own.iter().sum::<f64>() / 50_000.0;
        assert!((curve.best.0 - given.threshold().unwrap()).abs() < 0.03, "{:?}", curve.best);
        assert!(mean - curve.best.1 < 0.002 && mean >= curve.best.1 - 1e-12);
        let never = given.of_constant(&truth, None, 0).unwrap();
        let always = given.of_constant(&truth, None, 1).unwrap();
        assert!(mean < never.min(always), "{mean} {never} {always}");
    }
}
