//! The training part, the untouched part, and their targets and weights.

use modelwright_core::context::Event;
use modelwright_core::data::{ColumnData, Fold, Table};
use modelwright_core::record::{DataSource, Options, Plan, SplitRecord, TaskRecord};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::split::SplitKind;
use modelwright_preprocess::profile::Profile;

use crate::capacity::RowCost;
use crate::own::{Own, OwnSplit};
use crate::parting::{self, Roles};
use crate::understand::Understood;
use crate::whole_file::{N_ROWS_SEARCH, WholeFile};
use crate::{capacity, sampling, target};

/// The training part, the untouched part, and the target of the training part.
pub(crate) struct Parts {
    pub train: Table,
    pub held_out: Option<Table>,
    pub target: Target,
    pub split: SplitRecord,
    pub kind: SplitKind,
    pub test_source: Option<DataSource>,
    /// Whether the caller says which rows are learned from and which are judged.
    pub is_own: bool,
    /// Positions of the training rows in the table that was read.
    pub rows: Vec<u32>,
}

impl Parts {
    pub(crate) fn make(
        table: Table,
        test: Option<(Table, DataSource)>,
        understood: &Understood,
        (options, own): (&Options, &Own),
        ctx: &Context,
    ) -> Result<Self> {
        let task = &understood.task;
        let positions = understood.rows.clone();
        let table = if understood.rows.len() == table.n_rows() {
            table
        } else {
            table.into_selected(&understood.rows)
        };
        // Everything that a later part of the fit would refuse is refused here, before time is
        // spent, and rows are counted in the file, not among those whose target is known.
        let in_file = |e: Error| in_file(e, &positions);
        let target_column = table.require(&options.target)?;
        let encoded = target::encode(target_column, &task.classes, task.task).map_err(in_file)?;
        target::check_spread(&encoded, &task.target)?;
        weights_of(&table, options).map_err(in_file)?;
        let (kind, reason) = parting::choose(&table, &understood.profile, options, ctx)?;
        if kind == SplitKind::Group && options.group.is_none() {
            ctx.tell(Event::Warning(reason.clone()));
        }
        let is_own = own.split.is_some();
        let roles = Roles::of_split(kind, &table, options, ctx).map_err(in_file)?;
        let held = match (&test, &own.split) {
            (Some(_), _) => None,
            (None, Some(_)) if options.holdout == 0.0 => None,
            (None, Some((split, _))) => Some(split.held_out(&positions)?),
            (None, None) => parting::hold_out(kind, &roles, &encoded, options.holdout, ctx)?,
        };
        let n_held = held.as_ref().map_or(0, |f| f.validation.len());
        let n_train = held.as_ref().map_or(table.n_rows(), |f| f.train.len());
        let mut split = parting::record(kind, reason, n_train, n_held, false);
        if let Some((_, part)) = &own.split {
            "own".clone_into(&mut split.kind);
            split.reason = format!("the rows were given: {}", part.name);
        }
        let whole = Self {
            train: table,
            held_out: None,
            target: encoded,
            split,
            kind,
            test_source: None,
            is_own,
            rows: positions,
        };
        match (test, held) {
            (Some((test, source)), _) => whole.beside(test, source, (options, task)),
            (None, Some(fold)) => Ok(whole.parted(&fold)),
            (None, None) => Ok(whole),
        }
    }

    /// All rows to learn from, and a table of its own to test on, which is proved to fit before
    /// anything is learned.
    fn beside(
        self,
        test: Table,
        source: DataSource,
        (options, task): (&Options, &TaskRecord),
    ) -> Result<Self> {
        let rows = target::rows_with_target(test.require(&options.target)?);
        if rows.is_empty() {
            return Err(Error::input("the test file has no row with a known target")
                .at(source.name)
                .column(&options.target));
        }
        let in_file = |e: Error| in_file(e, &rows).at(source.name.clone());
        let test = if rows.len() == test.n_rows() { test } else { test.into_selected(&rows) };
        target::encode(test.require(&options.target)?, &task.classes, task.task)
            .map_err(in_file)?;
        weights_of(&test, options).map_err(in_file)?;
        let reason = "a test file was given".to_owned();
        let split = parting::record(self.kind, reason, self.train.n_rows(), rows.len(), true);
        Ok(Self { held_out: Some(test), split, test_source: Some(source), ..self })
    }

