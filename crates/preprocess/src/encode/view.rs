//! A fitted encoder for those who write it in another form: what it does with each column.

use modelwright_core::data::Kind;

use super::FittedEncoder;
use crate::derive::{Derived, RawInput};
use crate::transform::FittedTransformer;

/// A raw or derived column, and what writes it as features.
pub struct SourceView<'a> {
    /// The column's name, or the name of the derived one.
    pub name: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// How it is made of others, for a derived one; its inputs are places in
    /// [`FittedEncoder::derived_inputs`].
    pub derived: Option<&'a Derived>,
    /// What writes it, in feature order.
    pub parts: Vec<PartView<'a>>,
}

/// A fitted transformer and which of its dense features are used.
pub struct PartView<'a> {
    /// The transformer.
    pub transformer: &'a FittedTransformer,
    /// Places of the used features among those it writes, ascending.
    pub kept: &'a [u32],
}

impl FittedEncoder {
    /// The columns in feature order: raw ones, then derived ones.
    pub fn source_views(&self) -> impl Iterator<Item = SourceView<'_>> {
        let (_, derived) = self.derived();
        let n_derived = self.derived_columns().count();
        let n_raw = self.all_sources().count() - n_derived;
        let derived = std::iter::repeat_n(None, n_raw).chain(derived.map(Some));
        self.all_sources().zip(derived).map(|(source, derived)| SourceView {
            name: &source.name,
            kind: source.kind,
            derived,
            parts: (source.parts.iter())
                .map(|part| PartView { transformer: part.fitted(), kept: part.kept() })
                .collect(),
        })
    }

    /// The raw columns that derived ones are made of, and as what they are read.
    pub fn derived_inputs(&self) -> &[RawInput] {
        self.derived().0
    }
}
