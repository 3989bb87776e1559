//! One column on both sides: measure, p-value, what moved in words.

use modelwright_core::data::{Kind, instant_text};
use modelwright_core::record::{Bin, ColumnDrift, Level, Summary};
use modelwright_inspect::drift::{Counts, Scored, Steps, score_counts, score_steps};
use modelwright_preprocess::sketch::{ColumnSketch, Moments};

use super::means::{Spread, means_p_value};
use super::refitted;
use super::season::Seasonal;
use super::tally::{ColumnTally, counts_of, is_category, steps_of};

/// Quantiles of a summary.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// The tails that the bins of both sides leave to their ends.
const TAIL: f64 = 0.005;
/// Bins, and levels, of a summary.
const BINS: usize = 24;
const LEVELS: usize = 12;
/// What words call the values that were not counted one by one.
const REST: &str = "rare values";
/// Levels that words name.
const LEVELS_NAMED: usize = 3;
/// Mean lengths of texts that are so many standard deviations apart speak of drift.
const LENGTH_THRESHOLD: f64 = 0.1;

/// Both sides of a column, however they were kept.
struct Sides<'a> {
    tally: &'a ColumnTally<'a>,
    /// The reference rows; `None` for sketches.
    rows: Option<&'a ColumnTally<'a>>,
    sketch: Option<&'a ColumnSketch>,
    /// The seasons of the reference rows, where they are looked at.
    mix: Option<&'a Seasonal>,
}

/// Compares a column with its reference.
pub(super) fn column(
    tally: &ColumnTally<'_>,
    rows: Option<&ColumnTally<'_>>,
    mix: Option<&Seasonal>,
    importance: Option<f64>,
) -> ColumnDrift {
    let sketch = rows.map(|t| &t.sketch).or(tally.reference);
    let sides = Sides { tally, rows, sketch, mix };
    let reference = match (rows, mix) {
        (Some(rows), Some(mix)) => mix.summary(rows, &QUANTILES),
        _ => sketch.map_or_else(Summary::default, summary),
    };
    let mut drift = ColumnDrift {
        column: tally.field.name.clone(),
        kind: tally.field.kind,
        importance,
        measure: None,
        score: None,
        threshold: None,
        exceeds: false,
        p_value: None,
        p_adjusted: None,
        drifted: false,
        psi: None,
        reference,
        current: summary(&tally.sketch),
        words: String::new(),
    };
    if sketch.is_none() {
        return drift;
    }
    match tally.field.kind {
        Kind::Identifier | Kind::Unsupported => {}
        Kind::Text => sides.texts(&mut drift),
        kind if is_category(kind) => sides.categories(&mut drift),
        _ => sides.numbers(&mut drift),
    }
    drift
}

impl Sides<'_> {
    fn n_distinct(&self) -> usize {
        let Some(sketch) = self.sketch else { return 0 };
        let mut both = sketch.distinct.clone();
        both.merge(&self.tally.sketch.distinct);
        both.count()
    }

    fn numbers(&self, drift: &mut ColumnDrift) {
        let Some(was) = steps_before(self.rows, self.sketch, self.mix) else { return };
        let worth = self.tally.worth;
        let (was, is) = (was.independent(worth.was), self.tally.steps().independent(worth.is));
        let scored = score_steps(&was, &is, self.n_distinct());
        let doubted = |scored| match self.tally.served.filter(|_| self.rows.is_none()) {
            Some(served) => refitted::numbers(scored, &was, &steps_of(served), &is),
            None => scored,
        };
        take(drift, scored.map(doubted));
        (drift.reference.bins, drift.current.bins) = bins(&was, &is);
        drift.words = moved(drift, &was, &is);
    }

    fn categories(&self, drift: &mut ColumnDrift) {
        let of = |tally: &ColumnTally<'_>| match tally.sketch.texts() {
            Some(_) => tally.counts(),
            None => counts_of(&tally.sketch),
        };
        let was = match (self.rows, self.sketch, self.mix) {
            (Some(rows), _, Some(mix)) => mix.counts(rows),
            (Some(rows), _, None) => of(rows),
            (None, Some(sketch), _) => counts_of(sketch),
            (None, None, _) => return,
        };
        let worth = self.tally.worth;
        let (was, is) = was.settled(&of(self.tally));
        let (was, is) = (was.independent(worth.was), is.independent(worth.is));
        let n_distinct = self.n_distinct();
        let doubted = |scored| match self.tally.served.filter(|_| self.rows.is_none()) {
            Some(served) => {
                refitted::categories(scored, &was, &counts_of(served), (&is, n_distinct))
            }
            None => scored,
        };
        take(drift, score_counts(&was, &is, n_distinct).map(doubted));
        (drift.reference.levels, drift.current.levels) = levels(&was, &is);
        drift.words = shifted(&was, &is);
    }

    /// Texts are compared by their lengths: more of them is not kept.
    fn texts(&self, drift: &mut ColumnDrift) {
        let lengths = |sketch: &ColumnSketch| sketch.texts().map(|t| t.lengths);
        let Some(was) = self.sketch.and_then(lengths) else { return };
        let Some(is) = lengths(&self.tally.sketch) else { return };
        let worth = self.tally.worth;
        let shares = (worth.was, worth.is);
        let Some((score, p_value)) = standard_difference(&was, &is, shares) else { return };
        drift.measure = Some("text_length".to_owned());
        (drift.score, drift.threshold) = (Some(score), Some(LENGTH_THRESHOLD));
        (drift.p_value, drift.exceeds) = (Some(p_value), score >= LENGTH_THRESHOLD);
        let (was, is) = (was.mean().unwrap_or_default(), is.mean().unwrap_or_default());
        drift.words = format!("mean length {} → {} characters", number(was), number(is));
    }
}

