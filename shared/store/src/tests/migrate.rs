//! Migrations: words, sections, order.
use crate::{Db, Dialect, Error, Migration, migrations, on_both_databases, render, sql};

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
