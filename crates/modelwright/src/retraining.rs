//! A new model for new rows, which takes the place of the old one only if it proves itself.

mod candidates;
mod judging;
mod news;
mod rows;
mod sliced;
mod timing;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use modelwright_automl::offers::is_student;
use modelwright_automl::{ALL_AND_TEST, Predictor, constant_answer, row_groups};
use modelwright_core::context::Event;
use modelwright_core::data::{ColumnData, Table};
use modelwright_core::record::{
    DataSource, Options, OwnKind, PlannedTrial, RetrainedFile, RetrainedRecord, RunRecord,
};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric_or_default;
use modelwright_learners::OWN;
use modelwright_lifecycle::artifact::unpack_artifact;
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::outputs::OutputFolder;
use modelwright_lifecycle::retrain::{
    Contender, Contest, Decision, Gates, RetrainPlan, decide, slices_of,
};
use modelwright_lifecycle::versions::Snapshot;

use self::candidates::{Found, Lesson, Taught};
use self::judging::{part, without_judged};
use self::news::News;
use self::rows::AllRows;
use crate::fitting::{Saved, save};
use crate::{Model, Rows};

/// What is to be done.
#[derive(Debug, Clone)]
pub struct RetrainRequest {
    /// Rows with answers: those to learn from and those to judge by.
    pub data: Vec<Rows>,
    /// The file of the old model, when it was not read from one.
    pub champion_bytes: Option<Vec<u8>>,
    /// Which of these rows count.
    pub window: RowWindow,
    /// The share of the rows, the most recent ones, that judges.
    pub judged_share: f64,
    /// The column with the time of each row; `None` takes that of the old model's run, or the order
    /// of the rows.
    pub time_column: Option<String>,
    /// Now, ISO 8601 in UTC: few rows that say that they are later are mistakes. `None` takes them
    /// for what they say.
    pub now: Option<String>,
    /// How the new model is found.
    pub plan: RetrainPlan,
    /// Whether the members of the old model are fitted again, in place of a new search, also
    /// beside boosters that learn on.
    pub same_plan: bool,
    /// Columns whose values must not suffer; the most important and the sensitive ones if none, and
    /// of those whose importance is not known the categories.
    pub slices: Vec<String>,
    /// The gates.
    pub gates: Gates,
    /// Whether what the rows hold is to be told as hashes, where that takes little time.
    pub keeps_data: bool,
}

impl RetrainRequest {
    /// Whether what is fitted are the members of the old model.
    fn fits_same(&self) -> bool {
        self.same_plan || self.plan == RetrainPlan::Same
    }

    /// What the record of the new model says of the wish.
    fn account(&self, files: Vec<RetrainedFile>) -> RetrainedRecord {
        let plan = match self.plan {
            RetrainPlan::Continue => "continue",
            RetrainPlan::Auto => "auto",
            RetrainPlan::Same => "same",
            RetrainPlan::Search if self.same_plan => "same",
            RetrainPlan::Search => "search",
        };
        RetrainedRecord {
            files,
            plan: plan.to_owned(),
            judged_share: self.judged_share,
            time_column: self.time_column.clone(),
            is_windowed: self.window != RowWindow::default(),
        }
    }
}

/// The last of many rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowWindow {
    /// No more than so many; all if absent.
    pub rows_max: Option<usize>,
    /// No older than so long before the last of them, by a time column that holds dates.
    pub last: Option<Duration>,
}

/// A new model and what was decided about it.
pub struct Retrained {
    /// The account of the new model's run.
    pub record: RunRecord,
    /// Its files.
    pub saved: Saved,
    /// The decision.
    pub decision: Decision,
    /// What the rows held, of which the account names the data.
    pub snapshot: Option<Snapshot>,
}

/// The time that a search may take: what the old model's search had, or the user's wish.
pub fn retrain_time(model: &Model, wish: Option<Duration>) -> Result<Duration> {
    let of_run = model.artifact.record()?.options.time_limit_s;
    Ok(wish.unwrap_or_else(|| Duration::from_secs_f64(of_run.unwrap_or(60.0))))
}

