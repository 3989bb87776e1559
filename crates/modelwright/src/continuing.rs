//! From a saved booster to a run that adds rounds to it.

use std::path::Path;
use std::sync::Arc;

use modelwright_automl::boosting::Earlier;
use modelwright_core::data::Schema;
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::record::{Continued, Options, RunRecord};
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::Model as _;
use modelwright_lifecycle::digest::sha256_hex;

use crate::model::Model;

/// A saved booster, and how its rows are read.
pub struct Continuing {
    /// What the run begins with.
    pub earlier: Earlier,
    /// The columns that it was trained on.
    pub schema: Schema,
    /// SHA-256 of the table that it learned from, where all rows of it taught it.
    pub learned_whole: Option<String>,
    /// What it was fitted with, but for its rounds.
    params: ParamMap,
}

impl Continuing {
    /// Reads a `model.mw`, or the one in a fit's folder.
    ///
    /// # Errors
    /// Input error when there is none, it is damaged, or it is not one booster.
    pub fn load(path: &Path) -> Result<Self> {
        let model = Model::load(path)?;
        let shown = model.path.display().to_string();
        let bytes = std::fs::read(&model.path).map_err(|cause| {
            Error::input("the model cannot be read").at(shown.clone()).because(cause)
        })?;
        let record = model.artifact.record().map_err(|e| e.at(shown.clone()))?;
        let rounds = model.predictor.single_booster().map_err(|e| e.at(shown))?.0.rounds();
        let name = model.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into());
        let named = Continued { name, sha256: sha256_hex(&bytes), rounds };
        Ok(Self {
            params: params_of(&record),
            schema: record.schema.clone(),
            learned_whole: (record.options.refit == "all").then(|| record.data.sha256.clone()),
            earlier: Earlier { predictor: Arc::new(model.predictor), named },
        })
    }

    /// Completes what a run is asked by what the model was: its parameters where none are given,
    /// its columns, and its question.
    ///
    /// # Errors
    /// Input error for another target.
    pub fn complete(&self, options: &mut Options) -> Result<()> {
        let predictor = &self.earlier.predictor;
        if predictor.target != options.target {
            return Err(Error::input("the model that is continued predicts another target")
                .at("--target")
                .expected(predictor.target.clone())
                .got(&options.target));
        }
        if let Some(single) = &mut options.single {
            self.is_bound_as(&single.params)?;
            for (name, value) in &self.params {
                single.params.entry(name.clone()).or_insert_with(|| value.clone());
            }
            single.n_folds = single.n_folds.or(Some(0));
        }
        for field in &predictor.schema.fields {
            options.kinds.entry(field.name.clone()).or_insert(field.kind);
        }
        options.task = options.task.or(Some(predictor.task));
        if predictor.task == Task::Binary && options.positive.is_none() {
            options.positive = predictor.classes.get(1).cloned();
        }
        options.continued = Some(self.earlier.named.clone());
        Ok(())
    }
}

impl Continuing {
    /// Refuses a constraint that the trees that are there were not grown under: what comes to them
    /// cannot make up for it.
    fn is_bound_as(&self, asked: &ParamMap) -> Result<()> {
        for name in ["monotone", "interactions"] {
            let (asked, had) = (asked.get(name), self.params.get(name));
            let is_empty = |v: &ParamValue| matches!(v, ParamValue::Choice(v) if v.is_empty());
            if asked.is_some_and(|asked| !is_empty(asked) && Some(asked) != had) {
                return Err(Error::input("the model that is continued was not bound like this")
                    .at(format!("--param {name}"))
                    .expected(had.map_or_else(|| "no constraint".to_owned(), ToString::to_string))
                    .got(asked.map_or_else(String::new, ToString::to_string))
                    .hint("leave it out, or train a new model with the constraint"));
            }
        }
        Ok(())
    }
}

/// The parameters of the booster of a run: those of its plan, or what was asked.
fn params_of(record: &RunRecord) -> ParamMap {
    let name = record.ensemble.members.first().map(|member| &member.trial);
    let planned = record.plan.trials.iter().find(|trial| Some(&trial.name) == name);
    let mut params = planned.map_or_else(ParamMap::new, |trial| trial.params.clone());
    for given in ["n_rounds", "early_stopping_rounds"] {
        params.remove(given);
    }
    params
}
