//! A graph under construction: operators are added one after the other, each once.
//!
//! An operator that is asked for again, with the same inputs and attributes, is the one that is
//! there already. So encoders that share columns, and members that share encoders, share the work,
//! and nobody has to keep book of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use prost::Message;
use sha2::{Digest, Sha256};

use super::constant::i64s;
use super::proto::{
    AttributeProto, AttributeType, DataType, DimensionProto, GraphProto, NodeProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The operators for trees and dictionaries.
pub(super) const ML_DOMAIN: &str = "ai.onnx.ml";

/// A tensor of the graph, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value(Arc<str>);

/// A constant of an operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Texts(Vec<Vec<u8>>),
    Tensor(TensorProto),
}

/// See the module's text.
pub(super) struct Graph {
    proto: GraphProto,
    /// What every name begins with that is not an input's or output's.
    prefix: String,
    n_names: usize,
    known: HashMap<[u8; 32], Value>,
}

impl Graph {
    /// An empty graph; `taken` are the names of its inputs and outputs to be.
    pub(super) fn new<'a>(name: &str, taken: impl Iterator<Item = &'a str>) -> Self {
        let mut prefix = "t".to_owned();
        for own in taken {
            while own.starts_with(&prefix) {
                prefix.push('_');
            }
        }
        let proto = GraphProto { name: name.to_owned(), ..GraphProto::default() };
        Self { proto, prefix, n_names: 0, known: HashMap::new() }
    }

    /// An input of one column.
    pub(super) fn input(&mut self, name: &str, of: DataType, text: String) -> Value {
        self.proto.input.push(column(name, of, text));
        Value(name.into())
    }

    /// Makes `value`, of one column, the output `name`.
    pub(super) fn output(&mut self, name: &str, of: DataType, value: &Value, text: String) {
        let (input, output) = (vec![value.0.to_string()], vec![name.to_owned()]);
        let op_type = "Identity".to_owned();
        let node = NodeProto { input, output, op_type, ..NodeProto::default() };
        self.proto.node.push(node);
        self.proto.output.push(column(name, of, text));
    }

    /// An operator of the standard set.
    pub(super) fn op(&mut self, name: &str, inputs: &[&Value]) -> Value {
        self.add("", name, inputs, Vec::new())
    }

    /// The same with attributes.
    pub(super) fn op_with(
        &mut self,
        name: &str,
        inputs: &[&Value],
        attributes: Vec<(&str, Attribute)>,
    ) -> Value {
        self.add("", name, inputs, attributes)
    }

    /// An operator for trees or dictionaries.
    pub(super) fn ml(
        &mut self,
        name: &str,
        input: &Value,
        attributes: Vec<(&str, Attribute)>,
    ) -> Value {
        self.add(ML_DOMAIN, name, &[input], attributes)
    }

    /// The two outputs of the `k` smallest numbers of each row and their places; ties go to the
    /// smaller place.
    pub(super) fn smallest(&mut self, x: &Value, k: usize) -> [Value; 2] {
        let k = self.constant(i64s(&[k as i64], &[1]));
        let attributes = [("axis", Attribute::Int(1)), ("largest", Attribute::Int(0))];
        let places = self.name();
        let values = self.name();
        self.proto.node.push(NodeProto {
            input: vec![x.0.to_string(), k.0.to_string()],
            output: vec![values.0.to_string(), places.0.to_string()],
            op_type: "TopK".to_owned(),
            attribute: attributes.map(|(name, value)| value.named(name)).to_vec(),
            ..NodeProto::default()
        });
        [values, places]
    }

    /// A tensor of constants.
    pub(super) fn constant(&mut self, tensor: TensorProto) -> Value {
        let key = Sha256::digest(tensor.encode_to_vec()).into();
        if let Some(value) = self.known.get(&key) {
            return value.clone();
        }
        let value = self.name();
        self.proto.initializer.push(TensorProto { name: value.0.to_string(), ..tensor });
        self.known.insert(key, value.clone());
        value
    }

    /// The finished graph: what no output needs is left out.
    pub(super) fn finish(self) -> GraphProto {
        let mut proto = self.proto;
        let mut needed: HashSet<String> = proto.output.iter().map(|o| o.name.clone()).collect();
        let mut kept = Vec::with_capacity(proto.node.len());
        while let Some(node) = proto.node.pop() {
            if node.output.iter().any(|output| needed.contains(output)) {
                needed.extend(node.input.iter().cloned());
                kept.push(node);
            }
        }
        kept.reverse();
        proto.node = kept;
        proto.initializer.retain(|constant| needed.contains(&constant.name));
        proto
    }

    fn add(
        &mut self,
        domain: &str,
        op_type: &str,
        inputs: &[&Value],
        attributes: Vec<(&str, Attribute)>,
    ) -> Value {
        let mut node = NodeProto {
            input: inputs.iter().map(|input| input.0.to_string()).collect(),
            op_type: op_type.to_owned(),
            attribute: attributes.into_iter().map(|(name, value)| value.named(name)).collect(),
            domain: domain.to_owned(),
            ..NodeProto::default()
        };
        let key = Sha256::digest(node.encode_to_vec()).into();
        if let Some(value) = self.known.get(&key) {
            return value.clone();
        }
        let value = self.name();
        node.output = vec![value.0.to_string()];
        self.proto.node.push(node);
        self.known.insert(key, value.clone());
        value
    }

    fn name(&mut self) -> Value {
        self.n_names += 1;
        Value(format!("{}{}", self.prefix, self.n_names).into())
    }
}

impl Attribute {
    fn named(self, name: &str) -> AttributeProto {
        let mut proto = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
        let kind = match self {
            Self::Int(value) => {
                proto.i = Some(value);
                AttributeType::Int
            }
            Self::Ints(values) => {
                proto.ints = values;
                AttributeType::Ints
            }
            Self::Texts(values) => {
                proto.strings = values;
                AttributeType::Strings
            }
            Self::Tensor(tensor) => {
                proto.t = Some(tensor);
                AttributeType::Tensor
            }
        };
        AttributeProto { r#type: kind as i32, ..proto }
    }
}

/// A value of any number of rows and one column.
fn column(name: &str, of: DataType, doc_string: String) -> ValueInfoProto {
    let rows = DimensionProto { dim_param: Some("rows".to_owned()), dim_value: None };
    let one = DimensionProto { dim_value: Some(1), dim_param: None };
    let shape = Some(TensorShapeProto { dim: vec![rows, one] });
    let tensor_type = Some(TensorTypeProto { elem_type: of as i32, shape });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }), doc_string }
}
