//! The parts of the judged rows: what corrects one of them was learned from the others.

use std::collections::BTreeMap;

use modelwright_core::Context;
use modelwright_core::data::Fold;

use crate::conformal::Parts;
use crate::search::Found;

/// The folds, or random parts of one validation part; rows of a group stay together.
pub(super) fn parts_of(folds: &[Fold], found: &Found, ctx: &Context) -> Parts {
    let parts = Parts::of(folds, ctx);
    let Some(groups) = found.groups.as_ref().filter(|_| !parts.are_folds) else { return parts };
    let mut of_groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (position, group) in (0..).zip(groups) {
        of_groups.entry(*group).or_default().push(position);
    }
    let n = parts.positions.len();
    let mut rows: Vec<Vec<u32>> = of_groups.into_values().collect();
    ctx.random("second-level/groups", 0).shuffle(&mut rows);
    let mut positions = vec![Vec::new(); n];
    for (i, rows) in rows.into_iter().enumerate() {
        positions[i % n].extend(rows);
    }
    for part in &mut positions {
        part.sort_unstable();
    }
    positions.retain(|part| !part.is_empty());
    Parts { positions, are_folds: false }
}
