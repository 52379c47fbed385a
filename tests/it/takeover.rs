//! Two gates on one database: they share the partitions, and each takes over when the other ends, whatever that looks like.

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
use weir_tests::{LEASE, Signal, Way, World, cny, order};
use weir_wire::{
    Peer,
    order_gate::v1::{
        AuthorizeOrderRequest, GetCommitmentRequest, GetDecisionRequest, GetPartitionMapRequest, GetStandingRequest,
        order_gate_service_client::OrderGateServiceClient,
    },
};

use crate::{
    people::People,
    steps::{assess, credit_account, grant_limit, standing_fresh},
};

/// Writers at once.
const WRITERS: usize = 4;

/// What an order is worth, in yuan.
const ORDER: i64 = 7;

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
    fn start(gates: &[Peer; 2]) -> Load {
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

    /// Waits until a gate has answered so many more orders.
    async fn answered(&self, gate: usize, orders: usize) {
        let by_gate = || self.acks.lock().iter().filter(|ack| ack.gate == gate).count();
        let before = by_gate();
        eventually("a gate answers", async || by_gate() >= before + orders).await;
    }

    /// The longest time without an answer of any gate since an instant.
    fn longest_silence(&self, since: Instant) -> Duration {
        let mut times: Vec<Instant> = self.acks.lock().iter().map(|ack| ack.at).filter(|at| *at > since).collect();
        times.push(since);
        times.sort_unstable();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
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
    for gate in (order_number..).map(|turn| turn % 2) {
        let order = Some(order(&format!("SO-{order_number}"), "A-1", ORDER));
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
    let load = Load::start(&world.processes().gates(&pipeline));
    load.answered(0, 20).await;
    Some((world, people, load))
}

/// Every acknowledged order counts, once, by the decision that was told.
async fn all_are_durable(world: &mut World, acks: &[Ack]) {
    let viewer = Principal::new(SubjectId::parse("auditor").unwrap(), [Caller::Viewer]);
    let [_, second] = world.processes().gates(&viewer);
    let mut gate = OrderGateServiceClient::new(second);
    for ack in acks {
        let request = GetDecisionRequest { decision_id: ack.decision_id.clone() };
        let decision = gate.get_decision(request).await.unwrap().into_inner().decision.unwrap();
        assert_eq!(decision.order_id, format!("SO-{}", ack.order), "told by gate {}", ack.gate);
        let request = GetCommitmentRequest { order_id: decision.order_id };
        gate.get_commitment(request).await.unwrap().into_inner().commitment.expect("it passed");
    }
    let request = GetStandingRequest { account_id: "A-1".to_owned(), ..Default::default() };
    let exposure = gate.get_standing(request).await.unwrap().into_inner().exposure.unwrap();
    assert_eq!(exposure.ordered, Some(cny(ORDER * i64::try_from(acks.len()).unwrap())), "each counts once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gate_is_taken_over_from_within_twice_its_lease() {
    let Some((mut world, _, load)) = two_gates().await else { return };
    let killed_at = Instant::now();
    world.processes().kill(Role::OrderGate);
    load.answered(1, 50).await;
    let silence = load.longest_silence(killed_at);
    let acks = load.stop().await;
    println!("taken over in {silence:?}");
    assert!(silence < 2 * LEASE, "{silence:?}");
    all_are_durable(&mut world, &acks).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_told_to_end_hands_over_long_before_its_lease_ends() {
    let Some((mut world, _, load)) = two_gates().await else { return };
    let told_at = Instant::now();
    world.processes().signal(Role::OrderGate, Signal::SIGTERM);
    load.answered(1, 50).await;
    let silence = load.longest_silence(told_at);
    let acks = load.stop().await;
    println!("handed over in {silence:?}");
    assert!(silence < LEASE / 2, "{silence:?}");
    all_are_durable(&mut world, &acks).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_gate_that_wakes_up_answers_nothing_that_is_not_durable() {
    let Some((mut world, _, load)) = two_gates().await else { return };
    let stopped_at = Instant::now();
    world.processes().signal(Role::OrderGate, Signal::SIGSTOP);
    load.answered(1, 50).await;
    let silence = load.longest_silence(stopped_at);
    assert!(silence < 2 * LEASE, "{silence:?}");
    world.processes().signal(Role::OrderGate, Signal::SIGCONT);
    // by then it has found out and passes calls on
    load.answered(0, 50).await;
    let acks = load.stop().await;
    all_are_durable(&mut world, &acks).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gates_share_the_partitions_and_either_answers_for_all() {
    let Some((mut world, _, load)) = two_gates().await else { return };
    load.answered(0, 20).await;
    load.answered(1, 20).await;
    let acks = load.stop().await;
    all_are_durable(&mut world, &acks).await;
    let viewer = Principal::new(SubjectId::parse("viewer").unwrap(), [Caller::Viewer]);
    let mut maps = Vec::new();
    for gate in world.processes().gates(&viewer) {
        let mut gate = OrderGateServiceClient::new(gate);
        maps.push(gate.get_partition_map(GetPartitionMapRequest {}).await.unwrap().into_inner().partitions);
    }
    assert_eq!(maps[0], maps[1]);
    let first = world.processes().url(Role::OrderGate);
    let of_first = maps[0].iter().filter(|partition| partition.address == first).count();
    let reachable = maps[0].iter().filter(|partition| !partition.address.is_empty()).count();
    assert_eq!((maps[0].len(), reachable, of_first), (64, 64, 32), "half of them each");
    world.close().await;
}
