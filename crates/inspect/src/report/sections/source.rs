//! Where the data came from and how they were read.

use modelwright_core::record::{DataSource, RunRecord, TableProfile};

use crate::report::section::{Block, Fact, Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "source", part: Part::Data, title: "Source" };

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    // As the account beside a model describes them, so that its report says the same.
    let short = record.profile.shortened(Some(&record.task.target));
    let mut section = of(&record.data, short.as_ref().unwrap_or(&record.profile));
    if let Some(test) = &record.test_data {
        section = section
            .block(Block::Text("The untouched rows come from a file of their own:".to_owned()))
            .block(Block::Facts(facts(test)));
        section.caveats.extend(remarks(test));
    }
    Some(section)
}

/// The section of one file.
pub(crate) fn of(source: &DataSource, profile: &TableProfile) -> Section {
    let cells: usize = profile.columns.iter().map(|c| c.n_rows).sum();
    let missing: usize = profile.columns.iter().map(|c| c.n_missing).sum();
    let of_those = match profile.n_left_out {
        0 => "",
        _ => " of the columns described",
    };
    let share = match missing {
        0 => format!("no cell{of_those} is missing"),
        n => format!("{} of the cells{of_those} are missing", number::part(n, cells)),
    };
    let finding = format!(
        "{} has {} of {}; {share}.",
        words::quoted(&source.name),
        number::rows(source.n_rows),
        number::counted(source.n_columns, "column", "columns"),
    );
    let mut facts = facts(source);
    facts.push(Fact::new("In memory", number::bytes(profile.size_bytes as u64)));
    facts.push(Fact::new(
        "Rows that repeat an earlier one",
        format!(
            "{} ({})",
            number::count(profile.n_duplicate_rows),
            number::part(profile.n_duplicate_rows, profile.n_rows)
        ),
    ));
    let mut section = Section::new(&SPEC, finding).block(Block::Facts(facts));
    section.caveats = remarks(source);
    section
}

/// That the table is a sample of its file, and what else the reader had to say.
fn remarks(source: &DataSource) -> Vec<String> {
    let sample = source.sample.iter().map(|s| words::remark(&s.account));
    sample.chain(source.notes.iter().map(|n| words::remark(n))).collect()
}

fn facts(source: &DataSource) -> Vec<Fact> {
    let format = [Some(&source.format), source.compression.as_ref(), source.encoding.as_ref()];
    let mut format: Vec<String> = format.into_iter().flatten().map(|f| words::clean(f)).collect();
    if let Some(delimiter) = source.delimiter {
        format.push(match delimiter {
            '\t' => "tab-separated".to_owned(),
            other => format!("separated by {}", words::quoted(&other.to_string())),
        });
    }
    vec![
        Fact::code("File", words::clean(&source.name)),
        Fact::new("Format", format.join(", ")),
        Fact::new("Rows", number::count(source.n_rows)),
        Fact::new("Columns", number::count(source.n_columns)),
        Fact::code("SHA-256", shorter(&source.sha256)),
    ]
}

/// The first 16 digits of a hash; the whole one stands under "How to reproduce".
fn shorter(hash: &str) -> String {
    let hash = words::clean(hash);
    match hash.char_indices().nth(16) {
        Some((end, _)) => format!("{}…", &hash[..end]),
        None => hash,
    }
}
