//! The model in a few rules: a small tree that says about the same, and how nearly.

use modelwright_core::record::{RunRecord, SurrogateLeaf, SurrogateRecord};
use modelwright_core::task::Task;

use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "rules", part: Part::Quality, title: "The model in a few rules" };

/// Rules that stay open.
const OPEN_ROWS: usize = 8;

/// From this share of the variation on, rules describe a model well, and half-way.
const WELL: f64 = 0.8;
const PARTLY: f64 = 0.5;

/// Applies when a tree was fitted to the model's predictions.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let found = record.explanation.as_ref()?.surrogate.as_ref()?;
    let how = match found.r2 {
        r2 if r2 >= WELL => "describe the model well",
        r2 if r2 >= PARTLY => "describe the model in part",
        _ => "describe the model poorly",
    };
    let agree = found.agreement.map_or(String::new(), |share| {
        format!(" and decide as it does for {} of them", number::share(share))
    });
    let finding = format!(
        "{} {how}: they tell {} of what varies in its predictions of {}{agree}.",
        number::counted(found.leaves.len(), "rule", "rules"),
        number::share(found.r2.max(0.0)),
        number::rows(found.n_rows_tested)
    );
    let mut section = Section::new(&SPEC, finding);
    section.blocks = table(record, found).folded_after(OPEN_ROWS, "rules");
    Some(section.caveat(format!(
        "The rules are a tree of at most four questions, fitted to the model's own predictions of \
         {} untouched rows; the model itself is not these rules.",
        number::count(found.n_rows)
    )))
}

fn table(record: &RunRecord, found: &SurrogateRecord) -> Table {
    let what = match (record.task.task, record.task.classes.as_slice()) {
        (Task::Binary, [_, positive]) => format!("Chance of {}", words::quoted(positive)),
        (Task::Multiclass, _) => "Most probable".to_owned(),
        _ => format!("Mean prediction of {}", words::quoted(&record.task.target)),
    };
    let mut table = Table::new(
        format!("What the model says where; {} rows were fitted", number::count(found.n_rows)),
        vec![
            TableColumn::words("Rows where"),
            TableColumn::numbers("Rows"),
            TableColumn::numbers(what),
        ],
    );
    let is_number = record.task.task == Task::Regression;
    table.rows.extend(found.leaves.iter().map(|leaf| row(leaf, is_number)));
    table
}

fn row(leaf: &SurrogateLeaf, is_number: bool) -> Vec<Cell> {
    let conditions: Vec<String> = leaf.conditions.iter().map(|c| words::quoted(c)).collect();
    let place =
        if conditions.is_empty() { "everywhere".to_owned() } else { conditions.join(" and ") };
    let value =
        if is_number { number::significant(leaf.value, 4) } else { number::share(leaf.value) };
    let cell = match &leaf.class {
        Some(class) => Cell::new(words::clean(class)).detail(value),
        None => Cell::new(value),
    };
    vec![Cell::new(place), Cell::new(number::count(leaf.n_rows)), cell]
}
