//! `retrain`: a new model for new rows, which must prove itself before it takes over.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use modelwright::lifecycle::retrain::{Decision, Gates, RetrainPlan, Rule};
use modelwright::lifecycle::store::{AliasMove, Moved, Store, parse_reference};
use modelwright::{
    Model, OutputFolder, RetrainRequest, Retrained, RowWindow, Rows, retrain, retrain_time,
};
use modelwright_core::{Error, Result};
use modelwright_lifecycle::atomic_write;
use serde::Serialize;

use crate::flags::text::TextArgs;
use crate::flags::{ModelArg, values};
use crate::machine;
use crate::output::{self, count, number};
use crate::recording::{LogArg, Recorded, Recording, existing_store};
use crate::run_end::retrained_end;
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright retrain churn --data last_quarter.csv --out churn-new
  modelwright retrain churn@champion --data q1.parquet q2.parquet --time 5m --promote
  modelwright retrain churn@champion --data q2.csv --rule refresh --promote --fail-if-kept
  modelwright retrain churn@champion --data q2.csv --plan auto

The most recent rows (by the time column of the old model's run, or the last of the file) are
kept from the new model. On them both models are judged, and the new one is accepted only if it
passes every gate. DIR gets model.mw, report.html, record.json and decision.json.";

/// The decision's file in the output folder.
const DECISION_FILE: &str = "decision.json";

/// Flags of `retrain`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Retrain {
    #[command(flatten)]
    model: ModelArg,
    /// Rows with answers: those to learn from and those to judge by, in one or more files
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// The folder for the new model and the decision
    #[arg(long, value_name = "DIR", default_value = "modelwright-retrained")]
    out: PathBuf,
    /// Wall time [default: that of the old model's run, or 60s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    time: Option<Duration>,
    /// Search again, fit the old model's members again, or let its boosters learn on
    #[arg(long, value_enum, default_value = "search")]
    plan: Plan,
    /// The share of the rows, the most recent ones, that judges
    #[arg(long, value_name = "SHARE", default_value = "0.25", value_parser = values::holdout)]
    judge: f64,
    /// The column with the time of each row [default: as in the old model's run]
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    time_column: Option<String>,
    /// What the new model must prove: that it is better, or, being fresher, that it is not worse
    #[arg(long, value_enum, default_value = "better")]
    rule: RuleArg,
    /// By how much it must be better (or may be worse, to refresh), in the metric's unit
    #[arg(long, value_name = "EPS", value_parser = values::difference)]
    gain: Option<f64>,
    /// Columns whose values must not suffer [default: the most important and the sensitive ones]
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name)]
    slices: Vec<String>,
    /// The share of its value that the metric may lose in a slice
    #[arg(long, value_name = "SHARE", default_value = "0.02", value_parser = values::share)]
    slice_loss: f64,
    /// How many times longer predicting may take
    #[arg(long, value_name = "FACTOR", default_value = "3", value_parser = values::factor)]
    latency: f64,
    /// How many times larger the file may be
    #[arg(long, value_name = "FACTOR", default_value = "5", value_parser = values::factor)]
    size: f64,
    /// Register the new model and move the alias to it, if it is accepted (MODEL is NAME@ALIAS)
    #[arg(long)]
    promote: bool,
    /// End with exit code 1 when the old model stays
    #[arg(long)]
    fail_if_kept: bool,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    log: LogArg,
}

/// How the new model is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Plan {
    /// Search within the time
    Search,
    /// Fit all members of the old model again and weigh them anew
    Same,
    /// Let the old model's boosters learn on for some rounds
    Continue,
    /// Search, and let the boosters learn on beside it; the better one is judged
    Auto,
}

/// What must be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RuleArg {
    /// It is better
    Better,
    /// It is not worse
    Refresh,
}

/// The result as JSON.
#[derive(Serialize)]
struct Document<'a> {
    model: &'a std::path::Path,
    report: &'a std::path::Path,
    record: &'a std::path::Path,
    decision: &'a Decision,
}

