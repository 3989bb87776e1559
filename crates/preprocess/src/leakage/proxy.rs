//! A feature that alone nearly determines the target.
//!
//! Strong features are the aim of the job, so the bar is high. A column is *reported* when it
//! reaches the target nearly by itself, or comes so near and so far before all others as honest
//! features hardly do (on none of 52 public tables); it is *excluded* when the little that it
//! misses is far less than what any other column misses, which no honest feature of a hard problem
//! shows, and when there are enough rows to say so.

use modelwright_core::data::Kind;
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};

use super::exclusion;
use super::levels::Levels;
use super::score::{self, Score};
use super::study::{Scored, Study};
use crate::profile::wording::count;
use crate::sketch::hash;

/// From this skill on a column is suspicious.
const SUSPICIOUS: f64 = 0.98;
/// From this skill on a column is suspicious that misses far less than every other.
const STRONG: f64 = 0.75;
/// How many times less it must miss; of several classes the share that is named right, which a
/// column that knows half of the classes cannot raise far.
const BEFORE_OTHERS: f64 = 10.0;
const BEFORE_OTHERS_OF_CLASSES: f64 = 3.5;
/// From this skill on a column may be excluded.
const CERTAIN: f64 = 0.999;
/// The best other column misses at least so many times more than an excluded one.
const FAR_ABOVE: f64 = 20.0;
/// The best other column misses at least so much of the skill: the problem is not an easy one.
const OTHERS_MISS: f64 = 0.1;
/// Fewer rows than this exclude nothing.
const SURE_ROWS_MIN: usize = 500;
/// More columns than this that all determine the target are an easy problem, not a leak.
const LEAKS_MAX: usize = 3;

pub(super) fn check(
    study: &Study<'_>,
    scores: &[Scored<'_>],
    known: &[String],
) -> Vec<LeakFinding> {
    let usable = |s: &&Scored<'_>| s.kind != Kind::Identifier && !known.contains(&s.column.name);
    let suspicious: Vec<&Scored<'_>> =
        scores.iter().filter(usable).filter(|s| s.score.skill >= SUSPICIOUS).collect();
    let strong = best_before_others(scores.iter().filter(usable), suspicious.is_empty());
    let is_strong = |s: &&Scored<'_>| strong.is_some_and(|strong| std::ptr::eq(strong, *s));
    let best_other = scores
        .iter()
        .filter(usable)
        .filter(|s| s.score.skill < SUSPICIOUS && !is_strong(s))
        .map(|s| s.score.skill)
        .fold(0.0, f64::max);
    suspicious
        .iter()
        .copied()
        .chain(strong)
        .map(|scored| {
            let may = suspicious.len() <= LEAKS_MAX
                && study.rows.len() >= SURE_ROWS_MIN
                && is_certain(&scored.score, best_other);
            finding(study, scored, best_other, may)
        })
        .collect()
}

/// The one column that is strong and far before all others, where none is nearly perfect.
fn best_before_others<'s, 'a>(
    scores: impl Iterator<Item = &'s Scored<'a>>,
    none_is_perfect: bool,
) -> Option<&'s Scored<'a>> {
    let mut by_skill: Vec<&Scored<'_>> = scores.collect();
    by_skill.sort_by(|a, b| b.score.skill.total_cmp(&a.score.skill));
    let best = *by_skill.first()?;
    let second = by_skill.get(1).map_or(0.0, |s| s.score.skill);
    let times = match best.score.measure {
        score::ACCURACY => BEFORE_OTHERS_OF_CLASSES,
        _ => BEFORE_OTHERS,
    };
    let is_far = 1.0 - second >= times * (1.0 - best.score.skill);
    (none_is_perfect && by_skill.len() > 1 && best.score.skill >= STRONG && is_far).then_some(best)
}

fn is_certain(score: &Score, best_other: f64) -> bool {
    let (missed, others) = (1.0 - score.skill, 1.0 - best_other);
    score.skill >= CERTAIN && others >= OTHERS_MISS && others >= FAR_ABOVE * missed
}

fn finding(study: &Study<'_>, scored: &Scored<'_>, best_other: f64, may: bool) -> LeakFinding {
    let on_all = may.then(|| score_on_all_rows(study, scored));
    let certain = on_all.is_some_and(|score| is_certain(&score, best_other));
    let score = on_all.unwrap_or(scored.score);
    let n = if on_all.is_some() { study.input.table.n_rows() } else { study.rows.len() };
    LeakFinding {
        kind: LeakKind::TargetProxy,
        columns: vec![scored.column.name.clone()],
        confidence: if certain { 0.99 } else { 0.5 },
        share_of_test: None,
        evidence: format!(
            "`{}` alone predicts the target with {} {:.4} out of fold in {} rows ({:.1} % of the \
             possible gain; the best other column reaches {:.1} %)",
            scored.column.name,
            score.measure,
            score.value,
            count(n),
            100.0 * score.skill,
            100.0 * best_other,
        ),
        action: if certain { exclusion(study.input) } else { LeakAction::Reported },
    }
}

fn score_on_all_rows(study: &Study<'_>, scored: &Scored<'_>) -> Score {
    let n_rows = study.input.table.n_rows();
    if study.rows.len() == n_rows {
        return scored.score;
    }
    let rows: Vec<u32> = (0..n_rows as u32).collect();
    let halves: Vec<bool> =
        rows.iter().map(|row| hash::of_bits(u64::from(*row)) & 1 == 1).collect();
    let levels = Levels::of(scored.column, &rows, study.n_bins());
    score::out_of_fold(&levels, study.input.target, &halves)
}
