//! How predictions move with one column: accumulated local effects, partial dependence, and the
//! curves of single rows.
//!
//! **Accumulated local effects** (ALE: Apley & Zhu, "Visualizing the effects of predictor variables
//! in black box supervised learning models", JRSS B 82, 2020) move each row only to the ends of the
//! small range that it lies in, and add up the mean changes: no row becomes one that cannot be,
//! also where columns go together. It is the method for numbers and dates. **Partial dependence**
//! (Friedman, Annals of Statistics 29, 2001) gives every row each value in turn and takes the mean;
//! its single curves are individual conditional expectations (ICE: Goldstein et al., JCGS 24,
//! 2015).
//! It is the method for categories, which have no order to move along.

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table};
use modelwright_core::data::{instant_text, short_number_text};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::ice::Ice;
use super::shapley::{Scale, Subject};

/// Rows that are moved, at most.
const ROWS_MAX: usize = 2_000;
/// Ranges of a number, and values of a category, at most.
const POINTS_MAX: usize = 20;
/// Single rows whose curves are kept.
const CURVES_MAX: usize = 30;

/// How a profile is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileKind {
    /// Accumulated local effects.
    Ale,
    /// Partial dependence, with curves of single rows.
    PartialDependence,
}

impl ProfileKind {
    /// Its name in words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ale => "accumulated local effects",
            Self::PartialDependence => "partial dependence",
        }
    }
}

/// What predictions do along one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// The raw column.
    pub column: String,
    /// How it was made.
    pub kind: ProfileKind,
    /// What is predicted.
    pub outputs: Vec<String>,
    /// The scale of the predictions.
    pub scale: Scale,
    /// Rows that were moved.
    pub n_rows: usize,
    /// Whether numbers of points are microseconds since 1970.
    pub is_instant: bool,
    /// The points, ascending (numbers, dates) or most frequent first (categories).
    pub points: Vec<ProfilePoint>,
    /// Curves of single rows through the same points, for the last output; only of partial
    /// dependence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Vec<f64>>,
    /// The curves of all rows, centred and summed up, for the last output; only of partial
    /// dependence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice: Option<Ice>,
}

/// A point of a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfilePoint {
    /// The value as people write it.
    pub value: String,
    /// The value as a number (an instant in microseconds); `None` for a category.
    pub number: Option<f64>,
    /// Rows that have about this value.
    pub n_rows: usize,
    /// Per output: the difference to the mean prediction.
    pub effects: Vec<f64>,
    /// Half of the 95 % interval of each, over the choice of rows.
    pub half_widths: Vec<f64>,
}

/// The profile of a column over the rows of a table (2,000 drawn at random, if there are more).
///
/// `kind` is chosen by the column where it is `None`.
///
/// # Errors
/// Input error when the model does not read the column, the table lacks it or has no row with a
/// value in it, or accumulated local effects are asked of a category; whatever the predictor
/// answers.
pub fn column_profile(
    subject: &Subject<'_>,
    table: &Table,
    column: &str,
    kind: Option<ProfileKind>,
    scale: Scale,
    ctx: &Context,
) -> Result<ColumnProfile> {
    if !subject.columns.iter().any(|c| c == column) {
        return Err(Error::input("the model does not read this column")
            .column(column)
            .suggest(column, subject.columns.iter().map(String::as_str)));
    }
    let known = {
        let own = table.require(column)?;
        (0..table.n_rows() as u32).filter(|row| !own.is_missing(*row as usize)).collect::<Vec<_>>()
    };
    if known.is_empty() {
        return Err(Error::input("no row has a value in the column").column(column));
    }
    let places = ctx.random("explain/profile", 0).sample(known.len(), ROWS_MAX);
    let rows: Vec<u32> = places.into_iter().map(|place| known[place as usize]).collect();
    let rows = table.select(&rows);
    let moves = Moves { subject, rows: &rows, column, scale, ctx };
    let own = rows.require(column)?;
    let is_text = matches!(own.data, ColumnData::String { .. });
    let by_column = if is_text { ProfileKind::PartialDependence } else { ProfileKind::Ale };
    match kind.unwrap_or(by_column) {
        ProfileKind::Ale if is_text => {
            Err(Error::input("a category has no order to accumulate effects along")
                .column(column)
                .hint("ask for partial dependence"))
        }
        ProfileKind::Ale => moves.ale(own),
        ProfileKind::PartialDependence => moves.partial(own),
    }
}

