//! The smaller models that the fit offers besides the delivered one.

use modelwright_core::record::{Offer, RunRecord};

use super::headline::Headline;
use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "offers", part: Part::Search, title: "Smaller models" };

/// Applies when there is more than the delivered model.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let smallest = record.offers.iter().min_by_key(|o| o.members.len())?;
    if record.offers.len() < 2 {
        return None;
    }
    let label = Headline::of(record).label;
    let delivered = &record.offers[0];
    let finding = format!(
        "A model of {} instead of {} is possible, with {} out of fold.",
        number::counted(smallest.members.len(), "member", "members"),
        number::count(delivered.members.len()),
        more_error(smallest)
    );
    let mut table = Table::new(
        "What no smaller combination of members beats; the delivered model first",
        vec![
            TableColumn::numbers("Offer"),
            TableColumn::words("Members"),
            TableColumn::numbers(format!("{label} out of fold")),
            TableColumn::words("Against the delivered"),
            TableColumn::numbers(format!("{label} on untouched rows")),
        ],
    );
    let has_costs = record.offers.iter().any(|o| o.feature_cost.is_some());
    if has_costs {
        table.columns.push(TableColumn::numbers("Columns cost"));
    }
    let picked = record.picked.map_or(0, |p| p.offer);
    for (i, offer) in record.offers.iter().enumerate() {
        let mut cells = row(i, offer, i == picked);
        if has_costs {
            cells.push(Cell::new(
                offer.feature_cost.map_or("–".to_owned(), |c| number::significant(c, 4)),
            ));
        }
        table.rows.push(cells);
    }
    let caveat = "The list is by out-of-fold predictions, from which the ensemble was selected; \
                  `modelwright pick` measures size and speed, and makes a model of an offer.";
    Some(Section::new(&SPEC, finding).block(table).caveat(caveat))
}

fn row(i: usize, offer: &Offer, is_this: bool) -> Vec<Cell> {
    let members: Vec<String> = offer
        .members
        .iter()
        .map(|m| format!("{} {}", words::clean(&m.trial), number::share(m.weight)))
        .collect();
    let held_out = offer.holdout.as_ref();
    let ci95 = held_out.and_then(|m| m.ci95);
    let standing = if is_this {
        Cell::mark(Tone::Good, "this model")
    } else {
        Cell::new(words::sentence(&more_error(offer)))
    };
    vec![
        Cell::new(number::count(i + 1)),
        Cell::new(members.join(" + ")),
        Cell::new(offer.score.map_or("–".to_owned(), |s| number::estimate(s, ci95))),
        standing,
        match held_out.and_then(|m| m.value) {
            Some(value) => Cell::new(number::estimate(value, ci95))
                .detail(ci95.map_or("no interval".to_owned(), number::interval)),
            None => Cell::new("–"),
        },
    ]
}

/// How its error compares, in words.
fn more_error(offer: &Offer) -> String {
    let tied = if offer.tied { " (within chance)" } else { "" };
    match offer.more_error {
        Some(more) if more > 0.0 => format!("{} more error{tied}", number::share(more)),
        Some(more) if more < 0.0 => format!("{} less error{tied}", number::share(-more)),
        Some(_) => "the same error".to_owned(),
        None => "an error that cannot be compared".to_owned(),
    }
}
