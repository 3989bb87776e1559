//! Intervals and sets of predictions: how often they held the truth of untouched rows.

use modelwright_core::record::{Coverage, GroupCoverage, IntervalsRecord, LevelRecord, RunRecord};
use modelwright_core::task::Task;

use crate::report::chart::{Chart, Estimate, Plot};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "intervals", part: Part::Quality, title: "Intervals around predictions" };

/// Groups that stay open in the table, and that the chart shows.
const OPEN_GROUPS: usize = 10;

/// Applies when the model has intervals or sets.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let intervals = record.intervals.as_ref()?;
    let first = intervals.levels.first()?;
    let mut section = Section::new(&SPEC, finding(record, first));
    if intervals.levels.iter().any(|level| level.reached.is_some()) {
        section = section.block(levels(record, intervals));
    }
    section = section.maybe(chart(intervals, first));
    if let Some(table) = groups(record, intervals) {
        section.blocks.extend(table.folded_after(OPEN_GROUPS, "rows"));
    }
    section = section.block(Block::Text(how(intervals))).maybe(compared(intervals));
    section.caveats = caveats(record, intervals);
    Some(section)
}

fn is_set(record: &RunRecord) -> bool {
    record.task.task != Task::Regression
}

/// A reason for care: the first level holds less than it states, beyond chance.
pub(super) fn care(record: &RunRecord) -> Option<String> {
    let level = record.intervals.as_ref()?.levels.first().filter(|level| is_missed(level))?;
    let (noun, how) = if is_set(record) { ("sets", "small") } else { ("intervals", "narrow") };
    Some(format!(
        "Its {} {noun} held the truth of only {} of the untouched rows: they are too {how}.",
        number::share(level.level),
        number::share(level.reached?.share)
    ))
}

/// Whether less than stated was held on the untouched rows, beyond chance.
fn is_missed(level: &LevelRecord) -> bool {
    level.reached.is_some_and(|reached| reached.ci95.high < level.level)
}

fn size(record: &RunRecord, value: f64) -> String {
    let text = number::significant(value, 3);
    match (is_set(record), text.as_str()) {
        (true, "1") => "1 class".to_owned(),
        (true, _) => format!("{text} classes"),
        (false, _) => text,
    }
}

fn finding(record: &RunRecord, level: &LevelRecord) -> String {
    let noun = if is_set(record) { "sets" } else { "intervals" };
    let share = number::share(level.level);
    let Some(reached) = &level.reached else {
        return format!(
            "The {noun} are made to hold {share} of new rows; there were no untouched rows to \
             measure it on."
        );
    };
    let size = match record.task.task {
        Task::Regression => format!(
            "their mean width is {} in the unit of {}",
            size(record, reached.mean_size),
            words::quoted(&record.task.target)
        ),
        _ => format!("they have {} on average", size(record, reached.mean_size)),
    };
    format!(
        "The {share} {noun} held the truth in {} ({} to {}) of {}; {size}.",
        number::share(reached.share),
        number::share(reached.ci95.low),
        number::share(reached.ci95.high),
        number::untouched(reached.n_rows)
    )
}

fn size_title(record: &RunRecord) -> &'static str {
    if is_set(record) { "Mean classes in a set" } else { "Mean width" }
}

fn cells(level: f64, reached: &Coverage) -> Vec<Cell> {
    let held = number::share(reached.share);
    let held = if within(level, reached) {
        Cell::new(held)
    } else {
        Cell::mark(if reached.share < level { Tone::Warning } else { Tone::Neutral }, held)
    };
    let ci95 = reached.ci95;
    vec![
        held,
        Cell::new(format!("{} to {}", number::share(ci95.low), number::share(ci95.high))),
        Cell::new(number::significant(reached.mean_size, 3)),
        Cell::new(number::count(reached.n_rows)),
    ]
}

fn within(level: f64, reached: &Coverage) -> bool {
    reached.ci95.low <= level && level <= reached.ci95.high
}

fn levels(record: &RunRecord, intervals: &IntervalsRecord) -> Table {
    let n_rows = intervals.levels.iter().filter_map(|l| l.reached).map(|r| r.n_rows).max();
    let mut table = Table::new(
        format!("What was reached on {}", number::untouched(n_rows.unwrap_or(0))),
        vec![
            TableColumn::numbers("Stated"),
            TableColumn::numbers("Held"),
            TableColumn::numbers("95 % interval"),
            TableColumn::numbers(size_title(record)),
            TableColumn::numbers("Rows"),
        ],
    );
    for level in &intervals.levels {
        if let Some(reached) = &level.reached {
            let mut row = vec![Cell::new(number::share(level.level))];
            row.extend(cells(level.level, reached));
            table.rows.push(row);
        }
    }
    table
}

fn group_name(record: &RunRecord, intervals: &IntervalsRecord, group: &GroupCoverage) -> String {
    match (&group.group, &intervals.group) {
        (Some(value), _) => words::clean(value),
        (None, Some(column)) => format!("other values of {}", words::quoted(column)),
        (None, None) => format!("other rows of {}", words::quoted(&record.task.target)),
    }
}

