//! Drawings that fit in a table cell: an interval, a share, a small histogram.

use std::fmt::Write as _;

use maud::{Markup, html};
use modelwright_core::record::Interval;

use super::frame::{Scale, px};
use crate::report::section::Graphic;

/// Draws the graphic of a cell; the cell's text says the same, so it is hidden from readers.
pub(crate) fn cell(graphic: &Graphic, scale: Option<Interval>) -> Markup {
    match graphic {
        Graphic::Interval { value, ci95 } => interval(*value, *ci95, scale),
        Graphic::Share(share) => html! {
            svg.share viewBox="0 0 60 8" aria-hidden="true" {
                rect.lane width="60" height="8" rx="2" {}
                rect.bar width=(px(60.0 * share.clamp(0.0, 1.0))) height="8" rx="2" {}
            }
        },
        Graphic::Histogram(counts) => histogram(counts),
    }
}

/// A point with its interval; a triangle at the edge when the value is off the scale.
fn interval(value: f64, ci95: Option<Interval>, scale: Option<Interval>) -> Markup {
    let Some(scale) = scale else { return html! {} };
    let x = Scale::new(scale.low, scale.high, 5.0, 135.0);
    html! {
        svg.whiskers viewBox="0 0 140 14" aria-hidden="true" {
            line.lane x1="0" x2="140" y1="7" y2="7" {}
            @if value < scale.low {
                path.off d="M8 2L0 7L8 12z" {}
            } @else if value > scale.high {
                path.off d="M132 2L140 7L132 12z" {}
            } @else {
                @if let Some(ci) = ci95 {
                    line.interval x1=(x.px(ci.low)) x2=(x.px(ci.high)) y1="7" y2="7" {}
                }
                circle.dot cx=(x.px(value)) cy="7" r="4" {}
            }
        }
    }
}

/// At most 30 bars of a histogram as one path.
fn histogram(counts: &[usize]) -> Markup {
    const BARS_MAX: usize = 30;
    let per_bar = counts.len().div_ceil(BARS_MAX).max(1);
    let bars: Vec<usize> = counts.chunks(per_bar).map(|c| c.iter().sum()).collect();
    let tallest = bars.iter().copied().max().unwrap_or(0).max(1) as f64;
    let width = 90.0 / bars.len().max(1) as f64;
    let mut path = String::new();
    for (i, n) in bars.iter().enumerate().filter(|(_, n)| **n > 0) {
        let height = (22.0 * *n as f64 / tallest).max(1.0);
        let _ = write!(
            path,
            "M{} 24v-{}h{}v{}z",
            px(width * i as f64),
            px(height),
            px((width - 0.8).max(0.8)),
            px(height)
        );
    }
    html! {
        svg.spark viewBox="0 0 90 24" aria-hidden="true" { path.bar d=(path) {} }
    }
}
