//! What preparation learned: writes any table of the same columns as features.
//!
//! Columns are found by name; extra ones are ignored, a missing optional one is taken as missing.
//! A row's features do not depend on the other rows, so that one row, a block and a whole file
//! give the same numbers. Stored with postcard; reading back proves every part sound.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use modelwright_core::data::{Column, FeatureColumn, FeatureMatrix, Kind, SparseColumns, Table};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::conform::{conform, missing_column};
use super::derived::{DerivedSources, StoredDerived};
use crate::catalog::transformer;
use crate::derive::{Derived, RawInput};
use crate::transform::{Encoded, FittedTransformer};

/// Below this many values a table is written by the calling thread alone.
const PARALLEL_VALUES: usize = 100_000;

/// See the module's text.
pub struct FittedEncoder {
    encoding: String,
    pub(super) sources: Vec<Source>,
    pub(super) derived: DerivedSources,
}

/// A raw or derived column and what writes it.
pub(super) struct Source {
    pub(super) name: Arc<str>,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    pub(super) parts: Vec<Part>,
}

/// A fitted transformer and which of its dense features are used.
pub(super) struct Part {
    fitted: FittedTransformer,
    /// Positions of the used features, ascending.
    kept: Vec<u32>,
    /// Their names.
    names: Vec<Arc<str>>,
    /// How many dense features there are, used or not.
    n_all: usize,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    encoding: String,
    sources: Vec<StoredSource>,
}

#[derive(Serialize, Deserialize)]
struct StoredSource {
    name: String,
    kind: Kind,
    optional: bool,
    parts: Vec<StoredPart>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredPart {
    transformer: String,
    bytes: Vec<u8>,
    kept: Vec<u32>,
}

impl Part {
    /// Of the features of `fitted` those at `kept`, which are in range.
    pub(super) fn new(fitted: FittedTransformer, kept: Vec<u32>, source: &str) -> Self {
        let all = fitted.fitted.features(source);
        let names = kept.iter().map(|i| all[*i as usize].as_str().into()).collect();
        Self { fitted, kept, names, n_all: all.len() }
    }

    /// How many dense features the transformer writes, used or not.
    pub(super) fn n_all(&self) -> usize {
        self.n_all
    }

    pub(super) fn fitted(&self) -> &FittedTransformer {
        &self.fitted
    }

    pub(super) fn kept(&self) -> &[u32] {
        &self.kept
    }

    pub(super) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    pub(super) fn writes_levels(&self) -> bool {
        self.fitted.fitted.writes_levels()
    }

    pub(super) fn is_used(&self) -> bool {
        !self.kept.is_empty() || self.fitted.fitted.n_sparse() > 0
    }
}

/// A raw column with the one transformer that writes it, for an encoder that is put together.
pub struct ColumnEncoding {
    /// The column's name.
    pub name: String,
    /// What it means; the transformer must be able to write it.
    pub kind: Kind,
    /// Whether it may be absent (and is then taken as missing).
    pub optional: bool,
    /// What writes it.
    pub transformer: FittedTransformer,
}

impl FittedEncoder {
    /// An encoder of the given columns, in feature order, that was not fitted on data.
    ///
    /// # Errors
    /// Input error for a name that occurs twice, or a kind that its transformer cannot write.
    pub fn of_columns(encoding: &str, columns: Vec<ColumnEncoding>) -> Result<Self> {
        let mut names = std::collections::HashSet::new();
        let mut sources = Vec::new();
        for column in columns {
            if !names.insert(column.name.clone()) {
                return Err(Error::input("a column occurs twice").column(column.name));
            }
            if !column.transformer.spec.kinds.contains(&column.kind) {
                return Err(Error::input("the column is of a kind that cannot be written")
                    .column(column.name)
                    .at(column.transformer.spec.name)
                    .got(column.kind.name()));
            }
            let n = column.transformer.fitted.features(&column.name).len() as u32;
            let part = Part::new(column.transformer, (0..n).collect(), &column.name);
            let name = column.name.as_str().into();
            let (kind, optional, parts) = (column.kind, column.optional, vec![part]);
            sources.push(Source { name, kind, optional, parts });
        }
        Ok(Self { encoding: encoding.to_owned(), sources, derived: DerivedSources::default() })
    }

    pub(super) fn new(encoding: String, sources: Vec<Source>, derived: DerivedSources) -> Self {
        Self { encoding, sources, derived }
    }

    /// The name of the encoding it was fitted for.
    pub fn encoding(&self) -> &str {
        &self.encoding
    }

    /// The raw columns it reads, and whether each may be absent: first those that are features, in
    /// feature order, then those that are only read for derived columns.
    pub fn input_columns(&self) -> impl Iterator<Item = (&str, bool)> {
        let own = self.sources.iter().map(|s| (&*s.name, s.optional));
        let derived = self.derived.inputs.iter().map(|i| (i.name.as_str(), i.optional));
        let mut seen = HashSet::new();
        own.chain(derived).filter(move |(name, _)| seen.insert(*name))
    }

