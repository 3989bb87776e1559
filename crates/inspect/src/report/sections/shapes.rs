//! What a model that is a sum of functions adds where, and what a person changed in it.

use modelwright_core::record::{CurvePoint, EditRecord, RunRecord, ShapeBin, ShapeTerm, Shapes};

use crate::report::chart::{Chart, Estimate, NamedLine, Plot};
use crate::report::section::{Block, Callout, Cell, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "shapes", part: Part::Quality, title: "What the model adds" };

/// Charts that stay open.
const OPEN: usize = 4;

/// Lines of one chart: the first classes.
const LINES_MAX: usize = 4;

/// Bars of one chart: levels that add most.
const BARS_MAX: usize = 16;

/// Applies to an explainable boosting machine.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let shapes = record.shapes.as_ref()?;
    let (singles, pairs): (Vec<&ShapeTerm>, Vec<&ShapeTerm>) =
        shapes.terms.iter().partition(|term| term.columns.len() == 1);
    let first = singles.first()?;
    // Sizes are means over the rows that were learned from, or those of the last change.
    let n_rows = record.edits.last().map_or(record.split.n_train, |edit| edit.n_rows);
    let finding = format!(
        "Every prediction is a sum that can be read off: {} adds most, {} on average.",
        words::quoted(&first.features[0]),
        number::significant(first.importance, 3)
    );
    let mut section = Section::new(&SPEC, finding);
    for edit in &record.edits {
        section = section.block(callout(edit)).block(measured(edit));
    }
    let charts: Vec<Block> =
        singles.iter().map(|term| chart(shapes, term, n_rows).into()).collect();
    let mut charts = charts.into_iter();
    section.blocks.extend(charts.by_ref().take(OPEN));
    let rest: Vec<Block> = charts.collect();
    if !rest.is_empty() {
        let summary = format!("{} more", number::counted(rest.len(), "function", "functions"));
        section = section.block(Block::Details { summary, blocks: rest });
    }
    if !pairs.is_empty() {
        section = section.block(pairs_table(shapes, &pairs));
    }
    Some(section.caveat(format!(
        "The numbers are {}; what is shown are the largest functions. `modelwright explain MODEL \
         --shapes FILE.json` writes all of them, and `modelwright edit` takes changed ones.",
        unit(shapes)
    )))
}

fn unit(shapes: &Shapes) -> String {
    match shapes.scale.as_str() {
        "log_odds" => format!("log-odds of {}", words::quoted(&shapes.outputs[0])),
        "log_probability" => "logarithms of probabilities, up to a constant".to_owned(),
        _ => format!("in the unit of {}", words::quoted(&shapes.target)),
    }
}

fn callout(edit: &EditRecord) -> Callout {
    let of = |features: &[String]| {
        if features.is_empty() { "the intercept".to_owned() } else { features.join(" × ") }
    };
    let terms: Vec<String> = edit
        .terms
        .iter()
        .map(|t| {
            format!(
                "{} ({} of {} numbers, most by {})",
                words::clean(&of(&t.features)),
                number::count(t.n_changed),
                number::count(t.n_numbers),
                number::significant(t.largest, 3)
            )
        })
        .collect();
    let why =
        edit.reason.as_ref().map_or(String::new(), |r| format!(" Reason: {}", words::sentence(r)));
    Callout {
        tone: Tone::Warning,
        label: "Changed by hand".to_owned(),
        text: format!(
            "{} changed {} on {}.{why} The model before has the SHA-256 {}.",
            words::clean(&edit.author),
            terms.join(", "),
            words::clean(&edit.created),
            words::clean(&edit.parent_sha256)
        ),
    }
}

