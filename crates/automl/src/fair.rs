//! Decisions that keep a definition of fairness: a threshold for each group, stored in the model.
//!
//! Chosen on calibrated out-of-fold predictions, beside the threshold for everybody; what other
//! gaps would have cost is kept in the record, and what the choice comes to is measured on the
//! untouched rows. The groups are those of all sensitive columns crossed; a value that training did
//! not know gets the threshold for everybody.

use modelwright_core::data::{Column, Field, Schema, Table};
use modelwright_core::record::{FairPoint, GroupThreshold, MitigationRecord, Options};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Error, Result};
use modelwright_evaluate::fairness::thresholds::{
    Candidates, Constraint, ThresholdInput, Thresholds,
};
use modelwright_evaluate::fairness::{Grouping, Groups};
use serde::{Deserialize, Serialize};

use crate::audit::MIN_GROUP;

/// The gap that is allowed when the user names none.
pub const MAX_GAP: f64 = 0.05;

/// Other gaps whose price is shown, from wide to narrow.
const FRONT: [f64; 7] = [1.0, 0.2, 0.15, 0.1, 0.05, 0.02, 0.0];

/// What stands between the values of several columns in the name of a group.
pub const AND: &str = " · ";

/// Thresholds of groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupThresholds {
    groupings: Vec<Grouping>,
    /// Group and threshold, ascending by group.
    groups: Vec<(String, f64)>,
    /// For rows of any other group.
    common: f64,
}

impl GroupThresholds {
    /// The columns that tell the group.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.groupings.iter().map(|g| g.column.as_str())
    }

    /// How the values of each column become groups.
    pub fn groupings(&self) -> &[Grouping] {
        &self.groupings
    }

    /// The threshold for rows of any other group.
    pub fn common(&self) -> f64 {
        self.common
    }

    /// The groups with thresholds of their own.
    pub fn groups(&self) -> &[(String, f64)] {
        &self.groups
    }

    /// The threshold of every row.
    pub fn of_rows(&self, table: &Table) -> Vec<f64> {
        let find = |name: &String| {
            let place = self.groups.binary_search_by(|(own, _)| own.cmp(name));
            place.map_or(self.common, |i| self.groups[i].1)
        };
        names(&self.groupings, table).iter().map(find).collect()
    }

    /// 1 where the probability reaches the threshold of the row's group.
    pub(crate) fn decide(&self, table: &Table, predictions: &Predictions) -> Vec<u32> {
        let thresholds = self.of_rows(table);
        predictions.values.iter().zip(thresholds).map(|(p, t)| u32::from(*p >= t)).collect()
    }

    pub(crate) fn validate(&self, task: Task) -> Result<()> {
        let finite = self.common.is_finite() && self.groups.iter().all(|(_, t)| t.is_finite());
        let cuts = self.groupings.iter().flat_map(|g| g.cuts.iter().flatten());
        if task == Task::Binary && finite && cuts.into_iter().all(|c| c.is_finite()) {
            return Ok(());
        }
        Err(Error::input("the stored thresholds of groups are broken"))
    }
}

/// The name of every row's group.
fn names(groupings: &[Grouping], table: &Table) -> Vec<String> {
    let mut names = vec![String::new(); table.n_rows()];
    for (i, grouping) in groupings.iter().enumerate() {
        let missing;
        let column = if let Some(column) = table.column(&grouping.column) {
            column
        } else {
            missing = Column::numbers(&grouping.column, vec![f64::NAN; table.n_rows()]);
            &missing
        };
        for (name, value) in names.iter_mut().zip(grouping.names(column)) {
            if i > 0 {
                name.push_str(AND);
            }
            name.push_str(&value);
        }
    }
    names
}

/// Refuses what cannot be asked, before anything is learned.
///
/// # Errors
/// Input error when fairness is asked of something else than a binary decision, without sensitive
/// columns, or by an unknown definition.
pub(crate) fn check(options: &Options, task: Task) -> Result<()> {
    let Some(name) = &options.fair else {
        return match options.max_gap {
            None => Ok(()),
            Some(_) => Err(Error::input("`--max-gap` needs `--fair`").at("--max-gap")),
        };
    };
    name.parse::<Constraint>().map_err(|e| e.at("--fair"))?;
    if options.distill {
        return Err(Error::input("students do not keep the thresholds of groups")
            .at("--distill")
            .expected("either --fair or --distill"));
    }
    if options.sensitive.is_empty() {
        return Err(Error::input("fair to whom?")
            .at("--fair")
            .expected("--sensitive COLUMN,… beside it"));
    }
    if task != Task::Binary {
        return Err(Error::input("fair thresholds need a decision between two classes")
            .at("--fair")
            .expected("a binary task")
            .got(task.name()));
    }
    match options.max_gap {
        Some(gap) if !(0.0..=1.0).contains(&gap) => Err(Error::input("the gap is out of range")
            .at("--max-gap")
            .expected("a number from 0 to 1")
            .got(gap.to_string())),
        _ => Ok(()),
    }
}

