//! What was acknowledged is there after a kill, exactly once; what was not can be asked again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::task::JoinSet;
use tonic::Code;
use weir::roles::Role;
use weir_store::testing::eventually;
use weir_tests::{Way, World, cny, date, order};
use weir_wire::{
    order_gate::v1::{AuthorizeOrderRequest, GetCommitmentRequest, Outcome},
    receivables::v1::{GetAgingRequest, Invoice, PostInvoiceRequest, invoice},
};

use crate::{
    people::People,
    steps::{assess, credit_account, grant_limit, standing_fresh},
};

/// Writers at once.
const WRITERS: usize = 8;

/// Writes each of them wants done.
const WRITES_EACH: usize = 40;

/// After how many acknowledgements the process is killed.
const KILL_AFTER: usize = 60;

/// Writes until everything is done, asking again what was not answered; kills the process on the way.
async fn write_through_a_kill<W>(world: &mut World, role: Role, write: impl Fn(usize) -> W + Send + Sync + 'static)
where
    W: Future<Output = Result<(), tonic::Status>> + Send,
{
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let write = Arc::new(write);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (write, acknowledged) = (Arc::clone(&write), Arc::clone(&acknowledged));
        writers.spawn(async move {
            for n in 0..WRITES_EACH {
                loop {
                    match write(writer * WRITES_EACH + n).await {
                        Ok(()) => break,
                        // the connection broke, or nobody listens yet: ask again, which is safe
                        Err(status) => {
                            let broken = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
                            assert!(broken, "{status:?}");
                            tokio::task::yield_now().await;
                        }
                    }
                }
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    eventually("some writes are acknowledged", async || acknowledged.load(Ordering::Relaxed) >= KILL_AFTER).await;
    let all_before = acknowledged.load(Ordering::Relaxed) == WRITERS * WRITES_EACH;
    world.kill_and_restart(role).await;
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    assert!(!all_before, "everything was written before the kill, which then shows nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_authorised_once_through_a_kill_of_the_gate() {
    let Some(mut world) = World::open(Way::FarOnPostgres).await else { return };
    let people = People::at(&world);
    let assessed = assess(&people, "A-1", None).await;
    credit_account(&people, "A-1", assessed.token).await;
    let granted = grant_limit(&people, "A-1", 500_000).await;
    standing_fresh(&people, "A-1", granted).await;

    let total = WRITERS * WRITES_EACH;
    let gate = people.pipeline.clone();
    write_through_a_kill(&mut world, Role::OrderGate, move |n| {
        let mut gate = gate.gate();
        async move {
            let order = Some(order(&format!("SO-{n}"), "A-1", 7));
            let request = AuthorizeOrderRequest { order, ..Default::default() };
            let answer = gate.authorize_order(request).await?.into_inner();
            let outcome = answer.decision.unwrap().outcome();
            assert_eq!(outcome, Outcome::Approve);
            Ok(())
        }
    })
    .await;

    for n in 0..total {
        let request = GetCommitmentRequest { order_id: format!("SO-{n}") };
        let found = people.manager.gate().get_commitment(request).await.unwrap().into_inner();
        assert_eq!(found.commitment.unwrap().ordered_amount, Some(cny(7)), "order {n}");
    }
    let owed = i64::try_from(total).unwrap() * 7;
    let standing = standing_fresh(&people, "A-1", None).await;
    assert_eq!(standing.exposure.unwrap().ordered, Some(cny(owed)));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_invoice_is_posted_once_through_a_kill_of_receivables() {
    let Some(mut world) = World::open(Way::FarOnPostgres).await else { return };
    let people = People::at(&world);
    let today = world.clock().today();
    let desk = people.finance.clone();
    write_through_a_kill(&mut world, Role::Receivables, move |n| {
        let mut receivables = desk.receivables();
        async move {
            let invoice = Invoice {
                account_id: "A-1".to_owned(),
                document_number: format!("INV-{n}"),
                document_date: Some(date(today)),
                due: Some(invoice::Due::NetDays(30)),
                amount: Some(cny(11)),
                ..Default::default()
            };
            receivables.post_invoice(PostInvoiceRequest { invoice: Some(invoice), ..Default::default() }).await?;
            Ok(())
        }
    })
    .await;
    let owed = i64::try_from(WRITERS * WRITES_EACH).unwrap() * 11;
    let aging = people.finance.receivables().get_aging(GetAgingRequest::default()).await.unwrap().into_inner();
    assert_eq!(aging.totals[0].outstanding_amount, Some(cny(owed)));
    eventually("the gate has followed every invoice", async || {
        standing_fresh(&people, "A-1", None).await.exposure.is_some_and(|exposure| exposure.net == Some(cny(owed)))
    })
    .await;
    world.close().await;
}