impl Retrain {
    /// Fits, judges, decides, and moves the alias if that was asked and earned.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let alias = self.alias()?;
        let asked = serde_json::json!({
            "model": self.model.model, "data": self.data, "rule": format!("{:?}", self.rule),
            "promote": self.promote,
        });
        let mut recording =
            Recording::begin("retrain", &asked, Some(&self.out), &self.log, session)?;
        let run = recording.id();
        let done = self.decide(alias.as_ref(), run, session);
        if let Ok(done) = &done {
            recording.account().keep_retrained(done, &output::warn);
        }
        let done = recording.end(done, session, |retrained: &Retrained| Recorded {
            end: retrained_end(retrained),
            model: &retrained.saved.model,
        })?;
        self.show(&done, session)?;
        if self.fail_if_kept && !done.decision.accepted {
            return Err(Error::work("the old model stays").got(&done.decision.summary));
        }
        Ok(())
    }

    /// The registered name and alias that are to move.
    fn alias(&self) -> Result<Option<(String, String)>> {
        let text = self.model.model.to_str().unwrap_or_default();
        let named = parse_reference(text).filter(|_| !self.model.model.exists());
        let named = named.map(|(name, alias)| (name.to_owned(), alias.to_owned()));
        let is_alias = |alias: &str| alias != "latest" && alias.parse::<u64>().is_err();
        match &named {
            Some((_, alias)) if is_alias(alias) => Ok(named),
            _ if self.promote => Err(Error::input("there is no alias that could be moved")
                .at("--promote")
                .expected("MODEL as NAME@ALIAS, such as churn@champion")
                .got(text)
                .hint(
                    "register the model first: modelwright models register NAME MODEL --alias \
                       champion",
                )),
            _ => Ok(None),
        }
    }

    /// The version that is judged, where its alias is to move; what it stands for by then may be
    /// another one.
    fn judged(&self, alias: Option<&(String, String)>, session: &Session) -> Result<Option<i64>> {
        let Some((name, alias)) = alias.filter(|_| self.promote) else { return Ok(None) };
        Ok(Some(existing_store(session)?.version(name, alias)?.number))
    }

    fn decide(
        &self,
        alias: Option<&(String, String)>,
        run: Option<i64>,
        session: &Session,
    ) -> Result<Retrained> {
        let judged = self.judged(alias, session)?;
        let champion = Model::load(&self.model.model)?.with_text(self.text.layout());
        let folder = OutputFolder::prepare(&self.out)?;
        let ctx = session.context(Limits {
            time: Some(retrain_time(&champion, self.time)?),
            ..Limits::default()
        })?;
        session.end_gracefully();
        let request = RetrainRequest {
            data: self.data.iter().cloned().map(Rows::File).collect(),
            champion_bytes: None,
            window: RowWindow::default(),
            judged_share: self.judge,
            time_column: self.time_column.clone(),
            now: Some(session.created.clone()),
            plan: match self.plan {
                Plan::Search => RetrainPlan::Search,
                Plan::Same => RetrainPlan::Same,
                Plan::Continue => RetrainPlan::Continue,
                Plan::Auto => RetrainPlan::Auto,
            },
            same_plan: false,
            slices: self.slices.clone(),
            gates: Gates {
                rule: match self.rule {
                    RuleArg::Better => Rule::Better,
                    RuleArg::Refresh => Rule::Refresh,
                },
                gain: self.gain,
                slice_loss: self.slice_loss,
                latency_factor: self.latency,
                size_factor: self.size,
            },
            keeps_data: run.is_some(),
        };
        let clock = |record: &mut modelwright_core::record::RunRecord,
                     ctx: &modelwright_core::Context| {
            record.clock.created.clone_from(&session.created);
            machine::complete(&mut record.clock, ctx);
        };
        let mut done = retrain(&champion, &request, &folder, &clock, &ctx)?;
        drop(ctx);
        done.decision.created.clone_from(&session.created);
        if let Some((name, alias)) = alias.filter(|_| self.promote && done.decision.accepted) {
            let mut store = existing_store(session)?;
            let reason = done.decision.summary.as_str();
            let version =
                store.register(name, &done.saved.model, run, Some(reason), &session.created)?;
            let number = version.number.to_string();
            let wish =
                AliasMove { name, alias, selector: &number, from: judged, reason: Some(reason) };
            promote(&mut store, &wish, &session.created)?;
            done.decision.promoted = Some(format!("{name}@{alias} is version {number}"));
        }
        let mut text = serde_json::to_string_pretty(&done.decision)
            .map_err(|e| Error::work("cannot write the decision").because(e))?;
        text.push('\n');
        atomic_write(self.out.join(DECISION_FILE), text.as_bytes())?;
        Ok(done)
    }

    fn show(&self, done: &Retrained, session: &Session) -> Result<()> {
        if session.global.json {
            return output::print_json(&Document {
                model: &done.saved.model,
                report: &done.saved.report,
                record: &done.saved.record,
                decision: &done.decision,
            });
        }
        output::print(&text(&done.decision, &self.out.join(DECISION_FILE).display().to_string()))
    }
}

/// Moves the alias from the version that was judged, and from no other one.
fn promote(store: &mut Store, wish: &AliasMove<'_>, at: &str) -> Result<()> {
    let Moved::Meanwhile { now } = store.set_alias_from(wish, at)? else { return Ok(()) };
    let AliasMove { name, alias, selector, .. } = wish;
    let version = |number: Option<i64>| match number {
        Some(number) => format!("version {number}"),
        None => "no version".to_owned(),
    };
    Err(Error::work("the alias was moved while the new model was fitted and judged")
        .at(format!("{name}@{alias}"))
        .expected(format!("{}, which was judged", version(wish.from)))
        .got(version(now))
        .hint(format!(
            "the new model is registered as version {selector}, and nothing was moved: retrain \
             once more against what is in use, or move it with `modelwright models alias`"
        )))
}

fn text(decision: &Decision, file: &str) -> String {
    let verdict = if decision.accepted { "accepted" } else { "kept the old model" };
    let mut text = format!("{verdict}: {}\n\n", decision.summary);
    let _ = writeln!(
        text,
        "{} on {} recent rows that the new model did not learn from: {} (old), {} (new)\n{}\n",
        decision.metric,
        count(decision.n_rows),
        number(decision.champion),
        number(decision.challenger),
        decision.method
    );
    if let Some(choice) = &decision.choice {
        let _ = writeln!(text, "{}\n", choice.words);
    }
    for gate in &decision.gates {
        let mark = if gate.passed { "✓" } else { "✕" };
        let _ = writeln!(text, "  {mark} {:<12} {}", gate.gate, gate.words);
    }
    if let Some(promoted) = &decision.promoted {
        let _ = write!(text, "\n{promoted}\n");
    }
    let _ = write!(text, "\n  {file}  the decision with its numbers\n");
    text
}
