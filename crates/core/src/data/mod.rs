//! Tables as read ([`Table`]) and features as learned from ([`FeatureMatrix`]).
//!
//! A raw table keeps what the user gave: named columns of numbers, instants or strings, with
//! missing values. Transformers turn it into a feature matrix once; all folds, learners and
//! trials then share its columns (they are reference-counted), so nothing is encoded twice.

mod codes;
mod column;
mod features;
mod fold;
mod numbers;
mod raw_row;
mod schema;
mod stored;
mod table;
mod view;

pub use codes::{Codes, SparseCodes};
pub use column::{
    Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Strings, civil_from_days, instant_text,
    number_text, short_number_text,
};
pub use features::{BinnedColumn, FeatureColumn, FeatureMatrix, MAX_CUTS, SparseColumns};
pub use fold::Fold;
pub use numbers::{Numbers, NumbersIter};
pub use raw_row::{RawRow, RawValue};
pub use schema::{Field, Kind, NumberFormat, Schema, Storage};
pub use stored::{Draft, Shelf, Store, Stored, StoredPart};
pub use table::Table;
pub use view::{FeatureView, TrainView};
