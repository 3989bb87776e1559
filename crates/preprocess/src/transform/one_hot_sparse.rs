//! A column per level, however many there are, as a sparse block: one entry per row.
//!
//! As [`super::one_hot`], for categories of so many levels that most entries would be zeros. Rare
//! and unseen values share the column after the last level, missing has the one after that; both
//! exist always, so that the number of a level is its column. Memory: 12 bytes per row.

use modelwright_core::data::{Column, Kind, RawValue, SparseColumns};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::transformer::{Encoded, Fitted, TransformInput, Transformer, TransformerSpec, strings};

declare_params! {
    /// Parameters of [`OneHotSparse`].
    pub struct OneHotSparseParams {
        /// Levels with fewer training rows are pooled.
        min_count: usize = 2_usize, Domain::int(1, 1_000_000).log();
        /// Levels beyond the most frequent ones are pooled.
        max_levels: usize = 65_536_usize, Domain::int(1, 16_777_216).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct OneHotSparse;

/// The levels, whose numbers are the columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedOneHotSparse {
    levels: Levels,
}

impl Transformer for OneHotSparse {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "one_hot_sparse",
        title: "One sparse column per level",
        text: "1 in the column of the level, sparse; rare levels share one, missing has its own.",
        reference: "scikit-learn, OneHotEncoder(sparse_output=True)",
        kinds: &[Kind::Category, Kind::IntegerCategory],
        sees_target: false,
        fills_missing: true,
    };
    type Params = OneHotSparseParams;
    type Fitted = FittedOneHotSparse;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<OneHotSparseParams>,
        _: &Context,
    ) -> Result<FittedOneHotSparse> {
        let (codes, dictionary) = strings(input.column)?;
        let of_rows =
            Levels::of_rows(codes, dictionary, input.rows, params.min_count, params.max_levels);
        Ok(FittedOneHotSparse { levels: of_rows.levels })
    }
}

impl FittedOneHotSparse {
    /// The levels.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }
}

impl Fitted for FittedOneHotSparse {
    fn features(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn n_sparse(&self) -> usize {
        self.levels.n_codes()
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let indices = self.levels.map_rows(codes, dictionary, |level| level as u32);
        let n_rows = indices.len();
        Ok(Encoded {
            columns: Vec::new(),
            sparse: Some(SparseColumns {
                n_columns: self.n_sparse(),
                row_starts: (0..=n_rows as u64).collect(),
                indices: indices.to_vec(),
                values: vec![1.0; n_rows],
                ..Default::default()
            }),
        })
    }

    fn sparse_place(&self, value: RawValue<'_>) -> Option<u32> {
        self.levels.of_value(value).map(|level| level as u32)
    }

    fn validate(&self) -> Result<()> {
        self.levels.validate("one_hot_sparse")
    }
}
