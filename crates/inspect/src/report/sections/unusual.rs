//! How many rows of a later file are unlike those that the model was tested on.

use modelwright_core::record::{RunRecord, UnusualRecord};

use crate::report::number;
use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};

pub(crate) const SPEC: Spec =
    Spec { id: "unusual", part: Part::Quality, title: "Rows unlike those it was tested on" };

/// Applies to rows of a later file, where the model keeps an account of usual ones.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    record.unusual.as_ref().and_then(of)
}

/// The section; `None` without rows.
fn of(found: &UnusualRecord) -> Option<Section> {
    let ci95 = found.ci95?;
    let share = found.n_unusual as f64 / found.n_rows.max(1) as f64;
    let counted = format!(
        "{} of {} ({}, 95 % interval {} to {})",
        number::count(found.n_unusual),
        number::rows(found.n_rows),
        number::share(share),
        number::share(ci95.low),
        number::share(ci95.high)
    );
    let expected = format!(
        "of rows of the same kind it would be {}, by chance from {} to {}",
        number::share(found.level),
        number::share(found.by_chance.low),
        number::share(found.by_chance.high)
    );
    let beyond = number::share(1.0 - found.level);
    let finding = if share > found.by_chance.high {
        format!(
            "More rows than chance explains are unusual: {counted} are stranger than {beyond} of \
             the rows it was tested on; {expected}."
        )
    } else {
        format!(
            "The rows are like those it was tested on: {counted} are stranger than {beyond} of \
             these; {expected}."
        )
    };
    let section = Section::new(&SPEC, finding).maybe(causes(found)).caveat(format!(
        "What is usual was counted over {} and tested on {}, of which the model file keeps none. \
         It sees what is rare in a column, or in one beside another, and nothing that takes three.",
        number::counted(found.n_columns, "column", "columns"),
        number::counted(found.n_judged, "row of the fit", "rows of the fit")
    ));
    Some(section)
}

fn causes(found: &UnusualRecord) -> Option<Table> {
    let mut table = Table::new(
        "What makes rows unusual most often".to_owned(),
        vec![TableColumn::words("Column"), TableColumn::numbers("Unusual rows")],
    );
    let row = |cause: &modelwright_core::record::UnusualCause| {
        vec![Cell::new(cause.columns.clone()), Cell::new(number::count(cause.n_rows))]
    };
    table.rows.extend(found.causes.iter().map(row));
    (!table.rows.is_empty()).then_some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_than_chance_explains_is_a_finding() {
        let mut found = crate::report::canonical::unusual();
        let finding = |found: &UnusualRecord| of(found).unwrap().finding;
        assert!(finding(&found).starts_with("More rows than chance"), "{}", finding(&found));
        assert!(finding(&found).contains("stranger than 99.0 %"), "{}", finding(&found));
        found.n_unusual = 15;
        assert!(finding(&found).starts_with("The rows are like those"), "{}", finding(&found));
        found.ci95 = None;
        assert!(of(&found).is_none());
    }
}
