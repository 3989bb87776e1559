//! What must hold of a store on a server beyond what holds of every store.

use std::path::Path;

use super::homes::server;
use super::*;

fn refused(place: &str) -> String {
    Store::open(Path::new(place), NOW).err().expect("it must be refused").to_string()
}

#[test]
fn a_server_that_is_away_a_wrong_user_and_a_missing_database_are_said() {
    // Port 1 is nobody's.
    let text = refused("postgres://ada:secret@127.0.0.1:1/team");
    assert!(text.contains("cannot be reached") && text.contains("ada@127.0.0.1:1"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let Some(url) = server() else { return };
    let text = refused(&url.replace("tester@", "nobody:pw@"));
    assert!(text.contains("does not let this user in") && !text.contains("pw"), "{text}");
    let text = refused(&url.replace("/postgres", "/absent"));
    assert!(text.contains("no such database") && text.contains("createdb"), "{text}");
    // The server of the tests has no certificate.
    let text = refused(&format!("{url}?sslmode=require"));
    assert!(text.contains("TLS") || text.contains("cannot be reached"), "{text}");
}

#[test]
fn a_foreign_a_newer_and_an_absent_schema_are_refused() {
    let Some(home) = Home::on_server("server-bad") else { return };
    let error = Store::open_existing(home.place(), NOW).err().unwrap().to_string();
    assert!(error.contains("no store yet"), "{error}");
    let store = home.open();
    store.db.batch("CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.songs (t TEXT)").unwrap();
    let url = server().unwrap();
    let text = refused(&format!("{url}?schema=foreign_one"));
    assert!(text.contains("not a store of Modelwright"), "{text}");
    store
        .db
        .batch("CREATE SCHEMA newer; CREATE TABLE newer.store_version (version BIGINT)")
        .unwrap();
    store.db.batch("INSERT INTO newer.store_version VALUES (99)").unwrap();
    let text = refused(&format!("{url}?schema=newer"));
    assert!(text.contains("newer Modelwright") && text.contains("version 99"), "{text}");
}

#[test]
fn a_connection_that_is_lost_undoes_its_change_and_the_next_change_connects_again() {
    let Some(home) = Home::on_server("server-lost") else { return };
    let mut store = home.open();
    let id = begin(&mut store, "fit", 1);
    let other = home.open();
    let end_of = |db: &Db| -> DbResult<()> {
        let me: i64 = db.query_row("SELECT pg_backend_pid()", &[], |r| r.get(0))?;
        let kill = format!("SELECT pg_terminate_backend({me})");
        other.db.batch(&kill)
    };
    let lost = store.in_transaction(|db| {
        db.execute("UPDATE runs SET note = 'half' WHERE id = ?1", db::params![id])?;
        end_of(db)?;
        db.execute("UPDATE runs SET note = 'more' WHERE id = ?1", db::params![id])
    });
    let text = lost.unwrap_err().to_string();
    assert!(text.contains("connection to the store was lost"), "{text}");
    // As at the end of a long fit, whose server was started anew meanwhile.
    finish(&mut store, id, 0.5);
    let run = store.run(id).unwrap();
    assert_eq!((run.status, run.note), (RunStatus::Finished, None));
    end_of(&store.db).unwrap();
    assert_eq!(store.run(id).unwrap().status, RunStatus::Finished, "reading connects again too");
}

#[test]
fn files_come_from_the_server_where_no_copy_is_near_or_the_copy_was_damaged() {
    let Some(home) = Home::on_server("server-files") else { return };
    let mut store = home.open();
    let file = model_file(&home, 0.5);
    let bytes = fs::read(&file).unwrap();
    store.register("churn", &file, None, None, NOW).unwrap();
    let near = store.model_file("churn", "1").unwrap();
    fs::remove_dir_all(store.folder()).unwrap();
    assert_eq!(fs::read(store.model_file("churn", "1").unwrap()).unwrap(), bytes);
    fs::write(&near, "damaged").unwrap();
    assert_eq!(fs::read(store.model_file("churn", "1").unwrap()).unwrap(), bytes);
    // A part that is missing, as when its writer was killed, makes the file absent, not shorter.
    store.db.batch("UPDATE files SET n_parts = 2").unwrap();
    fs::remove_file(&near).unwrap();
    assert!(store.model_file("churn", "1").unwrap_err().to_string().contains("is gone"));
    store.db.batch("UPDATE files SET n_parts = 1").unwrap();
    store.delete_model("churn", None).unwrap();
    let n: i64 = store.db.query_row("SELECT count(*) FROM files", &[], |r| r.get(0)).unwrap();
    assert_eq!(n, 0, "bytes go with their last name");
}

#[test]
fn a_store_on_a_server_serves_threads_that_serve_many() {
    let Some(home) = Home::on_server("server-async") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut store = home.open();
        let id = begin(&mut store, "fit", 1);
        assert_eq!(store.run(id).unwrap().id, id);
    });
}
