//! The account of an import: what a record says when there was no run.

use modelwright_core::context::Decisions;
use modelwright_core::data::{Field, Kind, Schema, Storage};
use modelwright_core::record::{
    Clock, ColumnProfile, DataSource, EnsembleRecord, FORMAT_VERSION, KindGuess, Level, Member,
    Numbers, Options, Plan, RunRecord, SplitRecord, TableProfile, TaskRecord,
};
use modelwright_core::task::Task;

use super::foreign::{ForeignFeature, ForeignModel, Reading};
use super::predictor::Naming;
use crate::digest::sha256_hex;

/// The preset in the options of a record that is an import's.
pub const PRESET: &str = "import";

/// Levels of a category that the profile shows.
const LEVELS_SHOWN: usize = 20;

/// Where a foreign model came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The file's name without its folder.
    pub file_name: &'a str,
    /// The file.
    pub bytes: &'a [u8],
    /// Version of Modelwright.
    pub engine_version: &'a str,
}

impl ForeignModel {
    /// The record of its import; `schema` is the predictor's.
    ///
    /// No data were seen: there are no metrics, and the profile of a column holds only what the
    /// model file says of it.
    pub fn record(
        &self,
        naming: &Naming,
        classes: &[String],
        schema: &Schema,
        origin: &Origin<'_>,
    ) -> RunRecord {
        let task = self.task();
        let trial = format!("imported from {}", self.library);
        let rounds = self.n_rounds();
        RunRecord {
            format_version: FORMAT_VERSION,
            engine_version: origin.engine_version.to_owned(),
            options: Options {
                preset: PRESET.to_owned(),
                holdout: 0.0,
                ..Options::new(&naming.target)
            },
            data: DataSource {
                name: origin.file_name.to_owned(),
                format: format!("{} model", self.library),
                sha256: sha256_hex(origin.bytes),
                ..DataSource::default()
            },
            test_data: None,
            schema: with_target(schema, &naming.target, task),
            profile: self.profile(schema),
            leakage: Vec::new(),
            task: self.task_record(naming, classes),
            split: SplitRecord {
                kind: "none".to_owned(),
                reason: "the model was trained elsewhere".to_owned(),
                ..SplitRecord::default()
            },
            plan: Plan::default(),
            trials: Vec::new(),
            ensemble: EnsembleRecord {
                members: vec![Member { trial, weight: 1.0, rounds, n_models: 1, is_refit: false }],
                ..EnsembleRecord::default()
            },
            threshold: (task == Task::Binary).then_some(0.5),
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
            importances: Vec::new(),
            explanation: None,
            decisions: Decisions::default(),
            clock: Clock::default(),
            warnings: self.warnings(),
        }
    }

    fn warnings(&self) -> Vec<String> {
        let origin = format!(
            "Imported from a {} model (format {}, objective {}, {} rounds): no data were seen \
             here, so nothing was measured. `modelwright evaluate MODEL DATA` measures it.",
            self.library,
            self.version,
            self.objective,
            self.n_rounds()
        );
        std::iter::once(origin).chain(self.notes.iter().cloned()).collect()
    }

    fn task_record(&self, naming: &Naming, classes: &[String]) -> TaskRecord {
        let metric = self.task().default_metric();
        TaskRecord {
            task: self.task(),
            evidence: format!("objective `{}` of the imported model", self.objective),
            target: naming.target.clone(),
            metric: metric.to_owned(),
            larger_is_better: metric == "roc_auc",
            classes: classes.to_vec(),
            class_counts: Vec::new(),
            histogram: Vec::new(),
            n_rows_without_target: 0,
        }
    }

    fn profile(&self, schema: &Schema) -> TableProfile {
        let columns = self.features.iter().zip(&schema.fields).map(|(f, field)| column(f, field));
        TableProfile { columns: columns.collect(), ..TableProfile::default() }
    }
}

fn column(feature: &ForeignFeature, field: &Field) -> ColumnProfile {
    let levels: &[String] = match &feature.reading {
        Reading::Levels(levels) => &levels.names,
        _ => &[],
    };
    let level = |value: &String| Level { value: value.clone(), n_rows: 0 };
    let numbers = feature.range.map(|(min, max)| Numbers {
        min: Some(min),
        max: Some(max),
        ..Numbers::default()
    });
    ColumnProfile {
        name: feature.name.clone(),
        kind: KindGuess {
            kind: field.kind,
            evidence: "the imported model says so".to_owned(),
            overridden: false,
        },
        n_rows: 0,
        n_missing: 0,
        n_distinct: levels.len(),
        distinct_is_exact: false,
        top: levels.iter().take(LEVELS_SHOWN).map(level).collect(),
        numbers,
        texts: None,
    }
}

/// The predictor's columns and the target, for those who read rows with known answers.
fn with_target(schema: &Schema, target: &str, task: Task) -> Schema {
    let (storage, kind) = match task {
        Task::Regression => (Storage::Number, Kind::Number),
        Task::Binary | Task::Multiclass => (Storage::String, Kind::Category),
    };
    let mut fields = schema.fields.clone();
    fields.push(Field::new(target, storage, kind));
    Schema { fields }
}
