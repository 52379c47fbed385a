//! The schema and the queries, on both databases.

use chrono::{DateTime, Utc};
use weir_model::{Clock, Ids};
use weir_store::{Db, Env, Tx, on_both_databases, sql, testing};

use crate::{Collections, MIGRATIONS, Settings, store};

on_both_databases! {
    async fn every_query_prepares(db: Db) {
        db.migrate(MIGRATIONS).await.unwrap();
        testing::prepare_all(&db, &store::queries()).await;
    }

    async fn stages_reached_become_days_of_the_ladder_the_account_follows(db: Db) {
        db.migrate(&MIGRATIONS[..1]).await.unwrap();
        let clock = Clock::manual(DateTime::<Utc>::UNIX_EPOCH, chrono_tz::UTC);
        let env = Env { db: db.clone(), clock, ids: Ids::random() };
        Collections::open(env, Settings::default()).await.unwrap();
        let standing = sql!("
            insert into standings
                (account_id, version, blocked, block_reason, blocked_by, dunning_level, grade, grade_version)
            values ('a1', 0, $1, '', '', 0, 'B', 1)");
        db.transact(async |tx: &mut Tx| tx.query(standing).bind(false).execute().await).await.unwrap();
        for stage in [0_i64, 1, 5] {
            let item = sql!("
                insert into items (account_id, item_id, currency, document_number, document_date, due_date, amount,
                    open, disputed, version, stage_reached)
                values ('a1', $1, 'CNY', 'n', '2026-01-01', '2026-01-01', 1, 1, 0, 1, $2)");
            let id = format!("i{stage}");
            db.transact(async |tx: &mut Tx| tx.query(item).bind(id.as_str()).bind(stage).execute().await).await.unwrap();
        }

        db.migrate(MIGRATIONS).await.unwrap();

        let days = db.query(sql!("select reached_day from items order by item_id")).all::<(Option<i64>,)>().await;
        assert_eq!(days.unwrap(), [(None,), (Some(-7),), (Some(16),)]);
    }

    async fn the_number_of_a_tasks_stage_becomes_its_day_and_name_on_the_ladder_of_its_case(db: Db) {
        db.migrate(&MIGRATIONS[..2]).await.unwrap();
        let clock = Clock::manual(DateTime::<Utc>::UNIX_EPOCH, chrono_tz::UTC);
        let env = Env { db: db.clone(), clock, ids: Ids::random() };
        Collections::open(env, Settings::default()).await.unwrap();
        let case = sql!("
            insert into cases (case_id, account_id, currency, state, strategy_id, stage, level, owner, opened_date,
                version)
            select 'c1', 'a1', 'CNY', 'open', strategy_id, 5, 2, 'finance', '2026-01-01', 1 from strategies");
        db.transact(async |tx: &mut Tx| tx.query(case).execute().await).await.unwrap();
        for stage in [0_i64, 5] {
            let task = sql!("
                insert into tasks (task_id, case_id, account_id, kind, stage, item_id, owner, due_date, state, note,
                    version)
                values ($1, 'c1', 'a1', 'call', $2, 'i1', 'finance', '2026-01-01', 'open', '', 1)");
            let id = format!("t{stage}");
            db.transact(async |tx: &mut Tx| tx.query(task).bind(id.as_str()).bind(stage).execute().await).await.unwrap();
        }

        db.migrate(MIGRATIONS).await.unwrap();

        let stages = db.query(sql!("select stage_day, stage_name from tasks order by task_id"));
        let stages = stages.all::<(Option<i64>, Option<String>)>().await.unwrap();
        let ladder = super::rules::ladder();
        assert_eq!(stages, [(None, None), (Some(16), Some(ladder.stage(5).unwrap().name.clone()))]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables() {
    testing::same_schema(MIGRATIONS).await;
}
