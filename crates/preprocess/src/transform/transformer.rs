//! The two traits of preparation, and the typed-to-erased catalog entry.
//!
//! A [`Transformer`] learns from *one* raw column how to write it as numbers; its [`Fitted`] form
//! then writes any number of rows the same way, while training and while serving. The life of one:
//!
//! 1. the encoder conforms the raw column to the storage of its kind (see `encode::conform`), so
//!    that a transformer only ever meets the storage its kinds prescribe;
//! 2. [`Transformer::fit_transform`] learns from `input.rows` and writes all rows. One that sees
//!    the target writes the rows it learned from *cross-fitted*: no row's feature may depend on
//!    that row's own target;
//! 3. [`Fitted::features`] promises the names of the dense features, in order;
//! 4. [`Fitted::transform`] writes new rows, each independent of the others;
//! 5. the fitted form is stored with postcard, read back and proved sound by
//!    [`Fitted::validate`].

use std::sync::Arc;

use modelwright_core::data::{Column, ColumnData, Kind, Numbers, RawValue, SparseColumns, Strings};
use modelwright_core::params::{Checked, ParamMap, ParamSpec, Params};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a transformer is and can do.
#[derive(Debug, Clone, Copy)]
pub struct TransformerSpec {
    /// Its name in encodings and records.
    pub name: &'static str,
    /// Its name in reports.
    pub title: &'static str,
    /// What it does, in one line.
    pub text: &'static str,
    /// Paper or book section, or the library whose definition it follows.
    pub reference: &'static str,
    /// The kinds of column it can write.
    pub kinds: &'static [Kind],
    /// Whether it reads the target, and is therefore fitted per fold and cross-fitted.
    pub sees_target: bool,
    /// Whether its features never are NaN.
    pub fills_missing: bool,
}

/// What a transformer may look at while it learns.
#[derive(Debug, Clone, Copy)]
pub struct TransformInput<'a> {
    /// The raw column, all rows, in the storage that its kind prescribes.
    pub column: &'a Column,
    /// The rows to learn from, ascending.
    pub rows: &'a [u32],
    /// The same rows in random order; only given to transformers that see the target.
    pub order: &'a [u32],
    /// The target of all rows; only the entries of `rows` may be read.
    pub target: &'a Target,
    /// Sample weights of all rows; `None` is 1 for each.
    pub weights: Option<&'a [f64]>,
    /// Number of the random stream: a different one per fold.
    pub stream: u64,
}

impl<'a> TransformInput<'a> {
    /// Rows of equal weight, learned from in the order in which they are given.
    pub fn new(column: &'a Column, rows: &'a [u32], target: &'a Target) -> Self {
        Self { column, rows, order: rows, target, weights: None, stream: 0 }
    }
}

/// A column written as numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Encoded {
    /// The dense features, in promised order; NaN is missing, infinities do not occur.
    pub columns: Vec<Arc<[f32]>>,
    /// The sparse features; `sources` is left empty for the encoder to fill.
    pub sparse: Option<SparseColumns>,
}

/// A way to write one raw column as numbers.
pub trait Transformer: 'static {
    /// What it is and can do.
    const SPEC: &'static TransformerSpec;
    /// Its parameters.
    type Params: Params;
    /// What it learns.
    type Fitted: Fitted + Serialize + DeserializeOwned;

    /// Learns from `input.rows`.
    ///
    /// # Errors
    /// Input error for a column it cannot write.
    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<Self::Params>,
        ctx: &Context,
    ) -> Result<Self::Fitted>;

    /// Learns from `input.rows` and writes all rows of the column.
    ///
    /// A transformer that sees the target overrides this and cross-fits `input.rows`.
    ///
    /// # Errors
    /// As [`Self::fit`].
    fn fit_transform(
        input: &TransformInput<'_>,
        params: &Checked<Self::Params>,
        ctx: &Context,
    ) -> Result<(Self::Fitted, Encoded)> {
        let fitted = Self::fit(input, params, ctx)?;
        let encoded = fitted.transform(input.column, ctx)?;
        Ok((fitted, encoded))
    }
}

