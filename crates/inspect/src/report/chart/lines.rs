//! Several lines over one range, told apart by colour and dashes, and named below.

use maud::{Markup, html};

use super::frame::{Frame, HEIGHT, WIDTH, path, px, range};
use super::{Chart, Mark, NamedLine, canvas};

/// Styles of lines: more are drawn in the last one.
const STYLES: usize = 4;

/// Zero is left out where the lowest value is more than this share of the highest.
const FAR_SHARE: f64 = 0.5;

/// The height of a name, and the length of the piece of line beside it.
const ROW: f64 = 17.0;
const PIECE: f64 = 26.0;

/// Draws the lines; the vertical axis begins at 0 where no value is below, and 0 is not so far away
/// that the lines would have little of the height.
pub(super) fn draw(chart: &Chart, lines: &[NamedLine], mark: Option<&Mark>) -> Markup {
    let points = || lines.iter().flat_map(|l| &l.points);
    let marked = |of: fn(&Mark) -> f64| mark.map(of);
    let across = points().map(|p| p.x).chain(marked(|m| m.x));
    let up = || points().map(|p| p.y).chain(marked(|m| m.y));
    let own = range(up()).unwrap_or((0.0, 1.0));
    let is_far = own.0 > FAR_SHARE * own.1 && own.0 < own.1;
    let y = if is_far { own } else { range(up().chain([0.0])).unwrap_or((0.0, 1.0)) };
    let x = range(across).unwrap_or((0.0, 1.0));
    let frame = Frame::new(x, y, &chart.x, &chart.y);
    let left = frame.edges().0;
    let class = |i: usize| format!("line l{}", i.min(STYLES - 1));
    let drawing = html! {
        (frame.axes())
        @for (i, line) in lines.iter().enumerate() {
            @let at = line.points.iter().map(|p| (frame.x.at(p.x), frame.y.at(p.y)));
            path class=(class(i)) d=(path(at)) {}
            @let row = HEIGHT + ROW * (i as f64 + 0.5);
            path class=(class(i)) d=(path([(left, row), (left + PIECE, row)])) {}
            text x=(px(left + PIECE + 8.0)) y=(px(row + 4.0)) { (line.label) }
        }
        @if let Some(mark) = mark {
            @let (x, y) = (frame.x.at(mark.x), frame.y.at(mark.y));
            @let left_side = x > WIDTH * 0.55;
            circle.mark cx=(px(x)) cy=(px(y)) r="5" {}
            text.note x=(px(if left_side { x - 10.0 } else { x + 10.0 })) y=(px(y - 9.0))
                text-anchor=(if left_side { "end" } else { "start" }) { (mark.label) }
        }
    };
    canvas(chart, WIDTH, HEIGHT + ROW * lines.len() as f64 + 4.0, &drawing)
}
