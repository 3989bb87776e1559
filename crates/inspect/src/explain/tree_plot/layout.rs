//! Where the nodes of a tree go: the root at the left, a row for each leaf, parents between their
//! children, a column for each level as wide as its widest text.

use modelwright_learners::tree::describe::Node;

/// Height of the row of a leaf, in pixels.
const ROW: f64 = 36.0;
/// Width of a character of bold 12 px text, in pixels, on the safe side.
const CHARACTER: f64 = 7.5;
/// Room beside the text of a box, in pixels.
const PADDING: f64 = 20.0;
/// Between columns, in pixels: room for "yes · missing" beside an edge.
const GAP: f64 = 112.0;
/// Characters of a line of a box; what is longer is cut.
pub(super) const MAX_CHARACTERS: usize = 42;

/// A box of the drawing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// The node's place in the list of nodes.
    pub(super) node: usize,
    /// Its box: left edge, middle, width and height in pixels.
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// The box of its parent in the list of places.
    pub(super) parent: Option<usize>,
    /// Leaves hidden behind it, if it stands for all that is below it.
    pub(super) folded: Option<usize>,
    /// Lines of text.
    pub(super) lines: Vec<String>,
}

/// The drawing: its boxes, each before those below it, and its size in pixels.
pub(super) struct Layout {
    pub(super) places: Vec<Place>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Lays out the nodes down to `max_depth`; what is deeper is folded into one box.
///
/// `lines(node, leaves hidden)` is the text of a box.
pub(super) fn layout(
    nodes: &[Node],
    max_depth: usize,
    top: f64,
    lines: impl Fn(&Node, Option<usize>) -> Vec<String>,
) -> Layout {
    let leaves = leaves_below(nodes);
    let mut at = vec![None; nodes.len()];
    let mut places: Vec<Place> = Vec::new();
    let mut next = top + ROW / 2.0;
    for (i, node) in nodes.iter().enumerate().filter(|(_, n)| n.depth <= max_depth) {
        let folded = (node.test.is_some() && node.depth == max_depth).then(|| leaves[i]);
        let inner = node.test.is_some() && folded.is_none();
        let lines = lines(node, folded);
        let widest = lines.iter().map(|l| l.chars().count().min(MAX_CHARACTERS)).max();
        at[i] = Some(places.len());
        places.push(Place {
            node: i,
            x: 0.0,
            y: if inner { f64::NAN } else { next },
            width: widest.unwrap_or(0) as f64 * CHARACTER + PADDING,
            height: if inner { 42.0 } else { 28.0 },
            parent: node.parent.and_then(|p| at[p]),
            folded,
            lines,
        });
        if !inner {
            next += ROW;
        }
    }
    between_children(&mut places);
    let width = columns(nodes, &mut places);
    // The box of a root without children, or of two leaves, is higher than their rows.
    let height = places.iter().map(|p| p.y + p.height / 2.0).fold(next - ROW / 2.0, f64::max);
    Layout { places, width, height }
}

fn leaves_below(nodes: &[Node]) -> Vec<usize> {
    let mut leaves = vec![0; nodes.len()];
    for (i, node) in nodes.iter().enumerate().rev() {
        leaves[i] += usize::from(node.test.is_none());
        if let Some(parent) = node.parent {
            leaves[parent] += leaves[i];
        }
    }
    leaves
}

/// Moves each parent to the middle of its children: they come after it in the list.
fn between_children(places: &mut [Place]) {
    let mut sums = vec![(0.0, 0.0); places.len()];
    for i in (0..places.len()).rev() {
        if places[i].y.is_nan() {
            places[i].y = sums[i].0 / sums[i].1;
        }
        if let Some(parent) = places[i].parent {
            sums[parent].0 += places[i].y;
            sums[parent].1 += 1.0;
        }
    }
}

/// Gives each level its column; returns where the last one ends.
fn columns(nodes: &[Node], places: &mut [Place]) -> f64 {
    let depth = |p: &Place| nodes[p.node].depth;
    let deepest = places.iter().map(depth).max().unwrap_or(0);
    let mut x = 16.0;
    for level in 0..=deepest {
        let of_level = places.iter_mut().filter(|p| nodes[p.node].depth == level);
        let mut widest: f64 = 0.0;
        for place in of_level {
            place.x = x;
            widest = widest.max(place.width);
        }
        x += widest + if level < deepest { GAP } else { 16.0 };
    }
    x
}
