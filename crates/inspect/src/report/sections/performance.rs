//! Every metric on the untouched rows, with its interval, beside the constant baseline.

use modelwright_core::record::{Evaluation, Interval, MetricValue, RunRecord};
use modelwright_core::task::Task;
use modelwright_evaluate::evaluation::EXPECTED_COST;
use modelwright_evaluate::metric::Needs;
use modelwright_evaluate::resample::unseen_errors;

use super::headline::{Headline, is_better};
use super::one_class;
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "performance", part: Part::Quality, title: "Scores on untouched rows" };

/// How many metrics stay unfolded.
const OPEN_ROWS: usize = 8;

/// Applies when rows were held out.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let evaluation = record.evaluation.as_ref().filter(|e| !e.metrics.is_empty())?;
    let headline = Headline::of(record);
    let mut table = Table::new(
        format!(
            "{} of {}; intervals of {}",
            number::rows(evaluation.n_rows),
            words::quoted(&evaluation.on),
            words::sentence(&evaluation.interval_method)
        ),
        vec![
            TableColumn::words("Metric"),
            TableColumn::numbers("Model"),
            TableColumn::numbers("95 % interval"),
            TableColumn::numbers("Baseline"),
            TableColumn::words("Against the baseline"),
        ],
    );
    let one_class = one_class::sentence(record);
    let (mut n_beyond, mut n_compared) = (0, 0);
    for metric in &evaluation.metrics {
        let baseline =
            evaluation.baseline.iter().find(|b| b.name == metric.name).and_then(|b| b.value);
        let larger = direction(record, metric);
        // A constant made of rows of one class is always right about them.
        let compared = match one_class {
            Some(_) => None,
            None => compare(evaluation, metric, baseline, larger),
        };
        n_compared += usize::from(compared.is_some());
        n_beyond += usize::from(compared == Some(Tone::Good));
        table.rows.push(row(metric, baseline, larger, compared));
    }
    let finding = one_class.unwrap_or_else(|| {
        format!(
            "{} was optimised; {} of {} are better than the baseline beyond chance.",
            headline.label,
            number::count(n_beyond),
            number::counted(n_compared, "comparable metric", "comparable metrics")
        )
    });
    let mut section = Section::new(&SPEC, finding);
    section.blocks = table.folded_after(OPEN_ROWS, "metrics");
    section.blocks.extend(glossary(&evaluation.metrics));
    section.caveats.extend(evaluation.baseline_is.as_ref().map(|constant| {
        let constant = words::sentence(constant);
        format!("The baseline gives every row the same answer, for all metrics: {constant}.")
    }));
    section.caveats.extend(evaluation.learned_from.as_deref().map(words::remark));
    if record.task.task == Task::Regression {
        section.caveats.extend(unseen_errors(evaluation.n_rows));
    }
    Some(section.caveat(
        "Each interval is for its metric alone; of twenty true 95 % intervals one misses. They \
         cover the chance of these rows, not a change of the world.",
    ))
}

/// What each metric says, for those who do not know it by heart.
fn glossary(metrics: &[MetricValue]) -> Option<Block> {
    let mut table =
        Table::new("", vec![TableColumn::words("Metric"), TableColumn::words("What it says")]);
    for spec in metrics.iter().filter_map(|m| words::metric(&m.name)) {
        table.rows.push(vec![Cell::new(words::metric_label(spec.name)), Cell::new(spec.text)]);
    }
    let summary = "What the metrics say".to_owned();
    (!table.rows.is_empty()).then(|| Block::Details { summary, blocks: vec![table.into()] })
}

fn direction(record: &RunRecord, metric: &MetricValue) -> Option<bool> {
    if metric.name == record.task.metric {
        Some(record.task.larger_is_better)
    } else {
        let of_catalog = words::metric(&metric.name).map(|m| m.larger_is_better);
        of_catalog.or((metric.name == EXPECTED_COST).then_some(false))
    }
}

fn compare(
    evaluation: &Evaluation,
    metric: &MetricValue,
    baseline: Option<f64>,
    larger: Option<bool>,
) -> Option<Tone> {
    let (_, _, larger) = (metric.ci95?, baseline?, larger?);
    Some(match () {
        () if is_better(evaluation, &metric.name, larger)? => Tone::Good,
        // The worse of two is the better of the other direction.
        () if is_better(evaluation, &metric.name, !larger)? => Tone::Severe,
        () => Tone::Neutral,
    })
}

