//! Mixed load: clerks who each look after orders of their own, and readers who ask how accounts stand. Whoever is not
//! answered asks again, at the other gate, as a client would; some give up, and nobody knows then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::{task::JoinSet, time::timeout};
use tonic::{Code, Status};
use weir_model::{Principal, Role, SubjectId};
use weir_store::testing::eventually;
use weir_tests::{Gates, cny, order};
use weir_wire::{
    Peer,
    order_gate::v1::{
        AmendOrderRequest, AuthorizeOrderRequest, CancelOrderRequest, Decision, DeliveredLine, GetStandingRequest,
        Order, Outcome, RecordDeliveryRequest, order_gate_service_client::OrderGateServiceClient,
    },
};

use super::record::{Answer, Asked, Call, History};

pub(super) type Client = OrderGateServiceClient<Peer>;

/// Clerks at once.
const CLERKS: u64 = 5;
/// How long a clerk waits for a gate before it asks the other: one that is stopped never answers.
const PATIENCE: Duration = Duration::from_millis(400);
/// Orders are worth so many yuan at most; the limit takes about ten of them.
const VALUE_MAX: i64 = 100_000;
/// Of so many calls that were not answered at once one is given up.
const GIVES_UP_ONE_OF: u32 = 8;

/// The load on two gates.
pub(super) struct Load {
    progress: Arc<Progress>,
    tasks: JoinSet<()>,
}

/// How far the load has come.
#[derive(Debug, Default)]
struct Progress {
    stop: AtomicBool,
    tried: AtomicUsize,
    answered: [AtomicUsize; 2],
}

/// Who calls in a run.
pub(super) fn caller(name: &str, role: Role) -> Principal {
    Principal::new(SubjectId::parse(name).unwrap(), [role])
}

impl Load {
    pub(super) fn start(gates: &Gates, accounts: &[String], seed: u64, history: &History) -> Load {
        let progress = Arc::new(Progress::default());
        let mut tasks = JoinSet::new();
        let clients = |who: &Principal| [0, 1].map(|gate| Client::new(gates.way(gate, who)));
        for number in 0..CLERKS {
            let clerk = Clerk {
                name: format!("{seed}-{number}"),
                accounts: accounts.to_vec(),
                random: StdRng::seed_from_u64(seed * CLERKS + number),
                line: Line { gates: clients(&caller("pipeline", Role::OrderPipeline)), progress: progress.clone() },
                history: history.clone(),
                orders: Vec::new(),
            };
            tasks.spawn(clerk.work());
        }
        for (gate, account) in accounts.iter().cycle().take(2).cloned().enumerate() {
            let line = Line { gates: clients(&caller("viewer", Role::Viewer)), progress: progress.clone() };
            tasks.spawn(read(line, gate, account, history.clone()));
        }
        Load { progress, tasks }
    }

    /// Waits until so many more calls have been answered.
    pub(super) async fn answered(&self, more: usize) {
        let answered = || self.progress.answered.iter().map(|by| by.load(Ordering::Relaxed)).sum::<usize>();
        let before = answered();
        eventually("calls are answered", async || answered() >= before + more).await;
    }

    /// Waits until a gate has answered so many more calls.
    pub(super) async fn answered_by(&self, gate: usize, more: usize) {
        let answered = || self.progress.answered[gate].load(Ordering::Relaxed);
        let before = answered();
        eventually("a gate answers", async || answered() >= before + more).await;
    }

    /// Waits until so many more calls have been tried.
    pub(super) async fn tried(&self, more: usize) {
        let before = self.progress.tried.load(Ordering::Relaxed);
        eventually("calls are tried", async || self.progress.tried.load(Ordering::Relaxed) >= before + more).await;
    }

    /// Has everybody finish.
    pub(super) async fn stop(mut self) {
        self.progress.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// The way to both gates.
struct Line {
    gates: [Client; 2],
    progress: Arc<Progress>,
}

impl Line {
    fn goes_on(&self) -> bool {
        !self.progress.stop.load(Ordering::Relaxed)
    }

    /// Asks one gate once.
    async fn ask(&self, gate: usize, request: &Request) -> Option<Answer> {
        self.progress.tried.fetch_add(1, Ordering::Relaxed);
        match timeout(PATIENCE, request.clone().send(self.gates[gate].clone())).await {
            Ok(Ok(answer)) => {
                self.progress.answered[gate].fetch_add(1, Ordering::Relaxed);
                Some(answer)
            }
            Ok(Err(status)) => {
                // whoever is told so may ask again
                let goes_by = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::ResourceExhausted];
                assert!(goes_by.contains(&status.code()), "{status:?}");
                tokio::task::yield_now().await;
                None
            }
            Err(_) => None,
        }
    }
}

/// What is sent to a gate.
#[derive(Debug, Clone)]
enum Request {
    Authorize(AuthorizeOrderRequest),
    Amend(AmendOrderRequest),
    Cancel(CancelOrderRequest),
    Deliver(RecordDeliveryRequest),
    Standing(GetStandingRequest),
}

impl Request {
    async fn send(self, mut gate: Client) -> Result<Answer, Status> {
        Ok(match self {
            Request::Authorize(request) => decided(gate.authorize_order(request).await?.into_inner().decision),
            Request::Amend(request) => decided(gate.amend_order(request).await?.into_inner().decision),
            Request::Cancel(request) => gate.cancel_order(request).await.map(|_| Answer::Done)?,
            Request::Deliver(request) => gate.record_delivery(request).await.map(|_| Answer::Done)?,
            Request::Standing(request) => {
                let exposure = gate.get_standing(request).await?.into_inner().exposure.expect("an exposure");
                let delivered = exposure.delivered_not_billed.expect("an amount").units;
                Answer::Stands { ordered: exposure.ordered.expect("an amount").units, delivered }
            }
        })
    }
}

fn decided(decision: Option<Decision>) -> Answer {
    let decision = decision.expect("a decision");
    let passes = matches!(decision.outcome(), Outcome::Approve | Outcome::ApproveWithWarnings);
    Answer::Decided { decision_id: decision.decision_id, passes }
}

/// An order a clerk looks after.
struct Mine {
    account: String,
    order: String,
    revision: i32,
    value: i64,
    delivered: i64,
    deliveries: u32,
    /// Worth of the newest revision that was told to pass.
    passed: Option<i64>,
}

struct Clerk {
    name: String,
    accounts: Vec<String>,
    random: StdRng,
    line: Line,
    history: History,
    orders: Vec<Mine>,
}

impl Clerk {
    async fn work(mut self) {
        let mut made = 0;
        while self.line.goes_on() {
            let index = (!self.orders.is_empty()).then(|| self.random.random_range(0..self.orders.len()));
            match (self.random.random_range(0..10), index) {
                (0..2, Some(index)) => self.amend(index).await,
                (2..5, Some(index)) => self.cancel(index).await,
                (5, Some(index)) => self.deliver(index).await,
                (6, Some(index)) => self.repeat(index).await,
                _ => {
                    made += 1;
                    self.authorize(made).await;
                }
            }
        }
    }

