//! Writes the training table as features: once for all folds, per fold where the target is seen.
//!
//! 1. Every used column is conformed. Where the encoding asks for it, columns are derived from
//!    them (see [`crate::derive`]), which are then columns like the others; but a division that
//!    did not choose one has zeros in its place. A column's distinct values choose the rule.
//! 2. Target-free transformers learn from all rows of the table and write them, once. (The table
//!    must not hold rows that are to be judged as untouched: hold those out before.)
//! 3. Transformers that see the target run once per fold, on the fold's training rows, and once
//!    on all rows for the refit.
//! 4. Features that are constant over all rows are dropped, the same ones in every matrix.
//! 5. Where the encoding asks for bins, cuts are decided on the rows learned from (a fixed random
//!    sample of them when there are many).
//!
//! Steps 2 and 3 run in parallel over columns and folds; no result depends on the thread count.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use modelwright_core::data::{
    BinnedColumn, Column, ColumnData, FeatureColumn, FeatureMatrix, Field, Fold, Kind, Numbers,
    Schema, SparseColumns, Table,
};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};

use super::bins::{SAMPLE, bin};
use super::conform::conform;
use super::derived::{DerivedSource, DerivedSources};
use super::encoder::{FittedEncoder, Part, Source, join_sparse};
use super::spec::{EncodingSpec, Step};
use crate::catalog::transformer;
use crate::derive::{DeriveInput, Derived, Offer, OfferedColumn, RawInput, derive, derive_again};
use crate::transform::{Encoded, Entry, FittedTransformer, TransformInput};

/// What is to be prepared.
#[derive(Clone, Copy)]
pub struct PrepareInput<'a> {
    /// The training table.
    pub table: &'a Table,
    /// Its columns' kinds; columns of the table that it does not name are not used.
    pub schema: &'a Schema,
    /// Names of columns that are not features: target, weight, group, leaks, …
    pub exclude: &'a [String],
    /// The target of every row.
    pub target: &'a Target,
    /// Sample weights of every row; `None` is 1 for each.
    pub weights: Option<&'a [f64]>,
    /// The divisions for which matrices are wanted.
    pub folds: &'a [Fold],
    /// An encoder whose derived columns are made again; `None` chooses them by the target.
    pub like: Option<&'a FittedEncoder>,
}

/// The features of the training table.
pub struct Prepared {
    /// One matrix per fold, over all rows of the table: cross-fitted for the fold's training rows,
    /// written from the training rows alone for its validation rows.
    pub folds: Vec<FeatureMatrix>,
    /// The matrix for a refit: cross-fitted for all rows.
    pub full: FeatureMatrix,
    /// What was learned from all rows.
    pub encoder: FittedEncoder,
}

/// Prepares the training table by an encoding.
///
/// # Errors
/// Input error when lengths disagree, a row number is out of range, a column of the schema is
/// absent, or a value does not fit the kind of its column.
pub fn prepare(input: &PrepareInput<'_>, spec: &EncodingSpec, ctx: &Context) -> Result<Prepared> {
    input.check()?;
    spec.check()?;
    let all_rows: Vec<u32> = (0..input.table.n_rows() as u32).collect();
    let divisions = ctx.map(input.folds.len() + 1, |i| {
        let rows = if i == 0 { &all_rows } else { &input.folds[i - 1].train };
        Division::new(rows, i as u64, ctx)
    });
    let job = Job { input, spec, divisions, ctx };
    let fields = job.conformed()?;
    let offer = if spec.derives { job.derived(&fields)? } else { Offer::default() };
    let mut drafts = job.drafts(fields, offer.columns)?;
    job.write_target_parts(&mut drafts)?;
    Ok(job.assemble(drafts, offer.inputs))
}

