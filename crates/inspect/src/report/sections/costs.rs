//! What decisions cost: the model against always giving the same answer, and the cost of every
//! threshold.

use modelwright_core::record::{ConfusionMatrix, CostRecord, MetricValue, RunRecord};
use modelwright_evaluate::evaluation::EXPECTED_COST;

use crate::report::chart::{Chart, Mark, Plot};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "costs", part: Part::Quality, title: "What decisions cost" };

/// Rows of the table of costs that stay open.
const OPEN_ROWS: usize = 12;

/// Applies when costs were given.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let costs = record.costs.as_ref()?;
    let measured = record.evaluation.as_ref().and_then(|evaluation| {
        let metric = evaluation.metrics.iter().find(|m| m.name == EXPECTED_COST)?;
        Some((metric, evaluation.confusion.as_ref()?, evaluation.n_rows))
    });
    let section = match measured {
        Some((metric, confusion, n_rows)) => {
            let constants = constants(costs, confusion);
            Section::new(&SPEC, on_untouched(metric, &constants, n_rows))
                .block(comparison(costs, metric, &constants, n_rows))
        }
        None => Section::new(&SPEC, out_of_fold(costs)),
    };
    let section = section.maybe(curve(record, costs)).block(Block::Text(rule(record))).block(
        Block::Details {
            summary: "The costs that were given".to_owned(),
            blocks: given(costs, &record.task.classes).folded_after(OPEN_ROWS, "decisions"),
        },
    );
    Some(section.caveat(
        "A decision by cost relies on honest probabilities: see the calibration. The unit is the \
         one in which the costs were given.",
    ))
}

/// The cost per row of always deciding for each class, on the untouched rows.
fn constants(costs: &CostRecord, confusion: &ConfusionMatrix) -> Vec<(String, f64)> {
    let n: u64 = confusion.counts.iter().flatten().sum();
    let of = |(class, name): (usize, &String)| {
        let of_truth = confusion.counts.iter().zip(&costs.costs).map(|(counts, row)| {
            let n_true: u64 = counts.iter().sum();
            n_true as f64 * row.get(class).copied().unwrap_or(0.0)
        });
        (name.clone(), of_truth.sum::<f64>() / n.max(1) as f64)
    };
    confusion.classes.iter().enumerate().map(of).collect()
}

fn cheapest(constants: &[(String, f64)]) -> Option<&(String, f64)> {
    constants.iter().min_by(|a, b| a.1.total_cmp(&b.1))
}

fn on_untouched(metric: &MetricValue, constants: &[(String, f64)], n_rows: usize) -> String {
    let cost = metric.value.map_or("–".to_owned(), |v| number::estimate(v, metric.ci95));
    let against = cheapest(constants).map_or(String::new(), |(class, cost)| {
        let cost = number::estimate(*cost, metric.ci95);
        format!(", against {cost} when always deciding for {}", words::quoted(class))
    });
    format!("The model's decisions cost {cost} per row on {}{against}.", number::untouched(n_rows))
}

fn out_of_fold(costs: &CostRecord) -> String {
    let cost = costs.expected_cost.map_or("–".to_owned(), |c| number::significant(c, 3));
    format!(
        "The model's decisions cost {cost} per row on {} out of fold.",
        number::rows(costs.n_rows)
    )
}

fn comparison(
    costs: &CostRecord,
    metric: &MetricValue,
    constants: &[(String, f64)],
    n_rows: usize,
) -> Table {
    let mut table = Table::new(
        format!("Cost per row; {}", number::untouched(n_rows)),
        vec![
            TableColumn::words("Decision"),
            TableColumn::numbers("Cost per row"),
            TableColumn::numbers("95 % interval"),
            TableColumn::numbers("Out of fold"),
        ],
    );
    let text =
        |value: Option<f64>| value.map_or("–".to_owned(), |v| number::estimate(v, metric.ci95));
    table.rows.push(vec![
        Cell::new("The model"),
        Cell::new(text(metric.value)),
        Cell::new(metric.ci95.map_or("–".to_owned(), number::interval)),
        Cell::new(text(costs.expected_cost)),
    ]);
    for (class, cost) in constants.iter().take(OPEN_ROWS) {
        let before = costs.constants.iter().find(|c| c.class == *class).map(|c| c.cost);
        table.rows.push(vec![
            Cell::new(format!("Always {}", words::quoted(class))),
            Cell::new(text(Some(*cost))),
            Cell::new("–"),
            Cell::new(text(before)),
        ]);
    }
    table
}

fn curve(record: &RunRecord, costs: &CostRecord) -> Option<Chart> {
    let threshold = record.threshold?;
    costs.curve.first()?;
    let best = costs.cheapest.map_or(String::new(), |best| {
        format!(
            "On these rows {} would have been cheapest ({} per row). ",
            number::significant(best.x, 3),
            number::significant(best.y, 3)
        )
    });
    let cost = costs.expected_cost?;
    Some(Chart {
        title: "Cost of every threshold".to_owned(),
        summary: format!(
            "{best}The threshold in use, {}, follows from the costs; the dashed line is the \
             cheapest answer that is always the same; {} out of fold.",
            number::significant(threshold, 3),
            number::rows(costs.n_rows)
        ),
        x: "Threshold on the probability".to_owned(),
        y: "Cost per row".to_owned(),
        plot: Plot::Line {
            points: costs.curve.clone(),
            reference: costs.constants.iter().map(|c| c.cost).reduce(f64::min),
            mark: Some(Mark {
                x: threshold,
                y: cost,
                label: format!("threshold {}", number::significant(threshold, 2)),
            }),
        },
    })
}

fn rule(record: &RunRecord) -> String {
    match (record.threshold, record.task.classes.as_slice()) {
        (Some(threshold), [_, positive]) => format!(
            "{} is decided from a probability of {} on: there the expected cost of both decisions \
             is the same.",
            words::quoted(positive),
            number::significant(threshold, 3)
        ),
        _ => "Each row gets the class whose expected cost, by its probabilities, is least: not \
              always the most probable one."
            .to_owned(),
    }
}

fn given(costs: &CostRecord, classes: &[String]) -> Table {
    let columns = vec![
        TableColumn::words("True class"),
        TableColumn::words("Decided"),
        TableColumn::numbers("Cost"),
    ];
    let mut table = Table::new("The costs; right decisions of no cost are left out", columns);
    for (actual, row) in classes.iter().zip(&costs.costs) {
        for (decided, cost) in classes.iter().zip(row) {
            if actual != decided || *cost > 0.0 {
                table.rows.push(vec![
                    Cell::new(words::clean(actual)),
                    Cell::new(words::clean(decided)),
                    Cell::new(number::significant(*cost, 4)),
                ]);
            }
        }
    }
    table
}
