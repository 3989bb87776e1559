//! An identifier that predicts the target: rows were numbered or sorted by what came out.
//!
//! Identifiers are not used as features, so the finding tells about the file, not the model: a
//! column made in the same order (a date, a batch, a shard) may carry the same information.

use modelwright_core::data::{ColumnData, Kind};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};

use super::study::{Scored, Study};
use crate::profile::wording::count;

/// From this skill on, an identifier predicts the target.
const SKILL_MIN: f64 = 0.2;
/// Fewer rows than this reach such a skill by chance.
const ROWS_MIN: usize = 200;

pub(super) fn check(study: &Study<'_>, scores: &[Scored<'_>]) -> Vec<LeakFinding> {
    let tells = |s: &&Scored<'_>| {
        s.kind == Kind::Identifier
            && matches!(s.column.data, ColumnData::Number(_))
            && s.score.skill >= SKILL_MIN
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
