//! The steps of a project, and how each is done.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use modelwright_core::record::{MonitorRecord, Options, RunRecord, Status};
use modelwright_core::{Context, Error, Result};
use modelwright_inspect::monitor_html;
use modelwright_lifecycle::atomic_write;
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::store::{RunEnd, RunFilter, Store};
use serde::Serialize;

use super::config::{MonitorPart, PipelineConfig, RegisterPart, SourcePart};
use super::step::Step;
use super::{Surroundings, gates, lacks, tell};
use crate::run_account::RunAccount;
use crate::run_end::{fit_end, monitor_end, over};
use crate::{
    FitInput, Model, MonitorRequest, OutputFolder, Rows, all_rows, fit, input_of, machine, monitor,
    read_test, read_train, save,
};

/// The names of the steps, which are those of their tables.
const SOURCE: &str = "source";
const FIT: &str = "fit";
const GATES: &str = "gate";
const REGISTER: &str = "register";
const MONITOR: &str = "monitor";

/// The steps of a project, in order.
pub(super) fn of(config: &PipelineConfig, folder: &Path) -> Result<Vec<Step>> {
    let at = |path: &PathBuf| folder.join(path);
    let model = folder.join(&config.out).join("model.mw");
    let mut steps = Vec::new();
    if let Some(source) = &config.source {
        steps.push(Step {
            name: SOURCE.to_owned(),
            settings: json(source)?,
            inputs: source.inputs.iter().map(at).collect(),
            outputs: source.outputs.iter().map(at).collect(),
        });
    }
    let data: Vec<PathBuf> =
        std::iter::once(&config.data.train).chain(&config.data.test).map(at).collect();
    steps.push(Step {
        name: FIT.to_owned(),
        settings: json(&(config.fit_flags()?, &config.out))?,
        inputs: data.clone(),
        outputs: vec![model.clone()],
    });
    if !config.gates.is_empty() {
        let mut inputs = vec![model.clone()];
        inputs.extend(data.into_iter().skip(1));
        let (name, settings) = (GATES.to_owned(), json(&config.gates)?);
        steps.push(Step { name, settings, inputs, outputs: Vec::new() });
    }
    if let Some(register) = &config.register {
        let (name, settings) = (REGISTER.to_owned(), json(register)?);
        steps.push(Step { name, settings, inputs: vec![model.clone()], outputs: Vec::new() });
    }
    if let Some(monitor) = &config.monitor {
        steps.push(Step {
            name: MONITOR.to_owned(),
            settings: json(monitor)?,
            inputs: vec![model, at(&monitor.current)],
            outputs: vec![at(&monitor.report)],
        });
    }
    Ok(steps)
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::work("cannot write down a step").because(e))
}

/// Does a step; says what came of it.
pub(super) fn perform(
    step: &Step,
    config: &PipelineConfig,
    folder: &Path,
    world: &Surroundings<'_>,
) -> Result<String> {
    match (step.name.as_str(), &config.source, &config.register, &config.monitor) {
        (SOURCE, Some(source), _, _) => make(source, folder),
        (FIT, ..) => learn(config, folder, world),
        (GATES, ..) => {
            let ctx = (world.context)(None)?;
            tell(&ctx, "gates");
            let model = Model::load(folder.join(&config.out))?;
            gates::ask(config, folder, &model, world.store.as_deref(), &ctx)
        }
        (REGISTER, _, Some(register), _) => keep(register, config, folder, world),
        (MONITOR, _, _, Some(part)) => watch(part, config, folder, world),
        _ => Err(Error::work("there is no such step").got(&step.name)),
    }
}

/// Runs the command; what it prints goes to stderr, so that stdout stays ours.
fn make(source: &SourcePart, folder: &Path) -> Result<String> {
    let failed = |e| Error::work("the command cannot be run").got(&source.run).because(e);
    let mut child = Command::new("sh")
        .args(["-c", &source.run])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .spawn()
        .map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(Error::work("the command failed").got(format!("{}: {status}", source.run)));
    }
    Ok(format!("`{}`", source.run))
}

/// Fits a model, which is a run of its own.
fn learn(config: &PipelineConfig, folder: &Path, world: &Surroundings<'_>) -> Result<String> {
    let asked = crate::asked::options("fit", &config.fit_flags()?)?;
    let ctx = (world.context)(asked.options.time_limit_s.map(Duration::from_secs_f64))?;
    let failed = |e| Error::work("cannot write down what was asked").because(e);
    let parameters = serde_json::to_value(&asked.options).map_err(failed)?;
    let mut account = (world.account)(FIT, &parameters, &folder.join(&config.out))?;
    let done = fitted(asked.options, (config, folder), world, &mut account, &ctx);
    let end = done.as_ref().map(|(record, bytes)| fit_end(record, Some(bytes)));
    let end = over(end, ctx.elapsed().as_secs_f64());
    account.end(&end, world.says, world.warns)?;
    let (record, _) = done?;
    let first = record.evaluation.as_ref().and_then(|e| e.metrics.first());
    Ok(first.map_or("fitted".to_owned(), |m| {
        let ends = m.ci95.map_or(String::new(), |c| format!(" ({:.5} to {:.5})", c.low, c.high));
        m.value.map_or("fitted".to_owned(), |value| format!("{} {value:.5}{ends}", m.name))
    }))
}

