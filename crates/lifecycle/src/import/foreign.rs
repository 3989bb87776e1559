//! A booster of another library, as read from its file.

use modelwright_core::{Error, Result};
use modelwright_learners::gbdt::{GbdtModel, Link};
use modelwright_learners::tree::Tree;

/// A booster of another library.
///
/// Trees test f32 values. A library that compares f64 values ([`Self::thresholds`]) decides the
/// same for every value that is an f32; for others, see [`ForeignFeature`].
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignModel {
    /// Who wrote it, e.g. `LightGBM`.
    pub library: &'static str,
    /// The version of its format, as the file says it.
    pub version: String,
    /// What was minimised, in the library's words, e.g. `binary sigmoid:1`.
    pub objective: String,
    /// What a prediction is.
    pub answer: Answer,
    /// How scores become predictions.
    pub link: Link,
    /// Scores before the first tree, one per output.
    pub base_scores: Vec<f64>,
    /// The trees, one number in each leaf; tree `t` adds to output `t % base_scores.len()`.
    pub trees: Vec<Tree>,
    /// How many trees a round has.
    pub trees_per_round: usize,
    /// The thresholds of each tree before they were rounded to f32; empty when the library
    /// compares f32 values itself.
    pub thresholds: Vec<Vec<f64>>,
    /// The features, in order.
    pub features: Vec<ForeignFeature>,
    /// What the user should know: what the file leaves open, or what was dropped.
    pub notes: Vec<String>,
}

/// What a foreign model's prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A number.
    Value,
    /// The probability of the second of two classes.
    Probability,
    /// A number for each of so many classes.
    Classes(usize),
}

/// A feature of a foreign model.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignFeature {
    /// Its name.
    pub name: String,
    /// How the library turns a value of the table into the number that the trees test.
    pub reading: Reading,
    /// Smallest and largest value in training, where the file says so.
    pub range: Option<(f64, f64)>,
    /// Whether the file says that it was a column of true and false.
    pub is_flag: bool,
}

/// How a value of a table becomes a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// The number itself.
    Number {
        /// Whether zero is a missing value.
        zero_is_missing: bool,
    },
    /// A level that is written as its number; a fraction is dropped.
    LevelNumber,
    /// The position of a level in a list.
    Levels(Levels),
}

/// The levels of a categorical feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// Their texts.
    pub names: Vec<String>,
    /// Whether every level is a number.
    pub are_numbers: bool,
    /// Whether a level that is not listed is a missing value (else it is a level of no set).
    pub unlisted_is_missing: bool,
}

impl ForeignFeature {
    /// A number of which nothing more is known.
    pub(crate) fn named(name: String) -> Self {
        let reading = Reading::Number { zero_is_missing: false };
        Self { name, reading, range: None, is_flag: false }
    }

    /// Whether zero is a missing value.
    pub fn zero_is_missing(&self) -> bool {
        self.reading == Reading::Number { zero_is_missing: true }
    }
}

impl ForeignModel {
    /// How many numbers a prediction of one row has.
    pub fn n_outputs(&self) -> usize {
        self.base_scores.len()
    }

    /// The booster over features that are already written as the library would write them.
    ///
    /// # Errors
    /// Input error when the parts do not make a sound booster.
    pub fn booster(&self) -> Result<GbdtModel> {
        let trees = self.trees.clone();
        GbdtModel::from_parts(self.features.len(), self.link, self.base_scores.clone(), trees)
    }

    /// How many rounds it has.
    pub fn n_rounds(&self) -> usize {
        self.trees.len() / self.trees_per_round
    }

    /// Gives features the names that a table's columns have, where a file could not keep them:
    /// LightGBM's Python package writes blanks as `_`.
    pub fn restore_names<'a>(&mut self, columns: &(impl Iterator<Item = &'a str> + Clone)) {
        let written = |column: &str| column.replace(char::is_whitespace, "_");
        for feature in &mut self.features {
            let is_there = columns.clone().any(|column| column == feature.name);
            let near = columns.clone().find(|column| written(column) == feature.name);
            if let (false, Some(column)) = (is_there, near) {
                column.clone_into(&mut feature.name);
            }
        }
    }

    /// Leaves out all but the first rounds.
    ///
    /// # Errors
    /// Input error when there are not so many, or the trees are no whole rounds.
    pub(crate) fn keep_rounds(&mut self, rounds: Option<usize>) -> Result<()> {
        let Some(rounds) = rounds else { return Ok(()) };
        if rounds == 0 || rounds > self.n_rounds() {
            return Err(Error::input("the model does not have so many rounds")
                .at("--rounds")
                .expected(format!("1 to {}", self.n_rounds()))
                .got(rounds.to_string()));
        }
        self.trees.truncate(rounds * self.trees_per_round);
        self.thresholds.truncate(rounds * self.trees_per_round);
        Ok(())
    }

    /// Multiplies all that the trees add by `factor`.
    pub(crate) fn scale_trees(&mut self, factor: f64) {
        for tree in &mut self.trees {
            scale_tree(tree, factor);
        }
    }

    /// Proves that the parts fit together.
    ///
    /// # Errors
    /// Input error that names the tree and says what is broken.
    pub(crate) fn check(&self) -> Result<()> {
        for (t, tree) in self.trees.iter().enumerate() {
            tree.validate(self.features.len(), 1).map_err(|e| {
                Error::input(format!("the {} model is broken", self.library))
                    .at(format!("tree {t}"))
                    .expected("a tree over the model's features, with finite numbers in its leaves")
                    .got(e.what())
                    .hint("save the model again, or copy the file again")
            })?;
        }
        Ok(())
    }
}

/// Multiplies all that a tree adds by `factor`.
pub(crate) fn scale_tree(tree: &mut Tree, factor: f64) {
    if factor == 1.0 {
        return;
    }
    for value in &mut tree.values {
        *value *= factor;
    }
    for leaf in &mut tree.linear {
        leaf.constant *= factor;
        for (_, coefficient) in &mut leaf.terms {
            *coefficient *= factor;
        }
    }
}
