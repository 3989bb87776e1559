//! `explain --profile`: how predictions move along columns.

use std::fmt::Write as _;

use modelwright::automl::explain::{ColumnProfile, Ice, Scale};

use crate::output::{TextTable, count, number};

/// Profiles as text; `ice` shows how differently rows respond.
pub(super) fn text(profiles: &[ColumnProfile], ice: bool) -> String {
    let mut text = String::new();
    for profile in profiles {
        if ice && let Some(found) = &profile.ice {
            text.push_str(&of_rows(profile, found));
            continue;
        }
        let (unit, of) = unit(profile);
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

/// The factor of differences, and what they are in.
fn unit(profile: &ColumnProfile) -> (f64, &'static str) {
    if profile.scale == Scale::Probability { (100.0, "points") } else { (1.0, "difference") }
}

/// Where the curves of rows lie.
fn of_rows(profile: &ColumnProfile, ice: &Ice) -> String {
    let (unit, of) = unit(profile);
    let first = profile.points.first().map_or("", |p| p.value.as_str());
    let mut table = TextTable::new(&["value", ">rows", ">10 % below", ">half", ">90 % below"]);
    for (point, band) in profile.points.iter().zip(&ice.bands) {
        let mut cells = vec![point.value.clone(), count(point.n_rows)];
        cells.extend([band.low, band.median, band.high].map(|v| signed(v * unit)));
        table.row(cells);
    }
    let output = profile.outputs.last().map_or("", String::as_str);
    let what = match profile.scale {
        Scale::Probability => format!("the chance of {output}"),
        _ => output.to_owned(),
    };
    let common = ice.common.map_or(String::new(), |common| {
        format!("  All rows have {:.1} % of the movement in common.\n", common * 100.0)
    });
    format!(
        "{}: how {what} moves in each of {} rows, {of} from its own at {first}\n{}{common}\n",
        profile.column,
        count(profile.n_rows),
        table.render()
    )
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}
