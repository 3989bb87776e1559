//! `train`: one learner with the parameters of the user, without a search.
//!
//! The run is that of `fit` with a plan of one trial: the same holdout, folds, refit, test,
//! report, record and replay. The learners and their parameters come from the catalog.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use modelwright::Continuing;
use modelwright::automl::encoding::encoding_for;
use modelwright::core::params;
use modelwright::learners::forest::ISOLATION_FOREST;
use modelwright::learners::gbdt::Gbdt;
use modelwright::learners::{Entry, LEARNERS, Learner, UNLABELLED, learner};
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
  modelwright train gbdt big.csv --target y --param n_rounds=500 --folds 0 --time 5m
  modelwright train gbdt claims.csv --target n_claims -p loss=poisson --init-score log_exposure
  modelwright train gbdt houses.csv --target price --quantiles 0.1,0.5,0.9
  modelwright train gbdt new.csv --target churned --continue churn/model.mw -p n_rounds=50
  modelwright train isolation_forest payments.csv --contamination 0.01 --out unusual";

/// Flags of `train`.
#[derive(Debug, Args)]
#[command(after_help = after_help(), mut_arg("target", |arg| arg.required(false)))]
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
    /// How columns become features: trees, derived, linear, network, native or (gbdt) levels
    /// [default: what suits the learner]
    #[arg(long, value_name = "NAME", display_order = 3)]
    encoding: Option<String>,
    /// The column with the score (before the link) that each row starts from, in place of the best
    /// constant; one for each of three or more classes. The model adds it when it predicts (gbdt)
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name,
          display_order = 2)]
    init_score: Vec<String>,
    /// Learn several quantiles at once: `predict` writes quantile_LEVEL for each, and as prediction
    /// the middle one (gbdt, regression)
    #[arg(long, value_name = "LEVEL,…", display_order = 2)]
    quantiles: Option<String>,
    /// Add n_rounds rounds to an earlier booster of the same columns and target (gbdt)
    #[arg(long = "continue", value_name = "MODEL", display_order = 2)]
    earlier: Option<PathBuf>,
    /// The share of rows that `is_anomaly` of a prediction marks [default: those of a score above
    /// 0.5] (isolation_forest)
    #[arg(long, value_name = "SHARE", display_order = 2)]
    contamination: Option<String>,
}

impl Train {
    /// Trains, writes and sums up.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let earlier = self.earlier.as_deref().map(Continuing::load).transpose()?;
        let mut options = self.options(&session.global)?;
        if let Some(earlier) = &earlier {
            earlier.complete(&mut options)?;
        }
        self.question.run_after(earlier.as_ref(), options, session)
    }

    /// What is asked, as the record keeps it.
    pub(crate) fn options(&self, global: &Global) -> Result<Options> {
        let entry = learner(&self.learner)?;
        if self.learner != ISOLATION_FOREST {
            encoding_for(entry, self.encoding.as_deref())?;
        }
        let params = read_params(entry, &self.all_params()?)?;
        let mut options = if self.learner == ISOLATION_FOREST {
            self.question.options_without_target(self.time, global)?
        } else {
            self.question.options(self.time, global)?
        };
        options.single = Some(Single {
            learner: self.learner.clone(),
            params,
            encoding: self.encoding.clone(),
            n_folds: self.folds,
        });
        Ok(options)
    }
}

impl Train {
    /// The parameters that were typed, and those that have a flag of their own.
    fn all_params(&self) -> Result<Vec<(String, String)>> {
        let mut params = self.params.clone();
        let own_flags = [
            ("--init-score", !self.init_score.is_empty(), Gbdt::SPEC.name),
            ("--quantiles", self.quantiles.is_some(), Gbdt::SPEC.name),
            ("--continue", self.earlier.is_some(), Gbdt::SPEC.name),
            ("--contamination", self.contamination.is_some(), ISOLATION_FOREST),
        ];
        let is_strange =
            |(_, is_given, learner): &&(&str, bool, &str)| *is_given && *learner != self.learner;
        if let Some((flag, _, learner)) = own_flags.iter().find(is_strange) {
            return Err(Error::input(format!("{} does not take `{flag}`", self.learner))
                .at(*flag)
                .expected(*learner)
                .got(&self.learner));
        }
        if !self.init_score.is_empty() {
            let quoted = |name: &String| {
                if name.contains([',', ':', '|']) { format!("\"{name}\"") } else { name.clone() }
            };
            let names: Vec<String> = self.init_score.iter().map(quoted).collect();
            params.push(("init_score".to_owned(), names.join(",")));
        }
        for (name, text) in [("quantiles", &self.quantiles), ("contamination", &self.contamination)]
        {
            params.extend(text.iter().map(|text| (name.to_owned(), text.clone())));
        }
        Ok(params)
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
    let named = LEARNERS.iter().chain(UNLABELLED).find(|e| words.contains(&e.spec.name));
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
