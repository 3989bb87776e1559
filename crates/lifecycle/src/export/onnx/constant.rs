//! Tensors of constants.

use super::graph::{Graph, Value};
use super::proto::{DataType, TensorProto};

/// Numbers in double precision.
pub(super) fn f64s(values: &[f64], dims: &[usize]) -> TensorProto {
    raw(DataType::Double, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Numbers in single precision.
pub(super) fn f32s(values: &[f32], dims: &[usize]) -> TensorProto {
    raw(DataType::Float, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Whole numbers.
pub(super) fn i64s(values: &[i64], dims: &[usize]) -> TensorProto {
    raw(DataType::Int64, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Bytes.
pub(super) fn u8s(values: Vec<u8>) -> TensorProto {
    let n = values.len();
    raw(DataType::Uint8, &[n], values)
}

/// Texts.
pub(super) fn texts<T: AsRef<str>>(values: &[T], dims: &[usize]) -> TensorProto {
    TensorProto {
        dims: dims.iter().map(|n| *n as i64).collect(),
        data_type: DataType::String as i32,
        string_data: values.iter().map(|text| text.as_ref().as_bytes().to_vec()).collect(),
        ..TensorProto::default()
    }
}

fn raw(data_type: DataType, dims: &[usize], bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        dims: dims.iter().map(|n| *n as i64).collect(),
        data_type: data_type as i32,
        raw_data: Some(bytes),
        ..TensorProto::default()
    }
}

impl Graph {
    /// A number in double precision, for every place of another tensor.
    pub(super) fn f64(&mut self, value: f64) -> Value {
        self.constant(f64s(&[value], &[]))
    }

    /// A number in single precision, for every place of another tensor.
    pub(super) fn f32(&mut self, value: f32) -> Value {
        self.constant(f32s(&[value], &[]))
    }

    /// A whole number, for every place of another tensor.
    pub(super) fn i64(&mut self, value: i64) -> Value {
        self.constant(i64s(&[value], &[]))
    }

    /// Numbers in double precision, one per column.
    pub(super) fn f64_row(&mut self, values: &[f64]) -> Value {
        self.constant(f64s(values, &[values.len()]))
    }
}