    /// The inputs of the derived columns, and how those are made.
    pub(super) fn derived(&self) -> (&[RawInput], impl Iterator<Item = &Derived>) {
        (&self.derived.inputs, self.derived.columns.iter().map(|c| &c.derived))
    }

    /// The names of the columns that are derived from several raw ones.
    pub fn derived_columns(&self) -> impl Iterator<Item = &str> {
        self.derived.columns.iter().map(|c| &*c.source.name)
    }

    /// The names of the dense features.
    pub fn feature_names(&self) -> Vec<Arc<str>> {
        self.parts().flat_map(|(_, part)| part.names.iter().cloned()).collect()
    }

    /// The raw column of each dense feature, or the name of the derived one.
    pub fn feature_sources(&self) -> Vec<Arc<str>> {
        let source = |(s, part): (&Source, &Part)| vec![s.name.clone(); part.names.len()];
        self.parts().flat_map(source).collect()
    }

    /// The largest number of each dense feature whose numbers name levels.
    pub fn largest_levels(&self) -> Vec<Option<u32>> {
        let largest = |(_, part): (&Source, &Part)| {
            vec![part.fitted.fitted.largest_level(); part.names.len()]
        };
        self.parts().flat_map(largest).collect()
    }

    /// Whether features tell of the target of the rows that it was fitted on.
    pub fn sees_target(&self) -> bool {
        self.parts().any(|(_, part)| part.fitted.spec.sees_target)
    }

    /// How many sparse features there are.
    pub fn n_sparse(&self) -> usize {
        self.parts().map(|(_, part)| part.fitted.fitted.n_sparse()).sum()
    }

    /// The raw column of each sparse feature.
    pub fn sparse_sources(&self) -> Vec<Arc<str>> {
        let source =
            |(s, part): (&Source, &Part)| vec![s.name.clone(); part.fitted.fitted.n_sparse()];
        self.parts().flat_map(source).collect()
    }

    fn parts(&self) -> impl Iterator<Item = (&Source, &Part)> {
        self.all_sources().flat_map(|s| s.parts.iter().map(move |part| (s, part)))
    }

    /// The sources in feature order: raw columns, then derived ones.
    pub(super) fn all_sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().chain(self.derived.columns.iter().map(|c| &c.source))
    }

    /// Writes a table as features (without bins).
    ///
    /// # Errors
    /// Input error when a column that is not optional is absent, or a value does not fit the kind
    /// of its column.
    pub fn transform(&self, table: &Table, ctx: &Context) -> Result<FeatureMatrix> {
        let n_rows = table.n_rows();
        let inputs = self.derived.read(table)?;
        let one = |i: usize| match self.sources.get(i) {
            Some(s) => s.write(&*read(table, &s.name, s.kind, s.optional)?, ctx),
            None => self.derived.write(i - self.sources.len(), &inputs, ctx),
        };
        let n_sources = self.sources.len() + self.derived.columns.len();
        let is_small = n_rows.saturating_mul(n_sources) < PARALLEL_VALUES;
        let ahead = if is_small { Vec::new() } else { ctx.map(n_sources, one) };
        let mut ahead = ahead.into_iter();
        let mut columns = Vec::with_capacity(self.parts().map(|(_, part)| part.kept.len()).sum());
        let mut blocks = Vec::new();
        for (i, source) in self.all_sources().enumerate() {
            let encoded = ahead.next().unwrap_or_else(|| one(i))?;
            for (part, mut encoded) in source.parts.iter().zip(encoded) {
                for (position, name) in part.kept.iter().zip(&part.names) {
                    columns.push(FeatureColumn {
                        name: name.clone(),
                        source: source.name.clone(),
                        // Positions ascend: each is taken once.
                        values: std::mem::take(&mut encoded.columns[*position as usize]),
                        is_category: part.writes_levels(),
                        bins: None,
                    });
                }
                blocks.extend(encoded.sparse.map(|block| (source.name.clone(), block)));
            }
        }
        Ok(FeatureMatrix { n_rows, columns, sparse: join_sparse(n_rows, blocks) })
    }

