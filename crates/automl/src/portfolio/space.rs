//! What may vary in a candidate, once the portfolio has shown which kinds this table likes.
//!
//! Few parameters each, those whose tuning pays, within the bounds of published search spaces
//! (TabArena, arXiv 2506.16791, appendix on models; CatBoost's and RealMLP's tuned defaults in
//! Holzmüller et al., "Better by Default", NeurIPS 2024). Steps of boosting are not among them:
//! [`crate::pace`] chooses them by the time there is.

use modelwright_core::Context;
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::record::PlannedTrial;

/// The part of the dimensions that a variant draws anew; the others stay as its parent has them.
const SHARE_DRAWN: f64 = 0.5;

/// What stands between the name of a candidate and the number of its variant.
const MARK: char = '~';

/// One parameter and where its values lie.
struct Dimension {
    name: &'static str,
    range: Range,
}

/// Where the values of a parameter lie.
enum Range {
    /// Whole numbers.
    Int(i64, i64),
    /// Whole numbers, equally many in each power.
    LogInt(i64, i64),
    /// Numbers.
    Real(f64, f64),
    /// Positive numbers, equally many in each power.
    LogReal(f64, f64),
    /// On or off.
    Flag,
    /// One of several words.
    Name(&'static [&'static str]),
}

/// Boosters whose trees grow leaf by leaf.
const LEAF_WISE: &[Dimension] = &[
    Dimension { name: "max_leaves", range: Range::LogInt(4, 256) },
    Dimension { name: "min_samples_leaf", range: Range::LogInt(1, 64) },
    Dimension { name: "feature_fraction", range: Range::Real(0.3, 1.0) },
    Dimension { name: "feature_fraction_bynode", range: Range::Real(0.4, 1.0) },
    Dimension { name: "bagging_fraction", range: Range::Real(0.6, 1.0) },
    Dimension { name: "l2", range: Range::LogReal(0.01, 30.0) },
    Dimension { name: "extra_trees", range: Range::Flag },
    Dimension { name: "cat_smooth", range: Range::LogReal(1.0, 100.0) },
    Dimension { name: "cat_l2", range: Range::LogReal(0.1, 30.0) },
];

/// Boosters of symmetric trees.
const OBLIVIOUS: &[Dimension] = &[
    Dimension { name: "max_depth", range: Range::Int(4, 8) },
    Dimension { name: "l2", range: Range::LogReal(0.3, 30.0) },
    Dimension { name: "random_strength", range: Range::LogReal(0.1, 10.0) },
    Dimension { name: "feature_fraction_bynode", range: Range::Real(0.4, 1.0) },
    Dimension { name: "bagging_fraction", range: Range::Real(0.6, 1.0) },
    Dimension { name: "sampling", range: Range::Name(&["bernoulli", "mvs", "bayesian"]) },
];

/// Forests.
const FOREST: &[Dimension] = &[
    Dimension { name: "max_features", range: Range::Name(&["sqrt", "third", "half", "all"]) },
    Dimension { name: "min_samples_leaf", range: Range::LogInt(1, 16) },
    Dimension { name: "max_samples", range: Range::Real(0.5, 1.0) },
];

/// Neural nets.
const NEURAL_NET: &[Dimension] = &[
    Dimension { name: "hidden_layers", range: Range::Int(1, 4) },
    Dimension { name: "hidden_units", range: Range::LogInt(96, 384) },
    Dimension { name: "learning_rate", range: Range::LogReal(0.01, 0.1) },
    Dimension { name: "weight_decay", range: Range::LogReal(0.002, 0.2) },
    Dimension { name: "dropout", range: Range::Real(0.0, 0.4) },
];

/// Explainable boosting machines.
const EBM: &[Dimension] = &[
    Dimension { name: "max_leaves", range: Range::Int(2, 5) },
    Dimension { name: "min_samples_leaf", range: Range::LogInt(2, 32) },
    Dimension { name: "interactions", range: Range::Real(1.0, 8.0) },
    Dimension { name: "smoothing_rounds", range: Range::LogInt(25, 400) },
    Dimension { name: "greediness", range: Range::Real(0.0, 1.0) },
];

