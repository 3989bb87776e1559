//! A curve in the unit square: ROC, precision–recall.

use maud::{Markup, html};
use modelwright_core::record::CurvePoint;

use super::frame::{Frame, HEIGHT, WIDTH, path, px};
use super::{Chart, Mark, Reference, canvas_of};

/// Draws the curve over the line of a model that knows nothing.
pub(super) fn draw(
    chart: &Chart,
    points: &[CurvePoint],
    reference: Reference,
    mark: Option<&Mark>,
) -> Markup {
    let frame = Frame::new((0.0, 1.0), (0.0, 1.0), &chart.x, &chart.y);
    let (from, to) = match reference {
        Reference::Diagonal => (0.0, 1.0),
        Reference::Level(y) => (y, y),
    };
    let line = path(points.iter().map(|p| (frame.x.at(p.x), frame.y.at(p.y))));
    let drawing = html! {
        (frame.axes())
        line.reference x1=(frame.x.px(0.0)) x2=(frame.x.px(1.0))
            y1=(frame.y.px(from)) y2=(frame.y.px(to)) {}
        path.line d=(line) {}
        @if let Some(mark) = mark {
            @let (x, y) = (frame.x.at(mark.x), frame.y.at(mark.y));
            @let left_side = mark.x > 0.55;
            circle.mark cx=(px(x)) cy=(px(y)) r="5" {}
            text.note x=(px(if left_side { x - 10.0 } else { x + 10.0 })) y=(px(y + 16.0))
                text-anchor=(if left_side { "end" } else { "start" }) { (mark.label) }
        }
    };
    canvas_of(chart, (WIDTH, HEIGHT), Some(frame.scale()), &drawing)
}
