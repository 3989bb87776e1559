//! Where the new rows come from: files, tables, and the parts of serving logs.

use std::borrow::Cow;
use std::rc::Rc;

use modelwright_core::{Context, Result};
use modelwright_lifecycle::monitor::{MonitorOptions, Watched};

use super::{MonitorRequest, is_stream};
use crate::watching::{JoinedLog, TIME};
use crate::{Model, Rows};

/// Rows that are read together.
pub(super) enum Source<'a> {
    /// What was named.
    Given(&'a Rows),
    /// A part of a serving log, which is read with its labels when its turn comes.
    Part(Rc<JoinedLog<'a>>, usize),
}

impl Source<'_> {
    /// What is to be read; `None` for a part that cannot be.
    pub(super) fn rows(&self) -> Result<Option<Cow<'_, Rows>>> {
        Ok(match self {
            Self::Given(rows) => Some(Cow::Borrowed(rows)),
            Self::Part(log, part) => log.rows(*part)?.map(Cow::Owned),
        })
    }

    /// Whether rows can be read but once.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self, Self::Given(rows) if is_stream(rows))
    }
}

/// The new rows.
pub(super) struct Current<'a> {
    pub(super) sources: Vec<Source<'a>>,
    logs: Vec<Rc<JoinedLog<'a>>>,
}

impl<'a> Current<'a> {
    /// Opens what is asked for; the rows of a log are told when they were asked, where nothing else
    /// tells their time.
    pub(super) fn of(
        watched: &Watched<'_>,
        model: &'a Model,
        (request, options): (&'a MonitorRequest, &mut MonitorOptions),
        ctx: &'a Context,
    ) -> Result<Self> {
        let mut this = Self { sources: Vec::new(), logs: Vec::new() };
        let with_time = options.time_column.is_none() && watched.time_column().is_none();
        for rows in &request.current {
            match rows {
                Rows::File(path) if path.is_dir() => {
                    let log = Rc::new(JoinedLog::open(path, model, with_time, ctx)?);
                    let part = |part| Source::Part(log.clone(), part);
                    this.sources.extend(log.parts().map(part));
                    this.logs.push(log);
                }
                rows => this.sources.push(Source::Given(rows)),
            }
        }
        if with_time && !this.logs.is_empty() {
            options.time_column = Some(TIME.to_owned());
        }
        Ok(this)
    }

    /// What is to be said of the logs, once their rows were read.
    pub(super) fn notes(&self) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        for log in &self.logs {
            notes.extend(log.notes()?);
        }
        Ok(notes)
    }
}
