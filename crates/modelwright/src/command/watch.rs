//! `watch`: a registered model under rules: look, retrain, promote, roll back.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use modelwright::lifecycle::alerts::Network;
use modelwright::lifecycle::store::Store;
use modelwright::lifecycle::watch::WatchConfig;
use modelwright::watching::{Tick, Watcher, World};
use modelwright_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::flags::values;
use crate::heart::Heart;
use crate::machine;
use crate::output::{self, TextTable};
use crate::recording::existing_store;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright watch churn.toml                 # a daemon: looks every hour, ends on SIGTERM
  modelwright watch churn.toml --once          # one look, for cron
  modelwright watch churn.toml --history
  modelwright watch churn.toml --replay        # make every decision again

The settings:

  model = \"churn@champion\"
  data = [\"warehouse/churn-*.parquet\"]   # rows with answers
  every = \"1h\"
  alerts = \"rules.toml\"

  [trigger]            # what starts a retraining
  drift = true
  performance = true
  schedule = \"30d\"
  rows = 50000
  at_most_every = \"1d\"

  [window]             # which rows count
  last = \"180d\"
  time_column = \"day\"

  [retrain]            # budget and gates
  time = \"10m\"
  rule = \"better\"

  [rollout]            # how an accepted model comes into use
  trial = true         # it must also win on rows that come after it
  approval = true      # a person says yes: modelwright models approve churn
  guard = \"14d\"        # afterwards, go back if the old model proves better

  [rollout.canary]     # servers let it answer more and more requests first
  servers = [\"http://127.0.0.1:8080\"]
  percents = [5, 25, 50]
  step = \"1d\"";

/// How often a sleeping daemon looks whether it is to end.
const NAP: Duration = Duration::from_millis(200);

/// Flags of `watch`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Watch {
    /// The settings
    #[arg(value_name = "CONFIG.toml")]
    config: PathBuf,
    /// Look once, and end
    #[arg(long, conflicts_with_all = ["history", "replay"])]
    once: bool,
    /// The moment it is taken to be, such as 2026-03-01T00:00:00Z [default: now]
    #[arg(long, value_name = "MOMENT", requires = "once", value_parser = values::moment)]
    at: Option<String>,
    /// Show what was decided, and why
    #[arg(long)]
    history: bool,
    /// Make every decision again from what it rested on; exit code 1 if one comes out otherwise
    #[arg(long, conflicts_with = "history")]
    replay: bool,
}

impl Watch {
    /// Watches, or shows what was decided.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let config = WatchConfig::read(&self.config)?;
        if self.history {
            return history(&config, session);
        }
        if self.replay {
            return replay(&config, session);
        }
        let folder = existing_store(session)?.place().to_owned();
        let now = || self.at.clone().unwrap_or_else(machine::utc_now);
        let context = |time| session.fresh_context(time);
        let transport = Network::new()?;
        let machine = machine::description();
        let every = config.every.0;
        let world = World { now: &now, context: &context, transport: &transport, machine };
        let mut watcher = Watcher::start(config, &folder, world)?;
        let lock = watcher.lock().cloned();
        let _heart = Heart::start(&folder, move |store: &mut Store, at| match &lock {
            Some(lock) => store.beat_watch(lock, at),
            None => Ok(()),
        });
        session.end_gracefully();
        let mut told = Vec::new();
        loop {
            let looked = watcher.tick();
            match looked {
                Ok(tick) => {
                    show(&tick, &told, session)?;
                    told = tick.unreadable;
                }
                Err(error) if session.is_cancelled() && error.kind() == ErrorKind::Interrupted => {}
                // Two that act would undo each other.
                Err(error) if self.once || watcher.is_replaced() => return Err(error),
                // A daemon outlives a file that is half written, or a disk that was full.
                Err(error) => output::complain(&error),
            }
            if self.once || !sleep(every, session) {
                return Ok(());
            }
        }
    }
}

/// Waits for the next look; false when the process is to end.
fn sleep(time: Duration, session: &Session) -> bool {
    let until = machine::now() + time;
    while !session.is_cancelled() {
        let left = until.saturating_duration_since(machine::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(NAP));
    }
    false
}

/// Shows a look; files that could not be read are told of once, `told` those of the look before.
fn show(tick: &Tick, told: &[(String, String)], session: &Session) -> Result<()> {
    for file in tick.unreadable.iter().filter(|file| !told.contains(file)) {
        output::warn(&format!("{} is left out: {}", file.0, file.1));
    }
    if session.global.json {
        let line = serde_json::to_string(tick)
            .map_err(|e| Error::work("cannot write what was decided").because(e))?;
        return output::print(&(line + "\n"));
    }
    let mut text = format!("{}  {}: {}\n", tick.at, tick.decided.action.name(), tick.decided.words);
    if let Some(outcome) = &tick.outcome {
        let said = |key: &str| outcome[key].as_str().map(str::to_owned);
        let decision = outcome["decision"]["summary"].as_str().map(str::to_owned);
        let held = said("held").map(|why| format!("it stays where it is: {why}"));
        let then = said("then").map(|then| format!("then: {then}"));
        for line in [decision, said("error"), held, then] {
            text += &line.map_or(String::new(), |line| format!("    {line}\n"));
        }
    }
    if let Some(why) = &tick.servers {
        output::warn(&format!("{why}; it is tried again at the next look"));
    }
    for (sink, why) in tick.delivery.iter().flat_map(|d| &d.failed) {
        output::warn(&format!("`{sink}` was not told ({why}); it is tried again"));
    }
    for (sink, why) in tick.delivery.iter().flat_map(|d| &d.unreadable) {
        output::warn(&format!("a notice for `{sink}` is {why}"));
    }
    output::print(&text)
}

fn history(config: &WatchConfig, session: &Session) -> Result<()> {
    let rows = existing_store(session)?.watch_decisions(&config.model)?;
    if session.global.json {
        return output::print_json(&rows);
    }
    if rows.is_empty() {
        return output::print("nothing was decided yet\n");
    }
    let mut table = TextTable::new(&[">no.", "when", "what", "why, and what came of it"]);
    for row in rows {
        let outcome = row.outcome.as_ref().and_then(|o| o["decision"]["summary"].as_str());
        let outcome = outcome.map_or(String::new(), |said| format!(" → {said}"));
        table.row(vec![
            row.id.to_string(),
            output::time(&row.at),
            row.action,
            row.words + &outcome,
        ]);
    }
    output::print(&table.render())
}

fn replay(config: &WatchConfig, session: &Session) -> Result<()> {
    let rows = existing_store(session)?.watch_decisions(&config.model)?;
    let with_grounds = rows.iter().filter_map(|row| Some((row.id, row.grounds.as_ref()?)));
    let (mut n, mut other) = (0, Vec::new());
    for (id, grounds) in with_grounds {
        n += 1;
        if !grounds.holds() {
            other.push(id);
        }
    }
    if session.global.json {
        output::print_json(&json!({ "n_decisions": n, "other": other }))?;
    } else {
        output::print(&format!("{} of {n} decisions come out the same\n", n - other.len()))?;
    }
    if other.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = other.iter().map(ToString::to_string).collect();
    Err(Error::work("the rules of this version decide otherwise").got(ids.join(", ")))
}
