//! Distillation: what the ensemble knows, taught to one small booster.
//!
//! A student learns from labels that are half the truth and half what a teacher says of the row,
//! probabilities instead of classes: the teacher's half has less noise than the truth, so that few
//! trees go further (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network",
//! 2015; for tables Fakoor et al., "Fast, Accurate, and Simple Models for Tabular Data via
//! Augmented Distillation", NeurIPS 2020). Students are trials like any others, judged on rows that
//! neither they nor their teacher saw, and are offered beside the ensemble ([`crate::offers`]).
//!
//! **The teacher of a fold is the ensemble of that fold**: the members' models that learned from
//! the fold's training rows, and nothing else. Predictions out of fold would be the obvious
//! teacher, but each of them comes from models that learned the judged rows of the other folds; a
//! student of them has read the answers it is judged by. On `cmc` its log loss out of fold was 0.83
//! where fresh rows gave 0.89; by the teacher of the fold it is 0.91 and 0.89.
//!
//! Rows that nobody has labelled, made by mixing neighbours (Fakoor's augmentation), were tried and
//! did not help these students: `docs/decisions.md`.

mod labels;
mod soft;

use std::time::Duration;

use modelwright_core::Context;
use modelwright_core::params::ParamValue;
use modelwright_core::record::{Options, PhaseTime, PlannedTrial, TrialStatus};
use modelwright_learners::{Algorithm, learner};

use crate::plan::Preset;
use crate::search::{self, Found, Ground, Outcome};
use crate::trial::{self, Trial, TrialInput};
use crate::{budget, constraint, room};

pub(crate) use self::labels::{Labels, learn_held_out};
pub(crate) use self::soft::{fit, observe};

/// The share of the time left that is kept for students, and the most seconds.
const SHARE: f64 = 0.12;
const SECONDS_MAX: f64 = 60.0;

/// The part of that time that the first student may use.
const SHARE_OF_ONE: f64 = 0.7;

/// What the names of students begin with.
const NAME: &str = "student";

/// The learner and the encoding of students.
const LEARNER: &str = "gbdt";
const ENCODING: &str = "trees";

/// A student: its name, the most trees for each output, their leaves, and the size of its steps.
struct Recipe {
    name: &'static str,
    rounds: i64,
    leaves: i64,
    rate: f64,
    reason: &'static str,
}

/// The students, in the order in which they learn.
const STUDENTS: [Recipe; 2] = [
    Recipe {
        name: NAME,
        rounds: 600,
        leaves: 16,
        rate: 0.1,
        reason: "one booster that learns what the ensemble says",
    },
    Recipe {
        name: "student-small",
        rounds: 100,
        leaves: 8,
        rate: 0.2,
        reason: "at most a hundred trees of eight leaves that learn what the ensemble says",
    },
];

/// What a class in progress is made of.
pub(crate) struct Class<'a> {
    pub options: &'a Options,
    pub ground: &'a Ground<'a>,
    /// The weight of each usable trial in the ensemble.
    pub weights: &'a [f64],
    /// Seconds that the refits of the ensemble will take.
    pub refits_s: f64,
}

/// Whether students are to learn: on request, or where a limit asks for a small or fast model.
pub(crate) fn is_wanted(options: &Options) -> bool {
    let has_limit = options.max_latency_us.is_some() || options.max_size_bytes.is_some();
    // The thresholds of groups hold for the ensemble's own probabilities.
    let may_be = options.single.is_none() && !options.interpretable && options.fair.is_none();
    may_be && (options.distill || has_limit)
}

/// The preset whose ensemble is searched: one model cannot teach another more than it knows, so
/// that `quick` searches the teacher like `balanced` and delivers the pupil.
pub(crate) fn searched(preset: Preset, options: &Options) -> Preset {
    if delivers_one(options) { Preset::Balanced } else { preset }
}

/// Whether one model is delivered in place of the ensemble.
pub(crate) fn delivers_one(options: &Options) -> bool {
    options.distill && is_wanted(options) && matches!(options.preset.parse(), Ok(Preset::Quick))
}

/// What the plan says of it.
pub(crate) fn note(options: &Options) -> Option<String> {
    let what = if delivers_one(options) {
        "small boosters learn from the ensemble of a balanced search, and the best single model is \
         delivered"
    } else {
        "small boosters learn from the ensemble, and are offered beside it"
    };
    is_wanted(options).then(|| what.to_owned())
}

/// Whether a trial of this name is, or was, a student.
pub(crate) fn is_student(trial: &str) -> bool {
    trial.starts_with(NAME)
}

/// The context of the search, which leaves time for students where they are wanted.
pub(crate) fn with_reserve(options: &Options, ctx: &Context) -> Context {
    let left = ctx.remaining().filter(|_| is_wanted(options));
    let kept_s = left.map_or(0.0, |left| (left.as_secs_f64() * SHARE).min(SECONDS_MAX));
    ctx.with_reserve(Duration::from_secs_f64(kept_s))
}

