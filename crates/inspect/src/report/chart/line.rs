//! A line over a measured range, with a marked point and a horizontal reference.

use maud::{Markup, html};
use modelwright_core::record::CurvePoint;

use super::frame::{Frame, HEIGHT, WIDTH, path, px, range};
use super::{Chart, Mark, canvas_of};

/// Draws the line; the vertical axis begins at 0 where no value is below.
pub(super) fn draw(
    chart: &Chart,
    points: &[CurvePoint],
    reference: Option<f64>,
    mark: Option<&Mark>,
) -> Markup {
    let (left, right) = range(points.iter().map(|p| p.x)).unwrap_or((0.0, 1.0));
    let values = points.iter().map(|p| p.y).chain(reference).chain(mark.map(|m| m.y));
    let (low, high) = range(values.chain([0.0])).unwrap_or((0.0, 1.0));
    let frame = Frame::new((left, right), (low, high), &chart.x, &chart.y);
    let line = path(points.iter().map(|p| (frame.x.at(p.x), frame.y.at(p.y))));
    let drawing = html! {
        (frame.axes())
        @if let Some(level) = reference {
            line.reference x1=(frame.x.px(left)) x2=(frame.x.px(right))
                y1=(frame.y.px(level)) y2=(frame.y.px(level)) {}
        }
        path.line d=(line) {}
        @if let Some(mark) = mark {
            @let (x, y) = (frame.x.at(mark.x), frame.y.at(mark.y));
            @let left_side = x > WIDTH * 0.55;
            circle.mark cx=(px(x)) cy=(px(y)) r="5" {}
            text.note x=(px(if left_side { x - 10.0 } else { x + 10.0 })) y=(px(y + 18.0))
                text-anchor=(if left_side { "end" } else { "start" }) { (mark.label) }
        }
    };
    canvas_of(chart, (WIDTH, HEIGHT), Some(frame.scale()), &drawing)
}
