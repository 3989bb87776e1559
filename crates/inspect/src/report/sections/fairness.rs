//! Whether groups are treated alike: a verdict for each partition, its groups, the definitions
//! with their names, and the columns that reveal a sensitive one.

use modelwright_core::record::{
    Disparity, FairnessRecord, GroupAudit, GroupMeasures, HeldGroups, Interval, Judgement,
    MetricValue, Proxy, RunRecord,
};
use modelwright_evaluate::fairness::MAIN_DEFINITIONS;

use super::wilson;
use crate::report::section::{
    Block, Callout, Cell, Graphic, Part, Section, Spec, Table, TableColumn, Tone,
};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "fairness", part: Part::Quality, title: "Groups side by side" };

/// Groups that stay open in a table.
const OPEN_GROUPS: usize = 12;

/// What is shown of every group, with its heading: of decisions for a class, and of numbers.
const OF_CLASS: [(&str, &str); 5] = [
    ("selection_rate", "Decided so"),
    ("true_positive_rate", "Of those who are"),
    ("false_positive_rate", "Of those who are not"),
    ("precision", "Right when decided so"),
    ("accuracy", "Right in all"),
];
const OF_NUMBERS: [(&str, &str); 4] = [
    ("mean_residual", "True less predicted"),
    ("rmse", "RMSE"),
    ("mae", "Mean error"),
    ("mean_prediction", "Mean prediction"),
];

/// Applies when sensitive columns were named.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    record.fairness.as_ref().filter(|f| !f.audits.is_empty()).map(of)
}

/// The section of an audit.
pub(crate) fn of(fairness: &FairnessRecord) -> Section {
    let mut section = Section::new(&SPEC, finding(fairness));
    let is_long = fairness.audits.len() > 4;
    for (place, audit) in fairness.audits.iter().enumerate() {
        if is_silent(fairness, place) {
            continue;
        }
        let callout = callout(fairness, audit);
        let mut blocks = groups_table(audit).folded_after(OPEN_GROUPS, "groups");
        blocks.extend(
            audit.note.as_ref().map(|note| Block::Text(words::group(&words::remark(note)))),
        );
        let definitions = definitions_table(audit);
        if !definitions.rows.is_empty() {
            blocks.push(Block::Details {
                summary: format!("The definitions of fairness for {}", named(fairness, audit)),
                blocks: vec![definitions.into()],
            });
        }
        section = section.block(callout);
        if is_long {
            let summary = format!("The groups of {}", named(fairness, audit));
            section = section.block(Block::Details { summary, blocks });
        } else {
            section.blocks.extend(blocks);
        }
    }
    for held in &fairness.held {
        section.blocks.extend(held_table(held).folded_after(OPEN_GROUPS, "groups"));
    }
    if !fairness.proxies.is_empty() {
        section = section.block(proxies_table(&fairness.proxies, fairness.n_rows));
    }
    section
        .block(Block::Text(format!(
            "Intervals are 95 % ({}); those of a definition are of the two groups that it names, \
             which were picked because they lie farthest apart. A disparity counts as no chance \
             when a χ² test of all judged groups together gives p < 0.05{}. \
             Groups with fewer than {} are not judged.",
            words::sentence(&fairness.interval_method),
            match fairness.n_questions {
                0 | 1 => String::new(),
                n => format!(", corrected by Holm's method for all {n} questions that are judged"),
            },
            number::rows(fairness.min_group)
        )))
        .caveat(
            "Equal numbers are no proof of fair treatment: which of them should be equal depends \
             on the decision, and not all can be equal at once when the groups' true shares \
             differ.",
        )
}

/// The worst judgement and where it was found, in one sentence.
fn finding(fairness: &FairnessRecord) -> String {
    let rows = number::rows(fairness.n_rows);
    let of = |judgement: Judgement| {
        let found = fairness.audits.iter().filter(|a| a.judgement == judgement);
        let mut names: Vec<String> = found.map(partition).collect();
        names.dedup();
        names
    };
    let (unequal, unclear) = (of(Judgement::Unequal), of(Judgement::Unclear));
    if !unequal.is_empty() {
        return format!("The groups of {} are treated unequally on {rows}.", list(&unequal));
    }
    if !unclear.is_empty() {
        return format!(
            "On {rows}, it stays unclear whether the groups of {} are treated alike.",
            list(&unclear)
        );
    }
    if of(Judgement::Alike).is_empty() {
        return format!("The {rows} are too few to say anything about the groups.");
    }
    format!("No large disparity between groups is found on {rows}.")
}

/// At most three names.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether an audit says no more than one before it: that nothing can be judged of these groups,
/// whatever the class.
fn is_silent(fairness: &FairnessRecord, place: usize) -> bool {
    let audit = &fairness.audits[place];
    let is_said = |a: &GroupAudit| {
        a.columns == audit.columns
            && a.judgement == Judgement::NotJudged
            && a.verdict == audit.verdict
    };
    audit.judgement == Judgement::NotJudged && fairness.audits[..place].iter().any(is_said)
}

