//! Whether a version answers what another one answered: whoever uses an alias asks the old question
//! in the old columns.

use std::fmt::Write as _;
use std::fs;

use super::ModelVersion;
use crate::artifact::{Manifest, ManifestField, unpack_artifact};
use crate::store::Store;

/// Columns that a remark names.
const N_NAMED: usize = 8;

impl Store {
    /// What users of an alias will notice when it stands for `next` instead of the version that it
    /// stands for now: another question, other columns. Nothing of models that lie elsewhere.
    pub fn remarks_on_move(&self, name: &str, alias: &str, next: &ModelVersion) -> Vec<String> {
        let Ok(before) = self.version(name, alias) else { return Vec::new() };
        if before.number == next.number {
            return Vec::new();
        }
        if (&before.target, &before.task) != (&next.target, &next.task) {
            return vec![format!(
                "{name}@{alias} stood for a model of `{}` ({}) and stands now for one of `{}` ({})",
                before.target, before.task, next.target, next.task
            )];
        }
        let manifest = |version: &ModelVersion| -> Option<Manifest> {
            let file = self.model_file(name, &version.number.to_string()).ok()?;
            Some(unpack_artifact(&fs::read(file).ok()?).ok()?.manifest)
        };
        let (Some(was), Some(is)) = (manifest(&before), manifest(next)) else {
            return Vec::new();
        };
        let who =
            format!("{name}@{alias}, version {} before and {} now,", before.number, next.number);
        differences(&was, &is).into_iter().map(|text| format!("{who} {text}")).collect()
    }
}

/// What differs between the questions of two models of one target.
fn differences(was: &Manifest, is: &Manifest) -> Vec<String> {
    let of = |fields: &[ManifestField], other: &[ManifestField]| -> Vec<String> {
        let is_other = |field: &&ManifestField| !other.iter().any(|o| o.name == field.name);
        fields.iter().filter(is_other).map(|field| field.name.clone()).collect()
    };
    let mut found = Vec::new();
    let new = of(&is.schema, &was.schema);
    if !new.is_empty() {
        found.push(format!("reads columns that it did not read before: {}", named(&new)));
    }
    let gone = of(&was.schema, &is.schema);
    if !gone.is_empty() {
        found.push(format!("no longer reads {}", named(&gone)));
    }
    let retyped = is.schema.iter().filter_map(|field| {
        let before = was.schema.iter().find(|old| old.name == field.name)?;
        let differs = before.storage != field.storage;
        let types = format!("{:?} before, {:?} now", before.storage, field.storage).to_lowercase();
        differs.then(|| format!("{} ({types})", field.name))
    });
    let retyped: Vec<String> = retyped.collect();
    if !retyped.is_empty() {
        found.push(format!("reads columns as another type: {}", named(&retyped)));
    }
    if was.classes != is.classes {
        let (old, new) = (named(&was.classes), named(&is.classes));
        found.push(format!("answers with other classes: {old} before, {new} now"));
    }
    found
}

/// The first few names.
fn named(names: &[String]) -> String {
    let mut text = names.iter().take(N_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > N_NAMED {
        let _ = write!(text, " and {} more", names.len() - N_NAMED);
    }
    text
}
