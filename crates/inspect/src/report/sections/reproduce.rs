//! How to repeat the run, and what fixes its result.

use std::fmt::Write as _;

use modelwright_core::record::{
    ContinuedRecord, OwnPart, RetrainedFile, RetrainedRecord, RunRecord,
};

use super::command_lines::{self, shell};
use crate::report::section::{Block, Fact, Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "reproduce", part: Part::Record, title: "How to reproduce" };

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    if let Some(last) = record.continued.last() {
        return Some(continued(record, last));
    }
    if let Some(retrained) = &record.retrained {
        return Some(made_anew(record, retrained));
    }
    let decisions = record.decisions.stopped_after.len() + record.decisions.chosen.len();
    let mut finding = format!(
        "The record repeats the run bit for bit, for any number of threads: it holds seed {} and \
         {} of the clock or the machine.",
        record.options.seed,
        number::counted(decisions, "decision", "decisions")
    );
    if !record.options.own.is_empty() {
        let of = |part: &OwnPart| format!("{} {}", part.kind.name(), words::clean(&part.name));
        let own: Vec<String> = record.options.own.iter().map(of).collect();
        let _ = write!(
            finding,
            " It had code of its user's own ({}), which no record holds: it is repeated from \
             Python, with the same given again, as far as that code does the same again.",
            own.join(", ")
        );
    }
    let test = record.test_data.as_ref();
    let mut commands =
        vec!["# the same model, byte for byte".to_owned(), command_lines::replay(record)];
    if let Some(line) = command_lines::same_question(record) {
        commands.push("# a new run with the same question; the clock decides anew".to_owned());
        commands.push(line);
    }
    commands.push("# this report".to_owned());
    commands.push("modelwright report record.json".to_owned());
    let mut facts = vec![
        Fact::new("Modelwright", words::clean(&record.engine_version)),
        Fact::new("Record format", record.format_version.to_string()),
        Fact::new("Seed", record.options.seed.to_string()),
        Fact::new("Decisions noted", number::count(decisions)),
        Fact::new("Begun", words::clean(&record.clock.created)),
    ];
    if record.options.single.is_none() {
        facts.insert(3, Fact::new("Preset", words::clean(&record.options.preset)));
    }
    let hash = |name: &str, file: &str| {
        Fact::code(format!("SHA-256 of {}", words::quoted(name)), words::clean(file))
    };
    facts.push(hash(&record.data.name, &record.data.sha256));
    facts.extend(test.map(|t| hash(&t.name, &t.sha256)));
    Some(Section::new(&SPEC, finding).block(Block::Commands(commands)).block(Block::Facts(facts)))
}

/// Of a model whose boosters are those of an earlier one, with more rounds.
fn continued(record: &RunRecord, last: &ContinuedRecord) -> Section {
    let rounds: Vec<String> = last
        .members
        .iter()
        .map(|m| format!("{}: {} + {}", words::clean(&m.trial), m.before, m.added))
        .collect();
    let finding = format!(
        "The model is an earlier one whose boosters learned on ({} rounds), from {} rows, of which \
         {} judged it before. With that model, the same rows and seed it comes out the same.",
        rounds.join(", "),
        number::count(last.n_rows),
        number::count(last.n_judged)
    );
    let command = match &record.retrained {
        Some(retrained) => {
            let plan = "continue".to_owned();
            command_lines::retrain(&RetrainedRecord { plan, ..retrained.clone() }, &record.options)
        }
        None => format!(
            "modelwright retrain EARLIER.mw --plan continue --seed {} --data {}",
            record.options.seed,
            shell(&record.data.name)
        ),
    };
    let mut facts = vec![
        Fact::new("Modelwright", words::clean(&record.engine_version)),
        Fact::code("SHA-256 of the earlier model", words::clean(&last.parent_sha256)),
    ];
    facts.extend(hashes(record));
    Section::new(&SPEC, finding).block(Block::Commands(vec![command])).block(Block::Facts(facts))
}

/// Of a model that was made of the rows of some files, of which the most recent ones judged it.
fn made_anew(record: &RunRecord, retrained: &RetrainedRecord) -> Section {
    let files = number::counted(retrained.files.len(), "file", "files");
    let mut finding = format!(
        "The model was retrained: an earlier model's question was asked again of the rows of \
         {files}, of which the most recent {} judged it. No record of a run holds how they were \
         parted: the same command with the same earlier model does it again, and its clock decides \
         anew.",
        number::share(retrained.judged_share)
    );
    if retrained.is_windowed {
        finding +=
            " A window of a watched model chose among the rows, which that command does not.";
    }
    let commands = vec![
        "# the same retraining; the clock decides anew".to_owned(),
        command_lines::retrain(retrained, &record.options),
        "# this report".to_owned(),
        "modelwright report record.json".to_owned(),
    ];
    let mut facts = vec![
        Fact::new("Modelwright", words::clean(&record.engine_version)),
        Fact::new("Seed", record.options.seed.to_string()),
        Fact::new("Begun", words::clean(&record.clock.created)),
    ];
    facts.extend(hashes(record));
    Section::new(&SPEC, finding).block(Block::Commands(commands)).block(Block::Facts(facts))
}

/// The hash of every file that was learned from.
fn hashes(record: &RunRecord) -> Vec<Fact> {
    let hash = |name: &str, sha256: &str| {
        Fact::code(format!("SHA-256 of {}", words::quoted(name)), words::clean(sha256))
    };
    match &record.retrained {
        Some(retrained) => {
            let of = |file: &RetrainedFile| hash(&file.name, &file.sha256);
            retrained.files.iter().map(of).collect()
        }
        None => vec![hash(&record.data.name, &record.data.sha256)],
    }
}
