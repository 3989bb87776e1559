//! Columns and values that are not as the model expects them.

use std::collections::BTreeMap;

use modelwright_core::data::Kind;
use modelwright_core::record::{ColumnDrift, QualityFinding, QualityKind};
use modelwright_core::task::Task;
use modelwright_evaluate::distribution::binomial_at_least;
use modelwright_inspect::drift::test::two_proportions;
use modelwright_inspect::drift::{benjamini_hochberg, unit};
use modelwright_preprocess::sketch::ColumnSketch;

use super::compare::{number, percent, steps_before};
use super::season::Seasonal;
use super::side::Side;
use super::tally::{ColumnTally, UNSEEN_MAX, is_category, single_of};
use super::{LEVEL, Watched};

/// A share of missing values that changed by so much is worth a word, or severe.
const MISSING_CHANGE: f64 = 0.05;
const MISSING_CHANGE_SEVERE: f64 = 0.3;
/// Rows with values that were never seen, or out of range.
const OUTSIDE: f64 = 0.01;
const OUTSIDE_SEVERE: f64 = 0.2;
/// Values that lie so many times the whole range of the training beyond it are no drift of it.
const FAR: f64 = 5.0;
/// Where values are that many, new ones are the rule.
const MANY_LEVELS: usize = 256;
const OUTSIDE_OF_MANY: f64 = 0.05;
/// Standard errors by which unseen values must be more than were to be expected.
const BEYOND: f64 = 3.0;
/// A constant or an empty column is a finding where chance would make one less often than this.
const CHANCE: f64 = 1e-4;
/// A column with this share of the importance must not be absent.
const IMPORTANT: f64 = 0.05;
/// Unseen values that are named.
const NAMED: usize = 5;

/// All findings, severe ones first. What is a test is one at the share `spent` of the level (see
/// [`super::looks`]).
pub(super) fn find(
    watched: &Watched<'_>,
    (reference, mix): (Option<&Side<'_>>, Option<&Seasonal>),
    current: &Side<'_>,
    (columns, spent): (&[ColumnDrift], f64),
    importances: &BTreeMap<&str, f64>,
) -> Vec<QualityFinding> {
    let level = spent * LEVEL;
    let mut found = Vec::new();
    for (i, tally) in current.columns().iter().enumerate() {
        let rows = reference.map(|side| &side.columns()[i]);
        let importance = importances.get(tally.field.name.as_str()).copied();
        let sketch = rows.map(|t| &t.sketch).or(tally.reference);
        let one = One { tally, rows, mix, sketch, level: level / columns.len() as f64 };
        if tally.is_there {
            one.values(importance, &mut found);
        } else {
            found.push(one.absent(importance));
        }
    }
    found.extend(missing(columns, current, level));
    if current.answers.n_unknown > 0 {
        found.push(unknown_labels(watched, current));
    }
    for column in &current.unexpected {
        found.push(QualityFinding {
            kind: QualityKind::UnexpectedColumn,
            column: column.clone(),
            is_severe: false,
            is_broken: false,
            n_rows: None,
            message: "the training data had no such column; the model does not read it".to_owned(),
        });
    }
    found.sort_by_key(|f| (!f.is_severe, f.kind == QualityKind::UnexpectedColumn));
    found
}

/// A column on both sides.
struct One<'a> {
    tally: &'a ColumnTally<'a>,
    rows: Option<&'a ColumnTally<'a>>,
    mix: Option<&'a Seasonal>,
    sketch: Option<&'a ColumnSketch>,
    /// The level at which a column is tested: that of all of them, shared out.
    level: f64,
}

