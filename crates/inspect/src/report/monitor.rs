//! What watching a model found, on one page and in the terminal.

mod columns;
mod groups;
mod performance;

use modelwright_core::record::{
    ColumnDrift, MonitorRecord, QualityFinding, QualityKind, RowsRecord, Status,
};

use super::section::{
    Block, Callout, Cell, Document, Figure, Part, Section, Spec, Table, TableColumn, Tone,
};
use super::sections::fairness;
use super::{number, render, words};

const VERDICT: Spec = Spec { id: "verdict", part: Part::Answer, title: "The verdict" };
const QUALITY: Spec = Spec { id: "quality", part: Part::Data, title: "Columns and values" };
const NOTES: Spec = Spec { id: "notes", part: Part::Record, title: "What was not looked at" };

/// Drifted columns that the terminal lists.
const TEXT_COLUMNS: usize = 12;

/// The comparison as one self-contained HTML page.
pub fn monitor_html(record: &MonitorRecord) -> String {
    render::html::page(&document(record))
}

/// The comparison as Markdown.
pub fn monitor_markdown(record: &MonitorRecord) -> String {
    render::markdown::page(&document(record))
}

fn document(record: &MonitorRecord) -> Document {
    let sections = [
        Some(verdict(record)),
        performance::section(&performance::MEASURED, record.performance.as_ref()),
        performance::section(&performance::EXPECTED, record.estimated.as_ref()),
        record.over_time.as_ref().and_then(groups::slices),
        record.over_time.as_ref().and_then(groups::periods),
        record.over_time.as_ref().and_then(|found| found.fairness.as_ref()).map(fairness::of),
        columns::outputs(record),
        quality(record),
        Some(columns::section(record)),
        notes(record),
    ];
    Document {
        kind: "Monitoring report",
        title: format!("Watching {}", words::quoted(&record.model.target)),
        subtitle: words::join([
            side(&record.current),
            format!("beside {}{}", side(&record.reference), by_season(record)),
            words::day(&record.created),
        ]),
        footer: format!(
            "Modelwright {} · model of {}",
            words::clean(&record.engine_version),
            words::day(&record.model.created)
        ),
        sections: sections.into_iter().flatten().collect(),
    }
}

/// By which seasons the sides were compared, in words: `, by weekday`.
fn by_season(record: &MonitorRecord) -> String {
    record.season.as_ref().map_or(String::new(), |season| format!(", by {}", season.season))
}

/// A side in words: `orders.csv, 1,200 rows`.
fn side(rows: &RowsRecord) -> String {
    let name = match rows.names.as_slice() {
        [one] => words::clean(one),
        names => number::counted(names.len(), "file", "files"),
    };
    format!("{name}, {}", number::rows(rows.n_rows as usize))
}

fn tone(status: Status) -> (Tone, &'static str) {
    match status {
        Status::Stable => (Tone::Good, "Stable"),
        Status::Watch => (Tone::Warning, "Watch"),
        Status::Alarm => (Tone::Severe, "Alarm"),
    }
}

/// What a reader does with the verdict.
fn what_to_do(status: Status) -> &'static str {
    match status {
        Status::Stable => "Nothing needs to be done: new rows are like those before.",
        Status::Watch => "Look at what moved, and compare again when there are more rows.",
        Status::Alarm => {
            "Find out why before relying on new predictions: a broken source is mended where it \
             breaks, a changed world is learned again (“modelwright retrain”)."
        }
    }
}

fn verdict(record: &MonitorRecord) -> Section {
    let (tone, label) = tone(record.verdict.status);
    let summary = words::sentence(&record.verdict.summary);
    let mut section = Section::new(&VERDICT, summary).block(Callout {
        tone,
        label: label.to_owned(),
        text: what_to_do(record.verdict.status).to_owned(),
    });
    section.blocks.push(Block::Figures(figures(record)));
    for line in &record.explanation {
        section.blocks.push(Block::Text(words::sentence(line)));
    }
    section
}

fn figures(record: &MonitorRecord) -> Vec<Figure> {
    let dataset = &record.dataset;
    let mut figures = vec![Figure {
        label: "Columns that drifted".to_owned(),
        value: format!("{} of {}", dataset.n_drifted, dataset.n_columns),
        detail: match dataset.n_exceeding {
            0 => "none exceeds its threshold".to_owned(),
            1 => "1 exceeds its threshold before chance is accounted for".to_owned(),
            n => format!("{} exceed theirs before chance is accounted for", number::count(n)),
        },
    }];
    if let Some(share) = dataset.importance_share {
        figures.push(Figure {
            label: "Importance that drifted".to_owned(),
            // Columns that only seemed to matter have importances below 0.
            value: number::share(share.max(0.0)),
            detail: "of what the model relies on (permutation importance)".to_owned(),
        });
    }
    if let Some(apart) = &record.multivariate {
        figures.push(Figure {
            label: "All columns together".to_owned(),
            value: format!("ROC AUC {}", number::significant(apart.roc_auc, 3)),
            detail: format!(
                "{} of telling new rows from reference rows; 0.5 is chance",
                number::interval(apart.ci95)
            ),
        });
    }
    let relations = record.multivariate.as_ref().and_then(|m| m.reconstruction);
    if let Some(relations) = relations {
        figures.push(Figure {
            label: "Relations among columns".to_owned(),
            value: if relations.drifted { "changed" } else { "as they were" }.to_owned(),
            detail: format!(
                "reconstruction error {}, was {}",
                number::significant(relations.error, 3),
                number::significant(relations.reference, 3)
            ),
        });
    }
    for (performance, how, before) in [
        (&record.performance, "measured", "was"),
        (&record.estimated, "expected", "was expected to be"),
    ] {
        let first = performance.as_ref().and_then(|p| p.metrics.first());
        if let Some((first, value)) = first.and_then(|m| Some((m, m.value?))) {
            figures.push(Figure {
                label: format!("{}, {how}", words::metric_label(&first.name)),
                value: number::significant(value, 4),
                detail: match first.reference {
                    Some(was) => format!("{before} {}", number::significant(was, 4)),
                    None => String::new(),
                },
            });
        }
    }
    figures
}

