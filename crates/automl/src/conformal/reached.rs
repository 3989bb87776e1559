//! What intervals and sets reach on rows with known answers.

use modelwright_core::record::{Coverage, GroupCoverage, LevelRecord};
use modelwright_core::task::Target;
use modelwright_evaluate::conformal::coverage;

use super::Regions;

/// Of rows with known answers: whether their regions hold them, and how large they are.
///
/// Parts of a file are measured one after the other and put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// Level after level, ascending.
    levels: Vec<HeldLevel>,
    /// The group of each row; empty when there are none.
    groups: Vec<u32>,
    /// Group 0, 1, …; `None` stands for all rows without a group of their own.
    names: Vec<Option<String>>,
}

#[derive(Debug, Clone, PartialEq)]
struct HeldLevel {
    level: f64,
    held: Vec<bool>,
    sizes: Vec<f64>,
}

impl Held {
    /// Of regions and the truth of their rows, with the group of each row and the groups' names.
    pub(crate) fn of(
        regions: &Regions,
        truth: &Target,
        groups: Vec<u32>,
        names: Vec<Option<String>>,
    ) -> Self {
        let levels = match (regions, truth) {
            (Regions::Intervals(levels), Target::Real(values)) => levels
                .iter()
                .map(|of_level| HeldLevel {
                    level: of_level.level,
                    held: values
                        .iter()
                        .zip(&of_level.intervals)
                        .map(|(y, i)| i.low <= *y && *y <= i.high)
                        .collect(),
                    sizes: of_level.intervals.iter().map(|i| i.high - i.low).collect(),
                })
                .collect(),
            (Regions::Sets(levels), Target::Class { codes, .. }) => levels
                .iter()
                .map(|of_level| {
                    let rows = of_level.members.chunks_exact(of_level.n_classes);
                    let size = |row: &[bool]| row.iter().filter(|m| **m).count() as f64;
                    HeldLevel {
                        level: of_level.level,
                        sizes: rows.clone().map(size).collect(),
                        held: rows.zip(codes).map(|(row, code)| row[*code as usize]).collect(),
                    }
                })
                .collect(),
            _ => Vec::new(),
        };
        Self { levels, groups, names }
    }

    /// Adds the rows of another part, measured by the same predictor.
    pub fn append(&mut self, part: Self) {
        if self.levels.is_empty() {
            *self = part;
            return;
        }
        for (own, new) in self.levels.iter_mut().zip(part.levels) {
            own.held.extend(new.held);
            own.sizes.extend(new.sizes);
        }
        self.groups.extend(part.groups);
    }

    /// The first level, and what it reaches on some of the rows; `None` where none has weight.
    pub fn of_rows(
        &self,
        rows: &[u32],
        weights: Option<&[f64]>,
        units: Option<&[u32]>,
    ) -> Option<(f64, Coverage)> {
        self.levels_of_rows(rows, weights, units).into_iter().next()
    }

    /// Each level, and what it reaches on some of the rows; none where no row has weight. Weights
    /// and units are of all rows: a part of rows that belong together is no surer than they are.
    pub fn levels_of_rows(
        &self,
        rows: &[u32],
        weights: Option<&[f64]>,
        units: Option<&[u32]>,
    ) -> Vec<(f64, Coverage)> {
        let weights: Option<Vec<f64>> =
            weights.map(|w| rows.iter().map(|row| w[*row as usize]).collect());
        let units: Option<Vec<u32>> =
            units.map(|u| rows.iter().map(|row| u[*row as usize]).collect());
        let of_level = |level: &HeldLevel| {
            let held: Vec<bool> = rows.iter().map(|row| level.held[*row as usize]).collect();
            let sizes: Vec<f64> = rows.iter().map(|row| level.sizes[*row as usize]).collect();
            let reached = coverage(&held, &sizes, weights.as_deref(), units.as_deref());
            Some((level.level, reached.ok()?))
        };
        self.levels.iter().filter_map(of_level).collect()
    }

    /// The coverage of each level, and of each group that has rows; weights of all rows, and which
    /// of them belong together (`units`) and are no independent witnesses.
    pub fn reached(&self, weights: Option<&[f64]>, units: Option<&[u32]>) -> Vec<LevelRecord> {
        let of_level = |level: &HeldLevel| LevelRecord {
            level: level.level,
            reached: coverage(&level.held, &level.sizes, weights, units).ok(),
            groups: (0..self.names.len())
                .filter_map(|group| self.of_group(level, group, (weights, units)))
                .collect(),
        };
        self.levels.iter().map(of_level).collect()
    }

    fn of_group(
        &self,
        level: &HeldLevel,
        group: usize,
        (weights, units): (Option<&[f64]>, Option<&[u32]>),
    ) -> Option<GroupCoverage> {
        let own = || (0..self.groups.len()).filter(|row| self.groups[*row] as usize == group);
        let held: Vec<bool> = own().map(|row| level.held[row]).collect();
        let sizes: Vec<f64> = own().map(|row| level.sizes[row]).collect();
        let weights: Option<Vec<f64>> = weights.map(|w| own().map(|row| w[row]).collect());
        let units: Option<Vec<u32>> = units.map(|u| own().map(|row| u[row]).collect());
        let reached = coverage(&held, &sizes, weights.as_deref(), units.as_deref()).ok()?;
        Some(GroupCoverage { group: self.names[group].clone(), reached })
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::record::Interval;

    use super::*;
    use crate::conformal::LevelIntervals;

    #[test]
    fn a_part_of_rows_that_belong_together_is_no_surer_than_its_units() {
        // 30 patients with 12 visits each, 10 of them missed as a whole; the part takes a third of
        // the visits of everybody.
        let truth = Target::Real((0..360).map(|row| f64::from(row / 12 % 3)).collect());
        let intervals = vec![Interval { low: -0.5, high: 1.5 }; 360];
        let regions = Regions::Intervals(vec![LevelIntervals { level: 0.9, intervals }]);
        let held = Held::of(&regions, &truth, Vec::new(), Vec::new());
        let units: Vec<u32> = (0..360).map(|row| row / 12).collect();
        let part: Vec<u32> = (0..360).step_by(3).collect();
        let (level, of_part) = held.of_rows(&part, None, Some(&units)).unwrap();
        let whole = held.reached(None, Some(&units))[0].reached.unwrap();
        assert_eq!((level, of_part.n_rows), (0.9, 120));
        let width = |of: &Coverage| of.ci95.high - of.ci95.low;
        assert!(width(&of_part) > width(&whole) - 1e-9, "{of_part:?} {whole:?}");
        let of_rows = held.of_rows(&part, None, None).unwrap().1;
        assert!(width(&of_part) > 1.8 * width(&of_rows), "{of_part:?} {of_rows:?}");
    }
}
