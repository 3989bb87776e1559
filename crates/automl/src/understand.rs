//! Which task is this, which rows and columns may be used, and what leaks?

use std::collections::{BTreeMap, HashMap};

use modelwright_core::context::Event;
use modelwright_core::data::{Column, ColumnData, Field, Kind, Schema, Storage, Table};
use modelwright_core::record::{
    Bin, ColumnProfile, Count, LeakAction, LeakFinding, LeakKind, Options, TaskRecord,
};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric::{METRICS, MetricEntry, MetricInput, metric};
use modelwright_preprocess::leakage::{self, LeakageInput};
use modelwright_preprocess::profile::{Profile, ProfileOptions, guess_task, profile_table};

use crate::boosting::METRIC_OF_QUANTILES;
use crate::fit::REFITS;
use crate::own::{self, Own};
use crate::{boosting, decision, target};

/// A table that has been understood.
pub(crate) struct Understood {
    pub profile: Profile,
    pub task: TaskRecord,
    pub metric: &'static MetricEntry,
    /// Rows whose target is known, ascending.
    pub rows: Vec<u32>,
}

/// Profiles the table and resolves the question.
pub(crate) fn understand(
    table: &Table,
    schema: &Schema,
    options: &Options,
    own: &Own,
    ctx: &Context,
) -> Result<Understood> {
    own.check(&options.own)?;
    own.check_continued(options)?;
    check_options(table, options)?;
    ctx.tell(Event::Phase("profile".to_owned()));
    let profile_options = ProfileOptions {
        kinds: boosting::with_kinds(options),
        target: Some(options.target.clone()),
    };
    let mut profile = profile_table(table, schema, &profile_options, ctx)?;
    learn_from_identifiers_at_need(&mut profile, options);
    tell_unused(&profile, options, ctx);
    let column = table.require(&options.target)?;
    let rows = target::rows_with_target(column);
    if rows.is_empty() {
        return Err(Error::input("the target has no value in any row")
            .column(&options.target)
            .expected("at least two different values")
            .got("only missing values")
            .hint("check that --target names the column to predict"));
    }
    boosting::check(table, &rows, options)?;
    let found = profile.record.columns.iter().find(|c| c.name == options.target);
    let (task, metric) = resolve_task((column, &rows), found, options, own, ctx)?;
    Ok(Understood { profile, task, metric, rows })
}

/// Whether a column may be learned from, for all that its kind says.
fn may_be_feature(name: &String, options: &Options) -> bool {
    let roles = [&options.weight, &options.group].into_iter().flatten();
    *name != options.target
        && !options.exclude.contains(name)
        && roles.into_iter().all(|r| r != name)
}

/// Where nothing but numbers that look like row numbers is left (`x, y` with `x = 1, 2, …`), they
/// are what there is to learn from.
fn learn_from_identifiers_at_need(profile: &mut Profile, options: &Options) {
    let Profile { record, schema, .. } = profile;
    let is_usable = |f: &Field| f.kind.is_usable() && may_be_feature(&f.name, options);
    if schema.fields.iter().any(is_usable) {
        return;
    }
    for (field, column) in schema.fields.iter_mut().zip(&mut record.columns) {
        let is_number = field.kind == Kind::Identifier && field.storage == Storage::Number;
        if is_number && !column.kind.overridden && may_be_feature(&field.name, options) {
            field.kind = Kind::Number;
            column.kind.kind = Kind::Number;
            column.kind.evidence.push_str("; used, because no other column is");
        }
    }
}

/// Says which columns are not learned from because they look like names of their rows.
fn tell_unused(profile: &Profile, options: &Options, ctx: &Context) {
    for column in &profile.record.columns {
        let is_left_out = column.kind.kind == Kind::Identifier && !column.kind.overridden;
        if is_left_out && may_be_feature(&column.name, options) {
            ctx.tell(Event::Note(format!(
                "not learned from: {}, an identifier ({})",
                column.name, column.kind.evidence
            )));
        }
    }
}

/// Looks for leaks in the training part and says which columns to leave out.
pub(crate) fn leaks(
    train: &Table,
    held_out: Option<&Table>,
    schema: &Schema,
    encoded: &Target,
    split_kind: &str,
    options: &Options,
    ctx: &Context,
) -> Result<(Vec<LeakFinding>, Vec<String>)> {
    ctx.tell(Event::Phase("leakage".to_owned()));
    let mut findings = leakage::check(
        &LeakageInput {
            table: train,
            schema,
            target: encoded,
            target_column: &options.target,
            test: held_out,
            group: options.group.as_deref(),
            time_column: options.time_column.as_deref(),
            split_kind,
            keep_leaks: options.keep_leaks,
        },
        ctx,
    )?;
    findings.retain(|finding| !is_of_no_feature(finding, options));
    keep_the_only_columns(&mut findings, schema, options, ctx);
    let mut excluded = Vec::new();
    for finding in findings.iter().filter(|f| f.action == LeakAction::Excluded) {
        ctx.tell(Event::Warning(format!(
            "left out {} as a near-certain leak: {} (keep with --keep-leaks)",
            finding.columns.join(", "),
            finding.evidence
        )));
        excluded.extend(finding.columns.iter().cloned());
    }
    Ok((findings, excluded))
}

