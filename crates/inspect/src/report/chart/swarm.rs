//! A beeswarm: for each column how many rows have which effect, coloured by the size of the value.
//!
//! Rows are binned; a bin draws as many points, above and below the line, as its share of the rows
//! deserves.

use std::fmt::Write as _;

use maud::{Markup, html};
use modelwright_core::record::SwarmBin;

use super::frame::{Scale, WIDTH, label, px, range, text_width};
use super::{Chart, Swarm, canvas};
use crate::report::number;

const ROW: f64 = 34.0;
const TOP: f64 = 6.0;
const LABEL_CHARACTERS: usize = 20;
/// Points of a column, about.
const POINTS: f64 = 150.0;
/// The distance of points of a bin, and the most on one side of the line.
const STEP: f64 = 2.6;
const SIDE_MAX: f64 = 5.0;

/// Draws the columns from top to bottom.
pub(super) fn draw(chart: &Chart, swarms: &[Swarm]) -> Markup {
    let effects = swarms.iter().flat_map(|s| &s.bins).map(|b| b.effect).chain([0.0]);
    let (low, high) = range(effects).unwrap_or((-1.0, 1.0));
    let labels: Vec<String> = swarms.iter().map(|s| label(&s.label, LABEL_CHARACTERS)).collect();
    let left = 14.0 + labels.iter().map(|l| text_width(l)).fold(0.0, f64::max);
    let pad = (high - low) * 0.02;
    let x = Scale::new(low - pad, high + pad, left, WIDTH - 10.0);
    let bottom = TOP + ROW * swarms.len() as f64;
    let (ticks, step) = x.ticks(4);
    let drawing = html! {
        @for tick in &ticks {
            line.grid x1=(x.px(*tick)) x2=(x.px(*tick)) y1=(px(TOP)) y2=(px(bottom)) {}
            text.tick x=(x.px(*tick)) y=(px(bottom + 16.0)) text-anchor="middle" {
                (number::tick(*tick, step))
            }
        }
        line.axis x1=(x.px(0.0)) x2=(x.px(0.0)) y1=(px(TOP)) y2=(px(bottom)) {}
        @for (i, (swarm, name)) in swarms.iter().zip(&labels).enumerate() {
            @let middle = TOP + ROW * (i as f64 + 0.5);
            text.name x=(px(left - 8.0)) y=(px(middle + 4.0)) text-anchor="end" { (name) }
            @for (class, path) in points(swarm, &x, middle) { path class=(class) d=(path) {} }
        }
        text.label x=(px(f64::midpoint(left, WIDTH - 10.0))) y=(px(bottom + 34.0))
            text-anchor="middle" { (chart.x) }
    };
    canvas(chart, WIDTH, bottom + 42.0, &drawing)
}

/// The points of a column, a path for each colour.
fn points(swarm: &Swarm, x: &Scale, middle: f64) -> Vec<(String, String)> {
    let total = swarm.bins.iter().map(|b| b.n_rows).sum::<usize>().max(1) as f64;
    let mut paths: std::collections::BTreeMap<Option<u8>, String> =
        std::collections::BTreeMap::new();
    let mut rest: &[SwarmBin] = &swarm.bins;
    while let Some(first) = rest.first() {
        let n = rest.iter().take_while(|b| b.effect == first.effect).count();
        let (bin, more) = rest.split_at(n);
        rest = more;
        let mut place = 0;
        let wanted = |b: &SwarmBin| (b.n_rows as f64 / total * POINTS).ceil();
        let crowd: f64 = bin.iter().map(wanted).sum();
        let step = STEP * (2.0 * SIDE_MAX / crowd.max(1.0)).min(1.0);
        for b in bin {
            for _ in 0..wanted(b) as usize {
                // Above and below in turn.
                let side = if place % 2 == 0 { 1.0 } else { -1.0 };
                let y = middle + side * step * f64::from((place + 1) / 2);
                place += 1;
                let path = paths.entry(b.level).or_default();
                let _ = write!(path, "M{} {}h0", px(x.at(b.effect)), px(y));
            }
        }
    }
    let class = |level: Option<u8>| match level {
        Some(level) => format!("swarm s{level}"),
        None => "swarm none".to_owned(),
    };
    paths.into_iter().map(|(level, path)| (class(level), path)).collect()
}
