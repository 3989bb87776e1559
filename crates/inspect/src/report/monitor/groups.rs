//! For whom and since when: groups and periods of rows whose answers are known.

use modelwright_core::record::{MetricValue, OverTimeRecord, PeriodRecord, SliceRecord};

use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

const SLICES: Spec = Spec { id: "slices", part: Part::Quality, title: "Groups of rows" };
const PERIODS: Spec = Spec { id: "periods", part: Part::Quality, title: "From period to period" };

/// Groups that stay open in a table.
const OPEN_GROUPS: usize = 12;

/// The groups over all rows, when columns are looked at.
pub(super) fn slices(found: &OverTimeRecord) -> Option<Section> {
    let judged = found.slices.iter().filter(|slice| slice.is_judged).count();
    let n_off = found.slices.iter().filter(|slice| slice.is_off).count();
    if found.slices.is_empty() {
        return None;
    }
    let finding = match n_off {
        0 => format!(
            "In none of {} are predictions too high or too low beyond chance.",
            number::counted(judged, "group", "groups")
        ),
        n => format!(
            "Predictions are too high or too low in {} of {}.",
            number::count(n),
            number::counted(judged, "group", "groups")
        ),
    };
    let mut section = Section::new(&SLICES, finding);
    section.blocks = slices_table(found).folded_after(OPEN_GROUPS, "groups");
    Some(section.caveat(format!(
        "Groups with fewer than {} are not judged. “Too high by” is the mean of what is predicted \
         less the mean of what was true.",
        number::rows(found.min_group)
    )))
}

/// The groups as a table.
pub(super) fn slices_table(found: &OverTimeRecord) -> Table {
    let metric = found.slices.iter().find_map(|slice| slice.metric.as_ref());
    let metric = metric.map_or("Metric".to_owned(), |m| words::metric_label(&m.name));
    let has_selected = found.slices.iter().any(|slice| slice.selected.is_some());
    let mut columns = vec![
        TableColumn::words("Group"),
        TableColumn::numbers("Rows"),
        TableColumn::numbers(metric),
        TableColumn::numbers("Too high by"),
    ];
    if has_selected {
        columns.push(TableColumn::numbers("Decided positive"));
    }
    columns.push(TableColumn::words("Verdict"));
    let mut table = Table::new("Groups of rows with answers", columns);
    for slice in &found.slices {
        let mut row = vec![
            Cell::new(name(slice)),
            Cell::new(number::count(slice.n_rows)),
            value(slice.metric.as_ref()),
            value(slice.bias.as_ref()),
        ];
        if has_selected {
            row.push(value(slice.selected.as_ref()));
        }
        row.push(match (slice.is_judged, slice.is_off) {
            (false, _) => Cell::mark(Tone::Neutral, "too few rows"),
            (true, true) => Cell::mark(Tone::Warning, "off beyond chance"),
            (true, false) => Cell::mark(Tone::Good, "not off beyond chance"),
        });
        table.rows.push(row);
    }
    table
}

/// The periods, when there are any.
pub(super) fn periods(found: &OverTimeRecord) -> Option<Section> {
    let (first, last) = (found.periods.first()?, found.periods.last()?);
    let by = found.by.as_ref().map_or("the order of the rows".to_owned(), |c| words::quoted(c));
    let of = |period: &PeriodRecord| {
        period.metric.value.map_or("undefined".to_owned(), |v| number::significant(v, 4))
    };
    let finding = format!(
        "{} goes from {} to {} over {} by {by}.",
        words::metric_label(&first.metric.name),
        of(first),
        of(last),
        number::counted(found.periods.len(), "period", "periods")
    );
    let mut section = Section::new(&PERIODS, finding);
    section.blocks = periods_table(found).folded_after(OPEN_GROUPS, "periods");
    Some(section)
}

/// The periods as a table, with a column for each group of the first column that is looked at.
pub(super) fn periods_table(found: &OverTimeRecord) -> Table {
    let metric = found.periods.first().map_or("", |period| &period.metric.name);
    let mut columns = vec![
        TableColumn::words("Period"),
        TableColumn::numbers("Rows"),
        TableColumn::numbers(words::metric_label(metric)),
        TableColumn::numbers("Too high by"),
    ];
    let shown: Vec<usize> =
        (0..found.slices.len()).filter(|i| found.slices[*i].is_judged).take(GROUPS_MAX).collect();
    columns.extend(shown.iter().map(|i| TableColumn::numbers(name(&found.slices[*i]))));
    let mut table = Table::new("Periods of equally many rows", columns);
    for period in &found.periods {
        let mut row = vec![
            Cell::new(words::clean(&period.begin)).detail(format!("to {}", period.end)),
            Cell::new(number::count(period.n_rows)),
            value(Some(&period.metric)),
            value(Some(&period.bias)),
        ];
        row.extend(
            shown.iter().map(|i| value(period.slices.get(*i).and_then(|s| s.bias.as_ref()))),
        );
        table.rows.push(row);
    }
    table
}

/// Groups whose bias is shown period by period.
const GROUPS_MAX: usize = 6;

fn name(slice: &SliceRecord) -> String {
    format!("{} = {}", words::clean(&slice.column), words::clean(&slice.group))
}

fn value(value: Option<&MetricValue>) -> Cell {
    let Some(metric) = value else { return Cell::new("–") };
    let cell = Cell::new(metric.value.map_or("–".to_owned(), |v| number::significant(v, 3)));
    match metric.ci95 {
        Some(ci95) => cell.detail(number::interval(ci95)),
        None => cell,
    }
}
