//! What a person says to a model that waits.

use modelwright_core::{Error, Result};

use super::commit::{AliasStep, Committed, Said, WatchChange};
use super::state::{Phase, WatchState};
use crate::store::{Store, parse_reference};

/// A daemon that looks meanwhile changes what it remembers of its look; so often is tried again.
const N_TRIES: usize = 5;

/// An answer to a model that waits.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The registered model, or `NAME@ALIAS` where several of its aliases are watched.
    pub model: &'a str,
    /// The version that waits as far as the person knows; any if `None`.
    pub version: Option<i64>,
    /// Whether they say yes.
    pub approves: bool,
    /// Why.
    pub reason: Option<&'a str>,
}

/// A version that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The watched model: `NAME@ALIAS`.
    pub model: String,
    /// The version.
    pub version: i64,
}

impl Store {
    /// Says yes or no to a version that waits. The alias, the state of the watch and the account of
    /// the answer change at once. Rows that are there when the watch looks next do not count in the
    /// guard of an approved version.
    ///
    /// # Errors
    /// Input error when nothing waits, or another version than the one that is meant; work error
    /// when somebody else answers at the same time.
    pub fn answer_watch(&mut self, answer: &Answer<'_>, at: &str) -> Result<Waiting> {
        for _ in 1..N_TRIES {
            let (waiting, committed) = self.try_to_answer(answer, at)?;
            if committed == Committed::Done {
                return Ok(waiting);
            }
        }
        let (waiting, committed) = self.try_to_answer(answer, at)?;
        committed.or_error(&waiting.model)?;
        Ok(waiting)
    }

    /// Answers what waits just now.
    fn try_to_answer(&mut self, answer: &Answer<'_>, at: &str) -> Result<(Waiting, Committed)> {
        let (waiting, read) = self.waiting(answer)?;
        let version = waiting.version;
        let (of, alias) = parse_reference(&waiting.model)
            .ok_or_else(|| Error::input("the watch has no alias").got(waiting.model.as_str()))?;
        let config = self
            .watch_decisions(&waiting.model)?
            .into_iter()
            .rev()
            .find_map(|row| row.grounds.map(|grounds| grounds.config));
        let says = if answer.approves { "a person said yes" } else { "a person said no" };
        let why = answer.reason.unwrap_or(says);
        // Whatever was said, no canary is needed any more; the daemon tells the servers.
        let mut state = WatchState { phase: Phase::Steady, recall: true, ..read.clone() };
        state.count_anew();
        let mut steps = Vec::new();
        if answer.approves {
            let previous = self.version(of, alias)?.number;
            steps.push(AliasStep {
                alias: alias.to_owned(),
                number: Some(version),
                from: Some(previous),
                reason: Some(why.to_owned()),
            });
            state.promoted = Some(version);
            state.phase = Phase::Approved { version, previous, since: at.to_owned() };
        }
        let challenger = config.map_or("challenger".to_owned(), |config| config.challenger);
        steps.push(AliasStep { alias: challenger, number: None, from: None, reason: None });
        let words = format!("Version {version}: {why}");
        let committed = self.commit_watch(&WatchChange {
            model: &waiting.model,
            lock: None,
            read: Some(&read),
            state: &state,
            steps: &steps,
            said: Some(Said::Person { approves: answer.approves, words: &words }),
            at,
        })?;
        Ok((waiting, committed))
    }

    /// What waits and is meant, and the state as it is.
    fn waiting(&self, answer: &Answer<'_>) -> Result<(Waiting, WatchState)> {
        let mut waiting = Vec::new();
        for model in self.watched_models()? {
            let is_meant = model == answer.model || name_of(&model) == answer.model;
            if let Some(state) = self.watch_state(&model)?.filter(|_| is_meant)
                && let Phase::Waiting { version, .. } = state.phase
            {
                waiting.push((Waiting { model, version }, state));
            }
        }
        let n_waiting = waiting.len();
        let Some(found) = waiting.pop().filter(|_| n_waiting == 1) else {
            let what = if n_waiting == 0 { "nothing waits" } else { "more than one model waits" };
            return Err(Error::input(format!("{what} for an answer"))
                .got(answer.model)
                .expected("NAME, or NAME@ALIAS, of a watched model that waits")
                .hint("see `modelwright watch CONFIG --history`"));
        };
        match answer.version.filter(|version| *version != found.0.version) {
            None => Ok(found),
            Some(version) => Err(Error::input("another version waits for an answer")
                .expected(format!("version {}", found.0.version))
                .got(format!("version {version}"))
                .hint("look at it again")),
        }
    }
}

fn name_of(model: &str) -> &str {
    parse_reference(model).map_or(model, |(name, _)| name)
}
