//! What is written is read back: every graph is sound, every tree takes the paths of ours, and
//! what cannot be written is refused by name. That runtimes predict the same is tested with one of
//! them, in `tests/peers/test_onnx.py`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use modelwright_automl::Predictor;
use modelwright_automl::direct::{Boosting, DirectInput, fit_direct};
use modelwright_core::Context;
use modelwright_core::data::{Column, Kind, Table};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::task::{Target, Task};
use modelwright_learners::LEARNERS;
use modelwright_learners::tree::Tree;
use prost::Message;

use super::encoder::Features;
use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto};
use super::trees::OfOutput;
use super::*;
use super::{linear_leaves, trees};
use crate::import::golden;
use crate::import::{ImportOptions, Naming, read_model};

/// The operators of opset 17 that we use.
const OPERATORS: [&str; 45] = [
    "Abs",
    "Add",
    "And",
    "ArgMax",
    "ArgMin",
    "Cast",
    "Clip",
    "Concat",
    "Cos",
    "CumSum",
    "Div",
    "Equal",
    "Exp",
    "Expand",
    "Floor",
    "Gather",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "IsNaN",
    "Less",
    "LessOrEqual",
    "Log",
    "MatMul",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "ReduceMin",
    "ReduceSum",
    "Reshape",
    "Round",
    "Shape",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softmax",
    "Softplus",
    "Sqrt",
    "Sub",
    "Tanh",
    "TopK",
];
const MORE_OPERATORS: [&str; 4] = ["Unsqueeze", "Where", "LabelEncoder", "TreeEnsemble"];

fn ctx() -> Context {
    Context::unlimited(7, 2)
}

/// A column of every kind that can be written, with missing values.
fn table(n: usize) -> Table {
    let mut random = Random::new(11);
    let mut draw = |f: &mut dyn FnMut(&mut Random) -> f64| -> Vec<f64> {
        (0..n).map(|_| if random.unit() < 0.1 { f64::NAN } else { f(&mut random) }).collect()
    };
    let x = draw(&mut |r| r.normal() * 1000.0);
    let zip = draw(&mut |r| r.below(12) as f64 + 1010.0);
    let level = draw(&mut |r| r.below(40) as f64);
    let side = draw(&mut |r| r.below(2) as f64);
    let day = draw(&mut |r| r.below(4000) as f64);
    let text = |v: &f64, prefix: &str| (!v.is_nan()).then(|| format!("{prefix}{v}"));
    let level: Vec<_> = level.iter().map(|v| text(v, "l")).collect();
    let side = side.iter().map(|v| (!v.is_nan()).then_some(if *v > 0.5 { "yes" } else { "no" }));
    let instant = |v: &f64| {
        if v.is_nan() { i64::MIN } else { *v as i64 * 86_400_000_000 + 3_600_000_001 }
    };
    Table::new(vec![
        Column::numbers("x", x),
        Column::numbers("zip", zip),
        Column::strings("level", level.iter().map(Option::as_deref)),
        Column::strings("side", side),
        Column::instants("day", day.iter().map(instant).collect()),
        Column::numbers("t1", (0..n).map(|i| (i % 7) as f64).collect::<Vec<f64>>()),
    ])
    .unwrap()
}

fn target(table: &Table, task: Task) -> Target {
    let score = |row: usize| {
        let x = table.columns()[0].display(row).map_or(0.0, |v| v.parse::<f64>().unwrap());
        x / 1000.0 + f64::from(u8::from(table.columns()[3].text(row) == Some("yes")))
    };
    let scores: Vec<f64> = (0..table.n_rows()).map(score).collect();
    let class = |s: &f64| u32::from(*s > 0.0) + u32::from(task == Task::Multiclass && *s > 1.0);
    match task {
        Task::Regression => Target::Real(scores),
        Task::Binary => Target::Class { codes: scores.iter().map(class).collect(), n_classes: 2 },
        Task::Multiclass => {
            Target::Class { codes: scores.iter().map(class).collect(), n_classes: 3 }
        }
    }
}

