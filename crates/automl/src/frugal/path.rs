//! Columns left out one after the other, those first that are missed least for their cost.
//!
//! A small booster learns from all columns; of those that cost something, the fifth that is missed
//! least per cost is left out, and it learns again, until only what is free is left. Every step is
//! judged on rows that it did not learn from, and so is how much a column is missed: by the loss
//! when it is shuffled among them (training gain would favour columns of many values). Which
//! columns go is decided by all training rows, so that scores on the path are a little too good
//! where columns are many and rows few; the held-out rows never take part.

use modelwright_core::data::{
    FeatureColumn, FeatureMatrix, FeatureView, Fold, Schema, Table, TrainView,
};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::metric::{MetricEntry, MetricInput, metric_or_default};
use modelwright_evaluate::threshold::at_best;
use modelwright_learners::{Model, learner};
use modelwright_preprocess::encode::{EncodingSpec, PrepareInput, prepare};

use super::{Costs, Frugal};

/// Folds that a step is judged by.
const N_FOLDS: usize = 3;

/// Rows that a fold learns from, and that judge it, at most.
const N_ROWS_MAX: usize = 20_000;

/// The part of the costly columns that a step leaves out.
const SHARE: f64 = 0.2;

/// The part of the time left that the path may take.
const SHARE_OF_TIME: f64 = 0.15;

/// And its first step, together with the choice at its end.
const SHARE_OF_FIRST: f64 = 0.4;

/// The small booster.
const N_ROUNDS: i64 = 100;
const MAX_LEAVES: i64 = 16;
const RATE: f64 = 0.1;

/// What is learned from.
pub(crate) struct Input<'a> {
    pub table: &'a Table,
    pub schema: &'a Schema,
    pub exclude: &'a [String],
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    pub folds: &'a [Fold],
    pub metric: &'static MetricEntry,
    pub limit: Option<f64>,
}

/// One step of the path.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Step {
    /// All columns that are left out, in the order in which they went.
    pub left_out: Vec<String>,
    /// What those cost that are left.
    pub cost: f64,
    /// The small booster's score without them; `None` when there was no time for it.
    pub score: Option<f64>,
}

/// Follows the path, and says which columns to leave out for the limit.
///
/// # Errors
/// As `prepare` and the booster.
pub(crate) fn follow(input: &Input<'_>, costs: Costs, ctx: &Context) -> Result<Frugal> {
    let within_share = |share: f64| {
        let scope = ctx.scope("feature-cost");
        match scope.remaining() {
            Some(left) => scope.with_time_limit(left.mul_f64(share)),
            None => scope,
        }
    };
    let (first, scope) = (within_share(SHARE_OF_FIRST), within_share(SHARE_OF_TIME));
    let walk = Walk::new(input, &costs, &first)?;
    let mut left_out: Vec<String> = unaffordable(&costs, input.limit);
    let mut path = Vec::new();
    // What was known last stands where there is no time for a step: without it, columns would go
    // by their place in the table. For that the first step may take longer.
    let (mut known, mut all) = (Missed::new(), Missed::new());
    loop {
        let own = if path.is_empty() { &first } else { &scope };
        let judged = if own.proceed() { walk.judge(&left_out, own)? } else { None };
        let (score, missed) = judged.unzip();
        known = missed.unwrap_or(known);
        if path.is_empty() {
            all.clone_from(&known);
        }
        path.push(Step {
            left_out: left_out.clone(),
            cost: costs.without(&left_out),
            score: score.flatten(),
        });
        let next = next(&costs, &left_out, &known);
        if next.is_empty() {
            break;
        }
        left_out.extend(next);
    }
    let left_out = match input.limit {
        None => Vec::new(),
        Some(limit) if all.is_empty() => within(&path, &costs, limit),
        // The path goes by what is missed per cost, so that a dear column that matters most may go
        // first: those that are missed most, as far as they fit, are the other proposal.
        Some(limit) => {
            let of_path = within(&path, &costs, limit);
            let of_most = most_missed(&costs, &all, limit);
            walk.better([of_path, of_most], &first)?
        }
    };
    let is_blind = known.is_empty() && !left_out.is_empty();
    Ok(Frugal { costs, path, limit: input.limit, left_out, is_blind })
}