fn groups(record: &RunRecord, intervals: &IntervalsRecord) -> Option<Table> {
    let by = intervals.group.as_ref().unwrap_or(&record.task.target);
    let mut table = Table::new(
        format!("By {}, on untouched rows", words::quoted(by)),
        vec![
            TableColumn::words("Group"),
            TableColumn::numbers("Stated"),
            TableColumn::numbers("Held"),
            TableColumn::numbers("95 % interval"),
            TableColumn::numbers(size_title(record)),
            TableColumn::numbers("Rows"),
        ],
    );
    for level in &intervals.levels {
        for group in &level.groups {
            let mut row = vec![
                Cell::new(group_name(record, intervals, group)),
                Cell::new(number::share(level.level)),
            ];
            row.extend(cells(level.level, &group.reached));
            table.rows.push(row);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

fn chart(intervals: &IntervalsRecord, level: &LevelRecord) -> Option<Chart> {
    let n_rows: usize = level.groups.iter().map(|g| g.reached.n_rows).sum();
    let estimate = |group: &GroupCoverage| Estimate {
        label: group.group.as_ref().map_or("others".to_owned(), |value| words::clean(value)),
        value: group.reached.share,
        ci95: Some(group.reached.ci95),
        emphasis: !within(level.level, &group.reached),
    };
    let estimates: Vec<Estimate> = level.groups.iter().take(OPEN_GROUPS).map(estimate).collect();
    if estimates.is_empty() {
        return None;
    }
    let by = intervals.group.as_ref().map_or("class".to_owned(), |g| words::quoted(g));
    Some(Chart {
        title: "Does every group get what is stated?".to_owned(),
        summary: format!(
            "The dashed line is the stated share; bars are 95 % intervals over {} by {by}.",
            number::untouched(n_rows)
        ),
        x: "Share of rows whose truth was held".to_owned(),
        y: String::new(),
        plot: Plot::Dots { estimates, reference: Some(level.level) },
    })
}

fn how(intervals: &IntervalsRecord) -> String {
    let rule = match intervals.method.as_str() {
        "quantiles" => {
            "They reach from a learned lower to a learned upper quantile of the model's errors, \
             moved by a constant so that the out-of-fold rows are held as often as stated: wide \
             where the model errs much, narrow where it is sure."
        }
        "constant" => {
            "They reach equally far to both sides of every prediction: as far as the stated share \
             of the out-of-fold errors."
        }
        _ => {
            "A set holds every class that is at least as probable as the true class of the stated \
             share of out-of-fold rows, and always the most probable one."
        }
    };
    let by = match &intervals.group {
        Some(column) => format!(" Each common value of {} has its own.", words::quoted(column)),
        None => String::new(),
    };
    let rows = number::rows(intervals.n_rows);
    let reason = words::remark(&intervals.reason);
    format!("{rule}{by} They rest on {rows} that were predicted out of fold. {reason}")
}

fn compared(intervals: &IntervalsRecord) -> Option<Block> {
    if intervals.compared.is_empty() {
        return None;
    }
    let mut table = Table::new(
        format!("Out of fold, at the first level; {}", number::rows(intervals.n_rows)),
        vec![
            TableColumn::words("Method"),
            TableColumn::numbers("Mean width"),
            TableColumn::numbers("Interval score (smaller is better)"),
        ],
    );
    for method in &intervals.compared {
        table.rows.push(vec![
            Cell::new(words::clean(&method.method)),
            Cell::new(number::significant(method.mean_width, 4)),
            Cell::new(number::significant(method.interval_score, 4)),
        ]);
    }
    let summary = "The methods that were compared".to_owned();
    Some(Block::Details { summary, blocks: vec![table.into()] })
}

fn caveats(record: &RunRecord, intervals: &IntervalsRecord) -> Vec<String> {
    let mut caveats = vec![
        "What is stated holds on average over rows that come about as these did, not for each row; \
         it is the cross-validated approximation: the errors of the refitted model are taken to be \
         those of the models out of fold."
            .to_owned(),
    ];
    if record.split.kind == "time" {
        caveats.push(
            "The rows are ordered in time: if the future differs from the past, the share that is \
             held does too."
                .to_owned(),
        );
    }
    for level in intervals.levels.iter().filter(|level| is_missed(level)) {
        caveats.push(format!(
            "On the untouched rows less than the stated {} was held, beyond chance.",
            number::share(level.level)
        ));
    }
    caveats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;
    use crate::report::sections::headline::{Headline, cares};

    #[test]
    fn intervals_that_hold_less_than_they_state_are_a_reason_for_care() {
        let all = canonical::all().into_iter().map(|(_, record)| record);
        let is_meant = |r: &RunRecord| r.task.task == Task::Regression && r.intervals.is_some();
        let mut record = all.into_iter().find(is_meant).expect("one has intervals");
        let said = |record: &RunRecord| {
            let cares = cares(record, &Headline::of(record));
            cares.into_iter().find(|care| care.contains("intervals held"))
        };
        let level = &mut record.intervals.as_mut().expect("it has").levels[0];
        level.level = 0.9;
        let reached = level.reached.as_mut().expect("it was measured");
        (reached.share, reached.ci95.low, reached.ci95.high) = (0.88, 0.85, 0.91);
        assert_eq!(said(&record), None, "by chance");
        let level = &mut record.intervals.as_mut().expect("it has").levels[0];
        let reached = level.reached.as_mut().expect("it was measured");
        (reached.share, reached.ci95.low, reached.ci95.high) = (0.84, 0.81, 0.87);
        let said = said(&record).expect("it is too little");
        assert!(said.contains("only 84.0 %") && said.ends_with("too narrow."), "{said}");
    }
}
