//! Like with like: new rows beside the reference rows of the same season.
//!
//! A shop sells other things on Sundays. Held against a whole year, every Sunday has drifted, and
//! so has every week of December. Where a column says when each row was, the reference is therefore
//! summarised season by season (the hours of a day, the days of a week, the months of a year), and
//! the new rows are held against a mixture of these summaries that has their own seasons in their
//! own shares.
//!
//! The mixture takes a share `f ≤ 1` of every reference row of a season, so that the seasons stand
//! in it as they do among the new rows; it counts as `Σ f n` rows. Its distribution function varies
//! no more than that of so many independent rows: with `f² ≤ f`, and because `F (1 − F)` is concave
//! in `F`, `Σ f² n F_s (1 − F_s) ≤ (Σ f n) F (1 − F)`. The new rows, drawn season by season, vary
//! less than independent ones too. The usual two-sample tests hence keep their level.

use std::collections::BTreeMap;

use modelwright_core::data::{
    Column, ColumnData, Field, Kind, MISSING_INSTANT, Storage, Table, civil_from_days,
};
use modelwright_core::record::{SeasonRecord, SeasonRows, Summary};
use modelwright_core::{Error, Result};
use modelwright_inspect::drift::{Counts, Steps};
use serde::{Deserialize, Serialize};

use super::tally::ColumnTally;

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// A season of the reference with fewer rows stands for nothing.
const ROWS_MIN: u64 = 30;

/// A rhythm of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Season {
    /// The hours of a day.
    Hour,
    /// The days of a week.
    Weekday,
    /// The months of a year.
    Month,
}

/// Which seasons new rows are compared by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeasonChoice {
    /// None: with all of the reference.
    #[default]
    None,
    /// Those that the reference shows, if it shows any.
    Auto,
    /// The hours of a day.
    Hour,
    /// The days of a week.
    Weekday,
    /// The months of a year.
    Month,
}

impl SeasonChoice {
    /// The rhythm that was named.
    pub fn season(self) -> Option<Season> {
        match self {
            Self::None | Self::Auto => None,
            Self::Hour => Some(Season::Hour),
            Self::Weekday => Some(Season::Weekday),
            Self::Month => Some(Season::Month),
        }
    }
}

impl std::str::FromStr for SeasonChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "none" => Self::None,
            "auto" => Self::Auto,
            "hour" => Self::Hour,
            "weekday" => Self::Weekday,
            "month" => Self::Month,
            _ => {
                return Err(Error::input("there is no such season")
                    .expected("none, auto, hour, weekday or month")
                    .got(text));
            }
        })
    }
}

impl From<Season> for SeasonChoice {
    fn from(season: Season) -> Self {
        match season {
            Season::Hour => Self::Hour,
            Season::Weekday => Self::Weekday,
            Season::Month => Self::Month,
        }
    }
}

impl Season {
    /// All of them, from short to long.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Weekday, Self::Month];

    /// The name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Month => "month",
        }
    }

    /// How many seasons there are.
    pub(super) fn n(self) -> usize {
        match self {
            Self::Hour => 24,
            Self::Weekday => 7,
            Self::Month => 12,
        }
    }

    /// The season of a moment in microseconds since 1970, and the number of its cycle: the day, the
    /// week or the year. A missing moment is a season of its own, the last.
    pub(super) fn at(self, micros: i64) -> (usize, i64) {
        if micros == MISSING_INSTANT {
            return (self.n(), 0);
        }
        let day = micros.div_euclid(MICROS_PER_DAY);
        match self {
            Self::Hour => (micros.rem_euclid(MICROS_PER_DAY) as usize / HOUR, day),
            // 1970-01-01 was a Thursday; weeks begin on Mondays.
            Self::Weekday => ((day + 3).rem_euclid(7) as usize, (day + 3).div_euclid(7)),
            Self::Month => {
                let (year, month, _) = civil_from_days(day);
                (month as usize - 1, year)
            }
        }
    }

    fn label(self, season: usize) -> String {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        match self {
            _ if season >= self.n() => "no time".to_owned(),
            Self::Hour => format!("{season:02}h"),
            Self::Weekday => DAYS[season].to_owned(),
            Self::Month => MONTHS[season].to_owned(),
        }
    }
}

const HOUR: usize = MICROS_PER_HOUR as usize;

/// The seasons of the rows of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) season: Season,
    /// The column with the time of each row.
    pub(super) column: String,
    /// Rows of each season; the last are those without a time.
    pub(super) counts: Vec<u64>,
}

impl Calendar {
    pub(super) fn new(season: Season, column: &str) -> Self {
        Self { season, column: column.to_owned(), counts: vec![0; season.n() + 1] }
    }

    /// The rows of each season in the next part, which are counted.
    pub(super) fn part(&mut self, table: &Table) -> Vec<Vec<u32>> {
        let mut rows = vec![Vec::new(); self.counts.len()];
        let times = table.column(&self.column).map(|column| &column.data);
        for row in 0..table.n_rows() {
            let time = match times {
                Some(ColumnData::Instant(times)) => times[row],
                _ => MISSING_INSTANT,
            };
            let season = self.season.at(time).0;
            rows[season].push(row as u32);
            self.counts[season] += 1;
        }
        rows
    }
}

