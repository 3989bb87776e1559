//! What rows of a later file say of a model: all that the report of a fit says of its untouched
//! rows, from the model file and the rows alone.
//!
//! What needs the training rows is not here: how far rows lie from the nearest of them, which of
//! their targets look wrong, whether more of them would help.

use std::time::Duration;

use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::record::{
    CostRecord, Evaluation, ExplanationRecord, FairnessRecord, Importance, LevelRecord,
    RobustnessRecord, SlicesRecord, SuspectsRecord, UnusualRecord,
};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::metric::{MetricEntry, MetricInput};
use modelwright_evaluate::resample::Mix;
use modelwright_evaluate::{EvaluateInput, evaluate};
use modelwright_inspect::explain::permutation_importance;

use crate::audit::{self, AuditInput};
use crate::explain::Known;
use crate::fit::explained::explained;
use crate::fit::untouched::{N_REPEATS, N_RESAMPLES, N_ROWS_IMPORTANCE, N_ROWS_SLICES};
use crate::predictor::Predictor;
use crate::robustness::{self, StrainInput, strained};
use crate::slices::SearchedRows;
use crate::suspects::{self, Judged};
use crate::units::Units;
use crate::unusual::UsualRows;
use crate::{aim, decision, slices, unusual};

/// Rows that the model has not learned from, with known answers.
pub struct LaterRows<'a> {
    /// What the rows are called.
    pub on: &'a str,
    /// The rows.
    pub table: &'a Table,
    /// Their places in the table that was read, from 0; `None` of a sample.
    pub places: Option<&'a [u32]>,
    /// Whether nothing says that the model has learned from them after all.
    pub are_new: bool,
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The group of each row, where rows of a group belong together.
    pub groups: Option<&'a [u32]>,
    /// When each row was, where the model is judged in the order of time.
    pub times: Option<&'a [f64]>,
    /// The metric that comes first.
    pub metric: &'static MetricEntry,
    /// The columns that say who a row is about; of those that the rows have.
    pub sensitive: &'a [String],
    /// What the model file knows.
    pub known: Known<'a>,
    /// And of usual rows.
    pub usual: Option<&'a UsualRows>,
    /// What looking at one column after the other may take.
    pub patience: Patience,
}

/// How long what costs more with every column may take: of a table of thousands of columns it would
/// be hours. What there was no time for is left out, the columns first on which the model relies
/// least, and the context's decisions say where it ended.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the importances of columns.
    pub importances: Duration,
    /// By which explanations are planned; they take a small part of it.
    pub explanation: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { importances: Duration::from_secs(20), explanation: Duration::from_mins(5) }
    }
}

/// The scope in which the importances ask the clock.
pub const IMPORTANCES: &str = "importances";

/// What the rows say.
pub struct Looked {
    /// The metrics.
    pub evaluation: Evaluation,
    /// How often intervals or sets held the answer.
    pub reached: Vec<LevelRecord>,
    /// What decisions cost, where costs are known.
    pub costs: Option<CostRecord>,
    /// How much each column matters.
    pub importances: Vec<Importance>,
    /// Where the model is worse.
    pub slices: Option<SlicesRecord>,
    /// How groups of people fare.
    pub fairness: Option<FairnessRecord>,
    /// Which answers look wrong; `None` where the model has learned from the rows.
    pub suspects: Option<SuspectsRecord>,
    /// What strains on the inputs do.
    pub robustness: RobustnessRecord,
    /// How many are unusual, where the model file can tell.
    pub unusual: Option<UnusualRecord>,
    /// Why it predicts so.
    pub explanation: Option<ExplanationRecord>,
}

/// Looks at the rows in every way.
///
/// # Errors
/// Input error when the rows do not fit the model, or nothing can be measured on them.
pub fn look(predictor: &Predictor, rows: &LaterRows<'_>, ctx: &Context) -> Result<Looked> {
    let all = Measured::of(predictor, rows, None, ctx)?;
    let (evaluation, reached) = all.evaluated(predictor, rows, ctx)?;
    let costs = predictor.costs();
    let of_costs = |c| decision::account(c, &predictor.classes, all.answers(), &all.predictions);
    ctx.tell(Event::Phase(IMPORTANCES.to_owned()));
    let importances = importances(predictor, rows, &all, ctx)?;
    let some = Measured::of(predictor, rows, Some(N_ROWS_SLICES), ctx)?;
    let searched = SearchedRows {
        table: &some.table,
        truth: &some.truth,
        predictions: &some.predictions,
        constant: &some.constant(rows.metric.spec.name),
        weights: some.weights.as_deref(),
        groups: Units::told(some.units.as_ref()).0,
        shown: false,
    };
    let slices = slices::weak(predictor, &searched, &predictor.schema, &importances, ctx)?;
    ctx.tell(Event::Phase("explain".to_owned()));
    let scope = ctx.with_time_limit(rows.patience.explanation);
    let explanation = explained(predictor, rows.table, rows.known, false, &scope)?;
    ctx.tell(Event::Phase("robustness".to_owned()));
    let suspects = rows.are_new.then(|| {
        suspects::find(&Judged {
            truth: &all.truth,
            predictions: &all.predictions,
            are_later: true,
            weights: all.weights.as_deref(),
            classes: &predictor.classes,
            rows: rows.places,
        })
    });
    let groups = Units::told(some.units.as_ref()).0;
    let unusual = rows.usual.map(|u| unusual::record(u, rows.on, &some.table, groups, ctx));
    Ok(Looked {
        evaluation,
        reached,
        costs: costs.map(of_costs),
        importances,
        slices,
        fairness: all.audited(predictor, rows, ctx)?,
        suspects,
        robustness: robust(predictor, rows, ctx)?,
        unusual,
        explanation,
    })
}

