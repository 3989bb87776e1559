//! A tree as a picture: an SVG file that stands alone, readable in light and dark.
//!
//! Read from left to right: each box asks, the line to the next box is as thick as the share of
//! the training rows that took it, and a leaf is coloured by what it adds to the score. Colour is
//! never alone: the number stands in the leaf, with its sign.

mod layout;

use maud::{Markup, PreEscaped, html};
use modelwright_core::error::shorten;
use modelwright_learners::tree::describe::{Node, Question, number};

use crate::report::counted;
use layout::{Layout, MAX_CHARACTERS, Place, layout};

/// Where the boxes begin, below the titles, in pixels.
const TOP: f64 = 64.0;
/// Room for the key at the bottom, in pixels.
const KEY: f64 = 40.0;
/// The least width of a picture, so that titles and key fit, in pixels.
const MIN_WIDTH: f64 = 560.0;
/// Thickness of the thickest and thinnest line, in pixels.
const THICK: f64 = 9.0;
const THIN: f64 = 1.2;
/// Characters of a threshold that is drawn as it is.
const MAX_DIGITS: usize = 8;

/// What to draw of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreePlot<'a> {
    /// The title.
    pub title: &'a str,
    /// Which number of the leaves, if they have several.
    pub output: usize,
    /// Levels below the root that are drawn; deeper parts become one box.
    pub max_depth: usize,
}

const STYLE: &str = "\
svg { --page: #ffffff; --card: #f6f8fb; --ink: #1b2430; --soft: #566273; --line: #c3ccd8;\
 --up: 42, 91, 215; --down: 201, 111, 18; background: var(--page); }\
@media (prefers-color-scheme: dark) { svg { --page: #12171e; --card: #1b222c; --ink: #e6ebf2;\
 --soft: #9aa7b8; --line: #465265; --up: 110, 155, 255; --down: 240, 165, 80; } }\
text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif;\
 fill: var(--ink); font-variant-numeric: tabular-nums; }\
.title { font-size: 16px; font-weight: 600; }\
.soft { fill: var(--soft); font-size: 11px; }\
.ask { font-weight: 600; }\
.way { fill: var(--soft); font-size: 11px; paint-order: stroke; stroke: var(--page);\
 stroke-width: 4px; stroke-linejoin: round; }\
.box { fill: var(--card); stroke: var(--line); }\
.folded { fill: none; stroke: var(--line); stroke-dasharray: 4 3; }\
.edge { fill: none; stroke: var(--line); stroke-linecap: butt; }\
.up { fill: rgba(var(--up), var(--depth)); stroke: rgb(var(--up)); }\
.down { fill: rgba(var(--down), var(--depth)); stroke: rgb(var(--down)); }\
.level { fill: var(--card); stroke: var(--line); }";

/// Draws a tree from its nodes ([`modelwright_learners::tree::describe::nodes`]).
///
/// # Panics
/// If there are no nodes, or they have no such output.
pub fn tree_svg(nodes: &[Node], plot: &TreePlot<'_>) -> String {
    let Layout { places, width, height } =
        layout(nodes, plot.max_depth, TOP, |node, folded| lines(node, folded, plot.output));
    let (width, bottom) = (width.max(MIN_WIDTH), height + KEY);
    let n_leaves = nodes.iter().filter(|n| n.test.is_none()).count();
    let depth = nodes.iter().map(|n| n.depth).max().unwrap_or(0);
    let about = format!(
        "{}, {} deep, {}",
        counted(n_leaves, "leaf", "leaves"),
        counted(depth, "level", "levels"),
        cover(nodes[0].cover)
    );
    let leaves = nodes.iter().filter(|n| n.test.is_none());
    let largest = leaves.map(|n| n.values[plot.output].abs()).fold(0.0, f64::max);
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {} {}", px(width), px(bottom)))
            width=(px(width)) height=(px(bottom)) role="img"
            aria-label=(format!("{}. {about}", plot.title)) {
            style { (PreEscaped(STYLE)) }
            text.title x="16" y="28" { (shorten(plot.title, (width / 9.0) as usize)) }
            text.soft x="16" y="47" { (about) }
            @for place in &places { (edge(nodes, &places, place)) }
            @for place in &places {
                (draw_box(&nodes[place.node], place, plot.output, largest))
            }
            (key(height + 22.0))
        }
    };
    format!("{}\n", svg.into_string())
}

