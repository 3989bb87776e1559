//! Copied rows are on one side of every split.

use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::Options;

use super::{fit_ok, input};

#[test]
fn copies_of_a_row_are_on_one_side_so_that_chance_is_not_taken_for_knowledge() {
    let mut random = Random::new(4);
    let n = 60;
    let mut column = |name: &str| {
        let once: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        Column::numbers(name, once.repeat(5))
    };
    let columns = [column("a"), column("b"), column("c")];
    let coins: Vec<Option<&str>> =
        (0..n).map(|_| Some(if random.unit() < 0.5 { "heads" } else { "tails" })).collect();
    let target = Column::strings("y", coins.repeat(5));
    let table = Table::new(columns.into_iter().chain([target]).collect()).unwrap();
    let score = |split: Option<&str>| {
        let mut asked = input(10, "label");
        asked.table = table.clone();
        asked.schema = table.storage_schema();
        asked.options = Options { learners: vec!["extra_trees".to_owned()], ..Options::new("y") };
        asked.options.split = split.map(str::to_owned);
        let record = fit_ok(asked, &Context::unlimited(1, 2)).record;
        let metrics = record.evaluation.unwrap().metrics;
        let auc = metrics.iter().find(|m| m.name == "roc_auc").unwrap().value.unwrap();
        (record.split.kind, record.split.reason, auc)
    };
    let (kind, reason, auc) = score(None);
    assert_eq!(kind, "group", "{reason}");
    assert!(reason.contains("240 of 300 rows are copies"), "{reason}");
    assert!(auc < 0.85, "{auc}");
    let (kind, _, remembered) = score(Some("random"));
    assert!(kind == "random" && remembered > 0.95, "{kind} {remembered}");
}
