//! The functions that a model adds up, for people: shown, exported, and changed by hand.
//!
//! Only a model that is one explainable boosting machine has them: what `fit --interpretable` or
//! `train ebm` made. A change keeps bins and calibration as they are and replaces what is added
//! where. Whether that made the model better is for the caller to measure on rows with answers.
//!
//! Reference: Wang et al., "Interpretability, Then What? Editing Machine Learning Models to Reflect
//! Human Knowledge and Values" (GAM Changer), KDD 2022.

use std::any::Any;
use std::sync::Arc;

use modelwright_core::data::{FeatureView, Table};
use modelwright_core::record::{ShapeBin, ShapeTerm, Shapes, TermEdit};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::Fitted;
use modelwright_learners::ebm::{Ebm, EbmModel, Term};
use modelwright_learners::gbdt::Link;
use modelwright_preprocess::encode::FittedEncoder;
use modelwright_preprocess::transform::category_code::FittedCategoryCode;

use crate::predictor::Predictor;

/// Functions of single columns and of pairs that a record keeps for its report.
const SINGLES_KEPT: usize = 12;
const PAIRS_KEPT: usize = 6;

/// Rare and unseen levels of a category, which share a bin.
const OTHER: &str = "(other)";

/// The functions of a predictor, largest first, single columns before pairs.
///
/// # Errors
/// Input error when the predictor is not one explainable boosting machine.
pub fn shapes(predictor: &Predictor) -> Result<Shapes> {
    let (model, encoder) = machine(predictor)?;
    let names = Names::of(encoder);
    let mut terms: Vec<ShapeTerm> =
        model.terms().iter().map(|term| names.term(model, term)).collect();
    terms.sort_by(|a, b| {
        a.columns.len().cmp(&b.columns.len()).then(b.importance.total_cmp(&a.importance))
    });
    let (scale, outputs) = match (model.link(), predictor.classes.as_slice()) {
        (Link::Logistic, [_, positive]) => ("log_odds", vec![positive.clone()]),
        (Link::Softmax, classes) => ("log_probability", classes.to_vec()),
        _ => ("value", vec![predictor.target.clone()]),
    };
    Ok(Shapes {
        format: Shapes::FORMAT.to_owned(),
        target: predictor.target.clone(),
        scale: scale.to_owned(),
        outputs,
        intercepts: model.intercepts().to_vec(),
        terms,
    })
}

/// What a record keeps of them; `None` of a predictor without.
pub fn recorded(predictor: &Predictor) -> Option<Shapes> {
    let mut all = shapes(predictor).ok()?;
    let (singles, pairs): (Vec<_>, Vec<_>) =
        all.terms.into_iter().partition(|term| term.columns.len() == 1);
    all.terms = singles.into_iter().take(SINGLES_KEPT).collect();
    all.terms.extend(pairs.into_iter().take(PAIRS_KEPT));
    Some(all)
}

/// Replaces what a predictor adds by the numbers of `edited`, which has the functions and bins of
/// [`shapes`] in any order; importances are measured anew on `rows`. Says what was changed.
///
/// # Errors
/// Input error when the predictor has no functions, when `edited` is of another model, lacks a
/// function or a bin or has others, holds what is no number, or changes nothing.
pub fn edit(
    predictor: &mut Predictor,
    edited: &Shapes,
    rows: &Table,
    ctx: &Context,
) -> Result<Vec<TermEdit>> {
    let own = shapes(predictor)?;
    let mut changes = Vec::new();
    must_fit(&own, edited)?;
    changes.extend(change(&[], &[&own.intercepts], &[&edited.intercepts])?);
    let (model, encoder) = machine(predictor)?;
    let names = Names::of(encoder);
    let mut values = Vec::new();
    for term in model.terms() {
        let before = names.term(model, term);
        let after = counterpart(&before, edited)?;
        let cells = (before.cells(), after.cells());
        changes.extend(change(&before.features, &cells.0, &cells.1)?);
        let of_output = |o: usize| cells.1.iter().map(move |cell| cell[o]);
        values.push((0..model.n_outputs()).flat_map(of_output).collect::<Vec<f64>>());
    }
    if changes.is_empty() {
        return Err(Error::input("nothing was changed: the model adds these numbers already")
            .hint("write the functions with `explain MODEL --shapes FILE.json`, and change some"));
    }
    let features = encoder.transform(rows, ctx)?;
    let changed = model.with_values(edited.intercepts.clone(), values)?;
    let changed = changed.weighed_on(&FeatureView::all(&features), ctx)?;
    predictor.members[0].models[0] = Fitted::of::<Ebm>(changed);
    predictor.offers.clear();
    predictor.validate()?;
    Ok(changes)
}

