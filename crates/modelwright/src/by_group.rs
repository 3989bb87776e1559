//! How good a model is in each group of rows, and how often its intervals or sets hold the answer
//! there: what one figure for all rows hides.
//!
//! Intervals that hold nine answers in ten overall may hold seven in ten of one region. A guarantee
//! on average is none for anybody in particular (Barber, Candès, Ramdas & Tibshirani, "The limits
//! of distribution-free conditional predictive inference", Information and Inference 10, 2021);
//! `fit --group-coverage` gives each group of one column its own.

use std::fmt::Write;

use modelwright_automl::Held;
use modelwright_core::record::{Coverage, MetricValue};
use modelwright_core::{Context, Result};
use modelwright_evaluate::MetricInput;
use modelwright_evaluate::fairness::{Grouping, Groups};
use modelwright_evaluate::metric::Needs;
use modelwright_evaluate::resample::{Drawing, Mix, bootstrap_intervals};
use serde::Serialize;

use crate::assess::{CERTAIN, certain};
use crate::labelled::Labelled;
use crate::model::Model;
use crate::output::{TextTable, count, number};

/// Resamples of the interval of a group.
const N_RESAMPLES: usize = 400;

/// Groups with fewer rows are counted, and not judged.
const ROWS_MIN: usize = 30;

/// The rows by the values of one column.
#[derive(Debug, Clone, Serialize)]
pub struct ByColumn {
    /// The column.
    pub column: String,
    /// How values were put together, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The groups, in the order of their values.
    pub groups: Vec<GroupAssessment>,
}

/// One group.
#[derive(Debug, Clone, Serialize)]
pub struct GroupAssessment {
    /// Its value, or range of values.
    pub group: String,
    /// Rows.
    pub n_rows: usize,
    /// The optimised metric with its interval; undefined with too few rows.
    pub metric: MetricValue,
    /// What intervals or sets hold, level by level.
    pub held: Vec<HeldShare>,
}

/// How often one level held the answers of a group.
#[derive(Debug, Clone, Serialize)]
pub struct HeldShare {
    /// The share that is to be held.
    pub level: f64,
    /// What was reached.
    #[serde(flatten)]
    pub reached: Coverage,
    /// Whether the whole interval of the share lies below the level.
    pub is_short: bool,
}

/// Measures the groups of each column that was kept with the rows; `units` says which rows belong
/// together and are no independent witnesses.
///
/// # Errors
/// Work error when nothing can be selected from these rows.
pub fn by_group(
    model: &Model,
    rows: &Labelled,
    units: Option<&[u32]>,
    ctx: &Context,
) -> Result<Vec<ByColumn>> {
    let of_column = |column| {
        let groups = Grouping::of(column).groups(column);
        let place = |group| Place { rows, units, groups: &groups, group };
        let all = (0..groups.names.len()).map(|group| of_group(model, place(group), ctx));
        ByColumn { column: column.name.clone(), note: groups.note.clone(), groups: all.collect() }
    };
    Ok(rows.by.columns().iter().map(of_column).collect())
}

/// One group among all rows.
#[derive(Clone, Copy)]
struct Place<'a> {
    rows: &'a Labelled,
    /// Which rows belong together.
    units: Option<&'a [u32]>,
    groups: &'a Groups,
    group: usize,
}

fn of_group(model: &Model, place: Place<'_>, ctx: &Context) -> GroupAssessment {
    let Place { rows, units, groups, group } = place;
    let is_own = |row: &u32| groups.codes[*row as usize] as usize == group;
    let own: Vec<u32> = (0..groups.codes.len() as u32).filter(is_own).collect();
    let levels = |held: &Held| held.levels_of_rows(&own, rows.weights.as_deref(), units);
    let share = |(level, reached): (f64, Coverage)| HeldShare {
        level,
        is_short: own.len() >= ROWS_MIN && reached.ci95.high < level,
        reached,
    };
    GroupAssessment {
        group: groups.names[group].clone(),
        n_rows: own.len(),
        metric: metric_of(model, (rows, units), &own, ctx),
        held: rows.held.as_ref().map(levels).unwrap_or_default().into_iter().map(share).collect(),
    }
}

