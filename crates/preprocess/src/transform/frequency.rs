//! How common a category is: the share of training rows that have the same level.
//!
//! Tells a tree how far it may trust the level's target statistics, and is often a feature of its
//! own. Levels of one row and unseen values share one entry: 0. Missing has the share of missing.

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
    /// Parameters of [`Frequency`].
    pub struct FrequencyParams {
        /// Levels with fewer training rows count as unseen.
        min_count: usize = 2_usize, Domain::int(1, 1_000_000).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct Frequency;

/// The levels and their shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedFrequency {
    levels: Levels,
    /// Share of each level, of other and of missing.
    shares: Vec<f32>,
}

impl Transformer for Frequency {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "frequency",
        title: "Category frequency",
        text: "The share of training rows with the same level.",
        reference: "Micci-Barreca, SIGKDD Explorations 3(1), 2001, section 2",
        kinds: &[Kind::Category, Kind::IntegerCategory],
        sees_target: false,
        fills_missing: true,
    };
    type Params = FrequencyParams;
    type Fitted = FittedFrequency;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<FrequencyParams>,
        _: &Context,
    ) -> Result<FittedFrequency> {
        let (codes, dictionary) = strings(input.column)?;
        let of_rows = Levels::of_rows(codes, dictionary, input.rows, params.min_count, usize::MAX);
        let n = input.rows.len().max(1) as f64;
        let mut shares: Vec<f32> =
            of_rows.counts.iter().map(|count| (*count as f64 / n) as f32).collect();
        shares[of_rows.levels.other()] = 0.0;
        Ok(FittedFrequency { levels: of_rows.levels, shares })
    }
}

impl FittedFrequency {
    /// The levels.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// The share of each level, of other and of missing.
    pub fn shares(&self) -> &[f32] {
        &self.shares
    }
}

impl Fitted for FittedFrequency {
    fn features(&self, column: &str) -> Vec<String> {
        vec![format!("{column}:frequency")]
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let values = self.levels.map_rows(codes, dictionary, |level| self.shares[level]);
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(level) = self.levels.of_value(value) else { return false };
        out[0] = self.shares[level];
        true
    }

    fn validate(&self) -> Result<()> {
        self.levels.validate("frequency")?;
        let usable = self.shares.iter().all(|s| (0.0..=1.0).contains(s));
        if usable && self.shares.len() == self.levels.n_codes() {
            Ok(())
        } else {
            Err(broken("frequency", "shares that do not fit the levels"))
        }
    }
}