/// The field of a column of times.
pub(super) fn time_field(name: &str) -> Field {
    Field::new(name, Storage::Instant, Kind::Datetime)
}

/// The reference as the new rows have its seasons.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seasonal {
    /// The share of each season in the mixture.
    weights: Vec<f64>,
    /// The part of each reference row of a season that is in it.
    factors: Vec<f64>,
    pub(super) record: SeasonRecord,
}

impl Seasonal {
    /// Mixes the seasons of the reference in the shares that the new rows have. For those of
    /// seasons that the reference lacks, or has too few rows of, all of the reference stands in.
    /// `None` where the reference has no season with rows enough, or there are no new rows.
    pub(super) fn of(reference: &Calendar, current: &Calendar) -> Option<Self> {
        let is_usable = |n: &&u64| **n >= ROWS_MIN;
        let n_usable: u64 = reference.counts.iter().filter(is_usable).sum();
        let n_current: u64 = current.counts.iter().sum();
        if n_usable == 0 || n_current == 0 {
            return None;
        }
        let seasons = || reference.counts.iter().zip(&current.counts);
        let is_lacking = |was: u64| was < ROWS_MIN;
        let n_lacking: u64 = seasons().filter(|s| is_lacking(*s.0)).map(|s| s.1).sum();
        let weight = |(was, is): (&u64, &u64)| {
            if is_lacking(*was) {
                return 0.0;
            }
            let stands_in = n_lacking as f64 * *was as f64 / n_usable as f64;
            (*is as f64 + stands_in) / n_current as f64
        };
        let weights: Vec<f64> = seasons().map(weight).collect();
        let room = weights.iter().zip(&reference.counts).filter(|pair| *pair.0 > 0.0);
        let n = room.map(|(w, n)| *n as f64 / w).fold(f64::INFINITY, f64::min);
        let factor =
            |(w, n_rows): (&f64, &u64)| if *w > 0.0 { n * w / *n_rows as f64 } else { 0.0 };
        let factors = weights.iter().zip(&reference.counts).map(factor).collect();
        let shown = seasons().enumerate().filter(|(_, (was, is))| **was + **is > 0);
        let record = SeasonRecord {
            season: current.season.name().to_owned(),
            column: current.column.clone(),
            seasons: shown
                .map(|(season, (was, is))| SeasonRows {
                    name: current.season.label(season),
                    n_reference: *was,
                    n_current: *is,
                })
                .collect(),
            n_effective: n as u64,
            n_lacking,
        };
        Some(Self { weights, factors, record })
    }

    /// The strata of a tally that are in the mixture, each with the part of its rows.
    fn strata<'t, 'a>(
        &'t self,
        tally: &'t ColumnTally<'a>,
    ) -> impl Iterator<Item = (&'t ColumnTally<'a>, f64)> + use<'t, 'a> {
        let pairs = tally.strata.iter().zip(&self.factors);
        pairs.map(|(stratum, factor)| (stratum, *factor)).filter(|pair| pair.1 > 0.0)
    }

    /// The numbers of a column of the reference.
    pub(super) fn steps(&self, tally: &ColumnTally<'_>) -> Steps {
        let (mut values, mut rank_error) = (Vec::new(), 0.0_f64);
        for (stratum, factor) in self.strata(tally) {
            let steps = stratum.steps();
            rank_error = rank_error.max(steps.rank_error());
            values.extend(steps.values().iter().map(|(value, n)| (*value, n * factor)));
        }
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut merged: Vec<(f64, f64)> = Vec::with_capacity(values.len());
        for (value, n) in values {
            match merged.last_mut() {
                Some(last) if last.0 == value => last.1 += n,
                _ => merged.push((value, n)),
            }
        }
        let steps = Steps::of_counts(merged);
        if rank_error == 0.0 {
            return steps;
        }
        let (_, std) = self.moments(tally);
        steps.of_sketch(tally.sketch.distinct.count(), std, rank_error)
    }

    /// The categories of a column of the reference.
    pub(super) fn counts(&self, tally: &ColumnTally<'_>) -> Counts {
        let (mut values, mut rest) = (BTreeMap::<String, f64>::new(), 0.0);
        let mut error = 0.0;
        for (stratum, factor) in self.strata(tally) {
            let counts = stratum.counts();
            let mut named = 0.0;
            for (value, n) in counts.values() {
                named += n;
                *values.entry(value.to_owned()).or_default() += n * factor;
            }
            rest += (counts.n() - named).max(0.0) * factor;
            error += counts.error() * factor;
        }
        Counts::new(values, rest).with_error(error).with_distinct(tally.sketch.distinct.count())
    }

