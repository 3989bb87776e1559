//! What is to be learned of a target by the metric: mostly its mean, else another property of it.
//!
//! Boosters that minimise squared errors predict means, whatever they are judged by. Where the
//! metric is best at another property (the median for absolute errors, a quantile for a pinball
//! loss), they minimise the loss that asks for it, and the yardstick is the constant that has it.
//! Reference: Gneiting, "Making and evaluating point forecasts", Journal of the American
//! Statistical Association 106, 2011.

use modelwright_core::params::ParamValue;
use modelwright_core::record::{Plan, PlannedTrial};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_evaluate::metric::weighted_quantile;
use modelwright_learners::baseline;

use crate::parts;

/// The booster, the one learner whose loss can be chosen.
const BOOSTER: &str = "gbdt";
/// The constant, which can be any quantile.
const CONSTANT: &str = "baseline";
const LOSS: &str = "loss";

/// What a metric of numbers asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Aim {
    /// The booster's loss.
    loss: &'static str,
    /// What is best as a constant.
    constant: Constant,
}

/// Properties of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Constant {
    Mean,
    Quantile(f64),
    /// The median in which a row weighs as much as it does in relative errors.
    RelativeMedian,
}

/// What the metric asks for; `None` where it is the mean of the target, or of each class.
fn aim(metric: &str) -> Option<Aim> {
    let of = |loss, constant| Some(Aim { loss, constant });
    let quantile = |level| of("quantile", Constant::Quantile(level));
    match metric {
        "mae" | "medae" | "smape" | "d2_absolute_error" | "pinball_loss" => {
            of("absolute", Constant::Quantile(0.5))
        }
        "mape" => of("mape", Constant::RelativeMedian),
        "pinball_loss_0.1" => quantile(0.1),
        "pinball_loss_0.9" => quantile(0.9),
        // The median is near the mean of the logarithms, which a constant would have to be.
        "rmsle" => of("squared_log", Constant::Quantile(0.5)),
        "poisson_deviance" => of("poisson", Constant::Mean),
        "gamma_deviance" => of("gamma", Constant::Mean),
        "tweedie_deviance" => of("tweedie", Constant::Mean),
        _ => None,
    }
}

/// Whether what a metric asks for is the mean, and boosters need no other loss for it than that of
/// their task.
pub(crate) fn is_mean(metric: &str) -> bool {
    aim(metric).is_none()
}

/// Lets the trials of a plan learn what the metric asks for. Learners of means are left out where
/// boosters learn a quantile far from the middle, which no mean comes near.
pub(crate) fn take(plan: &mut Plan, metric: &str) {
    let Some(aim) = aim(metric) else { return };
    let is_aimed = |t: &PlannedTrial| t.learner == BOOSTER && !t.params.contains_key(LOSS);
    if plan.trials.iter().any(is_aimed) {
        plan.notes.push(format!("boosters minimise the {} loss, as {metric} asks", aim.loss));
        let is_of_mean = |t: &PlannedTrial| t.learner != BOOSTER && t.learner != CONSTANT;
        if aim.loss == "quantile" && plan.trials.iter().any(is_of_mean) {
            plan.trials.retain(|t| !is_of_mean(t));
            plan.notes.push("learners that predict a mean only are left out".to_owned());
        }
    }
    for trial in &mut plan.trials {
        let mut set = |name: &str, value| {
            trial.params.entry(name.to_owned()).or_insert(value);
        };
        match (&*trial.learner, aim.constant) {
            (BOOSTER, constant) => {
                set(LOSS, ParamValue::Choice(aim.loss.to_owned()));
                if let ("quantile", Constant::Quantile(level)) = (aim.loss, constant) {
                    set("alpha", ParamValue::Real(level));
                }
            }
            (CONSTANT, Constant::Quantile(level)) => {
                set("statistic", ParamValue::Choice("quantile".to_owned()));
                set("level", ParamValue::Real(level));
            }
            (CONSTANT, Constant::RelativeMedian) => {
                set("statistic", ParamValue::Choice("relative_median".to_owned()));
            }
            _ => {}
        }
    }
}