    /// The rows that a fold learns from, and those that it judges.
    fn parted(self, fold: &Fold) -> Self {
        let (train, held_out) = self.train.part(&fold.train, &fold.validation);
        Self {
            train,
            held_out: Some(held_out),
            target: self.target.select(&fold.train),
            rows: selected(&self.rows, &fold.train),
            ..self
        }
    }
}

impl Parts {
    /// The kind of split, as findings about leaks know it.
    pub(crate) fn kind_name(&self) -> &'static str {
        if self.is_own { "own" } else { self.kind.name() }
    }

    /// Whether any rows may judge any others: no groups, no order in time, nothing unknown.
    pub(crate) fn may_exchange(&self) -> bool {
        !self.is_own && matches!(self.kind, SplitKind::Random | SplitKind::Stratified)
    }

    /// Whether the rows can be parted into folds in several ways, and learners that are not the
    /// engine's own need not be asked again for each.
    pub(crate) fn may_repeat(&self, own: &Own) -> bool {
        !self.is_own && self.kind != SplitKind::Time && own.learners.is_empty()
    }

    /// The folds that the caller gave; the plan then says so.
    pub(crate) fn own_folds(&self, split: &OwnSplit, plan: &mut Plan) -> Result<Vec<Fold>> {
        let is_held_out = self.held_out.is_some() && self.test_source.is_none();
        let folds = split.folds(&self.rows, is_held_out)?;
        let judged = |f: &Fold| f.validation.len() as f64;
        (plan.n_folds, plan.validation_share) = match &folds[..] {
            [one] => (0, judged(one) / (judged(one) + one.train.len() as f64)),
            many => (many.len(), 0.0),
        };
        plan.notes.push(format!("{} pairs of rows judge the trials: they were given", folds.len()));
        Ok(folds)
    }

    /// The weights of the training rows; checked.
    pub(crate) fn weights(&self, options: &Options) -> Result<Option<Vec<f64>>> {
        let weights = weights_of(&self.train, options)?;
        classes_have_weight(&self.target, weights.as_deref())?;
        Ok(weights)
    }

    /// Keeps as many training rows as memory and time allow; says why some were left out.
    pub(crate) fn fit_into_limits(
        &mut self,
        profile: &Profile,
        exclude: &[String],
        notes: &mut Vec<String>,
        ctx: &Context,
    ) -> Result<Option<&'static str>> {
        let n_rows = self.train.n_rows();
        let columns = &profile.record.columns;
        let cost = RowCost::of(&profile.schema, columns, exclude, self.target.n_outputs());
        let fitting = capacity::rows_that_fit(ctx, n_rows, cost)?;
        if let Some((n, reason)) = fitting {
            self.keep(n, "capacity/rows", ctx);
            notes.push(format!("{n} of {n_rows} training rows are used: {reason}"));
        }
        Ok(fitting.map(|(_, reason)| reason))
    }

    /// Keeps as many rows as a search needs where the last fit learns from all rows of a file;
    /// says whether some were left out. Where it does not, warns of rows that a limit left out.
    pub(crate) fn thin_for(
        &mut self,
        file: Option<&WholeFile>,
        left_out_by: Option<&'static str>,
        notes: &mut Vec<String>,
        ctx: &Context,
    ) -> bool {
        let Some(file) = file else {
            // The last fit cannot make up for it.
            if let (Some(_), Some(note)) = (left_out_by, notes.last()) {
                ctx.tell(Event::Warning(note.clone()));
            }
            return false;
        };
        let n_rows = self.train.n_rows();
        let is_thinned = n_rows > N_ROWS_SEARCH;
        if is_thinned {
            self.keep(N_ROWS_SEARCH, "search/rows", ctx);
            notes.push(format!("{N_ROWS_SEARCH} of {n_rows} training rows are searched on"));
        }
        notes.push(file.note());
        ctx.tell(Event::Note(file.note()));
        is_thinned
    }

    /// Keeps `n` of the training rows, drawn by chance, class by class.
    fn keep(&mut self, n: usize, stream: &str, ctx: &Context) {
        let mut random = ctx.random(stream, 0);
        let rows = match &self.target {
            Target::Class { codes, n_classes } => {
                sampling::stratified(codes, *n_classes, n, &mut random)
            }
            Target::Real(_) => random.sample(self.train.n_rows(), n),
        };
        self.train = std::mem::take(&mut self.train).into_selected(&rows);
        self.target = self.target.select(&rows);
        self.rows = selected(&self.rows, &rows);
    }
}