/// Fits a challenger on the older rows, judges both models on the newer ones, writes the
/// challenger into `folder` and decides.
///
/// # Errors
/// Input error when the rows cannot be read or are too few; work error when nothing can be fitted.
pub fn retrain(
    champion: &Model,
    request: &RetrainRequest,
    folder: &OutputFolder,
    clock: &dyn Fn(&mut RunRecord, &Context),
    ctx: &Context,
) -> Result<Retrained> {
    let record = champion.artifact.record()?;
    ctx.tell(Event::Phase("read".to_owned()));
    let AllRows { file, files, learned } = AllRows::read(champion, &record, &request.data, ctx)?;
    let source = file.source.clone();
    let snapshot = request.keeps_data.then(|| Snapshot::beside(&file.table, ctx)).flatten();
    if file.table.column(&record.task.target).is_none()
        && let Some(error) = champion.measures_nothing()
    {
        return Err(error.at(source.name));
    }
    let sliced = sliced::columns(&file.table, request, (&champion.predictor, &record))?;
    let (older, newer) = part(file.table, &learned, (request, &record), ctx)?;
    let older = without_judged(older, &newer, &record, ctx)?;
    let metric = champion.metric(ctx);
    let taught = champion.predictor.encode_target(&older)?;
    let weights = judged_weights(&older, &record);
    let constant = constant_answer(metric.spec.name, &taught, weights.as_deref(), newer.n_rows());
    let news = News::of(champion, &record, &older, ctx)?;
    let mut options = options_of(&record, request, ctx);
    options.text = champion.text_layout();
    without_absent(&mut options, &older, ctx);
    let champion_bytes = match &request.champion_bytes {
        Some(bytes) => bytes.clone(),
        None => read(&champion.path)?,
    };
    let lesson = Lesson { champion, record: &record, newer: &newer, request, ctx };
    let lesson_rows = Taught { table: older, schema: file.schema, source, options };
    let Found { mut outcome, choice } = lesson.find(lesson_rows, &champion_bytes)?;
    ctx.tell(Event::Phase("write".to_owned()));
    outcome.record.retrained = Some(request.account(files));
    clock(&mut outcome.record, ctx);
    let saved = save(&outcome, folder)?;
    ctx.tell(Event::Phase("judge".to_owned()));
    let judged = Judged {
        champion,
        champion_bytes: &champion_bytes,
        saved: &saved,
        newer: &newer,
        news: &news,
        sliced: &sliced,
        constant: &constant,
        n_candidates: choice.as_ref().map_or(1, |choice| choice.candidates.len()),
        ctx,
    };
    let tested = outcome.tested.take();
    let mut decision = judged.decide((&outcome.predictor, tested), request, &record)?;
    decision.choice = choice;
    Ok(Retrained { record: outcome.record, saved, decision, snapshot })
}

/// The account of the judged rows, as a test table.
fn judged_source(source: &DataSource, newer: &Table) -> DataSource {
    DataSource {
        name: format!("the most recent rows of {}", source.name),
        n_rows: newer.n_rows(),
        sample: None,
        ..source.clone()
    }
}

/// What the old model's run was asked, for the new rows.
fn options_of(record: &RunRecord, request: &RetrainRequest, ctx: &Context) -> Options {
    let mut options = record.options.clone();
    options.task = Some(record.task.task);
    // A metric or a split of somebody's own program is not here.
    let known = metric_or_default(&record.task.metric, record.task.task);
    options.metric = Some(known.spec.name.to_owned());
    options.own = Vec::new();
    // A class that did not occur of late is still one.
    options.classes.clone_from(&record.task.classes);
    if record.task.classes.len() == 2 {
        options.positive = record.task.classes.get(1).cloned();
    }
    options.time_limit_s = ctx.remaining().map(|left| (left + ctx.elapsed()).as_secs_f64());
    options.memory_limit_bytes = ctx.memory_limit_bytes();
    options.seed = ctx.seed();
    options.nested = None;
    // The newest rows judge, and are then learned from too: they are worth the most. Not where a
    // limit may put another model in the place of the one that was judged.
    let is_limited = options.max_latency_us.is_some() || options.max_size_bytes.is_some();
    if options.refit == "all" && !is_limited && !options.prefer_simple {
        ALL_AND_TEST.clone_into(&mut options.refit);
    } else if options.refit == ALL_AND_TEST && is_limited {
        "all".clone_into(&mut options.refit);
    }
    // The split of the old run cannot be one of rows that are parted already.
    options.split = options.split.filter(|split| split != "time" || options.time_column.is_some());
    if record.options.own.iter().any(|part| part.kind == OwnKind::Loss) {
        let text = "the old run's loss, which is code of its user's own, is not here: boosters \
                    minimise that of the task";
        ctx.tell(Event::Warning(text.to_owned()));
    }
    if request.fits_same() && options.single.is_none() {
        options.trials = members_of(record);
        if record.options.own.iter().any(|part| part.kind == OwnKind::Learner) {
            let text = "learners of the old run that are code of its user's own are left out";
            ctx.tell(Event::Warning(text.to_owned()));
        }
    }
    options
}

/// Rows of a server's log have the columns that the model reads: those that its fit was told to
/// leave out, or to watch over, may be absent.
fn without_absent(options: &mut Options, rows: &Table, ctx: &Context) {
    options.exclude.retain(|name| rows.column(name).is_some());
    options.sensitive.retain(|name| {
        let is_there = rows.column(name).is_some();
        if !is_there {
            let text =
                format!("the new rows lack the sensitive column `{name}`: it is not audited");
            ctx.tell(Event::Warning(text));
        }
        is_there
    });
}

