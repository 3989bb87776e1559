//! Where the time went, and whether the budget was kept.

use modelwright_core::record::RunRecord;

use crate::report::section::{Block, Cell, Fact, Graphic, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "timing", part: Part::Record, title: "Time and memory" };

/// The promise: at most 5 % and one second over the limit.
const TIME_SLACK: (f64, f64) = (1.05, 1.0);

/// Always applies.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let clock = &record.clock;
    let total = number::seconds(clock.total_s);
    let finding = match record.options.time_limit_s {
        Some(limit) => {
            let kept = clock.total_s <= limit * TIME_SLACK.0 + TIME_SLACK.1;
            format!(
                "The run took {total} of the {} allowed: the budget was {}.",
                number::seconds(limit),
                if kept { "kept" } else { "not kept" }
            )
        }
        None => format!("The run took {total}, without a limit."),
    };
    let mut facts = vec![
        Fact::new("Wall time", total),
        Fact::new("Threads", number::count(clock.threads)),
        Fact::new(
            "Peak memory",
            clock.peak_memory_bytes.map_or("not measured".to_owned(), number::bytes),
        ),
        Fact::new(
            "Memory limit",
            record.options.memory_limit_bytes.map_or("none".to_owned(), number::bytes),
        ),
    ];
    if !clock.machine.is_empty() {
        facts.push(Fact::new("Machine", words::clean(&clock.machine)));
    }
    let mut table = Table::new(
        "Wall time by phase",
        vec![
            TableColumn::words("Phase"),
            TableColumn::numbers("Time"),
            TableColumn::numbers("Share of the run"),
        ],
    );
    for phase in &clock.phases {
        let share = if clock.total_s > 0.0 { phase.seconds / clock.total_s } else { 0.0 };
        table.rows.push(vec![
            Cell::new(words::clean(&phase.name)),
            Cell::new(number::seconds(phase.seconds)),
            Cell::new(number::share(share)).graphic(Graphic::Share(share)),
        ]);
    }
    let table = (!table.rows.is_empty()).then_some(table);
    Some(Section::new(&SPEC, finding).block(Block::Facts(facts)).maybe(table))
}
