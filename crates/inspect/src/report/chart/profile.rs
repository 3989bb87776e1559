//! How predictions move along a column: a line with its interval (numbers, dates), or bars
//! (categories).

use std::fmt::Write as _;

use maud::{Markup, html};
use modelwright_core::record::ProfilePointRecord;

use super::frame::{Frame, HEIGHT, WIDTH, path, px, range};
use super::{Chart, Estimate, bar, canvas};

/// Draws the points.
pub(super) fn draw(chart: &Chart, points: &[ProfilePointRecord]) -> Markup {
    if points.iter().any(|p| p.number.is_none()) {
        return bar::draw(chart, &bars(points));
    }
    let at = |p: &ProfilePointRecord| p.number.unwrap_or(0.0);
    let (left, right) = range(points.iter().map(at)).unwrap_or((0.0, 1.0));
    let ends = points.iter().flat_map(|p| [p.effect - p.half_width, p.effect + p.half_width, 0.0]);
    let (low, high) = range(ends).unwrap_or((-1.0, 1.0));
    let frame = Frame::new((left, right), (low, high), &chart.x, &chart.y);
    let line = path(points.iter().map(|p| (frame.x.at(at(p)), frame.y.at(p.effect))));
    let mut band = String::new();
    let upper = points.iter().map(|p| (at(p), p.effect + p.half_width));
    let lower = points.iter().rev().map(|p| (at(p), p.effect - p.half_width));
    for (i, (x, y)) in upper.chain(lower).enumerate() {
        let step = if i == 0 { 'M' } else { 'L' };
        let _ = write!(band, "{step}{} {}", frame.x.px(x), frame.y.px(y));
    }
    let (_, _, _, bottom) = frame.edges();
    let drawing = html! {
        (frame.axes())
        line.reference x1=(frame.x.px(left)) x2=(frame.x.px(right))
            y1=(frame.y.px(0.0)) y2=(frame.y.px(0.0)) {}
        @if !band.is_empty() { path.band d={ (band) "z" } {} }
        path.line d=(line) {}
        @for p in points {
            line.axis x1=(frame.x.px(at(p))) x2=(frame.x.px(at(p)))
                y1=(px(bottom - 4.0)) y2=(px(bottom)) {}
        }
    };
    canvas(chart, WIDTH, HEIGHT, &drawing)
}

fn bars(points: &[ProfilePointRecord]) -> Vec<Estimate> {
    let bar = |p: &ProfilePointRecord| Estimate {
        label: p.value.clone(),
        value: p.effect,
        ci95: Some(modelwright_core::record::Interval {
            low: p.effect - p.half_width,
            high: p.effect + p.half_width,
        }),
        emphasis: true,
    };
    points.iter().map(bar).collect()
}
