//! A gate in this process, asked through its gRPC contract, told about accounts by hand.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use tonic::service::{Routes, RoutesBuilder};
use weir_model::{
    AccountId, Call, Clock, CorrelationId, Currency, Ids, LineId, Money, OrderId, Principal, Role, SubjectId,
};
use weir_store::{Db, Env};
use weir_wire::{
    PageTokens, Peer, emit::money, google::r#type as pb, order_gate::v1 as wire,
    order_gate::v1::feed_service_client::FeedServiceClient,
    order_gate::v1::order_gate_service_client::OrderGateServiceClient,
};

use crate::commitment::Reserved;
use crate::decision::Ages;
use crate::draft::{Bookmark, Invoiced, News};
use crate::engine::Ask;
use crate::exposure::Due;
use crate::order::Checkpoint;
use crate::policy::{Action, Policy, Rule, RuleRow};
use crate::rules::{Grace, Question};
use crate::standing::{Conduct, Credit, EffectiveLimit, Grade, Limit, Position, Review};
use crate::{MIGRATIONS, OrderGate, Ownership, api, store};

pub(super) type Client = OrderGateServiceClient<Peer>;

/// The day every test begins on.
pub(super) fn today() -> NaiveDate {
    date(2026, 3, 31)
}

pub(super) fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

pub(super) fn cny() -> Currency {
    Currency::from_code("CNY").unwrap()
}

/// Whole yuan as minor units.
pub(super) fn yuan(units: i64) -> i64 {
    units * 100
}

/// Whole yuan as a message.
pub(super) fn amount(units: i64) -> Option<pb::Money> {
    Some(money(Money::new(yuan(units), cny())))
}

/// Whole yuan in a message.
pub(super) fn units(amount: Option<&pb::Money>) -> i64 {
    let amount = amount.expect("an amount");
    assert_eq!(amount.nanos, 0);
    amount.units
}

pub(super) fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub(super) fn order_id(id: &str) -> OrderId {
    OrderId::parse(id).unwrap()
}

pub(super) fn line(id: &str) -> LineId {
    LineId::parse(id).unwrap()
}

/// A row of a policy for everybody.
pub(super) fn row(rule: Rule, action: Action) -> RuleRow {
    RuleRow::plain(rule, action)
}

/// An account nobody knows anything of asks for nothing.
pub(super) fn question<'a>(account_id: &'a AccountId, policy: &'a Policy) -> Question<'a> {
    Question {
        account_id,
        credit: None,
        conduct: None,
        schedule: &[],
        unapplied_credit: 0,
        payment_index: None,
        others: Reserved::default(),
        others_in_horizon: Reserved::default(),
        abroad: &[],
        pools: &[],
        country: None,
        inherited: &[],
        pattern: None,
        lines: &[],
        prepaid: 0,
        ship_date: None,
        terms_days: 0,
        discount_percent: None,
        was_forced: false,
        currency: cny(),
        order_currency: cny(),
        checkpoint: Checkpoint::Order,
        today: today(),
        ages: Ages::default(),
        policy,
        grace: Grace::None,
    }
}

/// The default policy with a row in place of those of its rule.
pub(super) fn policy_with(row: RuleRow) -> Policy {
    let mut policy = Policy::default();
    policy.rules.retain(|known| known.rule != row.rule);
    policy.rules.push(row);
    policy
}

/// Credit of grade A with one limit until further notice and no review.
pub(super) fn credit(limit: i64) -> Credit {
    Credit {
        version: 1,
        currency: cny(),
        group_id: None,
        shares_exposure: false,
        inherits_block: false,
        segment: String::new(),
        grade: Some(Grade::A),
        limits: vec![EffectiveLimit { limit: Limit::Amount(yuan(limit)), from: date(2026, 1, 1), to: None }],
        temporary_limits: Vec::new(),
        frozen: None,
        terms_days: 60,
        review: Some(Review::Above(yuan(10_000_000))),
        review_date: None,
        country: None,
        cover: Vec::new(),
    }
}

/// Something open that is due in ten days.
pub(super) fn owed(version: i64, open: i64) -> Position {
    let schedule = vec![Due { date: date(2026, 4, 10), open: yuan(open), disputed: 0 }];
    let schedule = schedule.into_iter().filter(|due| due.open > 0).collect();
    Position { version, schedule, unapplied_credit: 0, behaviour: None }
}

