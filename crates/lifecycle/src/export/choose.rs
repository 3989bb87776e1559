//! Which booster of a predictor is exported.
//!
//! Other formats hold one booster. A predictor that is one booster is exported whole, its
//! calibration folded into the trees where that is a line of log-odds (temperature, Platt). Models
//! that are averaged become one booster where that is exact: averages of scores, not of
//! probabilities. Anything else must be chosen by the user, and then is that member's opinion, not
//! the ensemble's.

use std::any::Any;

use modelwright_automl::{Calibrator, MemberView, Predictor};
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::Fitted;
use modelwright_learners::forest::ForestModel;
use modelwright_learners::gbdt::{GbdtModel, Link};
use modelwright_learners::tree::Tree;
use modelwright_preprocess::FittedEncoder;

use crate::import::scale_tree;

/// A booster on its way out: one number in each leaf.
pub struct ExportModel<'a> {
    /// What is predicted.
    pub task: Task,
    /// Labels in class order.
    pub classes: &'a [String],
    /// What writes the features.
    pub encoder: &'a FittedEncoder,
    /// How scores become predictions.
    pub link: Link,
    /// Scores before the first tree.
    pub base_scores: Vec<f64>,
    /// Tree `t` adds to output `t % base_scores.len()`.
    pub trees: Vec<Tree>,
    /// The largest level of each feature whose numbers are levels, where it is known.
    pub largest_levels: Vec<Option<u32>>,
    /// What the user should know of the choice.
    pub notes: Vec<String>,
}

/// The member that the user wants, counted from 1, and which of its averaged models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberChoice {
    /// The member, from 1.
    pub member: usize,
    /// The model, from 1; `None` is the average, where it is one booster.
    pub model: Option<usize>,
}

/// The booster to export.
///
/// # Errors
/// Input error with the members to choose from when the predictor is not one booster, and when a
/// member is not a booster.
pub fn choose(predictor: &Predictor, choice: Option<MemberChoice>) -> Result<ExportModel<'_>> {
    let members: Vec<MemberView<'_>> = predictor.member_views().collect();
    let mut notes = Vec::new();
    let member = match (choice, members.as_slice()) {
        (None, [only]) => *only,
        (None, _) => return Err(several(&members)),
        (Some(choice), _) => *(choice.member.checked_sub(1).and_then(|i| members.get(i)))
            .ok_or_else(|| {
                Error::input("the model has no such member")
                    .at("--member")
                    .expected(listing(&members))
                    .got(choice.member.to_string())
            })?,
    };
    let models = match choice.and_then(|c| c.model) {
        None => member.models,
        Some(number) => {
            number.checked_sub(1).and_then(|i| member.models.get(i..=i)).ok_or_else(|| {
                Error::input("the member has no such model")
                    .at("--member")
                    .expected(format!("a model from 1 to {}", member.models.len()))
                    .got(number.to_string())
            })?
        }
    };
    let is_part = members.len() > 1 || models.len() < member.models.len();
    if is_part {
        notes.push(format!(
            "this is one part of the model (of {}): its predictions differ from the whole model's",
            listing(&members)
        ));
    }
    let sums: Vec<Sum<'_>> = models.iter().map(sum_of_trees).collect::<Result<_>>()?;
    if member.encoder.n_sparse() > 0 {
        return Err(Error::input(
            "the member reads sparse columns (texts or levels), which have no place in the format",
        ));
    }
    let mut export = average(predictor, member.encoder, &sums)?;
    if export.link == Link::Identity && predictor.task != Task::Regression {
        notes.push("the prediction is the probability, as the value of a regression".to_owned());
    }
    let is_log_odds = matches!(export.link, Link::Logistic | Link::Softmax);
    match predictor.calibrator() {
        Calibrator::None => {}
        Calibrator::Temperature(t) if !is_part && is_log_odds => export.divide_scores(*t),
        Calibrator::Platt { slope, intercept } if !is_part && is_log_odds => {
            export.divide_scores(1.0 / slope);
            export.base_scores.iter_mut().for_each(|score| *score += intercept);
        }
        _ => notes.push(
            "the model's calibration is left out: probabilities in the file are those before it"
                .to_owned(),
        ),
    }
    export.notes = notes;
    Ok(export)
}

/// A model that is a sum of trees.
struct Sum<'a> {
    link: Link,
    base_scores: Vec<f64>,
    trees: &'a [Tree],
    /// What each tree is multiplied with.
    share: f64,
}

