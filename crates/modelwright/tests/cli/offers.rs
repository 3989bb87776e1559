//! The smaller models of one fit: listed, taken, repeated.

use std::fs;

use serde_json::Value;

use crate::harness::Folder;
use crate::tables::customers;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{text}"))
}

/// A folder with a search's model `m` of several members.
fn with_search() -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 300));
    let args = ["fit", "t.csv", "--target", "left", "--time", "60", "--out", "m", "-q"];
    folder.run(&[&args[..], &["--seed", "3"]].concat()).done();
    folder
}

#[test]
fn offers_are_listed_taken_and_replayed() {
    let folder = with_search();
    let listed = json(&folder.run(&["pick", "m", "--json"]).done());
    let offers = listed["offers"].as_array().unwrap();
    assert!(!offers.is_empty());
    assert_eq!(offers[0]["offer"], 1);
    assert_eq!(offers[0]["more_error"], 0.0);
    let last = offers.last().unwrap()["offer"].to_string();
    assert!(last != "1", "a search of this table keeps several members: {listed}");

    folder.run(&["pick", "m", "--offer", &last, "-q"]).done();
    let record = json(&fs::read_to_string(folder.path().join("m-pick/record.json")).unwrap());
    let members = offers.last().unwrap()["members"].as_array().unwrap();
    assert_eq!(record["ensemble"]["members"].as_array().unwrap().len(), members.len());
    let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(size("m-pick/model.mw") < size("m/model.mw"));
    let rows = folder.run(&["predict", "m-pick", "t.csv", "-q"]).done();
    assert_eq!(rows.lines().count(), 301);
    folder.run(&["evaluate", "m-pick", "t.csv", "-q"]).done();

    let again = ["replay", "m-pick/record.json", "t.csv", "--out", "again", "-q"];
    folder.run(&again).done();
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(bytes("m-pick/model.mw") == bytes("again/model.mw"), "the replay differs");

    folder.run(&["pick", "m-pick"]).refused(&["chosen among offers itself"]);
    folder.run(&["pick", "m", "--offer", "99"]).refused(&["there is no such offer"]);
    folder.run(&["pick", "m", "--max-size", "1"]).refused(&["no offer of this fit keeps to that"]);
}

#[test]
fn a_distilled_model_is_delivered_by_quick_listed_as_one_trial_and_replayed() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 300));
    let asked = ["fit", "t.csv", "--target", "left", "--preset", "quick", "--distill"];
    folder.run(&[&asked[..], &["--time", "60", "--out", "d", "-q"]].concat()).done();
    let record = json(&fs::read_to_string(folder.path().join("d/record.json")).unwrap());
    assert_eq!(record["ensemble"]["members"].as_array().unwrap().len(), 1);
    let trials = record["trials"].as_array().unwrap();
    assert!(trials.iter().any(|t| t["trial"]["name"] == "student"), "{trials:?}");
    let rows = folder.run(&["predict", "d", "t.csv", "-q"]).done();
    assert_eq!(rows.lines().count(), 301);

    folder.run(&["replay", "d/record.json", "t.csv", "--out", "again", "-q"]).done();
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(bytes("d/model.mw") == bytes("again/model.mw"), "the replay differs");
}

#[test]
fn the_delivered_offer_predicts_what_the_model_predicts() {
    let folder = with_search();
    folder.run(&["pick", "m", "--fastest-within", "0", "--out", "p", "-q"]).done();
    folder.run(&["pick", "m", "--fastest-tied", "--out", "tied", "-q"]).done();
    folder.run(&["predict", "tied", "t.csv", "-q"]).done();
    folder.run(&["pick", "m", "--offer", "1", "--out", "q", "-q"]).done();
    let of = |model: &str| folder.run(&["predict", model, "t.csv", "-q"]).done();
    assert_eq!(of("m"), of("q"));
    let record = json(&fs::read_to_string(folder.path().join("p/record.json")).unwrap());
    assert!(record["picked"]["offer"].is_u64());
}

#[test]
fn a_fit_with_limits_delivers_an_offer_that_keeps_them_or_says_so() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 300));
    let fit = ["fit", "t.csv", "--target", "left", "--time", "60", "--out", "m", "--json"];
    let tight = [&fit[..], &["--max-size", "10"]].concat();
    let summary = json(&folder.run(&tight).done());
    let warnings = summary["warnings"].to_string();
    assert!(warnings.contains("no model of this fit keeps to"), "{warnings}");
    let again = ["replay", "m/record.json", "t.csv", "--out", "again", "-q"];
    folder.run(&again).done();
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(bytes("m/model.mw") == bytes("again/model.mw"), "the replay differs");
}