    /// Its bytes.
    ///
    /// # Errors
    /// Work error when it cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let source = |s: &Source| {
            Ok(StoredSource {
                name: s.name.to_string(),
                kind: s.kind,
                optional: s.optional,
                parts: s.encode_parts()?,
            })
        };
        let stored = Stored {
            encoding: self.encoding.clone(),
            sources: self.sources.iter().map(source).collect::<Result<_>>()?,
        };
        let failed = |e| Error::work("cannot encode the encoder").because(e);
        let mut bytes = postcard::to_stdvec(&stored).map_err(failed)?;
        if !self.derived.columns.is_empty() {
            let derived = postcard::to_stdvec(&self.derived.encode()?).map_err(failed)?;
            bytes.extend(derived);
        }
        Ok(bytes)
    }

    /// Reads an encoder back and proves it sound.
    ///
    /// # Errors
    /// Input error when the bytes are not a sound encoder.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let unreadable = |e| Error::input("the stored encoder cannot be read").because(e);
        let (stored, mut rest) = postcard::take_from_bytes::<Stored>(bytes).map_err(unreadable)?;
        let mut stored_derived = None;
        if !rest.is_empty() {
            let derived;
            (derived, rest) =
                postcard::take_from_bytes::<StoredDerived>(rest).map_err(unreadable)?;
            stored_derived = Some(derived);
        }
        if !rest.is_empty() {
            return Err(Error::input("the stored encoder has extra bytes")
                .got(format!("{} bytes too many", rest.len())));
        }
        let mut names = std::collections::HashSet::new();
        let mut sources = Vec::new();
        for s in stored.sources {
            if !names.insert(s.name.clone()) {
                return Err(Error::input("the stored encoder is broken")
                    .column(s.name)
                    .got("a column that occurs twice"));
            }
            let parts =
                s.parts.into_iter().map(|part| part.decode(&s.name, s.kind)).collect::<Result<_>>();
            let (name, kind, optional) = (s.name.as_str().into(), s.kind, s.optional);
            sources.push(Source { name, kind, optional, parts: parts? });
        }
        let derived = match stored_derived {
            Some(stored) => DerivedSources::decode(stored, &mut names)?,
            None => DerivedSources::default(),
        };
        Ok(Self { encoding: stored.encoding, sources, derived })
    }
}

impl StoredPart {
    pub(super) fn decode(self, source: &str, kind: Kind) -> Result<Part> {
        let entry = transformer(&self.transformer)?;
        let broken = |what: &str| {
            Error::input("the stored encoder is broken")
                .column(source)
                .at(entry.spec.name)
                .got(what)
        };
        if !entry.spec.kinds.contains(&kind) {
            return Err(broken("a transformer that does not fit the column's kind"));
        }
        let fitted = entry.decode(&self.bytes)?;
        let n_features = fitted.fitted.features(source).len();
        let ascending = self.kept.windows(2).all(|w| w[0] < w[1]);
        if !ascending || self.kept.last().is_some_and(|k| *k as usize >= n_features) {
            return Err(broken("features that do not exist"));
        }
        Ok(Part::new(fitted, self.kept, source))
    }
}

impl Source {
    /// Writes the column, which is in the storage of its kind.
    pub(super) fn write(&self, column: &Column, ctx: &Context) -> Result<Vec<Encoded>> {
        self.parts.iter().map(|part| part.fitted.fitted.transform(column, ctx)).collect()
    }

    pub(super) fn encode_parts(&self) -> Result<Vec<StoredPart>> {
        let part = |part: &Part| {
            Ok(StoredPart {
                transformer: part.fitted.spec.name.to_owned(),
                bytes: part.fitted.encode()?,
                kept: part.kept.clone(),
            })
        };
        self.parts.iter().map(part).collect()
    }
}

/// The column `name` of a table in the storage of its kind.
pub(super) fn read<'t>(
    table: &'t Table,
    name: &str,
    kind: Kind,
    optional: bool,
) -> Result<Cow<'t, Column>> {
    match table.column(name) {
        Some(column) => conform(column, kind),
        None if optional => {
            let data = missing_column(kind, table.n_rows());
            Ok(Cow::Owned(Column { name: name.to_owned(), data }))
        }
        None => Err(Error::input("a column that the model needs is absent")
            .column(name)
            .suggest(name, table.names())),
    }
}

/// Sparse blocks of the same rows side by side; `None` when there are none.
pub(super) fn join_sparse(
    n_rows: usize,
    blocks: Vec<(Arc<str>, SparseColumns)>,
) -> Option<Arc<SparseColumns>> {
    let sources = blocks
        .iter()
        .flat_map(|(source, block)| std::iter::repeat_n(source, block.n_columns))
        .cloned()
        .collect();
    join_sparse_of(n_rows, blocks, sources)
}

/// As [`join_sparse`], where the sources of the columns are known: texts have thousands of columns,
/// and naming them takes longer than writing a row.
pub(super) fn join_sparse_of(
    n_rows: usize,
    mut blocks: Vec<(Arc<str>, SparseColumns)>,
    sources: Vec<Arc<str>>,
) -> Option<Arc<SparseColumns>> {
    if blocks.len() <= 1 {
        let (_, block) = blocks.pop()?;
        return Some(Arc::new(SparseColumns { sources, ..block }));
    }
    let n_entries = blocks.iter().map(|(_, b)| b.indices.len()).sum();
    let mut joined = SparseColumns {
        n_columns: blocks.iter().map(|(_, b)| b.n_columns).sum(),
        row_starts: Vec::with_capacity(n_rows + 1),
        indices: Vec::with_capacity(n_entries),
        values: Vec::with_capacity(n_entries),
        sources,
    };
    joined.row_starts.push(0);
    for row in 0..n_rows {
        let mut offset = 0;
        for (_, block) in &blocks {
            let (indices, values) = block.row(row);
            joined.indices.extend(indices.iter().map(|i| i + offset));
            joined.values.extend_from_slice(values);
            offset += block.n_columns as u32;
        }
        joined.row_starts.push(joined.indices.len() as u64);
    }
    Some(Arc::new(joined))
}