/// An order with one line.
pub(super) fn order(id: &str, account_id: &str, value: i64) -> wire::Order {
    wire::Order {
        order_id: id.to_owned(),
        revision: 1,
        account_id: account_id.to_owned(),
        currency_code: "CNY".to_owned(),
        lines: vec![wire::OrderLine { line_id: "1".to_owned(), amount: amount(value) }],
        requested_by: "sales-1".to_owned(),
        ..wire::Order::default()
    }
}

pub(super) struct World {
    pub(super) gate: Arc<OrderGate>,
    pub(super) env: Env,
    pub(super) routes: Routes,
}

impl World {
    /// A gate on a fresh database.
    pub(super) async fn new(db: Db) -> World {
        World::new_as(db, Ownership::default()).await
    }

    pub(super) async fn new_as(db: Db, ownership: Ownership) -> World {
        World::new_beside(db, ownership, Arc::new(|_| None)).await
    }

    pub(super) async fn new_beside(db: Db, ownership: Ownership, connect: api::Connect) -> World {
        db.migrate(MIGRATIONS).await.unwrap();
        let start = DateTime::<Utc>::from_timestamp(1_774_944_000, 0).unwrap();
        let clock = Clock::manual(start, "Asia/Shanghai".parse().unwrap());
        World::open_beside(Env { db, clock, ids: Ids::random() }, ownership, connect).await
    }

    /// A gate on a database it, or another, worked on before.
    pub(super) async fn open(env: Env) -> World {
        World::open_as(env, Ownership::default()).await
    }

    /// The same with another lease, or another number of partitions.
    pub(super) async fn open_as(env: Env, ownership: Ownership) -> World {
        World::open_beside(env, ownership, Arc::new(|_| None)).await
    }

    /// The same with ways to others.
    pub(super) async fn open_beside(env: Env, ownership: Ownership, connect: api::Connect) -> World {
        let gate = Arc::new(OrderGate::open(env.clone(), ownership).await.unwrap());
        let routes = routes(&gate, connect);
        World { gate, env, routes }
    }

    /// The same database, read anew by another gate: this one is found dead.
    pub(super) async fn reopened(&self) -> World {
        self.reopened_as(Ownership::default()).await
    }

    pub(super) async fn reopened_as(&self, ownership: Ownership) -> World {
        self.gate.engine.stop();
        store::bury_all(&self.env.db).await.unwrap();
        World::open_as(self.env.clone(), ownership).await
    }

    pub(super) fn peer(&self, principal: Principal) -> Peer {
        let insert = move |request: &mut http::Request<tonic::body::Body>| {
            request.extensions_mut().insert(principal.clone());
        };
        Peer::new(self.routes.clone(), Arc::new(insert))
    }

    /// The order pipeline.
    pub(super) fn pipeline(&self) -> Client {
        let subject = SubjectId::parse("pipeline").unwrap();
        OrderGateServiceClient::new(self.peer(Principal::new(subject, [Role::OrderPipeline])))
    }

    /// A credit manager with authority over so many yuan.
    pub(super) fn manager(&self, name: &str, authority: i64) -> Client {
        let principal = Principal::new(SubjectId::parse(name).unwrap(), [Role::CreditManager]);
        let principal = principal.with_authority([Money::new(yuan(authority), cny())]);
        OrderGateServiceClient::new(self.peer(principal))
    }

    pub(super) fn feed(&self) -> FeedServiceClient<Peer> {
        FeedServiceClient::new(self.peer(Principal::service("test")))
    }

    /// The gate's own work until there is none; how many units it was.
    pub(super) async fn pass_day_steps(&self) -> usize {
        let mut done = 0;
        loop {
            match self.gate.step().await.unwrap() {
                0 => return done,
                some => done += some,
            }
        }
    }

    /// Another context says something.
    pub(super) async fn hear(&self, news: Vec<News>) {
        self.hear_at(news, None).await;
    }

    pub(super) async fn hear_at(&self, news: Vec<News>, bookmark: Option<Bookmark>) {
        let correlation = CorrelationId::parse("news").unwrap();
        let call = Call::internal("test", correlation, self.env.clock.now(), self.env.clock.today());
        self.gate.engine.ask(Ask::Hear { news, bookmark }, call).await.unwrap();
    }

    pub(super) async fn credit(&self, id: &str, credit: Credit) {
        self.hear(vec![News::Credit(account(id), Arc::new(credit))]).await;
    }

