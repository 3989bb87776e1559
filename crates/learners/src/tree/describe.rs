//! A tree for people: its nodes as a list with names, and as text with one line per node.
//!
//! ```text
//! age <= 32.5, missing yes | gain 812.4 | cover 2000 | mean 0.0123
//! ├─ yes: workclass in 1, 3, missing no | gain 97.1 | cover 900 | mean -0.312
//! │  ├─ yes: leaf -0.513 | cover 500
//! │  └─ no: leaf -0.0613 | cover 400
//! └─ no: leaf 0.286 | cover 1100
//! ```

use std::fmt::Write;

use serde::Serialize;

use super::Tree;

/// Levels that a line of text shows.
const LEVELS_SHOWN: usize = 12;
/// Significant digits of numbers in text.
const DIGITS: i32 = 4;

/// A node of a tree, by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Edges from the root.
    pub depth: usize,
    /// Place of its parent in the list; `None` for the root.
    pub parent: Option<usize>,
    /// Whether rows come here that pass the parent's test.
    pub yes: bool,
    /// What it asks; `None` for a leaf.
    pub test: Option<Question>,
    /// By how much its split reduced the loss; 0 for a leaf.
    pub gain: f64,
    /// Training rows (or their weight) that came here.
    pub cover: f64,
    /// What a leaf adds to each output; of an inner node, the mean of the leaves below by cover.
    pub values: Vec<f64>,
    /// The linear function of a leaf that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linear: Option<Linear>,
}

/// What an inner node asks of a feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    /// The feature.
    pub feature: String,
    /// Yes if the value is at most this; `None` when levels are tested, or presence only.
    pub threshold: Option<f32>,
    /// Yes if the value is one of these; `None` when a threshold is tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<u32>>,
    /// Whether a missing value is a yes.
    pub missing_yes: bool,
}

/// A linear function of features.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Linear {
    /// The constant term.
    pub constant: f64,
    /// Features with their coefficients.
    pub terms: Vec<(String, f64)>,
}

impl Question {
    /// The question without its answer for missing values, e.g. `age <= 32.5`.
    pub fn text(&self) -> String {
        match (&self.levels, self.threshold) {
            (Some(levels), _) => {
                let shown: Vec<String> =
                    levels.iter().take(LEVELS_SHOWN).map(u32::to_string).collect();
                let more = if levels.len() > LEVELS_SHOWN {
                    format!(", … ({} levels)", levels.len())
                } else {
                    String::new()
                };
                format!("{} in {}{more}", self.feature, shown.join(", "))
            }
            (None, Some(threshold)) => format!("{} <= {threshold}", self.feature),
            (None, None) => format!("{} is not missing", self.feature),
        }
    }
}

/// The nodes of a tree: each before those below it, the yes side before the no side.
///
/// # Panics
/// If `names` is shorter than the features that the tree tests.
pub fn nodes<S: AsRef<str>>(tree: &Tree, names: &[S]) -> Vec<Node> {
    let means = means(tree);
    let name = |feature: u32| names[feature as usize].as_ref().to_owned();
    let mut nodes: Vec<Node> = Vec::with_capacity(2 * tree.n_leaves() - 1);
    let root = if tree.features.is_empty() { !0 } else { 0 };
    let mut due = vec![(root, None, true, 0)];
    while let Some((child, parent, yes, depth)) = due.pop() {
        let place = nodes.len();
        let blank = Node {
            depth,
            parent,
            yes,
            test: None,
            gain: 0.0,
            cover: 0.0,
            values: Vec::new(),
            linear: None,
        };
        let Ok(node) = usize::try_from(child) else {
            let leaf = !child as usize;
            let linear = tree.linear.get(leaf).map(|l| Linear {
                constant: l.constant,
                terms: l.terms.iter().map(|(f, c)| (name(*f), *c)).collect(),
            });
            let values = tree.values[leaf * tree.width()..][..tree.width()].to_vec();
            let cover = f64::from(tree.leaf_covers[leaf]);
            nodes.push(Node { cover, values, linear, ..blank });
            continue;
        };
        nodes.push(Node {
            test: Some(question(tree, node, name(tree.features[node]))),
            gain: f64::from(tree.gains[node]),
            cover: f64::from(tree.covers[node]),
            values: means[node].clone(),
            ..blank
        });
        let [left, right] = tree.children[node];
        due.push((right, Some(place), false, depth + 1));
        due.push((left, Some(place), true, depth + 1));
    }
    nodes
}

fn question(tree: &Tree, node: usize, feature: String) -> Question {
    let set = tree.sets.binary_search_by_key(&(node as u32), |set| set.node);
    let levels = set.ok().map(|at| {
        let words = &tree.sets[at].words;
        (0..words.len() * 64)
            .filter(|level| words[level / 64] >> (level % 64) & 1 == 1)
            .map(|level| level as u32)
            .collect()
    });
    let threshold = Some(tree.thresholds[node]).filter(|t| levels.is_none() && t.is_finite());
    Question { feature, threshold, levels, missing_yes: tree.missing_left[node] }
}