impl One<'_> {
    fn finding(
        &self,
        kind: QualityKind,
        n: Option<u64>,
        severe: bool,
        message: String,
    ) -> QualityFinding {
        let column = self.tally.field.name.clone();
        let is_broken = severe && !may_be_drift(kind);
        QualityFinding { kind, column, is_severe: severe, is_broken, n_rows: n, message }
    }

    fn absent(&self, importance: Option<f64>) -> QualityFinding {
        let is_needed = !self.tally.field.optional;
        let message = if is_needed {
            "the column is not there, and the model cannot do without it".to_owned()
        } else {
            "the column is not there; the model takes it as missing in every row".to_owned()
        };
        let is_severe = is_needed || importance.is_some_and(|i| i >= IMPORTANT);
        self.finding(QualityKind::MissingColumn, None, is_severe, message)
    }

    fn values(&self, importance: Option<f64>, found: &mut Vec<QualityFinding>) {
        let tally = self.tally;
        let n_known = tally.sketch.n_rows - tally.sketch.n_missing;
        if tally.n_wrong > 0 {
            let given = n_known + tally.n_wrong;
            let share = tally.n_wrong as f64 / given as f64;
            let message = format!(
                "{} of the values cannot be read as {} and count as missing",
                percent(share),
                tally.field.kind.name()
            );
            let severe = share >= OUTSIDE;
            found.push(self.finding(QualityKind::WrongType, Some(tally.n_wrong), severe, message));
        }
        let Some(reference) = self.sketch else { return };
        let was_known = reference.n_rows - reference.n_missing;
        if n_known == 0 {
            // How often would chance leave out the value in all rows?
            let was_missing = reference.n_missing as f64 / reference.n_rows.max(1) as f64;
            let by_chance = was_missing.powf(tally.sketch.n_rows as f64 * tally.worth.missing_is);
            let is_there = was_known > 0 && tally.sketch.n_rows > 0 && tally.n_wrong == 0;
            if is_there && by_chance <= CHANCE {
                let message = "every value is missing".to_owned();
                let n = Some(tally.sketch.n_rows);
                found.push(self.finding(QualityKind::Empty, n, true, message));
            }
            return;
        }
        found.extend(self.constant(reference, n_known));
        found.extend(self.unseen(reference, n_known, importance));
        found.extend(self.unit().or_else(|| self.out_of_range(reference, n_known)));
        found.extend(self.infinite(reference));
    }

    fn constant(&self, reference: &ColumnSketch, n: u64) -> Option<QualityFinding> {
        if self.tally.sketch.distinct.count() != 1 || reference.distinct.count() < 2 {
            return None;
        }
        // How often would chance give the first value to all other rows, too?
        let known = (reference.n_rows - reference.n_missing) as f64;
        let most = match (reference.numbers(), reference.texts()) {
            (Some(numbers), _) => numbers.frequent.top().first().map_or(0, |top| top.1),
            (_, Some(texts)) => texts.frequent.top().first().map_or(0, |top| top.1),
            _ => 0,
        };
        if (most as f64 / known).powf((n as f64 * self.tally.worth.is - 1.0).max(0.0)) > CHANCE {
            return None;
        }
        let message =
            format!("one value in all rows, where there were {}", reference.distinct.count());
        Some(self.finding(QualityKind::Constant, Some(n), true, message))
    }

    /// Values that training never saw, where they are more than its own rare values announced: the
    /// chance that the next row has an unseen value is the share of the rows whose value is theirs
    /// alone (Good, Biometrika 40, 1953).
    fn unseen(
        &self,
        reference: &ColumnSketch,
        n: u64,
        importance: Option<f64>,
    ) -> Option<QualityFinding> {
        let tally = self.tally;
        let share = tally.n_unseen as f64 / n as f64;
        let was_known = ((reference.n_rows - reference.n_missing) as f64).max(1.0);
        let single = self.rows.map_or_else(|| single_of(reference), ColumnTally::n_single);
        let expected = (single / was_known).min(1.0);
        let worth = tally.worth;
        let (n_is, n_was) = (n as f64 * worth.is, was_known * worth.was);
        let error = (expected * (1.0 - expected) / n_is + expected / n_was).sqrt();
        let is_many = reference.distinct.count() > MANY_LEVELS;
        let least = if is_many { OUTSIDE_OF_MANY } else { OUTSIDE };
        if tally.n_unseen == 0 || share - expected < least.max(BEYOND * error) {
            return None;
        }
        let mut values: Vec<(&String, &u64)> = tally.unseen.iter().collect();
        values.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        let named: Vec<String> =
            values.iter().take(NAMED).map(|(value, _)| format!("`{value}`")).collect();
        let more = match values.len().saturating_sub(NAMED) {
            0 => String::new(),
            // Not all of very many are kept.
            _ if values.len() >= UNSEEN_MAX => " and many more".to_owned(),
            more => format!(" and {more} more"),
        };
        let awaited = match expected {
            e if e >= OUTSIDE => format!(" (at most {} were to be expected)", percent(e)),
            _ => String::new(),
        };
        let message = format!(
            "{} of the rows have values that training never saw{awaited}: {}{more}",
            percent(share),
            named.join(", ")
        );
        let is_used = importance.is_none_or(|share| share > 0.0);
        let severe = is_used && share - expected >= OUTSIDE_SEVERE;
        Some(self.finding(QualityKind::UnseenValues, Some(tally.n_unseen), severe, message))
    }

    fn out_of_range(&self, reference: &ColumnSketch, n: u64) -> Option<QualityFinding> {
        let tally = self.tally;
        if tally.field.kind == Kind::Datetime {
            return None; // time goes on
        }
        let n_outside = tally.n_below + tally.n_above;
        let share = n_outside as f64 / n as f64;
        if share < OUTSIDE || n_outside < 2 {
            return None;
        }
        let moments = &reference.numbers()?.moments;
        let n_known = n.max(n_outside);
        let worth = tally.worth;
        let of = |n: u64, share: f64| (n as f64 * share).round() as u64;
        let (n_was, n_is) = (of(moments.n(), worth.was), of(n_known, worth.is));
        if beyond_by_chance(n_was, n_is, of(n_outside, worth.is)) >= self.level {
            return None;
        }
        let message = format!(
            "{} of the values are beyond those of the training, {} to {}",
            percent(share),
            number(moments.min()?),
            number(moments.max()?)
        );
        let severe = share >= OUTSIDE_SEVERE;
        let found = self.finding(QualityKind::OutOfRange, Some(n_outside), severe, message);
        Some(QualityFinding { is_broken: severe && self.is_far(reference), ..found })
    }

    /// Whether values lie so far beyond those of the training that they are other things, such as
    /// a code for "not known".
    fn is_far(&self, reference: &ColumnSketch) -> bool {
        let moments = reference.numbers().map(|numbers| &numbers.moments);
        let Some((min, max)) = moments.and_then(|m| m.min().zip(m.max())) else { return false };
        let (steps, room) = (self.tally.steps(), FAR * (max - min));
        let is_far = |value: f64| value < min - room || value > max + room;
        let far: f64 = steps.values().iter().filter(|v| is_far(v.0)).map(|v| v.1).sum();
        far >= OUTSIDE * steps.n()
    }

    fn unit(&self) -> Option<QualityFinding> {
        if is_category(self.tally.field.kind) || self.tally.field.kind == Kind::Datetime {
            return None;
        }
        let was = steps_before(self.rows, self.sketch, self.mix)?;
        let factor = unit::factor(&was, &self.tally.steps())?;
        let times = if factor >= 1.0 {
            format!("{} times what they were", number(factor))
        } else {
            format!("what they were divided by {}", number(1.0 / factor))
        };
        let message = format!("all values seem to be {times}: another unit?");
        Some(self.finding(QualityKind::Unit, None, true, message))
    }

    fn infinite(&self, reference: &ColumnSketch) -> Option<QualityFinding> {
        let n = self.tally.sketch.numbers()?.n_infinite;
        if n == 0 || reference.numbers()?.n_infinite > 0 {
            return None;
        }
        let message = "infinite values, where training had none".to_owned();
        Some(self.finding(QualityKind::Infinite, Some(n), false, message))
    }
}

