//! How long the costly parts take on 10 thousand and on a million rows. By hand, in release mode:
//! `cargo run --release -p modelwright-evaluate --example speed`.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_evaluate::metric::MetricEntry;
use modelwright_evaluate::{
    MetricInput, SplitInput, SplitKind, bootstrap_interval, bootstrap_intervals, compare, curve,
    k_folds, metric, metrics_for,
};

fn binary(n: usize) -> (Target, Predictions) {
    let mut random = Random::new(1);
    let values: Vec<f64> = (0..n).map(|_| random.unit()).collect();
    let codes = values.iter().map(|p| u32::from(random.unit() < *p)).collect();
    (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
}

#[expect(clippy::print_stdout, reason = "a program run by hand")]
fn timed(what: &str, ctx: &Context, work: impl FnOnce()) {
    let (before, cpu_before) = (ctx.elapsed(), cpu_ms());
    work();
    let wall_ms = ctx.elapsed().saturating_sub(before).as_secs_f64() * 1e3;
    let cpu_ms = cpu_ms() - cpu_before;
    println!("{what}: {wall_ms:.0} ms wall, {cpu_ms} ms of processor time");
}

/// Processor time of all threads, in steps of 10 ms, where the system tells (Linux).
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.split_whitespace().skip(13).take(2).filter_map(|t| t.parse::<u64>().ok());
    ticks.sum::<u64>() * 10
}

fn main() -> modelwright_core::Result<()> {
    let ctx = Context::unlimited(1, 2);
    let roc_auc = metric("roc_auc")?;
    let (truth, p) = binary(10_000);
    let input = MetricInput::new(&truth, &p);
    let binary_metrics: Vec<&MetricEntry> = metrics_for(Task::Binary).collect();
    timed("1000 resamples of roc_auc, 10k rows", &ctx, || {
        drop(bootstrap_interval(roc_auc, &input, 1000, &ctx));
    });
    timed("1000 resamples of 10 metrics, 10k rows", &ctx, || {
        drop(bootstrap_intervals(&binary_metrics, &input, 1000, &ctx));
    });
    let (truth, p) = binary(1_000_000);
    let input = MetricInput::new(&truth, &p);
    for metric in &binary_metrics {
        timed(&format!("{}, 1M rows", metric.name()), &ctx, || drop(metric.value(&input)));
    }
    timed("10 metrics with intervals, 1M rows", &ctx, || {
        drop(bootstrap_intervals(&binary_metrics, &input, 1000, &ctx));
    });
    timed("DeLong, 1M rows", &ctx, || {
        drop(compare(roc_auc, &modelwright_evaluate::Paired::new(&truth, &p, &p), &ctx));
    });
    timed("ROC curve, 1M rows", &ctx, || drop(curve::roc_curve(&truth, &p, None)));
    let f1 = metric("f1")?;
    timed("best threshold of f1, 1M rows", &ctx, || {
        let _ = modelwright_evaluate::best_threshold(f1, &truth, &p, None);
    });
    let groups: Vec<u32> = (0..1_000_000).map(|row| row / 3).collect();
    let times: Vec<f64> = p.values.clone();
    let input = SplitInput {
        n_rows: 1_000_000,
        target: Some(&truth),
        groups: Some(&groups),
        times: Some(&times),
    };
    for kind in SplitKind::ALL {
        timed(&format!("5 {} folds, 1M rows", kind.name()), &ctx, || {
            drop(k_folds(kind, &input, 5, &ctx));
        });
    }
    Ok(())
}