/// The machine that a predictor is, and what writes its features.
fn machine(predictor: &Predictor) -> Result<(&EbmModel, &FittedEncoder)> {
    let refuse = |got: String| {
        Error::input("this model is no sum of functions of its columns")
            .expected("a model of one explainable boosting machine")
            .got(got)
            .hint("make one with `train ebm DATA`, or with `fit DATA --interpretable`")
    };
    let [member] = predictor.active() else {
        return Err(refuse(format!("{} members", predictor.active().len())));
    };
    let [fitted] = member.models.as_slice() else {
        // It was asked for rightly; the time was over before the last fit on all rows.
        return Err(refuse(format!("the mean of {} models of the folds", member.models.len()))
            .hint("train it again with more --time: there was none left for the last fit"));
    };
    let model: &dyn Any = fitted.model.as_ref();
    let model = model.downcast_ref().ok_or_else(|| refuse(fitted.learner.to_owned()))?;
    Ok((model, &predictor.encoders[member.encoder]))
}

/// Refuses functions of another model or another format.
fn must_fit(own: &Shapes, edited: &Shapes) -> Result<()> {
    if edited.format != own.format {
        return Err(Error::input("these functions are in another format")
            .expected(&own.format)
            .got(&edited.format));
    }
    let of = |s: &Shapes| format!("{} of `{}`, {}", s.scale, s.target, s.outputs.join(", "));
    if of(own) != of(edited) {
        return Err(Error::input("these functions are of another model")
            .expected(of(own))
            .got(of(edited)));
    }
    if edited.intercepts.len() != own.intercepts.len() {
        return Err(Error::input("the intercepts are not those of the model")
            .expected(format!("{} intercepts", own.intercepts.len()))
            .got(edited.intercepts.len().to_string()));
    }
    if edited.terms.len() != own.terms.len() {
        return Err(Error::input("functions are missing, or there are too many")
            .expected(format!("{} terms", own.terms.len()))
            .got(format!("{} terms", edited.terms.len()))
            .hint(
                "set what a function adds to 0 to be rid of it; the report's record keeps only \
                   the largest, `explain MODEL --shapes FILE.json` writes all",
            ));
    }
    Ok(())
}

/// The edited function of the same features, whose bins are the same.
fn counterpart<'a>(own: &ShapeTerm, edited: &'a Shapes) -> Result<&'a ShapeTerm> {
    let name = own.features.join(" × ");
    let found = edited.terms.iter().find(|term| term.features == own.features);
    let found = found.ok_or_else(|| {
        Error::input("a function of the model is missing").expected(format!("a term of {name}"))
    })?;
    let plain = |bins: &[ShapeBin]| -> Vec<ShapeBin> {
        bins.iter().map(|bin| ShapeBin { add: Vec::new(), ..bin.clone() }).collect()
    };
    let is_same = plain(&own.bins) == plain(&found.bins) && own.sides == found.sides;
    let sizes = |term: &ShapeTerm| -> (Vec<usize>, Vec<usize>) {
        (term.table.iter().map(Vec::len).collect(), term.cells().iter().map(|c| c.len()).collect())
    };
    if !is_same || sizes(own) != sizes(found) {
        return Err(Error::input("only what is added may be changed, not the bins")
            .at(name)
            .expected("the bins of the model, in their order, with a number for each output")
            .hint("begin with what `explain MODEL --shapes FILE.json` writes"));
    }
    Ok(found)
}

/// What was changed in a function; `None` is nothing.
fn change(features: &[String], before: &[&[f64]], after: &[&[f64]]) -> Result<Option<TermEdit>> {
    let pairs = before.iter().zip(after).flat_map(|(b, a)| b.iter().zip(*a));
    let (mut n_changed, mut largest) = (0, 0.0_f64);
    if after.iter().any(|cell| cell.iter().any(|v| !v.is_finite())) {
        let of = if features.is_empty() { "the intercepts".into() } else { features.join(" × ") };
        return Err(Error::input("what is added must be a finite number").at(of));
    }
    for (before, after) in pairs {
        n_changed += usize::from(before.to_bits() != after.to_bits() && before != after);
        if (after - before).abs() > largest.abs() {
            largest = after - before;
        }
    }
    let n_numbers = before.iter().map(|cell| cell.len()).sum();
    let edit = TermEdit { features: features.to_vec(), n_changed, n_numbers, largest };
    Ok((n_changed > 0).then_some(edit))
}