/// Reads, fits and writes; the account and the bytes of the model.
fn fitted(
    options: Options,
    (config, folder): (&PipelineConfig, &Path),
    world: &Surroundings<'_>,
    account: &mut RunAccount,
    ctx: &Context,
) -> Result<(RunRecord, Vec<u8>)> {
    let out = OutputFolder::prepare(folder.join(&config.out))?;
    tell(ctx, "read");
    let text = &options.text;
    let train = read_train(&folder.join(&config.data.train), text, ctx)?;
    let test = match &config.data.test {
        None => None,
        Some(test) => Some(read_test(&folder.join(test), text, &train, ctx)?),
    };
    let all_rows = all_rows(&folder.join(&config.data.train), text);
    let input = FitInput { all_rows, ..input_of(train, test, options) };
    account.keep_data((&input.table, &input.source), ctx, world.warns);
    let mut outcome = fit(input, ctx)?;
    if ctx.is_cancelled() {
        // A search that was cut short is no step that was done.
        return Err(Error::interrupted("interrupted while fitting"));
    }
    tell(ctx, "write");
    outcome.record.clock.created = (world.now)();
    machine::complete(&mut outcome.record.clock, ctx);
    let bytes = bytes_of(&save(&outcome, &out)?.model)?;
    Ok((outcome.record, bytes))
}

fn bytes_of(model: &Path) -> Result<Vec<u8>> {
    std::fs::read(model).map_err(|e| {
        Error::work("cannot read the model file").at(model.display().to_string()).because(e)
    })
}

fn keep(
    register: &RegisterPart,
    config: &PipelineConfig,
    folder: &Path,
    world: &Surroundings<'_>,
) -> Result<String> {
    let Some(place) = &world.store else {
        return Err(lacks("there is no folder for a store", "name one with --store DIR"));
    };
    let at = (world.now)();
    let mut store = Store::open(place, &at)?;
    let file = folder.join(&config.out).join("model.mw");
    let note = Some("by `modelwright run`");
    let run = run_of(&store, &file)?;
    let version = store.register(&register.name, &file, run, note, &at)?;
    let number = version.number.to_string();
    let Some(alias) = &register.alias else {
        return Ok(format!("{}, version {number}", register.name));
    };
    store.set_alias(&register.name, alias, &number, note, &at)?;
    Ok(format!("{}@{alias} is version {number}", register.name))
}

/// The last run that made a model file, where it is written down.
fn run_of(store: &Store, file: &Path) -> Result<Option<i64>> {
    let sha256 = sha256_hex(&bytes_of(file)?);
    let fits = store.runs(&RunFilter::parse("kind = fit and status = finished")?)?;
    let own = fits.into_iter().filter(|run| run.model_sha256.as_ref() == Some(&sha256));
    Ok(own.map(|run| run.id).max())
}

/// Looks at new rows, which is a run of its own.
fn watch(
    part: &MonitorPart,
    config: &PipelineConfig,
    folder: &Path,
    world: &Surroundings<'_>,
) -> Result<String> {
    let ctx = (world.context)(None)?;
    tell(&ctx, "monitor");
    let (of_model, report) = (folder.join(&config.out), folder.join(&part.report));
    let asked = serde_json::json!({ "model": of_model, "current": [folder.join(&part.current)] });
    let account = (world.account)(MONITOR, &asked, &report)?;
    let done = looked(part, (&of_model, folder), world, &ctx);
    let end = done.as_ref().map(|(sha256, found)| {
        let model_sha256 = Some(sha256.clone());
        RunEnd { model_sha256, ..monitor_end(found) }
    });
    let end = over(end, ctx.elapsed().as_secs_f64());
    account.end(&RunEnd { ended: (world.now)(), ..end }, world.says, world.warns)?;
    let (_, found) = done?;
    atomic_write(report, monitor_html(&found).as_bytes())?;
    let summary = found.verdict.summary.clone();
    if part.fail_on_alarm && found.verdict.status == Status::Alarm {
        return Err(Error::work("the monitor raised an alarm").got(summary));
    }
    Ok(summary)
}

/// The model's SHA-256, and what is found on the new rows.
fn looked(
    part: &MonitorPart,
    (of_model, folder): (&Path, &Path),
    world: &Surroundings<'_>,
    ctx: &Context,
) -> Result<(String, MonitorRecord)> {
    let model = Model::load(of_model)?;
    let sha256 = sha256_hex(&bytes_of(&model.path)?);
    let current = vec![Rows::File(folder.join(&part.current))];
    let mut found = monitor(&model, &MonitorRequest { current, ..MonitorRequest::default() }, ctx)?;
    found.created = (world.now)();
    Ok((sha256, found))
}