impl PrepareInput<'_> {
    fn check(&self) -> Result<()> {
        let n = self.table.n_rows();
        let lengths =
            [("target", self.target.n_rows()), ("weights", self.weights.map_or(n, <[f64]>::len))];
        for (what, length) in lengths {
            if length != n {
                return Err(Error::input(format!("the {what} and the table differ in length"))
                    .expected(format!("{n} rows"))
                    .got(format!("{length} rows")));
            }
        }
        if let Target::Class { codes, n_classes } = self.target
            && let Some(row) = codes.iter().position(|c| *c as usize >= *n_classes)
        {
            return Err(Error::input("a class of the target is out of range")
                .row(row as u64 + 1)
                .expected(format!("below {n_classes}"))
                .got(codes[row].to_string()));
        }
        let is_usable = |w: &f64| w.is_finite() && *w >= 0.0;
        if let Some(row) = self.weights.and_then(|w| w.iter().position(|w| !is_usable(w))) {
            return Err(Error::input("a weight cannot be used")
                .row(row as u64 + 1)
                .expected("a finite number that is not negative"));
        }
        let rows = self.folds.iter().flat_map(|f| f.train.iter().chain(&f.validation));
        match rows.max() {
            Some(row) if *row as usize >= n => {
                Err(Error::input("a fold names a row that is absent")
                    .expected(format!("row numbers below {n}"))
                    .got(row.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// The rows learned from, and what follows from them.
struct Division<'a> {
    rows: &'a [u32],
    /// The rows that decide the cuts of bins.
    sample: Cow<'a, [u32]>,
    /// The rows in random order, made when first asked for.
    order: OnceLock<Vec<u32>>,
    /// Number of the random stream: 0 is the refit, then the folds.
    stream: u64,
}

impl<'a> Division<'a> {
    fn new(rows: &'a [u32], stream: u64, ctx: &Context) -> Self {
        let sample = if rows.len() <= SAMPLE {
            Cow::Borrowed(rows)
        } else {
            let chosen = ctx.random("prepare/bins", stream).sample(rows.len(), SAMPLE);
            Cow::Owned(chosen.into_iter().map(|i| rows[i as usize]).collect())
        };
        Self { rows, sample, order: OnceLock::new(), stream }
    }

    fn order(&self, ctx: &Context) -> &[u32] {
        self.order.get_or_init(|| {
            let mut rows = self.rows.to_vec();
            ctx.random("prepare/order", self.stream).shuffle(&mut rows);
            rows
        })
    }
}

struct Job<'a> {
    input: &'a PrepareInput<'a>,
    spec: &'a EncodingSpec,
    /// All rows first, then the folds.
    divisions: Vec<Division<'a>>,
    ctx: &'a Context,
}

/// A column on its way.
struct Draft<'a> {
    name: Arc<str>,
    kind: Kind,
    optional: bool,
    /// Its values; empty when no part is left to be written.
    column: Cow<'a, Column>,
    origin: Option<Origin>,
    parts: Vec<DraftPart<'a>>,
}

/// How a derived column is made, and which divisions chose it.
struct Origin {
    derived: Derived,
    chosen_by: Vec<bool>,
}

struct DraftPart<'a> {
    entry: &'static Entry,
    step: &'a Step,
    /// One per division when it sees the target, else one; `None` until written, and for
    /// divisions that did not choose the column. The first is always wanted: it is the encoder's.
    written: Vec<Option<Written>>,
}

/// What one transformer made of one column for one division.
struct Written {
    fitted: FittedTransformer,
    columns: Vec<Arc<[f32]>>,
    bins: Vec<Option<Arc<BinnedColumn>>>,
    is_constant: Vec<bool>,
    sparse: Option<SparseColumns>,
}

impl<'a> Job<'a> {
    /// The used columns, each in the storage of its kind.
    fn conformed(&self) -> Result<Vec<(&'a Field, Cow<'a, Column>)>> {
        let excluded: HashSet<&str> = self.input.exclude.iter().map(String::as_str).collect();
        let is_used = |f: &&Field| f.kind.is_usable() && !excluded.contains(f.name.as_str());
        let fields: Vec<&Field> = self.input.schema.fields.iter().filter(is_used).collect();
        let columns = self.ctx.map(fields.len(), |i| {
            conform(self.input.table.require(&fields[i].name)?, fields[i].kind)
        });
        fields.into_iter().zip(columns).map(|(f, column)| Ok((f, column?))).collect()
    }

    fn derived(&self, fields: &[(&Field, Cow<'_, Column>)]) -> Result<Offer> {
        let divisions: Vec<&[u32]> = self.divisions.iter().map(|d| d.rows).collect();
        let (target, weights) = (self.input.target, self.input.weights);
        let input = DeriveInput { fields, target, weights, divisions: &divisions };
        match self.input.like {
            None => derive(&input, self.ctx),
            Some(encoder) => {
                let (inputs, columns) = encoder.derived();
                derive_again(&input, inputs, columns, self.ctx)
            }
        }
    }

    /// Begins raw and derived columns: writes their target-free parts.
    fn drafts(
        &self,
        fields: Vec<(&'a Field, Cow<'a, Column>)>,
        derived: Vec<OfferedColumn>,
    ) -> Result<Vec<Draft<'a>>> {
        let raw = fields.into_iter().map(|(field, column)| Draft {
            name: field.name.as_str().into(),
            kind: field.kind,
            optional: field.optional,
            column,
            origin: None,
            parts: Vec::new(),
        });
        let derived = derived.into_iter().map(|offered| Draft {
            name: offered.column.name.as_str().into(),
            kind: offered.derived.form().kind(),
            optional: false,
            column: Cow::Owned(offered.column),
            origin: Some(Origin { derived: offered.derived, chosen_by: offered.chosen_by }),
            parts: Vec::new(),
        });
        let mut drafts: Vec<Draft<'a>> = raw.chain(derived).collect();
        let parts = self.ctx.map(drafts.len(), |i| self.parts(drafts[i].kind, &drafts[i].column));
        for (draft, parts) in drafts.iter_mut().zip(parts) {
            draft.parts = parts?;
            if !draft.parts.iter().any(|p| p.entry.spec.sees_target) {
                draft.column = Cow::Owned(Column::numbers("", Numbers::default()));
            }
        }
        Ok(drafts)
    }

    /// The parts of a column, of which the target-free ones are written.
    fn parts(&self, kind: Kind, column: &Column) -> Result<Vec<DraftPart<'a>>> {
        let steps = self.spec.steps(kind, n_levels(column));
        let mut parts = Vec::with_capacity(steps.len());
        for step in steps {
            let entry = transformer(&step.transformer)?;
            let mut written = Vec::new();
            if !entry.spec.sees_target {
                written.push(Some(self.write(column, entry, step, &self.divisions[0])?));
            }
            parts.push(DraftPart { entry, step, written });
        }
        Ok(parts)
    }

    /// Writes the parts that see the target, for every division that wants them.
    fn write_target_parts(&self, drafts: &mut [Draft<'a>]) -> Result<()> {
        let mut tasks = Vec::new();
        for (i, draft) in drafts.iter_mut().enumerate() {
            let wanted: Vec<usize> =
                (0..self.divisions.len()).filter(|d| *d == 0 || draft.is_chosen_by(*d)).collect();
            for (j, part) in draft.parts.iter_mut().enumerate() {
                if part.entry.spec.sees_target {
                    part.written.resize_with(self.divisions.len(), || None);
                    tasks.extend(wanted.iter().map(|d| (i, j, *d)));
                }
            }
        }
        let shared: &[Draft<'a>] = drafts;
        let results = self.ctx.map(tasks.len(), |t| {
            let (i, j, d) = tasks[t];
            let part = &shared[i].parts[j];
            self.write(&shared[i].column, part.entry, part.step, &self.divisions[d])
        });
        for ((i, j, d), written) in tasks.into_iter().zip(results) {
            drafts[i].parts[j].written[d] = Some(written?);
        }
        Ok(())
    }

    fn write(
        &self,
        column: &Column,
        entry: &'static Entry,
        step: &Step,
        division: &Division<'_>,
    ) -> Result<Written> {
        let input = TransformInput {
            column,
            rows: division.rows,
            order: if entry.spec.sees_target { division.order(self.ctx) } else { &[] },
            target: self.input.target,
            weights: self.input.weights,
            stream: division.stream,
        };
        let (fitted, encoded) = entry.fit_transform(&input, &step.params, self.ctx)?;
        let Encoded { columns, sparse } = encoded;
        let is_constant: Vec<bool> = columns.iter().map(|c| is_constant(c)).collect();
        let is_level = fitted.fitted.writes_levels();
        let bin_one = |(values, constant): (&Arc<[f32]>, &bool)| {
            let wanted = self.spec.bins && (!constant || division.stream > 0);
            wanted.then(|| {
                let levels = is_level.then(|| BinnedColumn::of_levels(values)).flatten();
                Arc::new(levels.unwrap_or_else(|| bin(values, Some(&division.sample))))
            })
        };
        let bins = columns.iter().zip(&is_constant).map(bin_one).collect();
        Ok(Written { fitted, columns, bins, is_constant, sparse })
    }

    fn assemble(&self, drafts: Vec<Draft<'a>>, inputs: Vec<RawInput>) -> Prepared {
        let n_rows = self.input.table.n_rows();
        let mut columns: Vec<Vec<FeatureColumn>> = vec![Vec::new(); self.divisions.len()];
        let mut blocks = Vec::new();
        let mut sources = Vec::new();
        let mut derived = DerivedSources { inputs, columns: Vec::new() };
        let mut nothing = None;
        for draft in drafts {
            let mut parts = Vec::new();
            for draft_part in draft.parts {
                let mut written = draft_part.written.into_iter();
                // Every part was written at least for all rows.
                let Some(first) = written.next().flatten() else { continue };
                let constant = first.is_constant.iter().enumerate();
                let kept = constant.filter(|(_, c)| !**c).map(|(i, _)| i as u32).collect();
                let part = Part::new(first.fitted, kept, &draft.name);
                if !part.is_used() {
                    continue;
                }
                let full = features(&first.columns, &first.bins, &part, &draft.name);
                for (d, list) in columns.iter_mut().enumerate() {
                    let own = if d > 0 { written.next().flatten() } else { None };
                    list.extend(match (own, &draft.origin) {
                        (_, Some(origin)) if !origin.chosen_by[d] => {
                            let nothing =
                                nothing.get_or_insert_with(|| Nothing::new(n_rows, self.spec.bins));
                            nothing.in_place_of(&full)
                        }
                        (Some(own), _) => features(&own.columns, &own.bins, &part, &draft.name),
                        // A target-free part is shared: further lists of the same columns.
                        (None, _) => full.clone(),
                    });
                }
                blocks.extend(first.sparse.map(|block| (draft.name.clone(), block)));
                parts.push(part);
            }
            if parts.is_empty() {
                continue;
            }
            let (name, kind, optional) = (draft.name, draft.kind, draft.optional);
            let source = Source { name, kind, optional, parts };
            match draft.origin {
                None => sources.push(source),
                Some(Origin { derived: of, .. }) => {
                    derived.columns.push(DerivedSource { derived: of, source });
                }
            }
        }
        let sparse = join_sparse(n_rows, blocks);
        let mut matrices = columns.into_iter().map(|columns| FeatureMatrix {
            n_rows,
            columns,
            sparse: sparse.clone(),
        });
        let full = matrices.next().unwrap_or_default();
        let encoder = FittedEncoder::new(self.spec.name.clone(), sources, derived);
        Prepared { folds: matrices.collect(), full, encoder }
    }
}

impl Draft<'_> {
    fn is_chosen_by(&self, division: usize) -> bool {
        self.origin.as_ref().is_none_or(|o| o.chosen_by[division])
    }
}

/// A column of zeros, which stands where a division did not choose a derived column.
struct Nothing {
    values: Arc<[f32]>,
    bins: Option<Arc<BinnedColumn>>,
}

impl Nothing {
    fn new(n_rows: usize, bins: bool) -> Self {
        let of = || Arc::new(BinnedColumn { codes: vec![0; n_rows].into(), cuts: Vec::new() });
        Self { values: vec![0.0; n_rows].into(), bins: bins.then(of) }
    }

    fn in_place_of(&self, features: &[FeatureColumn]) -> Vec<FeatureColumn> {
        let one = |f: &FeatureColumn| FeatureColumn {
            values: self.values.clone(),
            bins: self.bins.clone(),
            ..f.clone()
        };
        features.iter().map(one).collect()
    }
}

fn features(
    columns: &[Arc<[f32]>],
    bins: &[Option<Arc<BinnedColumn>>],
    part: &Part,
    source: &Arc<str>,
) -> Vec<FeatureColumn> {
    let one = |(position, name): (&u32, &Arc<str>)| FeatureColumn {
        name: name.clone(),
        source: source.clone(),
        values: columns[*position as usize].clone(),
        is_category: part.writes_levels(),
        bins: bins[*position as usize].clone(),
    };
    part.kept().iter().zip(part.names()).map(one).collect()
}

fn is_constant(values: &[f32]) -> bool {
    let Some(first) = values.first() else { return true };
    values.iter().all(|v| v == first || (v.is_nan() && first.is_nan()))
}

/// How many distinct values occur in a column of strings; 0 for other storages.
fn n_levels(column: &Column) -> usize {
    let ColumnData::String { codes, dictionary } = &column.data else { return 0 };
    let mut seen = vec![false; dictionary.len()];
    for code in codes {
        if let Some(seen) = seen.get_mut(*code as usize) {
            *seen = true;
        }
    }
    seen.into_iter().filter(|s| *s).count()
}