/// Columns that alone cost more than the limit.
fn unaffordable(costs: &Costs, limit: Option<f64>) -> Vec<String> {
    let is_too_much = |name: &&str| limit.is_some_and(|limit| costs.of_column(name) > limit);
    costs.costly().filter(is_too_much).map(str::to_owned).collect()
}

/// The next columns to leave out: those that are missed least per cost (ties: the dearest, then by
/// name); none when only what is free would be left, or nothing.
fn next(costs: &Costs, left_out: &[String], missed: &[(String, f64)]) -> Vec<String> {
    let mut costly: Vec<&str> =
        costs.costly().filter(|name| !left_out.iter().any(|out| out == name)).collect();
    let gain = |name: &str| missed.iter().find(|(n, _)| n == name).map_or(0.0, |(_, gain)| *gain);
    costly.sort_by(|a, b| {
        let worth = |name: &str| gain(name) / costs.of_column(name);
        let dearer = costs.of_column(b).total_cmp(&costs.of_column(a));
        worth(a).total_cmp(&worth(b)).then(dearer)
    });
    let n_left = costs.n_columns() - left_out.len();
    let n = ((costly.len() as f64 * SHARE).ceil() as usize).min(n_left.saturating_sub(1));
    costly.into_iter().take(n).map(str::to_owned).collect()
}

/// What to leave out so that the rest costs no more than `limit`: the first step that does, with
/// columns taken back that still fit, the last to go first.
fn within(path: &[Step], costs: &Costs, limit: f64) -> Vec<String> {
    let Some(step) = path.iter().find(|step| step.cost <= limit).or(path.last()) else {
        return Vec::new();
    };
    let mut left_out = step.left_out.clone();
    for name in step.left_out.iter().rev() {
        if costs.without(&left_out) + costs.of_column(name) <= limit {
            left_out.retain(|out| out != name);
        }
    }
    left_out
}

/// What to leave out so that the columns stay that are missed most, one after the other as far as
/// they fit.
fn most_missed(costs: &Costs, missed: &[(String, f64)], limit: f64) -> Vec<String> {
    let mut left_out: Vec<String> = costs.costly().map(str::to_owned).collect();
    let mut order: Vec<&(String, f64)> = missed.iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (name, _) in order {
        if costs.without(&left_out) + costs.of_column(name) <= limit {
            left_out.retain(|out| out != name);
        }
    }
    left_out
}

/// What is needed to take a step.
struct Walk<'a> {
    input: &'a Input<'a>,
    costs: &'a Costs,
    /// The features of each fold, and its rows.
    folds: Vec<(FeatureMatrix, Fold)>,
}

/// How much each costly column is missed: the loss when it is shuffled, summed over the folds.
type Missed = Vec<(String, f64)>;

/// The score of a step, and what is missed in it.
type Judged = (Option<f64>, Missed);

impl<'a> Walk<'a> {
    fn new(input: &'a Input<'a>, costs: &'a Costs, ctx: &Context) -> Result<Self> {
        // Drawn, not every so-manieth: rows may be in an order that repeats itself.
        let drawn = |rows: &[u32], name: &str, k: usize| -> Vec<u32> {
            let places = ctx.random(name, k as u64).sample(rows.len(), N_ROWS_MAX);
            places.into_iter().map(|place| rows[place as usize]).collect()
        };
        let thin = |(k, fold): (usize, &Fold)| Fold {
            train: drawn(&fold.train, "rows to learn from", k),
            validation: drawn(&fold.validation, "rows to judge", k),
        };
        if costs.costly().next().is_none() || !ctx.proceed() {
            return Ok(Self { input, costs, folds: Vec::new() });
        }
        let folds: Vec<Fold> = input.folds.iter().take(N_FOLDS).enumerate().map(thin).collect();
        let prepared = prepare(
            &PrepareInput {
                table: input.table,
                schema: input.schema,
                exclude: input.exclude,
                target: input.target,
                weights: input.weights,
                folds: &folds,
                like: None,
            },
            &EncodingSpec::trees(),
            ctx,
        )?;
        Ok(Self { input, costs, folds: prepared.folds.into_iter().zip(folds).collect() })
    }

