//! What follows from every threshold on the probability: a slider on the page, a table elsewhere.

use modelwright_core::record::RunRecord;
use modelwright_core::task::Task;

use super::mitigation;
use crate::report::section::{Block, Part, Section, Spec, ThresholdPoint, Thresholds};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "threshold", part: Part::Quality, title: "From which chance on to act" };

/// Points that the page keeps at most.
const POINTS_MAX: usize = 200;

/// Applies to binary tasks with a curve and a threshold.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let evaluation = record.evaluation.as_ref().filter(|_| record.task.task == Task::Binary)?;
    let threshold = record.threshold?;
    // Groups with thresholds of their own are not decided by one.
    let is_by_group = mitigation::is_by_group(record);
    // Rows with weights make the curve, but the table of decisions counts each once.
    let is_exact = !is_by_group && record.options.weight.is_none();
    let positive = words::quoted(record.task.classes.get(1)?);
    let counts = &evaluation.confusion.as_ref()?.counts;
    let total = |i: usize| counts.get(i).map_or(0, |row: &Vec<u64>| row.iter().sum::<u64>());
    let (n_negative, n_positive) = (total(0), total(1));
    let known: Vec<ThresholdPoint> = evaluation
        .roc
        .iter()
        .filter_map(|p| {
            let threshold = p.threshold.filter(|t| (0.0..=1.0).contains(t))?;
            Some(ThresholdPoint { threshold, found: p.y, flagged: p.x })
        })
        .collect();
    if known.len() < 2 || n_negative == 0 || n_positive == 0 {
        return None;
    }
    // The curve is thinned; what holds at the threshold in use is known exactly.
    let share = |i: usize, of: u64| counts[i].get(1).copied().unwrap_or(0) as f64 / of as f64;
    let in_use =
        ThresholdPoint { threshold, found: share(1, n_positive), flagged: share(0, n_negative) };
    let step = known.len().div_ceil(POINTS_MAX);
    let last = known.len() - 1;
    let mut points: Vec<ThresholdPoint> = known
        .into_iter()
        .enumerate()
        .filter(|(i, _)| i % step == 0 || *i == last)
        .map(|(_, p)| p)
        .filter(|p| !is_exact || p.threshold != threshold)
        .collect();
    if is_exact {
        let place = points.partition_point(|p| p.threshold > threshold);
        points.insert(place, in_use);
    }
    let thresholds = Thresholds {
        positive: positive.clone(),
        n_positive,
        n_negative,
        threshold,
        costs: given(record),
        points,
    };
    let now = thresholds.at(threshold)?;
    let (finding, n) = (thresholds.effect(&now), evaluation.n_rows);
    let finding = format!(
        "Acting on {positive} from a chance of {} on: {finding} ({}).",
        number::share(threshold),
        number::untouched(n)
    );
    let section = Section::new(&SPEC, finding).block(Block::Thresholds(thresholds));
    let section = if is_by_group {
        section.caveat(
            "This is one threshold for everybody. Groups are decided by thresholds of their own, \
             whose effect is under “Right and wrong by class”.",
        )
    } else {
        section
    };
    Some(section.caveat(
        "The chances must be honest for this to hold (see the calibration). A threshold \
                 that is chosen by looking at these rows makes their scores a little too good.",
    ))
}

/// The costs of a false alarm and of a miss; 1 and 1 unless they were given.
fn given(record: &RunRecord) -> [f64; 2] {
    let costs = record.costs.as_ref().map(|c| c.costs.as_slice());
    match costs {
        Some([negative, positive]) => {
            let of = |row: &[f64], i: usize| row.get(i).copied().unwrap_or(1.0);
            [of(negative, 1), of(positive, 0)]
        }
        _ => [1.0, 1.0],
    }
}
