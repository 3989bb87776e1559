//! Time and quality of the gradient booster on a raw file, for comparisons with other boosters.
//!
//! ```text
//! cargo run --release -p modelwright-learners --example gbdt_speed -- FILE [name=value …]
//! ```
//!
//! FILE is little-endian: five u32 (task: 0 regression, 1 binary, 2 multiclass; training rows; test
//! rows; features; classes), then training features (f32, feature after feature), training target
//! (f32), test features, test target. `threads=`, `seed=`, `reps=`, `warm=`, `valid=` (the part of the
//! training rows held out for early stopping, 0 is none) are the example's own; every other name is
//! a parameter of the booster. Prints one JSON object.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::sync::Arc;
use std::time::Instant;

use modelwright_core::data::{
    BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView, MAX_CUTS, TrainView,
};
use modelwright_core::params::ParamMap;
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::learner;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or_else(|| Error::input("name a data file"))?;
    let options: Vec<(String, String)> = arguments
        .filter_map(|a| a.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
        .collect();
    let own = |name: &str, default: f64| {
        let found = options.iter().find(|(k, _)| k == name);
        found.and_then(|(_, v)| v.parse().ok()).unwrap_or(default)
    };
    let entry = learner("gbdt")?;
    let mut params = ParamMap::new();
    for spec in entry.params {
        if let Some((_, text)) = options.iter().find(|(k, _)| k == spec.name) {
            let value = spec.domain.parse(text).ok_or_else(|| Error::input(spec.name))?;
            params.insert(spec.name.to_owned(), value);
        }
    }
    let ctx = Context::unlimited(own("seed", 0.0) as u64, own("threads", 1.0) as usize);
    let data = Data::read(&path)?;
    let start = Instant::now();
    let mut matrix = FeatureMatrix::new(data.n, data.train.clone());
    let bins = ctx.map(matrix.columns.len(), |i| binned(&matrix.columns[i].values));
    for (column, bins) in matrix.columns.iter_mut().zip(bins) {
        column.bins = Some(Arc::new(bins));
    }
    let bin_s = start.elapsed().as_secs_f64();
    let held_out = own("valid", 0.0);
    let (rows, validation): (Vec<u32>, Vec<u32>) = (0..data.n as u32)
        .partition(|r| f64::from(r.wrapping_mul(2_654_435_761) >> 8) / 16_777_216.0 >= held_out);
    let view = TrainView {
        features: &matrix,
        target: &data.target,
        weights: None,
        rows: &rows,
        validation: &validation,
    };
    let (mut times, mut cpu_times) = (Vec::new(), Vec::new());
    // One fit more than is timed, unless `warm=0`: the first one meets cold memory.
    let mut fitted = None;
    if own("warm", 1.0) > 0.0 {
        fitted = Some(entry.fit(&view, &params, &ctx.scope("warm"))?);
    }
    for rep in 0..own("reps", 1.0) as usize {
        let (start, cpu) = (Instant::now(), cpu_s());
        fitted = Some(entry.fit(&view, &params, &ctx.scope(&format!("{rep}")))?);
        times.push(start.elapsed().as_secs_f64());
        cpu_times.push(cpu_s() - cpu);
    }
    times.sort_by(f64::total_cmp);
    cpu_times.sort_by(f64::total_cmp);
    let fitted = fitted.ok_or_else(|| Error::input("ask for a fit: warm=1 or reps=1"))?;
    let test = FeatureMatrix::new(data.n_test, data.test);
    let start = Instant::now();
    let predicted = fitted.model.predict(&FeatureView::all(&test), &ctx)?;
    let predict_s = start.elapsed().as_secs_f64();
    let (metric, value) = quality(&data.test_target, &predicted);
    println!(
        "{{\"bin_s\":{bin_s:.3},\"train_s\":{:.3},\"min_s\":{:.3},\"cpu_s\":{:.3},\"rounds\":{},\
         \"predict_rows_s\":{:.0},\"bytes\":{},\"metric\":\"{metric}\",\"value\":{value:.6}}}",
        times.get(times.len() / 2).copied().unwrap_or(0.0),
        times.first().copied().unwrap_or(0.0),
        cpu_times.get(cpu_times.len() / 2).copied().unwrap_or(0.0),
        fitted.model.rounds(),
        data.n_test as f64 / predict_s,
        fitted.encode()?.len(),
    );
    Ok(())
}

