//! What the checks share: the sampled rows, two halves of them, and the columns to look at.

use std::collections::HashMap;

use modelwright_core::Context;
use modelwright_core::data::{Column, Kind};
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use super::levels::Levels;
use super::score::{self, Score};
use super::{LeakageInput, ROWS_MAX};
use crate::sketch::hash;

/// A table prepared for scoring its columns one by one.
pub(super) struct Study<'a> {
    /// What was asked.
    pub input: &'a LeakageInput<'a>,
    /// The sampled rows, ascending.
    pub rows: Vec<u32>,
    /// Which half each sampled row belongs to.
    pub halves: Vec<bool>,
    /// The target of the sampled rows.
    pub target: Target,
}

/// A column with the score it reaches alone.
pub(super) struct Scored<'a> {
    /// The column.
    pub column: &'a Column,
    /// What it means.
    pub kind: Kind,
    /// How well it predicts the target alone, out of fold.
    pub score: Score,
}

impl<'a> Study<'a> {
    /// Samples rows and parts them into halves, independently of the user's seed.
    pub(super) fn new(input: &'a LeakageInput<'a>) -> Self {
        let rows = Random::stream(0, "leakage/rows", 0).sample(input.table.n_rows(), ROWS_MAX);
        let halves = rows.iter().map(|row| hash::of_bits(u64::from(*row)) & 1 == 1).collect();
        let target = input.target.select(&rows);
        Self { input, rows, halves, target }
    }

    /// The columns of the table other than the target, with their kinds.
    pub(super) fn columns(&self) -> Vec<(&'a Column, Kind)> {
        let fields = self.input.schema.fields.iter();
        let kinds: HashMap<&str, Kind> = fields.map(|f| (f.name.as_str(), f.kind)).collect();
        let kind = |c: &Column| kinds.get(c.name.as_str()).copied().unwrap_or(Kind::Unsupported);
        let columns = self.input.table.columns().iter();
        columns
            .filter(|c| c.name != self.input.target_column)
            .map(|column| (column, kind(column)))
            .collect()
    }

    /// The scores of all columns that could be used, and of identifiers.
    pub(super) fn scores(&self, ctx: &Context) -> Vec<Scored<'a>> {
        let columns: Vec<(&Column, Kind)> = self
            .columns()
            .into_iter()
            .filter(|(_, kind)| !matches!(kind, Kind::Constant | Kind::Unsupported | Kind::Text))
            .collect();
        ctx.map(columns.len(), |i| {
            let (column, kind) = columns[i];
            let levels = Levels::of(column, &self.rows, self.n_bins());
            let score = score::out_of_fold(&levels, &self.target, &self.halves);
            Scored { column, kind, score }
        })
    }

    /// Bins of a number: at least ten rows each, and finer where the target is a number.
    pub(super) fn n_bins(&self) -> usize {
        let most = if self.target.values().is_some() { 256 } else { 64 };
        (self.rows.len() / 10).clamp(2, most)
    }
}
