//! The first screen: what the model achieves, in words that need no statistics; whether it can be
//! used, what could go wrong, and what to do next.

use modelwright_core::record::{Evaluation, RunRecord};
use modelwright_core::task::Task;

use super::headline::{Headline, Verdict, cares, validated_on};
use super::plain::{self, Plain};
use super::{kept, next, one_class};
use crate::report::section::{Block, Callout, Part, Section, Spec, Tone};
use crate::report::{has_target, number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "decision", part: Part::Answer, title: "Decision summary" };

/// What a model is that helps, that helps and needs care, that is not shown to help: by the metric.
const BY_METRIC: [&str; 3] = [
    "It is better than always giving the same answer, by more than chance explains, and no check \
     speaks against it.",
    "It is better than always giving the same answer, by more than chance explains. Before use:",
    "It may be no better than always giving the same answer: on the rows that were kept apart, the \
     difference is within chance.",
];

/// The same by what its decisions cost.
const BY_COST: [&str; 3] = [
    "Its decisions cost less than always giving the same answer, by more than chance explains, and \
     no check speaks against it.",
    "Its decisions cost less than always giving the same answer, by more than chance explains. \
     Before use:",
    "Its decisions may cost no less than always giving the same answer: on the rows that were kept \
     apart, the difference is within chance, or to its disadvantage.",
];

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let headline = Headline::of(record);
    let mut reasons = cares(record, &headline);
    reasons.extend(kept::care(record));
    let one_class = one_class::sentence(record);
    let verdict = match one_class {
        Some(_) => Verdict::Untested,
        None => headline.verdict(&reasons),
    };
    let tested = headline.evaluation.filter(|_| one_class.is_none());
    let plain = tested.map_or_else(Plain::default, |e| plain::of(record, e));
    let rests_on = headline.few_rows().map_or(String::new(), |n| {
        format!(" Only {} say so: others may say otherwise.", number::rows(n))
    });
    let sentence = plain.sentence.filter(|_| is_shown(verdict)).map(|said| said + &rests_on);
    let finding = one_class.or(sentence).unwrap_or_else(|| finding(record, &headline, verdict));
    let mut section =
        Section::new(&SPEC, finding).block(callout(record, &headline, verdict, &reasons));
    if !plain.figures.is_empty() {
        section = section.block(Block::Figures(plain.figures));
    }
    section.blocks.extend(kept::sentence(record).map(Block::Text));
    section = section.block(Block::Text(question(record)));
    for (title, items) in [
        ("What could go wrong", next::risks(record, &headline)),
        ("What to do next", next::steps(record, verdict)),
    ] {
        if !items.is_empty() {
            section = section.block(Block::List { title: title.to_owned(), items });
        }
    }
    Some(section)
}

/// Whether the rows came after the fit: neither held out by it nor the test file that it was given.
fn is_later(record: &RunRecord, evaluation: &Evaluation) -> bool {
    let is_test = record.test_data.as_ref().is_some_and(|t| t.name == evaluation.on);
    evaluation.on != "holdout" && !is_test
}

/// Whether the model is better than the constant baseline beyond chance.
fn is_shown(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Helps | Verdict::HelpsWithCare)
}

/// The finding by the optimised metric, where there is no plainer one.
fn finding(record: &RunRecord, headline: &Headline<'_>, verdict: Verdict) -> String {
    let target = words::quoted(&record.task.target);
    let label = &headline.label;
    let (Some(measured), Some(evaluation)) = (headline.holdout, headline.evaluation) else {
        return match headline.corrected {
            Some(c) => format!(
                "The model of {target} was not tested on untouched rows; {}, {label} is {} on {}.",
                if record.options.single.is_some() {
                    "on rows kept out of its training"
                } else {
                    "where rows took turns at being left out, and the luck of choosing the best is \
                     taken off"
                },
                c.text(),
                validated_on(record)
            ),
            None if !has_target(record) => {
                "The model scores how unusual a row is beside those that it learned from."
                    .to_owned()
            }
            None => format!("The model of {target} was not tested on untouched rows."),
        };
    };
    if let (Verdict::NotShown, true) = (verdict, headline.is_by_cost)
        && let Some((cost, _)) = plain::cost(record, evaluation)
    {
        return format!(
            "The model's decisions are not shown to cost less than the same answer for every row: \
             {}{}",
            cost[..1].to_lowercase(),
            &cost[1..]
        );
    }
    let against = headline.baseline.map_or(String::new(), |b| {
        format!(
            ", against {} when always giving the same answer",
            number::estimate(b, measured.ci95)
        )
    });
    let opening = match verdict {
        shown if is_shown(shown) => {
            let clearly = if headline.few_rows().is_some() { "" } else { "clearly " };
            format!(
                "The model predicts {target} {clearly}better than always giving the same answer \
                 would"
            )
        }
        _ => format!(
            "The model of {target} is not shown to be better than always giving the same answer"
        ),
    };
    format!(
        "{opening}: {label} {} on {} that it never saw{against}.",
        measured.text(),
        number::rows(evaluation.n_rows)
    )
}