    /// Learns without some columns; `None` when the clock ended it, or nothing is there to learn
    /// from.
    fn judge(&self, left_out: &[String], ctx: &Context) -> Result<Option<Judged>> {
        let entry = learner("gbdt")?;
        let params = ParamMap::from([
            ("n_rounds".to_owned(), ParamValue::Int(N_ROUNDS)),
            ("max_leaves".to_owned(), ParamValue::Int(MAX_LEAVES)),
            ("learning_rate".to_owned(), ParamValue::Real(RATE)),
        ]);
        let (mut said, mut rows) = (Vec::new(), Vec::new());
        let mut missed = Missed::new();
        for (k, (features, fold)) in self.folds.iter().enumerate() {
            let features = kept(features, left_out);
            if features.columns.is_empty() {
                return Ok(None);
            }
            let view = TrainView {
                features: &features,
                target: self.input.target,
                weights: self.input.weights,
                rows: &fold.train,
                validation: &[],
            };
            let scope = ctx.scope(&format!("without-{}", left_out.len())).scope(&k.to_string());
            let fitted = entry.fit(&view, &params, &scope)?;
            if fitted.model.rounds() < N_ROUNDS as usize && !scope.proceed() {
                return Ok(None);
            }
            let judged = only(&features, &fold.validation);
            let of_fold = fitted.model.predict(&FeatureView::all(&judged), &scope)?.values;
            let known = (&judged, &fold.validation[..], &of_fold[..]);
            if !self.add_missed(fitted.model.as_ref(), known, &mut missed, &scope)? {
                return Ok(None);
            }
            said.extend(of_fold);
            rows.extend(&fold.validation);
        }
        Ok((!rows.is_empty()).then(|| (self.score(self.input.metric, &rows, said), missed)))
    }

    /// The better of two proposals; the first where they are one, or there is no time.
    fn better(&self, [first, second]: [Vec<String>; 2], ctx: &Context) -> Result<Vec<String>> {
        let same = |a: &[String], b: &[String]| a.iter().all(|name| b.contains(name));
        if (same(&first, &second) && same(&second, &first)) || !ctx.proceed() {
            return Ok(first);
        }
        let score = |left_out: &[String], name: &str| -> Result<Option<f64>> {
            Ok(self.judge(left_out, &ctx.scope(name))?.and_then(|(score, _)| score))
        };
        let scores = score(&first, "path")?.zip(score(&second, "most")?);
        let is_better = |(a, b): (f64, f64)| self.input.metric.spec.is_better(b, a);
        Ok(if scores.is_some_and(is_better) { second } else { first })
    }

    /// Adds what each costly column is missed by when it is shuffled among the judging rows; says
    /// whether there was time for all of them.
    fn add_missed(
        &self,
        model: &dyn Model,
        (features, rows, said): (&FeatureMatrix, &[u32], &[f64]),
        missed: &mut Missed,
        ctx: &Context,
    ) -> Result<bool> {
        let loss = self.loss();
        let worse =
            |score: Option<f64>| score.map(|s| if loss.spec.larger_is_better { -s } else { s });
        let Some(own) = worse(self.score(loss, rows, said.to_vec())) else { return Ok(true) };
        let mut order: Vec<u32> = (0..features.n_rows as u32).collect();
        ctx.random("shuffled", 0).shuffle(&mut order);
        for name in self.costs.costly() {
            if !features.columns.iter().any(|c| *c.source == *name) {
                continue;
            }
            if !ctx.proceed() {
                return Ok(false);
            }
            let shuffled = shuffled(features, name, &order);
            let said = model.predict(&FeatureView::all(&shuffled), ctx)?.values;
            let Some(without) = worse(self.score(loss, rows, said)) else { continue };
            let more = (without - own).max(0.0);
            match missed.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += more,
                None => missed.push((name.to_owned(), more)),
            }
        }
        Ok(true)
    }

    /// What tells finely how wrong predictions are, whatever the metric of the run.
    fn loss(&self) -> &'static MetricEntry {
        match self.input.target {
            Target::Class { .. } => metric_or_default("log_loss", self.input.target.task()),
            Target::Real(_) => self.input.metric,
        }
    }

    fn score(&self, metric: &MetricEntry, rows: &[u32], said: Vec<f64>) -> Option<f64> {
        let weights: Option<Vec<f64>> =
            self.input.weights.map(|w| rows.iter().map(|row| w[*row as usize]).collect());
        let truth = self.input.target.select(rows);
        let said = Predictions::new(self.input.target.n_outputs(), said);
        let input = MetricInput { weights: weights.as_deref(), ..MetricInput::new(&truth, &said) };
        at_best(metric, &input).ok()
    }
}

