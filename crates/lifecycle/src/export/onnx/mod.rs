//! The whole model as an ONNX file: raw columns in, predictions out.
//!
//! Encoders, members, their averages, calibration and the decision become one graph of standard
//! operators (opset 17 and `ai.onnx.ml` 5), which ONNX Runtime and its like compute without us.
//!
//! * **Inputs**: one per raw column that the model reads, `[rows, 1]`, as [`Input`] says.
//! * **Outputs**: `prediction`, `[rows, 1]`, a number or a label; for classes `probability_<class>`
//!   in double precision, `[rows, 1]`, in class order: the columns of `predict`.
//! * **Metadata**: name, target, task, classes, inputs, hash of the artifact, what it is for.
//!
//! Trees compare as ours do, so rows take the same paths, and sums are in double precision; only
//! neural nets differ, by about one part in 10⁶. What ONNX cannot say is refused by the column's or
//! learner's name: text columns above all.
//!
//! | module | question it answers |
//! |---|---|
//! | `proto` | which messages an ONNX file is made of |
//! | `graph`, `constant`, `ops` | how a graph is put together |
//! | `columns`, `levels`, `derived` | what a transformer reads: raw columns, levels, made columns |
//! | `encoder`, `transform` | the features |
//! | `trees`, `linear_leaves`, `link`, `learner` | the models |
//! | `calibrate`, `fair` | probabilities, decisions |

#![expect(
    clippy::cast_possible_wrap,
    reason = "ONNX counts in int64 and our trees in i32: numbers of what is held in memory fit"
)]

mod calibrate;
mod columns;
mod constant;
mod derived;
mod encoder;
mod fair;
mod graph;
mod learner;
mod levels;
mod linear_leaves;
mod link;
mod ops;
mod proto;
mod second_level;
#[cfg(test)]
mod tests;
mod transform;
mod trees;

use modelwright_automl::Predictor;
use modelwright_automl::fair::GroupThresholds;
use modelwright_core::data::Kind;
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_preprocess::encode::PartView;
use prost::Message;
use serde_json::json;

pub use columns::Input;
pub use proto::DataType;

use columns::Inputs;
use graph::{Graph, ML_DOMAIN, Value};
use learner::Setting;
use proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};

/// Versions of the file's form and of the two sets of operators.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;
const ML_OPSET: i64 = 5;

/// Protobuf readers take no larger file.
const LARGEST_FILE: usize = i32::MAX as usize;

/// What every file says of itself.
const INTENDED_USE: &str = "Exported from a Modelwright artifact. It predicts for rows like those \
    it was trained on; it checks no ranges, watches no drift and gives no intervals. Read the \
    report of the artifact before decisions depend on it.";

/// What is written into the file besides the model.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The model's name.
    pub name: String,
    /// SHA-256 of the artifact it was exported from.
    pub artifact_sha256: String,
}

/// A written model.
#[derive(Debug, Clone)]
pub struct OnnxModel {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its inputs, in the order of the schema.
    pub inputs: Vec<Input>,
    /// The names of its outputs.
    pub outputs: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Writes a predictor.
///
/// # Errors
/// Input error that names the column or learner for which ONNX has no operators, for a column that
/// is called as an output is, and for a model that is larger than a file can be.
pub fn write(predictor: &Predictor, about: &About) -> Result<OnnxModel> {
    refuse_texts(predictor)?;
    let inputs = inputs_of(predictor);
    let outputs = outputs_of(predictor);
    if let Some(input) = inputs.iter().find(|input| outputs.contains(&input.name)) {
        return Err(Error::input("a column is called as an output of the model is")
            .at("--format onnx")
            .column(&input.name)
            .hint("rename the column and fit again"));
    }
    let names = inputs.iter().map(|input| input.name.as_str());
    let mut graph = Graph::new("model", names.chain(outputs.iter().map(String::as_str)));
    let columns = Inputs::new(&mut graph, &inputs)?;
    let p = averaged(&mut graph, predictor, &columns)?;
    let p = calibrate::calibrate(&mut graph, predictor.calibrator(), &p, predictor.n_outputs());
    write_outputs(&mut graph, predictor, &columns, &p, &outputs)?;
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "modelwright".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: INTENDED_USE.to_owned(),
        graph: Some(graph.finish()),
        opset_import: vec![version("", OPSET), version(ML_DOMAIN, ML_OPSET)],
        metadata_props: metadata(predictor, about, &inputs),
    };
    let size = model.encoded_len();
    if size > LARGEST_FILE {
        return Err(Error::input("the model is too large for an ONNX file")
            .at("--format onnx")
            .expected("at most 2 GiB")
            .got(format!("{:.1} GiB", size as f64 / f64::from(1 << 30)))
            .hint("`modelwright pick` takes a smaller model of the same fit"));
    }
    let notes = notes(predictor, &inputs);
    Ok(OnnxModel { bytes: model.encode_to_vec(), inputs, outputs, notes })
}

/// Names all columns of text that the members read, so that one new fit is enough.
fn refuse_texts(predictor: &Predictor) -> Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for member in predictor.member_views().filter(|member| member.weight > 0.0) {
        for source in member.encoder.source_views().filter(|s| s.kind == Kind::Text) {
            let is_used = |part: &PartView<'_>| {
                !part.kept.is_empty() || part.transformer.fitted.n_sparse() > 0
            };
            if source.parts.iter().any(is_used) && !names.contains(&source.name) {
                names.push(source.name);
            }
        }
    }
    let Some(first) = names.first() else { return Ok(()) };
    Err(Error::input("ONNX has no operators for what the model reads of a text")
        .at("--format onnx")
        .column(*first)
        .got(format!("text in {}", names.join(", ")))
        .hint(format!(
            "fit without it (--exclude {}), or use `modelwright serve` or `predict`",
            names.join(",")
        )))
}

