//! The files around a model.mw by which MLflow knows how to load it.
//!
//! MLflow loads a folder with a file `MLmodel`: it imports the module that is named there and
//! hands it the path of the data. Ours is `modelwright.mlflow` of the Python package, so the model
//! that predicts there is the one of this file. The signature names the columns and calls each
//! `any`: MLflow refuses whole numbers for a `double` and numbers for a `string`, while the model
//! itself knows which values fit and says so.

use modelwright_core::task::Task;
use serde_json::{Value, json};

use crate::artifact::{Manifest, ManifestField};

/// The name of the model itself in the folder.
pub const MLFLOW_DATA: &str = "model.mw";

/// The name of the file that says how to load it.
pub const MLFLOW_MODEL: &str = "MLmodel";

/// The Python that the environment files name: the oldest that the package runs on and that
/// people still install.
const PYTHON: &str = "3.12";

/// Names and texts of all files beside [`MLFLOW_DATA`].
///
/// `ids` are ids in MLflow's world: of the run that made the model, and of the model itself.
pub fn mlflow_files(
    manifest: &Manifest,
    size_bytes: u64,
    ids: &[(&str, &str)],
) -> Vec<(&'static str, String)> {
    let requirement = format!("modelwright=={}", manifest.versions.modelwright);
    let conda = format!(
        "channels:\n- conda-forge\ndependencies:\n- python={PYTHON}\n- pip\n- pip:\n  - \
         {requirement}\n  - pandas\nname: mlflow-env\n"
    );
    let python_env = format!(
        "python: {PYTHON}\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
    );
    vec![
        (MLFLOW_MODEL, model_yaml(manifest, size_bytes, ids)),
        ("requirements.txt", format!("{requirement}\npandas\n")),
        ("conda.yaml", conda),
        ("python_env.yaml", python_env),
    ]
}

/// `MLmodel`. JSON is YAML, so that nothing in a name can break out of its place.
fn model_yaml(manifest: &Manifest, size_bytes: u64, ids: &[(&str, &str)]) -> String {
    let inputs: Vec<Value> = manifest.schema.iter().map(input).collect();
    let output = match manifest.task {
        Task::Regression => "double",
        _ => "any",
    };
    let outputs = json!([{ "type": output, "name": manifest.target, "required": true }]);
    let environment = json!({ "conda": "conda.yaml", "virtualenv": "python_env.yaml" });
    let mut model = json!({
        "flavors": {
            "python_function": {
                "loader_module": "modelwright.mlflow",
                "data": MLFLOW_DATA,
                "env": environment,
                "python_version": PYTHON,
            },
            "modelwright": {
                "data": MLFLOW_DATA,
                "version": manifest.versions.modelwright,
                "task": manifest.task.name(),
                "target": manifest.target,
                "classes": manifest.classes,
            },
        },
        "signature": {
            "inputs": Value::Array(inputs).to_string(),
            "outputs": outputs.to_string(),
            "params": null,
        },
        "model_size_bytes": size_bytes,
        "utc_time_created": manifest.created.replace('T', " ").trim_end_matches('Z'),
    });
    for (key, value) in ids {
        model[*key] = json!(value);
    }
    let mut text = serde_json::to_string_pretty(&model).unwrap_or_default();
    text.push('\n');
    text
}

fn input(field: &ManifestField) -> Value {
    json!({ "type": "any", "name": field.name, "required": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotation_marks_stays_in_its_place() {
        let mut manifest =
            Manifest::of(&crate::artifact::tests::record(), &crate::artifact::tests::schema());
        manifest.target = "a\"b: c\n- d".to_owned();
        let files = mlflow_files(&manifest, 7, &[("run_id", "r\"1")]);
        let (name, text) = &files[0];
        assert_eq!(*name, MLFLOW_MODEL);
        let model: Value = serde_json::from_str(text).unwrap();
        assert_eq!(model["flavors"]["modelwright"]["target"], manifest.target);
        assert_eq!(model["run_id"], "r\"1");
        assert_eq!(model["model_size_bytes"], 7);
        let outputs = model["signature"]["outputs"].as_str().unwrap();
        let outputs: Value = serde_json::from_str(outputs).unwrap();
        assert_eq!(outputs[0]["name"], manifest.target);
    }
}
