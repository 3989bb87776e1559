//! What the server and its models say of themselves, in messages.

use modelwright_core::data::{Field, Storage};

use super::generated::model_metadata_response::TensorMetadata;
use super::generated::repository_index_response::ModelIndex;
use super::generated::{
    DataType, InferStatistics, ModelConfig, ModelInput, ModelMetadataResponse, ModelOutput,
    ModelStatistics, RepositoryIndexResponse, StatisticDuration,
};
use crate::model::{Entry, Model, State};
use crate::stats::Count;
use crate::wire::v2::Output;

/// Of a model.
pub(super) fn model(model: &Model, entry: &Entry) -> ModelMetadataResponse {
    let input = |field: &Field| TensorMetadata {
        name: field.name.clone(),
        datatype: if field.storage == Storage::Number { "FP64" } else { "BYTES" }.to_owned(),
        shape: vec![-1],
    };
    let output = |output: &Output| TensorMetadata {
        name: output.name().to_owned(),
        datatype: output.datatype().to_owned(),
        shape: dims(model, *output),
    };
    ModelMetadataResponse {
        name: model.name.to_string(),
        versions: entry.versions.iter().map(|m| m.version.to_string()).collect(),
        platform: "modelwright".to_owned(),
        inputs: model.reader.fields().iter().map(input).collect(),
        outputs: Output::of_model(model).iter().map(output).collect(),
    }
}

fn dims(model: &Model, output: Output) -> Vec<i64> {
    match output {
        Output::Probabilities => vec![-1, (model.class_json.len() as u64).cast_signed()],
        Output::Label | Output::Value => vec![-1],
    }
}

/// The configuration of a model, in Triton's words.
pub(super) fn config(model: &Model) -> ModelConfig {
    let input = |field: &Field| ModelInput {
        name: field.name.clone(),
        data_type: match field.storage {
            Storage::Number => DataType::TypeFp64 as i32,
            Storage::Instant | Storage::String => DataType::TypeString as i32,
        },
        dims: vec![-1],
        optional: field.optional,
    };
    let output = |output: &Output| ModelOutput {
        name: output.name().to_owned(),
        data_type: match output {
            Output::Label => DataType::TypeString as i32,
            Output::Value | Output::Probabilities => DataType::TypeFp64 as i32,
        },
        dims: dims(model, *output),
    };
    ModelConfig {
        name: model.name.to_string(),
        platform: "modelwright".to_owned(),
        backend: "modelwright".to_owned(),
        max_batch_size: 0,
        input: model.reader.fields().iter().map(input).collect(),
        output: Output::of_model(model).iter().map(output).collect(),
    }
}

/// Statistics of a name.
pub(super) fn statistics(entry: &Entry) -> Option<ModelStatistics> {
    let (model, stats) = (entry.current()?, &entry.stats);
    let pair =
        |count: &Count, ns: &Count| Some(StatisticDuration { count: count.get(), ns: ns.get() });
    let of_success = |ns: &Count| pair(&stats.n_success, ns);
    Some(ModelStatistics {
        name: model.name.to_string(),
        version: model.version.to_string(),
        last_inference: stats.last_ms.get(),
        inference_count: stats.n_rows.get(),
        execution_count: stats.n_executions.get(),
        inference_stats: Some(InferStatistics {
            success: of_success(&stats.request_ns),
            fail: pair(&stats.n_failure, &stats.failure_ns),
            queue: of_success(&stats.queue_ns),
            compute_input: of_success(&stats.input_ns),
            compute_infer: of_success(&stats.infer_ns),
            compute_output: of_success(&stats.output_ns),
            cache_hit: None,
            cache_miss: None,
        }),
    })
}

/// All models and whether they are ready.
pub(super) fn index(state: &State, only_ready: bool) -> RepositoryIndexResponse {
    let mut models = Vec::new();
    for (name, entry) in &state.entries {
        let row = |version: String, state: &str, reason: &str| ModelIndex {
            name: name.clone(),
            version,
            state: state.to_owned(),
            reason: reason.to_owned(),
        };
        let reason = entry.trouble.as_deref().unwrap_or_default();
        if entry.versions.is_empty() && !only_ready {
            models.push(row(String::new(), "UNAVAILABLE", reason));
        }
        models.extend(entry.versions.iter().map(|m| row(m.version.to_string(), "READY", reason)));
    }
    RepositoryIndexResponse { models }
}
