//! Canonical records: small made-up runs that every section and renderer is checked on.
//!
//! One per task, and one per oddity: few rows, an empty column, 400 columns, hostile names, and a
//! record with nothing in it. Scores are simulated from the fixed seed, so that curves look real.

mod columns;
mod distant;
mod explanation;
mod feature_cost;
mod groups;
mod measure;
mod shapes;
mod uncertainty;
mod unjudged;
mod weaknesses;

use std::collections::BTreeMap;

use modelwright_core::context::Decisions;
use modelwright_core::data::{Field, Schema, Storage};
use modelwright_core::params::ParamValue;
use modelwright_core::record::{
    Alert, AlertKind, Clock, ColumnProfile, Count, DataSource, EnsembleRecord, Evaluation,
    FORMAT_VERSION, Importance, Interval, LeakAction, LeakFinding, LeakKind, Member, Nested,
    Options, PhaseTime, Plan, PlannedTrial, RunRecord, Severity, Single, SplitRecord, TableProfile,
    TaskRecord, TrialRecord, TrialStatus,
};
use modelwright_core::task::Task;

pub(crate) use distant::{familiarity, unusual};

/// All canonical records, by name.
pub(crate) fn all() -> Vec<(&'static str, RunRecord)> {
    vec![
        ("binary", binary()),
        ("multiclass", multiclass()),
        ("letters", letters()),
        ("regression", regression()),
        ("single", single()),
        ("unjudged", unjudged::unjudged()),
        ("tiny", tiny()),
        ("all-missing", all_missing()),
        ("wide", wide()),
        ("hostile", hostile()),
        ("empty", empty()),
    ]
}

/// Two classes, 14 columns, a leak that was excluded, a full search.
pub(crate) fn binary() -> RunRecord {
    let profile = columns::adult();
    let mut record = RunRecord {
        task: task(Task::Binary, "income", "roc_auc", &[("<=50K", 29_719), (">50K", 9_355)]),
        data: source("adult.csv.gz", 39_074, profile.columns.len()),
        leakage: vec![LeakFinding {
            kind: LeakKind::TargetProxy,
            columns: vec!["tax_band".into()],
            confidence: 0.98,
            share_of_test: None,
            evidence: "alone it gives the target in 99.4 % of 39,074 rows".into(),
            action: LeakAction::Excluded,
        }],
        evaluation: Some(measure::binary()),
        threshold: Some(0.41),
        is_exhausted: false,
        fairness: Some(groups::audits()),
        robustness: Some(groups::robustness()),
        familiarity: Some(familiarity()),
        unusual: Some(unusual()),
        mitigation: Some(groups::mitigation()),
        nested: Some(Nested {
            values: vec![0.9262, 0.9281, 0.9247],
            mean: 0.9263,
            ci95: Some(Interval { low: 0.9201, high: 0.9325 }),
            selected: vec![0.9279, 0.9281, 0.9276],
            corrected: vec![0.9275, 0.9277, 0.9271],
            selected_gap: Some(0.0016),
            corrected_gap: Some(0.0011),
        }),
        importances: adult_importances(),
        feature_costs: Some(feature_cost::costs()),
        ..base(profile, 31_259, 9_769)
    };
    record.options.target = "income".into();
    record.options.time_limit_s = Some(30.0);
    search(
        &mut record,
        &[
            ("gbdt-default", "gbdt", 0.9268, 0.0031, true),
            ("gbdt-deep", "gbdt", 0.9261, 0.0031, true),
            ("gbdt-small-steps", "gbdt", 0.9259, 0.0031, false),
            ("linear-one-hot", "linear", 0.9073, 0.0036, false),
            ("baseline", "baseline", 0.5, 0.0, false),
        ],
    );
    record.ensemble = EnsembleRecord {
        members: vec![
            member("gbdt-default", 0.52, 412, 1),
            member("gbdt-deep", 0.32, 268, 5),
            member("linear-one-hot", 0.16, 40, 1),
        ],
        score: Some(0.9279),
        corrected_score: Some(0.9275),
        corrected_ci95: Some(Interval { low: 0.9244, high: 0.9306 }),
        n_rows_all: None,
        students: vec![],
        left_as_tested: vec!["gbdt-deep".into()],
    };
    weaknesses::add(&mut record);
    record.calibration = Some(uncertainty::calibration(31_259));
    record.second_level = Some(uncertainty::second_level(31_259));
    record.explanation = Some(explanation::binary());
    record.costs = Some(uncertainty::costs());
    record
}