fn quality_label(kind: QualityKind) -> &'static str {
    match kind {
        QualityKind::MissingColumn => "Column is absent",
        QualityKind::UnexpectedColumn => "Unknown column",
        QualityKind::WrongType => "Unreadable values",
        QualityKind::Empty => "No values",
        QualityKind::Constant => "One value only",
        QualityKind::Missing => "Missing values",
        QualityKind::UnseenValues => "Values never seen",
        QualityKind::OutOfRange => "Out of range",
        QualityKind::Infinite => "Infinite values",
        QualityKind::Unit => "Another unit?",
    }
}

fn quality_tone(finding: &QualityFinding) -> Tone {
    match (finding.is_severe, finding.kind) {
        (true, _) => Tone::Severe,
        (false, QualityKind::UnexpectedColumn) => Tone::Neutral,
        (false, _) => Tone::Warning,
    }
}

fn quality(record: &MonitorRecord) -> Option<Section> {
    if record.quality.is_empty() {
        return None;
    }
    let n_severe = record.quality.iter().filter(|f| f.is_severe).count();
    let finding = format!(
        "{} about columns and values, {} severe.",
        number::counted(record.quality.len(), "finding", "findings"),
        number::count(n_severe)
    );
    let mut table = Table::new(
        number::rows(record.current.n_rows as usize),
        vec![
            TableColumn::words("Column"),
            TableColumn::words("What"),
            TableColumn::numbers("Rows"),
            TableColumn::words("In words"),
        ],
    );
    for f in &record.quality {
        table.rows.push(vec![
            Cell::new(words::clean(&f.column)),
            Cell::mark(quality_tone(f), quality_label(f.kind)),
            Cell::new(f.n_rows.map_or(String::new(), |n| number::count(n as usize))),
            Cell::new(words::sentence(&f.message)),
        ]);
    }
    let mut section = Section::new(&QUALITY, finding);
    section.blocks = table.folded_after(30, "findings");
    Some(section)
}

fn notes(record: &MonitorRecord) -> Option<Section> {
    if record.notes.is_empty() {
        return None;
    }
    let finding = format!(
        "{} about the limits of this comparison.",
        number::counted(record.notes.len(), "note", "notes")
    );
    let mut section = Section::new(&NOTES, finding);
    section.blocks = record.notes.iter().map(|n| Block::Text(words::remark(n))).collect();
    Some(section)
}

/// The comparison as aligned text for a terminal.
pub fn monitor_text(record: &MonitorRecord) -> String {
    let (tone, label) = tone(record.verdict.status);
    let mut lines = vec![
        format!("{} {label}: {}", tone.mark(), record.verdict.summary),
        String::new(),
        format!("new rows: {}", side(&record.current)),
        format!("beside:   {}{}", side(&record.reference), by_season(record)),
    ];
    if !record.explanation.is_empty() {
        lines.push(String::new());
        lines.extend(record.explanation.iter().map(|line| format!("  {line}")));
    }
    let mild = record.quality.iter().filter(|f| !f.is_severe);
    for f in mild {
        let column = words::clean(&f.column);
        lines.push(format!("  {} {column}: {}", quality_tone(f).mark(), f.message));
    }
    let mut shown: Vec<&ColumnDrift> =
        record.columns.iter().filter(|c| c.drifted || c.exceeds).collect();
    shown.sort_by(|a, b| {
        let weight = |c: &ColumnDrift| (c.drifted, c.importance.unwrap_or(0.0));
        weight(b).partial_cmp(&weight(a)).unwrap_or(std::cmp::Ordering::Equal)
    });
    if !shown.is_empty() {
        lines.push(String::new());
        lines.push(render::text::table(&columns::table(shown.iter().take(TEXT_COLUMNS).copied())));
        let more = shown.len().saturating_sub(TEXT_COLUMNS);
        if more > 0 {
            lines.push(format!("  and {more} more; --report FILE.html lists all of them"));
        }
    }
    if let Some(found) = record.over_time.as_ref() {
        let tables = [
            (!found.slices.is_empty()).then(|| groups::slices_table(found)),
            (!found.periods.is_empty()).then(|| groups::periods_table(found)),
        ];
        for table in tables.iter().flatten() {
            lines.push(String::new());
            lines.push(render::text::table(table));
        }
    }
    lines.extend(record.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n").trim_end().to_owned() + "\n"
}
