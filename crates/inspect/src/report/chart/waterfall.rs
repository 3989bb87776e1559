//! A waterfall: from the base value to a prediction, one column after the other.

use maud::{Markup, html};

use super::frame::{Scale, WIDTH, label, px, range, text_width};
use super::{Chart, Step, canvas};
use crate::report::number;

const ROW: f64 = 26.0;
const TOP: f64 = 20.0;
const LABEL_CHARACTERS: usize = 30;

/// Draws the steps from top to bottom.
pub(super) fn draw(chart: &Chart, base: f64, steps: &[Step]) -> Markup {
    let mut at = vec![base];
    for step in steps {
        at.push(at[at.len() - 1] + step.effect);
    }
    let (low, high) = range(at.iter().copied()).unwrap_or((0.0, 1.0));
    let labels: Vec<String> = steps.iter().map(|s| label(&s.label, LABEL_CHARACTERS)).collect();
    let left = 14.0 + labels.iter().map(|l| text_width(l)).fold(0.0, f64::max).min(WIDTH * 0.5);
    let pad = (high - low) * 0.03;
    let x = Scale::new(low - pad, high + pad, left, WIDTH - 12.0);
    let bottom = TOP + ROW * steps.len() as f64;
    let (ticks, tick_step) = x.ticks(4);
    let drawing = html! {
        @for tick in &ticks {
            line.grid x1=(x.px(*tick)) x2=(x.px(*tick)) y1=(px(TOP)) y2=(px(bottom)) {}
            text.tick x=(x.px(*tick)) y=(px(bottom + 16.0)) text-anchor="middle" {
                (number::tick(*tick, tick_step))
            }
        }
        line.reference x1=(x.px(base)) x2=(x.px(base)) y1=(px(TOP)) y2=(px(bottom)) {}
        @for (i, (step, name)) in steps.iter().zip(&labels).enumerate() {
            @let middle = TOP + ROW * (i as f64 + 0.5);
            @let (from, to) = (x.at(at[i]).min(x.at(at[i + 1])), x.at(at[i]).max(x.at(at[i + 1])));
            text.name x=(px(left - 8.0)) y=(px(middle + 4.0)) text-anchor="end" { (name) }
            rect class=(if step.effect < 0.0 { "bar down" } else { "bar up" })
                x=(px(from)) y=(px(middle - 8.0)) width=(px((to - from).max(1.0))) height="16" {
                title { (step.label) ": " (number::significant(step.effect, 3)) }
            }
        }
        text.label x=(px(f64::midpoint(left, WIDTH - 12.0))) y=(px(bottom + 34.0))
            text-anchor="middle" { (chart.x) }
    };
    canvas(chart, WIDTH, bottom + 42.0, &drawing)
}
