//! Every query prepares on both databases, and the two schemas are the same.

use weir_store::{
    Db, on_both_databases,
    testing::{prepare_all, same_schema},
};

use crate::{MIGRATIONS, store};

on_both_databases! {
    async fn every_query_prepares(db: Db) {
        db.migrate(MIGRATIONS).await.unwrap();
        prepare_all(&db, &store::all()).await;
    }
}

#[tokio::test]
async fn both_databases_get_the_same_schema() {
    same_schema(MIGRATIONS).await;
}
