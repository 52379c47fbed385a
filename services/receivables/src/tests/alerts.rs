//! Alerts: when each level fires, and that it fires once.

use weir_store::{Db, on_both_databases};
use weir_wire::receivables::v1 as pb;

use super::world::{World, date, day, invoice, minor, noon, payment, world};
use crate::alerts::{Level, due, next_date};

fn bits(levels: &[Level]) -> i64 {
    levels.iter().map(|level| level.bit()).sum()
}

#[test]
fn each_level_fires_on_its_day_and_once() {
    use Level::{DueIn3, DueIn5, DueIn7, Overdue, Overdue15Exceeded};
    let due_date = date(2026, 3, 20);
    let cases: &[(u32, &[Level], &[Level])] = &[
        (12, &[], &[]),
        (13, &[], &[DueIn7]),
        (13, &[DueIn7], &[]),
        (14, &[DueIn7], &[]),
        (15, &[DueIn7], &[DueIn5]),
        (16, &[DueIn7, DueIn5], &[]),
        (17, &[DueIn7, DueIn5], &[DueIn3]),
        (20, &[DueIn7, DueIn5, DueIn3], &[]),
        (21, &[DueIn7, DueIn5, DueIn3], &[Overdue]),
    ];
    for (on, fired, expected) in cases {
        assert_eq!(due(due_date, bits(fired), date(2026, 3, *on)), *expected, "on the {on}th");
    }
    assert_eq!(due(due_date, bits(&[DueIn7, DueIn3, Overdue]), date(2026, 4, 4)), []);
    assert_eq!(due(due_date, bits(&[DueIn7, DueIn3, Overdue]), date(2026, 4, 5)), [Overdue15Exceeded]);
}

#[test]
fn a_late_first_look_fires_the_latest_reminder_only() {
    assert_eq!(due(date(2026, 3, 20), 0, date(2026, 3, 18)), [Level::DueIn3]);
}

#[test]
fn once_overdue_no_reminder_fires_but_every_overdue_level_does() {
    assert_eq!(due(date(2026, 3, 1), 0, date(2026, 3, 31)), [Level::Overdue, Level::Overdue15Exceeded]);
}

#[test]
fn the_next_look_is_on_the_day_of_the_next_level() {
    let due_date = date(2026, 3, 20);
    assert_eq!(next_date(due_date, 0, None), Some(date(2026, 3, 13)));
    assert_eq!(next_date(due_date, bits(&[Level::DueIn7]), Some(date(2026, 3, 13))), Some(date(2026, 3, 15)));
    assert_eq!(next_date(due_date, bits(&Level::ALL), None), None);
}

async fn run(world: &World, on: &str) -> (i64, i64) {
    world.clock.set(noon(on.parse().unwrap()));
    let ran = world.client.clone().run_alerts(pb::RunAlertsRequest { business_date: day(on) }).await.unwrap();
    let ran = ran.into_inner();
    (ran.fired_count, ran.booked_payment_count)
}

async fn states(world: &World, item: &str) -> Vec<pb::AlertState> {
    world.item(item).await.alerts.iter().map(pb::Alert::state).collect()
}

