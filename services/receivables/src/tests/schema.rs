//! What stands in for a compile-time check of SQL.

use weir_store::{
    Db, on_both_databases,
    testing::{prepare_all, same_schema},
};

use crate::{MIGRATIONS, store};

on_both_databases! {
    async fn every_query_prepares(db: Db) {
        db.migrate(MIGRATIONS).await.unwrap();
        prepare_all(&db, &store::queries()).await;
    }
}

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    same_schema(MIGRATIONS).await;
}
