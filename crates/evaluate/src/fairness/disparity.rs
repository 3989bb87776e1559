//! How far the judged groups lie apart, and whether that is chance.

use modelwright_core::record::{Disparity, Interval};

use super::Measured;
use super::measure::{Measure, Of};
use super::mover;
use crate::distribution::chi_square_survival;
use crate::resample::percentile_interval;

/// The two groups that are farthest apart by one measure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extremes {
    pub(super) measure: usize,
    pub(super) lowest: usize,
    pub(super) highest: usize,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) p_value: Option<f64>,
}

impl Extremes {
    /// Largest less smallest value.
    pub(super) fn difference(&self) -> f64 {
        self.high - self.low
    }

    /// Smallest over largest value; `None` where that is no share of anything.
    pub(super) fn ratio(&self) -> Option<f64> {
        ratio(self.low, self.high)
    }
}

/// Smallest over largest; `None` unless both are of one sign.
pub(super) fn ratio(low: f64, high: f64) -> Option<f64> {
    (high > 0.0 && low >= 0.0).then(|| low / high)
}

/// The groups' values, and the same on every resample.
pub(super) struct Spread<'a> {
    pub(super) measures: &'a [Measure],
    data: &'a Measured,
    resampled: &'a [Measured],
    is_judged: &'a [bool],
    least: f64,
}

impl<'a> Spread<'a> {
    pub(super) fn new(
        data: &'a Measured,
        resampled: &'a [Measured],
        measures: &'a [Measure],
        is_judged: &'a [bool],
        least: f64,
    ) -> Self {
        Self { measures, data, resampled, is_judged, least }
    }

