//! The decision in words: what was asked, how good the answer is, and whether it can be used.

use modelwright_core::record::RunRecord;
use modelwright_core::task::Task;

use super::headline::{Headline, Verdict, cares, validated_on};
use crate::report::chart::{Chart, Estimate, Plot};
use crate::report::section::{Block, Callout, Figure, Part, Section, Spec, Tone};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "decision", part: Part::Answer, title: "Decision summary" };

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let headline = Headline::of(record);
    let reasons = cares(record, &headline);
    let verdict = headline.verdict(&reasons);
    let mut section = Section::new(&SPEC, finding(record, &headline, verdict))
        .block(callout(verdict, &reasons))
        .block(Block::Figures(figures(record, &headline)))
        .block(Block::Text(question(record)))
        .maybe(validation_chart(record, &headline));
    section.caveats = record.warnings.iter().map(|w| words::remark(w)).collect();
    section.caveats.extend(unfinished(record));
    Some(section)
}

/// Trials that the budget, or a failure, left without a score.
fn unfinished(record: &RunRecord) -> Option<String> {
    if record.options.single.is_some() {
        return None;
    }
    let n = record.trials.iter().filter(|t| t.score.is_none()).count();
    let all = number::counted(record.trials.len(), "trial", "trials");
    (n > 0).then(|| {
        format!("{} of {all} gave no score; more time may give a better model.", number::count(n))
    })
}

fn finding(record: &RunRecord, headline: &Headline<'_>, verdict: Verdict) -> String {
    let target = words::quoted(&record.task.target);
    let label = &headline.label;
    let (Some(measured), Some(evaluation)) = (headline.holdout, headline.evaluation) else {
        return match headline.corrected {
            Some(c) => format!(
                "The model of {target} was not tested on untouched rows; in {}, {label} is {} on \
                 {}.",
                if record.options.single.is_some() {
                    "validation"
                } else {
                    "cross-validation, corrected for selection"
                },
                c.text(),
                validated_on(record)
            ),
            None => format!("The model of {target} was not tested on untouched rows."),
        };
    };
    let against = headline.baseline.map_or(String::new(), |b| {
        format!(", against {} of the constant baseline", number::estimate(b, measured.ci95))
    });
    let opening = match verdict {
        Verdict::Helps | Verdict::HelpsWithCare => {
            format!("The model predicts {target} clearly better than the baseline")
        }
        _ => format!("The model of {target} is not shown to be better than the baseline"),
    };
    format!(
        "{opening}: {label} {} on {} that it never saw{against}.",
        measured.text(),
        number::rows(evaluation.n_rows)
    )
}

fn callout(verdict: Verdict, reasons: &[String]) -> Callout {
    let (tone, label, text) = match verdict {
        Verdict::Helps => (
            Tone::Good,
            "Ready to use",
            "The gain over the baseline is beyond chance, and no check speaks against the model. \
             It holds for data that come about as these did.",
        ),
        Verdict::HelpsWithCare => (
            Tone::Warning,
            "Usable, with care",
            "The gain over the baseline is beyond chance. Before use:",
        ),
        Verdict::NotShown => (
            Tone::Severe,
            "Do not use yet",
            "The 95 % interval does not clear the baseline: the model may be no better than always \
             giving the same answer. More rows, or columns that know more, are needed.",
        ),
        Verdict::Untested => (
            Tone::Warning,
            "Not tested",
            "There were too few rows to hold some out, or the metric is undefined on them: \
             evaluate the model on new rows before relying on it.",
        ),
    };
    let text = [text.to_owned()].into_iter().chain(reasons.iter().cloned()).collect::<Vec<_>>();
    Callout { tone, label: label.to_owned(), text: text.join(" ") }
}

