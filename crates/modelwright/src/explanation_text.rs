//! An explanation in words, for the terminal.

use std::fmt::Write as _;

use modelwright::automl::explain::{Explanation, Origin, Reasons, Scale};

use crate::output::{TextTable, count, number};

/// Columns of the table of importances.
const COLUMNS_SHOWN: usize = 20;

/// Rows from which on a mean has an interval.
const INTERVAL_ROWS: usize = 10;
/// Rows with reasons when nobody chose rows, and when somebody did.
const ROWS_SHOWN: usize = 3;
const CHOSEN_ROWS_SHOWN: usize = 50;

/// What there is to show.
pub(crate) struct Shown<'a> {
    /// The target column.
    pub(crate) target: &'a str,
    /// What was found.
    pub(crate) explanation: &'a Explanation,
    /// The numbers of the explained rows in the file, from 1.
    pub(crate) rows: &'a [u32],
    /// The reasons of the rows.
    pub(crate) reasons: &'a Reasons<'a>,
    /// Where the background comes from.
    pub(crate) origin: Origin,
    /// Reasons for a row.
    pub(crate) top: usize,
    /// Whether the user chose the rows.
    pub(crate) are_chosen: bool,
}

impl Shown<'_> {
    /// The whole text.
    pub(crate) fn text(&self) -> String {
        let explanation = self.explanation;
        let mut text = self.title();
        text.push_str(&self.importance());
        let n_max = if self.are_chosen { CHOSEN_ROWS_SHOWN } else { ROWS_SHOWN };
        for row in 0..explanation.n_rows.min(n_max) {
            text.push_str(&self.row(row));
        }
        if self.are_chosen && explanation.n_rows > n_max {
            let more = explanation.n_rows - n_max;
            let _ = writeln!(text, "\n{more} more rows: use --json or -o");
        }
        let method = explanation.method.text();
        if explanation.n_background == 0 {
            // What is not known goes the ways of the training rows, which the trees counted.
            let _ = writeln!(text, "\n{method}");
            return text;
        }
        let _ = writeln!(
            text,
            "\n{method}; {} background rows {}",
            explanation.n_background,
            match self.origin {
                Origin::Data => "of these data",
                Origin::File => "of the background file",
                Origin::Sketches => "drawn column by column from what the model file knows of them",
            }
        );
        text
    }

    fn title(&self) -> String {
        let explanation = self.explanation;
        let what = match (explanation.scale, &explanation.outputs[..]) {
            (Scale::Value, _) => self.target.to_owned(),
            (Scale::Probability, [positive]) => format!("the chance of {positive}"),
            (Scale::Margin, [positive]) => format!("the log-odds of {positive}"),
            (Scale::Probability, _) => format!("the chances of the classes of {}", self.target),
            (Scale::Margin, _) => {
                format!("the log-probabilities of the classes of {}", self.target)
            }
        };
        let base = match &explanation.base_values[..] {
            [base] => format!("; on average {}", self.amount(*base)),
            _ => String::new(),
        };
        let rows = if explanation.n_rows == 1 { "row" } else { "rows" };
        format!("{} {rows}: {what}{base}\n", count(explanation.n_rows))
    }

    /// A number on the scale of the explanation.
    fn amount(&self, value: f64) -> String {
        match self.explanation.scale {
            Scale::Probability => format!("{:.1} %", value * 100.0),
            _ => number(value),
        }
    }

    fn importance(&self) -> String {
        let unit = match self.explanation.scale {
            Scale::Probability => 100.0,
            _ => 1.0,
        };
        let title = match self.explanation.scale {
            Scale::Probability => ">mean points",
            _ => ">mean effect",
        };
        // Few rows say next to nothing of how much rows differ.
        let has_interval = self.explanation.n_rows >= INTERVAL_ROWS;
        let n_columns = if has_interval { 3 } else { 2 };
        let mut table = TextTable::new(&["column", title, "95 % interval"][..n_columns]);
        let effects = self.explanation.effects();
        for effect in effects.iter().take(COLUMNS_SHOWN) {
            let of = |value: f64| number(value * unit);
            let mut cells = vec![effect.column.clone(), of(effect.mean_abs)];
            if has_interval {
                cells.push(format!("{} to {}", of(effect.ci95.low), of(effect.ci95.high)));
            }
            table.row(cells);
        }
        let mut text = format!("\n{}", table.render());
        if effects.len() > COLUMNS_SHOWN {
            let _ = writeln!(text, "  and {} more columns", effects.len() - COLUMNS_SHOWN);
        }
        text
    }

    fn row(&self, row: usize) -> String {
        let output = self.reasons.main_output(row);
        let explanation = self.explanation;
        let value = self.amount(explanation.prediction(row, output));
        let of = match explanation.scale {
            Scale::Value => String::new(),
            _ => format!(" for {}", explanation.outputs[output]),
        };
        let mut text = format!("\nrow {}: {value}{of}\n", self.rows[row]);
        for reason in self.reasons.of(row, output, self.top) {
            let _ = write!(text, "  {}", reason.text);
            if let Some(error) = reason.standard_error {
                let unit = if explanation.scale == Scale::Probability { 100.0 } else { 1.0 };
                let _ = write!(text, " (± {})", rough(error * unit));
            }
            text.push('\n');
        }
        text
    }
}

/// A standard error: two digits are more than is known of it.
fn rough(error: f64) -> String {
    if error == 0.0 || !(1e-4..1e4).contains(&error) {
        return number(error);
    }
    let decimals = (1.0 - error.log10().floor()).max(0.0) as usize;
    format!("{error:.decimals$}")
}