/// Lets the students learn, and adds them to what was found.
pub(crate) fn run(class: &Class<'_>, found: &mut Found, ctx: &Context) {
    let scope = ctx.scope("distill").with_reserve(budget::of_refits(class.refits_s));
    let labels = Labels::of(class, found, &scope);
    for recipe in &STUDENTS {
        let begun = ctx.elapsed();
        let Some(planned) = constraint::obeying(planned(recipe), class.options) else { continue };
        let outcome = match &labels {
            Ok(labels) => taught(&planned, labels, class, found, &scope),
            Err(why) => Outcome::ended(&planned, TrialStatus::Skipped, Some(why.clone())),
        };
        let seconds = ctx.elapsed().saturating_sub(begun).as_secs_f64();
        found.times.push(PhaseTime { name: outcome.planned.name.clone(), seconds });
        search::tell(&outcome, found, class.ground.metric, ctx);
        found.outcomes.push(outcome);
    }
}

/// What becomes of one student.
fn taught(
    planned: &PlannedTrial,
    labels: &Labels,
    class: &Class<'_>,
    found: &Found,
    ctx: &Context,
) -> Outcome {
    let skipped = |why: &str| Outcome::ended(planned, TrialStatus::Skipped, Some(why.to_owned()));
    if !budget::may_start(ctx, &planned.name, 0.0, 0.0) {
        return skipped("the budget did not allow it");
    }
    let Some(prepared) = found.prepared.get(ENCODING) else {
        return skipped("no trial wrote the columns as a student reads them");
    };
    let Some(fitting) = room::fitted_in(planned, class.ground, ctx) else {
        return skipped("the memory limit did not allow it");
    };
    let limit = budget::trial_limit(ctx, 0.0, SHARE_OF_ONE);
    let scope = ctx.scope("trial").scope(&fitting.name);
    let scope = limit.map_or(scope.clone(), |limit| scope.with_time_limit(limit));
    let tried = learner(LEARNER).and_then(|entry| {
        let input = TrialInput {
            planned: &fitting,
            entry: Algorithm::Catalog(entry),
            prepared,
            target: class.ground.target,
            weights: class.ground.weights,
            folds: class.ground.folds,
            first_fold: 0,
            exchangeable: class.ground.exchangeable,
            labels: Some(labels),
        };
        trial::run(&input, &scope)
    });
    match tried {
        Ok(trial) if trial.is_usable() => search::fitted(&fitting, trial, found, class.ground),
        Ok(_) => skipped("there was no time for it to learn something in every fold"),
        Err(error) => Outcome::ended(&fitting, TrialStatus::Failed, Some(error.to_string())),
    }
}

/// Whether a trial can teach: it has a model for each fold that did not see what the fold judges,
/// and says more of a row than that it is its own nearest neighbour.
pub(crate) fn teaches(trial: &Trial) -> bool {
    let repeats = ["knn", "baseline"].contains(&&*trial.planned.learner);
    !trial.is_whole && !repeats && trial.labels.is_none() && !trial.models.is_empty()
}

fn planned(recipe: &Recipe) -> PlannedTrial {
    let params = [
        ("n_rounds", ParamValue::Int(recipe.rounds)),
        ("max_leaves", ParamValue::Int(recipe.leaves)),
        (crate::portfolio::RATE, ParamValue::Real(recipe.rate)),
    ];
    PlannedTrial {
        name: recipe.name.to_owned(),
        learner: LEARNER.to_owned(),
        encoding: ENCODING.to_owned(),
        params: params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        without: Vec::new(),
        fixed_rounds: false,
        reason: recipe.reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_learn_on_request_and_where_a_limit_asks_for_a_small_model() {
        let plain = Options::new("y");
        assert!(!is_wanted(&plain));
        assert!(is_wanted(&Options { distill: true, ..plain.clone() }));
        assert!(is_wanted(&Options { max_latency_us: Some(50.0), ..plain.clone() }));
        assert!(is_wanted(&Options { max_size_bytes: Some(1_000), ..plain.clone() }));
        assert!(!is_wanted(&Options { distill: true, interpretable: true, ..plain }));
    }

    #[test]
    fn quick_searches_a_teacher_and_delivers_its_pupil() {
        let quick = Options { preset: "quick".to_owned(), ..Options::new("y") };
        let distilled = Options { distill: true, ..quick.clone() };
        assert_eq!(searched(Preset::Quick, &quick), Preset::Quick);
        assert_eq!(searched(Preset::Quick, &distilled), Preset::Balanced);
        let best = Options { preset: "best".to_owned(), ..distilled.clone() };
        assert_eq!(searched(Preset::Best, &best), Preset::Best);
        assert!(delivers_one(&distilled) && !delivers_one(&quick) && !delivers_one(&best));
    }

    #[test]
    fn every_student_is_a_trial_that_its_learner_takes() {
        for recipe in &STUDENTS {
            let planned = planned(recipe);
            learner(LEARNER).unwrap().check_params(&planned.params).unwrap();
            assert!(is_student(&planned.name));
        }
    }
}
