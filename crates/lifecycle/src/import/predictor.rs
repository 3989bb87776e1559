//! A foreign model as a predictor: raw rows in, predictions out, like one that was fitted here.
//!
//! The encoder does what the library does to a table before its trees see it: it numbers the
//! categories by the model's own list, drops fractions of levels, takes zeros as missing where
//! the model does, and keeps every f64 on its side of every threshold (`cut_number`).

use std::sync::Arc;

use modelwright_automl::{Predictor, SinglePredictor};
use modelwright_core::data::{Field, Kind, Schema, Storage};
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::Fitted;
use modelwright_learners::gbdt::{Gbdt, GbdtModel, Link};
use modelwright_learners::tree::Tree;
use modelwright_preprocess::encode::{ColumnEncoding, FittedEncoder};
use modelwright_preprocess::transform::FittedTransformer;
use modelwright_preprocess::transform::category_position::{
    CategoryPosition, FittedCategoryPosition,
};
use modelwright_preprocess::transform::cut_number::{CutNumber, FittedCutNumber};
use modelwright_preprocess::transform::number::{FittedNumber, Number};

use super::foreign::{Answer, ForeignFeature, ForeignModel, Levels, Reading, scale_tree};

/// LightGBM's threshold between 0 and 1 of a column that has no other values.
const ABOVE_ZERO: f64 = 1.1e-35;

/// What a model file does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The column that the model predicts.
    pub target: String,
    /// The labels of the classes, in the order of their numbers; `None` names them `0`, `1`, ….
    pub classes: Option<Vec<String>>,
}

impl ForeignModel {
    /// The task that the model answers.
    pub fn task(&self) -> Task {
        match self.answer {
            Answer::Value => Task::Regression,
            Answer::Probability | Answer::Classes(2) => Task::Binary,
            Answer::Classes(_) => Task::Multiclass,
        }
    }

    /// The model as a predictor.
    ///
    /// # Errors
    /// Input error when the number of classes does not fit, or a feature has the target's name.
    pub fn into_predictor(mut self, naming: &Naming) -> Result<Predictor> {
        let classes = self.classes(naming)?;
        if self.answer == Answer::Classes(2) && self.link == Link::LogisticEach {
            return Err(Error::input("one class against the rest needs three classes or more")
                .got(format!("2 classes with objective `{}`", self.objective))
                .hint("train with objective binary"));
        }
        if self.features.iter().any(|feature| feature.name == naming.target) {
            return Err(Error::input("a feature has the name of the target")
                .at("--target")
                .column(&naming.target)
                .hint("give the target another name with --target"));
        }
        self.join_two_classes();
        let are_flags = self.are_flags();
        let cuts = self.cuts();
        self.round_thresholds(&cuts);
        let is_used = self.used_features();
        let columns = self.features.iter().zip(cuts).zip(is_used);
        let columns: Vec<ColumnEncoding> = columns
            .map(|((feature, cuts), is_used)| encoding(feature, cuts, !is_used))
            .collect::<Result<_>>()?;
        let schema = self.schema(&columns, &are_flags);
        let encoder = FittedEncoder::of_columns("imported", columns)?;
        let task = self.task();
        let (n, link) = (self.features.len(), self.link);
        let booster = GbdtModel::from_parts(n, link, self.base_scores, self.trees)?;
        let model = Fitted::of::<Gbdt>(booster);
        let target = naming.target.clone();
        Predictor::of_one(SinglePredictor { schema, task, target, classes, encoder, model })
    }

    fn classes(&self, naming: &Naming) -> Result<Vec<String>> {
        let n = match self.answer {
            Answer::Value => 0,
            Answer::Probability => 2,
            Answer::Classes(n) => n,
        };
        let Some(classes) = &naming.classes else {
            return Ok((0..n).map(|class| class.to_string()).collect());
        };
        let distinct: std::collections::BTreeSet<&String> = classes.iter().collect();
        if classes.len() == n && distinct.len() == n {
            return Ok(classes.clone());
        }
        let expected = match n {
            0 => "no classes: the model predicts a number".to_owned(),
            n => format!("{n} different labels, in the order of their numbers in training"),
        };
        Err(Error::input("the labels do not fit the model")
            .at("--classes")
            .expected(expected)
            .got(classes.join(",")))
    }

    /// Two outputs of a softmax are one of a logistic function: the difference of the scores.
    fn join_two_classes(&mut self) {
        if self.answer != Answer::Classes(2) || self.link != Link::Softmax {
            return;
        }
        for tree in self.trees.iter_mut().step_by(2) {
            scale_tree(tree, -1.0);
        }
        self.base_scores = vec![self.base_scores[1] - self.base_scores[0]];
        self.link = Link::Logistic;
    }