/// Whether a severe finding of this kind can be one of values that are right, and distributed in
/// another way.
fn may_be_drift(kind: QualityKind) -> bool {
    matches!(kind, QualityKind::UnseenValues | QualityKind::OutOfRange)
}

/// The chance that at least `k` of `n` values lie beyond both ends of `n_was` others, where all are
/// of one distribution: the ends are as good as any two of all of them (a beta-binomial law).
fn beyond_by_chance(n_was: u64, n: u64, k: u64) -> f64 {
    if n_was < 2 {
        return 1.0;
    }
    let (was, n) = (n_was as f64, n as f64);
    let mut part = (was / (was + n)) * ((was - 1.0) / (was + n - 1.0));
    let mut below = 0.0;
    for i in 0..k {
        below += part;
        let i = i as f64;
        part *= (n - i) * (i + 2.0) / ((i + 1.0) * (was + n - i - 2.0));
    }
    (1.0 - below).max(0.0)
}

/// The two-sided p-value of so many missing values in `n` rows, where the share of training is
/// known to be `share`.
fn missing_by_chance(n_missing: f64, n: f64, share: f64) -> f64 {
    let at_least = binomial_at_least(n_missing, n, share);
    let at_most = 1.0 - binomial_at_least(n_missing + 1.0, n, share);
    (2.0 * at_least.min(at_most)).min(1.0)
}

