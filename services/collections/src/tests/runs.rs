//! Runs for business dates: idempotent, in order, one at a time.

use std::time::Duration;

use tonic::Code;
use weir_model::ItemId;
use weir_store::{Db, Tx, bookmark, lease, on_both_databases};
use weir_wire::{collections::v1 as pb, common::v1::Context, emit};

use super::world::{World, bad_fields, day, item, money, reason};
use crate::item::Item;

fn request(world: &World, days: i64) -> pb::RunCollectionsRequest {
    pb::RunCollectionsRequest {
        request_id: world.request(),
        business_date: Some(emit::date(day(days))),
        at_least_as_fresh: None,
    }
}

on_both_databases! {
    async fn the_same_date_again_changes_nothing(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        let first = world.run_and_send(day(1)).await;
        let (notices, cases) = (world.notices("a1").await, world.cases("a1").await);

        let second = world.run_and_send(day(1)).await;

        assert_eq!(second.run_id, first.run_id);
        assert_eq!((first.queued_notice_count, first.opened_case_count, first.created_task_count), (1, 1, 1));
        assert_eq!((second.queued_notice_count, second.opened_case_count, second.created_task_count), (0, 0, 0));
        assert_eq!((world.notices("a1").await, world.cases("a1").await), (notices, cases));
        assert_eq!(world.files().len(), 1);
    }

    async fn an_unsent_notice_is_brought_up_to_date_in_place(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.run(day(1)).await;
        let before = world.notices("a1").await;
        world.learn("a1", vec![item("inv-2", day(0), 300)]).await;

        world.run(day(1)).await;

        let after = world.notices("a1").await;
        assert_eq!(after.len(), 1);
        assert_eq!(after[0].notice_id, before[0].notice_id);
        assert_eq!(after[0].item_ids, ["inv-1", "inv-2"]);
        assert_eq!(after[0].total_amount, Some(emit::money(money(800))));
        assert_eq!(after[0].message_id, before[0].message_id);
    }

    async fn a_date_before_the_newest_run_is_refused(db: Db) {
        let world = World::new(db).await;
        world.run(day(5)).await;
        let status = world.client().run_collections(request(&world, 4)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "RUN_OUT_OF_ORDER"));
    }

    async fn a_date_in_the_future_is_refused(db: Db) {
        let world = World::new(db).await;
        let status = world.client().run_collections(request(&world, 1)).await.unwrap_err();
        assert_eq!((status.code(), bad_fields(&status)), (Code::InvalidArgument, vec!["business_date".to_owned()]));
    }

    async fn one_run_at_a_time(db: Db) {
        let world = World::new(db.clone()).await;
        let other = lease::acquire(&db, "collections-run", "another", Duration::from_secs(60)).await.unwrap().unwrap();
        let status = world.client().run_collections(request(&world, 0)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "RUN_IN_PROGRESS"));
        lease::release(&db, &other).await.unwrap();
        world.client().run_collections(request(&world, 0)).await.unwrap();
    }

    async fn a_request_is_answered_the_same_however_much_happened_since(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.set_date(day(1));
        let same = request(&world, 1);
        let first = world.client().run_collections(same.clone()).await.unwrap().into_inner();
        world.learn("a1", vec![item("inv-2", day(0), 500)]).await;
        world.run(day(1)).await;
        world.run(day(9)).await;
        let again = world.client().run_collections(same.clone()).await.unwrap().into_inner();
        assert_eq!(again, pb::RunCollectionsResponse { token: again.token.clone(), ..first });

        let other = pb::RunCollectionsRequest { business_date: Some(emit::date(day(9))), ..same };
        let status = world.client().run_collections(other).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
    }

    async fn sales_finance_and_legal_take_over_on_their_days(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        let expected = [
            (-7, pb::StageOwner::Sales, 0),
            (1, pb::StageOwner::Sales, 1),
            (15, pb::StageOwner::Sales, 1),
            (16, pb::StageOwner::Finance, 2),
            (30, pb::StageOwner::Finance, 2),
            (31, pb::StageOwner::Legal, 3),
        ];
        for (days, owner, level) in expected {
            world.run_and_send(day(days)).await;
            let case = &world.cases("a1").await[0];
            assert_eq!((case.owner(), case.dunning_level), (owner, level), "day {days}");
            assert_eq!(world.standing("a1").await.dunning_level, level, "day {days}");
        }
        let stages: Vec<i32> = world.notices("a1").await.iter().map(|notice| notice.stage).collect();
        assert_eq!(stages, [1, 4, 5, 6]);
    }

    async fn a_late_first_run_tells_the_gate_all_and_the_debtor_one_stage_a_time(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        let mut sent = Vec::new();
        for days in [40, 41, 42, 43, 44, 45, 46, 47] {
            world.run_and_send(day(days)).await;
            assert_eq!(world.standing("a1").await.dunning_level, 3);
            sent.push(world.notices("a1").await.len());
        }
        // friendly on day 40; formal and final three days apart
        assert_eq!(sent, [1, 1, 1, 2, 2, 2, 3, 3]);
    }

    async fn paying_the_oldest_item_lowers_the_level_at_once(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        let old = item("old", day(0), 500);
        world.learn("a1", vec![old.clone(), item("young", day(25), 300)]).await;
        world.run(day(31)).await;
        assert_eq!(world.standing("a1").await.dunning_level, 3);

        world.learn("a1", vec![Item { open: money(0), settled_date: Some(day(31)), ..old }]).await;

        assert_eq!(world.standing("a1").await.dunning_level, 1);
        let case = &world.cases("a1").await[0];
        assert_eq!((case.anchor_item_id.as_str(), case.owner()), ("young", pb::StageOwner::Sales));
        assert_eq!(world.notices("a1").await[0].state(), pb::NoticeState::Cancelled);
        let open = world.tasks(&case.case_id).await.into_iter().filter(|task| task.state() == pb::TaskState::Open);
        assert_eq!(open.count(), 0);
    }

    async fn a_bounced_payment_comes_back_with_its_age_and_its_stage(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        let owed = item("inv-1", day(0), 500);
        world.learn("a1", vec![owed.clone()]).await;
        world.run_and_send(day(1)).await;
        world.learn("a1", vec![Item { open: money(0), settled_date: Some(day(2)), ..owed.clone() }]).await;
        assert_eq!(world.standing("a1").await.dunning_level, 0);

        world.learn("a1", vec![owed]).await;
        world.run_and_send(day(16)).await;

        assert_eq!(world.standing("a1").await.dunning_level, 2);
        let tones: Vec<_> = world.notices("a1").await.iter().map(pb::Notice::tone).collect();
        assert_eq!(tones, [pb::NoticeTone::Friendly, pb::NoticeTone::Formal]);
    }

    async fn an_older_state_of_a_debt_changes_nothing(db: Db) {
        let world = World::new(db).await;
        let owed = item("inv-1", day(0), 500);
        world.learn_exactly("a1", 5, vec![Item { version: 5, open: money(200), ..owed.clone() }]).await;
        world.learn_exactly("a1", 4, vec![Item { version: 4, ..owed.clone() }]).await;
        world.learn_exactly("a1", 5, vec![Item { version: 5, ..owed }]).await;
        world.run(day(1)).await;
        assert_eq!(world.cases("a1").await[0].open_amount, Some(emit::money(money(200))));
    }

    async fn further_items_of_the_same_version_are_learned_too(db: Db) {
        let world = World::new(db).await;
        for name in ["inv-1", "inv-2"] {
            world.learn_exactly("a1", 5, vec![item(name, day(0), 500)]).await;
        }
        world.run(day(1)).await;
        assert_eq!(world.cases("a1").await[0].open_amount, Some(emit::money(money(1_000))));
    }

    async fn currencies_have_cases_and_notices_of_their_own(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        let yen = weir_model::Currency::from_code("JPY").unwrap();
        let in_yen = |minor| weir_model::Money::new(minor, yen);
        let foreign = Item {
            item_id: ItemId::parse("yen-1").unwrap(),
            amount: in_yen(900),
            open: in_yen(900),
            disputed: in_yen(0),
            ..item("yen-1", day(-20), 1)
        };
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.learn("a1", vec![foreign]).await;
        world.run_and_send(day(1)).await;
        assert_eq!(world.cases("a1").await.len(), 2);
        let mut totals: Vec<_> =
            world.notices("a1").await.into_iter().map(|n| n.total_amount.unwrap().currency_code).collect();
        totals.sort();
        assert_eq!(totals, ["CNY", "JPY"]);
        assert_eq!(world.standing("a1").await.dunning_level, 2, "the highest over its currencies");
    }

    async fn a_run_waits_until_it_counts_the_payment_it_was_told_of(db: Db) {
        let world = World::new(db.clone()).await;
        let fresh = pb::RunCollectionsRequest {
            at_least_as_fresh: Some(emit::token(Context::Receivables, 7)),
            ..request(&world, 0)
        };
        let follow = async {
            let mut tx: Tx = db.begin().await.unwrap();
            bookmark::save_in(&mut tx, "receivables", 7).await.unwrap();
            tx.commit().await.unwrap();
        };
        let mut client = world.client();
        let (ran, ()) = tokio::join!(client.run_collections(fresh), follow);
        ran.unwrap();
        assert_eq!(bookmark::get(&db, "receivables").await.unwrap(), Some(7));
    }

    async fn a_run_counts_open_cases_by_stage(db: Db) {
        let world = World::new(db).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.learn("a2", vec![item("inv-2", day(-20), 500)]).await;
        world.learn("a3", vec![item("inv-3", day(60), 500)]).await;
        let ran = world.run(day(1)).await;
        let counts: Vec<_> = ran.stages.iter().map(|stage| stage.case_count).collect();
        assert_eq!(counts, [0, 0, 0, 1, 1, 0]);
        assert_eq!((ran.worked_count, ran.opened_case_count, ran.unaddressed_notice_count), (3, 2, 2));
    }
}
