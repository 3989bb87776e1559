//! The combination that became the model.

use modelwright_core::record::RunRecord;

use crate::report::section::{Block, Cell, Fact, Graphic, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "ensemble", part: Part::Search, title: "The model" };

/// Applies when the ensemble has members.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let ensemble = &record.ensemble;
    let mut members: Vec<_> = ensemble.members.iter().collect();
    members.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.trial.cmp(&b.trial)));
    let first = members.first()?;
    let finding = if members.len() == 1 {
        format!(
            "The model is one trial, {}; no combination of trials scored better.",
            words::quoted(&first.trial)
        )
    } else {
        format!(
            "The model is a weighted mean of {} trials, led by {} with {}.",
            number::count(members.len()),
            words::quoted(&first.trial),
            number::share(first.weight)
        )
    };
    let mut table = Table::new(
        "Members, refitted on all training rows",
        vec![
            TableColumn::words("Member"),
            TableColumn::numbers("Weight"),
            TableColumn::numbers("Rounds of the refit"),
        ],
    );
    for member in &members {
        table.rows.push(vec![
            Cell::new(words::clean(&member.trial)),
            Cell::new(number::share(member.weight)).graphic(Graphic::Share(member.weight)),
            Cell::new(number::count(member.rounds)),
        ]);
    }
    let method = "The weights were chosen by greedy selection on out-of-fold predictions (Caruana \
                  et al., ICML 2004).";
    let metric = words::metric_label(&record.task.metric);
    let ci = ensemble.corrected_ci95;
    let mut facts = Vec::new();
    if let Some(score) = ensemble.score {
        facts.push(Fact::new(
            format!("{metric} as selected (optimistic)"),
            number::estimate(score, ci),
        ));
    }
    if let Some(score) = ensemble.corrected_score {
        let interval = ci.map_or("no interval".to_owned(), number::interval);
        let text = format!("{} ({interval})", number::estimate(score, ci));
        facts.push(Fact::new(format!("{metric} corrected for selection"), text));
    }
    if let Some(threshold) = record.threshold {
        facts.push(Fact::new("Decision threshold", number::significant(threshold, 4)));
    }
    facts.push(Fact::new("Validation rows", number::count(record.split.n_train)));
    Some(
        Section::new(&SPEC, finding)
            .block(Block::Text(method.to_owned()))
            .block(table)
            .block(Block::Facts(facts)),
    )
}
