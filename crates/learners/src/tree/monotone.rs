//! Makes a grown tree monotone, whatever its leaves were given.
//!
//! From the root down every node has bounds. At a node whose feature has a direction, the middle
//! between the values of its children bounds both: what lies left stays below it and what lies
//! right above (or the other way round). Leaves are clipped to their bounds. Two rows that differ
//! in such a feature alone part at a node that tests it, hence on the right sides of its middle.
//!
//! Growers search under the same bounds, so that little is left to clip; but values are renewed
//! after growing, and clipping is what guarantees the direction.
//! Reference: the "basic" method of LightGBM and XGBoost.

use modelwright_kernels::bounded::Bounds;

use super::model::Tree;

/// Clips `values`, one per leaf; `of_node` has the value that each inner node would have as leaf,
/// and `directions` the direction of its feature.
pub fn enforce(tree: &Tree, directions: &[i8], of_node: &[f64], values: &mut [f64]) {
    let mut bounds = vec![Bounds::NONE; of_node.len()];
    for (node, children) in tree.children.iter().enumerate() {
        let value = |child: i32| match usize::try_from(child) {
            Ok(inner) => of_node[inner],
            Err(_) => values[!child as usize],
        };
        let direction = directions.get(node).copied().unwrap_or(0);
        let of_children = bounds[node].of_children(direction, children.map(value));
        for (child, of_child) in children.iter().zip(of_children) {
            if let Ok(inner) = usize::try_from(*child) {
                bounds[inner] = of_child;
            } else {
                let leaf = !child as usize;
                values[leaf] = of_child.clip(values[leaf]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_clipped_to_the_middle_at_nodes_with_a_direction_only() {
        // Node 0 rises, node 1 (left) is free, node 2 (right) falls.
        let tree = Tree { children: vec![[1, 2], [!0, !1], [!2, !3]], ..Tree::default() };
        let mut values = [-5.0, 9.0, 2.0, 6.0];
        enforce(&tree, &[1, 0, -1], &[0.0, 1.0, 3.0], &mut values);
        assert_eq!(values, [-5.0, 2.0, 4.0, 4.0]);
    }
}