/// The recipes that the old model is made of, in the order in which they were tried: the whole plan
/// but for what was tried in vain, and for learners of the user's own, which are not here. A
/// student is no recipe by itself: without its teacher there is none, and the search is the plan.
fn members_of(record: &RunRecord) -> Vec<PlannedTrial> {
    // Members that learned in a fair way are made of others, and will be again.
    let sources = record.mitigation.as_ref().map_or(&[][..], |made| &made.learned_from);
    let is_member = |name: &str| match sources {
        [] => record.ensemble.members.iter().any(|m| m.trial == name),
        sources => sources.iter().any(|own| own == name),
    };
    let trials = record.trials.iter().map(|t| &t.trial);
    let is_here = |t: &&PlannedTrial| !is_student(&t.name) && t.learner != OWN;
    trials.filter(|trial| is_member(&trial.name)).filter(is_here).cloned().collect()
}

/// Both models before the same rows.
struct Judged<'a> {
    champion: &'a Model,
    champion_bytes: &'a [u8],
    saved: &'a Saved,
    newer: &'a Table,
    news: &'a News,
    sliced: &'a [String],
    constant: &'a Predictions,
    n_candidates: usize,
    ctx: &'a Context,
}

impl Judged<'_> {
    fn decide(
        &self,
        (challenger, tested): (&Predictor, Option<Predictions>),
        request: &RetrainRequest,
        record: &RunRecord,
    ) -> Result<Decision> {
        let of_champion = self.champion.predictor.predict(self.newer, self.ctx)?;
        let in_memory = challenger.predict(self.newer, self.ctx)?;
        let both = (&self.champion.predictor, challenger);
        let (champion_s, challenger_s) = timing::race(both, self.newer, &request.gates, self.ctx)?;
        // What is judged never learned from these rows, and what is delivered did.
        let of_challenger = tested.as_ref().unwrap_or(&in_memory);
        let bytes = read(&self.saved.model)?;
        let truth = self.champion.predictor.encode_target(self.newer)?;
        let slices = slices_of(self.newer, self.sliced);
        let weights = judged_weights(self.newer, record);
        let groups = row_groups(self.newer, &record.options);
        let contest = Contest {
            metric: self.champion.metric(self.ctx),
            truth: &truth,
            weights: weights.as_deref(),
            groups: groups.as_deref(),
            champion: Contender {
                predictions: &of_champion,
                threshold: self.champion.predictor.threshold,
                predict_s: champion_s,
                size_bytes: self.champion_bytes.len() as u64,
            },
            challenger: Contender {
                predictions: of_challenger,
                threshold: challenger.threshold,
                predict_s: challenger_s,
                size_bytes: bytes.len() as u64,
            },
            constant: self.constant,
            slices: &slices,
            data_findings: &self.news.broken,
            data_remarks: &self.news.drifted,
            self_check: self.self_check(&bytes, &in_memory),
            n_candidates: self.n_candidates,
        };
        let mut decision = decide(&contest, &request.gates, self.ctx)?;
        let file = |path: &Path, bytes: &[u8]| (path.display().to_string(), sha256_hex(bytes));
        decision.champion_file = Some(file(&self.champion.path, self.champion_bytes));
        decision.challenger_file = Some(file(&self.saved.model, &bytes));
        Ok(decision)
    }

    /// Whether the written file, read back, says the same bits.
    fn self_check(&self, bytes: &[u8], said: &Predictions) -> std::result::Result<(), String> {
        let again = || -> Result<Predictions> {
            let artifact = unpack_artifact(bytes)?;
            Predictor::decode(&artifact.model)?.predict(self.newer, self.ctx)
        };
        let again = again().map_err(|e| e.what().to_owned())?;
        let differs = |(a, b): (&f64, &f64)| a.to_bits() != b.to_bits();
        match again.values.iter().zip(&said.values).position(differs) {
            None if again.values.len() == said.values.len() => Ok(()),
            place => {
                let row = place.map_or(0, |at| at / said.n_outputs + 1);
                Err(format!("row {row} is predicted in another way"))
            }
        }
    }
}

/// The weights of rows, where they are usable.
fn judged_weights<'a>(newer: &'a Table, record: &RunRecord) -> Option<Cow<'a, [f64]>> {
    let weights = record.options.weight.as_ref().and_then(|name| newer.column(name));
    match weights.map(|column| &column.data) {
        Some(ColumnData::Number(values)) if values.iter().all(|w| w >= 0.0) => Some(values.wide()),
        _ => None,
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        Error::work("cannot read a model file").at(path.display().to_string()).because(e)
    })
}
