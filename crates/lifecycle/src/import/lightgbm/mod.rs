//! LightGBM's text models (`Booster.save_model`, `model_to_string`).
//!
//! The file is a block of `key=value` lines, one such block per tree, and remarks: importances,
//! parameters, and the categories of the pandas columns it was trained on. The meaning of every
//! field was taken from LightGBM's own reader and predictor (`src/io/tree.cpp`,
//! `include/LightGBM/tree.h`, `src/boosting/gbdt_model_text.cpp`, version 4.7); its rules for
//! missing values:
//!
//! | missing type of the node | zero | NaN |
//! |---|---|---|
//! | none | compared | taken as zero |
//! | zero | goes the default way | goes the default way |
//! | NaN | compared | goes the default way |
//!
//! At a categorical node NaN, negative numbers and levels outside the set go right. Trees add up
//! in f64, from zero: the average of the target is in the first tree.

mod categories;
mod fields;
mod objective;
mod trees;

use modelwright_core::{Error, Result};

use self::categories::Categories;
use self::fields::{Fields, Line, Lines};
use super::ImportOptions;
use super::foreign::{ForeignFeature, ForeignModel};

/// More outputs than any model has; a file that claims more is not believed.
const N_OUTPUTS_MAX: usize = 1 << 16;

/// Whether the bytes begin as a LightGBM text model does.
pub fn is_lightgbm(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"tree\n")
        || bytes.trim_ascii_start().starts_with(b"tree\r\n")
}

/// Reads a model.
///
/// # Errors
/// Input error that says what is broken, with its line, or what cannot be kept.
pub fn read(bytes: &[u8], options: &ImportOptions) -> Result<ForeignModel> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        Error::input("not a LightGBM text model")
            .expected("UTF-8 text")
            .because(e)
            .hint("save the model with Booster.save_model, not with pickle or joblib")
    })?;
    let mut lines = Lines::new(text);
    let header = header(&mut lines)?;
    let (n_outputs, n_features) = (header.n_outputs, header.names.len());
    let mut model = ForeignModel {
        library: "LightGBM",
        version: header.version,
        objective: header.objective.text.clone(),
        answer: header.objective.answer(n_outputs)?,
        link: header.objective.link,
        base_scores: vec![0.0; n_outputs],
        trees: Vec::new(),
        trees_per_round: n_outputs,
        thresholds: Vec::new(),
        features: header.names.into_iter().map(ForeignFeature::named).collect(),
        notes: Vec::new(),
    };
    let mut seen = trees::Seen::new(n_features);
    while let Some(block) = next_tree(&mut lines)? {
        let (tree, thresholds) = trees::tree(&block, n_features, &mut seen)?;
        model.trees.push(tree);
        model.thresholds.push(thresholds);
    }
    check_whole(&lines, header.n_trees, header.marks_end, model.trees.len(), n_outputs)?;
    model.keep_rounds(options.rounds)?;
    let averaged = if header.is_average { 1.0 / model.n_rounds().max(1) as f64 } else { 1.0 };
    model.scale_trees(averaged * header.objective.scale);
    seen.tell(&mut model.features)?;
    Categories::read(&mut lines)?.tell(
        &mut model,
        &header.infos,
        options.category_columns.as_deref(),
    )?;
    model.check()?;
    Ok(model)
}

/// What stands before the trees.
struct Header {
    version: String,
    n_outputs: usize,
    objective: objective::Objective,
    is_average: bool,
    names: Vec<String>,
    infos: Vec<String>,
    /// How many trees are announced, where that is said.
    n_trees: Option<usize>,
    /// Whether this version writes a line after the last tree.
    marks_end: bool,
}

fn header(lines: &mut Lines<'_>) -> Result<Header> {
    if lines.next_filled().map(|line| line.text) != Some("tree") {
        return Err(Error::input("not a LightGBM text model")
            .expected("`tree` on the first line")
            .hint("save the model with Booster.save_model"));
    }
    let mut fields = Fields::default();
    while let Some(line) = lines.peek_filled() {
        if line.text.starts_with("Tree=") || line.text == trees::END {
            break;
        }
        fields.add(line)?;
        lines.next_filled();
    }
    let words = |key| fields.text(key).map(|t| t.split_ascii_whitespace().map(str::to_owned));
    let names: Vec<String> = words("feature_names").into_iter().flatten().collect();
    let n_features = fields.whole("max_feature_idx")?.checked_add(1);
    if n_features != Some(names.len()) {
        return Err(fields
            .broken("feature_names")
            .expected(format!("{} names, as max_feature_idx says", n_features.unwrap_or(0)))
            .got(format!("{} names", names.len())));
    }
    let infos: Vec<String> = words("feature_infos").into_iter().flatten().collect();
    let infos = if infos.len() == names.len() { infos } else { Vec::new() };
    let n_outputs = match fields.text("num_tree_per_iteration") {
        Some(_) => fields.whole("num_tree_per_iteration")?,
        None => fields.whole("num_class")?,
    };
    if !(1..=N_OUTPUTS_MAX).contains(&n_outputs) {
        return Err(fields
            .broken("num_tree_per_iteration")
            .expected(format!("1 to {N_OUTPUTS_MAX}"))
            .got(n_outputs.to_string()));
    }
    let version = fields.text("version").unwrap_or("v1").to_owned();
    Ok(Header {
        n_outputs,
        objective: objective::parse(fields.text("objective"))?,
        is_average: fields.text("average_output").is_some(),
        names,
        infos,
        n_trees: fields.text("tree_sizes").map(|t| t.split_ascii_whitespace().count()),
        marks_end: !matches!(version.as_str(), "v1" | "v2"),
        version,
    })
}

/// The fields of the next tree; `None` where the trees end.
fn next_tree<'a>(lines: &mut Lines<'a>) -> Result<Option<Fields<'a>>> {
    let Some(first) = lines.peek_filled().filter(|line| line.text.starts_with("Tree=")) else {
        return Ok(None);
    };
    let mut fields = Fields::at(format!("tree {}", &first.text["Tree=".len()..]));
    lines.next_filled();
    while let Some(line) = lines.next().filter(|line: &Line<'_>| !line.text.is_empty()) {
        fields.add(line)?;
    }
    Ok(Some(fields))
}

fn check_whole(
    lines: &Lines<'_>,
    announced: Option<usize>,
    marks_end: bool,
    n_trees: usize,
    n_outputs: usize,
) -> Result<()> {
    let cut = |expected: String, got: String| {
        Err(Error::input("the LightGBM model was cut off or changed")
            .expected(expected)
            .got(got)
            .hint("copy the file again, or save the model again"))
    };
    if let Some(n) = announced.filter(|n| *n != n_trees) {
        return cut(format!("{n} trees, as tree_sizes says"), format!("{n_trees} trees"));
    }
    if !n_trees.is_multiple_of(n_outputs) {
        let expected = format!("{n_outputs} trees in each round");
        return cut(expected, format!("{n_trees} trees, which are not whole rounds"));
    }
    let next = lines.peek_filled().map(|line| line.text);
    if marks_end && next != Some(trees::END) {
        let got = next.unwrap_or("the end of the file");
        return cut(format!("`{}` after the last tree", trees::END), got.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