fn fitted(learner: &str, table: &Table, task: Task) -> Predictor {
    fitted_on(learner, None, table, task)
}

/// A learner of rows that an encoding writes, or that its own does.
fn fitted_on(learner: &str, encoding: Option<&str>, table: &Table, task: Task) -> Predictor {
    let kinds = BTreeMap::from([("zip".to_owned(), Kind::IntegerCategory)]);
    // A few rounds make as many sorts of operators as many do.
    let entry = modelwright_learners::learner(learner).unwrap();
    let few = ["n_rounds", "path_steps", "n_epochs", "max_rounds", "outer_bags", "n_trees"];
    let known = few.iter().filter(|name| entry.params.iter().any(|p| p.name == **name));
    let params: ParamMap = known.map(|name| ((*name).to_owned(), ParamValue::Int(4))).collect();
    let input = DirectInput {
        table,
        schema: &table.storage_schema(),
        kinds,
        target: &target(table, task),
        weights: None,
        learner,
        params: &params,
        encoding,
        boosting: Boosting::default(),
    };
    fit_direct(&input, &ctx()).unwrap_or_else(|e| panic!("{learner}: {e}")).0
}

fn about() -> About {
    About { name: "m".to_owned(), artifact_sha256: "ab".to_owned() }
}

/// Reads a file and proves that its graph can be computed from first to last node.
fn sound(model: &OnnxModel) -> GraphProto {
    let read = ModelProto::decode(&*model.bytes).unwrap();
    assert_eq!(read.encode_to_vec(), model.bytes, "what is read is what was written");
    let versions: Vec<(&str, i64)> =
        read.opset_import.iter().map(|o| (o.domain.as_str(), o.version)).collect();
    assert_eq!(versions, [("", OPSET), (ML_DOMAIN, ML_OPSET)]);
    let graph = read.graph.unwrap();
    let inputs = graph.input.iter().map(|i| i.name.clone());
    let constants = graph.initializer.iter().map(|i| i.name.clone());
    let mut known = BTreeSet::new();
    for name in inputs.chain(constants) {
        assert!(known.insert(name.clone()), "{name} is there twice");
    }
    for node in &graph.node {
        let name = node.op_type.as_str();
        assert!(OPERATORS.contains(&name) || MORE_OPERATORS.contains(&name), "{name}");
        for input in &node.input {
            assert!(known.contains(input), "{name} reads {input} before it is made");
        }
        for output in &node.output {
            assert!(known.insert(output.clone()), "{output} is made twice");
        }
    }
    let outputs: Vec<&String> = graph.output.iter().map(|o| &o.name).collect();
    assert_eq!(outputs, model.outputs.iter().collect::<Vec<_>>());
    assert!(outputs.iter().all(|name| known.contains(*name)));
    graph
}

#[test]
fn every_learner_and_every_kind_of_column_becomes_a_sound_graph() {
    let table = table(120);
    for task in Task::ALL {
        for entry in LEARNERS.iter().filter(|entry| entry.spec.tasks.contains(&task)) {
            let predictor = fitted(entry.spec.name, &table, task);
            let model =
                write(&predictor, &about()).unwrap_or_else(|e| panic!("{}: {e}", entry.spec.name));
            let graph = sound(&model);
            let inputs: Vec<&str> = graph.input.iter().map(|i| i.name.as_str()).collect();
            assert_eq!(inputs, ["x", "zip", "level", "side", "day", "t1"], "{}", entry.spec.name);
            let n_outputs = if task == Task::Regression { 1 } else { 1 + predictor.classes.len() };
            assert_eq!(graph.output.len(), n_outputs);
        }
    }
}

#[test]
fn a_booster_that_splits_sets_of_levels_becomes_a_sound_graph() {
    let table = table(400);
    for task in Task::ALL {
        let predictor = fitted_on("gbdt", Some("levels"), &table, task);
        let trees = predictor.single_booster().unwrap().0.trees();
        assert!(trees.iter().any(|tree| !tree.sets.is_empty()), "no split by levels");
        sound(&write(&predictor, &about()).unwrap());
    }
}

