//! A metric of the caller's own: judged by like one of the catalog, known to this process alone.
//!
//! A program that embeds the engine (the Python package does) gives a fit an [`OwnMetric`]. When
//! the classes of the run are known it is made a [`MetricEntry`], which every part that takes a
//! metric of the catalog takes as well: the search, the ensemble, the decision threshold, the
//! evaluation with its intervals.

use std::sync::Arc;

use modelwright_core::Result;
use modelwright_core::task::Task;

use super::{MetricEntry, MetricInput, MetricSpec, Needs, Prepared, Way};

/// A metric that is no member of the catalog.
///
/// The same predictions must always give the same value, from any thread: a run is repeated only
/// as far as that holds.
pub trait OwnMetric: Send + Sync {
    /// Its name, which is none of the catalog.
    fn name(&self) -> &str;

    /// Whether more is better.
    fn larger_is_better(&self) -> bool;

    /// What it looks at in a classification; in a regression it is the values.
    fn needs(&self) -> Needs;

    /// Does all the work that does not depend on row weights, as [`super::Metric::prepare`];
    /// `classes` are the labels in class order, none for a regression.
    ///
    /// # Errors
    /// Whatever its author refuses.
    fn prepare(&self, input: &MetricInput<'_>, classes: &[String]) -> Result<Prepared>;
}

/// An own metric in a run whose classes are known.
pub(super) struct Bound {
    metric: Arc<dyn OwnMetric>,
    classes: Vec<String>,
    /// How many values there is time for in a run; `None` is any number.
    calls: Option<u64>,
}

/// So many values a run asks for where nothing is spared: intervals and tests of ten trials, the
/// selection of the ensemble, the evaluation.
const CALLS_OF_RUN: f64 = 40_000.0;

/// An interval or a test of fewer resamples says nothing.
const RESAMPLES_MIN: usize = 100;

/// Choosing members of an ensemble may take this share of the calls.
const SHARE_OF_SELECTION: u64 = 4;

impl Bound {
    pub(super) fn prepare(&self, input: &MetricInput<'_>) -> Result<Prepared> {
        self.metric.prepare(input, &self.classes)
    }
}

impl MetricEntry {
    /// The entry of a metric of the caller's own, for a run of this task with these classes. It
    /// lives as long as the process, as those of the catalog do: a few dozen bytes for each run
    /// that has one.
    pub fn of_own(metric: Arc<dyn OwnMetric>, task: Task, classes: &[String]) -> &'static Self {
        Self::of_own_within(metric, task, classes, None)
    }

    /// As [`Self::of_own`], for a run that has time for so many values of it.
    pub fn of_own_within(
        metric: Arc<dyn OwnMetric>,
        task: Task,
        classes: &[String],
        calls: Option<u64>,
    ) -> &'static Self {
        let is_class = task.is_classification();
        let name: &'static str = Box::leak(metric.name().to_owned().into_boxed_str());
        let larger_is_better = metric.larger_is_better();
        let spec: &'static MetricSpec = Box::leak(Box::new(MetricSpec {
            name,
            title: name,
            larger_is_better,
            range: (f64::NEG_INFINITY, f64::INFINITY),
            perfect: if larger_is_better { f64::INFINITY } else { f64::NEG_INFINITY },
            unit: "",
            tasks: only(task),
            needs: if is_class { metric.needs() } else { Needs::Values },
            text: "A metric of the user's own.",
            reference: "the user's own code",
        }));
        let bound: &'static Bound =
            Box::leak(Box::new(Bound { metric, classes: classes.to_vec(), calls }));
        Box::leak(Box::new(Self { spec, of_confusion: None, way: Way::Own(bound) }))
    }
}

impl MetricEntry {
    /// How many of `wanted` resamples it may be asked on: all, unless it is a metric of the
    /// caller's own whose values take long; none where they would be too few to say anything.
    pub fn resamples(&self, wanted: usize) -> usize {
        let Some(calls) = self.calls() else { return wanted };
        let share = (calls as f64 / CALLS_OF_RUN).min(1.0);
        let n = (wanted as f64 * share) as usize;
        if n < RESAMPLES_MIN.min(wanted) { 0 } else { n }
    }

    /// How many of `wanted` rounds a selection among so many candidates may take, at least one.
    pub fn rounds(&self, wanted: usize, n_candidates: usize) -> usize {
        let Some(calls) = self.calls() else { return wanted };
        let rounds = calls / SHARE_OF_SELECTION / n_candidates.max(1) as u64;
        wanted.min(rounds as usize).max(1)
    }

    /// Whether a run has no time for all values that it would ask for.
    pub fn is_spared(&self) -> bool {
        self.calls().is_some_and(|calls| (calls as f64) < CALLS_OF_RUN)
    }

