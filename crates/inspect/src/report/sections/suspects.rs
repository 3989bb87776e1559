//! Training rows whose target contradicts what all other rows say.

use modelwright_core::record::{RunRecord, Suspect, SuspectsRecord};

use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "suspects", part: Part::Data, title: "Labels to look at" };

/// Rows that are shown, and that stay unfolded.
const SHOWN: usize = 30;
const OPEN_ROWS: usize = 8;

/// Applies when rows were judged that the model had not seen.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let suspects = record.suspects.as_ref()?;
    let target = words::quoted(&record.task.target);
    if suspects.n_suspects == 0 {
        return Some(Section::new(
            &SPEC,
            format!(
                "No value of {target} contradicts the other rows with confidence ({} judged).",
                number::rows(suspects.n_rows)
            ),
        ));
    }
    let finding = format!(
        "{} of {} have a value of {target} that the other rows contradict with confidence: errors \
         of labelling are found among the first of them.",
        number::part(suspects.n_suspects, suspects.n_rows),
        number::rows(suspects.n_rows)
    );
    let mut section = Section::new(&SPEC, finding);
    let with_rows = record.options.with_rows;
    section.blocks = table(suspects, with_rows).folded_after(OPEN_ROWS, "rows");
    let hidden = if with_rows {
        ""
    } else {
        " What the rows say stands in the table itself; “--with-rows” shows it here."
    };
    Some(section.caveat(format!(
        "A row here is a question, not an error: cases that are rare or hard look the same. Found \
         by {}.{hidden}",
        words::clean(&suspects.method)
    )))
}

/// The most suspicious rows; their values only `with_rows`.
fn table(suspects: &SuspectsRecord, with_rows: bool) -> Table {
    let is_class = suspects.rows.first().is_some_and(|s| s.chance.is_some());
    let mut table = Table::new(
        format!(
            "The most suspicious of {}",
            number::counted(suspects.n_suspects, "suspect", "suspects")
        ),
        [
            vec![TableColumn::words("Row")],
            if with_rows {
                vec![TableColumn::words("It says"), TableColumn::words("Expected")]
            } else {
                Vec::new()
            },
            vec![TableColumn::numbers(if is_class {
                "Chance of what it says"
            } else {
                "Standard deviations off"
            })],
        ]
        .concat(),
    );
    table.rows.extend(suspects.rows.iter().take(SHOWN).map(|suspect| row(suspect, with_rows)));
    table
}

fn row(suspect: &Suspect, with_rows: bool) -> Vec<Cell> {
    let place = suspect.row.map_or("of a sample".to_owned(), |row| number::count(row as usize));
    let how_far = match (suspect.chance, suspect.deviations) {
        (Some(chance), _) => number::share(chance),
        (_, Some(deviations)) => number::fixed(deviations, 1),
        _ => "–".to_owned(),
    };
    let text = |text: &str| match text.parse::<f64>() {
        Ok(value) if suspect.deviations.is_some() => number::significant(value, 5),
        _ => words::clean(text),
    };
    let said = [&suspect.given, &suspect.expected].map(|said| Cell::new(text(said)));
    let shown = if with_rows { Vec::from(said) } else { Vec::new() };
    [vec![Cell::new(place)], shown, vec![Cell::new(how_far)]].concat()
}
