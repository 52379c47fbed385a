//! Alerts: when each level fires, and that it fires once.

use weir_store::{Db, on_both_databases};
use weir_wire::receivables::v1 as pb;

use super::world::{World, date, day, invoice, noon, payment, world};
use crate::alerts::{Level, due, next_date};

fn bits(levels: &[Level]) -> i64 {
    levels.iter().map(|level| level.bit()).sum()
}

#[test]
fn each_level_fires_on_its_day_and_once() {
    use Level::{DueIn3, DueIn7, Overdue, Overdue15Exceeded};
    let due_date = date(2026, 3, 20);
    let cases: &[(u32, &[Level], &[Level])] = &[
        (12, &[], &[]),
        (13, &[], &[DueIn7]),
        (13, &[DueIn7], &[]),
        (16, &[DueIn7], &[]),
        (17, &[DueIn7], &[DueIn3]),
        (20, &[DueIn7, DueIn3], &[]),
        (21, &[DueIn7, DueIn3], &[Overdue]),
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
    assert_eq!(next_date(due_date, bits(&[Level::DueIn7]), Some(date(2026, 3, 13))), Some(date(2026, 3, 17)));
    assert_eq!(next_date(due_date, 15, None), None);
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
        for on in ["2026-04-01", "2026-04-03", "2026-04-03", "2026-04-07", "2026-04-10", "2026-04-11", "2026-04-25", "2026-04-26", "2026-05-30"] {
            fired.push(run(&world, on).await.0);
        }
        assert_eq!(fired, [0, 1, 0, 1, 0, 1, 0, 1, 0]);
        let alerts = world.client.clone().list_alerts(pb::ListAlertsRequest::default()).await.unwrap().into_inner().alerts;
        let days: Vec<_> = alerts.iter().map(|alert| (alert.level(), alert.fired_date)).collect();
        assert_eq!(days, [
            (pb::AlertLevel::Overdue15Exceeded, day("2026-04-26")),
            (pb::AlertLevel::Overdue, day("2026-04-11")),
            (pb::AlertLevel::DueIn3, day("2026-04-07")),
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
        assert_eq!(states(&world, "I").await, [Fired, Cancelled, Cancelled, Cancelled]);
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
        assert_eq!(states(&world, "I").await, [Cancelled, Cancelled, Fired, Fired]);
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