    fn calls(&self) -> Option<u64> {
        match self.way {
            Way::Own(own) => own.calls,
            Way::Catalog(_) => None,
        }
    }
}

fn only(task: Task) -> &'static [Task] {
    match task {
        Task::Binary => &[Task::Binary],
        Task::Multiclass => &[Task::Multiclass],
        Task::Regression => &[Task::Regression],
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::task::{Predictions, Target};
    use modelwright_core::{Context, Error};

    use super::*;
    use crate::bootstrap_interval;

    /// What is earned by acting on the positive ones: 3 for a right one, -1 for a wrong one.
    struct Profit;

    impl OwnMetric for Profit {
        fn name(&self) -> &'static str {
            "profit"
        }

        fn larger_is_better(&self) -> bool {
            true
        }

        fn needs(&self) -> Needs {
            Needs::Labels
        }

        fn prepare(&self, input: &MetricInput<'_>, classes: &[String]) -> Result<Prepared> {
            if classes.len() != 2 {
                return Err(Error::input("two classes are wanted"));
            }
            let truth = input.truth.codes().unwrap_or_default();
            let decided = input.decided();
            let earned = |(d, t): (&u32, &u32)| match (d, t) {
                (0, _) => 0.0,
                (_, 1) => 3.0,
                _ => -1.0,
            };
            Ok(Prepared::row_mean(decided.iter().zip(truth).map(earned).collect()))
        }
    }

    #[test]
    fn a_metric_of_ones_own_is_judged_by_like_one_of_the_catalog() {
        let truth = Target::Class { codes: vec![0, 1, 1, 0], n_classes: 2 };
        let predictions = Predictions::new(1, vec![0.6, 0.9, 0.4, 0.1]);
        let classes = ["no".to_owned(), "yes".to_owned()];
        let entry = MetricEntry::of_own(Arc::new(Profit), Task::Binary, &classes);
        let input = MetricInput::new(&truth, &predictions);
        assert_eq!((entry.name(), entry.value(&input).unwrap()), ("profit", 0.5));
        let lower = MetricInput { threshold: 0.3, ..input };
        assert_eq!(entry.value(&lower).unwrap(), 1.25);
        let weights = [0.0, 1.0, 0.0, 0.0];
        let one = MetricInput { weights: Some(&weights), ..input };
        assert_eq!(entry.value(&one).unwrap(), 3.0);
        let ci = bootstrap_interval(entry, &input, 200, &Context::unlimited(1, 2)).unwrap();
        assert!(ci.low < 0.5 && 0.5 < ci.high, "{ci:?}");
    }

    #[test]
    fn a_metric_of_ones_own_is_of_the_task_it_was_made_for() {
        let entry = MetricEntry::of_own(Arc::new(Profit), Task::Multiclass, &[]);
        let truth = Target::Class { codes: vec![0, 1], n_classes: 2 };
        let predictions = Predictions::new(1, vec![0.6, 0.9]);
        let error = entry.value(&MetricInput::new(&truth, &predictions)).unwrap_err();
        assert!(error.to_string().contains("does not fit the task"), "{error}");
    }

    #[test]
    fn a_metric_that_takes_long_is_asked_less_often_and_says_so() {
        let classes = ["no".to_owned(), "yes".to_owned()];
        let within =
            |calls| MetricEntry::of_own_within(Arc::new(Profit), Task::Binary, &classes, calls);
        for (calls, resamples, rounds, is_spared) in [
            (None, [200, 1000], 20, false),
            (Some(40_000), [200, 1000], 20, false),
            (Some(8_000), [0, 200], 20, true),
            (Some(400), [0, 0], 10, true),
            (Some(0), [0, 0], 1, true),
        ] {
            let entry = within(calls);
            assert_eq!([200, 1000].map(|n| entry.resamples(n)), resamples, "{calls:?}");
            assert_eq!((entry.rounds(20, 10), entry.is_spared()), (rounds, is_spared));
        }
        let codes: Vec<u32> = (0..60).map(|i| i % 2).collect();
        let truth = Target::Class { codes, n_classes: 2 };
        let predictions = Predictions::new(1, (0..60).map(|i| f64::from(i % 3) / 2.0).collect());
        let input = MetricInput::new(&truth, &predictions);
        let accuracy = crate::metric("accuracy").unwrap();
        let ctx = Context::unlimited(1, 1);
        let of = |entry| crate::bootstrap_intervals(&[entry, accuracy], &input, 1000, &ctx);
        let (all, none) = (of(within(None)), of(within(Some(400))));
        assert!(all[0].ci95.is_some() && none[0].ci95.is_none());
        assert_eq!((all[0].value, &all[1]), (none[0].value, &none[1]));
        assert!(none[0].note.as_ref().unwrap().contains("takes long"), "{:?}", none[0]);
        assert!(bootstrap_interval(within(Some(400)), &input, 1000, &ctx).is_err());
    }
}