/// The sensitive columns as the reader must deliver them to a model that decides by them.
pub(crate) fn fields(fair: Option<&GroupThresholds>, schema: &Schema) -> Vec<Field> {
    let columns = fair.into_iter().flat_map(GroupThresholds::columns);
    let field = |name: &str| schema.field(name).map(|f| Field { optional: true, ..f.clone() });
    columns.filter_map(field).collect()
}

/// Out-of-fold rows to choose on.
pub(crate) struct FairInput<'a> {
    pub options: &'a Options,
    /// All training rows.
    pub table: &'a Table,
    /// Those of them that were judged.
    pub rows: &'a [u32],
    pub truth: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// Calibrated, of the judged rows.
    pub predictions: &'a Predictions,
    /// The threshold for everybody.
    pub threshold: f64,
}

/// Chooses the thresholds of the groups; `None` when nothing was asked.
///
/// # Errors
/// Input error when fewer than two groups have enough rows of both classes.
pub(crate) fn choose(input: &FairInput<'_>) -> Result<Option<(GroupThresholds, MitigationRecord)>> {
    let Some(name) = &input.options.fair else { return Ok(None) };
    let constraint: Constraint = name.parse()?;
    let max_gap = input.options.max_gap.unwrap_or(MAX_GAP);
    let mut groupings: Vec<Grouping> = Vec::new();
    for name in &input.options.sensitive {
        if !groupings.iter().any(|g| g.column == *name) {
            groupings.push(Grouping::of(input.table.require(name)?));
        }
    }
    let of_rows = names(&groupings, &input.table.select(input.rows));
    let groups = Groups::of_names(input.options.sensitive.clone(), &of_rows);
    let candidates = Candidates::new(&ThresholdInput {
        truth: input.truth.codes().unwrap_or_default(),
        scores: &input.predictions.values,
        weights: input.weights,
        groups: &groups,
        min_group: MIN_GROUP,
        threshold: input.threshold,
    })
    .map_err(|e| e.at("--fair"))?;
    let chosen = candidates.choose(constraint, max_gap);
    let front = FRONT.iter().map(|gap| point(Some(*gap), &candidates.choose(constraint, *gap)));
    let record = MitigationRecord {
        constraint: name.clone(),
        max_gap,
        columns: groups.columns.clone(),
        threshold: input.threshold,
        groups: group_records(&groups, &chosen),
        n_rows: of_rows.len(),
        before: point(None, &candidates.unconstrained(constraint)),
        after: point(Some(max_gap), &chosen),
        front: front.collect(),
        held: None,
    };
    let own = record.groups.iter().map(|g| (g.group.clone(), g.threshold)).collect();
    Ok(Some((GroupThresholds { groupings, groups: own, common: input.threshold }, record)))
}

fn group_records(groups: &Groups, chosen: &Thresholds) -> Vec<GroupThreshold> {
    let record = |(name, rates): (&String, &Option<_>)| {
        let rates: &modelwright_evaluate::fairness::thresholds::Rates = rates.as_ref()?;
        Some(GroupThreshold {
            group: name.clone(),
            threshold: rates.threshold,
            selection_rate: rates.selection,
            true_positive_rate: rates.true_positive,
            false_positive_rate: rates.false_positive,
        })
    };
    groups.names.iter().zip(&chosen.groups).filter_map(record).collect()
}

fn point(max_gap: Option<f64>, of: &Thresholds) -> FairPoint {
    FairPoint { max_gap, gap: of.gap, accuracy: of.accuracy }
}

/// What one threshold for everybody, and those of the groups, come to on untouched rows; `None`
/// when fewer than two groups have enough of them.
pub(crate) fn held(
    fair: &GroupThresholds,
    record: &MitigationRecord,
    table: &Table,
    truth: &Target,
    predictions: &Predictions,
    weights: Option<&[f64]>,
) -> Option<(FairPoint, FairPoint)> {
    let constraint: Constraint = record.constraint.parse().ok()?;
    let groups = Groups::of_names(record.columns.clone(), &names(&fair.groupings, table));
    let on = |scores: &[f64]| {
        let input = ThresholdInput {
            truth: truth.codes().unwrap_or_default(),
            scores,
            weights,
            groups: &groups,
            min_group: MIN_GROUP,
            threshold: record.threshold,
        };
        Candidates::new(&input).ok().map(|c| c.unconstrained(constraint))
    };
    // Decisions as certainties: the threshold for everybody then decides as the groups' own do.
    let sure = |d: u32| if d == 1 { f64::INFINITY } else { f64::NEG_INFINITY };
    let decided: Vec<f64> = fair.decide(table, predictions).into_iter().map(sure).collect();
    let (before, after) = (on(&predictions.values)?, on(&decided)?);
    Some((point(None, &before), point(Some(record.max_gap), &after)))
}
