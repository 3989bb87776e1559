//! How decisions were made fair to groups, and what that costs.

use modelwright_core::record::{CurvePoint, FairPoint, MitigationRecord, RunRecord};

use crate::report::chart::{Chart, Mark, Plot};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "fair-decisions", part: Part::Quality, title: "Fair decisions" };

/// Applies when decisions must keep a definition of fairness.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let made = record.mitigation.as_ref()?;
    let n_held = record.evaluation.as_ref().map_or(0, |e| e.n_rows);
    let about = format!(
        "Each group of {} has a threshold of its own, chosen on {} out of fold so that the {} of \
         no two groups differ by more than {}. The model carries the thresholds and reads these \
         columns when it decides; values that training did not know are decided at {}.",
        words::quoted_list(&made.columns),
        number::rows(made.n_rows),
        rates(&made.constraint),
        number::share(made.max_gap),
        number::significant(made.threshold, 3)
    );
    Some(
        Section::new(&SPEC, finding(made, n_held))
            .block(Block::Text(about))
            .block(groups(made))
            .maybe(price(made))
            .block(front(made))
            .caveat(
                "Deciding by group may itself be unlawful where people may not be treated \
                 differently: ask before use.",
            ),
    )
}

fn rates(constraint: &str) -> &'static str {
    match constraint {
        "demographic_parity" => "selection rates",
        "equal_opportunity" => "true positive rates",
        _ => "true and false positive rates",
    }
}

fn finding(made: &MitigationRecord, n_held: usize) -> String {
    let (before, after, rows) = match &made.held {
        Some((before, after)) => (before, after, number::untouched(n_held)),
        None => (&made.before, &made.after, format!("{} out of fold", number::rows(made.n_rows))),
    };
    format!(
        "Thresholds of groups bring the largest difference of {} from {} to {}, and accuracy from \
         {} to {}, on {rows}.",
        rates(&made.constraint),
        number::share(before.gap),
        number::share(after.gap),
        number::share(before.accuracy),
        number::share(after.accuracy)
    )
}

fn groups(made: &MitigationRecord) -> Table {
    let mut table = Table::new(
        format!("Groups with thresholds of their own; {} out of fold", number::rows(made.n_rows)),
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
            Cell::new(words::clean(&group.group)),
            Cell::new(number::significant(group.threshold, 3)),
            Cell::new(number::share(group.selection_rate)),
            Cell::new(number::share(group.true_positive_rate)),
            Cell::new(number::share(group.false_positive_rate)),
        ]);
    }
    table
}

/// What less inequality costs: the accuracy given up at every gap; `None` where all gaps cost the
/// same.
fn price(made: &MitigationRecord) -> Option<Chart> {
    let all = made.front.iter().chain([&made.before, &made.after]);
    let best = all.map(|p| p.accuracy).fold(f64::NEG_INFINITY, f64::max);
    let mut points: Vec<CurvePoint> = made
        .front
        .iter()
        .chain([&made.after])
        .map(|p| CurvePoint { x: p.gap, y: 100.0 * (best - p.accuracy), threshold: None })
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup_by(|a, b| a.x == b.x);
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 3 || first.x >= last.x {
        return None;
    }
    Some(Chart {
        title: "What fairness costs".to_owned(),
        summary: format!(
            "How much of the best accuracy, {}, is given up where the {} of groups may differ \
             by so much; the point is what the model does. {} out of fold.",
            number::share(best),
            rates(&made.constraint),
            number::rows(made.n_rows)
        ),
        x: format!("Largest difference of {}", rates(&made.constraint)),
        y: "Points of accuracy given up".to_owned(),
        plot: Plot::Line {
            points,
            reference: None,
            mark: Some(Mark {
                x: made.after.gap,
                y: 100.0 * (best - made.after.accuracy),
                label: "in use".to_owned(),
            }),
        },
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
    table.rows.push(row("One threshold for everybody".to_owned(), &made.before));
    table.rows.push(row(format!("In use: {}", number::share(made.max_gap)), &made.after));
    for point in &made.front {
        let allowed = point.max_gap.map_or("–".to_owned(), number::share);
        table.rows.push(row(allowed, point));
    }
    table
}