fn row(
    metric: &MetricValue,
    baseline: Option<f64>,
    larger: Option<bool>,
    compared: Option<Tone>,
) -> Vec<Cell> {
    let direction = match larger {
        Some(true) => "larger is better",
        Some(false) => "smaller is better",
        None => "",
    };
    let perfect = words::metric(&metric.name).map_or(0.0, |spec| spec.perfect);
    let known = [metric.value, baseline, Some(perfect).filter(|p| p.is_finite())];
    let scale = known.into_iter().flatten().fold(0.0_f64, |scale, v| scale.max(v.abs()));
    // Shares and losses of classes have no unit, in which a small number may be a large one.
    let is_unitless = words::metric(&metric.name)
        .is_some_and(|spec| spec.needs != Needs::Values || metric.name == "r2");
    let estimate = |v: f64| {
        let nothing = number::next_to_nothing(v).filter(|_| is_unitless);
        nothing.unwrap_or_else(|| number::estimate(number::denoised(v, scale), metric.ci95))
    };
    let interval = |ci: Interval| {
        let ends = [ci.low, ci.high].map(number::next_to_nothing);
        match ends {
            [Some(low), Some(high)] if is_unitless => format!("{low} to {high}"),
            _ => number::interval(ci),
        }
    };
    let value = match metric.value {
        Some(value) => Cell::new(estimate(value)),
        None => Cell::new("undefined"),
    };
    let value = match &metric.note {
        Some(note) => value.detail(words::sentence(note)),
        None => value,
    };
    let mark = match compared {
        Some(Tone::Good) => Cell::mark(Tone::Good, "better"),
        Some(Tone::Severe) => Cell::mark(Tone::Severe, "worse"),
        Some(_) => Cell::mark(Tone::Neutral, "not distinguishable"),
        None => Cell::new("–"),
    };
    vec![
        Cell::new(words::metric_label(&metric.name)).detail(direction),
        value,
        Cell::new(metric.ci95.map_or("–".to_owned(), interval)),
        Cell::new(baseline.map_or("–".to_owned(), estimate)),
        mark,
    ]
}

#[cfg(test)]
mod tests {
    use modelwright_core::record::Difference;

    use super::super::headline::Verdict;
    use super::*;
    use crate::report::canonical;
    use crate::report::render::markdown;

    #[test]
    fn a_paired_comparison_says_better_where_an_interval_leaves_it_open() {
        let all = canonical::all();
        let (_, mut record) = all.into_iter().find(|(name, _)| *name == "regression").unwrap();
        let name = record.task.metric.clone();
        let evaluation = record.evaluation.as_mut().unwrap();
        let baseline = evaluation.baseline.iter().find(|m| m.name == name).unwrap().value.unwrap();
        let own = evaluation.metrics.iter_mut().find(|m| m.name == name).unwrap();
        own.ci95 = Some(Interval { low: 0.5 * baseline, high: 1.1 * baseline });
        let of = |record: &RunRecord| Headline::of(record).verdict(&[]);
        assert_eq!(of(&record), Verdict::NotShown);
        let ci95 = Interval { low: -0.5 * baseline, high: -0.1 * baseline };
        let pair = Difference { name: name.clone(), value: -0.3 * baseline, ci95 };
        record.evaluation.as_mut().unwrap().against_baseline.push(pair);
        assert_eq!(of(&record), Verdict::Helps);
        let evaluation = record.evaluation.as_ref().unwrap();
        assert_eq!(is_better(evaluation, &name, false), Some(true));
    }

    #[test]
    fn decisions_with_a_cost_are_judged_by_it() {
        let mut record = canonical::binary();
        let ci95 = Interval { low: -0.002, high: 0.02 };
        let pair = Difference { name: EXPECTED_COST.to_owned(), value: 0.001, ci95 };
        record.evaluation.as_mut().unwrap().against_baseline.push(pair);
        assert_eq!(Headline::of(&record).verdict(&[]), Verdict::NotShown);
        record.costs = None;
        assert_eq!(Headline::of(&record).verdict(&[]), Verdict::Helps);
    }

    #[test]
    fn the_constant_is_named_and_rounding_is_nothing() {
        let all = canonical::all();
        let (_, mut record) = all.into_iter().find(|(name, _)| *name == "regression").unwrap();
        let evaluation = record.evaluation.as_mut().unwrap();
        evaluation.baseline_is = Some("the mean of the target in the training rows".to_owned());
        for of in [&mut evaluation.metrics, &mut evaluation.baseline] {
            of.iter_mut().filter(|m| m.name == "r2").for_each(|m| m.ci95 = None);
        }
        evaluation.baseline[2].value = Some(-6e-15);
        let text = markdown::section(&build(&record).unwrap());
        assert!(text.contains("for all metrics: the mean of the target"), "{text}");
        assert!(text.contains("| 0 |") && !text.contains("e−15"), "{text}");
    }
}