    pub(super) async fn owes(&self, id: &str, position: Position) {
        self.hear(vec![News::Position(account(id), cny(), Arc::new(position), Vec::new())]).await;
    }

    pub(super) async fn invoiced(&self, id: &str, position: Position, order: &str, lines: &[(&str, i64)]) {
        let lines = lines.iter().map(|(id, units)| Invoiced {
            order_id: order_id(order),
            line_id: line(id),
            currency: cny(),
            invoiced: yuan(*units),
        });
        self.hear(vec![News::Position(account(id), cny(), Arc::new(position), lines.collect())]).await;
    }

    pub(super) async fn conduct(&self, id: &str, version: i64, blocked: Option<&str>, dunning_level: i32) {
        let conduct = Conduct { version, blocked: blocked.map(str::to_owned), dunning_level };
        self.hear(vec![News::Conduct(account(id), Arc::new(conduct))]).await;
    }

    /// The pipeline asks for an order to pass.
    pub(super) async fn authorize(&self, order: wire::Order) -> wire::Decision {
        self.try_authorize(order).await.unwrap()
    }

    pub(super) async fn try_authorize(&self, order: wire::Order) -> Result<wire::Decision, tonic::Status> {
        let request = wire::AuthorizeOrderRequest { order: Some(order), ..Default::default() };
        let response = self.pipeline().authorize_order(request).await?;
        Ok(response.into_inner().decision.expect("a decision"))
    }

    pub(super) async fn amend(&self, order: wire::Order) -> wire::Decision {
        let request = wire::AmendOrderRequest { order: Some(order), ..Default::default() };
        self.pipeline().amend_order(request).await.unwrap().into_inner().decision.expect("a decision")
    }

    pub(super) async fn check(&self, order: wire::Order) -> wire::Decision {
        self.checked(order).await.decision.expect("a decision")
    }

    pub(super) async fn checked(&self, order: wire::Order) -> wire::CheckOrderResponse {
        let request = wire::CheckOrderRequest { order: Some(order), ..Default::default() };
        self.pipeline().check_order(request).await.unwrap().into_inner()
    }

    pub(super) async fn deliver(&self, order: &str, delivery: &str, lines: &[(&str, i64)]) -> Option<wire::Commitment> {
        let lines = lines
            .iter()
            .map(|(id, units)| wire::DeliveredLine { line_id: (*id).to_owned(), delivered_amount: amount(*units) });
        let request = wire::RecordDeliveryRequest {
            order_id: order.to_owned(),
            delivery_id: delivery.to_owned(),
            lines: lines.collect(),
            ..Default::default()
        };
        self.pipeline().record_delivery(request).await.unwrap().into_inner().commitment
    }

    pub(super) async fn standing(&self, id: &str) -> wire::GetStandingResponse {
        let request = wire::GetStandingRequest { account_id: id.to_owned(), ..Default::default() };
        self.pipeline().get_standing(request).await.unwrap().into_inner()
    }

    /// Net exposure in yuan.
    pub(super) async fn net(&self, id: &str) -> i64 {
        units(self.standing(id).await.exposure.expect("an exposure").net.as_ref())
    }

    pub(super) async fn hold(&self, id: &str) -> wire::Hold {
        let request = wire::GetHoldRequest { hold_id: id.to_owned() };
        self.pipeline().get_hold(request).await.unwrap().into_inner().hold.expect("a hold")
    }

    /// Everything in the journal so far: kind and change.
    pub(super) async fn journal(&self) -> Vec<weir_store::Entry> {
        self.gate.journal.read(0).await.unwrap()
    }
}

/// A gate behind its edge.
pub(super) fn routes(gate: &Arc<OrderGate>, connect: api::Connect) -> Routes {
    let mut builder = RoutesBuilder::default();
    api::routes(gate, &PageTokens::new([7; 32]), connect, &mut builder);
    builder.routes()
}

/// Renames a table.
pub(super) async fn rename(world: &World, sql: &'static str) {
    let mut tx = world.env.db.begin().await.unwrap();
    tx.build(sql).execute().await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) fn rules(decision: &wire::Decision) -> Vec<wire::Rule> {
    decision.failures.iter().map(wire::RuleFailure::rule).collect()
}

/// `reason` of the `google.rpc.ErrorInfo` in a status.
pub(super) fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_details_error_info().expect("an ErrorInfo").reason
}
