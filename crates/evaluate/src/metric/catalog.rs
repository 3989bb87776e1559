//! The list of all metrics.
//!
//! To add one:
//! 1. write `metric/<name>.rs` (copy `accuracy.rs` or `log_loss.rs`) with its `declare_metric!`;
//! 2. add its `mod` line to `metric/mod.rs` and its line to [`METRICS`] below;
//! 3. add its cases to `testdata/metric/generate.py` and run that.
//!
//! The conformance suite (`checks.rs`), the golden test, `--help` and the docs then know it.

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

use super::MetricEntry;

/// All metrics, in the order in which they are documented.
pub const METRICS: &[MetricEntry] = &[
    // Probabilities.
    MetricEntry::of::<super::roc_auc::RocAuc>(),
    MetricEntry::of::<super::roc_auc::RocAucOvr>(),
    MetricEntry::of::<super::roc_auc::RocAucOvrWeighted>(),
    MetricEntry::of::<super::roc_auc::RocAucOvo>(),
    MetricEntry::of::<super::roc_auc::RocAucOvoWeighted>(),
    MetricEntry::of::<super::average_precision::AveragePrecision>(),
    MetricEntry::of::<super::log_loss::LogLoss>(),
    MetricEntry::of::<super::brier_score::BrierScore>(),
    MetricEntry::of::<super::top_k_accuracy::Top2Accuracy>(),
    MetricEntry::of::<super::top_k_accuracy::Top3Accuracy>(),
    MetricEntry::of::<super::top_k_accuracy::Top5Accuracy>(),
    // Decided labels.
    MetricEntry::of::<super::accuracy::Accuracy>(),
    MetricEntry::of::<super::balanced_accuracy::BalancedAccuracy>(),
    MetricEntry::of::<super::precision_recall::F1>(),
    MetricEntry::of::<super::precision_recall::F1Macro>(),
    MetricEntry::of::<super::precision_recall::F1Weighted>(),
    MetricEntry::of::<super::precision_recall::F1Micro>(),
    MetricEntry::of::<super::precision_recall::Precision>(),
    MetricEntry::of::<super::precision_recall::PrecisionMacro>(),
    MetricEntry::of::<super::precision_recall::PrecisionWeighted>(),
    MetricEntry::of::<super::precision_recall::PrecisionMicro>(),
    MetricEntry::of::<super::precision_recall::Recall>(),
    MetricEntry::of::<super::precision_recall::RecallMacro>(),
    MetricEntry::of::<super::precision_recall::RecallWeighted>(),
    MetricEntry::of::<super::precision_recall::RecallMicro>(),
    MetricEntry::of::<super::matthews_corrcoef::MatthewsCorrcoef>(),
    MetricEntry::of::<super::cohen_kappa::CohenKappa>(),
    MetricEntry::of::<super::cohen_kappa::CohenKappaLinear>(),
    MetricEntry::of::<super::cohen_kappa::CohenKappaQuadratic>(),
    // Values.
    MetricEntry::of::<super::squared_error::Rmse>(),
    MetricEntry::of::<super::squared_error::Mse>(),
    MetricEntry::of::<super::mean_error::Mae>(),
    MetricEntry::of::<super::median_error::Medae>(),
    MetricEntry::of::<super::r2::R2>(),
    MetricEntry::of::<super::r2::ExplainedVariance>(),
    MetricEntry::of::<super::r2::D2AbsoluteError>(),
    MetricEntry::of::<super::percentage_error::Mape>(),
    MetricEntry::of::<super::percentage_error::Smape>(),
    MetricEntry::of::<super::squared_error::Rmsle>(),
    MetricEntry::of::<super::max_error::MaxError>(),
    MetricEntry::of::<super::pinball::Pinball50>(),
    MetricEntry::of::<super::pinball::Pinball10>(),
    MetricEntry::of::<super::pinball::Pinball90>(),
    MetricEntry::of::<super::deviance::PoissonDeviance>(),
    MetricEntry::of::<super::deviance::GammaDeviance>(),
    MetricEntry::of::<super::deviance::TweedieDeviance>(),
    MetricEntry::of::<super::ndcg::Ndcg>(),
];