on_both_databases! {
    async fn each_level_fires_once_per_item_over_many_runs(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-31", "2026-04-10", 100)).await.unwrap();
        let mut fired = Vec::new();
        for on in ["2026-04-01", "2026-04-03", "2026-04-03", "2026-04-05", "2026-04-07", "2026-04-10", "2026-04-11", "2026-04-25", "2026-04-26", "2026-05-30"] {
            fired.push(run(&world, on).await.0);
        }
        assert_eq!(fired, [0, 1, 0, 1, 1, 0, 1, 0, 1, 0]);
        let alerts = world.client.clone().list_alerts(pb::ListAlertsRequest::default()).await.unwrap().into_inner().alerts;
        let days: Vec<_> = alerts.iter().map(|alert| (alert.level(), alert.fired_date)).collect();
        assert_eq!(days, [
            (pb::AlertLevel::Overdue15Exceeded, day("2026-04-26")),
            (pb::AlertLevel::Overdue, day("2026-04-11")),
            (pb::AlertLevel::DueIn3, day("2026-04-07")),
            (pb::AlertLevel::DueIn5, day("2026-04-05")),
            (pb::AlertLevel::DueIn7, day("2026-04-03")),
        ]);
    }

    async fn paying_cancels_the_rest(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-31", "2026-04-10", 100)).await.unwrap();
        assert_eq!(run(&world, "2026-04-03").await, (1, 0));
        world.pay(payment("A", "P", "2026-04-03", 100)).await.unwrap();
        assert_eq!(run(&world, "2026-05-30").await, (0, 0));
        use pb::AlertState::{Cancelled, Fired};
        assert_eq!(states(&world, "I").await, [Fired, Cancelled, Cancelled, Cancelled, Cancelled]);
    }

    async fn a_bounced_payment_brings_the_levels_back_that_never_fired(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-31", "2026-04-10", 100)).await.unwrap();
        run(&world, "2026-04-11").await;
        world.pay(payment("A", "P", "2026-04-11", 100)).await.unwrap();
        world.clock.set(noon(date(2026, 5, 1)));
        world.bounce("P").await.unwrap();
        assert_eq!(run(&world, "2026-05-01").await, (1, 0));
        use pb::AlertState::{Cancelled, Fired};
        assert_eq!(states(&world, "I").await, [Cancelled, Cancelled, Cancelled, Fired, Fired]);
    }

    async fn a_future_dated_payment_is_booked_by_the_run_of_its_date(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-31", "2026-04-10", 100)).await.unwrap();
        let paid = world.pay(payment("A", "P", "2026-04-05", 100)).await.unwrap();
        assert_eq!(paid.payment.unwrap().state(), pb::PaymentState::Future);
        assert_eq!(world.open("I").await, 100);
        assert_eq!(run(&world, "2026-04-04").await.1, 0);
        assert_eq!(run(&world, "2026-04-05").await.1, 1);
        assert_eq!(world.open("I").await, 0);
        assert_eq!(world.item("I").await.item.unwrap().settled_date, day("2026-04-05"));
        assert_eq!(run(&world, "2026-04-05").await, (0, 0));
    }

    async fn a_payment_that_cannot_be_booked_stops_nothing_else(db: Db) {
        let world = world(&db).await;
        let kept = |payment: pb::PaymentAdvice| pb::PaymentAdvice {
            allocation_mode: pb::AllocationMode::None.into(),
            ..payment
        };
        for account in ["A", "B", "C"] {
            let posted = invoice(account, &format!("I-{account}"), "2026-03-31", "2026-04-10", 100);
            world.post(posted).await.unwrap();
        }
        world.pay(kept(payment("A", "P-1", "2026-04-05", 6))).await.unwrap();
        world.pay(kept(payment("A", "P-2", "2026-04-05", 5))).await.unwrap();
        world.pay(payment("B", "P-3", "2026-04-05", 100)).await.unwrap();
        // with it the account has all the credit that can be represented but five
        world.pay(kept(payment("A", "P-0", "2026-03-31", i64::MAX - 5))).await.unwrap();
        assert_eq!(run(&world, "2026-04-05").await, (2, 2), "alerts of A and C, payments of A and B");
        assert_eq!((world.open("I-A").await, world.open("I-B").await), (100, 0));
        let state = async |id: &str| {
            let request = pb::GetPaymentRequest { payment_id: id.to_owned() };
            world.client.clone().get_payment(request).await.unwrap().into_inner().payment.unwrap().state()
        };
        assert_eq!((state("P-1").await, state("P-2").await), (pb::PaymentState::Future, pb::PaymentState::Booked));
        assert_eq!(run(&world, "2026-04-05").await, (0, 0));
        assert_eq!(world.context.step().await.unwrap(), 0, "what cannot be booked is no work: the loop rests");
        super::audit::assert_rebuilds(&db).await;
    }

    async fn a_position_with_very_many_items_fires_for_all_in_one_run(db: Db) {
        let world = world(&db).await;
        for n in 0..6 {
            let row = |day: u32| pb::Instalment { due_date: Some(weir_wire::emit::date(date(2026, 1, 1) + chrono::Days::new(day.into()))), amount: None };
            let posted = pb::Invoice {
                due: None,
                instalments: (0..90).map(row).collect(),
                ..invoice("A", &format!("I-{n}"), "2026-01-01", "2026-01-01", 90)
            };
            world.post(posted).await.unwrap();
        }
        // 540 items, all overdue since 31 March at the latest, all by more than fifteen days in May
        assert_eq!(run(&world, "2026-05-30").await.0, 1_080);
    }

    async fn the_loop_finds_work_behind_positions_it_cannot_book(db: Db) {
        let world = world(&db).await;
        let kept = |payment: pb::PaymentAdvice| pb::PaymentAdvice {
            allocation_mode: pb::AllocationMode::None.into(),
            ..payment
        };
        world.pay(kept(payment("A", "P-1", "2026-04-05", 6))).await.unwrap();
        world.pay(kept(payment("A", "P-0", "2026-03-31", i64::MAX - 5))).await.unwrap();
        world.pay(payment("B", "P-2", "2026-04-05", 100)).await.unwrap();
        world.clock.set(noon(date(2026, 4, 5)));
        assert_eq!(world.context.step().await.unwrap(), 1);
        assert_eq!(world.context.step().await.unwrap(), 0);
        assert_eq!(minor(world.position("B").await.unapplied_credit.as_ref()), 100);
    }

    async fn a_run_ahead_of_today_is_refused(db: Db) {
        let world = world(&db).await;
        let request = pb::RunAlertsRequest { business_date: day("2026-04-01") };
        let status = world.client.clone().run_alerts(request).await.unwrap_err();
        assert_eq!(super::world::bad_fields(&status), ["business_date"]);
    }

    async fn alerts_come_page_by_page(db: Db) {
        let world = world(&db).await;
        for n in 0..5 {
            world.post(invoice("A", &format!("I-{n}"), "2026-03-01", "2026-03-10", 100)).await.unwrap();
        }
        assert_eq!(run(&world, "2026-03-31").await.0, 10);
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let request = pb::ListAlertsRequest { page_size: 3, page_token: token, ..pb::ListAlertsRequest::default() };
            let page = world.client.clone().list_alerts(request).await.unwrap().into_inner();
            seen.extend(page.alerts.iter().map(|alert| (alert.item_id.clone(), alert.level)));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (10, 10));
    }
}
