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

/// Draws true classes as rows and predicted classes as columns.
pub(super) fn draw(chart: &Chart, classes: &[String], counts: &[Vec<u64>]) -> Markup {
    let n = classes.len().max(1) as f64;
    let counted = classes.len() <= COUNTED_CLASSES_MAX;
    let names: Vec<String> =
        classes.iter().map(|c| label(c, if counted { 12 } else { 9 })).collect();
    let widest = names.iter().map(|c| text_width(c)).fold(0.0, f64::max);
    let left = 32.0 + widest;
    let size = ((WIDTH - left - 10.0) / n).min(110.0);
    let height = if counted { size.min(64.0) } else { size };
    let slanted = names.iter().any(|c| text_width(c) > size - 4.0);
    let top = if slanted { 30.0 + widest * 0.72 } else { 42.0 };
    let width = size * n;
    let (bottom, font) = (top + height * n, if n > 16.0 { "9" } else { "11" });
    let drawing = html! {
        text.label x=(px(left + width / 2.0)) y="12" text-anchor="middle" { (chart.x) }
        text.label text-anchor="middle"
            transform=(format!("translate(12 {}) rotate(-90)", px(f64::midpoint(top, bottom)))) { (chart.y) }
        @for (i, (name, row)) in names.iter().zip(counts).enumerate() {
            @let middle = height * (i as f64 + 0.5);
            @let column = left + size * (i as f64 + 0.5);
            text.name font-size=(font) x=(px(left - 6.0)) y=(px(top + middle + 3.6)) text-anchor="end" { (name) }
            @if slanted {
                text.name font-size=(font) transform=(format!("translate({} {}) rotate(-45)", px(column + 3.0), px(top - 6.0))) { (name) }
            } @else {
                text.name font-size=(font) x=(px(column)) y=(px(top - 8.0)) text-anchor="middle" { (name) }
            }
            @let total = row.iter().sum::<u64>().max(1) as f64;
            @for (j, n_rows) in row.iter().enumerate() {
                @let share = *n_rows as f64 / total;
                @let shade = shade(if counted { share } else { share.sqrt() });
                @let (x, y) = (left + size * j as f64, top + height * i as f64);
                rect class=(format!("h{shade}{}", if i == j { " right" } else { "" }))
                    x=(px(x + 0.5)) y=(px(y + 0.5)) width=(px(size - 1.0)) height=(px(height - 1.0)) {
                    title { (format!("true {}, predicted {}: {} ({} of the class)", names[i],
                        names.get(j).map_or("", String::as_str), number::rows(*n_rows as usize), number::share(share))) }
                }
                @if counted {
                    text class=(format!("count t{shade}")) x=(px(x + size / 2.0)) y=(px(y + height / 2.0 + 4.0)) text-anchor="middle" {
                        (if size < 44.0 { number::tick(*n_rows as f64, 1.0) } else { number::count(*n_rows as usize) })
                    }
                }
            }
        }
    };
    canvas(chart, WIDTH, bottom + 6.0, &drawing)
}

/// The shade of a share: 0 for nothing, 1 to 9 for the rest.
fn shade(share: f64) -> u32 {
    if share > 0.0 { (share * SHADES).ceil().clamp(1.0, SHADES) as u32 } else { 0 }
}