fn callout(
    record: &RunRecord,
    headline: &Headline<'_>,
    verdict: Verdict,
    reasons: &[String],
) -> Callout {
    let texts = if headline.is_by_cost { BY_COST } else { BY_METRIC };
    let (tone, label, text) = match verdict {
        Verdict::HelpsWithCare if headline.hardly_any_rows().is_some() => (
            Tone::Warning,
            "Promising, hardly tested",
            "It did better than always giving the same answer, on too few rows to rely on that: \
             evaluate it on more rows with known answers first. Before use:",
        ),
        Verdict::Helps => (Tone::Good, "Ready to use", texts[0]),
        Verdict::HelpsWithCare => (Tone::Warning, "Usable, with care", texts[1]),
        Verdict::NotShown => (Tone::Severe, "Do not use yet", texts[2]),
        Verdict::Untested if !has_target(record) => (
            Tone::Warning,
            "Not measured",
            "It learned without a target, so that there is nothing to measure it by.",
        ),
        Verdict::Untested if one_class::sentence(record).is_some() => (
            Tone::Warning,
            "Not tested",
            "A test needs rows of every class: evaluate the model on such rows before relying on \
             it.",
        ),
        Verdict::Untested => (
            Tone::Warning,
            "Not tested",
            "There were too few rows to hold some out, or the result cannot be computed on them: \
             evaluate the model on new rows before relying on it.",
        ),
    };
    let text = [text.to_owned()].into_iter().chain(reasons.iter().cloned()).collect::<Vec<_>>();
    Callout { tone, label: label.to_owned(), text: text.join(" ") }
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
    let of_file = record.evaluation.as_ref().filter(|e| is_later(record, e));
    let tested = match (of_file, record.split.n_holdout) {
        (Some(evaluation), _) => format!(
            " What stands here was measured on {} of {}{}.",
            number::rows(evaluation.n_rows),
            words::quoted(&evaluation.on),
            match evaluation.learned_from {
                Some(_) => ", from which it has learned",
                None => ", which must not have been learned from",
            }
        ),
        (None, 0) => String::new(),
        (None, n) => format!(
            " {} were kept apart and used once, at the end, to measure what stands here.",
            number::rows(n)
        ),
    };
    format!(
        "The task: predict {what} from {}.{tested}",
        number::counted(n_features, "column", "columns"),
    )
}

#[cfg(test)]
mod tests {
    use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};

    use super::*;
    use crate::report::canonical;
    use crate::report::render::markdown;

    fn text(change: impl FnOnce(&mut RunRecord)) -> String {
        let mut record = canonical::binary();
        change(&mut record);
        markdown::section(&build(&record).expect("it always applies"))
    }

    #[test]
    fn few_rows_make_the_verdict_careful() {
        let of_rows = |n| {
            text(|record| {
                if let Some(evaluation) = &mut record.evaluation {
                    evaluation.n_rows = n;
                }
            })
        };
        let many = of_rows(9_769);
        assert!(!many.contains("say so") && !many.contains("hardly tested"), "{many}");
        let few = of_rows(150);
        assert!(few.contains("Only 150 rows say so") && few.contains("Usable, with care"), "{few}");
        let hardly_any = of_rows(31);
        assert!(hardly_any.contains("Promising, hardly tested"), "{hardly_any}");
    }

    #[test]
    fn test_rows_with_twins_in_training_are_a_reason_for_care_however_they_came_about() {
        let of_share = |share| {
            text(|record| {
                record.leakage.push(LeakFinding {
                    kind: LeakKind::DuplicateAcrossSplit,
                    columns: Vec::new(),
                    confidence: 0.3,
                    share_of_test: Some(share),
                    evidence: String::new(),
                    action: LeakAction::Reported,
                });
            })
        };
        let few = of_share(0.1);
        assert!(!few.contains("features of a training row"), "{few}");
        let all = of_share(1.0);
        assert!(all.contains("100 % of the tested rows have the features"), "{all}");
        assert!(all.contains("Usable, with care") && !all.contains("Ready to use"), "{all}");
    }

    #[test]
    fn rows_that_it_learned_from_are_the_first_reason_for_care() {
        let text = text(|record| {
            if let Some(evaluation) = &mut record.evaluation {
                evaluation.learned_from = Some("these are training rows".to_owned());
            }
        });
        assert!(!text.contains("must not have been learned from"), "{text}");
        assert!(text.contains("Before use: These are training rows."), "{text}");
    }
}