/// What a transformer learned: writes new rows of the column.
pub trait Fitted: std::any::Any + Send + Sync {
    /// The names of the dense features when the raw column is called `column`.
    fn features(&self, column: &str) -> Vec<String>;

    /// How many sparse features there are.
    fn n_sparse(&self) -> usize {
        0
    }

    /// Whether the features are the numbers of levels, which are names and not sizes.
    fn writes_levels(&self) -> bool {
        false
    }

    /// The largest number that is written, where numbers name levels; `None` for quantities.
    fn largest_level(&self) -> Option<u32> {
        None
    }

    /// Writes all rows of `column`; a row's features do not depend on the other rows.
    ///
    /// # Errors
    /// Input error when the column's storage is not the one of its kind.
    fn transform(&self, column: &Column, ctx: &Context) -> Result<Encoded>;

    /// Writes one value of the column into `out`, which has a place for every dense feature: the
    /// same bits as [`Self::transform`], without a column. False when it cannot; then `out` is
    /// without meaning, and `transform` must be asked.
    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let _ = (value, out);
        false
    }

    /// The sparse column that is 1 for a value, where all others are 0 for any value; `None` when
    /// `transform` must be asked.
    fn sparse_place(&self, value: RawValue<'_>) -> Option<u32> {
        let _ = value;
        None
    }

    /// Proves that a decoded value is sound: lengths agree, numbers are usable.
    ///
    /// # Errors
    /// Input error that says what is broken.
    fn validate(&self) -> Result<()>;
}

/// A fitted transformer whose type is erased, with what is needed to store it.
pub struct FittedTransformer {
    /// The transformer that made it.
    pub spec: &'static TransformerSpec,
    /// What it learned.
    pub fitted: Box<dyn Fitted>,
    encode: fn(&dyn Fitted) -> Result<Vec<u8>>,
}

impl FittedTransformer {
    /// What transformer `T` learned, or what was put together in its place.
    pub fn of<T: Transformer>(fitted: T::Fitted) -> Self {
        erase::<T>(fitted)
    }

    /// Its bytes, to be read back by [`Entry::decode`] of the same transformer.
    ///
    /// # Errors
    /// Work error when it cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        (self.encode)(self.fitted.as_ref())
    }
}

type ErasedFit = fn(&TransformInput<'_>, &ParamMap, &Context) -> Result<ErasedResult>;
type ErasedResult = (FittedTransformer, Encoded);

/// A transformer with its types erased: one line of the catalog.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What it is and can do.
    pub spec: &'static TransformerSpec,
    /// Its parameter declarations.
    pub params: &'static [ParamSpec],
    default_params: fn() -> ParamMap,
    check_params: fn(&ParamMap) -> Result<()>,
    fit_transform: ErasedFit,
    decode: fn(&[u8]) -> Result<FittedTransformer>,
}

impl Entry {
    /// The entry of a transformer.
    pub const fn of<T: Transformer>() -> Self {
        Self {
            spec: T::SPEC,
            params: <T::Params as Params>::SPECS,
            default_params: || T::Params::default().to_map(),
            check_params: |map| T::Params::from_map(T::SPEC.name, map).map(drop),
            fit_transform: fit_transform::<T>,
            decode: decode::<T>,
        }
    }

    /// The default parameters.
    pub fn default_params(&self) -> ParamMap {
        (self.default_params)()
    }

    /// Proves that the parameters are known and lie in their domains.
    ///
    /// # Errors
    /// Input error that names the parameter.
    pub fn check_params(&self, params: &ParamMap) -> Result<()> {
        (self.check_params)(params)
    }

    /// Fits with the defaults changed by `params`, and writes all rows.
    ///
    /// # Errors
    /// As [`Transformer::fit`], and input error for unknown or out-of-range parameters.
    pub fn fit_transform(
        &self,
        input: &TransformInput<'_>,
        params: &ParamMap,
        ctx: &Context,
    ) -> Result<(FittedTransformer, Encoded)> {
        (self.fit_transform)(input, params, ctx)
    }

