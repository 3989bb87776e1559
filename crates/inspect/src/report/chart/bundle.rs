//! Many thin lines in groups, each group with its mean drawn bold and named below.

use maud::{Markup, html};

use super::frame::{Frame, HEIGHT, WIDTH, path, px, range};
use super::{Bundle, Chart, canvas};

/// Styles of groups: more are drawn in the last one.
const STYLES: usize = 4;

/// The height of a name, and the length of the piece of line beside it.
const ROW: f64 = 17.0;
const PIECE: f64 = 26.0;

/// Draws the groups, means above all thin lines; without names where there is one group only.
pub(super) fn draw(chart: &Chart, xs: &[f64], bundles: &[Bundle]) -> Markup {
    let up = bundles.iter().flat_map(|b| b.lines.iter().chain([&b.mean]).flatten().copied());
    let x = range(xs.iter().copied()).unwrap_or((0.0, 1.0));
    let y = range(up.chain([0.0])).unwrap_or((0.0, 1.0));
    let frame = Frame::new(x, y, &chart.x, &chart.y);
    let left = frame.edges().0;
    let style = |i: usize| i.min(STYLES - 1);
    let of =
        |values: &[f64]| path(xs.iter().zip(values).map(|(x, y)| (frame.x.at(*x), frame.y.at(*y))));
    let named = if bundles.len() > 1 { bundles } else { &[] };
    let drawing = html! {
        (frame.axes())
        @for (i, bundle) in bundles.iter().enumerate() {
            @for line in &bundle.lines {
                path class=(format!("line fine l{}", style(i))) d=(of(line)) {}
            }
        }
        @for (i, bundle) in bundles.iter().enumerate() {
            path class=(format!("line l{}", style(i))) d=(of(&bundle.mean)) {}
        }
        @for (i, bundle) in named.iter().enumerate() {
            @let row = HEIGHT + ROW * (i as f64 + 0.5);
            path class=(format!("line l{}", style(i)))
                d=(path([(left, row), (left + PIECE, row)])) {}
            text x=(px(left + PIECE + 8.0)) y=(px(row + 4.0)) { (bundle.label) }
        }
    };
    canvas(chart, WIDTH, HEIGHT + ROW * named.len() as f64 + 4.0, &drawing)
}