/// Where nothing would be left to learn from, what looks like a leak is all that there is: it
/// stays, and is reported (a law of physics looks like one, too).
fn keep_the_only_columns(
    findings: &mut [LeakFinding],
    schema: &Schema,
    options: &Options,
    ctx: &Context,
) {
    let is_excluded = |f: &&mut LeakFinding| f.action == LeakAction::Excluded;
    let excluded: Vec<String> =
        findings.iter_mut().filter(is_excluded).flat_map(|f| f.columns.clone()).collect();
    let is_left = |f: &&Field| {
        f.kind.is_usable() && may_be_feature(&f.name, options) && !excluded.contains(&f.name)
    };
    if excluded.is_empty() || schema.fields.iter().any(|f| is_left(&f)) {
        return;
    }
    for finding in findings.iter_mut().filter(is_excluded) {
        finding.action = LeakAction::Reported;
        ctx.tell(Event::Warning(format!(
            "learning from {}, though it looks like a leak, because no other column is left: {}",
            finding.columns.join(", "),
            finding.evidence
        )));
    }
}

/// Whether a finding is about columns that no model reads anyway, such as the weights.
fn is_of_no_feature(finding: &LeakFinding, options: &Options) -> bool {
    let tells_the_target = matches!(
        finding.kind,
        LeakKind::TargetCopy
            | LeakKind::TargetProxy
            | LeakKind::FilledAfterwards
            | LeakKind::Identifier
    );
    let starts = boosting::init_columns(options);
    let is_left_out = |name: &String| {
        options.exclude.contains(name)
            || starts.contains(name)
            || [&options.weight, &options.group].into_iter().flatten().any(|own| own == name)
    };
    tells_the_target && !finding.columns.is_empty() && finding.columns.iter().all(is_left_out)
}

fn check_options(table: &Table, options: &Options) -> Result<()> {
    if table.n_columns() < 2 {
        return Err(Error::input("there is nothing to learn from besides the target")
            .expected("at least two columns")
            .got(format!("{} column(s)", table.n_columns())));
    }
    let named = [("--target", Some(&options.target))]
        .into_iter()
        .chain([
            ("--group", options.group.as_ref()),
            ("--time-column", options.time_column.as_ref()),
            ("--weight", options.weight.as_ref()),
            ("--group-coverage", options.group_coverage.as_ref()),
        ])
        .chain(options.exclude.iter().map(|c| ("--exclude", Some(c))))
        .chain(options.sensitive.iter().map(|c| ("--sensitive", Some(c))))
        .chain(options.kinds.keys().map(|c| ("--kind", Some(c))));
    for (flag, column) in named {
        if let Some(name) = column {
            table.require(name).map_err(|e| e.at(flag))?;
        }
    }
    let roles = [&options.group, &options.time_column, &options.weight];
    if roles.iter().any(|r| r.as_ref() == Some(&options.target))
        || options.exclude.contains(&options.target)
    {
        return Err(Error::input("the target cannot have a second role")
            .column(&options.target)
            .hint("do not name it in --group, --time-column, --weight or --exclude"));
    }
    if !(0.0..=0.9).contains(&options.holdout) {
        return Err(Error::input("the holdout share is out of range")
            .at("--holdout")
            .expected("a number from 0 to 0.9")
            .got(options.holdout.to_string()));
    }
    if options.nested.is_some_and(|k| k < 2) {
        return Err(Error::input("too few outer folds").at("--nested").expected("2 or more"));
    }
    if !REFITS.contains(&&*options.refit) {
        return Err(Error::input("unknown rows to refit on")
            .at("--refit")
            .got(&options.refit)
            .suggest(&options.refit, REFITS));
    }
    Ok(())
}

