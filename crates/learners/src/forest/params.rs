//! The parameters, in scikit-learn's words, and the settings that growing reads.

use modelwright_core::declare_params;
use modelwright_core::params::{Domain, Portion};
use modelwright_core::task::Task;

/// How many features a node looks at, by name; a share or a count will do as well.
const MAX_FEATURES: &[&str] = &["auto", "sqrt", "log2", "third", "half", "all"];

/// Up to here leaves of a single row are affordable.
const FEW_ROWS: usize = 20_000;

/// Declares the parameters of a forest, and what growing makes of them.
macro_rules! forest_params {
    (
        $(#[$meta:meta])*
        pub struct $name:ident, random stream $stream:literal;
        #[doc = $max_features:literal]
        max_features: auto = $of_numbers:literal for numbers;
        bootstrap: $bootstrap:literal;
        random_cuts: $random_cuts:literal;
    ) => {
        declare_params! {
            $(#[$meta])*
            pub struct $name {
                /// How many trees are grown.
                n_trees: usize = 100_usize, Domain::int(1, 10_000);
                #[doc = $max_features]
                max_features: String = "auto", Domain::Portion(MAX_FEATURES);
                /// The most splits between root and leaf; 0 is without limit.
                max_depth: usize = 0_usize, Domain::int(0, 1000);
                /// The most leaves of a tree; 0 is without limit.
                max_leaves: usize = 15_000_usize, Domain::int(0, 10_000_000);
                /// The fewest rows of a node that is split.
                min_samples_split: usize = 2_usize, Domain::int(2, 1_000_000);
                /// The fewest rows of a leaf; 0 is 1, and 3 for numbers of more than 20,000 rows.
                min_samples_leaf: usize = 0_usize, Domain::int(0, 1_000_000);
                /// Whether each tree draws rows with replacement.
                bootstrap: bool = $bootstrap, Domain::Flag;
                /// How many rows each tree draws with `bootstrap`, as a part of all rows.
                max_samples: f64 = 1.0, Domain::real(0.001, 1.0);
                /// Whether leaves are drawn to the nodes above as far as out-of-bag rows ask for.
                hierarchical_shrinkage: bool = true, Domain::Flag;
            }
        }

        impl $name {
            /// The settings of growing.
            pub(super) fn settings(&self) -> Settings {
                Settings {
                    name: $stream,
                    n_trees: self.n_trees,
                    max_features: self.max_features.clone(),
                    features_of_numbers: $of_numbers,
                    max_depth: or_no_limit(self.max_depth),
                    max_leaves: or_no_limit(self.max_leaves),
                    min_samples_split: self.min_samples_split,
                    min_samples_leaf: self.min_samples_leaf,
                    bootstrap: self.bootstrap,
                    max_samples: self.max_samples,
                    shrink: self.hierarchical_shrinkage,
                    random_cuts: $random_cuts,
                }
            }
        }
    };
}

forest_params! {
    /// Parameters of the random forest.
    pub struct RandomForestParams, random stream "random forest";
    /// How many features a node looks at; `auto` is `sqrt` for classes, `third` for numbers.
    max_features: auto = "third" for numbers;
    bootstrap: true;
    random_cuts: false;
}

forest_params! {
    /// Parameters of extra trees.
    pub struct ExtraTreesParams, random stream "extra trees";
    /// How many features a node looks at; `auto` is `sqrt` for classes, `all` for numbers.
    max_features: auto = "all" for numbers;
    bootstrap: false;
    random_cuts: true;
}

/// What growing reads.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The stream of random numbers.
    pub(super) name: &'static str,
    pub(super) n_trees: usize,
    max_features: String,
    /// What `auto` means for a numeric target.
    features_of_numbers: &'static str,
    pub(super) max_depth: usize,
    pub(super) max_leaves: usize,
    pub(super) min_samples_split: usize,
    min_samples_leaf: usize,
    pub(super) bootstrap: bool,
    pub(super) max_samples: f64,
    pub(super) random_cuts: bool,
    /// Whether leaves are shrunk, where rows out of the bag can say how far.
    pub(super) shrink: bool,
}

fn or_no_limit(value: usize) -> usize {
    if value == 0 { usize::MAX } else { value }
}

impl Settings {
    /// How many features a node looks at.
    pub(super) fn features_per_node(&self, task: Task, n_features: usize) -> usize {
        let rule = match (self.max_features.as_str(), task) {
            ("auto", Task::Regression) => self.features_of_numbers,
            ("auto", _) => "sqrt",
            (rule, _) => rule,
        };
        let n = n_features as f64;
        let wanted = match rule {
            "sqrt" => n.sqrt(),
            "log2" => n.log2(),
            "third" => n / 3.0,
            "half" => n / 2.0,
            other => Portion::parse(other).map_or(n, |part| part.of(n_features)),
        };
        (wanted.round() as usize).clamp(1, n_features.max(1))
    }

    /// The fewest rows of a leaf: where numbers have many rows, a third of the leaves does.
    pub(super) fn min_leaf(&self, task: Task, n_rows: usize) -> usize {
        match (self.min_samples_leaf, task) {
            (0, Task::Regression) if n_rows > FEW_ROWS => 3,
            (0, _) => 1,
            (n, _) => n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_features_follow_forest_and_task() {
        let (forest, extra) =
            (RandomForestParams::default().settings(), ExtraTreesParams::default().settings());
        assert_eq!(forest.features_per_node(Task::Binary, 100), 10);
        assert_eq!(forest.features_per_node(Task::Regression, 9), 3);
        assert_eq!(extra.features_per_node(Task::Regression, 9), 9);
        assert_eq!(extra.features_per_node(Task::Multiclass, 1), 1);
    }

    #[test]
    fn features_are_a_share_or_a_count_too() {
        let of = |text: &str| {
            let params = RandomForestParams { max_features: text.to_owned(), ..Default::default() };
            params.settings().features_per_node(Task::Binary, 9)
        };
        let wanted = [("0.8", 7), ("1.0", 9), ("1", 1), ("3", 3), ("20", 9), ("0.001", 1)];
        assert!(wanted.iter().all(|(text, n)| of(text) == *n), "{:?}", wanted.map(|(t, _)| of(t)));
    }
}