    /// What writes each feature that is compared in f64, with its thresholds.
    fn cuts(&self) -> Vec<Option<FittedCutNumber>> {
        let mut thresholds = vec![Vec::new(); self.features.len()];
        for (tree, exact) in self.trees.iter().zip(&self.thresholds) {
            for node in number_nodes(tree) {
                thresholds[tree.features[node] as usize].push(exact[node]);
            }
        }
        let is_exact = !self.thresholds.is_empty();
        let cut = |(cuts, feature): (Vec<f64>, &ForeignFeature)| match feature.reading {
            Reading::Number { zero_is_missing } if is_exact => {
                Some(FittedCutNumber::new(cuts, zero_is_missing, false))
            }
            Reading::LevelNumber => Some(FittedCutNumber::new(Vec::new(), false, true)),
            _ => None,
        };
        thresholds.into_iter().zip(&self.features).map(cut).collect()
    }

    /// Replaces the thresholds by the images that the encoder keeps values beside.
    fn round_thresholds(&mut self, cuts: &[Option<FittedCutNumber>]) {
        for (tree, exact) in self.trees.iter_mut().zip(&self.thresholds) {
            let nodes: Vec<usize> = number_nodes(tree).collect();
            for node in nodes {
                if let Some(cuts) = &cuts[tree.features[node] as usize] {
                    tree.thresholds[node] = cuts.image(exact[node]);
                }
            }
        }
    }

    /// Whether a tree needs each feature.
    pub(crate) fn used_features(&self) -> Vec<bool> {
        let mut is_used = vec![false; self.features.len()];
        for tree in &self.trees {
            let in_leaves = tree.linear.iter().flat_map(|leaf| leaf.terms.iter().map(|(f, _)| f));
            for feature in tree.features.iter().chain(in_leaves) {
                is_used[*feature as usize] = true;
            }
        }
        is_used
    }

    /// Whether each feature was a column of true and false, or may have been: LightGBM knows both
    /// as 0 and 1. Such a column is still read where it has numbers, but may also say `true`.
    fn are_flags(&self) -> Vec<bool> {
        let may_be = |feature: &ForeignFeature| {
            matches!(feature.reading, Reading::Number { .. })
                && (feature.is_flag || feature.range == Some((0.0, 1.0)))
        };
        let mut are_flags: Vec<bool> = self.features.iter().map(may_be).collect();
        for (tree, exact) in self.trees.iter().zip(&self.thresholds) {
            for node in number_nodes(tree).filter(|node| exact[*node].abs() > ABOVE_ZERO) {
                are_flags[tree.features[node] as usize] = false;
            }
        }
        are_flags
    }

    fn schema(&self, columns: &[ColumnEncoding], are_flags: &[bool]) -> Schema {
        let field = |((feature, column), is_flag): ((&ForeignFeature, &ColumnEncoding), &bool)| {
            let storage = match &feature.reading {
                Reading::Levels(Levels { are_numbers: false, .. }) => Storage::String,
                _ => Storage::Number,
            };
            let kind = if *is_flag { Kind::Boolean } else { column.kind };
            Field { optional: column.optional, ..Field::new(&feature.name, storage, kind) }
        };
        Schema { fields: self.features.iter().zip(columns).zip(are_flags).map(field).collect() }
    }
}

/// The nodes of a tree that compare with a threshold.
fn number_nodes(tree: &Tree) -> impl Iterator<Item = usize> {
    let is_set =
        |node: usize| tree.sets.binary_search_by_key(&(node as u32), |set| set.node).is_ok();
    (0..tree.features.len()).filter(move |node| !is_set(*node))
}

fn encoding(
    feature: &ForeignFeature,
    cuts: Option<FittedCutNumber>,
    optional: bool,
) -> Result<ColumnEncoding> {
    let (kind, transformer) = match (&feature.reading, cuts) {
        (Reading::Levels(levels), _) => {
            let texts = levels.names.iter().map(|name| Arc::from(name.as_str())).collect();
            let fitted = FittedCategoryPosition::new(texts, levels.unlisted_is_missing)
                .map_err(|e| e.column(&feature.name))?;
            let kind = if levels.are_numbers { Kind::IntegerCategory } else { Kind::Category };
            (kind, FittedTransformer::of::<CategoryPosition>(fitted))
        }
        (_, Some(cuts)) => (Kind::Number, FittedTransformer::of::<CutNumber>(cuts)),
        (_, None) => (Kind::Number, FittedTransformer::of::<Number>(FittedNumber::default())),
    };
    Ok(ColumnEncoding { name: feature.name.clone(), kind, optional, transformer })
}