/// The text of a box.
fn lines(node: &Node, folded: Option<usize>, output: usize) -> Vec<String> {
    match (&node.test, folded) {
        (Some(test), None) => {
            vec![ask(test), format!("gain {} · {}", number(node.gain), cover(node.cover))]
        }
        (_, Some(hidden)) => {
            vec![format!("{} more · {}", counted(hidden, "leaf", "leaves"), cover(node.cover))]
        }
        (None, None) => {
            let and = if node.linear.is_some() { " + linear" } else { "" };
            let value = signed(node.values[output]);
            vec![format!("{value}{and} · {}", cover(node.cover))]
        }
    }
}

/// A question that fits in a box: long names and thresholds are cut.
fn ask(test: &Question) -> String {
    let Some(threshold) = test.threshold else { return shorten(&test.text(), MAX_CHARACTERS) };
    let exact = threshold.to_string();
    let short = if exact.len() > MAX_DIGITS { number(f64::from(threshold)) } else { exact };
    format!("{} ≤ {short}", shorten(&test.feature, MAX_CHARACTERS - 3 - MAX_DIGITS))
}

/// A line from the parent's box, with its answer.
fn edge(nodes: &[Node], places: &[Place], place: &Place) -> Markup {
    let Some(parent) = place.parent.map(|p| &places[p]) else { return html! {} };
    let node = &nodes[place.node];
    let share = if nodes[0].cover > 0.0 { node.cover / nodes[0].cover } else { 0.0 };
    let (x, to) = (parent.x + parent.width, place.x);
    // Lines of a level bend at one place, where the column of the parents ends.
    let bend = to - 56.0;
    let path = format!(
        "M{} {}C{} {} {} {} {} {}",
        px(x),
        px(parent.y),
        px(f64::midpoint(x, to)),
        px(parent.y),
        px(bend.max(f64::midpoint(x, to) - 30.0)),
        px(place.y),
        px(to),
        px(place.y)
    );
    let missing = nodes[parent.node].test.as_ref().is_some_and(|t| t.missing_yes == node.yes);
    // Lines to a yes rise and lines to a no fall: the word stands on the other side.
    let (answer, y) = if node.yes { ("yes", place.y - 7.0) } else { ("no", place.y + 15.0) };
    html! {
        path.edge d=(path) stroke-width=(px(THIN + (THICK - THIN) * share.clamp(0.0, 1.0))) {}
        text.way x=(px(to - 7.0)) y=(px(y)) text-anchor="end" {
            (answer) @if missing { " · missing" }
        }
    }
}

fn draw_box(node: &Node, place: &Place, output: usize, largest: f64) -> Markup {
    let top = place.y - place.height / 2.0;
    let value = node.values[output];
    let class = match (&node.test, place.folded) {
        (_, Some(_)) => "folded",
        (Some(_), None) => "box",
        (None, None) if value > 0.0 => "up",
        (None, None) if value < 0.0 => "down",
        (None, None) => "level",
    };
    let depth = 0.06 + 0.3 * if largest > 0.0 { value.abs() / largest } else { 0.0 };
    let radius = if node.test.is_none() { "14" } else { "6" };
    html! {
        rect class=(class) style=(format!("--depth: {depth:.2}")) x=(px(place.x)) y=(px(top))
            width=(px(place.width)) height=(px(place.height)) rx=(radius) {}
        @if place.lines.len() == 2 {
            text.ask x=(px(place.x + 10.0)) y=(px(place.y - 4.0)) { (place.lines[0]) }
            text.soft x=(px(place.x + 10.0)) y=(px(place.y + 12.0)) { (place.lines[1]) }
        } @else {
            text x=(px(place.x + 10.0)) y=(px(place.y + 4.0)) { (place.lines[0]) }
        }
    }
}

