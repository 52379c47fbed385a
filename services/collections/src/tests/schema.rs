//! The schema and the queries, on both databases.

use weir_store::{Db, on_both_databases, testing};

use crate::{MIGRATIONS, store};

on_both_databases! {
    async fn every_query_prepares(db: Db) {
        db.migrate(MIGRATIONS).await.unwrap();
        testing::prepare_all(&db, &store::queries()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables() {
    testing::same_schema(MIGRATIONS).await;
}
