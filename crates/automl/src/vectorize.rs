//! Tables as numbers, without a learner: for callers who bring their own.
//!
//! [`Vectorizer`] writes columns as an encoding says, the same way as before a learner of ours;
//! [`TargetEncoder`] writes each column by the target alone. What sees the target is cross-fitted:
//! a row that was learned from is written without its own target, so that the features of the
//! training rows are those that [`Vectorizer::fit`] returns, not a later transformation of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use modelwright_core::data::{FeatureMatrix, Field, Kind, Schema, Table};
use modelwright_core::params::ParamMap;
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_preprocess::catalog::transformer;
use modelwright_preprocess::encode::{FittedEncoder, PrepareInput, conform, prepare};
use modelwright_preprocess::profile::{ProfileOptions, profile_table};
use modelwright_preprocess::transform::{FittedTransformer, TransformInput};
use modelwright_preprocess::{EncodingSpec, transform::Encoded};
use serde::{Deserialize, Serialize};

/// What is to be learned from.
#[derive(Debug)]
pub struct VectorizeInput<'a> {
    /// The columns.
    pub table: &'a Table,
    /// Storage and formats of the columns, as the reader found them.
    pub schema: &'a Schema,
    /// Kinds that are not to be guessed.
    pub kinds: BTreeMap<String, Kind>,
    /// The target of every row, for encodings that see it.
    pub target: Option<&'a Target>,
    /// Sample weights; `None` is 1 for each.
    pub weights: Option<&'a [f64]>,
}

/// The columns that can be features, with their kinds.
pub(crate) fn usable_columns(
    table: &Table,
    schema: &Schema,
    kinds: &BTreeMap<String, Kind>,
    ctx: &Context,
) -> Result<Schema> {
    let options = ProfileOptions { kinds: kinds.clone(), target: None };
    let profile = profile_table(table, schema, &options, ctx)?;
    let is_used = |f: &&Field| f.kind.is_usable();
    let fields: Vec<Field> = profile.schema.fields.iter().filter(is_used).cloned().collect();
    if fields.is_empty() {
        return Err(Error::input("no column is left to learn from")
            .expected("at least one number, category, date or text")
            .hint("every column is constant, or names the rows"));
    }
    Ok(Schema { fields })
}

/// Columns of every kind as numbers.
pub struct Vectorizer {
    /// The columns that are read.
    pub schema: Schema,
    encoder: FittedEncoder,
}

/// A vectorizer as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredVectorizer {
    schema: Schema,
    encoder: Vec<u8>,
}

impl Vectorizer {
    /// Learns from all rows; returns their features as well.
    ///
    /// # Errors
    /// Input error when the encoding is not sound, sees a target that is not given, or writes
    /// sparse columns; when no column can be used.
    pub fn fit(
        input: &VectorizeInput<'_>,
        spec: &EncodingSpec,
        ctx: &Context,
    ) -> Result<(Self, FeatureMatrix)> {
        spec.check()?;
        let steps = spec.rules.iter().flat_map(|rule| &rule.steps);
        for step in steps.filter(|_| input.target.is_none()) {
            if transformer(&step.transformer)?.spec.sees_target {
                return Err(Error::input("this encoding needs a target").at(&step.transformer));
            }
        }
        ctx.install(|| {
            let schema = usable_columns(input.table, input.schema, &input.kinds, ctx)?;
            // No transformer looks at the stand-in: that was made sure of above.
            let nothing = Target::Real(vec![0.0; input.table.n_rows()]);
            let prepared = prepare(
                &PrepareInput {
                    table: input.table,
                    schema: &schema,
                    exclude: &[],
                    target: input.target.unwrap_or(&nothing),
                    weights: input.weights,
                    folds: &[],
                    like: None,
                },
                spec,
                ctx,
            )?;
            let vectorizer = Self { schema, encoder: prepared.encoder };
            vectorizer.check_dense()?;
            Ok((vectorizer, prepared.full))
        })
    }

    fn check_dense(&self) -> Result<()> {
        match self.encoder.n_sparse() {
            0 => Ok(()),
            n => Err(Error::input("the encoding writes sparse columns")
                .expected("dense columns alone")
                .got(format!("{n} sparse ones"))),
        }
    }