/// What other tools (and scikit-learn's functions and scorers) call some of them.
const FOREIGN_NAMES: &[(&str, &str)] = &[
    ("auc", "roc_auc"),
    ("auroc", "roc_auc"),
    ("roc_auc_score", "roc_auc"),
    ("auprc", "average_precision"),
    ("pr_auc", "average_precision"),
    ("average_precision_score", "average_precision"),
    ("logloss", "log_loss"),
    ("cross_entropy", "log_loss"),
    ("neg_log_loss", "log_loss"),
    ("nll", "log_loss"),
    ("brier", "brier_score"),
    ("brier_score_loss", "brier_score"),
    ("neg_brier_score", "brier_score"),
    ("acc", "accuracy"),
    ("f1_score", "f1"),
    ("mcc", "matthews_corrcoef"),
    ("kappa", "cohen_kappa"),
    ("qwk", "cohen_kappa_quadratic"),
    ("quadratic_kappa", "cohen_kappa_quadratic"),
    ("top_2_accuracy", "top_k_accuracy"),
    ("root_mean_squared_error", "rmse"),
    ("neg_root_mean_squared_error", "rmse"),
    ("mean_squared_error", "mse"),
    ("neg_mean_squared_error", "mse"),
    ("l2", "mse"),
    ("mean_absolute_error", "mae"),
    ("neg_mean_absolute_error", "mae"),
    ("l1", "mae"),
    ("median_absolute_error", "medae"),
    ("neg_median_absolute_error", "medae"),
    ("r2_score", "r2"),
    ("r_squared", "r2"),
    ("mean_absolute_percentage_error", "mape"),
    ("root_mean_squared_log_error", "rmsle"),
    ("explained_variance_score", "explained_variance"),
    ("mean_pinball_loss", "pinball_loss"),
    ("quantile_loss", "pinball_loss"),
    ("mean_poisson_deviance", "poisson_deviance"),
    ("mean_gamma_deviance", "gamma_deviance"),
    ("mean_tweedie_deviance", "tweedie_deviance"),
];

/// The metric of that name.
///
/// # Errors
/// Input error with the nearest name, or the list of all, for an unknown name.
pub fn metric(name: &str) -> Result<&'static MetricEntry> {
    if let Some(entry) = METRICS.iter().find(|m| m.spec.name == name) {
        return Ok(entry);
    }
    let error = Error::input("unknown metric").got(name);
    let lower = name.trim().to_lowercase();
    Err(match FOREIGN_NAMES.iter().find(|(foreign, _)| *foreign == lower) {
        Some((_, ours)) => error.hint(format!("did you mean `{ours}`?")),
        None => error.suggest(name, METRICS.iter().map(|m| m.spec.name)),
    })
}

/// The metric of that name; of a name that is not of the catalog (the metric of somebody's own
/// program) the default of the task.
pub fn metric_or_default(name: &str, task: Task) -> &'static MetricEntry {
    let of = |name: &str| METRICS.iter().find(|m| m.spec.name == name);
    of(name).or_else(|| of(task.default_metric())).unwrap_or(&METRICS[0])
}

/// The metrics that are reported for a task when nobody asks for others, most telling first.
pub fn metrics_for(task: Task) -> impl Iterator<Item = &'static MetricEntry> {
    let names: &[&str] = match task {
        Task::Binary => &[
            "roc_auc",
            "average_precision",
            "log_loss",
            "brier_score",
            "accuracy",
            "balanced_accuracy",
            "f1",
            "precision",
            "recall",
            "matthews_corrcoef",
        ],
        Task::Multiclass => &[
            "log_loss",
            "accuracy",
            "balanced_accuracy",
            "f1_macro",
            "f1_weighted",
            "roc_auc_ovr",
            "brier_score",
            "matthews_corrcoef",
            "cohen_kappa",
            "top_3_accuracy",
        ],
        Task::Regression => &["rmse", "mae", "medae", "r2", "mape", "smape"],
    };
    names.iter().filter_map(|name| METRICS.iter().find(|m| m.spec.name == *name))
}
