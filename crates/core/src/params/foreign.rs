//! Names that other libraries give to parameters, so that a user who types one is told ours.
//!
//! Only a hint is made from them: no alias is accepted, so that one thing keeps one name.

/// Names of scikit-learn, LightGBM, XGBoost and CatBoost, and what may be meant, best first.
const FOREIGN: &[(&[&str], &[&str])] = &[
    (
        &[
            "n_estimators",
            "num_iterations",
            "num_boost_round",
            "num_round",
            "num_trees",
            "iterations",
            "max_iter",
            "epochs",
            "n_rounds",
            "n_trees",
        ],
        &["n_rounds", "n_trees", "max_iterations", "n_epochs"],
    ),
    (&["eta", "shrinkage_rate", "learning_rate_init", "lr"], &["learning_rate"]),
    (&["num_leaves", "max_leaf_nodes", "max_leaf"], &["max_leaves"]),
    (&["depth"], &["max_depth"]),
    (&["min_data_in_leaf", "min_child_samples", "min_samples"], &["min_samples_leaf"]),
    (&["min_sum_hessian_in_leaf"], &["min_child_weight"]),
    (&["lambda_l1", "reg_alpha"], &["l1", "l1_ratio"]),
    (&["lambda_l2", "reg_lambda", "l2_leaf_reg", "lambda"], &["l2", "path_start"]),
    (&["alpha", "C", "penalty"], &["path_start", "l2"]),
    (&["min_gain_to_split", "gamma", "min_impurity_decrease"], &["min_split_gain"]),
    (
        &["colsample_bytree", "max_features", "rsm", "sub_feature", "feature_fraction"],
        &["feature_fraction", "feature_fraction_bynode", "max_features"],
    ),
    (&["colsample_bynode"], &["feature_fraction_bynode"]),
    (
        &["subsample", "bagging", "sub_row", "max_samples", "bagging_fraction"],
        &["bagging_fraction", "max_samples"],
    ),
    (&["early_stopping_round", "n_iter_no_change", "od_wait"], &["early_stopping_rounds"]),
    (&["objective", "criterion", "loss_function", "application"], &["loss"]),
    (&["extra_tree"], &["extra_trees"]),
    (&["n_neighbours", "k"], &["n_neighbors"]),
    (&["tol"], &["tolerance"]),
];

/// Names of other libraries for what cannot be chosen here, and why.
const ABSENT: &[(&[&str], &str)] = &[(
    &["max_bin", "max_bins", "border_count"],
    "numbers are cut into at most 254 bins, which all learners of a run share and cannot choose",
)];

/// Why there is nothing to choose where another library has the parameter `name`.
pub(super) fn why_absent(name: &str) -> Option<&'static str> {
    let is_it = |(foreign, _): &&(&[&str], &str)| foreign.contains(&name);
    ABSENT.iter().find(is_it).map(|(_, why)| *why)
}

/// What a foreign `name` is called here, among the `known` names.
pub(super) fn our_name<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let meant = FOREIGN
        .iter()
        .filter(|(foreign, _)| foreign.iter().any(|f| f.eq_ignore_ascii_case(name)))
        .flat_map(|(_, ours)| ours.iter());
    meant.filter_map(|ours| known.iter().find(|k| *k == ours)).copied().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_is_translated_where_the_learner_has_such_a_parameter() {
        assert_eq!(our_name("n_estimators", &["n_rounds", "l2"]), Some("n_rounds"));
        assert_eq!(our_name("n_estimators", &["n_trees"]), Some("n_trees"));
        assert_eq!(our_name("n_estimators", &["statistic"]), None);
        assert_eq!(our_name("c", &["path_start"]), Some("path_start"));
        assert_eq!(our_name("colour", &["path_start"]), None);
    }

    #[test]
    fn what_cannot_be_chosen_is_refused_with_the_reason() {
        assert!(why_absent("max_bin").unwrap().contains("254 bins"));
        assert_eq!(why_absent("max_leaves"), None);
    }

    #[test]
    fn no_foreign_name_stands_in_two_lines() {
        let mut all: Vec<&str> = FOREIGN.iter().flat_map(|(f, _)| f.iter().copied()).collect();
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n);
    }
}
