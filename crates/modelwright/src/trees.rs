//! Trees of a saved model, as text, JSON or a picture: the tree flags of `inspect`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use modelwright::Model;
use modelwright::inspect::explain::{TreePlot, tree_svg};
use modelwright::learners::tree::describe::{Node, nodes, text};
use modelwright_automl::trees::TreeMember;
use modelwright_core::{Error, Result};
use serde::Serialize;

use crate::output;
use crate::session::Session;

/// Which trees to show, and how.
#[derive(Debug, Args)]
pub(crate) struct TreeFlags {
    /// Print this many trees, from `--tree` on
    #[arg(long, value_name = "N", help_heading = "Trees")]
    trees: Option<usize>,
    /// Draw a tree as SVG
    #[arg(long, value_name = "FILE", help_heading = "Trees")]
    tree_plot: Option<PathBuf>,
    /// The first tree to print, or the one to draw [default: 1]
    #[arg(long, value_name = "N", help_heading = "Trees")]
    tree: Option<usize>,
    /// The member of the ensemble [default: the first that has trees]
    #[arg(long, value_name = "N", help_heading = "Trees")]
    member: Option<usize>,
    /// The class whose numbers are drawn, if a leaf has one for each [default: the last]
    #[arg(long, value_name = "NAME", help_heading = "Trees")]
    class: Option<String>,
    /// Levels that are drawn; deeper parts become one box [default: 5]
    #[arg(long, value_name = "N", help_heading = "Trees")]
    plot_depth: Option<usize>,
}

/// Levels that are drawn unless asked otherwise: what a screen can show.
const PLOT_DEPTH: usize = 5;

/// Trees as a JSON document.
#[derive(Serialize)]
struct Document {
    member: usize,
    learner: &'static str,
    weight: f64,
    n_models: usize,
    n_trees: usize,
    /// What trees add to, one number per output; absent when trees are averaged.
    base_scores: Option<Vec<f64>>,
    trees: Vec<OneTree>,
}

#[derive(Serialize)]
struct OneTree {
    tree: usize,
    output: String,
    nodes: Vec<Node>,
}

impl TreeFlags {
    /// Whether any of them was given.
    pub(crate) fn asked(&self) -> bool {
        self.trees.is_some()
            || self.tree_plot.is_some()
            || self.tree.is_some()
            || self.member.is_some()
            || self.class.is_some()
            || self.plot_depth.is_some()
    }

    /// Prints and draws what was asked for; one tree is printed when nothing else was.
    ///
    /// # Errors
    /// Input error when the model has no such member or tree, or nothing made of trees.
    pub(crate) fn run(&self, model: &Model, session: &Session) -> Result<()> {
        let members = model.predictor.tree_members();
        let member = self.member(&members, model)?;
        let n_trees = member.trees.len();
        let first = self.tree.unwrap_or(1);
        if first == 0 || first > n_trees {
            return Err(Error::input("there is no such tree")
                .at("--tree")
                .expected(match n_trees {
                    0 => "a member with trees; this one stopped before the first".to_owned(),
                    n => format!("a number from 1 to {n}"),
                })
                .got(first.to_string()));
        }
        if let Some(path) = &self.tree_plot {
            self.plot(path, member, model, first)?;
            if self.trees.is_none() && !session.global.json {
                return Ok(());
            }
        }
        let last = n_trees.min(first - 1 + self.trees.unwrap_or(1));
        let document = Document {
            member: member.member + 1,
            learner: member.learner,
            weight: member.weight,
            n_models: member.n_models,
            n_trees,
            base_scores: member.base_scores.map(<[f64]>::to_vec),
            trees: (first..=last).map(|tree| one_tree(member, model, tree)).collect(),
        };
        if session.global.json {
            return output::print_json(&document);
        }
        output::print(&describe(&document))
    }