/// Shares of missing values that changed beyond chance.
fn missing(columns: &[ColumnDrift], current: &Side<'_>, level: f64) -> Vec<QualityFinding> {
    let mut changed = Vec::new();
    for (column, tally) in columns.iter().zip(current.columns()) {
        let (was, is) = (&column.reference, &column.current);
        // What could not be read is a finding of its own, and so is a column without values.
        let n_missing = is.n_missing - tally.n_wrong.min(is.n_missing);
        if !tally.is_there || was.n_rows == 0 || is.n_missing == is.n_rows {
            continue;
        }
        let (n_was, n_is) = (was.n_rows as f64, is.n_rows as f64);
        let (of_was, of_is) = (tally.worth.missing_was, tally.worth.missing_is);
        let (missing_was, missing_is) = (was.n_missing as f64 * of_was, n_missing as f64 * of_is);
        let p = two_proportions(missing_was, n_was * of_was, missing_is, n_is * of_is);
        // The normal law makes too much of one missing value in a few rows.
        let exact = missing_by_chance(missing_is, n_is * of_is, was.n_missing as f64 / n_was);
        changed.push((column, n_missing, p.unwrap_or(1.0).max(exact)));
    }
    let p_values: Vec<f64> = changed.iter().map(|c| c.2).collect();
    let adjusted = benjamini_hochberg(&p_values);
    let finding = |((column, n_missing, _), p): (&(&ColumnDrift, u64, f64), f64)| {
        let was = column.reference.n_missing as f64 / column.reference.n_rows as f64;
        let is = *n_missing as f64 / column.current.n_rows as f64;
        let is_worth = p < level && (is - was).abs() >= MISSING_CHANGE;
        is_worth.then(|| QualityFinding {
            kind: QualityKind::Missing,
            column: column.column.clone(),
            is_severe: is - was >= MISSING_CHANGE_SEVERE,
            is_broken: is - was >= MISSING_CHANGE_SEVERE,
            n_rows: Some(*n_missing),
            message: format!("missing values {} → {}", percent(was), percent(is)),
        })
    };
    changed.iter().zip(adjusted).filter_map(finding).collect()
}

fn unknown_labels(watched: &Watched<'_>, current: &Side<'_>) -> QualityFinding {
    let example = current.answers.unknown.as_deref().unwrap_or_default();
    let what = match watched.predictor.task {
        Task::Regression => "answers that are no numbers",
        _ => "labels that the model does not know",
    };
    QualityFinding {
        kind: QualityKind::UnseenValues,
        column: watched.predictor.target.clone(),
        is_severe: true,
        is_broken: true,
        n_rows: Some(current.answers.n_unknown),
        message: format!("{what}, such as `{example}`"),
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;

    use super::super::compare::tests::{names, sketched, tallied};
    use super::*;

    /// Rows of which every third has a name that nobody else has.
    fn rare(n: usize, seed: u64) -> Column {
        let common = names(n, 300, seed, &[]);
        let of = |row: usize| match row % 3 {
            0 => Some(format!("only {seed} {row}")),
            _ => common.display(row),
        };
        Column::strings("name", (0..n).map(of).collect::<Vec<Option<String>>>())
    }

    #[test]
    fn values_never_seen_are_news_beyond_what_rare_values_announce() {
        let unseen = |trained: &Column, current: &Column, importance| {
            let sketch = sketched(trained);
            let tally = tallied(current, &sketch);
            let n = tally.sketch.n_rows;
            let one =
                One { tally: &tally, rows: None, mix: None, level: LEVEL, sketch: Some(&sketch) };
            one.unseen(&sketch, n, importance).map(|f| f.is_severe)
        };
        assert_eq!(unseen(&rare(6_000, 1), &rare(3_000, 2), None), None, "as in the training");
        let common = names(6_000, 300, 1, &[]);
        assert_eq!(unseen(&common, &names(3_000, 300, 2, &[]), None), None);
        assert_eq!(unseen(&common, &rare(3_000, 2), None), Some(true), "a third is new");
        assert_eq!(unseen(&common, &rare(3_000, 2), Some(0.0)), Some(false), "nobody reads it");
        let all_new =
            Column::strings("name", (0..900).map(|i| Some(format!("x{i}"))).collect::<Vec<_>>());
        assert_eq!(unseen(&rare(6_000, 1), &all_new, Some(0.1)), Some(true));
        // Exactly counted values: of 1,000 rows 100 have a name of their own.
        let few: Vec<Option<String>> = (0..1_000)
            .map(|i| Some(format!("v{}", if i < 100 { i } else { 200 + i % 9 })))
            .collect();
        let sketch = sketched(&Column::strings("name", few));
        assert!((single_of(&sketch) - 100.0).abs() < 1e-9);
    }
}