fn measured(edit: &EditRecord) -> Table {
    let mut table = Table::new(
        format!(
            "Measured on {} of {}{}",
            number::rows(edit.n_rows),
            words::clean(&edit.on),
            if edit.learned_from { ", which the model learned from" } else { "" }
        ),
        vec![
            TableColumn::words("Metric"),
            TableColumn::numbers("Before"),
            TableColumn::numbers("After"),
            TableColumn::numbers("95 % interval after"),
        ],
    );
    for after in &edit.after {
        let before = edit.before.iter().find(|m| m.name == after.name).and_then(|m| m.value);
        let value = |v: Option<f64>| v.map_or("–".to_owned(), |v| number::significant(v, 4));
        table.rows.push(vec![
            Cell::new(words::clean(&after.name)),
            Cell::new(value(before)),
            Cell::new(value(after.value)),
            Cell::new(after.ci95.map_or("–".to_owned(), number::interval)),
        ]);
    }
    table
}

/// Steps of numbers, bars of levels.
fn chart(shapes: &Shapes, term: &ShapeTerm, n_rows: usize) -> Chart {
    let name = words::clean(&term.features[0]);
    let missing = term.bins.iter().find(|bin| bin.missing).map_or(String::new(), |bin| {
        let of = bin.add.iter().take(LINES_MAX).map(|v| number::significant(*v, 2));
        format!(" Missing values add {}.", of.collect::<Vec<_>>().join(", "))
    });
    let summary = format!(
        "What {} adds to the score, {} on average over {}.{missing}",
        words::quoted(&term.features[0]),
        number::significant(term.importance, 2),
        number::rows(n_rows)
    );
    let is_number = term.bins.iter().all(|bin| bin.levels.is_empty());
    let y = "Adds".to_owned();
    let plot = if is_number { steps(shapes, &term.bins) } else { bars(&term.bins) };
    let (x, y) = if is_number { (name.clone(), y) } else { (y, String::new()) };
    Chart { title: format!("What {name} adds"), summary, x, y, plot }
}

fn steps(shapes: &Shapes, bins: &[ShapeBin]) -> Plot {
    let inner: Vec<&ShapeBin> = bins.iter().filter(|bin| !bin.missing).collect();
    let cuts: Vec<f64> = inner.iter().filter_map(|bin| bin.up_to).collect();
    let (first, last) = match (cuts.first(), cuts.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => (0.0, 1.0),
    };
    // The outer bins have no end: they are drawn a twentieth beyond the cuts.
    let beyond = if last > first { (last - first) / 20.0 } else { first.abs().max(1.0) / 20.0 };
    let line = |(output, label): (usize, &String)| NamedLine {
        label: words::clean(label),
        points: inner
            .iter()
            .flat_map(|bin| {
                let y = bin.add.get(output).copied().unwrap_or(0.0);
                let from = bin.above.unwrap_or(first - beyond);
                let to = bin.up_to.unwrap_or(last + beyond);
                [from, to].map(|x| CurvePoint { x, y, threshold: None })
            })
            .collect(),
    };
    let lines = shapes.outputs.iter().take(LINES_MAX).enumerate().map(line).collect();
    Plot::Lines { lines, mark: None }
}

/// The levels that add most, of the last output: the positive class.
fn bars(bins: &[ShapeBin]) -> Plot {
    let mut bars: Vec<Estimate> = bins
        .iter()
        .filter(|bin| !bin.missing && !bin.levels.is_empty())
        .map(|bin| Estimate {
            label: words::clean(&bin.levels.join(" | ")),
            value: bin.add.last().copied().unwrap_or(0.0),
            ci95: None,
            emphasis: false,
        })
        .collect();
    bars.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
    bars.truncate(BARS_MAX);
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    Plot::Bars(bars)
}

fn pairs_table(shapes: &Shapes, pairs: &[&ShapeTerm]) -> Table {
    let mut table = Table::new(
        format!("Pairs that act together, {}", unit(shapes)),
        vec![
            TableColumn::words("Columns"),
            TableColumn::numbers("Adds on average"),
            TableColumn::numbers("At least"),
            TableColumn::numbers("At most"),
        ],
    );
    for pair in pairs {
        let all = || pair.cells().into_iter().flatten().copied();
        let (low, high) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
        table.rows.push(vec![
            Cell::new(words::clean(&pair.features.join(" × "))),
            Cell::new(number::significant(pair.importance, 3)),
            Cell::new(number::significant(low, 3)),
            Cell::new(number::significant(high, 3)),
        ]);
    }
    table
}