/// What colours and lines mean.
fn key(y: f64) -> Markup {
    let sample = |class: &str, x: f64| {
        html! {
            rect class=(class) style="--depth: .3" x=(px(x)) y=(px(y - 10.0)) width="20" height="12"
                rx="6" {}
        }
    };
    html! {
        (sample("up", 16.0))
        text.soft x="42" y=(px(y)) { "raises the score" }
        (sample("down", 146.0))
        text.soft x="172" y=(px(y)) { "lowers it" }
        line.edge x1="240" x2="270" y1=(px(y - 4.0)) y2=(px(y - 4.0)) stroke-width="5" {}
        text.soft x="278" y=(px(y)) { "thicker: more training rows" }
    }
}

/// A number with its sign: `+0.213`, `−0.5`, `0`.
fn signed(value: f64) -> String {
    match value {
        v if v > 0.0 => format!("+{}", number(v)),
        v if v < 0.0 => format!("−{}", number(-v)),
        _ => "0".to_owned(),
    }
}

/// Training rows of a node, or their weight.
fn cover(cover: f64) -> String {
    if cover.fract() == 0.0 && cover < 1e15 {
        counted(cover as usize, "row", "rows")
    } else {
        format!("weight {}", number(cover))
    }
}

/// A coordinate as text.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use modelwright_learners::tree::{Tree, describe};

    use super::*;

    /// A full tree of the given depth.
    fn full(depth: u32) -> Vec<Node> {
        let n = (1_usize << depth) - 1;
        let child = |i: usize| {
            let place = i32::try_from(if i < n { i } else { i - n }).unwrap();
            if i < n { place } else { !place }
        };
        let cover = |i: usize| 1024.0 / (1 << (i + 1).ilog2()) as f32;
        let tree = Tree {
            features: (0..n).map(|i| (i % 3) as u32).collect(),
            thresholds: (0..n).map(|i| i as f32 + 0.5).collect(),
            missing_left: (0..n).map(|i| i % 2 == 0).collect(),
            children: (0..n).map(|i| [child(2 * i + 1), child(2 * i + 2)]).collect(),
            gains: (0..n).map(|i| 100.0 / (i + 1) as f32).collect(),
            covers: (0..n).map(cover).collect(),
            values: (0..=n).map(|i| (i as f64).sin()).collect(),
            leaf_covers: (n..=2 * n).map(cover).collect(),
            ..Tree::default()
        };
        tree.validate(3, 1).unwrap();
        describe::nodes(&tree, &["age", "hours & <pay>", "a feature with a very long name indeed"])
    }

    const PLOT: TreePlot<'_> = TreePlot { title: "Tree 1 of 3", output: 0, max_depth: 5 };

    #[test]
    fn every_node_has_a_box_with_its_words_and_names_are_escaped() {
        let svg = tree_svg(&full(3), &PLOT);
        assert_eq!(svg.matches("class=\"box\"").count(), 7);
        assert_eq!(svg.matches("<path").count(), 14);
        assert!(svg.contains("age ≤ 0.5") && svg.contains("hours &amp; &lt;pay&gt; ≤ 1.5"));
        assert!(svg.contains("gain 100 · 1,024 rows") && svg.contains("yes · missing"));
        assert!(svg.contains("+0.8415 · 128 rows") && !svg.contains("NaN"));
    }

    #[test]
    fn deep_parts_are_folded_and_a_lone_leaf_is_drawn() {
        let svg = tree_svg(&full(6), &TreePlot { max_depth: 2, ..PLOT });
        assert_eq!(svg.matches("class=\"folded\"").count(), 4);
        assert!(svg.contains("16 leaves more · 256 rows"));
        let lone = describe::nodes(&Tree::constant(0.0, 5.0), &[] as &[&str]);
        let svg = tree_svg(&lone, &TreePlot { max_depth: 0, ..PLOT });
        assert!(svg.contains("0 · 5 rows") && !svg.contains("NaN"));
    }

    #[test]
    fn boxes_of_a_level_never_overlap() {
        for depth in 1..=6 {
            let nodes = full(depth);
            let layout = layout(&nodes, 6, TOP, |n, f| lines(n, f, 0));
            for a in &layout.places {
                assert!(a.x + a.width <= layout.width && a.y + a.height / 2.0 <= layout.height);
                for b in &layout.places {
                    let apart = (a.y - b.y).abs() >= f64::midpoint(a.height, b.height);
                    assert!(a.x != b.x || a.node == b.node || apart, "{a:?} {b:?}");
                }
            }
        }
    }
}
