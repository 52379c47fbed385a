//! The thin way round: a debt becomes overdue, a case opens, a notice leaves, the gate is told, payment ends it.

use weir_store::{Db, on_both_databases};
use weir_wire::collections::v1 as pb;

use super::world::{World, day, item, money};
use crate::item::Item;

on_both_databases! {
    async fn an_overdue_item_opens_a_case_sends_a_notice_and_tells_the_gate(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![item("inv-1", day(0), 3_000_000)]).await;

        let ran = world.run_and_send(day(1)).await;

        assert_eq!((ran.opened_case_count, ran.queued_notice_count, ran.created_task_count), (1, 1, 1));
        let cases = world.cases("a1").await;
        assert_eq!(cases.len(), 1);
        assert_eq!((cases[0].state(), cases[0].owner(), cases[0].dunning_level), (pb::CaseState::Open, pb::StageOwner::Sales, 1));
        let notices = world.notices("a1").await;
        assert_eq!(notices.len(), 1);
        assert_eq!((notices[0].state(), notices[0].tone()), (pb::NoticeState::Sent, pb::NoticeTone::Friendly));
        assert_eq!(world.files().len(), 1);
        assert_eq!(world.standing("a1").await.dunning_level, 1);
    }

    async fn paying_everything_closes_the_case_cancels_the_notice_and_lowers_the_level(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        let owed = item("inv-1", day(0), 3_000_000);
        world.learn("a1", vec![owed.clone()]).await;
        world.run(day(1)).await;

        world.learn("a1", vec![Item { open: money(0), settled_date: Some(day(1)), ..owed }]).await;
        while world.context.send_step().await.unwrap() > 0 {}

        let cases = world.cases("a1").await;
        assert_eq!(cases[0].state(), pb::CaseState::Closed);
        assert_eq!(world.notices("a1").await[0].state(), pb::NoticeState::Cancelled);
        assert!(world.files().is_empty(), "a cancelled notice leaves nothing behind");
        let tasks = world.tasks(&cases[0].case_id).await;
        assert!(tasks.iter().all(|task| task.state() == pb::TaskState::Closed), "{tasks:?}");
        assert_eq!(world.standing("a1").await.dunning_level, 0);
    }
}
