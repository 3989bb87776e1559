//! What was planned before anything was trained, and why.

use modelwright_core::record::RunRecord;

use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "plan", part: Part::Search, title: "Plan" };

/// Applies when something was planned.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let plan = &record.plan;
    if plan.trials.is_empty() {
        return None;
    }
    let validation = if plan.n_folds > 0 {
        format!("{}-fold cross-validation", plan.n_folds)
    } else if plan.validation_share > 0.0 {
        format!("one validation part of {}", number::share(plan.validation_share))
    } else {
        "the untouched rows alone".to_owned()
    };
    let notes = plan.notes.iter().map(|n| Block::Text(words::remark(n)));
    if let Some(one) = &record.options.single {
        let learner = words::quoted(&one.learner);
        let finding = format!("One learner was asked for: {learner}, judged by {validation}.");
        let mut section = Section::new(&SPEC, finding);
        section.blocks.extend(notes);
        return Some(section);
    }
    let finding = format!(
        "{} by {validation}, then up to {} of ensemble selection.",
        number::counted(plan.trials.len(), "trial was planned", "trials were planned"),
        number::counted(plan.ensemble_rounds, "round", "rounds")
    );
    let mut table = Table::new(
        "Parameters that differ from the learner's defaults",
        vec![
            TableColumn::words("Trial"),
            TableColumn::words("Learner and encoding"),
            TableColumn::words("Parameters"),
        ],
    );
    for trial in &plan.trials {
        let params: Vec<String> =
            trial.params.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        table.rows.push(vec![
            Cell::new(words::clean(&trial.name)),
            Cell::new(words::clean(&trial.learner)).detail(words::clean(&trial.encoding)),
            Cell::new(if params.is_empty() { "defaults".to_owned() } else { params.join(", ") }),
        ]);
    }
    let mut section = Section::new(&SPEC, finding);
    section.blocks.extend(notes);
    let summary = format!("The {} planned trials", number::count(plan.trials.len()));
    Some(section.block(Block::Details { summary, blocks: vec![table.into()] }))
}