/// Rows whose value in one column is exchanged.
pub(super) struct Moves<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) rows: &'a Table,
    pub(super) column: &'a str,
    pub(super) scale: Scale,
    pub(super) ctx: &'a Context,
}

impl Moves<'_> {
    fn n_outputs(&self) -> usize {
        self.subject.outputs.len()
    }

    /// What is predicted of the rows when their values in the column are these.
    pub(super) fn predicted(&self, data: &ColumnData) -> Result<Vec<f64>> {
        let exchanged = |column: &Column| {
            if column.name == self.column {
                return Column { name: column.name.clone(), data: data.clone() };
            }
            column.clone()
        };
        let table = Table::new(self.rows.columns().iter().map(exchanged).collect())?;
        let mut predictions = self.subject.predictor.predict(&table, self.ctx)?;
        self.subject.on_scale(self.scale, &mut predictions);
        Ok(predictions.values)
    }

    fn profile(&self, kind: ProfileKind, points: Vec<ProfilePoint>) -> ColumnProfile {
        ColumnProfile {
            column: self.column.to_owned(),
            kind,
            outputs: self.subject.outputs.clone(),
            scale: self.scale,
            n_rows: self.rows.n_rows(),
            is_instant: self
                .rows
                .column(self.column)
                .is_some_and(|c| matches!(c.data, ColumnData::Instant(_))),
            points,
            curves: Vec::new(),
            ice: None,
        }
    }

    fn ale(&self, own: &Column) -> Result<ColumnProfile> {
        let (values, is_instant) = numbers(own);
        let ends = quantiles(&values, POINTS_MAX);
        // The range of a value: it ends at the first end that is not below.
        let range = |v: f64| ends.partition_point(|end| *end < v).clamp(1, ends.len().max(2) - 1);
        let n = self.n_outputs();
        let mut points: Vec<ProfilePoint> =
            ends.iter().map(|end| point(*end, is_instant, n)).collect();
        if ends.len() < 2 {
            points[0].n_rows = values.len();
            return Ok(self.profile(ProfileKind::Ale, points));
        }
        let moved = |offset: usize| {
            let to = |v: &f64| ends[range(*v) - offset];
            self.predicted(&stored(&values.iter().map(to).collect::<Vec<f64>>(), is_instant))
        };
        let (low, high) = (moved(1)?, moved(0)?);
        let mut sums = vec![[0.0; 2]; ends.len() * n];
        // Rows of each range; and where between the ends of their ranges all rows lie.
        let (mut in_range, mut places) = (vec![0_usize; ends.len()], vec![0.0; ends.len()]);
        for (row, v) in values.iter().enumerate() {
            let range = range(*v);
            in_range[range] += 1;
            // Many rows may share the lowest value: there they are, not at the end of the range.
            points[if *v <= ends[0] { 0 } else { range }].n_rows += 1;
            let along = (v - ends[range - 1]) / (ends[range] - ends[range - 1]);
            // An end may be infinite.
            let along = if along.is_finite() { along.clamp(0.0, 1.0) } else { 1.0 };
            places[range] += along;
            places[range - 1] += 1.0 - along;
            for k in 0..n {
                let change = high[row * n + k] - low[row * n + k];
                let [sum, squares] = &mut sums[range * n + k];
                *sum += change;
                *squares += change * change;
            }
        }
        for k in 0..n {
            let (mut effect, mut variance) = (0.0, 0.0);
            for (i, point) in points.iter_mut().enumerate().skip(1) {
                let rows = in_range[i].max(1) as f64;
                let [sum, squares] = sums[i * n + k];
                let mean = sum / rows;
                effect += mean;
                variance += (squares / rows - mean * mean).max(0.0) / rows;
                point.effects[k] = effect;
                point.half_widths[k] = 1.96 * variance.sqrt();
            }
        }
        center(&mut points, &places);
        Ok(self.profile(ProfileKind::Ale, points))
    }

    fn partial(&self, own: &Column) -> Result<ColumnProfile> {
        let n = self.n_outputs();
        let n_rows = self.rows.n_rows();
        let places = places(own, n);
        let mut curves = vec![Vec::new(); CURVES_MAX.min(n_rows)];
        let (mut points, mut of_rows_at) = (Vec::new(), Vec::new());
        for (mut point, data) in places {
            let predicted = self.predicted(&data)?;
            of_rows_at.push(predicted.iter().skip(n - 1).step_by(n).copied().collect());
            for k in 0..n {
                let of_rows = || predicted.iter().skip(k).step_by(n);
                let mean = of_rows().sum::<f64>() / n_rows as f64;
                let squares: f64 = of_rows().map(|p| (p - mean).powi(2)).sum();
                point.effects[k] = mean;
                point.half_widths[k] = 1.96 * squares.sqrt() / n_rows as f64;
            }
            for (i, curve) in curves.iter_mut().enumerate() {
                let row = (2 * i + 1) * n_rows / (2 * CURVES_MAX.min(n_rows));
                curve.push(predicted[row * n + n - 1]);
            }
            points.push(point);
        }
        let rows: Vec<f64> = points.iter().map(|p| p.n_rows as f64).collect();
        center(&mut points, &rows);
        let ice = Some(Ice::of(&of_rows_at));
        Ok(ColumnProfile { curves, ice, ..self.profile(ProfileKind::PartialDependence, points) })
    }
}

