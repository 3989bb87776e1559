//! Tables as `bench/trees/tables.py` writes them.
//!
//! Little-endian: five u32 (task: 0 regression, 1 binary, 2 multiclass; training rows; test rows;
//! features; classes), then training features (f32, feature after feature), training target
//! (f32), test features, test target.

use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::Arc;

use modelwright_core::data::{FeatureColumn, FeatureMatrix};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_preprocess::encode::bins::{SAMPLE, bin};

/// Features and target of some rows.
pub(crate) struct Table {
    /// The features; without bins until [`Table::bin`].
    pub(crate) features: FeatureMatrix,
    /// The target.
    pub(crate) target: Target,
}

impl Table {
    /// Training rows and test rows.
    pub(crate) fn read(path: &str) -> Result<[Self; 2]> {
        let file =
            File::open(path).map_err(|e| Error::input(format!("cannot open {path}")).because(e))?;
        let mut file = BufReader::new(file);
        let mut header = [0; 20];
        file.read_exact(&mut header).map_err(cut_short)?;
        let number = |i: usize| {
            let bytes = [header[4 * i], header[4 * i + 1], header[4 * i + 2], header[4 * i + 3]];
            u32::from_le_bytes(bytes) as usize
        };
        let (task, n_features, n_classes) = (number(0), number(3), number(4));
        let mut part = |n_rows: usize| -> Result<Self> {
            let columns = (0..n_features)
                .map(|i| Ok(FeatureColumn::dense(&format!("f{i}"), floats(&mut file, n_rows)?)))
                .collect::<Result<_>>()?;
            let y = floats(&mut file, n_rows)?.into_iter();
            let target = match task {
                0 => Target::Real(y.map(f64::from).collect()),
                _ => Target::Class { codes: y.map(|v| v as u32).collect(), n_classes },
            };
            Ok(Self { features: FeatureMatrix::new(n_rows, columns), target })
        };
        Ok([part(number(1))?, part(number(2))?])
    }

    /// Bins every column as the project's own encoder does: cuts by a sample of the rows.
    pub(crate) fn bin(&mut self, ctx: &Context) {
        let n_rows = self.features.n_rows;
        let sample = (n_rows > SAMPLE).then(|| ctx.random("bins", 0).sample(n_rows, SAMPLE));
        let columns = &mut self.features.columns;
        let bins = ctx.map(columns.len(), |i| bin(&columns[i].values, sample.as_deref()));
        for (column, bins) in columns.iter_mut().zip(bins) {
            column.bins = Some(Arc::new(bins));
        }
    }
}

fn floats(file: &mut impl Read, n: usize) -> Result<Vec<f32>> {
    let mut bytes = vec![0; 4 * n];
    file.read_exact(&mut bytes).map_err(cut_short)?;
    Ok(bytes.chunks_exact(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect())
}

fn cut_short(error: std::io::Error) -> Error {
    Error::input("the table is cut short").because(error)
}
