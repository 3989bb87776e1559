//! A 0/1 column per frequent level, one for all rare levels, one for missing.
//!
//! The rules are those of scikit-learn's `OneHotEncoder(min_frequency, max_categories,
//! handle_unknown="infrequent_if_exist", drop="if_binary")`: rare levels share `x=(other)`, which
//! exists when training has rare levels and then also takes unseen values; without it an unseen
//! value is all zeros. `x=(missing)` exists when training has missing values. Where just two
//! columns would be each other's complement only the second (the less frequent level) is kept.

use modelwright_core::data::{Column, Kind, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, strings,
};

declare_params! {
    /// Parameters of [`OneHot`].
    pub struct OneHotParams {
        /// Levels with fewer training rows are pooled.
        min_count: usize = 5_usize, Domain::int(1, 1_000_000).log();
        /// Levels beyond the most frequent ones are pooled.
        max_levels: usize = 32_usize, Domain::int(1, 1000).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct OneHot;

/// The levels, and which of their columns exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedOneHot {
    levels: Levels,
    /// The level numbers (other and missing included) that have a column, ascending.
    shown: Vec<u32>,
}

impl Transformer for OneHot {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "one_hot",
        title: "One column per level",
        text: "0 or 1 per frequent level; rare levels share a column, missing has its own.",
        reference: "scikit-learn, OneHotEncoder",
        kinds: &[Kind::Category, Kind::IntegerCategory, Kind::Boolean],
        sees_target: false,
        fills_missing: true,
    };
    type Params = OneHotParams;
    type Fitted = FittedOneHot;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<OneHotParams>,
        _: &Context,
    ) -> Result<FittedOneHot> {
        let (codes, dictionary) = strings(input.column)?;
        let of_rows =
            Levels::of_rows(codes, dictionary, input.rows, params.min_count, params.max_levels);
        let mut shown: Vec<u32> =
            (0..of_rows.counts.len() as u32).filter(|l| of_rows.counts[*l as usize] > 0).collect();
        if shown.len() == 2 {
            shown.remove(0);
        }
        Ok(FittedOneHot { levels: of_rows.levels, shown })
    }
}

impl FittedOneHot {
    /// The levels.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// The numbers of the levels (other and missing included) that have a column, ascending.
    pub fn shown(&self) -> &[u32] {
        &self.shown
    }
}

impl Fitted for FittedOneHot {
    fn features(&self, column: &str) -> Vec<String> {
        let name = |level: &u32| match self.levels.names().get(*level as usize) {
            Some(text) => format!("{column}={text}"),
            None if *level as usize == self.levels.other() => format!("{column}=(other)"),
            None => format!("{column}=(missing)"),
        };
        self.shown.iter().map(name).collect()
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let levels = self.levels.map_rows(codes, dictionary, |level| level as u32);
        let one = |shown: &u32| levels.iter().map(|l| f32::from(u8::from(l == shown))).collect();
        Ok(Encoded { columns: self.shown.iter().map(one).collect(), sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(level) = self.levels.of_value(value) else { return false };
        for (place, shown) in out.iter_mut().zip(&self.shown) {
            *place = f32::from(u8::from(level as u32 == *shown));
        }
        true
    }

    fn validate(&self) -> Result<()> {
        self.levels.validate("one_hot")?;
        let ascending = self.shown.windows(2).all(|w| w[0] < w[1]);
        let in_range = self.shown.last().is_none_or(|l| (*l as usize) < self.levels.n_codes());
        if ascending && in_range {
            Ok(())
        } else {
            Err(broken("one_hot", "columns that do not fit the levels"))
        }
    }
}
