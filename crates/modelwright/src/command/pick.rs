//! `pick`: the smaller and faster models that a fit offers, and one of them as a model of its own.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use modelwright::{Model, Offers, OutputFolder, PickRequest, offers, pick};
use modelwright_core::{Context, Result};

use crate::flags::{ModelArg, values};
use crate::output::{self, TextTable, number, size};
use crate::session::{Limits, Session};
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  modelwright pick churn
  modelwright pick churn --fastest-within 0.5% --out churn-fast
  modelwright pick churn --max-latency 50us --max-size 1MB --out churn-edge
  modelwright pick churn --max-feature-cost 2.5 --out churn-cheap
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
    /// Take the fastest of those that a test on the out-of-fold predictions cannot tell from the
    /// delivered model
    #[arg(long, group = "wish")]
    fastest_tied: bool,
    /// Take offer N of the list
    #[arg(long, value_name = "N", group = "wish")]
    offer: Option<usize>,
    /// Take the best that predicts a row in this time here, e.g. 50us
    #[arg(long, value_name = "TIME", value_parser = values::latency, conflicts_with = "wish")]
    max_latency: Option<f64>,
    /// Take the best that is not larger, e.g. 500kB
    #[arg(long, value_name = "SIZE", value_parser = values::size, conflicts_with = "wish")]
    max_size: Option<u64>,
    /// Take the best whose columns cost no more, as `fit --feature-cost` named costs
    #[arg(long, value_name = "COST", value_parser = values::cost_limit, conflicts_with = "wish")]
    max_feature_cost: Option<f64>,
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
        let ctx = session.context(Limits::default())?;
        let offers = offers(&model, &ctx)?;
        drop::<Context>(ctx);
        let Some(picked) = offers.choose(&self.request())? else {
            return list(&offers, session);
        };
        let folder = OutputFolder::prepare(self.folder(&model.path))?;
        let outcome = pick(model, offers, picked)?;
        let saved = modelwright::save(&outcome, &folder)?;
        summary::print_fit(&outcome.record, &saved, session)
    }

    fn request(&self) -> PickRequest {
        PickRequest {
            fastest_within: self.fastest_within,
            fastest_tied: self.fastest_tied,
            smallest_within: self.smallest_within,
            offer: self.offer,
            max_latency_us: self.max_latency,
            max_size_bytes: self.max_size,
            max_feature_cost: self.max_feature_cost,
            one_model_each: self.one_model_each,
        }
    }

    /// Where the picked model goes.
    fn folder(&self, model: &Path) -> PathBuf {
        self.out.clone().unwrap_or_else(|| output::beside(model, "pick"))
    }
}

/// How much more error, marked where it is none that a test can find.
fn more_error(share: f64, is_tied: bool) -> String {
    let mark = if is_tied { "= " } else { "" };
    let percent = share * 100.0;
    // What is worse is not shown as no difference.
    match percent.abs() {
        p if p > 0.0 && p < 0.005 && !is_tied => {
            format!("{} under 0.01 %", if share < 0.0 { "-" } else { "+" })
        }
        p if p < 0.005 => format!("{mark}0.00 %"),
        _ => format!("{mark}{percent:+.2} %"),
    }
}

/// Prints what can be picked.
fn list(offers: &Offers, session: &Session) -> Result<()> {
    if session.global.json {
        return output::print_json(&offers.document());
    }
    let Offers { record, surveyed, .. } = offers;
    let metric = &record.task.metric;
    let has_costs = record.offers.iter().any(|o| o.feature_cost.is_some());
    let mut titles =
        vec![">offer", "members", ">out of fold", ">more error", ">held out", ">size", ">µs/row"];
    if has_costs {
        titles.push(">columns cost");
    }
    let mut table = TextTable::new(&titles);
    for s in surveyed {
        let offer = &record.offers[s.picked.offer];
        let held_out = offer.holdout.as_ref().and_then(|m| m.value);
        let members: Vec<String> =
            offer.members.iter().map(|m| format!("{} {:.2}", m.trial, m.weight)).collect();
        let each = if s.picked.one_model_each { " (one model each)" } else { "" };
        let dash = || "–".to_owned();
        let mut row = vec![
            (s.picked.offer + 1).to_string(),
            format!("{}{each}", members.join(" + ")),
            offer.score.map_or_else(dash, number),
            offer.more_error.map_or_else(dash, |e| more_error(e, offer.tied)),
            held_out.map_or_else(dash, number),
            size(s.size_bytes),
            format!("{:.1}", s.latency_us),
        ];
        if has_costs {
            row.push(offer.feature_cost.map_or_else(dash, number));
        }
        table.row(row);
    }
    output::print(&format!(
        "{metric} of what this fit offers; 1 is the delivered model\n\n{}\n\
         = cannot be told from the delivered model by a test (5 % level)\n\
         take one with --fastest-tied, --fastest-within 0.5%, --max-latency 50us, --max-size 1MB \
         or --offer N\n",
        table.render()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_test_finds_worse_is_not_shown_as_no_difference() {
        assert_eq!(more_error(0.0, false), "0.00 %");
        assert_eq!(more_error(0.000_01, false), "+ under 0.01 %");
        assert_eq!(more_error(0.000_01, true), "= 0.00 %");
        assert_eq!(more_error(-0.012_3, true), "= -1.23 %");
    }
}
