//! The number of a category, most frequent first: one cheap column for trees.
//!
//! A tree reaches any group of levels by a few splits on the code, so this is kept for columns of
//! few levels. Rare and unseen values have the number after the last level; missing is NaN.

use modelwright_core::data::{Column, Kind, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::transformer::{Encoded, Fitted, TransformInput, Transformer, TransformerSpec, strings};

declare_params! {
    /// Parameters of [`CategoryCode`].
    pub struct CategoryCodeParams {
        /// Levels with fewer training rows are pooled.
        min_count: usize = 1_usize, Domain::int(1, 1_000_000).log();
        /// Levels beyond the most frequent ones are pooled.
        max_levels: usize = 250_usize, Domain::int(1, 100_000).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct CategoryCode;

/// The levels, most frequent first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedCategoryCode {
    levels: Levels,
}

impl Transformer for CategoryCode {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "category_code",
        title: "Category number",
        text: "The number of the level, most frequent first.",
        reference: "none",
        kinds: &[Kind::Category, Kind::IntegerCategory, Kind::Boolean],
        sees_target: false,
        fills_missing: false,
    };
    type Params = CategoryCodeParams;
    type Fitted = FittedCategoryCode;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<CategoryCodeParams>,
        _: &Context,
    ) -> Result<FittedCategoryCode> {
        let (codes, dictionary) = strings(input.column)?;
        let of_rows =
            Levels::of_rows(codes, dictionary, input.rows, params.min_count, params.max_levels);
        Ok(FittedCategoryCode { levels: of_rows.levels })
    }
}

impl FittedCategoryCode {
    /// The levels, whose numbers are written.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }
}

impl Fitted for FittedCategoryCode {
    fn features(&self, column: &str) -> Vec<String> {
        vec![format!("{column}:code")]
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
        self.levels.validate("category_code")
    }
}
