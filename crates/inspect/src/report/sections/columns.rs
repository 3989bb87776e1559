//! Every column: what it means and why, what is missing, how its values are distributed.

use modelwright_core::data::{Kind, instant_text};
use modelwright_core::record::{ColumnProfile, Numbers, RunRecord, TableProfile};

use crate::report::section::{Cell, Graphic, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "columns", part: Part::Data, title: "Columns" };

/// How many columns stay unfolded.
const OPEN_ROWS: usize = 30;

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    Some(of(&record.profile, Some(&record.task.target)))
}

/// The section of a profile; the target is marked.
pub(crate) fn of(profile: &TableProfile, target: Option<&str>) -> Section {
    let short = profile.shortened(target);
    let profile = short.as_ref().unwrap_or(profile);
    let mut section = Section::new(&SPEC, finding(profile));
    section.blocks = table(profile, target).folded_after(OPEN_ROWS, "columns");
    if profile.n_left_out > 0 {
        section.caveats.push(format!(
            "{} not described here: “modelwright profile” shows all of the data, and the model \
             file keeps what was seen of each.",
            number::counted(profile.n_left_out, "more column is", "more columns are")
        ));
    }
    section
}

/// One row per column, in file order.
pub(crate) fn table(profile: &TableProfile, target: Option<&str>) -> Table {
    let mut table = Table::new(
        number::rows(profile.n_rows),
        vec![
            TableColumn::words("Column"),
            TableColumn::words("Kind"),
            TableColumn::numbers("Missing"),
            TableColumn::numbers("Distinct"),
            TableColumn::words("Distribution"),
            TableColumn::words("Values"),
        ],
    );
    table.rows = profile.columns.iter().map(|c| row(c, target)).collect();
    table
}

fn finding(profile: &TableProfile) -> String {
    let mut kinds: Vec<String> = Vec::new();
    for kind in Kind::ALL {
        let n = profile.columns.iter().filter(|c| c.kind.kind == kind).count();
        if n > 0 {
            kinds.push(format!("{} {}", number::count(n), words::kind_label(kind)));
        }
    }
    let missing = profile.columns.iter().filter(|c| c.n_missing > 0).count();
    let all = profile.columns.len() + profile.n_left_out;
    let of_those = match profile.n_left_out {
        0 => String::new(),
        _ => format!("of the {} described, ", number::count(profile.columns.len())),
    };
    format!(
        "{} ({of_those}{}); {} missing values.",
        number::counted(all, "column", "columns"),
        kinds.join(", "),
        match missing {
            0 => "none has".to_owned(),
            n => number::counted(n, "has", "have"),
        }
    )
}

fn row(column: &ColumnProfile, target: Option<&str>) -> Vec<Cell> {
    let name = Cell::new(words::clean(&column.name));
    let name = if target == Some(&column.name) { name.detail("the target") } else { name };
    let evidence = words::sentence(&column.kind.evidence);
    let kind = Cell::new(words::kind_label(column.kind.kind)).detail(if column.kind.overridden {
        words::join(["set by the user".to_owned(), evidence])
    } else {
        evidence
    });
    let about = if column.distinct_is_exact { "" } else { "≈ " };
    let missing = Cell::new(number::part(column.n_missing, column.n_rows));
    vec![
        name,
        kind,
        if column.n_missing > 0 {
            missing.detail(number::count(column.n_missing))
        } else {
            missing
        },
        Cell::new(format!("{about}{}", number::count(column.n_distinct))),
        distribution(column),
        values(column),
    ]
}

fn distribution(column: &ColumnProfile) -> Cell {
    if is_quantity(column.kind.kind) {
        let Some(numbers) = column.numbers.as_ref().filter(|n| !n.histogram.is_empty()) else {
            return Cell::default();
        };
        let counts = numbers.histogram.iter().map(|b| b.n_rows).collect();
        return Cell::default().graphic(Graphic::Histogram(counts));
    }
    let counts: Vec<usize> = column.top.iter().take(12).map(|l| l.n_rows).collect();
    let repeats = counts.first().is_some_and(|n| *n > 1);
    if counts.len() > 1 && repeats {
        Cell::default().graphic(Graphic::Histogram(counts))
    } else {
        Cell::default()
    }
}

fn values(column: &ColumnProfile) -> Cell {
    match (&column.numbers, &column.texts) {
        (Some(numbers), _) if is_quantity(column.kind.kind) => quantity(column, numbers),
        (_, Some(texts)) if column.kind.kind == Kind::Text => Cell::new(format!(
            "{} to {} characters",
            number::count(texts.min_length),
            number::count(texts.max_length)
        ))
        .detail(format!("mean {} words", number::significant(texts.mean_words, 2))),
        _ => {
            let n_valid = column.n_rows - column.n_missing.min(column.n_rows);
            let top = column.top.iter().take(3).map(|level| {
                format!("{} {}", words::quoted(&level.value), number::part(level.n_rows, n_valid))
            });
            Cell::new(top.collect::<Vec<_>>().join(", "))
        }
    }
}

fn quantity(column: &ColumnProfile, numbers: &Numbers) -> Cell {
    let write = |value: f64| {
        if column.kind.kind == Kind::Datetime {
            instant_text((value * 1e6) as i64)
        } else {
            number::significant(value, 4)
        }
    };
    let (Some(min), Some(max)) = (numbers.min, numbers.max) else {
        return Cell::new("no finite value");
    };
    let cell = Cell::new(format!("{} to {}", write(min), write(max)));
    // Quantiles 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99.
    match numbers.quantiles.as_slice() {
        [_, _, _, median, ..] if column.kind.kind == Kind::Datetime => {
            cell.detail(format!("median {}", write(*median)))
        }
        [_, _, q25, median, q75, ..] => cell.detail(format!(
            "median {}, middle half {} to {}",
            write(*median),
            write(*q25),
            write(*q75)
        )),
        _ => cell,
    }
}

fn is_quantity(kind: Kind) -> bool {
    matches!(kind, Kind::Number | Kind::Datetime)
}
