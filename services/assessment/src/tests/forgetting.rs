//! Forgetting: what is kept of how accounts behaved, and what dates before that get.

use chrono::NaiveDate;
use weir_store::{Db, Tx, on_both_databases, sql};

use super::world::*;
use crate::{
    behaviour::{Behaviour, Due, History},
    store,
};

/// 550 days before the world's 2026-03-31.
const HORIZON: &str = "2024-09-27";

/// A behaviour that owes so much, and has a history where so many were late.
fn behaviour(open: i64, late: Option<i64>) -> Behaviour {
    let due = Due { due_date: date("2024-01-31"), open: yuan(open), disputed: yuan(0) };
    let history = late.map(|overdue_item_count| History {
        settled: Vec::new(),
        written_off: yuan(0),
        overdue_item_count,
        days_past_due_max: 0,
        sales: Vec::new(),
        first_invoice_date: None,
    });
    Behaviour { currency: cny(), history, schedule: vec![due] }
}

async fn learn(db: &Db, account_id: &str, days: &[(&str, i64, Behaviour)]) {
    let account_id = account(account_id);
    for (known_on, version, behaviour) in days {
        let known = (date(known_on), *version);
        db.transact(async |tx: &mut Tx| store::save_behaviour_in(tx, &account_id, known, behaviour).await)
            .await
            .unwrap();
    }
}

/// What is owed and how many were late, as known on a day.
async fn known(db: &Db, account_id: &str, on: NaiveDate) -> (i64, Option<i64>) {
    let known = store::behaviour(db, &account(account_id), cny(), on).await.unwrap().unwrap();
    (known.schedule[0].open.minor() / 100, known.history.map(|history| history.overdue_item_count))
}

async fn rows(db: &Db) -> i64 {
    let (count,) = db.query(sql!("select count(*) from behaviour_days")).one().await.unwrap();
    count
}

on_both_databases! {
    async fn the_last_state_by_the_horizon_stays_with_its_history_and_every_day_since(db: Db) {
        let world = World::new(db.clone()).await;
        let days = [
            ("2024-01-01", 1, behaviour(10, Some(1))),
            ("2024-06-01", 2, behaviour(20, Some(2))),
            (HORIZON, 3, behaviour(30, None)),
            ("2024-09-28", 4, behaviour(40, None)),
            ("2026-03-31", 5, behaviour(50, Some(5))),
        ];
        learn(&db, "acme", &days).await;
        learn(&db, "zeta", &[("2023-01-01", 1, behaviour(7, None))]).await;
        assert_eq!(known(&db, "acme", date("2024-06-15")).await, (20, Some(2)));
        assert_eq!((world.context.step().await.unwrap(), world.context.step().await.unwrap()), (1, 0));
        assert_eq!(rows(&db).await, 4);
        // of dates before the horizon the first state kept speaks
        for on in ["2023-01-01", "2024-06-15", "2024-09-26", HORIZON] {
            assert_eq!(known(&db, "acme", date(on)).await, (30, Some(2)), "{on}");
        }
        for (on, expected) in [("2024-09-28", (40, Some(2))), ("2026-03-30", (40, Some(2))), ("2026-03-31", (50, Some(5)))] {
            assert_eq!(known(&db, "acme", date(on)).await, expected, "{on}");
        }
        assert_eq!(known(&db, "zeta", date("2026-03-31")).await, (7, None));
    }

    async fn what_arrived_out_of_order_of_days_is_forgotten_by_version(db: Db) {
        let world = World::new(db.clone()).await;
        let days = [("2024-05-02", 1, behaviour(10, Some(1))), ("2024-05-01", 2, behaviour(20, None))];
        learn(&db, "acme", &days).await;
        assert_eq!(world.context.step().await.unwrap(), 1);
        assert_eq!((rows(&db).await, known(&db, "acme", date("2026-03-31")).await), (1, (20, Some(1))));
    }

    async fn many_accounts_take_several_steps_and_each_business_date_its_own(db: Db) {
        let world = World::new(db.clone()).await;
        for n in 0..150 {
            let days = [("2024-01-01", 1, behaviour(1, Some(0))), ("2024-01-02", 2, behaviour(2, None))];
            learn(&db, &format!("account-{n}"), &days).await;
        }
        learn(&db, "acme", &[("2024-09-01", 1, behaviour(1, None)), ("2024-09-28", 2, behaviour(2, None))]).await;
        let mut steps = Vec::new();
        for _ in 0..3 {
            steps.push(world.context.step().await.unwrap());
        }
        assert_eq!((steps, rows(&db).await), (vec![100, 50, 0], 152));
        world.clock.advance(chrono::Duration::days(1));
        assert_eq!((world.context.step().await.unwrap(), rows(&db).await), (1, 151));
    }
}
