//! The complete, versioned account of a run: plain data, no behaviour.
//!
//! `automl` writes a [`RunRecord`] while it works; reports are rendered from it and from nothing
//! else; `replay` repeats it. Numbers that may be undefined are `Option`s (JSON has no NaN).
//! Everything that depends on the clock or the machine is in [`Clock`], apart from the rest.

mod audit;
mod continued;
mod data;
mod evaluation;
mod explanation;
mod fairness;
mod familiarity;
mod feature_cost;
mod forget;
mod monitor;
mod more_rows;
mod offer;
mod over_time;
mod own;
mod reliability;
mod retrained;
mod robustness;
mod run;
mod search;
mod second_level;
mod shapes;
mod slices;
mod surrogate;
mod suspects;
mod uncertainty;
mod unusual;

pub use audit::AuditRecord;
pub use continued::{ContinuedMember, ContinuedRecord};
pub use data::{
    Alert, AlertKind, Bin, ColumnProfile, Count, DataSource, KindGuess, LeakAction, LeakFinding,
    LeakKind, Level, Numbers, Sample, Severity, TableProfile, TextLayout, Texts,
};
pub use evaluation::{
    CalibrationBin, ConfusionMatrix, CurvePoint, Difference, Evaluation, Importance, Interval,
    MetricValue, Nested, PredictedBin, Residuals, ShareIntervals,
};
pub use explanation::{
    DependenceLine, DependencePoint, DependenceRecord, EffectRecord, ExamplePart, ExampleRecord,
    ExplanationRecord, ProfilePointRecord, ProfileRecord, ResponseGroup, ResponseRecord, SwarmBin,
};
pub use fairness::{
    Disparity, FairPoint, FairnessRecord, GroupAudit, GroupMeasures, GroupThreshold, HeldGroups,
    Judgement, MitigationRecord, MitigationTrial, Proxy,
};
pub use familiarity::{DistanceBand, FamiliarityRecord};
pub use feature_cost::{FeatureCostRecord, FeatureCostStep};
pub use monitor::{
    Accumulated, AccumulatedMean, ColumnDrift, DatasetDrift, MONITOR_VERSION, MetricChange,
    MonitorRecord, Multivariate, Performance, QualityFinding, QualityKind, Reconstruction,
    RowsRecord, SeasonRecord, SeasonRows, Status, Summary, Verdict, WatchedModel,
};
pub use more_rows::{CurveSize, MoreRows, MoreRowsRecord};
pub use offer::{Offer, Picked, Share};
pub use over_time::{OverTimeRecord, PeriodRecord, SliceRecord};
pub use own::{OwnKind, OwnPart};
pub use reliability::{BrierParts, Reliability, Usefulness};
pub use retrained::{RetrainedFile, RetrainedRecord};
pub use robustness::{RobustnessRecord, Strain, StrainKind};
pub use run::{
    Clock, Continued, FORMAT_VERSION, Options, PhaseTime, RunRecord, Single, SplitRecord,
    TaskRecord,
};
pub use search::{
    EnsembleRecord, Member, Plan, PlannedTrial, TrialRecord, TrialStatus, encoding_of,
};
pub use second_level::{SecondLevelRecord, SecondLevelTrial};
pub use shapes::{EditRecord, ShapeBin, ShapeTerm, Shapes, TermEdit};
pub use slices::{COST_OF_A_DECISION, SliceExample, SlicesRecord, WeakSlice};
pub use surrogate::{SurrogateLeaf, SurrogateRecord};
pub use suspects::{Suspect, SuspectsRecord};
pub use uncertainty::{
    CalibrationRecord, CalibrationTrial, ConstantCost, CostRecord, Coverage, GroupCoverage,
    IntervalMethod, IntervalsRecord, LevelRecord,
};
pub use unusual::{UnusualCause, UnusualRecord};
