//! What the user forbids, held by every member of the ensemble.
//!
//! Directions of columns (`--monotone`), columns that may not act together (`--interactions`) and
//! models that a person can read whole (`--interpretable`). A mean of members that each obey a
//! direction obeys it too, since weights are positive and calibration rises; so every trial gets
//! the constraint, and learners that cannot hold it are left out of the plan. A mean of scores in
//! which columns do not act together is such a score, too, but a mean of probabilities is none:
//! there one member is delivered (`Flow::delivers_one`).

use modelwright_core::data::{FeatureColumn, FeatureMatrix, Field, Kind};
use modelwright_core::params::ParamValue;
use modelwright_core::record::{Options, Plan, PlannedTrial};
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::tree::Constraints;
use modelwright_learners::{OWN, learner};
use modelwright_preprocess::profile::Profile;

/// Learners whose models are read as a whole.
const READABLE: [&str; 3] = ["baseline", "linear", "ebm"];

/// Learners whose scores are sums of one function for each feature.
const ADDITIVE: [&str; 2] = ["baseline", "linear"];

const MONOTONE: &str = "monotone";
const INTERACTIONS: &str = "interactions";

/// Leaves out of a plan what cannot obey, and tells the others what to obey.
///
/// # Errors
/// Input error when nothing but a constant is left.
pub(crate) fn apply(plan: &mut Plan, options: &Options) -> Result<()> {
    let before = plan.trials.len();
    if options.interpretable {
        plan.trials.retain(|t| READABLE.contains(&&*t.learner));
        // One member: there is no ensemble that a variant could help.
        plan.variants_max = 0;
    }
    plan.trials = std::mem::take(&mut plan.trials)
        .into_iter()
        .filter_map(|trial| obeying(trial, options))
        .collect();
    let n_left_out = before - plan.trials.len();
    if n_left_out > 0 {
        plan.notes.push(format!(
            "{n_left_out} candidates are left out: they cannot keep to what was asked"
        ));
    }
    if plan.trials.iter().any(|t| t.learner != "baseline") {
        return Ok(());
    }
    if !options.interpretable && options.monotone.is_none() && options.interactions.is_none() {
        return Err(Error::input("nothing that learns is among the learners")
            .at("--learners")
            .got(options.learners.join(", "))
            .hint("name more: the baseline is tried with any"));
    }
    Err(Error::input("no learner can keep to all of these constraints")
        .at("--interpretable")
        .hint("leave out --interpretable, or --monotone and --interactions"))
}

/// The trial with its constraints; `None` when its learner cannot hold them.
pub(crate) fn obeying(mut trial: PlannedTrial, options: &Options) -> Option<PlannedTrial> {
    let is_bound = options.monotone.is_some() || options.interactions.is_some();
    // A derived column would let a column act past its direction or its group.
    if is_bound && trial.encoding == "derived" {
        return None;
    }
    if trial.learner == OWN {
        return (!is_bound).then_some(trial);
    }
    let entry = learner(&trial.learner).ok()?;
    let takes_text = |name: &str| {
        let default = entry.default_params().get(name).cloned();
        matches!(default, Some(ParamValue::Choice(_)))
    };
    let is_constant = trial.learner == "baseline";
    if let Some(monotone) = options.monotone.as_ref().filter(|_| !is_constant) {
        if !takes_text(MONOTONE) {
            return None;
        }
        trial.params.insert(MONOTONE.to_owned(), ParamValue::Choice(monotone.clone()));
    }
    let is_additive = ADDITIVE.contains(&&*trial.learner);
    if let Some(groups) = options.interactions.as_ref().filter(|_| !is_additive) {
        if !takes_text(INTERACTIONS) {
            return None;
        }
        trial.params.insert(INTERACTIONS.to_owned(), ParamValue::Choice(groups.clone()));
    }
    Some(trial)
}

