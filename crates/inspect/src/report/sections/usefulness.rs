//! What decisions by the probabilities are worth: net benefit and cumulative gain.

use modelwright_core::record::{CurvePoint, RunRecord};

use crate::report::chart::{Chart, Plot, Reference};
use crate::report::section::{Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "usefulness", part: Part::Quality, title: "What its probabilities are worth" };

/// Where the gain is read off for the finding: the first fifth of the rows.
const FIRST: f64 = 0.2;

/// Applies to binary classification with both classes on the untouched rows.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let evaluation = record.evaluation.as_ref()?;
    let worth = evaluation.usefulness.as_ref()?;
    let n_rows = evaluation.n_rows;
    let positive = record.task.classes.get(1).map_or("positive".to_owned(), |c| words::quoted(c));
    let first = worth.gain.iter().rev().find(|p| p.x <= FIRST + 1e-9)?;
    let finding = format!(
        "The {} % most probable of {} hold {} of those that are {positive}: {} times as many as by \
         chance.",
        number::fixed(first.x * 100.0, 0),
        number::untouched(n_rows),
        number::share(first.y),
        number::significant(first.y / first.x, 2)
    );
    let gain = Chart {
        title: "Found by working down the list".to_owned(),
        summary: format!(
            "Share of all that are {positive} among the most probable rows; the dashed line is \
             chance. {}.",
            number::untouched(n_rows)
        ),
        x: "Share of rows, most probable first".to_owned(),
        y: "Share found".to_owned(),
        plot: Plot::Curve {
            points: worth.gain.clone(),
            reference: Reference::Diagonal,
            mark: None,
        },
    };
    Some(Section::new(&SPEC, finding).block(gain).maybe(benefit(worth, n_rows)))
}

/// The decision curve, where the model is worth more than deciding for all or for none.
fn benefit(worth: &modelwright_core::record::Usefulness, n_rows: usize) -> Option<Chart> {
    let better = |(own, all): (&CurvePoint, &CurvePoint)| (own.y > all.y.max(0.0)).then_some(own.x);
    let useful: Vec<f64> =
        worth.net_benefit.iter().zip(&worth.net_benefit_of_all).filter_map(better).collect();
    let (low, high) = (useful.first()?, useful.last()?);
    Some(Chart {
        title: "Net benefit of every threshold".to_owned(),
        summary: format!(
            "Right alarms less false ones, at the odds that the threshold stands for. Thresholds \
             from {} to {} are worth more than alarms for all rows or for none (the dashed line). \
             {}.",
            number::significant(*low, 2),
            number::significant(*high, 2),
            number::untouched(n_rows)
        ),
        x: "Threshold on the probability".to_owned(),
        y: "Net benefit per row".to_owned(),
        plot: Plot::Line { points: worth.net_benefit.clone(), reference: Some(0.0), mark: None },
    })
}
