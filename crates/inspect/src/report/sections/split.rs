//! How rows were parted into training and untouched rows.

use modelwright_core::record::RunRecord;

use crate::report::section::{Block, Fact, Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "split", part: Part::Data, title: "Split" };

/// How trials were judged.
fn validation(record: &RunRecord) -> String {
    match (record.split.n_folds, record.plan.validation_share) {
        (0, 0.0) if !record.plan.trials.is_empty() => "none".to_owned(),
        (0, _) => "one part".to_owned(),
        (n, _) if record.split.n_repeats > 0 => format!(
            "{}, the mean over {} divisions",
            number::counted(n, "fold", "folds"),
            record.split.n_repeats + 1
        ),
        (n, _) => number::counted(n, "fold", "folds"),
    }
}

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let split = &record.split;
    let kind = words::sentence(&split.kind);
    let finding = if split.n_holdout == 0 {
        format!("No rows were held out; all {} train the model.", number::rows(split.n_train))
    } else {
        format!(
            "{} ({}) were set aside before anything was learned; {} train the model ({kind} \
             split).",
            number::rows(split.n_holdout),
            number::part(split.n_holdout, split.n_holdout + split.n_train),
            number::rows(split.n_train)
        )
    };
    let finding = match record.ensemble.n_rows_all {
        Some(n) if n as usize > split.n_train + split.n_holdout => format!(
            "{finding} The delivered model learned after the test from {} of the file, of which \
             these are a sample.",
            number::rows(n as usize)
        ),
        Some(_) => {
            format!("{finding} The delivered model learned from all of them after the test.")
        }
        None => finding,
    };
    let mut facts = vec![
        Fact::new("Training and validation", number::rows(split.n_train)),
        Fact::new("Untouched", number::rows(split.n_holdout)),
        Fact::new("Kind", kind),
        Fact::new("Validation", validation(record)),
    ];
    if record.task.n_rows_without_target > 0 {
        let rows = number::rows(record.task.n_rows_without_target);
        facts.push(Fact::new("Left out, target missing", rows));
    }
    for (name, column) in [
        ("Group column", &record.options.group),
        ("Time column", &record.options.time_column),
        ("Weight column", &record.options.weight),
    ] {
        facts.extend(column.as_ref().map(|c| Fact::code(name, words::clean(c))));
    }
    if let Some(n) = record.ensemble.n_rows_all {
        facts.push(Fact::new(
            "The delivered model",
            format!("{}, fitted last", number::rows(n as usize)),
        ));
    }
    let mut section = Section::new(&SPEC, finding);
    if !split.reason.is_empty() {
        section = section.block(Block::Text(words::remark(&split.reason)));
    }
    if record.ensemble.n_rows_all.is_some() {
        let about = "When the test was over, the same members were fitted once more on all rows: \
                     nothing was decided by it, so the test speaks of a model that knew fewer rows \
                     than the delivered one. `--refit train` delivers the tested rows' model.";
        section = section.block(Block::Text(about.to_owned()));
    }
    Some(section.block(Block::Facts(facts)))
}