/// Nearest neighbours.
const KNN: &[Dimension] = &[
    Dimension { name: "n_neighbors", range: Range::LogInt(3, 100) },
    Dimension { name: "metric", range: Range::Name(&["euclidean", "manhattan"]) },
];

/// The name of the candidate that a trial is, or is a variant of.
pub(crate) fn base_name(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

/// Whether something may vary in a trial.
pub(crate) fn varies(trial: &PlannedTrial) -> bool {
    !dimensions(trial).is_empty()
}

/// A trial like `parent` with some parameters drawn anew; the `number` makes its name.
pub(crate) fn variant(parent: &PlannedTrial, number: usize, ctx: &Context) -> PlannedTrial {
    let random = &mut ctx.random("variant", number as u64);
    let dimensions = dimensions(parent);
    let drawn: Vec<bool> = dimensions.iter().map(|_| random.unit() < SHARE_DRAWN).collect();
    let at_least = random.below(dimensions.len().max(1));
    let mut params = ParamMap::new();
    for (i, dimension) in dimensions.iter().enumerate() {
        if drawn[i] || i == at_least {
            params.insert(dimension.name.to_owned(), dimension.range.draw(random));
        }
    }
    let changed: Vec<String> = params.iter().map(|(name, v)| format!("{name} = {v}")).collect();
    let base = base_name(&parent.name);
    let mut trial = PlannedTrial {
        name: format!("{base}{MARK}{number}"),
        reason: format!("a variant of {}: {}", parent.name, changed.join(", ")),
        ..parent.clone()
    };
    trial.params.extend(params);
    trial
}

/// Where a value lies in its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// From 0 to 1.
    Part(f64),
    /// One of several names.
    Name { index: usize, of: usize },
    /// Nowhere: the learner's default.
    Default,
}

/// Where the values of a trial lie, in the order of what may vary in it.
pub(crate) fn places(trial: &PlannedTrial) -> Vec<Place> {
    let place = |dimension: &Dimension| {
        let value = trial.params.get(dimension.name);
        value.map_or(Place::Default, |value| dimension.range.place(value))
    };
    dimensions(trial).iter().map(place).collect()
}

/// What may vary in a trial.
fn dimensions(trial: &PlannedTrial) -> &'static [Dimension] {
    let policy = trial.params.get("grow_policy").map(ToString::to_string);
    match &*trial.learner {
        "gbdt" if policy.as_deref() == Some("oblivious") => OBLIVIOUS,
        "gbdt" => LEAF_WISE,
        "random_forest" | "extra_trees" => FOREST,
        "neural_net" => NEURAL_NET,
        "ebm" => EBM,
        "knn" => KNN,
        _ => &[],
    }
}

impl Range {
    /// A value, with as many digits as a person would write.
    fn draw(&self, random: &mut Random) -> ParamValue {
        let part = random.unit();
        let between = |low: f64, high: f64| low + part * (high - low);
        let power = |low: f64, high: f64| between(low.ln(), high.ln()).exp();
        let whole = |value: f64, low: i64, high: i64| {
            ParamValue::Int((value.floor() as i64).clamp(low, high))
        };
        match *self {
            Self::Int(low, high) => whole(between(low as f64, high as f64 + 1.0), low, high),
            Self::LogInt(low, high) => whole(power(low as f64, high as f64 + 1.0), low, high),
            Self::Real(low, high) => ParamValue::Real(two_digits(between(low, high))),
            Self::LogReal(low, high) => ParamValue::Real(two_digits(power(low, high))),
            Self::Flag => ParamValue::Flag(part < 0.5),
            Self::Name(names) => {
                let at = ((part * names.len() as f64) as usize).min(names.len() - 1);
                ParamValue::Choice(names[at].to_owned())
            }
        }
    }
}

