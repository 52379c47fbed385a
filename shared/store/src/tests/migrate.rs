//! Migrations: words, sections, order.
use crate::testing::postgres;
use crate::{Db, Dialect, Error, Location, Migration, migrations, on_both_databases, pending_at, render, sql};

const SPLIT: &str = "a {int}\n--pg\nonly postgres\n--lite\nonly sqlite\n--end\nb {table}";

#[test]
fn words_and_sections_render_for_each_database() {
    assert_eq!(render(SPLIT, Dialect::Postgres).unwrap(), "a bigint\nonly postgres\nb \n");
    assert_eq!(render(SPLIT, Dialect::Sqlite).unwrap(), "a integer\nonly sqlite\nb strict\n");
}

#[test]
fn an_unknown_word_is_named() {
    let wrong = render("create table t (n {integer}) {table}", Dialect::Sqlite).unwrap_err();
    assert_eq!(wrong.to_string(), "migration: unknown word {integer}");
}

#[test]
fn the_stores_own_tables_come_first_and_once() {
    let own = Migration { version: 100, name: "own", sql: "" };
    let all = migrations(&[own]);
    assert_eq!(all.iter().map(|m| m.version).collect::<Vec<_>>(), [1, 100]);
    assert_eq!(migrations(&all), all);
}

on_both_databases! {
    async fn own_versions_begin_at_one_hundred_and_go_up(db: Db) {
        let named = |version| Migration { version, name: "own", sql: "" };
        for own in [vec![named(1)], vec![named(99)], vec![named(100), named(100)], vec![named(101), named(100)]] {
            assert!(matches!(db.migrate(&own).await, Err(Error::Migration(_))));
        }
    }

    async fn an_applied_migration_must_not_change(db: Db) {
        let first = Migration { version: 100, name: "own", sql: "create table t (n {int}) {table};" };
        db.migrate(&[first]).await.unwrap();
        let edited = Migration { sql: "create table t (n {int}, m {int}) {table};", ..first };
        assert!(matches!(db.migrate(&[edited]).await, Err(Error::Migration(_))));
    }

    async fn a_failed_migration_leaves_nothing(db: Db) {
        let broken = Migration { version: 100, name: "own", sql: "create table t (n {int}) {table}; create nonsense;" };
        assert!(db.migrate(&[broken]).await.is_err());
        assert!(db.query(sql!("select n from t")).all::<(i64,)>().await.is_err());
    }

    async fn what_is_pending_is_named_while_the_database_is_at_work(db: Db) {
        let own = [Migration { version: 100, name: "own", sql: "create table t (n {int}) {table};" }];
        db.migrate(&[]).await.unwrap();
        assert_eq!(pending_at(db.location(), &own).await.unwrap(), ["own"]);
        db.migrate(&own).await.unwrap();
        assert!(pending_at(db.location(), &own).await.unwrap().is_empty());
    }

    async fn what_is_pending_is_named_and_not_done(db: Db) {
        let own = [Migration { version: 100, name: "own", sql: "create table t (n {int}) {table};" }];
        let behind = db.pending(&own).await.unwrap();
        assert_eq!(behind.last(), Some(&"own"));
        assert_eq!(db.pending(&own).await.unwrap(), behind);
        db.migrate(&[]).await.unwrap();
        assert_eq!(db.pending(&own).await.unwrap(), ["own"]);
        db.migrate(&own).await.unwrap();
        assert!(db.pending(&own).await.unwrap().is_empty());
    }
}

/// Every file below a folder with its content.
fn content(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut content: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    content.sort();
    content
}

#[tokio::test]
async fn asking_what_is_pending_changes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite { folder: folder.path().join("data"), context: "own" };
    assert_eq!(pending_at(&location, &[]).await.unwrap(), ["store"]);
    assert!(content(folder.path()).is_empty(), "it was absent and still is");
    let db = Db::open(&location, 1).await.unwrap();
    db.migrate(&[]).await.unwrap();
    db.close().await;
    drop(db);
    let before = content(&folder.path().join("data"));
    assert!(pending_at(&location, &[]).await.unwrap().is_empty());
    assert_eq!(content(&folder.path().join("data")), before);
}

#[tokio::test]
async fn asking_what_is_pending_makes_no_schema() {
    let Some(fresh) = postgres().await else { return };
    let Location::Postgres { url, connections, .. } = fresh.location().clone() else { panic!("it is one") };
    let absent = Location::Postgres { url, schema: "never_made".to_owned(), connections };
    assert_eq!(pending_at(&absent, &[]).await.unwrap(), ["store"]);
    let schemas = fresh
        .query(sql!("select count(*) from " pg("pg_namespace where nspname = 'never_made'") lite("sqlite_master")));
    assert_eq!(schemas.scalar::<i64>().await.unwrap(), 0);
    fresh.remove().await;
}