/// Rows with what the model says of them.
struct Measured {
    table: Table,
    truth: Target,
    predictions: Predictions,
    weights: Option<Vec<f64>>,
    units: Option<Units>,
}

impl Measured {
    /// Of all rows, or of at most so many that are drawn.
    fn of(
        predictor: &Predictor,
        rows: &LaterRows<'_>,
        n_max: Option<usize>,
        ctx: &Context,
    ) -> Result<Self> {
        let n_rows = rows.table.n_rows();
        let chosen =
            n_max.filter(|n| *n < n_rows).map(|n| ctx.random("later/sample", 0).sample(n_rows, n));
        let table = chosen.as_ref().map_or_else(|| rows.table.clone(), |c| rows.table.select(c));
        let number = |numbers: &[f64]| -> Vec<f64> {
            match &chosen {
                Some(rows) => rows.iter().map(|row| numbers[*row as usize]).collect(),
                None => numbers.to_vec(),
            }
        };
        let group = |groups: &[u32]| -> Vec<u32> {
            match &chosen {
                Some(rows) => rows.iter().map(|row| groups[*row as usize]).collect(),
                None => groups.to_vec(),
            }
        };
        let groups = rows.groups.map(group);
        let times = rows.times.map(number);
        let truth = predictor.encode_target(&table)?;
        let predictions = predictor.predict(&table, ctx)?;
        let units = Units::of(groups.as_deref(), times.as_deref(), &truth, &predictions);
        Ok(Self { truth, predictions, table, weights: rows.weights.map(number), units })
    }

    fn answers(&self) -> (&Target, Option<&[f64]>) {
        (&self.truth, self.weights.as_deref())
    }

    /// What always giving the same answer says: the one that is best for these very rows.
    fn constant(&self, metric: &str) -> Predictions {
        aim::constant(metric, &self.truth, self.weights.as_deref(), self.truth.n_rows())
    }

    fn evaluated(
        &self,
        predictor: &Predictor,
        rows: &LaterRows<'_>,
        ctx: &Context,
    ) -> Result<(Evaluation, Vec<LevelRecord>)> {
        ctx.tell(Event::Phase("evaluate".to_owned()));
        let decided =
            predictor.fair.is_some().then(|| predictor.decide(&self.table, &self.predictions));
        let (groups, unit) = Units::told(self.units.as_ref());
        let input = EvaluateInput {
            on: rows.on,
            truth: &self.truth,
            predictions: &self.predictions,
            weights: self.weights.as_deref(),
            threshold: predictor.threshold,
            decided: decided.as_deref(),
            costs: predictor.costs(),
            classes: &predictor.classes,
            metric: rows.metric,
            baseline: Some(&self.constant(rows.metric.spec.name)),
            n_resamples: N_RESAMPLES,
            mix: Mix::Drawn,
            groups,
            unit,
        };
        let mut evaluation = evaluate(&input, ctx)?;
        let (name, task) = (rows.metric.spec.name, predictor.task);
        evaluation.baseline_is = Some(aim::constant_words(name, task, "these very rows"));
        let held = predictor.held(&self.table, &self.predictions, &self.truth, ctx)?;
        let reached = held.map_or(Vec::new(), |held| held.reached(self.weights.as_deref(), groups));
        Ok((evaluation.without_rows(), reached))
    }

    fn audited(
        &self,
        predictor: &Predictor,
        rows: &LaterRows<'_>,
        ctx: &Context,
    ) -> Result<Option<FairnessRecord>> {
        if rows.sensitive.is_empty() {
            return Ok(None);
        }
        let input = AuditInput {
            on: rows.on,
            table: &self.table,
            truth: &self.truth,
            predictions: &self.predictions,
            weights: self.weights.as_deref(),
            units: Units::told(self.units.as_ref()).0,
            sensitive: rows.sensitive,
            min_group: audit::MIN_GROUP,
        };
        audit::audit(predictor, &input, ctx).map(Some)
    }
}

/// How much each column matters, on a sample; empty when the metric is undefined there.
fn importances(
    predictor: &Predictor,
    rows: &LaterRows<'_>,
    all: &Measured,
    ctx: &Context,
) -> Result<Vec<Importance>> {
    let sample = Measured::of(predictor, rows, Some(N_ROWS_IMPORTANCE), ctx)?;
    let is_defined = |m: &&Measured| {
        let input = MetricInput {
            weights: m.weights.as_deref(),
            threshold: predictor.threshold,
            ..MetricInput::new(&m.truth, &m.predictions)
        };
        rows.metric.measured(&input).is_ok()
    };
    // A rare class may be absent from the sample.
    let Some(measured) = [&sample, all].into_iter().find(is_defined) else {
        return Ok(Vec::new());
    };
    let columns = predictor.columns_by_gain();
    permutation_importance(
        predictor,
        &measured.table,
        &measured.truth,
        measured.weights.as_deref(),
        rows.metric,
        &columns,
        N_REPEATS,
        &ctx.scope(IMPORTANCES).with_time_limit(rows.patience.importances),
    )
}

fn robust(predictor: &Predictor, rows: &LaterRows<'_>, ctx: &Context) -> Result<RobustnessRecord> {
    let some = Measured::of(predictor, rows, Some(robustness::ROWS_MAX), ctx)?;
    let input = StrainInput {
        on: rows.on,
        table: &some.table,
        truth: &some.truth,
        predictions: &some.predictions,
        weights: some.weights.as_deref(),
        units: Units::told(some.units.as_ref()).0,
        metric: rows.metric,
    };
    strained(predictor, &input, ctx)
}