    /// The features of new rows.
    ///
    /// # Errors
    /// Input error when a column is absent, or a value does not fit the kind of its column.
    pub fn transform(&self, table: &Table, ctx: &Context) -> Result<FeatureMatrix> {
        ctx.install(|| self.encoder.transform(table, ctx))
    }

    /// The names of the features.
    pub fn names(&self) -> Vec<String> {
        self.encoder.feature_names().iter().map(|name| (**name).to_owned()).collect()
    }

    /// The bytes to store.
    ///
    /// # Errors
    /// Work error when it cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let stored =
            StoredVectorizer { schema: self.schema.clone(), encoder: self.encoder.encode()? };
        postcard::to_stdvec(&stored)
            .map_err(|e| Error::work("cannot encode the vectorizer").because(e))
    }

    /// Reads stored bytes and proves them sound.
    ///
    /// # Errors
    /// Input error when they are not.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let stored: StoredVectorizer = postcard::from_bytes(bytes)
            .map_err(|e| Error::input("the stored vectorizer cannot be read").because(e))?;
        let encoder = FittedEncoder::decode(&stored.encoder)?;
        let vectorizer = Self { schema: stored.schema, encoder };
        vectorizer.check_dense()?;
        Ok(vectorizer)
    }
}

/// The transformer of [`TargetEncoder`].
const STATISTICS: &str = "target_statistics";

/// Each column as what the target was for rows with the same value: see
/// [`modelwright_preprocess::transform::target_statistics`].
pub struct TargetEncoder {
    columns: Vec<(String, FittedTransformer)>,
    n_outputs: usize,
}

/// A target encoder as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredTargetEncoder {
    n_outputs: usize,
    columns: Vec<(String, Vec<u8>)>,
}

impl TargetEncoder {
    /// Learns from all rows; returns their features as well: for each column one number, or one
    /// for each class of several.
    ///
    /// # Errors
    /// Input error when a column holds what is no category, or the parameters are out of range.
    pub fn fit(
        input: &VectorizeInput<'_>,
        params: &ParamMap,
        ctx: &Context,
    ) -> Result<(Self, Vec<Encoded>)> {
        let target = input.target.ok_or_else(|| Error::input("a target encoder needs a target"))?;
        let entry = transformer(STATISTICS)?;
        let rows: Vec<u32> = (0..input.table.n_rows() as u32).collect();
        let mut order = rows.clone();
        ctx.random("target_encoder/order", 0).shuffle(&mut order);
        let columns = input.table.columns();
        let fitted = ctx.map(columns.len(), |i| {
            let column = conform(&columns[i], Kind::Category)?;
            let input = TransformInput {
                column: &column,
                rows: &rows,
                order: &order,
                target,
                weights: input.weights,
                stream: 0,
            };
            entry.fit_transform(&input, params, ctx)
        });
        let (mut kept, mut written) = (Vec::new(), Vec::new());
        for (column, fitted) in columns.iter().zip(fitted) {
            let (fitted, encoded) = fitted?;
            kept.push((column.name.clone(), fitted));
            written.push(encoded);
        }
        let n_outputs = written.first().map_or(1, |encoded| encoded.columns.len());
        Ok((Self { columns: kept, n_outputs }, written))
    }

    /// How many numbers each column becomes.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// The features of new rows, column by column.
    ///
    /// # Errors
    /// Input error when a column is absent, or holds what is no category.
    pub fn transform(&self, table: &Table, ctx: &Context) -> Result<Vec<Encoded>> {
        let written = ctx.map(self.columns.len(), |i| {
            let (name, fitted) = &self.columns[i];
            let column: Cow<'_, _> = conform(table.require(name)?, Kind::Category)?;
            fitted.fitted.transform(&column, ctx)
        });
        written.into_iter().collect()
    }

