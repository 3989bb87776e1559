//! Short names for operators that are used all over the graph.

use super::constant::i64s;
use super::graph::{Attribute, Graph, Value};
use super::proto::DataType;

impl Graph {
    /// `if condition { then } else { otherwise }`, place by place.
    pub(super) fn choose(&mut self, condition: &Value, then: &Value, otherwise: &Value) -> Value {
        self.op("Where", &[condition, then, otherwise])
    }

    /// The same values in another type.
    pub(super) fn cast(&mut self, x: &Value, to: DataType) -> Value {
        self.op_with("Cast", &[x], vec![("to", Attribute::Int(to as i64))])
    }

    /// Truth values as 0 and 1 in single precision.
    pub(super) fn zero_one(&mut self, x: &Value) -> Value {
        self.cast(x, DataType::Float)
    }

    /// Tables side by side.
    pub(super) fn side_by_side(&mut self, parts: &[Value]) -> Value {
        if let [only] = parts {
            return only.clone();
        }
        let parts: Vec<&Value> = parts.iter().collect();
        self.op_with("Concat", &parts, vec![("axis", Attribute::Int(1))])
    }

    /// The rows (axis 0) or columns (axis 1) of a table at some places.
    pub(super) fn gather(&mut self, table: &Value, places: &Value, axis: i64) -> Value {
        self.op_with("Gather", &[table, places], vec![("axis", Attribute::Int(axis))])
    }

    /// Some columns of a table.
    pub(super) fn columns(&mut self, table: &Value, columns: &[usize]) -> Value {
        let columns: Vec<i64> = columns.iter().map(|c| *c as i64).collect();
        let columns = self.constant(i64s(&columns, &[columns.len()]));
        self.gather(table, &columns, 1)
    }

    /// Another shape; -1 is what is left.
    pub(super) fn reshape(&mut self, x: &Value, shape: &[i64]) -> Value {
        let shape = self.constant(i64s(shape, &[shape.len()]));
        self.op("Reshape", &[x, &shape])
    }

    /// Sums along an axis, which goes, or stays with one place.
    pub(super) fn sum(&mut self, x: &Value, axis: i64, keep: bool) -> Value {
        let axes = self.constant(i64s(&[axis], &[1]));
        let keep = vec![("keepdims", Attribute::Int(i64::from(keep)))];
        self.op_with("ReduceSum", &[x, &axes], keep)
    }

    /// Not below `low`, not above `high`; what becomes of NaN is not said.
    pub(super) fn clamp(&mut self, x: &Value, low: f64, high: f64) -> Value {
        let (low, high) = (self.f64(low), self.f64(high));
        self.op("Clip", &[x, &low, &high])
    }

    /// `x + number`.
    pub(super) fn plus(&mut self, x: &Value, number: f64) -> Value {
        let number = self.f64(number);
        self.op("Add", &[x, &number])
    }

    /// `x · number`.
    pub(super) fn times(&mut self, x: &Value, number: f64) -> Value {
        if number == 1.0 {
            return x.clone();
        }
        let number = self.f64(number);
        self.op("Mul", &[x, &number])
    }

    /// The nearest numbers in single precision: NaN stays, what is too large becomes the largest.
    pub(super) fn saturated(&mut self, x: &Value) -> Value {
        let single = self.cast(x, DataType::Float);
        let (low, high) = (self.f32(-f32::MAX), self.f32(f32::MAX));
        let clipped = self.op("Clip", &[&single, &low, &high]);
        let missing = self.op("IsNaN", &[&single]);
        self.choose(&missing, &single, &clipped)
    }

    /// Rows that sum to 1.
    pub(super) fn shares(&mut self, x: &Value) -> Value {
        let total = self.sum(x, 1, true);
        self.op("Div", &[x, &total])
    }
}