/// The numbers of the reference, however they were kept.
pub(super) fn steps_before(
    rows: Option<&ColumnTally<'_>>,
    sketch: Option<&ColumnSketch>,
    mix: Option<&Seasonal>,
) -> Option<Steps> {
    Some(match (rows, sketch, mix) {
        (Some(rows), _, Some(mix)) => mix.steps(rows),
        (Some(rows), _, None) => rows.steps(),
        (None, sketch, _) => steps_of(sketch?),
    })
}

fn take(drift: &mut ColumnDrift, scored: Option<Scored>) {
    let Some(scored) = scored else { return };
    drift.measure = Some(scored.choice.name().to_owned());
    drift.score = finite(scored.score);
    drift.threshold = Some(scored.choice.threshold());
    drift.exceeds = scored.exceeds();
    drift.p_value = finite(scored.p_value);
    drift.psi = scored.psi.and_then(finite);
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// By how many standard deviations of the first the means differ, and Student's p-value, of so
/// large shares of the rows that are independent; few rows say nothing.
fn standard_difference(was: &Moments, is: &Moments, shares: (f64, f64)) -> Option<(f64, f64)> {
    let difference = is.mean()? - was.mean()?;
    let of = |moments: &Moments, share: f64| {
        Some(Spread { n: moments.n() as f64 * share, std: moments.std()? })
    };
    let p = means_p_value(difference, of(was, shares.0)?, of(is, shares.1)?).unwrap_or(1.0);
    Some((difference.abs() / was.std()?.max(1e-3), p))
}

fn summary(sketch: &ColumnSketch) -> Summary {
    let numbers = sketch.numbers();
    Summary {
        n_rows: sketch.n_rows,
        n_missing: sketch.n_missing,
        n_distinct: sketch.distinct.count() as u64,
        mean: numbers.and_then(|n| n.moments.mean()),
        std: numbers.and_then(|n| n.moments.std()),
        quantiles: numbers.map_or_else(Vec::new, |n| n.quantiles.quantiles(&QUANTILES)),
        bins: Vec::new(),
        levels: Vec::new(),
    }
}

/// The rows of both sides in the same bins; the first and last hold the tails.
fn bins(was: &Steps, is: &Steps) -> (Vec<Bin>, Vec<Bin>) {
    let end = |q: f64, pick: fn(f64, f64) -> f64| {
        let (a, b) = (was.quantile(q), is.quantile(q));
        match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        }
    };
    let (Some(low), Some(high)) = (end(TAIL, f64::min), end(1.0 - TAIL, f64::max)) else {
        return (Vec::new(), Vec::new());
    };
    let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
    let edges: Vec<f64> = (0..=BINS).map(|i| low + (high - low) * i as f64 / BINS as f64).collect();
    let mut open = edges.clone();
    (open[0], open[BINS]) = (f64::NEG_INFINITY, f64::INFINITY);
    let of = |steps: &Steps| {
        let counts = steps.histogram(&open);
        let bin = |(i, n): (usize, &f64)| Bin {
            from: edges[i],
            to: edges[i + 1],
            n_rows: n.round() as usize,
        };
        counts.iter().enumerate().map(bin).collect()
    };
    (of(was), of(is))
}

/// The most frequent levels of either side, in the same order on both.
fn levels(was: &Counts, is: &Counts) -> (Vec<Level>, Vec<Level>) {
    let mut names: Vec<String> = was.top(LEVELS).into_iter().map(|(v, _)| v.to_owned()).collect();
    for (name, _) in is.top(LEVELS / 2) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let of = |counts: &Counts| {
        let level =
            |name: &String| Level { value: name.clone(), n_rows: counts.of(name).round() as usize };
        names.iter().map(level).collect()
    };
    (of(was), of(is))
}