    /// The bytes to store.
    ///
    /// # Errors
    /// Work error when it cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let column =
            |(name, fitted): &(String, FittedTransformer)| Ok((name.clone(), fitted.encode()?));
        let columns = self.columns.iter().map(column).collect::<Result<_>>()?;
        postcard::to_stdvec(&StoredTargetEncoder { n_outputs: self.n_outputs, columns })
            .map_err(|e| Error::work("cannot encode the target encoder").because(e))
    }

    /// Reads stored bytes and proves them sound.
    ///
    /// # Errors
    /// Input error when they are not.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let stored: StoredTargetEncoder = postcard::from_bytes(bytes)
            .map_err(|e| Error::input("the stored target encoder cannot be read").because(e))?;
        let entry = transformer(STATISTICS)?;
        let mut columns = Vec::with_capacity(stored.columns.len());
        for (name, bytes) in stored.columns {
            let fitted = entry.decode(&bytes)?;
            if fitted.fitted.features(&name).len() != stored.n_outputs {
                return Err(Error::input("the stored target encoder is broken").column(name));
            }
            columns.push((name, fitted));
        }
        Ok(Self { columns, n_outputs: stored.n_outputs })
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;

    use super::*;

    fn table() -> Table {
        let words = (0..60).map(|i| Some(["red", "green", "blue"][i % 3]));
        let numbers = (0..60).map(|i| f64::from(i % 7)).collect::<Vec<f64>>();
        Table::new(vec![Column::numbers("n", numbers), Column::strings("w", words)]).unwrap()
    }

    fn input<'a>(
        table: &'a Table,
        schema: &'a Schema,
        target: Option<&'a Target>,
    ) -> VectorizeInput<'a> {
        VectorizeInput { table, schema, kinds: BTreeMap::new(), target, weights: None }
    }

    #[test]
    fn a_vectorizer_writes_new_rows_as_those_it_learned_from_and_is_stored() {
        let (table, ctx) = (table(), Context::unlimited(0, 2));
        let schema = table.storage_schema();
        let mut spec = EncodingSpec::trees();
        spec.bins = false;
        let (vectorizer, written) =
            Vectorizer::fit(&input(&table, &schema, None), &without_target(&spec), &ctx).unwrap();
        let again = Vectorizer::decode(&vectorizer.encode().unwrap()).unwrap();
        let later = again.transform(&table, &ctx).unwrap();
        assert_eq!(again.names(), vectorizer.names());
        assert!(written.columns.len() >= 4, "{:?}", vectorizer.names());
        for (a, b) in written.columns.iter().zip(&later.columns) {
            assert_eq!(a.values, b.values, "{}", a.name);
        }
        let refused = Vectorizer::fit(&input(&table, &schema, None), &spec, &ctx).err().unwrap();
        assert!(refused.to_string().contains("needs a target"), "{refused}");
        assert!(Vectorizer::decode(&[1, 2, 3]).is_err());
    }

    /// The same encoding without the steps that see the target.
    fn without_target(spec: &EncodingSpec) -> EncodingSpec {
        let mut spec = spec.clone();
        for rule in &mut spec.rules {
            let is_blind = |t: &str| !transformer(t).unwrap().spec.sees_target;
            rule.steps.retain(|step| is_blind(&step.transformer));
        }
        spec
    }

    #[test]
    fn a_target_encoder_writes_a_training_row_without_its_own_target() {
        let (table, ctx) = (table(), Context::unlimited(0, 2));
        let schema = table.storage_schema();
        let target = Target::Real((0..60).map(|i| [1.0, 5.0, 9.0][i % 3]).collect());
        let asked = input(&table, &schema, Some(&target));
        let (encoder, written) = TargetEncoder::fit(&asked, &ParamMap::new(), &ctx).unwrap();
        let again = TargetEncoder::decode(&encoder.encode().unwrap()).unwrap();
        let later = again.transform(&table, &ctx).unwrap();
        assert_eq!((written.len(), again.n_outputs()), (2, 1));
        // The statistics of a level are near its value, and the first row of a level does not know.
        assert!((later[1].columns[0][0] - 1.2).abs() < 0.1, "{}", later[1].columns[0][0]);
        assert_ne!(written[1].columns[0][..], later[1].columns[0][..]);
        let other = Target::Real(
            (0..60).map(|i| if i == 0 { 99.0 } else { [1.0, 5.0, 9.0][i % 3] }).collect(),
        );
        let asked = input(&table, &schema, Some(&other));
        let (_, changed) = TargetEncoder::fit(&asked, &ParamMap::new(), &ctx).unwrap();
        let prior = |values: &[Encoded]| values[1].columns[0][0];
        // Only the prior, a mean over all rows, carries a row's own target to it.
        assert!((prior(&written) - prior(&changed)).abs() < 2.0);
    }
}