    /// The measure of that name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.measures.iter().position(|m| m.name == name)
    }

    /// Groups whose value is defined, rests on enough rows, and may be judged.
    pub(super) fn judged(&self, measure: usize) -> Vec<(usize, f64)> {
        let enough = |g: usize| {
            self.measures[measure].rows(&self.data.groups[g]).is_none_or(|n| n >= self.least)
        };
        let usable = (0..self.is_judged.len()).filter(|g| self.is_judged[*g] && enough(*g));
        usable.filter_map(|g| Some((g, self.data.values[g][measure]?))).collect()
    }

    /// Why a measure has no groups that are farthest apart; `None` where it has, or where fewer
    /// than two groups can be judged at all.
    pub(super) fn withheld(&self, measure: usize) -> Option<String> {
        let n_judged = self.is_judged.iter().filter(|is_judged| **is_judged).count();
        let n_with = self.judged(measure).len();
        (n_judged >= 2 && n_with < 2).then(|| {
            format!(
                "{} rests on at least {:.0} rows in {n_with} of {n_judged} groups only, and two \
                 are needed",
                self.measures[measure].name,
                self.least.max(1.0)
            )
        })
    }

    /// The groups farthest apart (ties: the first); `None` with fewer than two judged groups.
    pub(super) fn extremes(&self, measure: usize) -> Option<Extremes> {
        let judged = self.judged(measure);
        let (first, rest) = judged.split_first().filter(|(_, rest)| !rest.is_empty())?;
        let (mut low, mut high) = (*first, *first);
        for group in rest {
            if group.1 < low.1 {
                low = *group;
            }
            if group.1 > high.1 {
                high = *group;
            }
        }
        let p_value = self.p_value(measure, &judged);
        Some(Extremes {
            measure,
            lowest: low.0,
            highest: high.0,
            low: low.1,
            high: high.1,
            p_value,
        })
    }

    /// The interval of a function of the two groups' values, over the resamples.
    pub(super) fn interval(
        &self,
        of: impl Fn(&dyn Fn(&Extremes) -> Option<(f64, f64)>) -> Option<f64>,
    ) -> Option<Interval> {
        let on = |resample: &Measured| {
            of(&|e: &Extremes| {
                let values = &resample.values;
                Some((values[e.lowest][e.measure]?, values[e.highest][e.measure]?))
            })
        };
        percentile_interval(self.resampled.iter().map(on).collect()).ok()
    }

    /// The interval of the difference of the two groups.
    pub(super) fn difference_interval(&self, e: &Extremes) -> Option<Interval> {
        match self.shares(e) {
            Some((low, high)) => Some(mover::difference(low, high)),
            None => self.interval(|pair| pair(e).map(|(low, high)| high - low)),
        }
    }

    /// The interval of their ratio.
    pub(super) fn ratio_interval(&self, e: &Extremes) -> Option<Interval> {
        match self.shares(e) {
            Some((low, high)) => mover::ratio(low, high),
            None => self.interval(|pair| pair(e).and_then(|(low, high)| ratio(low, high))),
        }
    }

    /// Both values with their own intervals, of a measure that is a share.
    fn shares(&self, e: &Extremes) -> Option<(mover::Share, mover::Share)> {
        let interval = |g: usize| {
            let measure = &self.measures[e.measure];
            measure.interval(&self.data.groups[g], self.data.worth(Some(g), e.measure, measure))
        };
        Some(((e.low, interval(e.lowest)?), (e.high, interval(e.highest)?)))
    }

    /// The disparity of one measure.
    pub(super) fn disparity(&self, measure: usize, name: &impl Fn(usize) -> String) -> Disparity {
        let own_name = self.measures[measure].name.to_owned();
        let Some(e) = self.extremes(measure) else {
            return Disparity { name: own_name, ..Disparity::default() };
        };
        Disparity {
            name: own_name,
            value: Some(e.difference()),
            ratio: e.ratio(),
            ci95: self.difference_interval(&e),
            p_value: e.p_value,
            p_holm: None,
            lowest: Some(name(e.lowest)),
            highest: Some(name(e.highest)),
            note: None,
        }
    }

    /// The chance of so different values when all groups are alike.
    fn p_value(&self, measure: usize, judged: &[(usize, f64)]) -> Option<f64> {
        let freedom = (judged.len() - 1) as f64;
        let statistic = match self.measures[measure].of {
            Of::Share(_) => {
                let own = &self.measures[measure];
                let counted = judged
                    .iter()
                    .map(|(g, share)| Some((*share, self.data.worth(Some(*g), measure, own)?)));
                pearson(&counted.collect::<Option<Vec<_>>>()?)
            }
            _ => self.cochran(measure, judged)?,
        };
        Some(chi_square_survival(statistic, freedom))
    }

    /// Cochran's Q: squared distances from the common mean, in units of resampled variances.
    fn cochran(&self, measure: usize, judged: &[(usize, f64)]) -> Option<f64> {
        let variance = |g: usize| -> Option<f64> {
            let values: Vec<f64> =
                self.resampled.iter().filter_map(|r| r.values[g][measure]).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            Some(squares / (n - 1.0)).filter(|v| v.is_finite() && *v > 0.0)
        };
        let weighed: Vec<(f64, f64)> = judged
            .iter()
            .map(|(g, value)| Some((*value, 1.0 / variance(*g)?)))
            .collect::<Option<_>>()?;
        let total: f64 = weighed.iter().map(|(_, w)| w).sum();
        let mean = weighed.iter().map(|(v, w)| v * w).sum::<f64>() / total;
        Some(weighed.iter().map(|(v, w)| w * (v - mean).powi(2)).sum())
    }
}

/// Pearson's χ² of shares seen in so many rows.
fn pearson(shares: &[(f64, f64)]) -> f64 {
    let n: f64 = shares.iter().map(|(_, n)| n).sum();
    let common = shares.iter().map(|(share, n)| share * n).sum::<f64>() / n;
    let variance = common * (1.0 - common);
    if variance <= 0.0 {
        return 0.0;
    }
    shares.iter().map(|(share, n)| n * (share - common).powi(2)).sum::<f64>() / variance
}
