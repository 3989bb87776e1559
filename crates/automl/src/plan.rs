//! The plan: what shall be tried, in which order, judged by how many folds.
//!
//! A plan is a value: it is printed by `--plan-only`, stored in the record, and executed by
//! `search`. Every heuristic stands here or in the portfolio under a name, with its reason.

use modelwright_core::data::Kind;
use modelwright_core::record::{ColumnProfile, Plan, PlannedTrial, TableProfile};
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_preprocess::encode::ONE_HOT_LEVELS_OF_TREES;

use crate::portfolio;

/// Folds for small and middle tables: five judge almost as well as ten at half the cost (Kohavi,
/// "A Study of Cross-Validation and Bootstrap", IJCAI 1995; AutoGluon uses 5 to 8).
const N_FOLDS: usize = 5;

/// Folds for tables below [`N_ROWS_SMALL`], where every row of training counts.
const N_FOLDS_SMALL: usize = 8;

/// What counts as small.
const N_ROWS_SMALL: usize = 2_000;

/// Above this many rows one validation part is as sure as folds.
const N_ROWS_LARGE: usize = 300_000;

/// Share of the validation part where there are no folds.
pub(crate) const VALIDATION_SHARE: f64 = 0.15;

/// Rounds of the greedy ensemble selection; more brings nothing (TabRepo, 2024).
const ENSEMBLE_ROUNDS: usize = 25;

/// Variants of members that the preset `best` tries in time left over, at most. On 16 tables they
/// raised the validation score a little and the test score not (docs/decisions.md), so that the
/// other presets end early instead.
const VARIANTS_BEST: usize = 300;

/// Below so many rows all trials are judged by so many further divisions into folds, when there is
/// time: chance parts a few hundred rows so unevenly that it moves scores more than models do. The
/// first repeats bring most: the part of the noise that divisions make shrinks with their number.
const N_ROWS_TINY: usize = 1_000;
const REPEATS: usize = 2;

/// How much work a preset asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// One good model: small and fast.
    Quick,
    /// A few different models, combined and refitted.
    Balanced,
    /// All candidates; each member is the mean of several refits.
    Best,
}

impl std::str::FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "quick" => Ok(Self::Quick),
            "balanced" => Ok(Self::Balanced),
            "best" => Ok(Self::Best),
            _ => Err(Error::input("unknown preset")
                .at("--preset")
                .got(name)
                .suggest(name, ["quick", "balanced", "best"])),
        }
    }
}

impl Preset {
    /// The most different members in the ensemble: what keeps prediction fast.
    pub(crate) fn members_max(self) -> usize {
        match self {
            Self::Quick => 1,
            Self::Balanced => 4,
            Self::Best => 12,
        }
    }

    /// The most variants of members that are tried in time left over.
    fn variants_max(self) -> usize {
        match self {
            Self::Quick | Self::Balanced => 0,
            Self::Best => VARIANTS_BEST,
        }
    }

