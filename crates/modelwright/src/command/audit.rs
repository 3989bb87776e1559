//! `audit`: whether a model treats groups of people alike.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use modelwright::automl::audit::MIN_GROUP;
use modelwright::evaluate::fairness::MAIN_DEFINITIONS;
use modelwright::{AuditRows, Model, audit_document};
use modelwright_core::Result;
use modelwright_core::context::Event;
use modelwright_core::record::{
    AuditRecord, Disparity, FairnessRecord, GroupAudit, MetricValue, RobustnessRecord,
};
use serde_json::json;

use crate::flags::text::TextArgs;
use crate::flags::{ModelArg, values};
use crate::output::{self, TextTable, count, number, wrap};
use crate::recording::{LogArg, Recorded, Recording};
use crate::run_end::audit_end;
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright audit churn last_month.csv --sensitive sex,race
  modelwright audit churn last_month.csv --sensitive age --report audit.html
  modelwright audit churn last_month.csv --sensitive sex --json | jq '.audits[0].verdict'

A sensitive column need not be one of the model's. A number with many values is cut at its
quartiles; several columns are also audited together. Measures have the names and values of
fairlearn.";

/// Width of the text on a terminal.
const WIDTH: usize = 96;

/// Flags of `audit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Audit {
    #[command(flatten)]
    model: ModelArg,
    /// Rows with the target and the sensitive columns; they must not have been trained on
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The columns that say who a row is about [default: those that `fit` was given]
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name)]
    sensitive: Vec<String>,
    /// Groups with fewer rows are counted, but not judged
    #[arg(long, value_name = "ROWS", default_value_t = MIN_GROUP, value_parser = values::rows)]
    min_group: usize,
    /// Also write the audit as a page
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    log: LogArg,
}

/// A model, what was found of it, and the SHA-256 of the rows' file.
type Done = (Model, AuditRecord, String);

impl Audit {
    /// Predicts DATA, measures the groups and prints.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        output::spare(self.report.as_deref(), [&*self.data], "--report")?;
        output::spare_model(self.report.as_deref(), &self.model.model, "--report")?;
        let asked = json!({
            "model": self.model.model, "data": self.data, "sensitive": self.sensitive,
            "min_group": self.min_group,
        });
        let report = self.report.as_deref();
        let mut recording = Recording::begin("audit", &asked, report, &self.log, session)?;
        let done = self.look(&mut recording, session);
        let done = recording.end(done, session, |(model, found, sha256)| Recorded {
            end: audit_end(model, found, Some(sha256)),
            model: &model.path,
        });
        let (_, found, _) = done?;
        if session.global.json {
            output::print_json(&audit_document(&found.fairness, &found.robustness))
        } else {
            output::print(&(text(&found.fairness) + &strains_text(&found.robustness)))
        }
    }

    /// Predicts DATA, measures the groups, strains the inputs and writes the page.
    fn look(&self, recording: &mut Recording, session: &Session) -> Result<Done> {
        let model = Model::load(&self.model.model)?.with_text(self.text.layout());
        let sensitive = model.sensitive_or(&self.sensitive)?;
        let ctx = session.context(Limits::default())?;
        ctx.tell(Event::Phase("read".to_owned()));
        let rows = AuditRows::read(&model, &self.data, &sensitive, &ctx)?;
        let name = model.path.parent().and_then(|folder| folder.file_name());
        let name = name.map_or("model".into(), |n| n.to_string_lossy()).into_owned();
        let found = rows.audited(&model, (&name, &sensitive, self.min_group), &ctx)?;
        let text = model.text_layout();
        recording.account().keep_file((&self.data, &text), &ctx, &output::warn);
        drop(ctx);
        if let Some(path) = &self.report {
            modelwright_lifecycle::atomic_write(path, found.html().as_bytes())?;
            session.note(&format!("report written to {}", path.display()));
        }
        Ok((model, found.found, found.sha256))
    }
}

fn text(record: &FairnessRecord) -> String {
    let mut text = format!("{}: {} rows\n", record.on, count(record.n_rows));
    for audit in &record.audits {
        let class = audit.positive.as_ref().map_or(String::new(), |c| format!(", decided “{c}”"));
        let _ = write!(text, "\n{}{class}\n\n", audit.columns.join(" × "));
        text += &wrap(&audit.verdict, 2, WIDTH);
        text.push('\n');
        text += &groups_text(audit);
        text += &definitions_text(audit);
        if let Some(note) = &audit.note {
            let _ = writeln!(text, "\n  {note}");
        }
    }
    if !record.proxies.is_empty() {
        text += "\ncolumns of the model that reveal a sensitive one\n\n";
        let mut table =
            TextTable::new(&["column", "reveals", ">association", ">tells", ">guessing"]);
        for proxy in &record.proxies {
            table.row(vec![
                proxy.column.clone(),
                proxy.sensitive.clone(),
                format!("{:.2}", proxy.association),
                format!("{:.1} %", proxy.told * 100.0),
                format!("{:.1} %", proxy.guessed * 100.0),
            ]);
        }
        text += &table.render();
    }
    text += &held_text(record);
    let _ = writeln!(text, "\nintervals: {}", record.interval_method);
    if record.n_questions > 1 {
        let _ = writeln!(
            text,
            "p of all groups: of a line alone; corrected p, which verdicts rest on: for all {} \
             questions together (Holm)",
            record.n_questions
        );
    }
    text
}