    /// Reads a fitted transformer back and proves it sound.
    ///
    /// # Errors
    /// Input error when the bytes are not a sound value of this transformer.
    pub fn decode(&self, bytes: &[u8]) -> Result<FittedTransformer> {
        (self.decode)(bytes)
    }
}

fn fit_transform<T: Transformer>(
    input: &TransformInput<'_>,
    params: &ParamMap,
    ctx: &Context,
) -> Result<ErasedResult> {
    let params = T::Params::from_map(T::SPEC.name, params)?;
    let (fitted, encoded) = T::fit_transform(input, &params, ctx)?;
    Ok((erase::<T>(fitted), encoded))
}

fn decode<T: Transformer>(bytes: &[u8]) -> Result<FittedTransformer> {
    let name = T::SPEC.name;
    let (fitted, rest) = postcard::take_from_bytes::<T::Fitted>(bytes)
        .map_err(|e| Error::input(format!("the stored {name} cannot be read")).because(e))?;
    if !rest.is_empty() {
        return Err(Error::input(format!("the stored {name} has extra bytes"))
            .got(format!("{} bytes too many", rest.len())));
    }
    fitted.validate()?;
    Ok(erase::<T>(fitted))
}

fn erase<T: Transformer>(fitted: T::Fitted) -> FittedTransformer {
    FittedTransformer { spec: T::SPEC, fitted: Box::new(fitted), encode: encode::<T> }
}

fn encode<T: Transformer>(fitted: &dyn Fitted) -> Result<Vec<u8>> {
    let fitted = (fitted as &dyn std::any::Any).downcast_ref::<T::Fitted>();
    let fitted = fitted.expect("a fitted transformer keeps the type of its transformer");
    postcard::to_stdvec(fitted).map_err(|e| Error::work("cannot encode the transformer").because(e))
}

/// The parameters of a transformer that has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NoParams {}

impl Params for NoParams {
    const SPECS: &'static [ParamSpec] = &[];

    fn to_map(&self) -> ParamMap {
        ParamMap::new()
    }

    fn set(&mut self, _: &str, _: &modelwright_core::params::ParamValue) -> bool {
        false
    }
}

/// The values of a column of numbers.
///
/// # Errors
/// Input error for another storage.
pub fn numbers(column: &Column) -> Result<&Numbers> {
    match &column.data {
        ColumnData::Number(values) => Ok(values),
        _ => Err(wrong_storage(column, "numbers")),
    }
}

/// The values of a column of instants.
///
/// # Errors
/// Input error for another storage.
pub fn instants(column: &Column) -> Result<&[i64]> {
    match &column.data {
        ColumnData::Instant(values) => Ok(values),
        _ => Err(wrong_storage(column, "dates or times")),
    }
}

/// The codes and the dictionary of a column of strings.
///
/// # Errors
/// Input error for another storage.
pub fn strings(column: &Column) -> Result<(&[u32], &Strings)> {
    match &column.data {
        ColumnData::String { codes, dictionary } => Ok((codes, dictionary)),
        _ => Err(wrong_storage(column, "strings")),
    }
}

fn wrong_storage(column: &Column, expected: &str) -> Error {
    let got = match column.data {
        ColumnData::Number(_) => "numbers",
        ColumnData::Instant(_) => "dates or times",
        ColumnData::String { .. } => "strings",
    };
    Error::input("the column has the wrong type").column(&column.name).expected(expected).got(got)
}

/// The nearest f32 of a value: NaN stays missing, what is too large becomes the largest finite
/// number of its sign, and `-0` becomes `0` so that equal values have equal bits.
#[inline]
pub fn saturate(value: f64) -> f32 {
    (value as f32).clamp(-f32::MAX, f32::MAX) + 0.0
}

/// Input error of a stored value that is not sound.
pub(crate) fn broken(transformer: &str, what: &str) -> Error {
    Error::input(format!("the stored {transformer} is broken")).got(what)
}
