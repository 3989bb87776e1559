//! Horizontal bars from zero with 95 % intervals: permutation importance.

use maud::{Markup, html};

use super::frame::{Scale, WIDTH, label, px, range, text_width};
use super::{Chart, Estimate, canvas};
use crate::report::number;

const ROW: f64 = 24.0;
const TOP: f64 = 6.0;
const LABEL_CHARACTERS: usize = 22;

/// Draws the bars from top to bottom.
pub(super) fn draw(chart: &Chart, bars: &[Estimate]) -> Markup {
    let ends = bars.iter().flat_map(|b| {
        [b.value, b.ci95.map_or(b.value, |c| c.low), b.ci95.map_or(b.value, |c| c.high), 0.0]
    });
    let (low, high) = range(ends).unwrap_or((0.0, 1.0));
    let labels: Vec<String> = bars.iter().map(|b| label(&b.label, LABEL_CHARACTERS)).collect();
    let left = 12.0 + labels.iter().map(|l| text_width(l)).fold(0.0, f64::max);
    let x = Scale::new(low, high, left, WIDTH - 16.0);
    let bottom = TOP + ROW * bars.len() as f64;
    let (ticks, step) = x.ticks(4);
    let drawing = html! {
        @for tick in &ticks {
            line.grid x1=(x.px(*tick)) x2=(x.px(*tick)) y1=(px(TOP)) y2=(px(bottom)) {}
            text.tick x=(x.px(*tick)) y=(px(bottom + 16.0)) text-anchor="middle" {
                (number::tick(*tick, step))
            }
        }
        @for (i, (bar, name)) in bars.iter().zip(&labels).enumerate() {
            @let middle = TOP + ROW * (i as f64 + 0.5);
            @let (from, to) = (x.at(0.0).min(x.at(bar.value)), x.at(0.0).max(x.at(bar.value)));
            text.name x=(px(left - 8.0)) y=(px(middle + 4.0)) text-anchor="end" { (name) }
            rect.bar x=(px(from)) y=(px(middle - 7.0)) width=(px(to - from)) height="14" rx="2" {}
            @if let Some(ci) = bar.ci95 {
                line.whisker x1=(x.px(ci.low)) x2=(x.px(ci.high)) y1=(px(middle)) y2=(px(middle)) {}
            }
        }
        line.axis x1=(x.px(0.0)) x2=(x.px(0.0)) y1=(px(TOP)) y2=(px(bottom)) {}
        text.label x=(px(f64::midpoint(left, WIDTH - 16.0))) y=(px(bottom + 34.0))
            text-anchor="middle" {
            (chart.x)
        }
    };
    canvas(chart, WIDTH, bottom + 42.0, &drawing)
}
