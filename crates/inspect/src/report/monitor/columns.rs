//! Drift column by column, then and now.

use modelwright_core::data::{Kind, instant_text};
use modelwright_core::record::{ColumnDrift, MonitorRecord, Summary};

use crate::report::section::{Cell, Graphic, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

const COLUMNS: Spec = Spec { id: "drift", part: Part::Data, title: "Drift of the columns" };
const OUTPUTS: Spec =
    Spec { id: "outputs", part: Part::Quality, title: "Drift of predictions and target" };

/// How many columns stay unfolded.
const OPEN_ROWS: usize = 25;

/// All columns, drifted ones first, the important ones before the others.
pub(super) fn section(record: &MonitorRecord) -> Section {
    let dataset = &record.dataset;
    let finding = format!(
        "{} of {} drifted ({}); the dataset counts as drifted from {} on.",
        number::count(dataset.n_drifted),
        number::counted(dataset.n_columns, "column", "columns"),
        number::share(dataset.share),
        number::share(dataset.threshold)
    );
    let mut sorted: Vec<&ColumnDrift> = record.columns.iter().collect();
    sorted.sort_by(|a, b| {
        let weight = |c: &ColumnDrift| (c.drifted, c.exceeds, c.importance.unwrap_or(0.0));
        weight(b).partial_cmp(&weight(a)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut section = Section::new(&COLUMNS, finding).caveat(
        "Measures and thresholds are those of Evidently's preset. A column drifted when its \
         measure exceeds the threshold and a two-sample test, adjusted for the number of columns \
         (Benjamini–Hochberg, 5 %), agrees.",
    );
    section.blocks = table(sorted.into_iter()).folded_after(OPEN_ROWS, "columns");
    section
}

/// Predictions and target; `None` when neither was compared.
pub(super) fn outputs(record: &MonitorRecord) -> Option<Section> {
    let of: Vec<&ColumnDrift> = record.predictions.iter().chain(&record.target).collect();
    let compared: Vec<&ColumnDrift> = of.into_iter().filter(|c| c.score.is_some()).collect();
    if compared.is_empty() {
        return None;
    }
    let drifted: Vec<String> =
        compared.iter().filter(|c| c.drifted).map(|c| c.column.clone()).collect();
    let finding = match drifted.as_slice() {
        [] => "What the model says is distributed as it was.".to_owned(),
        names => format!("Drifted: {}.", words::quoted_list(names)),
    };
    Some(Section::new(&OUTPUTS, finding).block(table(compared.into_iter())))
}

/// One row per column.
pub(super) fn table<'a>(columns: impl Iterator<Item = &'a ColumnDrift>) -> Table {
    let mut table = Table::new(
        "Reference beside new rows",
        vec![
            TableColumn::words("Column"),
            TableColumn::words("Drift"),
            TableColumn::numbers("Importance"),
            TableColumn::words("Measure"),
            TableColumn::numbers("p, adjusted"),
            TableColumn::numbers("PSI"),
            TableColumn::words("Before"),
            TableColumn::words("Now"),
        ],
    );
    table.rows = columns.map(row).collect();
    table
}

fn row(column: &ColumnDrift) -> Vec<Cell> {
    let drift = match (column.drifted, column.exceeds, column.score) {
        (true, _, _) => Cell::mark(Tone::Severe, "drifted"),
        (false, true, _) if column.kind == Kind::Datetime => {
            Cell::mark(Tone::Neutral, "time goes on")
        }
        (false, true, _) => Cell::mark(Tone::Warning, "perhaps chance"),
        (false, false, Some(_)) => Cell::mark(Tone::Good, "stable"),
        (false, false, None) => Cell::new("not compared"),
    };
    let score = column.score.map_or("–".to_owned(), |s| number::significant(s, 3));
    let measure = match (&column.measure, column.threshold) {
        (Some(name), Some(threshold)) => Cell::new(format!("{} {score}", measure_label(name)))
            .detail(format!("threshold {}", number::significant(threshold, 2))),
        _ => Cell::default(),
    };
    let name = Cell::new(words::clean(&column.column));
    let name =
        if column.words.is_empty() { name } else { name.detail(words::sentence(&column.words)) };
    vec![
        name,
        drift,
        Cell::new(column.importance.map_or(String::new(), number::share)),
        measure,
        Cell::new(column.p_adjusted.map_or(String::new(), p_value)),
        Cell::new(column.psi.map_or(String::new(), |p| number::significant(p, 3))),
        side(&column.reference, column.kind),
        side(&column.current, column.kind),
    ]
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { number::significant(p, 2) }
}

fn measure_label(name: &str) -> &str {
    match name {
        "ks" => "KS p",
        "chisquare" => "χ² p",
        "z" => "z p",
        "wasserstein" => "Wasserstein",
        "jensenshannon" => "Jensen–Shannon",
        "text_length" => "length",
        other => other,
    }
}

fn side(summary: &Summary, kind: Kind) -> Cell {
    let missing = if summary.n_missing > 0 {
        format!("{} missing", number::part(summary.n_missing as usize, summary.n_rows as usize))
    } else {
        String::new()
    };
    if !summary.bins.is_empty() {
        let counts = summary.bins.iter().map(|b| b.n_rows).collect();
        let write = |mean: f64| match kind {
            // Sketches hold instants in seconds.
            Kind::Datetime => instant_text((mean * 1e6) as i64),
            _ => number::significant(mean, 4),
        };
        let mean = summary.mean.map_or(String::new(), |mean| format!("mean {}", write(mean)));
        return Cell::new(words::join([mean, missing])).graphic(Graphic::Histogram(counts));
    }
    let n_known = (summary.n_rows - summary.n_missing.min(summary.n_rows)) as usize;
    let top = summary.levels.iter().take(2).map(|level| {
        format!("{} {}", words::quoted(&level.value), number::part(level.n_rows, n_known))
    });
    let text = words::join([top.collect::<Vec<_>>().join(", "), missing]);
    let counts: Vec<usize> = summary.levels.iter().map(|l| l.n_rows).collect();
    if counts.len() > 1 {
        Cell::new(text).graphic(Graphic::Histogram(counts))
    } else {
        Cell::new(text)
    }
}
