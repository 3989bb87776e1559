//! Groups of untouched rows for which the model is worse than for the others.

use modelwright_core::record::{RunRecord, SlicesRecord, WeakSlice};

use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "slices", part: Part::Quality, title: "Where it is worse" };

/// Slices that stay unfolded.
const OPEN_ROWS: usize = 6;

/// Applies when slices were searched.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let slices = record.slices.as_ref()?;
    let is_rate = slices.loss == "error rate";
    let text = |loss: f64| loss_text(is_rate, loss);
    let caveat = format!(
        "Groups were searched on {} untouched rows and tested on {} others, {} in all, by Welch's \
         t-test with Holm's correction; with more rows, smaller differences show.",
        number::count(slices.n_rows_searched),
        number::count(slices.n_rows_tested),
        number::counted(slices.n_tested, "test", "tests")
    );
    let Some(worst) = slices.weak.first() else {
        let finding = format!(
            "No group of rows, by one or two columns, is worse than the others beyond chance ({} \
             tested on {}).",
            number::counted(slices.n_tested, "group", "groups"),
            number::untouched(slices.n_rows_tested)
        );
        return Some(Section::new(&SPEC, finding).caveat(caveat));
    };
    let finding = format!(
        "Where {}, the {} is {} instead of {} over all rows tested ({} in the group).",
        conditions(worst),
        words::clean(&slices.loss),
        text(worst.mean_loss),
        text(slices.mean_loss),
        number::rows(worst.n_rows)
    );
    let mut section = Section::new(&SPEC, finding);
    section.blocks = table(slices, &text).folded_after(OPEN_ROWS, "groups");
    section.blocks.extend(slices.weak.iter().filter_map(|slice| examples(record, slice)));
    Some(section.caveat(caveat))
}

/// A loss: a share, or an error in the unit of the target.
pub(super) fn loss_text(is_rate: bool, loss: f64) -> String {
    if is_rate { number::share(loss) } else { number::significant(loss, 3) }
}

/// What the rows of a group have in common.
pub(super) fn conditions(slice: &WeakSlice) -> String {
    let conditions: Vec<String> = slice.conditions.iter().map(|c| words::quoted(c)).collect();
    conditions.join(" and ")
}

/// Rows of a slice with the largest losses.
fn examples(record: &RunRecord, slice: &WeakSlice) -> Option<Block> {
    let first = slice.examples.first()?;
    let target = words::clean(&record.task.target);
    let names = first.values.iter().map(|(name, _)| words::clean(name));
    let titles = names.chain([format!("True {target}"), "The model said".to_owned()]);
    let mut table = Table::new(
        "The rows that it is most wrong about".to_owned(),
        titles.map(TableColumn::words).collect(),
    );
    for example in &slice.examples {
        let value = |(_, value): &(String, Option<String>)| {
            value.as_deref().map_or("missing".to_owned(), words::clean)
        };
        let shown = example.values.iter().map(value);
        let ends = [&example.truth, &example.said].map(|text| words::clean(text));
        table.rows.push(shown.chain(ends).map(Cell::new).collect());
    }
    Some(Block::Details {
        summary: format!("Examples where {}", conditions(slice)),
        blocks: vec![Block::Table(table)],
    })
}

fn table(slices: &SlicesRecord, text: &impl Fn(f64) -> String) -> Table {
    let loss = words::clean(&slices.loss);
    let mut table = Table::new(
        format!(
            "Groups with a higher {loss} beyond chance; over all {} it is {}",
            number::untouched(slices.n_rows_tested),
            text(slices.mean_loss)
        ),
        vec![
            TableColumn::words("Rows where"),
            TableColumn::numbers("Rows"),
            TableColumn::numbers(words::capitalised(&loss)),
            TableColumn::numbers("More than the others"),
            TableColumn::numbers("Always the same answer"),
            TableColumn::numbers("Corrected p"),
        ],
    );
    let level = slices.level.filter(|_| slices.weak.iter().any(|s| s.held.is_some()));
    if let Some(level) = level {
        let title = format!("Held by {} intervals or sets", number::share(level));
        table.columns.push(TableColumn::numbers(title));
    }
    for slice in &slices.weak {
        let mut row = vec![
            Cell::new(conditions(slice)),
            Cell::new(number::count(slice.n_rows)),
            Cell::new(text(slice.mean_loss)),
            Cell::new(text(slice.difference)).detail(format!(
                "{} to {}",
                text(slice.ci95.low),
                text(slice.ci95.high)
            )),
            Cell::new(slice.constant_loss.map_or("–".to_owned(), text)),
            Cell::new(if slice.p_value < 0.001 {
                "< 0.001".to_owned()
            } else {
                number::fixed(slice.p_value, 3)
            }),
        ];
        if level.is_some() {
            row.push(slice.held.map_or(Cell::new("–"), |held| {
                Cell::new(number::share(held.share)).detail(format!(
                    "{} to {}",
                    number::share(held.ci95.low),
                    number::share(held.ci95.high)
                ))
            }));
        }
        table.rows.push(row);
    }
    table
}