/// What intervals or sets reach in every group.
fn held_text(record: &FairnessRecord) -> String {
    let Some(level) = record.held.first().map(|h| h.level) else { return String::new() };
    let mut table = TextTable::new(&["group", ">rows", ">held", "95 % interval", ">mean size"]);
    for held in &record.held {
        for group in &held.groups {
            let reached = &group.reached;
            table.row(vec![
                group.group.clone().unwrap_or_default(),
                count(reached.n_rows),
                format!("{:.1} %", 100.0 * reached.share),
                format!("{:.1} to {:.1} %", 100.0 * reached.ci95.low, 100.0 * reached.ci95.high),
                number(reached.mean_size),
            ]);
        }
    }
    format!("\nintervals or sets that are to hold {:.0} %\n\n{}", 100.0 * level, table.render())
}

/// The measures that fit on a line.
fn shown(audit: &GroupAudit) -> &'static [&'static str] {
    if audit.positive.is_some() {
        &["selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy"]
    } else {
        &["mean_residual", "rmse", "mae", "mean_prediction"]
    }
}

fn p_text(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

fn groups_text(audit: &GroupAudit) -> String {
    let mut titles = vec!["group".to_owned(), ">rows".to_owned()];
    titles.extend(shown(audit).iter().map(|name| format!(">{name}")));
    let mut table = TextTable::new(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    let value = |measures: &[MetricValue], name: &str| {
        let found = measures.iter().find(|m| m.name == name).and_then(|m| m.value);
        found.map_or("-".to_owned(), number)
    };
    for group in &audit.groups {
        let mut cells = vec![group.name.clone(), count(group.n_rows)];
        cells.extend(shown(audit).iter().map(|name| value(&group.measures, name)));
        table.row(cells);
    }
    let n_rows = audit.groups.iter().map(|g| g.n_rows).sum();
    let mut cells = vec!["all".to_owned(), count(n_rows)];
    cells.extend(shown(audit).iter().map(|name| value(&audit.overall, name)));
    table.row(cells);
    table.render() + "\n"
}

fn definitions_text(audit: &GroupAudit) -> String {
    let is_shown =
        |d: &&Disparity| d.value.is_some() && MAIN_DEFINITIONS.contains(&d.name.as_str());
    let notes = notes_text(audit);
    if !audit.definitions.iter().any(|d| is_shown(&d)) {
        return notes;
    }
    // Of one question there is nothing to correct.
    let is_corrected =
        audit.definitions.iter().any(|d| d.p_holm.is_some_and(|p| Some(p) != d.p_value));
    let mut titles = vec!["definition", ">value", "95 % of this pair", ">p of all groups"];
    titles.extend(is_corrected.then_some(">corrected p"));
    titles.push("between");
    let mut table = TextTable::new(&titles);
    for d in audit.definitions.iter().filter(is_shown) {
        let between = match (&d.lowest, &d.highest) {
            (Some(low), Some(high)) if low != high => format!("{low} and {high}"),
            _ => "all groups alike".to_owned(),
        };
        let mut row = vec![
            d.name.clone(),
            d.value.map_or(String::new(), number),
            d.ci95.map_or(String::new(), |i| format!("{} to {}", number(i.low), number(i.high))),
            d.p_value.map_or(String::new(), p_text),
        ];
        row.extend(is_corrected.then(|| d.p_holm.map_or(String::new(), p_text)));
        row.push(between);
        table.row(row);
    }
    table.render() + &notes
}

/// Which definitions have no value, and why.
fn notes_text(audit: &GroupAudit) -> String {
    let without = |d: &&Disparity| MAIN_DEFINITIONS.contains(&d.name.as_str());
    let mut text = String::new();
    for d in audit.definitions.iter().filter(without) {
        if let Some(note) = &d.note {
            let _ = writeln!(text, "{}", wrap(&format!("no {}: {note}", d.name), 2, WIDTH));
        }
    }
    text
}

/// The metric under strain.
fn strains_text(robust: &RobustnessRecord) -> String {
    let Some(before) = robust.before.filter(|_| !robust.strains.is_empty()) else {
        return String::new();
    };
    let mut table = TextTable::new(&["what happens", &format!(">{}", robust.metric), ">worse by"]);
    table.row(vec!["nothing".to_owned(), number(before), String::new()]);
    for strain in &robust.strains {
        table.row(vec![strain.what.clone(), number(strain.after), number(strain.loss)]);
    }
    let rows = count(robust.n_rows);
    format!("\nwhen the inputs of {rows} rows are strained\n\n{}", table.render())
}