fn metric_of(
    model: &Model,
    (rows, units): (&Labelled, Option<&[u32]>),
    own: &[u32],
    ctx: &Context,
) -> MetricValue {
    let metric = model.metric(ctx);
    if own.len() < ROWS_MIN {
        return MetricValue {
            name: metric.spec.name.to_owned(),
            value: None,
            ci95: None,
            note: Some(format!("fewer than {ROWS_MIN} rows")),
        };
    }
    let decided = certain(rows, false).filter(|_| metric.spec.needs == Needs::Labels);
    let threshold = if decided.is_some() { CERTAIN } else { model.predictor.threshold };
    let predictions = decided.as_ref().unwrap_or(&rows.predictions).select(own);
    let weights: Option<Vec<f64>> =
        rows.weights.as_ref().map(|w| own.iter().map(|row| w[*row as usize]).collect());
    let input = MetricInput {
        truth: &rows.truth.select(own),
        predictions: &predictions,
        weights: weights.as_deref(),
        threshold,
    };
    let belongs: Option<Vec<u32>> =
        units.map(|units| own.iter().map(|row| units[*row as usize]).collect());
    let drawing = Drawing { n_resamples: N_RESAMPLES, mix: Mix::Drawn, groups: belongs.as_deref() };
    let mut values = bootstrap_intervals(&[metric], &input, drawing, ctx);
    values.swap_remove(0)
}

impl ByColumn {
    /// The groups as a table for people.
    pub(crate) fn text(&self) -> String {
        let metric = self.groups.first().map_or("", |g| g.metric.name.as_str());
        let levels: Vec<f64> = self
            .groups
            .iter()
            .map(|g| &g.held)
            .find(|held| !held.is_empty())
            .map(|held| held.iter().map(|h| h.level).collect())
            .unwrap_or_default();
        let metric = format!(">{metric}");
        let heads: Vec<String> = levels.iter().map(|level| format!(">{level} held")).collect();
        let mut titles = vec!["group", ">rows", &metric, "95 % interval"];
        for head in &heads {
            titles.extend([head.as_str(), "95 % interval"]);
        }
        let mut table = TextTable::new(&titles);
        for group in &self.groups {
            table.row(group.cells(levels.len()));
        }
        let note = self.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        let mut text = format!("\nBy {}{note}:\n\n{}", self.column, table.render());
        let held = || self.groups.iter().flat_map(|g| &g.held);
        if held().any(|h| h.is_short) {
            let n = held().count();
            let _ = writeln!(
                text,
                "\n! held less often than stated, beyond chance in this group alone; of {n} shares \
                 about {} look so by chance",
                number(0.025 * n as f64)
            );
        }
        text
    }
}

impl GroupAssessment {
    fn cells(&self, n_levels: usize) -> Vec<String> {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let interval = match (&self.metric.ci95, &self.metric.note) {
            (Some(i), _) => format!("{} to {}", number(i.low), number(i.high)),
            (None, Some(note)) => format!("({note})"),
            (None, None) => String::new(),
        };
        let value = self.metric.value.map_or("–".to_owned(), number);
        let mut cells = vec![self.group.clone(), count(self.n_rows), value, interval];
        for i in 0..n_levels {
            let Some(held) = self.held.get(i) else {
                cells.extend(["–".to_owned(), String::new()]);
                continue;
            };
            let mark = if held.is_short { " !" } else { "" };
            let ci95 = &held.reached.ci95;
            cells.push(percent(held.reached.share));
            cells.push(format!("{} to {}{mark}", percent(ci95.low), percent(ci95.high)));
        }
        cells
    }
}
