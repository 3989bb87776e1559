//! The frame of a chart: scales, nice ticks, axes and their labels.
//!
//! Ticks are at 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels",
//! Graphics Gems, 1990). Coordinates are written with one digit after the point.

use maud::{Markup, html};

use crate::report::number;

/// The width that drawings are made for, in pixels.
pub(super) const WIDTH: f64 = 400.0;

/// The height of a chart with two axes, in pixels.
pub(super) const HEIGHT: f64 = 290.0;

/// Width of a character of 12 px text (as on a phone), in pixels; used to leave room for labels.
const CHARACTER_WIDTH: f64 = 6.8;

/// A coordinate as text.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// The room that a label needs, in pixels.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER_WIDTH
}

/// A linear scale from values to pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale from `low..high` to the pixels `from..to`; an empty range is widened.
    pub(super) fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = if !(low.is_finite() && high.is_finite()) {
            (0.0, 1.0)
        } else if high > low {
            (low, high)
        } else {
            let pad = if low == 0.0 { 0.5 } else { low.abs() * 0.05 };
            (low - pad, low + pad)
        };
        Self { low, high, from, to }
    }

    /// The pixel of a value, kept inside the scale.
    pub(super) fn at(&self, value: f64) -> f64 {
        // Halves keep the difference finite for values near the largest.
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// The pixel of a value as text.
    pub(super) fn px(&self, value: f64) -> String {
        px(self.at(value))
    }

    /// About `n` nice tick values and their step.
    pub(super) fn ticks(&self, n: usize) -> (Vec<f64>, f64) {
        let raw = (self.high / n as f64) - (self.low / n as f64);
        let power = 10_f64.powf(raw.log10().floor());
        let step = match raw / power {
            x if x <= 1.0 + 1e-9 => power,
            x if x <= 2.0 + 1e-9 => 2.0 * power,
            x if x <= 5.0 + 1e-9 => 5.0 * power,
            _ => 10.0 * power,
        };
        if !(step.is_finite() && step > 0.0) {
            return (vec![self.low], 1.0);
        }
        let first = (self.low / step - 1e-9).ceil();
        let last = (self.high / step + 1e-9).floor();
        let n_ticks = (last - first + 1.0).clamp(0.0, 2.0 * n as f64 + 2.0) as usize;
        ((0..n_ticks).map(|i| (first + i as f64) * step).collect(), step)
    }
}

/// A plot area with its two scales and axis labels.
pub(super) struct Frame<'a> {
    /// Values to horizontal pixels.
    pub(super) x: Scale,
    /// Values to vertical pixels (growing upwards).
    pub(super) y: Scale,
    x_label: &'a str,
    y_label: &'a str,
    left: f64,
    n_x_ticks: usize,
}

const RIGHT: f64 = WIDTH - 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = HEIGHT - 44.0;

impl<'a> Frame<'a> {
    /// A frame for the given ranges; room for the vertical labels is made as they need it.
    pub(super) fn new(
        x_range: (f64, f64),
        y_range: (f64, f64),
        x_label: &'a str,
        y_label: &'a str,
    ) -> Self {
        let y = Scale::new(y_range.0, y_range.1, BOTTOM, TOP);
        let (ticks, step) = y.ticks(5);
        let widest = ticks.iter().map(|t| text_width(&number::tick(*t, step))).fold(0.0, f64::max);
        let left = 28.0 + widest;
        let x = Scale::new(x_range.0, x_range.1, left, RIGHT);
        let (x_ticks, x_step) = x.ticks(5);
        let widest =
            x_ticks.iter().map(|t| text_width(&number::tick(*t, x_step))).fold(0.0, f64::max);
        let n_x_ticks = if widest * 6.5 > RIGHT - left { 3 } else { 5 };
        Self { x, y, x_label, y_label, left, n_x_ticks }
    }