/// What features are called, and which levels their numbers stand for.
struct Names {
    features: Vec<Arc<str>>,
    columns: Vec<Arc<str>>,
    levels: Vec<Option<Vec<String>>>,
}

impl Names {
    fn of(encoder: &FittedEncoder) -> Self {
        let mut levels = Vec::new();
        for part in encoder.source_views().flat_map(|source| source.parts) {
            let fitted: &dyn Any = part.transformer.fitted.as_ref();
            let names = fitted.downcast_ref::<FittedCategoryCode>().map(|code| {
                let known = code.levels().names().iter().map(ToString::to_string);
                known.chain([OTHER.to_owned()]).collect::<Vec<String>>()
            });
            levels.extend(part.kept.iter().map(|_| names.clone()));
        }
        Self { features: encoder.feature_names(), columns: encoder.feature_sources(), levels }
    }

    fn term(&self, model: &EbmModel, term: &Term) -> ShapeTerm {
        let features: Vec<usize> = model.features(term).collect();
        let name = |feature: &usize| {
            let (feature, column) = (&self.features[*feature], &self.columns[*feature]);
            // A column that is written as one number is called as it is.
            let whole = feature.strip_prefix(column.as_ref()).filter(|rest| *rest == ":code");
            if whole.is_some() { column.to_string() } else { feature.to_string() }
        };
        let n_cells: usize = term.shape().iter().map(|n| *n as usize).product();
        let cell = |at: usize| (0..model.n_outputs()).map(|o| term.values(o)[at]).collect();
        let mut shape = ShapeTerm {
            columns: features.iter().map(|f| self.columns[*f].to_string()).collect(),
            features: features.iter().map(name).collect(),
            importance: term.importance(),
            bins: Vec::new(),
            sides: Vec::new(),
            table: Vec::new(),
        };
        if let [feature] = features[..] {
            let bins = self.bins(model, feature).into_iter().enumerate();
            shape.bins = bins.map(|(at, bin)| ShapeBin { add: cell(at), ..bin }).collect();
            return shape;
        }
        for (side, feature) in features.iter().enumerate() {
            let groups = term.groups(side).unwrap_or_default();
            let bins = self.bins(model, *feature);
            let of_group = |g: u32| merged(bins.iter().zip(groups), g);
            shape.sides.push((0..term.shape()[side]).map(of_group).collect());
        }
        let n_columns = term.shape().last().map_or(1, |n| *n as usize).max(1);
        let row = |row: usize| (0..n_columns).map(|c| cell(row * n_columns + c)).collect();
        shape.table = (0..n_cells / n_columns).map(row).collect();
        shape
    }

    /// The bins of a feature in their order, the last one that of missing values.
    fn bins(&self, model: &EbmModel, feature: usize) -> Vec<ShapeBin> {
        let cuts = model.cuts(feature);
        let n = cuts.len() + 1;
        let levels = self.levels.get(feature).and_then(Option::as_ref);
        // A level's number lies in the bin of as many cuts as are below it.
        let bin_of = |level: usize| cuts.iter().filter(|cut| **cut < level as f32).count();
        let bin = |at: usize| match levels {
            Some(levels) => {
                let numbered = levels.iter().enumerate();
                let own = numbered.filter(|(level, _)| bin_of(*level) == at);
                let levels = own.map(|(_, name)| name.clone()).collect();
                ShapeBin { levels, ..ShapeBin::default() }
            }
            None => ShapeBin {
                above: at.checked_sub(1).map(|before| short(cuts[before])),
                up_to: cuts.get(at).map(|cut| short(*cut)),
                ..ShapeBin::default()
            },
        };
        let missing = ShapeBin { missing: true, ..ShapeBin::default() };
        (0..n).map(bin).chain([missing]).collect()
    }
}

/// The bins of one group as one bin.
fn merged<'a>(bins: impl Iterator<Item = (&'a ShapeBin, &'a u8)>, group: u32) -> ShapeBin {
    let mut whole: Option<ShapeBin> = None;
    for (bin, _) in bins.filter(|(_, own)| u32::from(**own) == group) {
        match &mut whole {
            None => whole = Some(bin.clone()),
            Some(whole) if bin.missing => whole.missing = true,
            Some(whole) => {
                whole.up_to = bin.up_to;
                whole.levels.extend(bin.levels.iter().cloned());
            }
        }
    }
    whole.unwrap_or_default()
}

/// A cut with the fewest digits that name it.
fn short(cut: f32) -> f64 {
    cut.to_string().parse().unwrap_or(f64::from(cut))
}

#[cfg(test)]
mod tests;
