//! Why the model predicts what it predicts: what each column adds, how predictions move along the
//! first ones, and (where rows may be shown) a few rows with their reasons.

use modelwright_core::record::{
    CurvePoint, DependenceRecord, ExamplePart, ExampleRecord, ExplanationRecord, ProfileRecord,
    ResponseGroup, ResponseRecord, RunRecord,
};

use super::mitigation;
use crate::report::chart::{Bundle, Chart, NamedLine, Plot, Step, Swarm};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "explanation", part: Part::Quality, title: "Why it predicts so" };

/// Columns of the swarm chart.
const SWARMS_MAX: usize = 12;

/// Applies when predictions were explained, or could have been: nobody misses what is not known to
/// be there.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let Some(found) = record.explanation.as_ref() else {
        let finding = "This fit came to its end before it could look for the reasons of its \
                       predictions: “modelwright explain MODEL DATA --report why.html” finds them \
                       at any time.";
        return record.evaluation.is_some().then(|| Section::new(&SPEC, finding.to_owned()));
    };
    let section = shown(found, Decision::of(record).as_ref())?;
    Some(match without_chart(found) {
        Some(why) => section.caveat(format!(
            "{why}: “modelwright explain --report” draws what there is from the model and data."
        )),
        None => section,
    })
}

/// Why there are no charts along the values of columns, or fewer than there could be.
fn without_chart(found: &ExplanationRecord) -> Option<String> {
    let has_charts = found.profiles.iter().any(|profile| profile.points.len() > 1);
    match (has_charts, found.n_untimely) {
        (true, None | Some(0)) => None,
        (true, Some(n)) => Some(format!(
            "There was no time for charts along the values of {}",
            number::counted(n, "further column", "further columns")
        )),
        (false, Some(0)) => Some(
            "There are no charts along values: none of the first columns has two values or more \
             in the rows that were looked at"
                .to_owned(),
        ),
        (false, Some(_)) => {
            Some("There was no time for charts along the values of columns".to_owned())
        }
        // Of accounts that do not say why.
        (false, None) => Some("There are no charts along the values of columns".to_owned()),
    }
}

/// How a row of two classes is decided: the classes, and the chance of the second from which on it
/// is decided for.
struct Decision<'a> {
    classes: [&'a str; 2],
    threshold: f64,
}

impl<'a> Decision<'a> {
    /// Of a model that decides everybody alike.
    fn of(record: &'a RunRecord) -> Option<Self> {
        let [negative, positive] = record.task.classes.as_slice() else { return None };
        let threshold = record.threshold.filter(|_| !mitigation::is_by_group(record))?;
        Some(Self { classes: [negative, positive], threshold })
    }

    /// `, decided “>50K”`: with costs, that need not be the more probable class.
    fn text(&self, example: &ExampleRecord) -> String {
        let place = self.classes.iter().position(|class| *class == example.output);
        let chance = match place {
            Some(0) => 1.0 - example.prediction,
            Some(_) => example.prediction,
            None => return String::new(),
        };
        let class = self.classes[usize::from(chance >= self.threshold)];
        format!(", decided {}", words::quoted(class))
    }
}

/// The section of an explanation; `None` when no row was explained.
pub(crate) fn of(found: &ExplanationRecord) -> Option<Section> {
    shown(found, None)
}

