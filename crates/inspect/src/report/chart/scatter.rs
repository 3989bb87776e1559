//! Predicted against true values with the diagonal of perfect predictions.

use std::fmt::Write as _;

use maud::{Markup, html};
use modelwright_core::record::CurvePoint;

use super::frame::{Frame, HEIGHT, WIDTH, px, range};
use super::{Chart, canvas};

/// Draws the points as one path of round dots, on equal ranges of both axes.
pub(super) fn draw(chart: &Chart, points: &[CurvePoint]) -> Markup {
    let (low, high) = range(points.iter().flat_map(|p| [p.x, p.y])).unwrap_or((0.0, 1.0));
    let frame = Frame::new((low, high), (low, high), &chart.x, &chart.y);
    let mut dots = String::new();
    for point in points.iter().filter(|p| p.x.is_finite() && p.y.is_finite()) {
        let _ = write!(dots, "M{} {}h0", px(frame.x.at(point.x)), px(frame.y.at(point.y)));
    }
    let drawing = html! {
        (frame.axes())
        line.reference x1=(frame.x.px(low)) y1=(frame.y.px(low))
            x2=(frame.x.px(high)) y2=(frame.y.px(high)) {}
        path.points d=(dots) {}
    };
    canvas(chart, WIDTH, HEIGHT, &drawing)
}