/// Refuses constraints that cannot be kept, before anything is learned.
///
/// # Errors
/// Input error that names the column and what it would have to be.
pub(crate) fn check(
    options: &Options,
    profile: &Profile,
    exclude: &[String],
    task: Task,
) -> Result<()> {
    let is_feature = |f: &&Field| f.kind.is_usable() && !exclude.contains(&f.name);
    let columns = profile.schema.fields.iter().filter(is_feature);
    let columns: Vec<_> = columns.map(|f| FeatureColumn::dense(&f.name, Vec::new())).collect();
    let matrix = FeatureMatrix::new(0, columns);
    if let Some(groups) = &options.interactions {
        let names = groups.split([',', '|']);
        refuse_positions(names, &matrix).map_err(|e| e.at("--interactions"))?;
        Constraints::parse("", groups, &matrix).map_err(|e| e.at("--interactions"))?;
    }
    let Some(monotone) = &options.monotone else { return Ok(()) };
    let names = monotone.split(',').map(|item| item.rsplit_once(':').map_or(item, |(n, _)| n));
    refuse_positions(names, &matrix).map_err(|e| e.at("--monotone"))?;
    let directions = Constraints::parse(monotone, "", &matrix).map_err(|e| e.at("--monotone"))?;
    let error = |what: &str| Error::input(what).at("--monotone");
    if task == Task::Multiclass {
        return Err(error("a direction needs one score to act on")
            .expected("a binary or regression task")
            .got("multiclass"));
    }
    for (i, column) in matrix.columns.iter().enumerate() {
        let field = profile.schema.fields.iter().find(|f| f.name == *column.name);
        let kind = field.map_or(Kind::Number, |f| f.kind);
        if directions.direction(i) != 0 && !matches!(kind, Kind::Number | Kind::Boolean) {
            return Err(error("a direction needs a column of numbers")
                .column(&*column.name)
                .expected("number or boolean")
                .got(kind.name())
                .hint(format!("say --kind {}=number, or leave the column out", column.name)));
        }
    }
    Ok(())
}

/// Refuses numbers in place of names: learners take them for positions of features, which are not
/// those of columns.
fn refuse_positions<'a>(
    mut names: impl Iterator<Item = &'a str>,
    matrix: &FeatureMatrix,
) -> Result<()> {
    let is_column = |name: &str| matrix.columns.iter().any(|c| *c.name == *name);
    let is_position = |name: &&str| name.trim().parse::<usize>().is_ok() && !is_column(name.trim());
    match names.find(is_position) {
        None => Ok(()),
        Some(name) => Err(Error::input("a constraint names no column")
            .expected("names of columns")
            .got(name.trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Preset;
    use crate::portfolio;

    fn plan() -> Plan {
        let trials = portfolio::candidates(Task::Binary, Preset::Best, 50_000);
        Plan { trials, ..Plan::default() }
    }

    fn options(change: impl Fn(&mut Options)) -> Options {
        let mut options = Options::new("y");
        change(&mut options);
        options
    }

    #[test]
    fn only_learners_that_can_obey_are_left_and_are_told() {
        let mut plan = plan();
        apply(&mut plan, &options(|o| o.monotone = Some("age:+1".to_owned()))).unwrap();
        assert!(plan.trials.len() > 3);
        for trial in plan.trials.iter().filter(|t| t.learner != "baseline") {
            assert_eq!(trial.params["monotone"].to_string(), "age:+1", "{}", trial.name);
        }
        assert!(plan.trials.iter().all(|t| t.encoding != "derived"));
        assert!(plan.notes[0].contains("left out"), "{:?}", plan.notes);
    }

    #[test]
    fn additive_models_need_no_word_about_interactions() {
        let mut plan = plan();
        apply(&mut plan, &options(|o| o.interactions = Some("a,b|c".to_owned()))).unwrap();
        let of = |name: &str| plan.trials.iter().find(|t| t.learner == name);
        assert!(of("linear").is_some_and(|t| !t.params.contains_key("interactions")));
        assert!(of("gbdt").is_some_and(|t| t.params.contains_key("interactions")));
        assert!(of("random_forest").is_none());
    }

    #[test]
    fn readable_models_alone_are_left_when_asked() {
        let mut plan = plan();
        apply(&mut plan, &options(|o| o.interpretable = true)).unwrap();
        assert!(plan.trials.iter().all(|t| READABLE.contains(&&*t.learner)));
    }
}