fn shown(found: &ExplanationRecord, decision: Option<&Decision<'_>>) -> Option<Section> {
    let first = found.effects.first()?;
    let finding = match found.effects.get(1) {
        Some(second) => format!(
            "{} moves predictions most, by {} on average, then {} by {}.",
            words::quoted(&first.column),
            amount(found, first.mean_abs),
            words::quoted(&second.column),
            amount(found, second.mean_abs)
        ),
        None => format!(
            "{} moves predictions by {} on average.",
            words::quoted(&first.column),
            amount(found, first.mean_abs)
        ),
    };
    let mut section = Section::new(&SPEC, finding).block(swarm(found));
    for profile in &found.profiles {
        section = section.maybe(profile_chart(found, profile));
    }
    if !found.dependences.is_empty() {
        let charts = found.dependences.iter().map(|d| dependence_chart(found, d).into());
        section = section.block(Block::Details {
            summary: "What columns add along their values, and which others change it".to_owned(),
            blocks: charts.collect(),
        });
    }
    if !found.responses.is_empty() {
        let charts = found.responses.iter().map(|r| response_chart(found, r).into());
        section = section.block(Block::Details {
            summary: "How differently rows respond to columns".to_owned(),
            blocks: charts.collect(),
        });
    }
    section = section.block(Block::Details {
        summary: format!(
            "What every column adds: all {}",
            number::counted(found.effects.len(), "column", "columns")
        ),
        blocks: vec![table(found).into()],
    });
    if !found.examples.is_empty() {
        let names = number::counted(found.examples.len(), "row", "rows");
        section = section.block(Block::Text(format!("{names} and the reasons for each:")));
    }
    for example in &found.examples {
        section = section.block(waterfall(found, example, decision));
    }
    Some(
        section
            .caveat(
                "A part says what the model does with a value, not what would happen in the world \
                 if the value were changed.",
            )
            .caveat(format!(
                "{} against {}. Columns that say the same share their parts.",
                method_text(&found.method),
                number::counted(found.n_background, "background row", "background rows")
            )),
    )
}

fn method_text(method: &str) -> &'static str {
    match method {
        "path" => "Shapley values by the ways of training rows through the trees (TreeSHAP)",
        "tree" => "Shapley values by the structure of the trees (TreeSHAP)",
        "exact" => "Shapley values from every mixture of the columns",
        _ => "Shapley values, sampled in drawn orders of the columns",
    }
}

/// A size on the scale of the explanation: `7.3 points`.
fn amount(found: &ExplanationRecord, size: f64) -> String {
    match found.scale.as_str() {
        "probability" => format!("{} points", number::significant(size * 100.0, 2)),
        _ => number::significant(size, 3),
    }
}

fn unit(found: &ExplanationRecord) -> (f64, &'static str) {
    match found.scale.as_str() {
        "probability" => (100.0, "points of probability"),
        "margin" => (1.0, "log-odds"),
        _ => (1.0, "the predicted value"),
    }
}

fn target(found: &ExplanationRecord) -> String {
    match &found.outputs[..] {
        [only] => words::quoted(only),
        _ => "the predicted class".to_owned(),
    }
}

fn swarm(found: &ExplanationRecord) -> Chart {
    let (factor, unit) = unit(found);
    let swarms = found.effects.iter().filter(|e| !e.swarm.is_empty()).take(SWARMS_MAX);
    let swarms: Vec<Swarm> = swarms
        .map(|effect| Swarm {
            label: words::clean(&effect.column),
            bins: effect
                .swarm
                .iter()
                .map(|b| modelwright_core::record::SwarmBin { effect: b.effect * factor, ..*b })
                .collect(),
        })
        .collect();
    Chart {
        title: "What each column adds".to_owned(),
        summary: format!(
            "{} of {}: every dot stands for rows with this effect on {}; blue dots have small \
             values, red dots large ones, grey dots are categories or missing.",
            number::counted(swarms.len(), "column", "columns"),
            number::rows(found.n_rows),
            target(found)
        ),
        x: format!("Effect, {unit}"),
        y: String::new(),
        plot: Plot::Swarm(swarms),
    }
}

fn profile_chart(found: &ExplanationRecord, profile: &ProfileRecord) -> Option<Chart> {
    if profile.points.len() < 2 {
        return None;
    }
    let (factor, unit) = unit(found);
    let scaled = |p: &modelwright_core::record::ProfilePointRecord| {
        let number = p.number.map(|n| if profile.is_instant { year(n) } else { n });
        let value = words::clean(&p.value);
        let (effect, half_width) = (p.effect * factor, p.half_width * factor);
        modelwright_core::record::ProfilePointRecord {
            value,
            number,
            effect,
            half_width,
            n_rows: p.n_rows,
        }
    };
    let points: Vec<_> = profile.points.iter().map(scaled).collect();
    let highest = points.iter().max_by(|a, b| a.effect.total_cmp(&b.effect))?;
    let lowest = points.iter().min_by(|a, b| a.effect.total_cmp(&b.effect))?;
    let how =
        if profile.method == "ale" { "accumulated local effects" } else { "partial dependence" };
    let scale = highest.effect.abs().max(lowest.effect.abs());
    let effect_text = |effect| number::significant(number::denoised(effect, scale), 2);
    let is_category = points.iter().any(|p| p.number.is_none());
    let effect = format!("Difference, {unit}");
    let column = words::clean(&profile.column);
    Some(Chart {
        title: format!(
            "{} along {}",
            words::predicted(&profile.output, found.scale == "probability"),
            words::quoted(&profile.column)
        ),
        summary: format!(
            "From {} at {} to {} at {}; {how} over {}, with 95 % intervals.",
            effect_text(lowest.effect),
            lowest.value,
            effect_text(highest.effect),
            highest.value,
            number::rows(profile.n_rows)
        ),
        x: if is_category { effect.clone() } else { column },
        y: if is_category { String::new() } else { effect },
        plot: Plot::Profile(points),
    })
}

