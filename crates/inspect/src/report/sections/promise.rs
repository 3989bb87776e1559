//! Whether the untouched rows confirm what validation promised.

use modelwright_core::record::RunRecord;

use super::headline::{Headline, validated_on};
use crate::report::chart::{Chart, Estimate, Plot};
use crate::report::number;
use crate::report::section::{Part, Section, Spec};

pub(crate) const SPEC: Spec =
    Spec { id: "promise", part: Part::Quality, title: "Does validation keep its word?" };

/// Applies when the metric was measured both in validation and on untouched rows.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let headline = Headline::of(record);
    let chart = chart(record, &headline)?;
    let gain = match headline.gain() {
        gain if gain.is_empty() => String::new(),
        gain => format!(" On the untouched rows the model is {gain}."),
    };
    let (agree, label) = (!headline.worse_than_validation(), &headline.label);
    let finding = if let (true, Some(n)) = (agree, headline.few_rows()) {
        format!(
            "As far as {} tell: they do not contradict the {label} that validation promised.{gain}",
            number::untouched(n)
        )
    } else if agree {
        format!("Yes: the untouched rows confirm the {label} that validation promised.{gain}")
    } else {
        format!("No: the untouched rows have a worse {label} than validation allows.{gain}")
    };
    Some(Section::new(&SPEC, finding).block(chart))
}

fn chart(record: &RunRecord, headline: &Headline<'_>) -> Option<Chart> {
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
    Some(Chart {
        title: "The same metric, measured three times".to_owned(),
        summary: format!(
            "{}: {}; untouched rows: {}.",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;
    use crate::report::render::markdown;

    #[test]
    fn few_rows_confirm_nothing() {
        let mut record = canonical::binary();
        record.evaluation.as_mut().expect("it is tested").n_rows = 150;
        let text = markdown::section(&build(&record).expect("it is tested"));
        assert!(text.contains("As far as 150 untouched rows tell: they do not contra"), "{text}");
        assert!(!text.contains("Yes:"), "{text}");
    }
}
