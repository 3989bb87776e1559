//! The combination that became the model.

use modelwright_core::record::{Member, RunRecord};

use super::headline;
use crate::report::section::{Block, Cell, Fact, Graphic, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "ensemble", part: Part::Search, title: "The model" };

/// Applies when the ensemble has members.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let mut members: Vec<_> = record.ensemble.members.iter().collect();
    members.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.trial.cmp(&b.trial)));
    let first = members.first()?;
    if record.options.single.is_some() {
        return Some(of_one(record, first));
    }
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
        "Members, refitted on all training rows where there was time",
        vec![
            TableColumn::words("Member"),
            TableColumn::numbers("Weight"),
            TableColumn::numbers("Rounds"),
            TableColumn::words("Fitted"),
        ],
    );
    for member in &members {
        table.rows.push(vec![
            Cell::new(words::clean(&member.trial)),
            Cell::new(number::share(member.weight)).graphic(Graphic::Share(member.weight)),
            Cell::new(number::count(member.rounds)),
            Cell::new(how_fitted(record, member)),
        ]);
    }
    let method = "The weights were chosen by greedy selection on out-of-fold predictions (Caruana \
                  et al., ICML 2004).";
    let method = match second_level(record) {
        Some(said) => format!("{method} {said}"),
        None => method.to_owned(),
    };
    let method = match &record.ensemble.left_as_tested[..] {
        [] => method,
        left => format!(
            "{method} The last fit on all rows did not reach {}: there was no time or memory for \
             it, and what was tested is delivered.",
            words::quoted_list(left)
        ),
    };
    Some(
        Section::new(&SPEC, finding)
            .block(Block::Text(method))
            .block(table)
            .block(Block::Facts(facts(record))),
    )
}

/// What corrects the members' mean, or why nothing does; `None` when that was not tried.
fn second_level(record: &RunRecord) -> Option<String> {
    let level = record.second_level.as_ref()?;
    let reason = words::sentence(&level.reason);
    Some(match level.kind.as_str() {
        "none" => format!("No second level of models corrects their mean: {reason}."),
        "linear" => format!(
            "A second level corrects their mean by how far each member is from it, with weights of \
             either sign: {reason}."
        ),
        _ => format!(
            "A second level corrects their mean by small trees on the members' scores and the \
             columns: {reason}."
        ),
    })
}

/// The model of one learner: its parameters instead of members and weights.
fn of_one(record: &RunRecord, member: &Member) -> Section {
    let rounds = match member.rounds {
        1 => String::new(),
        n => format!(" with {} (trees, steps)", number::counted(n, "round", "rounds")),
    };
    let finding = format!(
        "The model is {}{rounds}, {}.",
        words::quoted(&member.trial),
        how_fitted(record, member)
    );
    let section = Section::new(&SPEC, finding);
    let trial = record.plan.trials.iter().find(|t| t.name == member.trial);
    let given = record.options.single.as_ref().map(|one| &one.params);
    let mut table = Table::new(
        "Parameters that were set; the others have the learner's defaults",
        vec![
            TableColumn::words("Parameter"),
            TableColumn::words("Value"),
            TableColumn::words("Set by"),
        ],
    );
    for (name, value) in trial.iter().flat_map(|t| &t.params) {
        let by_user = given.is_some_and(|g| g.get(name) == Some(value));
        table.rows.push(vec![
            Cell::new(words::clean(name)),
            Cell::new(words::clean(&value.to_string())),
            Cell::new(if by_user { "you" } else { "the plan" }),
        ]);
    }
    let section = if table.rows.is_empty() {
        section.block(Block::Text("All parameters have the learner's defaults.".to_owned()))
    } else {
        section.block(table)
    };
    let mut facts = facts(record);
    if let Some(trial) = trial {
        facts.insert(0, Fact::new("Encoding", words::clean(&trial.encoding)));
    }
    section.block(Block::Facts(facts))
}

fn how_fitted(record: &RunRecord, member: &Member) -> String {
    let n_models = number::count(member.n_models);
    if member.is_of_folds() {
        return format!("the mean of {n_models} fold models");
    }
    let rows = match record.ensemble.n_rows_all {
        Some(n) => format!("on all {}, after the test", number::rows(n as usize)),
        None => "on the training rows".to_owned(),
    };
    match member.n_models {
        1 => format!("fitted once {rows}"),
        _ => format!("the mean of {n_models} fits {rows}"),
    }
}

fn facts(record: &RunRecord) -> Vec<Fact> {
    let ensemble = &record.ensemble;
    let metric = words::metric_label(&record.task.metric);
    let is_single = record.options.single.is_some();
    let ci = ensemble.corrected_ci95;
    let mut facts = Vec::new();
    if let (Some(score), false) = (ensemble.score, is_single) {
        facts.push(Fact::new(
            format!("{metric} as selected (optimistic)"),
            number::estimate(score, ci),
        ));
    }
    if let Some(score) = ensemble.corrected_score {
        let interval = ci.map_or("no interval".to_owned(), number::interval);
        let text = format!("{} ({interval})", number::estimate(score, ci));
        let of = if is_single { "on validation rows" } else { "corrected for selection" };
        facts.push(Fact::new(format!("{metric} {of}"), text));
    }
    if let Some(threshold) = record.threshold {
        facts.push(Fact::new("Decision threshold", number::significant(threshold, 4)));
    }
    facts.push(Fact::new("Judged on", headline::validated_on(record)));
    facts
}