/// How numbers moved: `mean 38.6 → 45.2 (up by 0.52 standard deviations)`.
fn moved(drift: &ColumnDrift, was: &Steps, is: &Steps) -> String {
    let (Some(before), Some(after)) = (was.mean(), is.mean()) else { return String::new() };
    let write = |value: f64| match drift.kind {
        Kind::Datetime => instant_text((value * 1e6) as i64),
        _ => number(value),
    };
    let std = was.std().unwrap_or_default();
    let by = (after - before) / std.max(f64::MIN_POSITIVE);
    let mean = format!("mean {} → {}", write(before), write(after));
    if std > 0.0 && by.abs() >= 0.05 && by.abs() < 1e6 {
        let way = if by > 0.0 { "up" } else { "down" };
        return format!("{mean} ({way} by {} standard deviations)", number(by.abs()));
    }
    let spread = is.std().unwrap_or_default();
    format!("{mean}, standard deviation {} → {}", number(std), number(spread))
}

/// How shares moved: `“DE” 40.0 % → 12.1 %`, the largest changes first; values that were not
/// counted one by one come together.
fn shifted(was: &Counts, is: &Counts) -> String {
    let (n_was, n_is) = (was.n(), is.n());
    if n_was == 0.0 || n_is == 0.0 {
        return String::new();
    }
    let names = was.values().chain(is.values()).map(|(value, _)| value);
    let mut changes: Vec<(f64, f64, &str)> =
        names.map(|v| (was.of(v) / n_was, is.of(v) / n_is, v)).collect();
    if was.rest() > 0.0 || is.rest() > 0.0 {
        changes.push((was.rest() / n_was, is.rest() / n_is, REST));
    }
    changes.sort_by(|a, b| {
        let by = |c: &(f64, f64, &str)| (c.1 - c.0).abs();
        by(b).total_cmp(&by(a)).then_with(|| a.2.cmp(b.2))
    });
    changes.dedup_by(|a, b| a.2 == b.2);
    let text = |(was, is, value): &(f64, f64, &str)| {
        let name = if *value == REST { REST.to_owned() } else { format!("`{value}`") };
        format!("{name} {} → {}", percent(*was), percent(*is))
    };
    changes.iter().take(LEVELS_NAMED).map(text).collect::<Vec<_>>().join(", ")
}

/// A share as percent.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p > 0.0 && p < 0.1 => "< 0.1 %".to_owned(),
        p => format!("{p:.1} %"),
    }
}

/// A number with four significant digits.
pub(super) fn number(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    if !(-5.0..9.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.*}", (3.0 - magnitude).clamp(0.0, 8.0) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
pub(super) mod tests {
    use modelwright_core::data::{Column, Field, Storage};
    use modelwright_core::random::Random;

    use super::*;
    use crate::monitor::share::Part;

    /// Names of which some are far more frequent than others, of up to `n_levels`; the first rows
    /// have the name `then`.
    pub(crate) fn names(n: usize, n_levels: usize, seed: u64, then: &[&str]) -> Column {
        let mut random = Random::stream(22, "monitor/names", seed);
        let of = |row: usize| {
            let place = random.unit() * random.unit() * n_levels as f64;
            then.get(row).map_or_else(|| format!("n{:05}", place as usize), |t| (*t).to_owned())
        };
        Column::strings("name", (0..n).map(of).map(Some).collect::<Vec<Option<String>>>())
    }

    /// As the artifact keeps it.
    pub(crate) fn sketched(column: &Column) -> ColumnSketch {
        let mut sketch = ColumnSketch::new(Storage::String);
        let n = column.n_rows();
        for begin in (0..n).step_by(7_000) {
            sketch.update(column, begin..n.min(begin + 7_000)).unwrap();
        }
        sketch
    }

    /// The rows of a column beside a sketch.
    pub(crate) fn tallied<'a>(current: &Column, reference: &'a ColumnSketch) -> ColumnTally<'a> {
        let field = Field::new("name", Storage::String, Kind::Category);
        let mut tally = ColumnTally::new(field, Some(reference), 1 << 20);
        tally.add(current, &[Part { rows: 0..current.n_rows(), is_whole: true }]).unwrap();
        tally
    }

    #[test]
    fn a_sketch_of_more_values_than_it_counts_is_like_its_own_rows() {
        let trained = names(20_000, 1_000, 0, &[]);
        let sketch = sketched(&trained);
        assert!(sketch.texts().unwrap().frequent.error() > 0, "not all are counted");
        let of = |current: &Column| column(&tallied(current, &sketch), None, None, None);
        let own = of(&trained);
        assert!(own.p_value.unwrap() > 0.999, "{own:?}");
        assert!(own.score.unwrap() < 0.01, "{own:?}");
        for seed in 1..6 {
            let other = of(&names(5_000, 1_000, seed, &[]));
            assert!(other.p_value.unwrap() > 0.001, "{:?}", other.p_value);
            assert!(!other.words.contains("→ 0.0 %") && !other.words.contains("` 0.0 %"));
        }
        let moved = of(&names(5_000, 1_000, 1, &["n00000"; 1_000]));
        assert!(moved.p_value.unwrap() < 1e-6, "{:?}", moved.p_value);
        assert!(moved.words.contains("`n00000` 0.8 % → "), "{}", moved.words);
    }
}
