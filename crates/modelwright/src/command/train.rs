//! `train`: one learner with the parameters of the user, without a search.
//!
//! The run is that of `fit` with a plan of one trial: the same holdout, folds, refit, test,
//! report, record and replay. The learners and their parameters come from the catalog.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgAction, Args};
use modelwright::automl::encoding::encoding_for;
use modelwright::core::params;
use modelwright::learners::{Entry, LEARNERS, learner};
use modelwright_core::params::ParamMap;
use modelwright_core::record::{Options, Single};
use modelwright_core::{Error, Result};

use crate::flags::{Global, values};
use crate::question::Question;
use crate::session::Session;
use crate::{learner_text, output};

const EXAMPLES: &str = "\
Examples:
  modelwright train gbdt --list-params
  modelwright train gbdt sales.csv --target churned
  modelwright train gbdt sales.csv --target churned --param n_rounds=300 --param max_leaves=15
  modelwright train linear houses.parquet --target price --metric mae --folds 10 --out houses
  modelwright train gbdt big.csv --target y --param n_rounds=500 --folds 0 --time 5m";

/// Flags of `train`.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct Train {
    /// The learning algorithm; the list stands below
    #[arg(value_name = "LEARNER", value_parser = values::learner)]
    learner: String,
    /// Set a parameter of the learner, e.g. --param max_leaves=15 (repeatable)
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE", value_parser = values::param,
          display_order = 1)]
    params: Vec<(String, String)>,
    /// Print the learner's parameters with range, default and meaning, and stop
    #[arg(long, action = ArgAction::Help, display_order = 2)]
    list_params: Option<bool>,
    #[command(flatten)]
    question: Question,
    /// Wall time from the start to the last file written [default: the learner's own end]
    #[arg(long, value_name = "DURATION", value_parser = values::duration, display_order = 4)]
    time: Option<Duration>,
    /// Folds that judge the learner; 0 for none, then the held-out rows do [default: by the rows]
    #[arg(long, value_name = "N", value_parser = values::folds, display_order = 3)]
    folds: Option<usize>,
    /// How columns become features: trees, derived, linear, network or native [default: what
    /// suits the learner]
    #[arg(long, value_name = "NAME", display_order = 3)]
    encoding: Option<String>,
}

impl Train {
    /// Trains, writes and sums up.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let options = self.options(&session.global)?;
        self.question.run(options, session)
    }

    /// What is asked, as the record keeps it.
    pub(crate) fn options(&self, global: &Global) -> Result<Options> {
        let entry = learner(&self.learner)?;
        encoding_for(entry, self.encoding.as_deref())?;
        let params = read_params(entry, &self.params)?;
        let mut options = self.question.options(self.time, global)?;
        options.single = Some(Single {
            learner: self.learner.clone(),
            params,
            encoding: self.encoding.clone(),
            n_folds: self.folds,
        });
        Ok(options)
    }
}

/// The parameters that were typed, read by the learner's declarations.
fn read_params(entry: &Entry, typed: &[(String, String)]) -> Result<ParamMap> {
    let mut map = ParamMap::new();
    for (name, text) in typed {
        let flag = format!("--param {name}={text}");
        let value = params::parse(entry.spec.name, entry.params, name, text)
            .map_err(|error| error.at(flag.as_str()))?;
        if map.insert(name.clone(), value).is_some() {
            return Err(Error::input(format!("parameter `{name}` was given more than once"))
                .at(flag)
                .expected("one value for each parameter"));
        }
    }
    Ok(map)
}

/// What is printed instead of, or below, the help when a learner is named beside it; `None` when
/// other help was asked for.
///
/// # Errors
/// Input error when parameters are to be listed and no learner is named; work error when stdout
/// cannot be written to.
pub(crate) fn help_of_learner(help: &str, args: &[OsString]) -> Option<Result<()>> {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|a| a.to_str()).collect();
    if !words.contains(&"train") {
        return None;
    }
    let named = LEARNERS.iter().find(|e| words.contains(&e.spec.name));
    if !words.contains(&"--list-params") {
        let text = learner_text::parameters(named?);
        return Some(output::print(&format!("{help}\n{text}")));
    }
    Some(match named {
        Some(entry) if words.contains(&"--json") => {
            output::print_json(&learner_text::parameters_json(entry))
        }
        Some(entry) => output::print(&learner_text::parameters(entry)),
        None => Err(Error::input("whose parameters shall be listed?")
            .at("--list-params")
            .expected(format!("a learner before it: {}", values::learner_names()))
            .hint("e.g. modelwright train gbdt --list-params")),
    })
}

fn after_help() -> String {
    format!(
        "{EXAMPLES}\n\nLearners:\n{}\n\
         A number of rounds that is given is done exactly; without one, early stopping finds it.\n\
         The folder gets model.mw, report.html and record.json, as from `modelwright fit`, which\n\
         tries several learners. `modelwright train LEARNER --list-params` explains a learner.",
        learner_text::list()
    )
}
