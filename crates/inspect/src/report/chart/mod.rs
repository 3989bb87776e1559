//! Charts as data, and their drawings as SVG.
//!
//! A [`Chart`] says what is plotted; each [`Plot`] has a file that draws it, with axes, units and
//! an accessible title.
//! Colours are classes that the page's style sheet resolves, so one drawing serves light, dark and
//! print. Drawings are made for a width of 400 pixels, so that text keeps its size on a phone.

mod bar;
mod bundle;
mod cell;
mod curve;
mod dots;
mod frame;
mod heat;
mod histogram;
mod line;
mod lines;
mod profile;
mod reliability;
mod scatter;
mod swarm;
mod waterfall;

use maud::{Markup, html};
use modelwright_core::record::{
    Bin, CalibrationBin, CurvePoint, Interval, ProfilePointRecord, SwarmBin,
};
use serde::Serialize;

pub(crate) use cell::cell;

/// A chart: what is plotted against what, and what to see in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What to see in it, in words, with the rows that it rests on: also its text for screen
    /// readers, and all that Markdown shows of it.
    pub summary: String,
    /// The horizontal axis, with its unit.
    pub x: String,
    /// The vertical axis, with its unit; empty where the rows name themselves.
    pub y: String,
    /// What is plotted.
    pub plot: Plot,
}

/// What is plotted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Plot {
    /// Horizontal bars from zero, with intervals.
    Bars(Vec<Estimate>),
    /// Points with intervals on one scale, and a reference line.
    Dots {
        /// The points, from top to bottom.
        estimates: Vec<Estimate>,
        /// Where the reference stands, e.g. the baseline.
        reference: Option<f64>,
    },
    /// A curve in the unit square.
    Curve {
        /// Its points.
        points: Vec<CurvePoint>,
        /// The line of a model that knows nothing.
        reference: Reference,
        /// The point in use.
        mark: Option<Mark>,
    },
    /// A line over the range of its points.
    Line {
        /// Its points, from left to right.
        points: Vec<CurvePoint>,
        /// A horizontal line to compare with.
        reference: Option<f64>,
        /// The point in use.
        mark: Option<Mark>,
    },
    /// Several lines over one range.
    Lines {
        /// The lines, the first one the boldest.
        lines: Vec<NamedLine>,
        /// The point in use.
        mark: Option<Mark>,
    },
    /// Many thin lines in groups, with the mean of each group.
    Bundles {
        /// Where the values of every line stand, ascending.
        xs: Vec<f64>,
        /// The groups.
        bundles: Vec<Bundle>,
    },
    /// Bars of a histogram.
    Histogram(Vec<Bin>),
    /// Predicted (horizontal) against true (vertical), with the diagonal.
    Scatter(Vec<CurvePoint>),
    /// Counts by row and column.
    Heat {
        /// Names of rows and columns.
        classes: Vec<String>,
        /// `counts[row][column]`.
        counts: Vec<Vec<u64>>,
    },
    /// Predicted against observed shares, with intervals.
    Reliability {
        /// The bins.
        bins: Vec<CalibrationBin>,
        /// Where 95 % of the observed shares of each bin would lie if the probabilities were
        /// honest; empty where that is not known.
        consistent: Vec<Interval>,
    },
    /// For each column how many rows have which effect.
    Swarm(Vec<Swarm>),
    /// How predictions move along a column.
    Profile(Vec<ProfilePointRecord>),
    /// From a base value to a prediction.
    Waterfall {
        /// Where it begins.
        base: f64,
        /// The steps, from top to bottom.
        steps: Vec<Step>,
    },
}

/// A line and its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedLine {
    /// What it is of.
    pub label: String,
    /// Its points, from left to right.
    pub points: Vec<CurvePoint>,
}

/// Thin lines that belong together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bundle {
    /// What they are of.
    pub label: String,
    /// The thin lines, each with a value for every place.
    pub lines: Vec<Vec<f64>>,
    /// Their mean.
    pub mean: Vec<f64>,
}

/// The effects of one column on many rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Swarm {
    /// The column.
    pub label: String,
    /// Rows by effect and size of the value; equal effects stand together.
    pub bins: Vec<SwarmBin>,
}

/// What a column adds to one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The column and its value.
    pub label: String,
    /// What it adds.
    pub effect: f64,
}

/// A named value with its interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// What it is of.
    pub label: String,
    /// The value.
    pub value: f64,
    /// Its 95 % interval.
    pub ci95: Option<Interval>,
    /// Whether the eye should go there.
    pub emphasis: bool,
}

/// The line of a model that knows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// From the origin to the opposite corner.
    Diagonal,
    /// Horizontal at this height.
    Level(f64),
}

/// A marked point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Horizontal.
    pub x: f64,
    /// Vertical.
    pub y: f64,
    /// What it is.
    pub label: String,
}

/// Draws a chart.
pub(crate) fn svg(chart: &Chart) -> Markup {
    match &chart.plot {
        Plot::Bars(bars) => bar::draw(chart, bars),
        Plot::Dots { estimates, reference } => dots::draw(chart, estimates, *reference),
        Plot::Curve { points, reference, mark } => {
            curve::draw(chart, points, *reference, mark.as_ref())
        }
        Plot::Line { points, reference, mark } => {
            line::draw(chart, points, *reference, mark.as_ref())
        }
        Plot::Lines { lines, mark } => lines::draw(chart, lines, mark.as_ref()),
        Plot::Bundles { xs, bundles } => bundle::draw(chart, xs, bundles),
        Plot::Histogram(bins) => histogram::draw(chart, bins),
        Plot::Scatter(points) => scatter::draw(chart, points),
        Plot::Heat { classes, counts } => heat::draw(chart, classes, counts),
        Plot::Reliability { bins, consistent } => reliability::draw(chart, bins, consistent),
        Plot::Swarm(swarms) => swarm::draw(chart, swarms),
        Plot::Profile(points) => profile::draw(chart, points),
        Plot::Waterfall { base, steps } => waterfall::draw(chart, *base, steps),
    }
}

/// The SVG element around a drawing; the caption of its figure names it for screen readers.
fn canvas(chart: &Chart, width: f64, height: f64, drawing: &Markup) -> Markup {
    canvas_of(chart, (width, height), None, drawing)
}

/// A drawing whose line can be followed: `scale` is that of its frame.
fn canvas_of(
    chart: &Chart,
    (width, height): (f64, f64),
    scale: Option<String>,
    drawing: &Markup,
) -> Markup {
    let label = format!("{}. {}", chart.title, chart.summary);
    html! {
        svg viewBox=(format!("0 0 {} {}", frame::px(width), frame::px(height)))
            role="img" aria-label=(label) data-scale=[scale] { (drawing) }
    }
}
