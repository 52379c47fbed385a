//! What stands in for a compile-time check of SQL: every query is prepared by both databases, and the two schemas that
//! one set of migrations renders to are compared.
use std::collections::BTreeMap;

use sqlx::{Executor as _, SqlSafeStr as _};

use crate::db::Pools;
use crate::{Db, Dialect, Migration, Sql};

/// Fails the test unless every query prepares on this (migrated) database; names all that do not.
pub async fn prepare_all(db: &Db, all: &[(&str, Sql)]) {
    let mut wrong = String::new();
    for (name, sql) in all {
        let text = sql.text(db.dialect()).into_sql_str();
        let prepared = match &db.pools {
            Pools::Postgres { pool, .. } => pool.prepare(text).await.map(drop),
            Pools::Sqlite { read, .. } => {
                let mut lane = read.take().await.expect("a connection");
                lane.prepare(text).await.map(drop)
            }
        };
        if let Err(e) = prepared {
            wrong.push_str(&format!("\n{name}: {e}"));
        }
    }
    assert!(wrong.is_empty(), "on {:?}:{wrong}", db.dialect());
}

/// Fails the test unless a context's migrations make the same tables, columns, types and nullability on both databases.
pub async fn same_schema(own: &[Migration]) {
    let sqlite = super::sqlite().await;
    sqlite.migrate(own).await.expect("the migrations run on SQLite");
    let on_sqlite = columns(&sqlite).await;
    let Some(postgres) = super::postgres().await else { return };
    postgres.migrate(own).await.expect("the migrations run on PostgreSQL");
    let on_postgres = columns(&postgres).await;
    assert_eq!(on_sqlite, on_postgres, "SQLite on the left, PostgreSQL on the right");
    postgres.remove().await;
}

/// Table and column → type and whether it may be null.
type Columns = BTreeMap<(String, String), (&'static str, bool)>;

async fn columns(db: &Db) -> Columns {
    const SQLITE: &str = "
        select tables.name, columns.name, lower(columns.type), columns.\"notnull\" = 0 and columns.pk = 0
        from sqlite_schema as tables, pragma_table_info(tables.name) as columns
        where tables.type = 'table' and tables.name not like 'sqlite%'";
    const POSTGRES: &str = "
        select table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
        from information_schema.columns where table_schema = current_schema()";
    let sql = match db.dialect() {
        Dialect::Postgres => Sql::new(POSTGRES, POSTGRES),
        Dialect::Sqlite => Sql::new(SQLITE, SQLITE),
    };
    let rows: Vec<(String, String, String, bool)> = db.query(sql).all().await.expect("the catalogue can be read");
    let ours = rows.into_iter().filter(|(table, ..)| table != "_sqlx_migrations");
    ours.map(|(table, column, ty, null)| ((table, column), (in_sqlite(&ty), null))).collect()
}

/// What a PostgreSQL type is in SQLite.
fn in_sqlite(ty: &str) -> &'static str {
    match ty {
        "integer" | "bigint" | "boolean" => "integer",
        "text" | "date" | "timestamp with time zone" | "numeric" | "jsonb" => "text",
        "blob" | "uuid" | "bytea" => "blob",
        _ => "a type no word stands for",
    }
}
