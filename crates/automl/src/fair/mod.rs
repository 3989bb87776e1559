//! Decisions that keep a definition of fairness.
//!
//! | way | what it changes | needs the sensitive columns to predict |
//! |---|---|---|
//! | `thresholds` | a threshold for each group | yes |
//! | `one_threshold` | the threshold for everybody | no |
//! | `reweighing` | the members learn again, with weights | no |
//! | `exponentiated_gradient` | a mixture learned at prices of unequal rates | no |
//!
//! All are chosen on out-of-fold predictions; what other gaps would have cost is kept in the
//! record, and what the choice comes to is measured on the untouched rows. The groups are those of
//! all sensitive columns crossed; a value that training did not know gets the threshold for
//! everybody.

mod choose;
mod recast;
mod relearn;

use std::time::Duration;

use modelwright_core::data::{Column, Field, Schema, Table};
use modelwright_core::record::{FairPoint, MitigationRecord, Options};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::fairness::thresholds::{Candidates, Constraint, ThresholdInput};
use modelwright_evaluate::fairness::{Grouping, Groups};
use serde::{Deserialize, Serialize};

use crate::audit::MIN_GROUP;

use self::choose::point;
pub(crate) use self::choose::{FairInput, How, Learned, choose};
pub(crate) use self::recast::Recast;

/// The gap that is allowed when the user names none.
pub const MAX_GAP: f64 = 0.05;

/// Other gaps whose price is shown, from wide to narrow.
const FRONT: [f64; 7] = [1.0, 0.2, 0.15, 0.1, 0.05, 0.02, 0.0];

/// The user is warned where fairness costs a larger share of decisions.
const LOSS_MAX: f64 = 0.1;

/// Share of the time that is kept from the search where members are to be learned again.
const RESERVE_SHARE: f64 = 0.35;

/// How decisions can be made fair, as a flag says it.
pub const MITIGATIONS: [&str; 5] =
    ["thresholds", "one_threshold", "reweighing", "exponentiated_gradient", "auto"];

/// A way to be fair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// A threshold for each group.
    Groups,
    /// One for everybody.
    Everybody,
    Reweighing,
    /// Exponentiated gradient.
    Reduction,
}

impl Method {
    /// In the order in which equals are preferred: the least that must be done first.
    const ALL: [Self; 4] = [Self::Everybody, Self::Reweighing, Self::Reduction, Self::Groups];

    fn name(self) -> &'static str {
        match self {
            Self::Groups => MITIGATIONS[0],
            Self::Everybody => MITIGATIONS[1],
            Self::Reweighing => MITIGATIONS[2],
            Self::Reduction => MITIGATIONS[3],
        }
    }

    /// Whether members learn again.
    fn learns(self) -> bool {
        matches!(self, Self::Reweighing | Self::Reduction)
    }

    /// Whether the user wants this one, or leaves the choice.
    fn is_asked(self, options: &Options) -> bool {
        let asked = options.mitigation.as_deref().unwrap_or(MITIGATIONS[0]);
        asked == MITIGATIONS[4] || asked == self.name()
    }

    /// What is tried: what is asked, and beside learning the one threshold that it is measured
    /// against, and that is left when nothing can be learned.
    fn wanted(options: &Options) -> Result<Vec<Self>> {
        let asked: Vec<Self> = Self::ALL.into_iter().filter(|m| m.is_asked(options)).collect();
        match asked.as_slice() {
            [] => Err(Error::input("unknown way to be fair")
                .at("--mitigation")
                .expected(format!("one of {}", MITIGATIONS.join(", ")))
                .got(options.mitigation.clone().unwrap_or_default())
                .suggest(options.mitigation.as_deref().unwrap_or_default(), MITIGATIONS)),
            [Self::Reweighing | Self::Reduction] => Ok([&[Self::Everybody], &*asked].concat()),
            _ => Ok(asked),
        }
    }
}

/// The time to keep from the search for learning again in a fair way.
pub(crate) fn reserve(options: &Options, ctx: &Context) -> Duration {
    let is_asked = options.fair.is_some()
        && Method::wanted(options).is_ok_and(|wanted| wanted.into_iter().any(Method::learns));
    let left = ctx.remaining().filter(|_| is_asked);
    left.map_or(Duration::ZERO, |left| left.mul_f64(RESERVE_SHARE))
}

/// What stands between the values of several columns in the name of a group.
pub const AND: &str = " · ";

