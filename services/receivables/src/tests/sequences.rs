//! Random sequences of calls on both databases: after each the running figures equal a rebuild, aging adds up to what
//! is outstanding and to the position, and every past day is seen as it was then.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};
use tonic::{Code, Status};
use weir_model::add_days;
use weir_store::testing;
use weir_wire::{emit, receivables::v1 as pb};

use super::world::{World, date, fen, invoice, minor, noon, payment, world};

/// Sequences a database, and steps in each; the pure rules run through many more.
const SEQUENCES: usize = 3;
const STEPS: usize = 40;

#[derive(Debug, Clone)]
enum Step {
    NextDay,
    Post(i64, i64),
    Credit(i64, Index),
    Pay(i64),
    Keep(i64),
    Allocate(Index, Index),
    Unallocate(Index),
    Bounce(Index),
    Dispute(Index, i64),
    Cancel(Index),
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<Index>;
    prop_oneof![
        3 => Just(Step::NextDay),
        5 => (1_i64..1_000, 0_i64..20).prop_map(|(amount, days)| Step::Post(amount, days)),
        1 => (1_i64..400, any()).prop_map(|(amount, of)| Step::Credit(amount, of)),
        3 => (1_i64..1_500).prop_map(Step::Pay),
        2 => (1_i64..800).prop_map(Step::Keep),
        2 => (any(), any()).prop_map(|(from, to)| Step::Allocate(from, to)),
        1 => any().prop_map(Step::Unallocate),
        1 => any().prop_map(Step::Bounce),
        1 => (any(), 0_i64..500).prop_map(|(which, amount)| Step::Dispute(which, amount)),
        1 => any().prop_map(Step::Cancel),
    ]
}

#[derive(Default)]
struct Known {
    count: usize,
    documents: Vec<String>,
    payments: Vec<String>,
    allocations: Vec<String>,
}

fn pick<'k>(index: &Index, from: &'k [String]) -> &'k str {
    if from.is_empty() { "none" } else { index.get(from).as_str() }
}

/// Does a step; what it may answer is success or a refusal for a reason.
async fn take(world: &World, known: &mut Known, step: &Step, today: NaiveDate) -> Result<(), Status> {
    known.count += 1;
    let (number, on) = (format!("N-{}", known.count), today.to_string());
    let mut client = world.client.clone();
    match step {
        Step::NextDay => world.clock.set(noon(add_days(today, 1).unwrap())),
        Step::Post(amount, days) => {
            let due = add_days(today, *days).unwrap().to_string();
            world.post(invoice("A", &number, &on, &due, *amount)).await?;
            known.documents.push(number);
        }
        Step::Credit(amount, of) => {
            let note = pb::CreditNote {
                account_id: "A".to_owned(),
                document_number: number,
                document_date: Some(emit::date(today)),
                amount: fen(*amount),
                corrected_document_number: pick(of, &known.documents).to_owned(),
                ..pb::CreditNote::default()
            };
            let posted = world.credit(note).await?;
            known.allocations.extend(posted.allocations.into_iter().map(|fact| fact.allocation_id));
        }
        Step::Pay(amount) => {
            let paid = world.pay(payment("A", &number, &on, *amount)).await?;
            known.allocations.extend(paid.allocations.into_iter().map(|fact| fact.allocation_id));
            known.payments.push(number);
        }
        Step::Keep(amount) => {
            let mode = pb::AllocationMode::None.into();
            world.pay(pb::PaymentAdvice { allocation_mode: mode, ..payment("A", &number, &on, *amount) }).await?;
            known.payments.push(number);
        }
        Step::Allocate(from, to) => {
            let source = pick(from, &known.payments).to_owned();
            let request = pb::AllocatePaymentRequest {
                request_id: number,
                source: Some(pb::allocate_payment_request::Source::PaymentId(source)),
                item_id: pick(to, &known.documents).to_owned(),
                ..pb::AllocatePaymentRequest::default()
            };
            let done = client.allocate_payment(request).await?.into_inner();
            known.allocations.extend(done.allocation.map(|fact| fact.allocation_id));
        }
        Step::Unallocate(which) => {
            let allocation_id = pick(which, &known.allocations).to_owned();
            let request = pb::ReverseAllocationRequest { allocation_id, ..pb::ReverseAllocationRequest::default() };
            client.reverse_allocation(request).await?;
        }
        Step::Bounce(which) => drop(world.bounce(pick(which, &known.payments)).await?),
        Step::Dispute(which, amount) => drop(world.dispute(pick(which, &known.documents), "A", *amount).await?),
        Step::Cancel(which) => {
            let request = pb::CancelDocumentRequest {
                document_number: pick(which, &known.documents).to_owned(),
                reason: "mistake".to_owned(),
                ..pb::CancelDocumentRequest::default()
            };
            client.cancel_document(request).await?;
        }
    }
    Ok(())
}

async fn aged(world: &World, on: NaiveDate) -> Vec<pb::AgingRow> {
    world.aged(&on.to_string()).await.rows
}

/// Buckets and credit add up to what is outstanding, and that is what the position and the list of items say.
async fn check(world: &World, rows: &[pb::AgingRow]) {
    for row in rows {
        let buckets: i64 = row.amounts.iter().map(|amount| minor(Some(amount))).sum();
        let unapplied = minor(row.unapplied_amount.as_ref());
        assert_eq!(buckets + unapplied, minor(row.outstanding_amount.as_ref()));
        let position = world.position("A").await;
        let scheduled: i64 = position.schedule.iter().map(|due| minor(due.open_amount.as_ref())).sum();
        let disputed: i64 = position.schedule.iter().map(|due| minor(due.disputed_amount.as_ref())).sum();
        assert_eq!((buckets, -unapplied), (scheduled, minor(position.unapplied_credit.as_ref())));
        assert_eq!(minor(row.disputed_amount.as_ref()), disputed);
        let all = pb::ListOpenItemsRequest { page_size: 1_000, ..pb::ListOpenItemsRequest::default() };
        let listed = world.client.clone().list_open_items(all).await.unwrap().into_inner();
        assert_eq!(listed.next_page_token, "", "they fit a page");
        let open: i64 = listed.items.iter().map(|item| minor(item.open_amount.as_ref())).sum();
        assert_eq!(open, scheduled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_add_up_after_every_call_and_past_days_stay_as_they_were() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..SEQUENCES {
        let steps = proptest::collection::vec(step(), STEPS).new_tree(&mut runner).unwrap().current();
        for db in testing::databases().await {
            let world = world(&db).await;
            world.clock.set(noon(date(2026, 3, 1)));
            let mut known = Known::default();
            let mut then = BTreeMap::new();
            for step in &steps {
                let today = world.clock.today();
                if let Err(status) = take(&world, &mut known, step, today).await {
                    assert!(
                        [Code::FailedPrecondition, Code::NotFound].contains(&status.code()),
                        "{step:?}: {status:?}"
                    );
                }
                super::audit::assert_rebuilds(&db).await;
                let rows = aged(&world, world.clock.today()).await;
                check(&world, &rows).await;
                then.insert(world.clock.today(), rows);
            }
            for (on, rows) in then {
                assert_eq!(aged(&world, on).await, rows, "as of {on}");
            }
            db.remove().await;
        }
    }
}
