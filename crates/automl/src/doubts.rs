//! What a person must know before they rely on a model: classes of hardly any row or in several
//! spellings, rows without a group, intervals that do not hold what they say, and a model that is
//! no better than one that knows nothing.

use modelwright_core::data::Table;
use modelwright_core::record::{
    Alert, AlertKind, EnsembleRecord, Evaluation, LevelRecord, MetricValue, Options, TaskRecord,
};
use modelwright_evaluate::metric::{MetricEntry, metric};

/// Of a class with fewer rows than this, what is learned and measured is hardly more than chance.
pub(crate) const N_ROWS_MIN: usize = 10;

/// The trial that gives the same answer for every row.
const BASELINE: &str = "baseline";

/// So many rare classes are named.
const N_NAMED: usize = 3;

/// A warning where classes have too few rows to learn from, or none that tests.
pub(crate) fn of_classes(task: &TaskRecord, held_out: Option<&Table>) -> Option<String> {
    let rare: Vec<_> = task.class_counts.iter().filter(|count| count.n < N_ROWS_MIN).collect();
    let first = rare.first()?;
    let rows = |n: usize| if n == 1 { "1 row".to_owned() } else { format!("{n} rows") };
    let named: Vec<String> =
        rare.iter().take(N_NAMED).map(|c| format!("`{}` has {}", c.name, rows(c.n))).collect();
    let more = match rare.len().saturating_sub(N_NAMED) {
        0 => String::new(),
        n => format!(" and {n} more classes have fewer than {N_ROWS_MIN}"),
    };
    let column = held_out.and_then(|table| table.column(&task.target));
    let n_tested = column.map(|column| {
        let is_of = |row: &usize| column.display(*row).as_deref() == Some(first.name.as_str());
        (0..column.n_rows()).filter(is_of).count()
    });
    let tested = match n_tested {
        Some(n) if rare.len() == 1 && n == 0 => "; none of them tests the model",
        Some(1) if rare.len() == 1 => "; one of them tests the model",
        _ => "",
    };
    let few = if rare.len() == 1 { "this class" } else { "these classes" };
    Some(format!(
        "{}{more}{tested}: what is learned and measured of {few} is hardly more than chance; \
         gather more rows, or merge classes",
        named.join(", ")
    ))
}

/// A warning where what was found best is the same answer for every row.
pub(crate) fn of_constant(model: &EnsembleRecord, options: &Options) -> Option<String> {
    let is_constant =
        !model.members.is_empty() && model.members.iter().all(|m| m.trial == BASELINE);
    (is_constant && options.single.is_none()).then(|| {
        "nothing was learned: no model was better in validation than the same answer for every \
         row, so that is what this one gives; give more rows, other columns, or more time"
            .to_owned()
    })
}

/// A warning where classes of the target differ in case or blanks only.
pub(crate) fn of_spelling(target: &str, alerts: &[Alert]) -> Option<String> {
    let about_target = |alert: &&Alert| {
        alert.kind == AlertKind::DirtyCategories && alert.columns.iter().any(|name| name == target)
    };
    let alert = alerts.iter().find(about_target)?;
    Some(format!(
        "the target {}: each is learned as a class of its own; write them alike in the file",
        alert.message
    ))
}

/// A warning where rows have no group.
pub(crate) fn of_groups(table: &Table, options: &Options) -> Option<String> {
    let name = options.group.as_ref()?;
    let column = table.column(name)?;
    let n_missing = (0..column.n_rows()).filter(|row| column.is_missing(*row)).count();
    (n_missing > 0).then(|| {
        format!(
            "{n_missing} of {} rows to learn from have no `{name}`: each was taken as a group of \
             its own, so that rows that belong together may be on both sides",
            column.n_rows()
        )
    })
}

/// A warning where intervals or sets held the truth less often than they say, beyond chance.
pub(crate) fn of_coverage(levels: &[LevelRecord]) -> Option<String> {
    let missed = |level: &&LevelRecord| level.reached.is_some_and(|r| r.ci95.high < level.level);
    let level = levels.iter().find(missed)?;
    let reached = level.reached?;
    Some(format!(
        "intervals or sets of {} % held the truth of {:.1} % of {} untouched rows only ({:.1} to \
         {:.1}): these rows are not like those that the intervals were made on; do not rely on \
         their width",
        percent(level.level),
        reached.share * 100.0,
        reached.n_rows,
        reached.ci95.low * 100.0,
        reached.ci95.high * 100.0
    ))
}

/// A share in per cent without digits that only rounding made.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// Scores that differ by less than this part of the way to the perfect one are alike.
const ROUNDING: f64 = 1e-4;

/// A score with four digits after the point, more where it is smaller than that.
fn score_text(score: f64) -> String {
    if score == 0.0 || score.abs() >= 0.01 { format!("{score:.4}") } else { format!("{score:.3e}") }
}

