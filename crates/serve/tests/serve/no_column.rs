//! A model that reads no column: it answers each row alike, and counts them.

use modelwright_automl::{FitInput, Own, fit};
use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::record::{DataSource, Options};
use modelwright_io::{ReadOptions, TableWriter, read_bytes};
use modelwright_lifecycle::artifact::{ArtifactParts, write_artifact};
use serde_json::json;

use crate::harness::{Folder, Running, settings};

const CSV: &str = "text/csv";
const LINES: &str = "application/x-ndjson";
const PARQUET: &str = "application/vnd.apache.parquet";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Of a column whose values no learner can tell apart.
fn write_model(folder: &Folder) -> std::path::PathBuf {
    let n_rows = 300;
    let tiny = (0..n_rows).map(|i| if i % 2 == 0 { 0.0 } else { 1e-310 });
    let label = (0..n_rows).map(|i| Some(if i % 3 == 0 { "yes" } else { "no" }));
    let table = Table::new(vec![
        Column::numbers("tiny", tiny.collect::<Vec<f64>>()),
        Column::strings("y", label),
    ]);
    let table = table.unwrap();
    let mut options = Options::new("y");
    "quick".clone_into(&mut options.preset);
    let input = FitInput {
        schema: table.storage_schema(),
        table,
        source: DataSource { name: "test".to_owned(), ..DataSource::default() },
        test: None,
        options,
        own: Own::default(),
        all_rows: None,
    };
    let outcome = fit(input, &Context::unlimited(1, 2)).unwrap();
    let schema = &outcome.predictor.schema;
    assert!(schema.fields.is_empty(), "the model reads {:?}", schema.fields);
    let parts = ArtifactParts {
        model: &outcome.predictor.encode().unwrap(),
        schema,
        reference: &[],
        record: &outcome.record,
        report_html: "",
    };
    let path = folder.0.join("none.mw");
    write_artifact(&path, &parts).unwrap();
    path
}

#[test]
fn rows_are_answered_by_a_model_that_reads_no_column_in_every_form() {
    let folder = Folder::new("no-column");
    let running = Running::start(settings(&[&write_model(&folder)]));
    let mut client = running.client();
    let one = client.post("/predict", r#"{"a": 1}"#).ok()["prediction"].clone();
    assert_eq!(one, "no");
    for (body, n) in [(r#"[{"a": 1}, {"a": 2}]"#, 2), ("[{}]", 1)] {
        let answer = client.post("/predict", body).ok();
        assert_eq!(answer["predictions"].as_array().unwrap().len(), n, "{answer}");
        assert_eq!(answer["predictions"][n - 1]["prediction"], one);
    }
    let rows = Table::new(vec![Column::numbers("tiny", vec![0.0, 1.0, 2.0])]).unwrap();
    let mut writer = TableWriter::parquet(Vec::new());
    writer.write(&rows).unwrap();
    let parquet = writer.finish().unwrap();
    let mut writer = TableWriter::arrow(Vec::new());
    writer.write(&rows).unwrap();
    let arrow = writer.finish().unwrap();
    let lines = b"{\"tiny\": 1}\n{}\n{\"a\": 2}\n".to_vec();
    let csv = b"tiny\n0\n1\n2\n".to_vec();
    for (form, body) in [(CSV, csv), (LINES, lines), (PARQUET, parquet), (ARROW, arrow)] {
        for query in ["", "?stream=true", "?on_error=null", "?on_error=null&stream=true"] {
            let headers = [("content-type", form), ("accept", CSV)];
            let path = format!("/predict{query}");
            let answer = client.send("POST", &path, &headers, &body).unwrap();
            assert_eq!(answer.status, 200, "{form} {query}: {}", answer.text());
            let (options, ctx) = (ReadOptions::default(), Context::unlimited(0, 1));
            let table = read_bytes("t.csv", &answer.body, &options, &ctx).unwrap().table;
            let said = table.column("prediction").unwrap();
            let said: Vec<_> = (0..table.n_rows()).map(|row| said.text(row)).collect();
            assert_eq!(json!(said), json!([one, one, one]), "{form} {query}");
        }
    }
}
