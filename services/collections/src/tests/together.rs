//! Runs, payments and senders at the same time: whatever comes first, the end is the same.

use weir_store::{Db, on_both_databases};
use weir_wire::collections::v1 as pb;

use super::world::{World, day, item, money};
use crate::item::Item;

const ACCOUNTS: usize = 12;

fn owed(n: usize) -> Item {
    item(&format!("inv-{n}"), day(0), 500)
}

on_both_databases! {
    async fn payments_during_a_run_leave_nothing_open_and_nothing_queued(db: Db) {
        let world = World::new(db).await;
        for n in 0..ACCOUNTS {
            world.put_debtor(&format!("a{n}"), pb::Language::En).await;
            world.learn(&format!("a{n}"), vec![owed(n)]).await;
        }
        world.set_date(day(1));
        let pay = async |from: usize| {
            for n in (from..ACCOUNTS).step_by(2) {
                let paid = Item { open: money(0), settled_date: Some(day(1)), ..owed(n) };
                world.learn(&format!("a{n}"), vec![paid]).await;
            }
        };
        let send = async || {
            for _ in 0..10 {
                world.context.send_step().await.unwrap();
            }
        };
        tokio::join!(world.run(day(1)), pay(0), pay(1), send(), send());
        while world.context.send_step().await.unwrap() > 0 {}

        let mut left = 0;
        for n in 0..ACCOUNTS {
            let account = format!("a{n}");
            for case in world.cases(&account).await {
                assert_eq!(case.state(), pb::CaseState::Closed, "{account}");
                assert!(world.tasks(&case.case_id).await.iter().all(|t| t.state() == pb::TaskState::Closed));
            }
            assert_eq!(world.standing(&account).await.dunning_level, 0, "{account}");
            let notices = world.notices(&account).await;
            assert!(notices.len() <= 1);
            for notice in notices {
                assert!(matches!(notice.state(), pb::NoticeState::Sent | pb::NoticeState::Cancelled), "{notice:?}");
                left += usize::from(notice.state() == pb::NoticeState::Sent);
            }
        }
        assert_eq!(world.files().len(), left, "what left is what is marked as sent");
    }

    async fn runs_at_the_same_time_are_one(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![owed(1)]).await;
        world.set_date(day(1));
        let run = async || {
            let request = pb::RunCollectionsRequest::default();
            world.client().run_collections(request).await.map(|ran| ran.into_inner().queued_notice_count)
        };
        let runs = tokio::join!(run(), run(), run());
        let queued: i64 = [runs.0, runs.1, runs.2].into_iter().filter_map(Result::ok).sum();
        assert_eq!(queued, 1);
        assert_eq!(world.notices("a1").await.len(), 1);
    }
}
