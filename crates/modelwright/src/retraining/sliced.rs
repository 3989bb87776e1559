//! The columns whose values must not suffer.

use modelwright_automl::Predictor;
use modelwright_core::data::{Field, Kind, Table};
use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};

use super::RetrainRequest;

/// How many columns are cut into slices (where there are so many) when the user names none.
const N_SLICED: usize = 4;

/// The columns that are cut into slices: those that the user names, else the most important and the
/// sensitive ones; where nobody measured importances, all categories.
///
/// # Errors
/// Input error when the rows lack a column that the user names.
pub(super) fn columns(
    table: &Table,
    request: &RetrainRequest,
    (predictor, record): (&Predictor, &RunRecord),
) -> Result<Vec<String>> {
    if let Some(name) = request.slices.iter().find(|name| table.column(name).is_none()) {
        return Err(Error::input("the rows have no such column to be cut into slices")
            .column(name)
            .expected("a column of the new rows")
            .suggest(name, table.names()));
    }
    if !request.slices.is_empty() {
        return Ok(request.slices.clone());
    }
    let important = record.importances.iter().filter(|i| i.mean > 0.0).take(N_SLICED);
    let mut columns: Vec<String> = important.map(|i| i.column.clone()).collect();
    if columns.is_empty() {
        let read: Vec<&str> = predictor.feature_columns().collect();
        let fields = predictor.schema.fields.iter().filter(|f| read.contains(&f.name.as_str()));
        columns = unranked(&fields.collect::<Vec<_>>());
    }
    for column in &record.options.sensitive {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    Ok(columns)
}

/// All categories of the columns that a model reads, and numbers up to a few columns.
fn unranked(read: &[&Field]) -> Vec<String> {
    let of = |is_number: bool| {
        read.iter().filter(move |f| match f.kind {
            Kind::Number => is_number,
            Kind::IntegerCategory | Kind::Category | Kind::Boolean => !is_number,
            _ => false,
        })
    };
    let n_categories = of(false).count();
    let names = of(false).chain(of(true)).take(n_categories.max(N_SLICED));
    names.map(|f| f.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Storage;

    use super::*;

    #[test]
    fn without_importances_categories_come_first_and_numbers_fill_up() {
        let field = |name: &str, kind| Field::new(name, Storage::String, kind);
        let mut fields = vec![
            field("age", Kind::Number),
            field("text", Kind::Text),
            field("when", Kind::Datetime),
            field("plan", Kind::Category),
            field("visits", Kind::Number),
        ];
        let names = |fields: &[Field]| unranked(&fields.iter().collect::<Vec<_>>());
        assert_eq!(names(&fields), ["plan", "age", "visits"]);
        fields.extend((0..5).map(|i| field(&format!("c{i}"), Kind::Boolean)));
        assert_eq!(names(&fields), ["plan", "c0", "c1", "c2", "c3", "c4"]);
    }
}
