//! Two gates on one database: one decides, the other waits for its end, whatever that looks like.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{task::JoinSet, time::timeout};
use tonic::Code;
use weir::roles::Role;
use weir_model::{Principal, Role as Caller, SubjectId};
use weir_store::testing::eventually;
use weir_tests::{LEASE, Signal, Way, World, order};
use weir_wire::{
    Peer,
    order_gate::v1::{
        AuthorizeOrderRequest, GetCommitmentRequest, GetDecisionRequest,
        order_gate_service_client::OrderGateServiceClient,
    },
};

use crate::{
    people::People,
    steps::{assess, credit_account, grant_limit, standing_fresh},
};

/// Writers at once.
const WRITERS: usize = 4;

/// How long a writer waits for a gate before it asks the other: one that is stopped never answers.
const PATIENCE: Duration = Duration::from_millis(500);

/// An order that a gate says is authorised.
#[derive(Debug, Clone)]
struct Ack {
    order: usize,
    decision_id: String,
    gate: usize,
    at: Instant,
}

/// Writers that authorise one order after the other, each at whichever gate answers.
struct Load {
    acks: Arc<Mutex<Vec<Ack>>>,
    stop: Arc<AtomicBool>,
    writers: JoinSet<()>,
}

impl Load {
    fn start(gates: [Peer; 2]) -> Load {
        let (acks, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let next = Arc::new(AtomicUsize::new(0));
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            let gates = gates.clone().map(OrderGateServiceClient::new);
            let (acks, stop, next) = (acks.clone(), stop.clone(), next.clone());
            writers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let order = next.fetch_add(1, Ordering::Relaxed);
                    let ack = authorize(&gates, order).await;
                    acks.lock().push(ack);
                }
            });
        }
        Load { acks, stop, writers }
    }

    /// Waits until a gate has answered so many orders.
    async fn answered(&self, gate: usize, orders: usize) {
        let by_gate = || self.acks.lock().iter().filter(|ack| ack.gate == gate).count();
        let before = by_gate();
        eventually("a gate answers", async || by_gate() >= before + orders).await;
    }

    /// The first answer of the second gate, and the last one of the first before it.
    fn handover(&self) -> (Instant, Instant) {
        let acks = self.acks.lock();
        let first = acks.iter().filter(|ack| ack.gate == 1).map(|ack| ack.at).min().unwrap();
        let last = acks.iter().filter(|ack| ack.gate == 0 && ack.at <= first).map(|ack| ack.at).max().unwrap();
        (last, first)
    }

    async fn stop(mut self) -> Vec<Ack> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.writers.join_next().await {
            ended.unwrap();
        }
        self.acks.lock().clone()
    }
}

/// Asks the gates in turn until one answers.
async fn authorize(gates: &[OrderGateServiceClient<Peer>; 2], order_number: usize) -> Ack {
    for gate in (0..2).cycle() {
        let order = Some(order(&format!("SO-{order_number}"), "A-1", 7));
        let request = AuthorizeOrderRequest { order, ..Default::default() };
        match timeout(PATIENCE, gates[gate].clone().authorize_order(request)).await {
            Ok(Ok(answer)) => {
                let decision_id = answer.into_inner().decision.unwrap().decision_id;
                return Ack { order: order_number, decision_id, gate, at: Instant::now() };
            }
            Ok(Err(status)) => {
                // a gate that wakes up ends lines on which too many callers gave up
                let goes_by = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::ResourceExhausted];
                assert!(goes_by.contains(&status.code()), "{status:?}");
                tokio::task::yield_now().await;
            }
            Err(_) => {}
        }
    }
    unreachable!("gates are asked for ever")
}

/// Two gates, an account with credit, and writers at both.
async fn two_gates() -> Option<(World, People, Load)> {
    let mut world = World::open(Way::FarOnPostgres).await?;
    let people = People::at(&world);
    let assessed = assess(&people, "A-1", None).await;
    credit_account(&people, "A-1", assessed.token).await;
    let granted = grant_limit(&people, "A-1", 500_000).await;
    standing_fresh(&people, "A-1", granted).await;
    world.processes().start_second_gate().await;
    let pipeline = Principal::new(SubjectId::parse("pipeline").unwrap(), [Caller::OrderPipeline]);
    let load = Load::start(world.processes().gates(&pipeline));
    load.answered(0, 20).await;
    Some((world, people, load))
}

/// Every acknowledged order counts, once, by the decision that was told.
async fn all_are_durable(world: &mut World, acks: &[Ack]) {
    let admin = Principal::new(SubjectId::parse("auditor").unwrap(), [Caller::Viewer]);
    let [_, second] = world.processes().gates(&admin);
    let mut gate = OrderGateServiceClient::new(second);
    for ack in acks {
        let request = GetDecisionRequest { decision_id: ack.decision_id.clone() };
        let decision = gate.get_decision(request).await.unwrap().into_inner().decision.unwrap();
        assert_eq!(decision.order_id, format!("SO-{}", ack.order), "told by gate {}", ack.gate);
        let request = GetCommitmentRequest { order_id: decision.order_id };
        gate.get_commitment(request).await.unwrap().into_inner().commitment.expect("it passed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gate_is_taken_over_from_within_twice_its_lease() {
    let Some((mut world, _, load)) = two_gates().await else { return };
    let killed_at = Instant::now();
    world.processes().kill(Role::OrderGate);
    load.answered(1, 20).await;
    let (_, first) = load.handover();
    let acks = load.stop().await;
    assert!(first - killed_at < 2 * LEASE, "{:?}", first - killed_at);
    all_are_durable(&mut world, &acks).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_told_to_end_hands_over_long_before_its_lease_ends() {
    let Some((mut world, _, load)) = two_gates().await else { return };
    world.processes().signal(Role::OrderGate, Signal::SIGTERM);
    load.answered(1, 20).await;
    let (last, first) = load.handover();
    let acks = load.stop().await;
    println!("handed over in {:?}", first - last);
    assert!(first - last < LEASE / 2, "{:?}", first - last);
    all_are_durable(&mut world, &acks).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_gate_that_wakes_up_answers_nothing_that_is_not_durable() {
    let Some((mut world, _, load)) = two_gates().await else { return };
    world.processes().signal(Role::OrderGate, Signal::SIGSTOP);
    let stopped_at = Instant::now();
    load.answered(1, 20).await;
    let (_, taken_over_at) = load.handover();
    world.processes().signal(Role::OrderGate, Signal::SIGCONT);
    let woken_at = Instant::now();
    load.answered(1, 100).await;
    let acks = load.stop().await;
    assert!(taken_over_at - stopped_at < 2 * LEASE, "{:?}", taken_over_at - stopped_at);
    let by_the_woken: Vec<&Ack> = acks.iter().filter(|ack| ack.gate == 0 && ack.at > woken_at).collect();
    assert!(by_the_woken.is_empty(), "{by_the_woken:?}");
    all_are_durable(&mut world, &acks).await;
    world.close().await;
}