#[test]
fn a_linear_model_of_many_levels_looks_them_up() {
    let table = table(900);
    for task in Task::ALL {
        let predictor = fitted("linear", &table, task);
        let encoder = predictor.member_views().next().unwrap().encoder;
        assert!(encoder.n_sparse() > 35, "{}", encoder.n_sparse());
        let graph = sound(&write(&predictor, &about()).unwrap());
        assert!(graph.node.iter().any(|node| node.op_type == "Gather"));
    }
}

#[test]
fn the_same_model_gives_the_same_bytes_and_says_what_it_is() {
    let table = table(200);
    let predictor = fitted("gbdt", &table, Task::Binary);
    let model = write(&predictor, &about()).unwrap();
    assert_eq!(model.bytes, write(&predictor, &about()).unwrap().bytes);
    let read = ModelProto::decode(&*model.bytes).unwrap();
    let prop = |key: &str| {
        let found = read.metadata_props.iter().find(|p| p.key == format!("modelwright.{key}"));
        found.unwrap_or_else(|| panic!("{key}")).value.clone()
    };
    assert_eq!((prop("name"), prop("artifact_sha256")), ("m".to_owned(), "ab".to_owned()));
    assert_eq!((prop("task"), prop("classes")), ("binary".to_owned(), r#"["0","1"]"#.to_owned()));
    assert!(prop("inputs").contains(r#""name":"day""#) && prop("intended_use").len() > 40);
    assert!(model.notes.iter().any(|note| note.contains("microseconds")), "{:?}", model.notes);
}

#[test]
fn text_is_refused_with_its_column_and_what_to_do() {
    let mut random = Random::new(3);
    let mut line = || -> String {
        let words = ["good", "bad", "fine", "poor", "fast", "slow", "late", "kind", "rude", "nice"];
        let n = 9 + random.below(9);
        (0..n).map(|_| words[random.below(10)]).collect::<Vec<_>>().join(" ")
    };
    let lines: Vec<String> = (0..300).map(|_| line()).collect();
    let x = Column::numbers("x", lines.iter().map(|l| l.len() as f64).collect::<Vec<f64>>());
    let texts = Column::strings("review", lines.iter().map(|l| Some(l.as_str())));
    let table = Table::new(vec![x, texts]).unwrap();
    let target = Target::Class {
        codes: lines.iter().map(|l| u32::from(l.starts_with("good"))).collect(),
        n_classes: 2,
    };
    let kinds = BTreeMap::from([("review".to_owned(), Kind::Text)]);
    let (schema, params) = (table.storage_schema(), ParamMap::new());
    for learner in ["gbdt", "linear"] {
        let input = DirectInput {
            table: &table,
            schema: &schema,
            kinds: kinds.clone(),
            target: &target,
            weights: None,
            learner,
            params: &params,
            encoding: None,
            boosting: Boosting::default(),
        };
        let predictor = fit_direct(&input, &ctx()).unwrap().0;
        let error = write(&predictor, &about()).unwrap_err().to_string();
        assert!(error.contains("`review`") && error.contains("--exclude"), "{error}");
    }
}

#[test]
fn a_column_that_is_called_as_an_output_is_refused() {
    let table = Table::new(vec![
        Column::numbers("prediction", (0..50).map(|i| f64::from(i).sin()).collect::<Vec<f64>>()),
        Column::numbers("y", (0..50).map(|i| f64::from(i % 7)).collect::<Vec<f64>>()),
    ]);
    let table = table.unwrap();
    let input = DirectInput {
        table: &table,
        schema: &table.storage_schema(),
        kinds: BTreeMap::new(),
        target: &Target::Real((0..50).map(f64::from).collect()),
        weights: None,
        learner: "linear",
        encoding: None,
        boosting: Boosting::default(),
        params: &ParamMap::new(),
    };
    let predictor = fit_direct(&input, &ctx()).unwrap().0;
    let error = write(&predictor, &about()).unwrap_err().to_string();
    assert!(error.contains("`prediction`") && error.contains("rename"), "{error}");
}

/// An operator of trees, as a reader sees it.
struct Reader<'a>(BTreeMap<&'a str, &'a AttributeProto>);

impl Reader<'_> {
    fn of(node: &NodeProto) -> Reader<'_> {
        Reader(node.attribute.iter().map(|a| (a.name.as_str(), a)).collect())
    }

    fn ints(&self, name: &str) -> &[i64] {
        &self.0[name].ints
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let Some(attribute) = self.0.get(name) else { return Vec::new() };
        let bytes = attribute.t.as_ref().unwrap().raw_data.as_ref().unwrap();
        bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
    }

    /// The levels of each node that tests some.
    fn sets(&self) -> BTreeMap<usize, Vec<f64>> {
        let values = self.numbers("membership_values");
        let mut sets = values.split(|v| v.is_nan());
        let modes = self.modes();
        let members = (0..modes.len()).filter(|node| modes[*node] == 6);
        members.map(|node| (node, sets.next().unwrap().to_vec())).collect()
    }

    fn modes(&self) -> &[u8] {
        self.0["nodes_modes"].t.as_ref().unwrap().raw_data.as_ref().unwrap()
    }

    /// The leaves of one row, one per tree, by the definition of the operator.
    fn leaves(&self, row: &[f32]) -> Vec<usize> {
        let (modes, splits, sets) = (self.modes(), self.numbers("nodes_splits"), self.sets());
        let leaf_of = |root: &i64| {
            let (mut at, mut is_leaf) = (*root as usize, false);
            while !is_leaf {
                let value = f64::from(row[self.ints("nodes_featureids")[at] as usize]);
                let passes = match modes[at] {
                    0 => value <= splits[at],
                    1 => value < splits[at],
                    6 => sets[&at].contains(&value),
                    other => panic!("{other}"),
                };
                let tracks = self.ints("nodes_missing_value_tracks_true")[at] == 1;
                let side = if passes || value.is_nan() && tracks { "true" } else { "false" };
                is_leaf = self.ints(&format!("nodes_{side}leafs"))[at] == 1;
                at = self.ints(&format!("nodes_{side}nodeids"))[at] as usize;
            }
            at
        };
        self.ints("tree_roots").iter().map(leaf_of).collect()
    }
}

/// Trees of one output as an operator, and their sums by our definition.
fn assert_same_paths(all: &[Tree], rows: &[Vec<f32>]) {
    let mut graph = Graph::new("trees", std::iter::empty());
    let x = graph.input("x", DataType::Float, String::new());
    let features = Features { table: Some(x.clone()), n: rows[0].len(), levels: Vec::new() };
    let setting = Setting { features: &features, task: Task::Regression, rows: &x };
    let of_output: Vec<OfOutput<'_>> = all.iter().map(|t| (Cow::Borrowed(t), 0)).collect();
    let sums = trees::sums(&mut graph, &setting, &of_output, &[0.0]).unwrap();
    graph.output("y", DataType::Double, &sums, String::new());
    let graph = graph.finish();
    // Trees of one leaf alone are a constant.
    let node = graph.node.iter().find(|n| n.op_type == "TreeEnsemble");
    assert_eq!(node.is_some(), all.iter().any(|tree| !tree.features.is_empty()));
    let reader = node.map(Reader::of);
    let weights = reader.as_ref().map_or(Vec::new(), |reader| reader.numbers("leaf_weights"));
    let lone = all.iter().filter(|t| t.features.is_empty()).map(|t| t.values[0]).sum::<f64>();
    for row in rows {
        let wanted: f64 = all.iter().map(|tree| tree.values[tree.leaf_of(|f| row[f])]).sum();
        let leaves = reader.as_ref().map_or(Vec::new(), |reader| reader.leaves(row));
        let got = lone + leaves.iter().map(|leaf| weights[*leaf]).sum::<f64>();
        assert!((got - wanted).abs() <= 1e-12 * wanted.abs().max(1.0), "{got}, {wanted}: {row:?}");
    }
}

/// A linear leaf's value out of what it was unfolded to.
fn assert_same_values(tree: &Tree, row: &[f32]) {
    let used: Vec<u32> = (0..row.len() as u32).collect();
    let unfolded = linear_leaves::unfold(tree, &used, 1, 0);
    let value = |f: usize| row[f];
    let width = 1 + row.len();
    let leaf = unfolded.leaf_of(value);
    let numbers = &unfolded.values[leaf * width..(leaf + 1) * width];
    let terms = numbers[1..].iter().zip(row).filter(|(c, _)| **c != 0.0);
    let got = numbers[0] + terms.map(|(c, x)| c * f64::from(*x)).sum::<f64>();
    let wanted = tree.leaf_value(tree.leaf_of(value), 0, value);
    assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{got}, {wanted}: {row:?}");
}

#[test]
fn trees_with_sets_of_levels_linear_leaves_and_missing_values_take_our_paths() {
    for file in ["lightgbm-binary.txt", "lightgbm-linear.txt", "lightgbm-stump.txt"] {
        let model = read_model(&golden::bytes(file), &ImportOptions::default()).unwrap();
        let (name, _) = file.split_once('.').unwrap();
        let rows: Vec<Vec<f32>> = (golden::rows(name).rows.iter())
            .map(|row| row.iter().map(|v| v.unwrap_or(f32::NAN)).collect())
            .collect();
        let mut all = rows.clone();
        // Every feature missing, at and around every threshold of the first tree, and far away.
        for feature in 0..rows[0].len() {
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 0.5, 3.0] {
                let mut row = rows[0].clone();
                row[feature] = value;
                // Infinite values times coefficients are not numbers.
                if value.is_finite() || value.is_nan() || name != "lightgbm-linear" {
                    all.push(row);
                }
            }
        }
        for tree in &model.trees {
            for (feature, threshold) in tree.features.iter().zip(&tree.thresholds) {
                for value in [threshold.next_down(), *threshold, threshold.next_up()] {
                    if value.is_finite() {
                        let mut row = rows[0].clone();
                        row[*feature as usize] = value;
                        all.push(row);
                    }
                }
            }
        }
        assert_same_paths(&model.trees, &all);
        for tree in &model.trees {
            for row in &all {
                assert_same_values(tree, row);
            }
        }
    }
}

#[test]
fn imported_models_become_sound_graphs() {
    for file in ["lightgbm-binary.txt", "lightgbm-linear.txt", "xgboost-multiclass.ubj"] {
        let foreign = read_model(&golden::bytes(file), &ImportOptions::default()).unwrap();
        let naming = Naming { target: "target".to_owned(), classes: None };
        let predictor = foreign.into_predictor(&naming).unwrap();
        sound(&write(&predictor, &about()).unwrap());
    }
}

#[test]
fn operators_are_made_once_and_only_if_they_are_needed_and_names_stay_apart() {
    let mut graph = Graph::new("g", ["t", "t_", "other"].into_iter());
    let x = graph.input("t", DataType::Double, String::new());
    let one = graph.plus(&x, 1.0);
    assert_eq!(one, graph.plus(&x, 1.0));
    let two = graph.plus(&x, 2.0);
    assert_ne!(one, two);
    graph.plus(&one, 3.0);
    let product = graph.op("Mul", &[&one, &two]);
    graph.output("other", DataType::Double, &product, String::new());
    let proto = graph.finish();
    let operators: Vec<&str> = proto.node.iter().map(|n| n.op_type.as_str()).collect();
    assert_eq!(operators, ["Add", "Add", "Mul", "Identity"], "what nothing needs is left out");
    assert_eq!(proto.initializer.len(), 2);
    assert!(proto.node[..3].iter().all(|n| n.output[0].starts_with("t__")), "{:?}", proto.node);
}
