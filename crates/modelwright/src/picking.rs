//! The smaller and faster models that a fit offers, and one of them as a model of its own.

use std::path::Path;

use modelwright_automl::FitOutcome;
use modelwright_automl::offers::{Surveyed, Wish, choose, survey};
use modelwright_automl::reference::Reference;
use modelwright_core::record::{Picked, RunRecord};
use modelwright_core::{Context, Error, Result};
use serde_json::{Value, json};

use crate::model::Model;
use crate::output::{number, size};

/// What a model offers, with what each offer takes on this machine.
pub struct Offers {
    /// The account of the fit.
    pub record: RunRecord,
    /// The offers, measured here.
    pub surveyed: Vec<Surveyed>,
    reference: Reference,
}

/// Which offer is wished; nothing lists them.
#[derive(Debug, Clone, Copy, Default)]
pub struct PickRequest {
    /// The fastest with at most this share more error.
    pub fastest_within: Option<f64>,
    /// The fastest of those that a test cannot tell from the delivered one.
    pub fastest_tied: bool,
    /// The smallest with at most this share more error.
    pub smallest_within: Option<f64>,
    /// The number of an offer, from 1.
    pub offer: Option<usize>,
    /// The longest time to predict a row here, in microseconds.
    pub max_latency_us: Option<f64>,
    /// The largest size in bytes.
    pub max_size_bytes: Option<u64>,
    /// The most that the columns may cost that it reads, as the fit was told.
    pub max_feature_cost: Option<f64>,
    /// One model of each member instead of the mean of several, of a numbered offer.
    pub one_model_each: bool,
}

impl PickRequest {
    fn has_limit(&self) -> bool {
        self.max_latency_us.is_some()
            || self.max_size_bytes.is_some()
            || self.max_feature_cost.is_some()
    }
}

/// Measures what a model offers.
///
/// # Errors
/// Input error when it offers nothing; whatever the offers' predictors answer.
pub fn offers(model: &Model, ctx: &Context) -> Result<Offers> {
    let record = model.artifact.record()?;
    if record.offers.is_empty() || record.picked.is_some() {
        return Err(nothing_to_pick(&model.path, &record));
    }
    let reference = model.reference()?;
    let surveyed =
        survey((&model.artifact.model, Some(&model.predictor)), &record, &reference.columns, ctx)?;
    Ok(Offers { record, surveyed, reference })
}

/// The picked offer as the outcome of a fit.
///
/// # Errors
/// As [`FitOutcome::pick`].
pub fn pick(model: Model, offers: Offers, picked: Picked) -> Result<FitOutcome> {
    let outcome = FitOutcome {
        predictor: model.predictor,
        record: offers.record,
        reference: offers.reference.columns,
        predictions: offers.reference.predictions,
        usual: offers.reference.usual,
        tested: None,
    };
    outcome.pick(picked)
}

impl Offers {
    /// The offer that is wished; `None` when nothing is.
    ///
    /// # Errors
    /// Input error when there is none such.
    pub fn choose(&self, request: &PickRequest) -> Result<Option<Picked>> {
        let known = &self.record.offers;
        if let Some(number) = request.offer {
            if !(1..=known.len()).contains(&number) {
                return Err(Error::input("there is no such offer")
                    .at("--offer")
                    .expected(format!("a number from 1 to {}", known.len()))
                    .got(number.to_string()));
            }
            let one_model_each = request.one_model_each;
            return Ok(Some(Picked { offer: number - 1, one_model_each }));
        }
        let wish = match (request.fastest_within, request.smallest_within) {
            (Some(share), _) => Wish::FastestWithin(share),
            (_, Some(share)) => Wish::SmallestWithin(share),
            _ if request.fastest_tied => Wish::FastestTied,
            _ if request.has_limit() => Wish::Best {
                max_latency_us: request.max_latency_us.unwrap_or(f64::INFINITY),
                max_size_bytes: request.max_size_bytes.unwrap_or(u64::MAX),
                max_feature_cost: request.max_feature_cost.unwrap_or(f64::INFINITY),
            },
            _ => return Ok(None),
        };
        if request.max_feature_cost.is_some() && known.iter().all(|o| o.feature_cost.is_none()) {
            return Err(Error::input("the fit was not told what columns cost")
                .at("--max-feature-cost")
                .hint("fit again with --feature-cost COLUMN=COST,…"));
        }
        let chosen = choose(known, &self.surveyed, wish).ok_or_else(|| self.none_fits())?;
        Ok(Some(chosen.picked))
    }

    /// The document of `modelwright pick --json`.
    pub fn document(&self) -> Value {
        let offers: Vec<Value> = self.surveyed.iter().map(|s| self.offer(s)).collect();
        json!({ "metric": self.record.task.metric, "offers": offers })
    }

    fn offer(&self, surveyed: &Surveyed) -> Value {
        let offer = &self.record.offers[surveyed.picked.offer];
        json!({
            "offer": surveyed.picked.offer + 1,
            "one_model_each": surveyed.picked.one_model_each,
            "members": offer.members,
            "score": offer.score,
            "more_error": offer.more_error,
            "tied": offer.tied,
            "holdout": offer.holdout.as_ref().map(|m| json!({
                "value": m.value,
                "ci95": m.ci95.map(|i| [i.low, i.high]),
            })),
            "feature_cost": offer.feature_cost,
            "size_bytes": surveyed.size_bytes,
            "latency_us": surveyed.latency_us,
        })
    }

    fn none_fits(&self) -> Error {
        let latencies = self.surveyed.iter().map(|s| s.latency_us);
        let fastest = latencies.fold(f64::INFINITY, f64::min);
        let smallest = self.surveyed.iter().map(|s| s.size_bytes).min().unwrap_or(0);
        let costs = self.record.offers.iter().filter_map(|o| o.feature_cost);
        let cheapest = costs.reduce(f64::min);
        let cheapest = cheapest.map_or_else(String::new, |c| {
            format!(", the cheapest reads columns for {}", number(c))
        });
        let got = format!(
            "the fastest takes {} µs, the smallest {}{cheapest}",
            number(fastest),
            size(smallest)
        );
        Error::input("no offer of this fit keeps to that").got(got).hint(
            "see `modelwright pick MODEL` for the list; `fit --preset quick` finds smaller ones",
        )
    }
}

fn nothing_to_pick(path: &Path, record: &RunRecord) -> Error {
    let mut error = Error::input("the model offers nothing smaller");
    if !path.as_os_str().is_empty() {
        error = error.at(path.display().to_string());
    }
    if record.picked.is_some() {
        return error.hint(
            "it was chosen among offers itself: pick from the folder that `fit` wrote, or fit \
             again without --max-latency, --max-size, --prefer-simple and --preset quick",
        );
    }
    error.expected("a model that `modelwright fit` found by a search").hint(
        "a fit that ends before it has compared its models lists none, nor does one of fair \
             decisions: fit again with more --time, or with --max-latency or --max-size",
    )
}