/// Mean effects along a column, a line for each group of the column that changes them most.
fn dependence_chart(found: &ExplanationRecord, of: &DependenceRecord) -> Chart {
    let (factor, unit) = unit(found);
    let column = words::quoted(&of.column);
    let how = match &of.by {
        Some(by) => format!(
            "{} changes it most: its groups tell {} of what varies among rows of like values.",
            words::quoted(by),
            number::share(of.share)
        ),
        None => "No other column changes it beyond chance.".to_owned(),
    };
    let line = |line: &modelwright_core::record::DependenceLine| NamedLine {
        label: words::clean(&line.label),
        points: line
            .points
            .iter()
            .map(|p| CurvePoint { x: p.value, y: p.effect * factor, threshold: None })
            .collect(),
    };
    Chart {
        title: match &of.by {
            Some(by) => format!("What {column} adds, by {}", words::quoted(by)),
            None => format!("What {column} adds"),
        },
        summary: format!(
            "Mean effects on {} of rows of like values, {}. {how}",
            target(found),
            number::rows(of.n_rows)
        ),
        x: words::clean(&of.column),
        y: format!("Effect, {unit}"),
        plot: Plot::Lines { lines: of.lines.iter().map(line).collect(), mark: None },
    }
}

/// Centred curves of rows along a column, coloured by the groups of another one.
fn response_chart(found: &ExplanationRecord, of: &ResponseRecord) -> Chart {
    let (factor, unit) = unit(found);
    let scaled = |values: &[f64]| values.iter().map(|v| v * factor).collect::<Vec<f64>>();
    let bundle = |group: &ResponseGroup| Bundle {
        label: format!("{}: {}", words::clean(&group.label), number::rows(group.n_rows)),
        lines: group.lines.iter().map(|line| scaled(line)).collect(),
        mean: scaled(&group.mean),
    };
    let xs: Vec<f64> =
        of.points.iter().map(|x| if of.is_instant { year(*x) } else { *x }).collect();
    let lines = match of.rows_per_line {
        1 => "a thin line is a row".to_owned(),
        n => format!("a thin line is the mean of at least {n} rows that respond alike"),
    };
    let common = of.common.map_or(String::new(), |common| {
        format!(" All have {} of the movement in common.", number::share(common))
    });
    let by = of.by.as_ref().map_or(String::new(), |by| {
        let share = number::share(of.share);
        format!(" {} tells {share} of how they differ (colours).", words::quoted(by))
    });
    Chart {
        title: format!(
            "{}: rows along {}",
            words::predicted(&of.output, found.scale == "probability"),
            words::quoted(&of.column)
        ),
        summary: format!(
            "{} given each value in turn, less their own prediction at the lowest; {lines}, bold \
             ones are means.{common}{by}",
            number::rows(of.n_rows)
        ),
        x: words::clean(&of.column),
        y: format!("Difference, {unit}"),
        plot: Plot::Bundles { xs, bundles: of.groups.iter().map(bundle).collect() },
    }
}

/// An instant as a year with a fraction.
fn year(micros: f64) -> f64 {
    1970.0 + micros / (365.2425 * 86_400e6)
}

