//! Memory for rows that are predicted one by one: taken for a request, and given back after it.

use std::sync::{Mutex, PoisonError};

use modelwright_automl::{Predictor, RowMemory};
use modelwright_core::data::RawRow;

/// Pieces of memory that are kept: more requests of one model than this are never worked on at a
/// time, as each keeps a thread busy.
const N_KEPT: usize = 64;

/// What a row of a model needs on its way.
pub(crate) struct RowWork {
    /// Its values.
    pub(crate) row: RawRow,
    /// For numbers that become text.
    pub(crate) written: String,
    /// Its features and prediction.
    pub(crate) memory: RowMemory,
}

/// The memory of a model that nobody uses just now.
#[derive(Default)]
pub(crate) struct RowPool(Mutex<Vec<RowWork>>);

impl RowPool {
    /// Takes a piece of memory for rows of `predictor`, which is the pool's own model.
    pub(crate) fn take(&self, predictor: &Predictor) -> RowWork {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| {
            let (row, written) = (RawRow::default(), String::new());
            RowWork { row, written, memory: predictor.row_memory() }
        })
    }

    /// Gives it back.
    pub(crate) fn give_back(&self, work: RowWork) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < N_KEPT {
            kept.push(work);
        }
    }
}