/// The features that are not made from a column that is left out.
fn kept(features: &FeatureMatrix, left_out: &[String]) -> FeatureMatrix {
    let is_kept = |source: &str| !left_out.iter().any(|out| out == source);
    let columns = features.columns.iter().filter(|c| is_kept(&c.source)).cloned().collect();
    FeatureMatrix::new(features.n_rows, columns)
}

/// Some rows of the features.
fn only(features: &FeatureMatrix, rows: &[u32]) -> FeatureMatrix {
    let of = |column: &FeatureColumn| {
        let values = rows.iter().map(|row| column.values[*row as usize]).collect();
        FeatureColumn { values, bins: None, ..column.clone() }
    };
    FeatureMatrix::new(rows.len(), features.columns.iter().map(of).collect())
}

/// The features with what is made of one column taken from other rows.
fn shuffled(features: &FeatureMatrix, source: &str, order: &[u32]) -> FeatureMatrix {
    let of = |column: &FeatureColumn| {
        if *column.source != *source {
            return column.clone();
        }
        let values = order.iter().map(|row| column.values[*row as usize]).collect();
        FeatureColumn { values, ..column.clone() }
    };
    FeatureMatrix::new(features.n_rows, features.columns.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Field, Kind, Storage};
    use modelwright_core::record::Options;

    use super::*;

    fn costs(of: &[(&str, f64)]) -> Costs {
        let fields =
            of.iter().map(|(name, _)| Field::new(*name, Storage::Number, Kind::Number)).collect();
        let mut options = Options::new("y");
        options.feature_cost = of.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        Costs::of(&options, &Schema { fields }, &[]).unwrap().unwrap()
    }

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn the_least_gain_per_cost_goes_first_and_what_is_free_stays() {
        let costs = costs(&[("a", 1.0), ("b", 4.0), ("c", 0.0)]);
        let gains = [("a".to_owned(), 0.2), ("b".to_owned(), 0.6), ("c".to_owned(), 0.2)];
        assert_eq!(next(&costs, &[], &gains), ["b"]);
        assert_eq!(next(&costs, &names(&["b"]), &gains), ["a"]);
        assert!(next(&costs, &names(&["b", "a"]), &gains).is_empty());
    }

    #[test]
    fn one_column_stays_when_all_cost_something() {
        let costs = costs(&[("a", 1.0), ("b", 4.0)]);
        assert_eq!(next(&costs, &[], &[]), ["b"], "without a gain the dearest goes");
        assert!(next(&costs, &names(&["b"]), &[]).is_empty());
    }

    #[test]
    fn columns_that_still_fit_are_taken_back_the_last_to_go_first() {
        let costs = costs(&[("a", 1.0), ("b", 3.0), ("c", 2.0), ("d", 4.0)]);
        let step = |left_out: &[&str]| {
            let left_out = names(left_out);
            Step { cost: costs.without(&left_out), left_out, score: None }
        };
        let path = [step(&[]), step(&["a"]), step(&["a", "d", "b"])];
        // What is left costs 2; of 4, 3 and 1 that went, b fits and then nothing more.
        assert_eq!(within(&path, &costs, 5.0), names(&["a", "d"]));
        assert_eq!(within(&path, &costs, 6.0), names(&["d"]));
        assert!(within(&path, &costs, 100.0).is_empty());
        assert_eq!(unaffordable(&costs, Some(2.5)), names(&["b", "d"]));
    }
}
