//! What is news about the rows that a new model learns from: what is broken, and what drifted.

use modelwright_automl::Reference;
use modelwright_core::data::Table;
use modelwright_core::record::{MonitorRecord, RunRecord};
use modelwright_core::{Context, Result};
use modelwright_lifecycle::monitor::{MonitorOptions, Side, Watched, conclude};

use crate::Model;

/// What the monitor says of new rows, in words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    /// What is broken: a model that learned from it would have learned nothing.
    pub(super) broken: Vec<String>,
    /// What is distributed in another way than the old model knew.
    pub(super) drifted: Vec<String>,
}

impl News {
    /// Looks at the rows that the challenger learns from.
    pub(super) fn of(
        champion: &Model,
        record: &RunRecord,
        older: &Table,
        ctx: &Context,
    ) -> Result<Self> {
        let reference = Reference::decode(&champion.artifact.reference)?;
        if reference.columns.columns.is_empty() {
            return Ok(Self::default());
        }
        let watched = Watched { predictor: &champion.predictor, record, reference };
        let options = MonitorOptions { predict: false, ..MonitorOptions::default() };
        let mut side = Side::new(&watched, &options, ctx);
        side.begin("new rows", Vec::new());
        side.add(older.clone(), ctx)?;
        side.finish(ctx);
        Ok(Self::told(&conclude(&watched, None, &side, &options, ctx)?))
    }

    fn told(found: &MonitorRecord) -> Self {
        let severe = || found.quality.iter().filter(|finding| finding.is_severe);
        let line = |column: &str, words: &str| format!("`{column}`: {words}");
        let of = |is_broken: bool| {
            let findings = severe().filter(move |finding| finding.is_broken == is_broken);
            findings.map(|finding| line(&finding.column, &finding.message)).collect()
        };
        let (broken, mut drifted): (_, Vec<String>) = (of(true), of(false));
        let moved = found.target.iter().chain(&found.columns).filter(|column| column.drifted);
        let is_new = |name: &str| severe().all(|finding| finding.column != name);
        let moved = moved.filter(|column| is_new(&column.column));
        drifted.extend(moved.map(|column| line(&column.column, &column.words)));
        Self { broken, drifted }
    }
}
