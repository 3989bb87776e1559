//! Which classes are mistaken for which, and how well each class is found.
//!
//! Up to [`MATRIX_CLASSES_MAX`] classes are shown as a matrix; more are summed up as the most
//! frequent mistakes. The table per class begins with the class that is found least.

use modelwright_core::record::{ConfusionMatrix, Interval, RunRecord};

use super::{mitigation, shares};
use crate::report::chart::{Chart, Plot};
use crate::report::section::{Cell, Graphic, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "confusion", part: Part::Quality, title: "Right and wrong by class" };

/// The most classes that a matrix can show.
const MATRIX_CLASSES_MAX: usize = 30;

/// The most classes whose matrix says it all; with more, the frequent mistakes are listed too.
const SMALL_MATRIX: usize = 12;

/// How many mistakes and classes stay unfolded.
const OPEN_ROWS: usize = 12;

/// A class, counted.
struct PerClass {
    name: String,
    n_true: u64,
    n_predicted: u64,
    n_right: u64,
    /// Of the rows found, and of those that are right when said.
    ci95: [Option<Interval>; 2],
}

impl PerClass {
    fn recall(&self) -> f64 {
        ratio(self.n_right, self.n_true)
    }
}

/// Applies to classification with a confusion matrix.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let evaluation = record.evaluation.as_ref()?;
    let matrix = evaluation.confusion.as_ref()?;
    let n_rows: u64 = matrix.counts.iter().flatten().sum();
    if n_rows == 0 || matrix.classes.len() != matrix.counts.len() {
        return None;
    }
    let mut classes = per_class(matrix);
    let n_right: u64 = classes.iter().map(|c| c.n_right).sum();
    classes.sort_by(|a, b| {
        (a.n_true == 0).cmp(&(b.n_true == 0)).then(a.recall().total_cmp(&b.recall()))
    });
    let mut section = Section::new(&SPEC, finding(matrix, &classes, (n_right, n_rows)))
        .maybe(heat(record, matrix, n_rows));
    if matrix.classes.len() > SMALL_MATRIX {
        section = section.maybe(mistakes(matrix, n_rows));
    }
    let noun = "classes";
    section.blocks.extend(class_table(matrix, &classes, n_rows).folded_after(OPEN_ROWS, noun));
    let unseen = classes.iter().filter(|c| c.n_true == 0).count();
    if unseen > 0 {
        let classes = number::counted(unseen, "class has", "classes have");
        section = section.caveat(format!("{classes} no untouched row: nothing is known of them."));
    }
    Some(section)
}

fn finding(
    matrix: &ConfusionMatrix,
    classes: &[PerClass],
    (n_right, n_rows): (u64, u64),
) -> String {
    let overall = format!(
        "{} of {} are right{}",
        number::share(ratio(n_right, n_rows)),
        number::rows(n_rows as usize),
        shares::accuracy(matrix, n_right, n_rows).map_or(String::new(), |ci| format!(
            " (95 % interval {} to {})",
            number::share(ci.low),
            number::share(ci.high)
        ))
    );
    match classes.first() {
        Some(worst) if worst.n_true > 0 => format!(
            "{overall}; {} is found least: {} of its {}.",
            worst.name,
            number::share(worst.recall()),
            number::rows(worst.n_true as usize)
        ),
        _ => format!("{overall}."),
    }
}

fn per_class(matrix: &ConfusionMatrix) -> Vec<PerClass> {
    let predicted = |j: usize| matrix.counts.iter().filter_map(|row| row.get(j)).sum();
    let class = |(i, name): (usize, &String)| {
        let (n_true, n_predicted) = (matrix.counts[i].iter().sum(), predicted(i));
        let n_right = matrix.counts[i].get(i).copied().unwrap_or(0);
        PerClass {
            name: words::quoted(name),
            n_true,
            n_predicted,
            n_right,
            ci95: [
                shares::recall(matrix, i, n_right, n_true),
                shares::precision(matrix, i, n_right, n_predicted),
            ],
        }
    };
    matrix.classes.iter().enumerate().map(class).collect()
}

