//! The leaves of a tree from left to right; finds out on the way whether it is a tree.

/// Leaves from left to right.
pub(super) struct Order {
    pub(super) leaves: Vec<u32>,
    /// Position of each leaf in `leaves`.
    pub(super) rank: Vec<u32>,
    /// Inner nodes on the longest path.
    pub(super) depth: usize,
}

impl Order {
    /// # Panics
    /// If the children do not form a tree.
    pub(super) fn of(children: &[[i32; 2]]) -> Self {
        let n = children.len();
        let mut order =
            Self { leaves: Vec::with_capacity(n + 1), rank: vec![u32::MAX; n + 1], depth: 0 };
        let mut seen = vec![false; n];
        // (inner node or !leaf, depth); a stack, since trees may be deep.
        let mut stack = vec![(if n == 0 { !0 } else { 0 }, 0)];
        while let Some((child, depth)) = stack.pop() {
            order.depth = order.depth.max(depth);
            let Ok(node) = usize::try_from(child) else {
                order.visit_leaf(!child as u32);
                continue;
            };
            assert!(!std::mem::replace(&mut seen[node], true), "a node has one parent");
            let [left, right] = children[node];
            let inner = |child: i32| usize::try_from(child).unwrap_or(usize::MAX);
            assert!(inner(left) > node && inner(right) > node, "children come after their parent");
            stack.push((right, depth + 1));
            stack.push((left, depth + 1));
        }
        assert_eq!(order.leaves.len(), n + 1, "every leaf is reached");
        order
    }

    fn visit_leaf(&mut self, leaf: u32) {
        assert_eq!(self.rank[leaf as usize], u32::MAX, "a leaf has one parent");
        self.rank[leaf as usize] = self.leaves.len() as u32;
        self.leaves.push(leaf);
    }
}
