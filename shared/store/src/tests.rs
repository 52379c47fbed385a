//! Every test runs on SQLite and on PostgreSQL unless it is about one of them.
mod cancel;
mod crash;
mod faults;
mod feed;
mod follow;
mod lease;
mod location;
mod migrate;
mod numbered;
mod outage;
mod requests;
mod retention;
mod schema;
mod storm;
mod transact;
mod types;

use crate::{Db, Migration, Tx, sql};

/// A table of counters to change, beside the store's own.
pub(crate) const COUNTERS: &[Migration] = &[Migration {
    version: 100,
    name: "counters",
    sql: "create table counters (id {int} primary key, n {int} not null) {table};
          insert into counters (id, n) values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0);",
}];

/// Adds one to a counter, holding its row; returns it.
pub(crate) async fn count(tx: &mut Tx, id: i64) -> crate::Result<i64> {
    tx.query(sql!("update counters set n = n + 1 where id = $1 returning n")).bind(id).scalar().await
}

pub(crate) async fn counter(db: &Db, id: i64) -> i64 {
    db.query(sql!("select n from counters where id = $1")).bind(id).scalar().await.unwrap()
}
