//! The gate under test, asked through its gRPC contract, and compared with the reference after every step.

mod told;

use std::collections::{BTreeMap, BTreeSet};

use tokio::runtime::Runtime;
use tonic::{Code, Status};
use weir_store::testing::TestDb;
use weir_wire::emit;
use weir_wire::order_gate::v1::{self as wire, CommitmentState, HoldState, RuleAction};

use self::told::{rows, told};
use super::documents::{AccountNo, Asked, GroupNo, LineNo, OrderNo};
use super::reference::{ACCOUNTS, Answer, Deed, GROUPS, Reference};
use crate::tests::pools::group_id;
use crate::tests::world::{World, amount, cny, reason, units, yuan};

/// A gate on a database of its own.
pub(super) struct Gate {
    runtime: Runtime,
    database: Option<TestDb>,
    world: Option<World>,
    /// What each revision was answered.
    decisions: BTreeMap<(OrderNo, i32), wire::Decision>,
}

fn account_name(number: AccountNo) -> String {
    format!("a-{number}")
}

fn group_name(number: GroupNo) -> String {
    format!("g-{number}")
}

fn order_name(number: OrderNo) -> String {
    format!("o-{number}")
}

impl Gate {
    /// None where the tests have no such database.
    pub(super) fn open<F: Future<Output = Option<TestDb>>>(database: impl FnOnce() -> F) -> Option<Gate> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let database = runtime.block_on(database())?;
        let world = runtime.block_on(World::new(database.clone()));
        Some(Gate { runtime, database: Some(database), world: Some(world), decisions: BTreeMap::new() })
    }

    fn world(&self) -> &World {
        self.world.as_ref().expect("it is open")
    }

    /// Does what the reference did last, and compares the answers.
    pub(super) fn follow(&mut self, reference: &Reference) {
        let (deed, expected) = reference.last.clone().expect("something was done");
        // holds are told apart by when they began
        self.world().env.clock.advance(chrono::Duration::seconds(1));
        let runtime = self.runtime.handle().clone();
        runtime.block_on(self.act(deed, &expected));
    }

    async fn act(&mut self, deed: Deed, expected: &Answer) {
        match deed {
            Deed::Ask { order, revision, asked, amends } => self.ask(order, (revision, &asked), amends, expected).await,
            Deed::Cancel { order, line } => {
                let lines = line.map(|(line, cancelled)| wire::LineCancellation {
                    line_id: line.to_string(),
                    cancelled_amount: amount(cancelled),
                });
                let lines = lines.into_iter().collect();
                let request = wire::CancelOrderRequest { order_id: order_name(order), lines, ..Default::default() };
                done(self.world().pipeline().cancel_order(request).await, expected);
            }
            Deed::Deliver { order, delivery, lines } => {
                let delivered = |(line, amount_of): (LineNo, i64)| wire::DeliveredLine {
                    line_id: line.to_string(),
                    delivered_amount: amount(amount_of),
                };
                let request = wire::RecordDeliveryRequest {
                    order_id: order_name(order),
                    delivery_id: format!("d-{delivery}"),
                    lines: lines.into_iter().map(delivered).collect(),
                    ..Default::default()
                };
                done(self.world().pipeline().record_delivery(request).await, expected);
            }
            Deed::Release { order, tolerance, days } => {
                let until = self.world().env.clock.today() + chrono::Duration::days(days.into());
                let request = wire::ReleaseHoldRequest {
                    hold_id: self.hold_of(order).await.expect("it is held").hold_id,
                    tolerance_percent: Some(emit::decimal(tolerance.into())),
                    valid_until_date: Some(emit::date(until)),
                    reason: "known customer".to_owned(),
                    ..Default::default()
                };
                done(self.world().manager("mia", 1_000_000).release_hold(request).await, expected);
            }
            Deed::Reject { order } => {
                let hold_id = self.hold_of(order).await.expect("it is held").hold_id;
                let request = wire::RejectHoldRequest { hold_id, reason: "no".to_owned(), ..Default::default() };
                done(self.world().manager("mia", 1_000_000).reject_hold(request).await, expected);
            }
            Deed::Hear(news) => self.world().hear(news.iter().map(told).collect()).await,
            Deed::Activate(policy, news) => {
                let request = wire::ActivatePolicyRequest {
                    policy: Some(rows(&policy)),
                    reason: "other".to_owned(),
                    ..Default::default()
                };
                self.world().manager("admin", 0).activate_policy(request).await.unwrap();
                self.world().hear(news.iter().map(told).collect()).await;
            }
            Deed::Days(days) => {
                self.world().env.clock.advance(chrono::Duration::days(days.into()));
                self.world().pass_day_steps().await;
            }
            Deed::Restart => self.restart().await,
        }
    }

    /// Reads everything anew.
    async fn restart(&mut self) {
        let again = self.world().reopened().await;
        again.pass_day_steps().await;
        self.world = Some(again);
    }

    async fn ask(&mut self, number: OrderNo, (revision, asked): (i32, &Asked), amends: bool, expected: &Answer) {
        let lines = (1..)
            .zip(&asked.lines)
            .map(|(line, value): (LineNo, &i64)| wire::OrderLine { line_id: line.to_string(), amount: amount(*value) });
        let order = Some(wire::Order {
            order_id: order_name(number),
            revision,
            account_id: account_name(asked.account),
            currency_code: "CNY".to_owned(),
            lines: lines.collect(),
            prepaid_amount: amount(asked.prepaid),
            ship_date: asked.ships.map(emit::date),
            requested_by: "sales-1".to_owned(),
            ..Default::default()
        });
        let checkpoint = asked.checkpoint.into();
        let mut pipeline = self.world().pipeline();
        let answer = if amends {
            let request = wire::AmendOrderRequest { order, checkpoint, ..Default::default() };
            pipeline.amend_order(request).await.map(|answer| answer.into_inner().decision)
        } else {
            let request = wire::AuthorizeOrderRequest { order, checkpoint, ..Default::default() };
            pipeline.authorize_order(request).await.map(|answer| answer.into_inner().decision)
        };
        match expected {
            Answer::Refused(_) => refused(answer, expected),
            Answer::AsBefore => assert_eq!(answer.unwrap().unwrap(), self.decisions[&(number, revision)]),
            Answer::Decided(verdict) => {
                let decision = answer.unwrap().unwrap();
                let stopping =
                    |failure: &&wire::RuleFailure| matches!(failure.action(), RuleAction::Block | RuleAction::Reject);
                let stops: BTreeSet<_> =
                    decision.failures.iter().filter(stopping).map(wire::RuleFailure::rule).collect();
                let net = decision.exposure_after.as_ref().unwrap().net.as_ref();
                let found = (decision.outcome(), stops, units(decision.required_amount.as_ref()), units(net));
                assert_eq!(found, (verdict.outcome, verdict.stops.clone(), verdict.required, verdict.net_after));
                self.decisions.insert((number, revision), decision);
            }
            Answer::Done => unreachable!("an order is decided"),
        }
    }

    async fn commitment(&self, order: OrderNo) -> Result<wire::GetCommitmentResponse, Status> {
        let request = wire::GetCommitmentRequest { order_id: order_name(order) };
        Ok(self.world().pipeline().get_commitment(request).await?.into_inner())
    }

    async fn hold_of(&self, order: OrderNo) -> Option<wire::Hold> {
        self.commitment(order).await.unwrap().hold
    }

    /// What always holds: every figure is the sum over the documents (rule 4.5), every answer stays (rule 5.3), and what
    /// is held waits in its order.
    pub(super) fn check(&self, reference: &Reference) {
        self.runtime.block_on(async {
            for number in 0..ACCOUNTS {
                self.check_account(reference, number).await;
            }
            for number in reference.orders.keys() {
                self.check_order(reference, *number).await;
            }
            for number in 0..GROUPS {
                self.check_group(reference, number);
            }
        });
    }

    async fn check_account(&self, reference: &Reference, number: AccountNo) {
        let request = wire::GetStandingRequest { account_id: account_name(number), ..Default::default() };
        let standing = match self.world().pipeline().get_standing(request).await {
            Ok(standing) => standing.into_inner(),
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound);
                wire::GetStandingResponse::default()
            }
        };
        // none of an account of which nothing is known that has a currency
        let found = standing.exposure.map_or([0; 8], |exposure| {
            let parts = [
                &exposure.open_not_due,
                &exposure.overdue,
                &exposure.ordered,
                &exposure.delivered_not_billed,
                &exposure.unapplied_credit,
                &exposure.prepaid,
                &exposure.gross,
                &exposure.net,
            ];
            parts.map(|amount| units(amount.as_ref()))
        });
        let sums = reference.exposure(number, None);
        let expected = [
            sums.open_not_due,
            sums.overdue,
            sums.reserved.ordered,
            sums.reserved.delivered,
            sums.unapplied,
            sums.reserved.prepaid,
            sums.gross(),
            sums.net(),
        ];
        assert_eq!(found, expected, "exposure of account {number}");
        let pools = standing
            .pools
            .iter()
            .map(|pool| (pool.group_id.clone(), units(pool.exposure_after.as_ref()), units(pool.pool_limit.as_ref())));
        let expected = reference.counts_in(number).into_iter().filter_map(|group| {
            let pool = reference.groups[&group].pool?;
            Some((group_name(group), reference.owed_by_members(group, None), pool))
        });
        assert_eq!(pools.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "pools of account {number}");
        let request = wire::ListHoldsRequest { account_id: account_name(number), ..Default::default() };
        let holds = self.world().pipeline().list_holds(request).await.unwrap().into_inner().holds;
        let held: Vec<_> = holds.into_iter().map(|hold| (hold.order_id, hold.revision)).collect();
        let expected: Vec<_> =
            reference.held(number).into_iter().map(|(order, rev)| (order_name(order), rev)).collect();
        assert_eq!(held, expected, "held orders of account {number}");
        assert_eq!(usize::try_from(standing.held_count).unwrap(), expected.len());
    }

    /// The running total of a group, with a pool or without, is the sum over its members' documents.
    fn check_group(&self, reference: &Reference, number: GroupNo) {
        let total = |book: &crate::book::Book| {
            let pool = book.pools.get(&group_id(&group_name(number)));
            pool.map(|pool| pool.total().to_vec()).unwrap_or_default()
        };
        let found = self.world().gate.engine.read(total).unwrap();
        let owed = reference.owed_by_members(number, None);
        let expected = Some((cny(), yuan(owed).into())).filter(|_| owed > 0);
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "total of group {number}");
    }

    async fn check_order(&self, reference: &Reference, number: OrderNo) {
        let order = &reference.orders[&number];
        let found = match self.commitment(number).await {
            Ok(found) => found,
            Err(status) => {
                assert_eq!((status.code(), order.answered.is_empty()), (Code::NotFound, true), "order {number}");
                return;
            }
        };
        let hold = found.hold.map(|hold| (hold.revision, hold.state()));
        let expected = order.waiting.as_ref().map(|waiting| (waiting.revision, HoldState::Held));
        assert_eq!(hold, expected, "hold of order {number}");
        let (Some(commitment), Some(passed)) = (&found.commitment, &order.passed) else {
            assert_eq!((found.commitment.is_some(), order.passed.is_some()), (false, false), "order {number}");
            return;
        };
        let of = |line: &wire::CommitmentLine| {
            let amounts = [&line.ordered_amount, &line.cancelled_amount, &line.delivered_amount, &line.invoiced_amount];
            (line.line_id.clone(), amounts.map(|amount| units(amount.as_ref())))
        };
        let lines: BTreeMap<_, _> = commitment.lines.iter().map(of).collect();
        let expected = order
            .lines(&passed.asked, &passed.cancelled)
            .into_iter()
            .map(|line| (line.line.to_string(), [line.ordered, line.cancelled, line.delivered, line.invoiced]));
        assert_eq!(lines, expected.collect(), "lines of order {number}");
        let adds = order.adds();
        let amounts = [&commitment.ordered_amount, &commitment.delivered_not_billed_amount, &commitment.prepaid_amount];
        let amounts = amounts.map(|amount| units(amount.as_ref()));
        assert_eq!(amounts, [adds.ordered, adds.delivered, adds.prepaid], "order {number}");
        assert_eq!(commitment.revision, passed.revision, "order {number}");
        let state = match () {
            () if adds.ordered + adds.delivered > 0 => CommitmentState::Live,
            () if order.is_closed() && passed.expired => CommitmentState::Expired,
            () if order.is_closed() => CommitmentState::Cancelled,
            () => CommitmentState::Converted,
        };
        assert_eq!(commitment.state(), state, "order {number}");
        assert_eq!(commitment.release.is_some(), passed.release.is_some(), "release of order {number}");
    }

    /// The book read anew says the same.
    pub(super) fn close(mut self, reference: &Reference) {
        let again = self.runtime.block_on(self.world().reopened());
        self.world = Some(again);
        self.check(reference);
        let (database, world) = (self.database.take(), self.world.take());
        self.runtime.block_on(async {
            drop(world);
            if let Some(database) = database {
                database.remove().await;
            }
        });
    }
}

fn done<T: std::fmt::Debug>(answer: Result<T, Status>, expected: &Answer) {
    match expected {
        Answer::Done => drop(answer.unwrap()),
        _ => refused(answer, expected),
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, expected: &Answer) {
    let found = reason(&answer.unwrap_err());
    assert_eq!(*expected, Answer::Refused(Box::leak(found.into_boxed_str())));
}
