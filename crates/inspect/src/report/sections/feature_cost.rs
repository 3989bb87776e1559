//! What the columns cost that the model reads, and how the score falls without the dear ones.

use modelwright_core::record::{FeatureCostRecord, RunRecord};

use super::headline::Headline;
use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "feature-cost", part: Part::Search, title: "What the columns cost" };

/// Applies when the fit was told what columns cost.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let costs = record.feature_costs.as_ref()?;
    let label = Headline::of(record).label;
    let limit = costs.limit.map_or(String::new(), |limit| {
        format!(" The limit was {}.", number::significant(limit, 4))
    });
    let finding = format!(
        "The model reads columns that cost {} a row; all columns together cost {}.{limit}",
        number::significant(costs.of_model, 4),
        number::significant(costs.of_all, 4)
    );
    let caveat = "Which columns are missed least was asked of a small booster on the training \
                  rows: its scores show the price of each step, not what the model reaches.";
    let mut section = Section::new(&SPEC, finding);
    if costs.path.len() > 1 {
        section = section.block(table(costs, &label)).caveat(caveat);
    }
    Some(section)
}

fn table(costs: &FeatureCostRecord, label: &str) -> Table {
    let mut table = Table::new(
        "Columns left out one after the other, the least missed for what they cost first",
        vec![
            TableColumn::words("Left out"),
            TableColumn::numbers("The rest costs"),
            TableColumn::numbers(format!("{label} of a small booster")),
        ],
    );
    for step in &costs.path {
        let names: Vec<String> = step.left_out.iter().map(|name| words::clean(name)).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        table.rows.push(vec![
            Cell::new(names),
            Cell::new(number::significant(step.cost, 4)),
            Cell::new(step.score.map_or("–".to_owned(), |s| number::estimate(s, None))),
        ]);
    }
    table
}