fn sum_of_trees(fitted: &Fitted) -> Result<Sum<'_>> {
    let any: &dyn Any = fitted.model.as_ref();
    if let Some(booster) = any.downcast_ref::<GbdtModel>() {
        return Ok(Sum {
            link: booster.link(),
            base_scores: booster.base_scores().to_vec(),
            trees: booster.trees(),
            share: 1.0,
        });
    }
    // The mean of a forest is a sum too; of several classes it would still have to be normalised.
    match any.downcast_ref::<ForestModel>() {
        Some(forest) if forest.n_outputs() == 1 => Ok(Sum {
            link: Link::Identity,
            base_scores: vec![0.0],
            trees: forest.trees(),
            share: 1.0 / forest.trees().len() as f64,
        }),
        _ => Err(Error::input("the member is no sum of trees that the format could hold")
            .expected("a booster, or a forest of one output")
            .got(fitted.learner)
            .hint("choose another with --member")),
    }
}

fn several(members: &[MemberView<'_>]) -> Error {
    Error::input("the model is an ensemble, and the format holds one booster")
        .expected("a model of one booster, or the member to export")
        .got(listing(members))
        .hint("choose one with --member N; the whole is to be had with predict and serve only")
}

/// `1: gbdt (weight 0.6), 2: linear (weight 0.4)`.
fn listing(members: &[MemberView<'_>]) -> String {
    let one = |(i, m): (usize, &MemberView<'_>)| {
        let models = match m.models.len() {
            1 => String::new(),
            n => format!(" × {n} folds"),
        };
        format!("{}: {}{models} (weight {:.2})", i + 1, m.models[0].learner, m.weight)
    };
    members.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}

/// The average of boosters as one.
fn average<'a>(
    predictor: &'a Predictor,
    encoder: &'a FittedEncoder,
    sums: &[Sum<'_>],
) -> Result<ExportModel<'a>> {
    let link = sums[0].link;
    if sums.len() > 1 && link != Link::Identity {
        return Err(Error::input("the member averages the probabilities of several boosters")
            .expected("one booster: the average of probabilities is not one")
            .got(format!("{} boosters, one per fold", sums.len()))
            .hint("choose one of them, e.g. --member 1.2 for the second model of member 1"));
    }
    let n_outputs = sums[0].base_scores.len();
    let share = 1.0 / sums.len() as f64;
    let mut base_scores = vec![0.0; n_outputs];
    let mut trees = Vec::new();
    for sum in sums {
        for (total, base) in base_scores.iter_mut().zip(&sum.base_scores) {
            *total += base * share;
        }
        for tree in sum.trees {
            for mut tree in single_outputs(tree, n_outputs) {
                scale_tree(&mut tree, sum.share * share);
                trees.push(tree);
            }
        }
    }
    Ok(ExportModel {
        task: predictor.task,
        classes: &predictor.classes,
        largest_levels: encoder.largest_levels(),
        encoder,
        link,
        base_scores,
        trees,
        notes: Vec::new(),
    })
}

/// A tree with several numbers in each leaf as one tree per output.
fn single_outputs(tree: &Tree, n_outputs: usize) -> Vec<Tree> {
    if tree.width() == 1 {
        return vec![tree.clone()];
    }
    let of_output = |k: usize| Tree {
        values: tree.values.iter().skip(k).step_by(n_outputs).copied().collect(),
        ..tree.clone()
    };
    (0..n_outputs).map(of_output).collect()
}

impl ExportModel<'_> {
    /// How many numbers a prediction has.
    pub fn n_outputs(&self) -> usize {
        self.base_scores.len()
    }

    /// The features' names in the file: LightGBM and XGBoost do not allow every character.
    pub fn feature_names(&self) -> Vec<String> {
        let ours = self.encoder.feature_names();
        super::names::allowed(ours.iter().map(|name| &**name))
    }

    /// Which features are tested for levels.
    pub(super) fn level_features(&self) -> Vec<bool> {
        let mut found = vec![false; self.largest_levels.len()];
        for tree in &self.trees {
            for set in &tree.sets {
                found[tree.features[set.node as usize] as usize] = true;
            }
        }
        found
    }

    /// Divides all scores: what a temperature does to log-odds.
    fn divide_scores(&mut self, temperature: f64) {
        if temperature == 1.0 {
            return;
        }
        self.base_scores.iter_mut().for_each(|score| *score /= temperature);
        self.trees.iter_mut().for_each(|tree| scale_tree(tree, 1.0 / temperature));
    }
}

/// The error of something that a format cannot say.
pub(super) fn refuse(what: &str, library: &str) -> Error {
    Error::input(format!("{library} has no {what}"))
        .at("--format")
        .hint("use predict or serve with the model itself")
}