/// A warning where the model was no better on untouched rows than the same answer for every row.
pub(crate) fn of_score(evaluation: &Evaluation, optimised: &MetricEntry) -> Option<String> {
    let of =
        |all: &[MetricValue], name: &str| all.iter().find(|m| m.name == name).and_then(|m| m.value);
    let loss = metric("log_loss").ok().filter(|loss| loss.spec.name != optimised.spec.name);
    let worse = |entry: &MetricEntry| {
        let name = entry.spec.name;
        let (own, constant) = (of(&evaluation.metrics, name)?, of(&evaluation.baseline, name)?);
        // What differs by rounding is the constant itself: by hardly a part of the way from it to
        // the perfect value, where there is one (R² has its constant at 0).
        let way = (entry.spec.perfect - constant).abs();
        let size = if way.is_finite() { way } else { own.abs().max(constant.abs()) };
        let differs = (own - constant).abs() > ROUNDING * size;
        (differs && entry.spec.is_better(constant, own)).then_some((own, constant))
    };
    let mut asked = [optimised].into_iter().chain(loss);
    let (entry, (own, constant)) = asked.find_map(|entry| Some((entry, worse(entry)?)))?;
    let advice = if entry.spec.name == "log_loss" && optimised.spec.name != "log_loss" {
        "do not rely on its probabilities"
    } else {
        "it has learned nothing that holds for new rows"
    };
    Some(format!(
        "on the untouched rows the model is worse than the same answer for every row: {} \
         {} against {}; {advice}",
        entry.spec.title,
        score_text(own),
        score_text(constant)
    ))
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;
    use modelwright_core::record::{Count, Coverage, Interval, Member};
    use modelwright_core::task::Task;

    use super::*;

    fn task(counts: &[(&str, usize)]) -> TaskRecord {
        let count = |(name, n): &(&str, usize)| Count { name: (*name).to_owned(), n: *n };
        TaskRecord {
            task: Task::Multiclass,
            evidence: String::new(),
            target: "y".to_owned(),
            metric: "log_loss".to_owned(),
            larger_is_better: false,
            classes: Vec::new(),
            class_counts: counts.iter().map(count).collect(),
            histogram: Vec::new(),
            n_rows_without_target: 0,
        }
    }

    #[test]
    fn a_class_of_hardly_any_row_is_named_with_its_rows() {
        let held = Table::new(vec![Column::numbers("y", vec![0.0; 20])]).unwrap();
        let text = of_classes(&task(&[("0", 100), ("1", 1)]), Some(&held)).unwrap();
        assert!(text.starts_with("`1` has 1 row; none of them tests the model"), "{text}");
        let many = [("a", 100), ("b", 2), ("c", 3), ("d", 4), ("e", 5)];
        let text = of_classes(&task(&many), None).unwrap();
        assert!(
            text.contains("`b` has 2 rows, `c` has 3 rows, `d` has 4 rows and 1 more"),
            "{text}"
        );
        assert_eq!(of_classes(&task(&[("0", 100), ("1", 10)]), None), None);
        assert_eq!(of_classes(&task(&[]), None), None);
    }

    #[test]
    fn a_model_that_is_worse_than_the_constant_is_not_delivered_without_a_word() {
        let value = |name: &str, value| MetricValue {
            name: name.to_owned(),
            value: Some(value),
            ci95: None,
            note: None,
        };
        let found = |auc, loss| Evaluation {
            metrics: vec![value("roc_auc", auc), value("log_loss", loss)],
            baseline: vec![value("roc_auc", 0.5), value("log_loss", 0.2)],
            ..Evaluation::default()
        };
        let auc = metric("roc_auc").unwrap();
        assert_eq!(of_score(&found(0.7, 0.1), auc), None);
        assert_eq!(of_score(&found(0.5, 0.2), auc), None, "the constant itself");
        assert_eq!(of_score(&found(0.5, 0.200_001), auc), None, "but for rounding");
        assert!(
            of_score(&found(0.7, 0.9), auc).unwrap().contains("Log loss 0.9000 against 0.2000")
        );
        assert!(of_score(&found(0.4, 0.1), auc).unwrap().contains("ROC AUC 0.4000"));
    }

    #[test]
    fn a_model_that_is_the_constant_is_called_so_unless_that_was_asked_for() {
        let member = |trial: &str| Member {
            trial: trial.to_owned(),
            weight: 1.0,
            rounds: 0,
            n_models: 1,
            is_refit: true,
        };
        let of = |trials: &[&str]| EnsembleRecord {
            members: trials.iter().map(|t| member(t)).collect(),
            ..EnsembleRecord::default()
        };
        let options = Options::new("y");
        assert!(of_constant(&of(&["baseline"]), &options).unwrap().contains("nothing was learned"));
        assert_eq!(of_constant(&of(&["baseline", "linear"]), &options), None);
        assert_eq!(of_constant(&of(&[]), &options), None);
    }

    #[test]
    fn rows_without_a_group_are_counted() {
        let table = Table::new(vec![Column::numbers("id", vec![1.0, f64::NAN, 2.0])]).unwrap();
        let options = Options { group: Some("id".to_owned()), ..Options::new("y") };
        let text = of_groups(&table, &options).unwrap();
        assert!(text.starts_with("1 of 3 rows to learn from have no `id`"), "{text}");
        assert_eq!(of_groups(&table, &Options::new("y")), None);
        let whole = Table::new(vec![Column::numbers("id", vec![1.0, 2.0])]).unwrap();
        assert_eq!(of_groups(&whole, &options), None);
    }

    #[test]
    fn intervals_that_hold_less_than_they_say_are_named_and_chance_is_not() {
        let level = |share: f64, high: f64| LevelRecord {
            level: 0.9,
            reached: Some(Coverage {
                n_rows: 600,
                share,
                ci95: Interval { low: share - 0.04, high },
                mean_size: 1.0,
            }),
            groups: Vec::new(),
        };
        let text = of_coverage(&[level(0.615, 0.65)]).unwrap();
        assert!(text.contains("of 90 % held the truth of 61.5 % of 600"), "{text}");
        assert_eq!(of_coverage(&[level(0.88, 0.91)]), None);
        assert_eq!(of_coverage(&[]), None);
    }
}
