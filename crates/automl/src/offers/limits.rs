//! A fit that was told how fast or how small its model must be delivers the best offer that is.

use modelwright_core::record::Options;
use modelwright_core::{Context, Result};

use super::{Surveyed, Wish, choose, survey};
use crate::distill;
use crate::input::FitOutcome;

/// The outcome with the best offer that keeps to the limits of the options; where none does, the
/// nearest one and a warning. Measured on this machine, and repeated by a replay.
///
/// # Errors
/// Work error when the predictor cannot be encoded.
pub(crate) fn keep(
    mut outcome: FitOutcome,
    options: &Options,
    ctx: &Context,
) -> Result<FitOutcome> {
    let (latency, size) = (options.max_latency_us, options.max_size_bytes);
    let wants_one = distill::delivers_one(options);
    let has_limit = latency.is_some() || size.is_some();
    if !(has_limit || wants_one || options.prefer_simple) {
        return Ok(outcome);
    }
    if outcome.record.offers.is_empty() {
        return Ok(unlimited(outcome, options));
    }
    let scope = ctx.scope("limits");
    let bytes = outcome.predictor.encode()?;
    let mut surveyed =
        survey((&bytes, Some(&outcome.predictor)), &outcome.record, &outcome.reference, &scope)?;
    if wants_one {
        surveyed.retain(|s| outcome.record.offers[s.picked.offer].members.len() == 1);
    }
    let within = Wish::Best {
        max_latency_us: latency.unwrap_or(f64::INFINITY),
        max_size_bytes: size.unwrap_or(u64::MAX),
        max_feature_cost: f64::INFINITY,
    };
    let offers = &outcome.record.offers;
    let simplest = options.prefer_simple && !has_limit;
    let tied = simplest.then(|| choose(offers, &surveyed, Wish::FastestTied)).flatten();
    let chosen = tied.or_else(|| choose(offers, &surveyed, within));
    if chosen.is_none() && has_limit {
        outcome.record.warnings.push(format!(
            "no model of this fit keeps to {}: the nearest was taken; --preset quick or \
             --interpretable find smaller ones",
            limits_in_words(options)
        ));
    }
    outcome.record.decisions = ctx.decisions();
    let chosen = chosen.or_else(|| nearest(&surveyed, latency, size));
    let is_smaller = |s: &Surveyed| s.picked.offer != 0 || s.picked.one_model_each;
    match chosen.filter(is_smaller) {
        Some(chosen) => outcome.pick(chosen.picked),
        None => Ok(outcome),
    }
}

/// Whether a run must deliver one of its offers.
pub(crate) fn has_limit(options: &Options) -> bool {
    options.max_latency_us.is_some() || options.max_size_bytes.is_some() || options.prefer_simple
}

/// The outcome of a run that has nothing to choose from, and was told to keep limits.
fn unlimited(mut outcome: FitOutcome, options: &Options) -> FitOutcome {
    if options.max_latency_us.is_some() || options.max_size_bytes.is_some() {
        outcome.record.warnings.push(format!(
            "whether the model keeps to {} was not measured: the run has no other models to offer; \
             --preset quick or --interpretable find smaller ones",
            limits_in_words(options)
        ));
    }
    outcome
}

/// The offer that exceeds its worse limit by the smallest factor.
fn nearest(surveyed: &[Surveyed], latency: Option<f64>, size: Option<u64>) -> Option<Surveyed> {
    let excess = |s: &Surveyed| {
        let of_latency = latency.map_or(0.0, |limit| s.latency_us / limit);
        let of_size = size.map_or(0.0, |limit| s.size_bytes as f64 / limit as f64);
        of_latency.max(of_size)
    };
    surveyed.iter().min_by(|a, b| excess(a).total_cmp(&excess(b))).copied()
}

fn limits_in_words(options: &Options) -> String {
    let latency = options.max_latency_us.map(|us| format!("{us} µs for one row"));
    let size = options.max_size_bytes.map(|bytes| format!("{bytes} bytes"));
    [latency, size].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use modelwright_core::record::{Offer, Picked};

    use super::*;

    fn surveyed(offer: usize, latency_us: f64, size_bytes: u64) -> Surveyed {
        Surveyed { picked: Picked { offer, one_model_each: false }, size_bytes, latency_us }
    }

    fn offers(more: &[f64]) -> Vec<Offer> {
        let offer = |m: &f64| Offer { more_error: Some(*m), ..Offer::default() };
        more.iter().map(offer).collect()
    }

    #[test]
    fn each_wish_takes_the_offer_that_it_describes() {
        let offers = offers(&[0.0, 0.004, 0.02]);
        let all = [surveyed(0, 90.0, 900), surveyed(1, 20.0, 500), surveyed(2, 30.0, 100)];
        let taken = |wish| choose(&offers, &all, wish).map(|s| s.picked.offer);
        assert_eq!(taken(Wish::FastestWithin(0.005)), Some(1));
        assert_eq!(taken(Wish::FastestWithin(0.0)), Some(0));
        assert_eq!(taken(Wish::SmallestWithin(0.05)), Some(2));
        let best = |max_latency_us, max_size_bytes| Wish::Best {
            max_latency_us,
            max_size_bytes,
            max_feature_cost: f64::INFINITY,
        };
        assert_eq!(taken(best(50.0, u64::MAX)), Some(1));
        assert_eq!(taken(best(f64::INFINITY, 200)), Some(2));
        assert_eq!(taken(best(1.0, u64::MAX)), None);
        assert_eq!(taken(Wish::FastestTied), Some(0));
        let cheap = |max_feature_cost| Wish::Best {
            max_latency_us: f64::INFINITY,
            max_size_bytes: u64::MAX,
            max_feature_cost,
        };
        assert_eq!(taken(cheap(3.0)), None, "nobody said what columns cost");
        let mut priced = offers.clone();
        for (offer, cost) in priced.iter_mut().zip([9.0, 9.0, 2.0]) {
            offer.feature_cost = Some(cost);
        }
        let taken_of = |wish| choose(&priced, &all, wish).map(|s| s.picked.offer);
        assert_eq!((taken_of(cheap(3.0)), taken_of(cheap(1.0))), (Some(2), None));
        let mut tied = offers.clone();
        tied[2].tied = true;
        let chosen = choose(&tied, &all, Wish::FastestTied).map(|s| s.picked.offer);
        assert_eq!(chosen, Some(2));
    }

    #[test]
    fn where_no_offer_keeps_a_limit_the_nearest_is_taken() {
        let all = [surveyed(0, 90.0, 900), surveyed(1, 20.0, 500), surveyed(2, 30.0, 100)];
        let taken = |latency, size| nearest(&all, latency, size).map(|s| s.picked.offer);
        assert_eq!(taken(Some(10.0), None), Some(1));
        assert_eq!(taken(Some(10.0), Some(50)), Some(2));
    }
}
