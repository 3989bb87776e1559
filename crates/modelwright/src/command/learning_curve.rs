//! `learning-curve`: whether more rows would make a model better.

use std::path::PathBuf;

use clap::Args;
use modelwright::Model;
use modelwright::more_rows::more_rows_of;
use modelwright_core::Result;
use modelwright_core::record::MoreRowsRecord;

use crate::flags::ModelArg;
use crate::flags::text::TextArgs;
use crate::output::{self, TextTable, count, number, wrap};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright learning-curve churn customers.csv
  modelwright learning-curve churn customers.csv --json | jq .finding

The first member of the model is fitted again on DATA: on all but a fifth of its rows, on half of
those, and so on; the fifth judges every fit. The model itself stays as it is.";

/// Width of the text on a terminal.
const WIDTH: usize = 96;

/// Flags of `learning-curve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LearningCurve {
    #[command(flatten)]
    model: ModelArg,
    /// Rows with the target column, such as those that the model was trained on
    #[arg(value_name = "DATA")]
    data: PathBuf,
    #[command(flatten)]
    text: TextArgs,
}

impl LearningCurve {
    /// Fits the parts and prints the curve.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let model = Model::load(&self.model.model)?.with_text(self.text.layout());
        let ctx = session.context(Limits::default())?;
        let found = more_rows_of(&model, &self.data, &ctx)?;
        drop(ctx);
        if session.global.json {
            return output::print_json(&found);
        }
        output::print(&text(&found))
    }
}

fn text(found: &MoreRowsRecord) -> String {
    let mut table = TextTable::new(&[">rows", &format!(">{}", found.metric), "95 % interval"]);
    for point in &found.points {
        let ci95 = point
            .ci95
            .map_or("-".to_owned(), |ci| format!("{} to {}", number(ci.low), number(ci.high)));
        table.row(vec![count(point.n_rows), number(point.score), ci95]);
    }
    let next = found.next_gain.map_or("unknown".to_owned(), |gain| number(gain.max(0.0)));
    let gains = format!(
        "better by the last doubling: {} ({} to {}, p = {:.3})\n\
         expected of the next:        {next}; up to {} does not matter\n\
         {} judged on {} rows that no fit saw\n",
        number(found.last_gain),
        number(found.last_ci95.low),
        number(found.last_ci95.high),
        found.last_p_value,
        number(found.rope),
        found.trial,
        count(found.n_rows_tested)
    );
    format!("{}\n{}\n{gains}", wrap(&found.words, 0, WIDTH), table.render())
}