fn table(found: &ExplanationRecord) -> Table {
    let (factor, unit) = unit(found);
    let mut table = Table::new(
        format!("Mean size of the effect in {unit}, over {}", number::rows(found.n_rows)),
        vec![
            TableColumn::words("Column"),
            TableColumn::numbers("Mean effect"),
            TableColumn::numbers("95 % interval"),
        ],
    );
    let scale = found.effects.first().map_or(0.0, |largest| largest.mean_abs * factor);
    for effect in &found.effects {
        let ci95 = modelwright_core::record::Interval {
            low: effect.ci95.low * factor,
            high: effect.ci95.high * factor,
        };
        let ci95 = number::denoised_interval(ci95, scale);
        let mean = number::denoised(effect.mean_abs * factor, scale);
        table.rows.push(vec![
            Cell::new(words::clean(&effect.column)),
            Cell::new(number::estimate(mean, Some(ci95))),
            Cell::new(number::interval(ci95)),
        ]);
    }
    table
}

fn waterfall(
    found: &ExplanationRecord,
    example: &ExampleRecord,
    decision: Option<&Decision<'_>>,
) -> Chart {
    let (factor, unit) = unit(found);
    let value = |size: f64| match found.scale.as_str() {
        "probability" => number::share(size),
        _ => number::significant(size, 4),
    };
    let scale = example.parts.iter().fold(0.0_f64, |scale, part| scale.max(part.effect.abs()));
    let mut steps: Vec<Step> = example
        .parts
        .iter()
        .map(|part| {
            let shown = part.value.as_deref().unwrap_or("missing");
            let label = format!("{} {}", words::clean(&part.column), words::clean(shown));
            Step { label, effect: number::denoised(part.effect, scale) * factor }
        })
        .collect();
    let others = example.others * factor;
    if number::denoised(others, scale * factor) != 0.0 {
        steps.push(Step { label: "all other columns".to_owned(), effect: others });
    }
    let reason = |part: &ExamplePart| {
        let error = part.standard_error.map(|e| e * factor).filter(|e| *e > 0.0);
        let error = error.map_or(String::new(), |e| format!(" (± {})", number::significant(e, 2)));
        format!("{}{error}", words::sentence(&part.text))
    };
    let reasons: Vec<String> = example.parts.iter().take(3).map(reason).collect();
    let is_sampled = example.parts.iter().take(3).any(|part| part.standard_error.is_some());
    Chart {
        title: format!(
            "{}: {} for {}{}",
            capital(&example.label),
            value(example.prediction),
            words::clean(&example.output),
            decision
                .filter(|_| found.scale == "probability")
                .map_or(String::new(), |decision| decision.text(example))
        ),
        summary: format!(
            "From {} on average to {} in this row: {}.{} Green bars raise it, orange ones lower \
             it.",
            value(example.base_value),
            value(example.prediction),
            reasons.join("; "),
            if is_sampled { " ± is a standard error of the sampling." } else { "" }
        ),
        x: format!("{}, {unit}", words::clean(&example.output)),
        y: String::new(),
        plot: Plot::Waterfall { base: example.base_value * factor, steps },
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), characters.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;
    use crate::report::render::markdown;

    fn text(change: impl FnOnce(&mut ExplanationRecord)) -> String {
        let mut record = canonical::binary();
        change(record.explanation.as_mut().expect("it is explained"));
        markdown::section(&build(&record).expect("it is explained"))
    }

    #[test]
    fn only_what_time_was_short_for_is_said_to_have_been_short_of_it() {
        assert!(!text(|_| ()).contains("no time"));
        let without = |n_untimely| {
            text(|found| (found.profiles, found.n_untimely) = (Vec::new(), n_untimely))
        };
        assert!(without(Some(3)).contains("There was no time for charts along the values of col"));
        let (constant, unknown) = (without(Some(0)), without(None));
        assert!(constant.contains("none of the first columns has two values"), "{constant}");
        assert!(unknown.contains("There are no charts along the values"), "{unknown}");
        assert!(![constant, unknown].iter().any(|said| said.contains("no time")));
        let some = text(|found| found.n_untimely = Some(2));
        assert!(
            some.contains("no time for charts along the values of 2 further columns"),
            "{some}"
        );
    }

    #[test]
    fn rounding_is_no_effect() {
        let text = text(|found| {
            for point in &mut found.profiles[0].points {
                point.effect = if point.effect < 0.0 { -6e-17 } else { point.effect };
            }
        });
        assert!(!text.contains("e−"), "{text}");
    }
}
