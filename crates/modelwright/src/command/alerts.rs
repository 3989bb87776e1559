//! `alerts`: what fires, and whether those who are to be told can be.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use modelwright::lifecycle::alerts::{
    AlertRules, Network, WaitingNotices, Whose, deliver, send_test,
};
use modelwright_core::{Error, Result};
use serde_json::json;

use crate::machine;
use crate::output::{self, TextTable};
use crate::recording::existing_store;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright alerts test rules.toml
  modelwright monitor churn@champion this_week.csv --alerts rules.toml
  modelwright alerts list
  modelwright alerts send rules.toml

A file of rules:

  link = \"https://models.example.org/churn\"   # goes into every notice

  [[rule]]
  name = \"drift that matters\"
  when = \"drift\"          # drift, performance, quality, alarm, watch, share, column, metric,
                            # unreadable
  severity = \"warning\"    # info, warning or critical
  remind = \"1d\"

  [[rule]]
  name = \"auc below 0.8\"
  when = \"metric\"
  metric = \"roc_auc\"
  below = 0.8
  to = [\"team\"]

  [[sink]]
  name = \"team\"
  kind = \"slack\"          # webhook, slack, teams, cloudevents, alertmanager, email, file or
                            # prometheus
  url = \"env:SLACK_URL\"";

/// Flags of `alerts`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Alerts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Alerts that last, newest first
    List {
        /// Those that are over, too
        #[arg(long)]
        all: bool,
    },
    /// End an alert by hand: nobody looks at its rule any more
    Close {
        /// The number of the alert
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Send a notice that nothing happened to every sink
    Test {
        /// The file of rules
        #[arg(value_name = "RULES.toml")]
        rules: PathBuf,
    },
    /// Send what is due and was not taken so far
    Send {
        /// The file of rules
        #[arg(value_name = "RULES.toml")]
        rules: PathBuf,
    },
}

impl Alerts {
    /// Does what is asked.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self.action {
            Action::List { all } => list(all, session),
            Action::Close { id } => {
                existing_store(session)?.close_alert(id, &session.created)?;
                if session.global.json {
                    return output::print_json(&json!({ "closed": id }));
                }
                output::print(&format!("alert {id} is over\n"))
            }
            Action::Test { rules } => {
                let rules = AlertRules::read(&rules)?;
                let told = send_test(&rules, &Network::new()?, &session.created);
                let failed: Vec<(String, String)> = told
                    .iter()
                    .filter_map(|(sink, said)| Some((sink.clone(), said.clone().err()?)))
                    .collect();
                shown(told.len() - failed.len(), &failed, None, session)
            }
            Action::Send { rules } => {
                let rules = AlertRules::read(&rules)?;
                let mut store = existing_store(session)?;
                let now = &machine::utc_now;
                let sent = deliver(&mut store, &rules, Whose::All, &Network::new()?, now)?;
                for (sink, but) in &sent.partly {
                    output::warn(&format!("`{sink}` took a notice, but {but}"));
                }
                let waiting = store.waiting_notices(&rules)?;
                shown(sent.n_sent, &sent.failed, Some(&waiting), session)
            }
        }
    }
}

/// Says who was told, and what waits still; fails when somebody could not be told.
fn shown(
    n_sent: usize,
    failed: &[(String, String)],
    waiting: Option<&[WaitingNotices]>,
    session: &Session,
) -> Result<()> {
    if session.global.json {
        let mut document = json!({ "n_sent": n_sent, "failed": failed });
        if let Some(waiting) = waiting {
            document["waiting"] = json!(waiting);
        }
        output::print_json(&document)?;
    } else {
        let mut text = format!("{n_sent} notices were taken\n");
        for WaitingNotices { sink, n, next_try } in waiting.unwrap_or_default() {
            let wait = if *n == 1 { "notice waits" } else { "notices wait" };
            let _ = writeln!(text, "{n} {wait} for `{sink}`: due again at {next_try}");
        }
        output::print(&text)?;
    }
    match failed {
        [] => Ok(()),
        failed => {
            let said: Vec<String> =
                failed.iter().map(|(sink, why)| format!("`{sink}`: {why}")).collect();
            Err(Error::work("a sink did not take its notice").got(said.join("; ")))
        }
    }
}

fn list(all: bool, session: &Session) -> Result<()> {
    let alerts = existing_store(session)?.alerts(!all)?;
    if session.global.json {
        return output::print_json(&alerts);
    }
    if alerts.is_empty() {
        return output::print("no alerts\n");
    }
    let mut table = TextTable::new(&[
        ">id", "began", "over", "model", "rule", "severity", ">seen", ">waiting", "what",
    ]);
    for alert in alerts {
        let why = alert.error.map_or(String::new(), |why| format!(" (not told: {why})"));
        table.row(vec![
            alert.id.to_string(),
            output::time(&alert.began),
            alert.ended.as_deref().map_or(String::new(), output::time),
            alert.model,
            alert.rule,
            alert.severity,
            alert.n_seen.to_string(),
            alert.n_waiting.to_string(),
            alert.summary + &why,
        ]);
    }
    output::print(&table.render())
}