/// The class that an audit is of, where the same groups are audited for several.
fn of_class(fairness: &FairnessRecord, audit: &GroupAudit) -> String {
    let n_alike = fairness.audits.iter().filter(|a| a.columns == audit.columns).count();
    let is_shared = audit.judgement == Judgement::NotJudged;
    match &audit.positive {
        Some(class) if n_alike > 1 && !is_shared => format!(", for {}", words::quoted(class)),
        _ => String::new(),
    }
}

/// The columns of a partition, with the class where there are many.
fn named(fairness: &FairnessRecord, audit: &GroupAudit) -> String {
    format!("{}{}", partition(audit), of_class(fairness, audit))
}

/// The columns of a partition.
fn partition(audit: &GroupAudit) -> String {
    audit.columns.iter().map(|c| words::quoted(c)).collect::<Vec<_>>().join(" × ")
}

fn callout(fairness: &FairnessRecord, audit: &GroupAudit) -> Callout {
    let (tone, word) = match audit.judgement {
        Judgement::NotJudged => (Tone::Neutral, "Not judged"),
        Judgement::Alike => (Tone::Good, "Alike"),
        Judgement::Unclear => (Tone::Warning, "Unclear"),
        Judgement::Unequal => (Tone::Severe, "Unequal"),
    };
    let names: Vec<String> = audit.columns.iter().map(|c| words::clean(c)).collect();
    let label = format!("{}{}: {word}", names.join(" × "), of_class(fairness, audit));
    Callout { tone, label, text: words::group(&words::sentence(&audit.verdict)) }
}

fn shown(audit: &GroupAudit) -> &'static [(&'static str, &'static str)] {
    if audit.positive.is_some() { &OF_CLASS } else { &OF_NUMBERS }
}

fn groups_table(audit: &GroupAudit) -> Table {
    let n_rows: usize = audit.groups.iter().map(|g| g.n_rows).sum();
    let about = audit
        .positive
        .as_ref()
        .map_or(String::new(), |class| format!("“Decided so” is {}; ", words::quoted(class)));
    let first = shown(audit).first().map_or("", |(name, _)| name);
    let scale = scale(audit, first);
    let mut columns = vec![TableColumn::words("Group"), TableColumn::numbers("Rows")];
    columns.push(TableColumn::intervals(shown(audit)[0].1, scale));
    columns.extend(shown(audit)[1..].iter().map(|(_, title)| TableColumn::numbers(*title)));
    let mut table = Table::new(format!("{about}{}", number::rows(n_rows)), columns);
    for group in &audit.groups {
        table.rows.push(group_row(audit, group));
    }
    let mut all = vec![Cell::new("All"), Cell::new(number::count(n_rows))];
    all.extend(
        shown(audit)
            .iter()
            .enumerate()
            .map(|(i, (name, _))| cell(audit, find(&audit.overall, name), i == 0)),
    );
    table.rows.push(all);
    table
}

fn group_row(audit: &GroupAudit, group: &GroupMeasures) -> Vec<Cell> {
    let name = name_of(&group.name);
    let mut row = vec![Cell::new(name), Cell::new(number::count(group.n_rows))];
    if !group.is_judged {
        row[0] = row[0].clone().detail("too few rows to be judged");
    }
    row.extend(
        shown(audit)
            .iter()
            .enumerate()
            .map(|(i, (measure, _))| cell(audit, find(&group.measures, measure), i == 0)),
    );
    row
}

fn find<'a>(measures: &'a [MetricValue], name: &str) -> Option<&'a MetricValue> {
    measures.iter().find(|m| m.name == name)
}

fn cell(audit: &GroupAudit, measure: Option<&MetricValue>, is_drawn: bool) -> Cell {
    let Some((measure, value)) = measure.and_then(|m| Some((m, m.value?))) else {
        return Cell::new("–");
    };
    let is_share = audit.positive.is_some();
    let text = |v: f64| if is_share { number::share(v) } else { number::significant(v, 3) };
    let cell = Cell::new(text(value));
    let cell = match measure.ci95 {
        Some(ci) => cell.detail(format!("{} to {}", text(ci.low), text(ci.high))),
        None => cell,
    };
    if is_drawn { cell.graphic(Graphic::Interval { value, ci95: measure.ci95 }) } else { cell }
}

/// The range of the intervals of a measure.
fn scale(audit: &GroupAudit, name: &str) -> Option<Interval> {
    let measures = audit.groups.iter().filter_map(|g| find(&g.measures, name));
    let intervals = measures.filter_map(|m| m.ci95);
    intervals.reduce(|a, b| Interval { low: a.low.min(b.low), high: a.high.max(b.high) })
}

