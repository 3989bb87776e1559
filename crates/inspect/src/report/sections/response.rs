//! How differently rows respond to a column: centred curves of single rows, summed up.

use modelwright_core::record::CurvePoint;

use crate::explain::shapley::Scale;
use crate::explain::{ColumnProfile, Ice, IceBand};
use crate::report::chart::{Chart, NamedLine, Plot};
use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

const SPEC: Spec =
    Spec { id: "response", part: Part::Quality, title: "How differently rows respond" };

/// Rows have little in common where less of the movement is shared than this.
const LITTLE: f64 = 0.5;

/// Of profiles that have curves of rows; `None` when none has.
pub(crate) fn of(profiles: &[ColumnProfile]) -> Option<Section> {
    let with_curves = || profiles.iter().filter_map(|p| p.ice.as_ref().map(|ice| (p, ice)));
    let least = with_curves()
        .filter_map(|(p, ice)| ice.common.map(|common| (p, common)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let finding = match least {
        None if with_curves().next().is_none() => return None,
        None => "Predictions of no row move along these columns.".to_owned(),
        Some((profile, common)) => {
            let column = words::quoted(&profile.column);
            let share = number::share(common);
            if common < LITTLE {
                format!(
                    "Rows respond differently to {column}: all have only {share} of the movement \
                     in common, so that its mean curve says little about any of them."
                )
            } else {
                format!(
                    "Rows respond alike: {share} of the movement or more is common to all, least \
                     along {column}."
                )
            }
        }
    };
    let mut section = Section::new(&SPEC, finding);
    for (profile, ice) in with_curves() {
        section = match chart(profile, ice) {
            Some(chart) => section.block(chart),
            None => section.block(table(profile, ice)),
        };
    }
    Some(section)
}

/// Factor and unit of differences.
fn unit(profile: &ColumnProfile) -> (f64, &'static str) {
    match profile.scale {
        Scale::Probability => (100.0, "points"),
        _ => (1.0, "of the score"),
    }
}

fn about(profile: &ColumnProfile, ice: &Ice) -> String {
    let first = profile.points.first().map_or(String::new(), |p| words::clean(&p.value));
    let common = ice.common.map_or(String::new(), |common| {
        format!(" All rows have {} of the movement in common.", number::share(common))
    });
    format!(
        "Differences from each row's own prediction at {first}, while all else stays as it is; \
         centred individual conditional expectations of {}.{common}",
        number::rows(profile.n_rows)
    )
}

/// Bands along numbers; `None` for categories.
fn chart(profile: &ColumnProfile, ice: &Ice) -> Option<Chart> {
    let (factor, unit) = unit(profile);
    let xs: Option<Vec<f64>> = profile.points.iter().map(|p| p.number).collect();
    let xs = xs.filter(|xs| xs.len() > 1 && !profile.is_instant)?;
    let line = |label: &str, of: fn(&IceBand) -> f64| NamedLine {
        label: label.to_owned(),
        points: xs
            .iter()
            .zip(&ice.bands)
            .map(|(x, band)| CurvePoint { x: *x, y: factor * of(band), threshold: None })
            .collect(),
    };
    let output = profile.outputs.last().map_or("", String::as_str);
    let what = words::predicted(output, profile.scale == Scale::Probability);
    Some(Chart {
        title: format!("{what} along {}", words::quoted(&profile.column)),
        summary: about(profile, ice),
        x: words::clean(&profile.column),
        y: format!("Difference, {unit}"),
        plot: Plot::Lines {
            lines: vec![
                line("Half of the rows lie below", |b| b.median),
                line("Nine in ten rows lie below", |b| b.high),
                line("One in ten rows lies below", |b| b.low),
            ],
            mark: None,
        },
    })
}

fn table(profile: &ColumnProfile, ice: &Ice) -> Table {
    let (factor, unit) = unit(profile);
    let mut table = Table::new(
        format!("{} in {unit}. {}", words::quoted(&profile.column), about(profile, ice)),
        vec![
            TableColumn::words("Value"),
            TableColumn::numbers("One in ten rows below"),
            TableColumn::numbers("Half below"),
            TableColumn::numbers("Nine in ten below"),
        ],
    );
    for (point, band) in profile.points.iter().zip(&ice.bands) {
        let cell = |v: f64| Cell::new(number::significant(factor * v, 3));
        table.rows.push(vec![
            Cell::new(words::clean(&point.value)),
            cell(band.low),
            cell(band.median),
            cell(band.high),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{ProfileKind, ProfilePoint};

    fn profile(numbers: bool, common: f64) -> ColumnProfile {
        let point = |i: usize| ProfilePoint {
            value: format!("v{i}"),
            number: numbers.then_some(i as f64),
            n_rows: 10,
            effects: vec![0.0],
            half_widths: vec![0.0],
        };
        let band = |at: f64| IceBand { low: -at, median: 0.0, high: at };
        ColumnProfile {
            column: "age".to_owned(),
            kind: ProfileKind::PartialDependence,
            outputs: vec!["yes".to_owned()],
            scale: Scale::Probability,
            n_rows: 30,
            is_instant: false,
            points: (0..3).map(point).collect(),
            curves: Vec::new(),
            ice: Some(Ice { bands: vec![band(0.0), band(0.1), band(0.2)], common: Some(common) }),
        }
    }

    #[test]
    fn numbers_are_drawn_categories_listed_and_the_finding_says_how_alike_rows_are() {
        let section = of(&[profile(true, 0.1), profile(false, 0.9)]).unwrap();
        assert!(section.finding.contains("differently") && section.finding.contains("10.0 %"));
        assert_eq!(section.blocks.len(), 2);
        let alike = of(&[profile(true, 0.9)]).unwrap();
        assert!(alike.finding.contains("alike"), "{}", alike.finding);
        let without = ColumnProfile { ice: None, ..profile(true, 0.9) };
        assert!(of(&[without]).is_none());
    }
}
