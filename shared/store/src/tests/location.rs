//! Where a database is, and who may open it.
use std::fs::File;

use secrecy::SecretString;

use crate::{Db, Error, Location};

fn sqlite(folder: &std::path::Path, context: &'static str) -> Location {
    Location::Sqlite { folder: folder.to_owned(), context }
}

#[tokio::test]
async fn contexts_of_one_process_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Db::open(&sqlite(folder.path(), "limits"), 1).await.unwrap();
    let gate = Db::open(&sqlite(folder.path(), "order_gate"), 1).await.unwrap();
    assert!(folder.path().join("limits.db").exists());
    assert!(folder.path().join("order_gate.db").exists());
    drop((limits, gate));
}

#[tokio::test]
async fn a_folder_another_process_holds_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weir.lock"), "process 4711\n").unwrap();
    // a lock belongs to the open file, so this one is as good as another process's
    let other = File::open(folder.path().join("weir.lock")).unwrap();
    other.try_lock().unwrap();
    let refused = Db::open(&sqlite(folder.path(), "limits"), 1).await.unwrap_err();
    assert!(matches!(refused, Error::FolderInUse { .. }));
    let said = refused.to_string();
    assert!(said.contains("process 4711") && said.contains(folder.path().to_str().unwrap()), "{said}");
}

#[tokio::test]
async fn a_folder_is_free_again_when_its_last_database_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&sqlite(folder.path(), "limits"), 1).await.unwrap();
    db.close().await;
    drop(db);
    File::open(folder.path().join("weir.lock")).unwrap().try_lock().unwrap();
}

#[tokio::test]
async fn a_schema_with_odd_characters_is_refused() {
    for schema in ["", "Limits", "limits; drop table journal", "a b"] {
        let url = SecretString::from("postgres://nobody@nowhere/none");
        let location = Location::Postgres { url, schema: schema.to_owned(), connections: 4 };
        assert!(matches!(Db::open(&location, 1).await, Err(Error::Location(_))), "{schema:?}");
    }
}

#[test]
fn the_password_is_not_printed() {
    let url = SecretString::from("postgres://weir:hunter2@db/weir");
    let location = Location::Postgres { url, schema: "limits".to_owned(), connections: 4 };
    assert!(!format!("{location:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let url = SecretString::from("postgres://weir@127.0.0.1:1/weir");
    let location = Location::Postgres { url, schema: "limits".to_owned(), connections: 4 };
    assert!(matches!(Db::open(&location, 1).await, Err(Error::Unavailable(_))));
}
