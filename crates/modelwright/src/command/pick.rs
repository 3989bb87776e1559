//! `pick`: the smaller and faster models that a fit offers, and one of them as a model of its own.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use modelwright::automl::FitOutcome;
use modelwright::automl::offers::{Surveyed, Wish, choose, survey};
use modelwright::{Model, OutputFolder};
use modelwright_core::record::{Offer, Picked, RunRecord};
use modelwright_core::{Context, Error, Result};
use serde_json::{Value, json};

use crate::flags::{ModelArg, values};
use crate::output::{self, TextTable, number, size};
use crate::session::{Limits, Session};
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  modelwright pick churn
  modelwright pick churn --fastest-within 0.5% --out churn-fast
  modelwright pick churn --max-latency 50us --max-size 1MB --out churn-edge
  modelwright pick churn --offer 3 --one-model-each

Without a wish the offers are listed, each with its error out of fold against the delivered
model's, its score on the held-out rows, its size, and its time to predict one row here.";

/// Flags of `pick`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("wish").multiple(false))]
pub(crate) struct Pick {
    #[command(flatten)]
    model: ModelArg,
    /// Take the fastest with at most this much more error than the delivered model, e.g. 0.5%
    #[arg(long, value_name = "SHARE", value_parser = values::share, group = "wish")]
    fastest_within: Option<f64>,
    /// Take the smallest with at most this much more error
    #[arg(long, value_name = "SHARE", value_parser = values::share, group = "wish")]
    smallest_within: Option<f64>,
    /// Take offer N of the list
    #[arg(long, value_name = "N", group = "wish")]
    offer: Option<usize>,
    /// Take the best that predicts a row in this time here, e.g. 50us
    #[arg(long, value_name = "TIME", value_parser = values::latency, conflicts_with = "wish")]
    max_latency: Option<f64>,
    /// Take the best that is not larger, e.g. 500kB
    #[arg(long, value_name = "SIZE", value_parser = values::size, conflicts_with = "wish")]
    max_size: Option<u64>,
    /// With --offer: keep one model of each member instead of the mean of several
    #[arg(long, requires = "offer")]
    one_model_each: bool,
    /// The folder for model.mw, report.html and record.json [default: MODEL's, with -pick]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Pick {
    /// Lists the offers, or writes the wished one.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let model = Model::load(&self.model.model)?;
        let record = model.artifact.record()?;
        if record.offers.is_empty() || record.picked.is_some() {
            return Err(nothing_to_pick(&model.path, &record));
        }
        let ctx = session.context(Limits::default())?;
        let reference = model.reference()?;
        let surveyed = survey(&model.artifact.model, &record, &reference.columns, &ctx)?;
        let Some(picked) = self.picked(&record.offers, &surveyed)? else {
            return list(&record, &surveyed, session);
        };
        let folder = OutputFolder::prepare(self.folder(&model.path))?;
        let outcome = FitOutcome {
            predictor: model.predictor,
            record,
            reference: reference.columns,
            predictions: reference.predictions,
        };
        let outcome = outcome.pick(picked)?;
        drop::<Context>(ctx);
        let saved = modelwright::save(&outcome, &folder)?;
        summary::print_fit(&outcome.record, &saved, session)
    }

    /// The offer that is wished; `None` when nothing is.
    fn picked(&self, offers: &[Offer], surveyed: &[Surveyed]) -> Result<Option<Picked>> {
        if let Some(number) = self.offer {
            let known = (1..=offers.len()).contains(&number);
            let error = || {
                Error::input("there is no such offer")
                    .at("--offer")
                    .expected(format!("a number from 1 to {}", offers.len()))
                    .got(number.to_string())
            };
            let offer = known.then(|| number - 1).ok_or_else(error)?;
            return Ok(Some(Picked { offer, one_model_each: self.one_model_each }));
        }
        let wish = match (self.fastest_within, self.smallest_within) {
            (Some(share), _) => Wish::FastestWithin(share),
            (_, Some(share)) => Wish::SmallestWithin(share),
            _ if self.max_latency.is_some() || self.max_size.is_some() => Wish::Best {
                max_latency_us: self.max_latency.unwrap_or(f64::INFINITY),
                max_size_bytes: self.max_size.unwrap_or(u64::MAX),
            },
            _ => return Ok(None),
        };
        let chosen = choose(offers, surveyed, wish).ok_or_else(|| none_fits(surveyed))?;
        Ok(Some(chosen.picked))
    }

    /// Where the picked model goes.
    fn folder(&self, model: &Path) -> PathBuf {
        if let Some(out) = &self.out {
            return out.clone();
        }
        let folder = model.parent().filter(|p| p.file_name().is_some());
        let name = folder.and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let name = if name.is_empty() { "model".into() } else { name };
        let beside = folder.and_then(Path::parent).unwrap_or(Path::new(""));
        beside.join(format!("{name}-pick"))
    }
}