/// The columns that members read or decisions depend on, in the order of the schema.
fn inputs_of(predictor: &Predictor) -> Vec<Input> {
    let mut names: Vec<&str> = predictor.feature_columns().collect();
    names.extend(predictor.group_thresholds().into_iter().flat_map(GroupThresholds::columns));
    let fields = predictor.schema.fields.iter().filter(|f| names.contains(&f.name.as_str()));
    fields.map(Input::of).collect()
}

fn outputs_of(predictor: &Predictor) -> Vec<String> {
    let classes = predictor.classes.iter().map(|class| format!("probability_{class}"));
    std::iter::once("prediction".to_owned()).chain(classes).collect()
}

/// The weighted mean of the members' predictions, corrected by the second level where there is one,
/// double `[rows, outputs]`.
fn averaged(graph: &mut Graph, predictor: &Predictor, inputs: &Inputs) -> Result<Value> {
    let mut mean: Option<Value> = None;
    let mut said: Vec<Value> = Vec::new();
    for member in predictor.member_views().filter(|member| member.weight > 0.0) {
        let features = encoder::write(graph, member.encoder, inputs)?;
        let n_wanted = member.encoder.feature_names().len();
        if features.n != n_wanted {
            return Err(Error::work("an encoder wrote another number of features")
                .expected(n_wanted.to_string())
                .got(features.n.to_string()));
        }
        let rows = &inputs.first;
        let setting = Setting { features: &features, task: predictor.task, rows };
        let n_models = member.models.len() as f64;
        let mut own: Option<Value> = None;
        for fitted in member.models {
            let p = learner::write(graph, fitted, &setting)?;
            let part = graph.times(&p, member.weight / n_models);
            mean = Some(added(graph, mean, part));
            if predictor.second_level().is_some() {
                let part = graph.times(&p, 1.0 / n_models);
                own = Some(added(graph, own, part));
            }
        }
        said.extend(own);
    }
    let mean = mean.ok_or_else(|| Error::input("the model has no members"))?;
    match predictor.second_level() {
        Some(level) => second_level::corrected(graph, (predictor, &level), inputs, (&said, &mean)),
        None => Ok(mean),
    }
}

fn added(graph: &mut Graph, sum: Option<Value>, part: Value) -> Value {
    match sum {
        None => part,
        Some(sum) => graph.op("Add", &[&sum, &part]),
    }
}

fn write_outputs(
    graph: &mut Graph,
    predictor: &Predictor,
    inputs: &Inputs,
    p: &Value,
    names: &[String],
) -> Result<()> {
    let target = &predictor.target;
    if predictor.task == Task::Regression {
        graph.output(&names[0], DataType::Double, p, format!("the predicted `{target}`"));
        return Ok(());
    }
    let label = calibrate::decide(graph, predictor, inputs, p)?;
    graph.output(&names[0], DataType::String, &label, format!("the class of `{target}`"));
    let classes = calibrate::of_classes(graph, p, predictor.classes.len());
    for ((name, value), class) in names[1..].iter().zip(&classes).zip(&predictor.classes) {
        let text = format!("the probability that `{target}` is `{class}`");
        graph.output(name, DataType::Double, value, text);
    }
    Ok(())
}

fn version(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: domain.to_owned(), version }
}

fn metadata(predictor: &Predictor, about: &About, inputs: &[Input]) -> Vec<StringStringEntryProto> {
    let input = |input: &Input| {
        json!({
            "name": input.name,
            "kind": input.kind.name(),
            "type": input.type_name(),
            "values": input.text(),
            "optional": input.optional,
        })
    };
    let inputs: Vec<_> = inputs.iter().map(input).collect();
    let mut props = vec![
        ("name", about.name.clone()),
        ("task", predictor.task.name().to_owned()),
        ("target", predictor.target.clone()),
        ("metric", predictor.metric.clone()),
        ("artifact_sha256", about.artifact_sha256.clone()),
        ("inputs", json!(inputs).to_string()),
        ("intended_use", INTENDED_USE.to_owned()),
    ];
    if predictor.task != Task::Regression {
        props.push(("classes", json!(predictor.classes).to_string()));
    }
    if predictor.task == Task::Binary {
        props.push(("threshold", predictor.threshold.to_string()));
    }
    let entry = |(key, value): (&str, String)| StringStringEntryProto {
        key: format!("modelwright.{key}"),
        value,
    };
    props.into_iter().map(entry).collect()
}

fn notes(predictor: &Predictor, inputs: &[Input]) -> Vec<String> {
    let mut notes = Vec::new();
    if predictor.has_regions() {
        notes.push("intervals and sets of predictions are not in the file".to_owned());
    }
    if predictor.member_views().any(|m| m.models.iter().any(|f| f.learner == "knn")) {
        notes.push(
            "a member compares each row with its kept rows: ask for at most a few thousand rows \
             at once"
                .to_owned(),
        );
    }
    if inputs.iter().any(|input| input.of == DataType::Int64) {
        notes.push(
            "dates are int64 microseconds since 1970 UTC; in pandas: \
             `column.astype(\"datetime64[us]\").astype(\"int64\")`"
                .to_owned(),
        );
    }
    notes
}