/// CPU seconds of this process so far, of all threads (Linux; 0 elsewhere).
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

struct Data {
    n: usize,
    n_test: usize,
    train: Vec<FeatureColumn>,
    target: Target,
    test: Vec<FeatureColumn>,
    test_target: Target,
}

impl Data {
    fn read(path: &str) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::input("cannot read").because(e))?;
        let (header, body) = bytes.split_at(20);
        let header: Vec<usize> = header
            .chunks_exact(4)
            .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]) as usize)
            .collect();
        let [task, n, n_test, n_features, n_classes] = header[..] else {
            return Err(Error::input("the header is too short"));
        };
        let mut numbers =
            body.chunks_exact(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]]));
        let mut columns = |n: usize| -> Vec<FeatureColumn> {
            let name = |i: usize| format!("f{i}");
            (0..n_features)
                .map(|i| FeatureColumn::dense(&name(i), numbers.by_ref().take(n).collect()))
                .collect()
        };
        let train = columns(n);
        let y: Vec<f32> = columns_target(&mut numbers, n);
        let mut columns = |n: usize| -> Vec<FeatureColumn> {
            let name = |i: usize| format!("f{i}");
            (0..n_features)
                .map(|i| FeatureColumn::dense(&name(i), numbers.by_ref().take(n).collect()))
                .collect()
        };
        let test = columns(n_test);
        let y_test: Vec<f32> = columns_target(&mut numbers, n_test);
        let target = |y: Vec<f32>| match task {
            0 => Target::Real(y.into_iter().map(f64::from).collect()),
            _ => Target::Class { codes: y.into_iter().map(|v| v as u32).collect(), n_classes },
        };
        Ok(Self { n, n_test, train, target: target(y), test, test_target: target(y_test) })
    }
}

fn columns_target(numbers: &mut impl Iterator<Item = f32>, n: usize) -> Vec<f32> {
    numbers.by_ref().take(n).collect()
}

/// Cuts between all distinct values if they are few, at quantiles otherwise.
fn binned(values: &[f32]) -> BinnedColumn {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let step = sorted.len().div_ceil(200_000).max(1);
    sorted = sorted.into_iter().step_by(step).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut cuts: Vec<f32> = if distinct.len() <= MAX_CUTS + 1 {
        distinct.windows(2).map(|w| w[0] + (w[1] - w[0]) / 2.0).collect()
    } else {
        (1..=MAX_CUTS).map(|i| sorted[i * sorted.len() / (MAX_CUTS + 1)]).collect()
    };
    cuts.dedup();
    let missing = (cuts.len() + 1) as u8;
    let code = |v: &f32| {
        if v.is_nan() { missing } else { cuts.partition_point(|c| c < v) as u8 }
    };
    BinnedColumn { codes: values.iter().map(code).collect(), cuts }
}

fn quality(target: &Target, predicted: &Predictions) -> (&'static str, f64) {
    let n = target.n_rows() as f64;
    match (target.task(), target) {
        (Task::Regression, Target::Real(y)) => {
            let squares: f64 = y.iter().zip(&predicted.values).map(|(y, p)| (y - p).powi(2)).sum();
            ("rmse", (squares / n).sqrt())
        }
        (Task::Binary, Target::Class { codes, .. }) => ("auc", auc(codes, &predicted.values)),
        (_, Target::Class { codes, .. }) => {
            let logs = codes.iter().enumerate();
            let sum: f64 = logs.map(|(i, c)| -predicted.row(i)[*c as usize].max(1e-15).ln()).sum();
            ("log_loss", sum / n)
        }
        _ => ("none", f64::NAN),
    }
}

/// The area under the ROC curve by mean ranks.
fn auc(codes: &[u32], scores: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..codes.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < order.len() {
        let score = scores[order[start]];
        let tied = order[start..].iter().take_while(|i| scores[**i] == score).count();
        let rank = start as f64 + f64::midpoint(tied as f64, 1.0);
        let positives = order[start..start + tied].iter().filter(|i| codes[**i] == 1).count();
        rank_sum += rank * positives as f64;
        start += tied;
    }
    let positives = codes.iter().filter(|c| **c == 1).count() as f64;
    let negatives = codes.len() as f64 - positives;
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}
