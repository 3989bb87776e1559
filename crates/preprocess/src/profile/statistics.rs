//! A column's entry in the record, read off its sketch.

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, instant_text, number_text};
use modelwright_core::record::{Bin, ColumnProfile, KindGuess, Level, Numbers, Texts};

use super::kind::Subject;
use crate::sketch::{NumberSketch, TextSketch, ValueSketch};

/// The quantiles that are recorded.
const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
/// How many frequent values are recorded.
const TOP: usize = 10;
/// Bars of a recorded histogram.
const BARS: usize = 24;

/// The record of a column.
pub(super) fn column_profile(subject: &Subject<'_>, kind: KindGuess) -> ColumnProfile {
    let (column, sketch) = (subject.column, subject.sketch);
    let (numbers, texts, top) = match &sketch.values {
        ValueSketch::Number(numbers) => {
            (Some(numbers_of(column, numbers)), None, top_numbers(column, numbers))
        }
        ValueSketch::Text(texts) => (None, texts_of(texts), top_texts(column, texts)),
    };
    ColumnProfile {
        name: column.name.clone(),
        kind,
        n_rows: sketch.n_rows as usize,
        n_missing: sketch.n_missing as usize,
        n_distinct: subject.n_distinct,
        distinct_is_exact: subject.distinct_is_exact,
        top,
        numbers,
        texts,
    }
}

fn numbers_of(column: &Column, sketch: &NumberSketch) -> Numbers {
    let moments = &sketch.moments;
    let range = moments.min().zip(moments.max());
    Numbers {
        n_finite: moments.n() as usize,
        n_infinite: sketch.n_infinite as usize,
        n_zero: sketch.n_zero as usize,
        n_negative: sketch.n_negative as usize,
        integral: sketch.n_whole == moments.n() && moments.n() > 0,
        min: moments.min(),
        max: moments.max(),
        mean: moments.mean(),
        std: moments.std(),
        skewness: moments.skewness(),
        quantiles: sketch.quantiles.quantiles(&QUANTILES),
        histogram: range.map_or_else(Vec::new, |(min, max)| histogram(column, sketch, min, max)),
    }
}

/// Equal bars from `min` to `max`; one bar per value for a short range of whole numbers.
fn histogram(column: &Column, sketch: &NumberSketch, min: f64, max: f64) -> Vec<Bin> {
    let n = sketch.moments.n();
    if min == max {
        return vec![Bin { from: min, to: max, n_rows: n as usize }];
    }
    let bars =
        if sketch.n_whole == n && max - min < BARS as f64 { (max - min) as usize } else { BARS };
    // Halves, because the range of f64 numbers may itself overflow.
    let half_width = (max / 2.0 - min / 2.0) / bars as f64;
    let scale = 1.0 / half_width;
    let mut counts = vec![0_usize; bars];
    let mut count = |value: f64| {
        let at = (value / 2.0 - min / 2.0) * scale;
        counts[(at as usize).min(bars - 1)] += 1;
    };
    match &column.data {
        ColumnData::Number(values) => {
            values.iter().filter(|v| v.is_finite()).for_each(&mut count);
        }
        ColumnData::Instant(values) => values
            .iter()
            .filter(|v| **v != modelwright_core::data::MISSING_INSTANT)
            .for_each(|v| count(*v as f64 / 1e6)),
        ColumnData::String { .. } => {}
    }
    let end = |i: usize| {
        let half = half_width * i as f64;
        if i == bars { max } else { min + half + half }
    };
    let bar = |(i, n_rows): (usize, usize)| Bin { from: end(i), to: end(i + 1), n_rows };
    counts.into_iter().enumerate().map(bar).collect()
}

fn top_numbers(column: &Column, sketch: &NumberSketch) -> Vec<Level> {
    let is_instant = matches!(column.data, ColumnData::Instant(_));
    let text = |value: f64| {
        if is_instant { instant_text((value * 1e6).round() as i64) } else { number_text(value) }
    };
    let mut top: Vec<(f64, u64)> =
        sketch.frequent.top().into_iter().take(TOP).map(|(key, n)| (key.value(), n)).collect();
    if sketch.frequent.error() > 0 {
        let values = |count: &mut dyn FnMut(f64)| match &column.data {
            ColumnData::Number(values) => values.iter().for_each(count),
            ColumnData::Instant(values) => values.iter().for_each(|v| count(*v as f64 / 1e6)),
            ColumnData::String { .. } => {}
        };
        for (_, n) in &mut top {
            *n = 0;
        }
        values(&mut |value| {
            if let Some((_, n)) = top.iter_mut().find(|(top, _)| *top == value) {
                *n += 1;
            }
        });
        top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.total_cmp(&b.0)));
    }
    top.into_iter().map(|(v, n)| Level { value: text(v), n_rows: n as usize }).collect()
}

/// The most frequent strings; counted, where the sketch knows lower bounds only.
fn top_texts(column: &Column, sketch: &TextSketch) -> Vec<Level> {
    let level = |(text, n): (&str, u64)| Level { value: text.to_owned(), n_rows: n as usize };
    let ColumnData::String { codes, dictionary } = &column.data else { return Vec::new() };
    if sketch.frequent.error() == 0 {
        let top = sketch.frequent.top().into_iter().take(TOP);
        return top.map(|(text, n)| level((text.as_str(), n))).collect();
    }
    let mut counts = vec![0_u64; dictionary.len()];
    codes.iter().filter(|code| **code != MISSING_CODE).for_each(|code| counts[*code as usize] += 1);
    let mut order: Vec<usize> = (0..counts.len()).filter(|code| counts[*code] > 0).collect();
    let text = |code: usize| dictionary.get(code as u32);
    order.sort_by(|a, b| counts[*b].cmp(&counts[*a]).then_with(|| text(*a).cmp(text(*b))));
    order.into_iter().take(TOP).map(|code| level((text(code), counts[code]))).collect()
}

fn texts_of(sketch: &TextSketch) -> Option<Texts> {
    let (lengths, words) = (&sketch.lengths, &sketch.words);
    Some(Texts {
        min_length: lengths.min()? as usize,
        max_length: lengths.max()? as usize,
        mean_length: lengths.mean()?,
        mean_words: words.mean()?,
    })
}
