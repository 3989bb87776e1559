//! An identifier that predicts the target: rows were numbered or sorted by what came out.
//!
//! Identifiers are not used as features, so the finding tells about the file, not the model: a
//! column made in the same order (a date, a batch, a shard) may carry the same information. Numbers
//! that are given in order of time or place tell of the target what time and place tell of it, and
//! honestly so. So a number must tell far more than any other column, or very much.

use modelwright_core::data::{ColumnData, Kind};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};

use super::study::{Scored, Study};
use crate::profile::wording::count;

/// From this skill on, an identifier predicts the target.
const SKILL_MIN: f64 = 0.2;
/// From this skill on, it does so whatever other columns tell.
const SKILL_SURE: f64 = 0.5;
/// Below that, it must have so many times the skill of the best other column.
const BEFORE_OTHERS: f64 = 1.5;
/// Fewer rows than this reach such a skill by chance.
const ROWS_MIN: usize = 200;

pub(super) fn check(study: &Study<'_>, scores: &[Scored<'_>]) -> Vec<LeakFinding> {
    let others = scores.iter().filter(|s| s.kind != Kind::Identifier).map(|s| s.score.skill);
    let least = (BEFORE_OTHERS * others.fold(0.0, f64::max)).clamp(SKILL_MIN, SKILL_SURE);
    let tells = |s: &&Scored<'_>| {
        s.kind == Kind::Identifier
            && matches!(s.column.data, ColumnData::Number(_))
            && s.score.skill >= least
    };
    if study.rows.len() < ROWS_MIN {
        return Vec::new();
    }
    scores.iter().filter(tells).map(|s| finding(study, s)).collect()
}

fn finding(study: &Study<'_>, scored: &Scored<'_>) -> LeakFinding {
    LeakFinding {
        kind: LeakKind::Identifier,
        columns: vec![scored.column.name.clone()],
        confidence: 0.6 + 0.35 * scored.score.skill,
        share_of_test: None,
        evidence: format!(
            "`{}` names its row, yet predicts the target with {} {:.3} out of fold in {} rows: \
             rows seem to be numbered or sorted by the target or by time",
            scored.column.name,
            scored.score.measure,
            scored.score.value,
            count(study.rows.len()),
        ),
        action: LeakAction::Excluded,
    }
}