fn selected(rows: &[u32], chosen: &[u32]) -> Vec<u32> {
    chosen.iter().map(|at| rows[*at as usize]).collect()
}

/// The error of a row that was counted among `rows`, counted in the file that they are of.
fn in_file(error: Error, rows: &[u32]) -> Error {
    let in_part = error.place().row.and_then(|row| usize::try_from(row).ok()?.checked_sub(1));
    match in_part.and_then(|row| rows.get(row)) {
        Some(row) => error.row(u64::from(*row) + 1),
        None => error,
    }
}

/// Weights beyond these make sums and their squares that are no numbers any more.
const LARGEST_WEIGHT: f64 = 1e30;
const SMALLEST_WEIGHT: f64 = 1e-30;

/// The weight of every row; checked.
pub(crate) fn weights_of(table: &Table, options: &Options) -> Result<Option<Vec<f64>>> {
    let Some(name) = &options.weight else { return Ok(None) };
    let column = table.require(name)?;
    let error = |what: &str| Error::input(what).column(name);
    let ColumnData::Number(values) = &column.data else {
        return Err(error("the weight column is not numeric").expected("numbers"));
    };
    let is_usable = |v: f64| v == 0.0 || (SMALLEST_WEIGHT..=LARGEST_WEIGHT).contains(&v);
    if let Some(row) = values.iter().position(|v| !is_usable(v)) {
        return Err(error("a weight is not usable")
            .row(row as u64 + 1)
            .expected(format!("0, or a number from {SMALLEST_WEIGHT:e} to {LARGEST_WEIGHT:e}"))
            .got(values.at(row).to_string()));
    }
    if values.iter().all(|v| v == 0.0) {
        return Err(error("all weights are zero").expected("at least one positive weight"));
    }
    Ok(Some(scaled(&values.wide())))
}

/// Whole weights up to this mean are taken for counts of equal rows.
const LARGEST_COUNT: f64 = 10.0;

/// Weights whose mean is 1, of the rows that have one: learners have parameters in units of rows
/// (the fewest of a leaf, how many neighbours, penalties), which weights that sum to 1 or to a
/// million would make meaningless. Counts of equal rows stay what they are.
pub(crate) fn scaled(weights: &[f64]) -> Vec<f64> {
    let n_with = weights.iter().filter(|w| **w > 0.0).count() as f64;
    let mean: f64 = weights.iter().map(|w| w / n_with).sum();
    if mean <= LARGEST_COUNT && weights.iter().all(|w| w.fract() == 0.0) {
        return weights.to_vec();
    }
    weights.iter().map(|w| w / mean).collect()
}

/// Refuses weights that leave rows of one class alone.
fn classes_have_weight(target: &Target, weights: Option<&[f64]>) -> Result<()> {
    let (Some(weights), Target::Class { codes, n_classes }) = (weights, target) else {
        return Ok(());
    };
    let mut has_weight = vec![false; *n_classes];
    for (code, weight) in codes.iter().zip(weights) {
        has_weight[*code as usize] |= *weight > 0.0;
    }
    if has_weight.iter().filter(|has| **has).count() >= 2 {
        return Ok(());
    }
    Err(Error::input("all rows that have a weight are of one class")
        .at("--weight")
        .expected("positive weights in rows of at least two classes")
        .got("zero in all rows of the others"))
}

/// The constant prediction: weighted class shares or mean of the training rows.
pub(crate) fn constant(train: &Target, weights: Option<&[f64]>, n_rows: usize) -> Predictions {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let total: f64 = (0..train.n_rows()).map(weight).sum();
    let row: Vec<f64> = match train {
        Target::Real(values) => {
            vec![values.iter().enumerate().map(|(i, v)| weight(i) * v).sum::<f64>() / total]
        }
        Target::Class { codes, n_classes } => {
            let mut shares = vec![0.0; *n_classes];
            for (i, code) in codes.iter().enumerate() {
                shares[*code as usize] += weight(i) / total;
            }
            if *n_classes == 2 { vec![shares[1]] } else { shares }
        }
    };
    Predictions::new(row.len(), row.repeat(n_rows))
}
