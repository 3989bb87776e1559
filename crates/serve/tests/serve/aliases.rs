//! Registered models: an alias that moves is followed, one that leads nowhere changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use modelwright_lifecycle::store::Store;
use modelwright_serve::{Server, Settings};
use serde_json::{Value, json};

use crate::harness::{Client, Folder, Running, beside, objects, settings};

const AT: &str = "2026-01-01T00:00:00Z";

/// A store with three versions of `shop`, of which `production` is the first.
fn store(folder: &Path) -> Store {
    let mut store = Store::open(folder, AT).unwrap();
    for name in ["v2-binary", "v3-binary-calibrated", "v2-binary-forest"] {
        store.register("shop", &beside(name, "mw"), None, None, AT).unwrap();
    }
    move_to(&mut store, "1");
    store
}

fn move_to(store: &mut Store, selector: &str) {
    store.set_alias("shop", "production", selector, None, AT).unwrap();
}

fn followed(folder: &Path) -> Settings {
    let watch = Some(Duration::from_secs(2));
    let store = Some(folder.to_owned());
    Settings { store, watch, ..settings(&[Path::new("shop@production")]) }
}

fn version(client: &mut Client) -> Value {
    let row = objects("v2-binary").remove(0).to_string();
    client.post("/models/shop/predict", row).ok()["version"].clone()
}

/// Waits until a version answers; how long that took.
fn wait_for(client: &mut Client, wanted: u64) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "how soon a server follows is what is tested")]
    let begun = Instant::now();
    while version(client) != json!(wanted) {
        assert!(begun.elapsed() < Duration::from_mins(1), "version {wanted} was not served");
        std::thread::sleep(Duration::from_millis(10));
    }
    begun.elapsed()
}

#[test]
fn an_alias_that_moves_is_followed_without_a_failed_request() {
    let folder = Folder::new("alias");
    let mut store = store(&folder.0);
    let running = Running::start(followed(&folder.0));
    let is_over = Arc::new(AtomicBool::new(false));
    let asking = {
        let (is_over, mut client) = (is_over.clone(), running.client());
        std::thread::spawn(move || {
            let mut n = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert!(version(&mut client).is_u64());
                n += 1;
            }
            n
        })
    };
    let mut client = running.client();
    assert_eq!(version(&mut client), 1, "as the store counts");
    let mut slowest = Duration::ZERO;
    for (selector, wanted) in [("3", 3), ("2", 2), ("latest", 3), ("1", 1)] {
        move_to(&mut store, selector);
        slowest = slowest.max(wait_for(&mut client, wanted));
    }
    assert_eq!(store.roll_back("shop", "production", None, AT).unwrap(), 3);
    slowest = slowest.max(wait_for(&mut client, 3));
    // Half a second between two looks, and what loading takes; a busy machine takes its time.
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    is_over.store(true, Ordering::Relaxed);
    assert!(asking.join().unwrap() > 10);
}

#[test]
fn an_alias_that_leads_nowhere_leaves_the_old_model_in_place_and_is_told() {
    let folder = Folder::new("alias-broken");
    let mut store = store(&folder.0);
    let running = Running::start(followed(&folder.0));
    let mut client = running.client();
    let broken = |number: &str| store_file(&store, number);
    let (gone, garbage) = (broken("2"), broken("3"));
    fs::remove_file(gone).unwrap();
    fs::write(garbage, "not a model").unwrap();
    let mut n_failures = 0;
    for selector in ["2", "3"] {
        move_to(&mut store, selector);
        n_failures += 1;
        let line = format!("load_failures_total{{model=\"shop\",version=\"1\"}} {n_failures}");
        for round in 0.. {
            assert!(round < 3000, "the broken version {selector} was not told");
            if client.get("/metrics").text().contains(&line) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(version(&mut client), 1);
        let index = client.post("/v2/repository/index", "{}").ok();
        assert_ne!(index[0]["reason"], "", "{index}");
    }
    move_to(&mut store, "1");
    client.post("/admin/reload", "").ok();
    assert_eq!(client.post("/v2/repository/index", "{}").ok()[0]["reason"], "");
    drop(running);
    move_to(&mut store, "2");
    let refused = Server::open(followed(&folder.0)).err().unwrap().to_string();
    assert!(refused.contains("gone"), "{refused}");
}

fn store_file(store: &Store, number: &str) -> PathBuf {
    store.model_file("shop", number).unwrap()
}

#[test]
fn a_version_that_an_alias_comes_to_mean_can_be_held_back() {
    let folder = Folder::new("alias-held");
    let mut store = store(&folder.0);
    let running = Running::start(Settings { hold: true, ..followed(&folder.0) });
    let mut client = running.client();
    move_to(&mut store, "3");
    client.post("/admin/reload", "").ok();
    assert_eq!(version(&mut client), 1, "it waits");
    client.post("/admin/models/shop/promote", r#"{"version": 3}"#).ok();
    assert_eq!(version(&mut client), 3);
}