/// For each inner node the mean of the leaves below by cover; 0 where nothing came.
fn means(tree: &Tree) -> Vec<Vec<f64>> {
    let width = tree.width();
    let mut sums = vec![vec![0.0; width]; tree.features.len()];
    let mut covers = vec![0.0; tree.features.len()];
    for node in (0..tree.features.len()).rev() {
        for child in tree.children[node] {
            let (sum, cover) = if let Ok(child) = usize::try_from(child) {
                (sums[child].clone(), covers[child])
            } else {
                let leaf = !child as usize;
                let cover = f64::from(tree.leaf_covers[leaf]);
                let values = &tree.values[leaf * width..][..width];
                (values.iter().map(|v| v * cover).collect(), cover)
            };
            covers[node] += cover;
            for (total, part) in sums[node].iter_mut().zip(sum) {
                *total += part;
            }
        }
    }
    for (sums, cover) in sums.iter_mut().zip(covers) {
        if cover > 0.0 {
            for sum in sums {
                *sum /= cover;
            }
        }
    }
    sums
}

/// The nodes as text, one line each.
pub fn text(nodes: &[Node]) -> String {
    let mut text = String::new();
    for (place, node) in nodes.iter().enumerate() {
        let mut bars = Vec::new();
        let mut at = place;
        while let Some(parent) = nodes[at].parent {
            bars.push(match (at == place, nodes[at].yes) {
                (true, true) => "├─ yes: ",
                (true, false) => "└─ no: ",
                (false, true) => "│  ",
                (false, false) => "   ",
            });
            at = parent;
        }
        bars.reverse();
        let values: Vec<String> = node.values.iter().map(|v| number(*v)).collect();
        let values = values.join(", ");
        let _ = match &node.test {
            Some(test) => writeln!(
                text,
                "{}{}, missing {} | gain {} | cover {} | mean {values}",
                bars.concat(),
                test.text(),
                if test.missing_yes { "yes" } else { "no" },
                number(node.gain),
                number(node.cover),
            ),
            None => writeln!(
                text,
                "{}leaf {values}{} | cover {}",
                bars.concat(),
                node.linear.as_ref().map_or(String::new(), linear),
                number(node.cover),
            ),
        };
    }
    text
}

fn linear(linear: &Linear) -> String {
    let term = |(name, c): &(String, f64)| format!(" + {} * {name}", number(*c));
    let terms: String = linear.terms.iter().map(term).collect();
    format!(" if a term is missing, else {}{terms}", number(linear.constant))
}

/// A number with four significant digits, whole numbers in full.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() || (value.fract() == 0.0 && value.abs() < 1e15) {
        return format!("{value}");
    }
    let power = value.abs().log10().floor() as i32;
    if !(-5..15).contains(&power) {
        return format!("{value:.*e}", DIGITS as usize - 1);
    }
    let text = format!("{value:.*}", (DIGITS - 1 - power).max(0) as usize);
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{LevelSet, LinearLeaf};

    fn tree() -> Tree {
        Tree {
            features: vec![0, 1, 0],
            thresholds: vec![32.5, 0.0, f32::INFINITY],
            missing_left: vec![true, false, false],
            children: vec![[1, 2], [!0, !1], [!2, !3]],
            gains: vec![812.4, 97.125, 0.5],
            covers: vec![2000.0, 900.0, 1100.0],
            values: vec![-0.5, -0.05, 0.3, 0.2],
            leaf_covers: vec![500.0, 400.0, 1000.0, 100.0],
            sets: vec![LevelSet { node: 1, words: vec![0b1010] }],
            ..Tree::default()
        }
    }

    #[test]
    fn each_node_is_a_line_with_names_and_numbers() {
        let nodes = nodes(&tree(), &["age", "workclass"]);
        assert_eq!(
            text(&nodes),
            "age <= 32.5, missing yes | gain 812.4 | cover 2000 | mean 0.025\n\
             ├─ yes: workclass in 1, 3, missing no | gain 97.12 | cover 900 | mean -0.3\n\
             │  ├─ yes: leaf -0.5 | cover 500\n\
             │  └─ no: leaf -0.05 | cover 400\n\
             └─ no: age is not missing, missing no | gain 0.5 | cover 1100 | mean 0.2909\n   \
             ├─ yes: leaf 0.3 | cover 1000\n   \
             └─ no: leaf 0.2 | cover 100\n"
        );
        assert_eq!(nodes[3].parent, Some(1));
    }

    #[test]
    fn a_constant_a_linear_leaf_and_several_outputs_have_a_line_too() {
        let constant = nodes(&Tree::constant(0.25, 7.0), &[] as &[&str]);
        assert_eq!(text(&constant), "leaf 0.25 | cover 7\n");
        let leaf = LinearLeaf { constant: 1.0, terms: vec![(1, -0.5)] };
        let linear = Tree { linear: vec![leaf; 4], ..tree() };
        let text_of_linear = text(&nodes(&linear, &["a", "b"]));
        assert!(text_of_linear.contains("leaf -0.5 if a term is missing, else 1 + -0.5 * b"));
        let wide = Tree { values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], ..tree() };
        assert!(text(&nodes(&wide, &["a", "b"])).contains("leaf 3, 4 | cover 400"));
    }

    #[test]
    fn numbers_keep_four_digits() {
        for (value, text) in [
            (1_234_567.8, "1234568"),
            (0.000_123_456, "0.0001235"),
            (-2.5e-7, "-2.500e-7"),
            (3.0, "3"),
            (0.3, "0.3"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