fn adult_importances() -> Vec<Importance> {
    importances(
        &[
            ("marital_status", 0.0441),
            ("capital_gain", 0.0402),
            ("education_num", 0.0261),
            ("age", 0.0187),
            ("occupation", 0.0133),
            ("hours_per_week", 0.0102),
            ("relationship", 0.0071),
            ("capital_loss", 0.0055),
            ("workclass", 0.0021),
            ("sex", 0.0011),
            ("native_country", 0.0003),
            ("education", 0.0001),
            ("race", 0.0),
            ("fnlwgt", -0.0002),
        ],
        0.0006,
    )
}

fn member(trial: &str, weight: f64, rounds: usize, n_models: usize) -> Member {
    Member { trial: trial.into(), weight, rounds, n_models, is_refit: false }
}

/// Three classes, few rows.
pub(crate) fn multiclass() -> RunRecord {
    let classes = [("Adelie", 152), ("Gentoo", 124), ("Chinstrap", 68)];
    let profile = columns::numbers(&["bill_length", "bill_depth", "flipper_length", "mass"], 344);
    let mut record = RunRecord {
        task: task(Task::Multiclass, "species", "log_loss", &classes),
        data: source("penguins.csv", 344, 5),
        evaluation: Some(measure::classes(&["Adelie", "Gentoo", "Chinstrap"], 69, 0.95)),
        is_exhausted: false,
        slices: None,
        fairness: None,
        robustness: None,
        familiarity: None,
        unusual: None,
        mitigation: None,
        more_rows: None,
        nested: None,
        offers: Vec::new(),
        picked: None,
        shapes: None,
        edits: Vec::new(),
        continued: Vec::new(),
        retrained: None,
        feature_costs: None,
        importances: importances(
            &[("bill_length", 0.71), ("flipper_length", 0.38), ("mass", 0.02)],
            0.05,
        ),
        intervals: Some(uncertainty::sets(&["Adelie", "Gentoo", "Chinstrap"])),
        ..base(profile, 275, 69)
    };
    search(
        &mut record,
        &[
            ("linear", "linear", 0.062, 0.021, true),
            ("gbdt-default", "gbdt", 0.081, 0.027, true),
            ("baseline", "baseline", 1.04, 0.03, false),
        ],
    );
    one_member(&mut record, "linear", 0.066, 0.02);
    record
}

/// Twenty-six classes.
pub(crate) fn letters() -> RunRecord {
    let names: Vec<String> = ('A'..='Z').map(|c| c.to_string()).collect();
    let counts: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 769)).collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let profile = columns::numbers(&["x_box", "y_box", "width", "height", "on_pixels"], 20_000);
    let mut record = RunRecord {
        task: task(Task::Multiclass, "letter", "log_loss", &counts),
        data: source("letter.parquet", 20_000, 17),
        evaluation: Some(measure::classes(&labels, 4_000, 0.96)),
        ..base(profile, 16_000, 4_000)
    };
    search(&mut record, &[("gbdt-default", "gbdt", 0.141, 0.006, true)]);
    one_member(&mut record, "gbdt-default", 0.142, 0.006);
    record
}