/// Thresholds of groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

    /// One threshold for every row, which no column is needed for; above 0, which
    /// [`Self::is_none`] knows by.
    pub(crate) fn of_everybody(threshold: f64) -> Self {
        let common = threshold.max(f64::MIN_POSITIVE);
        Self { groupings: Vec::new(), groups: Vec::new(), common }
    }

    /// What is stored where there are none.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Whether it is [`Self::none`].
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::none()
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
        let partner = |flag: &str| Err(Error::input(format!("`{flag}` needs `--fair`")).at(flag));
        return match (options.max_gap, &options.mitigation) {
            (None, None) => Ok(()),
            (Some(_), _) => partner("--max-gap"),
            (None, Some(_)) => partner("--mitigation"),
        };
    };
    name.parse::<Constraint>().map_err(|e| e.at("--fair"))?;
    if options.distill {
        return Err(Error::input("students do not keep the thresholds of groups")
            .at("--distill")
            .expected("either --fair or --distill"));
    }
    let learns = Method::wanted(options)?.into_iter().any(Method::learns);
    let is_limited = options.max_latency_us.is_some() || options.max_size_bytes.is_some();
    if learns && is_limited {
        return Err(Error::input("members that learn fairly are not offered in smaller sizes")
            .at("--mitigation")
            .expected("thresholds or one_threshold beside --max-latency or --max-size")
            .hint("or leave these out, and ask for --interpretable or --preset quick"));
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

/// What the user should know at once: that another way was taken than the one that was asked for,
/// or that fairness costs much.
pub(crate) fn warning(record: &MitigationRecord, options: &Options) -> Option<String> {
    let asked = options.mitigation.as_deref().unwrap_or(MITIGATIONS[0]);
    let is_left_open = asked == MITIGATIONS[4];
    if !is_left_open && record.method != asked {
        let tried = record.tried.iter().find(|t| t.method == asked);
        let why = tried.and_then(|t| t.note.clone()).unwrap_or_default();
        return Some(format!(
            "fairness by {asked} came to nothing ({why}); one threshold for everybody keeps the \
             gap instead"
        ));
    }
    let lost = record.before.accuracy - record.after.accuracy;
    let hint = if is_left_open { "allow a wider --max-gap" } else { "try --mitigation auto" };
    (lost > LOSS_MAX).then(|| {
        format!(
            "fairness by {} costs {:.0} points of accuracy out of fold: {hint}",
            record.method,
            100.0 * lost
        )
    })
}

/// The sensitive columns as the reader must deliver them to a model that decides by them.
pub(crate) fn fields(fair: Option<&GroupThresholds>, schema: &Schema) -> Vec<Field> {
    let columns = fair.into_iter().flat_map(GroupThresholds::columns);
    let field = |name: &str| schema.field(name).map(|f| Field { optional: true, ..f.clone() });
    columns.filter_map(field).collect()
}

/// Untouched rows, and what a model says and decides about them.
pub(crate) struct HeldInput<'a> {
    pub table: &'a Table,
    pub truth: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// What the model would say without being made fair, and the threshold it would have.
    pub before: (&'a Predictions, f64),
    /// What it decides.
    pub decided: &'a [u32],
}

/// What decisions come to on untouched rows without and with fairness; `None` when fewer than two
/// groups have enough of them.
pub(crate) fn held(
    groupings: &[Grouping],
    record: &MitigationRecord,
    input: &HeldInput<'_>,
) -> Option<(FairPoint, FairPoint)> {
    let constraint: Constraint = record.constraint.parse().ok()?;
    let groups = Groups::of_names(record.columns.clone(), &names(groupings, input.table));
    let on = |scores: &[f64], threshold: f64| {
        let input = ThresholdInput {
            truth: input.truth.codes().unwrap_or_default(),
            scores,
            weights: input.weights,
            groups: &groups,
            min_group: MIN_GROUP,
            threshold,
        };
        Candidates::new(&input).ok().map(|c| c.unconstrained(constraint))
    };
    // Decisions as certainties: a threshold for everybody then decides as the model did.
    let sure = |d: &u32| if *d == 1 { f64::INFINITY } else { f64::NEG_INFINITY };
    let decided: Vec<f64> = input.decided.iter().map(sure).collect();
    let (plain, threshold) = input.before;
    let (before, after) = (on(&plain.values, threshold)?, on(&decided, threshold)?);
    Some((point(None, &before), point(Some(record.max_gap), &after)))
}