/// The points of a partial dependence, each with the column that has its value in every row.
pub(super) fn places(own: &Column, n_outputs: usize) -> Vec<(ProfilePoint, ColumnData)> {
    let n_rows = own.n_rows();
    if let ColumnData::String { codes, dictionary } = &own.data {
        let of = |(code, n): (u32, usize)| {
            let value = dictionary.get(code).to_owned();
            let place =
                ProfilePoint { value, number: None, n_rows: n, ..point(0.0, false, n_outputs) };
            let (codes, dictionary) = (vec![code; n_rows], dictionary.clone());
            (place, ColumnData::String { codes, dictionary })
        };
        return frequent(codes, dictionary.len()).into_iter().map(of).collect();
    }
    let (values, is_instant) = numbers(own);
    let ends = quantiles(&values, POINTS_MAX);
    let of = |v: &f64| (point(*v, is_instant, n_outputs), stored(&vec![*v; n_rows], is_instant));
    let mut places: Vec<(ProfilePoint, ColumnData)> = ends.iter().map(of).collect();
    for v in &values {
        let nearest = ends.partition_point(|end| end < v).min(ends.len() - 1);
        places[nearest].0.n_rows += 1;
    }
    places
}

/// A point without effects yet.
fn point(number: f64, is_instant: bool, n_outputs: usize) -> ProfilePoint {
    let value = if is_instant { instant_text(number as i64) } else { short_number_text(number) };
    let (effects, half_widths) = (vec![0.0; n_outputs], vec![0.0; n_outputs]);
    ProfilePoint { value, number: Some(number), n_rows: 0, effects, half_widths }
}

/// Shifts effects so that their mean over the rows is 0; `rows` are those at each point.
fn center(points: &mut [ProfilePoint], rows: &[f64]) {
    let total = rows.iter().sum::<f64>().max(1.0);
    let n_outputs = points.first().map_or(0, |p| p.effects.len());
    for k in 0..n_outputs {
        let mean: f64 = points.iter().zip(rows).map(|(p, n)| p.effects[k] * n).sum();
        for point in &mut *points {
            point.effects[k] -= mean / total;
        }
    }
}

/// The numbers of a column, and whether they are instants.
fn numbers(column: &Column) -> (Vec<f64>, bool) {
    match &column.data {
        ColumnData::Number(values) => (values.to_vec(), false),
        ColumnData::Instant(values) => {
            let number = |v: &i64| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 };
            (values.iter().map(number).collect(), true)
        }
        ColumnData::String { codes, .. } => (codes.iter().map(|c| f64::from(*c)).collect(), false),
    }
}

fn stored(values: &[f64], is_instant: bool) -> ColumnData {
    if is_instant {
        return ColumnData::Instant(values.iter().map(|v| *v as i64).collect());
    }
    ColumnData::Number(values.to_vec().into())
}

/// The distinct ones among `n + 1` evenly spaced quantiles, ascending: values that occur.
fn quantiles(values: &[f64], n: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return vec![0.0];
    }
    let mut ends: Vec<f64> = (0..=n).map(|i| sorted[i * (sorted.len() - 1) / n]).collect();
    ends.dedup();
    ends
}

/// The most frequent codes with their counts, most frequent first.
fn frequent(codes: &[u32], n_codes: usize) -> Vec<(u32, usize)> {
    let mut counts = vec![0_usize; n_codes];
    for code in codes.iter().filter(|code| **code != MISSING_CODE) {
        counts[*code as usize] += 1;
    }
    let mut found: Vec<(u32, usize)> = (0..).zip(counts).filter(|(_, count)| *count > 0).collect();
    found.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    found.truncate(POINTS_MAX);
    found
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