    fn plot(&self, path: &Path, member: &TreeMember<'_>, model: &Model, tree: usize) -> Result<()> {
        crate::output::spare_model(Some(path), &model.path, "--tree-plot")?;
        let one = one_tree(member, model, tree);
        let width = member.trees[tree - 1].width();
        let (output, name) = if width > 1 {
            let output = self.class(model)?;
            (output, name_of_output(member, model, output))
        } else {
            (0, one.output)
        };
        let title = format!("Tree {tree} of {}: {name}", member.trees.len());
        let max_depth = self.plot_depth.unwrap_or(PLOT_DEPTH);
        let svg = tree_svg(&one.nodes, &TreePlot { title: &title, output, max_depth });
        modelwright_lifecycle::atomic_write(path, svg.as_bytes())
    }

    /// The place of the class that was asked for.
    fn class(&self, model: &Model) -> Result<usize> {
        let classes = &model.predictor.classes;
        let Some(wanted) = &self.class else { return Ok(model.predictor.n_outputs() - 1) };
        classes.iter().position(|c| c == wanted).ok_or_else(|| {
            Error::input("the model has no such class")
                .at("--class")
                .expected(classes.join(", "))
                .got(wanted)
                .suggest(wanted, classes.iter().map(String::as_str))
        })
    }

    fn member<'a>(
        &self,
        members: &'a [TreeMember<'a>],
        model: &Model,
    ) -> Result<&'a TreeMember<'a>> {
        let found = match self.member {
            None => members.first(),
            Some(wanted) => members.iter().find(|m| m.member + 1 == wanted),
        };
        found.ok_or_else(|| {
            let all: Vec<String> = model
                .predictor
                .members()
                .enumerate()
                .map(|(i, (learner, ..))| format!("{} {learner}", i + 1))
                .collect();
            let own: Vec<String> = members.iter().map(|m| (m.member + 1).to_string()).collect();
            Error::input("the model has no such member made of trees")
                .at(self.member.map_or("--trees", |_| "--member"))
                .expected(match own.len() {
                    0 => "a model with a member made of trees".to_owned(),
                    _ => format!("one of: {}", own.join(", ")),
                })
                .got(match self.member {
                    Some(wanted) => wanted.to_string(),
                    None => all.join(", "),
                })
                .hint(format!("its members are {}", all.join(", ")))
        })
    }
}

fn one_tree(member: &TreeMember<'_>, model: &Model, tree: usize) -> OneTree {
    let one = &member.trees[tree - 1];
    let output = if one.width() > 1 {
        format!("all outputs of {}", model.predictor.target)
    } else {
        name_of_output(member, model, (tree - 1) % model.predictor.n_outputs())
    };
    OneTree { tree, output, nodes: nodes(one, &member.features) }
}

/// What an output of the trees is, in words.
fn name_of_output(member: &TreeMember<'_>, model: &Model, output: usize) -> String {
    let predictor = &model.predictor;
    let kind = match (member.base_scores, predictor.classes.len()) {
        (Some(_), _) => "score",
        (None, 0) => "mean",
        (None, _) => "share",
    };
    match predictor.classes.as_slice() {
        [] => format!("{kind} of {}", predictor.target),
        [_, positive] => format!("{kind} of {} = {positive}", predictor.target),
        classes => format!("{kind} of {} = {}", predictor.target, classes[output]),
    }
}

fn describe(document: &Document) -> String {
    let mut page = String::new();
    let of_models = match document.n_models {
        1 => String::new(),
        n => format!(", the first of {n} models"),
    };
    let begin = match &document.base_scores {
        Some(base) => {
            let base: Vec<String> = base.iter().map(|b| output::number(*b)).collect();
            format!("added to {}", base.join(", "))
        }
        None => "averaged".to_owned(),
    };
    let _ = writeln!(
        page,
        "member {} ({}, weight {}{of_models}): {} trees, {begin}",
        document.member,
        document.learner,
        output::number(document.weight),
        output::count(document.n_trees),
    );
    for tree in &document.trees {
        let _ = write!(page, "\ntree {}, {}\n{}", tree.tree, tree.output, text(&tree.nodes));
    }
    page
}
