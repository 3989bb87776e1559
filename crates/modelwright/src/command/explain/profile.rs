//! `explain --profile`: how predictions move along columns.

use std::fmt::Write as _;

use modelwright::automl::explain::{ColumnProfile, Scale};

use crate::output::{TextTable, count, number};

/// Profiles as text.
pub(super) fn text(profiles: &[ColumnProfile]) -> String {
    let mut text = String::new();
    for profile in profiles {
        let unit = if profile.scale == Scale::Probability { 100.0 } else { 1.0 };
        let of = if unit == 100.0 { "points" } else { "difference" };
        let _ = writeln!(
            text,
            "{}: {} over {} rows, {of} from the mean",
            profile.column,
            profile.kind.text(),
            count(profile.n_rows)
        );
        let titles: Vec<String> = profile.outputs.iter().map(|o| format!(">{o}")).collect();
        let mut all = vec!["value", ">rows"];
        all.extend(titles.iter().map(String::as_str));
        all.push("± (95 %)");
        let mut table = TextTable::new(&all);
        for point in &profile.points {
            let mut cells = vec![point.value.clone(), count(point.n_rows)];
            cells.extend(point.effects.iter().map(|e| signed(e * unit)));
            let widest = point.half_widths.iter().fold(0.0_f64, |a, b| a.max(*b));
            cells.push(number(widest * unit));
            table.row(cells);
        }
        let _ = writeln!(text, "{}", table.render());
    }
    text
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}
