//! How large each offer is, and how fast it predicts one row on this machine.

use std::time::Duration;

use modelwright_core::data::{Column, Schema, Storage, Table};
use modelwright_core::record::{Offer, Picked, RunRecord};
use modelwright_core::{Context, Error, Result};
use modelwright_preprocess::sketch::{ColumnSketch, MICROS, TableSketch};
use serde::Serialize;

use crate::offers::pick;
use crate::predictor::Predictor;

/// Different rows that are predicted, and how often each.
const N_ROWS: usize = 16;
const N_REPEATS: usize = 12;

/// Repeats that only warm up caches.
const N_WARM_UP: usize = 2;

/// An offer that can be picked, measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Surveyed {
    /// Which offer, and how many models of each member.
    #[serde(flatten)]
    pub picked: Picked,
    /// Bytes of its predictor as it is stored.
    pub size_bytes: u64,
    /// Median time to predict one row, in microseconds.
    pub latency_us: f64,
}

/// What is wished of the picked model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish {
    /// The fastest with at most this share more error than the delivered one makes out of fold.
    FastestWithin(f64),
    /// The fastest of those that a test cannot tell from the delivered one, itself among them.
    FastestTied,
    /// The smallest within that share.
    SmallestWithin(f64),
    /// The best that keeps to all limits.
    Best {
        /// Microseconds for one row.
        max_latency_us: f64,
        /// Bytes of the stored predictor.
        max_size_bytes: u64,
        /// What the columns cost that it reads.
        max_feature_cost: f64,
    },
}

/// Measures every offer, with all models of its members and, where a member has several, with one
/// of each. `bytes` are the delivered predictor's, `awake` is that predictor where it has parts
/// that sleep in the bytes, `reference` describes its training rows: rows with typical values are
/// made of it.
///
/// # Errors
/// Input error when the predictor or the record cannot be read.
pub fn survey(
    (bytes, awake): (&[u8], Option<&Predictor>),
    record: &RunRecord,
    reference: &TableSketch,
    ctx: &Context,
) -> Result<Vec<Surveyed>> {
    let mut all = Vec::new();
    for offer in 0..record.offers.len() {
        for one_model_each in [false, true] {
            let mut predictor = Predictor::decode(bytes)?;
            if let Some(awake) = awake {
                predictor.wake_like(awake);
            }
            let picked = Picked { offer, one_model_each };
            let (predictor, _) = pick(predictor, record.clone(), picked)?;
            let has_several = predictor.members.iter().any(|m| m.models.len() > 1);
            let rows = typical_rows(&predictor.schema, reference)?;
            all.push(Surveyed {
                picked,
                size_bytes: predictor.encode()?.len() as u64,
                latency_us: latency_us(&predictor, &rows, &picked, ctx)?,
            });
            if !one_model_each && !has_several {
                break;
            }
        }
    }
    Ok(all)
}

/// The measured offer that a wish describes; `None` when nothing fulfils it. One model of each
/// member is only taken for a limit that nothing else keeps: an offer's error out of fold is that
/// of one model each, but their mean is a little better than that.
pub fn choose(offers: &[Offer], surveyed: &[Surveyed], wish: Wish) -> Option<Surveyed> {
    let error = |s: &Surveyed| offers[s.picked.offer].more_error.unwrap_or(f64::INFINITY);
    let whole = surveyed.iter().filter(|s| !s.picked.one_model_each);
    match wish {
        Wish::FastestWithin(share) => whole
            .filter(|s| error(s) <= share)
            .min_by(|a, b| a.latency_us.total_cmp(&b.latency_us))
            .copied(),
        Wish::FastestTied => whole
            .filter(|s| s.picked.offer == 0 || offers[s.picked.offer].tied)
            .min_by(|a, b| a.latency_us.total_cmp(&b.latency_us))
            .copied(),
        Wish::SmallestWithin(share) => {
            whole.filter(|s| error(s) <= share).min_by_key(|s| s.size_bytes).copied()
        }
        Wish::Best { max_latency_us, max_size_bytes, max_feature_cost } => surveyed
            .iter()
            .filter(|s| s.latency_us <= max_latency_us && s.size_bytes <= max_size_bytes)
            .filter(|s| {
                let cost = offers[s.picked.offer].feature_cost;
                max_feature_cost.is_infinite() || cost.is_some_and(|c| c <= max_feature_cost)
            })
            .min_by(|a, b| {
                let fewer = a.picked.one_model_each.cmp(&b.picked.one_model_each);
                error(a).total_cmp(&error(b)).then(fewer)
            })
            .copied(),
    }
}

/// The median time of predicting a row that stands alone.
fn latency_us(
    predictor: &Predictor,
    rows: &[Table],
    picked: &Picked,
    ctx: &Context,
) -> Result<f64> {
    let name = format!("latency/{}/{}", picked.offer, picked.one_model_each);
    let mut failed = None;
    let nanoseconds = ctx.decide(&name, || {
        let mut times: Vec<Duration> = Vec::with_capacity(rows.len() * N_REPEATS);
        for repeat in 0..N_WARM_UP + N_REPEATS {
            for row in rows {
                let before = ctx.elapsed();
                if let Err(error) = predictor.predict(row, ctx) {
                    failed = Some(error);
                }
                if repeat >= N_WARM_UP {
                    times.push(ctx.elapsed().saturating_sub(before));
                }
            }
        }
        times.sort_unstable();
        times.get(times.len() / 2).map_or(0, |t| t.as_nanos() as u64)
    });
    failed.map_or(Ok(nanoseconds as f64 / 1e3), Err)
}

/// Tables of one row each, with values spread over what the training rows had.
fn typical_rows(schema: &Schema, reference: &TableSketch) -> Result<Vec<Table>> {
    let row = |i: usize| {
        let column = |field: &modelwright_core::data::Field| {
            let sketch = reference.column(&field.name).ok_or_else(|| {
                Error::input("the sketches of the training data lack a column of the model")
                    .column(&field.name)
            })?;
            Ok(typical(&field.name, field.storage, sketch, i))
        };
        Table::new(schema.fields.iter().map(column).collect::<Result<_>>()?)
    };
    (0..N_ROWS).map(row).collect()
}

/// One value of a column: the middle of the `i`-th of [`N_ROWS`] equal parts of its numbers, or one
/// of its most frequent texts.
fn typical(name: &str, storage: Storage, sketch: &ColumnSketch, i: usize) -> Column {
    let number = || {
        let quantile = (i as f64 + 0.5) / N_ROWS as f64;
        sketch.numbers().and_then(|n| n.quantiles.quantiles(&[quantile]).first().copied())
    };
    match storage {
        Storage::Number => Column::numbers(name, vec![number().unwrap_or(f64::NAN)]),
        Storage::Instant => Column::instants(name, vec![(number().unwrap_or(0.0) * MICROS) as i64]),
        Storage::String => {
            let top = sketch.texts().map(|t| t.frequent.top()).unwrap_or_default();
            let text = (!top.is_empty()).then(|| top[i % top.len()].0.as_str());
            Column::strings(name, [text])
        }
    }
}