    /// The most models of a member that learned all rows by different chances. Averaging them pays
    /// where rows are few, and costs as many times the prediction.
    pub(crate) fn models_max(self, n_rows: usize) -> usize {
        match (self, n_rows) {
            (Self::Balanced, 0..=5_000) => 3,
            (Self::Balanced, 5_001..=20_000) | (Self::Best, 20_001..) => 2,
            (Self::Best, _) => 5,
            (Self::Quick | Self::Balanced, _) => 1,
        }
    }
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanInput {
    pub task: Task,
    pub n_rows: usize,
    /// Rows of the rarest class (all rows for regression).
    pub n_rows_rarest: usize,
    pub preset: Preset,
    /// The most folds that groups or times allow.
    pub n_folds_max: usize,
    /// Whether the rows can be parted into folds in other ways: not by time.
    pub may_repeat: bool,
    /// Whether a category has so many levels that trees do not get a column for each.
    pub has_many_levels: bool,
    /// Rounds of boosting that the budget allows one trial, by the cost model; `None` without a
    /// time limit.
    pub affordable_rounds: Option<u64>,
}

/// Rounds one fit of a fold needs before folds are worth their price.
const ROUNDS_FOR_FOLDS: u64 = 80;

/// With fewer rounds for one fit there may be time for one model only.
const ROUNDS_FOR_LINEAR_FIRST: u64 = 400;

/// The boosters' learning rate where no time limit asks for a larger one.
pub(crate) const RATE_UNLIMITED: f64 = 0.05;

/// Makes the plan of some candidates.
pub(crate) fn make(input: &PlanInput, mut trials: Vec<PlannedTrial>) -> Plan {
    let mut notes = Vec::new();
    if !input.has_many_levels {
        // Sets of a few levels are what cuts through their columns come to.
        trials.retain(|trial| trial.encoding != portfolio::LEVELS);
    }
    let n_folds = n_folds(input, &mut notes);
    let variants_max = input.preset.variants_max();
    if variants_max > 0 {
        notes.push(format!(
            "time left over goes into variants of the members, at most {variants_max}, as long as \
             the ensemble gains from them"
        ));
    }
    let repeats_max = repeats_max(input, n_folds);
    if repeats_max > 0 {
        notes.push(format!(
            "time left over goes into judging all trials by {repeats_max} further divisions into \
             folds: {} rows",
            input.n_rows
        ));
    }
    let pace = learning_rate(input, n_folds, &mut notes);
    if pace.rounds_per_fit.is_some_and(|rounds| rounds < ROUNDS_FOR_LINEAR_FIRST) {
        portfolio::strongest_first(&mut trials);
        notes.push("the booster before the linear model: there may be time for one".into());
    }
    portfolio::set_learning_rate(&mut trials, pace.rate);
    Plan {
        n_folds,
        validation_share: if n_folds == 0 { VALIDATION_SHARE } else { 0.0 },
        trials,
        ensemble_rounds: ENSEMBLE_ROUNDS,
        variants_max,
        repeats_max,
        notes,
    }
}

/// Whether a category has so many levels that trees do not get a column for each.
pub(crate) fn has_many_levels(profile: &TableProfile, exclude: &[String]) -> bool {
    let many = |c: &&ColumnProfile| {
        matches!(c.kind.kind, Kind::Category | Kind::IntegerCategory)
            && c.n_distinct > ONE_HOT_LEVELS_OF_TREES
    };
    profile.columns.iter().filter(many).any(|c| !exclude.contains(&c.name))
}

/// Further divisions into folds, by the size of the table.
fn repeats_max(input: &PlanInput, n_folds: usize) -> usize {
    let is_tiny = input.n_rows < N_ROWS_TINY && n_folds > 1;
    if is_tiny && input.may_repeat && input.preset != Preset::Quick { REPEATS } else { 0 }
}

/// Puts the candidates of an earlier run in the place of the portfolio's, if there are any.
pub(crate) fn again(plan: &mut Plan, trials: &[PlannedTrial]) {
    if !trials.is_empty() {
        plan.trials = trials.to_vec();
        plan.variants_max = 0;
        plan.notes.push("the candidates are those of an earlier run".to_owned());
    }
}

/// How fast boosters learn.
pub(crate) struct Pace {
    /// Their learning rate.
    pub rate: f64,
    /// Rounds of one fit that the budget allows; `None` without a time limit.
    pub rounds_per_fit: Option<u64>,
}

/// The boosters' learning rate: the one that converges within the rounds that the budget allows.
pub(crate) fn learning_rate(input: &PlanInput, n_folds: usize, notes: &mut Vec<String>) -> Pace {
    let Some(rounds) = input.affordable_rounds else {
        return Pace { rate: RATE_UNLIMITED, rounds_per_fit: None };
    };
    let per_fit = if n_folds == 0 { rounds } else { rounds / n_folds as u64 };
    let rate = portfolio::learning_rate(per_fit);
    notes.push(format!(
        "the budget allows about {per_fit} boosting rounds a fit, by the cost of a round on such \
         a table: learning rate {rate}"
    ));
    Pace { rate, rounds_per_fit: Some(per_fit) }
}

/// Folds by the size of the table and the budget; 0 is one validation part.
pub(crate) fn n_folds(input: &PlanInput, notes: &mut Vec<String>) -> usize {
    if input.n_rows > N_ROWS_LARGE {
        notes.push(format!("one validation part: more than {N_ROWS_LARGE} rows judge surely"));
        return 0;
    }
    let k = if input.n_rows < N_ROWS_SMALL { N_FOLDS_SMALL } else { N_FOLDS };
    let k = if input.preset == Preset::Quick { k.min(N_FOLDS) } else { k };
    if let Some(rounds) = input.affordable_rounds
        && rounds / (k as u64) < ROUNDS_FOR_FOLDS
        && input.n_rows >= N_ROWS_SMALL
    {
        notes.push(format!(
            "one validation part: the budget allows only {} boosting rounds for each of {k} folds",
            rounds / k as u64
        ));
        return 0;
    }
    if input.n_folds_max < 2 {
        notes.push("one validation part: too few groups or times for folds".to_owned());
        return 0;
    }
    let k = k.min(input.n_rows / 2).max(2).min(input.n_folds_max);
    notes.push(format!("{k} folds: {} rows", input.n_rows));
    if input.n_rows_rarest < k {
        notes.push(match input.n_rows_rarest {
            1 => "the rarest class has only one row".to_owned(),
            n => format!("the rarest class has only {n} rows"),
        });
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(n_rows: usize, affordable_rounds: Option<u64>) -> PlanInput {
        PlanInput {
            task: Task::Binary,
            n_rows,
            n_rows_rarest: n_rows / 2,
            preset: Preset::Balanced,
            n_folds_max: usize::MAX,
            may_repeat: true,
            has_many_levels: false,
            affordable_rounds,
        }
    }

    fn make(input: &PlanInput) -> Plan {
        super::make(input, portfolio::candidates(input.task, input.preset, input.n_rows))
    }

    #[test]
    fn small_tables_get_more_folds_and_large_ones_a_validation_part() {
        assert_eq!(make(&input(700, None)).n_folds, 8);
        assert_eq!(make(&input(20_000, None)).n_folds, 5);
        assert_eq!(make(&input(400_000, None)).n_folds, 0);
        assert_eq!(make(&input(5, None)).n_folds, 2);
    }

    #[test]
    fn sets_of_levels_are_tried_where_levels_are_many() {
        for n_rows in [3_000, 50_000] {
            let tried = |has_many_levels| {
                let plan = make(&PlanInput { has_many_levels, ..input(n_rows, None) });
                plan.trials.iter().any(|trial| trial.encoding == portfolio::LEVELS)
            };
            assert!(tried(true) && !tried(false), "{n_rows}");
        }
    }

    #[test]
    fn only_tiny_tables_whose_rows_may_be_parted_otherwise_are_judged_again() {
        let repeats = |n_rows| make(&input(n_rows, None)).repeats_max;
        assert_eq!([repeats(200), repeats(700), repeats(1_000)], [2, 2, 0]);
        let by_time = PlanInput { may_repeat: false, ..input(200, None) };
        assert_eq!(make(&by_time).repeats_max, 0);
        let quick = PlanInput { preset: Preset::Quick, ..input(200, None) };
        assert_eq!(make(&quick).repeats_max, 0);
    }

    #[test]
    fn there_are_never_more_folds_than_groups_or_times_allow() {
        let with = |n_folds_max| make(&PlanInput { n_folds_max, ..input(700, None) }).n_folds;
        assert_eq!([with(0), with(1), with(2), with(7), with(9)], [0, 0, 2, 7, 8]);
    }

    #[test]
    fn a_tight_budget_gives_up_folds_and_learns_faster() {
        let tight = make(&input(40_000, Some(120)));
        assert_eq!(tight.n_folds, 0);
        let wide = make(&input(40_000, Some(20_000)));
        assert_eq!(wide.n_folds, 5);
        let rate = |p: &Plan| {
            p.trials.iter().find_map(|t| t.params.get("learning_rate").map(ToString::to_string))
        };
        assert_eq!(rate(&make(&input(40_000, None))).as_deref(), Some("0.05"));
        assert!(rate(&tight) > rate(&wide), "{:?} {:?}", rate(&tight), rate(&wide));
    }
}
