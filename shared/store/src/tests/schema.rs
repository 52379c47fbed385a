//! The SQL itself: it prepares on both databases, and both get the same tables.
use crate::{Db, bookmark, journal, lease, migrate, on_both_databases, requests, testing};

on_both_databases! {
    async fn every_query_prepares(db: Db) {
        db.migrate(&[]).await.unwrap();
        let all = [journal::queries(), requests::queries(), bookmark::queries(), lease::queries(), migrate::queries()];
        for queries in all {
            testing::prepare_all(&db, &queries).await;
        }
    }

    async fn migrating_again_changes_nothing(db: Db) {
        db.migrate(&[]).await.unwrap();
        db.migrate(&[]).await.unwrap();
        let rows: i64 = db.query(crate::sql!("select count(*) from journal_head")).scalar().await.unwrap();
        assert_eq!(rows, 1);
    }
}

#[tokio::test]
async fn both_databases_get_the_same_tables() {
    testing::same_schema(&[]).await;
}