    /// Mean and standard deviation (of the population) of the numbers of a column.
    fn moments(&self, tally: &ColumnTally<'_>) -> (Option<f64>, Option<f64>) {
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (stratum, factor) in self.strata(tally) {
            let Some(moments) = stratum.sketch.numbers().map(|numbers| &numbers.moments) else {
                continue;
            };
            let Some(mean) = moments.mean() else { continue };
            let (rows, std) = (moments.n() as f64, moments.std().unwrap_or(0.0));
            n += rows * factor;
            sum += rows * factor * mean;
            squares += factor * ((rows - 1.0).max(0.0) * std * std + rows * mean * mean);
        }
        if n <= 0.0 {
            return (None, None);
        }
        let mean = sum / n;
        (Some(mean), Some((squares / n - mean * mean).max(0.0).sqrt()))
    }

    /// What is shown of a column of the reference: its rows, as far as they are in the mixture.
    pub(super) fn summary(&self, tally: &ColumnTally<'_>, quantiles: &[f64]) -> Summary {
        let (mut n_rows, mut n_missing) = (0.0, 0.0);
        for (stratum, factor) in self.strata(tally) {
            n_rows += stratum.sketch.n_rows as f64 * factor;
            n_missing += stratum.sketch.n_missing as f64 * factor;
        }
        let is_numbers = tally.sketch.numbers().is_some();
        let (mean, std) = if is_numbers { self.moments(tally) } else { (None, None) };
        let steps = if is_numbers { self.steps(tally) } else { Steps::default() };
        Summary {
            n_rows: n_rows.round() as u64,
            n_missing: n_missing.round() as u64,
            n_distinct: tally.sketch.distinct.count() as u64,
            mean,
            std,
            quantiles: quantiles.iter().filter_map(|q| steps.quantile(*q)).collect(),
            bins: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// Of sampled reference rows, with the time and a drawn number of each, those of the mixture:
    /// in each season the ones with the smallest numbers.
    pub(super) fn chosen(&self, season: Season, times: &Column, numbers: &[u64]) -> Vec<u32> {
        let ColumnData::Instant(times) = &times.data else { return Vec::new() };
        let mut of_season: Vec<Vec<u32>> = vec![Vec::new(); self.weights.len()];
        for (row, time) in times.iter().enumerate() {
            of_season[season.at(*time).0].push(row as u32);
        }
        let room = self.weights.iter().zip(&of_season).filter(|pair| *pair.0 > 0.0);
        let n = room.map(|(w, rows)| rows.len() as f64 / w).fold(f64::INFINITY, f64::min);
        let mut chosen = Vec::new();
        for (weight, mut rows) in self.weights.iter().zip(of_season) {
            rows.sort_by_key(|row| numbers[*row as usize]);
            // A factor may be a hair above 1 by rounding; a season has no more rows than it has.
            rows.truncate(if *weight > 0.0 { (n * weight + 1e-9) as usize } else { 0 });
            chosen.extend(rows);
        }
        chosen.sort_unstable();
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_seasons_of_the_calendar() {
        // 2024-02-29 was a Thursday; 13:30 UTC.
        let day = 19_782;
        let micros = day * MICROS_PER_DAY + 13 * MICROS_PER_HOUR + MICROS_PER_HOUR / 2;
        let of = |season: Season| season.label(season.at(micros).0);
        let names: Vec<String> = Season::ALL.into_iter().map(of).collect();
        assert_eq!(names, ["13h", "Thu", "Feb"]);
        assert_eq!(Season::Month.at(micros).1, 2024);
        assert_eq!(Season::Hour.at(-1), (23, -1), "before 1970 as after it");
        assert_eq!(Season::Weekday.at(MISSING_INSTANT).0, 7);
    }

    #[test]
    fn the_mixture_has_the_seasons_of_the_new_rows_and_no_row_counts_twice() {
        let calendar = |counts: [u64; 8]| Calendar {
            counts: counts.to_vec(),
            ..Calendar::new(Season::Weekday, "day")
        };
        let reference = calendar([100, 100, 100, 100, 100, 50, 10, 0]);
        // 40 of Monday, 40 of Saturday, and 20 of Sunday, of which the reference has too few.
        let mix = Seasonal::of(&reference, &calendar([40, 0, 0, 0, 0, 40, 20, 0])).unwrap();
        assert!((mix.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(mix.factors.iter().all(|f| (0.0..=1.0 + 1e-12).contains(f)), "{:?}", mix.factors);
        let of_season = |s: usize| mix.factors[s] * reference.counts[s] as f64;
        let stands_in = 0.2 / 5.5;
        let is_near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(is_near(of_season(1) / of_season(0), stands_in / (0.4 + stands_in)));
        assert!(is_near(of_season(5), 50.0), "the scarcest season is used up");
        assert!(is_near(mix.factors[6], 0.0));
        assert_eq!((mix.record.n_lacking, mix.record.seasons.len()), (20, 7));
        let nothing = calendar([0; 8]);
        assert_eq!(Seasonal::of(&nothing, &reference), None);
        assert_eq!(Seasonal::of(&reference, &nothing), None);
    }
}