fn resolve_task(
    (column, rows): (&Column, &[u32]),
    found: Option<&ColumnProfile>,
    options: &Options,
    own: &Own,
    ctx: &Context,
) -> Result<(TaskRecord, &'static MetricEntry)> {
    let (task, evidence) = match (options.task, found) {
        (Some(task), _) => (task, "asked for with --task".to_owned()),
        (None, Some(profile)) => guess_task(column, &profile.kind)?,
        (None, None) => return Err(Error::input("no such column").column(&column.name)),
    };
    let positive = options.positive.as_deref();
    let (mut task, mut classes) = (task, Vec::new());
    if task.is_classification() {
        classes = match options.classes.as_slice() {
            [] => target::labels(column, task, positive)?,
            known => target::labels_within(column, task, known)?,
        };
        if classes.len() == 2 {
            task = Task::Binary;
        }
    } else if positive.is_some() {
        return Err(Error::input("--positive needs a classification")
            .at("--positive")
            .expected("a target with two values")
            .got(format!("a number to predict ({evidence})"))
            .hint("leave --positive out, or ask for --task binary"));
    }
    decision::costs(options, task, &classes)?;
    let entry = judged_by(options, own, (task, &classes), &column.select(rows), ctx)?;
    let record = TaskRecord {
        task,
        evidence,
        target: column.name.clone(),
        metric: entry.spec.name.to_owned(),
        larger_is_better: entry.spec.larger_is_better,
        class_counts: class_counts(column, &classes),
        histogram: if classes.is_empty() { histogram(column) } else { Vec::new() },
        classes,
        n_rows_without_target: column.n_rows() - rows.len(),
    };
    Ok((record, entry))
}

/// The metric to optimise: the caller's own, the one that is named, or the task's default.
fn judged_by(
    options: &Options,
    own: &Own,
    (task, classes): (Task, &[String]),
    known: &Column,
    ctx: &Context,
) -> Result<&'static MetricEntry> {
    if let Some((own, _)) = &own.metric {
        let calls = own::calls(own, (task, classes), known, ctx)?;
        return Ok(MetricEntry::of_own_within(own.clone(), task, classes, calls));
    }
    let of_task = match task {
        Task::Regression if boosting::learns_quantiles(options) => METRIC_OF_QUANTILES,
        task => task.default_metric(),
    };
    let name = options.metric.as_deref().unwrap_or(of_task);
    let entry = metric(name).map_err(|e| e.at("--metric"))?;
    if entry.spec.tasks.contains(&task) {
        is_defined(entry, known)?;
        return Ok(entry);
    }
    let fitting = METRICS.iter().filter(|m| m.spec.tasks.contains(&task)).map(|m| m.spec.name);
    Err(Error::input(format!("the metric {name} does not fit a {} task", task.name()))
        .at("--metric")
        .expected(fitting.collect::<Vec<_>>().join(", "))
        .got(name))
}

/// Refuses a metric that these values of the target leave undefined, whatever is predicted: nothing
/// could be chosen by it.
fn is_defined(entry: &MetricEntry, known: &Column) -> Result<()> {
    let ColumnData::Number(values) = &known.data else { return Ok(()) };
    if !entry.spec.tasks.contains(&Task::Regression) {
        return Ok(());
    }
    let values: Vec<f64> = values.iter().filter(|v| v.is_finite()).collect();
    let largest = values.iter().fold(1.0_f64, |most, v| most.max(v.abs()));
    let (truth, n) = (Target::Real(values), known.n_rows());
    let said = Predictions::new(1, vec![largest; truth.n_rows()]);
    if n < 2 {
        return Ok(());
    }
    let value = entry.value(&MetricInput::new(&truth, &said));
    value.map(|_| ()).map_err(|e| e.at("--metric").column(&known.name))
}

fn class_counts(column: &Column, classes: &[String]) -> Vec<Count> {
    if classes.is_empty() {
        return Vec::new();
    }
    // A label is written out once per distinct value, not once per row.
    let mut rows_of: HashMap<u64, (usize, usize)> = HashMap::new();
    for row in (0..column.n_rows()).filter(|row| !column.is_missing(*row)) {
        rows_of.entry(column.key(row)).or_insert((row, 0)).1 += 1;
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (first, n) in rows_of.into_values() {
        *counts.entry(column.display(first).unwrap_or_default()).or_default() += n;
    }
    let count = |c: &String| counts.get(c).copied().unwrap_or(0);
    classes.iter().map(|c| Count { name: c.clone(), n: count(c) }).collect()
}

/// Thirty equal bars over the finite values.
fn histogram(column: &Column) -> Vec<Bin> {
    const N_BARS: usize = 30;
    let ColumnData::Number(values) = &column.data else { return Vec::new() };
    let finite = || values.iter().filter(|v| v.is_finite());
    let (min, max) =
        finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if min >= max {
        return Vec::new();
    }
    // Parts of both ends, because the range of two huge values may be no number.
    let width = max / N_BARS as f64 - min / N_BARS as f64;
    let mut counts = [0_usize; N_BARS];
    for value in finite() {
        counts[((value / width - min / width) as usize).min(N_BARS - 1)] += 1;
    }
    let edge = |i: usize| if i == N_BARS { max } else { min + i as f64 * width };
    (0..N_BARS).map(|i| Bin { from: edge(i), to: edge(i + 1), n_rows: counts[i] }).collect()
}
