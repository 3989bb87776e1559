//! A table whose numbers came as f32 teaches the same model as one of the f64 that equal them.

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Table};

use super::{fit_ok, input, table};

/// The table with the numbers of some columns rounded to f32, and held so or as f64.
fn rounded(table: &Table, is_narrow: bool) -> Table {
    let columns = table.columns().iter().map(|column| match &column.data {
        ColumnData::Number(values) if is_narrow => {
            Column::numbers(&column.name, values.map::<_, Vec<f32>>(|v| v as f32))
        }
        ColumnData::Number(values) => {
            Column::numbers(&column.name, values.map::<_, Vec<f64>>(|v| f64::from(v as f32)))
        }
        _ => column.clone(),
    });
    Table::new(columns.collect()).unwrap()
}

#[test]
fn the_width_of_numbers_changes_no_byte_of_a_model_and_no_prediction() {
    for target in ["label", "signal"] {
        let fitted = |is_narrow: bool| {
            let mut asked = input(500, target);
            asked.options.weight = Some("weight".to_owned());
            asked.table = rounded(&asked.table, is_narrow);
            fit_ok(asked, &Context::unlimited(3, 2))
        };
        let (narrow, wide) = (fitted(true), fitted(false));
        assert_eq!(narrow.predictor.encode().unwrap(), wide.predictor.encode().unwrap());
        assert_eq!(narrow.record.profile, wide.record.profile);
        assert_eq!(narrow.record.leakage, wide.record.leakage);
        let ctx = Context::unlimited(3, 2);
        let bits = |is_narrow: bool| -> Vec<u64> {
            let rows = rounded(&table(200), is_narrow);
            let said = narrow.predictor.predict(&rows, &ctx).unwrap();
            said.values.iter().map(|v| v.to_bits()).collect()
        };
        assert_eq!(bits(true), bits(false));
    }
}
