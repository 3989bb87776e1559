//! Bars of a histogram: distribution of a target or of residuals.

use maud::{Markup, html};
use modelwright_core::record::Bin;

use super::frame::{Frame, HEIGHT, WIDTH, px, range};
use super::{Chart, canvas};

/// Draws the bars; a line marks zero when it lies inside.
pub(super) fn draw(chart: &Chart, bins: &[Bin]) -> Markup {
    let (low, high) = range(bins.iter().flat_map(|b| [b.from, b.to])).unwrap_or((0.0, 1.0));
    let tallest = bins.iter().map(|b| b.n_rows).max().unwrap_or(1).max(1);
    let frame = Frame::new((low, high), (0.0, tallest as f64), &chart.x, &chart.y);
    let (_, _, top, bottom) = frame.edges();
    let drawing = html! {
        (frame.axes())
        @for bin in bins.iter().filter(|b| b.n_rows > 0) {
            @let (from, to) = (frame.x.at(bin.from), frame.x.at(bin.to));
            @let y = frame.y.at(bin.n_rows as f64).min(bottom - 1.0);
            rect.bar x=(px(from + 0.5)) y=(px(y))
                width=(px((to - from - 1.0).max(1.0))) height=(px(bottom - y)) {}
        }
        @if low < 0.0 && high > 0.0 {
            line.reference x1=(frame.x.px(0.0)) x2=(frame.x.px(0.0)) y1=(px(top)) y2=(px(bottom)) {}
        }
    };
    canvas(chart, WIDTH, HEIGHT, &drawing)
}
