//! Whether more rows would help: scores by rows learned from, and what twice as many would bring.

use modelwright_core::record::{CurveSize, MoreRows, MoreRowsRecord, RunRecord};

use crate::report::chart::{Chart, Estimate, Plot};
use crate::report::section::{Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "more-rows", part: Part::Search, title: "Would more rows help?" };

/// Applies when a learning curve was drawn.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    record.more_rows.as_ref().map(of)
}

fn of(found: &MoreRowsRecord) -> Section {
    let label = words::metric_label(&found.metric);
    let (first, last) = (found.points.first(), found.points.last());
    let how = match (first, last) {
        (Some(first), Some(last)) => format!(
            " {label} goes from {} with {} to {} with {}.",
            number::estimate(first.score, first.ci95),
            number::rows(first.n_rows),
            number::estimate(last.score, last.ci95),
            number::rows(last.n_rows)
        ),
        _ => String::new(),
    };
    let (finding, rest) = split(&found.words);
    let text = format!("{rest}{}{}", how.trim_start(), next(found, &label));
    Section::new(&SPEC, finding)
        .block(crate::report::section::Block::Text(text.trim().to_owned()))
        .block(chart(found, &label))
        .caveat(format!(
            "One member of the model ({}) was fitted again on parts of its rows and judged on {}; \
             what lies beyond the rows at hand is read off a power law and is a guess.",
            words::clean(&found.trial),
            number::untouched(found.n_rows_tested)
        ))
}

/// The first sentence, and what follows.
fn split(text: &str) -> (String, String) {
    match text.split_once(". ") {
        Some((first, rest)) => (format!("{first}."), rest.to_owned() + " "),
        None => (text.to_owned(), String::new()),
    }
}

/// What the last doubling brought and the next is expected to.
fn next(found: &MoreRowsRecord, label: &str) -> String {
    let last = format!(
        " The last doubling made {label} better by {} ({}).",
        number::significant(found.last_gain, 2),
        number::interval(found.last_ci95)
    );
    let next = found.next_gain.map_or(String::new(), |gain| {
        let matters = match found.finding {
            MoreRows::WouldNotHelp => ", which is less than what matters",
            _ => "",
        };
        format!(
            " Twice as many rows are expected to make it better by {}{matters} ({}).",
            number::significant(gain.max(0.0), 2),
            number::significant(found.rope, 2)
        )
    });
    last + &next
}

fn chart(found: &MoreRowsRecord, label: &str) -> Chart {
    let point = |(i, p): (usize, &CurveSize)| Estimate {
        label: number::rows(p.n_rows),
        value: p.score,
        ci95: p.ci95,
        emphasis: i + 1 == found.points.len(),
    };
    let mut estimates: Vec<Estimate> = found.points.iter().enumerate().map(point).collect();
    let expected = found.points.last().zip(found.next_gain).map(|(last, gain)| {
        let is_larger = words::metric(&found.metric).is_none_or(|spec| spec.larger_is_better);
        let value = if is_larger { last.score + gain } else { last.score - gain };
        Estimate {
            label: format!("{}, expected", number::rows(2 * last.n_rows)),
            value,
            ci95: None,
            emphasis: false,
        }
    });
    estimates.extend(expected);
    Chart {
        title: "The same model from fewer rows".to_owned(),
        summary: format!(
            "{label} by the number of rows learned from, each twice the one before, with 95 % \
             intervals over {}; the last point is expected, not measured.",
            number::untouched(found.n_rows_tested)
        ),
        x: label.to_owned(),
        y: String::new(),
        plot: Plot::Dots { estimates, reference: None },
    }
}