    /// Grid, tick labels and axis labels.
    pub(super) fn axes(&self) -> Markup {
        let (x_ticks, x_step) = self.x.ticks(self.n_x_ticks);
        let (y_ticks, y_step) = self.y.ticks(5);
        let down = format!("translate(12 {}) rotate(-90)", px(f64::midpoint(TOP, BOTTOM)));
        html! {
            @for tick in &y_ticks {
                line.grid x1=(px(self.left)) x2=(px(RIGHT))
                    y1=(self.y.px(*tick)) y2=(self.y.px(*tick)) {}
                text.tick x=(px(self.left - 6.0)) y=(px(self.y.at(*tick) + 3.8)) text-anchor="end" {
                    (number::tick(*tick, y_step))
                }
            }
            line.axis x1=(px(self.left)) x2=(px(RIGHT)) y1=(px(BOTTOM)) y2=(px(BOTTOM)) {}
            @for tick in &x_ticks {
                line.axis x1=(self.x.px(*tick)) x2=(self.x.px(*tick))
                    y1=(px(BOTTOM)) y2=(px(BOTTOM + 4.0)) {}
                text.tick x=(self.x.px(*tick)) y=(px(BOTTOM + 17.0)) text-anchor="middle" {
                    (number::tick(*tick, x_step))
                }
            }
            text.label x=(px(f64::midpoint(self.left, RIGHT))) y=(px(HEIGHT - 8.0))
                text-anchor="middle" {
                (fitting(self.x_label, RIGHT - self.left))
            }
            text.label text-anchor="middle"
                transform=(down) {
                (fitting(self.y_label, BOTTOM - TOP))
            }
        }
    }

    /// The values and pixels of both axes' ends, by which a script turns pixels into values:
    /// `x0 x1 px0 px1 y0 y1 py0 py1`.
    pub(super) fn scale(&self) -> String {
        let ends = |s: &Scale| format!("{} {} {} {}", s.low, s.high, px(s.from), px(s.to));
        format!("{} {}", ends(&self.x), ends(&self.y))
    }

    /// The left, right, top and bottom edge of the plot area in pixels.
    pub(super) fn edges(&self) -> (f64, f64, f64, f64) {
        (self.left, RIGHT, TOP, BOTTOM)
    }
}

/// A path through points given in pixels; steps below half a pixel are left out.
pub(super) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    let mut last: Option<(f64, f64)> = None;
    let mut pending: Option<(f64, f64)> = None;
    let write = |text: &mut String, (x, y): (f64, f64)| {
        text.push(if text.is_empty() { 'M' } else { 'L' });
        text.push_str(&px(x));
        text.push(' ');
        text.push_str(&px(y));
    };
    for point in points {
        pending = Some(point);
        if last.is_none_or(|l| (l.0 - point.0).abs() + (l.1 - point.1).abs() >= 0.5) {
            write(&mut text, point);
            last = Some(point);
            pending = None;
        }
    }
    if let Some(point) = pending {
        write(&mut text, point);
    }
    text
}

/// The smallest and largest finite value; `None` when there is none.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// Text cut to the width in pixels.
fn fitting(text: &str, width: f64) -> String {
    label(text, (width / CHARACTER_WIDTH) as usize)
}

/// Text cut to `n` characters for a label in a drawing.
pub(super) fn label(text: &str, n: usize) -> String {
    modelwright_core::error::shorten(text, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_nice_and_inside_the_range() {
        let (ticks, step) = Scale::new(0.0, 1.0, 0.0, 100.0).ticks(5);
        assert_eq!((ticks.len(), step), (6, 0.2));
        let (ticks, _) = Scale::new(-3.0, 117.0, 0.0, 100.0).ticks(5);
        assert_eq!(ticks, [0.0, 50.0, 100.0]);
    }

    #[test]
    fn degenerate_ranges_still_give_finite_pixels() {
        for (low, high) in
            [(0.0, 0.0), (5.0, 5.0), (f64::NAN, 1.0), (-f64::MAX, f64::MAX), (1e-300, 2e-300)]
        {
            let scale = Scale::new(low, high, 0.0, 100.0);
            assert!(scale.at(low).is_finite() || low.is_nan(), "{low} {high}");
            let (ticks, step) = scale.ticks(5);
            assert!(ticks.len() < 20 && step.is_finite(), "{low} {high} {ticks:?}");
        }
    }

    #[test]
    fn a_path_skips_points_nobody_can_see_but_keeps_the_last() {
        let points = (0..1000).map(|i| (f64::from(i) / 1000.0, 0.0));
        assert_eq!(path(points), "M0 0L0.5 0L1 0");
    }
}