/// The constant that is best for the metric on the training target, once for each of `n_rows`.
pub fn constant(
    metric: &str,
    train: &Target,
    weights: Option<&[f64]>,
    n_rows: usize,
) -> Predictions {
    let best = match (train, aim(metric).map(|aim| aim.constant)) {
        (Target::Real(values), Some(Constant::Quantile(level))) => quantile(values, weights, level),
        (Target::Real(values), Some(Constant::RelativeMedian)) => {
            let weight = |(row, y): (usize, &f64)| {
                weights.map_or(1.0, |w| w[row]) * baseline::relative_weight(*y)
            };
            let relative: Vec<f64> = values.iter().enumerate().map(weight).collect();
            quantile(values, Some(&relative), 0.5)
        }
        _ => None,
    };
    best.map_or_else(
        || parts::constant(train, weights, n_rows),
        |value| Predictions::new(1, vec![value; n_rows]),
    )
}

/// What [`constant`] is, in words.
pub(crate) fn constant_words(metric: &str, task: Task, of_rows: &str) -> String {
    let what = match aim(metric).map(|aim| aim.constant) {
        _ if task.is_classification() => {
            return format!("the share of each class in {of_rows}, deciding for the better one");
        }
        Some(Constant::Quantile(0.5)) => "the median".to_owned(),
        Some(Constant::Quantile(level)) => format!("the {level} quantile"),
        Some(Constant::RelativeMedian) => {
            "the median, in which a row weighs as in relative errors,".to_owned()
        }
        Some(Constant::Mean) | None => "the mean".to_owned(),
    };
    format!("{what} of the target in {of_rows}, which suits {metric}")
}

/// The rows by which the yardstick of a fit is made.
pub(crate) const TRAINING_ROWS: &str = "the training rows";

fn quantile(values: &[f64], weights: Option<&[f64]>, level: f64) -> Option<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let ascending: Vec<f64> = order.iter().map(|row| values[*row]).collect();
    weighted_quantile(&ascending, |i| weights.map_or(1.0, |w| w[order[i]]), level)
}

#[cfg(test)]
mod tests {
    use modelwright_evaluate::metric::{METRICS, MetricInput, metric};
    use modelwright_learners::learner;

    use super::*;
    use crate::plan::Preset;
    use crate::portfolio;

    fn plan(metric: &str) -> Plan {
        let trials = portfolio::candidates(Task::Regression, Preset::Best, 5_000);
        let mut plan = Plan { trials, ..Plan::default() };
        take(&mut plan, metric);
        plan
    }

    #[test]
    fn every_learner_takes_what_it_is_asked_to_minimise() {
        for entry in METRICS.iter().filter(|m| m.spec.tasks.contains(&Task::Regression)) {
            for trial in plan(entry.spec.name).trials {
                let known = learner(&trial.learner).unwrap();
                known.check_params(&trial.params).unwrap();
                let is_aimed = trial.learner == BOOSTER && aim(entry.spec.name).is_some();
                assert_eq!(trial.params.contains_key(LOSS), is_aimed, "{}", entry.spec.name);
            }
        }
    }

    #[test]
    fn no_mean_is_mixed_into_an_outer_quantile() {
        let learners = |metric| -> Vec<String> {
            plan(metric).trials.into_iter().map(|t| t.learner).collect()
        };
        assert!(learners("pinball_loss_0.9").iter().all(|l| l == BOOSTER || l == CONSTANT));
        assert!(learners("mae").iter().any(|l| l == "linear"));
        assert_eq!(learners("rmse").len(), plan("mae").trials.len());
    }

    #[test]
    fn the_yardstick_is_called_by_what_it_is() {
        let words = |metric, task| constant_words(metric, task, TRAINING_ROWS);
        let mean = "the mean of the target in the training rows, which suits rmse";
        assert_eq!(words("rmse", Task::Regression), mean);
        assert!(words("mae", Task::Regression).starts_with("the median of the target"));
        assert!(words("pinball_loss_0.9", Task::Regression).starts_with("the 0.9 quantile"));
        assert!(words("roc_auc", Task::Binary).starts_with("the share of each class"));
    }

    #[test]
    fn the_yardstick_is_the_constant_that_the_metric_likes_best() {
        let values = vec![0.0, 0.0, 0.0, 1.0, 2.0, 30.0, 4.0];
        let target = Target::Real(values.clone());
        for name in ["mae", "pinball_loss", "pinball_loss_0.1", "pinball_loss_0.9"] {
            let entry = metric(name).unwrap();
            let value = |p: &Predictions| entry.value(&MetricInput::new(&target, p)).unwrap();
            let own = value(&constant(name, &target, None, 7));
            for other in &values {
                let other = value(&Predictions::new(1, vec![*other; 7]));
                assert!(own <= other + 1e-12, "{name}: {own} against {other}");
            }
        }
    }
}
