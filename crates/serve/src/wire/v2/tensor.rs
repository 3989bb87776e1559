//! Tensors into columns, whichever way they came.

use modelwright_core::Error;
use modelwright_io::Cell;

use super::binary::{Binary, DATATYPES};
use crate::ask::Ask;
use crate::intake::{Batch, Intake};
use crate::problem::{Fault, Problem};
use crate::wire::cells::FlatData;
use crate::wire::quick::QuickRow;
use crate::wire::rows_json::Sink;

/// A tensor of a request.
pub(crate) struct Tensor<'t> {
    pub(crate) name: &'t str,
    pub(crate) datatype: &'t str,
    pub(crate) shape: Vec<u64>,
    pub(crate) values: Values<'t>,
}

/// The values of a tensor, row-major.
pub(crate) enum Values<'t> {
    /// Of JSON.
    Json(&'t FlatData),
    /// Raw.
    Binary(Binary<'t>),
    /// Of typed lists.
    Cells(Vec<Cell<'t>>),
    /// Of texts that stood for others.
    Decoded(FlatData),
}

impl Values<'_> {
    /// The values.
    pub(crate) fn cells(&self) -> Box<dyn Iterator<Item = Cell<'_>> + '_> {
        match self {
            Self::Json(data) => Box::new(data.cells()),
            Self::Binary(data) => data.cells(),
            Self::Cells(cells) => Box::new(cells.iter().copied()),
            Self::Decoded(data) => Box::new(data.cells()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Json(data) => data.len(),
            Self::Binary(data) => data.len(),
            Self::Cells(cells) => cells.len(),
            Self::Decoded(data) => data.len(),
        }
    }
}

/// Reads the row that tensors hold the short way; false where that is not all they hold. Those of
/// one row are what most requests are, over gRPC and with binary tensors too.
pub(crate) fn read_one(tensors: &[Tensor<'_>], row: &mut QuickRow<'_>) -> bool {
    if let [one] = tensors
        && one.shape[..] == [1, row.n_columns() as u64]
        && row.place(one.name, 0).is_none()
    {
        let is_sound = one.validate().is_ok();
        one.values.cells().enumerate().for_each(|(place, cell)| row.cell(place, cell));
        return is_sound;
    }
    let mut guess = 0;
    for tensor in tensors {
        let is_one = matches!(tensor.shape[..], [1] | [1, 1]) && tensor.validate().is_ok();
        let place = if is_one { row.place(tensor.name, guess) } else { None };
        let (Some(place), Some(cell)) = (place, tensor.values.cells().next()) else {
            return false;
        };
        row.cell(place, cell);
        guess = place + 1;
    }
    !tensors.is_empty()
}

/// The rows that tensors hold: one tensor per column, or one of all columns.
pub(crate) fn batch(ask: &Ask, tensors: &[Tensor<'_>]) -> Result<Batch, Problem> {
    let mut intake = ask.intake(16)?;
    for tensor in tensors {
        tensor.validate()?;
    }
    match tensors {
        [] => {
            return Err(Problem::malformed("there are no inputs")
                .expected("one tensor per column, or one of all columns"));
        }
        [one] if one.shape.len() == 2 && ask.model.reader.place(one.name, 0).is_none() => {
            matrix(one, &mut intake)?;
        }
        tensors => columns(tensors, &mut intake)?,
    }
    intake.finish()
}

fn columns(tensors: &[Tensor<'_>], intake: &mut Intake<'_>) -> Result<(), Problem> {
    let n_rows = tensors[0].n_rows();
    for (i, tensor) in tensors.iter().enumerate() {
        let is_column = matches!(tensor.shape[..], [_] | [_, 1]);
        if !is_column || tensor.n_rows() != n_rows {
            return Err(tensor
                .wrong("the shape of an input is wrong")
                .expected(format!("[{n_rows}] or [{n_rows}, 1], for one tensor per column")));
        }
        let Some(place) = intake.place(tensor.name, i) else { continue };
        if intake.has(place) {
            return Err(tensor.wrong("an input comes twice"));
        }
        match &tensor.values {
            Values::Json(data) => intake.column(place, data.cells()),
            Values::Binary(data) => intake.column(place, data.cells()),
            Values::Cells(cells) => intake.column(place, cells.iter().copied()),
            Values::Decoded(data) => intake.column(place, data.cells()),
        }
    }
    intake.end_columns(usize::try_from(n_rows).unwrap_or(usize::MAX))
}

fn matrix(tensor: &Tensor<'_>, intake: &mut Intake<'_>) -> Result<(), Problem> {
    let n_columns = intake.model().reader.fields().len();
    if tensor.shape[1] != n_columns as u64 {
        let error = Error::input("the tensor has another number of columns than the model")
            .column(tensor.name)
            .expected(format!("[N, {n_columns}], or one input for each column by its name"))
            .got(format!("{:?}", tensor.shape));
        return Err(Problem::of_faults(vec![Fault { row: 0, error }]));
    }
    match &tensor.values {
        Values::Json(data) => fill(intake, data.cells()),
        Values::Binary(data) => fill(intake, data.cells()),
        Values::Cells(cells) => fill(intake, cells.iter().copied()),
        Values::Decoded(data) => fill(intake, data.cells()),
    }
    Ok(())
}

/// Values of rows one after the other, each with all columns.
fn fill<'c>(intake: &mut Intake<'_>, cells: impl Iterator<Item = Cell<'c>>) {
    let n_columns = intake.model().reader.fields().len();
    for (i, cell) in cells.enumerate() {
        intake.cell(i % n_columns, cell);
        if i % n_columns == n_columns - 1 && !intake.end_row() {
            break;
        }
    }
}

impl Tensor<'_> {
    fn n_rows(&self) -> u64 {
        self.shape.first().copied().unwrap_or(0)
    }

    fn wrong(&self, what: &str) -> Problem {
        Problem::malformed(format!("{what}: `{}`", self.name)).got(&format!("{:?}", self.shape))
    }

    /// Proves that type, shape and values go together.
    fn validate(&self) -> Result<(), Problem> {
        if !DATATYPES.contains(&self.datatype) {
            let problem = self.wrong("unknown datatype").expected(DATATYPES.join(", "));
            return Err(problem.got(self.datatype));
        }
        let n = self.values.len();
        let of_shape = self.shape.iter().try_fold(1_u64, |n, dim| n.checked_mul(*dim));
        if of_shape != Some(n as u64) {
            return Err(self
                .wrong("the shape of an input does not fit its data")
                .expected(format!("a shape of {n} values")));
        }
        Ok(())
    }
}
