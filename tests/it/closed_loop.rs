//! One turn of the loop, from the first assessment to the last reminder and back, the same in one process and in five.

use weir_model::Clock;
use weir_tests::{Way, World, cny};
use weir_wire::{
    common::v1::Grade,
    order_gate::v1::{HoldState, Outcome, Rule},
};

use crate::{people::People, steps::*};

/// The limit of the worked example, in yuan.
const LIMIT: i64 = 500_000;

async fn the_loop_closes(way: Way) {
    let Some(world) = World::open(way).await else { return };
    let people = People::at(&world);
    let clock: &Clock = world.clock();
    let today = clock.today();

    // Nobody has assessed the account: its first order on credit stops.
    let first = authorize(&people, "SO-0", "A-100", 1_000).await;
    assert_eq!(outcome(&first), Outcome::Hold);
    assert!(failed(&first, Rule::NotAssessed), "{first:?}");

    // It is assessed, and the grade reaches limits by itself.
    let assessed = assess(&people, "A-100", None).await;
    let account = credit_account(&people, "A-100", assessed.token.clone()).await;
    let grade = assessed.assessment.as_ref().unwrap().grade;
    assert_eq!(account.grade.as_ref().unwrap().grade, grade);
    assert_eq!(grade, i32::from(Grade::B));

    // A limit of 500,000 is asked for, approved by others, and reaches the gate by itself.
    let limit_token = grant_limit(&people, "A-100", LIMIT).await;
    let standing = standing(&people, "A-100", limit_token).await;
    assert_eq!(standing.limit, Some(cny(LIMIT)));

    // The first order passes by itself now; its customer does not want it any more.
    hold_becomes(&people, &first.decision.as_ref().unwrap().hold_id, HoldState::Approved).await;
    cancel(&people, "SO-0").await;

    // 480,000 are owed and not due; an order of 50,000 stops, 30,000 over.
    let invoice = post_invoice(&people, "INV-1", "A-100", 480_000, today, 30).await;
    let held = authorize_fresh(&people, "SO-1", "A-100", 50_000, invoice.token).await;
    let decision = held.decision.as_ref().unwrap();
    assert_eq!(outcome(&held), Outcome::Hold);
    let exceeded = decision.failures.iter().find(|failure| failure.rule() == Rule::LimitExceeded).unwrap();
    assert_eq!(exceeded.shortfall, Some(cny(30_000)));
    assert_eq!(percent(&decision.utilisation_before_percent), "96");
    assert_eq!(percent(&decision.utilisation_after_percent), "106");

    // One notice each to the finance manager and the sales head, and no more.
    let notices = hold_notices(&people, &decision.hold_id, held.token.clone()).await;
    assert_eq!(notices.len(), 2, "{notices:?}");

    // A payment of 30,000 makes room: the order passes by itself, and exposure is exactly the limit.
    let paid = record_payment(&people, "PAY-1", "A-100", 30_000, today).await;
    hold_becomes(&people, &decision.hold_id, HoldState::Approved).await;
    let standing = standing_fresh(&people, "A-100", paid.token).await;
    assert_eq!(standing.exposure.as_ref().unwrap().net, Some(cny(LIMIT)));

    // Delivering and invoicing the order moves the amount along and changes no total.
    deliver(&people, "SO-1", 50_000).await;
    let invoice = post_order_invoice(&people, "INV-2", "A-100", "SO-1", 50_000, today).await;
    let standing = standing_fresh(&people, "A-100", invoice.token).await;
    let exposure = standing.exposure.unwrap();
    assert_eq!(
        (exposure.net, exposure.ordered, exposure.delivered_not_billed),
        (Some(cny(LIMIT)), Some(cny(0)), Some(cny(0)))
    );

    // The account took 50,000 of 51,000 it ordered: the next assessment knows.
    assessed_fulfilment_becomes(&people, "A-100", "98.04").await;

    // Another item has been overdue for 20 days: collections works the case, and the gate knows the dunning level.
    let overdue = post_invoice(&people, "INV-3", "A-100", 10_000, days_before(today, 50), 30).await;
    let run = run_collections(&people, today, overdue.token.clone()).await;
    assert_eq!((run.opened_case_count, run.worked_count), (1, 1), "{run:?}");
    let standing = standing_fresh(&people, "A-100", both(overdue.token, run.token)).await;
    assert!(standing.dunning_level > 0, "{standing:?}");
    assert_eq!(standing.oldest_overdue_days, 20);
    assert!(standing.over_limit);

    // It pays, 20 days late, and the next assessment knows without anybody typing it.
    let paid = record_payment_for(&people, "PAY-2", "A-100", "INV-3", 10_000, today).await;
    let again = assess(&people, "A-100", paid.token.clone()).await;
    let report = again.assessment.unwrap().report.unwrap();
    assert_eq!(computed(&report, "days_past_due_max"), "20");
    let run = run_collections(&people, today, paid.token).await;
    assert_eq!(run.closed_case_count + closed_before(&people, "A-100").await, 1, "{run:?}");

    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_closes_in_one_process_on_sqlite() {
    the_loop_closes(Way::NearOnSqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_closes_in_one_process_on_postgres() {
    the_loop_closes(Way::NearOnPostgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_closes_over_five_processes_on_postgres() {
    the_loop_closes(Way::FarOnPostgres).await;
}