/// A number is predicted.
pub(crate) fn regression() -> RunRecord {
    let profile = columns::numbers(
        &["longitude", "latitude", "housing_median_age", "total_rooms", "median_income"],
        20_640,
    );
    let mut record = RunRecord {
        task: task(Task::Regression, "median_house_value", "rmse", &[]),
        data: source("california.parquet", 20_640, 9),
        evaluation: Some(measure::regression()),
        is_exhausted: false,
        slices: None,
        fairness: None,
        robustness: None,
        familiarity: None,
        unusual: None,
        mitigation: None,
        more_rows: None,
        nested: None,
        offers: Vec::new(),
        picked: None,
        shapes: None,
        edits: Vec::new(),
        continued: Vec::new(),
        retrained: None,
        feature_costs: None,
        importances: importances(
            &[
                ("median_income", 38_400.0),
                ("latitude", 31_100.0),
                ("longitude", 29_800.0),
                ("housing_median_age", 4_100.0),
                ("total_rooms", 900.0),
            ],
            420.0,
        ),
        intervals: Some(uncertainty::intervals()),
        ..base(profile, 16_512, 4_128)
    };
    record.task.histogram = columns::bins(
        14_999.0,
        500_001.0,
        40,
        |x| (-(x - 0.33) * (x - 0.33) * 9.0).exp() + if x > 0.97 { 0.7 } else { 0.0 },
        20_640,
    );
    record.options.time_limit_s = Some(30.0);
    search(
        &mut record,
        &[
            ("gbdt-default", "gbdt", 46_900.0, 820.0, true),
            ("gbdt-deep", "gbdt", 47_150.0, 830.0, true),
            ("linear", "linear", 68_200.0, 1_100.0, false),
            ("baseline", "baseline", 115_400.0, 900.0, false),
        ],
    );
    one_member(&mut record, "gbdt-default", 46_950.0, 820.0);
    record
}

/// One learner that was asked for, its rounds found by early stopping.
pub(crate) fn single() -> RunRecord {
    let mut record = regression();
    let max_leaves = ("max_leaves".to_owned(), ParamValue::Int(15));
    record.options.single = Some(Single {
        learner: "gbdt".into(),
        params: BTreeMap::from([max_leaves.clone()]),
        encoding: None,
        n_folds: None,
    });
    record.options.time_limit_s = None;
    search(&mut record, &[("gbdt", "gbdt", 47_020.0, 820.0, false)]);
    record.plan.trials[0].params.extend([max_leaves]);
    record.plan.ensemble_rounds = 0;
    record.plan.notes =
        vec!["early stopping on validation rows finds n_rounds, at most 4000".into()];
    record.trials[0].trial = record.plan.trials[0].clone();
    one_member(&mut record, "gbdt", 47_020.0, 820.0);
    record.shapes = Some(shapes::shapes());
    record.edits = vec![shapes::edit()];
    record
}

/// Too few rows to hold any out, and a trial that failed.
pub(crate) fn tiny() -> RunRecord {
    let profile = columns::numbers(&["dose"], 12);
    let mut record = RunRecord {
        task: task(Task::Binary, "cured", "roc_auc", &[("no", 7), ("yes", 5)]),
        data: source("trial.csv", 12, 2),
        evaluation: None,
        mitigation: Some(groups::mixture()),
        warnings: vec!["only 12 rows: nothing was held out".into()],
        ..base(profile, 12, 0)
    };
    search(&mut record, &[("linear", "linear", 0.63, 0.31, true)]);
    record.trials.push(TrialRecord {
        trial: planned("gbdt-default", "gbdt"),
        status: TrialStatus::Failed,
        note: Some("fewer rows than 2 leaves need".into()),
        score: None,
        ci95: None,
        indistinguishable_from_best: false,
        is_left_out: false,
        rounds: vec![],
    });
    one_member(&mut record, "linear", 0.58, 0.3);
    record
}

/// A column without a single value.
pub(crate) fn all_missing() -> RunRecord {
    let mut record = multiclass();
    record.profile.columns.push(columns::empty("comment", 344));
    record.profile.alerts = vec![Alert {
        kind: AlertKind::Empty,
        severity: Severity::Severe,
        columns: vec!["comment".into()],
        message: "all 344 values are missing".into(),
    }];
    record.schema = schema(&record.profile);
    record
}

