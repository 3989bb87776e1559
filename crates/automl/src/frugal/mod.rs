//! What columns cost, and models that do with fewer of them.
//!
//! A column may cost something for every row that is predicted: a laboratory test, a bureau's
//! answer, a question that a customer must be asked. Who names the costs (`--feature-cost`) is told
//! what a model's columns cost together, is offered models that do with cheaper ones, and may set a
//! limit (`--max-feature-cost`), to which the whole ensemble then keeps: the columns are chosen
//! before the search ([`path`]), from the training rows, and nothing else is learned from.
//!
//! Reference: Nan & Saligrama, "Adaptive Classification for Low-Cost Prediction", NeurIPS 2017, for
//! the question; the answer is recursive elimination (Guyon et al., "Gene Selection for Cancer
//! Classification", Machine Learning 46, 2002) by gain per cost, because correlated columns take
//! each other's place only once one of them is gone.

mod cheaper;
pub(crate) mod path;

use std::collections::{BTreeMap, BTreeSet};

use modelwright_core::data::Schema;
use modelwright_core::record::{FeatureCostRecord, FeatureCostStep, Options, Plan};
use modelwright_core::{Context, Error, Result};

pub(crate) use self::cheaper::{run, with_reserve};
use self::path::Step;

/// Stands for all columns that are not named.
const OTHERS: &str = "*";

/// The most that all columns may cost together.
const LARGEST: f64 = 1e30;

/// What each column costs that may be learned from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Costs {
    of: BTreeMap<String, f64>,
    /// Columns that constraints name: they cannot be left out.
    pinned: BTreeSet<String>,
}

/// What was found before the search.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frugal {
    pub costs: Costs,
    pub path: Vec<Step>,
    pub limit: Option<f64>,
    /// Columns that are left out to keep the limit, the least missed first.
    pub left_out: Vec<String>,
    /// Whether nothing was known of how much they are missed: there was no time.
    pub is_blind: bool,
}

impl Costs {
    /// The costs that the options name, of the columns that may be learned from; `None` when they
    /// name none.
    ///
    /// # Errors
    /// Input error for a name that is no column, or a limit without costs or that no column keeps.
    pub(crate) fn of(
        options: &Options,
        schema: &Schema,
        exclude: &[String],
    ) -> Result<Option<Self>> {
        if options.feature_cost.is_empty() {
            return match options.max_feature_cost {
                None => Ok(None),
                Some(_) => Err(Error::input("a limit needs to know what columns cost")
                    .at("--max-feature-cost")
                    .hint("add --feature-cost COLUMN=COST,… or a file of columns and costs")),
            };
        }
        let known = || schema.fields.iter().map(|f| f.name.as_str());
        for name in options.feature_cost.keys().filter(|name| *name != OTHERS) {
            if !known().any(|column| column == name) {
                return Err(Error::input("a cost is named for a column that is not there")
                    .at("--feature-cost")
                    .got(name)
                    .suggest(name, known()));
            }
        }
        if options.feature_cost.contains_key(&options.target) {
            return Err(Error::input("a cost is named for the target, which no prediction reads")
                .at("--feature-cost")
                .got(&options.target));
        }
        let of_all: f64 = options.feature_cost.values().sum::<f64>() * schema.fields.len() as f64;
        if of_all > LARGEST {
            return Err(Error::input("the costs are too large to be added up")
                .at("--feature-cost")
                .expected(format!("at most {LARGEST:e} for all columns together"))
                .hint("name them in a larger unit"));
        }
        let others = options.feature_cost.get(OTHERS).copied().unwrap_or(0.0);
        let cost = |name: &str| options.feature_cost.get(name).copied().unwrap_or(others);
        let learned = schema.fields.iter().filter(|f| f.kind.is_usable());
        let of: BTreeMap<String, f64> = learned
            .filter(|f| !exclude.contains(&f.name))
            .map(|f| (f.name.clone(), cost(&f.name)))
            .collect();
        let costs = Self { pinned: pinned(options, of.keys()), of };
        costs.check(options.max_feature_cost)?;
        Ok(Some(costs))
    }

    /// Refuses a limit that nothing keeps.
    fn check(&self, limit: Option<f64>) -> Result<()> {
        let Some(limit) = limit else { return Ok(()) };
        let named = self.together(self.pinned.iter().map(String::as_str));
        let cheapest = self.of.values().copied().fold(f64::INFINITY, f64::min);
        let (what, least) = if self.pinned.is_empty() {
            ("no column is as cheap as that", cheapest)
        } else {
            ("the columns that constraints name cost more than that", named)
        };
        if least <= limit {
            return Ok(());
        }
        Err(Error::input(what)
            .at("--max-feature-cost")
            .expected(format!("at least {least}"))
            .got(limit.to_string()))
    }

    /// The cost of a column; 0 for one that is not known.
    pub(crate) fn of_column(&self, name: &str) -> f64 {
        self.of.get(name).copied().unwrap_or(0.0)
    }

