//! Which season the reference shows by itself: a rhythm that comes back cycle after cycle.
//!
//! The rows of a column, freed of their trend, are averaged by season in the even cycles (weeks,
//! for weekdays) and in the odd ones. A rhythm shows in both alike; chance does not. What both have
//! in common, `Σ w e o` over the seasons with shares `w` and deviations `e` and `o` from the means,
//! estimates the variance that the season explains without the bias of a fit to one's own noise.

use modelwright_core::data::{ColumnData, MISSING_CODE, MISSING_INSTANT, Table};

use super::season::Season;
use super::side::GROUP;

/// A rhythm explains at least so much of a column's variance.
const SHARE_MIN: f64 = 0.05;
/// Even and odd cycles agree at least so well (Pearson).
const CORRELATION_MIN: f64 = 0.8;
/// What they have in common is so many standard errors of chance above nothing.
const Z_MIN: f64 = 5.0;
/// Rows of a season in either half, below which it is left out.
const ROWS_MIN: f64 = 5.0;
/// Seasons that must be left, and cycles in either half.
const SEASONS_MIN: usize = 3;

/// A rhythm that was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rhythm {
    pub(super) season: Season,
    /// The column that shows it most, by its place in the table.
    pub(super) column: usize,
    /// The share of its variance that the season explains.
    pub(super) share: f64,
}

/// The strongest rhythm in the columns of `rows`, of which `times` holds the time of each.
pub(super) fn find(rows: &Table, times: &[i64]) -> Option<Rhythm> {
    let mut best: Option<Rhythm> = None;
    for (column, held) in rows.columns().iter().enumerate() {
        if held.name == GROUP {
            continue;
        }
        let Some(values) = freed(&numbers_of(&held.data), times) else { continue };
        for season in Season::ALL {
            let share = explained(&values, season);
            let so_far = best.as_ref().map_or(0.0, |rhythm| rhythm.share);
            if let Some(share) = share.filter(|share| *share > so_far) {
                best = Some(Rhythm { season, column, share });
            }
        }
    }
    best
}

/// A column as numbers; of categories, whether it is the most frequent one. Times are none.
fn numbers_of(data: &ColumnData) -> Vec<f64> {
    match data {
        ColumnData::Number(values) => values.to_vec(),
        ColumnData::Instant(_) => Vec::new(),
        ColumnData::String { codes, dictionary } => {
            let mut counts = vec![0_u32; dictionary.len()];
            codes.iter().filter(|c| **c != MISSING_CODE).for_each(|c| counts[*c as usize] += 1);
            let top = (0..counts.len()).max_by_key(|c| (counts[*c], std::cmp::Reverse(*c)));
            let is_top = |code: &u32| f64::from(top == Some(*code as usize));
            codes.iter().map(is_top).collect()
        }
    }
}

/// Times with values freed of a straight trend; `None` for columns that do not vary.
fn freed(values: &[f64], times: &[i64]) -> Option<Vec<(i64, f64)>> {
    let known = times.iter().zip(values).filter(|(t, v)| **t != MISSING_INSTANT && v.is_finite());
    let known: Vec<(i64, f64)> = known.map(|(t, v)| (*t, *v)).collect();
    let first = known.iter().map(|pair| pair.0).min()?;
    let n = known.len() as f64;
    let at = |time: i64| (time - first) as f64;
    let time_mean = known.iter().map(|pair| at(pair.0)).sum::<f64>() / n;
    let mean = known.iter().map(|pair| pair.1).sum::<f64>() / n;
    let (mut both, mut of_time) = (0.0, 0.0);
    for (time, value) in &known {
        both += (at(*time) - time_mean) * (value - mean);
        of_time += (at(*time) - time_mean).powi(2);
    }
    let slope = if of_time > 0.0 { both / of_time } else { 0.0 };
    let free = |(time, value): (i64, f64)| (time, value - mean - slope * (at(time) - time_mean));
    Some(known.into_iter().map(free).collect())
}

/// Rows, sum and squares of a season in one half of the cycles.
#[derive(Clone, Copy, Default)]
struct Cell {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Cell {
    fn mean(&self) -> f64 {
        self.sum / self.n
    }

    /// The variance of its mean.
    fn error(&self) -> f64 {
        (self.squares / self.n - self.mean().powi(2)).max(0.0) / self.n
    }
}

/// The share of the variance that a season explains, where that is no chance.
fn explained(values: &[(i64, f64)], season: Season) -> Option<f64> {
    let mut halves = vec![[Cell::default(); 2]; season.n()];
    for (time, value) in values {
        let (own, cycle) = season.at(*time);
        let cell = &mut halves[own][cycle.rem_euclid(2) as usize];
        cell.n += 1.0;
        cell.sum += value;
        cell.squares += value * value;
    }
    halves.retain(|[even, odd]| even.n >= ROWS_MIN && odd.n >= ROWS_MIN);
    if halves.len() < SEASONS_MIN {
        return None;
    }
    let n: f64 = halves.iter().map(|[even, odd]| even.n + odd.n).sum();
    let weight = |[even, odd]: &[Cell; 2]| (even.n + odd.n) / n;
    let mean =
        |half: usize| halves.iter().map(|pair| weight(pair) * pair[half].mean()).sum::<f64>();
    let means = [mean(0), mean(1)];
    let (mut common, mut own, mut chance) = (0.0, [0.0; 2], 0.0);
    for pair in &halves {
        let (w, d) = (weight(pair), [0, 1].map(|half: usize| pair[half].mean() - means[half]));
        common += w * d[0] * d[1];
        own = [own[0] + w * d[0] * d[0], own[1] + w * d[1] * d[1]];
        chance += w * w * pair[0].error() * pair[1].error();
    }
    let total = values.iter().map(|(_, v)| v * v).sum::<f64>() / values.len() as f64;
    let correlation = common / (own[0] * own[1]).sqrt();
    let share = common / total;
    let is_sure = correlation >= CORRELATION_MIN && common >= Z_MIN * chance.sqrt();
    (is_sure && share >= SHARE_MIN).then_some(share.min(1.0))
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;
    use modelwright_core::random::Random;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    /// Rows of eight weeks, every two hours; values by the number of the row's hour.
    fn of(value: impl Fn(i64) -> f64) -> Option<Rhythm> {
        let mut random = Random::stream(4, "monitor/rhythm", 0);
        let times: Vec<i64> = (0..56 * 12).map(|i| i * 2 * HOUR).collect();
        let mut values = |scale: f64| -> Vec<f64> {
            times.iter().map(|t| scale * value(t / HOUR) + random.normal()).collect()
        };
        let noise = Column::numbers("noise", values(0.0));
        let table = Table::new(vec![noise, Column::numbers("shown", values(1.0))]).unwrap();
        find(&table, &times)
    }

    #[test]
    fn rhythms_are_told_from_each_other_from_trends_and_from_noise() {
        let weekend = |hour: i64| if (hour / 24 + 3) % 7 >= 5 { 2.0 } else { 0.0 };
        let found = of(weekend).unwrap();
        assert_eq!((found.season, found.column), (Season::Weekday, 1));
        assert!((0.3..0.6).contains(&found.share), "0.82 of 1.82: {}", found.share);
        let night = |hour: i64| if hour % 24 < 8 { -2.0 } else { 0.0 };
        assert_eq!(of(night).unwrap().season, Season::Hour);
        assert_eq!(of(|_| 0.0), None, "noise");
        assert_eq!(of(|hour| hour as f64 / 100.0), None, "a trend is no season");
    }
}
