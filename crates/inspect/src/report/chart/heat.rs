//! A confusion matrix as a heat map: shade by share of the true class, counts in the cells.
//!
//! Without room for counts, the square root of the share is shaded, so that rare mistakes show.

use maud::{Markup, html};

use super::frame::{WIDTH, label, px, text_width};
use super::{Chart, canvas};
use crate::report::number;

/// The most classes whose cells have room for a count.
const COUNTED_CLASSES_MAX: usize = 8;

/// How many shades there are, so that colours come from the style sheet.
const SHADES: f64 = 9.0;

/// Cells narrower than this show their count abbreviated.
const NARROW: f64 = 44.0;

/// Where everything stands, in pixels.
struct Layout {
    names: Vec<String>,
    counted: bool,
    left: f64,
    top: f64,
    cell_width: f64,
    cell_height: f64,
    slanted: bool,
    font: &'static str,
}

impl Layout {
    fn of(classes: &[String]) -> Self {
        let n = classes.len().max(1) as f64;
        let counted = classes.len() <= COUNTED_CLASSES_MAX;
        let cut = if counted { 12 } else { 9 };
        let names: Vec<String> = classes.iter().map(|c| label(c, cut)).collect();
        let widest = names.iter().map(|c| text_width(c)).fold(0.0, f64::max);
        let left = 32.0 + widest;
        let cell_width = ((WIDTH - left - 10.0) / n).min(110.0);
        let cell_height = if counted { cell_width.min(64.0) } else { cell_width };
        let slanted = names.iter().any(|c| text_width(c) > cell_width - 4.0) && widest > 8.0;
        let top = if slanted { 30.0 + widest * 0.72 } else { 42.0 };
        let font = if n > 16.0 { "9" } else { "11" };
        Self { names, counted, left, top, cell_width, cell_height, slanted, font }
    }

    fn column(&self, j: usize) -> f64 {
        self.left + self.cell_width * j as f64
    }

    fn row(&self, i: usize) -> f64 {
        self.top + self.cell_height * i as f64
    }
}

/// Draws true classes as rows and predicted classes as columns.
pub(super) fn draw(chart: &Chart, classes: &[String], counts: &[Vec<u64>]) -> Markup {
    let layout = Layout::of(classes);
    let (right, bottom) = (layout.column(classes.len()), layout.row(classes.len()));
    let down = format!("translate(12 {}) rotate(-90)", px(f64::midpoint(layout.top, bottom)));
    let drawing = html! {
        text.label x=(px(f64::midpoint(layout.left, right))) y="12" text-anchor="middle" {
            (chart.x)
        }
        text.label text-anchor="middle" transform=(down) { (chart.y) }
        @for i in 0..classes.len() { (names(&layout, i)) }
        @for (i, row) in counts.iter().enumerate() {
            @let total = row.iter().sum::<u64>().max(1) as f64;
            @for (j, n_rows) in row.iter().enumerate() {
                (cell(&layout, (i, j), *n_rows, *n_rows as f64 / total))
            }
        }
    };
    canvas(chart, WIDTH, bottom + 6.0, &drawing)
}

/// The name of a class beside its row and above its column.
fn names(layout: &Layout, i: usize) -> Markup {
    let name = &layout.names[i];
    let x = layout.column(i) + layout.cell_width / 2.0;
    let y = layout.row(i) + layout.cell_height / 2.0 + 3.6;
    let slant = format!("translate({} {}) rotate(-45)", px(x + 3.0), px(layout.top - 6.0));
    html! {
        text.name font-size=(layout.font) x=(px(layout.left - 6.0)) y=(px(y)) text-anchor="end" {
            (name)
        }
        @if layout.slanted {
            text.name font-size=(layout.font) transform=(slant) { (name) }
        } @else {
            text.name font-size=(layout.font) x=(px(x)) y=(px(layout.top - 8.0))
                text-anchor="middle" { (name) }
        }
    }
}

fn cell(layout: &Layout, (i, j): (usize, usize), n_rows: u64, share: f64) -> Markup {
    let shade = shade(if layout.counted { share } else { share.sqrt() });
    let (x, y) = (layout.column(j), layout.row(i));
    let (width, height) = (layout.cell_width, layout.cell_height);
    let name = |class: usize| layout.names.get(class).map_or("", String::as_str);
    let hint = format!(
        "true {}, predicted {}: {} ({} of the class)",
        name(i),
        name(j),
        number::rows(n_rows as usize),
        number::share(share)
    );
    let count = if width < NARROW {
        number::tick(n_rows as f64, 1.0)
    } else {
        number::count(n_rows as usize)
    };
    html! {
        rect class={ "h" (shade) } x=(px(x + 0.5)) y=(px(y + 0.5))
            width=(px(width - 1.0)) height=(px(height - 1.0)) { title { (hint) } }
        @if layout.counted {
            text class={ "count t" (shade) } x=(px(x + width / 2.0))
                y=(px(y + height / 2.0 + 4.0)) text-anchor="middle" { (count) }
        }
    }
}

/// The shade of a share: 0 for nothing, 1 to 9 for the rest.
fn shade(share: f64) -> u32 {
    if share > 0.0 { (share * SHADES).ceil().clamp(1.0, SHADES) as u32 } else { 0 }
}
