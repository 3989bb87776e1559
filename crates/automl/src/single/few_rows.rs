//! How the trees of a booster grow where rows are few and the user says nothing about it.
//!
//! The learner's own defaults serve tables of every size. Below [`N_ROWS_FEW`] rows to learn from,
//! trees of fewer leaves with random thresholds learn less of what is chance and cost no more
//! (`docs/decisions.md`, "Which trees does `train gbdt` grow on few rows?"). They are those of the
//! portfolio's first booster on small tables.

use modelwright_core::params::ParamMap;
use modelwright_learners::gbdt::Gbdt;
use modelwright_learners::{Entry, Learner};

use crate::portfolio;

/// With fewer rows to learn from, trees with random thresholds were better on three tables of four;
/// with 8,000 about as often as not.
const N_ROWS_FEW: usize = 5_000;

/// The parameters that say what is learned, how fast and for how long. Who names another one says
/// how trees grow, and gets the learner's defaults for the rest.
const NOT_OF_GROWTH: &[&str] = &[
    "n_rounds",
    "learning_rate",
    "early_stopping_rounds",
    "loss",
    "alpha",
    "fair_c",
    "tweedie_variance_power",
    "focal_gamma",
    "class_weight",
    "boost_from_average",
    "base_score",
    "init_score",
    "quantiles",
    "monotone",
    "interactions",
];

/// Names how the trees grow, where the table is small and the user does not; a note that says so.
pub(super) fn name_growth(entry: &Entry, params: &mut ParamMap, n_rows: usize) -> Option<String> {
    let says_nothing = params.keys().all(|name| NOT_OF_GROWTH.contains(&name.as_str()));
    if entry.spec.name != Gbdt::SPEC.name || n_rows >= N_ROWS_FEW || !says_nothing {
        return None;
    }
    let growth = portfolio::growth_of_few_rows();
    let named: Vec<String> = growth.iter().map(|(name, value)| format!("{name}={value}")).collect();
    params.extend(growth);
    Some(format!(
        "{n_rows} rows are fewer than {N_ROWS_FEW}: trees grow with {}; any parameter of growth \
         that is named turns this off",
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use modelwright_core::params::ParamValue;
    use modelwright_learners::learner;

    use super::*;

    fn named(learner_name: &str, given: &[(&str, ParamValue)], n_rows: usize) -> ParamMap {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut params: ParamMap = given.collect();
        let before = params.clone();
        let entry = learner(learner_name).unwrap();
        let note = name_growth(entry, &mut params, n_rows);
        assert_eq!(note.is_some(), params != before, "what is named is told");
        entry.check_params(&params).unwrap();
        params
    }

    #[test]
    fn few_rows_get_the_trees_of_the_portfolios_first_booster() {
        let params = named("gbdt", &[], 2_000);
        assert_eq!(params, portfolio::growth_of_few_rows());
        assert_eq!(params["extra_trees"], ParamValue::Flag(true));
        assert!(named("gbdt", &[], N_ROWS_FEW).is_empty(), "many rows");
        assert!(named("linear", &[], 2_000).is_empty(), "another learner");
    }

    #[test]
    fn who_says_how_trees_grow_gets_what_was_said_and_no_more() {
        let leaves = ("max_leaves", ParamValue::Int(8));
        assert_eq!(named("gbdt", &[leaves], 2_000).len(), 1);
        let weights = ("class_weight", ParamValue::Choice("balanced".to_owned()));
        assert!(named("gbdt", &[weights], 2_000).len() > 1, "no parameter of growth");
    }

    #[test]
    fn what_is_not_of_growth_are_parameters_of_the_booster() {
        let entry = learner(Gbdt::SPEC.name).unwrap();
        for name in NOT_OF_GROWTH {
            assert!(entry.params.iter().any(|p| p.name == *name), "{name}");
        }
    }
}