fn figures(record: &RunRecord, headline: &Headline<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    let interval = |ci: Option<modelwright_core::record::Interval>| {
        ci.map_or("no interval".to_owned(), |ci| format!("95 %: {}", number::interval(ci)))
    };
    if let (Some(m), Some(e)) = (headline.holdout, headline.evaluation) {
        figures.push(Figure {
            label: format!("{} on untouched rows", headline.label),
            value: number::estimate(m.value, m.ci95),
            detail: words::join([interval(m.ci95), number::rows(e.n_rows)]),
        });
        if let Some(b) = headline.baseline {
            figures.push(Figure {
                label: "Constant baseline".to_owned(),
                value: number::estimate(b, m.ci95),
                detail: match headline.gain() {
                    gain if gain.is_empty() => number::rows(e.n_rows),
                    gain => format!("the model is {gain}"),
                },
            });
        }
    }
    if let Some(c) = headline.corrected {
        figures.push(Figure {
            label: headline.validation.to_owned(),
            value: number::estimate(c.value, c.ci95),
            detail: words::join([interval(c.ci95), validated_on(record)]),
        });
    }
    let tried = record.trials.iter().filter(|t| t.score.is_some()).count();
    figures.push(Figure {
        label: "Wall time".to_owned(),
        value: number::seconds(record.clock.total_s),
        detail: words::join([
            match &record.options.single {
                Some(one) => words::clean(&one.learner),
                None => number::counted(tried, "trial scored", "trials scored"),
            },
            record
                .options
                .time_limit_s
                .map_or("no limit".to_owned(), |s| format!("limit {}", number::seconds(s))),
        ]),
    });
    figures
}

fn question(record: &RunRecord) -> String {
    let task = &record.task;
    let n_features =
        record.schema.fields.iter().filter(|f| f.kind.is_usable() && f.name != task.target).count();
    let target = words::quoted(&task.target);
    let what = match (task.task, task.classes.as_slice()) {
        (Task::Regression, _) => format!("the value of {target}"),
        (_, [negative, positive]) => format!(
            "whether {target} is {} rather than {}",
            words::quoted(positive),
            words::quoted(negative)
        ),
        (_, classes) => {
            format!("which of {} classes {target} has", number::count(classes.len()))
        }
    };
    let meaning = words::metric(&task.metric)
        .map_or(String::new(), |m| format!(" {}: {}", words::metric_label(m.name), m.text));
    format!(
        "The task was to predict {what} from {}, and to optimise {}. The baseline gives every row \
         the same answer, learned from the training rows.{meaning}",
        number::counted(n_features, "column", "columns"),
        words::metric_label(&task.metric),
    )
}

fn validation_chart(record: &RunRecord, headline: &Headline<'_>) -> Option<Chart> {
    let holdout = headline.holdout?;
    let corrected = headline.corrected?;
    let n_holdout = number::untouched(headline.evaluation?.n_rows);
    let n_train = validated_on(record);
    let estimate = |label: String, value, ci95, emphasis| Estimate { label, value, ci95, emphasis };
    let mut estimates = Vec::new();
    if let (Some(score), None) = (record.ensemble.score, &record.options.single) {
        let label = format!("As selected, {n_train}");
        estimates.push(estimate(label, score, None, false));
    }
    let label = match &record.options.single {
        Some(_) => n_train,
        None => format!("Corrected for selection, {n_train}"),
    };
    estimates.push(estimate(label, corrected.value, corrected.ci95, false));
    estimates.push(estimate(n_holdout, holdout.value, holdout.ci95, true));
    let agreement = if headline.worse_than_validation() {
        "The untouched rows are worse than validation allows."
    } else {
        "The two measurements agree: what validation promised, the untouched rows confirm."
    };
    Some(Chart {
        title: "Does validation keep its word?".to_owned(),
        summary: format!(
            "{agreement} {}: {}; untouched rows: {}.",
            headline.validation,
            corrected.text(),
            holdout.text()
        ),
        x: format!(
            "{} ({} is better), with 95 % intervals",
            headline.label,
            if headline.larger_is_better { "larger" } else { "smaller" }
        ),
        y: String::new(),
        plot: Plot::Dots { estimates, reference: None },
    })
}