    /// What some columns cost together; one that is there twice is paid once.
    pub(crate) fn together<'a>(&self, columns: impl Iterator<Item = &'a str>) -> f64 {
        let columns: BTreeSet<&str> = columns.collect();
        columns.into_iter().map(|name| self.of_column(name)).sum()
    }

    /// What all columns cost but those that are left out.
    pub(crate) fn without(&self, left_out: &[String]) -> f64 {
        let kept = self.of.iter().filter(|(name, _)| !left_out.contains(name));
        kept.map(|(_, cost)| cost).sum()
    }

    /// The columns that cost something and may be left out, in order of their names.
    pub(crate) fn costly(&self) -> impl Iterator<Item = &str> {
        let costly = self.of.iter().filter(|(_, cost)| **cost > 0.0);
        costly.map(|(name, _)| name.as_str()).filter(|name| !self.pinned.contains(*name))
    }

    fn n_columns(&self) -> usize {
        self.of.len()
    }
}

/// Follows the path of leaving columns out, where costs are known; the plan says what came of it.
///
/// # Errors
/// As [`path::follow`].
pub(crate) fn choose(
    costs: Option<Costs>,
    input: &path::Input<'_>,
    plan: &mut Plan,
    ctx: &Context,
) -> Result<Option<Frugal>> {
    let Some(costs) = costs else { return Ok(None) };
    let frugal = path::follow(input, costs, ctx)?;
    frugal.note(plan);
    Ok(Some(frugal))
}

/// The columns that constraints name.
fn pinned<'a>(options: &Options, columns: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let monotone = options.monotone.iter().flat_map(|text| text.split(','));
    let monotone = monotone.map(|item| item.rsplit_once(':').map_or(item, |(name, _)| name));
    let together = options.interactions.iter().flat_map(|text| text.split([',', '|']));
    let named: BTreeSet<&str> =
        monotone.chain(together).map(|name| name.trim().trim_matches('"')).collect();
    columns.filter(|name| named.contains(name.as_str())).cloned().collect()
}

impl Frugal {
    /// Says in the plan what is left out for the limit.
    fn note(&self, plan: &mut Plan) {
        let Some(limit) = self.limit else { return };
        let without = match &self.left_out[..] {
            [] => "all columns keep it".to_owned(),
            some => format!("without {}", some.join(", ")),
        };
        let blind = " (chosen by their costs alone: there was no time to learn which ones matter)";
        let chosen = if self.is_blind { blind } else { "" };
        plan.notes.push(format!("the columns may cost {limit} a row together: {without}{chosen}"));
    }

    /// The account, for a model that reads some columns.
    pub(crate) fn record<'a>(&self, read: impl Iterator<Item = &'a str>) -> FeatureCostRecord {
        let mut before: &[String] = &[];
        let mut steps = Vec::with_capacity(self.path.len());
        for step in &self.path {
            steps.push(FeatureCostStep {
                left_out: step.left_out[before.len().min(step.left_out.len())..].to_vec(),
                cost: step.cost,
                score: step.score,
            });
            before = &step.left_out;
        }
        FeatureCostRecord {
            of_all: self.costs.without(&[]),
            of_model: self.costs.together(read),
            limit: self.limit,
            left_out: self.left_out.clone(),
            path: steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Field, Kind, Storage};

    use super::*;

    fn schema() -> Schema {
        let field = |name: &str| Field::new(name, Storage::Number, Kind::Number);
        Schema { fields: ["a", "b", "c", "y"].map(field).to_vec() }
    }

    fn options(costs: &[(&str, f64)], limit: Option<f64>) -> Options {
        let mut options = Options::new("y");
        options.feature_cost = costs.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        options.max_feature_cost = limit;
        options
    }

    #[test]
    fn columns_that_are_not_named_cost_nothing_or_what_the_star_says() {
        let exclude = ["y".to_owned()];
        let of = |costs: &[(&str, f64)]| Costs::of(&options(costs, None), &schema(), &exclude);
        let some = of(&[("a", 2.0)]).unwrap().unwrap();
        assert_eq!((some.without(&[]), some.costly().collect::<Vec<_>>()), (2.0, vec!["a"]));
        let all = of(&[("a", 2.0), ("*", 0.5)]).unwrap().unwrap();
        assert_eq!(all.without(&[]), 3.0);
        assert_eq!(all.together(["a", "a", "b"].into_iter()), 2.5);
        assert_eq!(all.without(&["a".to_owned()]), 1.0);
        assert!(of(&[]).unwrap().is_none());
    }

    #[test]
    fn a_wrong_name_and_a_limit_that_nothing_keeps_are_refused_with_a_hint() {
        let exclude = ["y".to_owned()];
        let refused = |costs: &[(&str, f64)], limit| {
            Costs::of(&options(costs, limit), &schema(), &exclude).unwrap_err().to_string()
        };
        let error = refused(&[("aa", 1.0)], None);
        assert!(error.contains("--feature-cost") && error.contains("aa"), "{error}");
        let error = refused(&[], Some(1.0));
        assert!(
            error.contains("--max-feature-cost") && error.contains("--feature-cost"),
            "{error}"
        );
        let error = refused(&[("*", 2.0)], Some(1.0));
        assert!(error.contains("at least 2"), "{error}");
        let error = refused(&[("a", 1e308), ("b", 1e308)], None);
        assert!(error.contains("too large"), "{error}");
        let error = refused(&[("y", 1.0)], None);
        assert!(error.contains("target"), "{error}");
        let mut bound = options(&[("a", 3.0)], Some(1.0));
        bound.monotone = Some("a:+1".to_owned());
        let error = Costs::of(&bound, &schema(), &exclude).unwrap_err().to_string();
        assert!(error.contains("constraints") && error.contains("at least 3"), "{error}");
    }
}
