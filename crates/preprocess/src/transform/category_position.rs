//! The position of a category in a list: what a model of another library was trained on.
//!
//! Fitted on data, the list is in the order of the texts. A value that is not in the list is
//! missing, or has the position after the last.

use std::sync::Arc;

use modelwright_core::data::{Column, Kind, MISSING_CODE, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, strings,
};

/// Positions from here on are not all f32.
const N_LEVELS_MAX: usize = 1 << 24;

declare_params! {
    /// Parameters of [`CategoryPosition`].
    pub struct CategoryPositionParams {
        /// A value that is not in the list is missing.
        unlisted_is_missing: bool = true, Domain::Flag;
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct CategoryPosition;

/// The list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedCategoryPosition {
    levels: Levels,
    unlisted_is_missing: bool,
}

impl FittedCategoryPosition {
    /// The list.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Whether a value that is not in the list is missing; else it has the place after the last.
    pub fn unlisted_is_missing(&self) -> bool {
        self.unlisted_is_missing
    }

    /// Of a list of distinct texts.
    ///
    /// # Errors
    /// Input error for a text that occurs twice, or too many.
    pub fn new(texts: Vec<Arc<str>>, unlisted_is_missing: bool) -> Result<Self> {
        let fitted = Self { levels: Levels::from(texts), unlisted_is_missing };
        fitted.validate()?;
        Ok(fitted)
    }
}

impl Transformer for CategoryPosition {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "category_position",
        title: "Category position",
        text: "The position of the level in a list, as an imported model numbers its categories.",
        reference: "none",
        kinds: &[Kind::Category, Kind::IntegerCategory, Kind::Boolean],
        sees_target: false,
        fills_missing: false,
    };
    type Params = CategoryPositionParams;
    type Fitted = FittedCategoryPosition;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<CategoryPositionParams>,
        _: &Context,
    ) -> Result<FittedCategoryPosition> {
        let (codes, dictionary) = strings(input.column)?;
        let used = input.rows.iter().map(|row| codes[*row as usize]);
        let mut texts: Vec<Arc<str>> =
            used.filter(|code| *code != MISSING_CODE).map(|c| dictionary.get(c).into()).collect();
        texts.sort_unstable();
        texts.dedup();
        FittedCategoryPosition::new(texts, params.unlisted_is_missing)
    }
}

impl Fitted for FittedCategoryPosition {
    fn features(&self, column: &str) -> Vec<String> {
        vec![column.to_owned()]
    }

    fn largest_level(&self) -> Option<u32> {
        Some(self.levels.other() as u32)
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let (other, missing) = (self.levels.other(), self.levels.missing());
        let value = |level| {
            if level == missing || level == other && self.unlisted_is_missing {
                f32::NAN
            } else {
                level as f32
            }
        };
        let values = self.levels.map_rows(codes, dictionary, value);
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(level) = self.levels.of_value(value) else { return false };
        let (other, missing) = (self.levels.other(), self.levels.missing());
        let is_missing = level == missing || level == other && self.unlisted_is_missing;
        out[0] = if is_missing { f32::NAN } else { level as f32 };
        true
    }

    fn validate(&self) -> Result<()> {
        if self.levels.len() >= N_LEVELS_MAX {
            return Err(broken("category_position", "more levels than there are exact numbers"));
        }
        self.levels.validate("category_position")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_its_position_and_others_are_missing_or_last() {
        let column = Column::strings("c", [Some("b"), Some("z"), None, Some("a")]);
        let values = |unlisted_is_missing| {
            let texts = ["b", "a"].map(Arc::from).to_vec();
            let fitted = FittedCategoryPosition::new(texts, unlisted_is_missing).unwrap();
            fitted.transform(&column, &Context::unlimited(0, 1)).unwrap().columns.remove(0)
        };
        assert_eq!(values(false)[..2], [0.0, 2.0]);
        assert!(values(true)[1].is_nan() && values(true)[2].is_nan());
        assert_eq!(values(true)[3], 1.0);
        assert!(FittedCategoryPosition::new(["a", "a"].map(Arc::from).to_vec(), true).is_err());
    }
}