fn heat(record: &RunRecord, matrix: &ConfusionMatrix, n_rows: u64) -> Option<Chart> {
    if matrix.classes.len() > MATRIX_CLASSES_MAX {
        return None;
    }
    let is_by_group = mitigation::is_by_group(record);
    let threshold = match record.threshold {
        Some(_) if is_by_group => " with thresholds by group".to_owned(),
        Some(t) => format!(" at the decision threshold {}", number::significant(t, 3)),
        None => String::new(),
    };
    Some(Chart {
        title: format!("Confusion matrix{threshold}"),
        summary: format!(
            "Each row of the matrix is a true class, shaded by the share of its rows; the diagonal \
             is right. {}.",
            number::rows(n_rows as usize)
        ),
        x: "Predicted class".to_owned(),
        y: "True class".to_owned(),
        plot: Plot::Heat {
            classes: matrix.classes.iter().map(|c| words::clean(c)).collect(),
            counts: matrix.counts.clone(),
        },
    })
}

fn mistakes(matrix: &ConfusionMatrix, n_rows: u64) -> Option<Table> {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (i, row) in matrix.counts.iter().enumerate() {
        let wrong = row.iter().enumerate().filter(|(j, n)| *j != i && **n > 0);
        pairs.extend(wrong.map(|(j, n)| (*n, i, j)));
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let n_wrong: u64 = pairs.iter().map(|p| p.0).sum();
    let shown = pairs.len().min(OPEN_ROWS);
    let mut table = Table::new(
        format!(
            "The {shown} most frequent of {}, {} in all",
            number::counted(pairs.len(), "kind of mistake", "kinds of mistake"),
            number::counted(n_wrong as usize, "wrong row", "wrong rows")
        ),
        vec![
            TableColumn::words("True class, taken for"),
            TableColumn::numbers("Rows"),
            TableColumn::numbers("Share of the class"),
        ],
    );
    for (n, i, j) in pairs.into_iter().take(OPEN_ROWS) {
        let total: u64 = matrix.counts[i].iter().sum();
        let predicted = matrix.classes.get(j).map_or(String::new(), |c| words::quoted(c));
        table.rows.push(vec![
            Cell::new(format!("{} → {predicted}", words::quoted(&matrix.classes[i]))),
            Cell::new(number::count(n as usize)),
            Cell::new(number::share(ratio(n, total))),
        ]);
    }
    (n_rows > 0 && !table.rows.is_empty()).then_some(table)
}

fn class_table(matrix: &ConfusionMatrix, classes: &[PerClass], n_rows: u64) -> Table {
    let mut table = Table::new(
        format!(
            "Per class, the least found first; {}, {}",
            number::rows(n_rows as usize),
            shares::method(matrix)
        ),
        vec![
            TableColumn::words("Class"),
            TableColumn::numbers("Rows"),
            TableColumn::numbers("Recall (found)"),
            TableColumn::numbers("Precision (right when said)"),
            TableColumn::numbers("F1"),
        ],
    );
    for class in classes {
        let f1 = ratio(2 * class.n_right, class.n_true + class.n_predicted);
        table.rows.push(vec![
            Cell::new(class.name.clone()),
            Cell::new(number::count(class.n_true as usize)),
            share(class.n_right, class.n_true, class.ci95[0]),
            share(class.n_right, class.n_predicted, class.ci95[1]),
            Cell::new(number::fixed(f1, 3)),
        ]);
    }
    table
}

fn share(hits: u64, n: u64, ci95: Option<Interval>) -> Cell {
    match ci95 {
        None => Cell::new("–").detail("no rows"),
        Some(ci) => Cell::new(number::share(ratio(hits, n)))
            .detail(format!("{} to {}", number::share(ci.low), number::share(ci.high)))
            .graphic(Graphic::Share(ratio(hits, n))),
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
