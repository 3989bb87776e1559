//! A living example to copy: the length of a category's name.
//!
//! The steps: 1. this file, with the idea in its first lines; 2. parameters, declared once;
//! 3. what is learned, as plain data; 4. `impl Transformer`; 5. `impl Fitted`; 6. a test of what
//! only this transformer does. Then `pub mod …;` in `transform/mod.rs` and one line in
//! `catalog.rs`, which brings the conformance suite of `checks.rs`.

use modelwright_core::data::{Column, Kind};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, strings,
};

declare_params! {
    /// Parameters of [`NameLength`].
    pub struct NameLengthParams {
        /// Longer names count as this long.
        max_length: usize = 100_usize, Domain::int(1, 10_000).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct NameLength;

/// The levels of the training rows and the length of each; other and missing have 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedNameLength {
    levels: Levels,
    lengths: Vec<f32>,
}

impl Transformer for NameLength {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "name_length",
        title: "Length of the name",
        text: "How many characters the category's name has.",
        reference: "none",
        kinds: &[Kind::Category],
        sees_target: false,
        fills_missing: true,
    };
    type Params = NameLengthParams;
    type Fitted = FittedNameLength;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<NameLengthParams>,
        _: &Context,
    ) -> Result<FittedNameLength> {
        let (codes, dictionary) = strings(input.column)?;
        let levels = Levels::of_rows(codes, dictionary, input.rows, 1, usize::MAX).levels;
        let length = |name: &str| name.chars().count().min(params.max_length) as f32;
        let mut lengths: Vec<f32> = levels.names().iter().map(|n| length(n)).collect();
        lengths.extend([0.0, 0.0]);
        Ok(FittedNameLength { levels, lengths })
    }
}

impl Fitted for FittedNameLength {
    fn features(&self, column: &str) -> Vec<String> {
        vec![format!("{column}:length")]
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let values = self.levels.map_rows(codes, dictionary, |level| self.lengths[level]);
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn validate(&self) -> Result<()> {
        self.levels.validate("name_length")?;
        let usable = self.lengths.iter().all(|l| l.is_finite());
        if usable && self.lengths.len() == self.levels.n_codes() {
            Ok(())
        } else {
            Err(broken("name_length", "lengths that do not fit the levels"))
        }
    }
}