fn nothing_to_pick(path: &Path, record: &RunRecord) -> Error {
    let error = Error::input("the model offers nothing smaller").at(path.display().to_string());
    if record.picked.is_some() {
        return error.hint("it was picked itself: pick from the folder that `fit` wrote");
    }
    error
        .expected("a model that `modelwright fit` found by a search")
        .hint("offers are listed since this version; fit the model again")
}

fn none_fits(surveyed: &[Surveyed]) -> Error {
    let fastest = surveyed.iter().map(|s| s.latency_us).fold(f64::INFINITY, f64::min);
    let smallest = surveyed.iter().map(|s| s.size_bytes).min().unwrap_or(0);
    Error::input("no offer of this fit keeps to that")
        .got(format!("the fastest takes {} µs, the smallest {}", number(fastest), size(smallest)))
        .hint("see `modelwright pick MODEL` for the list; `fit --preset quick` finds smaller ones")
}

/// Prints what can be picked.
fn list(record: &RunRecord, surveyed: &[Surveyed], session: &Session) -> Result<()> {
    if session.global.json {
        let offers: Vec<Value> = surveyed.iter().map(|s| offer_json(record, s)).collect();
        return output::print_json(&json!({ "metric": record.task.metric, "offers": offers }));
    }
    let metric = &record.task.metric;
    let mut table = TextTable::new(&[
        ">offer",
        "members",
        ">out of fold",
        ">more error",
        ">held out",
        ">size",
        ">µs/row",
    ]);
    for s in surveyed {
        let offer = &record.offers[s.picked.offer];
        let held_out = offer.holdout.as_ref().and_then(|m| m.value);
        let members: Vec<String> =
            offer.members.iter().map(|m| format!("{} {:.2}", m.trial, m.weight)).collect();
        let each = if s.picked.one_model_each { " (one model each)" } else { "" };
        let dash = || "–".to_owned();
        table.row(vec![
            (s.picked.offer + 1).to_string(),
            format!("{}{each}", members.join(" + ")),
            offer.score.map_or_else(dash, number),
            offer.more_error.map_or_else(dash, |e| format!("{:+.2} %", e * 100.0)),
            held_out.map_or_else(dash, number),
            size(s.size_bytes),
            format!("{:.1}", s.latency_us),
        ]);
    }
    output::print(&format!(
        "{metric} of what this fit offers; 1 is the delivered model\n\n{}\n\
         take one with --fastest-within 0.5%, --max-latency 50us, --max-size 1MB or --offer N\n",
        table.render()
    ))
}

fn offer_json(record: &RunRecord, surveyed: &Surveyed) -> Value {
    let offer = &record.offers[surveyed.picked.offer];
    json!({
        "offer": surveyed.picked.offer + 1,
        "one_model_each": surveyed.picked.one_model_each,
        "members": offer.members,
        "score": offer.score,
        "more_error": offer.more_error,
        "holdout": offer.holdout.as_ref().map(|m| json!({
            "value": m.value,
            "ci95": m.ci95.map(|i| [i.low, i.high]),
        })),
        "size_bytes": surveyed.size_bytes,
        "latency_us": surveyed.latency_us,
    })
}
