//! The number of a category for trees that split its levels as a set.
//!
//! The same numbers as [`super::category_code`], said to be names, not sizes: they become bins of
//! their own, and a tree sorts them by what their rows are worth. Rare and unseen values have the
//! number after the last level; missing is NaN, which is a level like any other.

use modelwright_core::data::{Column, Kind, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::transformer::{Encoded, Fitted, TransformInput, Transformer, TransformerSpec, strings};

declare_params! {
    /// Parameters of [`CategoryLevel`].
    pub struct CategoryLevelParams {
        /// Levels with fewer training rows are pooled.
        min_count: usize = 2_usize, Domain::int(1, 1_000_000).log();
        /// Levels beyond the most frequent ones are pooled.
        max_levels: usize = 250_usize, Domain::int(1, 250).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct CategoryLevel;

/// The levels, most frequent first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedCategoryLevel {
    levels: Levels,
}

impl Transformer for CategoryLevel {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "category_level",
        title: "Category level",
        text: "The number of the level as a name, for trees that split sets of levels.",
        reference: "Ke et al., LightGBM, NeurIPS 2017 (categorical features)",
        kinds: &[Kind::Category, Kind::IntegerCategory, Kind::Boolean],
        sees_target: false,
        fills_missing: false,
    };
    type Params = CategoryLevelParams;
    type Fitted = FittedCategoryLevel;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<CategoryLevelParams>,
        _: &Context,
    ) -> Result<FittedCategoryLevel> {
        let (codes, dictionary) = strings(input.column)?;
        let of_rows =
            Levels::of_rows(codes, dictionary, input.rows, params.min_count, params.max_levels);
        Ok(FittedCategoryLevel { levels: of_rows.levels })
    }
}

impl FittedCategoryLevel {
    /// The levels, whose numbers are written.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }
}

impl Fitted for FittedCategoryLevel {
    fn features(&self, column: &str) -> Vec<String> {
        vec![format!("{column}:level")]
    }

    fn writes_levels(&self) -> bool {
        true
    }

    fn largest_level(&self) -> Option<u32> {
        Some(self.levels.other() as u32)
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let missing = self.levels.missing();
        let value = |level| if level == missing { f32::NAN } else { level as f32 };
        let values = self.levels.map_rows(codes, dictionary, value);
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(level) = self.levels.of_value(value) else { return false };
        out[0] = if level == self.levels.missing() { f32::NAN } else { level as f32 };
        true
    }

    fn validate(&self) -> Result<()> {
        self.levels.validate("category_level")
    }
}
