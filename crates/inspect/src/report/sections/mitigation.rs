//! How decisions were made fair to groups, and what that costs.

use modelwright_core::record::{
    CurvePoint, FairPoint, MitigationRecord, MitigationTrial, RunRecord,
};

use super::kept;
use crate::report::chart::{Chart, Mark, NamedLine, Plot};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "fair-decisions", part: Part::Quality, title: "Fair decisions" };

/// Applies when decisions must keep a definition of fairness.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let made = record.mitigation.as_ref()?;
    Some(
        Section::new(&SPEC, finding(record, made))
            .block(Block::Text(about(made)))
            .block(groups(made))
            .maybe(ways(made, &record.task.metric))
            .maybe(price(made))
            .block(front(made))
            .caveat(caveat(made)),
    )
}

/// Whether the groups of a record are decided by thresholds of their own.
pub(super) fn is_by_group(record: &RunRecord) -> bool {
    record.mitigation.as_ref().is_some_and(by_group)
}

/// What decides by the sensitive columns themselves.
fn by_group(made: &MitigationRecord) -> bool {
    made.method == "thresholds"
}

/// A way, in the words of a finding.
fn name(method: &str) -> &'static str {
    match method {
        "thresholds" => "Thresholds of groups",
        "one_threshold" => "Another common threshold",
        "reweighing" => "Reweighed training rows",
        "exponentiated_gradient" => "A mixture by exponentiated gradient",
        _ => "Another way",
    }
}

fn about(made: &MitigationRecord) -> String {
    let (columns, rows) = (words::quoted_list(&made.columns), number::rows(made.n_rows));
    let (rates, gap) = (rates(&made.constraint), number::share(made.max_gap));
    let threshold = number::significant(made.threshold, 3);
    let so_that = format!(
        "so that the {rates} of no two groups of {columns} differ by more than {gap}. Predictions \
         do not need these columns."
    );
    let from = words::quoted_list(&made.learned_from);
    match made.method.as_str() {
        "thresholds" => format!(
            "Each group of {columns} has a threshold of its own, chosen on {rows} out of fold so \
             that the {rates} of no two groups differ by more than {gap}. The model carries the \
             thresholds and reads these columns when it decides; values that training did not \
             know are decided at {threshold}."
        ),
        "one_threshold" => format!(
            "Everybody is decided at {threshold}, which was chosen on {rows} out of fold {so_that}"
        ),
        "reweighing" => format!(
            "{from} learned again from rows that were weighed so that groups and classes are \
             independent (reweighing); everybody is decided at {threshold}, which was chosen on \
             {rows} out of fold {so_that}"
        ),
        _ => format!(
            "{from} learned again and again, each time at other prices of unequal rates \
             (exponentiated gradient); the best mixture of the answers scores, and everybody is \
             decided at {threshold}, which was chosen on {rows} out of fold {so_that}"
        ),
    }
}

fn caveat(made: &MitigationRecord) -> &'static str {
    if by_group(made) {
        "Deciding by group may itself be unlawful where people may not be treated differently: ask \
         before use."
    } else {
        "The groups are not asked for when the model predicts, but learning knew them, and the \
         model may infer them from other columns: ask whether that is lawful before use."
    }
}

/// The rates that a definition of fairness compares.
pub(super) fn rates(constraint: &str) -> &'static str {
    match constraint {
        "demographic_parity" => "selection rates",
        "equal_opportunity" => "true positive rates",
        _ => "true and false positive rates",
    }
}

fn finding(record: &RunRecord, made: &MitigationRecord) -> String {
    let n_held = record.evaluation.as_ref().map_or(0, |e| e.n_rows);
    let (before, after, rows) = match &made.held {
        Some((before, after)) => (before, after, number::untouched(n_held)),
        None => (&made.before, &made.after, format!("{} out of fold", number::rows(made.n_rows))),
    };
    let verb =
        if made.method == "thresholds" || made.method == "reweighing" { "bring" } else { "brings" };
    format!(
        "{} {verb} the largest difference of {} from {} to {}{}, and accuracy from {} to {}{}, on \
         {rows}.",
        name(&made.method),
        rates(&made.constraint),
        number::share(before.gap),
        number::share(after.gap),
        kept::interval_of(record, after.gap),
        number::share(before.accuracy),
        number::share(after.accuracy),
        kept::interval_of_accuracy(record, after.accuracy)
    )
}

fn groups(made: &MitigationRecord) -> Table {
    let what =
        if by_group(made) { "Groups with thresholds of their own" } else { "What groups get" };
    let mut table = Table::new(
        format!("{what}; {} out of fold", number::rows(made.n_rows)),
        vec![
            TableColumn::words("Group"),
            TableColumn::numbers("Threshold"),
            TableColumn::numbers("Decided so"),
            TableColumn::numbers("Of those who are"),
            TableColumn::numbers("Of those who are not"),
        ],
    );
    for group in &made.groups {
        table.rows.push(vec![
            Cell::new(words::group(&words::clean(&group.group))),
            Cell::new(number::significant(group.threshold, 3)),
            Cell::new(number::share(group.selection_rate)),
            Cell::new(number::share(group.true_positive_rate)),
            Cell::new(number::share(group.false_positive_rate)),
        ]);
    }
    table
}

