//! How far rows lie from the training rows, whether that tells mistakes, and training rows that are
//! the same.

use modelwright_core::record::{DistanceBand, FamiliarityRecord, RunRecord};

use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "familiarity", part: Part::Quality, title: "Rows unlike those it learned from" };

/// A farthest part that is predicted so many times as badly as the nearest is worth a word.
const WORSE: f64 = 1.25;

/// Applies when training and untouched rows were compared.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    record.familiarity.as_ref().and_then(of)
}

/// The section; `None` without rows.
pub(crate) fn of(found: &FamiliarityRecord) -> Option<Section> {
    let (first, last) = (found.bands.first()?, found.bands.last()?);
    let is_worse =
        found.p_value.is_some_and(|p| p < 0.05) && last.mean_loss > WORSE * first.mean_loss;
    let finding = if is_worse {
        format!(
            "The farther a row lies from those it learned from, the worse it is predicted: the \
             {} is {} in the farthest fifth, against {} in the nearest.",
            found.loss,
            loss(found, last.mean_loss),
            loss(found, first.mean_loss)
        )
    } else {
        "Rows unlike those it learned from are predicted about as well as the others.".to_owned()
    };
    let share = number::share(found.n_far as f64 / found.n_rows.max(1) as f64);
    let mut section = Section::new(&SPEC, finding)
        .block(crate::report::section::Block::Text(format!(
            "{} of {} ({share}) lie farther than {} from their nearest training row; only one in a \
             hundred training rows lies so far from its nearest other one.",
            number::count(found.n_far),
            number::rows(found.n_rows),
            number::significant(found.far, 2),
        )))
        .block(table(found));
    if let Some(same) = same_rows(found) {
        section = section.block(crate::report::section::Block::Text(same));
    }
    Some(section.caveat(format!(
        "The distance is the mean difference over {}: of numbers the share of training rows \
         between two, of categories 0 or 1. It was measured for {} against {}.",
        number::counted(found.n_columns, "column", "columns"),
        number::rows(found.n_rows),
        number::counted(found.n_training, "training row", "training rows")
    )))
}

/// Training rows that repeat each other; `None` when there are none.
fn same_rows(found: &FamiliarityRecord) -> Option<String> {
    let mut text = Vec::new();
    if found.n_near > 0 {
        text.push(format!(
            "{} of {} that were looked at have a twin that is nearly the same.",
            number::count(found.n_near),
            number::counted(found.n_looked_at, "training row", "training rows")
        ));
    }
    if found.n_same > 0 {
        text.push(format!(
            "{} of {} have the same values as another one in all columns that were compared.",
            number::count(found.n_same),
            number::counted(found.n_train, "training row", "training rows")
        ));
    }
    if found.n_conflicting > 0 {
        let share = found.n_conflicting as f64 / found.n_train.max(1) as f64;
        text.push(format!(
            "{} of them ({} of all) contradict the answer that most rows with the same values \
             have: by these columns no model can be right about both.",
            number::count(found.n_conflicting),
            number::share(share)
        ));
    }
    (!text.is_empty()).then(|| text.join(" "))
}

fn loss(found: &FamiliarityRecord, value: f64) -> String {
    if found.loss == "error rate" { number::share(value) } else { number::significant(value, 3) }
}

fn table(found: &FamiliarityRecord) -> Table {
    let title = match found.p_value {
        Some(p) if p < 0.001 => "p < 0.001".to_owned(),
        Some(p) => format!("p = {}", number::fixed(p, 3)),
        None => "not tested".to_owned(),
    };
    let mut table = Table::new(
        format!(
            "Fifths of {} by their distance; that the farthest is predicted worse than the others: \
             {title}",
            number::rows(found.n_rows)
        ),
        vec![
            TableColumn::words("Distance to the nearest training row"),
            TableColumn::numbers("Rows"),
            TableColumn::numbers(words::capitalised(&format!("mean {}", found.loss))),
        ],
    );
    let row = |band: &DistanceBand| {
        vec![
            Cell::new(format!(
                "{} to {}",
                number::significant(band.from, 2),
                number::significant(band.to, 2)
            )),
            Cell::new(number::count(band.n_rows)),
            Cell::new(loss(found, band.mean_loss)),
        ]
    };
    table.rows.extend(found.bands.iter().map(row));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_worse_and_tested_farthest_fifth_makes_a_finding() {
        let mut found = crate::report::canonical::familiarity();
        let finding = |found: &FamiliarityRecord| of(found).unwrap().finding;
        assert!(finding(&found).contains("24.0 % in the farthest fifth"), "{}", finding(&found));
        found.p_value = Some(0.2);
        assert!(finding(&found).contains("about as well"));
        assert!(same_rows(&found).unwrap().contains("contradict"));
        found.bands.clear();
        assert!(of(&found).is_none());
    }
}
