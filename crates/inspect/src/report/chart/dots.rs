//! Points with 95 % intervals on one scale, and a reference line: scores compared.

use maud::{Markup, html};

use super::frame::{Scale, WIDTH, label, px, range};
use super::{Chart, Estimate, canvas};
use crate::report::number;

const ROW: f64 = 40.0;
const TOP: f64 = 8.0;
const LEFT: f64 = 12.0;
const RIGHT: f64 = WIDTH - 16.0;

/// The range of the axis is at least this share of the largest value.
const LEAST_RANGE: f64 = 0.02;

/// Draws the points from top to bottom, each under its own label.
pub(super) fn draw(chart: &Chart, estimates: &[Estimate], reference: Option<f64>) -> Markup {
    let ends = estimates
        .iter()
        .flat_map(|e| {
            [e.value, e.ci95.map_or(e.value, |c| c.low), e.ci95.map_or(e.value, |c| c.high)]
        })
        .chain(reference);
    let (low, high) = range(ends).unwrap_or((0.0, 1.0));
    // Values that are the same but for rounding would get ticks that read alike.
    let least = low.abs().max(high.abs()) * LEAST_RANGE;
    let pad = ((high - low) * 0.04).max((least - (high - low)) / 2.0);
    let x = Scale::new(low - pad, high + pad, LEFT, RIGHT);
    let bottom = TOP + ROW * estimates.len() as f64;
    let (ticks, step) = x.ticks(4);
    let drawing = html! {
        @for tick in &ticks {
            line.grid x1=(x.px(*tick)) x2=(x.px(*tick)) y1=(px(TOP)) y2=(px(bottom)) {}
            text.tick x=(x.px(*tick)) y=(px(bottom + 16.0)) text-anchor="middle" {
                (number::tick(*tick, step))
            }
        }
        @if let Some(at) = reference {
            line.reference x1=(x.px(at)) x2=(x.px(at)) y1=(px(TOP)) y2=(px(bottom)) {}
        }
        @for (i, e) in estimates.iter().enumerate() {
            @let y = TOP + ROW * i as f64 + 28.0;
            text.name x=(px(LEFT)) y=(px(y - 12.0)) { (label(&e.label, 60)) }
            line.lane x1=(px(LEFT)) x2=(px(RIGHT)) y1=(px(y)) y2=(px(y)) {}
            @if let Some(ci) = e.ci95 {
                line.interval.quiet[!e.emphasis] x1=(x.px(ci.low)) x2=(x.px(ci.high))
                    y1=(px(y)) y2=(px(y)) {}
            }
            circle.dot.quiet[!e.emphasis] cx=(x.px(e.value)) cy=(px(y)) r="5" {}
        }
        line.axis x1=(px(LEFT)) x2=(px(RIGHT)) y1=(px(bottom)) y2=(px(bottom)) {}
        text.label x=(px(WIDTH / 2.0)) y=(px(bottom + 34.0)) text-anchor="middle" { (chart.x) }
    };
    canvas(chart, WIDTH, bottom + 42.0, &drawing)
}
