//! A reliability diagram: observed share against predicted probability, with intervals.

use maud::{Markup, html};
use modelwright_core::record::{CalibrationBin, Interval};

use super::frame::{Frame, HEIGHT, WIDTH, path, px};
use super::{Chart, canvas};

/// Half the width of a consistency bar, in pixels.
const HALF: f64 = 6.0;

/// Draws the bins; the area of a point grows with its rows. Behind each stands where it would lie
/// if the probabilities were honest (consistency bars: Bröcker & Smith, Weather and Forecasting 22,
/// 2007).
pub(super) fn draw(chart: &Chart, bins: &[CalibrationBin], consistent: &[Interval]) -> Markup {
    let frame = Frame::new((0.0, 1.0), (0.0, 1.0), &chart.x, &chart.y);
    let most = bins.iter().map(|b| b.n_rows).max().unwrap_or(1).max(1) as f64;
    let line = path(bins.iter().map(|b| (frame.x.at(b.predicted), frame.y.at(b.observed))));
    let drawing = html! {
        (frame.axes())
        line.reference x1=(frame.x.px(0.0)) y1=(frame.y.px(0.0))
            x2=(frame.x.px(1.0)) y2=(frame.y.px(1.0)) {}
        @for (bin, bar) in bins.iter().zip(consistent) {
            @let (top, bottom) = (frame.y.at(bar.high), frame.y.at(bar.low));
            rect.band x=(px(frame.x.at(bin.predicted) - HALF)) y=(px(top))
                width=(px(2.0 * HALF)) height=(px((bottom - top).max(1.0))) {}
        }
        path.line.thin d=(line) {}
        @for bin in bins {
            @let x = frame.x.px(bin.predicted);
            @let radius = 2.5 + 4.0 * (bin.n_rows as f64 / most).sqrt();
            line.interval x1=(x) x2=(x)
                y1=(frame.y.px(bin.ci95.low)) y2=(frame.y.px(bin.ci95.high)) {}
            circle.dot cx=(x) cy=(frame.y.px(bin.observed)) r=(px(radius)) {}
        }
    };
    canvas(chart, WIDTH, HEIGHT, &drawing)
}