/// All ways that were tried, if there was more than one.
fn ways(made: &MitigationRecord, metric: &str) -> Option<Table> {
    if made.tried.is_empty() {
        return None;
    }
    let mut table = Table::new(
        format!(
            "Ways to keep the gap of {}; {} out of fold",
            number::share(made.max_gap),
            number::rows(made.n_rows)
        ),
        vec![
            TableColumn::words("Way"),
            TableColumn::words("Asks for the group"),
            TableColumn::numbers("Largest difference"),
            TableColumn::numbers("Accuracy"),
            TableColumn::numbers(metric),
            TableColumn::numbers("Further fits"),
        ],
    );
    for tried in &made.tried {
        let shares = |of: fn(&FairPoint) -> f64| {
            Cell::new(tried.reached.as_ref().map_or("–".to_owned(), |p| number::share(of(p))))
        };
        let used = if tried.method == made.method { " (in use)" } else { "" };
        let note = tried.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
        table.rows.push(vec![
            Cell::new(format!("{}{used}{note}", name(&tried.method))),
            Cell::new(if tried.needs_columns { "yes" } else { "no" }),
            shares(|p| p.gap),
            shares(|p| p.accuracy),
            Cell::new(tried.score.map_or("–".to_owned(), |s| number::significant(s, 4))),
            Cell::new(tried.n_fits.to_string()),
        ]);
    }
    Some(table)
}

/// Accuracy given up at every gap, from the smallest to the largest.
fn given_up<'a>(points: impl Iterator<Item = &'a FairPoint>, best: f64) -> Vec<CurvePoint> {
    let mut all: Vec<CurvePoint> = points
        .map(|p| CurvePoint { x: p.gap, y: 100.0 * (best - p.accuracy), threshold: None })
        .collect();
    all.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    all.dedup_by(|a, b| a.x == b.x);
    all
}

/// What less inequality costs: the accuracy given up at every gap; `None` where all gaps cost the
/// same.
fn price(made: &MitigationRecord) -> Option<Chart> {
    let tried = || made.tried.iter().flat_map(|t| &t.front);
    let all = made.front.iter().chain(tried()).chain([&made.before, &made.after]);
    let best = all.map(|p| p.accuracy).fold(f64::NEG_INFINITY, f64::max);
    let points = given_up(made.front.iter().chain([&made.after]), best);
    let mark = Some(Mark {
        x: made.after.gap,
        y: 100.0 * (best - made.after.accuracy),
        label: "in use".to_owned(),
    });
    let line = |t: &MitigationTrial| NamedLine {
        label: name(&t.method).to_owned(),
        points: given_up(t.front.iter(), best),
    };
    let lines: Vec<NamedLine> =
        made.tried.iter().map(line).filter(|line| line.points.len() > 1).collect();
    let plot = if lines.len() > 1 {
        Plot::Lines { lines, mark }
    } else {
        let (first, last) = (points.first()?, points.last()?);
        if points.len() < 3 || first.x >= last.x {
            return None;
        }
        Plot::Line { points, reference: None, mark }
    };
    Some(Chart {
        title: "What fairness costs".to_owned(),
        summary: format!(
            "How much of the best accuracy, {}, is given up where the {} of groups may differ \
             by so much; the point is what the model does. {} out of fold.",
            number::share(best),
            rates(&made.constraint),
            number::rows(made.n_rows)
        ),
        x: "Largest difference of groups".to_owned(),
        y: "Points of accuracy given up".to_owned(),
        plot,
    })
}

fn front(made: &MitigationRecord) -> Table {
    let mut table = Table::new(
        format!("What other gaps would come to; {} out of fold", number::rows(made.n_rows)),
        vec![
            TableColumn::words("Allowed gap"),
            TableColumn::numbers("Largest difference"),
            TableColumn::numbers("Accuracy"),
        ],
    );
    let row = |name: String, point: &FairPoint| {
        let shares = [point.gap, point.accuracy].map(|v| Cell::new(number::share(v)));
        let [gap, accuracy] = shares;
        vec![Cell::new(name), gap, accuracy]
    };
    table.rows.push(row("Without fairness".to_owned(), &made.before));
    table.rows.push(row(format!("In use: {}", number::share(made.max_gap)), &made.after));
    for point in &made.front {
        let allowed = point.max_gap.map_or("–".to_owned(), number::share);
        table.rows.push(row(allowed, point));
    }
    table
}
