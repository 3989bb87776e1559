//! Init scores that are columns of the table: margins that rows start from.
//!
//! The parameter `init_score` names a feature for each output. It is no feature to split on: the
//! score of a row begins with its value in place of the best constant, and trees learn what is
//! left. The model keeps it as a linear term (of coefficient 1) in every leaf of its first trees,
//! so that whoever predicts adds it without knowing of it; a row whose value is missing starts
//! from 0.
//!
//! Scores that are no column are given through [`super::FitOptions::init_scores`], and are no part
//! of the model.

use modelwright_core::data::{FeatureColumn, TrainView};
use modelwright_core::{Error, Result};

use super::options::FitOptions;
use super::params::GbdtParams;
use crate::tree::{Constraints, LinearLeaf, TrainBins, Tree, named_features};

/// The parameter.
const PARAM: &str = "init_score";

/// The features that rows start from, one per output; none for most models.
#[derive(Debug, Default)]
pub(super) struct InitScores {
    features: Vec<usize>,
    /// Whether a model that is continued has them already.
    are_in_model: bool,
}

impl InitScores {
    /// Reads the parameter.
    ///
    /// # Errors
    /// Input error when the features are not those of a table, do not fit the outputs or another
    /// parameter, or a row has no number.
    pub(super) fn read(
        train: &TrainView<'_>,
        params: &GbdtParams,
        options: &FitOptions<'_>,
        n_outputs: usize,
    ) -> Result<Self> {
        let columns = &train.features.columns;
        let features = named_features(PARAM, &params.init_score, columns)?;
        if features.is_empty() {
            return Ok(Self::default());
        }
        check_params(train, params, options)?;
        check_directions(train, params, &features)?;
        if features.len() != n_outputs {
            return Err(wrong("the init scores do not fit the target")
                .expected(match n_outputs {
                    1 => "one column".to_owned(),
                    n => format!("{n} columns, one for each class in their order"),
                })
                .got(format!("{} columns", features.len())));
        }
        for feature in &features {
            check_column(&columns[*feature], train)?;
        }
        if let Some(model) = options.warm_start {
            must_be_in(&model.trees, &features)?;
        }
        Ok(Self { features, are_in_model: options.warm_start.is_some() })
    }

    /// Whether there are some.
    pub(super) fn are_there(&self) -> bool {
        !self.features.is_empty()
    }

    /// The scores of all rows of the table, row-major, that a fit starts from.
    pub(super) fn scores(&self, train: &TrainView<'_>) -> Option<Vec<f64>> {
        if self.features.is_empty() || self.are_in_model {
            return None;
        }
        let columns: Vec<&[f32]> =
            self.features.iter().map(|f| &train.features.columns[*f].values[..]).collect();
        let rows = 0..train.features.n_rows;
        Some(rows.flat_map(|row| columns.iter().map(move |c| f64::from(c[row]))).collect())
    }

    /// Takes the features away from what a tree may split on.
    pub(super) fn forbid(&self, bins: &TrainBins<'_>, allowed: &mut [bool]) {
        if self.features.is_empty() {
            return;
        }
        for (allowed, feature) in allowed.iter_mut().zip(&bins.features) {
            *allowed &= !self.features.contains(&(feature.index as usize));
        }
    }

    /// Makes them a part of the model's trees; where there are none, constant ones carry them.
    pub(super) fn join(&self, trees: &mut Vec<Tree>, n_rows: usize) {
        if self.are_in_model {
            return;
        }
        if trees.is_empty() {
            trees.extend(self.features.iter().map(|_| Tree::constant(0.0, n_rows as f32)));
        }
        for (tree, feature) in trees.iter_mut().zip(&self.features) {
            let leaf =
                |value: &f64| LinearLeaf { constant: *value, terms: vec![(*feature as u32, 1.0)] };
            tree.linear = tree.values.iter().map(leaf).collect();
        }
    }
}

/// Refuses features that scores must fall with: they rise with what they start from.
fn check_directions(train: &TrainView<'_>, params: &GbdtParams, features: &[usize]) -> Result<()> {
    let constraints = Constraints::parse(&params.monotone, "", train.features)?;
    match features.iter().find(|feature| constraints.direction(**feature) < 0) {
        None => Ok(()),
        Some(feature) => {
            Err(wrong(&format!("`{PARAM}` does not go with a direction of the same column"))
                .column(&*train.features.columns[*feature].source)
                .expected("none, since scores rise with it"))
        }
    }
}

/// Refuses parameters whose trees have no place for the term.
fn check_params(
    train: &TrainView<'_>,
    params: &GbdtParams,
    options: &FitOptions<'_>,
) -> Result<()> {
    let beside = |what: &str, expected: &str| {
        Err(wrong(&format!("`{PARAM}` does not go with {what}")).expected(expected))
    };
    if options.init_scores.is_some() {
        return beside("other init scores", "one of them");
    }
    if params.linear_tree {
        return beside("linear leaves", "linear_tree = false");
    }
    if params.tree_outputs == "all" {
        return beside("trees of several outputs", "tree_outputs = one");
    }
    if !train.features.has_values() {
        return beside("features whose values are not in memory", "rows that fit in memory");
    }
    Ok(())
}

/// Makes sure that a model that is continued starts from the same features.
fn must_be_in(trees: &[Tree], features: &[usize]) -> Result<()> {
    let starts_from = |(tree, feature): (&Tree, &usize)| {
        let is_term = |leaf: &LinearLeaf| leaf.terms == [(*feature as u32, 1.0)];
        tree.linear.first().is_some_and(is_term)
    };
    if trees.len() >= features.len() && trees.iter().zip(features).all(starts_from) {
        return Ok(());
    }
    Err(wrong("the model to continue does not start from this column")
        .expected("the columns that it was fitted with, or none where it had none"))
}

/// Refuses what is no number, or is missing where it is needed.
fn check_column(column: &FeatureColumn, train: &TrainView<'_>) -> Result<()> {
    if column.is_category {
        return Err(wrong("an init score is a category")
            .column(&*column.source)
            .expected("a column of numbers")
            .hint(format!("say that it is one: --kind {}=number", column.source)));
    }
    let mut rows = train.rows.iter().chain(train.validation);
    match rows.find(|row| !column.values[**row as usize].is_finite()) {
        None => Ok(()),
        Some(row) => Err(wrong("a row has no init score")
            .column(&*column.source)
            .row(u64::from(*row) + 1)
            .expected("a number in every row to learn from")
            .hint("fill it in (0 is no margin), or leave the row out")),
    }
}

fn wrong(what: &str) -> Error {
    Error::input(what).at(PARAM)
}