impl Range {
    /// Where a value lies; the inverse of [`Self::draw`], but for rounding.
    fn place(&self, value: &ParamValue) -> Place {
        let part = |value: f64, low: f64, high: f64| {
            Place::Part(((value - low) / (high - low)).clamp(0.0, 1.0))
        };
        match (self, value) {
            (Self::Int(low, high), ParamValue::Int(v)) => {
                part(*v as f64 + 0.5, *low as f64, *high as f64 + 1.0)
            }
            (Self::LogInt(low, high), ParamValue::Int(v)) => {
                part((*v as f64 + 0.5).max(0.5).ln(), (*low as f64).ln(), (*high as f64 + 1.0).ln())
            }
            (Self::Real(low, high), ParamValue::Real(v)) => part(*v, *low, *high),
            (Self::LogReal(low, high), ParamValue::Real(v)) if *v > 0.0 => {
                part(v.ln(), low.ln(), high.ln())
            }
            (Self::Flag, ParamValue::Flag(v)) => Place::Name { index: usize::from(!v), of: 2 },
            (Self::Name(names), ParamValue::Choice(name)) => {
                let index = names.iter().position(|n| n == name);
                index.map_or(Place::Default, |index| Place::Name { index, of: names.len() })
            }
            _ => Place::Default,
        }
    }
}

/// A number rounded to two significant digits.
fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use modelwright_core::task::Task;

    use super::*;
    use crate::plan::Preset;
    use crate::portfolio::candidates;

    #[test]
    fn every_variant_is_a_trial_that_its_learner_takes() {
        let ctx = Context::unlimited(7, 1);
        let mut n_seen = 0;
        for parent in candidates(Task::Binary, Preset::Best, 1000).iter().filter(|t| varies(t)) {
            let entry = modelwright_learners::learner(&parent.learner).unwrap();
            for number in 1..40 {
                let variant = variant(parent, number, &ctx);
                assert_ne!(variant.params, parent.params, "{}", variant.name);
                entry.check_params(&variant.params).unwrap();
                assert_eq!(base_name(&variant.name), parent.name);
                n_seen += 1;
            }
        }
        assert!(n_seen > 300);
    }

    #[test]
    fn a_variant_of_a_variant_keeps_the_name_of_the_candidate() {
        let ctx = Context::unlimited(7, 1);
        let all = candidates(Task::Binary, Preset::Balanced, 1000);
        let parent = all.iter().find(|t| t.name == "gbdt-oblivious").unwrap();
        let second = variant(&variant(parent, 3, &ctx), 11, &ctx);
        assert_eq!(second.name, "gbdt-oblivious~11");
        assert!(second.reason.starts_with("a variant of gbdt-oblivious~3: "), "{}", second.reason);
    }

    #[test]
    fn a_drawn_value_is_found_where_it_was_drawn() {
        let mut random = Random::new(5);
        let ranges = [Range::Int(2, 9), Range::LogInt(4, 256), Range::Real(0.3, 1.0)];
        for range in ranges.iter().chain(&[Range::LogReal(0.01, 30.0)]) {
            for _ in 0..50 {
                let mut same = random.clone();
                let drawn = range.draw(&mut random);
                let Place::Part(part) = range.place(&drawn) else { panic!("{drawn:?}") };
                assert!((part - same.unit()).abs() < 0.13, "{drawn:?} {part}");
            }
        }
        let place = Range::Flag.place(&ParamValue::Flag(true));
        assert_eq!(place, Place::Name { index: 0, of: 2 });
        assert_eq!(Range::Flag.place(&ParamValue::Int(1)), Place::Default);
    }

    #[test]
    fn draws_stay_in_their_range_and_reach_both_ends() {
        let mut random = Random::new(3);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let ParamValue::Int(value) = Range::Int(4, 8).draw(&mut random) else { panic!() };
            seen.insert(value);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
        assert_eq!(two_digits(0.012_345), 0.012);
    }
}