/// 400 columns.
pub(crate) fn wide() -> RunRecord {
    let names: Vec<String> = (0..400).map(|i| format!("sensor_{i:03}_reading")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let profile = columns::numbers(&names, 5_000);
    let sizes: Vec<(&str, f64)> =
        names.iter().enumerate().map(|(i, n)| (*n, 0.08 / (i + 1) as f64)).collect();
    let importances = importances(&sizes, 0.0004);
    let mut record = binary();
    record.data = source("sensors.parquet", 5_000, 401);
    record.schema = schema(&profile);
    record.profile = profile;
    record.importances = importances;
    record
}

/// Names that try to be HTML, Markdown, SVG and shell.
pub(crate) fn hostile() -> RunRecord {
    let nasty = "</style><script>alert('x')</script>\u{202e}|`*[a](javascript:1)*`";
    let mut record = binary();
    record.task.target = nasty.into();
    record.task.classes = vec![format!("{nasty}0"), format!("{nasty}1")];
    record.task.evidence = nasty.into();
    record.data.name = format!("{nasty}.csv");
    record.data.notes = vec![nasty.into()];
    record.options.target = nasty.into();
    record.warnings = vec![nasty.into()];
    for column in &mut record.profile.columns {
        column.name = format!("{nasty}{}", column.name);
        column.kind.evidence = nasty.into();
        for level in &mut column.top {
            level.value = nasty.into();
        }
    }
    for importance in &mut record.importances {
        importance.column = format!("{nasty}{}", importance.column);
    }
    for leak in &mut record.leakage {
        leak.columns = vec![nasty.into()];
        leak.evidence = nasty.into();
    }
    for trial in &mut record.trials {
        trial.trial.name = format!("{nasty}{}", trial.trial.name);
        trial.note = Some(nasty.into());
    }
    if let Some(confusion) = record.evaluation.as_mut().and_then(|e| e.confusion.as_mut()) {
        confusion.classes.clone_from(&record.task.classes);
    }
    record.clock.machine = nasty.into();
    record
}

/// Nothing but what the format demands.
pub(crate) fn empty() -> RunRecord {
    let mut record = base(TableProfile::default(), 0, 0);
    record.clock = Clock::default();
    record.data = DataSource::default();
    record.task = task(Task::Binary, "", "", &[]);
    record.task.classes.clear();
    record.evaluation = Some(Evaluation::default());
    record
}

fn base(profile: TableProfile, n_train: usize, n_holdout: usize) -> RunRecord {
    RunRecord {
        format_version: FORMAT_VERSION,
        engine_version: "0.1.0".into(),
        options: Options::new("y"),
        data: source("data.csv", profile.n_rows, profile.columns.len()),
        test_data: None,
        schema: schema(&profile),
        leakage: vec![],
        task: task(Task::Binary, "y", "roc_auc", &[("no", 1), ("yes", 1)]),
        split: SplitRecord {
            kind: "stratified".into(),
            reason: "Every class keeps its share on both sides.".into(),
            n_train,
            n_holdout,
            n_folds: 5,
            n_repeats: 0,
        },
        plan: Plan::default(),
        trials: vec![],
        ensemble: EnsembleRecord::default(),
        threshold: None,
        second_level: None,
        calibration: None,
        costs: None,
        intervals: None,
        suspects: None,
        evaluation: None,
        is_exhausted: false,
        slices: None,
        fairness: None,
        robustness: None,
        familiarity: None,
        unusual: None,
        mitigation: None,
        more_rows: None,
        nested: None,
        offers: Vec::new(),
        picked: None,
        shapes: None,
        edits: Vec::new(),
        continued: Vec::new(),
        retrained: None,
        feature_costs: None,
        importances: vec![],
        explanation: None,
        decisions: Decisions {
            stopped_after: BTreeMap::from([("trial/gbdt-deep/fold-3".into(), 268)]),
            chosen: BTreeMap::from([("plan:rows".into(), 31_259)]),
        },
        clock: clock(),
        warnings: vec![],
        profile,
    }
}

fn clock() -> Clock {
    let phase = |name: &str, seconds| PhaseTime { name: name.into(), seconds };
    Clock {
        created: "2026-03-14T09:26:53Z".into(),
        total_s: 29.31,
        phases: vec![
            phase("read", 0.21),
            phase("profile", 0.09),
            phase("prepare", 0.34),
            phase("search", 24.2),
            phase("refit", 3.1),
            phase("evaluate", 0.8),
            phase("explain", 0.5),
        ],
        trials: vec![
            phase("gbdt-default", 6.1),
            phase("gbdt-deep", 9.4),
            phase("gbdt-small-steps", 7.2),
            phase("linear-one-hot", 1.4),
            phase("baseline", 0.002),
        ],
        threads: 2,
        peak_memory_bytes: Some(412 << 20),
        machine: "Linux x86_64".into(),
    }
}

fn source(name: &str, n_rows: usize, n_columns: usize) -> DataSource {
    DataSource {
        name: name.into(),
        format: if name.contains("csv") { "csv" } else { "parquet" }.into(),
        compression: name.contains(".gz").then(|| "gzip".into()),
        encoding: name.contains("csv").then(|| "UTF-8".into()),
        delimiter: name.contains("csv").then_some(','),
        sha256: "3f8c2a9d51e07b64".repeat(4),
        n_rows,
        n_columns,
        ..DataSource::default()
    }
}

fn schema(profile: &TableProfile) -> Schema {
    let field = |c: &ColumnProfile| Field::new(&c.name, Storage::Number, c.kind.kind);
    Schema { fields: profile.columns.iter().map(field).collect() }
}

fn task(task: Task, target: &str, metric: &str, classes: &[(&str, usize)]) -> TaskRecord {
    TaskRecord {
        task,
        evidence: match task {
            Task::Regression => "3,842 distinct numbers".into(),
            _ => format!("{} distinct labels", classes.len()),
        },
        target: target.into(),
        metric: metric.into(),
        larger_is_better: metric == "roc_auc",
        classes: classes.iter().map(|c| c.0.into()).collect(),
        class_counts: classes.iter().map(|c| Count { name: c.0.into(), n: c.1 }).collect(),
        histogram: vec![],
        n_rows_without_target: 0,
    }
}

fn planned(name: &str, learner: &str) -> PlannedTrial {
    PlannedTrial {
        name: name.into(),
        learner: learner.into(),
        encoding: if learner == "gbdt" { "bins-255" } else { "dense" }.into(),
        params: BTreeMap::from([("learning_rate".into(), ParamValue::Real(0.08))]),
        without: Vec::new(),
        fixed_rounds: false,
        reason: "a strong start on most tables".into(),
    }
}

/// Fills plan and trials from (name, learner, score, half-width, not distinguishable).
fn search(record: &mut RunRecord, trials: &[(&str, &str, f64, f64, bool)]) {
    record.plan = Plan {
        n_folds: 5,
        validation_share: 0.2,
        trials: trials.iter().map(|t| planned(t.0, t.1)).collect(),
        ensemble_rounds: 25,
        variants_max: 0,
        repeats_max: 0,
        notes: vec!["Five folds, because 31,259 rows fit the time five times.".into()],
    };
    record.trials = trials
        .iter()
        .map(|(name, learner, score, half, tied)| TrialRecord {
            trial: planned(name, learner),
            status: if *name == "gbdt-deep" { TrialStatus::Stopped } else { TrialStatus::Done },
            note: None,
            score: Some(*score),
            ci95: (*half > 0.0).then_some(Interval { low: score - half, high: score + half }),
            indistinguishable_from_best: *tied,
            is_left_out: false,
            rounds: vec![398, 412, 405],
        })
        .collect();
}

fn one_member(record: &mut RunRecord, trial: &str, corrected: f64, half: f64) {
    record.ensemble = EnsembleRecord {
        members: vec![Member {
            trial: trial.into(),
            weight: 1.0,
            rounds: 405,
            n_models: 1,
            is_refit: false,
        }],
        score: Some(record.trials[0].score.unwrap_or(corrected)),
        corrected_score: Some(corrected),
        corrected_ci95: Some(Interval { low: corrected - half, high: corrected + half }),
        n_rows_all: None,
        students: vec![],
        left_as_tested: vec![],
    };
}

fn importances(columns: &[(&str, f64)], half: f64) -> Vec<Importance> {
    let importance = |(column, mean): &(&str, f64)| Importance {
        column: (*column).into(),
        mean: *mean,
        ci95: Interval { low: mean - half, high: mean + half },
        n_repeats: 5,
    };
    columns.iter().map(importance).collect()
}
