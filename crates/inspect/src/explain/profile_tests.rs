//! Profiles of known functions: straight lines, products, categories, and columns that go together.

use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Task};

use super::*;
use crate::explain::RawPredictor;

/// `3 a + a·b`, and 5 more where `c` is `red`.
struct Function;

impl RawPredictor for Function {
    fn predict(&self, table: &Table, _: &Context) -> Result<Predictions> {
        let number = |name: &str, row: usize| match &table.column(name).unwrap().data {
            ColumnData::Number(v) => v.at(row),
            _ => unreachable!(),
        };
        let value = |row: usize| {
            let red = table.column("c").unwrap().text(row) == Some("red");
            let (a, b) = (number("a", row), number("b", row));
            3.0 * a + a * b + if red { 5.0 } else { 0.0 }
        };
        Ok(Predictions::new(1, (0..table.n_rows()).map(value).collect()))
    }
}

fn subject() -> Subject<'static> {
    Subject {
        predictor: &Function,
        quick: None,
        columns: ["a", "b", "c"].map(str::to_owned).to_vec(),
        outputs: vec!["y".to_owned()],
        task: Task::Regression,
    }
}

/// `b` is `a` with a little noise.
fn table() -> Table {
    let mut random = Random::new(3);
    let a: Vec<f64> = (0..3000).map(|_| random.unit() * 2.0 - 1.0).collect();
    let b = a.iter().map(|a| a + 0.01 * random.normal()).collect::<Vec<f64>>();
    let colours = (0..3000).map(|i| Some(if i % 4 == 0 { "red" } else { "blue" }));
    let columns =
        vec![Column::numbers("a", a), Column::numbers("b", b), Column::strings("c", colours)];
    Table::new(columns).unwrap()
}

fn profile(column: &str, kind: Option<ProfileKind>) -> Result<ColumnProfile> {
    let ctx = Context::unlimited(0, 2);
    column_profile(&subject(), &table(), column, kind, Scale::Value, &ctx)
}

#[test]
fn local_effects_follow_columns_that_go_together_and_partial_dependence_does_not() {
    let at = |profile: &ColumnProfile, x: f64| {
        let near = profile
            .points
            .iter()
            .min_by(|p, q| (p.number.unwrap() - x).abs().total_cmp(&(q.number.unwrap() - x).abs()));
        near.unwrap().effects[0]
    };
    // Where b is a, the local slope is 3 + a: effects 3 a + a²/2, centred by its mean of 1/6.
    let ale = profile("a", None).unwrap();
    assert_eq!((ale.kind, ale.n_rows), (ProfileKind::Ale, 2000));
    for x in [-1.0, -0.5, 0.5, 1.0] {
        let wanted = 3.0 * x + x * x / 2.0 - 1.0 / 6.0;
        assert!((at(&ale, x) - wanted).abs() < 0.25, "{x}: {} for {wanted}", at(&ale, x));
    }
    // Its mean over b is 3 a.
    let partial = profile("a", Some(ProfileKind::PartialDependence)).unwrap();
    assert!((at(&partial, 1.0) - at(&partial, -1.0) - 6.0).abs() < 0.2);
    assert_eq!((partial.curves.len(), partial.curves[0].len()), (30, partial.points.len()));
    // One row moves by 3 + b: of b, the middle eight in ten lie within 0.8 of 0.
    let ice = partial.ice.unwrap();
    assert_eq!(ice.bands.len(), partial.points.len());
    let width = partial.points.last().unwrap().number.unwrap() - partial.points[0].number.unwrap();
    let last = ice.bands.last().unwrap();
    for (found, slope) in [(last.low, 2.2), (last.median, 3.0), (last.high, 3.8)] {
        assert!((found / width - slope).abs() < 0.15, "{found} over {width}, not {slope}");
    }
    assert!((ice.common.unwrap() - 9.0 / (9.0 + 1.0 / 3.0)).abs() < 0.01, "{:?}", ice.common);
    assert!(ale.ice.is_none());
    assert!(ale.points.iter().all(|p| p.half_widths[0] >= 0.0 && p.half_widths[0] < 0.2));
}

#[test]
fn categories_are_compared_most_frequent_first_and_centred() {
    let found = profile("c", None).unwrap();
    let values: Vec<&str> = found.points.iter().map(|p| p.value.as_str()).collect();
    assert_eq!(values, ["blue", "red"]);
    let [blue, red] = [0, 1].map(|i| found.points[i].effects[0]);
    assert!((red - blue - 5.0).abs() < 1e-9 && blue < 0.0);
    let mean: f64 = found.points.iter().map(|p| p.effects[0] * p.n_rows as f64).sum();
    assert!(mean.abs() < 1e-6);
}

#[test]
fn what_has_no_profile_is_refused_by_name() {
    for (column, kind, says) in
        [("d", None, "does not read this column"), ("c", Some(ProfileKind::Ale), "no order")]
    {
        let error = profile(column, kind).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let ctx = Context::unlimited(0, 1);
    let empty = table().select(&[]);
    let error = column_profile(&subject(), &empty, "a", None, Scale::Value, &ctx).unwrap_err();
    assert!(error.to_string().contains("no row has a value"), "{error}");
    let one = column_profile(&subject(), &table().select(&[4]), "a", None, Scale::Value, &ctx);
    assert_eq!(one.unwrap().points.len(), 1);
}

#[test]
fn effects_are_centred_where_rows_are_though_most_share_the_lowest_value() {
    // Nine of ten rows have a = 0; there the effect 3 a is hardly below its mean of 3 · 0.1 · 0.5.
    let n = 1000_u32;
    let a: Vec<f64> =
        (0..n).map(|i| if i % 10 == 0 { f64::from(i + 1) / f64::from(n) } else { 0.0 }).collect();
    let colours = (0..n).map(|_| Some("blue"));
    let columns = vec![
        Column::numbers("a", a),
        Column::numbers("b", vec![0.0; n as usize]),
        Column::strings("c", colours),
    ];
    let (table, ctx) = (Table::new(columns).unwrap(), Context::unlimited(0, 2));
    let ale = column_profile(&subject(), &table, "a", None, Scale::Value, &ctx).unwrap();
    let lowest = &ale.points[0];
    assert_eq!((lowest.number, lowest.n_rows), (Some(0.0), 900));
    assert!((lowest.effects[0] + 0.15).abs() < 0.02, "{}", lowest.effects[0]);
}