    /// Asks until somebody answers, or gives up after the first try; notes it either way.
    async fn persist(&mut self, account: &str, order: &str, asked: Asked, request: Request) -> Option<Answer> {
        let from = Instant::now();
        let gives_up = self.random.random_ratio(1, GIVES_UP_ONE_OF);
        let mut told = None;
        for turn in self.random.random_range(0..2).. {
            told = self.line.ask(turn % 2, &request).await;
            if told.is_some() || gives_up {
                break;
            }
        }
        let answered = told.clone().map(|told| (Instant::now(), told));
        self.history.note(Call { account: account.to_owned(), order: order.to_owned(), asked, from, answered });
        told
    }

    async fn authorize(&mut self, made: usize) {
        let account = self.accounts.choose(&mut self.random).expect("there are some").clone();
        let (name, value) = (format!("SO-{}-{made}", self.name), self.random.random_range(1..=VALUE_MAX));
        let mine = Mine { account, order: name, revision: 1, value, delivered: 0, deliveries: 0, passed: None };
        let order = Some(order(&mine.order, &mine.account, value));
        let request = Request::Authorize(AuthorizeOrderRequest { order, ..Default::default() });
        self.ask_for(mine, request).await;
    }

    async fn amend(&mut self, index: usize) {
        let mine = self.orders.swap_remove(index);
        let mine = Mine { revision: mine.revision + 1, value: self.random.random_range(1..=VALUE_MAX), ..mine };
        let order = Some(Order { revision: mine.revision, ..order(&mine.order, &mine.account, mine.value) });
        let request = Request::Amend(AmendOrderRequest { order, ..Default::default() });
        self.ask_for(mine, request).await;
    }

    /// Asks again for what was answered before.
    async fn repeat(&mut self, index: usize) {
        let mine = self.orders.swap_remove(index);
        let order = Some(Order { revision: mine.revision, ..order(&mine.order, &mine.account, mine.value) });
        let request = Request::Authorize(AuthorizeOrderRequest { order, ..Default::default() });
        self.ask_for(mine, request).await;
    }

    /// Asks for a revision, and looks after the order as long as it knows how it stands.
    async fn ask_for(&mut self, mine: Mine, request: Request) {
        let asked = Asked::Authorize { revision: mine.revision, value: mine.value };
        match self.persist(&mine.account, &mine.order, asked, request).await {
            Some(Answer::Decided { passes: true, .. }) => self.orders.push(Mine { passed: Some(mine.value), ..mine }),
            Some(_) => self.orders.push(mine),
            None => {}
        }
    }

    /// Cancels an order and looks after it no more.
    async fn cancel(&mut self, index: usize) {
        let Mine { account, order, .. } = self.orders.swap_remove(index);
        let request = Request::Cancel(CancelOrderRequest { order_id: order.clone(), ..Default::default() });
        self.persist(&account, &order, Asked::Cancel, request).await;
    }

    /// Delivers a part of what passed, so that no delivery takes room of its own.
    async fn deliver(&mut self, index: usize) {
        let mut mine = self.orders.swap_remove(index);
        let most = (mine.passed.map_or(0, |passed| passed.min(mine.value)) - mine.delivered) / 2;
        if most < 1 {
            return self.orders.push(mine);
        }
        let amount = self.random.random_range(1..=most);
        mine.delivered += amount;
        mine.deliveries += 1;
        let request = Request::Deliver(RecordDeliveryRequest {
            order_id: mine.order.clone(),
            delivery_id: format!("D-{}", mine.deliveries),
            lines: vec![DeliveredLine { line_id: "1".to_owned(), delivered_amount: Some(cny(amount)) }],
            ..Default::default()
        });
        let asked = Asked::Deliver { in_all: mine.delivered };
        if self.persist(&mine.account, &mine.order, asked, request).await.is_some() {
            self.orders.push(mine);
        }
    }
}

/// Asks one gate how an account stands, again and again.
async fn read(line: Line, gate: usize, account: String, history: History) {
    let request = Request::Standing(GetStandingRequest { account_id: account.clone(), ..Default::default() });
    while line.goes_on() {
        let from = Instant::now();
        // what was not answered tells nothing
        let Some(told) = line.ask(gate, &request).await else { continue };
        let (account, order, answered) = (account.clone(), String::new(), Some((Instant::now(), told)));
        history.note(Call { account, order, asked: Asked::Standing, from, answered });
    }
}