fn definitions_table(audit: &GroupAudit) -> Table {
    // Of one question there is nothing to correct.
    let differs = |d: &Disparity| d.p_holm.is_some_and(|p| Some(p) != d.p_value);
    let is_corrected = audit.definitions.iter().any(differs);
    let mut columns = vec![
        TableColumn::words("Name"),
        TableColumn::numbers("Value"),
        TableColumn::numbers("95 % of this pair"),
        TableColumn::numbers("p of all groups"),
    ];
    columns.extend(is_corrected.then(|| TableColumn::numbers("Corrected p")));
    columns.push(TableColumn::words("Between"));
    let mut table = Table::new("Definitions, by the names of fairlearn and AIF360", columns);
    let is_shown = |d: &&Disparity| {
        MAIN_DEFINITIONS.contains(&d.name.as_str())
            && (d.value.is_some() || audit.judgement != Judgement::NotJudged)
    };
    let row = |d: &Disparity| disparity_row(d, is_corrected);
    table.rows.extend(audit.definitions.iter().filter(is_shown).map(row));
    table
}

fn disparity_row(of: &Disparity, is_corrected: bool) -> Vec<Cell> {
    let between = match (&of.lowest, &of.highest) {
        (Some(low), Some(high)) if low != high => {
            format!("{} and {}", name_of(low), name_of(high))
        }
        _ => "all groups alike".to_owned(),
    };
    let chance = |p: Option<f64>| match p {
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => number::fixed(p, 3),
        None => "–".to_owned(),
    };
    let mut row = vec![
        Cell::new(words::clean(&of.name)),
        Cell::new(of.value.map_or("–".to_owned(), |v| number::significant(v, 3))),
        Cell::new(of.ci95.map_or("–".to_owned(), number::interval)),
        Cell::new(chance(of.p_value)),
    ];
    row.extend(is_corrected.then(|| Cell::new(chance(of.p_holm))));
    row.push(match &of.note {
        _ if of.value.is_some() => Cell::new(between),
        Some(note) => Cell::new("undefined").detail(words::clean(note)),
        None => Cell::new("undefined"),
    });
    row
}

/// The name of a group as it is shown.
fn name_of(group: &str) -> String {
    words::group(&words::clean(group))
}

/// Whether every group gets the share that intervals or sets state.
fn held_table(held: &HeldGroups) -> Table {
    let columns: Vec<String> = held.columns.iter().map(|c| words::quoted(c)).collect();
    let mut table = Table::new(
        format!(
            "Intervals or sets that are to hold {} of the answers, by {}",
            number::share(held.level),
            columns.join(" × ")
        ),
        vec![
            TableColumn::words("Group"),
            TableColumn::numbers("Rows"),
            TableColumn::numbers("Held"),
            TableColumn::numbers("Mean size"),
        ],
    );
    for group in &held.groups {
        let reached = &group.reached;
        let share = number::share(reached.share);
        let is_short = reached.ci95.high < held.level;
        let cell = if is_short { Cell::mark(Tone::Warning, share) } else { Cell::new(share) };
        table.rows.push(vec![
            Cell::new(group.group.as_ref().map_or("others".to_owned(), |g| name_of(g))),
            Cell::new(number::count(reached.n_rows)),
            cell.detail(format!(
                "{} to {}",
                number::share(reached.ci95.low),
                number::share(reached.ci95.high)
            )),
            Cell::new(number::significant(reached.mean_size, 3)),
        ]);
    }
    table
}

fn proxies_table(proxies: &[Proxy], n_rows: usize) -> Table {
    let mut table = Table::new(
        format!(
            "Columns of the model that reveal a sensitive one: leaving that one out does not hide \
             it; {}",
            number::rows(n_rows)
        ),
        vec![
            TableColumn::words("Column"),
            TableColumn::words("Reveals"),
            TableColumn::numbers("Association (Cramér’s V)"),
            TableColumn::numbers("Rows whose group it tells"),
            TableColumn::numbers("By always guessing"),
        ],
    );
    for proxy in proxies {
        table.rows.push(vec![
            Cell::new(words::clean(&proxy.column)),
            Cell::new(words::clean(&proxy.sensitive)),
            Cell::new(number::fixed(proxy.association, 2)),
            told(proxy, n_rows),
            Cell::new(number::share(proxy.guessed)),
        ]);
    }
    table
}

/// The share of rows whose group a proxy tells, with its interval.
fn told(proxy: &Proxy, n_rows: usize) -> Cell {
    let cell = Cell::new(number::share(proxy.told));
    let hits = (proxy.told * n_rows as f64).round() as u64;
    // Records of former days have no interval of their own.
    match proxy.told_ci95.or_else(|| wilson::interval(hits, n_rows as u64)) {
        Some(ci) => cell.detail(format!("{} to {}", number::share(ci.low), number::share(ci.high))),
        None => cell,
    }
}
