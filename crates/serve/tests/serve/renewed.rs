//! Keys that are exchanged while the server runs.

use std::time::Duration;

use modelwright_serve::{Keys, NewKey, Settings};

use crate::harness::{Folder, Running, artifacts, settings};

#[test]
fn a_file_of_keys_that_changes_counts_without_a_restart_and_a_wrong_one_does_not() {
    let folder = Folder::new("renewed");
    let path = folder.0.join("keys.toml");
    let (old, new) = (NewKey::make("old").unwrap(), NewKey::make("new").unwrap());
    std::fs::write(&path, &old.entry).unwrap();
    let keys = Some(Keys::read(&path).unwrap());
    let watch = Some(Duration::from_millis(20));
    let running = Running::start(Settings { keys, watch, ..settings(&[&artifacts()]) });
    let mut client = running.client();
    let mut status = |key: &NewKey| {
        let bearer = format!("Bearer {}", key.key);
        client.send("GET", "/v2", &[("authorization", &bearer)], b"").unwrap().status
    };
    assert_eq!((status(&old), status(&new)), (200, 401));
    let mut becomes = |text: &str, wanted: (u16, u16)| {
        std::fs::write(&path, text).unwrap();
        for _ in 0..500 {
            if (status(&old), status(&new)) == wanted {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    };
    assert!(becomes(&format!("{}{}", old.entry, new.entry), (200, 200)));
    assert!(becomes(&new.entry, (401, 200)));
    std::fs::write(&path, "[[key]]\nname = 1").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!((status(&old), status(&new)), (401, 200), "a wrong file changes nothing");
}
