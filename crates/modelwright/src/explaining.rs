//! Explanations of a packed model: which background, which rows, and the result as a table.

use modelwright_automl::explain::{
    self, Background, ColumnProfile, Explanation, ProfileKind, Reasons, RowReasons, Scale,
    any_background,
};
use modelwright_core::context::Event;
use modelwright_core::data::{Column, Table};
use modelwright_core::{Context, Result};
use modelwright_inspect::explain::summary;
use modelwright_inspect::explanation_html;

use crate::model::Model;

/// Columns with a profile on the page, and rows with a waterfall.
const PROFILES: usize = 6;
const EXAMPLES_MAX: usize = 20;

impl Model {
    /// The background of explanations: `n` rows ([`explain::background_rows`] where nobody says
    /// how many) whose columns are drawn by what the model file knows of each
    /// ([`explain::drawn_background`]); of `data` only where it knows nothing (a model that was
    /// not trained here).
    ///
    /// # Errors
    /// Input error when there is neither, or `data` does not have the model's columns.
    pub fn background(
        &self,
        data: Option<&Table>,
        n: Option<usize>,
        ctx: &Context,
    ) -> Result<Background> {
        let reference = self.reference()?;
        let known = (&reference.columns, reference.predictions.as_ref());
        let n = n.unwrap_or_else(|| explain::background_rows(&self.predictor));
        any_background(&self.predictor, known, data, n, ctx)
    }
}

/// An explanation as a table: `row`, `base_value`, the values under the names of the columns, and
/// `prediction`; of several outputs, a row of the table for each, named in `output`. A column of
/// the model that is called as one of these stands under `column:NAME`.
///
/// `rows` are the numbers of the explained rows, as they are to be shown.
///
/// # Errors
/// Input error when a column of the model is called as another one then is.
pub fn explanation_table(explanation: &Explanation, rows: &[u32]) -> Result<Table> {
    let n_outputs = explanation.outputs.len();
    let n = explanation.n_rows * n_outputs;
    let of = |place: usize| (place / n_outputs, place % n_outputs);
    let number = |name: &str, value: &dyn Fn(usize, usize) -> f64| {
        let values = (0..n).map(of).map(|(row, output)| value(row, output)).collect::<Vec<f64>>();
        Column::numbers(name, values)
    };
    let mut columns = vec![number("row", &|row, _| f64::from(rows[row]))];
    if n_outputs > 1 {
        let names = (0..n).map(|place| Some(explanation.outputs[place % n_outputs].as_str()));
        columns.push(Column::strings("output", names));
    }
    columns.push(number("base_value", &|_, output| explanation.base_values[output]));
    for (c, name) in explanation.columns.iter().enumerate() {
        let is_taken = ["row", "output", "base_value", "prediction"].contains(&name.as_str());
        let name = if is_taken { format!("column:{name}") } else { name.clone() };
        columns.push(number(&name, &|row, output| explanation.value(row, c, output)));
    }
    columns.push(number("prediction", &|row, output| explanation.prediction(row, output)));
    Table::new(columns)
}

/// How predictions move along columns over the rows of a table; kind and scale are chosen where
/// they are `None`.
///
/// # Errors
/// As [`explain::profile()`].
pub fn profiles(
    model: &Model,
    data: &Table,
    columns: &[String],
    (kind, scale): (Option<ProfileKind>, Option<Scale>),
    ctx: &Context,
) -> Result<Vec<ColumnProfile>> {
    ctx.tell(Event::Phase("profile".to_owned()));
    let of = |column: &String| explain::profile(&model.predictor, data, column, kind, scale, ctx);
    columns.iter().map(of).collect()
}

/// What a page about an explanation shows besides the importances.
#[derive(Debug, Clone, Default)]
pub struct PageRequest<'a> {
    /// The data as people call them.
    pub name: &'a str,
    /// Columns with a profile; the first ones of the importances, if there are none.
    pub columns: &'a [String],
    /// The scale of the profiles.
    pub scale: Option<Scale>,
    /// Whether the first rows are shown with their parts.
    pub with_rows: bool,
    /// The number of the first row: 1 for people, 0 for programs in Python.
    pub first_row: u32,
    /// Whether it is shown how differently rows respond to the columns.
    pub ice: bool,
}

/// A page about an explanation of the rows `rows` of `data`: importances, profiles, single rows.
///
/// # Errors
/// As [`profiles()`].
pub fn explanation_page(
    model: &Model,
    (data, rows): (&Table, &[u32]),
    (found, reasons): (&Explanation, &Reasons<'_>),
    asked: &PageRequest<'_>,
    ctx: &Context,
) -> Result<String> {
    let columns: Vec<String> = if asked.columns.is_empty() {
        let effects = found.effects().into_iter().take(PROFILES);
        let has_values = |name: &String| {
            let column = data.column(name);
            column.is_some_and(|c| (0..data.n_rows()).any(|row| !c.is_missing(row)))
        };
        effects.map(|effect| effect.column).filter(has_values).collect()
    } else {
        asked.columns.to_vec()
    };
    let profiles = profiles(model, data, &columns, (None, asked.scale), ctx)?;
    let shown = if asked.with_rows { EXAMPLES_MAX } else { 0 };
    let name = |(i, row): (usize, &u32)| (format!("row {}", row + asked.first_row), i);
    let examples: Vec<(String, usize)> = rows.iter().enumerate().take(shown).map(name).collect();
    let record = summary(found, &data.select(rows), reasons, &profiles, &examples);
    let kind = Some(ProfileKind::PartialDependence);
    let of_rows: &[String] = if asked.ice { &columns } else { &[] };
    let responses = self::profiles(model, data, of_rows, (kind, asked.scale), ctx)?;
    Ok(explanation_html(&record, &responses, &model.predictor.target, asked.name))
}

/// Reasons for rows that come in parts, all against one background.
pub struct StreamedReasons<'a> {
    model: &'a Model,
    reasons: RowReasons,
    n_reasons: usize,
}

impl<'a> StreamedReasons<'a> {
    /// For parts of which this is the first: see [`Model::background`].
    ///
    /// # Errors
    /// As [`Model::background`].
    pub fn begin(model: &'a Model, first: &Table, n_reasons: usize, ctx: &Context) -> Result<Self> {
        let reference = model.reference()?;
        let known = (&reference.columns, reference.predictions.as_ref());
        let reasons = RowReasons::begin(&model.predictor, known, Some(first), ctx)?;
        Ok(Self { model, reasons, n_reasons })
    }

    /// The columns `reason_1`, … of the rows of a part.
    ///
    /// # Errors
    /// As [`modelwright_automl::explain::rows`].
    pub fn columns(&self, table: &Table, ctx: &Context) -> Result<Vec<Column>> {
        self.reasons.columns(&self.model.predictor, table, self.n_reasons, ctx)
    }
}
