//! The layer law: a crate may depend only on crates of lower layers.
//!
//! The table is the law; manifests are read and compared with it. Siblings of one layer never see
//! each other.

use std::collections::BTreeMap;

use crate::command::{Outcome, root};

/// Folder of each crate and its layer.
const LAYERS: &[(&str, u8)] = &[
    ("kernels", 0),
    ("core", 0),
    ("io", 1),
    ("evaluate", 1),
    ("preprocess", 1),
    ("learners", 2),
    ("inspect", 3),
    ("automl", 4),
    ("lifecycle", 5),
    ("serve", 6),
    ("modelwright", 7),
    ("python", 8),
];

/// Checks every manifest below `crates/`.
pub(crate) fn run() -> Outcome {
    let mut broken = Vec::new();
    for (folder, dependencies) in manifests()? {
        let Some(layer) = layer_of(&folder) else {
            broken.push(format!("crates/{folder} has no layer: add it to xtask/src/layers.rs"));
            continue;
        };
        for used in dependencies {
            match layer_of(&used) {
                Some(lower) if lower < layer => {}
                Some(other) => broken.push(format!(
                    "crates/{folder} (layer {layer}) must not depend on {used} (layer {other})"
                )),
                None => broken.push(format!("crates/{folder} depends on unknown {used}")),
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

fn layer_of(folder: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == folder).map(|(_, layer)| *layer)
}

/// Our own dependencies of each crate, by folder; tests may use anything.
fn manifests() -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut found = BTreeMap::new();
    let crates = root().join("crates");
    let entries = std::fs::read_dir(&crates).map_err(|e| format!("{}: {e}", crates.display()))?;
    for entry in entries.flatten() {
        let path = entry.path().join("Cargo.toml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let manifest: toml::Table = text.parse().map_err(|e| format!("{}: {e}", path.display()))?;
        let ours = manifest
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flat_map(|d| d.keys())
            .filter_map(|name| match name.as_str() {
                "modelwright" => Some("modelwright".to_owned()),
                other => other.strip_prefix("modelwright-").map(str::to_owned),
            })
            .collect();
        found.insert(entry.file_name().to_string_lossy().into_owned(), ours);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_holds() {
        run().unwrap();
    }

    #[test]
    fn every_layer_is_known_once() {
        for (name, _) in LAYERS {
            assert_eq!(LAYERS.iter().filter(|(n, _)| n == name).count(), 1, "{name}");
        }
    }
}
